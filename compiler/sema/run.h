/* run — the passes that join a system and a dynamics for one `run`, in the order of run.c's table. */
#ifndef LAG_SEMA_RUN_H
#define LAG_SEMA_RUN_H

#include "internal.h"

typedef struct ForceOn {
    Ent *on;
    Val value;
    Span span;
} ForceOn;
typedef VEC(Ent *) EntVec;

/* A declared symmetry: how it moves coordinates and the time. */
typedef struct Shift {
    Ent *on;
    Val value; /* δq, like the coordinate */
} Shift;
typedef struct Generator {
    Name name;
    Span span;
    VEC(Shift) shifts;
    IrTerm time; /* δt; 0: none */
} Generator;

/* One body's worth of the dynamics: the scope its names live in, and the coordinate the pattern stands for.
 */
typedef struct Part {
    Scope *scope;
    Ent *on;            /* pattern: the coordinate; NULL: all of them */
    const char *suffix; /* added to the names of its states and flows, "" unless there are several parts */
} Part;

/* One of several dynamics of the run, as it is elaborated: see groups.c. */
typedef struct Group {
    const RunGroup *says;
    Ent *dynamics;
    bool pattern;                /* it moves one coordinate at a time */
    uint32_t first_var, n_vars;  /* of j->vars */
    IrDef q, v, p;               /* its block; 0 under a pattern */
    const char *suffix;
    Part *parts;
    uint32_t n_parts;
    SemaGroup out;
} Group;

/* A statement after a run. `print a.loss, b.loss` is one of both runs, each with its own part. */
typedef struct After {
    const Stmt *st;
    bool own; /* also what speaks of no run by label belongs to this one */
} After;

/* The body of a `when`: the indices of its equation stand for those of the element that crossed. */
typedef struct EventBody {
    uint32_t number;              /* 1 + the number of the event */
    IrIdx index[IR_MAX_RANK];     /* FRESH */
    IrTerm element[IR_MAX_RANK];  /* what each is, INT */
    uint32_t n;
} EventBody;

/* A run being joined. */
typedef struct Join {
    Sema *s;
    RunState *run;
    SemaRun *out;
    const Stmt *st;
    Unit *unit;
    Scope *system, *body; /* scopes of the system and of the run's body */
    VEC(ForceOn) forces;
    VEC(SemaConstraint) constraints;
    VEC(Generator) symmetries;
    VEC(SemaState) states;
    VEC(SemaFlow) flows;
    VEC(SemaHyper) hypers;
    VEC(SemaRecord) records;
    VEC(SemaPlot) plots;
    VEC(SemaExpect) expects;
    VEC(SemaEvent) events;
    bool starting;          /* what the run starts from is elaborated */
    const EventBody *event; /* the `when` whose body is at hand; NULL: none */
    Span law;    /* of `x' = …`, the last one; no file: the system has none */
    EntVec vars; /* the coordinates that take part */
    EntVec state_ents;
    uint32_t n_system_states; /* the first so many of states belong to the system */
    Scope *params;            /* the arguments of the dynamics */
    Part *parts;
    uint32_t n_parts;
    VEC(struct Composed) composed;
    const Expr *call;         /* of the dynamics at hand */
    const char *suffix;       /* of its states and flows, with several dynamics; else "" */
    Group *groups;            /* several dynamics; NULL: one */
    uint32_t n_groups;
    uint32_t first_var, n_moved; /* of j->vars: what the dynamics at hand moves */
    Val whole;                /* with several: the force on all coordinates as the run replaces it; else poison */
    bool block, speaks_of_force, failed;
    bool foreign;           /* the statement at hand belongs to a later run, apart from what is labelled */
    uint32_t errors;        /* errors there were before this run */
    IrDef q, v, p;          /* the flat block */
    VEC(IrReplace) replace; /* single coordinates by windows of the block */
} Join;

/* system.c: the terms of the system. */
void join_system(Join *j);
/* symmetry.c: `symmetry J: rotation(x, y)`, `symmetry δx = t`; and what of them the run's coordinates take part in. */
void join_symmetry(Join *j, const Stmt *st);
void join_symmetries(Join *j);
void join_free_symmetries(Join *j);
/* Adds a term of kind kinetic … metric; a second one is reported with both places. */
void join_term(Join *j, SemaTerm *slot, const char *what, IrTerm term, Span span, bool from_dynamics);
SemaTerm *join_slot(Join *j, TermKind kind);
/* A kinetic energy in the momenta, T(p), becomes the Hamiltonian: when all terms are over the bodies. */
void join_momenta(Join *j);
const char *join_term_name(TermKind kind);
const char *join_quoted(Join *j, TermKind kind);
/* Where a message about the dynamics belongs: its own line in the program, the run's when it is the
 * library's. */
