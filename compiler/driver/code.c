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
    func->seldom = true;
    func->groups.at = ARENA_NEW(session->arena, IrGroup);
    func->groups.at[0] = group;
    func->groups.n = func->groups.cap = group.n ? 1 : 0;
    return func;
}

static const IrGroup *group_of(const IrFunc *func) {
    return func->groups.n ? &func->groups.at[0] : NULL;
}

/* What `value` says, looking through a number's definition. */
static IrTerm said(IrProgram *p, IrTerm value) {
    const IrNode *n = ir_node(p, value);
    if (n->op != IR_READ)
        return value;
    const IrDefInfo *info = ir_def(p, n->arg[0]);
    return info->kind == IR_DEF_EXPR && info->rank == 0 ? info->body : value;
}

/* Whether a function computes all values that another one of one group does. */
static bool computes(IrProgram *p, const IrFunc *func, const IrGroup *wanted) {
    const IrGroup *has = group_of(func);
    for (uint32_t i = 0; i < wanted->n; i++) {
        bool found = false;
        for (uint32_t k = 0; has && k < has->n && !found; k++)
            found = said(p, has->at[k].value) == said(p, wanted->at[i].value);
        if (!found)
            return false;
    }
    return true;
}

/* What is looked at while a run goes on: a function of its own, or part of the first one for records that computes it anyway. The loss is
 * looked at in every step of a word, and shown where something is trained. */
static void add_monitor(Session *session, const MechRun *mech, Code *code, IrFunc **observers, uint32_t n, CodeFunctions *list) {
    uint32_t n_monitored = mech->n_charges + 2;
    IrDef *monitored = ARENA_ARRAY(session->arena, IrDef, n_monitored);
    monitored[0] = mech->run->method && !driver_trains(mech->run) ? 0 : mech->loss;
    monitored[1] = mech->energy;
    for (uint32_t k = 0; k < mech->n_charges; k++)
        monitored[2 + k] = mech->charges[k].output;
    code->monitor = "monitor";
    IrFunc *monitor = cut(session, mech, code->monitor, monitored, n_monitored);
    const IrGroup *looks = group_of(monitor);
    for (uint32_t i = 0; looks && !monitored[0] && i < n; i++) {
        if (!computes(code->ir, observers[i], looks))
            continue;
        IrGroup *group = &observers[i]->groups.at[0];
        IrAssign *both = ARENA_ARRAY(session->arena, IrAssign, group->n + looks->n);
        memcpy(both, group->at, group->n * sizeof *both);
        memcpy(both + group->n, looks->at, looks->n * sizeof *both);
        *group = (IrGroup){both, group->n + looks->n};
        code->monitor = observers[i]->name;
        return;
    }
    if (looks)
        vec_push(list, monitor);
}

/* Fills code->observer[k], the function of record k, and adds the functions to `list`. */
static void add_observers(Session *session, const MechRun *mech, Code *code, CodeFunctions *list) {
    const SemaRun *run = mech->run;
    IrDef *targets = ARENA_ARRAY(session->arena, IrDef, run->n_records + 3 * run->n_expects + 2);
    IrFunc **observers = ARENA_ARRAY(session->arena, IrFunc *, run->n_records);
    uint32_t n_observers = 0;
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
        observers[n_observers] = cut(session, mech, name, targets, n);
        vec_push(list, observers[n_observers++]);
    }
    add_monitor(session, mech, code, observers, n_observers, list);
    if (run->n_expects)
        vec_push(list, cut(session, mech, "expects", mech->expects, 3 * run->n_expects));
}

bool driver_trains(const SemaRun *run) {
    for (uint32_t i = 0; i < run->n_vars; i++)
        if (run->vars[i].kind != DECL_PARAM)
            return false;
    return true;
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
        if (mech->hold->n)
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
    return driver_trains(mech->run) && model->is_f32;
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

/* Plans the functions, and makes their code where the cache does not have it. LLVM's library is opened beside the planning. */
static bool compile(Session *session, Code *code, const CodeFunctions *list, const Options *options) {
    PlanOptions plan = {.threads = code->threads, .fast = code->fast};
    JitKey key = jit_key(code->ir, list->at, list->n, &plan);
    bool only_code = options->emit && !strcmp(options->emit, "llvm"); /* what is printed must be made */
    if (!options->no_cache && !only_code)
        code->jit = jit_load(session, &key);
    code->from_cache = code->jit != NULL;
    if (!code->jit)
        emit_open_begin();
    code->plan = plan_build(session, code->ir, list->at, list->n, &plan);
    if (!code->plan || code->jit)
        return code->plan != NULL;
    if (only_code)
        return print_code(session, code);
    code->jit = jit_build(session, code->plan, rt_processor_count(), options->no_cache ? NULL : &key);
    return code->jit != NULL;
}

static Code *code_new(Session *session, const Model *model, const MechRun *mech, const Options *options) {
    Code *code = ARENA_NEW(session->arena, Code);
    code->ir = model->ir;
    code->threads = driver_threads(options, mech->run);
    code->fast = is_fast(model, mech);
    return code;
}

Code *code_build(Session *session, const Model *model, const MechRun *mech, const Options *options) {
    Code *code = code_new(session, model, mech, options);
    CodeFunctions list = list_functions(session, mech, code);
    bool ok = compile(session, code, &list, options);
    vec_free(&list);
    if (ok)
        return code;
    code_free(code);
    return NULL;
}

bool code_objects(Session *session, const Model *model, const MechRun *mech, const Options *options, Code **code,
                  RtCode **objects, uint32_t *n) {
    JitObjects made = {0};
    *code = code_new(session, model, mech, options);
    CodeFunctions list = list_functions(session, mech, *code);
    (*code)->plan = plan_build(session, model->ir, list.at, list.n,
                               &(PlanOptions){.threads = (*code)->threads, .fast = (*code)->fast});
    vec_free(&list);
    bool ok = (*code)->plan && jit_objects(session, (*code)->plan, rt_processor_count(), &made);
    *n = ok ? made.n : 0;
    *objects = ARENA_ARRAY(session->arena, RtCode, *n + 1);
    for (uint32_t i = 0; i < *n; i++)
        (*objects)[i] = (RtCode){.object = arena_copy(session->arena, made.at[i].at, made.at[i].n), .n_object = made.at[i].n};
    jit_objects_free(&made);
    return ok;
}

void code_free(Code *code) {
    if (!code)
        return;
    jit_free(code->jit);
    plan_free(code->plan);
    code->jit = NULL;
    code->plan = NULL;
}
