/* convex — Newton's method for g(u) = 0 where g is the gradient of a convex function: in blocks that do not depend on each other,
 * each with steps of its own. See rt_kernels.h.
 *
 * A block of one: g grows with u, so every value tells on which side the root is. Newton's correction is taken while it stays
 * between the two sides known so far; else their middle, or as long as one is missing a longer way out (Press et al., Numerical
 * Recipes, 9.4). It is found from anywhere, also where g' is 0 or infinite on the way.
 *
 * Larger blocks: the correction J⁻¹ g by Cholesky's factors, halved until |g| decreases (Deuflhard, Newton Methods for Nonlinear
 * Problems, 2.1). J may be semidefinite (of v⁴, at rest); then it is raised by a little of the identity.
 *
 * A J with a negative direction, at the root or on the way to it, says that the function is not convex. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "linalg.h"

#define MAX_ROUNDS 300
#define MAX_HALVINGS 40
#define LITTLE 1e-6 /* J + LITTLE |J| has factors, or J is not positive semidefinite but for rounding */
#define ROUNDING (4 * DBL_EPSILON) /* of a correction, relative to u */

enum { SEARCHING, NEAR_EDGE, FOUND, STUCK, NOT_CONVEX }; /* near an edge: a place was tried where g is not defined */

typedef struct Block {
    double state;    /* SEARCHING, … */
    double best;     /* |g|² at base; -1: not yet at a place where g is defined. Of one number: the largest slope seen */
    double halvings; /* of the present correction. Of one number: a place where g is defined, 0 before one is known */
} Block;

typedef struct Convex {
    double rounds;
    double vector[]; /* g[n], base[n], correction[n] (or lo[n], hi[n]), then the blocks, then a matrix */
} Convex;

typedef struct View {
    double *g, *base, *step, *matrix;
    Block *block;
} View;

_Static_assert(RT_NEWTON_CONVEX_WORK(0, 0) * sizeof(double) == sizeof(Convex), "work of Newton's method");
_Static_assert(RT_NEWTON_CONVEX_WORK(1, 1) * sizeof(double) == sizeof(Convex) + 7 * sizeof(double), "work of Newton's method");

static View view_of(double *work, int64_t n, int64_t size) {
    double *at = ((Convex *)work)->vector;
    View v = {.g = at, .base = at + n, .step = at + 2 * n, .block = (Block *)(at + 3 * n)};
    v.matrix = at + 3 * n + 3 * (n / size);
    return v;
}

void rt_newton_convex_begin_f64(RtFrame *frame, int64_t n, int64_t size, const double *start, double *u, double *work) {
    View v = view_of(work, n, size);
    (void)frame;
    *(Convex *)work = (Convex){0};
    memcpy(u, start, (size_t)n * sizeof *u);
    for (int64_t b = 0; b < n / size; b++)
        v.block[b] = (Block){.best = -1};
    for (int64_t k = 0; k < n; k++) {
        v.base[k] = size == 1 ? -INFINITY : 0;
        v.step[k] = size == 1 ? INFINITY : 0;
    }
}

int32_t rt_newton_convex_residual_f64(RtFrame *frame, int64_t n, int64_t size, const double *g, double *u, double *work) {
    (void)frame;
    (void)u;
    memcpy(view_of(work, n, size).g, g, (size_t)n * sizeof *g);
    return ++((Convex *)work)->rounds > MAX_ROUNDS ? RT_NEWTON_FAILED : RT_NEWTON_GO_ON;
}

/* ---- one number ---- */

/* Between the two, by their exponents where those differ: the root may be as small as numbers are. */
static double middle(double lo, double hi) {
    if (lo < 0 && hi > 0)
        return 0;
    if (lo == 0 || hi == 0)
        return (lo + hi) * 1e-10;
    double ratio = lo / hi;
    return ratio > 4 || ratio < 0.25 ? copysign(sqrt(fabs(lo)) * sqrt(fabs(hi)), lo) : lo + (hi - lo) / 2;
}

static void find_number(Block *b, double g, double slope, double *lo, double *hi, double *u) {
    double x = *u;
    if (!isfinite(g)) { /* outside of where the function is defined: as far too large or too small */
        *(x > b->halvings ? hi : lo) = x;
        *u = b->halvings + (x - b->halvings) / 2;
        b->state = NEAR_EDGE;
        if (*u == x || *u == b->halvings) { /* the edge itself: the root is nearer to it than numbers are */
            *u = b->halvings;
            b->state = b->best < 0 ? STUCK : FOUND;
        }
        return;
    }
    b->halvings = x;
    b->best = isfinite(slope) ? fmax(b->best, fabs(slope)) : b->best;
    if (slope < -LITTLE * b->best) {
        b->state = NOT_CONVEX;
        return;
    }
    if (g == 0) {
        b->state = FOUND;
        return;
    }
    *(g > 0 ? hi : lo) = x;
    double next = x - g / slope;
    bool newton = slope > 0 && isfinite(next) && next > *lo && next < *hi;
    if (!newton && isfinite(*lo) && isfinite(*hi))
        next = middle(*lo, *hi);
    else if (!newton)
        next = x + (g < 0 ? 1 : -1) * fmax(2 * fabs(x), 1);
    bool between = next > *lo && next < *hi; /* the two sides are not yet neighbours */
    bool ends = !between || fabs(next - x) <= ROUNDING * fabs(next);
    *u = between && !(ends && b->state == NEAR_EDGE) ? next : x;
    b->state = ends ? FOUND : b->state;
}

