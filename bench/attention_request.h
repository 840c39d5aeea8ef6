// What a request of the attention benchmark asks to be computed.
#ifndef ATTEND_BENCH_ATTENTION_REQUEST_H_
#define ATTEND_BENCH_ATTENTION_REQUEST_H_

#include <nlohmann/json.hpp>

#include "attention_work.h"

namespace attend::bench {

/// From a "case" request; all fields have defaults: {"dtype": "float32" | "bfloat16" | "float16", "causal":
/// "none" | "upper_left" | "lower_right", "window": [left, right], "softcap": C, "dropout": RATE, "results":
/// [NAME, ...]}. Errors: kInvalidArgument for a word that is none of these.
Result<AttentionProblem> attention_problem(const nlohmann::json& request);

}  // namespace attend::bench

#endif  // ATTEND_BENCH_ATTENTION_REQUEST_H_
