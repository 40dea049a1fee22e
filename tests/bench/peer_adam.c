/* peer_adam — the fused loop one writes by hand. */
#include "peer_adam.h"

#include <math.h>

void peer_adam(float *restrict q, float *restrict m, float *restrict v, const float *restrict g, int64_t n, int k) {
    const float b1 = 0.9f, b2 = 0.999f, eps = 1e-8f;
    const float rate = (float)(1e-3 / (1 - pow(0.9, k))), root = (float)(1 / sqrt(1 - pow(0.999, k)));
    for (int64_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        q[i] -= rate * m[i] / (sqrtf(v[i]) * root + eps);
    }
}
