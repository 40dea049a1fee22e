/* order_steps — what single steps of a word or an implicit step keep: whether −h undoes h, and whether the map of a step
 * is symplectic. */
#include "order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORTH = 100, MOST_FREEDOM = 24 };

static void set(OrderVariant *v, double step) {
    *v->h = step;
    if (v->hyper)
        *v->hyper = step;
    v->r->h = fabs(step);
    if (v->r->prepare)
        v->r->prepare(v->r->frame);
}

/* A step from time t. */
static bool take(OrderVariant *v, uint64_t k, double t) {
    if (v->r->time)
        *v->r->time = t;
    if (v->r->step_number)
        *v->r->step_number = (double)k;
    v->r->frame->draw_step = k;
    return v->r->step(v->r->frame) == RT_OK;
}

/* q and p of every body, one after the other; n of them are coordinates. */
typedef struct Phase {
    RtBlock *block;
    uint32_t n_blocks;
    uint64_t n, all;
} Phase;

static bool list_phase(const OrderVariant *v, Arena *arena, Phase *x) {
    const SemaRun *run = &v->run;
    *x = (Phase){.block = ARENA_ARRAY(arena, RtBlock, 2 * run->n_bodies + 1)};
    for (int momenta = 0; momenta < 2; momenta++) {
        for (uint32_t a = 0; a < run->n_bodies; a++) {
            RtBlock *block = &x->block[x->n_blocks];
            if (!order_block(v, momenta ? run->bodies[a].p : run->bodies[a].q, block) || block->elem != RT_F64)
                return false;
            x->all += block->n;
            x->n_blocks++;
        }
        x->n = momenta ? x->n : x->all;
    }
    return x->all == 2 * x->n && x->n > 0;
}

static void copy_phase(const OrderVariant *v, const Phase *x, double *values, bool out) {
    for (uint32_t b = 0; b < x->n_blocks; values += x->block[b++].n) {
        void *at = v->r->frame->mem + x->block[b].offset;
        memcpy(out ? (void *)values : at, out ? at : (void *)values, x->block[b].n * sizeof *values);
    }
}

/* ---- forth and back ---- */

static void look_back(OrderVariant *v, Arena *arena, const Phase *x, double step, OrderSteps *out) {
    double *start = ARENA_ARRAY(arena, double, x->all), *end = ARENA_ARRAY(arena, double, x->all);
    double apart = 0, size = 0;
    bool ok = true;
    copy_phase(v, x, start, true);
    set(v, step);
    for (uint64_t k = 1; k <= FORTH && ok; k++)
        ok = take(v, k, (double)(k - 1) * step);
    set(v, -step);
    for (uint64_t k = FORTH; k >= 1 && ok; k--)
        ok = take(v, k, (double)k * step);
    copy_phase(v, x, end, true);
    copy_phase(v, x, start, false);
    for (uint64_t i = 0; i < x->all; i++) {
        apart += (end[i] - start[i]) * (end[i] - start[i]);
        size += start[i] * start[i];
    }
    if (!ok || !isfinite(apart))
        return;
    out->back = sqrt(apart / (size > 0 ? size : 1));
    out->steps = FORTH;
}

/* ---- the symplectic form ---- */

/* One step from start with component i moved by d. */
static bool step_from(OrderVariant *v, const Phase *x, const double *start, uint64_t i, double d, double *end) {
    memcpy(end, start, x->all * sizeof *end);
    end[i] += d;
    copy_phase(v, x, end, false);
    if (v->r->prepare)
        v->r->prepare(v->r->frame);
    bool ok = take(v, 1, 0);
    copy_phase(v, x, end, true);
    return ok;
}

/* Column i of J by central differences of fourth order. */
static bool column(OrderVariant *v, const Phase *x, const double *start, uint64_t i, double d, double *work, double *J) {
    static const double at[] = {1, -1, 2, -2}, weight[] = {8.0 / 12, -8.0 / 12, -1.0 / 12, 1.0 / 12};
    for (uint64_t r = 0; r < x->all; r++)
        J[r * x->all + i] = 0;
    for (int k = 0; k < 4; k++) {
        if (!step_from(v, x, start, i, at[k] * d, work))
            return false;
        for (uint64_t r = 0; r < x->all; r++)
            J[r * x->all + i] += weight[k] * work[r] / d;
    }
    return true;
}

/* (JᵀΩJ)_ik = Σ_r J_ri J_(n+r)k − J_(n+r)i J_rk, and c its mean over the pairs (i, n + i). */
static void compare_forms(const Phase *x, const double *J, OrderSteps *out) {
    uint64_t n = x->n, all = x->all;
    double *form = base_calloc(all * all, sizeof *form), c = 0, worst = 0;
    for (uint64_t i = 0; i < all; i++)
        for (uint64_t k = 0; k < all; k++)
            for (uint64_t r = 0; r < n; r++)
                form[i * all + k] += J[r * all + i] * J[(n + r) * all + k] - J[(n + r) * all + i] * J[r * all + k];
    for (uint64_t i = 0; i < n; i++)
        c += form[i * all + n + i] / (double)n;
    for (uint64_t i = 0; i < all; i++)
        for (uint64_t k = 0; k < all; k++) {
            double want = k == i + n ? c : i == k + n ? -c : 0;
            worst = fmax(worst, fabs(form[i * all + k] - want));
        }
    free(form);
    if (isnan(out->symplectic) || worst < out->symplectic) {
        out->symplectic = worst;
        out->factor = c;
    }
}

/* The largest of n numbers; 1 where all are 0. */
static double scale_of(const double *x, uint64_t n) {
    double most = 0;
    for (uint64_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most > 0 ? most : 1;
}

static void look_at_form(OrderVariant *v, Arena *arena, const Phase *x, double step, OrderSteps *out) {
    double *start = ARENA_ARRAY(arena, double, x->all), *work = ARENA_ARRAY(arena, double, x->all);
    double *J = ARENA_ARRAY(arena, double, x->all * x->all);
    copy_phase(v, x, start, true);
    set(v, step);
    /* What differences leave out falls as d⁴, and their rounding grows as 1/d: of three d the best shows how symplectic it is at
     * the least, and a map that is not stays so with each. */
    for (double d = 1e-2; d > 5e-5; d /= 10) {
        bool ok = true;
        for (uint64_t i = 0; i < x->all && ok; i++)
            ok = column(v, x, start, i, d * (i < x->n ? scale_of(start, x->n) : scale_of(start + x->n, x->n)), work, J);
        if (ok)
            compare_forms(x, J, out);
    }
    copy_phase(v, x, start, false);
}

void order_look_at_steps(OrderVariant *v, Arena *arena, double step, OrderSteps *out) {
    Phase x;
    out->step = step;
    if (v->mech->first_order || v->mech->n_y || !list_phase(v, arena, &x))
        return;
    if (v->r->time)
        *v->r->time = 0;
    if (v->r->init(v->r->frame) != RT_OK)
        return;
    if (v->r->hold) {
        RtRunResult result = {0};
        if (!rt_hold_start(v->r, &result))
            return;
    }
    bool more = false; /* states beside q and p would have to go back, too */
    for (uint32_t k = 0; k < v->run.n_states; k++)
        more = more || v->run.states[k].rate || v->run.states[k].next;
    if (!more)
        look_back(v, arena, &x, step, out);
    if (!v->r->hold && !more && x.n <= MOST_FREEDOM) /* constrained motions live on less than the whole phase space */
        look_at_form(v, arena, &x, step, out);
}
