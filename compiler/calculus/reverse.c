/* reverse — gradients of a scalar by one sweep over the definition graph, users before what they use.
 *
 * Needs: a program and a scalar term. Gives: for each definition on the way its adjoint, again a definition.
 * Changes nothing that was there.
 *
 * The adjoint of T is Σ over reads T[s(u, k)] in users U of Σ_{u,k} adj_U[u] · ∂body_U/∂(that read) · δ(i =
 * s(u, k)). The deltas are solved for summed indices by the reductions' own rules; what cannot be solved (a
 * gather's subscript) stays as a condition under the sum, which is a scatter. */
#include "reverse.h"

#include <stdlib.h>
#include <string.h>

static bool is_wrt(const Reverse *r, IrDef d) {
    for (uint32_t k = 0; k < r->n_wrt; k++)
        if (r->wrt[k] == d)
            return true;
    return false;
}

static bool moves(Reverse *r, IrDef d) { return calc_moves(&r->graph, d) || reverse_slot(r, d)->moves; }

/* ---- the order of the sweep ---------------------------------------------------------------------------- */

static IrTerm add_inner_steps(Reverse *r, IrTerm body, IrElem elem);

/* d becomes a step, after the inner sums of its body. */
static void add_step(Reverse *r, IrDef d) {
    IrElem elem = ir_def(r->p, d)->elem;
    reverse_slot(r, d)->is_step = true;
    IrTerm body = add_inner_steps(r, ir_def(r->p, d)->body, elem);
    vec_push(&r->steps, (Step){d, body});
}

/* `body` with its inner sums named, and each of those that moves a step. One that is equal to a definition of
 * the program is that definition, perhaps one whose turn has not come yet. */
static IrTerm add_inner_steps(Reverse *r, IrTerm body, IrElem elem) {
    IrProgram *p = r->p;
    CalcDefs made = {0};
    body = calc_name_sums(p, body, elem, &made);
    for (uint32_t k = 0; k < made.n; k++) {
        IrDef d = made.at[k];
        if (reverse_slot(r, d)->is_step || (is_wrt(r, d) && calc_moves(&r->graph, d)))
            continue;
        if (!calc_term_moves(p, &r->graph, ir_def(p, d)->body))
            continue;
        reverse_slot(r, d)->moves = true;
        add_step(r, d);
    }
    vec_free(&made);
    return body;
}

/* What is computed anew for every row of a scan belongs to the scan's step. */
static uint8_t *inside_scans(Reverse *r) {
    uint8_t *inside = base_calloc(r->graph.n_defs, 1);
    for (IrDef d = 1; d < r->graph.n_defs; d++) {
        if (!r->graph.reached[d] || ir_def(r->p, d)->kind != IR_DEF_SCAN)
            continue;
        for (IrDef k = 1; k < d; k++)
            inside[k] |= r->graph.reached[k] && ir_is_inside(r->p, d, k);
    }
    return inside;
}

static void order_steps(Reverse *r) {
    IrProgram *p = r->p;
    uint8_t *inside = inside_scans(r);
    for (IrDef d = 1; d < r->graph.n_defs; d++) {
        if (!r->graph.reached[d] || !r->graph.active[d] || inside[d] || is_wrt(r, d) || reverse_slot(r, d)->is_step)
            continue;
        const IrDefInfo *info = ir_def(p, d);
        if (info->kind == IR_DEF_EXPR)
            add_step(r, d);
        else if (info->kind != IR_DEF_INPUT && info->kind != IR_DEF_VIEW)
            vec_push(&r->steps, (Step){d, 0});
    }
    free(inside);
}

/* ---- inside a body ------------------------------------------------------------------------------------- */

static void reverse_reduce(Reverse *r, IrTerm t, IrTerm value, IrTerm adjoint, const IrIdx *idx, uint32_t n);

/* Carries `adjoint` of `root` down to the reads below it, each shared term once. Where `root` itself appears
 * in a derivative it is `value` (the definition's own read). idx: indices contributions are summed over. */
