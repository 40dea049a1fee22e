/* schedule — versions: what is computed, when, and what is kept between calls.
 *
 * needs: a function's groups of assignments; normalized definitions and decide's choices.
 * gives: FuncPlan.ops in an order that may be run as it stands.
 * changes: buffers are made for what is computed.
 *
 * A definition is computed when it is wanted and its buffer does not hold the present version. An assignment
 * outdates everything that depends on its target. Of a cyclic function, two kinds of definitions are kept
 * between calls: those that nothing in a call changes, and those wanted when the call begins whose value when
 * the call ends is that of the next beginning (they depend on nothing that changes outside the function, and
 * the call computes them again after the last assignment they depend on). NAME_prepare computes both kinds
 * once. */
#include "pass.h"

/* ---- versions ---- */

static void want_body(FuncPlan *fp, const PlanBody *body);
static void want(FuncPlan *fp, IrDef d);

/* Copies `from`, which lies elsewhere, to element `at` of scan d, or to the row that is computed. */
static void copy_rows(FuncPlan *fp, IrDef d, IrDef from, uint64_t at, bool row) {
    uint64_t base, extent[IR_MAX_RANK];
    uint32_t buffer = plan_buffer_of(fp, d, &base);
    if (!fp->record)
        return;
    memcpy(extent, ir_def(fp->plan->ir, from)->extent, sizeof extent);
    const PlanBody *copy = plan_simple_body(fp, ir_read_whole(fp->plan->ir, from), ir_def(fp->plan->ir, d)->elem);
    Op *op = plan_body_op(fp, d, copy, ir_def(fp->plan->ir, from)->rank, extent, 0, buffer, base + at);
    if (row) {
        op->out[0].place = op->out[0].scan = d;
        op->out[0].lag = 0;
    } else {
        plan_out_place(fp, &op->out[0], d);
    }
    plan_push_op(fp, op);
}

/* What is computed in region d is another thing in the next iteration, and nothing after the last one. */
static void forget_inside(FuncPlan *fp, IrDef d) {
    fp->epoch++;
    for (IrDef k = 1; k < fp->state.n; k++)
        if (fp->state.at[k].valid && ir_is_inside(fp->plan->ir, d, k))
            fp->state.at[k].valid = fp->state.at[k].untouched = false;
}

static void push_edge(FuncPlan *fp, OpKind kind, IrDef region, uint32_t turn, uint32_t keeps) {
    if (!fp->record)
        return;
    Op *op = plan_new_op(fp, kind, region, NULL, 0, NULL);
    op->turn = turn;
    op->buffer = keeps;
    plan_push_op(fp, op);
}

/* What was carried out of the last iteration is the value of d. */
static void take_carried(FuncPlan *fp, IrDef d, IrDef carried) {
    uint64_t at, extent[IR_MAX_RANK];
    if (!fp->record)
        return;
    memcpy(extent, ir_def(fp->plan->ir, d)->extent, sizeof extent);
    uint32_t buffer = plan_buffer_of(fp, d, &at);
    const PlanBody *copy = plan_simple_body(fp, ir_read_whole(fp->plan->ir, carried), ir_def(fp->plan->ir, d)->elem);
    Op *op = plan_body_op(fp, d, copy, ir_def(fp->plan->ir, d)->rank, extent, d, buffer, at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
}

/* The operations of a region, with its edges around them. What it needs from outside has been computed. */
static void compute_region(FuncPlan *fp, IrDef d) {
    const PlanRegion *r = plan_def_of(fp->plan, d)->body.region;
    bool rows = r->kind == REGION_ROWS;
    uint32_t keeps = r->work && fp->record ? plan_new_buffer(fp->plan, IR_F64, r->work, d, true) : 0;
    if (rows && r->start && plan_def_of(fp->plan, r->start)->home != d)
        copy_rows(fp, d, r->start, plan_start_place(fp->plan->ir, d), false);
    push_edge(fp, OP_OPEN, d, 0, keeps);
    fp->epoch++;
    for (uint32_t k = 0; k < r->n_results; k++) {
        want(fp, r->result[k].def);
        if (r->result[k].turn)
            push_edge(fp, OP_TURN, d, k, keeps);
        else if (plan_def_of(fp->plan, r->result[k].def)->home != d)
            copy_rows(fp, d, r->result[k].def, 0, true);
    }
    push_edge(fp, OP_CLOSE, d, 0, 0);
    forget_inside(fp, d);
    if (!rows)
        take_carried(fp, d, r->carried[0]);
}

/* Makes d and what it reads valid. While nothing is outdated, a definition wanted once stays so: the walk comes
 * to each once, also to those computed where they are used. */
static void want(FuncPlan *fp, IrDef d) {
    PlanDef *def = plan_def_of(fp->plan, d);
    if (def->body.form == FORM_INPUT || def->body.form == FORM_VIEW || plan_state_of(fp, d)->seen == fp->epoch)
        return;
    plan_state_of(fp, d)->seen = fp->epoch;
    if (def->inlined) {
        PlanBody body = def->body;
        want_body(fp, &body);
        return;
    }
    DefState *s = plan_state_of(fp, d);
    if (s->valid) {
        s->wanted |= s->kept && s->untouched;
        return;
    }
    s->valid = true;
    s->wanted |= s->untouched;
    PlanBody body = def->body;
    want_body(fp, &body);
    s = plan_state_of(fp, d);
    s->computed++;
    s->untouched = false;
    if (body.region)
        compute_region(fp, d);
    else if (fp->record)
        plan_compute_op(fp, d);
}

static void want_body(FuncPlan *fp, const PlanBody *body) {
    for (uint32_t i = 0; i < body->deps.n; i++)
        want(fp, body->deps.at[i]);
}

/* After assignments to the group's targets. */
static void outdate(FuncPlan *fp, const AssignGroup *group) {
    IrProgram *ir = fp->plan->ir;
    uint32_t n = ir_def_count(ir) + 1;
    uint8_t *moved = base_calloc(n, 1);
    for (uint32_t i = 0; i < group->n; i++)
        moved[group->at[i].target] = 1;
    ir_spread(ir, moved);
    fp->epoch++;
    for (IrDef d = 1; d < fp->state.n; d++) {
        IrDefKind kind = ir_def(ir, d)->kind;
        if (moved[d] && kind != IR_DEF_INPUT && kind != IR_DEF_VIEW)
            fp->state.at[d].valid = fp->state.at[d].untouched = false;
    }
    free(moved);
}

/* ---- groups ---- */

static void run_groups(FuncPlan *fp) {
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        AssignGroup *group = &fp->groups[g];
        for (uint32_t i = 0; i < group->n; i++)
            want_body(fp, &group->at[i].body);
        if (fp->record)
            plan_schedule_group(fp, group);
        if (g + 1 < fp->n_groups || fp->source->cyclic) /* else nothing is asked for after it */
            outdate(fp, group);
    }
}

