/* ops — operations on values, as the EMIT column of op.def has them. Elementary functions are calls of libm;
 * in fast code and single precision they carry the names of libmvec's vector variants, which the loop
 * vectorizer then calls. */
#include <math.h>
#include <stdio.h>

#include "parts.h"

/* What libmvec of glibc 2.35 and later has in every vector width. */
static const char *const vector_names[] = {
    "acos",  "acosh", "asin", "asinh", "atan",  "atan2", "atanh", "cbrt",  "cos",
    "cosh",  "erf",   "erfc", "exp",   "exp10", "exp2",  "expm1", "hypot", "log",
    "log10", "log1p", "log2", "pow",   "sin",   "sinh",  "tan",   "tanh",
};

static bool has_vector(const char *name) {
    for (size_t i = 0; i < sizeof vector_names / sizeof *vector_names; i++)
        if (strcmp(vector_names[i], name) == 0)
            return true;
    return false;
}

/* Variants may be off by up to 4 units in the last place where libm is by less than 1: fast code takes that,
 * and single precision, which nothing is promised to the last place of. */
static bool uses_variant(const Emitter *e, const char *name, PlanType type) {
    return (e->m->fast || type == PLAN_F32) && has_vector(name);
}

static LLVMValueRef fast(Emitter *e, LLVMValueRef v) {
    if (e->m->fast && LLVMIsAInstruction(v) && LLVMCanValueUseFastMathFlags(v))
        LLVMSetFastMathFlags(v, LLVMFastMathAllowReassoc | LLVMFastMathAllowContract |
                                    LLVMFastMathAllowReciprocal | LLVMFastMathNoSignedZeros);
    return v;
}

static bool is_real(PlanType t) { return t == PLAN_F64 || t == PLAN_F32; }

/* ---- elementary functions ---- */

LLVMValueRef emit_declare_pure(EmitModule *m, const char *name, LLVMTypeRef type) {
    LLVMValueRef fn = LLVMGetNamedFunction(m->module, name);
    if (fn)
        return fn;
    fn = LLVMAddFunction(m->module, name, type);
    emit_mark(m, fn, "nounwind", 0);
    emit_mark(m, fn, "willreturn", 0);
    emit_mark(m, fn, "nofree", 0);
    emit_mark(m, fn, "nosync", 0);
    emit_mark(m, fn, "memory", 0);
    return fn;
}

/* Declares the vector variants of `name` this machine has and lists them in `list` as the attribute wants
 * them. */
static void declare_variants(EmitModule *m, const char *name, LLVMTypeRef scalar, uint32_t n_args, char *list,
                             size_t size) {
    const struct {
        bool have;
        char isa;
        unsigned bytes;
    } width[] = {{m->avx512, 'e', 64}, {m->avx2, 'd', 32}, {true, 'b', 16}};
    unsigned bytes = LLVMGetTypeKind(scalar) == LLVMFloatTypeKind ? 4 : 8;
    list[0] = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!width[i].have)
            continue;
        char variant[96];
        unsigned lanes = width[i].bytes / bytes;
        snprintf(variant, sizeof variant, "_ZGV%cN%u%s_%s", width[i].isa, lanes, n_args == 2 ? "vv" : "v",
                 name);
        LLVMTypeRef vector = LLVMVectorType(scalar, lanes), args[2] = {vector, vector};
        emit_declare_pure(m, variant, LLVMFunctionType(vector, args, n_args, 0));
        size_t at = strlen(list);
        snprintf(list + at, size - at, "%s%s", at ? "," : "", variant);
    }
}

void emit_offer_variants(EmitModule *m, LLVMValueRef call, const char *names) {
    static const char kind[] = "vector-function-abi-variant";
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(m->context, kind, sizeof kind - 1, names, (unsigned)strlen(names));
    LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex, attribute);
}

