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

typedef enum RtEvery { RT_AT_END, RT_EVERY_STEPS, RT_EVERY_TIME, RT_EVERY_EPOCH, RT_AT_EVENT } RtEvery;

/* A quantity taken while running: `observe` computes it from the state into its block. */
typedef struct RtOutput {
    RtBlock block;
    RtFunction observe;
    RtEvery unit;
    double every;       /* steps, or time; epochs: 1 */
    uint64_t taken;     /* how often so far (kept by the run) */
    uint32_t event;     /* RT_AT_EVENT: number of the event it is taken at */
} RtOutput;

/* Something that crosses 0 while the run goes on: where each element of `value` changes its sign. At a kink the equations
 * change: the motion goes on from just behind it, and nothing else is done. */
typedef struct RtEvent {
    bool kink;
    const char *text;      /* as the user wrote it */
    RtBlock value;         /* f64, as `RtRun.event` computes it from the state */
    int direction;         /* 1: from below, -1: from above, 0: either */
    RtFunction act;        /* changes the state; NULL: it stays */
    int64_t *element, *count; /* in frame memory: the element that crosses, and how often the event has happened; NULL:
                                 nothing reads it */
    uint64_t stop_after;   /* the run ends when it happens for this time; 0: never */
    uint64_t happened;     /* so far (kept by the run) */
} RtEvent;

typedef struct RtRunState { /* where the run is, for the callbacks */
    uint64_t step;      /* steps done */
    double time;
    double epoch;       /* passes over the data so far; 0 without data */
    double done;        /* fraction of the whole, 0 … 1 */
    bool at_end;
} RtRunState;

/* One constraint of the program, some rows of those that are looked at. */
typedef struct RtHeld {
    uint64_t rows;
    bool holonomic;     /* between positions; else linear in the velocities */
    RtBlock kept;       /* 1 a row, or 0 where it is left out; n = 0: no row can be */
    uint64_t left_out;  /* rows that follow from others (set at the start) */
} RtHeld;

typedef enum RtHoldFailure {
    RT_HOLD_GOOD,
    RT_HOLD_START,             /* the start violates a constraint by `amount` */
    RT_HOLD_START_RATE,        /* the velocities at the start do */
    RT_HOLD_SINGULAR,          /* and there is no way back to it */
    RT_HOLD_INCONSISTENT,      /* held by the others, this one is off by `amount` wherever the motion goes */
    RT_HOLD_INCONSISTENT_RATE, /* the same of its rate of change */
    RT_HOLD_FLAT,              /* its gradient vanishes at the start, though not beside it */
    RT_HOLD_SINGULAR_START,    /* it followed from others at the start alone */
} RtHoldFailure;

/* What keeps a run on its constraints. */
typedef struct RtHold {
    RtFunction project;     /* the state one step back to the constraints */
    RtFunction inspect;     /* computes the three blocks from the state; NULL where n = 0: project alone is asked for */
    RtBlock violation, rate, jacobian; /* rows; rows; rows × columns */
    RtHeld *at; uint32_t n;
    uint64_t rows;          /* of all together */
    const RtBlock *state; uint32_t n_state; /* what project moves */
    /* set by the run: */
    RtHoldFailure failure;
    uint32_t whose;         /* the constraint it is about */
    double amount;
    uint8_t *follows;       /* n × n: constraint i has rows that follow from rows of constraint k */
    uint8_t *dropped;       /* a row: left out */
    double *before, *after; /* the state, as project moves it */
    double rate_at_start;
    uint32_t rate_whose;
} RtHold;

/* Compiled code of the Taylor coefficients of y' = f(y, t): see calc_jet. dy is RtRun.dy. */
typedef struct RtJets {
    RtFunction first;          /* dy = f, from y and t */
    RtFunction prepare;        /* called after it; NULL: nothing */
    RtFunction next;           /* dy = coefficients of f of the present order, from rows and sums */
    const RtBlock *rows;       /* per block of y its coefficients of the present order, doubles; n = 0: not read */
    RtBlock left, right, sums; /* rows of the factors, sums of their products; n = 0: none */
    double *order, *inverse;   /* k and 1/k, in frame memory; NULL: not read */
} RtJets;

typedef struct RtRun {
    RtFrame *frame;
    RtFunction init;    /* sets the state to its start */
    void (*started)(void *context); /* called after init, and may change the state; NULL: nothing */
    RtFunction prepare; /* computes what stays the same and what is carried over; NULL: nothing */
    RtFunction step;    /* words: one step */
    RtFunction rhs;     /* methods: dy from y and t */
    RtStagesFunction stages; /* the same inside Runge-Kutta steps; NULL: there is none */
    RtJets jets;        /* methods that take Taylor coefficients: in its place */
    const RtBlock *state; uint32_t n_state;
    double *time, *step_number; /* in frame memory; NULL when nothing reads them */
    int64_t *rows;      /* in frame memory: rows of the present batch; NULL: none */
    RtBatches *batches;
    uint64_t batch, data_rows;
    double h;           /* words: time per step */
    uint64_t steps;     /* words: how many; 0 with a method */
    double rest;        /* words: the share of h that one more, shorter step takes; 0: there is none */
    double ends_at;     /* when that ends */
    double end_time;    /* methods: duration; 0: `steps` steps instead */
    const RtMethod *method;
    RtOdeOptions tolerance;
    const RtBlock *y, *dy; uint32_t n_y;
    RtHold *hold;       /* NULL: no constraints */
    RtFunction watch;   /* words: computes `watched`, which may not leave the numbers either; NULL: nothing */
    RtBlock watched;
    RtOutput *outputs; uint32_t n_outputs;
    RtFunction event;   /* computes the values of all events; NULL: there are none */
    RtEvent *events; uint32_t n_events;
    RtFunction part;    /* words: a step over the time *part_length, for what happens or is looked at between steps; NULL:
                           such looks wait for the end of the step */
    double *part_length;
    bool whole_steps;   /* words: events happen where a step ends (training) */
    /* Called after output `index` was computed; false stops the run with `message` set (a full disk). */
    bool (*record)(void *context, uint32_t index, const RtRunState *at, RtMessage *message);
    /* Called a few times a second; may look at the state. */
    void (*progress)(void *context, const RtRunState *at);
    void *context;
    uint64_t first;     /* words: how many steps an earlier process has done; `started` sets it with the state */
    /* words: called every `save_every` seconds, and when the run is interrupted; the state is finite, and what is due has been
     * handed over. NULL: nothing */
    void (*save)(void *context, const RtRunState *at);
    double save_every;
    volatile sig_atomic_t *stop; /* set from outside: finish the step, record what is due at the end */
} RtRun;

