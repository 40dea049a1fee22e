/* copies_results — what comes out of a run over copies: the tables of all as one, and what is said of all at the end. */
#include "copies.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The same, and where a reduction is inside another one's value, that value again now that the inner one is known. */
static void gather_all(Ensemble *n) {
    spread(n);
    for (uint32_t pass = 1; pass < n->e->spec->gather_passes; pass++) {
        for (uint64_t c = 0; c < n->copies.n; c++) {
            if (n->copies.result[c].status == RT_OK)
                rt_copies_restore(&n->copies, 0, c);
            copies_take_end(n, &n->worker[0], c);
        }
        spread(n);
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

/* How the copies go, or went. */
static void say_how(const Ensemble *n) {
    unsigned abreast = n->why ? 1 : n->copies.code.lanes;
    if (n->e->options->quiet)
        return;
    if (n->e->options->json) {
        json_t *object = json_pack("{s:s, s:I, s:i, s:i}", "event", "copies", "copies", (json_int_t)n->copies.n, "threads",
                                   (int)n->copies.n_threads, "abreast", (int)abreast);
        if (n->why)
            json_object_set_new(object, "why", json_string(n->why));
        char *text = json_dumps(object, JSON_COMPACT);
        printf("%s\n", text);
        free(text);
        json_decref(object);
        return;
    }
    const char *threads = n->copies.n_threads == 1 ? "" : arena_printf(n->e->arena, " on each of %u threads", n->copies.n_threads);
    if (n->why)
        fprintf(stderr, "copies went one by one%s: %s\n", threads, n->why);
    else
        fprintf(stderr, "copies went %u side by side%s\n", abreast, threads);
}

int copies_say(Ensemble *n) {
    Execution *e = n->e;
    int status = complain(n);
    say_how(n);
    drift_say(e);
    if (!write_tables(n))
        status = EXIT_RUN;
    if (status != EXIT_INTERRUPT) {
        gather_all(n);
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
