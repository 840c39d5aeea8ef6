#include "c_api/error.h"

namespace attend::c_api {
namespace {

std::string& last_sentence() {
  thread_local std::string sentence;
  return sentence;
}

attend_code code_of(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return ATTEND_OK;
    case StatusCode::kInvalidArgument:
      return ATTEND_INVALID_ARGUMENT;
    case StatusCode::kUnsupported:
      return ATTEND_UNSUPPORTED;
    case StatusCode::kOutOfMemory:
      return ATTEND_OUT_OF_MEMORY;
    case StatusCode::kNotFound:
    case StatusCode::kCorrupt:
    case StatusCode::kIo:
      break;  // of files, which the engine has none of
  }
  return ATTEND_INTERNAL;
}

}  // namespace

attend_code report(attend_code code, const char* sentence) noexcept {
  try {
    last_sentence() = sentence;
  } catch (...) {
    last_sentence().clear();
  }
  return code;
}

attend_code report(const Status& status) noexcept {
  return status.ok() ? ATTEND_OK : report(code_of(status.code()), status.message().c_str());
}

}  // namespace attend::c_api

extern "C" const char* attend_last_error(void) {
  return attend::c_api::last_sentence().c_str();
}
