/* ast — the tree the parser builds and sema reads. A tagged union with a span in every node; the kinds are
 * listed in ast.def. Nodes live in the session's arena and are never changed after parsing. */
#ifndef LAG_AST_H
#define LAG_AST_H

#include "../base/base.h"

typedef struct Expr Expr;
typedef struct Stmt Stmt;

typedef enum ExprKind {
#define EXPR(kind, name) EXPR_##kind,
#include "ast.def"
    EXPR_COUNT
} ExprKind;

typedef enum StmtKind {
#define STMT(kind, name) STMT_##kind,
#include "ast.def"
    STMT_COUNT
} StmtKind;

typedef enum UnaryOp { UNARY_NEG, UNARY_NOT } UnaryOp;
typedef enum BinaryOp {
    BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_POW, BINARY_MATMUL, BINARY_MOD,
    BINARY_EQ, BINARY_NE, BINARY_LT, BINARY_LE, BINARY_GT, BINARY_GE, BINARY_AND, BINARY_OR,
} BinaryOp;
typedef enum ReduceOp {
    REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_MEAN, REDUCE_LOGSUMEXP,
    REDUCE_ARGMAX, REDUCE_ARGMIN, REDUCE_ANY, REDUCE_ALL,
} ReduceOp;

typedef struct ExprList { Expr **at; uint32_t n; } ExprList;
typedef struct StmtList { Stmt **at; uint32_t n; } StmtList;

/* An index and its range: `i`, `i : N`, `x : L periodic`, `n in batch`, `k in 1..N`. As an axis of a
 * declaration the same record holds a bare extent: `W[784, 128]` has two binders without a name, extent set;
 * `W[N, D]` cannot be told apart by the parser from `h[j]`, so a lone name stands in `name`, and sema
 * decides. */
typedef struct Binder {
    Span span;
    Name name;      /* 0: none */
    Expr *extent;   /* after `:`, or a bare extent that is not a lone name; NULL: inferred */
    Expr *set;      /* after `in`: a name (batch, a set) or a RANGE; NULL: none */
    bool periodic;
} Binder;
typedef struct BinderList { Binder *at; uint32_t n; } BinderList;

/* A call's argument: positional (name 0) or `name = value`. What is recorded or printed may have a label in
 * words, `"test accuracy" = a`, which stands in `name` as well. */
typedef struct Arg { Span span; Name name; Expr *value; } Arg;
typedef struct ArgList { Arg *at; uint32_t n; } ArgList;

/* No expression is deeper than this (the parser reports it), so walks may recurse. What does not count is the left
 * operand of an operator that is an operator itself: `a + b + c + …` is as deep as its deepest term, however many
 * there are, and a walk goes down such a chain in a loop. */
#define AST_MAX_DEPTH 2000

struct Expr {
    ExprKind kind;
    Span span;
    uint32_t depth; /* 1 for a leaf; see AST_MAX_DEPTH */
    union {
        struct { double value; bool is_int; } number;
        struct { Name text; } string;
        struct { bool value; } boolean;
        struct { Name name; } name;
        struct { Expr *of; uint32_t count; } prime;
        struct { ExprList items; } array;
        struct { UnaryOp op; Expr *a; } unary;
        struct { BinaryOp op; Expr *a, *b; } binary;
        struct { Expr *of; ExprList subs; } subscript; /* a NULL entry is `:`; a RANGE is a slice */
        struct { Expr *callee; ArgList args; } call;   /* callee is a NAME */
        struct { ReduceOp op; BinderList binders; Expr *guard, *body; } reduce; /* no binders: whole tensor */
        struct { Expr *of; } transpose;
        struct { Expr *cond, *then, *other; } cond;
        struct { Expr *dist; } draw;                   /* a CALL */
        struct { StmtList lets; Expr *value; } block;  /* lets: DECLARE with DECL_LET */
        struct { Expr *lo, *hi; } range;               /* lo .. hi, both included */
        struct { Expr *of; Name name; } field;         /* `fit.loss`: a quantity of the run labelled fit */
    };
};

