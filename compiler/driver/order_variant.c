/* order_variant — a run that is integrated again and again, with its own integrator and by methods with error control.
 *
 * It is derived and compiled without what it records and without its events, the step of a word or scheme as a number in
 * frame memory. */
#include "order.h"

#include "../../runtime/core/core.h"

#include <math.h>
#include <string.h>

static const double patience = 10; /* seconds for one integration */

/* ---- what moves ---- */

static bool reads(IrProgram *p, IrTerm t, IrDef d) { return t && ir_depends(p, t, d); }

/* Whether the motion, or a state that it reads, reads this one. `kept`: of the states, what is known so far. */
static bool is_read(IrProgram *p, const SemaRun *run, const bool *kept, IrDef state) {
    const SemaTerm *terms[] = {&run->lagrangian,  &run->hamiltonian, &run->kinetic, &run->potential,
                               &run->dissipation, &run->temperature, &run->metric};
    bool found = false;
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++)
        found = found || reads(p, terms[k]->term, state);
    for (uint32_t k = 0; k < run->n_forces; k++)
        found = found || reads(p, run->forces[k].value, state);
    for (uint32_t k = 0; k < run->n_bodies && run->pushes; k++)
        found = found || reads(p, run->pushes[k].value, state);
    for (uint32_t k = 0; k < run->n_constraints; k++)
        found = found || ir_def_depends(p, run->constraints[k].residual, state);
    for (uint32_t k = 0; k < run->n_flows; k++)
        for (uint32_t i = 0; i < run->flows[k].n; i++)
            found = found || reads(p, run->flows[k].rate[i], state) || run->flows[k].target[i] == state;
    for (uint32_t k = 0; k < run->n_states; k++)
        found = found || (kept[k] && (reads(p, run->states[k].rate, state) || reads(p, run->states[k].next, state)));
    return found;
}

static SemaWord without(Arena *arena, const SemaWord *word, Name part) {
    SemaWord out = *word;
    out.body = ARENA_ARRAY(arena, SemaWord, word->n + 1);
    out.n = 0;
    for (uint32_t k = 0; k < word->n; k++)
        if (word->body[k].part != part)
            out.body[out.n++] = word->body[k].part ? word->body[k] : without(arena, &word->body[k], part);
    return out;
}

/* States that change once a step and that nothing of the motion reads, such as the largest error so far, are left out: a
 * method of the runtime has no steps for them. */
static void drop_onlookers(const OrderSource *source, SemaRun *run) {
    IrProgram *p = source->model->ir;
    Arena *arena = source->session->arena;
    SemaState *states = ARENA_ARRAY(arena, SemaState, run->n_states + 1);
    bool *kept = ARENA_ARRAY(arena, bool, run->n_states + 1), changed = true;
    uint32_t n = 0;
    for (uint32_t k = 0; k < run->n_states; k++)
        kept[k] = !run->states[k].next;
    while (changed) {
        changed = false;
        for (uint32_t k = 0; k < run->n_states; k++)
            if (!kept[k] && is_read(p, run, kept, run->states[k].s))
                kept[k] = changed = true;
    }
    for (uint32_t k = 0; k < run->n_states; k++) {
        if (kept[k])
            states[n++] = run->states[k];
        else if (run->word.n)
            run->word = without(arena, &run->word, run->states[k].name);
    }
    run->states = states;
    run->n_states = n;
}

/* Nothing is looked at, one copy moves, and events do not happen. */
static SemaRun bare(const OrderSource *source) {
    SemaRun out = *source->run;
    out.n_records = out.n_expects = out.n_events = out.n_plots = out.n_gathers = 0;
    out.copies = 0;
    out.unit = DURATION_STEPS; /* its length is set for each integration */
    out.duration = 1;
    drop_onlookers(source, &out);
    return out;
}

/* The step of a word or scheme as a number set from outside, one more hyper-parameter. */
static IrDef free_step(const OrderSource *m, SemaRun *run, double h) {
    IrDef def = ir_scalar_input(m->model->ir, name_of(m->session->names, "h"), IR_ROLE_HYPER);
    SemaHyper *hypers = ARENA_ARRAY(m->session->arena, SemaHyper, run->n_hypers + 1);
    memcpy(hypers, run->hypers, run->n_hypers * sizeof *hypers);
    hypers[run->n_hypers] = (SemaHyper){.span = run->span, .def = def, .value = h};
    run->hypers = hypers;
    run->n_hypers++;
    run->by = ir_read0(m->model->ir, def);
    ir_mark_volatile(m->model->ir, def);
    return def;
}

bool order_block(const OrderVariant *v, IrDef def, RtBlock *block) {
    PlanPlace place;
    if (!def || !plan_place(v->code->plan, def, &place) || place.is_data)
        return false;
    *block = (RtBlock){.offset = place.offset, .elem = (RtElem)place.elem, .n = ir_size(v->code->ir, def)};
    return true;
}

static double *number_at(const OrderVariant *v, IrDef def) {
    RtBlock block;
    return order_block(v, def, &block) && block.elem == RT_F64 ? (double *)(void *)(v->r->frame->mem + block.offset) : NULL;
}

