/* describe — a derived and compiled run as the runtime executes it: places in frame memory in the place of definitions,
 * symbols in the place of functions, texts in the place of names. */
#include "driver.h"

#include <math.h>
#include <string.h>

typedef struct Describer {
    Session *session;
    Arena *arena;
    const Model *model;
    const MechRun *mech;
    const SemaRun *sema;
    const Code *code;
    RtProgramRun *out;
} Describer;

static const char *text_of(const Describer *d, Name name) { return name_text(d->session->names, name); }

static void count_lines(Session *session, RtSpot *spot) {
    const Source *source = source_get(session, spot->file);
    if (!source)
        return;
    spot->path = source->path;
    source_position(source, spot->start, &spot->line, &spot->column);
}

static RtSpot spot_of(const Describer *d, Span span) {
    RtSpot spot = {.file = span.file, .start = span.start, .end = span.end};
    count_lines(d->session, &spot);
    return spot;
}

/* A name that is the same in every run that moves or reads this declaration. */
static uint64_t declaration(Span span) { return (uint64_t)span.file << 32 | span.start; }

/* The shape of a definition, and where it lies in frame memory. */
static RtPlace place_of(const Describer *d, IrDef def, const char *name) {
    RtPlace place = {.name = name};
    if (!def)
        return place;
    const IrDefInfo *info = ir_def(d->model->ir, def);
    PlanPlace at;
    place.rank = info->rank;
    place.elem = (RtElem)info->elem;
    place.n = ir_size(d->model->ir, def);
    memcpy(place.extent, info->extent, sizeof *info->extent * info->rank);
    if (!plan_place(d->code->plan, def, &at) || at.is_data)
        return place;
    place.there = true;
    place.offset = at.offset;
    place.elem = (RtElem)at.elem;
    return place;
}

/* The same of a coordinate, which may be a window of the run's block. */
static RtPlace place_of_view(const Describer *d, IrDef def) {
    const IrDefInfo *info = def ? ir_def(d->model->ir, def) : NULL;
    if (!info || info->kind != IR_DEF_VIEW)
        return place_of(d, def, "");
    RtPlace place = place_of(d, info->parent, "");
    place.offset += info->offset * rt_elem_size(place.elem);
    place.n = ir_size(d->model->ir, def);
    return place;
}

static const char *symbol_of(const IrFunc *func) { return func->groups.n ? func->name : NULL; }

/* ---- what is read ---- */

static RtDataset data_of(const Describer *d, const SemaData *data) {
    const SemaSource *source = &data->source;
    RtDataset out = {.name = text_of(d, data->name), .format = source->reader, .path = source->path, .key = source->key,
                     .key_or_only = source->key_or_only, .columns = source->columns, .n_columns = source->n_columns,
                     .except = source->except, .n_except = source->n_except, .vector = source->vector,
                     .left = source->left == COLUMNS_LAST       ? RT_COLUMNS_LAST
                             : source->left == COLUMNS_BUT_LAST ? RT_COLUMNS_BUT_LAST
                                                                : RT_COLUMNS_ALL, .limit = data->limit};
    PlanPlace at;
    out.place = place_of(d, data->def, out.name);
    out.place.elem = (RtElem)ir_def(d->model->ir, data->def)->elem;
    if (plan_place(d->code->plan, data->def, &at)) {
        out.used = true;
        out.is_slot = at.is_data;
        out.slot = at.slot;
    }
    if (data->part) {
        out.is_part = true;
        out.rows = data->part->rows;
        out.first = data->part->first;
        out.count = data->part->count;
        out.in_order = data->part->in_order;
        out.has_seed = data->part->has_seed;
        out.seed = data->part->seed;
    }
    if (data->limit)
        out.limit_spot = spot_of(d, data->limit_span);
    return out;
}

static void describe_data(const Describer *d) {
    RtProgramRun *out = d->out;
    out->data = ARENA_ARRAY(d->arena, RtDataset, d->model->n_data + 1);
    out->n_data = d->model->n_data;
    for (uint32_t k = 0; k < out->n_data; k++) {
        out->data[k] = data_of(d, &d->model->data[k]);
        if (d->sema->batch_from && d->model->data[k].def == d->sema->batch_from)
            out->batch_from = k + 1;
    }
    out->hypers = ARENA_ARRAY(d->arena, RtNumber, d->sema->n_hypers + 1);
    out->n_hypers = d->sema->n_hypers;
    for (uint32_t i = 0; i < out->n_hypers; i++) {
        const SemaHyper *hyper = &d->sema->hypers[i];
        const char *name = text_of(d, hyper->name);
        out->hypers[i] = (RtNumber){.name = name, .value = hyper->value, .place = place_of(d, hyper->def, name)};
    }
}

