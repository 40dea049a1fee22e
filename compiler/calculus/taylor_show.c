/* taylor_show — the recursions as a reader sees them: x[k, i] is the coefficient of order k of x[i].
 *
 * needs: operations named, rates flat.   gives: lines `x[k, i] = …` over the axes of a definition made for each x, order first.
 * changes: adds INPUTs that nothing computes. */
#include "taylor.h"

#include <string.h>

enum { ORDERS = 1 << 20 }; /* extent of the order's axis: beyond every order, so that sums are bounded by conditions */

typedef struct Show {
    Taylor *s;
    DefMap shown, plain; /* by definition: the INPUTs x[k, …] and x[…] */
    VEC(IrDef) waiting;  /* definitions that are read and have no line yet */
    VEC(CalcLine) lines;
    uint32_t serial;
    IrTerm at; /* order of the term that is read at */
    bool fits; /* in the ranks there are */
} Show;

static IrTerm order_axis(Show *w) { return ir_idx(w->s->p, ir_axis(w->s->p, 0, ORDERS)); }

/* ---- symbols ---- */

/* x of the program keeps its name; an operation without one is u1, u2, … */
static IrDef shown(Show *w, IrDef d) {
    IrProgram *p = w->s->p;
    IrDef known = *taylor_at(&w->shown, d);
    if (known)
        return known;
    IrDefInfo info = *ir_def(p, d);
    uint64_t extent[IR_MAX_RANK] = {ORDERS};
    if (info.rank + 1 > IR_MAX_RANK) {
        w->fits = false;
        return d;
    }
    memcpy(extent + 1, info.extent, info.rank * sizeof *extent);
    IrDef made = ir_input(p, 0, IR_ROLE_NONE, IR_F64, info.rank + 1, extent);
    const char *name = name_text(ir_session(p)->names, info.name);
    if (info.kind == IR_DEF_INPUT || info.kind == IR_DEF_VIEW)
        name = info.label ? info.label : name;
    ir_set_label(p, made, *name ? name : arena_printf(ir_arena(p), "u%u", ++w->serial));
    ir_name_axis(p, made, 0, name_of(ir_session(p)->names, "k"));
    for (uint32_t k = 0; k < info.rank; k++)
        ir_name_axis(p, made, k + 1, ir_axis_name(p, d, k));
    *taylor_at(&w->shown, d) = made;
    vec_push(&w->waiting, d);
    return made;
}

static IrTerm shown_read(IrProgram *p, void *context, IrTerm read) {
    Show *w = context;
    IrDef d = ir_node(p, read)->arg[0];
    IrTerm subs[IR_MAX_RANK + 1] = {w->at};
    uint32_t n = ir_operands(p, read, subs + 1);
    if (!taylor_def_varies(w->s, d))
        return read;
    d = shown(w, d);
    return w->fits ? ir_read(p, d, subs, n + 1) : read;
}

/* The same definition without an order, under the same symbol. */
static IrDef plain(Show *w, IrDef d) {
    IrProgram *p = w->s->p;
    IrDefInfo info = *ir_def(p, d);
    IrDef made = *taylor_at(&w->plain, d);
    if (made || info.kind == IR_DEF_INPUT || info.kind == IR_DEF_VIEW)
        return made ? made : d;
    const char *label = ir_def(p, shown(w, d))->label;
    made = ir_input(p, 0, IR_ROLE_NONE, IR_F64, info.rank, info.extent);
    ir_set_label(p, made, label ? label : "");
    for (uint32_t k = 0; k < info.rank; k++)
        ir_name_axis(p, made, k, ir_axis_name(p, d, k));
    return *taylor_at(&w->plain, d) = made;
}

static IrTerm plain_read(IrProgram *p, void *context, IrTerm read) {
    Show *w = context;
    IrDef d = ir_node(p, read)->arg[0];
    IrTerm subs[IR_MAX_RANK];
    uint32_t n = ir_operands(p, read, subs);
    return taylor_def_varies(w->s, d) ? ir_read(p, plain(w, d), subs, n) : read;
}

static IrTerm coefficient_of(Show *w, IrTerm t);

