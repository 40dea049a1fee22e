/* plan — the passes of this folder in order, for each function. */
#include "pass.h"

static PlanFunc *new_func(Plan *plan, const IrFunc *source, uint32_t of, bool prepare) {
    PlanFunc *f = ARENA_NEW(plan->arena, PlanFunc);
    f->name = prepare ? arena_printf(plan->arena, "%s_prepare", source->name)
                      : arena_string(plan->arena, source->name, strlen(source->name));
    f->of = of;
    f->prepare = prepare;
    f->rates = prepare ? NULL : source->rates;
    f->copies = source->copies && !prepare;
    f->seldom = source->seldom;
    vec_push(&plan->funcs, f);
    return f;
}

static void build_func(FuncPlan *fp, bool prepare, uint32_t of) {
    KernelList kernels = {0};
    fp->func = new_func(fp->plan, fp->source, of, prepare);
    plan_schedule(fp, prepare);
    plan_fuse(fp, &kernels);
    plan_build_code(fp, &kernels);
    for (uint32_t k = 0; k < kernels.n; k++)
        vec_free(&kernels.at[k].ops);
    vec_free(&kernels);
    for (uint32_t i = 0; i < fp->ops.n; i++)
        vec_free(&fp->ops.at[i]->reads);
    fp->ops.n = 0;
}

static void plan_function(Plan *plan, const IrFunc *source, uint32_t of) {
    FuncPlan fp = {.plan = plan, .source = source};
    plan_analyze(&fp);
    build_func(&fp, false, of);
    plan->has_prepare[of] = fp.kept.n > 0;
    if (fp.kept.n)
        build_func(&fp, true, of);
    for (uint32_t g = 0; g < fp.n_groups; g++)
        for (uint32_t i = 0; i < fp.groups[g].n; i++) {
            vec_free(&fp.groups[g].at[i].body.deps);
            vec_free(&fp.groups[g].at[i].body.checks);
        }
    vec_free(&fp.state);
    vec_free(&fp.kept);
    vec_free(&fp.ops);
}

Plan *plan_build(Session *session, IrProgram *p, const IrFunc *const *funcs, uint32_t n,
                 const PlanOptions *options) {
    Plan *plan = base_calloc(1, sizeof *plan);
    plan->session = session;
    plan->ir = p;
    plan->arena = arena_new();
    plan->options = *options;
    plan->n_sources = n;
    plan->has_prepare = ARENA_ARRAY(plan->arena, bool, n + 1);
    vec_push(&plan->buffers, (PlanBuffer){0});
    for (uint32_t k = 0; k < n; k++)
        plan_function(plan, funcs[k], k);
    plan_lay_out(plan);
    return plan;
}

void plan_free(Plan *plan) {
    if (!plan)
        return;
    for (uint32_t d = 0; d < plan->defs.n; d++) {
        vec_free(&plan->defs.at[d].body.deps);
        vec_free(&plan->defs.at[d].body.checks);
    }
    for (uint32_t k = 0; k < plan->funcs.n; k++) {
        PlanFunc *f = plan->funcs.at[k];
        for (uint32_t i = 0; i < f->scopes.n; i++)
            vec_free(&f->scopes.at[i].body);
        for (uint32_t i = 0; i < f->calls.n; i++)
            vec_free(&f->calls.at[i].args);
        vec_free(&f->nodes);
        vec_free(&f->scopes);
        vec_free(&f->loops);
        vec_free(&f->calls);
    }
    vec_free(&plan->defs);
    vec_free(&plan->buffers);
    vec_free(&plan->funcs);
    vec_free(&plan->input_buffer);
    vec_free(&plan->term_seen);
    arena_free(plan->arena);
    free(plan);
}

/* ---- what others ask ---- */

uint64_t plan_elem_bytes(IrElem elem) {
    return elem == IR_U8 ? 1 : elem == IR_F32 || elem == IR_I32 ? 4 : 8;
}

uint32_t plan_place_buffer(const Plan *plan, IrDef input, uint64_t *first) {
    const IrDefInfo *info = ir_def(plan->ir, input);
    IrDef root = info->kind == IR_DEF_VIEW ? info->parent : input;
    *first = info->kind == IR_DEF_VIEW ? info->offset : 0;
    return root < plan->input_buffer.n ? plan->input_buffer.at[root] : 0;
}

bool plan_place(const Plan *plan, IrDef input, PlanPlace *place) {
    uint64_t skip;
    uint32_t buffer = plan_place_buffer(plan, input, &skip);
    if (!buffer)
        return false;
    const PlanBuffer *b = &plan->buffers.at[buffer];
    uint64_t size = plan_elem_bytes(b->elem);
    *place =
        (PlanPlace){b->is_data, b->slot, b->offset + skip * size, ir_size(plan->ir, input) * size, b->elem};
    return true;
}

uint64_t plan_memory(const Plan *plan) { return plan->memory; }
uint32_t plan_data_slots(const Plan *plan) { return plan->slots; }
bool plan_has_prepare(const Plan *plan, uint32_t k) { return k < plan->n_sources && plan->has_prepare[k]; }
const PlanOptions *plan_options(const Plan *plan) { return &plan->options; }
IrProgram *plan_program(const Plan *plan) { return plan->ir; }
uint32_t plan_func_count(const Plan *plan) { return plan->funcs.n; }
const PlanFunc *plan_func(const Plan *plan, uint32_t k) { return plan->funcs.at[k]; }
uint32_t plan_buffer_count(const Plan *plan) { return plan->buffers.n ? plan->buffers.n - 1 : 0; }
const PlanBuffer *plan_buffer(const Plan *plan, uint32_t buffer) { return &plan->buffers.at[buffer]; }
