// From a photo's keys and values to the odds of the next word, and to where each step looked.
#include "captioner/caption_model.h"
#include "language/memory_in_words.h"

namespace attend {

std::unique_ptr<NextWord> look_at(const CaptionModel<float>& model, ConstMatrix<float> features,
                                  Executor& executor) {
  Arena arena;
  Pass encode(arena, executor);
  const auto photo = model.patches.forward(features, encode, nullptr);
  return speak_about({photo.key_input, photo.value_input, photo.offsets}, {}, model.text, executor);
}

}  // namespace attend
