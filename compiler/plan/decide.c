/* decide — what is computed in place at its uses and what gets a buffer.
 *
 * needs: normalized definitions; the bodies of all assignments of one function (roots).
 * gives: PlanDef.inlined, cost, evals for every definition the roots reach.
 * changes: nothing else.
 *
 * A definition of n elements costing c operations each, wanted e times in all, is computed in place when e·c
 * is not above n·(c + a store and a load). */
#include "pass.h"

#define STORE_AND_LOAD 5.0
#define DRAW_COST 64.0
#define SMALL_REDUCTION 16.0    /* iterations up to which a reduction may be put into its users' loops */
#define HOIST_COST 12.0         /* what never changes and costs this much is computed beforehand … */
#define HOIST_BYTES (64u << 20) /* … when it is not larger than this */

typedef struct Walk {
    Plan *plan;
    DefList order;   /* definitions before their users */
    uint32_t serial; /* of the walk over terms: see Plan.term_seen */
} Walk;

static bool first_time(Walk *w, IrTerm t) { return plan_first_time(w->plan, t, w->serial); }

static double term_cost(Walk *w, IrTerm t) {
    IrProgram *ir = w->plan->ir;
    IrNode node = *ir_node(ir, t);
    if (!first_time(w, t) || node.op == IR_CONST || node.op == IR_INDEX)
        return 0;
    double cost = ir_op_cost((IrOp)node.op);
    if (node.op == IR_READ) {
        PlanDef *d = plan_def_of(w->plan, node.arg[0]);
        cost = (d->body.form == FORM_MAP || d->body.form == FORM_REDUCE) && d->cost < STORE_AND_LOAD ? d->cost
                                                                                                     : 1;
        for (uint32_t i = 0; i < node.arg[2]; i++)
            cost += 0.25 * term_cost(w, ir_read_subs(ir, t)[i]);
        return cost;
    }
    if (node.op == IR_DRAW)
        return DRAW_COST + term_cost(w, node.arg[2]);
    if (ir_op_is_reduce((IrOp)node.op)) {
        double extent = (double)ir_index(ir, node.arg[0])->extent;
        double inside = 1 + term_cost(w, node.arg[2]);
        if (node.arg[1])
            inside = 0.5 * inside + term_cost(w, node.arg[1]);
        return extent * inside;
    }
    for (uint32_t i = 0; i < ir_op_arity((IrOp)node.op); i++)
        cost += term_cost(w, node.arg[i]);
    return cost;
}

double plan_term_cost(Plan *plan, IrTerm t) {
    Walk w = {.plan = plan, .serial = ++plan->term_serial};
    return term_cost(&w, t);
}

static void visit(Walk *w, IrDef d);

/* What region d computes in each iteration. */
static void visit_region(Walk *w, IrDef d) {
    const PlanRegion *r = plan_def_of(w->plan, d)->body.region;
    for (uint32_t k = 0; r && k < r->n_results; k++)
        visit(w, r->result[k].def);
    for (uint32_t i = 0; r && i < w->order.n; i++)
        if (ir_is_inside(w->plan->ir, d, w->order.at[i]))
            plan_def_of(w->plan, w->order.at[i])->repeats *= r->trips;
}

static void visit(Walk *w, IrDef d) {
    PlanDef *def = plan_def_of(w->plan, d);
    if (def->mark == w->plan->walk)
        return;
    def->mark = w->plan->walk;
    def->evals = 0;
    def->repeats = 1;
    for (uint32_t i = 0; i < plan_def_of(w->plan, d)->body.deps.n; i++)
        visit(w, plan_def_of(w->plan, d)->body.deps.at[i]);
    visit_region(w, d);
    vec_push(&w->order, d);
    def = plan_def_of(w->plan, d);
    if (def->body.form == FORM_MAP || def->body.form == FORM_REDUCE) {
        w->serial = ++w->plan->term_serial;
        double cost = term_cost(w, def->body.body);
        plan_def_of(w->plan, d)->cost = cost;
    }
}

