// The captions and numbers of tests/golden/evaluation.json.
#ifndef ATTEND_TESTS_EVALUATION_GOLDEN_EVALUATION_H_
#define ATTEND_TESTS_EVALUATION_GOLDEN_EVALUATION_H_

#include <fstream>
#include <nlohmann/json.hpp>

namespace attend {

inline nlohmann::json golden_evaluation() {
  std::ifstream file(ATTEND_GOLDEN_DIR "/evaluation.json");
  return nlohmann::json::parse(file);
}

}  // namespace attend

#endif  // ATTEND_TESTS_EVALUATION_GOLDEN_EVALUATION_H_
