/* features — what the processor can do, as far as generated code depends on it. */
#include "load.h"

#if defined(__x86_64__)
#define FEATURES(F)                                                                                                    \
    F(sse3) F(ssse3) F(sse4.1) F(sse4.2) F(popcnt) F(avx) F(avx2) F(fma) F(bmi) F(bmi2) F(avx512f) F(avx512cd)         \
    F(avx512bw) F(avx512dq) F(avx512vl) F(avx512ifma) F(avx512vbmi) F(avx512vbmi2) F(avx512vnni) F(avx512bitalg)       \
    F(avx512vpopcntdq) F(gfni) F(vpclmulqdq)
#else
#define FEATURES(F)
#endif

static const char *const names[] = {
#define NAME(feature) #feature,
    FEATURES(NAME)
#undef NAME
    NULL,
};

uint64_t rt_features(void) {
    uint64_t all = 0;
#define ADD(feature) all = all >> 1 | (uint64_t)(__builtin_cpu_supports(#feature) != 0) << 63;
    FEATURES(ADD)
#undef ADD
    return all >> (65 - sizeof names / sizeof *names);
}

const char *rt_feature_name(uint32_t bit) { return bit < sizeof names / sizeof *names ? names[bit] : NULL; }
