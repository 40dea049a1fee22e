/* linalg — whole-tensor operations for the reference evaluator, straight from their definitions. */
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lower L with L Lᵀ = A, from the lower triangle of A; NaN where A is not positive definite. */
static void cholesky(uint64_t n, const double *a, double *l) {
    memset(l, 0, sizeof *l * n * n);
    for (uint64_t j = 0; j < n; j++) {
        for (uint64_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (uint64_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
        }
    }
}

/* x[n, m] := A⁻¹ x by elimination with row exchanges; returns log |det A| (NaN when det A < 0). */
static double eliminate(uint64_t n, uint64_t m, const double *matrix, double *x) {
    double *a = base_realloc(NULL, sizeof *a * (n ? n * n : 1));
    double log_det = 0, sign = 1;
    memcpy(a, matrix, sizeof *a * n * n);
    for (uint64_t c = 0; c < n; c++) {
        uint64_t pivot = c;
        for (uint64_t r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[pivot * n + c]))
                pivot = r;
        for (uint64_t k = 0; pivot != c && k < n; k++) {
            double swap = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = swap;
        }
        for (uint64_t k = 0; pivot != c && k < m; k++) {
            double swap = x[c * m + k];
            x[c * m + k] = x[pivot * m + k];
            x[pivot * m + k] = swap;
        }
        double d = a[c * n + c];
        sign = (pivot != c) == (d < 0) ? sign : -sign;
        log_det += log(fabs(d));
        for (uint64_t r = 0; r < n; r++) {
            double f = r == c ? 0 : a[r * n + c] / d;
            for (uint64_t k = c; r != c && k < n; k++)
                a[r * n + k] -= f * a[c * n + k];
            for (uint64_t k = 0; r != c && k < m; k++)
                x[r * m + k] -= f * x[c * m + k];
        }
    }
    for (uint64_t r = 0; r < n; r++)
        for (uint64_t k = 0; k < m; k++)
            x[r * m + k] /= a[r * n + r];
    free(a);
    return sign > 0 ? log_det : NAN;
}

/* x[n, m] := L⁻¹ b, or L⁻ᵀ b, reading the lower triangle. */
static void substitute(uint64_t n, uint64_t m, const double *l, const double *b, bool transposed, double *x) {
    for (uint64_t c = 0; c < m; c++)
        for (uint64_t s = 0; s < n; s++) {
            uint64_t i = transposed ? n - 1 - s : s;
            double sum = b[i * m + c];
            for (uint64_t k = transposed ? i + 1 : 0; k < (transposed ? n : i); k++)
                sum -= (transposed ? l[k * n + i] : l[i * n + k]) * x[k * m + c];
            x[i * m + c] = sum / l[i * n + i];
        }
}

/* s² and z of the `which` largest singular value of a[n, m] by the power method on aᵀa, those before taken out: z of them are
 * before[k, m]. */
static double singular(uint64_t n, uint64_t m, const double *a, const double *before, uint64_t which, double *z) {
    double *az = base_calloc(n + m, sizeof *az), *next = az + n, size = 0;
    for (uint64_t j = 0; j < m; j++)
        z[j] = cos(1.7 * (double)j + 0.3 * (double)which) + 1.1;
    for (int round = 0; round < 20000; round++) {
        double was = size;
        for (uint64_t k = 0; k < which; k++) {
            double sum = 0;
            for (uint64_t j = 0; j < m; j++)
                sum += before[k * m + j] * z[j];
            for (uint64_t j = 0; j < m; j++)
                z[j] -= sum * before[k * m + j];
        }
        size = 0;
        for (uint64_t j = 0; j < m; j++)
            size += z[j] * z[j];
        size = sqrt(size);
        for (uint64_t j = 0; j < m && size > 0; j++)
            z[j] /= size;
        for (uint64_t i = 0; i < n; i++) {
            az[i] = 0;
            for (uint64_t j = 0; j < m; j++)
                az[i] += a[i * m + j] * z[j];
        }
        if (!(size > 0) || (round > 100 && fabs(size - was) <= 1e-15 * size && round % 50 == 0))
            break;
        for (uint64_t j = 0; j < m; j++) {
            next[j] = 0;
            for (uint64_t i = 0; i < n; i++)
                next[j] += a[i * m + j] * az[i];
        }
        memcpy(z, next, m * sizeof *z);
    }
    double s = 0;
    for (uint64_t i = 0; i < n; i++)
        s += az[i] * az[i];
    free(az);
    return s;
}

/* Σ_r (a z_r) z_rᵀ / s_r over the `count` largest singular values; returns the largest. */
static double polar(uint64_t n, uint64_t m, const double *a, uint64_t count, double *out) {
    double *z = base_calloc((m + 1) * (m + 1), sizeof *z), first = 0;
    memset(out, 0, n * m * sizeof *out);
    for (uint64_t r = 0; r < count && r < n && r < m; r++) {
        double s2 = singular(n, m, a, z, r, z + r * m), s = sqrt(s2);
        first = r ? first : s;
        if (!(s > 1e-14 * first))
            break;
        for (uint64_t i = 0; i < n; i++) {
            double w = 0;
            for (uint64_t j = 0; j < m; j++)
                w += a[i * m + j] * z[r * m + j] / s;
            for (uint64_t j = 0; j < m; j++)
                out[i * m + j] += w * z[r * m + j];
        }
    }
    free(z);
    return first;
}

/* out := fn(a[n, n], b[n, m]), or of a[n, m]; see IrLinalg for shapes. */
void ir_linalg_eval(IrLinalg fn, uint64_t n, uint64_t m, const double *a, const double *b, double *out) {
    switch (fn) {
    case IR_CHOLESKY: cholesky(n, a, out); break;
    case IR_SOLVE:
    case IR_SOLVE_SPD:
        memcpy(out, b, sizeof *out * n * m);
        eliminate(n, m, a, out);
        break;
    case IR_SOLVE_LOWER: substitute(n, m, a, b, false, out); break;
    case IR_SOLVE_LOWER_T: substitute(n, m, a, b, true, out); break;
    case IR_INVERSE:
        for (uint64_t k = 0; k < n * n; k++)
            out[k] = k / n == k % n;
        eliminate(n, n, a, out);
        break;
    case IR_LOGDET: out[0] = eliminate(n, 0, a, NULL); break;
    case IR_POLAR: polar(n, m, a, n, out); break;
    case IR_LEADING: polar(n, m, a, 1, out); break;
    case IR_SPECTRAL: {
        double *x = base_calloc(n * m + 1, sizeof *x);
        out[0] = polar(n, m, a, 1, x);
        free(x);
        break;
    }
    case IR_NUCLEAR:
        out[0] = 0;
        for (uint64_t k = 0; k < n * m; k++)
            out[0] += a[k] * b[k];
        break;
    case IR_LINALG_COUNT: break;
    }
}
