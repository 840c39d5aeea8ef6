#include "decode_numbers.h"

#include <utility>

namespace attend::bench {

Result<DecodeNumbers> DecodeNumbers::read(const Safetensors& file) {
  DecodeNumbers numbers;
  for (const auto& [name, into] : {std::pair{"query", &numbers.query}, std::pair{"key", &numbers.key},
                                   std::pair{"value", &numbers.value}}) {
    Result<Numbers> read = Numbers::read(file, name, DType::kFloat32);
    if (!read.ok()) return read.status();
    *into = std::move(read).value();
  }
  return numbers;
}

}  // namespace attend::bench
