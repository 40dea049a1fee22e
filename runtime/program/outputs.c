/* outputs — what comes out of a run: records that are due at the same moments make a table, `print` says its line at the
 * end, `save` writes parameters. */
#include "execution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const RtRecord *record_at(const Execution *e, uint32_t output) {
    return &e->spec->records[e->record_of[output]];
}

static bool is_training(const Execution *e) {
    return !e->spec->method && e->spec->trains;
}

/* ---- tables ---- */

static const char *group_path(Execution *e, const Group *group, bool alone) {
    Arena *arena = e->arena;
    if (group->plot)
        return picture_path(e, group->plot - 1);
    if (alone)
        return arena_printf(arena, "%s/%s.csv", e->folder, e->spec->name);
    switch (group->unit) {
    case RT_EVERY_STEPS:
        return arena_printf(arena, "%s/%s_every_%g_steps.csv", e->folder, e->spec->name, group->every);
    case RT_EVERY_TIME:
        return arena_printf(arena, "%s/%s_every_%g.csv", e->folder, e->spec->name, group->every);
    case RT_EVERY_EPOCH:
        return arena_printf(arena, "%s/%s_every_epoch.csv", e->folder, e->spec->name);
    case RT_AT_EVENT:
        return arena_printf(arena, "%s/%s_when_%u.csv", e->folder, e->spec->name, group->event + 1);
    case RT_AT_END:
        break;
    }
    return arena_printf(arena, "%s/%s_end.csv", e->folder, e->spec->name);
}

static uint32_t find_group(Execution *e, uint32_t number) {
    const RtOutput *output = &e->outputs[number];
    const RtRecord *record = record_at(e, number);
    uint32_t plot = record->form == RT_RECORD_PLOT ? record->plot + 1 : 0;
    for (uint32_t g = 0; g < e->n_groups; g++)
        if (e->groups[g].plot == plot && e->groups[g].unit == output->unit && e->groups[g].every == output->every &&
            e->groups[g].event == output->event)
            return g;
    e->groups[e->n_groups] = (Group){.plot = plot, .unit = output->unit, .every = output->every,
                                     .event = output->event, .series = rt_series_new()};
    return e->n_groups++;
}

/* The clocks that lead each row: steps (and epochs) where training counts them, time in mechanics. */
static bool add_clocks(const Execution *e, Group *group) {
    bool ok = true;
    if (is_training(e)) {
        ok = rt_series_field(group->series, "k", 0, NULL) >= 0;
        if (e->run.batches)
            ok = ok && rt_series_field(group->series, "epoch", 0, NULL) >= 0;
    } else {
        ok = rt_series_field(group->series, "t", 0, NULL) >= 0;
    }
    group->n_clocks = (uint32_t)rt_series_fields(group->series);
    return ok;
}

static bool add_field(Execution *e, uint32_t output) {
    const RtPlace *place = &record_at(e, output)->place;
    uint32_t g = find_group(e, output);
    Group *group = &e->groups[g];
    if (!group->series || (!rt_series_fields(group->series) && !add_clocks(e, group)))
        return false;
    e->group_of[output] = g;
    e->column_of[output] = NO_COLUMN;
    group->last = output;
    const RtRecord *record = record_at(e, output);
    if (!is_training(e) && record->is_time)
        return true; /* the clock that leads each row */
    int field = rt_series_field(group->series, record->text, place->rank, place->extent);
    if (field < 0)
        return false;
    rt_series_size(group->series, field, &e->column_of[output]);
    return true;
}

static const char *default_folder(Arena *arena, const char *file) {
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t length = strlen(base);
    if (length > 4 && !strcmp(base + length - 4, ".lag"))
        length -= 4;
    if (!strcmp(file, "-"))
        return "out/stdin";
    return arena_printf(arena, "out/%.*s", (int)length, base);
}

bool outputs_open(Execution *e) {
    Arena *arena = e->arena;
    uint32_t n = e->run.n_outputs;
    e->folder = e->options->out ? e->options->out : default_folder(arena, e->options->path);
    e->groups = ARENA_ARRAY(arena, Group, n + 1);
    e->group_of = ARENA_ARRAY(arena, uint32_t, n + 1);
    e->column_of = ARENA_ARRAY(arena, size_t, n + 1);
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++) {
        e->group_of[i] = UINT32_MAX;
        if (record_at(e, i)->form == RT_RECORD_SERIES || record_at(e, i)->form == RT_RECORD_PLOT)
            ok = add_field(e, i);
    }
    uint32_t tables = 0;
    for (uint32_t g = 0; g < e->n_groups; g++)
        tables += !e->groups[g].plot;
    for (uint32_t g = 0; g < e->n_groups && ok; g++) {
        e->groups[g].path = group_path(e, &e->groups[g], tables == 1);
        e->groups[g].row = ARENA_ARRAY(arena, double, rt_series_width(e->groups[g].series));
    }
    if (!ok)
        execution_complain(e, "not enough memory for the records");
    return ok;
}

