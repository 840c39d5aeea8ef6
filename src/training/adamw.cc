#include "training/adamw.h"

#include <algorithm>
#include <cmath>

#include "training/adamw_kernel.h"
#include "training/option_bounds.h"

namespace attend {
namespace {

constexpr int64_t kPiece = 16384;  // numbers: their four arrays fit in a core's L2 cache
constexpr double kSmall = 1e-6;    // added to the norm, as PyTorch's clip_grad_norm_ does

}  // namespace

Status check(const AdamWOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_within("weight decay", options.weight_decay, options.kWeightDecay));
  ATTEND_RETURN_IF_ERROR(check_within("beta2", options.beta2, options.kBeta2));
  return check_within("clip", options.clip, options.kClip);
}

template <class T>
AdamW<T>::AdamW(const ParameterList<T>& parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  int64_t total = 0;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const int64_t size = parameters_[p]->size();
    starts_.push_back(total);
    total += size;
    for (int64_t begin = 0; begin < size; begin += kPiece) {
      pieces_.push_back({p, begin, std::min(kPiece, size - begin)});
    }
  }
  first_.resize(static_cast<size_t>(total));
  second_.resize(static_cast<size_t>(total));
  sums_.resize(pieces_.size());
}

template <class T>
double AdamW<T>::gradient_norm(Executor& executor) {
  executor.for_each(static_cast<int64_t>(pieces_.size()), [this](int64_t i, int) {
    const Piece& piece = pieces_[static_cast<size_t>(i)];
    const T* gradient = parameters_[piece.parameter]->gradient().data + piece.begin;
    sums_[static_cast<size_t>(i)] = sum_of_squares(gradient, piece.count);
  });
  double sum = 0;
  for (const double piece : sums_) sum += piece;
  return std::sqrt(sum);
}

template <class T>
double AdamW<T>::step(double rate, Executor& executor) {
  for (Parameter<T>* parameter : parameters_) parameter->gradient();  // memory is taken here, not by workers
  const double norm = gradient_norm(executor);
  if (!std::isfinite(norm)) return norm;

  ++steps_;
  const double t = static_cast<double>(steps_);
  AdamWStep step;
  step.gradient_scale = options_.clip > 0 ? std::min(1.0, options_.clip / (norm + kSmall)) : 1.0;
  step.beta1 = options_.beta1;
  step.beta2 = options_.beta2;
  step.rate = rate / (1.0 - std::pow(options_.beta1, t));
  step.inverse_root = 1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t));
  step.epsilon = options_.epsilon;
  executor.for_each(static_cast<int64_t>(pieces_.size()), [&](int64_t i, int) {
    const Piece& piece = pieces_[static_cast<size_t>(i)];
    Parameter<T>& parameter = *parameters_[piece.parameter];
    AdamWStep own = step;
    own.keep = parameter.decays() ? 1.0 - rate * options_.weight_decay : 1.0;
    const int64_t moments = starts_[piece.parameter] + piece.begin;
    adamw_update(own,
                 AdamWArrays<T>{parameter.gradient().data + piece.begin, parameter.value().data + piece.begin,
                                first_.data() + moments, second_.data() + moments, piece.count});
  });
  return norm;
}

template class AdamW<float>;
template class AdamW<double>;

}  // namespace attend
