/* lanes — memory in which copies advance together, and which way copies do: see lanes.h. */
#include "../core/core.h"
#include "lanes.h"

#include <stdlib.h>
#include <string.h>

bool rt_lane_frame_open(LaneFrame *f, const RtLaneCode *code, const RtRun *run) {
    uint64_t bytes = code->lanes * (code->bytes ? code->bytes : 64);
    *f = (LaneFrame){.code = code, .frame = *run->frame};
    f->frame.pool = NULL;
    f->frame.draw_step = 0;
    f->frame.seeds = f->seeds;
    f->frame.mem = rt_alloc_zeroed(bytes);
    return f->frame.mem != NULL;
}

void rt_lane_frame_close(LaneFrame *f) {
    rt_free(f->frame.mem);
    f->frame.mem = NULL;
}

static void put(const LaneFrame *f, unsigned lane, const RtBlock *block, const char *mem) {
    const char *from = mem + block->offset;
    size_t lanes = f->code->lanes, size = rt_elem_size(block->elem);
    char *to = f->frame.mem + lanes * block->offset + lane * size;
    for (uint64_t i = 0; i < block->n; i++, from += size, to += lanes * size)
        memcpy(to, from, size);
}

static void get(const LaneFrame *f, unsigned lane, const RtBlock *block, char *mem) {
    char *to = mem + block->offset;
    size_t lanes = f->code->lanes, size = rt_elem_size(block->elem);
    const char *from = f->frame.mem + lanes * block->offset + lane * size;
    for (uint64_t i = 0; i < block->n; i++, to += size, from += lanes * size)
        memcpy(to, from, size);
}

void rt_lane_frame_put(LaneFrame *f, unsigned lane, const RtRun *run) {
    f->seeds[lane] = run->frame->seed;
    for (uint32_t k = 0; k < f->code->n_moved; k++)
        put(f, lane, &f->code->moved[k], run->frame->mem);
}

void rt_lane_frame_get(const LaneFrame *f, unsigned lane, const RtRun *run) {
    for (uint32_t k = 0; k < run->n_state; k++)
        get(f, lane, &run->state[k], run->frame->mem);
}

double *rt_lane_frame_row(const LaneFrame *f, const RtRun *run, const double *at) {
    return at ? (double *)(void *)(f->frame.mem + f->code->lanes * (size_t)((const char *)at - run->frame->mem)) : NULL;
}

double **rt_lane_frame_rows(const LaneFrame *f, const RtBlock *blocks, uint32_t n) {
    uint64_t count = 0;
    for (uint32_t b = 0; b < n; b++)
        count += blocks[b].n;
    double **rows = calloc(count + 1, sizeof *rows), **row = rows;
    for (uint32_t b = 0; rows && b < n; b++)
        for (uint64_t i = 0; i < blocks[b].n; i++)
            *row++ = (double *)(void *)(f->frame.mem + f->code->lanes * (blocks[b].offset + i * sizeof(double)));
    return rows;
}

/* ---- which way ---- */

static bool is_double(const RtBlock *blocks, uint32_t n) {
    for (uint32_t b = 0; b < n; b++)
        if (blocks[b].elem != RT_F64)
            return false;
    return true;
}

const char *rt_copies_choose(RtCopies *c) {
    const RtRun *run = c->run[0];
    c->integrate = rt_copies_one_by_one;
    if (c->code.lanes < 2 || c->abreast != c->code.lanes)
        return "there is no code for several";
    if (run->method && (!run->rhs || !rt_method_has_lanes(run->method, c->code.lanes)))
        return "this method takes one at a time";
    if (run->method && !(is_double(run->y, run->n_y) && is_double(run->dy, run->n_y)))
        return "they are in single precision";
    if (!run->method && run->n_events)
        return "words look for events in one at a time";
    if (!run->method && (run->hold || run->batches))
        return run->hold ? "words hold constraints in one at a time" : "minibatches are drawn for one at a time";
    c->integrate = run->method ? rt_copies_method_in_lanes : rt_copies_words_in_lanes;
    return NULL;
}
