/* lanes_method — copies of a run by an integration method, one in each lane: see rt_lanes_new. What happens and is due
 * within a copy's step is looked at by the copy's own run, in its own memory. */
#include "lanes.h"
#include "motion.h"

#include <math.h>
#include <stdlib.h>

typedef struct Lane {
    Motion motion;
    uint64_t copy;
    bool busy;
} Lane;

typedef struct Together {
    RtCopies *copies;
    uint32_t first;      /* of its runs: that of lane 0 */
    LaneFrame memory;
    RtLanes *lanes;      /* made when the first copy has begun */
    Lane lane[RT_MAX_LANES];
    double **y, **dy;
} Together;

static RtRun *run_of(const Together *t, unsigned l) { return t->copies->run[t->first + l]; }

static void end(Together *t, unsigned l) {
    RtRunResult result = rt_motion_end(&t->lane[l].motion);
    t->lane[l].busy = false;
    rt_copies_ended(t->copies, t->first + l, t->lane[l].copy, &result);
}

/* The lanes, and numbers in all of them that the code can go through without a stumble. */
static bool make_lanes(Together *t, const Motion *like) {
    RtRun *run = like->run;
    const RtLaneOde ode = {.lanes = t->copies->code.lanes, .rhs = t->copies->code.advance, .frame = &t->memory.frame,
                           .y = t->y, .dy = t->dy, .t = rt_lane_frame_row(&t->memory, run, run->time)};
    t->lanes = rt_lanes_new(like->integrator, &ode);
    for (unsigned l = 0; t->lanes && l < ode.lanes; l++)
        rt_lane_frame_put(&t->memory, l, run);
    return t->lanes != NULL;
}

/* Puts a copy whose state was set, by itself, into its lane. False: it has ended. */
static bool enter(Together *t, unsigned l) {
    Motion *motion = &t->lane[l].motion;
    RtStatus status = RT_OK;
    if (!t->lanes && !make_lanes(t, motion)) {
        motion->result.status = RT_NO_MEMORY;
        return rt_fail(&motion->result.message, "%s", rt_status_text(RT_NO_MEMORY));
    }
    rt_lane_frame_put(&t->memory, l, motion->run);
    status = rt_lanes_enter(t->lanes, l, motion->integrator);
    if (status)
        return rt_motion_fail(motion, status);
    rt_lanes_look(t->lanes, l, rt_motion_due(motion));
    return true;
}

/* Copies that end before their first step leave the lane to the next one. */
static void fill(Together *t, unsigned l) {
    Lane *lane = &t->lane[l];
    while (!lane->busy && rt_copies_take(t->copies, 1, &lane->copy)) {
        rt_copies_begin(t->copies, t->first + l, lane->copy);
        lane->busy = true;
        if (!rt_motion_begin(&lane->motion, run_of(t, l)) || rt_motion_is_over(&lane->motion) || !enter(t, l))
            end(t, l);
    }
}

static void accepted(Together *t, unsigned l) {
    Motion *motion = &t->lane[l].motion;
    bool may_move = motion->watch || motion->run->hold; /* the state, on its own */
    if (may_move)
        rt_lanes_leave(t->lanes, l);
    else
        rt_lanes_show(t->lanes, l);
    motion->steps = rt_ode_stats(motion->integrator).accepted;
    bool goes_on = rt_motion_after_step(motion, rt_ode_from(motion->integrator));
    if (!goes_on && !may_move)
        rt_lanes_leave(t->lanes, l);
    if (!goes_on || (may_move && !enter(t, l)))
        end(t, l);
    else
        rt_lanes_look(t->lanes, l, rt_motion_due(motion));
}

static void failed(Together *t, unsigned l) {
    RtStatus status = rt_lanes_status(t->lanes, l);
    rt_lanes_leave(t->lanes, l);
    t->lane[l].motion.steps = rt_ode_stats(t->lane[l].motion.integrator).accepted;
    rt_motion_fail(&t->lane[l].motion, status);
    end(t, l);
}

static bool is_any_busy(const Together *t) {
    bool any = false;
    for (unsigned l = 0; l < t->copies->code.lanes; l++)
        any |= t->lane[l].busy;
    return any;
}

static void advance(Together *t) {
    unsigned n = t->copies->code.lanes;
    RtLaneResult result[RT_MAX_LANES];
    for (unsigned l = 0; l < n; l++)
        fill(t, l);
    while (is_any_busy(t)) {
        if (t->copies->stop && *t->copies->stop) /* each copy ends with its next step */
            for (unsigned l = 0; l < n; l++)
                rt_lanes_look(t->lanes, l, -INFINITY);
        rt_lanes_try(t->lanes, result);
        for (unsigned l = 0; l < n; l++) {
            if (result[l] == RT_LANE_ACCEPTED)
                accepted(t, l);
            else if (result[l] == RT_LANE_FAILED)
                failed(t, l);
            if (!t->lane[l].busy)
                fill(t, l);
        }
    }
}

void rt_copies_method_in_lanes(RtCopies *c, uint32_t w) {
    Together *t = calloc(1, sizeof *t);
    const RtRun *run = c->run[w * c->abreast];
    bool ok = t && rt_lane_frame_open(&t->memory, &c->code, run);
    if (ok) {
        t->copies = c;
        t->first = w * c->abreast;
        t->y = rt_lane_frame_rows(&t->memory, run->y, run->n_y);
        t->dy = rt_lane_frame_rows(&t->memory, run->dy, run->n_y);
    }
    ok = ok && t->y && t->dy;
    if (ok)
        advance(t);
    else
        rt_copies_one_by_one(c, w);
    if (t) {
        rt_lanes_free(t->lanes);
        rt_lane_frame_close(&t->memory);
        free(t->y);
        free(t->dy);
    }
    free(t);
}
