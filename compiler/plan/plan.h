/* plan — from IR functions to loops, library calls and memory: what is materialized, what is fused, which
 * contractions go to BLAS, where every buffer lies, which loops run in parallel. Target-neutral: knows
 * nothing of LLVM. */
#ifndef LAG_PLAN_H
#define LAG_PLAN_H

#include "../ir/ir.h"

typedef struct Plan Plan;

typedef struct PlanOptions {
    uint32_t threads;  /* of the frame's pool; the code, and so its results, are the same for all */
    bool fast;         /* training: reductions and products may be reassociated and fused */
    bool check_finite; /* functions report non-finite assigned values through the frame */
} PlanOptions;

/* Where an INPUT or OUTPUT lives: at byte `offset` of the frame's memory, or in data slot `slot`. */
typedef struct PlanPlace {
    bool is_data;
    uint32_t slot;
    uint64_t offset, bytes;
    IrElem elem;
} PlanPlace;

/* Plans every function. Adds definitions to `p` (parts of bodies that get a loop of their own), never changes
 * one. */
Plan *plan_build(Session *session, IrProgram *p, const IrFunc *const *funcs, uint32_t n,
                 const PlanOptions *options);
void plan_free(Plan *plan);
bool plan_place(const Plan *plan, IrDef input, PlanPlace *place); /* false: no function uses it */
uint64_t plan_memory(const Plan *plan);                           /* bytes of frame memory, 64-byte aligned */
uint32_t plan_data_slots(const Plan *plan);
uint64_t plan_elem_bytes(IrElem elem);
/* Whether function `k` (in the order given to plan_build) has a part that is run beforehand, the compiled
 * function NAME_prepare: it computes what stays the same in every call, and what a call leaves for the next
 * one. Where it has one, the driver calls NAME_prepare before the first call of NAME and again whenever
 * anything but NAME itself has changed the frame's memory (init, a checkpoint read back) other than time,
 * step and volatile inputs. */
bool plan_has_prepare(const Plan *plan, uint32_t k);
void plan_print(const Plan *plan, Buf *out); /* --emit=plan */

/* ---- the planned code: what emit/ reads ---------------------------------------------------------------- */

/* Code is a tree of scopes (the function's body and the bodies of loops). A scope is a list of nodes in
 * order; a node that gives a value may be used from its place on in its scope and the scopes inside. Node 0
 * is "none". */
typedef uint32_t PlanValue;

typedef enum PlanType { PLAN_VOID, PLAN_F64, PLAN_F32, PLAN_I64, PLAN_BOOL } PlanType;

typedef enum PlanKind {
    PLAN_NONE,
    PLAN_CONST,   /* bits: of a double (F64 and F32) or an int64; belongs to no scope */
    PLAN_INDEX,   /* variable of the loop of its scope; belongs to no list */
    PLAN_OP,      /* op (IrOp) on arg[0..]; operands have the types op.def asks for, made equal by CONVERT */
    PLAN_CONVERT, /* arg[0] to `type` */
    PLAN_LOAD,    /* element arg[1] of buffer `bits`, widened to `type` */
    PLAN_DRAW,    /* op: IrDrawKind; site `bits`, position arg[1] */
    PLAN_STORE,   /* buffer `bits`, element arg[1], value arg[2] */
    PLAN_ZERO,    /* buffer `bits`, arg[2] elements from element arg[1] on are set to 0 */
    PLAN_ACC,     /* a new accumulator of `type` for reduction `op`, starting at its identity */
    PLAN_STEP,    /* accumulator arg[0] takes value arg[1] where arg[2] (0: always); arg[3]: index for ARGMAX,
                     ARGMIN */
    PLAN_RESULT,  /* value of accumulator arg[0]; for ARGMAX and ARGMIN the index, type I64 */
    PLAN_LOOP,    /* loop arg[0] */
    PLAN_CALL,    /* call arg[0] */
    PLAN_TURN,    /* call arg[0] in the body of a repeated loop: its verdict (RT_NEWTON_…) says whether to go on, to begin
                     the next iteration, to leave the loop, or to return NO_ROOT with definition arg[1] as bad */
    PLAN_STOP,    /* returns status `op` with definition arg[1] as bad when BOOL arg[0] is true */
    PLAN_FLAG, /* marks definition arg[1] bad unless real arg[0] is finite; NOT_FINITE is returned at the end
                */
} PlanKind;

