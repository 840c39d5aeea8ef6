// The program restarts itself once with short waits; nobody may notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

TEST(ShortWaits, ARestartedProgramSaysWhatAnUnrestartedOneSays) {
  TemporaryFolder folder;
  const std::string photo = folder.file("two words.png", png_photo());
  unsetenv("OMP_WAIT_POLICY");
  unsetenv("GOMP_SPINCOUNT");
  const Outcome restarted = run_attend({"caption", "--model", tiny_model(), photo});
  setenv("OMP_WAIT_POLICY", "passive", 1);
  const Outcome plain = run_attend({"caption", "--model", tiny_model(), photo});
  unsetenv("OMP_WAIT_POLICY");
  EXPECT_EQ(restarted.exit_code, 0);
  EXPECT_EQ(restarted.err, "");
  EXPECT_NE(restarted.out, "");
  EXPECT_EQ(restarted.out, plain.out);
}

}  // namespace
}  // namespace attend
