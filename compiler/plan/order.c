/* order — the loops of one operation, outermost first.
 *
 * The innermost loop should walk memory element by element. Where that is an axis of the output, the
 * reductions lie outside it and the output row is the accumulator (Σ_n d[n,j] adds rows); where it is a
 * reduced index, the accumulator is a register. Every element's terms are added in the same order either way.
 */
#include "pass.h"

#define UNROLLED                                                                                             \
    16.0 /* iterations of a reduction small enough to be written out inside the loop over the output */

static IrTerm both(IrProgram *ir, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_op2(ir, IR_AND, a, b); }

/* Σ of products with brackets and selects against 0: the conditions become part of the guard. */
static IrTerm pull_conditions(IrProgram *ir, IrTerm t, IrTerm *guard, uint32_t depth) {
    IrNode node = *ir_node(ir, t);
    if (depth > 8)
        return t;
    if (node.op == IR_TO_REAL && ir_node(ir, node.arg[0])->type == IR_BOOL) {
        *guard = both(ir, *guard, node.arg[0]);
        return ir_real(ir, 1);
    }
    if (node.op == IR_SELECT && ir_is_zero(ir, node.arg[2])) {
        *guard = both(ir, *guard, node.arg[0]);
        return pull_conditions(ir, node.arg[1], guard, depth + 1);
    }
    if (node.op == IR_MUL) {
        IrTerm a = pull_conditions(ir, node.arg[0], guard, depth + 1);
        IrTerm b = pull_conditions(ir, node.arg[1], guard, depth + 1);
        return a == node.arg[0] && b == node.arg[1] ? t : ir_mul(ir, a, b);
    }
    if (node.op == IR_NEG) {
        IrTerm a = pull_conditions(ir, node.arg[0], guard, depth + 1);
        return a == node.arg[0] ? t : ir_neg(ir, a);
    }
    return t;
}

/* How far apart consecutive iterations of loop `index` touch the array read; 1e6 for a gather. */
static double stride_of(IrProgram *ir, IrTerm read, IrIdx index) {
    int64_t stride;
    return plan_read_stride(ir, read, index, &stride) ? fabs((double)stride) : 1e6;
}

/* How well loop `index` would do as the innermost. */
static double innermost_score(Plan *plan, const TermList *reads, const OpLoop *loop, bool is_last_axis) {
    double score = 0;
    for (uint32_t i = 0; i < reads->n; i++) {
        double stride = stride_of(plan->ir, reads->at[i], loop->index);
        score += stride == 0 ? 0 : stride == 1 ? 1 : -1;
    }
    if (loop->axis >= 0)
        score += is_last_axis ? 0.5 : -2;
    else if (!plan->options.fast)
        score -= 0.75; /* a sum in order does not vectorize */
    if (loop->extent < 8)
        score -= 1;
    return score;
}

static void split_guard(IrProgram *ir, IrTerm guard, IrTerm *parts, uint32_t *n, uint32_t max) {
    IrNode node = *ir_node(ir, guard);
    if (node.op == IR_AND && *n + 2 < max) {
        split_guard(ir, node.arg[0], parts, n, max);
        split_guard(ir, node.arg[1], parts, n, max);
        return;
    }
    parts[(*n)++] = guard;
}

/* Whether `part` compares loop k's index, with coefficient ±1, to something known outside that loop. */
static bool is_bound(IrProgram *ir, const Op *op, uint32_t k, IrTerm part) {
    IrNode node = *ir_node(ir, part);
    if (node.op != IR_LT && node.op != IR_LE)
        return false;
    if (ir_node(ir, node.arg[0])->type != IR_INT || ir_node(ir, node.arg[1])->type != IR_INT)
        return false;
    for (uint32_t j = k + 1; j < op->n_loops; j++)
        if (ir_uses_index(ir, part, op->loop[j].index))
            return false;
    int64_t total = 0;
    for (int side = 0; side < 2; side++) {
        IrIdx idx[8];
        int64_t coef[8], constant;
        uint32_t n;
        if (!ir_uses_index(ir, node.arg[side], op->loop[k].index))
            continue;
        if (!ir_affine(ir, node.arg[side], idx, coef, &n, &constant))
            return false;
        for (uint32_t i = 0; i < n; i++)
            if (idx[i] == op->loop[k].index)
                total += side ? -coef[i] : coef[i];
    }
    return total == 1 || total == -1;
}

/* Gives each part of the guard to the loop it bounds: a reducing one, or one over the output inside a
 * reducing one. */
static void place_guard(IrProgram *ir, Op *op, IrTerm guard) {
    IrTerm parts[16];
    uint32_t n = 0;
    if (!guard)
        return;
    split_guard(ir, guard, parts, &n, 16);
    for (uint32_t i = 0; i < n; i++) {
        bool placed = false;
        for (uint32_t k = 0; k < op->n_loops && !placed; k++) {
            bool skips = op->loop[k].axis < 0 || (op->by_memory && k > op->first_reduce);
            if (skips && is_bound(ir, op, k, parts[i])) {
                op->loop[k].guard = both(ir, op->loop[k].guard, parts[i]);
                placed = true;
            }
        }
        if (!placed)
            op->guard = both(ir, op->guard, parts[i]);
    }
}

static IrOp open_reductions(FuncPlan *fp, Op *op, IrTerm *body, IrTerm *guard) {
    IrProgram *ir = fp->plan->ir;
    IrOp reduce = (IrOp)ir_node(ir, *body)->op;
    if (op->body->form != FORM_REDUCE || !ir_op_is_reduce(reduce))
        return IR_NONE;
    bool chain = reduce != IR_ARGMAX && reduce != IR_ARGMIN;
    do {
        IrTerm g;
        OpLoop *loop = &op->loop[op->n_loops++];
        *loop = (OpLoop){.axis = -1};
        ir_open(ir, *body, &loop->index, &g, body);
        loop->extent = ir_index(ir, loop->index)->extent;
        *guard = both(ir, *guard, g);
    } while (chain && ir_node(ir, *body)->op == reduce && op->n_loops < PLAN_MAX_LOOPS);
    return reduce;
}

