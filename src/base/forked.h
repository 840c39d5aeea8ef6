// Whether the threads that a runtime started are still there.
#ifndef ATTEND_BASE_FORKED_H_
#define ATTEND_BASE_FORKED_H_

namespace attend {

/// Whether this process was made by a fork() after this library was loaded. Of all threads only the one that
/// called fork() is in the child, and GNU's OpenMP would wait for ever for those that it had started.
bool forked();

}  // namespace attend

#endif  // ATTEND_BASE_FORKED_H_