typedef struct RtRunResult {
    RtStatus status;        /* RT_OK, RT_INTERRUPTED, RT_NOT_FINITE, … */
    RtRunState at;          /* the last good state: what frame memory holds now */
    RtMessage message;      /* what happened, for the user; "" when all is well */
    const RtBlock *bad;     /* diverged: the quantity, */
    uint64_t bad_element;   /* its first element that is not finite, */
    uint64_t bad_step;      /* and the step that made it so */
    bool by_event;          /* or what an event did */
    const RtEvent *stopped_by; /* the event that ended the run; NULL: none */
    RtOdeStats ode;         /* methods: accepted and rejected steps, evaluations */
} RtRunResult;

/* The state back to the constraints, as near as numbers allow. A status: RT_CONSTRAINT_LOST when there is no way back. */
int32_t rt_hold_project(RtRun *run);
/* After init: leaves out rows that follow from others, and puts a start that is off by rounding on the constraints. False with
 * a status, and hold->failure, whose and amount. */
bool rt_hold_start(RtRun *run, RtRunResult *result);
/* At the end: rows that were left out must still hold. */
bool rt_hold_end(RtRun *run, RtRunResult *result);
void rt_hold_free(RtHold *hold);

/* ---- copies: one run from many starts ----
 *
 * Each copy is a run of its own, with its number where its code reads it and noise of its own seed; so it is the run
 * that it would be alone, to the last bit, on any number of threads. A copy that stops early stops no other. */

/* The code that advances several copies at once, one in each lane of the machine's vectors. */
typedef struct RtLaneCode {
    unsigned lanes;             /* 0: there is none */
    RtLaneFunction advance;     /* of the run's rhs or step */
    uint64_t bytes;             /* of the memory of one copy */
    const RtBlock *moved; uint32_t n_moved; /* places that the code reads or changes */
} RtLaneCode;

typedef struct RtCopies RtCopies;
struct RtCopies {
    uint64_t n;
    uint32_t n_threads, abreast; /* each thread has `abreast` runs: 1, or as many as there are lanes */
    RtRun **run;            /* n_threads × abreast, with memory of their own and no pool; `context` is the caller's */
    int64_t **number;       /* one a run, in its frame's memory; NULL: nothing reads it */
    RtLaneCode code;
    uint64_t seed;
    volatile sig_atomic_t *stop; /* set from outside: no further copy begins */
    /* Advances copies on thread w, as long as there are any: one of the three below. */
    void (*integrate)(RtCopies *copies, uint32_t w);
    /* Called before and after each copy, on the thread of run[r]. */
    void (*begins)(void *context, uint32_t r, uint64_t copy);
    void (*ends)(void *context, uint32_t r, uint64_t copy);
    void *context;
    /* made by rt_run_copies, released by rt_copies_free: */
    uint64_t next;          /* copies that were taken */
    RtRunResult *result;    /* n; status RT_INTERRUPTED where a copy has not begun */
    char *end;              /* n states in which copies have ended, with their clocks */
    uint64_t end_bytes;     /* of one */
};

/* The key of a copy's noise; that of copy 0 is the run's own. */
uint64_t rt_copy_seed(uint64_t seed, uint64_t copy);
/* Runs all copies, on the threads of frame->pool. False: not enough memory. */
bool rt_run_copies(RtCopies *copies, RtFrame *frame);

/* One after the other. */
void rt_copies_one_by_one(RtCopies *copies, uint32_t w);
/* A method's in lanes, each with steps of its own: a lane whose copy has ended takes the next one. */
void rt_copies_method_in_lanes(RtCopies *copies, uint32_t w);
/* A word's in lanes, all at the same step. */
void rt_copies_words_in_lanes(RtCopies *copies, uint32_t w);
/* The best of these three for such runs. NULL: several at once; else why one after the other. */
const char *rt_copies_choose(RtCopies *copies);

/* The next copies that nobody has: from *first on, at most `most`. 0: there are none, or no further one shall begin. */
uint64_t rt_copies_take(RtCopies *copies, uint64_t most, uint64_t *first);
/* Sets run[r] to what copy `copy` is, at its start: its number and its noise; calls `begins`. */
void rt_copies_begin(RtCopies *copies, uint32_t r, uint64_t copy);
/* Keeps the state that run[r] has as the end of the copy, and the result; calls `ends`. */
void rt_copies_ended(RtCopies *copies, uint32_t r, uint64_t copy, const RtRunResult *result);
/* Puts the state in which a copy has ended into the memory of run[r]. */
void rt_copies_restore(RtCopies *copies, uint32_t r, uint64_t copy);
void rt_copies_free(RtCopies *copies);

/* Runs from the start (init) to the end. */
RtRunResult rt_run_words(RtRun *run);
RtRunResult rt_run_method(RtRun *run);

#endif
