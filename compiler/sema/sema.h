/* sema — from the tree to IR: names, types, shapes, index ranges, inlining and lifting of functions, `~`
 * statements, and for each `run` the system and dynamics joined into terms over one set of coordinates.
 *
 * Folders are stages; sema stands after calculus in the one-way order
 * (base ast ir calculus sema mechanics plan emit jit driver), because a total time derivative and `grad` are
 * ordinary terms and are taken while lowering. */
#ifndef LAG_SEMA_H
#define LAG_SEMA_H

#include "../ast/ast.h"
#include "../calculus/calculus.h"
#include "../ir/ir.h"
#include "../../runtime/plot/plot.h"

/* ---- what sema needs from outside ---- */

typedef struct SemaOverride { const char *name, *value; } SemaOverride; /* --set name=value */

/* Where a data declaration's values come from, as RtSource says it. */
typedef struct SemaSource {
    const char *reader;      /* the format: a name of runtime/data/formats.def */
    const char *path;        /* as the program says */
    const char *key;         /* the name in the file; NULL: none is meant */
    bool key_or_only;        /* or else the only one there is */
    const char **columns;    /* of a table: in this order; none: all… */
    uint32_t n_columns;
    const char **except;     /* …but these (the columns other declarators of the statement take) … */
    uint32_t n_except;
    enum { COLUMNS_ALL, COLUMNS_LAST, COLUMNS_BUT_LAST } left; /* …and of these only, or not, the last */
    bool vector;             /* exactly one column is meant, the declarator is of rank 1 */
} SemaSource;

/* Shape of a data file, asked while checking. On success fills rank, extent, elem (U8 … for whole numbers); else
 * returns false with the message for the user in `why` (at most n bytes). */
typedef bool (*SemaProbe)(void *context, const SemaSource *source, uint32_t *rank, uint64_t *extent, IrElem *elem,
                          char *why, size_t n);
/* Whether the source is a table whose header names this column; its rows are not looked at. False, too, where there is
 * no such file or its header is damaged: the probe says what is wrong. */
typedef bool (*SemaHasColumn)(void *context, const SemaSource *source, const char *column);

/* The equations of motion of a system joined as for a run by a method: y' = rate(y, t) from `start`, terms over each y's
 * axes. What sema leaves to a later stage is handed to it as a function. */
typedef struct SemaMotion {
    IrDef *y;
    IrTerm *rate, *start;
    uint32_t n;
} SemaMotion;
typedef struct Model Model;
typedef struct SemaRun SemaRun;
typedef bool (*SemaDerive)(Session *session, Model *model, const SemaRun *run, SemaMotion *out);

typedef struct SemaOptions {
    const SemaOverride *overrides;
    uint32_t n_overrides;
    SemaProbe probe;        /* NULL: files are not looked at; shapes must be declared */
    SemaHasColumn has_column; /* NULL: no column goes by a declared name */
    void *probe_context;    /* given to both */
    const char *directory;  /* relative data paths and `use "file"` start here */
    uint64_t seed;
    SemaDerive motion;      /* mech_motion; NULL: trajectories are not known */
} SemaOptions;

/* ---- what sema gives ---- */

typedef struct SemaPart {  /* `split(…)`: some of the rows 0 … rows-1, as RtPart says */
    uint64_t rows, first, count;
    bool in_order, has_seed; /* no seed of its own: the program's */
    uint64_t seed;
} SemaPart;

typedef struct SemaData {  /* a `data` declaration that some run or output needs */
    IrDef def;             /* INPUT, role DATA */
    Name name;
    Span span;
    SemaSource source;     /* where it is read from, or */
    const SemaPart *part;  /* the rows it is */
    uint64_t limit;        /* not 0: its values are used as subscripts and must be integers in 0 .. limit-1 */
    Span limit_span;       /* where they are used so */
} SemaData;

typedef enum SemaSupport {
    SUPPORT_REAL, SUPPORT_LOWER, SUPPORT_UPPER, SUPPORT_INTERVAL, SUPPORT_SIMPLEX, SUPPORT_ORDERED, SUPPORT_SPHERE,
    SUPPORT_STIEFEL, SUPPORT_CHOLESKY_CORR, SUPPORT_CORR, SUPPORT_COV, SUPPORT_DISCRETE,
} SemaSupport;

typedef struct SemaVar {   /* a declared param or coord (or spin, bit, angle, unit) */
    Name name;
    Span span;
    DeclKind kind;
    IrDef q;               /* INPUT, or VIEW into the run's block */
    IrDef v;               /* its velocity q' in the same form */
    IrTerm init, init_v;   /* over AXIS indices; draws allowed; 0: zero */
    SemaSupport support;
    IrTerm lower, upper;
} SemaVar;