/* ---- counting uses ---- */

typedef struct Nest { /* the loops a body runs in, outermost first */
    IrIdx index[PLAN_MAX_LOOPS];
    double extent[PLAN_MAX_LOOPS];
    uint32_t n;
    bool reduces;
} Nest;

static void push_loop(IrProgram *ir, Nest *nest, IrIdx index) {
    if (nest->n == PLAN_MAX_LOOPS)
        return;
    nest->index[nest->n] = index;
    nest->extent[nest->n++] = (double)ir_index(ir, index)->extent;
}

static void mark_indices(IrProgram *ir, IrTerm t, const Nest *nest, bool *used, double *others) {
    IrNode node = *ir_node(ir, t);
    if (node.op == IR_INDEX) {
        for (uint32_t i = 0; i < nest->n; i++)
            if (nest->index[i] == node.arg[0]) {
                used[i] = true;
                return;
            }
        *others *= (double)ir_index(ir, node.arg[0])->extent;
        return;
    }
    for (uint32_t i = 0; node.op == IR_READ && i < node.arg[2]; i++)
        mark_indices(ir, ir_read_subs(ir, t)[i], nest, used, others);
    for (uint32_t i = 0; i < ir_op_arity((IrOp)node.op); i++)
        mark_indices(ir, node.arg[i], nest, used, others);
}

/* How often a read is evaluated in the nest: in the innermost loop one of its subscripts depends on, so once
 * for every iteration of that loop and all around it. The loops of a reduction may still be put into another
 * order: what is costly counts in all of them. */
static double evaluations(Plan *plan, const Nest *nest, IrTerm read) {
    bool used[PLAN_MAX_LOOPS] = {false}, any = false;
    double total = 1, outer = 1;
    mark_indices(plan->ir, read, nest, used, &total);
    for (uint32_t i = 0; i < nest->n; i++)
        any |= used[i];
    bool all = any && nest->reduces && plan_def_of(plan, ir_node(plan->ir, read)->arg[0])->cost >= HOIST_COST;
    for (uint32_t i = nest->n; i-- > 0;)
        if (used[i] || outer > 1 || all)
            outer *= nest->extent[i];
    return total * outer;
}

/* Adds `times` evaluations of the body t to what it reads. */
static void count_reads(Walk *w, const Nest *nest, IrTerm t, double times) {
    IrProgram *ir = w->plan->ir;
    if (!first_time(w, t))
        return;
    IrNode node = *ir_node(ir, t);
    if (node.op == IR_READ) {
        for (uint32_t i = 0; i < node.arg[2]; i++)
            count_reads(w, nest, ir_read_subs(ir, t)[i], times);
        plan_def_of(w->plan, node.arg[0])->evals += times * evaluations(w->plan, nest, t);
        return;
    }
    if (node.op == IR_DRAW)
        count_reads(w, nest, node.arg[2], times);
    if (ir_op_is_reduce((IrOp)node.op)) {
        if (node.arg[1])
            count_reads(w, nest, node.arg[1], times);
        count_reads(w, nest, node.arg[2], times);
    }
    for (uint32_t i = 0; i < ir_op_arity((IrOp)node.op); i++)
        count_reads(w, nest, node.arg[i], times);
}

/* Counts what a body over these axes reads, evaluated `times` times for each of its elements. */
static void count_body(Walk *w, IrTerm body, uint32_t rank, const uint64_t *extent, double times) {
    IrProgram *ir = w->plan->ir;
    Nest nest = {.n = 0};
    for (uint32_t i = 0; i < rank; i++)
        push_loop(ir, &nest, ir_axis(ir, i, extent[i]));
    for (IrTerm t = body; ir_op_is_reduce((IrOp)ir_node(ir, t)->op); t = ir_node(ir, t)->arg[2])
        push_loop(ir, &nest, ir_node(ir, t)->arg[0]);
    nest.reduces = nest.n > rank;
    w->serial = ++w->plan->term_serial;
    count_reads(w, &nest, body, times);
}

