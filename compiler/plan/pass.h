/* pass — what the passes of plan/ share. For plan/ alone. */
#ifndef LAG_PLAN_PASS_H
#define LAG_PLAN_PASS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define PLAN_MAX_LOOPS (2 * IR_MAX_RANK)

typedef VEC(IrDef) DefList;
typedef VEC(uint32_t) NumberList;

typedef enum Form {
    FORM_UNSEEN,
    FORM_INPUT,
    FORM_VIEW,
    FORM_MAP,      /* elementwise: no reduction in the body but small ones put back by decide */
    FORM_REDUCE,   /* one nest of reductions over an elementwise body */
    FORM_CONTRACT, /* alpha · Σ A·B, a call */
    FORM_CONCAT,
    FORM_LINALG,
    FORM_REGION, /* a SCAN or ROOT: in a loop around operations */
} Form;

typedef enum RegionKind {
    REGION_ROWS,   /* once for every row of a SCAN, which lies where it is read from later */
    REGION_REPEAT, /* until one of the turns leaves: a ROOT, whose value is then what is carried */
} RegionKind;

/* A loop around the operations that compute something again and again, and what it hands from one iteration to the next. */
typedef struct PlanRegion {
    RegionKind kind;
    IrDef start;                    /* what is carried into the first iteration; 0: nothing */
    IrDef carried[1 + IR_MAX_LAGS]; /* INPUTs that stand for it: the counter and the rows before; the unknown */
    uint32_t n_carried;
    struct {
        IrDef def;
        const char *turn; /* function of the runtime that looks at it and says how to go on; NULL: none does */
    } result[2];          /* what an iteration computes, in this order: the row; the residual and the correction */
    uint32_t n_results;
    const char *begin; /* function of the runtime that takes `start`; NULL: it is copied to its rows */
    uint64_t block;    /* unknowns that these functions take together, said to them after how many there are; 0: it is not */
    uint64_t work;     /* f64 numbers that these functions keep between their calls */
    double trips;      /* iterations, about */
} PlanRegion;

/* A normalized body. */
typedef struct PlanBody {
    Form form;
    IrElem elem;
    IrTerm body;    /* over AXIS indices; CONTRACT: the Σ alone */
    IrTerm alpha;   /* CONTRACT: a scalar term; 0: 1 */
    DefList deps;   /* definitions read directly, each once; operands, pieces, checks */
    DefList checks; /* scalar definitions that must be false: gathers out of range */
    const PlanRegion *region; /* REGION; deps are what it needs from outside of itself */
    bool noisy;               /* REGION: what is computed inside has draws */
} PlanBody;

typedef struct PlanDef {
    PlanBody body;
    bool must;        /* needs a buffer: operand of a call, piece of a CONCAT */
    bool inlined;     /* computed where it is used */
    bool expanding;   /* expanded holds */
    IrTerm expanded;  /* body with inlined definitions put in */
    bool is_check;    /* true where a gather is out of range */
    IrDef home;       /* the CONCAT it lies in; 0: a buffer of its own */
    uint64_t home_at; /* first element there */
    double cost;      /* operations per element, with what is inlined */
    double evals;     /* how often an element-computation is asked for by all users together */
    double repeats;   /* how often it is computed: once, or in every iteration of the regions around it */
    IrDef scan;       /* whose row, counter or row before this is; its home then is that scan … */
    uint32_t lag;     /* … `lag` rows before the one that is computed */
    uint32_t mark;    /* of walks */
} PlanDef;

struct Plan {
    Session *session;
    IrProgram *ir;
    Arena *arena;
    PlanOptions options;
    VEC(PlanDef) defs;       /* by IrDef */
    VEC(PlanBuffer) buffers; /* from 1 */
    VEC(PlanFunc *) funcs;
    VEC(uint32_t) input_buffer; /* by IrDef: buffer of an INPUT; 0: none yet */
    uint32_t n_sources;
    bool *has_prepare; /* by source function */
    uint32_t slots;
    uint64_t memory;
    uint64_t persistent;     /* bytes of what lives between calls */
    uint32_t walk;           /* number of the present walk (PlanDef.mark) */
    VEC(uint32_t) term_seen; /* by term: serial of the walk that saw it last */
    uint32_t term_serial;
};

