/* forward — derivatives carried from operands to users: tangents along given directions, and partial
 * derivatives in index notation with Kronecker deltas for what is read.
 *
 * Needs: any program. Gives: terms and definitions in the same program. Definitions are taken in increasing
 * order, each once; within a body every shared term once. */
#include "calculus_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct Forward {
    IrProgram *p;
    CalcGraph graph;
    const CalcSeed *seeds; /* tangent mode: directions; NULL: partial mode */
    uint32_t n_seeds;
    IrDef x; /* partial mode: ∂/∂x[y…] with FRESH indices y */
    IrIdx y[IR_MAX_RANK];
    IrTerm y_terms[IR_MAX_RANK];
    uint32_t n_y;
    IrDef *image; /* by definition: its derivative, with the axes of x behind its own; 0 none (yet) */
    bool failed;
} Forward;

static IrTerm forward_term(Forward *f, IrTerm t);

/* ---- reads --------------------------------------------------------------------------------------------- */

/* dx at the element d[subs…] shares storage with; 0 outside of x. */
static IrTerm seed_at(Forward *f, IrDef d, const IrTerm *subs, const CalcSeed *seed) {
    IrProgram *p = f->p;
    uint64_t first, count;
    IrTerm at[IR_MAX_RANK];
    if (d == seed->x)
        return ir_read(p, seed->dx, subs, ir_def(p, d)->rank);
    calc_storage(p, seed->x, &first, &count);
    IrTerm place = ir_sub(p, calc_place(p, d, subs), ir_int(p, (int64_t)first));
    calc_unravel(p, seed->x, place, at);
    IrTerm value = ir_read(p, seed->dx, at, ir_def(p, seed->x)->rank);
    return ir_select(p, calc_in_range(p, place, count), value, ir_real(p, 0));
}

static IrTerm delta_at(Forward *f, IrDef d, const IrTerm *subs) {
    IrProgram *p = f->p;
    if (d != f->x)
        return ir_bracket(p, calc_place(p, d, subs), calc_place(p, f->x, f->y_terms));
    IrTerm product = ir_real(p, 1);
    for (uint32_t k = 0; k < f->n_y; k++)
        product = ir_mul(p, product, ir_bracket(p, subs[k], f->y_terms[k]));
    return product;
}

static IrTerm forward_read(Forward *f, IrTerm t) {
    IrProgram *p = f->p;
    IrDef d = ir_node(p, t)->arg[0];
    IrTerm subs[IR_MAX_RANK], sum = ir_real(p, 0);
    uint32_t rank = ir_def(p, d)->rank;
    ir_operands(p, t, subs);
    if (!calc_moves(&f->graph, d))
        return sum;
    if (f->seeds) {
        for (uint32_t k = 0; k < f->n_seeds; k++)
            if (calc_overlaps(p, d, f->seeds[k].x))
                sum = ir_add(p, sum, seed_at(f, d, subs, &f->seeds[k]));
    } else if (calc_overlaps(p, d, f->x)) {
        return delta_at(f, d, subs);
    }
    IrDef image = f->image[d];
    if (!image)
        return sum;
    for (uint32_t k = 0; k < f->n_y; k++)
        subs[rank + k] = f->y_terms[k];
    const IrDefInfo *info = ir_def(p, image);
    bool simple = info->kind == IR_DEF_EXPR
                  && (f->n_y ? !ir_node(p, info->body)->height && calc_is_small(p, info->body, CALC_SMALL)
                             : calc_is_inline(p, info->body));
    return simple ? ir_at_subs(p, image, subs) : ir_read(p, image, subs, rank + f->n_y);
}

/* ---- reductions ---------------------------------------------------------------------------------------- */

static IrTerm forward_reduce(Forward *f, IrTerm t) {
    IrProgram *p = f->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrIdx k;
    IrTerm guard, body;
    if (ir_node(p, t)->type != IR_REAL)
        return ir_real(p, 0);
    ir_open(p, t, &k, &guard, &body);
    IrTerm rate = forward_term(f, body);
    if (ir_is_zero(p, rate))
        return rate;
    if (op == IR_SUM)
        return ir_reduce(p, IR_SUM, k, guard, rate);
    if (op == IR_PROD)
        return ir_reduce(p, IR_SUM, k, guard, ir_mul(p, rate, calc_other_factors(p, k, guard, body)));
    if (op == IR_LOGSUMEXP) {
        IrTerm weight = ir_op1(p, IR_EXP, ir_sub(p, body, calc_named(p, t, IR_F64, false)));
        return ir_reduce(p, IR_SUM, k, guard, ir_mul(p, weight, rate));
    }
    if (op == IR_MAXIMUM || op == IR_MINIMUM) {
        IrTerm where = calc_place_of_extreme(p, op, k, guard, body);
        return ir_subst(p, rate, &k, &where, 1);
    }
    calc_report_nodiff(p, t, 0);
    f->failed = true;
    return ir_real(p, 0);
}

