/* walk — terms below a term: operands, sets and sorted lists of terms. */
#include "program.h"

#include <stdlib.h>

uint32_t ir_operands(const IrProgram *p, IrTerm t, IrTerm *out) {
    const IrNode *n = node_of(p, t);
    uint32_t count = 0;
    if (n->op == IR_CONST || n->op == IR_INDEX)
        return 0;
    if (n->op == IR_READ) {
        for (uint32_t k = 0; k < n->arg[2]; k++)
            out[k] = p->subs.at[n->arg[1] + k];
        return n->arg[2];
    }
    for (int k = n->op == IR_DRAW ? 2 : ir_op_is_reduce((IrOp)n->op) ? 1 : 0; k < 3; k++)
        if (n->arg[k])
            out[count++] = n->arg[k];
    return count;
}

IrTerm ir_with_operands(IrProgram *p, IrTerm t, const IrTerm *operands, uint32_t n) {
    IrNode node = *node_of(p, t);
    if (node.op == IR_CONST || node.op == IR_INDEX)
        return t;
    if (node.op == IR_READ)
        return ir_read(p, node.arg[0], operands, n);
    if (node.op == IR_DRAW)
        return ir_draw(p, (IrDrawKind)node.arg[0], node.arg[1], operands[0]);
    if (n == 1)
        return ir_op1(p, (IrOp)node.op, operands[0]);
    if (n == 2)
        return ir_op2(p, (IrOp)node.op, operands[0], operands[1]);
    return ir_op3(p, (IrOp)node.op, operands[0], operands[1], operands[2]);
}

/* ---- sets ---------------------------------------------------------------------------------------------- */

uint32_t ir_term_set_place(const IrTermSet *set, IrTerm t) {
    uint32_t place = (uint32_t)mix(0, t) & (set->cap - 1);
    while (set->at[place] && set->at[place] != t)
        place = (place + 1) & (set->cap - 1);
    return place;
}

static void set_grow(IrTermSet *set) {
    IrTermSet grown = {.n = set->n, .cap = set->cap ? 2 * set->cap : 64};
    grown.at = base_calloc(grown.cap, sizeof *grown.at);
    for (uint32_t k = 0; k < set->cap; k++)
        if (set->at[k])
            grown.at[ir_term_set_place(&grown, set->at[k])] = set->at[k];
    free(set->at);
    *set = grown;
}

bool ir_term_set_add(IrTermSet *set, IrTerm t) {
    if (2 * (set->n + 1) > set->cap)
        set_grow(set);
    uint32_t place = ir_term_set_place(set, t);
    if (set->at[place])
        return false;
    set->at[place] = t;
    set->n++;
    return true;
}

void ir_term_set_free(IrTermSet *set) {
    free(set->at);
    *set = (IrTermSet){0};
}

/* ---- walks and lists ----------------------------------------------------------------------------------- */

void ir_walk(const IrProgram *p, IrTerm t, IrVisit visit, void *context) {
    IrTerms stack = {0};
    IrTermSet seen = {0};
    IrTerm operands[IR_MAX_RANK];
    vec_push(&stack, t);
    while (stack.n) {
        IrTerm u = vec_pop(&stack);
        if (!ir_term_set_add(&seen, u) || !visit(p, context, u))
            continue;
        uint32_t n = ir_operands(p, u, operands);
        for (uint32_t k = 0; k < n; k++)
            vec_push(&stack, operands[k]);
    }
    ir_term_set_free(&seen);
    vec_free(&stack);
}

static int by_number(const void *a, const void *b) {
    IrTerm x = *(const IrTerm *)a, y = *(const IrTerm *)b;
    return (x > y) - (x < y);
}

void ir_sort_terms(IrTerms *list) { qsort(list->at, list->n, sizeof *list->at, by_number); }

static bool list_term(const IrProgram *p, void *context, IrTerm t) {
    IrTerms *out = context;
    vec_push(out, t);
    return !ir_op_is_reduce(op_of(p, t));
}

void ir_list_below(const IrProgram *p, IrTerm root, IrTerms *out) {
    ir_walk(p, root, list_term, out);
    ir_sort_terms(out);
}

uint32_t ir_position(const IrTerms *list, IrTerm t) {
    uint32_t lo = 0, hi = list->n;
    while (lo + 1 < hi) {
        uint32_t mid = (lo + hi) / 2;
        *(list->at[mid] <= t ? &lo : &hi) = mid;
    }
    return lo;
}
