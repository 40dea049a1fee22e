/* execute — one compiled run from its first step to its results. */
#include "execution.h"

#include "../linalg/linalg.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Set by Ctrl-C. A signal handler has no other way to reach the run; nothing else of the compiler is global. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

/* The first Ctrl-C ends the run with its results; the second ends the program. */
static void catch_interrupts(struct sigaction *before) {
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    interrupted = 0;
    sigaction(SIGINT, &action, before);
}

/* Loss and energy as they stand, for the progress line. */
static size_t monitor(Execution *e, const char **names, double *values) {
    bool is_seen = !e->options->quiet || e->n_drift;
    if (!is_seen || !e->monitor || e->monitor(&e->frame))
        return 0;
    drift_look(e);
    size_t n = 0;
    bool training = e->spec->trains;
    double loss = execution_scalar(e, &e->spec->loss), energy = execution_scalar(e, &e->spec->energy);
    if (training && e->spec->loss.name) {
        names[n] = "loss";
        values[n++] = loss;
    }
    if (!training && e->spec->energy.name) {
        names[n] = "energy";
        values[n++] = energy;
    }
    return n;
}

/* The newest value of every scalar record, for the progress line. */
static size_t latest(const Execution *e, const char **names, double *values, size_t most) {
    size_t n = 0;
    for (uint32_t g = 0; g < e->n_groups; g++) {
        const RtSeries *series = e->groups[g].series;
        uint64_t rows = rt_series_rows(series);
        for (int field = (int)e->groups[g].n_clocks; rows && !e->groups[g].plot && field < rt_series_fields(series) && n < most; field++) {
            size_t first;
            if (rt_series_size(series, field, &first) != 1 || !strcmp(rt_series_name(series, field), "loss") ||
                !strcmp(rt_series_name(series, field), "energy"))
                continue;
            names[n] = rt_series_name(series, field);
            values[n++] = rt_series_row(series, rows - 1)[first];
        }
    }
    return n;
}

enum { SHOWN = 6 };

static double amount(const Execution *e, const RtRunState *at) {
    if (e->run.batches)
        return (double)at->step * (double)e->run.batch;
    return e->run.end_time > 0 ? at->time : (double)at->step;
}

static void show_progress(void *context, const RtRunState *at) {
    Execution *e = context;
    const char *names[SHOWN];
    double values[SHOWN];
    size_t n = monitor(e, names, values);
    n += latest(e, names + n, values + n, SHOWN - n);
    rt_progress_update(&e->progress, amount(e, at), n, names, values);
}

static void begin_progress(Execution *e) {
    const char *unit = e->run.batches ? "samples" : e->run.end_time > 0 ? NULL : "steps";
    RtRunState end = {.step = e->run.steps, .time = e->run.end_time};
    FILE *out = e->options->json ? stdout : stderr;
    RtProgressMode mode = e->options->quiet ? RT_PROGRESS_NONE : rt_progress_mode(out, e->options->json);
    const char *title = arena_printf(e->arena, "%s on %s", e->spec->name, e->spec->system);
    rt_progress_begin(&e->progress, out, mode, title, unit, amount(e, &end), amount(e, &(RtRunState){.step = checkpoint_step(e)}));
}

static void end_progress(Execution *e, const RtRunResult *result) {
    const char *names[SHOWN];
    double values[SHOWN];
    size_t n = monitor(e, names, values);
    n += latest(e, names + n, values + n, SHOWN - n);
    rt_progress_end(&e->progress, amount(e, &result->at), n, names, values);
}

/* The run did not come to its first step: its start is not one that it can have. */
static bool refused(const Execution *e, const RtRunResult *result) {
    const RtHold *h = e->run.hold;
    bool at_start = result->at.step == 0 && result->at.time == 0 && !result->by_event;
    return at_start && ((h && h->failure) || (result->status == RT_NOT_FINITE && !result->bad_step));
}

static int explain_stop(Execution *e, const RtRunResult *result) {
    if (result->status == RT_INTERRUPTED) {
        if (!e->options->json)
            fprintf(stderr, "interrupted after step %llu; the results so far are written%s\n",
                    (unsigned long long)result->at.step, e->run.save ? ", and --resume goes on from here" : "");
        return EXIT_INTERRUPT;
    }
    if (e->run.hold && e->run.hold->failure)
        return EXIT_RUN; /* said at its line */
    const char *text = result->message.text[0] ? result->message.text : rt_status_text(result->status);
    if (result->by_event) {
        execution_complain(e, "%s stopped: %s. The right side of what the event changes has no value there", e->spec->name, text);
    } else if (result->status == RT_NOT_FINITE && !e->spec->method && !result->bad_step) {
        execution_complain(e, "%s cannot start: %s", e->spec->name, text);
    } else if (result->status == RT_NOT_FINITE && !e->spec->method) {
        execution_complain(e, "%s diverged: %s. The state after step %llu is kept in the results; a smaller step or "
                           "learning rate usually mends it", e->spec->name, text, (unsigned long long)result->at.step);
    } else {
        if (result->status == RT_NOT_CONVEX && !e->spec->method)
            execution_complain(e, "%s stopped in step %llu: %s", e->spec->name, (unsigned long long)result->at.step + 1, text);
        else if (e->spec->method || e->run.batches || refused(e, result))
            execution_complain(e, "%s stopped: %s", e->spec->name, text);
        else
            execution_complain(e, "%s stopped: after step %llu, at t = %.10g: %s", e->spec->name,
                               (unsigned long long)result->at.step, result->at.time, text);
        execution_blame(e, (int32_t)result->status);
    }
    return EXIT_RUN;
}

