/* prepare — what a compiled run needs before its first step: a block of memory, the data it reads, the values of its
 * hyper-parameters, its functions, and the list of what makes up its state. */
#include "execute.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void execution_complain(const Execution *e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(e->session->arena, format, args);
    va_end(args);
    if (e->options->json) {
        json_t *object = json_pack("{s:s, s:s, s:s}", "event", "stopped", "run", e->name, "message", text);
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    } else {
        bool colour = driver_colours(stderr);
        fprintf(stderr, "%serror:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", text);
    }
}

void execution_blame(const Execution *e, int32_t status) {
    if (!e->frame.bad)
        return;
    const IrDefInfo *bad = ir_def(e->model->ir, e->frame.bad);
    Span span = bad->span;
    if (!span.file)
        return;
    if (status == RT_NO_ROOT)
        diag_error(e->session, DIAG_NO_ROOT, span, "Newton's method found no solution of this equation from where it starts; "
                   "a start nearer to it, or a smaller step, may have one");
    else if (status == RT_SINGULAR)
        diag_error(e->session, DIAG_NO_ROOT, span, "the linear equations here have no solution, or many: their matrix is "
                   "singular");
    else if (status == RT_OUT_OF_RANGE)
        diag_error(e->session, DIAG_SUBSCRIPT_RANGE, span, "here a subscript left its axis during the run");
}

bool execution_block(const Execution *e, IrDef def, const char *name, RtBlock *block) {
    PlanPlace place;
    if (!def || !plan_place(e->code->plan, def, &place) || place.is_data)
        return false;
    *block = (RtBlock){.name = name, .offset = place.offset, .elem = (RtElem)place.elem,
                       .n = ir_size(e->model->ir, def)};
    return true;
}

double execution_value(const Execution *e, const RtBlock *block, uint64_t i) {
    const void *at = e->frame.mem + block->offset;
    switch (block->elem) {
    case RT_F64:
        return ((const double *)at)[i];
    case RT_F32:
        return (double)((const float *)at)[i];
    case RT_I64:
        return (double)((const int64_t *)at)[i];
    case RT_I32:
        return (double)((const int32_t *)at)[i];
    case RT_U8:
        return (double)((const uint8_t *)at)[i];
    }
    return NAN;
}

double execution_scalar(const Execution *e, IrDef def) {
    RtBlock block;
    return execution_block(e, def, "", &block) ? execution_value(e, &block, 0) : NAN;
}

/* ---- data ---- */

/* Data used as subscripts must be whole numbers within the axis. */
static bool check_limit(const Execution *e, const SemaData *data, const RtArray *array) {
    uint64_t n = 1;
    for (uint32_t a = 0; a < array->shape.rank; a++)
        n *= array->shape.extent[a];
    for (uint64_t i = 0; data->limit && i < n; i++) {
        int64_t value = array->shape.elem == RT_U8    ? ((const uint8_t *)array->values)[i]
                        : array->shape.elem == RT_I32 ? ((const int32_t *)array->values)[i]
                        : array->shape.elem == RT_I64 ? ((const int64_t *)array->values)[i]
                                                      : 0;
        if (value >= 0 && (uint64_t)value < data->limit)
            continue;
        diag_error(e->session, DIAG_DATA_FILE, data->limit_span,
                   "`%s` is used as a subscript of an axis of %llu, and its element %llu is %lld",
                   name_text(e->session->names, data->name), (unsigned long long)data->limit, (unsigned long long)i,
                   (long long)value);
        return false;
    }
    return true;
}

/* The rows of one part of a split. */
static bool deal_rows(Execution *e, uint32_t k) {
    const SemaPart *part = e->model->data[k].part;
    RtPart rows = {.rows = part->rows, .first = part->first, .count = part->count, .in_order = part->in_order,
                   .seed = part->has_seed ? part->seed : driver_seed(e->options, e->sema)};
    RtMessage message;
    if (rt_part(&rows, &e->arrays[k], &message))
        return true;
    execution_complain(e, "data %s: %s", name_text(e->session->names, e->model->data[k].name), message.text);
    return false;
}

static bool read_data(Execution *e, uint32_t k, void **slot) {
    const SemaData *data = &e->model->data[k];
    RtMessage message;
    if (data->part) {
        bool dealt = deal_rows(e, k);
        *slot = e->arrays[k].values;
        return dealt;
    }
    RtSource source;
    char path[PATH_MAX];
    const IrDefInfo *info = ir_def(e->model->ir, data->def);
    RtArray *array = &e->arrays[k];
    if (!load_source(&data->source, load_directory(e->session, e->options), &source, path, sizeof path, &message) ||
        !rt_data_read(&source, (RtElem)info->elem, 0, array, &message)) {
        execution_complain(e, "data %s: %s", name_text(e->session->names, data->name), message.text);
        return false;
    }
    bool same = array->shape.rank == info->rank;
    for (uint32_t a = 0; same && a < info->rank; a++)
        same = array->shape.extent[a] == info->extent[a];
    if (!same) {
        execution_complain(e, "data %s: %s has changed its shape since it was checked",
                           name_text(e->session->names, data->name), path);
        return false;
    }
    *slot = array->values;
    return check_limit(e, data, array);
}

