/* copies — the same run from many starts, on all threads. A thread has runs of its own, with memory of their own, and takes
 * the next copy whenever one of them is free; which run a copy gets does not matter, since it sets all that it reads. */
#include "../core/core.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

uint64_t rt_copy_seed(uint64_t seed, uint64_t copy) {
    return seed ^ copy * UINT64_C(0x9e3779b97f4a7c15); /* the odd number nearest to 2^64 over the golden ratio */
}

uint64_t rt_copies_take(RtCopies *c, uint64_t most, uint64_t *first) {
    if (c->stop && *c->stop)
        return 0;
    *first = __atomic_fetch_add(&c->next, most, __ATOMIC_RELAXED);
    return *first >= c->n ? 0 : c->n - *first < most ? c->n - *first : most;
}

static void piece(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    RtCopies *c = env;
    for (int64_t w = begin; w < end; w++)
        c->integrate(c, (uint32_t)w);
}

bool rt_run_copies(RtCopies *c, RtFrame *frame) {
    const RtRun *run = c->run[0];
    c->end_bytes = 2 * sizeof(double);
    for (uint32_t k = 0; k < run->n_state; k++)
        c->end_bytes += rt_block_bytes(&run->state[k]);
    c->end_bytes = (c->end_bytes + 7) / 8 * 8;
    c->result = calloc(c->n, sizeof *c->result);
    c->end = calloc(c->n, c->end_bytes);
    if (!c->result || !c->end)
        return false;
    for (uint64_t copy = 0; copy < c->n; copy++)
        c->result[copy].status = RT_INTERRUPTED;
    rt_parallel(frame, piece, c, (int64_t)c->n_threads, 1);
    return true;
}

void rt_copies_free(RtCopies *c) {
    free(c->result);
    free(c->end);
    c->result = NULL;
    c->end = NULL;
}

static void set_number(RtCopies *c, uint32_t r, uint64_t copy) {
    c->run[r]->frame->seed = rt_copy_seed(c->seed, copy);
    if (c->number[r])
        *c->number[r] = (int64_t)copy;
}

void rt_copies_begin(RtCopies *c, uint32_t r, uint64_t copy) {
    RtRun *run = c->run[r];
    set_number(c, r, copy);
    c->begins(c->context, r, copy);
    run->frame->draw_step = 0;
    for (uint32_t k = 0; k < run->n_outputs; k++)
        run->outputs[k].taken = 0;
}

void rt_copies_ended(RtCopies *c, uint32_t r, uint64_t copy, const RtRunResult *result) {
    RtRun *run = c->run[r];
    char *end = c->end + copy * c->end_bytes;
    const double clocks[2] = {run->time ? *run->time : result->at.time, (double)result->at.step};
    memcpy(end, clocks, sizeof clocks);
    rt_snapshot_take(run, end + sizeof clocks);
    c->result[copy] = *result;
    c->ends(c->context, r, copy);
}

void rt_copies_restore(RtCopies *c, uint32_t r, uint64_t copy) {
    RtRun *run = c->run[r];
    double clocks[2];
    const char *end = c->end + copy * c->end_bytes;
    set_number(c, r, copy);
    memcpy(clocks, end, sizeof clocks);
    rt_snapshot_restore(run, end + sizeof clocks);
    if (run->time)
        *run->time = clocks[0];
    if (run->step_number)
        *run->step_number = clocks[1];
    run->frame->draw_step = (uint64_t)clocks[1];
}

void rt_copies_one_by_one(RtCopies *c, uint32_t w) {
    uint32_t r = w * c->abreast;
    uint64_t copy;
    while (rt_copies_take(c, 1, &copy)) {
        rt_copies_begin(c, r, copy);
        RtRunResult result = c->run[r]->method ? rt_run_method(c->run[r]) : rt_run_words(c->run[r]);
        rt_copies_ended(c, r, copy, &result);
    }
}