static void reverse_term(Reverse *r, IrTerm root, IrTerm value, IrTerm adjoint, const IrIdx *idx,
                         uint32_t n_idx) {
    IrProgram *p = r->p;
    IrTerms list = {0};
    ir_list_below(p, root, &list);
    IrTerm *adj = base_calloc(list.n, sizeof *adj);
    uint8_t *moving = base_calloc(list.n, 1);
    IrTerm operands[IR_MAX_RANK];
    for (uint32_t k = 0; k < list.n; k++) {
        const IrNode *node = ir_node(p, list.at[k]);
        if (node->type != IR_REAL)
            continue;
        if (node->op == IR_READ)
            moving[k] = moves(r, node->arg[0]);
        else if (ir_op_is_reduce((IrOp)node->op))
            moving[k] = 1;
        else {
            uint32_t n = ir_operands(p, list.at[k], operands);
            for (uint32_t j = 0; j < n; j++)
                moving[k] |= moving[ir_position(&list, operands[j])];
        }
    }
    adj[list.n - 1] = adjoint;
    for (uint32_t k = list.n; k-- > 0 && !r->failed;) {
        IrTerm t = list.at[k];
        if (!moving[k] || !adj[k] || ir_is_zero(p, adj[k]))
            continue;
        IrNode node = *ir_node(p, t);
        Span before = ir_at(p, node.span);
        if (node.op == IR_READ) {
            IrTerm subs[IR_MAX_RANK];
            ir_operands(p, t, subs);
            reverse_contribute(r, node.arg[0], subs, adj[k], idx, n_idx);
        } else if (ir_op_is_reduce((IrOp)node.op)) {
            reverse_reduce(r, t, t == root && value ? value : t, adj[k], idx, n_idx);
        } else {
            uint32_t n = ir_operands(p, t, operands);
            for (uint32_t j = 0; j < n; j++) {
                uint32_t at = ir_position(&list, operands[j]);
                if (!moving[at])
                    continue;
                IrTerm slope = calc_rule(p, t, t == root && value ? value : t, j);
                if (slope == CALC_NODIFF) {
                    calc_report_nodiff(p, t, j);
                    r->failed = true;
                    break;
                }
                IrTerm part = ir_mul(p, adj[k], slope);
                adj[at] = adj[at] ? ir_add(p, adj[at], part) : part;
            }
        }
        ir_at(p, before);
    }
    free(adj);
    free(moving);
    vec_free(&list);
}

