/* ir — the one intermediate representation: index notation.
 *
 * A program is a list of definitions. A definition is a tensor; most are EXPR definitions
 *
 *     T[i, j] = body(i, j)
 *
 * whose body is a scalar term over reads of other definitions. Terms are hash-consed 32-bit references into a
 * growable array: equal terms are equal references, folding happens on construction, common subexpressions
 * need no pass. An operand always has a smaller reference than the term that uses it.
 *
 * Indices come in three kinds, so that alpha-equivalent terms are one term:
 *   AXIS a      the a-th axis of the definition whose body this is (axis indices of equal position and extent
 *               are one index in every definition);
 *   BOUND l     bound by a reduction; l is the nesting height of the body below it, so the name of a bound
 *               index follows from the body alone;
 *   FRESH n     opened by a pass that works under a binder; never left in a finished definition.
 * Passes open a reduction with ir_open (bound index becomes FRESH) and close it with ir_reduce (FRESH becomes
 * BOUND); substituting never captures because only FRESH and AXIS indices are substituted.
 *
 * Integer and boolean terms are ordinary terms: subscripts are INT terms (affine in indices, or gathers that
 * read an integer definition), guards are BOOL terms, TO_REAL(bool) is the Iverson bracket and delta.
 *
 * Precision: terms are REAL, INT or BOOL. Definitions say how elements are stored (IrElem). Code generation
 * computes a real operation in f64 when any operand is, in f32 when the operands are f32, and scalars without
 * precision of their own (constants, `flex` definitions such as hyper-parameters and time, and what is computed
 * from those alone) in f64, rounded when they meet an f32 operand. */
#ifndef LAG_IR_H
#define LAG_IR_H

#include "../base/base.h"

#define IR_MAX_RANK 8
#define IR_MAX_LAGS 8 /* rows before that a scan may look back to */

typedef uint32_t IrTerm; /* 0: none */
typedef uint32_t IrDef;  /* 0: none */
typedef uint32_t IrIdx;  /* 0: none */
typedef uint32_t IrSet;  /* an interned set of indices or of definitions; 0: empty */

typedef enum IrType { IR_REAL, IR_INT, IR_BOOL } IrType;
typedef enum IrElem { IR_F64, IR_F32, IR_I64, IR_I32, IR_U8 } IrElem; /* booleans are stored as U8 */

typedef enum IrOp {
    IR_NONE,
    IR_CONST, /* real, int or bool constant */
    IR_INDEX, /* the value of an index, INT */
    IR_READ,  /* T[s0, s1, …] */
    IR_DRAW,  /* fresh noise: arg site and a linear position; see ir_draw */
#define OP1(ident, ...) IR_##ident,
#define OP2(ident, ...) IR_##ident,
#define OP3(ident, ...) IR_##ident,
#define REDUCE(ident, ...) IR_##ident,
#include "op.def"
    IR_OP_COUNT
} IrOp;

typedef struct IrNode {
    uint16_t op;
    uint8_t type;      /* IrType */
    uint8_t height;    /* 1 + the largest BOUND level bound inside; 0 without reductions */
    uint32_t arg[3];   /* operands; READ: def, first subscript in `subs`, count; REDUCE: bound index, guard (0 none),
                          body; CONST: the bits (arg[0] low, arg[1] high) of a double (REAL) or int64 (INT, BOOL);
                          INDEX: index; DRAW: distribution, site, position term */
    IrSet free;        /* the indices it depends on, sorted: AXIS and FRESH, and inside the body of a reduction that
                          was not opened also the BOUND ones of reductions around it */
    Span span;         /* where the first construction came from */
} IrNode;

typedef enum IrIdxKind { IR_AXIS, IR_BOUND, IR_FRESH } IrIdxKind;
typedef struct IrIndex {
    IrIdxKind kind;
    uint32_t number;  /* axis position, level, or serial */
    uint64_t extent;  /* runs 0 .. extent-1 */
    Name name;        /* as the user wrote it, for printing; not part of identity for AXIS and BOUND */
} IrIndex;