static double reduce_extent(IrProgram *ir, IrTerm t) {
    double product = 1;
    while (ir_op_is_reduce((IrOp)ir_node(ir, t)->op)) {
        product *= (double)ir_index(ir, ir_node(ir, t)->arg[0])->extent;
        t = ir_node(ir, t)->arg[2];
    }
    return product;
}

static bool should_inline(Plan *plan, IrDef d, bool may_hoist) {
    PlanDef *def = plan_def_of(plan, d);
    if (def->must || (def->body.form != FORM_MAP && def->body.form != FORM_REDUCE))
        return false;
    double size = (double)ir_size(plan->ir, d);
    bool is_map = def->body.form == FORM_MAP;
    /* log Σ exp, put together again, would fold back into the reduction it was taken apart from. */
    IrNode top = *ir_node(plan->ir, def->body.body);
    if (top.op == IR_SUM && ir_node(plan->ir, top.arg[2])->op == IR_EXP)
        return false;
    if (!is_map &&
        (ir_def(plan->ir, d)->rank == 0 || reduce_extent(plan->ir, def->body.body) > SMALL_REDUCTION))
        return false;
    if (is_map && size <= 1)
        return true;
    if (may_hoist && def->cost >= HOIST_COST && size * 8 <= HOIST_BYTES)
        return false;
    return def->evals * def->cost <= size * def->repeats * (def->cost + STORE_AND_LOAD) * 1.001;
}

void plan_decide(Plan *plan, const DecideRoot *roots, uint32_t n_roots, PlanIsFixed is_fixed, void *context) {
    Walk w = {.plan = plan};
    plan->walk++;
    for (uint32_t i = 0; i < n_roots; i++)
        for (uint32_t k = 0; k < roots[i].body->deps.n; k++)
            visit(&w, roots[i].body->deps.at[k]);
    for (uint32_t i = 0; i < n_roots; i++) {
        IrDefInfo target = *ir_def(plan->ir, roots[i].target);
        count_body(&w, roots[i].body->body, target.rank, target.extent, 1);
    }
    for (uint32_t i = w.order.n; i-- > 0;) {
        IrDef d = w.order.at[i];
        bool inlined = should_inline(plan, d, is_fixed(context, d));
        PlanDef *def = plan_def_of(plan, d);
        def->inlined = inlined;
        def->expanded = 0;
        if (!def->body.body)
            continue;
        IrDefInfo info = *ir_def(plan->ir, d);
        count_body(&w, def->body.body, info.rank, info.extent,
                   inlined ? def->evals / (double)ir_size(plan->ir, d) : def->repeats);
    }
    vec_free(&w.order);
}

/* ---- expansion ---- */

static IrTerm expand_def(Plan *plan, IrDef d) {
    PlanDef *def = plan_def_of(plan, d);
    if (!def->expanded) {
        IrTerm body = plan_expand(plan, def->body.body);
        plan_def_of(plan, d)->expanded = body;
    }
    return plan_def_of(plan, d)->expanded;
}

static IrTerm expand_read(IrProgram *ir, void *context, IrTerm read) {
    Plan *plan = context;
    IrNode node = *ir_node(ir, read);
    if (!plan_def_of(plan, node.arg[0])->inlined)
        return read;
    IrTerm body = expand_def(plan, node.arg[0]), to[IR_MAX_RANK];
    IrIdx from[IR_MAX_RANK];
    memcpy(to, ir_read_subs(ir, read), sizeof *to * node.arg[2]);
    for (uint32_t i = 0; i < node.arg[2]; i++)
        from[i] = ir_axis(ir, i, ir_def(ir, node.arg[0])->extent[i]);
    return ir_subst(ir, body, from, to, node.arg[2]);
}

IrTerm plan_expand(Plan *plan, IrTerm t) { return ir_map_reads(plan->ir, t, expand_read, plan); }