static void begin(FuncPlan *fp, bool kept) {
    fp->epoch++;
    for (IrDef d = 0; d < fp->state.n; d++) {
        DefState *s = &fp->state.at[d];
        s->valid = kept && s->kept;
        s->untouched = true;
        s->computed = 0;
        s->wanted = false;
    }
}

/* Two rehearsals: the first finds what could be kept, the second which of that is asked for. */
static void find_kept(FuncPlan *fp) {
    fp->record = false;
    plan_state_of(fp, ir_def_count(fp->plan->ir));
    if (!fp->source->cyclic)
        return;
    begin(fp, false);
    run_groups(fp);
    for (IrDef d = 1; d < fp->state.n; d++) {
        if (!fp->state.at[d].computed)
            continue;
        plan_learn(fp, d);
        DefState *s = &fp->state.at[d];
        bool carried = s->computed > 1 && s->wanted && s->valid && !s->outside;
        s->kept = !s->changing || carried;
    }
    begin(fp, true);
    run_groups(fp);
    for (IrDef d = 1; d < fp->state.n; d++) {
        DefState *s = &fp->state.at[d];
        s->kept = s->kept && s->wanted;
        if (!s->kept)
            continue;
        vec_push(&fp->kept, d);
        uint64_t at;
        uint32_t buffer = plan_buffer_of(fp, d, &at);
        fp->plan->buffers.at[buffer].is_scratch = false;
    }
}

void plan_analyze(FuncPlan *fp) {
    Plan *plan = fp->plan;
    IrProgram *ir = plan->ir;
    VEC(DecideRoot) roots = {0};
    fp->n_groups = fp->source->groups.n;
    fp->groups = ARENA_ARRAY(plan->arena, AssignGroup, fp->n_groups + 1);
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        const IrGroup *group = &fp->source->groups.at[g];
        fp->groups[g] = (AssignGroup){.at = ARENA_ARRAY(plan->arena, Assign, group->n + 1), .n = group->n};
        for (uint32_t i = 0; i < group->n; i++) {
            Assign *a = &fp->groups[g].at[i];
            uint64_t extent[IR_MAX_RANK];
            a->target = group->at[i].target;
            a->span = group->at[i].span;
            plan_normalize_def(plan, a->target);
            memcpy(extent, ir_def(ir, a->target)->extent, sizeof extent);
            plan_normalize_term(plan, group->at[i].value, ir_def(ir, a->target)->elem,
                                ir_def(ir, a->target)->rank, extent, &a->body);
            vec_push(&roots, (DecideRoot){&a->body, a->target});
        }
    }
    plan_note_targets(fp);
    plan_decide(plan, roots.at, roots.n, plan_is_fixed, fp);
    plan_find_homes(fp);
    vec_free(&roots);
    find_kept(fp);
}

void plan_schedule(FuncPlan *fp, bool prepare) {
    fp->record = true;
    fp->in_prepare = prepare;
    fp->ops.n = 0;
    begin(fp, !prepare);
    if (!prepare) {
        run_groups(fp);
        return;
    }
    for (uint32_t i = 0; i < fp->kept.n; i++)
        want(fp, fp->kept.at[i]);
}
