#include "bench/programs.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "cli/temporary_folder.h"

namespace attend {

Output run(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  Output output;
  std::array<char, 4096> buffer{};
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.text.append(buffer.data(), count);
  }
  output.status = pclose(pipe);
  return output;
}

Answers ask(const std::string& command, const std::vector<Json>& requests) {
  const TemporaryFolder folder;
  std::string text;
  for (const Json& request : requests) text += request.dump() + "\n";
  const Output output = run(command + " < " + folder.file("requests", text));
  Answers answers{output.status, {}};
  std::istringstream stream(output.text);
  for (std::string line; std::getline(stream, line);) answers.lines.push_back(Json::parse(line));
  return answers;
}

std::string safetensors_bytes(const Json& header, const std::string& data) {
  std::string text = header.dump();
  text.append(7 - (text.size() + 7) % 8, ' ');  // so that the data is aligned, as the format recommends
  const uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + text + data;
}

}  // namespace attend