/* After a divergence: the last good state, whether or not the program saves it. */
static void save_last_state(Execution *e) {
    RtTensor *tensors = ARENA_ARRAY(e->arena, RtTensor, e->run.n_state + 1);
    for (uint32_t i = 0; i < e->run.n_state; i++) {
        const RtBlock *block = &e->run.state[i];
        tensors[i] = (RtTensor){.name = block->name, .elem = block->elem, .rank = 1, .extent = {block->n},
                                .values = e->frame.mem + block->offset};
    }
    RtMessage message;
    const char *path = arena_printf(e->arena, "%s/%s_last_good.safetensors", e->folder, e->spec->name);
    if (!rt_out_directory(e->folder, &message) ||
        !rt_safetensors_write(path, tensors, e->run.n_state, NULL, 0, &message))
        execution_complain(e, "%s", message.text);
    else if (!e->options->json)
        fprintf(stderr, "the last good state is in %s\n", path);
}

static void started(void *context) {
    kept_restore(context);
    drift_start(context);
    checkpoint_restore(context);
}

/* With the first record of a moment what is conserved is looked at too. */
static bool take(void *context, uint32_t index, const RtRunState *at, RtMessage *message) {
    Execution *e = context;
    if (e->n_drift && at->time != e->drift_seen && !e->monitor(&e->frame)) {
        drift_look(e);
        e->drift_seen = at->time;
    }
    return outputs_take(context, index, at, message);
}

static int run_to_end(Execution *e) {
    struct sigaction before;
    e->run.record = take;
    e->run.started = started;
    e->run.progress = e->options->quiet ? NULL : show_progress;
    e->run.context = e;
    e->run.stop = &interrupted;
    catch_interrupts(&before);
    RtFloatMode mode = rt_float_mode_save();
    rt_flush_denormals(e->spec->trains);
    if (e->spec->copies) {
        int ended = copies_run(e, &interrupted);
        rt_float_mode_restore(mode);
        sigaction(SIGINT, &before, NULL);
        return ended;
    }
    if (!checkpoint_open(e)) {
        rt_float_mode_restore(mode);
        sigaction(SIGINT, &before, NULL);
        return EXIT_RUN;
    }
    begin_progress(e);
    RtRunResult result = e->run.method ? rt_run_method(&e->run) : rt_run_words(&e->run);
    bool ok = result.status == RT_OK;
    if (ok)
        kept_take(e);
    bool ran = !refused(e, &result);
    if (ran) {
        end_progress(e, &result);
        drift_say(e);
    } else {
        rt_progress_clear(&e->progress);
    }
    hold_report(e);
    if (ok && result.stopped_by && !e->options->json && !e->options->quiet)
        fprintf(stderr, "ended at t = %.10g by `when %s`\n", result.at.time, result.stopped_by->text);
    int status = ok ? EXIT_OK : explain_stop(e, &result);
    if (ran && !outputs_write(e))
        status = EXIT_RUN;
    if (result.status == RT_NOT_FINITE && ran)
        save_last_state(e);
    if (ok && !expects_hold(e) && status == EXIT_OK)
        status = EXIT_EXPECT;
    rt_float_mode_restore(mode);
    sigaction(SIGINT, &before, NULL);
    for (uint32_t g = 0; g < e->n_groups && ran && !e->options->json && !e->options->quiet; g++)
        if (!e->groups[g].plot)
            fprintf(stderr, "wrote %s\n", e->groups[g].path);
    if (ran && !pictures_write(e))
        status = EXIT_RUN;
    page_end_run(e, ok ? NULL : result.message.text[0] ? result.message.text : rt_status_text(result.status));
    fwrite(e->printed.at ? e->printed.at : "", 1, e->printed.n, stdout);
    fflush(stdout);
    return status;
}

RtHost *rt_host_new(const RtHostOptions *options) {
    RtHost *host = base_calloc(1, sizeof *host);
    host->options = *options;
    host->arena = arena_new();
    return host;
}

int rt_host_run(RtHost *host, const RtProgramRun *run, void *(*symbol)(void *code, const char *name), void *code) {
    Execution e = {.host = host, .options = &host->options, .arena = host->arena, .spec = run, .symbol = symbol,
                   .code = code, .page = &host->page};
    if (run->uses_library)
        rt_blas_load(); /* before there are threads: choosing kernels looks at the environment */
    int status = EXIT_RUN;
    if (execution_open(&e) && outputs_open(&e)) {
        drift_open(&e);
        status = run_to_end(&e);
    }
    if (status == EXIT_OK || status == EXIT_EXPECT)
        vec_push(&host->checkpoints, checkpoint_path(&e));
    else
        host->unfinished = true;
    checkpoint_close(&e);
    outputs_close(&e);
    execution_close(&e);
    return status;
}

int rt_host_end(RtHost *host) {
    bool ok = page_write(host);
    for (uint32_t i = 0; i < host->checkpoints.n && !host->unfinished; i++)
        rt_out_remove(host->checkpoints.at[i]);
    vec_free(&host->checkpoints);
    kept_free(&host->kept);
    arena_free(host->arena);
    free(host);
    return ok ? EXIT_OK : EXIT_RUN;
}