/* ---- what moves ---- */

static void add_state(const Describer *d, IrDef def, const char *name) {
    RtPlace place = place_of(d, def, name);
    if (place.there)
        d->out->state[d->out->n_state++] = place;
}

static void describe_state(const Describer *d) {
    const SemaRun *run = d->sema;
    d->out->state = ARENA_ARRAY(d->arena, RtPlace, run->n_vars + 3 * run->n_bodies + run->n_states + 1);
    for (uint32_t i = 0; i < run->n_vars; i++)
        add_state(d, run->vars[i].q, text_of(d, run->vars[i].name));
    uint32_t direct = d->out->n_state;
    for (uint32_t i = 0; i < run->n_bodies; i++) {
        const SemaBody *body = &run->bodies[i];
        const char *name = run->block ? "the parameters" : text_of(d, body->name);
        if (!direct)
            add_state(d, body->q, name);
        add_state(d, body->v, arena_printf(d->arena, "the velocity of %s", name));
        add_state(d, body->p, arena_printf(d->arena, "the momentum of %s", name));
    }
    for (uint32_t i = 0; i < run->n_states; i++)
        add_state(d, run->states[i].s, text_of(d, run->states[i].name));
}

/* What runs take over from earlier ones and leave for later ones. */
static void describe_kept(const Describer *d) {
    const SemaRun *run = d->sema;
    RtProgramRun *out = d->out;
    out->takes = ARENA_ARRAY(d->arena, RtKeep, run->n_states + 1);
    for (uint32_t i = 0; i < run->n_states; i++) {
        const SemaState *state = &run->states[i];
        if (state->held)
            out->takes[out->n_takes++] =
                (RtKeep){.declared = declaration(state->span), .place = place_of(d, state->s, ""),
                         .velocity = ir_def(d->model->ir, state->s)->role == IR_ROLE_VELOCITY};
    }
    out->leaves = ARENA_ARRAY(d->arena, RtKeep, 2 * run->n_vars + 1);
    for (uint32_t i = 0; i < run->n_vars; i++) {
        const SemaVar *var = &run->vars[i];
        uint64_t declared = declaration(var->span);
        out->leaves[out->n_leaves++] = (RtKeep){.declared = declared, .place = place_of_view(d, var->q)};
        out->leaves[out->n_leaves++] =
            (RtKeep){.declared = declared, .velocity = true, .place = place_of_view(d, var->v)};
    }
}

static RtPlace *places_of(const Describer *d, const IrDef *defs, uint32_t n) {
    RtPlace *places = ARENA_ARRAY(d->arena, RtPlace, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const IrDefInfo *info = ir_def(d->model->ir, defs[i]);
        places[i] = place_of(d, defs[i], info->label || !info->name ? info->label : text_of(d, info->name));
    }
    return places;
}

static void describe_motion(const Describer *d) {
    const SemaRun *run = d->sema;
    const MechRun *mech = d->mech;
    RtProgramRun *out = d->out;
    out->init = mech->init.name;
    out->draw = symbol_of(&mech->draw);
    out->step = symbol_of(&mech->step);
    out->rhs = mech->jet ? NULL : symbol_of(&mech->rhs);
    out->part = symbol_of(&mech->part);
    out->event = symbol_of(&mech->event);
    out->monitor = d->code->monitor;
    out->part_length = place_of(d, mech->part_length, "");
    out->time = place_of(d, run->time, "t");
    out->step_number = place_of(d, run->step, "k");
    out->copy = place_of(d, run->copy, "copy");
    out->loss = place_of(d, mech->loss, mech->loss ? out->trains ? "the loss" : "the potential" : NULL);
    out->energy = place_of(d, mech->energy, mech->energy ? "energy" : NULL);
    out->n_y = out->n_dy = mech->n_y;
    out->y = places_of(d, mech->y, mech->n_y);
    out->dy = places_of(d, mech->dy, mech->n_y);
    const CalcJet *jet = mech->jet;
    if (!jet)
        return;
    out->jet_first = mech->jet_first.name;
    out->jet_next = mech->jet_next.name;
    out->n_jet_rows = mech->n_y;
    out->jet_rows = places_of(d, jet->rows, mech->n_y);
    out->jet_left = place_of(d, jet->left, "");
    out->jet_right = place_of(d, jet->right, "");
    out->jet_sums = place_of(d, jet->sums, "");
    out->jet_order = place_of(d, jet->order, "");
    out->jet_inverse = place_of(d, jet->inverse, "");
}

