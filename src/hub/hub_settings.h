// Where the hub is, where its files are kept on this machine, and who asks for them: the environment
// variables of Python's huggingface_hub, with its defaults; one that is empty counts as one that is not set.
//
//   HF_ENDPOINT                       https://huggingface.co, or a mirror
//   HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub,
//   ~/.cache/huggingface/hub HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the file HF_TOKEN_PATH, the file
//   HF_HOME/token; HF_HUB_DISABLE_IMPLICIT_TOKEN     to use none of them HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE
//   HF_HUB_DOWNLOAD_TIMEOUT           seconds of silence until a connection counts as cut
//   CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE   certificates other than the system's
#ifndef ATTEND_HUB_HUB_SETTINGS_H_
#define ATTEND_HUB_HUB_SETTINGS_H_

#include <chrono>
#include <functional>
#include <string>

#include "attend/status.h"

namespace attend {

struct HubSettings {
  std::string endpoint;  // without a slash at its end
  std::string cache;     // the folder that holds models--OWNER--REPO
  std::string token;     // empty: nobody in particular
  std::string token_source;
  bool offline = false;
  std::string certificates;  // a file; empty: the system's
  std::chrono::seconds timeout{10};
  std::chrono::milliseconds pause{1000};  // before a request is made again
};

/// Looks a variable up, as getenv does; null when it is not set.
using Environment = std::function<const char*(const char* name)>;
Environment process_environment();

/// The folder of the cache, whether or not it is there yet.
std::string hub_cache_folder(const Environment& environment = process_environment());

/// Errors: kInvalidArgument for an endpoint, a timeout or a token that cannot be one, naming the variable;
/// kIo for a token file that is there and cannot be read.
Result<HubSettings> hub_settings(const Environment& environment = process_environment());

}  // namespace attend

#endif  // ATTEND_HUB_HUB_SETTINGS_H_
