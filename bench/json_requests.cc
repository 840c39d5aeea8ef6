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

int serve(int argc, char** argv, const Usage& usage,
          const std::function<Result<int>(const std::vector<std::string>& arguments)>& run) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (argc - 1 < usage.least || argc - 1 > usage.most) {
    std::cerr << "usage: " << usage.text << "\n";
    return 1;
  }
  const Result<int> code = run(arguments);
  if (code.ok()) return code.value();
  std::cerr << code.status().message() << "\n";
  return 2;
}

}  // namespace attend::bench
