/* copies — a run over copies: a frame for every thread, the tables of all copies as one, and what is said of them at the
 * end. Data that are drawn are drawn once, in the first frame, of which the others are images. */
#include "execution.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct Ensemble {
    Execution *e;
    Execution *worker;    /* one a run of `copies`; worker[0] shares the frame of e */
    RtCopies copies;
    RtSeries **series;    /* of copy c and group g: c * n_groups + g */
    RtFunction gather;
    double **gathered;    /* of value k: all copies' elements */
    RtBlock *value;       /* one a gathered value, in any frame */
    pthread_mutex_t lock; /* over progress */
    uint64_t done;
    double shown;
    bool short_of_memory;
} Ensemble;

/* ---- frames ---- */

static bool open_worker(Ensemble *n, uint32_t w) { /* run w */
    Execution *e = n->e, *worker = &n->worker[w];
    Arena *arena = e->arena;
    *worker = *e;
    worker->printed = (Buf){0};
    worker->frame.pool = NULL;
    worker->n_drift = 0; /* of one run, kept in one place: several threads would write it */
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
    n->copies.run[w] = &worker->run;
    RtBlock number;
    n->copies.number[w] = execution_block(&e->spec->copy, &number)
                              ? (int64_t *)(void *)(worker->frame.mem + number.offset)
                              : NULL;
    return true;
}

static bool take_row(void *context, uint32_t index, const RtRunState *at, RtMessage *message) {
    const Execution *worker = context;
    RtRecordForm form = worker->spec->records[worker->record_of[index]].form;
    bool is_row = form == RT_RECORD_SERIES || form == RT_RECORD_PLOT;
    if (is_row && !worker->groups[worker->group_of[index]].series)
        return rt_fail(message, "not enough memory for the records");
    return !is_row || outputs_take(context, index, at, message);
}

static void begins(void *context, uint32_t w, uint64_t copy) {
    Ensemble *n = context;
    (void)copy;
    for (uint32_t g = 0; g < n->e->n_groups; g++)
        n->worker[w].groups[g].series = rt_series_like(n->e->groups[g].series, NULL);
    RtHold *hold = n->worker[w].run.hold;
    rt_hold_free(hold);
    for (uint32_t k = 0; hold && k < hold->n; k++)
        hold->at[k].left_out = 0;
    if (hold)
        hold->failure = RT_HOLD_GOOD;
}

static void show(Ensemble *n) {
    pthread_mutex_lock(&n->lock);
    n->done++;
    double now = rt_now();
    if (now - n->shown > 0.1 && !n->e->options->quiet) {
        n->shown = now;
        rt_progress_update(&n->e->progress, (double)n->done, 0, NULL, NULL);
    }
    pthread_mutex_unlock(&n->lock);
}

static void ends(void *context, uint32_t w, uint64_t copy) {
    Ensemble *n = context;
    Execution *worker = &n->worker[w];
    for (uint32_t g = 0; g < n->e->n_groups; g++)
        n->series[copy * n->e->n_groups + g] = worker->groups[g].series;
    bool good = n->copies.result[copy].status == RT_OK;
    if (good && n->gather)
        good = n->gather(&worker->frame) == RT_OK;
    for (uint32_t k = 0; k < n->e->spec->n_gathers; k++) {
        uint64_t size = n->value[k].n;
        for (uint64_t i = 0; i < size; i++)
            n->gathered[k][copy * size + i] = good ? execution_value(worker, &n->value[k], i) : NAN;
    }
    show(n);
}

/* ---- results ---- */

/* One table of a group: the rows of copy 0, then those of copy 1 …, each with its number. */
static bool write_group(Ensemble *n, uint32_t g) {
    Execution *e = n->e;
    RtMessage message;
    RtSeries *all = rt_series_like(e->groups[g].series, "copy");
    size_t width = rt_series_width(e->groups[g].series);
    double *row = base_calloc(width + 1, sizeof *row);
    bool ok = all != NULL;
    for (uint64_t c = 0; c < n->copies.n && ok; c++) {
        RtSeries *series = n->series[c * e->n_groups + g];
        row[0] = (double)c;
        for (uint64_t r = 0; series && r < rt_series_rows(series) && ok; r++) {
            memcpy(row + 1, rt_series_row(series, r), width * sizeof *row);
            ok = rt_series_append(all, row);
        }
    }
    if (!ok)
        execution_complain(e, "not enough memory for the records");
    else if (!(ok = rt_series_write_csv(all, e->groups[g].path, &message)))
        execution_complain(e, "%s", message.text);
    free(row);
    rt_series_free(all);
    return ok;
}

