/* events — finds the moments at which watched differences change their sign, and does what is due at them. Private to
 * this folder; words.c and method.c each say how the state at a time within their last step is had. */
#ifndef LAG_RT_RUN_EVENTS_H
#define LAG_RT_RUN_EVENTS_H

#include "state.h"

/* Puts the state at time s of the present interval, and its clock, into frame memory. */
typedef RtStatus (*RtLook)(void *context, double s);

typedef struct RtWatch RtWatch;

/* NULL: not enough memory. `unit` is the time that a difference of 1 in s is. */
RtWatch *rt_watch_new(RtRun *run, RtLook look, void *context, double unit);
void rt_watch_free(RtWatch *watch);

/* Starts at the state in memory: what is not 0 now has its sign. */
RtStatus rt_watch_begin(RtWatch *watch);

/* Whether a kink's difference was 0 in the state that was changed last, and the path has not shown yet on which side it goes on;
 * and an end to that question, where the difference stays 0. */
bool rt_watch_undecided(RtWatch *watch);
void rt_watch_decide(RtWatch *watch);

/* The path from `from` to `to` is there to be looked at, `looks` times and at its end (0: at the end alone). After a
 * state was changed (begin, an event that acts) the looks are close at first, so that a short flight is not missed.
 * `ends`: the state at `to` is in memory now. `time`: the clock at s = 0. */
RtStatus rt_watch_interval(RtWatch *watch, double from, double to, uint32_t looks, bool ends, double time);

/* The first moment of the interval, after those given before, at which an event happens. False: none; *status says
 * whether looking failed. */
bool rt_watch_next(RtWatch *watch, double *s, RtStatus *status);

typedef enum RtFired { RT_EVENT_PASSED, RT_EVENT_ACTED, RT_EVENT_STOPPED, RT_EVENT_FAILED } RtFired;
/* Does what is due at the moment found, the state of which must be in memory: records, acts, stops. Failed: result says
 * why. */
RtFired rt_watch_fire(RtWatch *watch, const RtRunState *at, RtRunResult *result);

#endif
