/* prepare — what a compiled run needs before its first step: a block of memory, the data it reads, the values of its
 * hyper-parameters, its functions, and the list of what makes up its state. */
#include "execution.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void execution_complain(const Execution *e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(e->arena, format, args);
    va_end(args);
    if (e->options->json) {
        json_t *object = json_pack("{s:s, s:s, s:s}", "event", "stopped", "run", e->spec->name, "message", text);
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    } else {
        bool colour = rt_out_has_colour(stderr);
        fprintf(stderr, "%serror:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", text);
    }
}

void execution_say(const Execution *e, int what, const RtSpot *spot, Aside aside, const char *format, ...) {
    static const char *const codes[] = {
#define SAYS(ident, code) [SAYS_##ident] = code,
#include "says.def"
#undef SAYS
    };
    va_list args;
    va_start(args, format);
    RtSaying saying = {.code = codes[what], .is_warning = aside.is_warning, .spot = *spot, .help = aside.help,
                       .note = aside.note, .text = arena_vprintf(e->arena, format, args)};
    va_end(args);
    e->options->say(e->options->context, &saying);
}

/* Which of the velocities that are solved for, by its name or its number. */
static const char *solved_velocity(const Execution *e, const RtOrigin *origin) {
    const char *names = origin->solved ? origin->solved : "q'";
    uint64_t commas = 0;
    for (const char *at = names; *at; at++)
        commas += *at == ',';
    if (origin->n > 1 && commas + 1 != origin->n)
        return arena_printf(e->arena, "%s (element %lld)", names, (long long)e->frame.bad_place);
    for (int64_t k = 0; origin->n > 1 && k < e->frame.bad_place; k++)
        names = strchr(names, ',') + 2;
    return arena_printf(e->arena, "%.*s", (int)strcspn(names, ","), names);
}

void execution_blame(const Execution *e, int32_t status) {
    const RtOrigin *origin = NULL;
    for (uint32_t i = 0; i < e->spec->n_origins && !origin; i++)
        if (e->spec->origins[i].def == e->frame.bad)
            origin = &e->spec->origins[i];
    if (!origin)
        return;
    const RtSpot *spot = &origin->spot;
    if (status == RT_NOT_CONVEX)
        execution_say(e, SAYS_NOT_CONVEX, spot, (Aside){.help = "a method such as dop853 moves (q, q') and needs no Legendre "
                      "transform"}, "the kinetic energy is not convex in the velocities: on the way to the velocities of these "
                      "momenta ∂²L/∂q'∂q' is negative along %s, and p = ∂L/∂q' may have several solutions",
                      solved_velocity(e, origin));
    else if (status == RT_NO_ROOT)
        execution_say(e, SAYS_NO_ROOT, spot, (Aside){0}, "Newton's method found no solution of this equation from where it "
                      "starts; a start nearer to it, or a smaller step, may have one");
    else if (status == RT_SINGULAR)
        execution_say(e, SAYS_NO_ROOT, spot, (Aside){0}, "the linear equations here have no solution, or many: their matrix "
                      "is singular");
    else if (status == RT_OUT_OF_RANGE)
        execution_say(e, SAYS_SUBSCRIPT, spot, (Aside){0}, "here a subscript left its axis during the run");
}

uint64_t execution_seed(const Execution *e) {
    return e->options->seed_given || !e->spec->has_seed ? e->options->seed : e->spec->seed;
}

RtFunction execution_function(const Execution *e, const char *name) {
    return name ? (RtFunction)e->symbol(e->code, name) : NULL;
}

bool execution_block(const RtPlace *place, RtBlock *block) {
    if (!place->there)
        return false;
    *block = (RtBlock){.name = place->name, .offset = place->offset, .elem = place->elem, .n = place->n};
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

double execution_scalar(const Execution *e, const RtPlace *place) {
    RtBlock block;
    return execution_block(place, &block) ? execution_value(e, &block, 0) : NAN;
}

/* ---- data ---- */

/* Data used as subscripts must be whole numbers within the axis. */
static bool check_limit(const Execution *e, const RtDataset *data, const RtArray *array) {
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
        execution_say(e, SAYS_DATA, &data->limit_spot, (Aside){0},
                      "`%s` is used as a subscript of an axis of %llu, and its element %llu is %lld", data->name,
                      (unsigned long long)data->limit, (unsigned long long)i, (long long)value);
        return false;
    }
    return true;
}

