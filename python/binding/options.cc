#include "binding/options.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <iterator>
#include <string>

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

AttentionWindow window_of(const nb::object& value) {
  const std::vector<int64_t> sides = integer_list<int64_t>(value, "window");
  if (sides.size() != 2) {
    refuse_value("window has " + std::to_string(sides.size()) + " numbers, but must have 2: (left, right)");
  }
  return {sides[0], sides[1]};
}

int thread_count(const nb::object& value) {
  return integer<int>(value, "threads", 1, kMostThreads);
}

template <class T>
std::vector<T> one_each(const nb::object& value, const std::string& name, const char* each) {
  if (value.is_none()) return {};
  std::vector<T> numbers = integer_list<T>(value, name);
  if (numbers.empty()) refuse_value(name + " has 0 numbers, but must have one a " + each);
  return numbers;
}

/// What the caller gave, by the option's name.
struct Given {
  std::string name;
  nb::object value;
};

/// An option of Target's, and how it is set.
template <class Target>
struct Option {
  const char* name;
  void (*set)(Target& target, Borrowed& borrowed, const Given& given);
};

TensorView per_head(Borrowed& borrowed, const Given& given) {
  return borrowed.arrays.emplace_back(given.value, given.name, false, kSumTypes).per_head();
}

constexpr Option<int> kThreads[] = {
    {"threads", [](int& threads, Borrowed&, const Given& given) { threads = thread_count(given.value); }}};

constexpr Option<Layout> kLayout[] = {{"layout", [](Layout& layout, Borrowed&, const Given& given) {
                                         layout = layout_from_name(
                                             cast<std::string>(given.value, given.name, "a string"));
                                       }}};

/// What attention has, over a cache too: AttentionOptions and DecodeOptions have the same names for it.
template <class Target>
constexpr Option<Target> kEverywhere[] = {
    {"scale",
     [](Target& to, Borrowed&, const Given& given) { to.scale = number<float>(given.value, given.name); }},
    {"causal",
     [](Target& to, Borrowed&, const Given& given) {
       to.causal = causal_from_name(cast<std::string>(given.value, given.name, "a bool or a string"));
     }},
    {"window", [](Target& to, Borrowed&, const Given& given) { to.window = window_of(given.value); }},
    {"softcap",
     [](Target& to, Borrowed&, const Given& given) { to.softcap = number<float>(given.value, given.name); }},
    {"alibi_slopes",
     [](Target& to, Borrowed& borrowed, const Given& given) { to.alibi_slopes = per_head(borrowed, given); }},
    {"sinks",
     [](Target& to, Borrowed& borrowed, const Given& given) { to.sinks = per_head(borrowed, given); }},
    {"rope",
     [](Target& to, Borrowed& borrowed, const Given& given) {
       borrowed.rope = RopeArgument(given.value);
       to.rope = borrowed.rope.rope();
     }},
    {"query_positions",
     [](Target& to, Borrowed& borrowed, const Given& given) {
       borrowed.query_positions = PositionsArgument(given.value, given.name);
       to.query_positions = borrowed.query_positions.numbers();
     }},
    {"isa", [](Target& to, Borrowed&, const Given& given) {
       to.isa = isa_of(cast<std::string>(given.value, given.name, "a string"));
     }}};

/// What has no meaning over a cache.
constexpr Option<AttentionOptions> kWithoutCache[] = {
    {"query_offset",
     [](AttentionOptions& to, Borrowed& borrowed, const Given& given) {
       to.query_offset = borrowed.query_offset = integers(given.value, given.name, "batch row");
     }},
    {"kv_lengths",
     [](AttentionOptions& to, Borrowed& borrowed, const Given& given) {
       to.kv_lengths = borrowed.kv_lengths = integers(given.value, given.name, "batch row");
     }},
    {"mask",
     [](AttentionOptions& to, Borrowed& borrowed, const Given& given) {
       const Array& mask = borrowed.arrays.emplace_back(given.value, given.name, false, "bool");
       to.mask = mask.broadcast();
       if (to.mask.dtype != DType::kBool) {
         refuse_type(std::string("mask is ") + mask.dtype() + ", but must be bool");
       }
     }},
    {"bias",
     [](AttentionOptions& to, Borrowed& borrowed, const Given& given) {
       to.bias = borrowed.arrays.emplace_back(given.value, given.name, false, kSumTypes).broadcast();
     }},
    {"dropout", [](AttentionOptions& to, Borrowed&,
                   const Given& given) { to.dropout = number<float>(given.value, given.name); }},
    {"seed", [](AttentionOptions& to, Borrowed&,
                const Given& given) { to.seed = integer<uint64_t>(given.value, given.name); }},
    {"key_positions", [](AttentionOptions& to, Borrowed& borrowed, const Given& given) {
       borrowed.key_positions = PositionsArgument(given.value, given.name);
       to.key_positions = borrowed.key_positions.numbers();
     }}};

/// Sets the option if it is one of these; whether it is.
template <class Target, size_t n>
bool set(const Option<Target> (&options)[n], Target& target, Borrowed& borrowed, const Given& given) {
  const auto* option =
      std::find_if(std::begin(options), std::end(options),
                   [&](const Option<Target>& candidate) { return given.name == candidate.name; });
  if (option == std::end(options)) return false;
  if (!given.value.is_none()) option->set(target, borrowed, given);
  return true;
}

/// set_option(given), for all that is given, which must be known to it.
template <class Set>
void set_all(const nb::dict& named, Set&& set_option) {
  for (const auto& [name, value] : named) {
    const Given given = {nb::cast<std::string>(name), nb::borrow<nb::object>(value)};
    if (!set_option(given)) refuse_type("there is no option \"" + given.name + "\"");
  }
}

bool set_attention(AttentionOptions& attention, Borrowed& borrowed, const Given& given) {
  return set(kEverywhere<AttentionOptions>, attention, borrowed, given) ||
         set(kWithoutCache, attention, borrowed, given);
}

void refuse_without_cache(const std::string& name) {
  for (const Option<AttentionOptions>& option : kWithoutCache) {
    if (name == option.name) refuse_type(name + " is given, but has no meaning over a cache");
  }
}

}  // namespace

std::unique_ptr<Executor> executor_of(const nb::object& threads) {
  return make_openmp_executor(threads.is_none() ? 0 : thread_count(threads));
}

std::vector<int64_t> integers(const nb::object& value, const std::string& name, const char* each) {
  return one_each<int64_t>(value, name, each);
}

std::vector<int32_t> small_integers(const nb::object& value, const std::string& name, const char* each) {
  return one_each<int32_t>(value, name, each);
}

Options::Options(const nb::dict& named) {
  set_all(named, [&](const Given& given) {
    return set(kThreads, threads_, borrowed_, given) || set(kLayout, layout, borrowed_, given) ||
           set_attention(attention, borrowed_, given);
  });
}

PackedOptions::PackedOptions(const nb::dict& named) {
  set_all(named, [&](const Given& given) {
    return set(kThreads, threads_, borrowed_, given) || set_attention(attention, borrowed_, given);
  });
}

CacheOptions::CacheOptions(const nb::dict& named) {
  decode.causal = Causal::kNone;  // as everywhere in Python, whose functions have the default
  set_all(named, [&](const Given& given) {
    refuse_without_cache(given.name);
    return set(kThreads, threads_, borrowed_, given) || set(kLayout, layout, borrowed_, given) ||
           set(kEverywhere<DecodeOptions>, decode, borrowed_, given);
  });
}

}  // namespace attend::python
