/* taylor — the Taylor coefficients of the solution of y' = f(y, t), by recursion (automatic differentiation; A. Jorba,
 * M. Zou, Experimental Mathematics 14 (2005) 99; R. E. Moore, Interval Analysis (1966), chapter 11).
 *
 * needs: y and the terms of f.   gives: two functions; see CalcJet.   changes: nothing; adds definitions.
 *
 * Every nonlinear operation on what varies becomes a definition over the indices it varies with (this file and
 * taylor_product.c); what is left between them is linear. Its coefficient of order k is the tangent of the operation at order
 * 0, along the coefficients of order k of its operands, and a sum of products of lower orders:
 *
 *     (u v)_k = u_0 v_k + v_0 u_k + Σ_{j=1}^{k−1} u_j v_{k−j}.
 *
 * The sums of all operations need lower orders only. So they are one loop over contiguous rows, before anything of
 * order k is known, and the rest of an order costs what a tangent of f costs. Nothing here depends on the order or on extents. */
#include "taylor.h"

#include <string.h>

enum { DEEPEST = 12 }; /* f' of f' of … that has not come back to what is known has no recursion */

uint32_t *taylor_at(DefMap *map, uint32_t key) {
    while (map->n <= key)
        vec_push(map, 0);
    return &map->at[key];
}

void taylor_refuse(Taylor *s, IrTerm t) {
    const IrNode *n = ir_node(s->p, t);
    if (!s->failed) {
        Diag *d = diag_error(ir_session(s->p), DIAG_TAYLOR, n->span,
                             "the equations of motion have `%s` in them, whose Taylor coefficients have no recursion", ir_op_name((IrOp)n->op));
        diag_help(ir_session(s->p), d, "another method, such as dop853, needs only its value");
    }
    s->failed = true;
}

void taylor_refuse_def(Taylor *s, IrDef d, const char *what) {
    if (!s->failed) {
        Diag *error = diag_error(ir_session(s->p), DIAG_TAYLOR, ir_def(s->p, d)->span,
                                 "the equations of motion have %s in them, whose Taylor coefficients have no recursion", what);
        diag_help(ir_session(s->p), error, "another method, such as dop853, needs only its value");
    }
    s->failed = true;
}

IrTerm taylor_whole(IrProgram *p, IrDef d) {
    IrTerm at[IR_MAX_RANK];
    uint32_t rank = ir_def(p, d)->rank;
    for (uint32_t k = 0; k < rank; k++)
        at[k] = ir_idx(p, ir_axis(p, k, ir_def(p, d)->extent[k]));
    return ir_read(p, d, at, rank);
}

/* ---- what varies ---- */

static bool input_varies(Taylor *s, IrDef d) {
    bool varies = s->time && calc_overlaps(s->p, d, s->time);
    for (uint32_t b = 0; b < s->n_y && !varies; b++)
        varies = calc_overlaps(s->p, d, s->y[b]);
    return varies;
}

bool taylor_def_varies(Taylor *s, IrDef d) {
    uint32_t known = *taylor_at(&s->varies, d);
    if (known)
        return known == 2;
    const IrDefInfo info = *ir_def(s->p, d);
    bool varies = false;
    switch (info.kind) {
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: varies = input_varies(s, d); break;
    case IR_DEF_EXPR: varies = taylor_varies(s, info.body); break;
    case IR_DEF_CONCAT:
        for (uint32_t k = 0; k < info.n_pieces && !varies; k++)
            varies = taylor_def_varies(s, info.pieces[k].def);
        break;
    case IR_DEF_LINALG:
        varies = taylor_def_varies(s, info.operand[0]) || (info.operand[1] && taylor_def_varies(s, info.operand[1]));
        break;
    case IR_DEF_ROOT:
    case IR_DEF_SCAN: varies = ir_depends_watched(s->p, taylor_whole(s->p, d), s->watch); break;
    }
    *taylor_at(&s->varies, d) = varies ? 2 : 1;
    return varies;
}

/* Of one term, what is below it being known. */
static bool node_varies(Taylor *s, IrTerm t) {
    const IrNode node = *ir_node(s->p, t);
    if (node.type != IR_REAL)
        return false;
    if (node.op == IR_READ)
        return taylor_def_varies(s, node.arg[0]);
    if (ir_op_is_reduce((IrOp)node.op))
        return taylor_varies(s, node.arg[2]);
    for (uint32_t k = 0; k < ir_op_arity((IrOp)node.op); k++) {
        if (ir_node(s->p, node.arg[k])->type != IR_REAL || *taylor_at(&s->term_varies, node.arg[k]) != 2)
            continue;
        IrTerm slope = calc_rule(s->p, t, t, k);
        if (slope == CALC_NODIFF || !ir_is_zero(s->p, slope))
            return true;
    }
    return false;
}

