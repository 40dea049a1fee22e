/* program — the inside of ir/: how a program is stored, and the raw constructors that hash-cons without
 * folding. Only files of this folder include it. */
#ifndef LAG_IR_PROGRAM_H
#define LAG_IR_PROGRAM_H

#include "ir.h"

/* Open-addressing table of 32-bit references; 0 is an empty place. The key of an entry is what it refers to.
 */
typedef struct Table {
    uint32_t *at;
    uint32_t n, cap; /* cap is 0 or a power of two */
} Table;

/* The same for terms, by far the most: the hash is kept beside the reference, so that a miss looks at no
 * node. */
typedef struct TermSlot {
    uint32_t tag;
    IrTerm term;
} TermSlot;
typedef struct TermTable {
    TermSlot *at;
    uint32_t n, cap;
} TermTable;

typedef struct SetInfo {
    uint32_t first, n;
} SetInfo; /* members in set_pool, sorted */

/* A union of two sets already computed. */
typedef struct UnionEntry {
    IrSet a, b, result;
} UnionEntry;

typedef VEC(uint64_t) Bits;

/* Dependence of every term and definition on one definition or any of several, computed up to a count and extended
 * on demand. */
typedef struct DependTable {
    IrDef *on;
    uint32_t n_on;
    uint8_t *mark;            /* by definition, of several: MARK_IS one of them, MARK_HOLDS one */
    uint32_t n_mark;
    uint32_t n_terms, n_defs; /* computed so far */
    Bits terms, defs;         /* bit sets */
} DependTable;

/* Everything one term reaches: the last one asked about. */
typedef struct ReachCache {
    IrTerm term;
    uint32_t n;           /* definitions there were */
    uint8_t *mark, *root; /* by definition: read on the way; INPUT some part of which is read */
    VEC(IrDef) stored;    /* INPUTs and VIEWs read */
} ReachCache;

struct IrProgram {
    Session *session;
    Arena *arena;         /* pieces, labels, functions */
    Span at;              /* origin of new terms */
    VEC(IrNode) nodes;    /* [0] unused */
    VEC(IrTerm) subs;     /* subscripts of READs */
    VEC(IrIndex) indices; /* [0] unused */
    VEC(SetInfo) sets;    /* [0] empty */
    VEC(IrIdx) set_pool;
    VEC(IrDefInfo) defs;    /* [0] unused */
    VEC(Name *) axis_names; /* per definition, rank names */
    VEC(IrDef) roots;       /* all ROOT definitions */
    TermTable term_table;
    Table index_table, set_table, def_table;
    UnionEntry *unions; /* direct-mapped cache */
    uint32_t next_fresh;
    VEC(DependTable *) depends;
    VEC(uint32_t) depend_of; /* by definition: 1 + place in depends, 0 none */
    VEC(uint8_t) asked;      /* by definition: questions about it so far */
    ReachCache reach;
    VEC(IrDef) scans;        /* every scan there is */
    VEC(uint32_t) scan_watch; /* by place in scans: the question whether something depends on its bound INPUTs; 0 none yet */
};