/* ---- walk.c ---- */
typedef VEC(IrTerm) TermList;
typedef enum PlanStep { PLAN_INTO, PLAN_PAST, PLAN_FOUND } PlanStep;
typedef PlanStep (*PlanVisit)(void *context, IrTerm t);
/* Visits every distinct subterm of t, users first; true when a visit said FOUND, which ends the walk. */
bool plan_walk(Plan *plan, IrTerm t, PlanVisit visit, void *context);
/* Whether walk `serial` (a number of its own, from ++plan->term_serial) comes to t for the first time. */
bool plan_first_time(Plan *plan, IrTerm t, uint32_t serial);
bool plan_has_op(Plan *plan, IrTerm t, IrOp op);
bool plan_term_is_flex(Plan *plan, IrTerm t);
/* How a term is stored where it gets a definition of its own. */
IrElem plan_term_elem(Plan *plan, IrTerm t);
IrTerm plan_largest_read(Plan *plan, IrTerm t); /* with the most elements; 0: none with subscripts */
void plan_reads(Plan *plan, IrTerm t, TermList *out);

/* The definition's record; grows the table with the program. Valid until the next definition is made. */
PlanDef *plan_def_of(Plan *plan, IrDef d);

/* ---- define.c ---- */
void plan_normalize_def(Plan *plan, IrDef d);
/* A definition for `t` over all its free indices (those in `order`, the AXIS ones, then FRESH), and the read
 * of it in t's place. */
IrTerm plan_outline(Plan *plan, IrTerm t, IrElem elem, const IrIdx *order, uint32_t n_order, IrDef *made);
void plan_add_unique(DefList *list, IrDef d);
/* A CONTRACT needs a shape plan_match can read; else it becomes a reduction like any other. One that is stored in
 * another precision than it is computed in gets a definition in its own. */
void plan_settle_contract(Plan *plan, PlanBody *body, uint32_t rank, const uint64_t *extent);

/* ---- normal.c ---- */
/* The body t of something with these axes. */
void plan_normalize_term(Plan *plan, IrTerm t, IrElem elem, uint32_t rank, const uint64_t *extent,
                         PlanBody *out);

/* ---- shorten.c ---- */
/* The same value in terms that a walk may recurse over; parts become definitions of their own. */
IrTerm plan_shorten(Plan *plan, IrTerm t);

/* ---- pairwise.c ---- */
/* Σ over FRESH indices ks of the product `body` with inner sums in it, where that is much less work; else 0. */
IrTerm plan_pairwise(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm body);

/* ---- angles.c ---- */
/* cos(a ± b) by sines and cosines of a and b, definitions of their own, where they are fewer; else 0. */
IrTerm plan_split_cosine(Plan *plan, IrTerm t, IrDef made[4]);

/* ---- contract.c ---- */
/* Σ over FRESH indices ks of `body` as a matrix product worth a call: gives the body with dense operands. */
bool plan_contract(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm *body);
/* Whether it would be one; makes nothing. */
bool plan_is_contract(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm body);
typedef struct Contract {
    IrDef a, b; /* operands */
    bool trans_a, trans_b, is_vector;
    uint64_t m, n, k, lda, ldb, ldc;
    uint32_t n_batch;
    uint64_t batch[IR_MAX_RANK], batch_a[IR_MAX_RANK], batch_b[IR_MAX_RANK], batch_c[IR_MAX_RANK];
} Contract;
/* The product that body (a Σ as plan_contract leaves it, over axes of the given extents) is. */
bool plan_match(Plan *plan, IrTerm sum, uint32_t rank, const uint64_t *extent, Contract *out);

