/* copies — a run over copies: a frame for every one that runs at a time, and what is kept of each when it ends. Data that are
 * drawn are drawn once, in the first frame, of which the others are images. */
#include "copies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- frames ---- */

static bool open_worker(Ensemble *n, uint32_t w) { /* run w */
    Execution *e = n->e, *worker = &n->worker[w];
    Arena *arena = e->arena;
    *worker = *e;
    worker->printed = (Buf){0};
    worker->frame.pool = NULL;
    if (w) {
        uint64_t bytes = e->spec->memory;
        worker->frame.mem = rt_alloc(bytes ? bytes : 64);
        if (!worker->frame.mem)
            return false;
        memcpy(worker->frame.mem, e->frame.mem, bytes);
    }
    worker->groups = arena_copy(arena, e->groups, (e->n_groups + 1) * sizeof *e->groups);
    for (uint32_t g = 0; g < e->n_groups; g++)
        worker->groups[g].row = ARENA_ARRAY(arena, double, rt_series_width(e->groups[g].series));
    if (!execution_connect(worker))
        return false;
    worker->run.context = worker;
    worker->run.progress = NULL;
    if (e->n_drift)
        drift_open(worker);
    n->copies.run[w] = &worker->run;
    RtBlock number;
    n->copies.number[w] = execution_block(&e->spec->copy, &number)
                              ? (int64_t *)(void *)(worker->frame.mem + number.offset)
                              : NULL;
    return true;
}

static bool take_row(void *context, uint32_t index, const RtRunState *at, RtMessage *message) {
    Execution *worker = context;
    if (worker->n_drift && at->time != worker->drift_seen && !worker->monitor(&worker->frame)) {
        drift_look(worker);
        worker->drift_seen = at->time;
    }
    RtRecordForm form = worker->spec->records[worker->record_of[index]].form;
    bool is_row = form == RT_RECORD_SERIES || form == RT_RECORD_PLOT;
    if (is_row && !worker->groups[worker->group_of[index]].series)
        return rt_fail(message, "not enough memory for the records");
    return !is_row || outputs_take(context, index, at, message);
}

static void begins(void *context, uint32_t w, uint64_t copy) {
    Ensemble *n = context;
    Execution *worker = &n->worker[w];
    (void)copy;
    worker->n_drift = n->e->n_drift;
    worker->drift_seen = NAN;
    for (uint32_t k = 0; k < worker->n_drift; k++)
        worker->drift[k].size = worker->drift[k].most = 0;
    for (uint32_t g = 0; g < n->e->n_groups; g++)
        n->worker[w].groups[g].series = rt_series_like(n->e->groups[g].series, NULL);
    RtHold *hold = n->worker[w].run.hold;
    rt_hold_free(hold);
    for (uint32_t k = 0; hold && k < hold->n; k++)
        hold->at[k].left_out = 0;
    if (hold)
        hold->failure = RT_HOLD_GOOD;
}

static void show(Ensemble *n, const Execution *worker, uint64_t copy) {
    pthread_mutex_lock(&n->lock);
    n->done++;
    if (n->copies.result[copy].status == RT_OK) /* one that stopped has said what is wrong with it */
        drift_take_worst(n->e, worker, copy);
    double now = rt_now();
    if (now - n->shown > 0.1 && !n->e->options->quiet) {
        n->shown = now;
        rt_progress_update(&n->e->progress, (double)n->done, 0, NULL, NULL);
    }
    pthread_mutex_unlock(&n->lock);
}

void copies_take_end(Ensemble *n, const Execution *worker, uint64_t copy) {
    RtFrame frame = worker->frame;
    bool good = n->copies.result[copy].status == RT_OK && (!n->gather || n->gather(&frame) == RT_OK);
    for (uint32_t k = 0; k < n->e->spec->n_gathers; k++) {
        uint64_t size = n->value[k].n;
        for (uint64_t i = 0; i < size; i++)
            n->gathered[k][copy * size + i] = good ? execution_value(worker, &n->value[k], i) : NAN;
    }
}

static void ends(void *context, uint32_t w, uint64_t copy) {
    Ensemble *n = context;
    Execution *worker = &n->worker[w];
    for (uint32_t g = 0; g < n->e->n_groups; g++)
        n->series[copy * n->e->n_groups + g] = worker->groups[g].series;
    if (n->copies.result[copy].status == RT_OK && worker->n_drift && !worker->monitor(&worker->frame))
        drift_look(worker);
    copies_take_end(n, worker, copy);
    show(n, worker, copy);
}

/* Copies of more memory leave the caches when several of them lie side by side, and the loops inside one are long enough
 * to be vectors by themselves. */
#define MOST_MEMORY (UINT64_C(1) << 18)
#define LEAST_COPIES 4 /* a thread; fewer fill too little of a vector */

