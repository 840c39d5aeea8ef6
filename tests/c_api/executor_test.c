#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"

/* A pool of the caller's own: so many pthreads a run, each its own worker. */
enum { kWorkers = 3 };
typedef struct job {
  atomic_llong next;
  int64_t count;
  attend_task task;
  void* context;
} job;
typedef struct member {
  job* work;
  int32_t worker;
} member;

static void* take_part(void* argument) {
  const member* self = argument;
  for (int64_t i; (i = atomic_fetch_add(&self->work->next, 1)) < self->work->count;) {
    self->work->task(self->work->context, i, self->worker);
  }
  return NULL;
}

static void run_on_pthreads(void* user, int64_t count, attend_task task, void* context) {
  ++*(int*)user;
  job work = {.next = 0, .count = count, .task = task, .context = context};
  member members[kWorkers];
  pthread_t threads[kWorkers];
  for (int32_t w = 0; w < kWorkers; ++w) {
    members[w] = (member){.work = &work, .worker = w};
    CHECK(pthread_create(&threads[w], NULL, take_part, &members[w]) == 0);
  }
  for (int32_t w = 0; w < kWorkers; ++w) pthread_join(threads[w], NULL);
}

static void check_same_bits_on(attend_executor* executor) {
  problem serial, other;
  fill(&serial);
  fill(&other);
  const attend_resources resources = {.size = sizeof resources, .executor = executor};
  CHECK(attend_attention(&serial.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&serial.gradients, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention(&other.tensors, NULL, &resources) == ATTEND_OK);
  CHECK(attend_attention_backward(&other.gradients, NULL, &resources) == ATTEND_OK);
  CHECK(memcmp(serial.output, other.output, sizeof serial.output) == 0);
  CHECK(memcmp(serial.lse, other.lse, sizeof serial.lse) == 0);
  CHECK(memcmp(serial.weights, other.weights, sizeof serial.weights) == 0);
  CHECK(memcmp(serial.query_gradient, other.query_gradient, sizeof serial.query_gradient) == 0);
  CHECK(memcmp(serial.key_gradient, other.key_gradient, sizeof serial.key_gradient) == 0);
  CHECK(memcmp(serial.value_gradient, other.value_gradient, sizeof serial.value_gradient) == 0);
}

static void every_kind_gives_the_same_bits(void) {
  const attend_executor_kind kinds[] = {ATTEND_EXECUTOR_SERIAL, ATTEND_EXECUTOR_OPENMP,
                                        ATTEND_EXECUTOR_THREADS};
  for (int k = 0; k < 3; ++k) {
    attend_executor* executor = NULL;
    const int32_t threads = kinds[k] == ATTEND_EXECUTOR_SERIAL ? 1 : 2;
    CHECK(attend_executor_create(kinds[k], threads, &executor) == ATTEND_OK);
    CHECK(attend_executor_workers(executor) == threads);
    check_same_bits_on(executor);
    attend_executor_destroy(executor);
  }
  attend_executor* all = NULL;
  CHECK(attend_executor_create(ATTEND_EXECUTOR_THREADS, 0, &all) == ATTEND_OK);
  CHECK(attend_executor_workers(all) >= 1);
  attend_executor_destroy(all);
  attend_executor_destroy(NULL);
  CHECK(attend_executor_workers(NULL) == 1);
}

static void the_callers_pool_gives_the_same_bits(void) {
  int runs = 0;
  attend_executor* executor = NULL;
  CHECK(attend_executor_create_custom(kWorkers, run_on_pthreads, &runs, &executor) == ATTEND_OK);
  CHECK(attend_executor_workers(executor) == kWorkers);
  check_same_bits_on(executor);
  CHECK(runs >= 2);
  attend_executor_destroy(executor);
}

static void run_all_but_one(void* user, int64_t count, attend_task task, void* context) {
  (void)user;
  for (int64_t i = 1; i < count; ++i) task(context, i, 0);
}

static void run_as_worker_of_nobody(void* user, int64_t count, attend_task task, void* context) {
  for (int64_t i = 0; i < count; ++i) task(context, i, *(int*)user);
}

static void run_past_the_end(void* user, int64_t count, attend_task task, void* context) {
  (void)user;
  for (int64_t i = 1; i <= count; ++i) task(context, i, 0);
}

static void run_one_for_all(void* user, int64_t count, attend_task task, void* context) {
  (void)user;
  for (int64_t i = 0; i < count; ++i) task(context, 0, 0);
}

static void run_one_again(void* user, int64_t count, attend_task task, void* context) {
  (void)user;
  for (int64_t i = 0; i < count; ++i) task(context, i, 0);
  task(context, count - 1, 1);
}

static void run_as_nobody_and_then_as_somebody(void* user, int64_t count, attend_task task, void* context) {
  run_as_worker_of_nobody(user, count, task, context);
  for (int64_t i = 0; i < count; ++i) task(context, i, 0);
}

static void check_fault(attend_run run, void* user, const char* sentence) {
  problem p;
  fill(&p);
  attend_executor* executor = NULL;
  CHECK(attend_executor_create_custom(2, run, user, &executor) == ATTEND_OK);
  const attend_resources resources = {.size = sizeof resources, .executor = executor};
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &resources), ATTEND_INVALID_ARGUMENT, sentence);
  attend_executor_destroy(executor);
}