/* What strict double precision computes without a call (explog.c). */
typedef LLVMValueRef (*Written)(Emitter *e, LLVMValueRef x);
static Written is_written(const Emitter *e, const char *name, PlanType type) {
    static const struct {
        const char *name;
        Written write;
    } written[] = {{"exp", emit_exp}, {"log", emit_log}, {"tanh", emit_tanh}};
    for (size_t k = 0; k < sizeof written / sizeof *written; k++)
        if (!e->m->fast && e->m->fma && type == PLAN_F64 && strcmp(name, written[k].name) == 0)
            return written[k].write;
    return NULL;
}

LLVMValueRef emit_pure_call(Emitter *e, const char *stem, PlanType type, LLVMValueRef *args, uint32_t n) {
    Written write = is_written(e, stem, type);
    if (write)
        return write(e, args[0]);
    char name[64], list[256];
    LLVMTypeRef scalar = emit_type(e->m, type), params[2] = {scalar, scalar};
    snprintf(name, sizeof name, "%s%s", stem, type == PLAN_F32 ? "f" : "");
    LLVMTypeRef fn_type = LLVMFunctionType(scalar, params, n, 0);
    LLVMValueRef fn = emit_declare_pure(e->m, name, fn_type);
    LLVMValueRef call = LLVMBuildCall2(e->b, fn_type, fn, args, n, "");
    if (uses_variant(e, stem, type)) {
        declare_variants(e->m, name, scalar, n, list, sizeof list);
        emit_offer_variants(e->m, call, list);
    }
    return fast(e, call);
}

LLVMValueRef emit_intrinsic(Emitter *e, const char *name, LLVMTypeRef type, LLVMValueRef *args, uint32_t n) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(e->m->module, id, &type, 1);
    LLVMTypeRef fn_type = LLVMIntrinsicGetType(e->m->context, id, &type, 1);
    return fast(e, LLVMBuildCall2(e->b, fn_type, fn, args, n, ""));
}

static LLVMValueRef intrinsic1(Emitter *e, const char *name, LLVMValueRef x) {
    return emit_intrinsic(e, name, LLVMTypeOf(x), &x, 1);
}

static LLVMValueRef real(Emitter *e, PlanType type, double v) {
    return LLVMConstReal(emit_type(e->m, type), v);
}

/* x^n by squaring, n from 1. */
static LLVMValueRef power(Emitter *e, LLVMValueRef x, unsigned n) {
    LLVMValueRef result = NULL;
    for (; n; n >>= 1) {
        if (n & 1)
            result = result ? fast(e, LLVMBuildFMul(e->b, result, x, "")) : x;
        if (n > 1)
            x = fast(e, LLVMBuildFMul(e->b, x, x, ""));
    }
    return result;
}

static LLVMValueRef choose(Emitter *e, LLVMValueRef c, LLVMValueRef x, LLVMValueRef y) {
    return fast(e, LLVMBuildSelect(e->b, c, x, y, ""));
}

static LLVMValueRef real_compare(Emitter *e, LLVMRealPredicate p, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildFCmp(e->b, p, x, y, "");
}

static LLVMValueRef int_compare(Emitter *e, LLVMIntPredicate p, LLVMValueRef x, LLVMValueRef y) {
    return LLVMBuildICmp(e->b, p, x, y, "");
}

/* ---- operations with an expansion of their own: own_f for each OWN(f, …) in op.def, on operands v ---- */

static bool is_real_node(const PlanNode *n) { return is_real((PlanType)n->type); }

/* Where the range of an integer is known not to overflow, saying so lets loops be analyzed. */
static bool stays_inside(const PlanNode *n) {
    return n->lo > -((int64_t)1 << 60) && n->hi < (int64_t)1 << 60;
}

static LLVMValueRef own_add(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    if (is_real_node(n))
        return fast(e, LLVMBuildFAdd(e->b, v[0], v[1], ""));
    return stays_inside(n) ? LLVMBuildNSWAdd(e->b, v[0], v[1], "") : LLVMBuildAdd(e->b, v[0], v[1], "");
}