/* ---- several ---- */

/* The lower triangle of A becomes L with A = L Lᵀ. The first row that has no pivot; n: none. */
static int64_t factor(int64_t n, double *A) {
    for (int64_t j = 0; j < n; j++) {
        double d = A[j * n + j];
        for (int64_t k = 0; k < j; k++)
            d -= A[j * n + k] * A[j * n + k];
        if (!(d > 0) || !isfinite(d))
            return j;
        A[j * n + j] = sqrt(d);
        for (int64_t i = j + 1; i < n; i++) {
            double sum = A[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= A[i * n + k] * A[j * n + k];
            A[i * n + j] = sum / A[j * n + j];
        }
    }
    return n;
}

static void solve(int64_t n, const double *L, double *x) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++)
            x[i] -= L[i * n + k] * x[k];
        x[i] /= L[i * n + i];
    }
    for (int64_t i = n; i-- > 0;) {
        for (int64_t k = i + 1; k < n; k++)
            x[i] -= L[k * n + i] * x[k];
        x[i] /= L[i * n + i];
    }
}

static double largest(int64_t n, const double *x) {
    double most = 0;
    for (int64_t k = 0; k < n; k++)
        most = fabs(x[k]) > most ? fabs(x[k]) : most;
    return most;
}

static double square(int64_t n, const double *x) {
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += x[k] * x[k];
    return sum;
}

/* step = (J + τ)⁻¹ g with the smallest τ = 0, … for which there are factors. The row that has no pivot where τ is no longer little;
 * n: none. */
static int64_t correction(int64_t n, const double *J, const double *g, double *step, double *matrix) {
    double raise = 0, scale = largest(n * n, J);
    int64_t negative = n, at = 0;
    for (int tries = 0; tries < 60 && at < n; tries++) {
        memcpy(matrix, J, (size_t)(n * n) * sizeof *J);
        for (int64_t k = 0; k < n; k++)
            matrix[k * n + k] += raise;
        at = factor(n, matrix);
        if (at < n && isfinite(scale) && raise > LITTLE * scale)
            negative = at;
        raise = raise > 0 ? 4 * raise : scale > 0 ? 1e-8 * scale : 1;
    }
    memcpy(step, g, (size_t)n * sizeof *g);
    if (at == n)
        solve(n, matrix, step);
    return negative;
}

/* Back to the base and half of the way that was gone. */
static void go_back(Block *b, int64_t n, double *base, const double *step, double *u) {
    if (b->best < 0) { /* the start: towards rest */
        for (int64_t k = 0; k < n; k++)
            u[k] /= 2;
        return;
    }
    bool at_rounding = largest(n, step) <= 0x1p-30 * largest(n, base);
    b->halvings++;
    double s = b->halvings > MAX_HALVINGS || at_rounding ? 0 : ldexp(1, -(int)b->halvings);
    for (int64_t k = 0; k < n; k++)
        u[k] = base[k] - s * step[k];
    if (s == 0)
        b->state = at_rounding ? FOUND : STUCK;
}

/* The row of a block that is not convex; n: none. */
static int64_t find_vector(Block *b, int64_t n, const double *J, const double *g, double *base, double *step, double *matrix,
                           double *u) {
    double now = square(n, g);
    if (!isfinite(now) || (b->best >= 0 && now >= b->best && now > 0)) {
        go_back(b, n, base, step, u);
        return n;
    }
    b->best = now;
    b->halvings = 0;
    memcpy(base, u, (size_t)n * sizeof *u);
    int64_t negative = correction(n, J, g, step, matrix);
    for (int64_t k = 0; k < n; k++)
        u[k] -= step[k];
    if (negative < n)
        b->state = NOT_CONVEX;
    else if (now == 0 || largest(n, step) <= ROUNDING * largest(n, u))
        b->state = FOUND;
    return negative;
}

int32_t rt_newton_convex_correct_f64(RtFrame *frame, int64_t n, int64_t size, const double *J, double *u, double *work) {
    View v = view_of(work, n, size);
    bool all = true;
    for (int64_t b = 0; b < n / size; b++) {
        Block *block = &v.block[b];
        int64_t at = b * size, row = 0;
        if (block->state == FOUND)
            continue;
        if (size == 1)
            find_number(block, v.g[at], J[at], &v.base[at], &v.step[at], &u[at]);
        else
            row = find_vector(block, size, J + at * size, v.g + at, v.base + at, v.step + at, v.matrix, u + at);
        if (block->state == STUCK)
            return RT_NEWTON_FAILED;
        if (block->state == NOT_CONVEX) {
            frame->bad_place = at + row;
            return RT_NEWTON_NOT_CONVEX;
        }
        all = all && block->state == FOUND;
    }
    return all ? RT_NEWTON_FOUND : RT_NEWTON_AGAIN;
}
