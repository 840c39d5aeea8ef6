// A thread that oneDNN's sgemm may use: alone, and safe from signal handlers.
#ifndef ATTEND_NN_UNDISTURBED_H_
#define ATTEND_NN_UNDISTURBED_H_

#include <csignal>

namespace attend {

/// While it lives, the calling thread takes no asynchronous signal, and OpenMP regions that it opens have one
/// thread. Signals wait meanwhile, or go to another thread of the program.
///
/// oneDNN 2.6's sgemm kernels for AVX2 and AVX-512 point the stack pointer into their workspace on the heap.
/// If a handler ran then, the operating system would write its frame over whatever memory lies below. So the
/// signals of the program that this library is part of are kept away, on exactly the threads that multiply.
/// SIGSEGV and its like are not: a fault that is blocked ends the program without a word.
class Undisturbed {
 public:
  Undisturbed();
  ~Undisturbed();
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  sigset_t before_;
  int threads_;
};

}  // namespace attend

#endif  // ATTEND_NN_UNDISTURBED_H_
