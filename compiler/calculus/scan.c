/* scan — the reverse rule of recursions.
 *
 * With rows y[k] = f(k, y[k−1], …, y[k−m], x) and ȳ what the readers of y give, the costate runs the other way,
 *     λ[k] = ȳ[k] + Σ_j (∂f(k+j)/∂(j-th row before))ᵀ λ[k+j],
 * over the stored rows, and the gradient by what f reads is Σ_k (∂f(k)/∂x)ᵀ λ[k]: nothing in this sum needs another row's
 * result, so it is written for all rows at once (lift.c) and becomes products of matrices, stencils, sums like any others.
 * This is the discrete form of Pontryagin's costate equation, and backpropagation through time. */
#include "calculus_internal.h"

#include <stdlib.h>
#include <string.h>

IrTerm calc_row_before(IrProgram *p, IrDef d, IrTerm k, uint32_t lag) {
    IrDefInfo info = *ir_def(p, d);
    IrTerm subs[IR_MAX_RANK];
    subs[0] = ir_add(p, k, ir_int(p, info.backward ? (int64_t)lag : -(int64_t)lag));
    for (uint32_t j = 1; j < info.rank; j++)
        subs[j] = ir_idx(p, ir_axis(p, j - 1, info.extent[j]));
    return ir_read(p, d, subs, info.rank);
}

/* ---- the costate ----------------------------------------------------------------------------------------- */

typedef struct Costate {
    IrProgram *p;
    IrDef of, adjoint;
    IrScan scan, made; /* the recursion; that of its costate */
    int64_t pad;       /* rows of the costate in front of the recursion's first */
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank; /* of a row */
    IrTerm k;      /* the row the costate is computed for, in the recursion's numbers */
} Costate;

/* (∂f(k+j)/∂(j-th row before))ᵀ λ[k+j] at the fresh axes; 0 after an error. */
static IrTerm costate_part(Costate *c, uint32_t j) {
    IrProgram *p = c->p;
    IrReplace at[1 + IR_MAX_LAGS];
    IrDef part;
    int64_t lo, hi;
    if (!calc_vjp(p, c->scan.row, c->made.before[j - 1], &c->scan.before[j - 1], 1, &part))
        return 0;
    IrTerm row = ir_add(p, c->k, ir_int(p, c->scan.backward ? -(int64_t)j : (int64_t)j)), there = row;
    ir_scan_range(&c->scan, &lo, &hi);
    there = ir_op2(p, IR_MIN, ir_op2(p, IR_MAX, there, ir_int(p, lo)), ir_int(p, hi));
    at[0] = (IrReplace){.from = c->scan.counter, .body = there};
    for (uint32_t i = 0; i < c->scan.lags; i++)
        at[1 + i] = (IrReplace){.from = c->scan.before[i], .body = calc_row_before(p, c->of, there, i + 1)};
    part = ir_replace_def(p, part, at, 1 + c->scan.lags);
    IrTerm value = ir_read(p, part, c->subs, c->rank);
    if (ir_def(p, part)->kind == IR_DEF_EXPR && calc_is_inline(p, ir_def(p, part)->body))
        value = ir_at_subs(p, part, c->subs);
    IrTerm computed = ir_op2(p, IR_AND, ir_op2(p, IR_LE, ir_int(p, lo), row), ir_op2(p, IR_LE, row, ir_int(p, hi)));
    return ir_select(p, computed, value, ir_real(p, 0));
}

static IrTerm adjoint_row(Costate *c, IrTerm k) {
    IrTerm subs[IR_MAX_RANK];
    subs[0] = k;
    memcpy(subs + 1, c->subs, sizeof *subs * c->rank);
    return ir_read(c->p, c->adjoint, subs, c->rank + 1);
}

/* The rows the costate starts from: the last row's adjoint; where several rows before are looked at, rows of zeros
 * beyond the last one. */
static IrDef costate_start(Costate *c) {
    IrProgram *p = c->p;
    IrIdx axes[IR_MAX_RANK];
    axes[0] = ir_fresh(p, c->scan.lags, 0);
    memcpy(axes + 1, c->axes, sizeof *axes * c->rank);
    IrTerm value = ir_real(p, 0);
    if (c->scan.lags == 1)
        value = adjoint_row(c, ir_int(p, c->scan.backward ? 0 : (int64_t)c->scan.count - 1));
    return ir_define(p, 0, ir_def(p, c->scan.row)->elem, axes, c->rank + 1, value);
}

/* The costate without its rows of zeros. */
static IrDef without_padding(Costate *c, IrDef made) {
    IrProgram *p = c->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    if (c->made.count == c->scan.count)
        return made;
    calc_open_axes(p, c->of, axes, subs);
    subs[0] = ir_add(p, subs[0], ir_int(p, c->pad));
    return ir_define(p, 0, ir_def(p, made)->elem, axes, c->rank + 1, ir_read(p, made, subs, c->rank + 1));
}

