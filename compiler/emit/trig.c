/* trig — sine and cosine in double precision as straight code.
 *
 * The argument is brought to [−π/4, π/4] by subtracting n π/2 in pieces (Cody and Waite), which is exact for
 * |n| < 2^20; the rest, a sum of two doubles, goes into the polynomials of FreeBSD's msun (k_sin.c, k_cos.c; Sun
 * Microsystems, 1993). The error is below one unit in the last place. Sine and cosine of one argument share
 * everything but the last choice: common subexpressions are found by LLVM. Larger arguments, infinities and NaNs take
 * the C library's function, in a block that is hardly ever entered. */
#include "arith.h"

#define LARGEST 1.6e6 /* |x| · 2/π stays below 2^20 */

/* An argument less n π/2: y0 + y1; bits: the integer n in its lowest bits. */
typedef struct Reduced {
    LLVMValueRef y0, y1, bits;
} Reduced;

/* Products with n are exact inside fused operations, so π/2 comes in pieces of 53 bits. What the second piece leaves
 * is the exact difference of two doubles in three operations, also where w is the larger: t is a multiple of 2^-53 and w
 * below 2^-33, so all of t, w, y0 and t − y0 are multiples of the last place of w, and the last is about as large as w. */
static void reduce_fused(Emitter *e, LLVMValueRef x, LLVMValueRef n, Reduced *r) {
    static const double p1 = 0x1.921fb54442d18p+0, p2 = 0x1.1a62633145c07p-54, p3 = -0x1.f1976b7ed8fbcp-110;
    LLVMValueRef minus = LLVMBuildFNeg(e->b, n, ""), t = fused(e, minus, constant(x, p1), x);
    LLVMValueRef w = mul(e, n, constant(x, p2)), off = fused(e, minus, constant(x, p2), w);
    r->y0 = sub(e, t, w);
    LLVMValueRef lost = sub(e, sub(e, t, r->y0), w);
    r->y1 = fused(e, minus, constant(x, p3), add(e, lost, off));
}

/* Two pieces of 33 bits, whose products with n are exact, and what is left. */
static void reduce_plain(Emitter *e, LLVMValueRef x, LLVMValueRef n, Reduced *r) {
    static const double p1 = 0x1.921fb544p+0, p2 = 0x1.0b4611a6p-34, p2t = 0x1.3198a2e037073p-69;
    LLVMValueRef t = sub(e, x, mul(e, n, constant(x, p1))), w = mul(e, n, constant(x, p2));
    LLVMValueRef y = sub(e, t, w);
    w = sub(e, mul(e, n, constant(x, p2t)), sub(e, sub(e, t, y), w));
    r->y0 = sub(e, y, w);
    r->y1 = sub(e, sub(e, y, r->y0), w);
}

static Reduced reduce(Emitter *e, LLVMValueRef x) {
    LLVMTypeRef i64 = integer(e, x, 64);
    LLVMValueRef round = constant(x, 0x1.8p52); /* adding it leaves the nearest integer in the lowest bits */
    LLVMValueRef shifted = fused(e, x, constant(x, 0x1.45f306dc9c883p-1), round), n = sub(e, shifted, round);
    Reduced r = {.bits = LLVMBuildBitCast(e->b, shifted, i64, "")};
    if (e->m->fma)
        reduce_fused(e, x, n, &r);
    else
        reduce_plain(e, x, n, &r);
    return r;
}

/* c0 + c1 z + … + c5 z⁵ in three steps of operations that do not wait for one another (Estrin): equations of motion are
 * chains, and a sine is their longest link. */
static LLVMValueRef polynomial_6(Emitter *e, LLVMValueRef z, const double c[6]) {
    LLVMValueRef z2 = mul(e, z, z), pair[3];
    for (int i = 0; i < 3; i++)
        pair[i] = fused(e, z, constant(z, c[2 * i + 1]), constant(z, c[2 * i]));
    return fused(e, mul(e, z2, z2), pair[2], fused(e, z2, pair[1], pair[0]));
}

/* sin(y0 + y1) = y0 − (−y0³ s(y0²) + (y1 y0²/2 − y1)), signs such that −0 stays −0 */
static LLVMValueRef sine(Emitter *e, const Reduced *r) {
    static const double s[] = {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                               -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                               -2.50507602534068634195e-08, 1.58969099521155010221e-10};
    LLVMValueRef y = r->y0, z = mul(e, y, y), half = mul(e, z, constant(y, 0.5));
    LLVMValueRef rest = fused(e, half, r->y1, negative(e, r->y1));
    return sub(e, y, fused(e, negative(e, mul(e, z, y)), polynomial_6(e, z, s), rest));
}

