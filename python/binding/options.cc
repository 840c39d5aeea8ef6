#include "binding/options.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>

#include "binding/cast.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

Causal causal_from_name(const std::string& name) {
  if (name == "upper_left") return Causal::kUpperLeft;
  if (name == "lower_right") return Causal::kLowerRight;
  if (name == "query_offset") return Causal::kQueryOffset;
  refuse_value("causal is \"" + name + "\", but must be False, True, \"upper_left\" or \"lower_right\"");
}

Isa isa_of(const std::string& name) {
  const std::optional<Isa> isa = isa_from_name(name);
  if (!isa) refuse_value("isa is \"" + name + "\", which names no instruction set");
  return *isa;
}

int thread_count(const nb::object& value) {
  const int threads = cast<int>(value, "threads", "an integer");
  if (threads < 1 || threads > kMostThreads) {
    refuse_value("threads is " + std::to_string(threads) + ", but must be in 1.." +
                 std::to_string(kMostThreads));
  }
  return threads;
}

}  // namespace

std::unique_ptr<Executor> executor_of(const nb::object& threads) {
  return make_openmp_executor(threads.is_none() ? 0 : thread_count(threads));
}

std::vector<int64_t> integers(const nb::object& value, const std::string& name, const char* each) {
  if (value.is_none()) return {};
  auto numbers = cast<std::vector<int64_t>>(value, name, "a sequence of integers below 2^63");
  if (numbers.empty()) refuse_value(name + " has 0 numbers, but must have one a " + each);
  return numbers;
}

std::vector<int32_t> small_integers(const nb::object& value, const std::string& name, const char* each) {
  const std::vector<int64_t> numbers = integers(value, name, each);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] >= INT32_MIN && numbers[i] <= INT32_MAX) continue;
    refuse_value(name + "[" + std::to_string(i) + "] is " + std::to_string(numbers[i]) +
                 ", but must be below 2^31");
  }
  return {numbers.begin(), numbers.end()};
}

Options::Options(const nb::dict& named) {
  arrays_.reserve(named.size());
  for (const auto& [name, value] : named) {
    if (!value.is_none()) set(nb::cast<std::string>(name), nb::borrow<nb::object>(value));
  }
}

bool Options::set_array(const std::string& name, const nb::object& value) {
  if (name == "mask") {
    attention.mask = arrays_.emplace_back(value, name, false).broadcast();
    if (attention.mask.dtype != DType::kBool) {
      refuse_type(std::string("mask is ") + arrays_.back().dtype() + ", but must be bool");
    }
  } else if (name == "bias") {
    attention.bias = arrays_.emplace_back(value, name, false).broadcast();
  } else if (name == "alibi_slopes") {
    attention.alibi_slopes = arrays_.emplace_back(value, name, false).per_head();
  } else if (name == "sinks") {
    attention.sinks = arrays_.emplace_back(value, name, false).per_head();
  } else {
    return false;
  }
  return true;
}

bool Options::set_rope(const std::string& name, const nb::object& value) {
  if (name == "rope") {
    rope_ = RopeArgument(value);
    attention.rope = rope_.rope();
  } else if (name == "query_positions") {
    query_positions_ = PositionsArgument(value, name);
    attention.query_positions = query_positions_.numbers();
  } else if (name == "key_positions") {
    key_positions_ = PositionsArgument(value, name);
    attention.key_positions = key_positions_.numbers();
  } else {
    return false;
  }
  return true;
}

void Options::set(const std::string& name, const nb::object& value) {
  if (name == "layout") {
    layout = layout_from_name(cast<std::string>(value, name, "a string"));
  } else if (name == "scale") {
    attention.scale = cast<float>(value, name, "a number");
  } else if (name == "causal") {
    attention.causal = causal_from_name(cast<std::string>(value, name, "a bool or a string"));
  } else if (name == "query_offset") {
    attention.query_offset = query_offset_ = integers(value, name, "batch row");
  } else if (name == "window") {
    const auto window = cast<std::pair<int64_t, int64_t>>(value, name, "two integers");
    attention.window = {window.first, window.second};
  } else if (name == "kv_lengths") {
    attention.kv_lengths = kv_lengths_ = integers(value, name, "batch row");
  } else if (name == "softcap") {
    attention.softcap = cast<float>(value, name, "a number");
  } else if (name == "dropout") {
    attention.dropout = cast<float>(value, name, "a number");
  } else if (name == "seed") {
    attention.seed = cast<uint64_t>(value, name, "an integer in [0, 2^64)");
  } else if (name == "isa") {
    attention.isa = isa_of(cast<std::string>(value, name, "a string"));
  } else if (name == "threads") {
    threads_ = thread_count(value);
  } else if (!set_array(name, value) && !set_rope(name, value)) {
    refuse_type("there is no option \"" + name + "\"");
  }
}

DecodeOptions Options::decode() const {
  const AttentionOptions& a = attention;
  const std::pair<const char*, bool> without_meaning[] = {{"query_offset", !a.query_offset.empty()},
                                                          {"kv_lengths", !a.kv_lengths.empty()},
                                                          {"mask", a.mask.present()},
                                                          {"bias", a.bias.present()},
                                                          {"dropout", a.dropout != 0},
                                                          {"key_positions", !a.key_positions.empty()}};
  for (const auto& [name, given] : without_meaning) {
    if (given) refuse_type(std::string(name) + " is given, but has no meaning over a cache");
  }
  DecodeOptions options;
  options.scale = a.scale;
  options.causal = a.causal;
  options.window = a.window;
  options.softcap = a.softcap;
  options.alibi_slopes = a.alibi_slopes;
  options.sinks = a.sinks;
  options.rope = a.rope;
  options.query_positions = a.query_positions;
  options.isa = a.isa;
  return options;
}

}  // namespace attend::python