/* What a plot shows of all copies: the points of scatter and histogram together, the lines with a gap after each; of
 * the pictures that fill their frame that of copy 0. NULL: out of memory. */
static RtSeries *plotted(const Ensemble *n, uint32_t g) {
    const Execution *e = n->e;
    RtPlotForm form = e->spec->plots[e->groups[g].plot - 1].form;
    bool one = form == RT_PLOT_HEAT || form == RT_PLOT_IMAGES || form == RT_PLOT_ANIMATION;
    RtSeries *all = rt_series_like(e->groups[g].series, NULL);
    size_t width = rt_series_width(e->groups[g].series);
    double *gap = base_calloc(width + 1, sizeof *gap);
    for (size_t i = 0; i < width; i++)
        gap[i] = NAN;
    bool ok = all != NULL;
    for (uint64_t c = 0; c < (one ? 1 : n->copies.n) && ok; c++) {
        RtSeries *series = n->series[c * e->n_groups + g];
        for (uint64_t r = 0; series && r < rt_series_rows(series) && ok; r++)
            ok = rt_series_append(all, rt_series_row(series, r));
        ok = ok && (form != RT_PLOT_LINE || rt_series_append(all, gap));
    }
    free(gap);
    if (ok)
        return all;
    rt_series_free(all);
    return NULL;
}

static bool draw_pictures(Ensemble *n) {
    Execution *e = n->e;
    RtSeries **kept = base_calloc(e->n_groups + 1, sizeof *kept);
    bool ok = true;
    for (uint32_t g = 0; g < e->n_groups && ok; g++) {
        RtSeries *all = e->groups[g].plot ? plotted(n, g) : NULL;
        ok = all || !e->groups[g].plot;
        if (!all)
            continue;
        kept[g] = e->groups[g].series;
        e->groups[g].series = all;
    }
    if (!ok)
        execution_complain(e, "not enough memory for the pictures");
    ok = ok && pictures_write(e);
    for (uint32_t g = 0; g < e->n_groups; g++) {
        if (!kept[g])
            continue;
        rt_series_free(e->groups[g].series);
        e->groups[g].series = kept[g];
    }
    free(kept);
    return ok;
}

static bool write_tables(Ensemble *n) {
    Execution *e = n->e;
    RtMessage message;
    if (e->n_groups && !rt_out_directory(e->folder, &message)) {
        execution_complain(e, "%s", message.text);
        return false;
    }
    bool ok = true;
    for (uint32_t g = 0; g < e->n_groups; g++)
        ok = (e->groups[g].plot || write_group(n, g)) && ok;
    return draw_pictures(n) && ok;
}

/* Values of all copies into the memory of the first frame, where reductions read them. */
static void spread(Ensemble *n) {
    for (uint32_t k = 0; k < n->e->spec->n_gathers; k++) {
        RtBlock all;
        if (execution_block(&n->e->spec->gathers[k].all, &all))
            memcpy(n->e->frame.mem + all.offset, n->gathered[k], all.n * sizeof(double));
    }
}

/* `print` of what differs between copies lists them. */
static void print_all(Ensemble *n, uint32_t index) {
    Execution *first = &n->worker[0];
    const RtOutput *output = &first->outputs[index];
    uint64_t size = output->block.n;
    double *values = base_calloc(n->copies.n * size + 1, sizeof *values);
    bool differs = false;
    for (uint64_t c = 0; c < n->copies.n; c++) {
        int32_t status = n->copies.result[c].status; /* a copy that stopped left no state to look at */
        if (!status) {
            rt_copies_restore(&n->copies, 0, c);
            status = output->observe(&first->frame);
        }
        for (uint64_t i = 0; i < size; i++)
            values[c * size + i] = status ? NAN : execution_value(first, &output->block, i);
        differs = differs || memcmp(values, values + c * size, size * sizeof *values) != 0;
    }
    uint32_t rank = first->spec->records[first->record_of[index]].place.rank;
    outputs_print(n->e, index, differs ? " of each copy" : "", differs ? n->copies.n * size : size, values,
                  differs || rank > 0);
    free(values);
}