/* ---- decide.c ---- */
typedef struct DecideRoot {
    const PlanBody *body;
    IrDef target;
} DecideRoot;
typedef bool (*PlanIsFixed)(void *context, IrDef d); /* the same in every call of a cyclic function */
void plan_decide(Plan *plan, const DecideRoot *roots, uint32_t n_roots, PlanIsFixed is_fixed, void *context);
/* t with inlined definitions put in place of their reads. */
IrTerm plan_expand(Plan *plan, IrTerm t);
double plan_term_cost(Plan *plan, IrTerm t);

/* ---- operations ---- */

typedef struct OpLoop {
    IrIdx index; /* FRESH */
    uint64_t extent;
    int axis; /* of the output; -1: a reduction */
    IrTerm
        guard; /* reduction: the part of the guard that bounds this loop from indices outside it; 0: none */
} OpLoop;

typedef struct OpRead { /* a load the operation makes */
    uint32_t buffer;
    uint64_t lo, hi; /* range of elements, hi excluded */
    IrTerm read;     /* READ term; 0 for operands of calls */
    IrDef scan;      /* lo and hi count from the row that is `lag` before the one computed; 0: from the buffer's begin */
    uint32_t lag;
} OpRead;

/* Between OPEN and CLOSE stand the operations of a region; at a TURN its loop may be left or begun again. None goes past one of
 * the three. */
typedef enum OpKind { OP_LOOPS, OP_CONTRACT, OP_LINALG, OP_STOP, OP_OPEN, OP_TURN, OP_CLOSE } OpKind;

typedef struct OpOut {
    IrDef def; /* what a read of the same elements is spelled with; 0: nothing */
    uint32_t buffer;
    uint64_t at;                  /* first element */
    PlanValue base;               /* added to it; 0: nothing */
    uint64_t stride[IR_MAX_RANK]; /* by axis, in elements */
    IrTerm value;  /* over the loops' FRESH indices: element (MAP), body of the reductions (REDUCE) */
    bool assigned; /* an assignment: checked for finiteness on request */
    IrDef place;   /* what lies at `at`, where that moves with the rows of a scan (the scan itself: its present row); else 0 */
    IrDef scan;    /* as in OpRead */
    uint32_t lag;
} OpOut;

typedef struct Op {
    OpKind kind;
    IrDef def; /* definition computed or target assigned */
    const PlanBody *body;
    uint32_t rank;
    uint64_t extent[IR_MAX_RANK];
    OpLoop loop[PLAN_MAX_LOOPS];
    uint32_t n_loops, first_reduce; /* first_reduce == n_loops: none */
    bool by_memory; /* a reduction with an axis inside a reducing loop: accumulates in the output */
    IrOp reduce;    /* IR_NONE: a MAP */
    IrTerm guard;   /* what is left of the guards, over FRESH indices */
    IrElem elem;
    OpOut out[8];
    uint32_t n_out;
    VEC(OpRead) reads;
    double work;
    uint32_t kernel;
    uint32_t buffer; /* OPEN, TURN: what the region's functions keep */
    uint32_t turn;   /* TURN: after which result */
} Op;

typedef VEC(Op *) OpList;

typedef struct Assign {
    IrDef target;
    PlanBody body;
    Span span;
} Assign;
typedef struct AssignGroup {
    Assign *at;
    uint32_t n;
} AssignGroup;

typedef struct DefState { /* one definition in one function */
    uint32_t buffer;      /* 0: none yet */
    uint32_t computed;    /* times */
    bool valid;           /* its buffer holds the present version */
    bool kept;            /* valid when the function begins: NAME_prepare or the last call computed it */
    bool wanted;          /* read before the function computed it */
    bool outside;         /* depends on volatile inputs, time, step or noise */
    bool changing;        /* as that, or on something the function assigns */
    bool known;           /* outside and changing are set */
    bool untouched;       /* still as it was when the function began */
    bool is_target;       /* the function assigns it … */
    bool holds_target;    /* … or something that lies in it */
    uint32_t seen;        /* epoch in which it was wanted last */
} DefState;