static void a_pool_that_breaks_its_promise_is_reported(void) {
  int two = 2, negative = -1;
  check_fault(run_all_but_one, NULL, "the executor ran");
  check_fault(run_past_the_end, NULL, "numbered from 0; the outputs are undefined");
  check_fault(run_one_for_all, NULL, "the executor ran task 0 twice; the outputs are undefined");
  check_fault(run_one_again, NULL, "twice; the outputs are undefined");
  check_fault(run_as_nobody_and_then_as_somebody, &two, "as worker 2, but has 2 workers");
  check_fault(run_as_worker_of_nobody, &two, "as worker 2, but has 2 workers");
  check_fault(run_as_worker_of_nobody, &negative, "as worker -1, but has 2 workers");
}

static void executors_refuse_bad_numbers(void) {
  attend_executor* executor = NULL;
  CHECK_REFUSED(attend_executor_create(ATTEND_EXECUTOR_OPENMP, -1, &executor), ATTEND_INVALID_ARGUMENT,
                "threads is -1, but must be in 0..1024");
  CHECK_REFUSED(attend_executor_create(ATTEND_EXECUTOR_THREADS, 5000, &executor), ATTEND_INVALID_ARGUMENT,
                "threads is 5000, but must be in 0..1024");
  CHECK_REFUSED(attend_executor_create(ATTEND_EXECUTOR_SERIAL, 2, &executor), ATTEND_INVALID_ARGUMENT,
                "is 2, but must be in 0..1");
  CHECK_REFUSED(attend_executor_create(9, 1, &executor), ATTEND_INVALID_ARGUMENT,
                "kind is 9, but must be in 0..2");
  CHECK_REFUSED(attend_executor_create(ATTEND_EXECUTOR_SERIAL, 1, NULL), ATTEND_INVALID_ARGUMENT,
                "executor is a null pointer");
  CHECK_REFUSED(attend_executor_create_custom(0, run_on_pthreads, NULL, &executor), ATTEND_INVALID_ARGUMENT,
                "workers is 0, but must be in 1..1024");
  CHECK_REFUSED(attend_executor_create_custom(1, NULL, NULL, &executor), ATTEND_INVALID_ARGUMENT,
                "run is a null pointer");
  CHECK_REFUSED(attend_executor_create_custom(1, run_on_pthreads, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "executor is a null pointer");
  CHECK(executor == NULL);
}

static void scratch_is_checked_and_used(void) {
  problem p;
  fill(&p);
  static _Alignas(64) unsigned char scratch[1 << 20];
  size_t bytes = 0;
  CHECK(attend_attention_scratch_bytes(&p.tensors, NULL, 1, &bytes) == ATTEND_OK);
  CHECK(bytes > 0 && bytes <= sizeof scratch);
  attend_resources resources = {.size = sizeof resources, .scratch = scratch, .scratch_bytes = bytes};
  CHECK(attend_attention(&p.tensors, NULL, &resources) == ATTEND_OK);
  const rules rule = plain_rules();
  CHECK(largest_error(&p, &rule) < 1e-6);
  resources.scratch_bytes = bytes - 1;
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &resources), ATTEND_INVALID_ARGUMENT, "scratch has");
  resources.scratch = scratch + 1;
  resources.scratch_bytes = bytes;
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &resources), ATTEND_INVALID_ARGUMENT,
                "scratch is not aligned to 64 bytes");
  resources.scratch = NULL;
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &resources), ATTEND_INVALID_ARGUMENT,
                "scratch is a null pointer, but scratch_bytes is");
  resources.scratch = scratch;
  resources.scratch_bytes = 0;
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &resources), ATTEND_INVALID_ARGUMENT,
                "scratch is set, but scratch_bytes is 0");
}

void test_executors(void) {
  every_kind_gives_the_same_bits();
  the_callers_pool_gives_the_same_bits();
  a_pool_that_breaks_its_promise_is_reported();
  executors_refuse_bad_numbers();
  scratch_is_checked_and_used();
}