typedef enum DeclKind {
    DECL_CONST, DECL_DATA, DECL_PARAM, DECL_COORD, DECL_SPIN, DECL_BIT, DECL_ANGLE, DECL_UNIT, DECL_LET,
    DECL_STATE,
} DeclKind;

/* One declared name: `θ[2] = [2.0, 2.5]`, `x' = 0.5` (primes 1), `tau : real > 0`, `W[784,128] : f32 = …`,
 * `x : real in (0, 1)`, `w : simplex[K]`. For DECL_STATE, `state v' = e` has primes 1 and init = the rate;
 * `state v = e` has primes 0 and init = the value v takes at each step, computed from the values before it;
 * `state v` alone (init NULL) is a quantity that the method keeps. `from e0` gives `start` to either. */
typedef struct Declarator {
    Span span;        /* of the whole declarator */
    Span name_span;
    Name name;
    uint32_t primes;
    bool has_axes;
    BinderList axes;
    Name type;        /* real int bool spin bit angle f32 f64 byte simplex sphere …; 0: none given */
    ExprList type_args; /* simplex[K] */
    BinaryOp bound_op;  /* with bound: BINARY_LT … BINARY_GE */
    Expr *bound;      /* `> 0`: the bound; NULL: none */
    Expr *lower, *upper; /* `in (a, b)`; NULL: none */
    Expr *init;       /* after `=`; of data with one source (`data y[8], s[8] = json(…)`) all have it */
    Expr *start;      /* state: value before the first step */
} Declarator;

typedef struct Param { Span span; Name name; BinderList axes; bool has_axes; Expr *init; } Param;
typedef struct ParamList { Param *at; uint32_t n; } ParamList;

typedef enum TermKind {
    TERM_KINETIC, TERM_POTENTIAL, TERM_DISSIPATION, TERM_FORCE, TERM_CONSTRAINT, TERM_TEMPERATURE,
    TERM_LAGRANGIAN, TERM_HAMILTONIAN, TERM_METRIC, TERM_PROPOSAL, TERM_ACCEPT,
    TERM_LAW, /* `x'[i] = …` in a system: the velocity of the coordinate `on` */
    TERM_PUSH, /* `force = e` in a dynamics or a run: what acts in the place of −∂V/∂q */
} TermKind;

/* One element of a word: `p`, `p/2`, `q(0.3)`, `repeat 10 { p/2; q; p/2 }`. */
typedef struct Word Word;
typedef struct WordList { Word *at; uint32_t n; } WordList;
struct Word {
    Span span;
    Name part;        /* 0: a repetition */
    Expr *fraction;   /* NULL: 1. `p/2` gives the expression 1/2 */
    Expr *count;      /* repetition */
    bool composes;    /* part names a dynamics, whose word is taken in: `compose leapfrog(w)` */
    bool is_adjoint;  /* its adjoint: `compose adjoint symplectic_euler(w)` */
    ArgList args;     /* its parameters, all named: `compose damped_leapfrog(w, friction = 0.2)` */
    WordList body;
};

typedef enum DurationUnit { DURATION_TIME, DURATION_STEPS, DURATION_EPOCHS, DURATION_OTHER } DurationUnit;
typedef enum EveryUnit { EVERY_NONE, EVERY_TIME, EVERY_STEPS, EVERY_EPOCH } EveryUnit;

/* `every 0.1`, `every 10 steps`, `every epoch`; count NULL means 1. `word` is the unit as written (`sweeps`); 0: time. */
typedef struct Every { Span span; EveryUnit unit; Name word; Expr *count; } Every;

/* One of several dynamics of a run, and what it moves: `adam(lr = 1e-3) on W*, b1`. */
typedef struct GroupName { Name name; bool prefix; Span span; } GroupName; /* prefix: every name that begins so */
typedef struct RunGroup { Expr *dynamics; GroupName *names; uint32_t n_names; } RunGroup; /* no names: what the others leave */

