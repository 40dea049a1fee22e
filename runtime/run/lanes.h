/* lanes — the memory in which copies advance together, and the copies in it. Private to this folder. */
#ifndef LAG_RT_RUN_LANES_H
#define LAG_RT_RUN_LANES_H

#include "state.h"

/* The frame of RtLaneCode: element e of a place of one copy, at byte b + e·size, is a row of `lanes` elements here, at
 * lanes·(b + e·size). */
typedef struct LaneFrame {
    const RtLaneCode *code;
    RtFrame frame;          /* its memory; seeds: those below, so this stays where it was opened */
    uint64_t seeds[RT_MAX_LANES];
} LaneFrame;

/* Memory like that of `run`, all 0. False: there is not enough. */
bool rt_lane_frame_open(LaneFrame *f, const RtLaneCode *code, const RtRun *run);
void rt_lane_frame_close(LaneFrame *f);
/* Everything the code reads, from the run's own memory to its lane. */
void rt_lane_frame_put(LaneFrame *f, unsigned lane, const RtRun *run);
/* The state, from its lane to the run's own memory. */
void rt_lane_frame_get(const LaneFrame *f, unsigned lane, const RtRun *run);
/* The row of a number that the run has at `at`; NULL: it has none. */
double *rt_lane_frame_row(const LaneFrame *f, const RtRun *run, const double *at);
/* The rows of blocks laid end to end, which are doubles; NULL: not enough memory. To be freed. */
double **rt_lane_frame_rows(const LaneFrame *f, const RtBlock *blocks, uint32_t n);

#endif
