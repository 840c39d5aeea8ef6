// Our side of decoding against others: computes what attention.py asks and says how long it took.
//
//   {"do": "facts"}                        -> {"isa": "avx2", "threads": 2}
//   {"do": "bandwidth"}                    -> {"seconds": of a byte read}: 512 MB read by all threads
//   {"do": "case", "data": FILE, "stored": TYPE, "keys": N, "name": NAME}
//                                          -> {"explain": TEXT, "layers": N, "bytes": of a layer}
//   {"do": "decode", "name": NAME, "heads": Hq}
//                                          -> {"seconds": of a token through one layer}
//   {"do": "write", "name": NAME, "path": FILE}
//                                          -> {}: what was computed last
//   {"do": "forget"}                       -> {}: all cases
//
// The data are a safetensors file with query [B, Hq, 1, D], and tokens to fill caches with, again and again:
// key and value [1, Hkv, tokens, width].
#ifndef ATTEND_BENCH_DECODE_REQUESTS_H_
#define ATTEND_BENCH_DECODE_REQUESTS_H_

#include <map>
#include <string>

#include "decode_work.h"
#include "json_requests.h"

namespace attend::bench {

class DecodeRequests {
 public:
  explicit DecodeRequests(Executor& executor) : executor_(executor) {}
  Result<nlohmann::json> answer(const nlohmann::json& request);

 private:
  nlohmann::json bandwidth();
  Result<nlohmann::json> prepare(const std::string& name, const nlohmann::json& request);
  Result<nlohmann::json> decode(DecodeWork& work, int64_t heads);

  Executor& executor_;
  AlignedBytes memory_;
  std::map<std::string, DecodeWork> works_;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_DECODE_REQUESTS_H_
