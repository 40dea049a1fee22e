/* shorten — no body is a tower: the passes that follow recurse over terms.
 *
 * needs: a term whose operands have smaller numbers than itself, as they are built.
 * gives: the same value, in which no term is higher than MAX_HEIGHT: what is becomes a definition of its own, kept
 *        in memory, and is read. The operations and their order stay the same.
 * changes: nothing; adds definitions to the program. */
#include "pass.h"

#define MAX_HEIGHT 1000

/* What stands under a condition is not taken out of it: it may be meaningless without. */
static bool is_closed_to_us(IrOp op) { return op == IR_SELECT || op == IR_DRAW || ir_op_is_reduce(op); }

static bool below(const IrProgram *ir, void *context, IrTerm t) {
    IrTerms *list = context;
    vec_push(list, t);
    return !is_closed_to_us((IrOp)ir_node(ir, t)->op);
}

static uint32_t height_of(const IrProgram *ir, const IrTerms *list, const uint32_t *height, IrTerm t) {
    IrTerm operand[IR_MAX_RANK];
    uint32_t n = is_closed_to_us((IrOp)ir_node(ir, t)->op) ? 0 : ir_operands(ir, t, operand), highest = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t h = height[ir_position(list, operand[k])];
        highest = h > highest ? h : highest;
    }
    return highest + 1;
}

/* The term over what its operands have become. */
static IrTerm rebuilt(IrProgram *ir, const IrTerms *list, const IrTerm *value, IrTerm t) {
    IrTerm operand[IR_MAX_RANK];
    if (is_closed_to_us((IrOp)ir_node(ir, t)->op))
        return t;
    uint32_t n = ir_operands(ir, t, operand);
    bool same = true;
    for (uint32_t k = 0; k < n; k++) {
        IrTerm now = value[ir_position(list, operand[k])];
        same = same && now == operand[k];
        operand[k] = now;
    }
    return same ? t : ir_with_operands(ir, t, operand, n);
}

IrTerm plan_shorten(Plan *plan, IrTerm t) {
    IrProgram *ir = plan->ir;
    IrTerms list = {0};
    ir_walk(ir, t, below, &list);
    ir_sort_terms(&list);
    uint32_t *height = base_calloc(list.n, sizeof *height), highest = 0;
    for (uint32_t k = 0; k < list.n; k++) {
        height[k] = height_of(ir, &list, height, list.at[k]);
        highest = height[k] > highest ? height[k] : highest;
    }
    /* What a tower reads is normalized from its foot, here, and not from its top. */
    for (uint32_t k = 0; highest > MAX_HEIGHT / 2 && k < list.n; k++)
        if (ir_node(ir, list.at[k])->op == IR_READ)
            plan_normalize_def(plan, ir_node(ir, list.at[k])->arg[0]);
    IrTerm *value = base_calloc(list.n, sizeof *value);
    for (uint32_t k = 0; highest > MAX_HEIGHT && k < list.n; k++) {
        Span before = ir_at(ir, ir_node(ir, list.at[k])->span);
        value[k] = rebuilt(ir, &list, value, list.at[k]);
        ir_at(ir, before);
        uint32_t n_free;
        ir_set(ir, ir_node(ir, value[k])->free, &n_free);
        if (height[k] % MAX_HEIGHT || n_free > IR_MAX_RANK || ir_node(ir, value[k])->type != IR_REAL ||
            list.at[k] == t)
            continue;
        IrDef made;
        value[k] = plan_outline(plan, value[k], plan_term_elem(plan, value[k]), NULL, 0, &made);
        plan_def_of(plan, made)->must = true;
    }
    if (highest > MAX_HEIGHT)
        t = value[list.n - 1]; /* the root has the largest number */
    free(height);
    free(value);
    vec_free(&list);
    return t;
}
