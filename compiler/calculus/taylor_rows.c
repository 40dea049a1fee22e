/* taylor_rows — the coefficients of order k of everything, as terms in those of y and in the sums of lower orders.
 *
 * needs: operations named, their sums laid out; the INPUTs of the rows.   gives: the assignments of both functions.
 * changes: adds definitions. */
#include "taylor.h"

#include <string.h>

static IrTerm row_of(Taylor *s, IrTerm t);

static IrTerm order_of(Taylor *s) { return ir_read0(s->p, s->order); }

/* ---- values at order 0 ---- */

/* The definition that holds the value of d while the orders are computed: what the state does not move, and the state itself,
 * stay; anything else is put aside by `first`. */
static IrDef kept_def(Taylor *s, IrDef d) {
    IrProgram *p = s->p;
    IrDefKind kind = ir_def(p, d)->kind;
    if (kind == IR_DEF_INPUT || kind == IR_DEF_VIEW || !ir_depends_watched(p, taylor_whole(p, d), s->watch))
        return d;
    IrDef made = *taylor_at(&s->kept, d);
    if (made)
        return made;
    IrDefInfo info = *ir_def(p, d);
    made = ir_input(p, info.name, IR_ROLE_NONE, info.elem, info.rank, info.extent);
    vec_push(&s->first, (IrAssign){made, taylor_whole(p, d), info.span});
    *taylor_at(&s->kept, d) = made;
    return made;
}

static IrTerm kept_read(IrProgram *p, void *context, IrTerm read) {
    Taylor *s = context;
    IrTerm subs[IR_MAX_RANK];
    uint32_t n = ir_operands(p, read, subs);
    return ir_read(p, kept_def(s, ir_node(p, read)->arg[0]), subs, n);
}

/* Whether computing t again from kept values costs next to nothing. */
static bool is_cheap(const IrProgram *p, IrTerm t) {
    IrTerms list = {0};
    double cost = 0;
    if (ir_node(p, t)->height)
        return false;
    ir_list_below(p, t, &list);
    for (uint32_t k = 0; k < list.n; k++)
        cost += ir_op_cost((IrOp)ir_node(p, list.at[k])->op);
    vec_free(&list);
    return cost <= 2;
}

/* The value of t at order 0. */
static IrTerm kept(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrType type = (IrType)ir_node(p, t)->type;
    if (type == IR_INT || !ir_depends_watched(p, t, s->watch))
        return t;
    if (type == IR_BOOL) {
        IrTerm truth = calc_named(p, ir_to_real(p, t), IR_F64, false);
        return ir_op2(p, IR_NE, ir_map_reads(p, truth, kept_read, s), ir_real(p, 0));
    }
    if (!is_cheap(p, t))
        t = calc_named(p, t, IR_F64, false);
    return ir_map_reads(p, t, kept_read, s);
}

/* ---- reads ---- */

/* c_k of the element of the state that d[subs…] is; t has 0, then 1, then nothing. */
static IrTerm row_of_state(Taylor *s, IrDef d, const IrTerm *subs) {
    IrProgram *p = s->p;
    IrTerm sum = ir_real(p, 0);
    uint32_t rank = ir_def(p, d)->rank;
    if (s->time && calc_overlaps(p, d, s->time))
        return ir_to_real(p, ir_op2(p, IR_EQ, order_of(s), ir_real(p, 1)));
    for (uint32_t b = 0; b < s->n_y; b++) {
        IrDefInfo info = *ir_def(p, d);
        if (!calc_overlaps(p, d, s->y[b]))
            continue;
        if (d == s->y[b])
            return ir_read(p, s->rows[b], subs, rank);
        if (info.kind == IR_DEF_VIEW && info.parent == s->y[b]) {
            IrDef *view = taylor_at(&s->image, d);
            if (!*view)
                *view = ir_view(p, 0, s->rows[b], info.offset, info.rank, info.extent);
            return ir_read(p, *view, subs, rank);
        }
        uint64_t first, count;
        IrTerm at[IR_MAX_RANK];
        calc_storage(p, s->y[b], &first, &count);
        IrTerm place = ir_sub(p, calc_place(p, d, subs), ir_int(p, (int64_t)first));
        calc_unravel(p, s->y[b], place, at);
        IrTerm value = ir_read(p, s->rows[b], at, ir_def(p, s->y[b])->rank);
        sum = ir_add(p, sum, ir_select(p, calc_in_range(p, place, count), value, ir_real(p, 0)));
    }
    return sum;
}

