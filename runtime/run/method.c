/* method — a run advanced by an integration method: the right-hand side is compiled code over the frame's
 * memory, the method's vector y is the run's blocks laid end to end, and what is due between steps comes from
 * dense output. */
#include "motion.h"

#include <math.h>
#include <stdlib.h>

static uint64_t count_y(const RtRun *run) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < run->n_y; i++)
        n += run->y[i].n;
    return n;
}

void rt_blocks_write(const RtRun *run, const RtBlock *blocks, const double *y) {
    for (uint32_t b = 0; b < run->n_y; b++) {
        void *at = run->frame->mem + blocks[b].offset;
        for (uint64_t i = 0; i < blocks[b].n; i++) {
            if (blocks[b].elem == RT_F64)
                ((double *)at)[i] = y[i];
            else
                ((float *)at)[i] = (float)y[i];
        }
        y += blocks[b].n;
    }
}

void rt_blocks_read(const RtRun *run, const RtBlock *blocks, double *y) {
    for (uint32_t b = 0; b < run->n_y; b++) {
        const void *at = run->frame->mem + blocks[b].offset;
        for (uint64_t i = 0; i < blocks[b].n; i++)
            y[i] = blocks[b].elem == RT_F64 ? ((const double *)at)[i] : (double)((const float *)at)[i];
        y += blocks[b].n;
    }
}

static RtStatus right_hand_side(void *context, double t, const double *y, double *dy) {
    RtRun *run = context;
    rt_blocks_write(run, run->y, y);
    if (run->time)
        *run->time = t;
    int32_t status = run->rhs(run->frame);
    rt_blocks_read(run, run->dy, dy);
    return (RtStatus)status;
}

static RtStatus stages(void *context, const RtStages *stages) {
    RtRun *run = context;
    return (RtStatus)run->stages(run->frame, stages);
}

static RtRunState at_time(const Motion *motion, double t, bool at_end) {
    const RtRun *run = motion->run;
    double done = run->end_time > 0 ? t / run->end_time
                                    : (double)motion->steps / (double)(run->steps ? run->steps : 1);
    return (RtRunState){.step = motion->steps, .time = t, .done = done, .at_end = at_end};
}

/* Puts the state at time t into memory and hands over what is due. */
static bool arrive(Motion *motion, const RtRunState *at, const double *y) {
    RtRun *run = motion->run;
    rt_blocks_write(run, run->y, y);
    if (run->time)
        *run->time = at->time;
    if (run->step_number)
        *run->step_number = (double)at->step;
    motion->result.at = *at;
    int32_t status = run->hold ? rt_hold_project(run) : RT_OK;
    if (status) {
        motion->result.status = (RtStatus)status;
        return rt_fail(&motion->result.message, "%s", rt_status_text((RtStatus)status));
    }
    return rt_outputs_due(run, at, &motion->result);
}

/* After a step: the state that arrive has put on the constraints is where the next one begins. */
static void go_on_from_memory(Motion *motion) {
    rt_blocks_read(motion->run, motion->run->y, motion->y);
    rt_ode_restart(motion->integrator, rt_ode_time(motion->integrator), motion->y);
}

/* The next moment anything is due by the clock, at most the end. */
static double next_time(const RtRun *run) {
    double next = INFINITY;
    for (uint32_t i = 0; i < run->n_outputs; i++) {
        double due = (double)run->outputs[i].taken * run->outputs[i].every;
        if (run->outputs[i].unit == RT_EVERY_TIME && due < next)
            next = due;
    }
    return next;
}

bool rt_motion_fail(Motion *motion, RtStatus status) {
    double t;
    size_t component = rt_ode_culprit(motion->integrator, &t);
    const RtRun *run = motion->run;
    const char *name = NULL;
    char element[160];
    for (uint32_t b = 0; b < run->n_y && !name; b++) {
        if (component < run->y[b].n) {
            motion->result.bad = &run->y[b];
            motion->result.bad_element = component;
            name = run->y[b].name;
            if (name && run->y[b].n > 1) {
                snprintf(element, sizeof element, "%s[%zu]", name, component);
                name = element;
            }
        } else {
            component -= run->y[b].n;
        }
    }
    motion->result.status = status;
    motion->result.bad_step = motion->steps + 1;
    rt_ode_explain(motion->integrator, status, name, &motion->result.message);
    rt_blocks_write(run, run->y, rt_ode_state(motion->integrator));
    if (run->time)
        *run->time = rt_ode_time(motion->integrator);
    motion->result.at = at_time(motion, rt_ode_time(motion->integrator), false);
    return false;
}