bool taylor_varies(Taylor *s, IrTerm t) {
    uint32_t known = *taylor_at(&s->term_varies, t);
    if (known)
        return known == 2;
    IrTerms list = {0};
    ir_list_below(s->p, t, &list);
    for (uint32_t k = 0; k < list.n; k++) {
        if (*taylor_at(&s->term_varies, list.at[k]))
            continue;
        uint32_t answer = node_varies(s, list.at[k]) ? 2 : 1;
        *taylor_at(&s->term_varies, list.at[k]) = answer;
    }
    vec_free(&list);
    return *taylor_at(&s->term_varies, t) == 2;
}

/* ---- definitions ---- */

static IrDef flat_expr(Taylor *s, IrDef d) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(s->p, d, axes, subs);
    IrTerm body = taylor_flat(s, calc_separate(s->p, ir_at_subs(s->p, d, subs)));
    IrDefInfo info = *ir_def(s->p, d);
    IrDef made = ir_define(s->p, info.name, IR_F64, axes, info.rank, body);
    if (made && info.label && !ir_def(s->p, made)->label && ir_def(s->p, made)->kind == IR_DEF_EXPR)
        ir_set_label(s->p, made, info.label);
    return made;
}

static IrDef flat_concat(Taylor *s, IrDef d) {
    IrDefInfo info = *ir_def(s->p, d);
    IrPiece *pieces = base_calloc(info.n_pieces + 1, sizeof *pieces);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        pieces[k] = info.pieces[k];
        pieces[k].def = taylor_flat_def(s, pieces[k].def);
    }
    IrDef made = ir_concat(s->p, info.name, info.elem, info.rank, info.extent, pieces, info.n_pieces);
    free(pieces);
    return made;
}

IrDef taylor_flat_def(Taylor *s, IrDef d) {
    if (!taylor_def_varies(s, d))
        return d;
    IrDef known = *taylor_at(&s->flat, d);
    if (known)
        return known;
    Span before = ir_at(s->p, ir_def(s->p, d)->span);
    IrDef made = d;
    switch (ir_def(s->p, d)->kind) {
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: break;
    case IR_DEF_EXPR: made = flat_expr(s, d); break;
    case IR_DEF_CONCAT: made = flat_concat(s, d); break;
    case IR_DEF_LINALG: made = taylor_flat_linalg(s, d); break;
    case IR_DEF_SCAN: taylor_refuse_def(s, d, "a sequence given by its first terms"); break;
    case IR_DEF_ROOT: taylor_refuse_def(s, d, "a quantity given by an equation"); break;
    }
    ir_at(s->p, before);
    *taylor_at(&s->flat, d) = made;
    *taylor_at(&s->flat, made) = made;
    return made;
}

/* ---- terms ---- */

/* log Σ exp x = m + log Σ exp(x − m), m the largest x, held fixed. */
static IrTerm flat_logsumexp(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    IrTerm top = ir_reduce(p, IR_MAXIMUM, i, guard, body);
    IrTerm m = ir_op1(p, IR_FROZEN, calc_named(p, top, IR_F64, true));
    IrTerm weight = taylor_flat(s, ir_op1(p, IR_EXP, ir_sub(p, body, m)));
    IrTerm sum = ir_reduce(p, IR_SUM, i, guard, weight);
    TaylorOp log = {.rule = TAYLOR_LOG, .value = ir_op1(p, IR_LOG, calc_named(p, sum, IR_F64, true))};
    log.operand[0] = calc_named(p, sum, IR_F64, true);
    return ir_add(p, m, taylor_name(s, log));
}

static IrTerm flat_reduce(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    if (op == IR_LOGSUMEXP)
        return flat_logsumexp(s, t);
    if (op != IR_SUM && op != IR_MAXIMUM && op != IR_MINIMUM) {
        taylor_refuse(s, t);
        return t;
    }
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    return ir_reduce(p, op, i, guard, taylor_flat(s, body));
}

/* A sum as long as it may be: its addends from left to right. */
static IrTerm flat_sum(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrTerms addends = {0}, ops = {0};
    while (ir_node(p, t)->op == IR_ADD || ir_node(p, t)->op == IR_SUB) {
        vec_push(&addends, ir_node(p, t)->arg[1]);
        vec_push(&ops, ir_node(p, t)->op);
        t = ir_node(p, t)->arg[0];
    }
    IrTerm sum = taylor_flat(s, t);
    for (uint32_t k = addends.n; k-- > 0;)
        sum = ir_op2(p, (IrOp)ops.at[k], sum, taylor_flat(s, addends.at[k]));
    vec_free(&addends);
    vec_free(&ops);
    return sum;
}