/* ---- terms --------------------------------------------------------------------------------------------- */

/* Σ over operands of ∂op/∂operand · rate of the operand; 0 when none moves. */
static IrTerm chain_rule(Forward *f, const IrTerms *list, const IrTerm *rate, IrTerm t) {
    IrProgram *p = f->p;
    IrTerm operands[IR_MAX_RANK], sum = 0;
    uint32_t n = ir_operands(p, t, operands);
    for (uint32_t k = 0; k < n; k++) {
        if (ir_node(p, operands[k])->type != IR_REAL)
            continue;
        IrTerm r = rate[ir_position(list, operands[k])];
        if (!r)
            continue;
        IrTerm slope = calc_rule(p, t, t, k);
        if (slope == CALC_NODIFF) {
            calc_report_nodiff(p, t, k);
            f->failed = true;
            continue;
        }
        IrTerm part = ir_mul(p, slope, r);
        sum = sum ? ir_add(p, sum, part) : part;
    }
    return sum;
}

static IrTerm forward_term(Forward *f, IrTerm t) {
    IrProgram *p = f->p;
    IrTerms list = {0};
    ir_list_below(p, t, &list);
    IrTerm *rate = base_calloc(list.n, sizeof *rate); /* 0 where nothing moves */
    for (uint32_t k = 0; k < list.n && !f->failed; k++) {
        IrTerm u = list.at[k];
        IrNode node = *ir_node(p, u);
        Span before = ir_at(p, node.span);
        if (node.op == IR_READ && calc_moves(&f->graph, node.arg[0]))
            rate[k] = forward_read(f, u);
        else if (ir_op_is_reduce((IrOp)node.op))
            rate[k] = calc_term_moves(p, &f->graph, u) ? forward_reduce(f, u) : 0;
        else if (node.type == IR_REAL && ir_op_arity((IrOp)node.op))
            rate[k] = chain_rule(f, &list, rate, u);
        ir_at(p, before);
        if (rate[k] && ir_is_zero(p, rate[k]))
            rate[k] = 0;
    }
    IrTerm result = f->failed || !rate[list.n - 1] ? ir_real(p, 0) : rate[list.n - 1];
    free(rate);
    vec_free(&list);
    return result;
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static IrDef forward_concat(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrDefInfo info = *ir_def(p, d);
    if (f->n_y) { /* element by element: which piece, and where in it */
        IrIdx axes[IR_MAX_RANK];
        IrTerm subs[IR_MAX_RANK], sum = ir_real(p, 0);
        calc_open_axes(p, d, axes, subs);
        for (uint32_t k = 0; k < info.n_pieces; k++) {
            IrDef piece = info.pieces[k].def;
            if (!calc_moves(&f->graph, piece))
                continue;
            IrTerm at[IR_MAX_RANK], inside = ir_bool(p, true);
            for (uint32_t j = 0; j < info.rank; j++) {
                uint64_t extent = info.rank == 1 ? ir_size(p, piece) : ir_def(p, piece)->extent[j];
                at[j] = ir_sub(p, subs[j], ir_int(p, (int64_t)info.pieces[k].at[j]));
                inside = ir_op2(p, IR_AND, inside, calc_in_range(p, at[j], extent));
            }
            if (info.rank == 1)
                calc_unravel(p, piece, at[0], at);
            IrTerm value = forward_read(f, ir_read(p, piece, at, ir_def(p, piece)->rank));
            sum = ir_add(p, sum, ir_select(p, inside, value, ir_real(p, 0)));
        }
        for (uint32_t k = 0; k < f->n_y; k++)
            axes[info.rank + k] = f->y[k];
        return ir_define(p, 0, info.elem, axes, info.rank + f->n_y, sum);
    }
    IrPiece *pieces = base_calloc(info.n_pieces + 1, sizeof *pieces);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        pieces[k] = info.pieces[k];
        IrDef piece = pieces[k].def;
        IrIdx axes[IR_MAX_RANK];
        IrTerm subs[IR_MAX_RANK];
        calc_open_axes(p, piece, axes, subs);
        IrTerm value = forward_read(f, ir_read(p, piece, subs, ir_def(p, piece)->rank));
        pieces[k].def = calc_define_like(p, piece, axes, value, "d");
    }
    IrDef made = ir_concat(p, 0, info.elem, info.rank, info.extent, pieces, info.n_pieces);
    free(pieces);
    return made;
}