typedef enum IrDefKind {
    IR_DEF_INPUT,  /* content comes from outside or from assignments (IrFunc) */
    IR_DEF_VIEW,   /* a window of consecutive elements of an INPUT of rank 1: parent, offset */
    IR_DEF_EXPR,   /* body over axis indices */
    IR_DEF_CONCAT, /* pieces placed in a larger tensor; elements no piece covers are 0 */
    IR_DEF_LINALG, /* a whole-tensor operation: cholesky, solve, … */
    IR_DEF_SCAN,   /* rows along axis 0, each from those before it: see ir_scan */
    IR_DEF_ROOT,   /* given by an equation: the u with r(u) = 0; see ir_root */
} IrDefKind;

/* What an INPUT is, for messages, for the planner (what changes when) and for the runtime. */
typedef enum IrRole {
    IR_ROLE_NONE,
    IR_ROLE_COORD,    /* coordinate or parameter q */
    IR_ROLE_VELOCITY, /* q' */
    IR_ROLE_MOMENTUM, /* p */
    IR_ROLE_STATE,    /* estimator of a dynamics */
    IR_ROLE_DATA,     /* read from a file: fixed for the whole run */
    IR_ROLE_BATCH,    /* the rows of the present minibatch: I64[batch], changes every step */
    IR_ROLE_HYPER,    /* a scalar argument: fixed for the whole run (flex) */
    IR_ROLE_TIME,     /* t, flex scalar */
    IR_ROLE_STEP,     /* k = 1, 2, …: number of the present step, flex scalar (stored as f64) */
    IR_ROLE_SEED,     /* I64 scalar */
    IR_ROLE_OUTPUT,   /* written by a function, read by the runtime: records, dy of a right-hand side */
    IR_ROLE_BOUND,    /* stands inside a scan's row for the counter or for a row before; has a value only there */
    IR_ROLE_UNKNOWN,  /* what an equation is solved for, inside that equation: bound by its ROOT */
} IrRole;

typedef enum IrLinalg {
    IR_CHOLESKY,     /* A[n,n] symmetric positive definite -> lower L[n,n] */
    IR_SOLVE,        /* A[n,n], B[n] or B[n,m] -> A⁻¹B, general A (LU) */
    IR_SOLVE_SPD,    /* as SOLVE, A symmetric positive definite (Cholesky) */
    IR_SOLVE_LOWER,  /* L lower triangular; L⁻¹B */
    IR_SOLVE_LOWER_T,/* L⁻ᵀB */
    IR_INVERSE,      /* A[n,n] */
    IR_LOGDET,       /* A[n,n] with positive determinant -> scalar */
    IR_POLAR,        /* A[n,m] = W diag(s) Z -> W Z[n,m]: the polar factor */
    IR_LEADING,      /* A[n,m] -> w z[n,m], the vectors of the largest singular value */
    IR_SPECTRAL,     /* A[n,m] -> scalar, the largest singular value. P[n,m], made of A, goes along: what stands for the polar
                        factor where the dual norm is wanted; the value does not depend on it */
    IR_NUCLEAR,      /* A[n,m], P[n,m] made of A, its polar factor or what stands for it -> scalar, Σ A P; dΣ = P dA */
    IR_LINALG_COUNT
} IrLinalg;

typedef struct IrPiece { IrDef def; uint64_t at[2]; } IrPiece; /* at: offset per axis of the CONCAT (rank 1 or 2);
                                             a piece is raveled (row-major) along each axis of a rank-1 CONCAT */

