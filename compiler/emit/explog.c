/* explog — exponential, hyperbolic tangent and logarithm in strict double
 * precision, written out without calls, tables or branches: the same bits at
 * every vector width. Where the machine has no fused multiplication the C
 * library's are called.
 *
 * Method: Cody and Waite's reduction in steps of ln 2, then polynomials that
 * are minimax in relative error on the reduced range (Remez's exchange in 60
 * digits, rounded to double); the forms of the last steps, which carry the low
 * parts, are those of Muller et al., Handbook of Floating-Point Arithmetic,
 * chapter 10. Off by less than one unit in the last place, the hyperbolic
 * tangent, which divides what it is made of, by less than two
 * (unit/lag_emit/test_explog.c). */
#include <math.h>

#include "arith.h"

/* 1.5 · 2^52: added to a number below 2^51 it leaves the nearest integer in the
 * low bits. */
static const double magic = 0x1.8p52;

static LLVMValueRef bits_of(Emitter *e, LLVMValueRef x) {
    return LLVMBuildBitCast(e->b, x, integer(e, x, 64), "");
}

static LLVMValueRef from_bits(Emitter *e, LLVMValueRef x) {
    return LLVMBuildBitCast(e->b, x, shaped(x, LLVMDoubleTypeInContext(e->m->context)), "");
}

static LLVMValueRef pick(Emitter *e, LLVMValueRef c, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildSelect(e->b, c, x, y, "");
}

static LLVMValueRef is(Emitter *e, LLVMRealPredicate test, LLVMValueRef x, double y) {
    return LLVMBuildFCmp(e->b, test, x, constant(x, y), "");
}

/* ---- exponential ---- */

/* ln 2 = hi + lo, hi with 42 bits: n hi is exact. */
static const double ln2_hi = 0x1.62e42fefa3800p-1, ln2_lo = 0x1.ef35793c76730p-45;
/* e^r = 1 + r + r² E(r) for |r| ≤ ln 2 / 2 */
static const double exponential[] = {0x1.0000000000000p-1,  0x1.555555555555bp-3,  0x1.555555555555dp-5,
                                     0x1.111111110ec86p-7,  0x1.6c16c16c136c6p-10, 0x1.a01a01b3771d2p-13,
                                     0x1.a01a01b40ead2p-16, 0x1.71ddf025d0a05p-19, 0x1.27e4bfa721b8dp-22,
                                     0x1.af6bed07345a1p-26, 0x1.1f9d58c047031p-29};

/* 2^k for −1022 ≤ k ≤ 1023 */
static LLVMValueRef power_of_2(Emitter *e, LLVMValueRef k) {
    return from_bits(
        e, LLVMBuildShl(e->b, LLVMBuildAdd(e->b, k, whole(k, 1023), ""), whole(k, 52), ""));
}

/* x = n ln 2 + r for |x| < 2^10: gives e^r − 1 and the integer n. */
static LLVMValueRef reduced(Emitter *e, LLVMValueRef x, LLVMValueRef *whole_part) {
    LLVMValueRef shifted = fused(e, x, constant(x, 0x1.71547652b82fep+0), constant(x, magic));
    LLVMValueRef n = sub(e, shifted, constant(x, magic));
    LLVMValueRef r =
        fused(e, negative(e, n), constant(x, ln2_lo), fused(e, negative(e, n), constant(x, ln2_hi), x));
    double m = magic;
    int64_t base;
    memcpy(&base, &m, sizeof base);
    LLVMValueRef k = bits_of(e, shifted);
    *whole_part = LLVMBuildSub(e->b, k, whole(k, base), "");
    return fused(e, mul(e, r, r), polynomial(e, r, exponential, 11), r);
}

/* e^x = 2^n e^r. The factor comes in two halves, so that results at both ends
 * of the range, also those below the smallest normal number, are reached
 * without a special case. */
