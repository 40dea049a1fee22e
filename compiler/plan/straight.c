/* straight — small operations of functions that are called often, written out: every index a number, every sum a
 * chain of additions, every element of a small array a value.
 *
 * A function that moves two pendulums has loops of two iterations over arrays of four elements; what it computes
 * is a few dozen operations, and loops, addresses and memory would cost more than those. Written out, conditions
 * on indices are decided, equal operations of different iterations are one, and arrays that nobody else reads are
 * never stored.
 *
 * Sums keep their order, and begin with their first term instead of 0. */
#include "pass.h"

#define STRAIGHT_EXTENT 12u     /* iterations of a loop that is written out, at most; more make vectors */
#define STRAIGHT_KERNEL 3000.0  /* operations of a kernel that is written out, at most … */
#define STRAIGHT_FUNCTION 6000u /* … while the function has no more nodes than this */
#define STRAIGHT_ELEMENTS 4096u /* arrays up to this length are known by element */

/* ---- what is small enough ---- */

/* Operations of one evaluation of t, those of sums as often as they run. */
static double operations(IrProgram *ir, IrTerm t, uint32_t depth) {
    IrNode node = *ir_node(ir, t);
    double n = 1;
    if (depth > 64)
        return STRAIGHT_KERNEL;
    if (ir_op_is_reduce((IrOp)node.op))
        return (double)ir_index(ir, node.arg[0])->extent * (1 + operations(ir, node.arg[2], depth + 1));
    for (uint32_t i = 0; i < ir_op_arity((IrOp)node.op) && n < STRAIGHT_KERNEL; i++)
        n += operations(ir, node.arg[i], depth + 1);
    return n;
}

/* Whether a condition compares sums of indices: what bounds a loop then is a number in every iteration. */
static bool is_affine(IrProgram *ir, IrTerm guard) {
    IrNode node = *ir_node(ir, guard);
    IrIdx idx[8];
    int64_t coef[8], constant;
    uint32_t n;
    if (node.op == IR_AND)
        return is_affine(ir, node.arg[0]) && is_affine(ir, node.arg[1]);
    return (node.op == IR_LT || node.op == IR_LE) && ir_affine(ir, node.arg[0], idx, coef, &n, &constant) &&
           ir_affine(ir, node.arg[1], idx, coef, &n, &constant);
}

bool plan_is_straight(Builder *b, Members m) {
    IrProgram *ir = b->plan->ir;
    double total = 0;
    if ((!b->fp->source->cyclic && !b->fp->source->often) || b->func->nodes.n > STRAIGHT_FUNCTION)
        return false;
    for (uint32_t i = 0; i < m.n; i++) {
        const Op *op = m.op[i];
        double each = 1, times = 1;
        if (op->reduce != IR_NONE && ir_op_of_reduce(op->reduce) == IR_NONE)
            return false;
        for (uint32_t k = 0; k < op->n_loops; k++) {
            times *= (double)op->loop[k].extent;
            if (op->loop[k].extent > STRAIGHT_EXTENT)
                return false;
            if (op->loop[k].guard && !is_affine(ir, op->loop[k].guard))
                return false;
        }
        for (uint32_t o = 0; o < op->n_out && times <= STRAIGHT_KERNEL; o++)
            each += operations(ir, op->out[o].value, 0);
        total += times * each;
    }
    return total <= STRAIGHT_KERNEL;
}

/* ---- loops ---- */

Range plan_range(Builder *b, PlanValue lo, PlanValue hi) {
    const PlanNode *first = value_node(b, lo), *end = value_node(b, hi);
    Range r = {.lo = lo, .hi = hi};
    r.written = b->straight && first->kind == PLAN_CONST && end->kind == PLAN_CONST;
    if (r.written) {
        r.at = (int64_t)first->bits;
        r.end = (int64_t)end->bits;
    }
    return r;
}

bool plan_next(Builder *b, Range *r) {
    if (r->written) {
        r->index = r->at < r->end ? value_int(b, r->at) : 0;
        return r->at++ < r->end;
    }
    if (r->open) {
        loop_close(b, r->loop);
        return false;
    }
    r->open = true;
    r->loop = loop_open(b, r->lo, r->hi);
    r->index = b->func->loops.at[r->loop].index;
    return true;
}

/* ---- elements ---- */

static PlanValue *element(Builder *b, uint32_t buffer, PlanValue at) {
    const PlanNode *place = value_node(b, at);
    uint64_t count = b->plan->buffers.at[buffer].count;
    if (b->scope != plan_region_scope(b) || place->kind != PLAN_CONST || count > STRAIGHT_ELEMENTS || place->bits >= count ||
        (!b->fp->source->cyclic && !b->fp->source->often))
        return NULL;
    while (b->elements.n <= buffer)
        vec_push(&b->elements, NULL);
    if (!b->elements.at[buffer])
        b->elements.at[buffer] = base_calloc(count, sizeof(PlanValue));
    return &b->elements.at[buffer][place->bits];
}

void plan_know(Builder *b, uint32_t buffer, PlanValue at, PlanValue value) {
    PlanValue *known = element(b, buffer, at);
    if (known)
        *known = value;
}

PlanValue plan_known(Builder *b, uint32_t buffer, PlanValue at) {
    PlanValue *known = element(b, buffer, at);
    return known ? *known : 0;
}

void plan_forget(Builder *b, uint32_t buffer) {
    if (buffer < b->elements.n) {
        free(b->elements.at[buffer]);
        b->elements.at[buffer] = NULL;
    }
}

void plan_straight_free(Builder *b) {
    for (uint32_t i = 0; i < b->elements.n; i++)
        free(b->elements.at[i]);
    vec_free(&b->elements);
    vec_free(&b->running);
}