/* One dynamical component: what `p`, `q` in a word move. Either the flat block of all coordinates (when the
 * dynamics speaks of `q`), or one per declared coordinate. */
typedef struct SemaBody {
    Name name;
    Span span;
    IrDef q, v, p;         /* INPUTs of equal shape: coordinate, velocity, conjugate momentum */
    uint32_t first, n;     /* the variables run->vars[first .. first+n-1] it holds */
} SemaBody;

typedef struct SemaTerm { IrTerm term; Span span; bool from_dynamics; } SemaTerm; /* term 0: not given */

typedef struct SemaForce { uint32_t body; IrTerm value; Span span; } SemaForce; /* over axes of bodies[body].q */
typedef struct SemaPush { IrTerm value, bare; Span span; } SemaPush; /* over axes of a body: `force = …`, in the place of bare,
                            −∂V/∂q; value 0: nothing is */
typedef struct SemaConstraint { IrDef residual; Span span; } SemaConstraint;    /* c[…] = 0, any rank */

/* A declared symmetry, q → q + ε δq, t → t + ε δt. */
typedef struct SemaSymmetry {
    Name name;             /* of its charge; 0: none given */
    Span span;
    IrDef charge;          /* placeholder scalar INPUT for the charge; mechanics puts p·δq − E δt − F in its place */
    IrTerm *shift;         /* per variable of the run: δq over its axes; 0: it stands still */
    IrTerm time;           /* δt; 0: none */
} SemaSymmetry;

typedef struct SemaState { /* `state v' = rate`, `state v = next`: an estimator */
    Name name;
    Span span;
    IrDef s;               /* INPUT, role STATE */
    IrTerm rate;           /* over axes of s; 0 for a state moved only by flows or given by `next` */
    IrTerm next;           /* over axes of s: the value it takes at its turn in the word; 0: not this form */
    IrTerm start;          /* over axes; 0: zero */
    bool drawn;            /* data that are drawn: what else starts may read them */
    bool held;             /* a coordinate or parameter that this run reads but does not move: it has the value that the
                              latest earlier run that moved it left, or else `start` */
} SemaState;

typedef struct SemaFlow {  /* `flow name { x' = rate … }`: a user's own part */
    Name name;
    Span span;
    IrDef *target;         /* q, p (bodies') or states */
    IrTerm *rate;
    uint32_t n;
    bool *at_once;         /* the rate is the value that the target takes at once: `q = …`; NULL: none is */
} SemaFlow;

typedef struct SemaWord SemaWord;
struct SemaWord {
    Span span;
    Name part;             /* 0: repetition */
    double fraction;
    uint32_t count;
    SemaWord *body;
    uint32_t n;
};

/* One of several dynamics of a run: it moves its bodies alone, with terms and a word of its own, while the others' coordinates
 * stand still; the words advance side by side. States and flows are among the run's, under names of their own. */
typedef struct SemaGroup {
    Name dynamics;
    Span span;
    const char *names;     /* of what it moves: "W, b" */
    uint32_t first_body, n_bodies, first_var, n_vars;
    SemaTerm lagrangian, hamiltonian, kinetic, dissipation;
    SemaWord word;
    Span word_span;
    IrTerm by;
} SemaGroup;

typedef struct SemaHyper { Name name; Span span; IrDef def; double value; } SemaHyper;

typedef struct SemaRecord { /* one recorded, printed or plotted quantity */
    Name label;
    const char *text;      /* its label as text: the name given or the source text */
    Span span;
    IrDef value;           /* any definition; may read `energy` and other placeholders of the run */
    EveryUnit unit;        /* EVERY_NONE: at the end (print, expect) or the run's default (record) */
    double every;
    enum { RECORD_SERIES, RECORD_PRINT, RECORD_SAVE, RECORD_PLOT } form;
    const char *path;      /* save */
    uint32_t event;        /* 1 + the number of the event at which it is looked at; 0: by the clock */
    uint32_t plot;         /* RECORD_PLOT: number of the plot that shows it */
} SemaRecord;

/* What an event does: the target takes the value, over its axes, as computed from the state before the event. */
typedef struct SemaAct {
    Name name;             /* of the coordinate or state */
    Span span;
    IrDef target;          /* q, v or p of a coordinate (run->vars), or a state */
    IrTerm value;
} SemaAct;

/* `when a = b { … }`: the moments at which a − b changes its sign. */
typedef struct SemaEvent {
    Span span;
    const char *text;      /* "y[i] = 0 falling" */
    IrDef value;           /* a − b, over the indices that the equation leaves open */
    int direction;         /* 1: from below, -1: from above, 0: either */
    IrDef element;         /* INPUT, an integer: the element of `value` that crossed, row-major, for what is done */
    IrDef count;           /* INPUT, an integer: how often the event has happened, this time included */
    SemaAct *acts; uint32_t n_acts;
    uint64_t stop_after;   /* the run ends when it happens for this time; 0: it does not */
} SemaEvent;

