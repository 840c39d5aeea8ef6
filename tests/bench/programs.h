// Running the benchmark programs in tests: requests in, answers out.
#ifndef ATTEND_TESTS_BENCH_PROGRAMS_H_
#define ATTEND_TESTS_BENCH_PROGRAMS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace attend {

using Json = nlohmann::json;

struct Output {
  int status = -1;  // what pclose() says: 0 when the program ended well
  std::string text;
};

Output run(const std::string& command);

struct Answers {
  int status = -1;
  std::vector<Json> lines;
};

/// Runs `command` with one request a line on its standard input.
Answers ask(const std::string& command, const std::vector<Json>& requests);

/// A safetensors file of any types; attend itself writes only floats.
std::string safetensors_bytes(const Json& header, const std::string& data);

/// Adds a tensor to what safetensors_bytes() takes.
template <class T>
void append(std::string& data, Json& header, const std::string& name, const std::string& dtype,
            const std::vector<int64_t>& shape, const std::vector<T>& values) {
  const size_t begin = data.size();
  data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
}

}  // namespace attend

#endif  // ATTEND_TESTS_BENCH_PROGRAMS_H_
