// A test that runs once on every instruction set that this machine has.
#ifndef ATTEND_TESTS_NN_EVERY_INSTRUCTION_SET_H_
#define ATTEND_TESTS_NN_EVERY_INSTRUCTION_SET_H_

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>
#include <vector>

namespace attend::testing {

class EveryInstructionSet : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { choose(GetParam()); }
  void TearDown() override { choose(0); }

 private:
  static void choose(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline auto instruction_sets() {
  std::vector<int64_t> list;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) list.push_back(rest & -rest);
  return ::testing::ValuesIn(list);
}

inline std::string name_of_instruction_set(const ::testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

}  // namespace attend::testing

#endif  // ATTEND_TESTS_NN_EVERY_INSTRUCTION_SET_H_
