/* words — the step loop. The state is looked over every tenth of a second and kept when it is finite; when it
 * is not, the run goes back to the kept state and repeats the interval step by step (it is reproducible) to
 * name the very step and quantity, and to leave the last good state in memory. What is watched (the loss) is
 * looked over with the state: it overflows before the parameters do. The steps themselves pay nothing for
 * this.
 *
 * What is looked at between two steps is the state after a shorter step from the first of them; the motion does not
 * go on from there, so looking changes no bit of it. A run that ends between two steps ends with such a step. */
#include "../core/core.h"
#include "loop.h"

#include <math.h>
#include <stdlib.h>

/* What is done beside the steps is done every tenth of a second, and takes at most a twentieth of the time. */
static bool is_due(double now, double last, double cost) {
    return now - last > fmax(0.1, 20 * cost);
}

/* All steps, the last and shorter one among them. */
static uint64_t steps_of(const RtRun *run) { return run->steps + (run->rest > 0); }

static RtRunState where(const RtRun *run, uint64_t step) {
    RtRunState at = {.step = step, .time = step > run->steps ? run->ends_at : (double)step * run->h};
    uint64_t all = steps_of(run);
    if (run->batches)
        at.epoch = (double)step * (double)run->batch / (double)run->data_rows;
    at.done = all ? (double)step / (double)all : 1;
    at.at_end = step >= all;
    return at;
}

/* Sets the clocks, rows and noise for the state after `step` steps. */
static void set_clocks(RtRun *run, const RtRunState *at) {
    if (run->time)
        *run->time = at->time;
    if (run->step_number)
        *run->step_number = (double)at->step;
}

/* Step number k: time is its start, the number its own. */
static int32_t one_step(RtRun *run, uint64_t k) {
    if (run->time)
        *run->time = (double)(k - 1) * run->h;
    if (run->step_number)
        *run->step_number = (double)k;
    if (run->batches)
        rt_batches_next(run->batches, run->rows);
    run->frame->draw_step = k;
    return run->step(run->frame);
}

/* Whether the watched quantity is finite in the state after `step` steps. */
static bool watched_is_finite(Loop *loop, uint64_t step) {
    RtRun *run = loop->run;
    RtRunState at = where(run, step);
    set_clocks(run, &at);
    return run->watch(run->frame) ||
           rt_block_finite(run->frame->mem, &run->watched, &loop->result.bad_element);
}

static bool is_bad(Loop *loop, uint64_t step) {
    loop->result.bad = rt_state_bad(loop->run, &loop->result.bad_element);
    if (!loop->result.bad && loop->watching && !watched_is_finite(loop, step))
        loop->result.bad = &loop->run->watched;
    return loop->result.bad != NULL;
}

static void back_to_kept(Loop *loop) {
    rt_snapshot_restore(loop->run, loop->kept);
    if (loop->run->batches)
        rt_batches_seek(loop->run->batches, loop->kept_step);
    if (loop->run->prepare)
        loop->run->prepare(loop->run->frame);
}

/* The interval since the kept state holds a step that went wrong: finds it and leaves the state before it. */
static void find_divergence(Loop *loop, uint64_t last) {
    RtRun *run = loop->run;
    back_to_kept(loop);
    uint64_t good = loop->kept_step;
    for (uint64_t k = good + 1; k <= last; k++) {
        rt_snapshot_take(run, loop->kept);
        loop->kept_step = good;
        int32_t status = one_step(run, k);
        if (is_bad(loop, k) || status)
            break;
        good = k;
    }
    loop->result.bad_step = good + 1;
    rt_snapshot_restore(run, loop->kept);
    loop->result.at = where(run, good);
    set_clocks(run, &loop->result.at);
}

static bool check_state(Loop *loop, uint64_t step, double now) {
    loop->looked = now;
    if (is_bad(loop, step)) {
        loop->result.status = RT_NOT_FINITE;
        if (step)
            find_divergence(loop, step);
        else /* there is no good state before the first step */
            snprintf(loop->result.message.text, sizeof loop->result.message.text, "%s is not finite at the start",
                     loop->result.bad->name);
        return false;
    }
    rt_snapshot_take(loop->run, loop->kept);
    loop->kept_step = step;
    loop->look_cost = rt_now() - now;
    return true;
}

