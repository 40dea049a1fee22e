/* lanes_words — copies of a run by a word, one in each lane, all at the same step. What is due and what goes wrong is
 * looked at by each copy's own run, in its own memory: a copy that leaves the numbers repeats its last steps there, as it
 * would alone. */
#include "lanes.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

typedef struct Lane {
    Loop loop;
    bool busy;
    int32_t status; /* of the first step that failed, */
    uint64_t failed; /* and its number */
} Lane;

typedef struct Together {
    RtCopies *copies;
    uint32_t first;      /* of its runs: that of lane 0 */
    uint64_t copy;       /* in lane 0, the others follow */
    LaneFrame memory;
    double *time, *step_number; /* rows; NULL when nothing reads them */
    Lane lane[RT_MAX_LANES];
} Together;

static RtRun *run_of(const Together *t, unsigned l) { return t->copies->run[t->first + l]; }

static void end(Together *t, unsigned l) {
    RtRunResult result = rt_loop_end(&t->lane[l].loop);
    t->lane[l].busy = false;
    rt_copies_ended(t->copies, t->first + l, t->copy + l, &result);
}

static bool is_any_busy(const Together *t) {
    bool any = false;
    for (unsigned l = 0; l < t->copies->code.lanes; l++)
        any |= t->lane[l].busy;
    return any;
}

static void set_row(const Together *t, double *row, double value) {
    for (unsigned l = 0; row && l < t->copies->code.lanes; l++)
        row[l] = value;
}

/* Step number k of all lanes. */
static void step(Together *t, uint64_t k) {
    int32_t status[RT_MAX_LANES];
    unsigned n = t->copies->code.lanes;
    set_row(t, t->time, (double)(k - 1) * run_of(t, 0)->h);
    set_row(t, t->step_number, (double)k);
    t->memory.frame.draw_step = k;
    t->copies->code.advance(&t->memory.frame, status);
    int32_t any = 0;
    for (unsigned l = 0; l < n; l++)
        any |= status[l];
    for (unsigned l = 0; l < n && any; l++)
        if (status[l] && !t->lane[l].status) {
            t->lane[l].status = status[l];
            t->lane[l].failed = k;
        }
}

static void step_together(Together *t) {
    unsigned n = t->copies->code.lanes;
    uint64_t done = 0, chunk = 1, all = run_of(t, 0)->steps;
    while (done < all && is_any_busy(t)) {
        for (unsigned l = 0; l < n; l++)
            if (t->lane[l].busy && !rt_loop_look_ahead(&t->lane[l].loop, done + 1))
                end(t, l);
        const RtRun *run = NULL; /* one that goes on: what is due is the same for all that do */
        for (unsigned l = 0; l < n && !run; l++)
            run = t->lane[l].busy ? run_of(t, l) : NULL;
        if (!run)
            break;
        uint64_t quiet = rt_loop_quiet_steps(run, done, chunk);
        double start = rt_now();
        for (uint64_t i = 0; i < quiet; i++)
            step(t, ++done);
        chunk = rt_loop_chunk(chunk, quiet, rt_now() - start);
        for (unsigned l = 0; l < n; l++) {
            Lane *lane = &t->lane[l];
            if (!lane->busy)
                continue;
            rt_lane_frame_get(&t->memory, l, run_of(t, l));
            run_of(t, l)->frame->draw_step = lane->status ? lane->failed : done;
            if (!rt_loop_after_step(&lane->loop, lane->status ? lane->failed : done, lane->status))
                end(t, l);
        }
    }
    for (unsigned l = 0; l < n; l++)
        if (t->lane[l].busy) {
            rt_loop_last_step(&t->lane[l].loop);
            end(t, l);
        }
}

static void begin(Together *t, uint64_t count) {
    for (unsigned l = 0; l < t->copies->code.lanes; l++) {
        Lane *lane = &t->lane[l];
        if (l < count) {
            rt_copies_begin(t->copies, t->first + l, t->copy + l);
            lane->status = 0;
            lane->busy = true;
            if (!rt_loop_begin(&lane->loop, run_of(t, l)))
                end(t, l);
        }
        /* lanes without a copy repeat the first one, so that the code goes through them without a stumble */
        rt_lane_frame_put(&t->memory, l, run_of(t, l < count ? l : 0));
    }
}

/* As many as fit, but shared evenly when few are left. */
static uint64_t how_many(const RtCopies *c) {
    uint64_t next = __atomic_load_n(&c->next, __ATOMIC_RELAXED), left = next < c->n ? c->n - next : 1;
    uint64_t share = (left + c->n_threads - 1) / c->n_threads;
    return share < c->code.lanes ? share : c->code.lanes;
}

void rt_copies_words_in_lanes(RtCopies *c, uint32_t w) {
    Together *t = calloc(1, sizeof *t);
    const RtRun *run = c->run[w * c->abreast];
    if (t && rt_lane_frame_open(&t->memory, &c->code, run)) {
        uint64_t count;
        t->copies = c;
        t->first = w * c->abreast;
        t->time = rt_lane_frame_row(&t->memory, run, run->time);
        t->step_number = rt_lane_frame_row(&t->memory, run, run->step_number);
        while ((count = rt_copies_take(c, how_many(c), &t->copy))) {
            begin(t, count);
            step_together(t);
        }
        rt_lane_frame_close(&t->memory);
    } else {
        rt_copies_one_by_one(c, w);
    }
    free(t);
}
