// Options by name: what Python calls them, as attention.h wants them.
#ifndef ATTEND_PYTHON_BINDING_OPTIONS_H_
#define ATTEND_PYTHON_BINDING_OPTIONS_H_

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <vector>

#include "attend/attention.h"
#include "attend/decode.h"
#include "attend/executor.h"
#include "binding/array.h"
#include "binding/rope.h"

namespace attend::python {

/// Integers from a Python sequence, or none from None. `each` says in messages what there must be one of.
std::vector<int64_t> integers(const nb::object& value, const std::string& name, const char* each);
std::vector<int32_t> small_integers(const nb::object& value, const std::string& name, const char* each);

/// Runs on so many of OpenMP's threads; on all of them for None.
std::unique_ptr<Executor> executor_of(const nb::object& threads);

/// Options and what they borrow.
struct Options {
  /// Absent and None are the default; a name that is none of them is a TypeError.
  explicit Options(const nb::dict& named);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// On so many of OpenMP's threads as the option `threads` says; all of them unless it does.
  std::unique_ptr<Executor> executor() const { return make_openmp_executor(threads_); }

  /// Those that have a meaning over a cache, where the others are a TypeError.
  DecodeOptions decode() const;

  Layout layout = Layout::kBhtd;
  AttentionOptions attention;

 private:
  void set(const std::string& name, const nb::object& value);
  /// Each of these: false if `name` is none of its options.
  bool set_array(const std::string& name, const nb::object& value);
  bool set_rope(const std::string& name, const nb::object& value);

  int threads_ = 0;
  std::vector<int64_t> query_offset_, kv_lengths_;
  RopeArgument rope_;
  PositionsArgument query_positions_, key_positions_;
  std::vector<Array> arrays_;
};

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_OPTIONS_H_