Span join_place(Join *j, Span span);
/* A term that must be a real number. 0 after an error. */
IrTerm join_scalar(Join *j, Scope *scope, const Expr *e, const char *what);
void join_bind_term(Join *j, Scope *scope, const char *name, IrTerm term);

/* coordinates.c: which coordinates take part, as bodies and blocks. */
void join_vars(Join *j);
/* Takes out parameters that nothing moves. */
void join_held(Join *j);
void join_bodies(Join *j);
/* The place of a coordinate among the run's; UINT32_MAX: it does not take part. */
uint32_t join_var_of(const Join *j, const Ent *ent);
/* Terms over single coordinates rewritten over the block. */
void join_replace(Join *j);
IrTerm join_blocked(Join *j, IrTerm t);

/* batch.c: definitions over all rows read at the rows of a minibatch become definitions over its slots. */
void join_restrict(Join *j);
/* coordinates.c: vars first … first+n-1 as one block, which j->q, v, p then are. */
void join_block(Join *j, Name name, uint32_t first, uint32_t n);
/* A body of them; a body of each. */
void join_block_body(Join *j, Name name, uint32_t first, uint32_t n);
void join_single_bodies(Join *j, uint32_t first, uint32_t n);
/* groups.c: several dynamics side by side. Finds them; gives each its variables; bodies; terms, states and word of each; at the
 * end, what of them is over the block. */
bool groups_find(Join *j, Unit *unit, const Stmt *st);
void groups_listen(Join *j);
void groups_vars(Join *j);
void groups_bodies(Join *j);
void groups_join(Join *j);
void groups_replace(Join *j);
/* The force on body `number` as the run has replaced it, shaped like `like`. */
Val groups_force(Join *j, uint32_t number, const Val *like);
/* run.c */
bool join_find_dynamics(Join *j, Unit *unit, const Expr *e);
/* dynamics.c: whether the dynamics speaks of the block; parameters, terms and flows of the dynamics. */
void join_listen(Join *j);
void join_listen_to(Join *j, const Stmt *dynamics);
/* Whether the dynamics says `name` anywhere but in its `step`. */
bool join_speaks_of(const Stmt *dynamics, Name name);
/* j->parts: one a body that the dynamics moves on its own; and what one of them adds to the run. */
bool join_make_parts(Join *j, const Stmt *dynamics);
void join_part(Join *j, Part *part, const Stmt *dynamics);
/* Binds the parameters in `scope`; what the arguments say is looked up in `from`. */
void join_bind_params(Join *j, Scope *scope, Scope *from, ArgList args, ParamList params, const Ent *ent,
                      Span span, bool hyper);
void join_dynamics(Join *j);
/* push.c: what acts instead, as the run and the dynamics say with `force = …`; binds `force` in the scope of the part. */
void push_force(Join *j, Part *part, Val bare, const Stmt *dynamics);
bool push_is_said(StmtList items);
/* The force on all coordinates of several dynamics, as the run says. */
Val push_whole(Join *j, Val force);
/* dynamics.c: ∂V/∂q. 0 after an error. */
IrDef join_force(Join *j, IrDef q);
/* word.c: the states of the system, which move once a step, at the end of the word. */
void join_system_states(Join *j);
/* state.c */
void join_states(Join *j, Part *part, StmtList items);
/* `e` for every element of `like`, over the indices that d names; poison after an error. */
Val state_value(Join *j, Part *part, const Declarator *d, const Val *like, const Expr *e, const char *what);
/* word.c: the word or the method; states of the run's body, which move once a step after it. */
void join_word(Join *j);
void join_run_states(Join *j);
/* compose.c: the words of other dynamics taken into this one's. A composed word has the parts of its own dynamics, with
 * states and flows of its own. */
