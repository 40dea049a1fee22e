/* sema/internal — what the passes of this folder share: scopes and entities, elaborated values, the Sema that
 * goes down by hand.
 *
 * A tensor-valued expression is elaborated to a Val: a list of FRESH indices and a scalar term over them,
 * that is, a function of its indices. Subscripting substitutes; calling a function under an outer index lifts
 * it without further ado, because the outer index is just free in the term. */
#ifndef LAG_SEMA_INTERNAL_H
#define LAG_SEMA_INTERNAL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sema.h"

typedef struct Sema Sema;
typedef struct Scope Scope;
typedef struct Ent Ent;
typedef struct Unit Unit;
typedef struct RunState RunState;
typedef struct Recursive Recursive;

/* ---- values ---- */

/* One axis of a value. In the user's numbering it runs lo .. lo+extent-1; `full` is the extent of the axis it
 * was taken from, which is larger where a stencil shortened it (`let d[i] = x[i+1] - x[i]`). */
typedef struct Axis {
    IrIdx idx;     /* FRESH; its extent is the axis's extent */
    bool periodic; /* subscripts wrap around */
    int64_t lo;
    uint64_t full;
} Axis;

typedef enum ValKind { VAL_POISON, VAL_TENSOR, VAL_STRING, VAL_RANGE } ValKind;
typedef struct Val {
    ValKind kind;
    uint8_t rank;
    bool open_shape; /* a state whose shape is being found out: takes any shape */
    IrTerm body;     /* TENSOR: scalar term over axis[..].idx and indices of the context */
    Name text;       /* STRING */
    int64_t lo, hi;  /* RANGE, both included */
    Axis axis[IR_MAX_RANK];
} Val;

/* ---- entities: what a name stands for ---- */

typedef enum EntKind {
    ENT_CONST,
    ENT_DATA,
    ENT_VAR,
    ENT_LET,
    ENT_STATE,
    ENT_FN,
    ENT_SYSTEM,
    ENT_DYNAMICS,
    ENT_RUN,
    ENT_EXTENT, /* an extent bound by a data file */
    ENT_VALUE,  /* a name bound to a value: an index, an argument, t, k, q, … */
    ENT_FLOW,
} EntKind;

typedef enum EntState { ENT_NEW, ENT_BUSY, ENT_DONE, ENT_BAD } EntState;

struct Ent {
    EntKind kind;
    EntState state;
    Name name;
    Span span;    /* of the name where it is declared */
    Scope *scope; /* where it is declared */
    const Declarator *decl;
    const Declarator *prime; /* the declarator of the initial velocity, `x' = …` */
    const Stmt *stmt;        /* the statement that declares it */
    DeclKind decl_kind;
    bool is_index, used;
    bool called;     /* FN, SYSTEM, DYNAMICS: some run or definition has used it */
    bool checked;    /* VAR: its initial values are elaborated */
    uint32_t opened; /* world + 1 in which its dependences were listed */
    uint32_t world;  /* the run `val` was elaborated for; see Sema.world */
    Val val;
    IrDef q, v, p;       /* VAR: coordinate, velocity, momentum (made when first asked for); STATE: q */
    Val generated;       /* DATA that are drawn: the draws */
    SemaSupport support; /* VAR */
    IrTerm lower, upper;
    Scope *inner;    /* SYSTEM: its scope, made once */
    uint32_t run;    /* RUN: its number */
    uint64_t extent; /* EXTENT: its value, 0 until a file binds it */
    Span bound_at;   /* EXTENT: the axis that bound it */
    Recursive *open; /* LET that is being elaborated: it may be referred to at another index; see recursion.h */
    Ent *next;       /* in order of declaration within the scope */
};

typedef enum ScopeKind {
    SCOPE_ROOT,
    SCOPE_FILE,
    SCOPE_SYSTEM,
    SCOPE_DYNAMICS,
    SCOPE_RUN,
    SCOPE_FN,
    SCOPE_LOCAL,
} ScopeKind;

