#include "resident_memory.h"

#include <fstream>
#include <sstream>
#include <string>

namespace attend::bench {

ResidentMemory resident_memory() {
  ResidentMemory memory;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t kilobytes = 0;
    words >> name >> kilobytes;
    if (name == "VmRSS:") memory.now = kilobytes * 1024;
    if (name == "VmHWM:") memory.peak = kilobytes * 1024;
  }
  return memory;
}

bool forget_resident_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // proc(5): resets the high-water mark of resident memory
  return file.good();
}

}  // namespace attend::bench