bool rt_loop_after_step(Loop *loop, uint64_t step, int32_t status) {
    RtRun *run = loop->run;
    RtRunState at = where(run, step);
    double now = rt_now();
    if (status) {
        loop->result.status = (RtStatus)status;
        find_divergence(loop, step);
        return false;
    }
    bool stopped = run->stop && *run->stop && !at.at_end;
    /* not at the end: what is due there has been handed over, and a run that began behind it would not do so again */
    bool saves = run->save && !at.at_end && (stopped || now - loop->saved > fmax(run->save_every, 20 * loop->save_cost));
    if ((is_due(now, loop->looked, loop->look_cost) || at.at_end || saves) && !check_state(loop, step, now))
        return false;
    loop->result.at = at;
    set_clocks(run, &at);
    if (!rt_outputs_due(run, &at, &loop->result))
        return false;
    if (run->progress && (is_due(now, loop->shown, loop->show_cost) || at.at_end)) {
        double begun = rt_now();
        run->progress(run->context, &at);
        loop->shown = now;
        loop->show_cost = rt_now() - begun;
    }
    if (saves) {
        double begun = rt_now();
        run->save(run->context, &at);
        loop->saved = rt_now();
        loop->save_cost = loop->saved - begun;
    }
    if (stopped)
        loop->result.status = RT_INTERRUPTED;
    return !stopped;
}

uint64_t rt_loop_quiet_steps(const RtRun *run, uint64_t step, uint64_t most) {
    uint64_t quiet = run->steps - step < most ? run->steps - step : most;
    for (uint32_t i = 0; i < run->n_outputs && quiet > 1; i++) {
        const RtOutput *output = &run->outputs[i];
        double next = (double)output->taken * output->every, in_steps = INFINITY;
        if (output->unit == RT_EVERY_STEPS)
            in_steps = next - (double)step;
        else if (output->unit == RT_EVERY_TIME)
            in_steps = (next - (double)step * run->h) / run->h - 1e-6 * output->every / run->h;
        else if (output->unit == RT_EVERY_EPOCH && run->batches)
            in_steps = (next + output->every) * (double)run->data_rows / (double)run->batch - (double)step;
        if (in_steps < (double)quiet)
            quiet = in_steps < 1 ? 1 : (uint64_t)floor(in_steps);
    }
    return quiet ? quiet : 1;
}

/* ---- between steps ----
 *
 * Event or look, the state within a step is the word's own: that of a shorter step from `base`. */

static double time_within(const Loop *loop, double s) {
    return ((double)(loop->base_step - 1) + loop->base_part + s) * loop->run->h;
}

/* The state after part s of the step, from `base`. */
static RtStatus look(void *context, double s) {
    Loop *loop = context;
    RtRun *run = loop->run;
    rt_snapshot_restore(run, loop->base);
    if (run->step_number)
        *run->step_number = (double)loop->base_step;
    int32_t status = RT_OK;
    if (s > 0) {
        if (run->time)
            *run->time = time_within(loop, 0);
        *run->part_length = s * run->h;
        run->frame->draw_step = loop->base_step | (uint64_t)loop->pieces << 56;
        status = run->part(run->frame);
    }
    if (run->time)
        *run->time = time_within(loop, s);
    return (RtStatus)status;
}

static void start_step(Loop *loop, uint64_t k, double length) {
    rt_snapshot_take(loop->run, loop->base);
    loop->base_step = k;
    loop->base_part = 0;
    loop->length = length;
    loop->pieces = 0;
}

static bool fail(Loop *loop, RtStatus status) {
    loop->result.status = status;
    return rt_fail(&loop->result.message, "%s", rt_status_text(status));
}

/* The first time at which an output is due that lies before `end` by more than rounding; INFINITY: none. */
static double due_before(const RtRun *run, double end) {
    double first = INFINITY;
    for (uint32_t i = 0; i < run->n_outputs; i++) {
        const RtOutput *output = &run->outputs[i];
        double next = (double)output->taken * output->every;
        if (output->unit == RT_EVERY_TIME && next < end - 1e-9 * output->every - 1e-12 * end && next < first)
            first = next;
    }
    return first;
}

/* Hands over what is due by the clock in part 0 … s of the present step from `base`; leaves some state of it in memory. */
static bool due_within(Loop *loop, double s) {
    RtRun *run = loop->run;
    double t;
    while (run->part && (t = due_before(run, time_within(loop, s))) < INFINITY) {
        RtStatus status = look(loop, fmax(t / run->h - (double)(loop->base_step - 1) - loop->base_part, 0));
        if (status)
            return fail(loop, status);
        if (run->time)
            *run->time = t;
        loop->result.at = where(run, loop->base_step - 1);
        loop->result.at.time = t;
        loop->result.at.at_end = false;
        if (!rt_outputs_due(run, &loop->result.at, &loop->result))
            return false;
    }
    return true;
}

/* The step starts from the state in memory, which is there again afterwards. */
bool rt_loop_look_ahead(Loop *loop, uint64_t k) {
    RtRun *run = loop->run;
    if (!run->part || due_before(run, (double)k * run->h) == INFINITY)
        return true;
    start_step(loop, k, 1);
    if (!due_within(loop, 1))
        return false;
    rt_snapshot_restore(run, loop->base);
    int32_t status = run->prepare ? run->prepare(run->frame) : 0;
    return !status || fail(loop, (RtStatus)status);
}