/* The function that advances a run, where it was made for several copies at once, too: its symbols, and the buffers that
 * outlive a call and that it loads from or stores to. */
static void describe_lanes(const Describer *d) {
    const Plan *plan = d->code->plan;
    const char *name = d->out->step ? d->out->step : d->out->rhs;
    const PlanFunc *func = NULL;
    for (uint32_t k = 0; name && k < plan_func_count(plan); k++)
        if (plan_func(plan, k)->copies && !strcmp(plan_func(plan, k)->name, name))
            func = plan_func(plan, k);
    if (!func)
        return;
    d->out->lanes = arena_printf(d->arena, "%s_lanes", name);
    d->out->lanes_count = arena_printf(d->arena, "%s_lanes_count", name);
    d->out->moved = ARENA_ARRAY(d->arena, RtPlace, plan_buffer_count(plan) + 1);
    bool *seen = ARENA_ARRAY(d->arena, bool, plan_buffer_count(plan) + 1);
    for (uint32_t v = 1; v < func->nodes.n; v++) {
        const PlanNode *n = &func->nodes.at[v];
        if (n->kind != PLAN_LOAD && n->kind != PLAN_STORE && n->kind != PLAN_ZERO)
            continue;
        const PlanBuffer *b = plan_buffer(plan, (uint32_t)n->bits);
        if (seen[n->bits] || b->is_data || b->is_scratch)
            continue;
        seen[n->bits] = true;
        d->out->moved[d->out->n_moved++] =
            (RtPlace){.there = true, .name = "", .offset = b->offset, .elem = (RtElem)b->elem, .n = b->count};
    }
}

static void describe_constraints(const Describer *d) {
    const MechHold *hold = d->mech->hold;
    RtProgramRun *out = d->out;
    if (!hold)
        return;
    out->project = hold->project.name;
    out->inspect = hold->n ? hold->inspect.name : NULL;
    out->violation = place_of(d, hold->violation, "c");
    out->rate = place_of(d, hold->rate, "c'");
    out->jacobian = place_of(d, hold->jacobian, "J");
    out->n_constraints = hold->n;
    out->constraints = ARENA_ARRAY(d->arena, RtConstraint, hold->n);
    for (uint32_t k = 0; k < hold->n; k++)
        out->constraints[k] = (RtConstraint){.spot = spot_of(d, hold->at[k].span), .rows = hold->at[k].rows,
                                             .holonomic = hold->at[k].holonomic,
                                             .kept = place_of(d, hold->at[k].kept, "kept")};
    out->held = ARENA_ARRAY(d->arena, RtPlace, 2 * d->sema->n_bodies);
    for (uint32_t a = 0; a < d->sema->n_bodies; a++) {
        const SemaBody *body = &d->sema->bodies[a];
        out->held[out->n_held++] = place_of(d, body->q, "q");
        if (!d->mech->first_order)
            out->held[out->n_held++] = place_of(d, d->mech->stores_p ? body->p : body->v, "q'");
    }
}

/* ---- how long ---- */

/* The value of the step size, a scalar of the hyper-parameters; NaN where it has none. */
static double step_size(const Describer *d) {
    const SemaRun *run = d->sema;
    if (!run->by || run->method)
        return 1;
    IrEnv *env = ir_env_new(d->model->ir);
    for (uint32_t i = 0; i < run->n_hypers; i++)
        ir_env_set(env, run->hypers[i].def, &run->hypers[i].value);
    bool ok = false;
    double h = ir_eval(env, run->by, NULL, &ok);
    ir_env_free(env);
    return ok ? h : NAN;
}

static void describe_length(const Describer *d) {
    const SemaRun *run = d->sema;
    RtProgramRun *out = d->out;
    out->h = step_size(d);
    out->duration = run->duration;
    out->unit = run->unit == DURATION_TIME ? RT_FOR_TIME : run->unit == DURATION_EPOCHS ? RT_FOR_EPOCHS : RT_FOR_STEPS;
    out->batches = run->batch != 0;
    out->batch = place_of(d, run->batch, "batch");
    out->batch_size = run->batch_size;
    out->batch_of = run->batch_of;
    out->copies = run->copies;
    out->method = run->method;
    out->method_args = ARENA_ARRAY(d->arena, RtNumber, run->n_method_args + 1);
    out->n_method_args = run->n_method_args;
    for (uint32_t i = 0; i < run->n_method_args; i++)
        out->method_args[i] = (RtNumber){.name = name_ascii(d->session->names, run->method_names[i]),
                                         .value = run->method_values[i]};
}

