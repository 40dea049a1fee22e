/* motion — a run advanced by an integration method, in parts: for one that is alone (method.c) and for copies that advance
 * together (lanes_method.c). Private to this folder. */
#ifndef LAG_RT_RUN_MOTION_H
#define LAG_RT_RUN_MOTION_H

#include "events.h"
#include "jet.h"

typedef struct Motion {
    RtRun *run;
    RtRunResult result;
    RtIntegrator *integrator;
    RtWatch *watch;  /* events; NULL: none */
    double probe;    /* the part of a step that was gone last to leave a kink; 0: none */
    double *y;       /* all blocks of y, end to end */
    uint64_t steps;
    double shown;
    bool begun;
    RtJetWork jets;
} Motion;

/* The state's start, and an integrator aimed at the end. False: nothing to integrate, with the result filled. */
bool rt_motion_begin(Motion *motion, RtRun *run);
bool rt_motion_is_over(const Motion *motion);
/* The time at which something is due next; infinite: before the end nothing; -infinite: in each step. */
double rt_motion_due(const Motion *motion);
/* What happens and is due in the step from time `from`. False: the run is over, with the result filled. */
bool rt_motion_after_step(Motion *motion, double from);
/* No step succeeds. False. */
bool rt_motion_fail(Motion *motion, RtStatus status);
/* The result, whether it has begun or not; frees all. */
RtRunResult rt_motion_end(Motion *motion);

#endif
