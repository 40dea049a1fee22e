/* newton — the decisions of Newton's method for r(u) = 0, between the residual, the Jacobian and the linear solve that
 * generated code computes: see rt_kernels.h.
 *
 * Damped: a correction is taken whole, or by a half, a quarter, … until |r| decreases (Deuflhard, Newton Methods for
 * Nonlinear Problems, 2.1). There is no tolerance to choose: the root is found when the correction, or by the quadratic
 * convergence seen in the last two corrections the next one, is at the rounding of u; or when no fraction of the
 * correction decreases |r| and none makes it much larger either, which is what rounding looks like at a root with u or
 * parts of r near 0. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg.h"

#define MAX_RESIDUALS 100 /* evaluations */
#define MAX_HALVINGS 12
#define NOISE 16.0        /* |r|² of all rejected corrections within this factor: rounding */

/* What is kept between the calls of one solution: RT_NEWTON_WORK(n) doubles. */
typedef struct Newton {
    double best;     /* |r|² at base */
    double worst;    /* the largest |r|² of the corrections tried from base */
    double last;     /* largest element of the correction before, where it was taken whole; else 0 */
    double size;     /* largest element of the present one */
    double residuals, halvings;
    double vector[]; /* base[n], correction[n] */
} Newton;

_Static_assert(RT_NEWTON_WORK(0) * sizeof(double) == sizeof(Newton), "work of Newton's method");

static double largest(int64_t n, const double *x) {
    double most = 0;
    for (int64_t k = 0; k < n; k++)
        most = fabs(x[k]) > most ? fabs(x[k]) : most;
    return most;
}

void rt_newton_begin_f64(RtFrame *frame, int64_t n, const double *start, double *u, double *work) {
    Newton *s = (Newton *)work;
    (void)frame;
    *s = (Newton){.best = INFINITY};
    memcpy(u, start, (size_t)n * sizeof *u);
}

/* A correction was too long: u goes back half of what it went. */
static int32_t go_back(Newton *s, int64_t n, double square, double *u) {
    const double *base = s->vector, *correction = base + n;
    s->worst = square <= s->worst ? s->worst : square; /* NaN counts as the largest */
    if (s->residuals == 1)
        return RT_NEWTON_FAILED;
    bool at_rounding = s->halvings == 0 && s->size <= 0x1p-30 * largest(n, base);
    if (at_rounding || ++s->halvings > MAX_HALVINGS) {
        memcpy(u, base, (size_t)n * sizeof *u);
        return at_rounding || s->worst <= NOISE * s->best ? RT_NEWTON_FOUND : RT_NEWTON_FAILED;
    }
    for (int64_t k = 0; k < n; k++)
        u[k] = base[k] - ldexp(correction[k], -(int)s->halvings);
    return RT_NEWTON_AGAIN;
}

int32_t rt_newton_residual_f64(RtFrame *frame, int64_t n, const double *r, double *u, double *work) {
    Newton *s = (Newton *)work;
    double square = 0;
    (void)frame;
    for (int64_t k = 0; k < n; k++)
        square += r[k] * r[k];
    if (++s->residuals > MAX_RESIDUALS)
        return RT_NEWTON_FAILED;
    if (!(square < s->best))
        return go_back(s, n, square, u);
    s->last = s->halvings == 0 ? s->size : 0;
    s->best = square;
    return square == 0 ? RT_NEWTON_FOUND : RT_NEWTON_GO_ON;
}

int32_t rt_newton_correct_f64(RtFrame *frame, int64_t n, const double *correction, double *u, double *work) {
    Newton *s = (Newton *)work;
    double rounding = DBL_EPSILON * largest(n, u), ratio;
    (void)frame;
    memcpy(s->vector, u, (size_t)n * sizeof *u);
    memcpy(s->vector + n, correction, (size_t)n * sizeof *u);
    for (int64_t k = 0; k < n; k++)
        u[k] -= correction[k];
    s->size = largest(n, correction);
    s->halvings = s->worst = 0;
    ratio = s->last > 0 ? s->size / s->last : 1; /* its square is the next one, where convergence is quadratic */
    bool next_is_small = ratio < 0.01 && ratio * ratio * s->size <= rounding / 16;
    return s->size <= 4 * rounding || next_is_small ? RT_NEWTON_FOUND : RT_NEWTON_AGAIN;
}