struct Scope {
    ScopeKind kind;
    Scope *parent;
    Scope *also;     /* searched before the parent: a run's body sees its system… */
    Scope *fallback; /* …and, when nothing else has the name, its dynamics */
    Unit *unit;
    Ent **slot; /* open addressing by name */
    uint32_t n, cap;
    Ent *first, *last;
    StmtList items; /* what was collected, for definitions whose range their uses say */
};

/* A source file that takes part: the program, what it uses, pieces of the standard library. */
struct Unit {
    const char *path;
    const char *directory;
    File *file;
    Scope *scope;
    bool library, is_f32;
    Unit **uses;
    uint32_t n_uses;
};

/* A word of the standard library that may be the name of something it declares. */
typedef struct LibraryName {
    const char *at; /* in the file's text */
    size_t n;
    uint32_t file;
} LibraryName;

/* ---- the pass's state ---- */

enum { MOST_GROUPS = 16 }; /* of dynamics side by side */

/* The run being lowered. */
struct RunState {
    SemaRun *out;
    const Stmt *stmt;
    Scope *scope; /* names of the run's body: energy, loss, states, … */
    Ent *system, *dynamics;
    struct {
        IrDef q, v, p;
    } blocks[MOST_GROUPS]; /* the flat block, when the dynamics speaks of it; of several dynamics each one's */
    uint32_t n_blocks;
    IrDef whole; /* of several dynamics: all coordinates one after the other, what a run's own statements call q; else 0 */
    const IrReplace *windows; /* each coordinate, its velocity and momentum by its window of the block */
    uint32_t n_windows;
    uint64_t batch_size; /* 0: every step sees all rows */
    Span batch_span;
    IrDef batch;       /* the rows, made when first used */
    uint64_t batch_of; /* rows of the data */
    Span batch_of_span;
    uint64_t copies;   /* 0: the run is one */
    IrDef copy;        /* the number of the present one */
    bool comparing;    /* a statement is elaborated that looks at all copies */
    VEC(SemaGather) gathers;
    IrDef batch_from; /* the list of rows it is drawn from; 0: all */
    uint64_t batch_rows; /* their number */
    uint64_t seen_of;    /* rows of the data that `in batch` ranges over, with or without a minibatch */
    Span seen_span;
    double duration;
    uint32_t world; /* once finished: the world of its definitions */
};

typedef struct CallFrame {
    const struct CallFrame *up;
    const Ent *fn;
    Span span;
    uint32_t depth;
} CallFrame;

/* What one `split(…)` says, worked out once for all of its parts. */
typedef struct Split {
    const Expr *call;
    bool ok;
    SemaPart like;      /* what its parts have in common */
    uint64_t *count;    /* rows of each declarator of the statement; 0: not one of its parts */
} Split;

/* An INPUT in the place of a value that no run of this build computes. */
typedef struct Opaque {
    IrDef def;
    const char *phrase;
    Span span;
    const char *instead; /* what to write; NULL: nothing does it. The message stands at `span` then, not at the run */
} Opaque;

