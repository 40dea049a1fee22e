/* support — for which indices a term can be anything but 0, as far as its conditions say.
 *
 * Needs: a term. Gives: a condition on indices alone. Changes nothing.
 *
 * Σ_{i<j} f(r[i,j]) makes ∂/∂r[i,j] vanish for i ≥ j, and r need not have a derivative there: √0 on the diagonal has none.
 * So what is multiplied by the derivative of such a step carries the condition with it, and 0 · ∞ does not come up. */
#include "calculus_internal.h"

enum { DEEPEST = 8 };

/* Without reads: decided by the indices. */
static bool reads_nothing(const IrProgram *p, IrTerm t) {
    IrTerms list = {0};
    bool nothing = true;
    ir_list_below(p, t, &list);
    for (uint32_t k = 0; k < list.n && nothing; k++) {
        const IrNode *node = ir_node(p, list.at[k]);
        nothing = node->op != IR_READ && node->op != IR_DRAW && !ir_op_is_reduce((IrOp)node->op);
    }
    vec_free(&list);
    return nothing;
}

static IrTerm both(IrProgram *p, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_op2(p, IR_AND, a, b); }
static IrTerm either(IrProgram *p, IrTerm a, IrTerm b) { return a && b ? ir_op2(p, IR_OR, a, b) : 0; }

/* What a condition says of indices: it holds wherever the condition does. 0: nothing. */
static IrTerm of_indices(IrProgram *p, IrTerm condition) {
    IrNode node = *ir_node(p, condition);
    if (node.op == IR_AND)
        return both(p, of_indices(p, node.arg[0]), of_indices(p, node.arg[1]));
    if (node.op == IR_OR)
        return either(p, of_indices(p, node.arg[0]), of_indices(p, node.arg[1]));
    return reads_nothing(p, condition) ? condition : 0;
}

static IrTerm support(IrProgram *p, IrTerm t, uint32_t depth) {
    IrNode node = *ir_node(p, t);
    if (ir_is_zero(p, t))
        return ir_bool(p, false);
    if (depth == DEEPEST)
        return 0;
    switch (node.op) {
    case IR_SELECT: {
        IrTerm then = support(p, node.arg[1], depth + 1), other = support(p, node.arg[2], depth + 1);
        then = both(p, of_indices(p, node.arg[0]), then);
        if (reads_nothing(p, node.arg[0]))
            other = both(p, ir_op1(p, IR_NOT, node.arg[0]), other);
        return either(p, then, other);
    }
    case IR_ADD:
    case IR_SUB:
        return either(p, support(p, node.arg[0], depth + 1), support(p, node.arg[1], depth + 1));
    case IR_MUL:
        return both(p, support(p, node.arg[0], depth + 1), support(p, node.arg[1], depth + 1));
    case IR_TO_REAL: return ir_node(p, node.arg[0])->type == IR_BOOL ? of_indices(p, node.arg[0]) : 0;
    case IR_NEG:
    case IR_DIV:
        return support(p, node.arg[0], depth + 1);
    case IR_READ: {
        IrTerm subs[IR_MAX_RANK];
        if (ir_def(p, node.arg[0])->kind != IR_DEF_EXPR)
            return 0;
        ir_operands(p, t, subs);
        return support(p, ir_at_subs(p, node.arg[0], subs), depth + 1);
    }
    default: return 0;
    }
}

/* A derivative that may be infinite where the value is not. */
static bool is_steep(const IrProgram *p, const IrNode *node) {
    double value;
    switch (node->op) {
    case IR_DIV: return !ir_is_const(p, node->arg[1], &value);
    case IR_POW: return !ir_is_const(p, node->arg[1], &value) || value < 1;
    case IR_SQRT:
    case IR_CBRT:
    case IR_LOG:
    case IR_LOG1P:
    case IR_ASIN:
    case IR_ACOS:
    case IR_ACOSH:
    case IR_ATANH:
    case IR_ATAN2:
    case IR_HYPOT:
    case IR_LGAMMA:
        return true;
    default: return false;
    }
}

static bool look_for_steep(const IrProgram *p, void *context, IrTerm t) {
    bool *found = context;
    *found = *found || is_steep(p, ir_node(p, t));
    return !*found;
}

static bool may_be_steep(const IrProgram *p, IrTerm t) {
    bool found = false;
    ir_walk(p, t, look_for_steep, &found);
    return found;
}

IrTerm calc_within_support(IrProgram *p, IrTerm adjoint, IrTerm body) {
    IrTerm condition = may_be_steep(p, body) ? support(p, adjoint, 0) : 0;
    return condition ? ir_select(p, condition, adjoint, ir_real(p, 0)) : adjoint;
}