static bool load_all_data(Execution *e) {
    uint32_t slots = plan_data_slots(e->code->plan);
    void **table = base_calloc(slots + 1, sizeof *table);
    e->frame.data = table;
    e->arrays = base_calloc(e->model->n_data + 1, sizeof *e->arrays);
    for (uint32_t k = 0; k < e->model->n_data; k++) {
        PlanPlace place;
        if (!plan_place(e->code->plan, e->model->data[k].def, &place))
            continue;
        void *values = NULL;
        if (!read_data(e, k, &values))
            return false;
        if (place.is_data)
            table[place.slot] = values;
        else
            memcpy(e->frame.mem + place.offset, values, place.bytes);
    }
    return true;
}

/* ---- hyper-parameters and clocks ---- */

static void set_number(Execution *e, IrDef def, double value) {
    PlanPlace place;
    if (!plan_place(e->code->plan, def, &place) || place.is_data)
        return;
    if (place.elem == IR_F64)
        memcpy(e->frame.mem + place.offset, &value, sizeof value);
    else if (place.elem == IR_F32)
        memcpy(e->frame.mem + place.offset, &(float){(float)value}, sizeof(float));
    else
        memcpy(e->frame.mem + place.offset, &(int64_t){(int64_t)value}, sizeof(int64_t));
}

static double *clock_at(const Execution *e, IrDef def) {
    PlanPlace place;
    if (!def || !plan_place(e->code->plan, def, &place) || place.is_data || place.elem != IR_F64)
        return NULL;
    return (double *)(void *)(e->frame.mem + place.offset);
}

/* The value of the step size, a scalar of the hyper-parameters. */
static bool evaluate_step(Execution *e) {
    const SemaRun *run = e->sema;
    e->h = 1;
    if (!run->by || run->method)
        return true;
    IrEnv *env = ir_env_new(e->model->ir);
    for (uint32_t i = 0; i < run->n_hypers; i++)
        ir_env_set(env, run->hypers[i].def, &run->hypers[i].value);
    bool ok = false;
    e->h = ir_eval(env, run->by, NULL, &ok);
    ir_env_free(env);
    if (ok && isfinite(e->h) && e->h > 0)
        return true;
    execution_complain(e, "the step of %s must be a positive number; it is %g", name_text(e->session->names, run->dynamics),
                       e->h);
    return false;
}

/* ---- state, functions, length of the run ---- */

static void add_state(Execution *e, IrDef def, const char *name) {
    RtBlock block;
    if (execution_block(e, def, name, &block))
        e->state[e->run.n_state++] = block;
}

static void list_state(Execution *e) {
    const SemaRun *run = e->sema;
    Arena *arena = e->session->arena;
    const Names *names = e->session->names;
    e->state = ARENA_ARRAY(arena, RtBlock, run->n_vars + 2 * run->n_bodies + run->n_states + 1);
    for (uint32_t i = 0; i < run->n_vars; i++)
        add_state(e, run->vars[i].q, name_text(names, run->vars[i].name));
    uint32_t direct = e->run.n_state;
    for (uint32_t i = 0; i < run->n_bodies; i++) {
        const SemaBody *body = &run->bodies[i];
        const char *name = run->block ? "the parameters" : name_text(names, body->name);
        if (!direct)
            add_state(e, body->q, name);
        add_state(e, body->v, arena_printf(arena, "the velocity of %s", name));
        add_state(e, body->p, arena_printf(arena, "the momentum of %s", name));
    }
    for (uint32_t i = 0; i < run->n_states; i++)
        add_state(e, run->states[i].s, name_text(names, run->states[i].name));
    e->run.state = e->state;
}

bool execution_flushes(const Execution *e) {
    for (uint32_t i = 0; i < e->sema->n_vars; i++)
        if (e->sema->vars[i].kind != DECL_PARAM)
            return false;
    return true;
}

static RtFunction symbol(const Execution *e, const char *name) {
    return (RtFunction)jit_symbol(e->code->jit, name);
}

