/* ops — what op.def says about each operation, as tables and functions. */
#include "program.h"

#include <math.h>

#define NAME_ROW(ident, print) [IR_##ident] = print,

static const char *const op_names[IR_OP_COUNT] = {
    [IR_NONE] = "none", [IR_CONST] = "const", [IR_INDEX] = "index", [IR_READ] = "read", [IR_DRAW] = "draw",
#define OP1(ident, print, ...) NAME_ROW(ident, print)
#define OP2(ident, print, ...) NAME_ROW(ident, print)
#define OP3(ident, print, ...) NAME_ROW(ident, print)
#define REDUCE(ident, print, ...) NAME_ROW(ident, print)
#include "op.def"
#undef OP1
#undef OP2
#undef OP3
#undef REDUCE
};

typedef struct OpInfo {
    uint8_t arity;
    uint8_t result;
    uint8_t flags;
} OpInfo;

#define INFO_ROW(ident, arity, result, flags) [IR_##ident] = {arity, RESULT_##result, flags},

static const OpInfo op_infos[IR_OP_COUNT] = {
#define OP1(ident, print, result, flags, ...) INFO_ROW(ident, 1, result, flags)
#define OP2(ident, print, result, flags, ...) INFO_ROW(ident, 2, result, flags)
#define OP3(ident, print, result, flags, ...) INFO_ROW(ident, 3, result, flags)
#define REDUCE(ident, print, identity, flags) INFO_ROW(ident, 0, NUM, flags)
#include "op.def"
#undef OP1
#undef OP2
#undef OP3
#undef REDUCE
};

const char *ir_op_name(IrOp op) {
    return op_names[op];
}

bool ir_op_is_reduce(IrOp op) {
    return op >= IR_SUM && op < IR_OP_COUNT;
}

uint32_t ir_op_arity(IrOp op) {
    return op_infos[op].arity;
}

uint32_t op_flags(IrOp op) {
    return op_infos[op].flags;
}

OpResult op_result(IrOp op) {
    return (OpResult)op_infos[op].result;
}

/* The value of a scalar operation on constants; unused operands are ignored. */
double op_eval(IrOp op, double a, double b, double c) {
    switch ((int)op) {
#define OP1(ident, print, result, flags, libm, value, ...)                                                   \
    case IR_##ident: return value;
#define OP2(ident, print, result, flags, libm, value, ...)                                                   \
    case IR_##ident: return value;
#define OP3(ident, print, result, flags, value, ...)                                                         \
    case IR_##ident: return value;
#define REDUCE(ident, ...)
#include "op.def"
#undef OP1
#undef OP2
#undef OP3
#undef REDUCE
    }
    return NAN;
}

double reduce_identity(IrOp op) {
    switch ((int)op) {
#define OP1(...)
#define OP2(...)
#define OP3(...)
#define REDUCE(ident, print, identity, flags)                                                                \
    case IR_##ident: return identity;
#include "op.def"
#undef OP1
#undef OP2
#undef OP3
#undef REDUCE
    }
    return NAN;
}

double ir_lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/* cot and its derivatives for the reflection of polygamma: dⁿ/dxⁿ cot(πx) = πⁿ P_n(cot πx), where
 * P_0 = c and P_{k+1} = −(1 + c²) P_k'. Coefficients of P_n in powers of c. */
static double cot_derivative(int n, double x) {
    double coef[64] = {0, 1};
    for (int k = 0; k < n && k < 60; k++) {
        double next[64] = {0};
        for (int j = 1; j <= k + 1; j++) {
            next[j - 1] -= j * coef[j];
            next[j + 1] -= j * coef[j];
        }
        for (int j = 0; j < 64; j++)
            coef[j] = next[j];
    }
    double c = 1 / tan(M_PI * x), sum = 0;
    for (int j = 63; j >= 0; j--)
        sum = sum * c + coef[j];
    return sum * pow(M_PI, n);
}

/* ψ⁽ⁿ⁾(x), n = 0, 1, 2, …: the n-th derivative of digamma. Recurrence up to x ≥ 15 + n, then the asymptotic
 * series (Abramowitz & Stegun 6.3.18, 6.4.11); reflection (6.4.7) for x < 0. NaN for n that is no whole number ≥ 0. */
double ir_polygamma(double n, double x) {
    static const double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730,
                                       7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};
    if (!(n >= 0) || n != floor(n) || n > 50 || isnan(x) || (x <= 0 && x == floor(x)))
        return NAN;
    double sign = fmod(n, 2) == 0 ? -1 : 1; /* (−1)^(n+1) */
    if (x < 0) /* ψn(1−x) + (−1)^(n+1) ψn(x) = (−1)^n π dⁿ/dxⁿ cot(πx) */
        return sign * (-sign * M_PI * cot_derivative((int)n, x) - ir_polygamma(n, 1 - x));
    double factorial = tgamma(n + 1), sum = 0;
    for (; x < 15 + n; x += 1)
        sum += n == 0 ? -1 / x : sign * factorial / pow(x, n + 1);
    if (n == 0)
        sum += log(x) - 0.5 / x;
    else
        sum += sign * (tgamma(n) / pow(x, n) + factorial / (2 * pow(x, n + 1)));
    double rising = n == 0 ? 0.5 : tgamma(n + 2) / 2; /* (2k+n−1)!/(2k)! at k = 1 */
    for (int k = 1; k <= 10; k++) {
        sum += sign * bernoulli[k - 1] * rising / pow(x, 2 * k + n);
        rising *= (2 * k + n) * (2 * k + n + 1) / ((2.0 * k + 1) * (2 * k + 2));
    }
    return sum;
}