/* ---- tables ---- */
static inline uint64_t mix(uint64_t h, uint64_t v) {
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

typedef uint64_t (*TableHash)(const IrProgram *p, uint32_t entry);
void table_grow(const IrProgram *p, Table *table, TableHash hash);

/* ---- raw nodes: hash-consed, not folded ---- */
IrTerm raw_node(IrProgram *p, IrOp op, IrType type, IrTerm a, IrTerm b, IrTerm c);
IrTerm raw_const(IrProgram *p, IrType type, uint64_t bits);
IrTerm raw_reduce(IrProgram *p, IrOp op, IrIdx bound, IrTerm guard, IrTerm body);
/* The term the table holds for the content of t: t itself in a sound program. */
IrTerm term_lookup(const IrProgram *p, IrTerm t);
IrIdx index_bound(IrProgram *p, uint32_t level, uint64_t extent, Name name);
IrSet set_union(IrProgram *p, IrSet a, IrSet b);
IrSet set_one(IrProgram *p, IrIdx i);
IrSet set_without(IrProgram *p, IrSet a, IrIdx i);
bool set_meets(const IrProgram *p, IrSet set, const IrIdx *idx, uint32_t n);

static inline const IrNode *node_of(const IrProgram *p, IrTerm t) { return &p->nodes.at[t]; }
static inline IrOp op_of(const IrProgram *p, IrTerm t) { return (IrOp)p->nodes.at[t].op; }
static inline IrType type_of(const IrProgram *p, IrTerm t) { return (IrType)p->nodes.at[t].type; }
static inline uint32_t arg_of(const IrProgram *p, IrTerm t, int k) { return p->nodes.at[t].arg[k]; }
static inline bool is_op(const IrProgram *p, IrTerm t, IrOp op) { return p->nodes.at[t].op == op; }

bool const_int(const IrProgram *p, IrTerm t, int64_t *value); /* INT constant */
bool const_real(const IrProgram *p, IrTerm t, double *value); /* REAL constant */
bool const_bool(const IrProgram *p, IrTerm t, bool *value);
int64_t const_whole(const IrProgram *p, IrTerm t); /* of a constant, INT or BOOL */
/* Number of distinct free indices: what a term varies over. */
uint32_t free_count(const IrProgram *p, IrTerm t);

/* ---- operations ---- */
enum { COMM = 1, ASSOC = 2, ODD = 4, EVEN = 8, IDEM = 16, NOTNEG = 32 };
typedef enum OpResult { RESULT_REAL, RESULT_NUM, RESULT_INT, RESULT_BOOL, RESULT_SAME } OpResult;
uint32_t op_flags(IrOp op);
OpResult op_result(IrOp op);
/* The value of a scalar operation on REAL operands (truth: 0 or 1), and on INT or BOOL ones, in 64 bits that wrap
 * around; not of conversions. Operands it does not have are ignored. */
double op_eval(IrOp op, double a, double b, double c);
int64_t op_eval_int(IrOp op, int64_t a, int64_t b, int64_t c);
int64_t int_div(int64_t a, int64_t b);   /* rounded down; 0 for b = 0 */
int64_t int_mod(int64_t a, int64_t b);   /* a − b · (a div b); 0 for b = 0 */

/* The definitions `info` binds: what only stands for something inside its row. Returns how many. */
uint32_t def_bound(const IrDefInfo *info, IrDef out[1 + IR_MAX_LAGS]);
/* One more definition, as it is. */
IrDef def_add(IrProgram *p, IrDefInfo info);
/* Newton's method as the reference evaluator does it (root.c), apart from the runtime's. f gives r(u)[n] and, where it is asked
 * for, ∂r/∂u [n, n], or its blocks [n/block, block, block] where block is not n; u[n] holds the start and then the root. False when there is none to be found. */
typedef bool (*IrEquation)(void *context, const double *u, double *r, double *jacobian);
bool ir_newton(uint64_t n, uint64_t block, double *u, IrEquation f, void *context);

void ir_linalg_eval(IrLinalg fn, uint64_t n, uint64_t m, const double *a, const double *b, double *out);

/* ---- folding, one family a file; each returns the folded term ---- */
IrTerm fold_real1(IrProgram *p, IrOp op, IrTerm a);          /* elementary functions */
IrTerm fold_add(IrProgram *p, IrTerm a, IrTerm b, int sign); /* a + sign·b, REAL */
IrTerm fold_mul(IrProgram *p, IrTerm a, IrTerm b);           /* REAL */
IrTerm fold_div(IrProgram *p, IrTerm a, IrTerm b);
IrTerm fold_pow(IrProgram *p, IrTerm a, IrTerm b);
IrTerm fold_int1(IrProgram *p, IrOp op, IrTerm a);
IrTerm fold_int2(IrProgram *p, IrOp op, IrTerm a, IrTerm b);
IrTerm fold_compare(IrProgram *p, IrOp op, IrTerm a, IrTerm b);
IrTerm fold_logic2(IrProgram *p, IrOp op, IrTerm a, IrTerm b);
IrTerm fold_not(IrProgram *p, IrTerm a);
IrTerm fold_select(IrProgram *p, IrTerm c, IrTerm a, IrTerm b);
/* reduce over index `i` (FRESH, or a BOUND that hangs free in body). */
IrTerm fold_reduce(IrProgram *p, IrOp op, IrIdx i, IrTerm guard, IrTerm body);

/* ---- products ---- */
#define MONO_MAX 24
/* Coefficient n/d: a fraction in lowest terms, or any number n with d = 1. */
typedef struct Coef {
    double n, d;
} Coef;
Coef coef_of(double v);
typedef struct Factor {
    IrTerm base;
    double exponent;
    bool is_exp; /* e^base, exponent times */
} Factor;
typedef struct Mono {
    Coef coef;
    Factor at[MONO_MAX];
    uint32_t n;
    IrTerm cond; /* BOOL: the product is 0 where it is false; 0 none */
    bool merged; /* equal bases met */
    bool full;   /* more factors than fit: the view is not complete */
} Mono;
Coef coef_mul(Coef a, Coef b);
Coef coef_add(Coef a, Coef b);
/* t = coefficient · result, where result has no constant factor. */
IrTerm coef_split(IrProgram *p, IrTerm t, Coef *coef);
IrTerm coef_apply(IrProgram *p, Coef coef, IrTerm base);
void mono_start(Mono *m);
/* m *= t^exponent; false when it does not fit. */
bool mono_times(IrProgram *p, Mono *m, IrTerm t, double exponent);
IrTerm mono_term(IrProgram *p, const Mono *m);

/* ---- integers ---- */
#define AFFINE_MAX 8
typedef struct Affine {
    IrTerm atom[AFFINE_MAX];
    int64_t coef[AFFINE_MAX];
    uint32_t n;
    int64_t c;
} Affine;
void affine_sort(Affine *a); /* by atom */
bool affine_of(const IrProgram *p, IrTerm t, Affine *out);
IrTerm affine_term(IrProgram *p, Affine *a); /* sorts a */
#define CONJUNCTS 16 /* of a condition are looked at */
/* The conjuncts of a BOOL term, at most `max`; returns how many. */
uint32_t conjuncts(const IrProgram *p, IrTerm cond, IrTerm *out, uint32_t max);
IrTerm and2(IrProgram *p, IrTerm a, IrTerm b); /* either may be 0: none */

#endif