typedef struct SemaPlot {  /* plot line(t, x) every 0.1 to "name" */
    Span span;
    RtPlotForm form;
    uint32_t first, n;     /* what it shows: run->records[first .. first+n-1], in the order of the statement */
    bool over_run;         /* from the values at many moments; else from those at the end */
    const char *title, *x_label, *y_label; /* NULL: not said */
    bool x_log, y_log, equal, apart, has_pivot;
    double pivot[2];
    uint32_t bins;         /* 0: not said */
    const char *path;      /* of the files, without extension; NULL: named after the run */
} SemaPlot;

typedef struct SemaExpect { /* expect a == b within tol; expect a < b */
    Span span;
    const char *text;
    BinaryOp op;
    IrDef a, b, within;    /* scalars (or equal shapes); within 0: exact / 1e-9 relative */
} SemaExpect;

/* A value of every copy when all have ended: what a reduction over copies reads. */
typedef struct SemaGather {
    IrDef value;           /* of one copy */
    IrDef all;             /* INPUT, real: one more axis, the copies, before those of `value` */
} SemaGather;

struct SemaRun {
    Span span;
    Name label, dynamics, system;
    Span dynamics_span, system_span;
    SemaGroup *groups;   uint32_t n_groups; /* several dynamics side by side; none: one moves all */
    SemaVar *vars;       uint32_t n_vars;
    SemaBody *bodies;    uint32_t n_bodies;
    bool block;
    SemaTerm lagrangian, hamiltonian, kinetic, potential, dissipation, temperature, metric; /* hamiltonian beside a
                            potential: its kinetic part T(p) */
    SemaForce *forces;   uint32_t n_forces;
    SemaPush *pushes;      /* per body; NULL: no `force = …` */
    SemaConstraint *constraints; uint32_t n_constraints;
    SemaSymmetry *symmetries; uint32_t n_symmetries;
    SemaState *states;   uint32_t n_states;
    SemaFlow *flows;     uint32_t n_flows;
    SemaHyper *hypers;   uint32_t n_hypers;
    IrDef time, step;    /* flex scalar INPUTs t and k */
    IrDef energy;        /* placeholder scalar INPUT for `energy`; mechanics puts q'·∂L/∂q' − L in its place */
    SemaWord word;       /* a repetition of 1; n = 0 when a method advances it. With groups: states of system and run */
    Span word_span;
    IrTerm by;           /* step size h, scalar term over hypers (1 when not said) */
    const char *method;  /* "dop853", …; NULL for words and schemes */
    const char *scheme;  /* "gauss", …: an implicit step that mechanics derives; its arguments are method_values */
    bool of_jets;        /* the method takes Taylor coefficients in place of a right-hand side */
    Name *method_names; double *method_values; uint32_t n_method_args;
    Span method_span;
    double duration; DurationUnit unit; bool has_duration;
    uint64_t seed; bool has_seed; /* `seed 7` */
    uint32_t threads;    /* `threads 2`; 0: not said */
    IrDef batch;         /* INPUT rows, role BATCH; 0: whole data in every step */
    uint64_t batch_size, batch_of; /* rows in a batch; rows it is drawn from */
    IrDef batch_from;    /* DATA: their numbers (`batch 32 of train`); 0: all rows of the axis */
    SemaRecord *records; uint32_t n_records;
    SemaExpect *expects; uint32_t n_expects;
    SemaEvent *events;   uint32_t n_events;
    uint64_t copies;     /* `over 100 copies`; 0: the run is one */
    IrDef copy;          /* INPUT, an integer: the number of the present copy, from 0 */
    SemaGather *gathers; uint32_t n_gathers;
    const char *missing; /* a part of the runtime this build does not have ("discrete sweeps", …), for the message
                            at the run statement; NULL: runnable */
    Span missing_span;
    const char *instead; /* what to write in its place, said at missing_span; NULL: nothing does it */
    SemaPlot *plots;     uint32_t n_plots;
};

struct Model {
    IrProgram *ir;
    bool is_f32;           /* precision f32 */
    SemaData *data;      uint32_t n_data;
    SemaRun *runs;       uint32_t n_runs;
};

/* Checks the file and everything it uses, and lowers every run. All errors are reported to the session; the result is
 * NULL only when nothing could be lowered. The model lives in the session's arena, but for model->ir, which
 * model_free releases. */
Model *sema_analyze(Session *session, const File *file, const SemaOptions *options);
void model_free(Model *model);

/* The built-in standard library: files baked into the binary. */
typedef struct SemaLibrary { const char *path, *text; } SemaLibrary;
extern const SemaLibrary sema_library[];
extern const uint32_t sema_library_count;

#endif
