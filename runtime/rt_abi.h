/* rt_abi.h — what the codes in rt_abi.def stand for. RT_ABI_MAP(prefix, codes…) writes `prefix` before
 * each of up to 20 codes, so that a line of rt_abi.def becomes a C parameter list (RT_C_) or a list of
 * kinds (RT_KIND_). */
#ifndef LAG_RT_ABI_H
#define LAG_RT_ABI_H

/* What a value is to the machine. */
typedef enum RtKind { RT_KIND_VOID, RT_KIND_I32, RT_KIND_I64, RT_KIND_F32, RT_KIND_F64, RT_KIND_PTR } RtKind;
#define RT_KIND_U32 RT_KIND_I32
#define RT_KIND_U64 RT_KIND_I64
#define RT_KIND_STATUS RT_KIND_I32
#define RT_KIND_FRAME RT_KIND_PTR
#define RT_KIND_BODY RT_KIND_PTR
#define RT_KIND_PF32 RT_KIND_PTR
#define RT_KIND_PF64 RT_KIND_PTR
#define RT_KIND_CPF32 RT_KIND_PTR
#define RT_KIND_CPF64 RT_KIND_PTR

/* What it is to C; the named types are those of rt.h and rt_kernels.h. */
#define RT_C_VOID void
#define RT_C_I32 int32_t
#define RT_C_U32 uint32_t
#define RT_C_I64 int64_t
#define RT_C_U64 uint64_t
#define RT_C_F32 float
#define RT_C_F64 double
#define RT_C_PTR void *
#define RT_C_STATUS RtStatus
#define RT_C_FRAME RtFrame *
#define RT_C_BODY RtBody
#define RT_C_PF32 float *
#define RT_C_PF64 double *
#define RT_C_CPF32 const float *
#define RT_C_CPF64 const double *

#define RT_ABI_CAT(a, b) a##b
#define RT_ABI_1(P, a) RT_ABI_CAT(P, a)
#define RT_ABI_2(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_1(P, __VA_ARGS__)
#define RT_ABI_3(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_2(P, __VA_ARGS__)
#define RT_ABI_4(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_3(P, __VA_ARGS__)
#define RT_ABI_5(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_4(P, __VA_ARGS__)
#define RT_ABI_6(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_5(P, __VA_ARGS__)
#define RT_ABI_7(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_6(P, __VA_ARGS__)
#define RT_ABI_8(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_7(P, __VA_ARGS__)
#define RT_ABI_9(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_8(P, __VA_ARGS__)
#define RT_ABI_10(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_9(P, __VA_ARGS__)
#define RT_ABI_11(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_10(P, __VA_ARGS__)
#define RT_ABI_12(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_11(P, __VA_ARGS__)
#define RT_ABI_13(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_12(P, __VA_ARGS__)
#define RT_ABI_14(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_13(P, __VA_ARGS__)
#define RT_ABI_15(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_14(P, __VA_ARGS__)
#define RT_ABI_16(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_15(P, __VA_ARGS__)
#define RT_ABI_17(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_16(P, __VA_ARGS__)
#define RT_ABI_18(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_17(P, __VA_ARGS__)
#define RT_ABI_19(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_18(P, __VA_ARGS__)
#define RT_ABI_20(P, a, ...) RT_ABI_CAT(P, a), RT_ABI_19(P, __VA_ARGS__)
#define RT_ABI_NTH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, N, ...) N
/* The number of codes. */
#define RT_ABI_COUNT(...) \
    RT_ABI_NTH(__VA_ARGS__, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define RT_ABI_CALL(N, P, ...) RT_ABI_CAT(RT_ABI_, N)(P, __VA_ARGS__)
#define RT_ABI_MAP(P, ...) RT_ABI_CALL(RT_ABI_COUNT(__VA_ARGS__), P, __VA_ARGS__)

#define RT_ABI_MAX_PARAMETERS 20

/* The name of a vector variant (RT_VECTOR in rt_abi.def) as the vector function ABI spells it. */
#define RT_VARIANT_NAME(name, isa, lanes, params) _ZGV##isa##N##lanes##params##_##name

#endif