/* A sum as long as it may be: its addends from left to right. */
static IrTerm coefficient_of_sum(Show *w, IrTerm t) {
    IrProgram *p = w->s->p;
    IrTerms addends = {0}, ops = {0};
    while (ir_node(p, t)->op == IR_ADD || ir_node(p, t)->op == IR_SUB) {
        vec_push(&addends, ir_node(p, t)->arg[1]);
        vec_push(&ops, ir_node(p, t)->op);
        t = ir_node(p, t)->arg[0];
    }
    IrTerm sum = coefficient_of(w, t);
    for (uint32_t k = addends.n; k-- > 0;)
        sum = ir_op2(p, (IrOp)ops.at[k], sum, coefficient_of(w, addends.at[k]));
    vec_free(&addends);
    vec_free(&ops);
    return sum;
}

/* With every part that varies at the order asked for; a part that does not vary, and conditions, are what they are at the beginning
 * of the step. */
static IrTerm coefficient_of(Show *w, IrTerm t) {
    IrProgram *p = w->s->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrTerm operand[IR_MAX_RANK];
    if (!taylor_varies(w->s, t))
        return ir_map_reads(p, t, plain_read, w);
    if (op == IR_READ)
        return ir_map_reads(p, t, shown_read, w);
    if (op == IR_ADD || op == IR_SUB)
        return coefficient_of_sum(w, t);
    if (ir_op_is_reduce(op)) {
        IrIdx i;
        IrTerm guard, body;
        ir_open(p, t, &i, &guard, &body);
        return ir_reduce(p, op, i, guard ? ir_map_reads(p, guard, plain_read, w) : 0, coefficient_of(w, body));
    }
    uint32_t n = ir_operands(p, t, operand);
    for (uint32_t k = 0; k < n; k++)
        operand[k] = coefficient_of(w, operand[k]);
    return ir_with_operands(p, t, operand, n);
}

/* The coefficient of order `at` of a term that is linear in what varies. */
static IrTerm coefficient(Show *w, IrTerm t, IrTerm at) {
    w->at = at;
    return coefficient_of(w, t);
}

/* ---- lines ---- */

/* t over FRESH axes, as a line of d: they become the axes behind the order. */
static void add_line(Show *w, IrDef d, const IrIdx *axes, IrTerm t, const char *remark) {
    IrProgram *p = w->s->p;
    uint32_t rank = ir_def(p, d)->rank;
    IrTerm to[IR_MAX_RANK];
    for (uint32_t k = 0; k < rank && k + 1 < IR_MAX_RANK; k++)
        to[k] = ir_idx(p, ir_axis(p, k + 1, ir_def(p, d)->extent[k]));
    if (t)
        t = ir_subst(p, t, axes, to, rank);
    vec_push(&w->lines, (CalcLine){shown(w, d), t, remark, ir_def(p, d)->span});
}

/* Σ_{j=lo}^{k−less} [weight] a_j b_{k−j}; weight 0: 1. */
static IrTerm convolution(Show *w, IrTerm a, IrTerm b, int64_t lo, int64_t less, IrTerm (*weight)(Show *w, IrTerm j)) {
    IrProgram *p = w->s->p;
    IrIdx j = ir_fresh(p, ORDERS, name_of(ir_session(p)->names, "j"));
    IrTerm jj = ir_idx(p, j), k = order_axis(w);
    IrTerm guard = ir_op2(p, IR_LE, jj, ir_sub(p, k, ir_int(p, less)));
    if (lo)
        guard = ir_op2(p, IR_AND, ir_op2(p, IR_LE, ir_int(p, lo), jj), guard);
    IrTerm body = ir_mul(p, coefficient(w, a, jj), coefficient(w, b, ir_sub(p, k, jj)));
    if (weight)
        body = ir_mul(p, weight(w, jj), body);
    return ir_reduce(p, IR_SUM, j, guard, body);
}

static IrTerm by_j(Show *w, IrTerm j) { return ir_to_real(w->s->p, j); }

