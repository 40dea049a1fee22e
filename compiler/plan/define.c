/* define — definitions while they are normalized: what a term gets one of its own for, and what each kind of them reads.
 *
 * needs: definitions as mechanics left them.
 * gives: a PlanBody for each definition that is reached, that of a body from normal.c.
 * changes: nothing; adds definitions to the program. */
#include "../../runtime/rt.h"
#include "pass.h"

#define NEWTON_TRIPS 5.0 /* of Newton's method: what an equation computes is computed so often */

PlanDef *plan_def_of(Plan *plan, IrDef d) {
    uint32_t want = ir_def_count(plan->ir) + 1;
    while (plan->defs.n < want || plan->defs.n <= d)
        vec_push(&plan->defs, (PlanDef){0});
    return &plan->defs.at[d];
}

void plan_add_unique(DefList *list, IrDef d) {
    for (uint32_t i = 0; i < list->n; i++)
        if (list->at[i] == d)
            return;
    vec_push(list, d);
}

IrTerm plan_outline(Plan *plan, IrTerm t, IrElem elem, const IrIdx *order, uint32_t n_order, IrDef *made) {
    IrProgram *ir = plan->ir;
    uint32_t nf;
    const IrIdx *set = ir_set(ir, ir_node(ir, t)->free, &nf);
    IrIdx axes[2 * IR_MAX_RANK], fresh[2 * IR_MAX_RANK];
    IrTerm at[2 * IR_MAX_RANK], to[2 * IR_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_order; i++)
        axes[n++] = order[i];
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < nf && n < 2 * IR_MAX_RANK; i++) {
            bool is_axis = ir_index(ir, set[i])->kind == IR_AXIS, have = false;
            for (uint32_t k = 0; k < n; k++)
                have |= axes[k] == set[i];
            if (!have && is_axis == (pass == 0))
                axes[n++] = set[i];
        }
    bool flex = elem == IR_F64 && n == 0 && plan_term_is_flex(plan, t);
    Span before = ir_at(ir, ir_node(ir, t)->span);
    for (uint32_t i = 0; i < n; i++) {
        const IrIndex index = *ir_index(ir, axes[i]);
        fresh[i] = ir_fresh(ir, index.extent, index.name);
        to[i] = ir_idx(ir, fresh[i]);
        at[i] = ir_idx(ir, axes[i]);
    }
    IrTerm body = ir_subst(ir, t, axes, to, n);
    IrDef d = ir_define(ir, 0, elem, fresh, n, body);
    if (flex && ir_def(ir, d)->kind == IR_DEF_EXPR)
        ir_mark_flex(ir, d);
    ir_at(ir, before);
    plan_normalize_def(plan, d);
    if (made)
        *made = d;
    return ir_read(ir, d, at, n);
}

void plan_settle_contract(Plan *plan, PlanBody *body, uint32_t rank, const uint64_t *extent) {
    Contract c;
    if (body->form != FORM_CONTRACT)
        return;
    bool fits = plan_match(plan, body->body, rank, extent, &c), same = true;
    if (fits)
        same = ir_def(plan->ir, c.a)->elem == body->elem && ir_def(plan->ir, c.b)->elem == body->elem;
    if (fits && same) {
        plan_def_of(plan, c.a)->must = true;
        plan_def_of(plan, c.b)->must = true;
        return;
    }
    body->form = FORM_REDUCE;
    if (body->alpha || !same) {
        IrDef made;
        IrTerm read = plan_outline(plan, body->body, plan_term_elem(plan, body->body), NULL, 0, &made);
        body->body = body->alpha ? ir_mul(plan->ir, body->alpha, read) : read;
        body->alpha = 0;
        body->form = FORM_MAP;
        plan_add_unique(&body->deps, made);
    }
}

static void normalize_pieces(Plan *plan, IrDef d) {
    PlanBody body = {.form = FORM_CONCAT, .elem = ir_def(plan->ir, d)->elem};
    for (uint32_t i = 0; i < ir_def(plan->ir, d)->n_pieces; i++) {
        IrDef piece = ir_def(plan->ir, d)->pieces[i].def;
        plan_normalize_def(plan, piece);
        plan_def_of(plan, piece)->must = true;
        plan_add_unique(&body.deps, piece);
    }
    plan_def_of(plan, d)->body = body;
    plan_def_of(plan, d)->must = true;
}

static void normalize_linalg(Plan *plan, IrDef d) {
    PlanBody body = {.form = FORM_LINALG, .elem = ir_def(plan->ir, d)->elem};
    for (uint32_t i = 0; i < ir_linalg_reads(plan->ir, d); i++) {
        IrDef operand = ir_def(plan->ir, d)->operand[i];
        plan_normalize_def(plan, operand);
        plan_def_of(plan, operand)->must = true;
        plan_add_unique(&body.deps, operand);
    }
    plan_def_of(plan, d)->body = body;
    plan_def_of(plan, d)->must = true;
}

/* ---- regions ---- */