typedef struct IrDefInfo {
    Name name;          /* for messages and printing; 0 for unnamed */
    const char *label;  /* printing name of derived definitions: "∂V/∂W1"; NULL: name */
    Span span;          /* the user's line it comes from */
    IrDefKind kind;
    IrRole role;        /* INPUT */
    IrElem elem;
    bool flex;          /* scalar of no precision of its own */
    bool volatile_;     /* INPUT that changes at every step (batch rows) */
    uint8_t rank;
    uint64_t extent[IR_MAX_RANK];
    IrTerm body;        /* EXPR */
    IrDef parent;       /* VIEW */
    uint64_t offset;    /* VIEW */
    IrPiece *pieces;    /* CONCAT, in the program's arena */
    uint32_t n_pieces;
    IrLinalg linalg;    /* LINALG */
    IrDef operand[2];   /* LINALG; SCAN: the row, the rows it starts from (0: none); ROOT: the residual r and its Jacobian ∂r/∂u */
    int64_t lo, hi;     /* a counter (ir_counter): its values, both included */
    IrDef bound[1 + IR_MAX_LAGS]; /* SCAN: the counter, then the rows 1, 2, … before */
    uint8_t lags;       /* SCAN: how many rows before the row may read */
    bool backward;      /* SCAN: rows are computed from the last to the first */
    IrDef unknown;      /* ROOT: u; an INPUT of role UNKNOWN: the ROOT that binds it, 0 none yet */
    IrDef start;        /* ROOT: where Newton's method starts */
} IrDefInfo;

typedef struct IrProgram IrProgram;

IrProgram *ir_new(Session *session);
void ir_free(IrProgram *p);
Session *ir_session(const IrProgram *p);

const IrNode *ir_node(const IrProgram *p, IrTerm t);       /* valid until the next construction */
const IrDefInfo *ir_def(const IrProgram *p, IrDef d);      /* valid until the next definition */
const IrIndex *ir_index(const IrProgram *p, IrIdx i);
uint32_t ir_def_count(const IrProgram *p);                 /* definitions are 1 .. count */
uint32_t ir_term_count(const IrProgram *p);
const IrTerm *ir_read_subs(const IrProgram *p, IrTerm read); /* arg[2] subscripts of a READ */

/* Spans: terms built from here on carry `span` as origin; returns the one before. */
Span ir_at(IrProgram *p, Span span);

/* ---- indices ---- */
IrIdx ir_axis(IrProgram *p, uint32_t position, uint64_t extent);
IrIdx ir_fresh(IrProgram *p, uint64_t extent, Name name);
/* A name to print for axis `position` of `d`. */
void ir_name_axis(IrProgram *p, IrDef d, uint32_t position, Name name);
Name ir_axis_name(const IrProgram *p, IrDef d, uint32_t position);

/* ---- sets of free indices ---- */
const IrIdx *ir_set(const IrProgram *p, IrSet set, uint32_t *n);
bool ir_set_has(const IrProgram *p, IrSet set, IrIdx i);
bool ir_uses_index(const IrProgram *p, IrTerm t, IrIdx i);

/* ---- terms: fold, then hash-cons ---- */
IrTerm ir_real(IrProgram *p, double value);
IrTerm ir_int(IrProgram *p, int64_t value);
IrTerm ir_bool(IrProgram *p, bool value);
IrTerm ir_idx(IrProgram *p, IrIdx i);                                   /* INT value of an index */
IrTerm ir_read(IrProgram *p, IrDef d, const IrTerm *subs, uint32_t n);  /* n = rank */
IrTerm ir_read0(IrProgram *p, IrDef d);                                 /* a scalar definition */
IrTerm ir_read_whole(IrProgram *p, IrDef d);                            /* at its own axes */
IrTerm ir_op1(IrProgram *p, IrOp op, IrTerm a);
IrTerm ir_op2(IrProgram *p, IrOp op, IrTerm a, IrTerm b);
IrTerm ir_op3(IrProgram *p, IrOp op, IrTerm a, IrTerm b, IrTerm c);
/* reduce over FRESH index `i`: closes it. guard 0: none (folded guards true/false vanish or give the identity).
 * Delta elimination, loop-invariant factors and sums over constants happen here. */
