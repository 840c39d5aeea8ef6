// Multi-head attention (Vaswani et al. 2017) over packed sequences: projections around attend::attention().
//
// Sequences of different lengths lie one after the other in the rows of one matrix, without padding:
// sequence s has the rows [offsets[s], offsets[s + 1]). Heads lie side by side in the columns.
#ifndef ATTEND_NN_MULTI_HEAD_ATTENTION_H_
#define ATTEND_NN_MULTI_HEAD_ATTENTION_H_

#include <cstdint>
#include <span>
#include <string>

#include "attend/attention.h"
#include "nn/key_value_cache.h"
#include "nn/linear.h"

namespace attend {

/// [sequences + 1] ascending row numbers, from 0 to the number of rows.
using Offsets = std::span<const int64_t>;

/// Every sequence attends to itself; keys, values and queries come from one matrix.
template <class T>
class SelfAttention {
 public:
  SelfAttention(const std::string& name, int64_t width, int heads);

  struct Activations {
    ConstMatrix<T> x;    // [rows, width]
    Matrix<T> qkv;       // [rows, 3 * width]
    Matrix<T> attended;  // [rows, width]
    Matrix<T> lse;       // [rows, heads]
    Offsets offsets;
    Causal causal = Causal::kNone;
  };

  /// x [rows, width] -> [rows, width]. Without activations, nothing is kept for backward.
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, Causal causal, Pass& pass,
                    Activations* activations) const;
  Matrix<T> backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass);

  /// One new row for each sequence, x [sequences, width]: appends its key and value to the cache (whose
  /// sequences all have the same length) and attends to all that the cache holds.
  Matrix<T> step(ConstMatrix<T> x, KeyValueCache<T>& cache, Pass& pass) const;

  void collect(ParameterList<T>& list);

  Linear<T> qkv;  // width -> [query; key; value], "NAME.qkv"
  Linear<T> out;  // "NAME.out"

 private:
  int heads_;
};

/// The keys and values of a memory (an image's patches, a source sentence), projected once and used by every
/// query.
template <class T>
struct KeyValues {
  ConstMatrix<T> keys;    // [memory rows, width]
  ConstMatrix<T> values;  // [memory rows, width]
  Offsets offsets;        // one range of memory rows a sequence
};

/// Queries come from one matrix, keys and values from a memory; keys and values may be made of different
/// things (what a patch looks like; what is there and where it is).
template <class T>
class CrossAttention {
 public:
  CrossAttention(const std::string& name, int64_t width, int heads);

  struct Activations {
    ConstMatrix<T> x;    // [rows, width]
    Matrix<T> query;     // [rows, width]
    Matrix<T> attended;  // [rows, width]
    Matrix<T> lse;       // [rows, heads]
    Offsets offsets;     // of the queries
  };

  /// Projects a memory. The result lives in the arena.
  KeyValues<T> project(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets,
                       Pass& pass) const;

  /// Sequence s of x attends to range s of the memory. `weights`, when present, receives the mean over heads:
  /// [rows, most memory rows a sequence], zero past a shorter range.
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory, Pass& pass,
                    Activations* activations, Matrix<T> weights = {}) const;

  /// Gradients of the projected memory, to be added up over calls and given to project_backward().
  struct MemoryGradient {
    Matrix<T> keys, values;  // [memory rows, width]
  };
  /// dy -> dx; overwrites `memory_gradient`.
  Matrix<T> backward(const Activations& activations, const KeyValues<T>& memory, ConstMatrix<T> dy,
                     const MemoryGradient& memory_gradient, Pass& pass);

  /// Gradients of key_input and value_input, and of the key and value projections.
  struct InputGradient {
    Matrix<T> key_input, value_input;
  };
  InputGradient project_backward(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                 const MemoryGradient& memory_gradient, Pass& pass);

  void collect(ParameterList<T>& list);

  Linear<T> query, key, value, out;  // "NAME.query", ...

 private:
  int heads_;
};

}  // namespace attend

#endif  // ATTEND_NN_MULTI_HEAD_ATTENTION_H_