static void list_outputs(Execution *e) {
    const SemaRun *run = e->sema;
    e->outputs = ARENA_ARRAY(e->session->arena, RtOutput, run->n_records + 1);
    e->record_of = ARENA_ARRAY(e->session->arena, uint32_t, run->n_records + 1);
    for (uint32_t k = 0; k < run->n_records; k++) {
        const SemaRecord *record = &run->records[k];
        RtOutput output = {.observe = symbol(e, e->code->observer[k]), .every = record->every > 0 ? record->every : 1};
        if (!execution_block(e, e->mech->outputs[k], record->text, &output.block) || !output.observe)
            continue;
        output.event = record->event ? record->event - 1 : 0;
        output.unit = record->event              ? RT_AT_EVENT
                      : record->unit == EVERY_TIME    ? RT_EVERY_TIME
                      : record->unit == EVERY_STEPS ? RT_EVERY_STEPS
                      : record->unit == EVERY_EPOCH ? RT_EVERY_EPOCH
                                                    : RT_AT_END;
        e->record_of[e->run.n_outputs] = k;
        e->outputs[e->run.n_outputs++] = output;
    }
    e->run.outputs = e->outputs;
}

static int64_t *integer_at(const Execution *e, IrDef def) {
    RtBlock block;
    return execution_block(e, def, "", &block) ? (int64_t *)(void *)(e->frame.mem + block.offset) : NULL;
}

static bool list_events(Execution *e) {
    const SemaRun *run = e->sema;
    const MechRun *mech = e->mech;
    if (!run->n_events)
        return true;
    e->events = ARENA_ARRAY(e->session->arena, RtEvent, run->n_events);
    for (uint32_t k = 0; k < run->n_events; k++) {
        const SemaEvent *event = &run->events[k];
        const IrFunc *act = &mech->events[k].act;
        e->events[k] = (RtEvent){.text = event->text, .direction = event->direction, .stop_after = event->stop_after,
                                 .act = act->groups.n ? symbol(e, act->name) : NULL,
                                 .element = integer_at(e, event->element), .count = integer_at(e, event->count)};
        if (!execution_block(e, mech->events[k].value, event->text, &e->events[k].value))
            return false;
    }
    e->run.events = e->events;
    e->run.n_events = run->n_events;
    e->run.event = symbol(e, mech->event.name);
    e->run.part = mech->part.groups.n ? symbol(e, mech->part.name) : NULL;
    e->run.part_length = clock_at(e, mech->part_length);
    e->run.whole_steps = !run->method && execution_flushes(e);
    return e->run.event && (run->method || e->run.whole_steps || (e->run.part && e->run.part_length));
}

static void list_blocks(Execution *e) {
    const MechRun *mech = e->mech;
    e->y = ARENA_ARRAY(e->session->arena, RtBlock, mech->n_y + 1);
    e->dy = ARENA_ARRAY(e->session->arena, RtBlock, mech->n_y + 1);
    for (uint32_t i = 0; i < mech->n_y; i++) {
        const IrDefInfo *info = ir_def(e->model->ir, mech->y[i]);
        const char *name = info->label || !info->name ? info->label : name_text(e->session->names, info->name);
        execution_block(e, mech->y[i], name, &e->y[i]);
        execution_block(e, mech->dy[i], "", &e->dy[i]);
    }
    e->run.y = e->y;
    e->run.dy = e->dy;
    e->run.n_y = mech->n_y;
}

/* Where the functions of the Taylor coefficients take and leave them. */
static void open_jets(Execution *e) {
    const MechRun *mech = e->mech;
    const CalcJet *jet = mech->jet;
    RtJets *jets = &e->run.jets;
    RtBlock *rows = ARENA_ARRAY(e->session->arena, RtBlock, mech->n_y + 1);
    for (uint32_t i = 0; i < mech->n_y; i++)
        execution_block(e, jet->rows[i], "", &rows[i]);
    jets->first = symbol(e, mech->jet_first.name);
    jets->next = symbol(e, mech->jet_next.name);
    jets->prepare = symbol(e, arena_printf(e->session->arena, "%s_prepare", mech->jet_next.name));
    jets->rows = rows;
    jets->order = clock_at(e, jet->order);
    jets->inverse = clock_at(e, jet->inverse);
    execution_block(e, jet->left, "", &jets->left);
    execution_block(e, jet->right, "", &jets->right);
    execution_block(e, jet->sums, "", &jets->sums);
}

/* The list of rows that minibatches are drawn from; NULL: all of them. False where it cannot be read. */
static bool rows_to_draw_from(Execution *e, const int64_t **rows) {
    *rows = NULL;
    for (uint32_t k = 0; k < e->model->n_data; k++) {
        if (e->model->data[k].def != e->sema->batch_from)
            continue;
        void *values = e->arrays[k].values;
        if (!values && !read_data(e, k, &values))
            return false;
        *rows = values;
    }
    return true;
}

