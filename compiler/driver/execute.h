/* execute — one compiled run with its memory, data, state and outputs. Private to driver/. */
#ifndef LAG_DRIVER_EXECUTE_H
#define LAG_DRIVER_EXECUTE_H

#include "driver.h"

#include "../../runtime/core/core.h"
#include "../../runtime/report/report.h"
#include "../../runtime/run/run.h"

/* Records that are due at the same moments: one table, one file. What a plot shows is a table of its own. */
typedef struct Group {
    uint32_t plot;        /* its number + 1; 0: a table that is written */
    RtEvery unit;
    double every;
    uint32_t event;       /* RT_AT_EVENT: its number */
    RtSeries *series;
    double *row;          /* being filled: the clocks, then every field in order */
    uint32_t last;        /* output that completes a row */
    uint32_t n_clocks;
    const char *path;     /* where the table goes; of a plot without extension */
} Group;

#define NO_COLUMN SIZE_MAX

/* A conserved quantity that is followed. */
typedef struct Drift {
    const char *name;
    RtBlock block;
    double *start;        /* its elements at the start, */
    double size;          /* the largest of them, */
    double most;          /* and the farthest any was from there */
} Drift;

typedef struct Execution {
    Session *session;
    const Options *options;
    const Model *model;
    const MechRun *mech;
    const SemaRun *sema;
    const Code *code;
    Kept *kept;          /* values that earlier runs left */
    const char *name;    /* of the run: its label, or the dynamics' name */
    RtFrame frame;
    RtArray *arrays;     /* model->n_data of them; values NULL where no function reads one */
    RtRun run;
    RtBlock *state;
    RtOutput *outputs;   /* one a record that has a place, in order; record_of gives its number */
    uint32_t *record_of;
    RtEvent *events;
    RtBlock *y, *dy;
    RtFunction monitor, expects;
    Group *groups;       uint32_t n_groups;
    uint32_t *group_of;  /* of output i: its group, or UINT32_MAX */
    size_t *column_of;   /* and its first column there; NO_COLUMN: it is the clock */
    Buf printed;         /* what `print` has to say, said last */
    Page *page;
    Buf page_pictures, page_expects;
    const char *folder;  /* results go here */
    Drift *drift;        uint32_t n_drift;
    double drift_seen;   /* the time at which it was last looked at for a record */
    RtProgress progress;
    double started;
    double h;            /* value of the word's `by` */
} Execution;

/* prepare.c: memory, data, hyper-parameters, functions, state. False after a message on stderr. */
bool execution_open(Execution *e);
/* Its part that looks at frame memory, for an execution with another frame. */
bool execution_connect(Execution *e);
void execution_close(Execution *e);
/* copies.c: a run over copies, from its start to its results; an exit status. `stop` is set by Ctrl-C. */
int copies_run(Execution *e, volatile sig_atomic_t *stop);
/* Where a definition lies in frame memory; false when no function uses it. */
bool execution_block(const Execution *e, IrDef def, const char *name, RtBlock *block);
/* Element i of a block as a double. */
double execution_value(const Execution *e, const RtBlock *block, uint64_t i);
/* The first element of a definition's place; NaN when no function uses it. */
double execution_scalar(const Execution *e, IrDef def);
/* Whether denormals are flushed to zero while it runs: training flushes, mechanics does not. */
bool execution_flushes(const Execution *e);
/* Says what stopped the run, in colours on a terminal or as JSON. */
void execution_complain(const Execution *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After compiled code has returned RT_OUT_OF_RANGE: points at the subscript. */
void execution_blame(const Execution *e, int32_t status);

/* hold.c: the constraints of the run: their place in memory; what is wrong with them, at their lines. */
bool hold_open(Execution *e);
void hold_report(const Execution *e);
void hold_close(Execution *e);

/* drift.c: what is conserved: its places, its start, a look at it after the monitor has run, what is said of it. */
void drift_open(Execution *e);
void drift_start(Execution *e);
void drift_look(Execution *e);
void drift_say(const Execution *e);

/* One record as `print` says it; values: n of them. */
void outputs_print(Execution *e, uint32_t index, const char *suffix, uint64_t n, const double *values, bool list);
/* outputs.c: tables, prints and saved parameters. */
bool outputs_open(Execution *e);
void outputs_close(Execution *e);
/* Takes output `index`, just computed; the callback of the run. */
bool outputs_take(void *context, uint32_t index, const RtRunState *at, RtMessage *message);
/* Writes every table; a message on stderr for each that cannot be written, and false. */
bool outputs_write(Execution *e);

/* pictures.c: draws the plots from their tables; a message on stderr for each that cannot be, and false. */
bool pictures_write(Execution *e);
const char *picture_path(Execution *e, uint32_t plot); /* without extension */

/* page.c: what this run puts on the program's page. `stopped`: why it ended early; NULL: it did not. */
void page_picture(Execution *e, const char *path);
void page_expect(Execution *e, const SemaExpect *expect, bool holds, double a, double b);
void page_end_run(Execution *e, const char *stopped);

/* keep.c: puts the kept values into the state, after it was set to its start; and takes those of a finished run. */
void kept_restore(void *execution);
void kept_take(Execution *e);

/* expects.c: whether the run's `expect` statements hold; each that does not is reported with both values. */
bool expects_hold(Execution *e);
/* Whether expect k holds of the sides that `expects` has computed, given in `sides`: a, b and the tolerance. */
bool expect_holds(const Execution *e, uint32_t k, double sides[3]);
/* The same line as where it fails, with `where` it does (" in copy 3"). */
void expect_fails(const Execution *e, uint32_t k, const double sides[3], const char *where);

#endif