struct Sema {
    Session *session;
    const SemaOptions *options;
    Arena *arena;
    IrProgram *ir;
    Model *model;
    Scope *root;
    Unit *main;
    VEC(Unit *) units;
    Unit **library; /* by number in sema_library, NULL until parsed */
    VEC(LibraryName) library_names;
    bool *override_used;
    uint32_t mute;         /* > 0: errors are not reported (shapes are being tried out) */
    uint32_t muted_errors; /* errors kept back while muted */
    uint32_t depth;        /* nesting of expressions */
    /* Values of definitions may depend on the run (minibatch, states); `world` numbers runs, and an entity
     * elaborated in another world is elaborated again. Hash-consing makes the same of what is the same. */
    uint32_t world, worlds;
    uint32_t trial;      /* > 0: definitions elaborated now are muted as well */
    RunState *run;       /* the run being lowered, or NULL */
    VEC(Ent *) busy;     /* entities being elaborated, for the chain of a cycle */
    VEC(IrIdx) active;   /* indices of the context, for the positions of draws */
    VEC(IrIdx) wrapping; /* those of them whose subscripts wrap around */
    uint32_t active_base;
    const CallFrame *call;
    uint32_t guarded;              /* > 0: only the shape is wanted, subscripts are not judged */
    VEC(IrTerm) conditions;        /* that hold where the present expression is used, from condition_base on */
    uint32_t condition_base;
    VEC(uint64_t) sites;           /* places that draw, see draw.c */
    bool ahead;                    /* a long chain is being elaborated from its far end */
    uint32_t errors_at_derivative; /* whether calculus said why a derivative failed */
    VEC(SemaHyper) hypers;         /* of all runs, for compile-time values */
    IrDef time, step, energy;
    VEC(uint8_t) precision; /* per term: see sema_term_elem */
    VEC(Opaque) opaque;
    VEC(Recursive *) recursions; /* definitions being elaborated that may refer to themselves, outermost first */
    VEC(Recursive *) joined;     /* those that others around them refer to: closed with them */
    VEC(Ent *) passing;          /* elaborated while what they refer to was open: to be elaborated again */
    VEC(SemaState) drawn; /* data that are drawn: states that keep their start */
    uint32_t generating;  /* > 0: data are being made */
    VEC(SemaData) data;
    VEC(Split) splits;
    VEC(SemaRun) runs;
    VEC(RunState *) finished;
    VEC(Ent *) vars; /* every declared degree of freedom */
};