IrTerm ir_reduce(IrProgram *p, IrOp op, IrIdx i, IrTerm guard, IrTerm body);
/* Opens reduction `t`: a FRESH index in the place of the bound one; guard and body rewritten. */
void ir_open(IrProgram *p, IrTerm t, IrIdx *i, IrTerm *guard, IrTerm *body);
/* Noise of distribution IR_DRAW_UNIFORM (0,1) or IR_DRAW_NORMAL: a pure function of seed, step, `site` (a number
 * unique per place in the source) and the INT term `position`. */
typedef enum IrDrawKind { IR_DRAW_UNIFORM, IR_DRAW_NORMAL } IrDrawKind;
IrTerm ir_draw(IrProgram *p, IrDrawKind kind, uint32_t site, IrTerm position);

/* Shorthands for ir_op2 and friends, the ones derivative rules are written with. */
IrTerm ir_add(IrProgram *p, IrTerm a, IrTerm b);
IrTerm ir_sub(IrProgram *p, IrTerm a, IrTerm b);
IrTerm ir_mul(IrProgram *p, IrTerm a, IrTerm b);
IrTerm ir_div(IrProgram *p, IrTerm a, IrTerm b);   /* real division; cancels common factors */
IrTerm ir_neg(IrProgram *p, IrTerm a);
IrTerm ir_pow(IrProgram *p, IrTerm a, IrTerm b);
IrTerm ir_select(IrProgram *p, IrTerm cond, IrTerm a, IrTerm b);
IrTerm ir_to_real(IrProgram *p, IrTerm a);          /* INT or BOOL to REAL; REAL unchanged */
IrTerm ir_bracket(IrProgram *p, IrTerm a, IrTerm b);/* 1 if INT a == b else 0, REAL: a delta */

bool ir_is_const(const IrProgram *p, IrTerm t, double *value); /* REAL, INT or BOOL constant */
bool ir_is_zero(const IrProgram *p, IrTerm t);
bool ir_is_one(const IrProgram *p, IrTerm t);
/* INT term as Σ coefficient·index + constant; false when it is not affine. `idx`/`coef` hold up to 8 entries. */
bool ir_affine(const IrProgram *p, IrTerm t, IrIdx *idx, int64_t *coef, uint32_t *n, int64_t *constant);
/* Range of an INT term from the extents of its indices; false when unknown (gathers). */
bool ir_int_range(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi);

/* t as coefficient · [cond] · Π base^exponent (cond 0: none). False when it has more than `max` factors. */
typedef struct IrFactor { IrTerm base; double exponent; } IrFactor;
bool ir_product(IrProgram *p, IrTerm t, double *coefficient, IrTerm *cond, IrFactor *out, uint32_t max, uint32_t *n);

/* The fraction n/d (d ≤ 100000) whose nearest double is v: how coefficients are computed with, and may be printed. */
bool ir_fraction(double v, int64_t *n, int64_t *d);

/* ---- walking ---- */
/* The operands of a term that are terms (subscripts of a READ; guard and body of a reduction), at most IR_MAX_RANK. */
uint32_t ir_operands(const IrProgram *p, IrTerm t, IrTerm *out);
/* t with other operands, as listed by ir_operands; not for reductions. */
IrTerm ir_with_operands(IrProgram *p, IrTerm t, const IrTerm *operands, uint32_t n);
/* A set of terms: what a walk over shared terms has seen. Zero is empty; ir_term_set_free releases. */
typedef struct IrTermSet {
    IrTerm *at;
    uint32_t n, cap;
} IrTermSet;
bool ir_term_set_add(IrTermSet *set, IrTerm t);             /* false when it was there */
uint32_t ir_term_set_place(const IrTermSet *set, IrTerm t); /* where in `at` it is, or an empty place */
void ir_term_set_free(IrTermSet *set);
/* Calls visit for t and everything below it, reductions entered, each term once; visit says whether to go
 * below the term. */