/* Moves loop k innermost. */
static void make_innermost(Op *op, uint32_t k) {
    OpLoop hold = op->loop[k];
    memmove(op->loop + k, op->loop + k + 1, sizeof *op->loop * (op->n_loops - k - 1));
    op->loop[op->n_loops - 1] = hold;
}

static void choose_order(FuncPlan *fp, Op *op, IrTerm body) {
    TermList reads = {0};
    plan_reads(fp->plan, body, &reads);
    double best = -1e9, reduced = 1;
    uint32_t pick = op->n_loops - 1, last_axis = op->rank;
    for (uint32_t k = op->rank; k < op->n_loops; k++)
        reduced *= (double)op->loop[k].extent;
    for (uint32_t k = op->n_loops; k-- > 0;) {
        double score =
            innermost_score(fp->plan, &reads, &op->loop[k], op->loop[k].axis == (int)last_axis - 1);
        if (op->loop[k].axis >= 0 &&
            (op->reduce == IR_ARGMAX || op->reduce == IR_ARGMIN || op->loop[k].extent < 4))
            continue;
        if (score > best) {
            best = score;
            pick = k;
        }
    }
    if (op->loop[pick].axis >= 0 && reduced > UNROLLED)
        op->by_memory = true;
    if (op->by_memory || op->loop[pick].axis < 0)
        make_innermost(op, pick);
    vec_free(&reads);
}

void plan_order_loops(FuncPlan *fp, Op *op, IrTerm body) {
    IrProgram *ir = fp->plan->ir;
    IrIdx from[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK], guard = 0;
    op->n_loops = 0;
    for (uint32_t i = 0; i < op->rank; i++) {
        IrIdx index = ir_fresh(ir, op->extent[i], 0);
        op->loop[op->n_loops++] = (OpLoop){.index = index, .extent = op->extent[i], .axis = (int)i};
        from[i] = ir_axis(ir, i, op->extent[i]);
        to[i] = ir_idx(ir, index);
    }
    op->reduce = open_reductions(fp, op, &body, &guard);
    double cost = plan_term_cost(fp->plan, body);
    body = ir_subst(ir, body, from, to, op->rank);
    if (guard)
        guard = ir_subst(ir, guard, from, to, op->rank);
    if (op->reduce == IR_SUM)
        body = pull_conditions(ir, body, &guard, 0);
    if (op->reduce != IR_NONE)
        choose_order(fp, op, body);
    op->first_reduce = op->n_loops;
    op->work = cost + 2;
    for (uint32_t k = 0; k < op->n_loops; k++) {
        if (op->loop[k].axis < 0 && op->first_reduce == op->n_loops)
            op->first_reduce = k;
        op->work *= (double)op->loop[k].extent;
    }
    place_guard(ir, op, guard);
    op->out[0].value = body;
}

static void add_read(FuncPlan *fp, Op *op, IrDef d, IrTerm read) {
    const PlanDef *def = plan_def_of(fp->plan, d);
    if (def->scan && !def->home) /* a counter: no memory */
        return;
    OpRead r = {.read = read};
    r.buffer = plan_buffer_of(fp, d, &r.lo);
    r.hi = r.lo + ir_size(fp->plan->ir, d);
    r.scan = plan_row_of(fp->plan, d, &r.lag);
    vec_push(&op->reads, r);
}

void plan_op_reads(FuncPlan *fp, Op *op) {
    IrProgram *ir = fp->plan->ir;
    TermList reads = {0};
    op->reads.n = 0;
    for (uint32_t i = 0; i < op->n_out && op->kind == OP_LOOPS; i++)
        plan_reads(fp->plan, op->out[i].value, &reads);
    if (op->guard)
        plan_reads(fp->plan, op->guard, &reads);
    for (uint32_t k = 0; k < op->n_loops; k++)
        if (op->loop[k].guard)
            plan_reads(fp->plan, op->loop[k].guard, &reads);
    for (uint32_t i = 0; i < reads.n; i++)
        add_read(fp, op, ir_node(ir, reads.at[i])->arg[0], reads.at[i]);
    vec_free(&reads);
    const PlanRegion *region = plan_def_of(fp->plan, op->def)->body.region;
    if (op->kind == OP_OPEN && region->begin) {
        add_read(fp, op, region->start, 0);
    } else if (op->kind == OP_TURN) {
        add_read(fp, op, region->result[op->turn].def, 0);
    } else if (op->kind == OP_STOP) {
        add_read(fp, op, op->def, 0);
    } else if (op->kind == OP_LINALG) {
        for (uint32_t i = 0; i < ir_linalg_reads(ir, op->def); i++)
            add_read(fp, op, ir_def(ir, op->def)->operand[i], 0);
    } else if (op->kind == OP_CONTRACT) {
        Contract c;
        plan_match(fp->plan, op->body->body, op->rank, op->extent, &c);
        add_read(fp, op, c.a, 0);
        add_read(fp, op, c.b, 0);
        TermList scale = {0};
        if (op->body->alpha)
            plan_reads(fp->plan, plan_expand(fp->plan, op->body->alpha), &scale);
        for (uint32_t i = 0; i < scale.n; i++)
            add_read(fp, op, ir_node(ir, scale.at[i])->arg[0], scale.at[i]);
        vec_free(&scale);
    }
}