static void list_coordinates(OrderVariant *v, Arena *arena) {
    const SemaRun *run = &v->run;
    v->q = ARENA_ARRAY(arena, RtBlock, run->n_bodies + 1);
    for (uint32_t a = 0; a < run->n_bodies; a++)
        if (order_block(v, run->bodies[a].q, &v->q[v->n_q]))
            v->n += v->q[v->n_q++].n;
}

/* Called at the start of each integration: the energy there. */
static void started(void *context) {
    OrderVariant *v = context;
    bool ready = !v->r->prepare || !v->r->prepare(v->r->frame);
    v->energy0 = ready ? rt_trial_energy(v->trial) : NAN;
}

static void look_at_clock(void *context, const RtRunState *at) {
    OrderVariant *v = context;
    (void)at;
    v->stop = rt_now() - v->began > patience;
}

/* Derives, compiles and opens; false after errors, reported. */
static bool open_variant(OrderVariant *v, const OrderSource *source) {
    Session *session = source->session;
    v->mech = mech_derive(session, source->model, &v->run);
    v->code = v->mech ? code_build(session, source->model, v->mech, &source->options) : NULL;
    if (!v->code)
        return false;
    const RtProgramRun *spec = describe_run(session, source->model, v->mech, v->code);
    v->trial = rt_trial_new(source->host, spec, driver_symbol, v->code->jit);
    if (!v->trial)
        return false;
    v->r = rt_trial_run(v->trial);
    v->r->started = started;
    v->r->progress = look_at_clock;
    v->r->context = v;
    v->r->stop = &v->stop;
    list_coordinates(v, session->arena);
    return v->n > 0;
}

void order_close(OrderVariant *v) {
    rt_trial_free(v->trial);
    code_free(v->code);
    v->trial = NULL;
    v->code = NULL;
}

void order_open_reference(OrderVariant *v, const OrderSource *source, const char *method, double rtol, double atol) {
    Session *session = source->session;
    uint32_t messages = session->diags.n, errors = session->n_errors;
    *v = (OrderVariant){.run = bare(source)};
    SemaRun *run = &v->run;
    run->method = method;
    run->of_jets = rt_method(method)->of_jets;
    run->scheme = NULL;
    run->word = (SemaWord){0};
    run->by = 0;
    run->n_method_args = 2;
    run->method_names = ARENA_ARRAY(session->arena, Name, 2);
    run->method_values = ARENA_ARRAY(session->arena, double, 2);
    run->method_names[0] = name_of(session->names, "rtol");
    run->method_values[0] = rtol;
    run->method_names[1] = name_of(session->names, "atol");
    run->method_values[1] = atol;
    bool ok = !run->n_flows && open_variant(v, source); /* a method has no flows */
    session->diags.n = messages;
    session->n_errors = errors;
    if (!ok) {
        order_close(v);
        v->mech = NULL;
    }
}

bool order_open_own(OrderVariant *v, const OrderSource *source, double *h) {
    *v = (OrderVariant){.run = bare(source)};
    if (source->run->method) {
        bool ok = open_variant(v, source);
        *h = ok ? v->r->tolerance.h : 0;
        return ok;
    }
    MechRun *mech = mech_derive(source->session, source->model, &v->run);
    if (!mech)
        return false;
    *h = mech->step_size;
    IrTerm by = v->run.by;
    IrDef step = free_step(source, &v->run, *h);
    if (!open_variant(v, source))
        return false;
    v->h = number_at(v, step);
    for (uint32_t k = 0; k < source->run->n_hypers; k++)
        if (by == ir_read0(source->model->ir, source->run->hypers[k].def))
            v->hyper = number_at(v, source->run->hypers[k].def);
    return v->h != NULL;
}

/* ---- integrations ---- */

void order_set_steps(OrderVariant *v, double stretch, uint64_t steps) {
    RtRun *run = v->r;
    double h = stretch / (double)steps;
    if (run->method) {
        run->end_time = stretch;
        run->tolerance.h = run->tolerance.hmax = h;
        if (run->method->adaptive && !run->method->of_jets)
            run->tolerance.rtol = run->tolerance.atol = 1e100; /* the error control has nothing to say */
        return;
    }
    run->steps = steps;
    run->h = h;
    *v->h = h;
    if (v->hyper)
        *v->hyper = h;
}

static void read_block(const void *at, const RtBlock *block, double *values) {
    for (uint64_t i = 0; i < block->n; i++)
        values[i] = block->elem == RT_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}

bool order_integrate(OrderVariant *v, double *q, uint64_t *steps) {
    v->stop = 0;
    v->began = rt_now();
    RtRunResult result = rt_trial_integrate(v->trial);
    if (result.status != RT_OK)
        return false;
    *steps = result.ode.accepted;
    for (uint32_t b = 0; b < v->n_q; q += v->q[b++].n)
        read_block(v->r->frame->mem + v->q[b].offset, &v->q[b], q);
    return true;
}

double order_energy_error(OrderVariant *v) {
    double now = rt_trial_energy(v->trial);
    return fabs(now - v->energy0) / (fabs(v->energy0) > 1e-9 ? fabs(v->energy0) : 1); /* what is less is rounding of 0 */
}