IrDef calc_scan_costate(IrProgram *p, IrDef d, IrDef adjoint) {
    Costate c = {.p = p, .of = d, .adjoint = adjoint, .scan = ir_scan_of(p, d)};
    IrDefInfo row = *ir_def(p, c.scan.row);
    int64_t lo, hi;
    if (!c.scan.lags)
        return adjoint;
    c.rank = row.rank;
    calc_open_axes(p, c.scan.row, c.axes, c.subs);
    c.made = (IrScan){.count = c.scan.count, .lags = c.scan.lags, .backward = !c.scan.backward};
    if (c.scan.lags > 1) {
        c.made.count += c.scan.lags;
        c.pad = c.scan.backward ? (int64_t)c.scan.lags : 0;
    }
    ir_scan_range(&c.made, &lo, &hi);
    c.made.counter = ir_counter(p, ir_def(p, c.scan.counter)->name, lo, hi);
    for (uint32_t j = 0; j < c.scan.lags; j++)
        c.made.before[j] = ir_before(p, 0, row.elem, row.rank, row.extent);
    c.k = ir_sub(p, ir_read0(p, c.made.counter), ir_int(p, c.pad));
    IrTerm value = adjoint_row(&c, c.k);
    for (uint32_t j = 1; j <= c.scan.lags; j++) {
        IrTerm part = costate_part(&c, j);
        if (!part)
            return 0;
        value = ir_add(p, value, part);
    }
    c.made.row = ir_define(p, 0, row.elem, c.axes, c.rank, value);
    c.made.start = costate_start(&c);
    IrDef made = ir_scan(p, 0, &c.made);
    const IrDefInfo *info = ir_def(p, d);
    const char *name = info->label ? info->label : name_text(ir_session(p)->names, info->name);
    if (!ir_def(p, made)->label && *name)
        ir_set_label(p, made, arena_printf(ir_arena(p), "λ(%s)", name));
    return without_padding(&c, made);
}

/* ---- what the row reads ------------------------------------------------------------------------------------ */

typedef struct Reads {
    IrProgram *p;
    const uint8_t *inside, *wanted;
    uint32_t n_inside, n_wanted;
    CalcDefs *out;
} Reads;

static void add_outside(Reads *r, IrDef d) {
    if (!d || d >= r->n_wanted || !r->wanted[d] || (d < r->n_inside && r->inside[d]))
        return;
    for (uint32_t k = 0; k < r->out->n; k++)
        if (r->out->at[k] == d)
            return;
    vec_push(r->out, d);
}

static bool visit_read(const IrProgram *p, void *context, IrTerm t) {
    if (ir_node(p, t)->op == IR_READ)
        add_outside(context, ir_node(p, t)->arg[0]);
    return true;
}

void calc_scan_reads(IrProgram *p, IrDef d, const uint8_t *wanted, uint32_t n_wanted, CalcDefs *out) {
    IrDef row = ir_scan_of(p, d).row;
    uint32_t n = ir_def_count(p) + 1;
    uint8_t *reached = base_calloc(n, 1), *inside = base_calloc(n, 1);
    reached[row] = 1;
    ir_reach(p, 0, reached);
    for (IrDef s = d; s > 0; s--) { /* this scan, and those inside of it */
        if (s != d && !(inside[s] && ir_def(p, s)->kind == IR_DEF_SCAN))
            continue;
        for (IrDef k = 1; k < s; k++)
            inside[k] |= reached[k] && ir_is_inside(p, s, k);
    }
    Reads r = {p, inside, wanted, n, n_wanted, out};
    if (!inside[row])
        add_outside(&r, row);
    for (IrDef k = 1; k < d; k++) {
        if (!inside[k])
            continue;
        const IrDefInfo *info = ir_def(p, k);
        if (info->kind == IR_DEF_EXPR)
            ir_walk(p, info->body, visit_read, &r);
        for (uint32_t j = 0; j < info->n_pieces; j++)
            add_outside(&r, info->pieces[j].def);
        for (uint32_t j = 0; j < 2; j++)
            add_outside(&r, info->operand[j]);
    }
    free(reached);
    free(inside);
}

bool calc_scan_gradient(IrProgram *p, IrDef d, IrDef costate, const IrDef *x, uint32_t n, IrDef *out) {
    IrDefInfo row = *ir_def(p, ir_scan_of(p, d).row);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    if (!n)
        return true;
    IrDef stands = ir_before(p, 0, row.elem, row.rank, row.extent); /* for λ[k] */
    calc_open_axes(p, ir_scan_of(p, d).row, axes, subs);
    IrTerm t = ir_mul(p, ir_read(p, stands, subs, row.rank), ir_read(p, ir_scan_of(p, d).row, subs, row.rank));
    for (uint32_t k = row.rank; k-- > 0;)
        t = ir_reduce(p, IR_SUM, axes[k], 0, t);
    if (!calc_gradient_of_reads(p, t, x, n, out))
        return false;
    for (uint32_t k = 0; k < n; k++) {
        if (!out[k])
            continue;
        out[k] = calc_lift(p, out[k], d, stands, costate);
        if (!out[k])
            return false;
    }
    return true;
}
