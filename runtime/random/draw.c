/* Single draws. */
#include "philox.h"

void rt_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    philox_rounds(c, key[0], key[1]);
    memcpy(out, c, sizeof c);
}

uint64_t rt_random_bits(uint64_t seed, uint64_t step, uint32_t site, int64_t position) {
    PhiloxKey key = philox_key(seed, step, site);
    uint64_t block = (uint64_t)position >> 1;
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), key.site, key.step};
    philox_rounds(c, key.key[0], key.key[1]);
    return position & 1 ? (uint64_t)c[3] << 32 | c[2] : (uint64_t)c[1] << 32 | c[0];
}

double rt_random_uniform(uint64_t seed, uint64_t step, uint32_t site, int64_t position) {
    return philox_uniform(rt_random_bits(seed, step, site, position));
}

double rt_random_normal(uint64_t seed, uint64_t step, uint32_t site, int64_t position) {
    return philox_normal(rt_random_uniform(seed, step, site, position));
}
