/* rt — the contract between generated code, the runtime and the programs that drive them. Plain C, no LLVM;
 * linked into `lag` and into what `lag build` makes. Functions that generated code may call are listed in
 * rt_abi.def, and only those. */
#ifndef LAG_RT_H
#define LAG_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every status a runtime function or a compiled function can give: STATUS(IDENT, "text"). */
typedef enum RtStatus {
#define STATUS(ident, text) RT_##ident,
#include "rt_status.def"
#undef STATUS
    RT_STATUS_COUNT
} RtStatus;
const char *rt_status_text(RtStatus status);

typedef struct RtPool RtPool; /* threads; see rt_parallel */

/* What a compiled function gets: one block of memory laid out at compile time, external arrays, noise
 * keys. */
typedef struct RtFrame {
    char *mem;            /* plan_memory bytes, 64-byte aligned */
    void *const *data;    /* plan_data_slots external arrays, read-only */
    uint64_t seed;        /* keys of the counter-based generator */
    uint64_t draw_step;   /* number of the present step for draws */
    RtPool *pool;         /* NULL: one thread */
    uint32_t bad;         /* definition whose value went wrong, set by compiled code with its status */
} RtFrame;

typedef int32_t (*RtFunction)(RtFrame *frame);

#include "rt_kernels.h" /* prototypes of everything in rt_abi.def */

#endif
