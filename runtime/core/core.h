/* core — what every family of the runtime stands on: threads, the processor's floating-point mode, aligned
 * memory, the texts of statuses, special functions (prototypes in rt_kernels.h). Plain C, no mutable
 * globals. */
#ifndef LAG_RT_CORE_H
#define LAG_RT_CORE_H

#include "../rt.h"

/* ---- threads (rt_parallel runs on them) ---- */

/* A pool that runs loops on `threads` threads, the caller's among them; 0: as many as this process may run
 * on. The other threads are started by the first loop that has use for them. NULL: no memory. */
RtPool *rt_pool_new(uint32_t threads);
/* Ends the threads and releases the pool; no loop may be running. NULL is allowed. */
void rt_pool_free(RtPool *pool);
uint32_t rt_pool_threads(const RtPool *pool); /* 1 for NULL */
/* Whether rt_parallel would run a loop on the calling thread alone: there is no pool, it has one thread, or
 * the call comes from inside a loop. */
bool rt_is_serial(const RtFrame *frame);
/* The number of processors this process may run on, at least 1. */
uint32_t rt_processor_count(void);

/* ---- floating-point mode of the calling thread ---- */

/* Opaque copy of the control register. */
typedef struct RtFloatMode {
    uint64_t bits;
} RtFloatMode;
RtFloatMode rt_float_mode_save(void);
void rt_float_mode_restore(RtFloatMode mode);
/* true: denormal operands count as 0 and denormal results become 0; false: IEEE 754. Loops run by rt_parallel
 * from this thread follow it. Does nothing where rt_can_flush_denormals says false. */
void rt_flush_denormals(bool on);
bool rt_flushes_denormals(void);
bool rt_can_flush_denormals(void);
/* One line for `lag doctor`. */
const char *rt_float_mode_text(void);

/* ---- the clock ---- */

double rt_now(void); /* seconds, monotonic */

/* ---- memory ---- */

/* `size` bytes aligned to 64 (and, from 4 MiB on, to a large page, which is asked for); contents unspecified.
 * NULL: no memory. Release with rt_free. */
void *rt_alloc(size_t size);
void *rt_alloc_zeroed(size_t size);
void rt_free(void *block);

#endif