/* Everything due by the clock within the last step until time `end`, at its exact time. */
static bool due_until(Motion *motion, double end) {
    const RtRun *run = motion->run;
    double t;
    while ((t = next_time(run)) <= end) {
        RtStatus status = rt_ode_at(motion->integrator, t, motion->y);
        if (status)
            return rt_motion_fail(motion, status);
        RtRunState at = at_time(motion, t, run->end_time > 0 && t >= run->end_time * (1 - 1e-12));
        if (!arrive(motion, &at, motion->y))
            return false;
    }
    return true;
}

static void show_progress(Motion *motion, const RtRunState *at) {
    double now = motion->run->progress ? rt_now() : 0;
    if (!motion->run->progress || (now - motion->shown < 0.1 && !at->at_end))
        return;
    motion->shown = now;
    motion->run->progress(motion->run->context, at);
}

bool rt_motion_is_over(const Motion *motion) {
    const RtRun *run = motion->run;
    return run->end_time > 0 ? rt_ode_done(motion->integrator) : motion->steps >= run->steps;
}

/* ---- events ---- */

static RtStatus look(void *context, double t) {
    Motion *motion = context;
    RtRun *run = motion->run;
    RtStatus status = rt_ode_at(motion->integrator, t, motion->y);
    rt_blocks_write(run, run->y, motion->y);
    if (run->time)
        *run->time = t;
    return status;
}

/* What happens within the last step, in order of time, and what is due by the clock before it. `*over`: an event has
 * ended the run. After an event that acts the motion goes on from there, and the rest of the step is forgotten. */
static bool events_within_step(Motion *motion, double from, bool *over) {
    enum { LOOKS = 8 };
    RtRun *run = motion->run;
    RtIntegrator *g = motion->integrator;
    double t;
    RtStatus status = rt_watch_interval(motion->watch, from, rt_ode_time(g), LOOKS, false, 0);
    while (!status && rt_watch_next(motion->watch, &t, &status)) {
        if (!due_until(motion, t))
            return false;
        status = look(motion, t);
        if (!status && run->hold)
            status = (RtStatus)rt_hold_project(run);
        if (status)
            break;
        if (run->step_number)
            *run->step_number = (double)motion->steps;
        motion->result.at = at_time(motion, t, false);
        RtFired fired = rt_watch_fire(motion->watch, &motion->result.at, &motion->result);
        if (fired == RT_EVENT_FAILED)
            return false;
        if (fired == RT_EVENT_PASSED)
            continue;
        *over = fired == RT_EVENT_STOPPED;
        rt_blocks_read(run, run->y, motion->y);
        motion->result.bad = rt_state_bad(run, &motion->result.bad_element);
        if (motion->result.bad) {
            motion->result.status = RT_NOT_FINITE;
            motion->result.by_event = true;
            look(motion, t); /* the state before it is the last good one */
            return rt_fail(&motion->result.message, "%s is not finite after an event at t = %.10g",
                           motion->result.bad->name, t);
        }
        rt_ode_restart(g, t, motion->y);
        return true;
    }
    return status ? rt_motion_fail(motion, status) : due_until(motion, rt_ode_time(g));
}

double rt_motion_due(const Motion *motion) {
    const RtRun *run = motion->run;
    bool each_step = motion->watch || run->hold || !(run->end_time > 0);
    for (uint32_t i = 0; i < run->n_outputs; i++)
        each_step |= run->outputs[i].unit == RT_EVERY_STEPS;
    return each_step ? -INFINITY : next_time(run);
}

bool rt_motion_after_step(Motion *motion, double from) {
    RtRun *run = motion->run;
    bool over = false;
    if (motion->watch ? !events_within_step(motion, from, &over)
                      : !due_until(motion, rt_ode_time(motion->integrator)))
        return false;
    over = over || rt_motion_is_over(motion);
    RtRunState at = at_time(motion, rt_ode_time(motion->integrator), over);
    if (!arrive(motion, &at, rt_ode_state(motion->integrator)))
        return false;
    if (run->hold && !at.at_end)
        go_on_from_memory(motion);
    show_progress(motion, &at);
    if (run->stop && *run->stop && !at.at_end) {
        motion->result.status = RT_INTERRUPTED;
        return false;
    }
    return !over;
}

