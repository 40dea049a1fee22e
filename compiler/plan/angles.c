/* angles — cos(a ± b) = cos a cos b ∓ sin a sin b where a and b have together no more values than the pair: N angles
 * need N sines and cosines instead of N² cosines.
 *
 * Absolute errors stay a unit or two of 1. Where the cosine is near 0 it loses digits to cancellation as does the
 * difference of angles that are rounded themselves. The sine of a difference stays as it is: near 0 its digits count,
 * and the difference of near angles is exact. */
#include "pass.h"

static bool is_real_term(IrProgram *ir, IrTerm t) { return ir_node(ir, t)->type == IR_REAL; }

/* f(t) as a definition of its own. */
static IrTerm apart(Plan *plan, IrOp f, IrTerm t, IrDef *made) {
    IrTerm value = ir_op1(plan->ir, f, t);
    return plan_outline(plan, value, plan_term_elem(plan, value), NULL, 0, made);
}

IrTerm plan_split_cosine(Plan *plan, IrTerm t, IrDef made[4]) {
    IrProgram *ir = plan->ir;
    IrNode outer = *ir_node(ir, t), inner = *ir_node(ir, outer.op == IR_COS ? outer.arg[0] : t);
    if (outer.op != IR_COS || (inner.op != IR_SUB && inner.op != IR_ADD))
        return 0;
    IrTerm a = inner.arg[0], b = inner.arg[1];
    double points = plan_points(ir, t), each[2] = {plan_points(ir, a), plan_points(ir, b)};
    if (!is_real_term(ir, a) || !is_real_term(ir, b) || each[0] < 2 || each[1] < 2 ||
        each[0] + each[1] > points || plan_has_op(plan, t, IR_DRAW))
        return 0;
    IrTerm cos_a = apart(plan, IR_COS, a, &made[0]), cos_b = apart(plan, IR_COS, b, &made[1]);
    IrTerm sin_a = apart(plan, IR_SIN, a, &made[2]), sin_b = apart(plan, IR_SIN, b, &made[3]);
    IrTerm even = ir_mul(ir, cos_a, cos_b), odd = ir_mul(ir, sin_a, sin_b);
    return inner.op == IR_SUB ? ir_add(ir, even, odd) : ir_sub(ir, even, odd);
}

/* The base of a square; 0: it is none. */
static PlanValue base_of_square(const Builder *b, PlanValue v) {
    const PlanNode *n = value_node(b, v), *second = value_node(b, n->arg[1]);
    double exponent;
    memcpy(&exponent, &second->bits, sizeof exponent);
    if (n->kind != PLAN_OP || (n->op != IR_MUL && n->op != IR_POW))
        return 0;
    bool is_square = n->op == IR_MUL ? n->arg[0] == n->arg[1]
                                     : second->kind == PLAN_CONST && second->type != PLAN_I64 && exponent == 2;
    return is_square ? n->arg[0] : 0;
}

/* cos² v + sin² v = 1, in code that is written out: what is left of cos (v − v) once angles are split, where v − v is
 * 0 too. */
PlanValue plan_fold_circle(Builder *b, PlanType type, PlanValue x, PlanValue y) {
    PlanValue p = base_of_square(b, x), q = base_of_square(b, y);
    const PlanNode *a = value_node(b, p), *c = value_node(b, q);
    bool is_circle = p && q && a->kind == PLAN_OP && c->kind == PLAN_OP && a->arg[0] == c->arg[0] &&
                     ((a->op == IR_COS && c->op == IR_SIN) || (a->op == IR_SIN && c->op == IR_COS));
    return is_circle ? value_real(b, 1, type) : 0;
}