/* Any other operation: linear in what varies, as abs is on either side of 0, or one whose slope varies. */
static IrTerm flat_op(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrTerm operand[IR_MAX_RANK];
    uint32_t n = ir_operands(p, t, operand);
    IrOp op = (IrOp)ir_node(p, t)->op;
    for (uint32_t k = 0; k < n; k++)
        operand[k] = taylor_flat(s, operand[k]);
    IrTerm value = ir_with_operands(p, t, operand, n);
    if ((IrOp)ir_node(p, value)->op != op)
        return value == t ? t : taylor_flat(s, value);
    TaylorOp made = {.rule = TAYLOR_CHAIN, .value = value, .source = t};
    bool is_linear = true;
    for (uint32_t k = 0; k < n; k++) {
        if (!taylor_varies(s, operand[k]))
            continue;
        if (k < TAYLOR_SUMS)
            made.operand[k] = operand[k];
        IrTerm slope = calc_rule(p, value, value, k);
        is_linear &= slope != CALC_NODIFF && !taylor_varies(s, slope);
    }
    if (is_linear)
        return value;
    made.rule = op == IR_SQRT ? TAYLOR_ROOT : op == IR_LOG ? TAYLOR_LOG : TAYLOR_CHAIN;
    return taylor_name(s, made);
}

static IrTerm flat_term(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    if (op == IR_READ) {
        IrTerm subs[IR_MAX_RANK];
        uint32_t n = ir_operands(p, t, subs);
        return ir_read(p, taylor_flat_def(s, ir_node(p, t)->arg[0]), subs, n);
    }
    if (ir_op_is_reduce(op))
        return flat_reduce(s, t);
    if (op == IR_ADD || op == IR_SUB)
        return flat_sum(s, t);
    if (op == IR_MUL || op == IR_DIV || op == IR_NEG || op == IR_POW)
        return taylor_flat_product(s, t);
    if (op != IR_SELECT)
        return flat_op(s, t);
    const IrNode node = *ir_node(p, t);
    return ir_select(p, node.arg[0], taylor_flat(s, node.arg[1]), taylor_flat(s, node.arg[2]));
}

IrTerm taylor_flat(Taylor *s, IrTerm t) {
    if (s->failed || !taylor_varies(s, t))
        return t;
    IrTerm known = *taylor_at(&s->flat_term, t);
    if (known)
        return known;
    Span before = ir_at(s->p, ir_node(s->p, t)->span);
    IrTerm flat = flat_term(s, t);
    ir_at(s->p, before);
    *taylor_at(&s->flat_term, t) = flat;
    *taylor_at(&s->flat_term, flat) = flat;
    return flat;
}

/* ---- operations ---- */

/* The slopes of an operation's operands, and what its sums are over. */
static void finish_chain(Taylor *s, uint32_t k) {
    IrProgram *p = s->p;
    TaylorOp op = s->ops.at[k];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t i = 0; i < op.rank; i++)
        at[i] = ir_idx(p, op.axes[i]);
    IrTerm self = ir_read(p, op.def, at, op.rank);
    for (uint32_t i = 0; i < TAYLOR_SUMS && !s->failed; i++) {
        if (!op.operand[i])
            continue;
        IrTerm slope = calc_rule(p, op.value, self, i);
        if (slope == CALC_NODIFF || op.depth >= DEEPEST) {
            taylor_refuse(s, op.source);
            return;
        }
        s->depth = op.depth + 1;
        s->source = op.source;
        op.slope[i] = taylor_flat(s, slope);
        s->depth = 0;
        s->source = 0;
        if (taylor_varies(s, op.slope[i]))
            op.sum[op.n_sums++] = (TaylorSum){.left = op.operand[i], .right = op.slope[i], .scaled = true};
    }
    s->ops.at[k] = op;
}

static void finish_op(Taylor *s, uint32_t k) {
    TaylorOp *op = &s->ops.at[k];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t i = 0; i < op->rank; i++)
        at[i] = ir_idx(s->p, op->axes[i]);
    IrTerm self = ir_read(s->p, op->def, at, op->rank);
    IrTerm u = op->operand[0], v = op->operand[1];
    switch (op->rule) {
    case TAYLOR_PRODUCT: op->sum[op->n_sums++] = (TaylorSum){.left = u, .right = v}; break;
    case TAYLOR_QUOTIENT: op->sum[op->n_sums++] = (TaylorSum){.left = self, .right = v}; break;
    case TAYLOR_ROOT: op->sum[op->n_sums++] = (TaylorSum){.left = self, .right = self}; break;
    case TAYLOR_LOG: op->sum[op->n_sums++] = (TaylorSum){.left = self, .right = u, .scaled = true}; break;
    case TAYLOR_POWER:
        op->sum[op->n_sums++] = (TaylorSum){.left = u, .right = self, .scaled = true};
        op->sum[op->n_sums++] = (TaylorSum){.left = self, .right = u, .scaled = true};
        break;
    case TAYLOR_CHAIN: finish_chain(s, k); break;
    }
}

