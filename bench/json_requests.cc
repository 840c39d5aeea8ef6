#include "json_requests.h"

#include <iostream>
#include <string>

namespace attend::bench {
namespace {

Result<nlohmann::json> answer_line(const Answer& answer, const std::string& line) {
  try {
    return answer(nlohmann::json::parse(line));
  } catch (const nlohmann::json::exception& error) {
    return Status(StatusCode::kInvalidArgument, std::string("request: ") + error.what());
  }
}

}  // namespace

int answer_requests(const Answer& answer) {
  int code = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const Result<nlohmann::json> result = answer_line(answer, line);
    if (!result.ok()) code = 1;
    const nlohmann::json reply =
        result.ok() ? result.value() : nlohmann::json{{"error", result.status().message()}};
    std::cout << reply.dump() << std::endl;
  }
  return code;
}

}  // namespace attend::bench
