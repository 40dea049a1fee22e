/* checkpoint — the whole state of a run in one file: parameters, momenta, estimators, how many steps were done (the order of the
 * data and all noise are functions of that and of the seed), what was recorded so far, and how far what is conserved has strayed. It
 * is a safetensors file, so that its numbers can be looked at elsewhere. It is written beside the run every few seconds under
 * another name and renamed, so that a kill at any moment leaves a whole one.
 *
 * Runs by methods, with constraints, events or copies begin at their start again, which gives the same bits too. */
#include "execution.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct Checkpoint {
    RtTensorFile file;
    uint64_t step;
};

const char *checkpoint_path(const Execution *e) {
    return arena_printf(e->arena, "%s/%s.checkpoint.safetensors", e->folder, e->spec->name);
}

static bool is_possible(const Execution *e) {
    const RtProgramRun *spec = e->spec;
    return !spec->method && !spec->copies && !spec->n_constraints && !spec->n_events;
}

/* ---- writing ---- */

/* How often each output was taken, "4 4 1". */
static const char *taken_text(const Execution *e) {
    const char *text = "";
    for (uint32_t i = 0; i < e->run.n_outputs; i++)
        text = arena_printf(e->arena, "%s%s%" PRIu64, text, i ? " " : "", e->run.outputs[i].taken);
    return text;
}

static RtTensor of_doubles(const char *name, const double *values, uint64_t rows, uint64_t columns) {
    return (RtTensor){.name = name, .elem = RT_F64, .rank = 2, .extent = {rows, columns}, .values = values};
}

static void save(void *context, const RtRunState *at) {
    Execution *e = context;
    uint32_t n = 0;
    RtTensor *tensors = base_calloc(e->run.n_state + e->n_groups + e->n_drift + 1, sizeof *tensors);
    Arena *arena = e->arena, *scratch = e->arena = arena_new(); /* texts of this one file */
    for (uint32_t i = 0; i < e->run.n_state; i++) {
        const RtBlock *block = &e->run.state[i];
        tensors[n++] = (RtTensor){.name = arena_printf(scratch, "state.%u.%s", i, block->name), .elem = block->elem, .rank = 1,
                                  .extent = {block->n}, .values = e->frame.mem + block->offset};
    }
    for (uint32_t g = 0; g < e->n_groups; g++) {
        const RtSeries *series = e->groups[g].series;
        uint64_t rows = rt_series_rows(series);
        if (rows)
            tensors[n++] = of_doubles(arena_printf(scratch, "records.%u", g), rt_series_row(series, 0), rows,
                                      rt_series_width(series));
    }
    for (uint32_t k = 0; k < e->n_drift; k++) {
        const Drift *d = &e->drift[k];
        double *values = ARENA_ARRAY(scratch, double, d->block.n + 2);
        values[0] = d->size;
        values[1] = d->most;
        memcpy(values + 2, d->start, d->block.n * sizeof *values);
        tensors[n++] = of_doubles(arena_printf(scratch, "drift.%u.%s", k, d->name), values, 1, d->block.n + 2);
    }
    const char *const meta[][2] = {
        {"run", e->spec->name},
        {"step", arena_printf(scratch, "%" PRIu64, at->step)},
        {"seed", arena_printf(scratch, "%" PRIu64, e->frame.seed)},
        {"h", arena_printf(scratch, "%.17g", e->spec->h)},
        {"batch", arena_printf(scratch, "%" PRIu64 " of %" PRIu64, e->spec->batch_size, e->spec->batch_of)},
        {"taken", taken_text(e)},
    };
    RtMessage message;
    const char *path = checkpoint_path(e);
    if (!rt_out_directory(e->folder, &message) ||
        !rt_safetensors_write(path, tensors, n, meta, sizeof meta / sizeof *meta, &message)) {
        execution_complain(e, "no checkpoint: %s", message.text);
        e->run.save = NULL; /* said once; the run itself goes on */
    }
    e->arena = arena;
    arena_free(scratch);
    free(tensors);
}

/* ---- reading ---- */

static const char *meta_of(const RtTensorFile *file, const char *key) {
    for (size_t i = 0; i < file->n_meta; i++)
        if (!strcmp(file->meta[i][0], key))
            return file->meta[i][1];
    return "";
}

static const RtTensor *tensor_of(const Execution *e, const char *name, uint64_t n) {
    const RtTensor *tensor = rt_tensor_find(&e->checkpoint->file, name);
    uint64_t size = 1;
    for (uint32_t a = 0; tensor && a < tensor->rank; a++)
        size *= tensor->extent[a];
    return tensor && (!n || size == n) ? tensor : NULL;
}

