/* arith — short names for the instructions that elementary functions are
 * written in (trig.c, explog.c). Each operation is rounded by itself, without
 * the liberties of fast code, so that results are the same at every vector
 * width. An operand is a number or a vector of such. */
#ifndef LAG_EMIT_ARITH_H
#define LAG_EMIT_ARITH_H

#include "parts.h"

/* The type of a number, or of each number of a vector. */
static inline LLVMTypeRef number_type(LLVMValueRef x) {
    LLVMTypeRef t = LLVMTypeOf(x);
    return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? LLVMGetElementType(t) : t;
}

/* `type`, or a vector of it where `like` is one. */
static inline LLVMTypeRef shaped(LLVMValueRef like, LLVMTypeRef type) {
    LLVMTypeRef t = LLVMTypeOf(like);
    return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? LLVMVectorType(type, LLVMGetVectorSize(t)) : type;
}

static inline LLVMTypeRef integer(Emitter *e, LLVMValueRef like, unsigned bits) {
    return shaped(like, LLVMIntTypeInContext(e->m->context, bits));
}

/* A constant, in every lane where `like` is a vector. */
static inline LLVMValueRef repeated(LLVMValueRef like, LLVMValueRef v) {
    LLVMTypeRef t = LLVMTypeOf(like);
    LLVMValueRef all[EMIT_MAX_LANES];
    if (LLVMGetTypeKind(t) != LLVMVectorTypeKind)
        return v;
    for (unsigned i = 0; i < LLVMGetVectorSize(t); i++)
        all[i] = v;
    return LLVMConstVector(all, LLVMGetVectorSize(t));
}

static inline LLVMValueRef constant(LLVMValueRef like, double v) {
    return repeated(like, LLVMConstReal(number_type(like), v));
}
static inline LLVMValueRef whole(LLVMValueRef like, int64_t v) {
    return repeated(like, LLVMConstInt(number_type(like), (unsigned long long)v, 1));
}

static inline LLVMValueRef add(Emitter *e, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildFAdd(e->b, x, y, "");
}
static inline LLVMValueRef sub(Emitter *e, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildFSub(e->b, x, y, "");
}
static inline LLVMValueRef mul(Emitter *e, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildFMul(e->b, x, y, "");
}
static inline LLVMValueRef negative(Emitter *e, LLVMValueRef x) { return LLVMBuildFNeg(e->b, x, ""); }

/* x y + z, rounded once where the machine can. */
static inline LLVMValueRef fused(Emitter *e, LLVMValueRef x, LLVMValueRef y, LLVMValueRef z) {
    LLVMValueRef args[3] = {x, y, z};
    return e->m->fma ? emit_intrinsic(e, "llvm.fma", LLVMTypeOf(x), args, 3) : add(e, mul(e, x, y), z);
}

/* c[0] + z (c[1] + z (c[2] + …)) */
static inline LLVMValueRef polynomial(Emitter *e, LLVMValueRef z, const double *c, int n) {
    LLVMValueRef sum = constant(z, c[n - 1]);
    for (int i = n - 2; i >= 0; i--)
        sum = fused(e, z, sum, constant(z, c[i]));
    return sum;
}

#endif
