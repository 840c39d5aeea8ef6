// How the C ABI reports failure: a code, and a sentence that the thread keeps.
#ifndef ATTEND_C_API_ERROR_H_
#define ATTEND_C_API_ERROR_H_

#include <exception>
#include <new>
#include <string>

#include "attend/attend.h"
#include "attend/status.h"

namespace attend::c_api {

/// Keeps the sentence of a failure for attend_last_error(), and hands out its code. Does not throw: a
/// sentence that finds no memory is cut to nothing.
attend_code report(const Status& status) noexcept;
attend_code report(attend_code code, const char* sentence) noexcept;

/// An argument that the contract does not allow.
inline Status invalid(std::string sentence) {
  return {StatusCode::kInvalidArgument, std::move(sentence)};
}

/// Runs body(), which returns a Status; what it throws becomes a code.
template <class Body>
attend_code guarded(Body&& body) noexcept {
  try {
    return report(body());
  } catch (const std::bad_alloc&) {
    return report(ATTEND_OUT_OF_MEMORY, "there is not enough memory");
  } catch (const std::exception& e) {
    return report(ATTEND_INTERNAL, e.what());
  } catch (...) {
    return report(ATTEND_INTERNAL, "an exception of an unknown type");
  }
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_ERROR_H_
