// Problems of every kind, drawn from choices: what fuzzing and the tests of properties try the kernels on.
#ifndef ATTEND_TESTS_ATTENTION_DRAWN_CASE_H_
#define ATTEND_TESTS_ATTENTION_DRAWN_CASE_H_

#include "attention/attention_case.h"
#include "attention/packed_case.h"
#include "base/choices.h"

namespace attend {

/// Sizes around the widths of registers, tiles and blocks; none is 0 save, rarely, Tq or Tk.
Sizes draw_sizes(Choices& choices);

/// Sizes, and any of the options together, but for rotary positions.
CaseSpec draw_case(Choices& choices);

/// The same, and rotary positions sometimes.
CaseSpec draw_turned_case(Choices& choices);

/// Up to five packed sequences, some of them empty, and any of the options.
PackedSpec draw_packed(Choices& choices);

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_DRAWN_CASE_H_
