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