typedef struct FuncPlan { /* one function while it is planned */
    Plan *plan;
    PlanFunc *func;
    const IrFunc *source;
    AssignGroup *groups;
    uint32_t n_groups;
    VEC(DefState) state; /* by IrDef */
    DefList kept;        /* computed by NAME_prepare */
    OpList ops;
    uint32_t epoch; /* counts the assignments: between two, what is valid stays valid */
    bool record; /* a rehearsal leaves no ops */
    bool in_prepare;
} FuncPlan;

/* ---- schedule.c ---- */
/* Normalizes and decides; finds what to keep between calls. */
void plan_analyze(FuncPlan *fp);
/* Fills fp->ops: the function itself, or what NAME_prepare computes. */
void plan_schedule(FuncPlan *fp, bool prepare);

/* ---- changes.c ---- */
DefState *plan_state_of(FuncPlan *fp, IrDef d); /* valid until the next definition is made */
/* Notes the targets of all groups, and the INPUTs they lie in. */
void plan_note_targets(FuncPlan *fp);
/* Sets `outside` and `changing` of d's state. */
void plan_learn(FuncPlan *fp, IrDef d);
bool plan_is_fixed(void *fp, IrDef d); /* as a PlanIsFixed */

/* ---- place.c ---- */
/* Where d lies. Inside a scan's row or a row before, `at` counts from the beginning of that row: see plan_row_of. */
uint32_t plan_buffer_of(FuncPlan *fp, IrDef d, uint64_t *at);
/* The scan in whose rows d lies, and how many rows before the one computed; 0: in none. */
IrDef plan_row_of(Plan *plan, IrDef d, uint32_t *lag);
/* The operation writes to the place of d. */
void plan_out_place(FuncPlan *fp, OpOut *out, IrDef d);
uint32_t plan_new_buffer(Plan *plan, IrElem elem, uint64_t count, IrDef def, bool scratch);
/* The first element of the rows that scan d starts from. */
uint64_t plan_start_place(const IrProgram *ir, IrDef d);
/* Gives rows of scans and pieces of rank-1 CONCATs their place inside it. */
void plan_find_homes(FuncPlan *fp);

/* ---- order.c, operation.c ---- */
void plan_order_loops(FuncPlan *fp, Op *op, IrTerm body);
void plan_op_reads(FuncPlan *fp, Op *op);
/* An operation of this shape, without outputs. */
Op *plan_new_op(FuncPlan *fp, OpKind kind, IrDef def, const PlanBody *body, uint32_t rank, const uint64_t *extent);
void plan_push_op(FuncPlan *fp, Op *op);
/* The operation that computes `body` into `buffer` from element `at` on; a read of `as` means what it stores. */
Op *plan_body_op(FuncPlan *fp, IrDef def, const PlanBody *body, uint32_t rank, const uint64_t *extent, IrDef as,
                 uint32_t buffer, uint64_t at);
const PlanBody *plan_simple_body(FuncPlan *fp, IrTerm t, IrElem elem); /* computed element by element */
/* Pushes what computes d, and for a check what stops. */
void plan_compute_op(FuncPlan *fp, IrDef d);

/* ---- group.c ---- */
void plan_schedule_group(FuncPlan *fp, const AssignGroup *group);

/* ---- fuse.c ---- */
typedef struct Kernel {
    VEC(Op *) ops;
    int64_t chunk; /* iterations of a piece; 0: not cut into pieces */
} Kernel;
typedef VEC(Kernel) KernelList;
void plan_fuse(FuncPlan *fp, KernelList *out);
/* Whether `later` may share the loop at `depth` with `earlier` (which share all loops outside it). */
bool plan_may_share(FuncPlan *fp, const Op *earlier, const Op *later, uint32_t depth);