typedef bool (*IrVisit)(const IrProgram *p, void *context, IrTerm t);
void ir_walk(const IrProgram *p, IrTerm t, IrVisit visit, void *context);
typedef VEC(IrTerm) IrTerms;
void ir_sort_terms(IrTerms *list); /* operands before users */
/* The terms below `root`, reductions not entered (but listed), in increasing order: operands first. */
void ir_list_below(const IrProgram *p, IrTerm root, IrTerms *out);
/* The place of t in a sorted list that has it. */
uint32_t ir_position(const IrTerms *list, IrTerm t);

/* ---- rewriting ---- */
/* t with index `from[k]` replaced by INT term `to[k]`, all at once. from: AXIS or FRESH. */
IrTerm ir_subst(IrProgram *p, IrTerm t, const IrIdx *from, const IrTerm *to, uint32_t n);
/* Rebuilds t bottom-up, mapping every READ through `map` (which gets the read with its rewritten subscripts
 * and returns a term); goes under reductions. */
typedef IrTerm (*IrReadMap)(IrProgram *p, void *context, IrTerm read);
IrTerm ir_map_reads(IrProgram *p, IrTerm t, IrReadMap map, void *context);
/* A replacement of definition `from`: reads of from[s…] become `body` with its AXIS indices set to s….
 * With body 0, reads go to definition `to` instead. */
typedef struct IrReplace { IrDef from; IrTerm body; IrDef to; } IrReplace;
/* t (or definition d) with the replacements made, through every definition it depends on: definitions that
 * change are rebuilt as new ones, the others are shared. A ROOT whose own unknown is replaced stays as it is: what is
 * replaced is that unknown where it stands free, in a term derived from the root's residual. */
IrTerm ir_replace(IrProgram *p, IrTerm t, const IrReplace *r, uint32_t n);
IrDef ir_replace_def(IrProgram *p, IrDef d, const IrReplace *r, uint32_t n);

/* ---- definitions ---- */
IrDef ir_input(IrProgram *p, Name name, IrRole role, IrElem elem, uint32_t rank, const uint64_t *extent);
/* flex scalar input */
IrDef ir_scalar_input(IrProgram *p, Name name, IrRole role);
IrDef ir_view(IrProgram *p, Name name, IrDef parent, uint64_t offset, uint32_t rank, const uint64_t *extent);
/* EXPR definition whose axes are the FRESH indices axes[0..rank-1] of body (closed to AXIS indices here). Equal
 * definitions (same extents, element and body) are one definition; the first name stays. A body that is a
 * read of a whole definition in order gives that definition. */
IrDef ir_define(IrProgram *p, Name name, IrElem elem, const IrIdx *axes, uint32_t rank, IrTerm body);
IrDef ir_concat(IrProgram *p, Name name, IrElem elem, uint32_t rank, const uint64_t *extent,
                const IrPiece *pieces, uint32_t n);
IrDef ir_linalg(IrProgram *p, IrLinalg fn, IrDef a, IrDef b);
/* How many of its operands the value of LINALG d is computed from. */
uint32_t ir_linalg_reads(const IrProgram *p, IrDef d);
/* A scan, a recursion over its first axis: T[k, …] = row(k, T[k−1, …], …, T[k−lags, …]) for k = lags … count−1, and
 * T[0 … lags−1, …] = start; backwards it is T[k+1, …] … that are before, the row is for k = 0 … count−1−lags and the start is the
 * last `lags` rows. `row` is an ordinary definition over bound INPUTs: the counter k, an I64 scalar of ir_counter whose
 * range is that of the row, and `before`, shaped like the row (ir_before). They belong to this scan alone, and what depends
 * on them is computed anew for every k. Without lags it is a loop: row(k) for every k. Equal scans are one: they may differ
 * in their bound INPUTs. */
