#include "attend/rope.h"

#include <cmath>
#include <string>

#include "attention/dtypes.h"
#include "attention/operand_rows.h"
#include "attention/refusal.h"
#include "attention/validate_rope.h"

namespace attend {
namespace {

/// Rows of a task.
constexpr int64_t kRopeRows = 64;

Status validate(const RopeTensors& t, const RopeOptions& options) {
  const Operand input = {"input", t.input, {"B", "H", "T", "D"}},
                output = {"output", t.output, {"B", "H", "T", "D"}};
  ATTEND_RETURN_IF_ERROR(check_type(input, Also::kFloat64));
  ATTEND_RETURN_IF_ERROR(check_same_type(output, input));
  for (size_t axis = 0; axis < 3; ++axis) ATTEND_RETURN_IF_ERROR(check_range(input, axis, 0, INT64_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(input, 3, 1, kWidestRow));
  ATTEND_RETURN_IF_ERROR(check_same(output, {0, 1, 2, 3}, input));
  ATTEND_RETURN_IF_ERROR(check_memory(input));
  ATTEND_RETURN_IF_ERROR(check_memory(output));
  ATTEND_RETURN_IF_ERROR(check_written(output));
  if (!options.rope.present()) return invalid("rope.cos is a null pointer");
  ATTEND_RETURN_IF_ERROR(check_rope(options.rope, input, sum_type(t.input.dtype)));
  const int64_t B = t.input.shape[0], T = t.input.shape[2];
  ATTEND_RETURN_IF_ERROR(check_given("positions", options.positions, options.rope, B, T));
  const RowPositions positions(options.positions, T);
  for (int64_t b = 0; b < positions.distinct_rows(B); ++b) {
    ATTEND_RETURN_IF_ERROR(check_positions(options.rope, "row", positions, b, T));
  }
  if (!same_tensor(t.output, t.input)) ATTEND_RETURN_IF_ERROR(check_apart(output, input));
  ATTEND_RETURN_IF_ERROR(check_apart(output, cos_of(options.rope)));
  ATTEND_RETURN_IF_ERROR(check_apart(output, sin_of(options.rope)));
  return check_apart(output, list_of("positions", options.positions));
}

template <class T>
void turn_rows(const RopeTensors& t, const RopeOptions& options, Executor& executor) {
  const InputRows<T> input(t.input);
  const OutputRows<T> output(t.output);
  const int64_t H = t.input.shape[1], rows = t.input.shape[2], blocks = (rows + kRopeRows - 1) / kRopeRows;
  const Rotation<T> rotation = {TurnTable<T>(options.rope), RowPositions(options.positions, rows)};
  executor.for_each(t.input.shape[0] * H * blocks, [&](int64_t item, int) {
    const int64_t block = item % blocks, h = item / blocks % H, b = item / blocks / H;
    T spare[kWidestRow];
    for (int64_t i = block * kRopeRows; i < std::min(rows, (block + 1) * kRopeRows); ++i) {
      Turn<T> turn = rotation.of(b, i);
      turn.transposed = options.transposed;
      T* made = made_row(output, b, h, i, spare);
      turn_row(turn, read_row(input, b, h, i, spare), output.width, made);
      round_row(made, output, b, h, i);
    }
  });
}

Status check_finite(const char* name, double x) {
  if (std::isfinite(x)) return {};
  return invalid(std::string(name) + " is " + std::to_string(x) + ", but must be finite");
}

Status validate(const RopeTableOptions& o, const RopeTable& table) {
  const Operand cos = {"cos", table.cos, {"0", "1", "P", "R/2"}},
                sin = {"sin", table.sin, {"0", "1", "P", "R/2"}};
  if (cos.view.dtype != DType::kFloat32 && cos.view.dtype != DType::kFloat64) {
    return {StatusCode::kUnsupported,
            std::string("cos is ") + name_of(cos.view.dtype) + ", but must be float32 or float64"};
  }
  ATTEND_RETURN_IF_ERROR(check_same_type(sin, cos));
  ATTEND_RETURN_IF_ERROR(check_size(cos, 0, 1));
  ATTEND_RETURN_IF_ERROR(check_size(cos, 1, 1));
  ATTEND_RETURN_IF_ERROR(check_range(cos, 2, 0, INT64_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(cos, 3, 1, kWidestRow / 2));
  ATTEND_RETURN_IF_ERROR(check_same(sin, {0, 1, 2, 3}, cos));
  for (const Operand* operand : {&cos, &sin}) {
    ATTEND_RETURN_IF_ERROR(check_memory(*operand));
    ATTEND_RETURN_IF_ERROR(check_written(*operand));
    ATTEND_RETURN_IF_ERROR(check_apart(*operand, list_of("frequencies", o.frequencies)));
  }
  ATTEND_RETURN_IF_ERROR(check_apart(cos, sin));
  ATTEND_RETURN_IF_ERROR(check_finite("base", o.base));
  if (o.base <= 0) return invalid("base is " + std::to_string(o.base) + ", but must be above 0");
  ATTEND_RETURN_IF_ERROR(check_finite("position_scale", o.position_scale));
  ATTEND_RETURN_IF_ERROR(check_finite("magnitude", o.magnitude));
  for (const double f : o.frequencies) ATTEND_RETURN_IF_ERROR(check_finite("a frequency", f));
  if (o.frequencies.empty() || static_cast<int64_t>(o.frequencies.size()) == cos.view.shape[3]) return {};
  return invalid("frequencies has " + std::to_string(o.frequencies.size()) + " numbers, but " +
                 axis_is(cos, 3));
}

template <class T>
void fill(const RopeTableOptions& o, const RopeTable& table) {
  const OutputRows<T> cos(table.cos), sin(table.sin);
  const int64_t pairs = table.cos.shape[3];
  for (int64_t r = 0; r < pairs; ++r) {
    const double frequency = o.frequencies.empty()
                                 ? std::pow(o.base, -static_cast<double>(r) / static_cast<double>(pairs))
                                 : o.frequencies[static_cast<size_t>(r)];
    for (int64_t p = 0; p < table.cos.shape[2]; ++p) {
      const double angle = static_cast<double>(p) * o.position_scale * frequency;
      cos.row(0, 0, p)[r] = static_cast<T>(o.magnitude * std::cos(angle));
      sin.row(0, 0, p)[r] = static_cast<T>(o.magnitude * std::sin(angle));
    }
  }
}

}  // namespace

Status rope(const RopeTensors& tensors, const RopeOptions& options, Executor& executor) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(executor));
  if (!has_elements(tensors.input.shape)) return {};
  if (tensors.input.dtype == DType::kFloat64) {
    turn_rows<double>(tensors, options, executor);
  } else {
    turn_rows<float>(tensors, options, executor);
  }
  return {};
}

Status rope_table(const RopeTableOptions& options, const RopeTable& table) {
  ATTEND_RETURN_IF_ERROR(validate(options, table));
  if (table.cos.dtype == DType::kFloat64) {
    fill<double>(options, table);
  } else {
    fill<float>(options, table);
  }
  return {};
}

}  // namespace attend
