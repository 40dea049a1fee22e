/* peer_pendulum — M[i,j] = (n − max(i,j)) cos(θi − θj), f[i] = −Σ_j (n − max(i,j)) sin(θi − θj) θj'² − g (n − i) sin θi,
 * with one sincos for each angle, the lower triangle of M alone, Cholesky in place. One copy a size, so that the
 * compiler knows it. */
#define _GNU_SOURCE
#include "peer_pendulum.h"

#include <math.h>

static inline __attribute__((always_inline)) int pendulum(const int n, const double *restrict y, double *restrict dy) {
    double s[8], c[8], M[8][8], f[8];
    const double *w = y + n;
    for (int i = 0; i < n; i++)
        sincos(y[i], &s[i], &c[i]);
    for (int i = 0; i < n; i++) {
        f[i] = -9.81 * (n - i) * s[i];
        for (int j = 0; j < n; j++)
            f[i] -= (n - (i > j ? i : j)) * (s[i] * c[j] - c[i] * s[j]) * (w[j] * w[j]);
        for (int j = 0; j <= i; j++)
            M[i][j] = (n - i) * (c[i] * c[j] + s[i] * s[j]);
    }
    for (int j = 0; j < n; j++) {
        for (int k = 0; k < j; k++)
            M[j][j] -= M[j][k] * M[j][k];
        if (!(M[j][j] > 0))
            return 1;
        M[j][j] = sqrt(M[j][j]);
        for (int i = j + 1; i < n; i++) {
            for (int k = 0; k < j; k++)
                M[i][j] -= M[i][k] * M[j][k];
            M[i][j] /= M[j][j];
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            f[i] -= M[i][k] * f[k];
        f[i] /= M[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            f[i] -= M[k][i] * f[k];
        f[i] /= M[i][i];
    }
    for (int i = 0; i < n; i++) {
        dy[i] = w[i];
        dy[n + i] = f[i];
    }
    return 0;
}

static int pendulum2(const double *y, double *dy) { return pendulum(2, y, dy); }
static int pendulum3(const double *y, double *dy) { return pendulum(3, y, dy); }
static int pendulum5(const double *y, double *dy) { return pendulum(5, y, dy); }
static int pendulum8(const double *y, double *dy) { return pendulum(8, y, dy); }

int peer_pendulum(int n, const double *y, double *dy) {
    switch (n) {
    case 2: return pendulum2(y, dy);
    case 3: return pendulum3(y, dy);
    case 5: return pendulum5(y, dy);
    default: return pendulum8(y, dy);
    }
}
