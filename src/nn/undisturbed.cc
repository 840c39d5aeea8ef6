#include "nn/undisturbed.h"

#include <omp.h>

#include <initializer_list>

namespace attend {
namespace {

sigset_t asynchronous_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&set, fault);
  return set;
}

}  // namespace

Undisturbed::Undisturbed() : threads_(omp_get_max_threads()) {
  static const sigset_t kept_away = asynchronous_signals();
  pthread_sigmask(SIG_BLOCK, &kept_away, &before_);
  omp_set_num_threads(1);  // of this thread only
}

Undisturbed::~Undisturbed() {
  omp_set_num_threads(threads_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace attend