/* ---- value.c, term.c, build.c, calls.c ---- */
typedef struct TermMemo {
    uint32_t epoch;
    PlanValue value;
} TermMemo;
/* A region that is open: what is stored in it has another content at the top of each iteration. */
typedef struct Region {
    IrDef def; /* what it computes */
    uint32_t scope, loop;
    PlanValue row;        /* ROWS: number of the row computed */
    NumberList written;   /* buffers; and all from `made` on */
    uint32_t made;
} Region;

typedef struct Builder {
    FuncPlan *fp;
    Plan *plan;
    PlanFunc *func;
    uint32_t scope;             /* where statements go */
    PlanType real;              /* type of reals made from integers */
    uint32_t *table, table_cap; /* hash of values */
    uint32_t table_n;
    VEC(uint32_t) version;      /* of each buffer's content */
    VEC(PlanValue) alias;       /* by node: the value a stored element was given */
    VEC(PlanValue) index_value; /* by IrIdx */
    VEC(TermMemo) memo;         /* by term */
    uint32_t epoch;             /* of memory: what memo knows of another epoch is out of date */
    bool straight;              /* loops are written out now: see straight.c */
    VEC(PlanValue *) elements;  /* by buffer: what is known of each of its elements; NULL: nothing */
    VEC(PlanValue) running;     /* by ACC node that is written out: its value so far */
    VEC(Region) regions;        /* that are open, outermost first */
} Builder;

typedef struct Members {
    Op **op;
    PlanValue *acc;
    uint32_t n;
} Members; /* operations that share a loop */

void plan_build_code(FuncPlan *fp, KernelList *kernels);
void plan_emit_call(Builder *b, const Op *op);
/* The call of a region's function: where it begins (OPEN), or where it may be left (TURN). */
void plan_emit_region_call(Builder *b, const Op *op);

/* ---- region.c ---- */
/* Builds OPEN, which is in kernel `at`, and CLOSE. */
void plan_open_region(Builder *b, const KernelList *kernels, uint32_t at);
void plan_close_region(Builder *b);
/* The scope of the innermost region, the function's body outside of all. */
uint32_t plan_region_scope(const Builder *b);
/* The innermost region that changes the buffer: loads of it stay inside. 0: none. */
uint32_t plan_changing_scope(const Builder *b, uint32_t buffer);
/* What is to be added to an element number that plan_buffer_of gave for d: 0 where that is all. */
PlanValue plan_row_base(Builder *b, IrDef d);
PlanValue plan_row_place(Builder *b, IrDef d, uint64_t at);
/* The first element that is written. */
PlanValue plan_out_start(Builder *b, const OpOut *out);
/* The value of d where it is the counter of an open region; else 0. */
PlanValue plan_counter(Builder *b, IrDef d);

/* ---- straight.c ---- */
/* Whether the kernel of these operations is so small that its loops are written out. */
bool plan_is_straight(Builder *b, Members m);
/* A loop from lo to hi - 1, written out or not, by one text:
 *   for (Range r = plan_range(b, lo, hi); plan_next(b, &r);)  … r.index …
 * Written out (b->straight, constant bounds) the text runs once for each index; else once, in an open loop. */
typedef struct Range {
    PlanValue index, lo, hi;
    int64_t at, end;
    uint32_t loop;
    bool written, open;
} Range;
Range plan_range(Builder *b, PlanValue lo, PlanValue hi);
bool plan_next(Builder *b, Range *r);
/* Elements of buffers with a value of the function's body; value 0: forgotten. */
void plan_know(Builder *b, uint32_t buffer, PlanValue at, PlanValue value);
PlanValue plan_known(Builder *b, uint32_t buffer, PlanValue at);
void plan_forget(Builder *b, uint32_t buffer);
void plan_straight_free(Builder *b);

