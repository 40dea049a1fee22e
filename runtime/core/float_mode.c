/* Denormal numbers and the register that governs them. Decaying averages end in denormals, on which vector
 * units stall; flushing changes results only below 1e-38 (f32), so training flushes and mechanics does
 * not. */
#include "core.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
/* MXCSR: bit 15 flushes results to zero, bit 6 takes denormal operands as zero. The low six bits are
 * exception flags, which belong to the thread and are left alone. */
enum { FLUSH_BITS = 1 << 15 | 1 << 6, FLAG_BITS = 0x3f };

RtFloatMode rt_float_mode_save(void) {
    return (RtFloatMode){_mm_getcsr()};
}

void rt_float_mode_restore(RtFloatMode mode) {
    uint32_t now = _mm_getcsr(), want = (now & FLAG_BITS) | ((uint32_t)mode.bits & ~(uint32_t)FLAG_BITS);
    if (want != now)
        _mm_setcsr(want);
}

void rt_flush_denormals(bool on) {
    uint32_t now = _mm_getcsr(), want = on ? now | FLUSH_BITS : now & ~(uint32_t)FLUSH_BITS;
    if (want != now)
        _mm_setcsr(want);
}

bool rt_flushes_denormals(void) {
    return (_mm_getcsr() & FLUSH_BITS) == FLUSH_BITS;
}

bool rt_can_flush_denormals(void) {
    return true;
}

#elif defined(__aarch64__)
/* FPCR: bit 24 (FZ) flushes operands and results. */
static const uint64_t flush_bits = (uint64_t)1 << 24;

RtFloatMode rt_float_mode_save(void) {
    uint64_t bits;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    return (RtFloatMode){bits};
}

void rt_float_mode_restore(RtFloatMode mode) {
    if (mode.bits != rt_float_mode_save().bits)
        __asm__ volatile("msr fpcr, %0" : : "r"(mode.bits));
}

void rt_flush_denormals(bool on) {
    uint64_t now = rt_float_mode_save().bits;
    rt_float_mode_restore((RtFloatMode){on ? now | flush_bits : now & ~flush_bits});
}

bool rt_flushes_denormals(void) {
    return (rt_float_mode_save().bits & flush_bits) != 0;
}

bool rt_can_flush_denormals(void) {
    return true;
}

#else
RtFloatMode rt_float_mode_save(void) {
    return (RtFloatMode){0};
}

void rt_float_mode_restore(RtFloatMode mode) {
    (void)mode;
}

void rt_flush_denormals(bool on) {
    (void)on;
}

bool rt_flushes_denormals(void) {
    return false;
}

bool rt_can_flush_denormals(void) {
    return false;
}
#endif

const char *rt_float_mode_text(void) {
    return rt_can_flush_denormals()
               ? "flushed to zero while training, kept in mechanics and sampling"
               : "kept (no control register known on this processor)";
}