typedef struct IrScan {
    uint64_t count;
    uint32_t lags;
    bool backward;
    IrDef counter, before[IR_MAX_LAGS], row;
    IrDef start; /* [lags, …]; 0 without lags */
} IrScan;
IrDef ir_counter(IrProgram *p, Name name, int64_t lo, int64_t hi);
IrDef ir_before(IrProgram *p, Name name, IrElem elem, uint32_t rank, const uint64_t *extent);
IrDef ir_scan(IrProgram *p, Name name, const IrScan *scan);
IrScan ir_scan_of(const IrProgram *p, IrDef d);
/* The values of k for which a scan of so many rows computes its row. */
void ir_scan_range(const IrScan *scan, int64_t *lo, int64_t *hi);
/* A copy of the scan with bound INPUTs of its own. */
IrScan ir_scan_open(IrProgram *p, IrDef d);
/* ROOT: the u[n] with r(u) = 0. `unknown` (from ir_unknown) stands for u in `residual` r[n] and `jacobian` ∂r[i]/∂u[j]
 * [n, n]; all are F64. It is found by Newton's method from `start` [n], which does not depend on the unknown and on which
 * the value does not depend but in which root it is. The unknown is bound: it means nothing outside of r and ∂r/∂u, every
 * root has its own (one that has a root already is renamed), and roots of the same equation from the same start are one
 * definition, whatever their unknowns are called. calc_root derives the Jacobian. */
IrDef ir_unknown(IrProgram *p, Name name, uint64_t n);
/* A convex ROOT: r is the gradient of a convex function, which is a sum over blocks of b elements of u each. Its Jacobian holds
 * the blocks alone, [n/b, b, b]. Then the root is the minimum, and a run stops where it is none. Gives b; 0: it is not convex. */
uint64_t ir_root_is_convex(const IrProgram *p, IrDef root);
IrDef ir_root(IrProgram *p, Name name, IrDef unknown, IrDef residual, IrDef jacobian, IrDef start);
/* Whether d has a value only inside of a SCAN or ROOT, another one in each row or iteration: it depends on what that binds. */
bool ir_is_inside(IrProgram *p, IrDef of, IrDef d);
void ir_set_label(IrProgram *p, IrDef d, const char *label); /* copied */
void ir_mark_volatile(IrProgram *p, IrDef d);
void ir_mark_flex(IrProgram *p, IrDef d);
uint64_t ir_size(const IrProgram *p, IrDef d); /* product of extents */
/* The body of any definition at subscripts `at` (rank INT terms): EXPR bodies substituted, others as READs. */
IrTerm ir_at_subs(IrProgram *p, IrDef d, const IrTerm *at);

/* ---- dependence ---- */
/* Whether a term/definition depends on `on`, through definitions, views (both ways) and concats. Cached. */
bool ir_depends(IrProgram *p, IrTerm t, IrDef on);
bool ir_def_depends(IrProgram *p, IrDef d, IrDef on);
/* A question kept for many terms: whether a term depends on any of these definitions. ir_watch returns its number. */
uint32_t ir_watch(IrProgram *p, const IrDef *on, uint32_t n);
bool ir_depends_watched(IrProgram *p, IrTerm t, uint32_t watch);
/* Marks every definition that depends on one of those marked (array of ir_def_count+1 bytes, by number). */
void ir_spread(const IrProgram *p, uint8_t *mark);
/* Marks (by number, array of ir_def_count+1 bytes from the caller) every definition t reaches. What is marked already
 * is taken to have been reached, with all it reaches; with t = 0, what is marked is where the walk begins. */
void ir_reach(const IrProgram *p, IrTerm t, uint8_t *mark);
/* The same, of a ROOT into its residual alone (what its value depends on), or into its start alone (what is known before
 * it is solved for). */
typedef enum IrInto { IR_INTO_ALL, IR_INTO_RESIDUAL, IR_INTO_START } IrInto;
void ir_reach_into(const IrProgram *p, IrTerm t, uint8_t *mark, IrInto into);