struct Stmt {
    StmtKind kind;
    Span span;
    union {
        struct { Name type; } precision;
        struct { Name path; bool is_file; } use;
        struct { DeclKind kind; Declarator *at; uint32_t n; } declare;
        /* `fn f(x[i])[c] = e`: axes are those of the result, has_axes false where they follow from the body. */
        struct { Name name; Span name_span; ParamList params; BinderList axes; bool has_axes; Expr *body; } fn;
        struct { Name name; Span name_span; ParamList params; StmtList items; } system;
        /* `dynamics muon(lr = 0.02) on q[i,j] { … }`: pattern has the coordinate's name and indices. */
        struct {
            Name name; Span name_span; ParamList params; bool has_pattern; Param pattern; StmtList items;
        } dynamics;
        /* `force[i] on x = e` has on and axes; `constraint a = b` has rhs. */
        struct { TermKind kind; Name on; BinderList axes; bool has_axes; Expr *value; Expr *rhs; } term;
        struct { Expr *lhs; Expr *dist; } tilde;
        struct { Name name; Span name_span; StmtList items; } flow; /* rates: DECLARE with DECL_STATE */
        struct { Expr *by; WordList word; } step;
        struct { Expr *call; } method;
        struct {
            Expr *dynamics;   /* a NAME or CALL */
            Name system; Span system_span;
            Expr *duration; DurationUnit unit; Name unit_name; /* duration NULL: none given */
            StmtList items;
            Name label;       /* `let`-like name of the run: `run fit = adam(…) on …`; 0: none */
            Expr *over; Name over_unit; /* `over 4 chains`: copies; NULL: none. The unit may be left out: 0 */
            ArgList system_args; /* `on kepler(e = 0.6)`: values of the system's parameters */
            struct RunGroup *groups; /* `adam on W*, sgd on net`: several dynamics, of which the first is `dynamics`; NULL: one */
            uint32_t n_groups;
        } run;
        struct { ArgList items; Every every; } record; /* Arg.name set for `name = e` */
        struct { ArgList items; Every every; } print;
        struct { Name form; Span form_span; ArgList items; Every every; Name path; } plot; /* path 0: not said */
        struct { ArgList items; Name path; } save;     /* save params to "file" */
        struct { Expr *value; Expr *within; } expect;  /* a == b within tol; a < b */
        struct { Expr *target, *value; } start;        /* as act: what a run, or each of its copies, starts from */
        struct { Name name; Expr *value, *of; } setting; /* `batch 32 of train`; of NULL: not said */
        struct { Expr *a, *b; int direction; StmtList items; } when; /* 1 rising, -1 falling, 0 either way */
        struct { Expr *after; } stop;                  /* how often the event has happened by then; NULL: once */
        struct { Expr *target, *value; } act;          /* x, x', p(x), or an element of one, and its new value */
        struct { Name name; ArgList items; } symmetry; /* `J: rotation(x, y)`; `δx = -y, δy = x`: Arg.name is δx; name 0:
                                                          none */
    };
};

typedef struct SpanList { Span *at; uint32_t n; } SpanList;

typedef struct File {
    uint32_t source;
    StmtList items;
    SpanList comments; /* in order, each from `#` to the end of its line; for printing only */
} File;

/* Parses one registered source into a File. Syntax errors are reported to the session (all of the file's,
 * with recovery) and leave ERROR nodes; the result is never NULL. Never prints, never exits. */
File *ast_parse(Session *session, uint32_t source);

/* Writes the tree as canonical `.lag` text (what `lag fmt` and --emit=ast print); parsing it again gives the
 * same tree. */
void ast_print(Session *session, const File *file, Buf *out);
void ast_print_expr(Session *session, const Expr *expr, Buf *out);

/* Checks the invariants of ast.def on a whole file; returns false and writes what is wrong to `out`. */
bool ast_check(Session *session, const File *file, Buf *out);

const char *ast_expr_kind_name(ExprKind kind);
const char *ast_stmt_kind_name(StmtKind kind);

#endif
