/* code — one derived run as machine code: which functions there are, planned and compiled together or taken from the
 * cache. Records that are due at the same moments share a function, so that what they have in common is computed
 * once. */
#include "driver.h"

#include "../../runtime/core/core.h"

#include <stdlib.h>
#include <string.h>

static bool is_same_schedule(const SemaRecord *a, const SemaRecord *b) {
    return a->event == b->event && a->unit == b->unit && (a->unit == EVERY_NONE || a->every == b->every);
}

static const IrAssign *assignment_of(const IrFunc *observe, IrDef target) {
    for (uint32_t g = 0; g < observe->groups.n; g++)
        for (uint32_t i = 0; i < observe->groups.at[g].n; i++)
            if (observe->groups.at[g].at[i].target == target)
                return &observe->groups.at[g].at[i];
    return NULL;
}

/* A function of one group that assigns the given outputs, cut from the observations. */
static IrFunc *cut(Session *session, const MechRun *mech, const char *name, const IrDef *targets, uint32_t n) {
    IrFunc *func = ARENA_NEW(session->arena, IrFunc);
    IrGroup group = {.at = ARENA_ARRAY(session->arena, IrAssign, n)};
    for (uint32_t i = 0; i < n; i++) {
        const IrAssign *assign = targets[i] ? assignment_of(&mech->observe, targets[i]) : NULL;
        if (assign)
            group.at[group.n++] = *assign;
    }
    func->name = name;
    func->groups.at = ARENA_NEW(session->arena, IrGroup);
    func->groups.at[0] = group;
    func->groups.n = func->groups.cap = group.n ? 1 : 0;
    return func;
}

/* Fills code->observer[k], the function of record k, and adds the functions to `list`. */
static void add_observers(Session *session, const MechRun *mech, Code *code, CodeFunctions *list) {
    const SemaRun *run = mech->run;
    IrDef *targets = ARENA_ARRAY(session->arena, IrDef, run->n_records + 3 * run->n_expects + 2);
    if (run->n_gathers)
        vec_push(list, cut(session, mech, "gather", mech->gathers, run->n_gathers));
    for (uint32_t k = 0; k < run->n_records; k++) {
        if (code->observer[k])
            continue;
        uint32_t n = 0;
        const char *name = arena_printf(session->arena, "observe_%u", k);
        for (uint32_t j = k; j < run->n_records; j++) {
            if (is_same_schedule(&run->records[k], &run->records[j])) {
                targets[n++] = mech->outputs[j];
                code->observer[j] = name;
            }
        }
        vec_push(list, cut(session, mech, name, targets, n));
    }
    if (run->n_expects)
        vec_push(list, cut(session, mech, "expects", mech->expects, 3 * run->n_expects));
    IrDef *monitored = ARENA_ARRAY(session->arena, IrDef, mech->n_charges + 2);
    monitored[0] = mech->loss;
    monitored[1] = mech->energy;
    for (uint32_t k = 0; k < mech->n_charges; k++)
        monitored[2 + k] = mech->charges[k].output;
    IrFunc *monitor = cut(session, mech, "monitor", monitored, mech->n_charges + 2);
    if (monitor->groups.n)
        vec_push(list, monitor);
}

uint32_t driver_threads(const Options *options, const SemaRun *run) {
    return options->threads ? options->threads : run->threads ? run->threads : rt_processor_count();
}

static CodeFunctions list_functions(Session *session, const MechRun *mech, Code *code) {
    CodeFunctions list = {0};
    vec_push(&list, &mech->init);
    if (mech->draw.groups.n)
        vec_push(&list, &mech->draw);
    if (mech->step.groups.n)
        vec_push(&list, &mech->step);
    if (mech->jet) {
        vec_push(&list, &mech->jet_first);
        vec_push(&list, &mech->jet_next);
    } else if (mech->rhs.groups.n) {
        vec_push(&list, &mech->rhs);
    }
    if (mech->hold) {
        vec_push(&list, &mech->hold->project);
        vec_push(&list, &mech->hold->inspect);
    }
    if (mech->event.groups.n)
        vec_push(&list, &mech->event);
    if (mech->part.groups.n)
        vec_push(&list, &mech->part);
    for (uint32_t k = 0; k < mech->run->n_events; k++)
        if (mech->events[k].act.groups.n)
            vec_push(&list, &mech->events[k].act);
    code->observer = ARENA_ARRAY(session->arena, const char *, mech->run->n_records);
    add_observers(session, mech, code, &list);
    return list;
}

/* Training in single precision may reassociate and fuse; trajectories and double precision keep every rounding. */
static bool is_fast(const Model *model, const MechRun *mech) {
    for (uint32_t i = 0; i < mech->run->n_vars; i++)
        if (mech->run->vars[i].kind != DECL_PARAM)
            return false;
    return model->is_f32;
}

static bool print_code(Session *session, const Code *code) {
    EmitModule *module = emit_module(session, code->plan, &(EmitOptions){0});
    if (!module)
        return false;
    Buf text = {0};
    emit_print(module, true, &text);
    fwrite(text.at, 1, text.n, stdout);
    buf_free(&text);
    emit_free(module);
    return true;
}

static bool compile(Session *session, Code *code, const CodeFunctions *list, const PlanOptions *plan,
                    const Options *options) {
    JitKey key = jit_key(code->ir, list->at, list->n, plan);
    bool only_code = options->emit && !strcmp(options->emit, "llvm"); /* what is printed must be made */
    if (!options->no_cache && !only_code)
        code->jit = jit_load(session, &key);
    code->from_cache = code->jit != NULL;
    if (code->jit)
        return true;
    if (only_code)
        return print_code(session, code);
    code->jit = jit_build(session, code->plan, rt_processor_count(), options->no_cache ? NULL : &key);
    return code->jit != NULL;
}

Code *code_build(Session *session, const Model *model, const MechRun *mech, const Options *options) {
    Code *code = ARENA_NEW(session->arena, Code);
    code->ir = model->ir;
    code->threads = driver_threads(options, mech->run);
    code->fast = is_fast(model, mech);
    CodeFunctions list = list_functions(session, mech, code);
    PlanOptions plan = {.threads = code->threads, .fast = code->fast};
    code->plan = plan_build(session, model->ir, list.at, list.n, &plan);
    bool ok = code->plan && compile(session, code, &list, &plan, options);
    vec_free(&list);
    if (ok)
        return code;
    code_free(code);
    return NULL;
}

void code_free(Code *code) {
    if (!code)
        return;
    jit_free(code->jit);
    plan_free(code->plan);
    code->jit = NULL;
    code->plan = NULL;
}