static LLVMValueRef own_sub(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    if (n->fused && e->m->fma) {
        LLVMValueRef args[3] = {LLVMBuildFNeg(e->b, v[2], ""), v[3], v[0]};
        return emit_intrinsic(e, "llvm.fma", LLVMTypeOf(v[0]), args, 3);
    }
    if (is_real_node(n))
        return fast(e, LLVMBuildFSub(e->b, v[0], v[1], ""));
    return stays_inside(n) ? LLVMBuildNSWSub(e->b, v[0], v[1], "") : LLVMBuildSub(e->b, v[0], v[1], "");
}

static LLVMValueRef own_mul(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    if (is_real_node(n))
        return fast(e, LLVMBuildFMul(e->b, v[0], v[1], ""));
    return stays_inside(n) ? LLVMBuildNSWMul(e->b, v[0], v[1], "") : LLVMBuildMul(e->b, v[0], v[1], "");
}

static LLVMValueRef own_div(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)n;
    return fast(e, LLVMBuildFDiv(e->b, v[0], v[1], ""));
}

static LLVMValueRef own_neg(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return is_real_node(n) ? fast(e, LLVMBuildFNeg(e->b, v[0], "")) : LLVMBuildNeg(e->b, v[0], "");
}

/* Quotient rounded down, or its remainder. */
static LLVMValueRef floor_division(Emitter *e, const PlanNode *n, LLVMValueRef x, LLVMValueRef y,
                                   bool remainder) {
    const PlanNode *nx = &e->func->nodes.at[n->arg[0]], *ny = &e->func->nodes.at[n->arg[1]];
    if (nx->lo >= 0 && ny->lo > 0)
        return remainder ? LLVMBuildURem(e->b, x, y, "") : LLVMBuildUDiv(e->b, x, y, "");
    LLVMValueRef zero = emit_int(e->m, 0), minus = emit_int(e->m, -1);
    /* A divisor of 0 gives 0, never a trap; nor does −1, which turns the sign of what may have no
     * counterpart. */
    LLVMValueRef none = int_compare(e, LLVMIntEQ, y, zero), turns = int_compare(e, LLVMIntEQ, y, minus);
    LLVMValueRef d = choose(e, LLVMBuildOr(e->b, none, turns, ""), emit_int(e->m, 1), y);
    LLVMValueRef r = LLVMBuildSRem(e->b, x, d, "");
    LLVMValueRef apart = int_compare(e, LLVMIntSLT, LLVMBuildXor(e->b, r, d, ""), zero);
    LLVMValueRef fix = LLVMBuildAnd(e->b, apart, int_compare(e, LLVMIntNE, r, zero), "");
    LLVMValueRef result;
    if (remainder)
        result = LLVMBuildSelect(e->b, fix, LLVMBuildAdd(e->b, r, d, ""), r, "");
    else {
        LLVMValueRef q = LLVMBuildSDiv(e->b, x, d, "");
        result = LLVMBuildSelect(e->b, fix, LLVMBuildSub(e->b, q, emit_int(e->m, 1), ""), q, "");
        result = choose(e, turns, LLVMBuildNeg(e->b, x, ""), result);
    }
    return LLVMBuildSelect(e->b, none, zero, result, "");
}

static LLVMValueRef own_idiv(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return floor_division(e, n, v[0], v[1], false);
}

static LLVMValueRef own_imod(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return floor_division(e, n, v[0], v[1], true);
}

/* Powers with a small whole or half exponent need no call. */
static LLVMValueRef own_pow(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    PlanType type = (PlanType)n->type;
    const PlanNode *exponent = &e->func->nodes.at[n->arg[1]];
    double value, twice;
    memcpy(&value, &exponent->bits, sizeof value);
    twice = fabs(2 * value);
    if (exponent->kind != PLAN_CONST || twice > 32 || twice != floor(twice)) {
        /* The C function has a value at −∞. */
        LLVMValueRef below = real_compare(e, LLVMRealOLT, v[0], real(e, type, 0));
        LLVMValueRef broken = real_compare(e, LLVMRealUNE, v[1], intrinsic1(e, "llvm.floor", v[1]));
        return choose(e, LLVMBuildAnd(e->b, below, broken, ""), real(e, type, NAN),
                      emit_pure_call(e, "pow", type, v, 2));
    }
    if (value == 0)
        return real(e, type, 1);
    unsigned whole = (unsigned)twice / 2;
    LLVMValueRef result = whole ? power(e, v[0], whole) : NULL;
    if ((unsigned)twice % 2) {
        LLVMValueRef root = intrinsic1(e, "llvm.sqrt", v[0]);
        result = result ? fast(e, LLVMBuildFMul(e->b, result, root, "")) : root;
    }
    return value > 0 ? result : fast(e, LLVMBuildFDiv(e->b, real(e, type, 1), result, ""));
}

