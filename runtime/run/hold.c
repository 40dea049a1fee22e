/* hold — keeps a run on its constraints: the start is looked at, rows that follow from others are left out, and the state goes
 * back to the constraints after each step of a method. */
#include "../core/core.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 50 };

/* Relative to the state, but for `dependent`, which is to the row. */
typedef struct Tolerances {
    double near;       /* a correction this small leaves rounding of the next one */
    double forgiven;   /* a start this far from the constraints is put on them */
    double dependent;  /* what is left of a row when it follows from others */
    double consistent; /* what a row that was left out may be off by */
} Tolerances;

/* Those of states in double precision, and of states in which a block is single. */
static const Tolerances *tolerances(const RtHold *h) {
    static const Tolerances f64 = {1e-8, 1e-6, 1e-9, 1e-7}, f32 = {1e-6, 1e-5, 1e-4, 1e-4};
    for (uint32_t b = 0; b < h->n_state; b++)
        if (h->state[b].elem == RT_F32)
            return &f32;
    return &f64;
}

static double value(const RtRun *run, const RtBlock *b, uint64_t i) {
    const void *at = run->frame->mem + b->offset;
    return b->elem == RT_F64 ? ((const double *)at)[i] : (double)((const float *)at)[i];
}

/* All blocks one after the other. */
static void copy(const RtRun *run, const RtBlock *blocks, uint32_t n, double *out) {
    for (uint32_t b = 0; b < n; b++)
        for (uint64_t i = 0; i < blocks[b].n; i++)
            *out++ = value(run, &blocks[b], i);
}

static uint64_t size_of(const RtBlock *blocks, uint32_t n) {
    uint64_t size = 0;
    for (uint32_t b = 0; b < n; b++)
        size += blocks[b].n;
    return size;
}

static double largest(const double *x, uint64_t n, const double *minus) {
    double most = 0;
    for (uint64_t i = 0; i < n; i++) {
        double d = fabs(minus ? x[i] - minus[i] : x[i]);
        most = d > most || isnan(d) ? d : most;
    }
    return most;
}

int32_t rt_hold_project(RtRun *run) {
    RtHold *h = run->hold;
    uint64_t n = size_of(h->state, h->n_state);
    double near = tolerances(h)->near;
    for (int k = 0; k < MOST_ROUNDS; k++) {
        copy(run, h->state, h->n_state, h->before);
        int32_t status = h->project(run->frame);
        copy(run, h->state, h->n_state, h->after);
        double moved = largest(h->after, n, h->before), size = largest(h->after, n, NULL);
        if (status)
            return status;
        if (!isfinite(moved))
            return RT_NOT_FINITE;
        if (moved <= near * size)
            return RT_OK;
    }
    return RT_CONSTRAINT_LOST;
}

/* ---- the start ---- */

/* The constraint that row `row` belongs to. */
static uint32_t constraint_of(const RtHold *h, uint64_t row) {
    uint32_t k = 0;
    for (; k + 1 < h->n && row >= h->at[k].rows; k++)
        row -= h->at[k].rows;
    return k;
}

static void leave_out(RtRun *run, uint64_t row) {
    RtHold *h = run->hold;
    for (uint32_t k = 0; k < h->n; k++) {
        if (row >= h->at[k].rows) {
            row -= h->at[k].rows;
            continue;
        }
        void *at = run->frame->mem + h->at[k].kept.offset;
        if (h->at[k].kept.elem == RT_F64)
            ((double *)at)[row] = 0;
        else
            ((float *)at)[row] = 0;
        return;
    }
}