static IrDef row_of_def(Taylor *s, IrDef d);

static IrTerm row_of_read(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrDef d = ir_node(p, t)->arg[0];
    IrTerm subs[IR_MAX_RANK];
    uint32_t n = ir_operands(p, t, subs);
    if (!taylor_def_varies(s, d) || d == s->zeroed)
        return ir_real(p, 0);
    IrDefKind kind = ir_def(p, d)->kind;
    if (kind == IR_DEF_INPUT || kind == IR_DEF_VIEW)
        return row_of_state(s, d, subs);
    IrDef row = row_of_def(s, d);
    return row ? ir_read(p, row, subs, n) : ir_real(p, 0);
}

/* ---- linear terms ---- */

static IrTerm row_of_reduce(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    IrTerm row = row_of(s, body);
    if (op == IR_SUM)
        return ir_reduce(p, IR_SUM, i, guard, row);
    IrTerm where = calc_place_of_extreme(p, op, i, guard, body);
    return ir_subst(p, row, &i, &where, 1);
}

static IrTerm row_of_op(Taylor *s, const IrTerms *list, const IrTerm *row, IrTerm t) {
    IrProgram *p = s->p;
    IrTerm operands[IR_MAX_RANK], sum = ir_real(p, 0);
    uint32_t n = ir_operands(p, t, operands);
    if (ir_node(p, t)->op == IR_SELECT) {
        IrTerm a = row[ir_position(list, operands[1])], b = row[ir_position(list, operands[2])];
        return ir_select(p, kept(s, operands[0]), a ? a : sum, b ? b : sum);
    }
    for (uint32_t k = 0; k < n; k++) {
        IrTerm r = ir_node(p, operands[k])->type == IR_REAL ? row[ir_position(list, operands[k])] : 0;
        if (r)
            sum = ir_add(p, sum, ir_mul(p, kept(s, calc_rule(p, t, t, k)), r));
    }
    return sum;
}

/* Of a term that is linear in what varies. */
static IrTerm row_of(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    if (!taylor_varies(s, t))
        return ir_real(p, 0);
    IrTerms list = {0};
    ir_list_below(p, t, &list);
    IrTerm *row = base_calloc(list.n, sizeof *row); /* 0 where nothing varies */
    for (uint32_t k = 0; k < list.n; k++) {
        IrTerm u = list.at[k];
        IrOp op = (IrOp)ir_node(p, u)->op;
        if (!taylor_varies(s, u))
            continue;
        Span before = ir_at(p, ir_node(p, u)->span);
        row[k] = op == IR_READ          ? row_of_read(s, u)
                 : ir_op_is_reduce(op) ? row_of_reduce(s, u)
                                       : row_of_op(s, &list, row, u);
        ir_at(p, before);
        if (ir_is_zero(p, row[k]))
            row[k] = 0;
    }
    IrTerm result = row[list.n - 1] ? row[list.n - 1] : ir_real(p, 0);
    free(row);
    vec_free(&list);
    return result;
}

/* ---- operations ---- */

/* Σ_{j=1}^{k−1} of sum i of an operation, over its axes. */
static IrTerm sum_of(Taylor *s, const TaylorOp *op, uint32_t i) {
    IrProgram *p = s->p;
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < op->rank; k++)
        at[k] = ir_idx(p, op->axes[k]);
    IrDef view = ir_view(p, 0, s->sums, op->sum[i].at, op->rank, op->rank ? ir_def(p, op->def)->extent : NULL);
    return ir_read(p, view, at, op->rank);
}