static LLVMValueRef own_abs(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    if (is_real_node(n))
        return intrinsic1(e, "llvm.fabs", v[0]);
    LLVMValueRef negative = int_compare(e, LLVMIntSLT, v[0], emit_int(e->m, 0));
    return choose(e, negative, LLVMBuildNeg(e->b, v[0], ""), v[0]);
}

/* 1 above 0, −1 below, else x itself: 0, or NaN. */
static LLVMValueRef own_sign(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    PlanType type = (PlanType)n->type;
    if (is_real(type)) {
        LLVMValueRef zero = real(e, type, 0);
        LLVMValueRef up = choose(e, real_compare(e, LLVMRealOGT, v[0], zero), real(e, type, 1), v[0]);
        return choose(e, real_compare(e, LLVMRealOLT, v[0], zero), real(e, type, -1), up);
    }
    LLVMValueRef zero = emit_int(e->m, 0);
    LLVMValueRef up = choose(e, int_compare(e, LLVMIntSGT, v[0], zero), emit_int(e->m, 1), zero);
    return choose(e, int_compare(e, LLVMIntSLT, v[0], zero), emit_int(e->m, -1), up);
}

/* The smaller or the larger; a NaN among the two is the result. */
static LLVMValueRef extreme(Emitter *e, PlanType type, LLVMValueRef *v, bool max) {
    if (!is_real(type))
        return choose(e, int_compare(e, max ? LLVMIntSGT : LLVMIntSLT, v[0], v[1]), v[0], v[1]);
    LLVMValueRef result =
        emit_intrinsic(e, max ? "llvm.maximum" : "llvm.minimum", emit_type(e->m, type), v, 2);
    if (LLVMIsAInstruction(result)) /* which of 0 and −0 does not matter */
        LLVMSetFastMathFlags(result, LLVMGetFastMathFlags(result) | LLVMFastMathNoSignedZeros);
    return result;
}

static LLVMValueRef own_min(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return extreme(e, (PlanType)n->type, v, false);
}

static LLVMValueRef own_max(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return extreme(e, (PlanType)n->type, v, true);
}

/* Below 0 it is 0, else x: a NaN stays one. */
static LLVMValueRef own_relu(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    LLVMValueRef zero = real(e, (PlanType)n->type, 0);
    return choose(e, real_compare(e, LLVMRealOLT, v[0], zero), zero, v[0]);
}

static LLVMValueRef own_frozen(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)e, (void)n;
    return v[0];
}

/* The C library's where it may be a vector variant, else our own: several times as fast as a call for each. */
static LLVMValueRef circular(Emitter *e, const PlanNode *n, LLVMValueRef x, bool is_cosine) {
    const char *name = is_cosine ? "cos" : "sin";
    PlanType type = (PlanType)n->type;
    return uses_variant(e, name, type) ? emit_pure_call(e, name, type, &x, 1) : emit_trig(e, x, is_cosine);
}

static LLVMValueRef own_sin(Emitter *e, const PlanNode *n, LLVMValueRef *v) { return circular(e, n, v[0], false); }

static LLVMValueRef own_cos(Emitter *e, const PlanNode *n, LLVMValueRef *v) { return circular(e, n, v[0], true); }