/* ---- small.c ---- */
/* Linear algebra of few unknowns as code; false: too large, a call. */
bool plan_small_linalg(Builder *b, const Op *op);

/* ---- loops.c ---- */
/* How far one step of `index` moves through the elements of `read`; false when that is not the same
 * everywhere. */
bool plan_read_stride(IrProgram *ir, IrTerm read, IrIdx index, int64_t *stride);
#define PLAN_MAX_CUTS 6
/* Makes the loop at `depth` of every member run over the next one, and so on while memory is walked in one
 * run; returns by how much it became longer. The outer index stays 0, the inner runs on. */
uint64_t plan_merge_loops(Builder *b, Members m, uint32_t depth);
/* Where to cut the loop at `depth`: ascending from 0 to its extent; returns how many. */
uint32_t plan_find_cuts(Builder *b, Members m, uint32_t depth, int64_t *cut);

PlanValue value_int(Builder *b, int64_t v);
PlanValue value_real(Builder *b, double v, PlanType type);
PlanValue value_bool(Builder *b, bool v);
PlanValue value_op(Builder *b, IrOp op, PlanType type, PlanValue x, PlanValue y, PlanValue z);
/* x − f y, rounded once where the machine can */
PlanValue value_subtract(Builder *b, PlanType type, PlanValue x, PlanValue f, PlanValue y);
/* The sum x + y where it is cos² + sin² of one angle: 1. 0: it is not (angles.c). */
PlanValue plan_fold_circle(Builder *b, PlanType type, PlanValue x, PlanValue y);
PlanValue value_convert(Builder *b, PlanValue x, PlanType type);
PlanValue value_load(Builder *b, uint32_t buffer, PlanValue at, PlanType type);
PlanValue value_draw(Builder *b, IrDrawKind kind, uint32_t site, PlanValue position);
void value_store(Builder *b, uint32_t buffer, PlanValue at, PlanValue v);
void value_zero(Builder *b, uint32_t buffer, PlanValue at, uint64_t count);
void value_touch(Builder *b, uint32_t buffer); /* its content has changed */
PlanValue value_add(Builder *b, PlanValue x, PlanValue y);
PlanValue value_scale(Builder *b, PlanValue x, int64_t factor);
PlanValue value_acc(Builder *b, IrOp reduce, PlanType type);
void value_step(Builder *b, PlanValue acc, PlanValue v, PlanValue cond, PlanValue index);
PlanValue value_result(Builder *b, PlanValue acc);
PlanValue value_statement(Builder *b, PlanKind kind, uint32_t op, uint32_t x, uint32_t y);
const PlanNode *value_node(const Builder *b, PlanValue v);
/* Opens a loop in the present scope; statements then go into it. */
uint32_t loop_open(Builder *b, PlanValue lo, PlanValue hi);
void loop_close(Builder *b, uint32_t loop);

PlanValue term_value(Builder *b, IrTerm t);
/* As term_value, converted for storage as `elem`. */
PlanValue term_value_as(Builder *b, IrTerm t, PlanType type);
PlanType plan_elem_type(IrElem elem);
void term_bind(Builder *b, IrIdx index, PlanValue value);
/* Address of element (subs) of d: buffer and element number. */
PlanValue term_address(Builder *b, IrDef d, const IrTerm *subs, uint32_t n, uint32_t *buffer);
/* lo and hi narrowed by guard (a conjunction) for loop variable `index`; what could not be used is returned.
 */
IrTerm term_bounds(Builder *b, IrIdx index, IrTerm guard, PlanValue *lo, PlanValue *hi);

/* ---- memory.c ---- */
void plan_lay_out(Plan *plan);

const char *plan_op_text(IrOp op);

/* Values that the free indices of a term take together: the product of their extents. */
double plan_points(IrProgram *ir, IrTerm t);

#endif
