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
    const uint64_t *seeds; /* of each copy, where several are advanced at once: in the place of `seed` */
    RtPool *pool;         /* NULL: one thread */
    uint32_t bad;         /* definition whose value went wrong, set by compiled code with its status */
    int64_t bad_place;    /* with RT_NOT_CONVEX: its element */
} RtFrame;

typedef int32_t (*RtFunction)(RtFrame *frame);
/* The same function for several copies at once, in a frame whose memory holds element e of each of them in a row; status[l]
 * is what it says of copy l. */
typedef int32_t (*RtLaneFunction)(RtFrame *frame, int32_t *status);

/* ---- stages of explicit Runge-Kutta methods, by compiled code ----
 *
 * The code has the right-hand side in it and takes the method's table as data: row s of the table stands for
 * y_s = y + h (Σ_{m < n} weight_m k[of_m] + last k[s-1]) and k[s] = f(t + c h, y_s). */
typedef struct RtStageTerm { double weight; int64_t of; } RtStageTerm;
enum { RT_STAGE_TERMS = 4 };
typedef struct RtStageRow {
    double c, last;
    int64_t n;               /* groups of RT_STAGE_TERMS terms, at least one: loops over them end in few different ways */
    const RtStageTerm *term; /* slopes before k[s-1], those without weight left out; the last group is filled with weights 0 */
} RtStageRow;
/* Slopes k[from … to] are wanted, from at least 1; then, where row to + 1 is there, the y it stands for in `at`. Vectors
 * have room for RT_STAGES_WIDTH numbers; those beyond y are 0 or whatever this leaves there. */
enum { RT_STAGES_WIDTH = 16 };
typedef struct RtStages {
    int64_t from, to, rows;    /* rows 1 … rows - 1 are there */
    int64_t final;             /* the row whose time is t1, the end of the step */
    double t, t1, h;
    const double *y;
    double *at;                /* y_s of the last row seen */
    double *const *k;
    const RtStageRow *row;
} RtStages;
/* RT_OK, or that a slope has no value or is not finite, with the slopes in no certain state. */
typedef int32_t (*RtStagesFunction)(RtFrame *frame, const RtStages *stages);

#include "rt_kernels.h" /* prototypes of everything in rt_abi.def */

#endif
