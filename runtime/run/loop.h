/* loop — a run advanced by a word, in parts: for one that is alone (words.c) and for copies that advance together
 * (lanes_words.c). Private to this folder. */
#ifndef LAG_RT_RUN_LOOP_H
#define LAG_RT_RUN_LOOP_H

#include "events.h"

typedef struct Loop {
    RtRun *run;
    RtRunResult result;
    char *kept;          /* the last state seen to be finite */
    uint64_t kept_step;
    double looked;       /* when it was last looked over, and how long that took */
    double look_cost;
    double shown;        /* when progress was last shown, and how long that took */
    double show_cost;
    double saved;        /* when the run was last saved, and how long that took */
    double save_cost;
    RtWatch *watch;      /* events; NULL: none */
    char *base, *end;    /* the state that the rest of a step starts from; events: and that in which it ends */
    uint64_t base_step;  /* number of the step */
    double base_part;    /* how much of it is behind `base` */
    double length;       /* of it, in h: 1, or that of the last, shorter one */
    uint32_t pieces;     /* how often it was cut */
    bool watching;       /* what is watched was finite at the start, and must stay so */
} Loop;

/* The state's start. False: no step is possible, with the result filled. */
bool rt_loop_begin(Loop *loop, RtRun *run);
/* Steps from `step` after which nothing is due: as many as all outputs allow, at most `most`. */
uint64_t rt_loop_quiet_steps(const RtRun *run, uint64_t step, uint64_t most);
/* Steps between two looks at the clock, about a hundredth of a second's worth, after `steps` have taken `seconds`. */
uint64_t rt_loop_chunk(uint64_t chunk, uint64_t steps, double seconds);
/* After `step` steps, the last of which returned `status`: looks the state over now and then, hands over what is due.
 * False: the run is over, with the result filled. */
bool rt_loop_after_step(Loop *loop, uint64_t step, int32_t status);
/* Before step k: hands over what is due by the clock within it. False: the run is over, with the result filled. */
bool rt_loop_look_ahead(Loop *loop, uint64_t k);
/* After all whole steps: the shorter step to the end of a run that ends between two; nothing where there is none. */
void rt_loop_last_step(Loop *loop);
/* The result, whether it has begun or not; frees all. */
RtRunResult rt_loop_end(Loop *loop);

#endif