/* The derivative of an operand of a whole-tensor operation as a definition; 0 when it does not move. */
static IrDef moved_operand(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    if (!d || !calc_moves(&f->graph, d))
        return 0;
    uint32_t rank = ir_def(p, d)->rank;
    calc_open_axes(p, d, axes, subs);
    IrTerm rate = forward_read(f, ir_read(p, d, subs, rank));
    for (uint32_t k = 0; k < f->n_y; k++)
        axes[rank + k] = f->y[k];
    return ir_define(p, 0, ir_def(p, d)->elem, axes, rank + f->n_y, rate);
}

/* The rate of a row before, which stands for the row before of the tangent. */
static IrDef forward_before(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrDefInfo info = *ir_def(p, d);
    if (info.role != IR_ROLE_BOUND || !f->graph.active[d])
        return 0;
    for (uint32_t k = 0; k < f->n_y; k++)
        info.extent[info.rank + k] = ir_index(p, f->y[k])->extent;
    return ir_before(p, 0, info.elem, info.rank + f->n_y, info.extent);
}

/* The definition's rate with the axes of x behind its own; zero where it does not move. */
static IrDef rate_of(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrDef moved = moved_operand(f, d);
    if (moved || f->failed)
        return moved;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(p, d)->rank;
    calc_open_axes(p, d, axes, subs);
    for (uint32_t k = 0; k < f->n_y; k++)
        axes[rank + k] = f->y[k];
    return ir_define(p, 0, ir_def(p, d)->elem, axes, rank + f->n_y, ir_real(p, 0));
}

/* A scan beside the scan: its row is the derivative of the row along what moves, the rows before among it; the row
 * itself is looked at where it is stored. */
static IrDef forward_scan(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrScan old = ir_scan_of(p, d), made = old;
    IrReplace at[1 + IR_MAX_LAGS];
    IrDef row = rate_of(f, old.row);
    made.start = old.start ? rate_of(f, old.start) : 0;
    if (f->failed)
        return 0;
    made.counter = ir_counter(p, ir_def(p, old.counter)->name, ir_def(p, old.counter)->lo, ir_def(p, old.counter)->hi);
    IrTerm k = ir_read0(p, made.counter);
    at[0] = (IrReplace){.from = old.counter, .body = k};
    for (uint32_t j = 0; j < old.lags; j++) {
        made.before[j] = f->image[old.before[j]];
        at[1 + j] = (IrReplace){.from = old.before[j], .body = calc_row_before(p, d, k, j + 1)};
    }
    made.row = ir_replace_def(p, row, at, 1 + old.lags);
    return ir_scan(p, 0, &made);
}

static IrDef forward_expr(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(p, d)->rank;
    calc_open_axes(p, d, axes, subs);
    Span before = ir_at(p, ir_def(p, d)->span);
    IrTerm rate = forward_term(f, ir_at_subs(p, d, subs));
    for (uint32_t k = 0; k < f->n_y; k++)
        axes[rank + k] = f->y[k];
    IrElem elem = ir_def(p, d)->elem;
    IrDef made = 0;
    if (!f->failed)
        made = f->n_y ? ir_define(p, 0, elem, axes, rank + f->n_y, rate)
                      : calc_define_like(p, d, axes, rate, "d");
    ir_at(p, before);
    return made;
}

