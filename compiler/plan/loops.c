/* loops — two loops made one where memory is walked in one run, and one loop cut where conditions on its
 * index change. */
#include "pass.h"

/* ---- merging ---- */

bool plan_read_stride(IrProgram *ir, IrTerm read, IrIdx index, int64_t *stride) {
    IrNode node = *ir_node(ir, read);
    int64_t unit = 1;
    *stride = 0;
    for (uint32_t i = node.arg[2]; i-- > 0;) {
        IrTerm sub = ir_read_subs(ir, read)[i];
        IrIdx idx[8];
        int64_t coef[8], constant;
        uint32_t n;
        if (ir_uses_index(ir, sub, index)) {
            if (!ir_affine(ir, sub, idx, coef, &n, &constant))
                return false;
            for (uint32_t k = 0; k < n; k++)
                if (idx[k] == index)
                    *stride += unit * coef[k];
        }
        unit *= (int64_t)ir_def(ir, node.arg[0])->extent[i];
    }
    return true;
}

typedef struct Merge {
    Builder *b;
    const OpLoop *outer, *inner;
} Merge;

/* Finds a use of the two indices that one running index could not serve. */
static PlanStep hinders(void *context, IrTerm t) {
    Merge *m = context;
    IrProgram *ir = m->b->plan->ir;
    IrNode node = *ir_node(ir, t);
    if (!ir_uses_index(ir, t, m->outer->index) && !ir_uses_index(ir, t, m->inner->index))
        return PLAN_PAST;
    if (node.op == IR_INDEX || ir_op_is_reduce((IrOp)node.op) || node.op == IR_DRAW)
        return PLAN_FOUND;
    int64_t outer, inner;
    if (node.op != IR_READ)
        return PLAN_INTO;
    if (!plan_read_stride(ir, t, m->outer->index, &outer) || !plan_read_stride(ir, t, m->inner->index, &inner))
        return PLAN_FOUND;
    return outer == inner * (int64_t)m->inner->extent ? PLAN_PAST : PLAN_FOUND;
}

/* Whether the loops at `depth` and the next walk all memory as one loop would. */
static bool merges(Builder *b, const Op *op, uint32_t depth) {
    if (depth + 1 >= op->n_loops || op->guard)
        return false;
    const OpLoop *outer = &op->loop[depth], *inner = &op->loop[depth + 1];
    bool arg = op->reduce == IR_ARGMAX || op->reduce == IR_ARGMIN;
    if (outer->guard || inner->guard || (outer->axis < 0) != (inner->axis < 0) || arg)
        return false;
    Merge m = {b, outer, inner};
    for (uint32_t k = depth + 2; k < op->n_loops; k++)
        if (op->loop[k].guard && plan_walk(b->plan, op->loop[k].guard, hinders, &m))
            return false;
    for (uint32_t o = 0; o < op->n_out; o++) {
        const OpOut *out = &op->out[o];
        if (outer->axis >= 0 && out->stride[outer->axis] != out->stride[inner->axis] * inner->extent)
            return false;
        if (plan_walk(b->plan, out->value, hinders, &m))
            return false;
    }
    return true;
}

/* Makes the loop at `depth` of every member run over the next one too: the outer index stays 0, the inner
 * runs on. */
uint64_t plan_merge_loops(Builder *b, Members m, uint32_t depth) {
    uint64_t factor = 1;
    for (;;) {
        for (uint32_t i = 0; i < m.n; i++) {
            if (!merges(b, m.op[i], depth))
                return factor;
            for (uint32_t k = 0; k < i; k++)
                if (!plan_may_share(b->fp, m.op[k], m.op[i], depth + 1))
                    return factor;
        }
        factor *= m.op[0]->loop[depth + 1].extent;
        for (uint32_t i = 0; i < m.n; i++) {
            Op *op = m.op[i];
            uint64_t extent = op->loop[depth].extent;
            term_bind(b, op->loop[depth].index, value_int(b, 0));
            memmove(op->loop + depth, op->loop + depth + 1, sizeof *op->loop * (op->n_loops - depth - 1));
            op->loop[depth].extent *= extent;
            op->n_loops--;
            op->first_reduce -= op->first_reduce > depth;
        }
    }
}