/* ---- what comes out ---- */

static RtEvery every_of(const SemaRecord *record) {
    if (record->event)
        return RT_AT_EVENT;
    switch (record->unit) {
    case EVERY_TIME: return RT_EVERY_TIME;
    case EVERY_STEPS: return RT_EVERY_STEPS;
    case EVERY_EPOCH: return RT_EVERY_EPOCH;
    case EVERY_NONE: break;
    }
    return RT_AT_END;
}

static void describe_records(const Describer *d) {
    static const RtRecordForm forms[] = {[RECORD_SERIES] = RT_RECORD_SERIES, [RECORD_PRINT] = RT_RECORD_PRINT,
                                         [RECORD_SAVE] = RT_RECORD_SAVE, [RECORD_PLOT] = RT_RECORD_PLOT};
    RtProgramRun *out = d->out;
    out->n_records = d->sema->n_records;
    out->records = ARENA_ARRAY(d->arena, RtRecord, out->n_records + 1);
    for (uint32_t k = 0; k < out->n_records; k++) {
        const SemaRecord *record = &d->sema->records[k];
        RtRecord *to = &out->records[k];
        *to = (RtRecord){.text = record->text, .form = forms[record->form], .unit = every_of(record),
                         .every = record->every > 0 ? record->every : 1, .event = record->event ? record->event - 1 : 0,
                         .plot = record->plot, .path = record->path, .observer = d->code->observer[k],
                         .place = place_of(d, d->mech->outputs[k], record->text),
                         .is_time = record->value == d->sema->time && !strcmp(record->text, "t")};
        to->n_axes = to->place.rank;
        to->axes = ARENA_ARRAY(d->arena, const char *, to->n_axes + 1);
        for (uint32_t a = 0; a < to->n_axes; a++) {
            Name name = ir_axis_name(d->model->ir, d->mech->outputs[k], a);
            if (!name)
                name = ir_axis_name(d->model->ir, record->value, a);
            to->axes[a] = name ? text_of(d, name) : "";
        }
    }
}

static void describe_plots(const Describer *d) {
    RtProgramRun *out = d->out;
    out->n_plots = d->sema->n_plots;
    out->plots = ARENA_ARRAY(d->arena, RtPicture, out->n_plots + 1);
    for (uint32_t k = 0; k < out->n_plots; k++) {
        const SemaPlot *plot = &d->sema->plots[k];
        out->plots[k] = (RtPicture){.spot = spot_of(d, plot->span), .form = plot->form, .first = plot->first, .n = plot->n,
                                    .over_run = plot->over_run, .title = plot->title, .x_label = plot->x_label,
                                    .y_label = plot->y_label, .x_log = plot->x_log, .y_log = plot->y_log,
                                    .equal = plot->equal, .apart = plot->apart, .has_pivot = plot->has_pivot,
                                    .pivot = {plot->pivot[0], plot->pivot[1]}, .bins = plot->bins, .path = plot->path};
    }
}

static RtRelation relation_of(BinaryOp op) {
    static const RtRelation relations[] = {[BINARY_EQ] = RT_EQ, [BINARY_NE] = RT_NE, [BINARY_LT] = RT_LT,
                                           [BINARY_LE] = RT_LE, [BINARY_GT] = RT_GT, [BINARY_GE] = RT_GE};
    return relations[op];
}

static void describe_expects(const Describer *d) {
    RtProgramRun *out = d->out;
    out->n_expects = d->sema->n_expects;
    out->expects = ARENA_ARRAY(d->arena, RtExpect, out->n_expects + 1);
    for (uint32_t k = 0; k < out->n_expects; k++) {
        const SemaExpect *expect = &d->sema->expects[k];
        const IrDef *at = &d->mech->expects[3 * k];
        out->expects[k] = (RtExpect){.spot = spot_of(d, expect->span), .text = expect->text,
                                     .relation = relation_of(expect->op), .a = place_of(d, at[0], ""),
                                     .b = place_of(d, at[1], ""), .within = place_of(d, at[2], ""),
                                     .has_within = expect->within != 0};
    }
}

