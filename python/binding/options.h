// Options by name: what Python calls them, as attention.h and decode.h want them.
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

/// What options borrow.
struct Borrowed {
  std::vector<int64_t> query_offset, kv_lengths;
  RopeArgument rope;
  PositionsArgument query_positions, key_positions;
  std::vector<Array> arrays;
};

/// The options of an operation, by name. Absent and None are the default; a name that is not one of that
/// operation's is a TypeError.
class CallOptions {
 public:
  CallOptions(const CallOptions&) = delete;
  CallOptions& operator=(const CallOptions&) = delete;

  /// On so many of OpenMP's threads as the option `threads` says; all of them unless it does.
  std::unique_ptr<Executor> executor() const { return make_openmp_executor(threads_); }

 protected:
  CallOptions() = default;
  ~CallOptions() = default;

  int threads_ = 0;
  Borrowed borrowed_;
};

/// Of attention(), its backward pass and explain().
struct Options : CallOptions {
  explicit Options(const nb::dict& named);

  Layout layout = Layout::kBhtd;
  AttentionOptions attention;
};

/// Of attention_varlen(), its backward pass and explain_varlen(), whose axes have one order.
struct PackedOptions : CallOptions {
  explicit PackedOptions(const nb::dict& named);

  AttentionOptions attention;
};

/// Of attention_decode() and explain_decode().
struct CacheOptions : CallOptions {
  explicit CacheOptions(const nb::dict& named);

  Layout layout = Layout::kBhtd;
  DecodeOptions decode;
};

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_OPTIONS_H_