/* ---- events ----
 *
 * A step in which something happens is repeated from its beginning over a part of its length, which a root finder
 * chooses. An event that acts cuts the step: its rest is another step, with noise of its own. Otherwise the state in which
 * the step ends is put back. */

/* The rest of the step that an event has cut at part s. */
static RtStatus go_on_from(Loop *loop, double s) {
    rt_snapshot_take(loop->run, loop->base);
    loop->base_part += s;
    loop->pieces = (loop->pieces + 1) & 0xff;
    double rest = loop->length - loop->base_part;
    return rest > 1e-14 ? look(loop, rest) : RT_OK;
}

/* Whatever happens in the piece of the step from `base`, whose end is in memory. PASSED: it is there again. */
static RtFired events_of_piece(Loop *loop, double *s) {
    RtRun *run = loop->run;
    RtStatus status = RT_OK;
    rt_snapshot_take(run, loop->end);
    double rest = loop->length - loop->base_part;
    if (run->time)
        *run->time = time_within(loop, rest);
    RtFired fired = RT_EVENT_PASSED;
    status = rt_watch_interval(loop->watch, 0, rest, 0, true, time_within(loop, 0));
    while (!status && fired == RT_EVENT_PASSED && rt_watch_next(loop->watch, s, &status)) {
        if (!due_within(loop, *s))
            return RT_EVENT_FAILED;
        if (!run->whole_steps)
            status = look(loop, *s);
        loop->result.at = where(run, loop->base_step);
        loop->result.at.time = time_within(loop, *s);
        loop->result.at.at_end = false;
        if (!status)
            fired = rt_watch_fire(loop->watch, &loop->result.at, &loop->result);
    }
    if (status) {
        fail(loop, status);
        return RT_EVENT_FAILED;
    }
    if (fired == RT_EVENT_PASSED && !due_within(loop, rest))
        return RT_EVENT_FAILED;
    if (fired == RT_EVENT_PASSED)
        rt_snapshot_restore(run, loop->end);
    return fired;
}

/* What an event at part s of the present piece did to the state is a number; else the run ends, before it. */
static bool acts_are_finite(Loop *loop, double s) {
    RtRun *run = loop->run;
    loop->result.bad = rt_state_bad(run, &loop->result.bad_element);
    if (!loop->result.bad)
        return true;
    loop->result.status = RT_NOT_FINITE;
    loop->result.by_event = true;
    look(loop, s);
    return rt_fail(&loop->result.message, "%s is not finite after an event at t = %.10g", loop->result.bad->name,
                   time_within(loop, s));
}

/* Step k, of so many h, with its events. False: the run is over, with the result filled. */
static bool step_with_events(Loop *loop, uint64_t k, double length) {
    RtRun *run = loop->run;
    double s = 0;
    start_step(loop, k, length);
    rt_snapshot_take(run, loop->kept);
    loop->kept_step = k - 1;
    int32_t status = length < 1 ? (int32_t)look(loop, length) : one_step(run, k);
    RtFired fired = RT_EVENT_PASSED;
    do {
        loop->result.bad = status ? NULL : rt_state_bad(run, &loop->result.bad_element);
        if (status || loop->result.bad) {
            loop->result.status = status ? (RtStatus)status : RT_NOT_FINITE;
            loop->result.bad_step = k;
            rt_snapshot_restore(run, loop->kept);
            loop->result.at = where(run, k - 1);
            set_clocks(run, &loop->result.at);
            return false;
        }
        fired = events_of_piece(loop, &s);
        if (fired == RT_EVENT_ACTED && !acts_are_finite(loop, s))
            return false;
        if (fired == RT_EVENT_ACTED)
            status = go_on_from(loop, s);
    } while (fired == RT_EVENT_ACTED && loop->base_part < length - 1e-14);
    status = run->prepare ? run->prepare(run->frame) : 0;
    if (status) {
        loop->result.status = (RtStatus)status;
        fired = RT_EVENT_FAILED;
    }
    if (fired == RT_EVENT_STOPPED) {
        loop->result.at.at_end = true;
        set_clocks(run, &loop->result.at);
        rt_outputs_due(run, &loop->result.at, &loop->result);
        if (run->progress)
            run->progress(run->context, &loop->result.at);
    }
    return fired == RT_EVENT_PASSED || fired == RT_EVENT_ACTED;
}

static bool watch(Loop *loop) {
    RtRun *run = loop->run;
    if (!run->n_events && !run->part)
        return true;
    loop->base = rt_snapshot_new(run);
    bool ok = loop->base != NULL;
    if (run->n_events) {
        loop->watch = rt_watch_new(run, look, loop, run->h);
        loop->end = rt_snapshot_new(run);
        ok = ok && loop->watch && loop->end;
    }
    loop->result.status = !ok ? RT_NO_MEMORY : loop->watch ? rt_watch_begin(loop->watch) : RT_OK;
    return !loop->result.status || rt_fail(&loop->result.message, "%s", rt_status_text(loop->result.status));
}

