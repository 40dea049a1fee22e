/* execution — one compiled run with its memory, data, state and outputs. Private to program/. */
#ifndef LAG_RT_EXECUTION_H
#define LAG_RT_EXECUTION_H

#include "program.h"

#include "../core/core.h"
#include "../report/report.h"

enum {
#define SAYS(ident, code) SAYS_##ident,
#include "says.def"
#undef SAYS
    SAYS_COUNT
};

/* The values in which runs left what they moved, for later runs that read it. */
typedef struct KeptValue {
    uint64_t declared;
    bool velocity;
    RtElem elem;
    uint64_t n;
    void *values;
} KeptValue;
typedef struct Kept {
    VEC(KeptValue) list;
} Kept;

/* What the runs of a program put on its page, report.html. */
typedef struct Page {
    Buf text;
    uint32_t pictures;
    const char *folder;
} Page;

struct RtHost {
    RtHostOptions options;
    Arena *arena; /* as long as the program runs */
    Kept kept;
    Page page;
    VEC(const char *) checkpoints; /* of the runs that have ended well, */
    bool unfinished;               /* and whether some run has not: then they are kept */
};

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
    uint64_t copy;        /* of a run over copies: the one that strays farthest */
} Drift;

/* A checkpoint that was found. */
typedef struct Checkpoint Checkpoint;

typedef struct Execution {
    RtHost *host;
    const RtHostOptions *options;
    Arena *arena;        /* the host's */
    const RtProgramRun *spec;
    void *(*symbol)(void *code, const char *name);
    void *code;
    RtFrame frame;
    RtArray *arrays;     /* spec->n_data of them; values NULL where no function reads one */
    RtRun run;
    RtOutput *outputs;   /* one a record that has a place, in order; record_of gives its number */
    uint32_t *record_of;
    RtEvent *events;
    RtFunction monitor, expects;
    Group *groups;       uint32_t n_groups;
    uint32_t *group_of;  /* of output i: its group, or UINT32_MAX */
    size_t *column_of;   /* and its first column there; NO_COLUMN: it is the clock */
    Buf printed;         /* what `print` has to say, said last */
    Page *page;
    Buf page_pictures, page_expects;
    const char *folder;  /* results go here */
    Checkpoint *checkpoint; /* NULL: the run begins at its start */
    Drift *drift;        uint32_t n_drift;
    double drift_seen;   /* the time at which it was last looked at for a record */
    RtProgress progress;
    double started;
} Execution;

/* prepare.c: memory, data, hyper-parameters, functions, state. False after a message on stderr. */
bool execution_open(Execution *e);
/* Its part that looks at frame memory, for an execution with another frame. */
bool execution_connect(Execution *e);
void execution_close(Execution *e);
/* copies.c: a run over copies, from its start to its results; an exit status. `stop` is set by Ctrl-C. */
int copies_run(Execution *e, volatile sig_atomic_t *stop);
/* A place as a block of the frame's memory; false when no function uses it. */
bool execution_block(const RtPlace *place, RtBlock *block);
/* Element i of a block as a double. */
double execution_value(const Execution *e, const RtBlock *block, uint64_t i);
/* The first element of a place; NaN when no function uses it. */
double execution_scalar(const Execution *e, const RtPlace *place);
/* A function by its symbol; NULL for NULL, and where there is none. */
RtFunction execution_function(const Execution *e, const char *name);
/* The seed of the run: given on the command line, else its own, else 0. */
uint64_t execution_seed(const Execution *e);
/* Says what stopped the run, in colours on a terminal or as JSON. */
void execution_complain(const Execution *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message at a place of the program, SAYS_… of says.def. */
typedef struct Aside {
    bool is_warning;
    const char *help, *note; /* NULL: none */
} Aside;
void execution_say(const Execution *e, int what, const RtSpot *spot, Aside aside, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* After compiled code has returned a status that has a place: points at it. */
void execution_blame(const Execution *e, int32_t status);

/* checkpoint.c: the whole state of a run in a file, from which it goes on with the same bits. Looks for one, where that is asked
 * for: false after a message where it does not fit; and has the run write its own. */
bool checkpoint_open(Execution *e);
/* Puts it into the run, whose state has been set to its start. */
void checkpoint_restore(Execution *e);
uint64_t checkpoint_step(const Execution *e); /* that the run begins after */
void checkpoint_close(Execution *e);
const char *checkpoint_path(const Execution *e);

/* hold.c: the constraints of the run: their place in memory; what is wrong with them, at their lines. */
bool hold_open(Execution *e);
void hold_report(const Execution *e);
void hold_close(Execution *e);

/* drift.c: what is conserved: its places, its start, a look at it after the monitor has run, what is said of it. */
void drift_open(Execution *e);
void drift_start(Execution *e);
void drift_look(Execution *e);
/* After copy `number`, which ran in `copy`, has ended: keeps its drift in `all` where it is the largest so far. */
void drift_take_worst(Execution *all, const Execution *copy, uint64_t number);
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
void page_expect(Execution *e, const RtExpect *expect, bool holds, double a, double b);
void page_end_run(Execution *e, const char *stopped);

/* Writes the page where a picture was drawn, and releases it; false after a message on stderr. */
bool page_write(RtHost *host);

/* keep.c: puts the kept values into the state, after it was set to its start; and takes those of a finished run. */
void kept_restore(void *execution);
void kept_take(Execution *e);
void kept_free(Kept *kept);

/* expects.c: whether the run's `expect` statements hold; each that does not is reported with both values. */
bool expects_hold(Execution *e);
/* Whether expect k holds of the sides that `expects` has computed, given in `sides`: a, b and the tolerance. */
bool expect_holds(const Execution *e, uint32_t k, double sides[3]);
/* The same line as where it fails, with `where` it does (" in copy 3"). */
void expect_fails(const Execution *e, uint32_t k, const double sides[3], const char *where);

#endif
