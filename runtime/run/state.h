/* state — snapshots and finiteness of a run's state, and what is due when. Private to this folder. */
#ifndef LAG_RT_RUN_STATE_H
#define LAG_RT_RUN_STATE_H

#include "../core/core.h"
#include "run.h"

size_t rt_block_bytes(const RtBlock *block);
bool rt_block_finite(const char *mem, const RtBlock *block, uint64_t *element);
/* The first block with an element that is not finite, or NULL. */
const RtBlock *rt_state_bad(const RtRun *run, uint64_t *element);
char *rt_snapshot_new(const RtRun *run); /* NULL: not enough memory */
void rt_snapshot_take(const RtRun *run, char *snapshot);
void rt_snapshot_restore(const RtRun *run, const char *snapshot);

/* Copies between doubles laid end to end and the blocks of y (or dy) in frame memory, which may be single precision. */
void rt_blocks_write(const RtRun *run, const RtBlock *blocks, const double *y);
void rt_blocks_read(const RtRun *run, const RtBlock *blocks, double *y);

/* Computes and hands over every output that is due at `at`; false: stop with result->status and message
 * set. */
bool rt_outputs_due(RtRun *run, const RtRunState *at, RtRunResult *result);
/* Those that are taken at event `number`. */
bool rt_outputs_of_event(RtRun *run, uint32_t number, const RtRunState *at, RtRunResult *result);
/* A run that was stopped early hands over what is due at the end from its last good state, so that parameters
 * are saved. */
void rt_outputs_at_end(RtRun *run, RtRunResult *result);

#endif