static bool open_batches(Execution *e) {
    const SemaRun *run = e->sema;
    PlanPlace place;
    e->run.data_rows = run->batch_of;
    e->run.batch = run->batch_size;
    if (!run->batch)
        return true;
    RtMessage message;
    const int64_t *rows;
    if (!rows_to_draw_from(e, &rows))
        return false;
    e->run.batches = rt_batches_new(rows, run->batch_of, run->batch_size,
                                    driver_seed(e->options, run), true, &message);
    if (!e->run.batches) {
        execution_complain(e, "%s", message.text);
        return false;
    }
    if (plan_place(e->code->plan, run->batch, &place))
        e->run.rows = (int64_t *)(void *)(e->frame.mem + place.offset);
    return e->run.rows != NULL;
}

/* How long the run is. Without batches an epoch is one step over all the data. */
static bool set_length(Execution *e) {
    const SemaRun *run = e->sema;
    double steps = run->duration;
    if (run->unit == DURATION_TIME && run->method) {
        e->run.end_time = run->duration;
        return true;
    }
    if (run->unit == DURATION_TIME)
        steps = ceil(run->duration / e->h * (1 - 1e-12) - 1e-9);
    else if (run->unit == DURATION_EPOCHS && e->run.batches)
        steps = ceil(run->duration * (double)run->batch_of / (double)run->batch_size - 1e-9);
    if (!(steps >= 0 && steps < 9e15)) {
        execution_complain(e, "a run of %g steps is not possible", steps);
        return false;
    }
    e->run.steps = (uint64_t)steps;
    return true;
}

static bool set_method(Execution *e) {
    const SemaRun *run = e->sema;
    if (!run->method)
        return true;
    e->run.method = rt_method(run->method);
    if (!e->run.method) {
        execution_complain(e, "the method %s is not in this build", run->method);
        return false;
    }
    for (uint32_t i = 0; i < run->n_method_args; i++) {
        const char *name = name_ascii(e->session->names, run->method_names[i]);
        double *target = rt_ode_option(&e->run.tolerance, name); /* sema has checked the names */
        if (target)
            *target = run->method_values[i];
    }
    return true;
}

/* The run's functions, and where what they read and write lies in the frame's memory. */
bool execution_connect(Execution *e) {
    const MechRun *mech = e->mech;
    e->run.frame = &e->frame;
    e->run.h = e->h;
    e->run.n_state = e->run.n_outputs = e->run.n_events = 0;
    e->run.time = clock_at(e, e->sema->time);
    e->run.step_number = clock_at(e, e->sema->step);
    e->run.init = symbol(e, mech->init.name);
    e->run.step = mech->step.groups.n ? symbol(e, mech->step.name) : NULL;
    e->run.rhs = mech->rhs.groups.n && !mech->jet ? symbol(e, mech->rhs.name) : NULL;
    if (mech->jet)
        open_jets(e);
    const char *advancing = mech->step.groups.n ? mech->step.name : mech->jet ? NULL : mech->rhs.name;
    if (advancing)
        e->run.prepare = symbol(e, arena_printf(e->session->arena, "%s_prepare", advancing));
    e->monitor = symbol(e, "monitor");
    e->expects = symbol(e, "expects");
    if (e->monitor && mech->loss &&
        execution_block(e, mech->loss, execution_flushes(e) ? "the loss" : "the potential", &e->run.watched))
        e->run.watch = e->monitor;
    list_state(e);
    list_outputs(e);
    list_blocks(e);
    return hold_open(e) && list_events(e) && e->run.init && (e->run.step || e->run.rhs || e->run.jets.next);
}

bool execution_open(Execution *e) {
    uint64_t bytes = plan_memory(e->code->plan);
    e->frame = (RtFrame){.seed = driver_seed(e->options, e->sema)};
    e->frame.mem = rt_alloc_zeroed(bytes ? bytes : 64);
    if (!e->frame.mem) {
        execution_complain(e, "this run needs %.1f GB of memory, which is not there", (double)bytes / 1e9);
        return false;
    }
    e->frame.pool = e->code->threads > 1 ? rt_pool_new(e->code->threads) : NULL;
    if (!load_all_data(e) || !evaluate_step(e) || !open_batches(e) || !set_length(e) || !set_method(e))
        return false;
    for (uint32_t i = 0; i < e->sema->n_hypers; i++)
        set_number(e, e->sema->hypers[i].def, e->sema->hypers[i].value);
    return execution_connect(e);
}

void execution_close(Execution *e) {
    hold_close(e);
    for (uint32_t k = 0; e->arrays && k < e->model->n_data; k++)
        rt_array_free(&e->arrays[k]);
    free(e->arrays);
    free((void *)e->frame.data);
    rt_batches_free(e->run.batches);
    rt_pool_free(e->frame.pool);
    rt_free(e->frame.mem);
}