static IrDef flat_rate(Taylor *s, IrDef y, IrTerm rate) {
    IrProgram *p = s->p;
    IrDefInfo info = *ir_def(p, y);
    IrIdx axis[IR_MAX_RANK], fresh[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK];
    for (uint32_t k = 0; k < info.rank; k++) {
        axis[k] = ir_axis(p, k, info.extent[k]);
        fresh[k] = ir_fresh(p, info.extent[k], ir_axis_name(p, y, k));
        to[k] = ir_idx(p, fresh[k]);
    }
    rate = ir_subst(p, rate, axis, to, info.rank);
    return ir_define(p, 0, IR_F64, fresh, info.rank, taylor_flat(s, calc_separate(p, rate)));
}

static uint64_t lay_out(Taylor *s) {
    uint64_t total = 0;
    for (uint32_t k = 0; k < s->ops.n; k++)
        for (uint32_t i = 0; i < s->ops.at[k].n_sums; i++) {
            s->ops.at[k].sum[i].at = total;
            total += ir_size(s->p, s->ops.at[k].def);
        }
    return (total + 7) / 8 * 8;
}

static void make_inputs(Taylor *s, uint64_t n) {
    IrProgram *p = s->p;
    Names *names = ir_session(p)->names;
    s->order = ir_scalar_input(p, name_of(names, "k"), IR_ROLE_STEP);
    s->inverse = ir_scalar_input(p, 0, IR_ROLE_STEP);
    for (uint32_t b = 0; b < s->n_y; b++) {
        IrDefInfo info = *ir_def(p, s->y[b]);
        s->rows[b] = ir_input(p, info.name, IR_ROLE_NONE, IR_F64, info.rank, info.extent);
        ir_mark_volatile(p, s->rows[b]);
    }
    if (!n)
        return;
    s->left = ir_input(p, 0, IR_ROLE_OUTPUT, IR_F64, 1, &n);
    s->right = ir_input(p, 0, IR_ROLE_OUTPUT, IR_F64, 1, &n);
    s->sums = ir_input(p, 0, IR_ROLE_NONE, IR_F64, 1, &n);
    ir_mark_volatile(p, s->sums);
}

static void release(Taylor *s) {
    DefMap *maps[] = {&s->varies, &s->term_varies, &s->flat, &s->flat_term, &s->op_of, &s->solve_of,
                      &s->image, &s->zero_image, &s->kept};
    for (size_t k = 0; k < sizeof maps / sizeof *maps; k++)
        vec_free(maps[k]);
    vec_free(&s->ops);
    vec_free(&s->solves);
    vec_free(&s->first);
    vec_free(&s->next);
}

static void hand_over(Taylor *s, CalcJet *jet) {
    Arena *arena = ir_arena(s->p);
    jet->order = s->order;
    jet->inverse = s->inverse;
    jet->rows = s->rows;
    jet->left = s->left;
    jet->right = s->right;
    jet->sums = s->sums;
    jet->first = arena_copy(arena, s->first.at, s->first.n * sizeof *s->first.at);
    jet->n_first = s->first.n;
    jet->next = arena_copy(arena, s->next.at, s->next.n * sizeof *s->next.at);
    jet->n_next = s->next.n;
}

bool calc_jet(IrProgram *p, const IrDef *y, const IrDef *dy, const IrTerm *rate, uint32_t n, IrDef time, CalcJet *jet) {
    Taylor s = {.p = p, .y = y, .n_y = n, .time = time};
    IrDef *on = ARENA_ARRAY(ir_arena(p), IrDef, n + 1), *rates = ARENA_ARRAY(ir_arena(p), IrDef, n + 1);
    s.rows = ARENA_ARRAY(ir_arena(p), IrDef, n + 1);
    memcpy(on, y, n * sizeof *on);
    on[n] = time;
    s.watch = ir_watch(p, on, n + (time != 0));
    for (uint32_t b = 0; b < n && !s.failed; b++)
        rates[b] = flat_rate(&s, y[b], rate[b]);
    for (uint32_t k = 0; k < s.ops.n && !s.failed; k++)
        finish_op(&s, k);
    if (!s.failed) {
        make_inputs(&s, lay_out(&s));
        taylor_rows(&s, dy, rates);
    }
    if (!s.failed) {
        hand_over(&s, jet);
        taylor_show(&s, rates, jet);
    }
    release(&s);
    return !s.failed;
}
