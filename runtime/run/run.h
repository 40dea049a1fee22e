/* run — one run from start to end: steps of a word or of an integration method, records at their times,
 * snapshots, divergence and interruption. Used by `lag run` and by what `lag build` makes. Nothing here
 * prints: whoever drives it gets calls back. */
#ifndef LAG_RT_RUN_H
#define LAG_RT_RUN_H

#include "../data/data.h"
#include "../integrate/integrate.h"
#include "../message.h"
#include "../rt.h"

#include <signal.h>

/* A piece of the frame's memory that is part of the state: a coordinate, a momentum, an estimator. */
typedef struct RtBlock {
    const char *name;   /* as the user calls it */
    uint64_t offset;    /* bytes from frame->mem */
    RtElem elem;        /* RT_F64 or RT_F32 */
    uint64_t n;         /* elements */
} RtBlock;

typedef enum RtEvery { RT_AT_END, RT_EVERY_STEPS, RT_EVERY_TIME, RT_EVERY_EPOCH } RtEvery;

/* A quantity taken while running: `observe` computes it from the state into its block. */
typedef struct RtOutput {
    RtBlock block;
    RtFunction observe;
    RtEvery unit;
    double every;       /* steps, or time; epochs: 1 */
    uint64_t taken;     /* how often so far (kept by the run) */
} RtOutput;

typedef struct RtRunState { /* where the run is, for the callbacks */
    uint64_t step;      /* steps done */
    double time;
    double epoch;       /* passes over the data so far; 0 without data */
    double done;        /* fraction of the whole, 0 … 1 */
    bool at_end;
} RtRunState;

typedef struct RtRun {
    RtFrame *frame;
    RtFunction init;    /* sets the state to its start */
    void (*started)(void *context); /* called after init, and may change the state; NULL: nothing */
    RtFunction prepare; /* computes what stays the same and what is carried over; NULL: nothing */
    RtFunction step;    /* words: one step */
    RtFunction rhs;     /* methods: dy from y and t */
    const RtBlock *state; uint32_t n_state;
    double *time, *step_number; /* in frame memory; NULL when nothing reads them */
    int64_t *rows;      /* in frame memory: rows of the present batch; NULL: none */
    RtBatches *batches;
    uint64_t batch, data_rows;
    double h;           /* words: time per step */
    uint64_t steps;     /* words: how many; 0 with a method */
    double end_time;    /* methods: duration; 0: `steps` steps instead */
    const RtMethod *method;
    RtOdeOptions tolerance;
    const RtBlock *y, *dy; uint32_t n_y;
    RtFunction watch;   /* words: computes `watched`, which may not leave the numbers either; NULL: nothing */
    RtBlock watched;
    RtOutput *outputs; uint32_t n_outputs;
    /* Called after output `index` was computed; false stops the run with `message` set (a full disk). */
    bool (*record)(void *context, uint32_t index, const RtRunState *at, RtMessage *message);
    /* Called a few times a second; may look at the state. */
    void (*progress)(void *context, const RtRunState *at);
    void *context;
    volatile sig_atomic_t *stop; /* set from outside: finish the step, record what is due at the end */
} RtRun;

typedef struct RtRunResult {
    RtStatus status;        /* RT_OK, RT_INTERRUPTED, RT_NOT_FINITE, … */
    RtRunState at;          /* the last good state: what frame memory holds now */
    RtMessage message;      /* what happened, for the user; "" when all is well */
    const RtBlock *bad;     /* diverged: the quantity, */
    uint64_t bad_element;   /* its first element that is not finite, */
    uint64_t bad_step;      /* and the step that made it so */
    RtOdeStats ode;         /* methods: accepted and rejected steps, evaluations */
} RtRunResult;

/* Runs from the start (init) to the end. */
RtRunResult rt_run_words(RtRun *run);
RtRunResult rt_run_method(RtRun *run);

#endif