uint64_t rt_loop_chunk(uint64_t chunk, uint64_t steps, double seconds) {
    if (seconds < 0.005 && steps == chunk && chunk < 1u << 20)
        return 2 * chunk;
    return seconds > 0.02 && chunk > 1 ? chunk / 2 : chunk;
}

void rt_loop_last_step(Loop *loop) {
    RtRun *run = loop->run;
    uint64_t k = run->steps + 1;
    int32_t status = RT_OK;
    if (!(run->rest > 0))
        return;
    if (loop->watch) {
        if (!step_with_events(loop, k, run->rest))
            return;
    } else {
        start_step(loop, k, run->rest);
        if (!due_within(loop, run->rest))
            return;
        status = (int32_t)look(loop, run->rest);
    }
    loop->result.bad = status ? NULL : rt_state_bad(run, &loop->result.bad_element);
    if (!status && !loop->result.bad) {
        rt_loop_after_step(loop, k, RT_OK);
        return;
    }
    loop->result.status = status ? (RtStatus)status : RT_NOT_FINITE;
    loop->result.bad_step = k;
    rt_snapshot_restore(run, loop->base);
    loop->result.at = where(run, k - 1);
    set_clocks(run, &loop->result.at);
}

static void step_loop(Loop *loop) {
    RtRun *run = loop->run;
    uint64_t step = run->first, chunk = 1;
    while (step < run->steps) {
        if (!loop->watch && !rt_loop_look_ahead(loop, step + 1))
            return;
        uint64_t quiet = rt_loop_quiet_steps(run, step, chunk);
        double start = rt_now();
        int32_t status = RT_OK;
        for (uint64_t i = 0; i < quiet && status == RT_OK; i++) {
            if (loop->watch && !step_with_events(loop, step + 1, 1))
                return;
            status = loop->watch ? RT_OK : one_step(run, step + 1);
            step++;
        }
        chunk = rt_loop_chunk(chunk, quiet, rt_now() - start);
        if (!rt_loop_after_step(loop, step, status))
            return;
    }
    rt_loop_last_step(loop);
}

static void describe_divergence(Loop *loop) {
    RtRunResult *result = &loop->result;
    if (!result->bad || result->message.text[0])
        return;
    if (result->bad->n > 1)
        snprintf(result->message.text, sizeof result->message.text,
                 "%s (element %llu) is no longer finite after step %llu", result->bad->name,
                 (unsigned long long)result->bad_element, (unsigned long long)result->bad_step);
    else
        snprintf(result->message.text, sizeof result->message.text, "%s is no longer finite after step %llu",
                 result->bad->name, (unsigned long long)result->bad_step);
}

bool rt_loop_begin(Loop *loop, RtRun *run) {
    *loop = (Loop){.run = run, .looked = rt_now(), .shown = rt_now(), .saved = rt_now()};
    RtRunState start = where(run, 0);
    loop->kept = rt_snapshot_new(run);
    if (!loop->kept) {
        loop->result.status = RT_NO_MEMORY;
        return rt_fail(&loop->result.message, "%s", rt_status_text(RT_NO_MEMORY));
    }
    if (run->batches)
        rt_batches_seek(run->batches, 0);
    set_clocks(run, &start);
    int32_t status = run->init(run->frame);
    if (!status && run->started)
        run->started(run->context);
    if (run->first) {
        start = where(run, run->first);
        set_clocks(run, &start);
        if (run->batches)
            rt_batches_seek(run->batches, run->first);
    }
    if (!status && run->hold && !rt_hold_start(run, &loop->result))
        status = loop->result.status;
    if (!status && run->prepare)
        status = run->prepare(run->frame);
    loop->result.status = (RtStatus)status;
    loop->result.at = start;
    if (status || !check_state(loop, run->first, rt_now()))
        return false;
    loop->watching = run->watch && watched_is_finite(loop, run->first);
    return watch(loop) && rt_outputs_due(run, &start, &loop->result);
}

RtRunResult rt_loop_end(Loop *loop) {
    describe_divergence(loop);
    if (loop->kept)
        rt_outputs_at_end(loop->run, &loop->result);
    rt_watch_free(loop->watch);
    rt_free(loop->base);
    rt_free(loop->end);
    rt_free(loop->kept);
    return loop->result;
}

RtRunResult rt_run_words(RtRun *run) {
    Loop loop;
    if (rt_loop_begin(&loop, run))
        step_loop(&loop);
    return rt_loop_end(&loop);
}