/* An `expect` is of every copy. */
static bool expect_all(Ensemble *n) {
    Execution *first = &n->worker[0];
    uint32_t n_expects = first->spec->n_expects;
    uint64_t *wrong = base_calloc(n_expects + 1, sizeof *wrong), *where = base_calloc(n_expects + 1, sizeof *where);
    double(*sides)[3] = base_calloc(n_expects + 1, sizeof *sides);
    bool ok = true;
    for (uint64_t c = 0; c < n->copies.n && n_expects; c++) {
        int32_t status = n->copies.result[c].status;
        if (!status) {
            rt_copies_restore(&n->copies, 0, c);
            status = first->expects(&first->frame);
        }
        for (uint32_t k = 0; k < n_expects; k++) {
            double now[3] = {NAN, NAN, NAN};
            if (!status && expect_holds(first, k, now))
                continue;
            if (!wrong[k]++) {
                where[k] = c;
                memcpy(sides[k], now, sizeof now);
            }
        }
    }
    for (uint32_t k = 0; k < n_expects; k++) {
        if (!wrong[k])
            continue;
        const char *others = wrong[k] == 1 ? "" : arena_printf(first->arena, " and %llu others",
                                                               (unsigned long long)wrong[k] - 1);
        expect_fails(first, k, sides[k], wrong[k] == n->copies.n ? " of any copy"
                     : arena_printf(first->arena, " of copy %llu%s", (unsigned long long)where[k], others));
        ok = false;
    }
    free(wrong);
    free(where);
    free(sides);
    return ok;
}

/* Copies that have stopped, by number; no other was stopped by them. */
static int complain(Ensemble *n) {
    enum { SHOWN = 5 };
    uint64_t stopped = 0, begun = 0;
    for (uint64_t c = 0; c < n->copies.n; c++) {
        const RtRunResult *result = &n->copies.result[c];
        begun += result->status != RT_INTERRUPTED;
        if (result->status == RT_OK || result->status == RT_INTERRUPTED)
            continue;
        if (stopped++ < SHOWN)
            execution_complain(n->e, "copy %llu of %s stopped: %s", (unsigned long long)c, n->e->spec->name,
                               result->message.text[0] ? result->message.text : rt_status_text(result->status));
    }
    if (stopped > SHOWN)
        execution_complain(n->e, "and %llu more copies", (unsigned long long)(stopped - SHOWN));
    if (begun < n->copies.n && !n->e->options->json)
        fprintf(stderr, "interrupted after %llu of %llu copies; the results so far are written\n",
                (unsigned long long)begun, (unsigned long long)n->copies.n);
    return begun < n->copies.n ? EXIT_INTERRUPT : stopped ? EXIT_RUN : EXIT_OK;
}

static int results(Ensemble *n) {
    Execution *e = n->e;
    int status = complain(n);
    if (!write_tables(n))
        status = EXIT_RUN;
    if (status != EXIT_INTERRUPT) {
        spread(n);
        for (uint32_t k = 0; k < e->run.n_outputs; k++)
            if (e->spec->records[e->record_of[k]].form == RT_RECORD_PRINT)
                print_all(n, k);
        if (!expect_all(n) && status == EXIT_OK)
            status = EXIT_EXPECT;
    }
    for (uint32_t g = 0; g < e->n_groups && !e->options->json && !e->options->quiet; g++)
        if (!e->groups[g].plot)
            fprintf(stderr, "wrote %s\n", e->groups[g].path);
    page_end_run(e, status == EXIT_INTERRUPT ? "interrupted" : status == EXIT_RUN ? "not all copies ended well" : NULL);
    fwrite(e->printed.at ? e->printed.at : "", 1, e->printed.n, stdout);
    fflush(stdout);
    return status;
}

/* ---- all of it ---- */

/* Copies of more memory leave the caches when several of them lie side by side, and the loops inside one are long enough
 * to be vectors by themselves. */
#define MOST_MEMORY (UINT64_C(1) << 18)
#define LEAST_COPIES 4 /* a thread; fewer fill too little of a vector */

/* The code that advances several copies at once, where there is any and something is gained by it. */
static void find_lanes(Execution *e, RtCopies *copies) {
    const RtProgramRun *spec = e->spec;
    const int32_t *count = spec->lanes_count ? e->symbol(e->code, spec->lanes_count) : NULL;
    if (!count || spec->memory > MOST_MEMORY || spec->copies < LEAST_COPIES * (uint64_t)copies->n_threads)
        return;
    RtBlock *moved = ARENA_ARRAY(e->arena, RtBlock, spec->n_moved + 1);
    copies->code = (RtLaneCode){.lanes = (unsigned)*count, .bytes = spec->memory, .moved = moved,
                                .advance = (RtLaneFunction)(uintptr_t)e->symbol(e->code, spec->lanes)};
    for (uint32_t k = 0; k < spec->n_moved; k++)
        copies->code.n_moved += execution_block(&spec->moved[k], &moved[copies->code.n_moved]);
    copies->abreast = copies->code.lanes;
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
    find_lanes(e, &n->copies);
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
    if (ok)
        rt_copies_choose(&n->copies);
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
        status = results(&n);
    close_ensemble(&n);
    pthread_mutex_destroy(&n.lock);
    return status;
}
