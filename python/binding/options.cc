#include "binding/options.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>

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
  const std::vector<Isa> here = isas();
  for (const Isa known : here) {
    if (known == *isa) return *isa;
  }
  std::string sentence = "isa is \"" + name + "\", but this machine has";
  for (const Isa known : here) sentence.append(" ").append(attend::name(known));
  refuse_value(sentence);
}

/// A value of type T, or a TypeError that names the option.
template <class T>
T cast(const nb::object& value, const std::string& name, const char* need) {
  T result;
  if (!nb::try_cast(value, result)) {
    refuse_type(name + " is " + nb::cast<std::string>(nb::str(value.type().attr("__name__"))) +
                ", but must be " + need);
  }
  return result;
}

std::vector<int64_t> integers(const nb::object& value, const std::string& name) {
  auto numbers = cast<std::vector<int64_t>>(value, name, "a sequence of integers below 2^63");
  if (numbers.empty()) refuse_value(name + " has 0 numbers, but must have one a batch row");
  return numbers;
}

}  // namespace

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

void Options::set(const std::string& name, const nb::object& value) {
  if (name == "layout") {
    layout = layout_from_name(cast<std::string>(value, name, "a string"));
  } else if (name == "scale") {
    attention.scale = cast<float>(value, name, "a number");
  } else if (name == "causal") {
    attention.causal = causal_from_name(cast<std::string>(value, name, "a bool or a string"));
  } else if (name == "query_offset") {
    attention.query_offset = query_offset_ = integers(value, name);
  } else if (name == "window") {
    const auto window = cast<std::pair<int64_t, int64_t>>(value, name, "two integers");
    attention.window = {window.first, window.second};
  } else if (name == "kv_lengths") {
    attention.kv_lengths = kv_lengths_ = integers(value, name);
  } else if (name == "softcap") {
    attention.softcap = cast<float>(value, name, "a number");
  } else if (name == "dropout") {
    attention.dropout = cast<float>(value, name, "a number");
  } else if (name == "seed") {
    attention.seed = cast<uint64_t>(value, name, "an integer in [0, 2^64)");
  } else if (name == "isa") {
    attention.isa = isa_of(cast<std::string>(value, name, "a string"));
  } else if (name == "threads") {
    threads_ = cast<int>(value, name, "an integer");
    if (threads_ < 1 || threads_ > 1024) {
      refuse_value("threads is " + std::to_string(threads_) + ", but must be in 1..1024");
    }
  } else if (!set_array(name, value)) {
    refuse_type("there is no option \"" + name + "\"");
  }
}

}  // namespace attend::python