static void reverse_reduce(Reverse *r, IrTerm t, IrTerm value, IrTerm adjoint, const IrIdx *idx, uint32_t n) {
    IrProgram *p = r->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrIdx k;
    IrTerm guard, body;
    ir_open(p, t, &k, &guard, &body);
    if (op == IR_PROD) {
        adjoint = ir_mul(p, adjoint, calc_other_factors(p, k, guard, body));
    } else if (op == IR_LOGSUMEXP) {
        if (value == t)
            value = calc_named(p, t, IR_F64, false);
        adjoint = ir_mul(p, adjoint, ir_op1(p, IR_EXP, ir_sub(p, body, value)));
    } else if (op == IR_MAXIMUM || op == IR_MINIMUM) {
        IrTerm where = calc_place_of_extreme(p, op, k, guard, body);
        adjoint = ir_mul(p, adjoint, ir_bracket(p, ir_idx(p, k), where));
    } else if (op != IR_SUM) {
        calc_report_nodiff(p, t, 0);
        r->failed = true;
        return;
    }
    if (guard)
        adjoint = ir_select(p, guard, adjoint, ir_real(p, 0));
    IrIdx *inner = base_calloc(n + 1, sizeof *inner);
    for (uint32_t j = 0; j < n; j++)
        inner[j] = idx[j];
    inner[n] = k;
    reverse_term(r, body, 0, adjoint, inner, n + 1);
    free(inner);
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static bool is_over(const Contribution *c, const IrIdx *axes, uint32_t rank) {
    for (uint32_t k = 0; k < rank && c->n_idx == rank; k++)
        if (c->idx[k] != axes[k])
            return false;
    return c->n_idx == rank;
}

/* Where one step gives multiples of one coefficient to several reads (a bias, and the sum it is added to), it
 * becomes one definition that all of them read. */
static void share_coefficients(Reverse *r, IrDef d, const IrIdx *axes, const IrTerm *subs, uint32_t rank) {
    IrProgram *p = r->p;
    for (uint32_t k = 0; k < r->present.n; k++) {
        Contribution *c = &reverse_slot(r, r->present.at[k].def)->parts.at[r->present.at[k].part];
        double scale, other_scale;
        IrTerm base = calc_coefficient(p, c->coefficient, &scale), shared = 0;
        if (!is_over(c, axes, rank) || calc_is_inline(p, base))
            continue;
        for (uint32_t j = k + 1; j < r->present.n && j < k + 16; j++) {
            Contribution *other = &reverse_slot(r, r->present.at[j].def)->parts.at[r->present.at[j].part];
            if (calc_coefficient(p, other->coefficient, &other_scale) != base || !is_over(other, axes, rank))
                continue;
            if (!shared)
                shared = ir_read(p, ir_define(p, 0, ir_def(p, d)->elem, axes, rank, base), subs, rank);
            other->coefficient = ir_mul(p, ir_real(p, other_scale), shared);
        }
        if (shared)
            c->coefficient = ir_mul(p, ir_real(p, scale), shared);
    }
}

static void reverse_expr(Reverse *r, IrDef d, IrTerm body, IrDef adjoint) {
    IrProgram *p = r->p;
    IrIdx axes[IR_MAX_RANK], from[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(p, d)->rank;
    calc_open_axes(p, d, axes, subs);
    for (uint32_t k = 0; k < rank; k++)
        from[k] = ir_axis(p, k, ir_def(p, d)->extent[k]);
    body = ir_subst(p, body, from, subs, rank);
    const IrDefInfo *info = ir_def(p, adjoint);
    IrTerm seed = info->kind == IR_DEF_EXPR && calc_is_inline(p, info->body)
                      ? ir_at_subs(p, adjoint, subs)
                      : ir_read(p, adjoint, subs, rank);
    r->present.n = 0;
    reverse_term(r, body, ir_read(p, d, subs, rank), calc_within_support(p, seed, body), axes, rank);
    share_coefficients(r, d, axes, subs, rank);
}

static void reverse_concat(Reverse *r, IrDef d, IrDef adjoint) {
    IrProgram *p = r->p;
    IrDefInfo info = *ir_def(p, d);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        IrDef piece = info.pieces[k].def;
        if (!moves(r, piece))
            continue;
        IrIdx axes[IR_MAX_RANK];
        IrTerm subs[IR_MAX_RANK], at[IR_MAX_RANK];
        calc_open_axes(p, piece, axes, subs);
        uint32_t rank = ir_def(p, piece)->rank;
        if (info.rank == 1) {
            IrTerm place = ir_int(p, 0);
            for (uint32_t j = 0; j < rank; j++)
                place = ir_add(p, ir_mul(p, place, ir_int(p, (int64_t)ir_def(p, piece)->extent[j])), subs[j]);
            at[0] = ir_add(p, place, ir_int(p, (int64_t)info.pieces[k].at[0]));
        } else {
            for (uint32_t j = 0; j < rank; j++)
                at[j] = ir_add(p, subs[j], ir_int(p, (int64_t)info.pieces[k].at[j]));
        }
        reverse_contribute(r, piece, subs, ir_read(p, adjoint, at, info.rank), axes, rank);
    }
}

/* The costate, then what the row reads: for each such definition a term for every row, summed over the rows. */
static void reverse_scan(Reverse *r, IrDef d, IrDef adjoint) {
    IrProgram *p = r->p;
    IrScan scan = ir_scan_of(p, d);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    IrDef costate = calc_scan_costate(p, d, adjoint);
    r->failed |= !costate;
    if (r->failed)
        return;
    if (scan.start && moves(r, scan.start)) {
        calc_open_axes(p, scan.start, axes, subs);
        uint32_t rank = ir_def(p, scan.start)->rank;
        IrTerm at[IR_MAX_RANK];
        memcpy(at, subs, sizeof *subs * rank);
        if (scan.backward)
            at[0] = ir_add(p, at[0], ir_int(p, (int64_t)(scan.count - scan.lags)));
        reverse_contribute(r, scan.start, subs, ir_read(p, costate, at, rank), axes, rank);
    }
    CalcDefs reads = {0};
    calc_scan_reads(p, d, r->graph.active, r->graph.n_defs, &reads);
    IrDef *part = base_calloc(reads.n + 1, sizeof *part);
    r->failed |= !calc_scan_gradient(p, d, costate, reads.at, reads.n, part);
    for (uint32_t k = 0; k < reads.n && !r->failed; k++) {
        if (!part[k])
            continue;
        calc_open_axes(p, part[k], axes, subs);
        IrTerm value = ir_at_subs(p, part[k], subs);
        reverse_contribute(r, reads.at[k], subs + 1, value, axes, ir_def(p, part[k])->rank);
    }
    free(part);
    vec_free(&reads);
}

static void reverse_root(Reverse *r, IrDef d, IrDef adjoint) {
    CalcRootAdjoint parts = {0};
    r->failed |= !calc_root_adjoint(r->p, &r->graph, d, adjoint, &parts);
    for (uint32_t k = 0; k < parts.adjoint.n; k++)
        reverse_add_whole(r, parts.at.at[k], parts.adjoint.at[k]);
    vec_free(&parts.at);
    vec_free(&parts.adjoint);
}

static void reverse_step(Reverse *r, const Step *step) {
    IrProgram *p = r->p;
    IrDef d = step->def;
    if (!reverse_slot(r, d)->parts.n && !reverse_slot(r, d)->adjoint)
        return;
    IrDefInfo info = *ir_def(p, d);
    Span before = ir_at(p, info.span);
    IrDef adjoint = reverse_adjoint(r, d);
    switch (info.kind) {
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: break;
    case IR_DEF_EXPR: reverse_expr(r, d, step->body, adjoint); break;
    case IR_DEF_CONCAT: reverse_concat(r, d, adjoint); break;
    case IR_DEF_SCAN: reverse_scan(r, d, adjoint); break;
    case IR_DEF_LINALG:
        for (uint32_t k = 0; k < 2; k++)
            if (info.operand[k] && moves(r, info.operand[k]))
                reverse_add_whole(r, info.operand[k], calc_linalg_adjoint(p, d, adjoint, k));
        break;
    case IR_DEF_ROOT: reverse_root(r, d, adjoint); break;
    }
    ir_at(p, before);
}

static bool sweep(IrProgram *p, IrTerm t, const IrDef *wrt, uint32_t n, IrDef *grad, bool own_reads) {
    Reverse r = {.p = p, .wrt = wrt, .n_wrt = n};
    memset(grad, 0, sizeof *grad * n);
    if (!t)
        return false;
    r.graph = calc_graph(p, t, 0, wrt, n);
    r.arena = arena_new();
    order_steps(&r);
    IrTerm root = add_inner_steps(&r, ir_to_real(p, t), IR_F64);
    reverse_term(&r, root, 0, ir_real(p, 1), NULL, 0);
    for (uint32_t k = r.steps.n; k-- > 0 && !r.failed;) {
        Step step = r.steps.at[k];
        reverse_step(&r, &step);
    }
    for (uint32_t k = 0; k < n && !r.failed; k++)
        grad[k] = !own_reads ? reverse_gradient(&r, wrt[k]) : reverse_has_parts(&r, wrt[k]) ? reverse_adjoint(&r, wrt[k]) : 0;
    for (uint32_t k = 0; k < n && !r.failed; k++)
        r.failed = !grad[k] && (!own_reads || reverse_has_parts(&r, wrt[k]));
    for (uint32_t k = 0; k < r.n_slots; k++)
        vec_free(&r.slots[k].parts);
    free(r.slots);
    vec_free(&r.steps);
    vec_free(&r.present);
    arena_free(r.arena);
    calc_graph_free(&r.graph);
    return !r.failed;
}

bool calc_gradient(IrProgram *p, IrTerm t, const IrDef *wrt, uint32_t n, IrDef *grad) {
    return sweep(p, t, wrt, n, grad, false);
}

bool calc_gradient_of_reads(IrProgram *p, IrTerm t, const IrDef *wrt, uint32_t n, IrDef *grad) {
    return sweep(p, t, wrt, n, grad, true);
}

bool calc_vjp(IrProgram *p, IrDef y, IrDef weight, const IrDef *wrt, uint32_t n, IrDef *grad) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(p, y)->rank;
    calc_open_axes(p, y, axes, subs);
    IrTerm t = ir_mul(p, ir_read(p, weight, subs, rank), ir_read(p, y, subs, rank));
    for (uint32_t k = rank; k-- > 0;)
        t = ir_reduce(p, IR_SUM, axes[k], 0, t);
    return calc_gradient(p, t, wrt, n, grad);
}