/* e^−|x| */
static LLVMValueRef decay(Emitter *e, PlanType type, LLVMValueRef x) {
    LLVMValueRef minus = LLVMBuildFNeg(e->b, intrinsic1(e, "llvm.fabs", x), "");
    return emit_pure_call(e, "exp", type, &minus, 1);
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|) */
static LLVMValueRef own_softplus(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    PlanType type = (PlanType)n->type;
    LLVMValueRef u = decay(e, type, v[0]), log = emit_pure_call(e, "log1p", type, &u, 1);
    return fast(e, LLVMBuildFAdd(e->b, own_relu(e, n, v), log, ""));
}

/* With u = e^−|x|: 1/(1+u) for x ≥ 0, u/(1+u) below. */
static LLVMValueRef own_sigmoid(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    PlanType type = (PlanType)n->type;
    LLVMValueRef u = decay(e, type, v[0]), one = real(e, type, 1);
    LLVMValueRef above = choose(e, real_compare(e, LLVMRealOGE, v[0], real(e, type, 0)), one, u);
    return fast(e, LLVMBuildFDiv(e->b, above, fast(e, LLVMBuildFAdd(e->b, one, u, "")), ""));
}

/* A comparison by the type of its operands. */
static LLVMValueRef relation(Emitter *e, const PlanNode *n, LLVMValueRef *v, LLVMRealPredicate real_test,
                             LLVMIntPredicate int_test) {
    bool reals = is_real((PlanType)e->func->nodes.at[n->arg[0]].type);
    return reals ? real_compare(e, real_test, v[0], v[1]) : int_compare(e, int_test, v[0], v[1]);
}

static LLVMValueRef own_eq(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return relation(e, n, v, LLVMRealOEQ, LLVMIntEQ);
}

static LLVMValueRef own_ne(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return relation(e, n, v, LLVMRealUNE, LLVMIntNE);
}

static LLVMValueRef own_lt(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return relation(e, n, v, LLVMRealOLT, LLVMIntSLT);
}

static LLVMValueRef own_le(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    return relation(e, n, v, LLVMRealOLE, LLVMIntSLE);
}

static LLVMValueRef own_and(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)n;
    return LLVMBuildAnd(e->b, v[0], v[1], "");
}

static LLVMValueRef own_or(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)n;
    return LLVMBuildOr(e->b, v[0], v[1], "");
}

static LLVMValueRef own_not(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)n;
    return LLVMBuildNot(e->b, v[0], "");
}

static LLVMValueRef own_select(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    (void)n;
    return choose(e, v[0], v[1], v[2]);
}

/* ---- any operation, by its line in op.def ---- */

typedef struct OpEmit {
    const char *function;  /* C function it calls, or is made of; NULL or "": none */
    const char *intrinsic; /* else: its intrinsic … */
    LLVMValueRef (*own)(Emitter *e, const PlanNode *n, LLVMValueRef *v); /* … or its expansion */
} OpEmit;

static const OpEmit emits[IR_OP_COUNT] = {
#define CALL(name) {.function = name}
#define LLVM(name) {.intrinsic = "llvm." name}
#define OWN(f, name) {.function = name, .own = own_##f}
#define CONVERT {0} /* is a node of its own: emit_convert */
#define OP1(ident, print, result, flags, cost, emit, ...) [IR_##ident] = emit,
#define OP2(ident, print, result, flags, cost, emit, ...) [IR_##ident] = emit,
#define OP3(ident, print, result, flags, cost, emit, ...) [IR_##ident] = emit,
#include "../ir/op.def"
};

bool emit_is_scalar_call(const Emitter *e, const PlanNode *n) {
    if (n->kind != PLAN_OP || !is_real_node(n))
        return false;
    const char *name = emits[n->op].function;
    bool called = name && name[0];
    if (n->op == IR_POW)
        called = e->func->nodes.at[n->arg[1]].kind != PLAN_CONST;
    bool trig = (n->op == IR_SIN || n->op == IR_COS) && n->type == PLAN_F64; /* calls only for large angles */
    return called && !trig && !uses_variant(e, name, (PlanType)n->type) && !is_written(e, name, (PlanType)n->type);
}