void outputs_close(Execution *e) {
    for (uint32_t g = 0; g < e->n_groups; g++)
        rt_series_free(e->groups[g].series);
    buf_free(&e->printed);
}

static bool take_field(Execution *e, uint32_t index, const RtRunState *at, RtMessage *message) {
    Group *group = &e->groups[e->group_of[index]];
    const RtBlock *block = &e->outputs[index].block;
    for (uint64_t i = 0; i < block->n && e->column_of[index] != NO_COLUMN; i++)
        group->row[e->column_of[index] + i] = execution_value(e, block, i);
    if (index != group->last)
        return true;
    group->row[0] = is_training(e) ? (double)at->step : at->time;
    if (group->n_clocks > 1)
        group->row[1] = at->epoch;
    return rt_series_append(group->series, group->row) || rt_fail(message, "not enough memory for the records");
}

/* ---- print and save ---- */

/* `name value`, tensors as `name [a, b, …]`; numbers as people write them. */
void outputs_print(Execution *e, uint32_t index, const char *suffix, uint64_t n, const double *values, bool list) {
    const char *text = record_at(e, index)->text;
    if (e->options->json) {
        buf_printf(&e->printed, "%s", "");
        const char *names[] = {text};
        rt_json_event(stdout, "print", 1, names, values);
        return;
    }
    buf_printf(&e->printed, "%s%s%s%s", text, suffix, *text ? " " : "", list ? "[" : "");
    uint64_t shown = n > 12 ? 12 : n;
    for (uint64_t i = 0; i < shown; i++)
        buf_printf(&e->printed, "%s%s", i ? ", " : "", rt_text_number(values[i]).text);
    buf_printf(&e->printed, "%s%s\n", n > shown ? ", …" : "", list ? "]" : "");
}

static void take_print(Execution *e, uint32_t index) {
    const RtBlock *block = &e->outputs[index].block;
    double *values = base_calloc(block->n + 1, sizeof *values);
    for (uint64_t i = 0; i < block->n; i++)
        values[i] = execution_value(e, block, i);
    outputs_print(e, index, "", block->n, values, record_at(e, index)->place.rank > 0);
    free(values);
}

/* The tensors that go to the same file as output `first`, written when the first of them is taken: all are computed by
 * one function. */
static bool take_save(Execution *e, uint32_t first, RtMessage *message) {
    const RtRecord *record = record_at(e, first);
    RtTensor *tensors = base_calloc(e->run.n_outputs, sizeof *tensors);
    size_t n = 0;
    bool is_first = true;
    for (uint32_t i = 0; i < e->run.n_outputs; i++) {
        const RtRecord *other = record_at(e, i);
        if (other->form != RT_RECORD_SAVE || strcmp(other->path, record->path))
            continue;
        is_first &= i >= first;
        const RtPlace *place = &other->place;
        RtTensor *tensor = &tensors[n++];
        *tensor = (RtTensor){.name = other->text, .elem = e->outputs[i].block.elem, .rank = place->rank,
                             .values = e->frame.mem + e->outputs[i].block.offset};
        memcpy(tensor->extent, place->extent, sizeof tensor->extent);
    }
    bool ok = true;
    if (is_first) {
        const char *path = arena_printf(e->arena, "%s/%s", e->folder, record->path);
        const char *slash = strrchr(path, '/');
        const char *folder = arena_string(e->arena, path, (size_t)(slash - path));
        ok = rt_out_directory(folder, message) && rt_safetensors_write(path, tensors, n, NULL, 0, message);
    }
    free(tensors);
    return ok;
}

bool outputs_take(void *context, uint32_t index, const RtRunState *at, RtMessage *message) {
    Execution *e = context;
    switch (record_at(e, index)->form) {
    case RT_RECORD_SERIES: case RT_RECORD_PLOT:
        return take_field(e, index, at, message);
    case RT_RECORD_PRINT:
        take_print(e, index);
        return true;
    case RT_RECORD_SAVE:
        return take_save(e, index, message);
    }
    return true;
}

bool outputs_write(Execution *e) {
    RtMessage message;
    uint32_t tables = 0;
    for (uint32_t g = 0; g < e->n_groups; g++)
        tables += !e->groups[g].plot;
    bool made = tables == 0 || rt_out_directory(e->folder, &message), ok = made;
    if (!made)
        execution_complain(e, "%s", message.text);
    for (uint32_t g = 0; made && g < e->n_groups; g++) {
        if (!e->groups[g].plot && !rt_series_write_csv(e->groups[g].series, e->groups[g].path, &message)) {
            execution_complain(e, "%s", message.text);
            ok = false;
        }
    }
    return ok;
}