/* ---- diagnostics (report.c) ---- */
Diag *sema_error(Sema *s, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
Diag *sema_warn(Sema *s, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A second place and a mend; nothing happens when diag is NULL (muted). */
void sema_note(Sema *s, Diag *diag, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
void sema_help(Sema *s, Diag *diag, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *sema_name(const Sema *s, Name name);
/* "a number", "a vector of 3", "a 2×3 matrix", "a 2×3×4 tensor". */
const char *sema_shape_text(Sema *s, const Val *v);
const char *sema_type_text(IrType type);
/* The source text of a span on one line, for labels and messages. */
const char *sema_span_text(Sema *s, Span span);

/* ---- scopes (scope.c) ---- */
Scope *scope_new(Sema *s, ScopeKind kind, Scope *parent);
Ent *scope_own(const Scope *scope, Name name);
/* Adds an entity; a name already there is reported (showing both places) and NULL returned. */
Ent *scope_add(Sema *s, Scope *scope, EntKind kind, Name name, Span span);
Ent *scope_bind(Sema *s, Scope *scope, Name name, Span span, Val val);
/* Declares every name of a list of statements. */
void scope_collect(Sema *s, Scope *scope, StmtList items);
/* The entity a name stands for, through enclosing scopes, used files and the standard library; NULL,
 * silently, when there is none. */
Ent *scope_find(Sema *s, Scope *scope, Name name);
/* The same without the standard library: what the program itself declares. */
Ent *scope_find_declared(Sema *s, Scope *scope, Name name);
/* The nearest entity of that kind, past others of the same name: the standard library may have a function and
 * a dynamics of one name. */
Ent *scope_find_kind(Sema *s, Scope *scope, Name name, EntKind kind);
/* Reports an unknown name with the nearest known one. `what` is "name", "function", … */
void scope_unknown(Sema *s, Scope *scope, Name name, Span span, const char *what, DiagCode code);
const char *sema_ent_kind_text(const Ent *ent);

/* ---- open indices (free.c) ---- */
typedef struct IndexOpen {
    Binder at[IR_MAX_RANK];
    uint32_t n;
} IndexOpen;
/* Whether a name in a subscript stands for an index because nothing of that name is declared. */
bool index_is_undeclared(Sema *s, Scope *scope, Name name);
/* Adds the open indices of e, in the order in which they occur. */
void index_open(Sema *s, Scope *scope, const Expr *e, IndexOpen *out);

/* ---- files (load.c) ---- */
Unit *load_unit(Sema *s, File *file, const char *path, bool library);
void load_uses(Sema *s, Unit *unit);
/* The entity `name` of the standard library, parsed when first needed; NULL. */
Ent *load_library_find(Sema *s, Name name);
/* Parses all of it, to suggest a name. */
void load_library_all(Sema *s);
Ent *load_library_find_kind(Sema *s, Name name, EntKind kind);

/* ---- entities (entity.c) ---- */
/* The value of an entity, elaborated when first needed; cycles are reported with their chain. */
Val sema_ent_value(Sema *s, Ent *ent, Span use);
Val sema_var_value(Sema *s, Ent *ent, uint32_t primes, Span use);
bool sema_var_declare(Sema *s, Ent *ent);
IrDef sema_var_q(Sema *s, Ent *ent);
IrDef sema_var_v(Sema *s, Ent *ent);
IrDef sema_var_p(Sema *s, Ent *ent);
/* Initial value (primes 0) or velocity (1) over AXIS indices; 0: zero. */
IrTerm sema_var_init(Sema *s, Ent *ent, uint32_t primes);
IrElem sema_real_elem(Sema *s, Scope *scope);
/* The left side of `let h[j] = e`: shape from indices and e; the value as a definition. */
Val sema_let(Sema *s, Scope *scope, const Declarator *d, bool define);
/* Whether an axis of a declaration is an extent (`[2]`, `[N]` with N a constant) and not the name of an
 * index. */
bool axis_is_extent(Sema *s, Scope *scope, const Binder *b, const Expr *init);
bool axis_extent(Sema *s, Scope *scope, const Binder *b, uint64_t *extent);
bool sema_data(Sema *s, Ent *ent);
/* Whether a data declaration with this right side binds the names of its axes to extents. */
bool data_binds_extents(Sema *s, const Expr *init);
bool sema_extent(Sema *s, Ent *ent);
/* Axis k of a data declaration against the extent `have` that its source gives (known false: nobody looked):
 * states it, binds a name to it, or both must agree. */
bool data_fit_axis(Sema *s, Ent *ent, const Binder *b, uint32_t k, uint64_t have, bool known,
                   uint64_t *extent);
/* split.c: whether the right side of a declaration is `split(…)`; the declaration of one of its parts. */
bool is_split(Sema *s, const Expr *init);
bool sema_split(Sema *s, Ent *ent);
/* The part that a definition is; NULL when it is none. */
const SemaPart *split_part(const Sema *s, IrDef def);
/* Warns when a run's minibatch ranges over rows that the program has split, without saying of which part. */
void split_warn(Sema *s, Scope *scope, const RunState *run);

/* ---- values (value.c) ---- */
Val val_poison(void);
Val val_scalar(IrTerm body);
Val val_int(Sema *s, int64_t value);
Val val_real(Sema *s, double value);
/* The whole of a definition: READ(def)[fresh…]. lo, full, periodic are taken from `like` when not NULL. */
Val val_read(Sema *s, IrDef def, const Val *like);
static inline bool val_ok(const Val *v) { return v->kind == VAL_TENSOR; }
IrType val_type(const Sema *s, const Val *v);
uint64_t val_extent(const Sema *s, const Val *v, uint32_t axis);
uint64_t val_size(const Sema *s, const Val *v);
bool val_same_shape(const Sema *s, const Val *a, const Val *b);
/* The body with the axes replaced by `at` (INT terms counted from 0). */
IrTerm val_at(Sema *s, const Val *v, const IrTerm *at);
/* The body over AXIS indices, as SemaState and friends want it. */
IrTerm val_close(Sema *s, const Val *v);
/* b with its axes renamed to those of a (equal shapes). */
IrTerm val_aligned(Sema *s, const Val *a, const Val *b);
Val val_fresh_axes(Sema *s, const Val *v); /* the same value over new indices */
Val val_to_real(Sema *s, Val v);
/* The value as a definition over the context's indices it uses and its own axes; trivial bodies stay. */
Val val_define(Sema *s, Val v, Name name, Span span, Scope *scope);
/* A definition without context: 0 (and nothing reported) when the value depends on indices of the context. */
IrDef val_def(Sema *s, const Val *v, Name name, Span span, Scope *scope);
/* Whether the term's value depends on draws. */
bool sema_draws(Sema *s, IrTerm t);
IrElem sema_term_elem(Sema *s, IrTerm t, Scope *scope, bool *flex);
/* An array of values as one value of one more rank. */
Val val_array(Sema *s, const Val *items, uint32_t n, Span span);

/* ---- indices (range.c) ---- */
typedef struct IndexVar {
    Name name;
    Span span;
    bool known;  /* range determined */
    bool stated; /* by the user: extent or set; uses are checked, not intersected */
    bool periodic, stated_periodic, batch, bad;
    const Val *list; /* `n in train`: the integers it runs over, lo … hi being their range; NULL: a range */
    bool vague;      /* a list whose values nobody knows before the run */
    int64_t lo, hi;
    uint64_t full;
    Span why; /* the use or extent that determined it */
} IndexVar;
bool axis_vars(Sema *s, Scope *scope, const Declarator *d, IndexVar *vars);
/* Fills `vars` from the binders: names, stated extents and sets. */
void index_vars(Sema *s, Scope *scope, const Binder *b, uint32_t n, IndexVar *vars);
/* Finds the ranges of `vars` from every use in `roots`. Reports conflicts and unknown ranges; false after an
 * error (the vars at fault are bad). */
bool index_infer(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots,
                 uint32_t n_roots);
/* The same for the axes of a definition: where the right side does not say a range, the definition's own uses
 * beside it may. */
bool index_infer_of(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots,
                    uint32_t n_roots, Name name);
bool index_seek(Sema *s, Scope *scope, Name name, uint32_t axis, IndexVar *found);
/* Opens the index: binds its name in `scope`, makes it part of the context. index_leave closes the last n. */
IrIdx index_enter(Sema *s, Scope *scope, const IndexVar *var);
void index_leave(Sema *s, uint32_t n);
/* Reports the indices that run over a list where only a reduction's may; false when there is one. */
bool index_no_lists(Sema *s, const IndexVar *vars, uint32_t n);
/* The range of an integer term, that of a definition read at some place being that of its body; false: not
 * known. */
bool sema_int_range(Sema *s, IrTerm t, int64_t *lo, int64_t *hi);
/* Whether the expression mentions the name freely. */
bool index_mentions(const Expr *e, Name name);
typedef void (*NameVisit)(void *context, Name name);
/* The k-th subexpression, subscripts apart; NULL after the last. */
const Expr *expr_child(const Expr *e, uint32_t k);
/* Whether the name occurs in a subscript of the expression. */
bool index_subscripts_by(const Expr *e, Name name);
void index_each_name(const Expr *e, NameVisit visit, void *context);

/* ---- expressions ---- */
Val sema_expr(Sema *s, Scope *scope, const Expr *e);                              /* expr.c */
Val sema_real_expr(Sema *s, Scope *scope, const Expr *e);                         /* and promoted to real */
Val sema_binary(Sema *s, BinaryOp op, Span span, Val a, Val b, Span sa, Span sb); /* arith.c */
Val sema_negate(Sema *s, Span span, Val a);
Val sema_matmul(Sema *s, Scope *scope, Span span, Val a, Val b, Span sa, Span sb); /* matrix.c */
Val sema_map1(Sema *s, Val a, IrTerm (*fn)(IrProgram *, IrTerm));
Val sema_prime(Sema *s, Scope *scope, const Expr *e); /* derive.c */
Val sema_tangent(Sema *s, Val v, uint32_t times, Span span);
/* What a derivative is taken by, or an equation solved for: a read of definition `def`; `whole` when all of it, in order. */
typedef struct Variable {
    IrDef def;
    Val val;
    IrTerm at[IR_MAX_RANK];
    uint32_t rank;
    bool whole;
} Variable;
bool sema_variable(Sema *s, Scope *scope, const Expr *e, Variable *x);
Val sema_grad(Sema *s, Scope *scope, const Expr *call);
Val sema_stationary(Sema *s, Scope *scope, const Expr *call); /* equation.c */
Val sema_root(Sema *s, Scope *scope, const Expr *call);
Val sema_hess(Sema *s, Scope *scope, const Expr *call);
Val sema_jvp(Sema *s, Scope *scope, const Expr *call);
Val sema_at(Sema *s, Scope *scope, const Expr *call);
Val sema_vjp(Sema *s, Scope *scope, const Expr *call);
Val sema_trajectory(Sema *s, Scope *scope, const Expr *call); /* trajectory.c */
Val statistic_series(Sema *s, Scope *scope, const Expr *call); /* statistic.c */
Val sema_opaque(Sema *s, const Val *shape, IrType type, const char *phrase, Span span);
Val sema_momentum(Sema *s, Scope *scope, const Expr *call); /* p(x) */
Val sema_subscript(Sema *s, Scope *scope, const Expr *e);   /* subscript.c */
/* Subscript `t` of axis k as a term counted from the axis's first element and held inside; 0 after an error.
 */
IrTerm sema_place(Sema *s, const Val *base, uint32_t k, IrTerm t, Span span);

/* inside.c: the values lo..hi that subscript `t` takes where the conditions around it hold. SHOWN: they are exact, or lie
 * within 0..extent-1; LATER: they depend on data or parameters; UNSHOWN: nothing is known. */
typedef enum Inside { INSIDE_SHOWN, INSIDE_LATER, INSIDE_UNSHOWN } Inside;
/* What is elaborated until sema_forget is used only where `condition` holds (or does not). */
void sema_assume(Sema *s, const Val *condition, bool holds);
void sema_forget(Sema *s);
Inside sema_inside(Sema *s, IrTerm t, uint64_t extent, int64_t *lo, int64_t *hi);
Val sema_reduce(Sema *s, Scope *scope, const Expr *e); /* reduce.c */
/* copies.c: whether a reduction is over the copies of the run; its value. */
bool copies_is_reduction(Sema *s, Scope *scope, const Expr *e);
Val copies_gather(Sema *s, Val v, Span span, IrIdx *copy);
Val sema_reduce_whole(Sema *s, ReduceOp op, Val v, Span span);
Val sema_field(Sema *s, const Expr *e);              /* record.c: `fit.loss` */
Val sema_call(Sema *s, Scope *scope, const Expr *e); /* call.c */
/* Binds a call's arguments to the parameters of fn in `inner`; false after an error. */
bool call_bind_args(Sema *s, Scope *caller, Scope *inner, const Expr *call, const Ent *fn, ParamList params);
Val sema_draw(Sema *s, Scope *scope, const Expr *e); /* draw.c */
/* A compile-time number (hyper-parameters stand for their values). False after an error. */
bool sema_const(Sema *s, Scope *scope, const Expr *e, double *value, const char *what);
bool sema_const_int(Sema *s, Scope *scope, const Expr *e, int64_t *value, const char *what);
bool sema_const_term(Sema *s, IrTerm t, double *value);

/* ---- built-in functions (builtin.c) ---- */
typedef struct Builtin Builtin;
const Builtin *builtin_find(const char *name);
Val builtin_call(Sema *s, Scope *scope, const Builtin *b, const Expr *e);
uint32_t builtin_count(void);
const char *builtin_name(uint32_t i);

/* ---- distributions (distribution.c) ---- */
bool distribution_exists(const char *name);
/* Whether arguments that are given by name stand in the places of those names; reports the first that does
 * not. */
bool distribution_names_fit(Sema *s, const char *name, const Expr *call);
/* −log density of lhs under the distribution of a `~` statement, summed over everything: 0 after an error. */
/* The value of a function whose parameters are bound in the scope: over the axes that its head names, if it
 * does. */
Val sema_fn_result(Sema *s, Scope *scope, const Stmt *fn);
IrTerm sema_tilde(Sema *s, Scope *scope, const Stmt *st);

#endif