uint32_t emit_length(const Emitter *e, const PlanNode *n) {
    enum { ELEMENTARY = 32 }; /* trig.c, explog.c */
    PlanType type = (PlanType)n->type;
    if (n->kind != PLAN_OP || !is_real_node(n))
        return 1;
    const char *name = n->op == IR_SIN ? "sin" : n->op == IR_COS ? "cos" : NULL;
    bool trig = name && !uses_variant(e, name, type);
    name = emits[n->op].function;
    return trig || (name && name[0] && is_written(e, name, type)) ? ELEMENTARY : 1;
}

LLVMValueRef emit_op(Emitter *e, const PlanNode *n) {
    LLVMValueRef v[4] = {NULL, NULL, NULL, NULL};
    for (uint32_t i = 0; i < 4 && n->arg[i]; i++)
        v[i] = emit_node(e, n->arg[i]);
    return emit_op_on(e, n, v);
}

LLVMValueRef emit_op_on(Emitter *e, const PlanNode *n, LLVMValueRef *v) {
    const OpEmit *how = &emits[n->op];
    if (how->own)
        return how->own(e, n, v);
    if (how->intrinsic)
        return intrinsic1(e, how->intrinsic, v[0]);
    return emit_pure_call(e, how->function, (PlanType)n->type, v, ir_op_arity((IrOp)n->op));
}

/* ---- conversions ---- */

LLVMValueRef emit_convert(Emitter *e, LLVMValueRef v, const PlanNode *from, PlanType to) {
    LLVMTypeRef type = emit_type(e->m, to);
    PlanType have = (PlanType)from->type;
    if (have == to)
        return v;
    if (is_real(have)) {
        if (to == PLAN_F32)
            return LLVMBuildFPTrunc(e->b, v, type, "");
        if (to == PLAN_F64)
            return LLVMBuildFPExt(e->b, v, type, "");
        if (to == PLAN_BOOL)
            return real_compare(e, LLVMRealUNE, v, LLVMConstNull(LLVMTypeOf(v)));
        /* Rounds towards 0; NaN gives 0, what is too large the nearest there is. */
        LLVMTypeRef types[2] = {type, LLVMTypeOf(v)};
        unsigned id = LLVMLookupIntrinsicID("llvm.fptosi.sat", 15);
        LLVMValueRef fn = LLVMGetIntrinsicDeclaration(e->m->module, id, types, 2);
        return LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->m->context, id, types, 2), fn, &v, 1, "");
    }
    if (have == PLAN_BOOL)
        return is_real(to) ? LLVMBuildUIToFP(e->b, v, type, "") : LLVMBuildZExt(e->b, v, type, "");
    if (to == PLAN_BOOL)
        return LLVMBuildICmp(e->b, LLVMIntNE, v, emit_int(e->m, 0), "");
    if (from->lo > INT32_MIN && from->hi < INT32_MAX)
        v = LLVMBuildTrunc(e->b, v, LLVMInt32TypeInContext(e->m->context), "");
    return LLVMBuildSIToFP(e->b, v, type, "");
}

/* ---- reductions ---- */

LLVMValueRef emit_identity(Emitter *e, IrOp reduce, PlanType type) {
    LLVMTypeRef t = emit_type(e->m, type);
    double v = ir_reduce_identity(reduce);
    if (reduce == IR_ARGMAX || reduce == IR_ARGMIN) /* of the values looked at */
        v = ir_reduce_identity(reduce == IR_ARGMAX ? IR_MAXIMUM : IR_MINIMUM);
    return is_real(type) ? LLVMConstReal(t, v) : LLVMConstInt(t, (unsigned long long)ir_int_of(v), 1);
}

LLVMValueRef emit_combine(Emitter *e, IrOp reduce, PlanType type, LLVMValueRef a, LLVMValueRef b) {
    PlanNode n = {.kind = PLAN_OP, .type = (uint8_t)type, .lo = INT64_MIN, .hi = INT64_MAX};
    LLVMValueRef v[2] = {a, b};
    return emits[ir_op_of_reduce(reduce)].own(e, &n, v);
}