/* cos(y0 + y1) = (1 − y0²/2) + (what that rounded off + (y0⁴ c(y0²) − y0 y1)) */
static LLVMValueRef cosine(Emitter *e, const Reduced *r) {
    static const double c[] = {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                               2.48015872894767294178e-05, -2.75573143513906633035e-07,
                               2.08757232129817482790e-09, -1.13596475577881948265e-11};
    LLVMValueRef y = r->y0, z = mul(e, y, y), half = mul(e, z, constant(y, 0.5)), one = constant(y, 1);
    LLVMValueRef near = fused(e, negative(e, z), constant(y, 0.5), one), off = sub(e, sub(e, one, near), half);
    LLVMValueRef rest = fused(e, negative(e, y), r->y1, off);
    return add(e, near, fused(e, mul(e, z, z), polynomial_6(e, z, c), rest));
}

/* sin x, or cos x = sin(x + π/2): by the quarter n of the circle, one of both with a sign. */
static LLVMValueRef near_value(Emitter *e, LLVMValueRef x, bool is_cosine) {
    Reduced r = reduce(e, x);
    LLVMValueRef s = sine(e, &r), c = cosine(e, &r);
    LLVMTypeRef i64 = LLVMTypeOf(r.bits);
    LLVMValueRef quarter = is_cosine ? LLVMBuildAdd(e->b, r.bits, whole(r.bits, 1), "") : r.bits;
    LLVMValueRef odd = LLVMBuildTrunc(e->b, r.bits, integer(e, x, 1), "");
    LLVMValueRef v = LLVMBuildSelect(e->b, odd, is_cosine ? s : c, is_cosine ? c : s, "");
    LLVMValueRef sign = LLVMBuildAnd(e->b, quarter, whole(quarter, 2), "");
    sign = LLVMBuildShl(e->b, sign, whole(sign, 62), "");
    LLVMValueRef signed_bits = LLVMBuildXor(e->b, LLVMBuildBitCast(e->b, v, i64, ""), sign, "");
    return LLVMBuildBitCast(e->b, signed_bits, LLVMTypeOf(x), "");
}

/* The C library's value, in lanes that are not near alone. */
static LLVMValueRef far_value(Emitter *e, LLVMValueRef x, LLVMValueRef near, LLVMValueRef is_near, bool is_cosine) {
    const char *name = is_cosine ? "cos" : "sin";
    LLVMTypeRef type = LLVMTypeOf(x);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return emit_call_lanes(e, name, x);
    LLVMValueRef called = LLVMGetPoison(type);
    for (unsigned i = 0; i < LLVMGetVectorSize(type); i++) {
        LLVMValueRef at = emit_int(e->m, i), one = LLVMBuildExtractElement(e->b, x, at, "");
        called = LLVMBuildInsertElement(e->b, called, emit_pure_call(e, name, PLAN_F64, &one, 1), at, "");
    }
    return LLVMBuildSelect(e->b, is_near, near, called, "");
}

/* Whether a condition holds in all lanes. */
static LLVMValueRef in_all(Emitter *e, LLVMValueRef condition) {
    LLVMTypeRef type = LLVMTypeOf(condition);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return condition;
    LLVMTypeRef bits = LLVMIntTypeInContext(e->m->context, LLVMGetVectorSize(type));
    LLVMValueRef mask = LLVMBuildBitCast(e->b, condition, bits, "");
    return LLVMBuildICmp(e->b, LLVMIntEQ, mask, LLVMConstAllOnes(bits), "");
}

LLVMValueRef emit_trig(Emitter *e, LLVMValueRef x, bool is_cosine) {
    LLVMValueRef near = near_value(e, x, is_cosine);
    LLVMValueRef size = emit_intrinsic(e, "llvm.fabs", LLVMTypeOf(x), &x, 1);
    LLVMValueRef is_near = LLVMBuildFCmp(e->b, LLVMRealOLE, size, constant(x, LARGEST), "");
    LLVMValueRef all_near = in_all(e, is_near);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b), far = emit_block(e, "far"), join = emit_block(e, "join");
    emit_expect(e, LLVMBuildCondBr(e->b, all_near, join, far));
    LLVMPositionBuilderAtEnd(e->b, far);
    LLVMValueRef called = far_value(e, x, near, is_near, is_cosine);
    LLVMBuildBr(e->b, join);
    LLVMPositionBuilderAtEnd(e->b, join);
    LLVMValueRef value = LLVMBuildPhi(e->b, LLVMTypeOf(x), "");
    LLVMAddIncoming(value, (LLVMValueRef[]){near, called}, (LLVMBasicBlockRef[]){here, far}, 2);
    return value;
}
