// Text decoders of BERT's build, as BLIP and GIT have them: norms after each sublayer, words and positions
// normed together.
#ifndef ATTEND_PUBLISHED_BERT_DECODER_H_
#define ATTEND_PUBLISHED_BERT_DECODER_H_

#include <string>

#include "language/caption_decoder.h"
#include "published/transformer_config.h"
#include "published/weight_reader.h"

namespace attend {

struct BertConfig {
  StackConfig stack;
  int64_t vocabulary = 0, positions = 0;
  int64_t memory_width = 0;  // of what cross-attention looks at; 0: there is none
  Rows rows = Rows::kFew;    // of the sequences: words, or with an image before them
  bool tied = false;         // the output's numbers are the words'
};

/// "PREFIXembeddings...", "PREFIXencoder.layer.N...", and the output's weight and bias. The bias may go by
/// another name too where it is `tied`.
struct BertNames {
  std::string prefix, output, other_bias;
};
CaptionDecoderWeights read_bert(WeightReader& reader, const BertNames& names, const BertConfig& config);

/// vocab_size and max_position_embeddings besides the stack's.
BertConfig read_bert_config(const ConfigFields& fields, const BertConfig& defaults);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_BERT_DECODER_H_
