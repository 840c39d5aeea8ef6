// A photo goes in; a sentence comes out, and for every word the map of where the model looked as it said it.
//
//   auto captioner = attend::Captioner::load("models/attend.safetensors");
//   auto caption = captioner.value().caption_file("dog.jpg");
//   for (const attend::CaptionWord& word : caption.value().words) {
//     ...  // word.text, word.probability, word.attention
//   }
//
// How: the photo is squashed to a square and cut by a convolutional encoder into a grid of G x G patches.
// Each patch gives a key (what it looks like) and a value (what is there, and where it is), computed once a
// photo. A Transformer says the sentence word by word; at each word it weighs the patches by how well their
// keys fit what it is about to say. Those weights, averaged over heads and layers, are the word's map. It
// says where the model looked, not why.
//
// This header is for programs that are built together with attend: add_subdirectory() gives them the target
// attend::captioner. It is not installed, and neither are the libraries that it takes.
#ifndef ATTEND_CAPTIONER_H_
#define ATTEND_CAPTIONER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "attend/status.h"

namespace attend {

struct Photo;  // "vision/photo.h", beside load_photo(): upright 8-bit sRGB

/// How a caption is found. What is absent is as the model's file says; its makers chose it on validation
/// photos.
struct CaptionOptions {
  std::optional<int> beam;  // sentences followed side by side; 1 takes the likeliest word each time
  std::optional<double> length_exponent;  // sentences are ranked by log-probability / length^this
  std::optional<int> no_repeat_ngram;     // no run of so many words comes twice; 0 allows all
  std::optional<int> min_words;  // as the model counts words ("man's" is two); published models count
                                 // tokens, the start and the prompt's included
  std::optional<int> max_words;  // with it alone, a model file's own least gives way to it

  /// Set: words are drawn by chance, by this seed, for one sentence: a beam other than 1 is refused beside
  /// it.
  std::optional<uint64_t> sample_seed;
  /// How bold the draw is, 1 unless set (below: safer; above: odder); refused without a seed.
  std::optional<double> temperature;

  /// How the sentence begins; the model goes on from there. Only published models take one.
  std::optional<std::string> prompt;

  /// Whether CaptionWord::attention is filled.
  bool attention = true;
};

struct CaptionWord {
  std::string text;        // as it stands in the sentence: "man's"
  double probability = 0;  // the model's, after the words before it; of all parts of "man's" together
  /// [grid, grid] from the photo's top left, row by row; sums to 1; empty unless asked for.
  std::vector<float> attention;
};

/// A part of a photo in shares of its sides, from the top left.
struct CaptionArea {
  double left = 0, top = 0, right = 1, bottom = 1;
};

struct Caption {
  std::string text;        // lower case, no full stop: "a man's dog runs on the beach"
  double probability = 0;  // of the whole sentence, its end included: exp(log_probability)
  double log_probability = 0;
  int grid = 0;      // patches a side
  CaptionArea area;  // what the grid covers; less than the photo where the model sees its middle alone
  std::vector<CaptionWord> words;  // joined by spaces, they are `text`, or what came of it after a prompt
  /// Numbers in the model's vocabulary: the start, the prompt's, what was said, the end.
  std::vector<int32_t> tokens;
};

/// How a published model's weights are held. Rounding loses a little: Captioner::notes() says how much.
enum class WeightPrecision { kAsStored, kBFloat16, kInt8 };

/// A loaded model: a model file of this project's, or a published checkpoint in a folder
/// (docs/published_models.md), which says the tokens that Hugging Face transformers says. Safe to use from
/// several threads; the photo encoder's calls take turns.
class Captioner {
 public:
  /// Reads a model file, or a folder with a published checkpoint, whose weights stay in the mapped file
  /// unless `precision` has them rounded. `executor` runs the attention and must outlive the Captioner;
  /// convolutions and matrix products run on OpenMP's threads, for which GNU's OpenMP waits for ever in a
  /// child of fork() unless the call comes from a thread that the child started. Errors: kNotFound, kIo;
  /// kCorrupt and kUnsupported naming the file and the tensor or key at fault; kOutOfMemory.
  static Result<Captioner> load(const std::string& path, Executor& executor = serial_executor(),
                                WeightPrecision precision = WeightPrecision::kAsStored);

  /// The same from the bytes of a model file, which may go afterwards; `name` stands in messages.
  static Result<Captioner> load(std::span<const std::byte> bytes, const std::string& name,
                                Executor& executor = serial_executor());

  Captioner(Captioner&&) noexcept;
  Captioner& operator=(Captioner&&) noexcept;
  ~Captioner();

  /// Whether this model can follow `options`, which does not depend on the photo. Errors: kInvalidArgument
  /// naming the option; kUnsupported where the checkpoint needs one that is not given.
  Status check(const CaptionOptions& options) const;

  /// Errors: those of check(); of the file: kNotFound, kIo, kCorrupt, kUnsupported; kOutOfMemory.
  Result<Caption> caption_file(const std::string& path, const CaptionOptions& options = {}) const;
  Result<Caption> caption(const Photo& photo, const CaptionOptions& options = {}) const;

  /// Several photos at once, which share the matrix products. Each gets the caption that it would get alone,
  /// up to the rounding of those products.
  Result<std::vector<Caption>> caption(std::span<const Photo> photos,
                                       const CaptionOptions& options = {}) const;

  /// From patch features that are there already, [photos, grid * grid, features()] row by row. kUnsupported
  /// with a published model.
  Result<std::vector<Caption>> caption_features(std::span<const float> features, int64_t photos,
                                                const CaptionOptions& options = {}) const;

  int grid() const;
  /// Of a patch, as caption_features() takes them.
  int64_t features() const;
  /// The longer side that photos may be shrunk to as they are decoded, without the model seeing a difference
  /// that counts.
  int longest_side() const;
  /// Words that it can say.
  int64_t vocabulary() const;
  /// Learned numbers, the photo encoder's included.
  int64_t parameters() const;
  /// What its makers wrote about it: training data, licence, scores, ...
  const std::map<std::string, std::string>& notes() const;

 private:
  struct Model;
  explicit Captioner(std::unique_ptr<Model> model);
  std::unique_ptr<Model> model_;
};

}  // namespace attend

#endif  // ATTEND_CAPTIONER_H_