typedef struct PlanNode {
    uint8_t kind, type; /* PlanKind, PlanType */
    uint8_t flex;       /* a real without precision of its own */
    uint8_t dead;       /* STORE: to a buffer nobody loads; ACC: of loops that are written out, not in the code */
    uint8_t fused;      /* SUB of product arg[1] = arg[2]·arg[3]: rounded once where the machine can */
    uint16_t op;
    uint32_t scope; /* where it is computed */
    uint32_t arg[4];
    uint64_t bits;
    int64_t lo, hi; /* I64: range of values, both included */
} PlanNode;

typedef struct PlanScope {
    uint32_t parent; /* the function's body is scope 1, its parent 0 */
    uint32_t depth;
    bool closed;
    VEC(PlanValue) body;
} PlanScope;

typedef struct PlanLoop {
    uint32_t scope; /* of its body */
    PlanValue index;
    PlanValue lo, hi; /* I64 values of the scope around: runs lo … hi-1 */
    bool repeat;      /* repeated until a TURN leaves it: lo and hi say nothing … */
    double trips;     /* … how often, about */
    bool parallel;    /* iterations are independent but for accumulators, which a parallel loop has none of */
    int64_t chunk;    /* iterations per piece of a parallel loop */
} PlanLoop;

/* A library call. Arguments are in the order of rt_abi.def; the frame comes first and is not listed. */
typedef enum PlanArgKind { PLAN_ARG_VALUE, PLAN_ARG_POINTER, PLAN_ARG_INT } PlanArgKind;
typedef struct PlanArg {
    PlanArgKind kind;
    uint32_t buffer; /* POINTER: &buffer[value] */
    PlanValue value; /* VALUE: converted to the parameter's type */
    int64_t number;  /* INT: a constant */
} PlanArg;
typedef struct PlanCall {
    const char *name; /* "rt_gemm_f32", … */
    bool has_status;  /* a status other than 0 is returned with `def` as bad */
    IrDef def;
    VEC(PlanArg) args;
} PlanCall;

typedef struct PlanBuffer {
    IrElem elem;
    uint64_t count;  /* elements */
    IrDef def;       /* what it holds, for printing */
    bool is_data;    /* lies in data slot `slot`; else at byte `offset` of the frame's memory */
    bool is_scratch; /* content lives inside one call */
    uint32_t slot;
    uint64_t offset;
} PlanBuffer;

typedef struct PlanFunc {
    const char *name; /* symbol */
    uint32_t of;      /* number of the IrFunc it comes from */
    bool prepare;
    const IrRates *rates; /* of a right-hand side */
    bool copies;           /* of the IrFunc; not of what is run beforehand */
    bool seldom;      /* IrFunc.seldom */
    VEC(PlanNode) nodes;   /* from 1 */
    VEC(PlanScope) scopes; /* from 1; 1 is the body */
    VEC(PlanLoop) loops;   /* from 1 */
    VEC(PlanCall) calls;   /* from 1 */
} PlanFunc;

const PlanOptions *plan_options(const Plan *plan);
IrProgram *plan_program(const Plan *plan);
uint32_t plan_func_count(const Plan *plan);
const PlanFunc *plan_func(const Plan *plan, uint32_t k);
uint32_t plan_buffer_count(const Plan *plan); /* buffers are 1 .. count */
const PlanBuffer *plan_buffer(const Plan *plan, uint32_t buffer);
/* The buffer of an INPUT or OUTPUT, whose elements begin at `first` there; 0: no function uses it. */
uint32_t plan_place_buffer(const Plan *plan, IrDef input, uint64_t *first);

#endif