/* The code that advances several copies at once. NULL: there is such code and something is gained by it; else why not. */
static const char *find_lanes(Execution *e, RtCopies *copies) {
    const RtProgramRun *spec = e->spec;
    const int32_t *count = spec->lanes_count ? e->symbol(e->code, spec->lanes_count) : NULL;
    if (spec->copies < LEAST_COPIES * (uint64_t)copies->n_threads)
        return "they are few";
    if (spec->memory > MOST_MEMORY)
        return "each takes much memory";
    if (!spec->lanes)
        return spec->jet_next ? "Taylor's method takes one at a time" : "training takes one at a time";
    if (!count)
        return "a step of theirs calls the library, solves equations by iteration or reads integers";
    RtBlock *moved = ARENA_ARRAY(e->arena, RtBlock, spec->n_moved + 1);
    copies->code = (RtLaneCode){.lanes = (unsigned)*count, .bytes = spec->memory, .moved = moved,
                                .advance = (RtLaneFunction)(uintptr_t)e->symbol(e->code, spec->lanes)};
    for (uint32_t k = 0; k < spec->n_moved; k++)
        copies->code.n_moved += execution_block(&spec->moved[k], &moved[copies->code.n_moved]);
    copies->abreast = copies->code.lanes;
    return NULL;
}

static bool open_ensemble(Ensemble *n, volatile sig_atomic_t *stop) {
    Execution *e = n->e;
    const RtProgramRun *spec = e->spec;
    Arena *arena = e->arena;
    uint32_t threads = rt_pool_threads(e->frame.pool);
    if (threads > spec->copies)
        threads = (uint32_t)spec->copies;
    n->copies = (RtCopies){.n = spec->copies, .n_threads = threads, .abreast = 1, .seed = e->frame.seed, .stop = stop,
                           .begins = begins, .ends = ends, .context = n};
    n->why = find_lanes(e, &n->copies);
    uint32_t runs = threads * n->copies.abreast;
    n->copies.run = ARENA_ARRAY(arena, RtRun *, runs);
    n->copies.number = ARENA_ARRAY(arena, int64_t *, runs);
    n->worker = ARENA_ARRAY(arena, Execution, runs);
    n->series = calloc(spec->copies * (e->n_groups ? e->n_groups : 1), sizeof *n->series);
    n->gather = spec->n_gathers ? execution_function(e, "gather") : NULL;
    n->gathered = ARENA_ARRAY(arena, double *, spec->n_gathers + 1);
    n->value = ARENA_ARRAY(arena, RtBlock, spec->n_gathers + 1);
    bool ok = n->series != NULL;
    for (uint32_t k = 0; k < spec->n_gathers && ok; k++) {
        execution_block(&e->spec->gathers[k].one, &n->value[k]);
        n->gathered[k] = calloc(spec->copies * (n->value[k].n + 1), sizeof **n->gathered);
        ok = n->gathered[k] != NULL;
    }
    RtFunction draw = execution_function(e, spec->draw);
    if (ok && draw)
        ok = draw(&e->frame) == RT_OK;
    e->run.record = take_row;
    for (uint32_t w = 0; w < runs && ok; w++)
        ok = open_worker(n, w);
    const char *why = ok ? rt_copies_choose(&n->copies) : NULL;
    n->why = n->why ? n->why : why;
    return ok;
}

static void close_ensemble(Ensemble *n) {
    for (uint64_t k = 0; n->series && k < n->copies.n * n->e->n_groups; k++)
        rt_series_free(n->series[k]);
    free(n->series);
    for (uint32_t k = 0; k < n->e->spec->n_gathers; k++)
        free(n->gathered[k]);
    for (uint32_t w = 0; w < n->copies.n_threads * n->copies.abreast; w++) {
        rt_hold_free(n->worker[w].run.hold);
        if (w && n->worker[w].frame.mem != n->e->frame.mem)
            rt_free(n->worker[w].frame.mem);
    }
    rt_copies_free(&n->copies);
}

int copies_run(Execution *e, volatile sig_atomic_t *stop) {
    Ensemble n = {.e = e};
    int status = EXIT_RUN;
    pthread_mutex_init(&n.lock, NULL);
    bool ok = open_ensemble(&n, stop);
    if (ok) {
        FILE *out = e->options->json ? stdout : stderr;
        RtProgressMode mode = e->options->quiet ? RT_PROGRESS_NONE : rt_progress_mode(out, e->options->json);
        const char *title =
            arena_printf(e->arena, "%s on %s", e->spec->name, e->spec->system);
        rt_progress_begin(&e->progress, out, mode, title, "copies", (double)n.copies.n, 0);
        ok = rt_run_copies(&n.copies, &e->frame);
        rt_progress_end(&e->progress, (double)n.done, 0, NULL, NULL);
    }
    if (!ok)
        execution_complain(e, "not enough memory for %llu copies", (unsigned long long)e->spec->copies);
    else
        status = copies_say(&n);
    close_ensemble(&n);
    pthread_mutex_destroy(&n.lock);
    return status;
}