/* The rows of one part of a split. */
static bool deal_rows(Execution *e, uint32_t k) {
    const RtDataset *part = &e->spec->data[k];
    RtPart rows = {.rows = part->rows, .first = part->first, .count = part->count, .in_order = part->in_order,
                   .seed = part->has_seed ? part->seed : execution_seed(e)};
    RtMessage message;
    if (rt_part(&rows, &e->arrays[k], &message))
        return true;
    execution_complain(e, "data %s: %s", part->name, message.text);
    return false;
}

/* "[60000, 28, 28]" */
static const char *shape_text(const Execution *e, uint32_t rank, const uint64_t *extent) {
    const char *text = "[";
    for (uint32_t a = 0; a < rank; a++)
        text = arena_printf(e->arena, "%s%s%llu", text, a ? ", " : "", (unsigned long long)extent[a]);
    return arena_printf(e->arena, "%s]", text);
}

static bool read_data(Execution *e, uint32_t k, void **slot) {
    const RtDataset *data = &e->spec->data[k];
    RtMessage message;
    if (data->is_part) {
        bool dealt = deal_rows(e, k);
        *slot = e->arrays[k].values;
        return dealt;
    }
    char path[PATH_MAX];
    const char *from = data->path;
    for (size_t i = 0; i < e->options->n_data; i++)
        if (!strcmp(e->options->data[i].name, data->name))
            from = e->options->data[i].path;
    RtSource source = {.format = data->format, .path = path, .key = data->key, .key_or_only = data->key_or_only,
                       .columns = data->columns, .n_columns = data->n_columns, .except = data->except,
                       .n_except = data->n_except, .vector = data->vector, .left = data->left};
    const RtPlace *place = &data->place;
    RtArray *array = &e->arrays[k];
    if (!rt_data_find(from, e->options->directory, path, sizeof path, &message) ||
        !rt_data_read(&source, place->elem, 0, array, &message)) {
        execution_complain(e, "data %s: %s", data->name, message.text);
        return false;
    }
    bool same = array->shape.rank == place->rank;
    for (uint32_t a = 0; same && a < place->rank; a++)
        same = array->shape.extent[a] == place->extent[a];
    if (!same) {
        execution_complain(e, "data %s: %s is of shape %s, and the program was compiled for %s", data->name, path,
                           shape_text(e, array->shape.rank, array->shape.extent),
                           shape_text(e, place->rank, place->extent));
        return false;
    }
    *slot = array->values;
    return check_limit(e, data, array);
}

static bool load_all_data(Execution *e) {
    void **table = base_calloc(e->spec->slots + 1, sizeof *table);
    e->frame.data = table;
    e->arrays = base_calloc(e->spec->n_data + 1, sizeof *e->arrays);
    for (uint32_t k = 0; k < e->spec->n_data; k++) {
        const RtDataset *data = &e->spec->data[k];
        if (!data->used)
            continue;
        void *values = NULL;
        if (!read_data(e, k, &values))
            return false;
        if (data->is_slot)
            table[data->slot] = values;
        else
            memcpy(e->frame.mem + data->place.offset, values, data->place.n * rt_elem_size(data->place.elem));
    }
    return true;
}

/* ---- hyper-parameters and clocks ---- */

static void set_number(Execution *e, const RtNumber *number) {
    const RtPlace *place = &number->place;
    char *at = e->frame.mem + place->offset;
    if (!place->there)
        return;
    if (place->elem == RT_F64)
        memcpy(at, &number->value, sizeof number->value);
    else if (place->elem == RT_F32)
        memcpy(at, &(float){(float)number->value}, sizeof(float));
    else
        memcpy(at, &(int64_t){(int64_t)number->value}, sizeof(int64_t));
}

static double *clock_at(const Execution *e, const RtPlace *place) {
    return place->there && place->elem == RT_F64 ? (double *)(void *)(e->frame.mem + place->offset) : NULL;
}

static int64_t *integer_at(const Execution *e, const RtPlace *place) {
    return place->there ? (int64_t *)(void *)(e->frame.mem + place->offset) : NULL;
}

static bool check_step(const Execution *e) {
    double h = e->spec->h;
    if (e->spec->method || (isfinite(h) && h > 0))
        return true;
    execution_complain(e, "the step of %s must be a positive number; it is %g", e->spec->dynamics, h);
    return false;
}

/* ---- state, functions, length of the run ---- */

