/* peer_adam — the fused loop one writes by hand; compiled with everything the C compiler can do. */
#ifndef LAG_PEER_ADAM_H
#define LAG_PEER_ADAM_H

#include <stdint.h>

/* Step k of Adam (lr 1e-3, β 0.9, 0.999, ε 1e-8) over n parameters q with gradient g; bias corrections hoisted. */
void peer_adam(float *restrict q, float *restrict m, float *restrict v, const float *restrict g, int64_t n, int k);

#endif