static void show_op(Show *w, const TaylorOp *op) {
    IrProgram *p = w->s->p;
    IrTerm at[IR_MAX_RANK], u = op->operand[0], v = op->operand[1], k = order_axis(w), zero = ir_int(p, 0), t = 0;
    for (uint32_t i = 0; i < op->rank; i++)
        at[i] = ir_idx(p, op->axes[i]);
    IrTerm self = ir_read(p, op->def, at, op->rank), order = ir_to_real(p, k);
    switch (op->rule) {
    case TAYLOR_PRODUCT: t = convolution(w, u, v, 0, 0, NULL); break;
    case TAYLOR_QUOTIENT:
        t = ir_sub(p, taylor_varies(w->s, u) ? coefficient(w, u, k) : ir_real(p, 0), convolution(w, self, v, 0, 1, NULL));
        t = ir_div(p, t, coefficient(w, v, zero));
        break;
    case TAYLOR_ROOT:
        t = ir_sub(p, coefficient(w, u, k), convolution(w, self, self, 1, 1, NULL));
        t = ir_div(p, t, ir_mul(p, ir_real(p, 2), coefficient(w, self, zero)));
        break;
    case TAYLOR_LOG:
        t = ir_sub(p, coefficient(w, u, k), ir_div(p, convolution(w, self, u, 1, 1, by_j), order));
        t = ir_div(p, t, coefficient(w, u, zero));
        break;
    case TAYLOR_POWER:
        t = ir_sub(p, ir_mul(p, v, convolution(w, u, self, 1, 0, by_j)), convolution(w, self, u, 1, 1, by_j));
        t = ir_div(p, t, ir_mul(p, order, coefficient(w, u, zero)));
        break;
    case TAYLOR_CHAIN:
        t = ir_real(p, 0);
        for (uint32_t i = 0; i < TAYLOR_SUMS; i++)
            if (op->operand[i])
                t = ir_add(p, t, convolution(w, op->operand[i], op->slope[i], 1, 0, by_j));
        t = ir_div(p, t, order);
        break;
    }
    IrTerm to[IR_MAX_RANK];
    for (uint32_t i = 0; i < op->rank; i++)
        to[i] = ir_idx(p, ir_axis(p, i, ir_def(p, op->def)->extent[i]));
    IrTerm value = ir_subst(p, ir_map_reads(p, op->value, plain_read, w), op->axes, to, op->rank);
    vec_push(&w->lines, (CalcLine){plain(w, op->def), value, NULL, ir_def(p, op->def)->span});
    add_line(w, op->def, op->axes, t, NULL);
}

static void show_solve(Show *w, const TaylorSolve *solve) {
    add_line(w, solve->x, solve->axes, coefficient(w, solve->residual, order_axis(w)),
             "then solved with the matrix at order 0; what is solved for counts as 0 at order k");
}

static void show_def(Show *w, IrDef d) {
    IrProgram *p = w->s->p;
    Taylor *s = w->s;
    IrDefKind kind = ir_def(p, d)->kind;
    if (*taylor_at(&s->op_of, d)) {
        TaylorOp op = s->ops.at[*taylor_at(&s->op_of, d) - 1];
        show_op(w, &op);
    } else if (*taylor_at(&s->solve_of, d)) {
        TaylorSolve solve = s->solves.at[*taylor_at(&s->solve_of, d) - 1];
        show_solve(w, &solve);
    } else if (kind == IR_DEF_EXPR) {
        IrIdx axes[IR_MAX_RANK];
        IrTerm subs[IR_MAX_RANK];
        calc_open_axes(p, d, axes, subs);
        add_line(w, d, axes, coefficient(w, ir_at_subs(p, d, subs), order_axis(w)), NULL);
    }
}

/* y_k = f_{k−1} / k. */
static void show_state(Show *w, IrDef y, IrDef rate) {
    IrProgram *p = w->s->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK], k = order_axis(w);
    calc_open_axes(p, y, axes, subs);
    IrTerm f = ir_at_subs(p, rate, subs);
    IrTerm t = coefficient(w, f, ir_sub(p, k, ir_int(p, 1)));
    add_line(w, y, axes, ir_div(p, t, ir_to_real(p, k)), NULL);
}

void taylor_show(Taylor *s, const IrDef *rates, CalcJet *jet) {
    Show w = {.s = s, .fits = true};
    for (uint32_t b = 0; b < s->n_y && w.fits; b++)
        show_state(&w, s->y[b], rates[b]);
    for (uint32_t k = 0; k < w.waiting.n && w.fits; k++)
        show_def(&w, w.waiting.at[k]);
    jet->n_lines = w.fits ? w.lines.n : 0;
    jet->lines = arena_copy(ir_arena(s->p), w.lines.at, jet->n_lines * sizeof *w.lines.at);
    vec_free(&w.shown);
    vec_free(&w.plain);
    vec_free(&w.waiting);
    vec_free(&w.lines);
}
