// The vision Transformers of published captioners, from the tensors of their checkpoints.
#ifndef ATTEND_PUBLISHED_VIT_WEIGHTS_H_
#define ATTEND_PUBLISHED_VIT_WEIGHTS_H_

#include "published/transformer_config.h"
#include "published/weight_reader.h"
#include "vision/vit_encoder.h"

namespace attend {

/// "vision_model...": query, key and value in one tensor.
VitWeights read_blip_vision(WeightReader& reader, const VisionConfig& config);
/// "encoder..." of a vision-encoder-decoder: ViT under the names of its checkpoints.
VitWeights read_vit(WeightReader& reader, const VisionConfig& config);
/// "git.image_encoder.vision_model...": CLIP, with a norm before the blocks and patches without bias.
VitWeights read_git_vision(WeightReader& reader, const VisionConfig& config);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_VIT_WEIGHTS_H_
