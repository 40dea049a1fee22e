/* copies — the same run from many starts, on all threads. A thread takes a run (with its memory) that is free, advances
 * some copies with it one after the other and puts it back; which run a copy gets does not matter, since it sets all that
 * it reads. */
#include "../core/core.h"
#include "state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

uint64_t rt_copy_seed(uint64_t seed, uint64_t copy) {
    return seed ^ copy * UINT64_C(0x9e3779b97f4a7c15); /* the odd number nearest to 2^64 over the golden ratio */
}

/* Runs that no thread has at the moment. */
typedef struct Shed {
    RtCopies *copies;
    pthread_mutex_t lock;
    uint32_t *free, n_free;
} Shed;

static uint32_t take_run(Shed *shed) {
    pthread_mutex_lock(&shed->lock);
    uint32_t w = shed->free[--shed->n_free]; /* there are as many as threads */
    pthread_mutex_unlock(&shed->lock);
    return w;
}

static void put_run(Shed *shed, uint32_t w) {
    pthread_mutex_lock(&shed->lock);
    shed->free[shed->n_free++] = w;
    pthread_mutex_unlock(&shed->lock);
}

static void piece(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    Shed *shed = env;
    uint32_t w = take_run(shed);
    shed->copies->integrate(shed->copies, w, (uint64_t)begin, (uint64_t)end);
    put_run(shed, w);
}

bool rt_run_copies(RtCopies *c, RtFrame *frame) {
    const RtRun *run = c->run[0];
    c->end_bytes = 2 * sizeof(double);
    for (uint32_t k = 0; k < run->n_state; k++)
        c->end_bytes += rt_block_bytes(&run->state[k]);
    c->end_bytes = (c->end_bytes + 7) / 8 * 8;
    c->result = calloc(c->n, sizeof *c->result);
    c->end = calloc(c->n, c->end_bytes);
    Shed shed = {.copies = c, .free = calloc(c->n_runs, sizeof *shed.free), .n_free = c->n_runs};
    bool ok = c->result && c->end && shed.free;
    for (uint32_t w = 0; ok && w < c->n_runs; w++)
        shed.free[w] = w;
    if (ok) {
        pthread_mutex_init(&shed.lock, NULL);
        rt_parallel(frame, piece, &shed, (int64_t)c->n, c->n >= 64 * (uint64_t)c->n_runs ? 8 : 1);
        pthread_mutex_destroy(&shed.lock);
    }
    free(shed.free);
    return ok;
}

void rt_copies_free(RtCopies *c) {
    free(c->result);
    free(c->end);
    c->result = NULL;
    c->end = NULL;
}

void rt_copies_begin(RtCopies *c, uint32_t w, uint64_t copy) {
    c->run[w]->frame->seed = rt_copy_seed(c->seed, copy);
    if (c->number[w])
        *c->number[w] = (int64_t)copy;
}

void rt_copies_ended(RtCopies *c, uint32_t w, uint64_t copy, const RtRunResult *result) {
    RtRun *run = c->run[w];
    char *end = c->end + copy * c->end_bytes;
    const double clocks[2] = {run->time ? *run->time : result->at.time, (double)result->at.step};
    memcpy(end, clocks, sizeof clocks);
    rt_snapshot_take(run, end + sizeof clocks);
    c->result[copy] = *result;
    c->ends(c->context, w, copy);
}

void rt_copies_restore(RtCopies *c, uint32_t w, uint64_t copy) {
    RtRun *run = c->run[w];
    double clocks[2];
    const char *end = c->end + copy * c->end_bytes;
    rt_copies_begin(c, w, copy);
    memcpy(clocks, end, sizeof clocks);
    rt_snapshot_restore(run, end + sizeof clocks);
    if (run->time)
        *run->time = clocks[0];
    if (run->step_number)
        *run->step_number = clocks[1];
    run->frame->draw_step = (uint64_t)clocks[1];
}

void rt_copies_one_by_one(RtCopies *c, uint32_t w, uint64_t first, uint64_t end) {
    RtRun *run = c->run[w];
    for (uint64_t copy = first; copy < end; copy++) {
        RtRunResult result = {.status = RT_INTERRUPTED};
        if (c->stop && *c->stop) {
            c->result[copy] = result;
            continue;
        }
        rt_copies_begin(c, w, copy);
        c->begins(c->context, w, copy);
        run->frame->draw_step = 0;
        for (uint32_t k = 0; k < run->n_outputs; k++)
            run->outputs[k].taken = 0;
        result = run->method ? rt_run_method(run) : rt_run_words(run);
        rt_copies_ended(c, w, copy, &result);
    }
}
