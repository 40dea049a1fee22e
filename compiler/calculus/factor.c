/* factor — sum-factorization: fewer loops for the same value.
 *
 * Needs: any term. Gives: an equal term, and definitions for inner sums. A sum is split over + where parts of
 * it have a closed form or come down to a shorter sum, and an inner sum that varies with fewer indices than
 * the loops around it gets a definition of its own, so that it is computed once for each value of those. */
#include "calculus_internal.h"

#include <stdlib.h>

static bool count_loop(const IrProgram *p, void *context, IrTerm t) {
    *(uint32_t *)context += ir_op_is_reduce((IrOp)ir_node(p, t)->op);
    return ir_node(p, t)->height > 0;
}

/* Number of reductions in t, each shared one once. */
static uint32_t loops_in(const IrProgram *p, IrTerm t) {
    uint32_t count = 0;
    ir_walk(p, t, count_loop, &count);
    return count;
}

#define MAX_PARTS 32

static uint32_t parts_of(const IrProgram *p, IrTerm t, int sign, IrTerm *out, int *signs, uint32_t n) {
    const IrNode *node = ir_node(p, t);
    IrTerm a = node->arg[0], b = node->arg[1];
    uint16_t op = node->op;
    if (n + 1 < MAX_PARTS && (op == IR_ADD || op == IR_SUB)) {
        n = parts_of(p, a, sign, out, signs, n);
        return n < MAX_PARTS ? parts_of(p, b, op == IR_ADD ? sign : -sign, out, signs, n) : MAX_PARTS + 1;
    }
    if (op == IR_NEG)
        return parts_of(p, a, -sign, out, signs, n);
    out[n] = t;
    signs[n] = sign;
    return n + 1;
}

/* Σ_k of a sum: the parts whose sum needs fewer loops than the part itself would add go out on their own, the
 * others stay together. */
static IrTerm split_sum(IrProgram *p, IrTerm t) {
    IrIdx k;
    IrTerm guard, body, parts[MAX_PARTS + 1];
    int signs[MAX_PARTS + 1];
    ir_open(p, t, &k, &guard, &body);
    uint32_t n = parts_of(p, body, 1, parts, signs, 0);
    if (n < 2 || n > MAX_PARTS)
        return t;
    IrTerm together = ir_real(p, 0), apart = ir_real(p, 0);
    bool split = false;
    for (uint32_t j = 0; j < n; j++) {
        IrTerm alone = ir_reduce(p, IR_SUM, k, guard, parts[j]);
        IrTerm *sum = loops_in(p, alone) <= loops_in(p, parts[j]) ? &apart : &together;
        IrTerm part = sum == &apart ? alone : parts[j];
        *sum = signs[j] > 0 ? ir_add(p, *sum, part) : ir_sub(p, *sum, part);
        split |= sum == &apart;
    }
    return split ? ir_add(p, apart, ir_reduce(p, IR_SUM, k, guard, together)) : t;
}

static IrTerm factor_one(IrProgram *p, void *context, IrTerm t) {
    (void)context;
    return ir_node(p, t)->op == IR_SUM && ir_node(p, t)->type == IR_REAL ? split_sum(p, t) : t;
}

/* Whether the free indices of t are fewer than those of `around`. */
static bool varies_less(const IrProgram *p, IrTerm t, const IrIdx *around, uint32_t n_around) {
    uint32_t n, inside = 0;
    const IrIdx *set = ir_set(p, ir_node(p, t)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t j = 0; j < n_around; j++)
            inside += set[k] == around[j];
    return inside < n_around;
}

/* Names the reductions in t that vary with fewer indices than the loops `around` (open or free indices). */
static IrTerm name_inner(IrProgram *p, IrTerm t, const IrIdx *around, uint32_t n_around, bool inside) {
    IrTerms list = {0};
    ir_list_below(p, t, &list);
    IrTerm *image = base_calloc(list.n, sizeof *image);
    IrIdx *loops = base_calloc(n_around + 1, sizeof *loops);
    for (uint32_t k = 0; k < n_around; k++)
        loops[k] = around[k];
    for (uint32_t k = 0; k < list.n; k++) {
        IrTerm operands[IR_MAX_RANK], guard, body;
        uint32_t n = ir_operands(p, list.at[k], operands);
        IrNode node = *ir_node(p, list.at[k]);
        image[k] = list.at[k];
        if (ir_op_is_reduce((IrOp)node.op)) {
            ir_open(p, list.at[k], &loops[n_around], &guard, &body);
            body = name_inner(p, body, loops, n_around + 1, true);
            image[k] = ir_reduce(p, (IrOp)node.op, loops[n_around], guard, body);
            if (inside && ir_op_is_reduce((IrOp)ir_node(p, image[k])->op)
                && varies_less(p, image[k], around, n_around))
                image[k] = calc_named(p, image[k], IR_F64, false);
            continue;
        }
        for (uint32_t j = 0; j < n; j++)
            operands[j] = image[ir_position(&list, operands[j])];
        if (n)
            image[k] = ir_with_operands(p, list.at[k], operands, n);
    }
    IrTerm result = image[list.n - 1];
    free(image);
    free(loops);
    vec_free(&list);
    return result;
}

IrTerm calc_factor(IrProgram *p, IrTerm t) {
    uint32_t n;
    if (!t || !ir_node(p, t)->height)
        return t;
    t = calc_rebuild(p, t, factor_one, NULL);
    const IrIdx *set = ir_set(p, ir_node(p, t)->free, &n);
    IrIdx *around = base_calloc(n + 1, sizeof *around);
    for (uint32_t k = 0; k < n; k++)
        around[k] = set[k];
    t = name_inner(p, t, around, n, false);
    free(around);
    return t;
}