LLVMValueRef emit_exp(Emitter *e, LLVMValueRef x) {
    LLVMValueRef k;
    x = pick(e, is(e, LLVMRealOGT, x, 720), constant(x, 720), x);
    x = pick(e, is(e, LLVMRealOLT, x, -760), constant(x, -760), x);
    LLVMValueRef value = add(e, constant(x, 1), reduced(e, x, &k));
    LLVMValueRef first = LLVMBuildAShr(e->b, k, whole(k, 1), ""),
                 second = LLVMBuildSub(e->b, k, first, "");
    return mul(e, mul(e, value, power_of_2(e, first)), power_of_2(e, second));
}

/* tanh |x| = t / (t + 2) with t = e^(2|x|) − 1 = 2^n (e^r − 1) + (2^n − 1),
 * which keeps its digits near 0; from 22 on it is 1. */
LLVMValueRef emit_tanh(Emitter *e, LLVMValueRef x) {
    LLVMValueRef k, size = emit_intrinsic(e, "llvm.fabs", LLVMTypeOf(x), &x, 1), both[2];
    size = pick(e, is(e, LLVMRealOGT, size, 22), constant(x, 22), size);
    LLVMValueRef small = reduced(e, add(e, size, size), &k), power = power_of_2(e, k);
    LLVMValueRef t = fused(e, power, small, sub(e, power, constant(x, 1)));
    both[0] = LLVMBuildFDiv(e->b, t, add(e, t, constant(x, 2)), "");
    both[1] = x;
    return emit_intrinsic(e, "llvm.copysign", LLVMTypeOf(x), both, 2);
}

/* ---- logarithm ---- */

/* ln((1 + s)/(1 − s)) = 2 s + s³ L(s²) for |s| ≤ (√2 − 1)/(√2 + 1) */
static const double logarithm[] = {0x1.5555555555581p-1, 0x1.9999999984836p-2, 0x1.2492493e716a1p-2,
                                   0x1.c71c548b4255bp-3, 0x1.7465c7f5ac8e1p-3, 0x1.39acbd1c3ee96p-3,
                                   0x1.2e9e490dd5795p-3};

/* x = 2^k m with √½ ≤ m < √2; with f = m − 1 and s = f/(2 + f), ln m = f − f²/2
 * + s (f²/2 + s² L). */
LLVMValueRef emit_log(Emitter *e, LLVMValueRef x) {
    LLVMValueRef tiny = is(e, LLVMRealOLT, x, 0x1p-1022);
    LLVMValueRef normal = pick(e, tiny, mul(e, x, constant(x, 0x1p54)), x);
    LLVMValueRef bits = bits_of(e, normal);
    LLVMValueRef above = LLVMBuildSub(e->b, bits, whole(bits, 0x3fe6a09e667f3bcd), ""); /* bits of √½ */
    LLVMValueRef k = LLVMBuildAShr(e->b, above, whole(above, 52), "");
    LLVMValueRef f =
        sub(e, from_bits(e, LLVMBuildSub(e->b, bits, LLVMBuildShl(e->b, k, whole(k, 52), ""), "")),
            constant(x, 1));
    LLVMValueRef power = LLVMBuildSIToFP(
        e->b, LLVMBuildTrunc(e->b, k, integer(e, k, 32), ""), LLVMTypeOf(x), "");
    power = pick(e, tiny, sub(e, power, constant(x, 54)), power);
    LLVMValueRef s = LLVMBuildFDiv(e->b, f, add(e, constant(x, 2), f), ""), z = mul(e, s, s);
    LLVMValueRef square = mul(e, mul(e, f, f), constant(x, 0.5));
    LLVMValueRef rest = mul(e, s, fused(e, z, polynomial(e, z, logarithm, 7), square));
    LLVMValueRef low = fused(e, power, constant(x, ln2_lo), rest);
    LLVMValueRef value = fused(e, power, constant(x, ln2_hi), sub(e, f, sub(e, square, low)));
    value = pick(e, is(e, LLVMRealOEQ, x, 0), constant(x, -INFINITY), value);
    value = pick(e, is(e, LLVMRealOLT, x, 0), constant(x, NAN), value);
    return pick(e, is(e, LLVMRealOLT, x, INFINITY), value, x); /* what is left stays: ∞ and NaN */
}