static void describe_events(const Describer *d) {
    RtProgramRun *out = d->out;
    uint32_t n = d->sema->n_events;
    out->n_events = n + d->mech->n_kinks;
    out->events = ARENA_ARRAY(d->arena, RtWhen, out->n_events + 1);
    for (uint32_t k = 0; k < d->mech->n_kinks; k++) {
        const MechKink *kink = &d->mech->kinks[k];
        out->events[n + k] = (RtWhen){.text = kink->text, .kink = true, .value = place_of(d, kink->value, kink->text)};
    }
    for (uint32_t k = 0; k < n; k++) {
        const SemaEvent *event = &d->sema->events[k];
        out->events[k] = (RtWhen){.text = event->text, .direction = event->direction, .stop_after = event->stop_after,
                                  .act = symbol_of(&d->mech->events[k].act),
                                  .value = place_of(d, d->mech->events[k].value, event->text),
                                  .element = place_of(d, event->element, ""), .count = place_of(d, event->count, "")};
    }
}

/* What is gathered of each copy, and how often until what needs others of all copies is right too. */
static void describe_gathers(const Describer *d) {
    RtProgramRun *out = d->out;
    uint32_t n = out->n_gathers = d->sema->n_gathers;
    uint32_t *pass = ARENA_ARRAY(d->arena, uint32_t, n + 1);
    out->gathers = ARENA_ARRAY(d->arena, RtGather, n + 1);
    out->gather_passes = 1;
    for (uint32_t k = 0; k < n; k++) { /* inner ones come first */
        out->gathers[k] = (RtGather){.one = place_of(d, d->mech->gathers[k], ""),
                                     .all = place_of(d, d->sema->gathers[k].all, "")};
        for (uint32_t j = 0; j < k; j++)
            if (pass[j] >= pass[k] && ir_def_depends(d->model->ir, d->sema->gathers[k].value, d->sema->gathers[j].all))
                pass[k] = pass[j] + 1;
        if (pass[k] >= out->gather_passes)
            out->gather_passes = pass[k] + 1;
    }
}

static void describe_rest(const Describer *d) {
    RtProgramRun *out = d->out;
    out->n_conserved = d->mech->n_charges;
    out->conserved = ARENA_ARRAY(d->arena, RtPlace, out->n_conserved + 1);
    for (uint32_t k = 0; k < out->n_conserved; k++)
        out->conserved[k] = place_of(d, d->mech->charges[k].output, d->mech->charges[k].name);
    uint32_t n = ir_def_count(d->model->ir);
    out->origins = ARENA_ARRAY(d->arena, RtOrigin, n + 1);
    for (IrDef def = 1; def <= n; def++) {
        const IrDefInfo *info = ir_def(d->model->ir, def);
        Span span = info->span;
        if (!span.file) /* there are many, so lines are counted when one is shown */
            continue;
        RtOrigin *origin = &out->origins[out->n_origins++];
        *origin = (RtOrigin){.def = def, .spot = {.file = span.file, .start = span.start, .end = span.end}};
        if (info->kind == IR_DEF_ROOT && ir_root_is_convex(d->model->ir, def)) {
            origin->solved = ir_def(d->model->ir, info->operand[1])->label;
            origin->n = info->extent[0];
        }
    }
}

/* Whether the code calls the runtime's linear algebra. Loading that takes some milliseconds. */
static bool calls_library(const Plan *plan) {
    for (uint32_t k = 0; k < plan_func_count(plan); k++)
        for (uint32_t i = 1; i < plan_func(plan, k)->calls.n; i++)
            if (strncmp(plan_func(plan, k)->calls.at[i].name, "rt_newton", 9) != 0)
                return true;
    return false;
}

RtProgramRun *describe_run(Session *session, const Model *model, const MechRun *mech, const Code *code) {
    Describer d = {.session = session, .arena = session->arena, .model = model, .mech = mech, .sema = mech->run,
                   .code = code, .out = ARENA_NEW(session->arena, RtProgramRun)};
    const SemaRun *run = mech->run;
    *d.out = (RtProgramRun){.name = text_of(&d, run->label ? run->label : run->dynamics),
                            .dynamics = text_of(&d, run->dynamics), .system = text_of(&d, run->system),
                            .memory = plan_memory(code->plan), .slots = plan_data_slots(code->plan),
                            .threads = code->threads, .uses_library = calls_library(code->plan), .trains = driver_trains(run),
                            .has_seed = run->has_seed, .seed = run->seed};
    describe_data(&d);
    describe_state(&d);
    describe_kept(&d);
    describe_motion(&d);
    describe_lanes(&d);
    describe_constraints(&d);
    describe_length(&d);
    describe_records(&d);
    describe_plots(&d);
    describe_expects(&d);
    describe_events(&d);
    describe_gathers(&d);
    describe_rest(&d);
    return d.out;
}

void describe_places(Session *session, RtProgramRun *run) {
    for (uint32_t i = 0; i < run->n_origins; i++)
        count_lines(session, &run->origins[i].spot);
}