static PlanRegion region_of_scan(Plan *plan, IrDef d) {
    IrScan scan = ir_scan_of(plan->ir, d);
    PlanRegion r = {.kind = REGION_ROWS, .start = scan.start, .n_carried = 1 + scan.lags, .n_results = 1};
    r.carried[0] = scan.counter;
    memcpy(r.carried + 1, scan.before, sizeof *scan.before * scan.lags);
    r.result[0].def = scan.row;
    r.trips = (double)(scan.count - scan.lags);
    return r;
}

/* Newton's method: u − (∂r/∂u)⁻¹ r(u), the decisions between being those of runtime/linalg/newton.c. */
static PlanRegion region_of_root(Plan *plan, IrDef d) {
    const IrDefInfo info = *ir_def(plan->ir, d);
    PlanRegion r = {.kind = REGION_REPEAT, .start = info.start, .n_carried = 1, .n_results = 2, .trips = NEWTON_TRIPS};
    Span before = ir_at(plan->ir, info.span);
    r.carried[0] = info.unknown;
    r.block = ir_root_is_convex(plan->ir, d);
    r.begin = r.block ? "rt_newton_convex_begin_f64" : "rt_newton_begin_f64";
    r.result[0].def = info.operand[0];
    r.result[0].turn = r.block ? "rt_newton_convex_residual_f64" : "rt_newton_residual_f64";
    /* with blocks the runtime solves by itself */
    r.result[1].def = r.block ? info.operand[1] : ir_linalg(plan->ir, IR_SOLVE, info.operand[1], info.operand[0]);
    r.result[1].turn = r.block ? "rt_newton_convex_correct_f64" : "rt_newton_correct_f64";
    r.work = r.block ? RT_NEWTON_CONVEX_WORK(ir_size(plan->ir, d), r.block) : RT_NEWTON_WORK(ir_size(plan->ir, d));
    ir_at(plan->ir, before);
    return r;
}

/* Adds what the definitions inside of region d read from outside of it, `at` being reached from what it computes. */
static void add_outside(Plan *plan, PlanBody *body, IrDef d, IrDef at) {
    if (plan_def_of(plan, at)->mark == plan->walk)
        return;
    plan_def_of(plan, at)->mark = plan->walk;
    if (!ir_is_inside(plan->ir, d, at)) {
        plan_add_unique(&body->deps, at);
        return;
    }
    PlanBody inner = plan_def_of(plan, at)->body;
    body->noisy |= inner.noisy || (inner.body && plan_has_op(plan, inner.body, IR_DRAW));
    for (uint32_t i = 0; i < inner.deps.n; i++)
        add_outside(plan, body, d, inner.deps.at[i]);
}

static void normalize_region(Plan *plan, IrDef d) {
    PlanRegion *r = ARENA_NEW(plan->arena, PlanRegion);
    *r = ir_def(plan->ir, d)->kind == IR_DEF_SCAN ? region_of_scan(plan, d) : region_of_root(plan, d);
    PlanBody body = {.form = FORM_REGION, .elem = ir_def(plan->ir, d)->elem, .region = r};
    for (uint32_t k = 0; k < r->n_carried; k++)
        plan_normalize_def(plan, r->carried[k]);
    for (uint32_t k = 0; k < r->n_results; k++) {
        plan_normalize_def(plan, r->result[k].def);
        plan_def_of(plan, r->result[k].def)->must = true;
    }
    plan->walk++;
    for (uint32_t k = 0; k < r->n_results; k++)
        add_outside(plan, &body, d, r->result[k].def);
    if (r->start) {
        plan_normalize_def(plan, r->start);
        plan_def_of(plan, r->start)->must = true;
        plan_add_unique(&body.deps, r->start);
    }
    plan_def_of(plan, d)->body = body;
    plan_def_of(plan, d)->must = true;
}

void plan_normalize_def(Plan *plan, IrDef d) {
    if (plan_def_of(plan, d)->body.form != FORM_UNSEEN)
        return;
    const IrDefInfo *info = ir_def(plan->ir, d);
    PlanBody body = {.elem = info->elem};
    switch (info->kind) {
    case IR_DEF_INPUT:
        plan_def_of(plan, d)->body.form = FORM_INPUT;
        plan_def_of(plan, d)->body.elem = info->elem;
        return;
    case IR_DEF_VIEW:
        plan_normalize_def(plan, info->parent);
        body.form = FORM_VIEW;
        plan_add_unique(&body.deps, ir_def(plan->ir, d)->parent);
        plan_def_of(plan, d)->body = body;
        return;
    case IR_DEF_CONCAT: normalize_pieces(plan, d); return;
    case IR_DEF_LINALG: normalize_linalg(plan, d); return;
    case IR_DEF_SCAN:
    case IR_DEF_ROOT: normalize_region(plan, d); return;
    case IR_DEF_EXPR: break;
    }
    uint64_t extent[IR_MAX_RANK];
    memcpy(extent, info->extent, sizeof extent);
    plan_normalize_term(plan, info->body, info->elem, info->rank, extent, &body);
    plan_def_of(plan, d)->body = body;
}