/* ---- cutting ---- */

#define MIN_EXTENT 8 /* shorter loops are left whole */

typedef struct Cuts {
    Plan *plan;
    IrIdx index;
    int64_t extent, at[PLAN_MAX_CUTS + 2];
    uint32_t n;
    bool full;
} Cuts;

static void add_cut(Cuts *c, int64_t at) {
    if (at <= 0 || at >= c->extent || c->full)
        return;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->at[i] == at)
            return;
    if (c->n == PLAN_MAX_CUTS) {
        c->full = true;
        return;
    }
    c->at[c->n++] = at;
}

/* t as coefficient·index + constant in the loop's index alone. */
static bool line(Cuts *c, IrTerm t, int64_t *coef, int64_t *constant) {
    IrIdx idx[8];
    int64_t k[8];
    uint32_t n;
    if (ir_node(c->plan->ir, t)->type != IR_INT || !ir_affine(c->plan->ir, t, idx, k, &n, constant) || n > 1)
        return false;
    *coef = n ? k[0] : 0;
    return n == 0 || idx[0] == c->index;
}

/* Cuts where f = a·i + b, a = ±1, passes through 0, or through a multiple of `period`. */
static void cut_at_zero(Cuts *c, int64_t a, int64_t b, int64_t period) {
    if (a != 1 && a != -1)
        return;
    int64_t zero = -a * b; /* a·zero + b = 0 */
    if (period == 0) {
        add_cut(c, zero);
        add_cut(c, zero + 1);
        return;
    }
    if (c->extent / period > PLAN_MAX_CUTS)
        return;
    int64_t first = zero - zero / period * period - period;
    for (int64_t at = first; at <= c->extent && !c->full; at += period)
        add_cut(c, a > 0 ? at : at + 1);
}

/* Cuts where an operation on a·k + b and x·k + y changes what it does. */
static void cut_relation(Cuts *c, IrOp op, int64_t a, int64_t b, int64_t x, int64_t y) {
    int64_t slope = a - x, zero = -slope * (b - y);
    if (op == IR_EQ || op == IR_NE)
        cut_at_zero(c, slope, b - y, 0);
    else if ((op == IR_IMOD || op == IR_IDIV) && x == 0 && y > 1)
        cut_at_zero(c, a, b, y);
    /* Between f < 0 and f ≥ 0, or f ≤ 0 and f > 0: one cut. */
    else if ((op == IR_LT || op == IR_LE || op == IR_MIN || op == IR_MAX) && (slope == 1 || slope == -1))
        add_cut(c, zero + ((slope > 0) == (op == IR_LE)));
}

static PlanStep look(void *context, IrTerm t) {
    Cuts *c = context;
    IrProgram *ir = c->plan->ir;
    IrNode node = *ir_node(ir, t);
    int64_t a, b, x, y;
    if (!ir_uses_index(ir, t, c->index))
        return PLAN_PAST;
    if (ir_op_arity((IrOp)node.op) == 2 && line(c, node.arg[0], &a, &b) && line(c, node.arg[1], &x, &y))
        cut_relation(c, (IrOp)node.op, a, b, x, y);
    return PLAN_INTO;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

uint32_t plan_find_cuts(Builder *b, Members m, uint32_t depth, int64_t *cut) {
    Cuts c = {.plan = b->plan, .extent = (int64_t)m.op[0]->loop[depth].extent};
    for (uint32_t i = 0; i < m.n && c.extent >= MIN_EXTENT; i++) {
        c.index = m.op[i]->loop[depth].index;
        for (uint32_t o = 0; o < m.op[i]->n_out; o++)
            plan_walk(b->plan, m.op[i]->out[o].value, look, &c);
        if (m.op[i]->guard)
            plan_walk(b->plan, m.op[i]->guard, look, &c);
    }
    if (c.full)
        c.n = 0;
    c.at[c.n++] = 0;
    c.at[c.n++] = c.extent;
    qsort(c.at, c.n, sizeof *c.at, ascending);
    memcpy(cut, c.at, sizeof *cut * c.n);
    return c.n;
}
