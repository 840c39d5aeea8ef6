// Rotary position embedding by itself: the operations of attend.h that call their counterparts of rope.h.
#include "attend/rope.h"

#include "attend/attend.h"
#include "c_api/error.h"
#include "c_api/executor.h"
#include "c_api/fields.h"
#include "c_api/operation.h"
#include "c_api/sized_struct.h"

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::Executor, attend::RopeOptions, attend::RopeTable, attend::RopeTableOptions, attend::RopeTensors,
    attend::Status;

namespace {

Status read(const attend_rope_tensors* from, RopeTensors& to) {
  attend_rope_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_views({{t.input, "input", to.input}}));
  return convert_views({{t.output, "output", to.output}});
}

Status read(const attend_rope_options* from, RopeOptions& to) {
  attend_rope_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  if (o.transposed != 0 && o.transposed != 1) {
    return invalid("transposed is " + std::to_string(o.transposed) + ", but must be 0 or 1");
  }
  to.transposed = o.transposed == 1;
  ATTEND_RETURN_IF_ERROR(convert_rope(o.rope, to.rope));
  return convert_numbers(o.positions, o.positions_count, "positions", to.positions);
}

Status read(const attend_rope_table_options* from, RopeTableOptions& to) {
  if (from == nullptr) return {};
  attend_rope_table_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  if (o.base != 0) to.base = o.base;
  if (o.position_scale != 0) to.position_scale = o.position_scale;
  if (o.magnitude != 0) to.magnitude = o.magnitude;
  return convert_numbers(o.frequencies, o.frequencies_count, "frequencies", to.frequencies);
}

Status read(const attend_rope_tables* from, RopeTable& to) {
  attend_rope_tables t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tables", t));
  return convert_views({{t.cos, "cos", to.cos}, {t.sin, "sin", to.sin}});
}

}  // namespace

attend_code attend_rope(const attend_rope_tensors* tensors, const attend_rope_options* options,
                        const attend_resources* resources) {
  return guarded([&]() -> Status {
    RopeTensors t;
    RopeOptions o;
    Resources r;
    ATTEND_RETURN_IF_ERROR(read(tensors, t));
    ATTEND_RETURN_IF_ERROR(read(options, o));
    ATTEND_RETURN_IF_ERROR(convert(resources, r));
    return with_executor(r.executor, [&](Executor& executor) { return attend::rope(t, o, executor); });
  });
}

attend_code attend_rope_table(const attend_rope_table_options* options, const attend_rope_tables* tables) {
  return guarded([&]() -> Status {
    RopeTableOptions o;
    RopeTable t;
    ATTEND_RETURN_IF_ERROR(read(options, o));
    ATTEND_RETURN_IF_ERROR(read(tables, t));
    return attend::rope_table(o, t);
  });
}
