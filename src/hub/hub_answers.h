// What the hub's refusals mean, in a sentence that says what to do.
#ifndef ATTEND_HUB_HUB_ANSWERS_H_
#define ATTEND_HUB_HUB_ANSWERS_H_

#include <string>

#include "attend/status.h"
#include "hub/http_client.h"
#include "hub/hub_settings.h"
#include "hub/model_name.h"

namespace attend {

/// Of an outcome that is not a success. `what` was asked for: "model.safetensors", or "" for the model
/// itself. kNotFound: there is no such model, revision or file. kIo: everything else.
Status explain(const HttpOutcome& outcome, const ModelName& name, const std::string& what,
               const HubSettings& settings);

/// Whether the same request may be answered another time: too busy, out of order for now.
bool is_passing(int status);

}  // namespace attend

#endif  // ATTEND_HUB_HUB_ANSWERS_H_