static void forward_def(Forward *f, IrDef d) {
    IrProgram *p = f->p;
    IrDefInfo info = *ir_def(p, d);
    if (info.elem != IR_F64 && info.elem != IR_F32)
        return;
    if (info.rank + f->n_y > IR_MAX_RANK && info.kind != IR_DEF_INPUT && info.kind != IR_DEF_VIEW) {
        diag_error(ir_session(p), DIAG_DERIVATIVE_RANK, info.span,
                   "the derivative of a quantity with %u indices by one with %u needs more than %d indices",
                   info.rank, f->n_y, IR_MAX_RANK);
        f->failed = true;
        return;
    }
    switch (info.kind) {
    case IR_DEF_INPUT: f->image[d] = forward_before(f, d); break;
    case IR_DEF_VIEW: break;
    case IR_DEF_SCAN: f->image[d] = forward_scan(f, d); break;
    case IR_DEF_EXPR: f->image[d] = forward_expr(f, d); break;
    case IR_DEF_CONCAT: f->image[d] = forward_concat(f, d); break;
    case IR_DEF_LINALG: {
        IrDef moved[2] = {moved_operand(f, info.operand[0]), moved_operand(f, info.operand[1])};
        uint64_t more[IR_MAX_RANK] = {0};
        for (uint32_t k = 0; k < f->n_y; k++)
            more[k] = ir_index(p, f->y[k])->extent;
        f->image[d] = calc_linalg_forward(p, d, moved, f->n_y, more);
        break;
    }
    case IR_DEF_ROOT: {
        uint64_t more[IR_MAX_RANK] = {0};
        for (uint32_t k = 0; k < f->n_y; k++)
            more[k] = ir_index(p, f->y[k])->extent;
        f->image[d] = calc_root_forward(p, d, moved_operand(f, info.operand[0]), f->n_y, more);
        break;
    }
    }
}

static bool is_seed(const Forward *f, IrDef d) {
    for (uint32_t k = 0; k < f->n_seeds; k++)
        if (f->seeds[k].x == d)
            return true;
    return f->x && d == f->x;
}

static void forward_run(Forward *f, IrTerm t, IrDef d) {
    IrDef *wrt = base_calloc(f->n_seeds + 1, sizeof *wrt);
    for (uint32_t k = 0; k < f->n_seeds; k++)
        wrt[k] = f->seeds[k].x;
    uint32_t n = f->n_seeds;
    if (f->x)
        wrt[n++] = f->x;
    f->graph = calc_graph(f->p, t, d, wrt, n);
    free(wrt);
    f->image = base_calloc(f->graph.n_defs, sizeof *f->image);
    for (IrDef k = 1; k < f->graph.n_defs && !f->failed; k++)
        if (f->graph.reached[k] && f->graph.active[k] && !is_seed(f, k))
            forward_def(f, k);
}

static void forward_free(Forward *f) {
    calc_graph_free(&f->graph);
    free(f->image);
}

IrTerm calc_tangent(IrProgram *p, IrTerm t, const CalcSeed *seeds, uint32_t n) {
    Forward f = {.p = p, .seeds = seeds, .n_seeds = n};
    if (!t)
        return 0;
    if (!n)
        return ir_real(p, 0);
    forward_run(&f, t, 0);
    IrTerm rate = f.failed ? 0 : forward_term(&f, t);
    bool failed = f.failed;
    forward_free(&f);
    return failed ? 0 : rate;
}

IrDef calc_tangent_def(IrProgram *p, IrDef d, const CalcSeed *seeds, uint32_t n) {
    Forward f = {.p = p, .seeds = seeds, .n_seeds = n};
    if (!d)
        return 0;
    if (!n)
        return calc_zero_like(p, d);
    forward_run(&f, 0, d);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(p, d, axes, subs);
    IrDef made = 0;
    if (!f.failed && f.image[d])
        made = f.image[d];
    else if (!f.failed)
        made = calc_define_like(p, d, axes, forward_read(&f, ir_read(p, d, subs, ir_def(p, d)->rank)), "d");
    forward_free(&f);
    return made;
}

IrTerm calc_partial(IrProgram *p, IrTerm t, IrDef x, const IrTerm *at) {
    Forward f = {.p = p, .x = x, .n_y = ir_def(p, x)->rank};
    if (!t)
        return 0;
    if (!ir_depends(p, t, x))
        return ir_real(p, 0);
    for (uint32_t k = 0; k < f.n_y; k++) {
        f.y[k] = ir_fresh(p, ir_def(p, x)->extent[k], ir_axis_name(p, x, k));
        f.y_terms[k] = ir_idx(p, f.y[k]);
    }
    forward_run(&f, t, 0);
    IrTerm rate = f.failed ? 0 : forward_term(&f, t);
    bool failed = f.failed;
    forward_free(&f);
    return failed ? 0 : ir_subst(p, rate, f.y, at, f.n_y);
}