/* ---- functions: what is compiled ---- */
/* target[axes…] := value, where value is a term over AXIS indices of the target's shape. The target is an INPUT
 * (or a VIEW of one). */
typedef struct IrAssign { IrDef target; IrTerm value; Span span; } IrAssign;
/* Assignments of one group read the values from before the group; groups are executed in order, and a definition
 * read in a later group sees the values assigned before. */
typedef struct IrGroup { IrAssign *at; uint32_t n; } IrGroup;
/* A function that is a right-hand side y' = f(t, y): it sets dy[k], an OUTPUT, to the rate of change of y[k]. */
typedef struct IrRates { const IrDef *y, *dy; uint32_t n; IrDef time; } IrRates; /* time 0: there is none */
typedef struct IrFunc {
    const char *name;    /* symbol: "step", "rhs", … */
    bool cyclic;         /* called again and again with nothing changed in between but volatile, time and step
                            inputs: what it computes last may be carried into the next call */
    bool often;          /* called many times in a run: what is short is written out */
    const IrRates *rates; /* NULL: no right-hand side */
    bool copies;         /* wanted for several copies of its memory at once, too, where that is possible */
    bool seldom;         /* called at the start, with a record or at an event: what is short is compiled quickly */
    VEC(IrGroup) groups; /* arrays in the program's arena */
} IrFunc;
Arena *ir_arena(const IrProgram *p);

/* ---- text ---- */
void ir_print_term(const IrProgram *p, IrTerm t, Buf *out);
/* The body of EXPR definition d, its axes under their own names. */
void ir_print_body(const IrProgram *p, IrDef d, Buf *out);
/* Everything `roots` reach, in order, in the form ir_read_text reads back: print, read, print is the identity. */
void ir_print(const IrProgram *p, const IrDef *roots, uint32_t n, Buf *out);
void ir_print_func(const IrProgram *p, const IrFunc *f, Buf *out);
/* Reads what ir_print wrote into an empty program. On bad text returns false with a diagnostic. */
bool ir_read_text(IrProgram *p, const char *text);
/* Checks every invariant above on the whole program; false with what is wrong in `out`. */
bool ir_check(const IrProgram *p, Buf *out);

/* ---- reference evaluator: slow, independent of code generation ---- */
typedef struct IrEnv IrEnv; /* values of INPUTs, and a cache of computed definitions */
IrEnv *ir_env_new(IrProgram *p);
void ir_env_free(IrEnv *env);
/* Sets INPUT d from `values` (ir_size doubles, row-major, copied) and forgets computed definitions. */
void ir_env_set(IrEnv *env, IrDef d, const double *values);
/* All elements of a definition, row-major; valid until the next set. NULL when an INPUT it needs is not set. */
const double *ir_eval_def(IrEnv *env, IrDef d);
/* A term without free indices (or with axes at the given values). NaN with *ok false when an INPUT is not set. */
double ir_eval(IrEnv *env, IrTerm t, const int64_t *axes, bool *ok);

/* Where DRAW terms get their noise: the value of `kind` for a site and position, at the seed and step the context
 * stands for. Without it a term with draws cannot be evaluated. */
typedef double (*IrDrawFunction)(void *context, IrDrawKind kind, uint32_t site, int64_t position);
void ir_env_set_draw(IrEnv *env, IrDrawFunction draw, void *context);

const char *ir_op_name(IrOp op);
bool ir_op_is_reduce(IrOp op);
double ir_reduce_identity(IrOp op); /* of a reduction: its value over an empty range, an integer through ir_int_of */
int64_t ir_int_of(double x);        /* towards 0; NaN is 0, what is too large the nearest there is */
IrOp ir_op_of_reduce(IrOp op); /* what a reduction repeats: ADD for SUM; NONE where it is no operation of two */
uint32_t ir_op_arity(IrOp op); /* 1, 2, 3; 0 for the rest */
double ir_op_cost(IrOp op);    /* of a scalar operation, in additions; 0 for the rest */

#endif
