/* changes — what differs between the calls of a function: what it assigns, volatile inputs, time, step, noise, and what
 * depends on these. */
#include "pass.h"

DefState *plan_state_of(FuncPlan *fp, IrDef d) {
    while (fp->state.n <= d)
        vec_push(&fp->state, (DefState){0});
    return &fp->state.at[d];
}

static IrDef root_of(const IrProgram *ir, IrDef d) {
    const IrDefInfo *info = ir_def(ir, d);
    return info->kind == IR_DEF_VIEW ? info->parent : d;
}

/* Whether two INPUTs or VIEWs share elements. */
static bool overlaps(IrProgram *ir, IrDef a, IrDef b) {
    const IrDefInfo *x = ir_def(ir, a), *y = ir_def(ir, b);
    if (root_of(ir, a) != root_of(ir, b))
        return false;
    uint64_t at_a = x->kind == IR_DEF_VIEW ? x->offset : 0, at_b = y->kind == IR_DEF_VIEW ? y->offset : 0;
    return at_a < at_b + ir_size(ir, b) && at_b < at_a + ir_size(ir, a);
}

/* So that most questions need no search. */
void plan_note_targets(FuncPlan *fp) {
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        for (uint32_t i = 0; i < fp->groups[g].n; i++) {
            IrDef target = fp->groups[g].at[i].target;
            plan_state_of(fp, target)->is_target = true;
            plan_state_of(fp, root_of(fp->plan->ir, target))->holds_target = true;
        }
    }
}

static bool is_assigned(FuncPlan *fp, IrDef d) {
    if (plan_state_of(fp, d)->is_target || !plan_state_of(fp, root_of(fp->plan->ir, d))->holds_target)
        return plan_state_of(fp, d)->is_target;
    for (uint32_t g = 0; g < fp->n_groups; g++)
        for (uint32_t i = 0; i < fp->groups[g].n; i++)
            if (overlaps(fp->plan->ir, fp->groups[g].at[i].target, d))
                return true;
    return false;
}

void plan_learn(FuncPlan *fp, IrDef d) {
    if (plan_state_of(fp, d)->known)
        return;
    plan_state_of(fp, d)->known = true;
    const IrDefInfo *info = ir_def(fp->plan->ir, d);
    bool outside = false, changing = false;
    if (info->kind == IR_DEF_INPUT || info->kind == IR_DEF_VIEW) {
        IrDef root = info->kind == IR_DEF_VIEW ? info->parent : d;
        const IrDefInfo *input = ir_def(fp->plan->ir, root);
        outside = input->volatile_ || input->role == IR_ROLE_BATCH || input->role == IR_ROLE_TIME ||
                  input->role == IR_ROLE_STEP || input->role == IR_ROLE_BOUND || input->role == IR_ROLE_UNKNOWN;
        changing = is_assigned(fp, d);
    } else {
        const PlanBody *body = &plan_def_of(fp->plan, d)->body;
        outside = body->noisy || (body->body && plan_has_op(fp->plan, body->body, IR_DRAW));
        for (uint32_t i = 0; i < plan_def_of(fp->plan, d)->body.deps.n; i++) {
            IrDef dep = plan_def_of(fp->plan, d)->body.deps.at[i];
            plan_learn(fp, dep);
            outside |= plan_state_of(fp, dep)->outside;
            changing |= plan_state_of(fp, dep)->changing;
        }
    }
    DefState *s = plan_state_of(fp, d);
    s->outside = outside;
    s->changing = changing || outside;
}

bool plan_is_fixed(void *context, IrDef d) {
    FuncPlan *fp = context;
    if (!fp->source->cyclic)
        return false;
    plan_learn(fp, d);
    return !plan_state_of(fp, d)->changing;
}