/* The places that some function uses. */
static const RtBlock *blocks(const Execution *e, const RtPlace *places, uint32_t n, uint32_t *found) {
    RtBlock *at = ARENA_ARRAY(e->arena, RtBlock, n + 1);
    *found = 0;
    for (uint32_t i = 0; i < n; i++)
        *found += execution_block(&places[i], &at[*found]);
    return at;
}

/* All of them: one that nothing uses is a block of no elements. */
static RtBlock *all_blocks(const Execution *e, const RtPlace *places, uint32_t n) {
    RtBlock *at = ARENA_ARRAY(e->arena, RtBlock, n + 1);
    for (uint32_t i = 0; i < n; i++)
        execution_block(&places[i], &at[i]);
    return at;
}

static void list_outputs(Execution *e) {
    const RtProgramRun *spec = e->spec;
    e->outputs = ARENA_ARRAY(e->arena, RtOutput, spec->n_records + 1);
    e->record_of = ARENA_ARRAY(e->arena, uint32_t, spec->n_records + 1);
    for (uint32_t k = 0; k < spec->n_records; k++) {
        const RtRecord *record = &spec->records[k];
        RtOutput output = {.observe = execution_function(e, record->observer), .unit = record->unit,
                           .every = record->every, .event = record->event};
        if (!execution_block(&record->place, &output.block) || !output.observe)
            continue;
        e->record_of[e->run.n_outputs] = k;
        e->outputs[e->run.n_outputs++] = output;
    }
    e->run.outputs = e->outputs;
}

static bool list_events(Execution *e) {
    const RtProgramRun *spec = e->spec;
    e->run.part = execution_function(e, spec->part);
    e->run.part_length = clock_at(e, &spec->part_length);
    if (spec->part && !(e->run.part && e->run.part_length))
        return false;
    if (!spec->n_events)
        return true;
    e->events = ARENA_ARRAY(e->arena, RtEvent, spec->n_events);
    for (uint32_t k = 0; k < spec->n_events; k++) {
        const RtWhen *when = &spec->events[k];
        e->events[k] = (RtEvent){.text = when->text, .kink = when->kink, .direction = when->direction, .stop_after = when->stop_after,
                                 .act = execution_function(e, when->act), .element = integer_at(e, &when->element),
                                 .count = integer_at(e, &when->count)};
        if (!execution_block(&when->value, &e->events[k].value))
            return false;
    }
    e->run.events = e->events;
    e->run.n_events = spec->n_events;
    e->run.event = execution_function(e, spec->event);
    e->run.whole_steps = !spec->method && spec->trains;
    return e->run.event && (e->run.method || e->run.whole_steps || (e->run.part && e->run.part_length));
}

/* Where the functions of the Taylor coefficients take and leave them. */
static void open_jets(Execution *e) {
    const RtProgramRun *spec = e->spec;
    RtJets *jets = &e->run.jets;
    jets->first = execution_function(e, spec->jet_first);
    jets->next = execution_function(e, spec->jet_next);
    jets->prepare = execution_function(e, arena_printf(e->arena, "%s_prepare", spec->jet_next));
    jets->rows = all_blocks(e, spec->jet_rows, spec->n_jet_rows);
    jets->order = clock_at(e, &spec->jet_order);
    jets->inverse = clock_at(e, &spec->jet_inverse);
    execution_block(&spec->jet_left, &jets->left);
    execution_block(&spec->jet_right, &jets->right);
    execution_block(&spec->jet_sums, &jets->sums);
}

/* The list of rows that minibatches are drawn from; NULL: all of them. False where it cannot be read. */
static bool rows_to_draw_from(Execution *e, const int64_t **rows) {
    *rows = NULL;
    if (!e->spec->batch_from)
        return true;
    uint32_t k = e->spec->batch_from - 1;
    void *values = e->arrays[k].values;
    if (!values && !read_data(e, k, &values))
        return false;
    *rows = values;
    return true;
}

static bool open_batches(Execution *e) {
    const RtProgramRun *spec = e->spec;
    e->run.data_rows = spec->batch_of;
    e->run.batch = spec->batch_size;
    if (!spec->batches)
        return true;
    RtMessage message;
    const int64_t *rows;
    if (!rows_to_draw_from(e, &rows))
        return false;
    e->run.batches = rt_batches_new(rows, spec->batch_of, spec->batch_size, execution_seed(e), true, &message);
    if (!e->run.batches) {
        execution_complain(e, "%s", message.text);
        return false;
    }
    e->run.rows = integer_at(e, &spec->batch);
    return e->run.rows != NULL;
}