/* From a kink the first steps are as short as numbers allow, until it is known on which side the motion goes on: what the
 * wrong series is off by in such a step is rounding. */
static void probe(Motion *motion) {
    const double shortest = 1e-16, longest = 1e-4;
    if (!rt_watch_undecided(motion->watch)) {
        motion->probe = 0;
        return;
    }
    motion->probe = motion->probe > 0 ? 16 * motion->probe : shortest;
    if (motion->probe <= longest)
        rt_ode_probe(motion->integrator, motion->probe);
    else
        rt_watch_decide(motion->watch);
}

static void integrate(Motion *motion) {
    bool over = rt_motion_is_over(motion);
    while (!over) {
        double from = rt_ode_time(motion->integrator);
        if (motion->watch)
            probe(motion);
        RtStatus status = rt_ode_step(motion->integrator);
        if (status) {
            rt_motion_fail(motion, status);
            return;
        }
        motion->steps++;
        over = !rt_motion_after_step(motion, from);
    }
}

static bool watch(Motion *motion) {
    RtRun *run = motion->run;
    if (!run->n_events)
        return true;
    motion->watch = rt_watch_new(run, look, motion, 1);
    motion->result.status = motion->watch ? rt_watch_begin(motion->watch) : RT_NO_MEMORY;
    return !motion->result.status || rt_fail(&motion->result.message, "%s", rt_status_text(motion->result.status));
}

bool rt_motion_begin(Motion *motion, RtRun *run) {
    *motion = (Motion){.run = run, .shown = rt_now()};
    RtOde ode = {.n = (size_t)count_y(run), .rhs = right_hand_side, .context = run,
                 .stages = run->stages ? stages : NULL};
    motion->jets.run = run;
    if (run->method->of_jets)
        ode = (RtOde){.n = ode.n, .jet = rt_jet, .context = &motion->jets};
    if (run->time)
        *run->time = 0;
    int32_t status = run->init(run->frame);
    if (!status && run->started)
        run->started(run->context);
    if (!status && run->hold && !rt_hold_start(run, &motion->result))
        status = motion->result.status;
    if (!status && run->prepare)
        status = run->prepare(run->frame);
    motion->y = malloc((ode.n + 1) * sizeof *motion->y);
    if (status || !motion->y) {
        motion->result.status = status ? (RtStatus)status : RT_NO_MEMORY;
        rt_fail(&motion->result.message, "%s", rt_status_text(motion->result.status));
        return false;
    }
    rt_blocks_read(run, run->y, motion->y);
    motion->result.bad = rt_state_bad(run, &motion->result.bad_element);
    if (motion->result.bad) {
        motion->result.status = RT_NOT_FINITE;
        return rt_fail(&motion->result.message, "%s is not finite at the start", motion->result.bad->name);
    }
    RtRunState at = at_time(motion, 0, false);
    if (!arrive(motion, &at, motion->y))
        return false;
    /* Counted in steps, an adaptive run has no end in time: one that it cannot reach. */
    double end = run->end_time > 0          ? run->end_time
                 : run->method->adaptive ? 1e12
                                         : run->tolerance.h * (double)(run->steps + 1);
    motion->integrator = rt_ode_new(run->method, &ode, &run->tolerance, 0, end, motion->y,
                                    &motion->result.message);
    if (!motion->integrator)
        motion->result.status = RT_NO_MEMORY;
    motion->begun = motion->integrator && watch(motion);
    return motion->begun;
}

RtRunResult rt_motion_end(Motion *motion) {
    RtRun *run = motion->run;
    if (motion->begun) {
        if (run->hold && motion->result.status == RT_OK)
            rt_hold_end(run, &motion->result);
        motion->result.ode = rt_ode_stats(motion->integrator);
        rt_outputs_at_end(run, &motion->result);
    }
    rt_watch_free(motion->watch);
    rt_ode_free(motion->integrator);
    rt_jet_free(&motion->jets);
    free(motion->y);
    return motion->result;
}

RtRunResult rt_run_method(RtRun *run) {
    Motion motion;
    if (rt_motion_begin(&motion, run))
        integrate(&motion);
    return rt_motion_end(&motion);
}
