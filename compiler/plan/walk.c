/* walk — over the distinct subterms of a term. */
#include "pass.h"

bool plan_first_time(Plan *plan, IrTerm t, uint32_t serial) {
    while (plan->term_seen.n <= t)
        vec_push(&plan->term_seen, 0);
    if (plan->term_seen.at[t] == serial)
        return false;
    plan->term_seen.at[t] = serial;
    return true;
}

static bool walk(Plan *plan, IrTerm t, PlanVisit visit, void *context, uint32_t serial) {
    if (!t || !plan_first_time(plan, t, serial))
        return false;
    PlanStep step = visit(context, t);
    if (step != PLAN_INTO)
        return step == PLAN_FOUND;
    IrNode node = *ir_node(plan->ir, t);
    if (node.op == IR_READ) {
        for (uint32_t i = 0; i < node.arg[2]; i++)
            if (walk(plan, ir_read_subs(plan->ir, t)[i], visit, context, serial))
                return true;
        return false;
    }
    if (node.op == IR_DRAW)
        return walk(plan, node.arg[2], visit, context, serial);
    if (ir_op_is_reduce((IrOp)node.op))
        return walk(plan, node.arg[1], visit, context, serial) ||
               walk(plan, node.arg[2], visit, context, serial);
    for (uint32_t i = 0; i < ir_op_arity((IrOp)node.op); i++)
        if (walk(plan, node.arg[i], visit, context, serial))
            return true;
    return false;
}

bool plan_walk(Plan *plan, IrTerm t, PlanVisit visit, void *context) {
    return walk(plan, t, visit, context, ++plan->term_serial);
}

/* ---- questions asked of whole terms ---- */

typedef struct Question {
    Plan *plan;
    IrOp op;
    int widest;
    IrTerm read;
    uint64_t size;
    TermList *reads;
} Question;

static PlanStep has_op(void *context, IrTerm t) {
    Question *q = context;
    return ir_node(q->plan->ir, t)->op == q->op ? PLAN_FOUND : PLAN_INTO;
}

bool plan_has_op(Plan *plan, IrTerm t, IrOp op) {
    Question q = {.plan = plan, .op = op};
    return plan_walk(plan, t, has_op, &q);
}

static PlanStep widen(void *context, IrTerm t) {
    Question *q = context;
    const IrNode *node = ir_node(q->plan->ir, t);
    if (node->type != IR_REAL)
        return PLAN_PAST;
    if (node->op != IR_READ)
        return PLAN_INTO;
    const IrDefInfo *info = ir_def(q->plan->ir, node->arg[0]);
    int one = info->flex ? 0 : info->elem == IR_F32 ? 1 : info->elem == IR_F64 ? 2 : 0;
    q->widest = one > q->widest ? one : q->widest;
    return q->widest == 2 ? PLAN_FOUND : PLAN_PAST;
}

IrElem plan_term_elem(Plan *plan, IrTerm t) {
    IrType type = (IrType)ir_node(plan->ir, t)->type;
    if (type == IR_INT)
        return IR_I64;
    if (type == IR_BOOL)
        return IR_U8;
    Question q = {.plan = plan};
    plan_walk(plan, t, widen, &q);
    return q.widest == 1 ? IR_F32 : IR_F64;
}

bool plan_term_is_flex(Plan *plan, IrTerm t) {
    Question q = {.plan = plan};
    plan_walk(plan, t, widen, &q);
    return q.widest == 0;
}

static PlanStep largest(void *context, IrTerm t) {
    Question *q = context;
    const IrNode *node = ir_node(q->plan->ir, t);
    if (node->op == IR_READ && node->arg[2] && ir_size(q->plan->ir, node->arg[0]) > q->size) {
        q->size = ir_size(q->plan->ir, node->arg[0]);
        q->read = t;
    }
    return PLAN_INTO;
}

IrTerm plan_largest_read(Plan *plan, IrTerm t) {
    Question q = {.plan = plan};
    plan_walk(plan, t, largest, &q);
    return q.read;
}

static PlanStep gather(void *context, IrTerm t) {
    Question *q = context;
    if (ir_node(q->plan->ir, t)->op == IR_READ)
        vec_push(q->reads, t);
    return PLAN_INTO;
}

void plan_reads(Plan *plan, IrTerm t, TermList *out) {
    Question q = {.plan = plan, .reads = out};
    plan_walk(plan, t, gather, &q);
}