static IrTerm row_of_chain(Taylor *s, const TaylorOp *op) {
    IrProgram *p = s->p;
    IrTerm row = ir_real(p, 0), lower = ir_real(p, 0);
    for (uint32_t i = 0; i < TAYLOR_SUMS; i++)
        if (op->operand[i])
            row = ir_add(p, row, ir_mul(p, kept(s, op->slope[i]), row_of(s, op->operand[i])));
    for (uint32_t i = 0; i < op->n_sums; i++)
        lower = ir_add(p, lower, sum_of(s, op, i));
    return ir_add(p, row, ir_mul(p, ir_read0(p, s->inverse), lower));
}

/* The coefficient of order k, over the operation's axes: see TaylorRule. */
static IrTerm row_of_rule(Taylor *s, const TaylorOp *op) {
    IrProgram *p = s->p;
    IrTerm at[IR_MAX_RANK], u = op->operand[0], v = op->operand[1], one = ir_real(p, 1);
    for (uint32_t i = 0; i < op->rank; i++)
        at[i] = ir_idx(p, op->axes[i]);
    IrTerm self = ir_read(p, op->def, at, op->rank);
    if (op->rule == TAYLOR_CHAIN)
        return row_of_chain(s, op);
    IrTerm sum = sum_of(s, op, 0), row = row_of(s, u);
    switch (op->rule) {
    case TAYLOR_PRODUCT: {
        IrTerm other = u == v ? row : row_of(s, v);
        IrTerm ends = ir_add(p, ir_mul(p, kept(s, v), row), ir_mul(p, kept(s, u), other));
        return ir_add(p, ends, sum);
    }
    case TAYLOR_QUOTIENT:
        row = ir_sub(p, ir_sub(p, row, ir_mul(p, kept(s, self), row_of(s, v))), sum);
        return ir_mul(p, row, kept(s, ir_div(p, one, v)));
    case TAYLOR_ROOT:
        return ir_mul(p, ir_sub(p, row, sum), kept(s, ir_div(p, ir_real(p, 0.5), self)));
    case TAYLOR_LOG:
        return ir_mul(p, ir_sub(p, row, ir_mul(p, ir_read0(p, s->inverse), sum)), kept(s, ir_div(p, one, u)));
    case TAYLOR_POWER: {
        IrTerm lower = ir_sub(p, ir_mul(p, v, sum), sum_of(s, op, 1));
        row = ir_add(p, ir_mul(p, ir_mul(p, v, kept(s, self)), row), ir_mul(p, ir_read0(p, s->inverse), lower));
        return ir_mul(p, row, kept(s, ir_div(p, one, u)));
    }
    case TAYLOR_CHAIN: break;
    }
    return 0;
}

/* ---- definitions ---- */

static IrDef row_of_solve(Taylor *s, const TaylorSolve *solve) {
    IrProgram *p = s->p;
    IrDef zeroed = s->zeroed;
    DefMap image = s->zero_image;
    s->zeroed = solve->x;
    s->zero_image = (DefMap){0};
    IrDef r = ir_define(p, 0, IR_F64, solve->axes, solve->rank, row_of(s, solve->residual));
    vec_free(&s->zero_image);
    s->zero_image = image;
    s->zeroed = zeroed;
    IrDef factor = kept_def(s, solve->factor);
    if (solve->fn == IR_SOLVE_SPD)
        return ir_linalg(p, IR_SOLVE_LOWER_T, factor, ir_linalg(p, IR_SOLVE_LOWER, factor, r));
    if (solve->fn == IR_SOLVE_LOWER || solve->fn == IR_SOLVE_LOWER_T)
        return ir_linalg(p, solve->fn, factor, r);
    IrIdx axes[IR_MAX_RANK], l;
    IrTerm at[IR_MAX_RANK];
    calc_open_axes(p, r, axes, at);
    l = ir_fresh(p, ir_def(p, r)->extent[0], 0);
    IrTerm ll = ir_idx(p, l);
    IrTerm inverse = ir_read(p, factor, (IrTerm[]){at[0], ll}, 2);
    at[0] = ll;
    IrTerm body = ir_mul(p, inverse, ir_read(p, r, at, solve->rank));
    return ir_define(p, 0, IR_F64, axes, solve->rank, ir_reduce(p, IR_SUM, l, 0, body));
}