typedef struct Composed {
    const Word *word;        /* where it stands, */
    const Part *outer;       /* in a word of these parts */
    struct Inner *inner;
} Composed;
typedef struct Inner {
    const Ent *dynamics;
    const Stmt *step;
    Val *args;               /* of its parameters, in order */
    Part *parts;
    uint32_t n_parts;
    IrTerm by;               /* the length of its step, where it speaks of it; else 0 */
} Inner;
/* Which of them speak of the whole block; elaborates them all; the one that stands at `word` of the present parts. */
void compose_listen(Join *j);
void compose_open(Join *j);
Inner *compose_find(Join *j, const Word *word);
/* Turns a lowered word around: the adjoint of a word of exact flows. False after a message. */
bool compose_adjoint(Join *j, const Word *at, SemaWord *word, uint32_t n);
/* Joins equal parts that have come to stand side by side. */
void compose_merge(Join *j, SemaWord *word);
/* method.c: `method dop853(rtol = …)`, its arguments evaluated in `scope`. */
void join_method(Join *j, Scope *scope, const Expr *call);
/* output.c: the statements of the run's body and those after it. */
void join_outputs(Join *j, StmtList items);
void join_output(Join *j, const Stmt *st);
/* event.c: `when a = b { … }`. */
void join_event(Join *j, const Stmt *st);
/* The left side of an assignment. */
typedef struct Target {
    Ent *ent;
    IrDef def;           /* q, q' or p of a coordinate, or a state */
    Val like;            /* the whole of it */
    const Expr *element; /* a SUBSCRIPT; NULL: all elements */
} Target;
bool join_target(Join *j, Scope *scope, const Expr *e, Target *t);
/* The new value of the target over its own axes, and where it takes it (0: everywhere); poison after an error. */
Val join_target_value(Join *j, Scope *scope, const Target *t, const Expr *e, IrTerm *condition);
/* copies.c: `over 100 copies`, before anything of the run is elaborated; what each starts from, at the end. */
void join_copies(Join *j, const Stmt *st);
void join_starts(Join *j, StmtList items);
/* No record may look at all copies: they run one beside the other. */
void join_check_gathers(Join *j);
/* t with the indices of the event at hand set to the element that crossed. */
IrTerm event_at_element(Join *j, IrTerm t);
/* What a record shows as a definition; 0 after an error. */
IrDef output_def(Join *j, Val v, Name name, Span span);
/* The name given, as it is spelled here, or else the source text. */
const char *output_label(Join *j, const Arg *arg);
/* The interval of `every …`; false after an error. */
bool output_every(Join *j, const Every *every, EveryUnit *unit, double *value);
/* The file that `to` names; NULL after an error: a program writes nowhere but in the folder of its results. */
const char *output_path(Join *j, Name path, Span span);
/* Whether this item of the statement is of the run at hand: by its label, or for want of one. */
bool output_is_ours(const Join *j, const Expr *e);
/* plot.c: one `plot`, with the records that it shows. */
void join_plot(Join *j, const Stmt *st);
/* plot_text.c: source text as people write it: theta[0]' as θ₀′. */
const char *plot_text(Sema *s, const char *source);
/* missing.c: what this build has no runtime for. */
void join_missing(Join *j);
void join_kept(Join *j);
void join_complete(Join *j);

/* run.c: a system alone, without a dynamics: its terms, and what moves. */
void join_motion_of_system(Join *j);
/* run.c: one run and the statements after it that look at it. */
void sema_run(Sema *s, Unit *unit, const Stmt *st, const After *after, uint32_t n_after);
/* The label that an expression speaks of; 0 when none or several. */
Name field_label_of(const Expr *e);
/* field.c: the label of the run a statement speaks of, when it is one; 0. */
Name field_label(const Stmt *st);

/* names.c: what nothing calls and nothing runs. */
void names_check_fn(Sema *s, Ent *ent);
void names_check_dynamics(Sema *s, Ent *ent);
void names_check_system(Sema *s, Ent *ent);

/* What a value needs that no run of this build can compute: an INPUT of the given shape that carries the
 * phrase. */
Val sema_opaque(Sema *s, const Val *shape, IrType type, const char *phrase, Span span);

typedef enum ArgKind { ARG_POSITIVE, ARG_NOT_NEGATIVE, ARG_COUNT, ARG_SHARE } ArgKind;
typedef struct MethodArg {
    const char *name;
    ArgKind kind;
    bool needed;
} MethodArg;

enum { METHOD_MAX_ARGS = 8 };
typedef struct Method {
    const char *name;
    const char *missing;
    bool needs_motion, needs_duration;
    bool is_scheme; /* derived and compiled as a step, not of the runtime */
    MethodArg args[METHOD_MAX_ARGS]; /* up to the first without a name */
} Method;
const Method *method_find(const char *name);
uint32_t method_count(void);
const char *method_name(uint32_t i);
const MethodArg *method_arg(const Method *method, const char *name); /* NULL: it has none of this name */

#endif
