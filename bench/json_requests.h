// A benchmark program that stays up: one JSON object a line comes in, one goes out, until the input ends.
#ifndef ATTEND_BENCH_JSON_REQUESTS_H_
#define ATTEND_BENCH_JSON_REQUESTS_H_

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/status.h"

namespace attend::bench {

/// Does what a request asks. The time that the answer reports is taken inside, around the work alone.
using Answer = std::function<Result<nlohmann::json>(const nlohmann::json& request)>;

/// Answers every line of standard input on standard output; an error goes out as {"error": MESSAGE}. Returns
/// when the input ends: 0, or 1 when a line was no JSON object, lacked what it must have, or led to an error.
int answer_requests(const Answer& answer);

/// What a program takes on its command line: `text` tells people, and a number of arguments outside [least,
/// most] is answered with it.
struct Usage {
  const char* text;
  int least, most;
};
/// main() of a program that makes something of its arguments and answers requests about it. Returns what
/// `run` returns, 1 after the usage, or 2 after an error's sentence on standard error.
int serve(int argc, char** argv, const Usage& usage,
          const std::function<Result<int>(const std::vector<std::string>& arguments)>& run);

/// Seconds that `work` takes.
template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace attend::bench

#endif  // ATTEND_BENCH_JSON_REQUESTS_H_
