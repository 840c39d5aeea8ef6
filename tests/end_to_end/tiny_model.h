// A captioning model of random weights, a few hundred kilobytes: what the program does with files, options
// and errors does not depend on how well its model captions.
#ifndef ATTEND_TESTS_END_TO_END_TINY_MODEL_H_
#define ATTEND_TESTS_END_TO_END_TINY_MODEL_H_

#include <string>

namespace attend {

inline constexpr int kTinyGrid = 3;  // patches a side

/// The path of the model file, written by the first call and gone with the test program.
const std::string& tiny_model();

}  // namespace attend

#endif  // ATTEND_TESTS_END_TO_END_TINY_MODEL_H_