/* What of this run the checkpoint does not know or has otherwise; NULL: it fits. */
static const char *misfit(Execution *e) {
    const RtTensorFile *file = &e->checkpoint->file;
    const char *seed = meta_of(file, "seed"), *batch = meta_of(file, "batch"), *taken = meta_of(file, "taken");
    if (strcmp(meta_of(file, "run"), e->spec->name) != 0)
        return "it is of another run";
    if (strcmp(seed, arena_printf(e->arena, "%" PRIu64, e->frame.seed)) != 0)
        return arena_printf(e->arena, "its seed is %s", seed);
    if (strcmp(batch, arena_printf(e->arena, "%" PRIu64 " of %" PRIu64, e->spec->batch_size, e->spec->batch_of)) != 0)
        return arena_printf(e->arena, "its batches are %s rows", batch);
    if (strtod(meta_of(file, "h"), NULL) != e->spec->h)
        return arena_printf(e->arena, "its step is %s", meta_of(file, "h"));
    for (uint32_t i = 0; i < e->run.n_state; i++) {
        const RtBlock *block = &e->run.state[i];
        const RtTensor *tensor = tensor_of(e, arena_printf(e->arena, "state.%u.%s", i, block->name), block->n);
        if (!tensor || tensor->elem != block->elem)
            return arena_printf(e->arena, "it has not %s as this program has it", block->name);
    }
    uint32_t n = *taken ? 1 : 0;
    for (const char *at = taken; *at; at++)
        n += *at == ' ';
    bool same = n == e->run.n_outputs;
    for (uint32_t g = 0; g < e->n_groups && same; g++) {
        const RtTensor *rows = tensor_of(e, arena_printf(e->arena, "records.%u", g), 0);
        same = !rows || (rows->rank == 2 && rows->elem == RT_F64 && rows->extent[1] == rt_series_width(e->groups[g].series));
    }
    return same ? NULL : "the program records something else now";
}

static bool read_checkpoint(Execution *e, const char *path) {
    RtMessage message;
    if (access(path, F_OK) != 0) {
        if (!e->options->json && !e->options->quiet)
            fprintf(stderr, "no checkpoint %s: %s begins at its start\n", path, e->spec->name);
        return true;
    }
    Checkpoint *c = e->checkpoint = base_calloc(1, sizeof *c);
    const char *wrong = NULL;
    if (!rt_safetensors_read(path, &c->file, &message)) {
        free(c);
        e->checkpoint = NULL;
        execution_complain(e, "%s; without --resume the run begins at its start", message.text);
        return false;
    }
    char *end;
    const char *step = meta_of(&c->file, "step");
    c->step = strtoull(step, &end, 10);
    wrong = !*step || *end ? "it does not say its step" : misfit(e);
    if (!wrong)
        return true;
    execution_complain(e, "%s does not fit this run: %s; without --resume the run begins at its start", path, wrong);
    return false;
}

bool checkpoint_open(Execution *e) {
    if (!is_possible(e))
        return true;
    if (e->options->checkpoint > 0) {
        e->run.save = save;
        e->run.save_every = e->options->checkpoint;
    }
    return !e->options->resume || read_checkpoint(e, checkpoint_path(e));
}

uint64_t checkpoint_step(const Execution *e) { return e->checkpoint ? e->checkpoint->step : 0; }

static void restore_records(Execution *e) {
    for (uint32_t g = 0; g < e->n_groups; g++) {
        const RtTensor *rows = tensor_of(e, arena_printf(e->arena, "records.%u", g), 0);
        rt_series_truncate(e->groups[g].series, 0);
        for (uint64_t r = 0; rows && r < rows->extent[0]; r++)
            rt_series_append(e->groups[g].series, (const double *)rows->values + r * rows->extent[1]);
    }
    const char *at = meta_of(&e->checkpoint->file, "taken");
    for (uint32_t i = 0; i < e->run.n_outputs; i++) {
        char *end;
        e->run.outputs[i].taken = strtoull(at, &end, 10);
        at = end;
    }
}

void checkpoint_restore(Execution *e) {
    if (!e->checkpoint)
        return;
    for (uint32_t i = 0; i < e->run.n_state; i++) {
        const RtBlock *block = &e->run.state[i];
        const RtTensor *tensor = tensor_of(e, arena_printf(e->arena, "state.%u.%s", i, block->name), block->n);
        memcpy(e->frame.mem + block->offset, tensor->values, block->n * rt_elem_size(block->elem));
    }
    for (uint32_t k = 0; k < e->n_drift; k++) {
        Drift *d = &e->drift[k];
        const RtTensor *tensor = tensor_of(e, arena_printf(e->arena, "drift.%u.%s", k, d->name), d->block.n + 2);
        if (!tensor || tensor->elem != RT_F64)
            continue;
        const double *values = tensor->values;
        d->size = values[0];
        d->most = values[1];
        memcpy(d->start, values + 2, d->block.n * sizeof *values);
    }
    restore_records(e);
    e->run.first = e->checkpoint->step;
}

void checkpoint_close(Execution *e) {
    if (!e->checkpoint)
        return;
    rt_tensor_file_free(&e->checkpoint->file);
    free(e->checkpoint);
    e->checkpoint = NULL;
}
