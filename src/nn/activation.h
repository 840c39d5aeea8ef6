// The functions between the two products of a feed-forward network, by the names that checkpoints call them.
#ifndef ATTEND_NN_ACTIVATION_H_
#define ATTEND_NN_ACTIVATION_H_

#include <optional>
#include <string_view>

#include "base/matrix.h"
#include "nn/pass.h"

namespace attend {

enum class Activation {
  kGelu,         // x Phi(x)                                                       "gelu"
  kGeluTanh,     // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))               "gelu_new",
                 // "gelu_pytorch_tanh"
  kGeluSigmoid,  // x / (1 + exp(-1.702 x))                                        "quick_gelu"
  kRelu,         // max(x, 0)                                                      "relu"
};

/// Nothing for a name that is none of the above.
std::optional<Activation> activation_named(std::string_view name);

/// In place.
void activate(Activation activation, Matrix<float> x, Pass& pass);

}  // namespace attend

#endif  // ATTEND_NN_ACTIVATION_H_