static IrDef row_of_concat(Taylor *s, IrDef d) {
    IrProgram *p = s->p;
    IrDefInfo info = *ir_def(p, d);
    IrPiece *pieces = base_calloc(info.n_pieces + 1, sizeof *pieces);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        IrIdx axes[IR_MAX_RANK];
        IrTerm at[IR_MAX_RANK];
        pieces[k] = info.pieces[k];
        calc_open_axes(p, pieces[k].def, axes, at);
        uint32_t rank = ir_def(p, pieces[k].def)->rank;
        IrTerm row = row_of(s, ir_read(p, pieces[k].def, at, rank)); /* a read of what is known folds into it */
        pieces[k].def = ir_define(p, 0, IR_F64, axes, rank, row);
    }
    IrDef made = ir_concat(p, 0, info.elem, info.rank, info.extent, pieces, info.n_pieces);
    free(pieces);
    return made;
}

static IrDef row_of_expr(Taylor *s, IrDef d) {
    IrProgram *p = s->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    uint32_t rank = ir_def(p, d)->rank;
    if (*taylor_at(&s->op_of, d)) {
        TaylorOp op = s->ops.at[*taylor_at(&s->op_of, d) - 1];
        return ir_define(p, 0, IR_F64, op.axes, rank, row_of_rule(s, &op));
    }
    calc_open_axes(p, d, axes, at);
    return ir_define(p, 0, IR_F64, axes, rank, row_of(s, ir_at_subs(p, d, at)));
}

/* The definition of the coefficients of order k of d. */
static IrDef row_of_def(Taylor *s, IrDef d) {
    IrProgram *p = s->p;
    bool apart = s->zeroed && ir_def_depends(p, d, s->zeroed);
    IrDef known = *taylor_at(apart ? &s->zero_image : &s->image, d), made = 0;
    if (known)
        return known;
    Span before = ir_at(p, ir_def(p, d)->span);
    switch (ir_def(p, d)->kind) {
    case IR_DEF_EXPR: made = row_of_expr(s, d); break;
    case IR_DEF_CONCAT: made = row_of_concat(s, d); break;
    case IR_DEF_LINALG: made = row_of_solve(s, &s->solves.at[*taylor_at(&s->solve_of, d) - 1]); break;
    case IR_DEF_SCAN:
    case IR_DEF_ROOT:
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: break;
    }
    ir_at(p, before);
    *taylor_at(apart ? &s->zero_image : &s->image, d) = made;
    return made;
}

/* ---- functions ---- */

/* Row k of one factor of a sum. */
static void assign_factor(Taylor *s, const TaylorOp *op, IrDef table, uint64_t at, IrTerm factor, bool scaled) {
    IrProgram *p = s->p;
    uint64_t extent[IR_MAX_RANK];
    IrTerm axis[IR_MAX_RANK];
    memcpy(extent, ir_def(p, op->def)->extent, sizeof extent);
    for (uint32_t k = 0; k < op->rank; k++)
        axis[k] = ir_idx(p, ir_axis(p, k, extent[k]));
    IrTerm row = row_of(s, factor);
    if (scaled)
        row = ir_mul(p, order_of(s), row);
    row = ir_subst(p, row, op->axes, axis, op->rank);
    IrDef view = ir_view(p, 0, table, at, op->rank, extent);
    vec_push(&s->next, (IrAssign){view, row, ir_def(p, op->def)->span});
}

void taylor_rows(Taylor *s, const IrDef *dy, const IrDef *rates) {
    IrProgram *p = s->p;
    for (uint32_t b = 0; b < s->n_y; b++) {
        Span span = ir_def(p, rates[b])->span;
        IrTerm value = taylor_whole(p, rates[b]);
        vec_push(&s->first, (IrAssign){dy[b], value, span});
        vec_push(&s->next, (IrAssign){dy[b], row_of(s, value), span});
    }
    for (uint32_t k = 0; k < s->ops.n; k++) {
        TaylorOp op = s->ops.at[k];
        for (uint32_t i = 0; i < op.n_sums; i++) {
            assign_factor(s, &op, s->left, op.sum[i].at, op.sum[i].left, op.sum[i].scaled);
            assign_factor(s, &op, s->right, op.sum[i].at, op.sum[i].right, false);
        }
    }
}