/* How long the run is. Without batches an epoch is one step over all the data. */
static bool set_length(Execution *e) {
    const RtProgramRun *spec = e->spec;
    double steps = spec->duration;
    if (spec->unit == RT_FOR_TIME && spec->method) {
        e->run.end_time = spec->duration;
        return true;
    }
    if (spec->unit == RT_FOR_TIME) {
        steps = spec->duration / spec->h;
        double whole = floor(steps + 1e-9 * fmax(steps, 1));
        if (spec->part && steps - whole > 1e-9 * fmax(steps, 1)) {
            e->run.rest = steps - whole;
            e->run.ends_at = spec->duration;
        }
        steps = spec->part ? whole : ceil(steps * (1 - 1e-12) - 1e-9);
    }
    else if (spec->unit == RT_FOR_EPOCHS && e->run.batches)
        steps = ceil(spec->duration * (double)spec->batch_of / (double)spec->batch_size - 1e-9);
    if (!(steps >= 0 && steps < 9e15)) {
        execution_complain(e, "a run of %g steps is not possible", steps);
        return false;
    }
    e->run.steps = (uint64_t)steps;
    return true;
}

static bool set_method(Execution *e) {
    const RtProgramRun *spec = e->spec;
    if (!spec->method)
        return true;
    e->run.method = rt_method(spec->method);
    if (!e->run.method) {
        execution_complain(e, "the method %s is not in this build", spec->method);
        return false;
    }
    for (uint32_t i = 0; i < spec->n_method_args; i++) {
        double *target = rt_ode_option(&e->run.tolerance, spec->method_args[i].name); /* sema has checked the names */
        if (target)
            *target = spec->method_args[i].value;
    }
    return true;
}

/* The run's functions, and where what they read and write lies in the frame's memory. */
bool execution_connect(Execution *e) {
    const RtProgramRun *spec = e->spec;
    e->run.frame = &e->frame;
    e->run.h = spec->h;
    e->run.n_state = e->run.n_outputs = e->run.n_events = 0;
    e->run.time = clock_at(e, &spec->time);
    e->run.step_number = clock_at(e, &spec->step_number);
    e->run.init = execution_function(e, spec->init);
    e->run.step = execution_function(e, spec->step);
    e->run.rhs = execution_function(e, spec->rhs);
    if (e->run.rhs)
        e->run.stages = (RtStagesFunction)e->symbol(e->code, arena_printf(e->arena, "%s_stages", spec->rhs));
    if (spec->jet_next)
        open_jets(e);
    const char *advancing = spec->step ? spec->step : spec->rhs;
    if (advancing)
        e->run.prepare = execution_function(e, arena_printf(e->arena, "%s_prepare", advancing));
    e->monitor = execution_function(e, spec->monitor);
    e->expects = execution_function(e, "expects");
    if (e->monitor && execution_block(&spec->loss, &e->run.watched))
        e->run.watch = e->monitor;
    e->run.state = blocks(e, spec->state, spec->n_state, &e->run.n_state);
    list_outputs(e);
    e->run.y = all_blocks(e, spec->y, spec->n_y);
    e->run.dy = all_blocks(e, spec->dy, spec->n_y);
    e->run.n_y = spec->n_y;
    return hold_open(e) && list_events(e) && e->run.init && (e->run.step || e->run.rhs || e->run.jets.next);
}

bool execution_open(Execution *e) {
    uint64_t bytes = e->spec->memory;
    e->frame = (RtFrame){.seed = execution_seed(e)};
    e->frame.mem = rt_alloc_zeroed(bytes ? bytes : 64);
    if (!e->frame.mem) {
        execution_complain(e, "this run needs %.1f GB of memory, which is not there", (double)bytes / 1e9);
        return false;
    }
    uint32_t threads = e->options->threads ? e->options->threads : e->spec->threads;
    e->frame.pool = threads > 1 ? rt_pool_new(threads) : NULL;
    if (!load_all_data(e) || !check_step(e) || !open_batches(e) || !set_length(e) || !set_method(e))
        return false;
    for (uint32_t i = 0; i < e->spec->n_hypers; i++)
        set_number(e, &e->spec->hypers[i]);
    return execution_connect(e);
}

void execution_close(Execution *e) {
    hold_close(e);
    for (uint32_t k = 0; e->arrays && k < e->spec->n_data; k++)
        rt_array_free(&e->arrays[k]);
    free(e->arrays);
    free((void *)e->frame.data);
    rt_batches_free(e->run.batches);
    rt_pool_free(e->frame.pool);
    rt_free(e->frame.mem);
}