static double dot(const double *x, const double *y, uint64_t n) {
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Gram-Schmidt in the order of the program, each row twice: what is left of a row that follows from those before is nothing.
 * Notes on the way which earlier constraints it follows from. */
static void find_dependent(RtRun *run, double *J, uint64_t columns) {
    RtHold *h = run->hold;
    double dependent = tolerances(h)->dependent;
    for (uint64_t r = 0; r < h->rows; r++) {
        double *row = J + r * columns, whole = sqrt(dot(row, row, columns));
        uint32_t own = constraint_of(h, r);
        uint8_t *parents = h->follows + (uint64_t)own * h->n;
        uint8_t *found = calloc(h->n, 1);
        if (!found)
            return;
        for (int pass = 0; pass < 2; pass++) {
            for (uint64_t s = 0; s < r; s++) {
                double c = h->dropped[s] ? 0 : dot(row, J + s * columns, columns);
                if (fabs(c) > dependent * whole)
                    found[constraint_of(h, s)] = 1;
                for (uint64_t i = 0; i < columns && c != 0; i++)
                    row[i] -= c * J[s * columns + i];
            }
        }
        double left = sqrt(dot(row, row, columns));
        if (left > dependent * whole) {
            for (uint64_t i = 0; i < columns; i++)
                row[i] /= left;
        } else if (h->at[own].kept.n) {
            h->dropped[r] = 1;
            h->at[own].left_out++;
            for (uint32_t k = 0; k < h->n; k++)
                parents[k] |= found[k];
            leave_out(run, r);
        }
        free(found);
    }
}

/* The largest element of a block of rows, over those left out or those kept, and whose it is. */
static double worst(const RtRun *run, const RtBlock *block, bool dropped, bool positions, uint32_t *whose) {
    const RtHold *h = run->hold;
    double most = 0;
    for (uint64_t r = 0; r < h->rows; r++) {
        double d = fabs(value(run, block, r));
        if ((h->dropped[r] != 0) != dropped || (positions && !h->at[constraint_of(h, r)].holonomic))
            continue;
        if (d > most || isnan(d)) {
            most = d;
            *whose = constraint_of(h, r);
        }
    }
    return most;
}

static bool look(RtRun *run, RtRunResult *result) {
    if (!run->hold->inspect)
        return true;
    result->status = (RtStatus)run->hold->inspect(run->frame);
    return result->status == RT_OK;
}

static bool start_fails(RtRunResult *result, RtHold *h, RtHoldFailure failure, uint32_t whose, double amount) {
    h->failure = failure;
    h->whose = whose;
    h->amount = amount;
    result->status = RT_CONSTRAINT_LOST;
    return false;
}

/* State x moved by a fraction of itself, each number in its own way. */
static void nudge(RtRun *run, const double *x) {
    const RtHold *h = run->hold;
    uint64_t k = 0;
    for (uint32_t b = 0; b < h->n_state; b++) {
        void *at = run->frame->mem + h->state[b].offset;
        for (uint64_t i = 0; i < h->state[b].n; i++, k++) {
            double moved = x[k] + 1e-3 * (1 + fabs(x[k])) * (1 + 0.3 * sin(2.3 * (double)k + 1));
            if (h->state[b].elem == RT_F64)
                ((double *)at)[i] = moved;
            else
                ((float *)at)[i] = (float)moved;
        }
    }
}

/* A constraint such as (x² + y² − 1)² = 0 has no gradient where it holds, and then no force can keep it: a row of J that is
 * nothing at the start (J) and something beside it. False: there is one. */
static bool has_gradients(RtRun *run, RtRunResult *result, const double *J, uint64_t columns) {
    RtHold *h = run->hold;
    char *kept = rt_snapshot_new(run);
    double *x = malloc((size_of(h->state, h->n_state) + 1) * sizeof *x), *beside = malloc((h->jacobian.n + 1) * sizeof *beside);
    bool ok = true;
    if (!kept || !x || !beside) {
        result->status = RT_NO_MEMORY;
        ok = false;
    } else {
        rt_snapshot_take(run, kept);
        copy(run, h->state, h->n_state, x);
        nudge(run, x);
        bool known = h->inspect(run->frame) == RT_OK;
        copy(run, &h->jacobian, 1, beside);
        rt_snapshot_restore(run, kept);
        known = known && look(run, result);
        for (uint64_t r = 0; r < h->rows && known && ok; r++) {
            double here = sqrt(dot(J + r * columns, J + r * columns, columns));
            double there = sqrt(dot(beside + r * columns, beside + r * columns, columns));
            bool holds = fabs(value(run, &h->violation, r)) <= tolerances(h)->forgiven; /* else the way to it is what is missing */
            if (holds && isfinite(there) && here <= 1e-8 * there)
                ok = start_fails(result, h, RT_HOLD_FLAT, constraint_of(h, r), 0);
        }
    }
    rt_free(kept);
    free(x);
    free(beside);
    return ok;
}

static bool allocate(RtHold *h) {
    uint64_t n = size_of(h->state, h->n_state);
    h->before = malloc((2 * n + 1) * sizeof *h->before);
    h->after = h->before + n;
    h->dropped = calloc(h->rows + 1, 1);
    h->follows = calloc((size_t)h->n * h->n + 1, 1);
    return h->before && h->dropped && h->follows;
}

/* Keeps where the start was, for the message that tells the way to the constraints. */
static bool start_is_near(RtRun *run, RtRunResult *result) {
    RtHold *h = run->hold;
    uint64_t n = size_of(h->state, h->n_state);
    double *start = malloc((n + 1) * sizeof *start);
    uint32_t whose = 0;
    bool on_rates = false;
    if (!start) {
        result->status = RT_NO_MEMORY;
        return false;
    }
    double off = worst(run, &h->violation, false, true, &whose);
    if (off == 0) {
        off = worst(run, &h->rate, false, false, &whose);
        on_rates = true;
    }
    copy(run, h->state, h->n_state, start);
    int32_t status = rt_hold_project(run);
    double way = 0, size = 0, forgiven = tolerances(h)->forgiven;
    if (!status) {
        copy(run, h->state, h->n_state, h->after);
        way = largest(h->after, n, start);
        size = largest(h->after, n, NULL);
    }
    free(start);
    if (status)
        return start_fails(result, h, RT_HOLD_SINGULAR, whose, off);
    if (way > forgiven * size) {
        /* positions that fit with velocities that do not are told apart */
        uint32_t ours = whose;
        if (!on_rates && off <= forgiven * size) {
            off = h->rate_at_start;
            ours = h->rate_whose;
            on_rates = true;
        }
        return start_fails(result, h, on_rates ? RT_HOLD_START_RATE : RT_HOLD_START, ours, off);
    }
    return true;
}

bool rt_hold_start(RtRun *run, RtRunResult *result) {
    RtHold *h = run->hold;
    if (!allocate(h)) {
        result->status = RT_NO_MEMORY;
        return false;
    }
    if (!look(run, result))
        return false;
    uint64_t columns = h->rows ? h->jacobian.n / h->rows : 0;
    double *J = malloc((h->jacobian.n + 1) * sizeof *J);
    if (!J) {
        result->status = RT_NO_MEMORY;
        return false;
    }
    copy(run, &h->jacobian, 1, J);
    bool regular = !h->n || has_gradients(run, result, J, columns);
    if (regular)
        find_dependent(run, J, columns);
    free(J);
    if (!regular)
        return false;
    h->rate_at_start = worst(run, &h->rate, false, false, &h->rate_whose);
    if (!start_is_near(run, result) || !look(run, result))
        return false;
    uint64_t n = size_of(h->state, h->n_state);
    copy(run, h->state, h->n_state, h->after);
    double size = fmax(1, largest(h->after, n, NULL));
    uint32_t whose = 0;
    double off = worst(run, &h->violation, true, true, &whose);
    if (off > tolerances(h)->consistent * size)
        return start_fails(result, h, RT_HOLD_INCONSISTENT, whose, off);
    off = worst(run, &h->rate, true, false, &whose);
    if (off > tolerances(h)->consistent * size)
        return start_fails(result, h, RT_HOLD_INCONSISTENT_RATE, whose, off);
    return true;
}

/* Rows that were left out since they followed from others at the start must go on doing so. */
bool rt_hold_end(RtRun *run, RtRunResult *result) {
    RtHold *h = run->hold;
    bool any = false;
    for (uint32_t k = 0; k < h->n; k++)
        any = any || h->at[k].left_out;
    if (!any)
        return true;
    if (!look(run, result))
        return false;
    uint32_t whose = 0;
    uint64_t n = size_of(h->state, h->n_state);
    copy(run, h->state, h->n_state, h->after);
    double off = worst(run, &h->violation, true, true, &whose), size = fmax(1, largest(h->after, n, NULL));
    return !(off > 1e3 * tolerances(h)->consistent * size) || start_fails(result, h, RT_HOLD_SINGULAR_START, whose, off);
}

void rt_hold_free(RtHold *h) {
    if (!h)
        return;
    free(h->before);
    free(h->dropped);
    free(h->follows);
    h->before = NULL;
    h->dropped = h->follows = NULL;
}
