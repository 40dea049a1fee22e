/* kinks — where a right-hand side is not smooth.
 *
 * needs: the terms of f, and what they vary with.   gives: definitions of differences.   changes: nothing; adds definitions.
 *
 * Between its kinks f is as smooth as its operations are. A kink lies where something that only matters by its sign
 * changes it: the operand of abs, the difference of two that are compared or of which the larger is taken, sin πu for the
 * floor of u. Each becomes a definition over the indices it has where it stands, those of the sums around it among
 * them; it is 1 where a sum leaves those indices out. Of other conditions around it nothing is kept: a difference that changes its sign
 * where it does not matter ends a step for nothing, and nothing else. */
#include "calculus_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef VEC(CalcKink) KinkList;
typedef struct Kinks {
    IrProgram *p;
    uint32_t watch;
    uint8_t *seen; /* by definition there was when it began */
    uint32_t n_seen;
    IrTerm guard; /* of the sums around; 0: none */
    KinkList *found;
} Kinks;

static void look_into(Kinks *s, IrTerm t);

static bool has_indices(const IrProgram *p, IrTerm t, IrTerm of) {
    uint32_t n;
    const IrIdx *set = ir_set(p, ir_node(p, of)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        if (!ir_uses_index(p, t, set[k]))
            return false;
    return true;
}

/* `difference`, over whatever indices it has; `at` is the operation that hangs on its sign. */
static void add(Kinks *s, IrTerm difference, IrTerm at) {
    IrProgram *p = s->p;
    while (ir_node(p, difference)->op == IR_NEG)
        difference = ir_node(p, difference)->arg[0];
    IrOp op = (IrOp)ir_node(p, difference)->op;
    if (!ir_depends_watched(p, difference, s->watch) || op == IR_ABS || op == IR_RELU) /* these never change theirs */
        return;
    if (s->guard && has_indices(p, difference, s->guard))
        difference = ir_select(p, s->guard, difference, ir_real(p, 1));
    IrTerm read = calc_named(p, difference, IR_F64, false);
    if (ir_node(p, read)->op != IR_READ) /* more indices than a tensor has axes */
        return;
    IrDef value = ir_node(p, read)->arg[0];
    for (uint32_t k = 0; k < s->found->n; k++)
        if (s->found->at[k].value == value)
            return;
    vec_push(s->found, (CalcKink){value, (IrOp)ir_node(p, at)->op, ir_node(p, at)->span});
}

/* Of values over i, which of two is the larger matters. */
static void add_pairs(Kinks *s, IrIdx i, IrTerm body, IrTerm at) {
    IrProgram *p = s->p;
    IrIdx j = ir_fresh(p, ir_index(p, i)->extent, 0);
    IrTerm other = ir_idx(p, j), before = ir_op2(p, IR_LT, ir_idx(p, i), other);
    IrTerm difference = ir_sub(p, body, ir_subst(p, body, &i, &other, 1));
    add(s, ir_select(p, before, difference, ir_real(p, 1)), at);
}

static void look_at_reduction(Kinks *s, IrTerm t) {
    IrProgram *p = s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    if (op == IR_MAXIMUM || op == IR_MINIMUM || op == IR_ARGMAX || op == IR_ARGMIN)
        add_pairs(s, i, body, t);
    IrTerm around = s->guard;
    if (guard) {
        look_into(s, guard);
        if (!ir_depends_watched(p, guard, s->watch))
            s->guard = around ? ir_op2(p, IR_AND, around, guard) : guard;
    }
    look_into(s, body);
    s->guard = around;
}

static void look_at(Kinks *s, IrTerm t) {
    IrProgram *p = s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrTerm u[IR_MAX_RANK], pi = ir_real(p, acos(-1));
    uint32_t n = ir_operands(p, t, u);
    bool real = n > 0 && ir_node(p, u[0])->type == IR_REAL;
    if (!real)
        return;
    if (op == IR_ABS || op == IR_SIGN || op == IR_RELU)
        add(s, u[0], t);
    else if (op == IR_MIN || op == IR_MAX || op == IR_LT || op == IR_LE)
        add(s, ir_sub(p, u[0], u[1]), t);
    else if (op == IR_FLOOR || op == IR_CEIL || op == IR_TO_INT)
        add(s, ir_op1(p, IR_SIN, ir_mul(p, pi, u[0])), t);
    else if (op == IR_ROUND)
        add(s, ir_op1(p, IR_COS, ir_mul(p, pi, u[0])), t);
}

static void look_at_def(Kinks *s, IrDef d) {
    IrProgram *p = s->p;
    if (d >= s->n_seen || s->seen[d])
        return;
    s->seen[d] = 1;
    const IrDefInfo info = *ir_def(p, d);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK], around = s->guard;
    s->guard = 0; /* of those who read it */
    switch (info.kind) {
    case IR_DEF_EXPR:
        calc_open_axes(p, d, axes, subs);
        look_into(s, ir_at_subs(p, d, subs));
        break;
    case IR_DEF_CONCAT:
        for (uint32_t k = 0; k < info.n_pieces; k++)
            look_at_def(s, info.pieces[k].def);
        break;
    case IR_DEF_LINALG:
        look_at_def(s, info.operand[0]);
        if (info.operand[1])
            look_at_def(s, info.operand[1]);
        break;
    case IR_DEF_INPUT:
    case IR_DEF_VIEW:
    case IR_DEF_ROOT: /* these have no Taylor recursions */
    case IR_DEF_SCAN: break;
    }
    s->guard = around;
}

static void look_into(Kinks *s, IrTerm t) {
    IrProgram *p = s->p;
    IrTerms list = {0};
    if (!ir_depends_watched(p, t, s->watch))
        return;
    ir_list_below(p, t, &list);
    for (uint32_t k = 0; k < list.n; k++) {
        IrOp op = (IrOp)ir_node(p, list.at[k])->op;
        if (op == IR_READ)
            look_at_def(s, ir_node(p, list.at[k])->arg[0]);
        else if (ir_op_is_reduce(op))
            look_at_reduction(s, list.at[k]);
        else
            look_at(s, list.at[k]);
    }
    vec_free(&list);
}

uint32_t calc_kinks(IrProgram *p, const IrTerm *rate, const IrDef *y, uint32_t n, IrDef time, CalcKink **kinks) {
    KinkList found = {0};
    IrDef *on = ARENA_ARRAY(ir_arena(p), IrDef, n + 1);
    memcpy(on, y, n * sizeof *on);
    on[n] = time;
    Kinks s = {.p = p, .watch = ir_watch(p, on, n + (time != 0)), .n_seen = ir_def_count(p) + 1, .found = &found};
    s.seen = base_calloc(s.n_seen, 1);
    for (uint32_t b = 0; b < n; b++) {
        IrIdx axis[IR_MAX_RANK], fresh[IR_MAX_RANK];
        IrTerm to[IR_MAX_RANK];
        calc_open_axes(p, y[b], fresh, to);
        for (uint32_t k = 0; k < ir_def(p, y[b])->rank; k++)
            axis[k] = ir_axis(p, k, ir_def(p, y[b])->extent[k]);
        look_into(&s, ir_subst(p, rate[b], axis, to, ir_def(p, y[b])->rank));
    }
    *kinks = arena_copy(ir_arena(p), found.at, found.n * sizeof *found.at);
    uint32_t count = found.n;
    vec_free(&found);
    free(s.seen);
    return count;
}
