/* state — snapshots and finiteness of a run's state, and what is due when. */
#include "../core/core.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t rt_block_bytes(const RtBlock *block) {
    return (size_t)block->n * rt_elem_size(block->elem);
}

/* A number is finite when the bits of its exponent are not all ones. Pieces of loops without a branch, which
 * vectorize. */
#define FINITE(T, Bits, exponent)                                                                            \
    static bool finite_##T(const T *restrict x, uint64_t n) {                                                \
        enum { PIECE = 4096 };                                                                               \
        for (uint64_t done = 0; done < n; done += PIECE) {                                                   \
            uint64_t end = n - done < PIECE ? n : done + PIECE;                                              \
            Bits bad = 0;                                                                                    \
            for (uint64_t i = done; i < end; i++) {                                                          \
                Bits bits;                                                                                   \
                memcpy(&bits, &x[i], sizeof bits);                                                           \
                bad |= (bits & exponent) == exponent;                                                        \
            }                                                                                                \
            if (bad)                                                                                         \
                return false;                                                                                \
        }                                                                                                    \
        return true;                                                                                         \
    }
FINITE(double, uint64_t, 0x7ff0000000000000u)
FINITE(float, uint32_t, 0x7f800000u)

bool rt_block_finite(const char *mem, const RtBlock *block, uint64_t *element) {
    const void *at = mem + block->offset;
    if (block->elem == RT_F64 ? finite_double(at, block->n)
                                 : block->elem != RT_F32 || finite_float(at, block->n))
        return true;
    for (uint64_t i = 0; i < block->n; i++) {
        double x = block->elem == RT_F64 ? ((const double *)at)[i] : (double)((const float *)at)[i];
        if (!isfinite(x)) {
            *element = i;
            return false;
        }
    }
    return true;
}

const RtBlock *rt_state_bad(const RtRun *run, uint64_t *element) {
    for (uint32_t i = 0; i < run->n_state; i++)
        if (!rt_block_finite(run->frame->mem, &run->state[i], element))
            return &run->state[i];
    return NULL;
}

char *rt_snapshot_new(const RtRun *run) {
    size_t bytes = 1;
    for (uint32_t i = 0; i < run->n_state; i++)
        bytes += rt_block_bytes(&run->state[i]);
    return rt_alloc(bytes);
}

void rt_snapshot_take(const RtRun *run, char *snapshot) {
    for (uint32_t i = 0; i < run->n_state; i++) {
        size_t bytes = rt_block_bytes(&run->state[i]);
        memcpy(snapshot, run->frame->mem + run->state[i].offset, bytes);
        snapshot += bytes;
    }
}

void rt_snapshot_restore(const RtRun *run, const char *snapshot) {
    for (uint32_t i = 0; i < run->n_state; i++) {
        size_t bytes = rt_block_bytes(&run->state[i]);
        memcpy(run->frame->mem + run->state[i].offset, snapshot, bytes);
        snapshot += bytes;
    }
}

/* The value of the output's clock now: how many times it should have been taken by `at`. Times are compared
 * with a slack of a millionth of the interval, so that 0.1 + 0.1 + 0.1 counts as 0.3. */
static double clock_of(const RtOutput *output, const RtRunState *at) {
    switch (output->unit) {
    case RT_EVERY_STEPS:
        return (double)at->step / output->every;
    case RT_EVERY_TIME:
        return at->time / output->every + 1e-9;
    case RT_EVERY_EPOCH:
        return at->epoch / output->every + 1e-9 - 1; /* nothing to see before the first pass */
    case RT_AT_EVENT:
        return -1;
    case RT_AT_END:
        break;
    }
    return at->at_end ? 0 : -1;
}

/* Outputs due at the same moments share a function: *computed is the last one called. */
static bool take_output(RtRun *run, uint32_t i, const RtRunState *at, RtFunction *computed, RtRunResult *result) {
    RtOutput *output = &run->outputs[i];
    int32_t status = output->observe == *computed ? RT_OK : output->observe(run->frame);
    *computed = output->observe;
    if (status) {
        result->status = (RtStatus)status;
        snprintf(result->message.text, sizeof result->message.text, "%s: %s", output->block.name,
                 rt_status_text(result->status));
        return false;
    }
    if (run->record && !run->record(run->context, i, at, &result->message)) {
        result->status = RT_IO;
        return false;
    }
    return true;
}

bool rt_outputs_due(RtRun *run, const RtRunState *at, RtRunResult *result) {
    RtFunction computed = NULL;
    for (uint32_t i = 0; i < run->n_outputs; i++) {
        RtOutput *output = &run->outputs[i];
        double clock = clock_of(output, at);
        if (clock < 0 || (uint64_t)clock < output->taken)
            continue;
        output->taken = (uint64_t)clock + 1;
        if (!take_output(run, i, at, &computed, result))
            return false;
    }
    return true;
}

bool rt_outputs_of_event(RtRun *run, uint32_t number, const RtRunState *at, RtRunResult *result) {
    RtFunction computed = NULL;
    for (uint32_t i = 0; i < run->n_outputs; i++)
        if (run->outputs[i].unit == RT_AT_EVENT && run->outputs[i].event == number &&
            !take_output(run, i, at, &computed, result))
            return false;
    return true;
}

void rt_outputs_at_end(RtRun *run, RtRunResult *result) {
    if (result->status == RT_OK || result->status == RT_IO)
        return;
    RtRunState at = result->at;
    at.at_end = true;
    for (uint32_t i = 0; i < run->n_outputs; i++) {
        RtOutput *output = &run->outputs[i];
        RtMessage second; /* the first message is the one to show */
        if (output->unit == RT_AT_END && !output->taken && output->observe(run->frame) == RT_OK &&
            run->record)
            run->record(run->context, i, &at, &second);
    }
}
