/* ops — what op.def says about each operation, as tables and functions. */
#include "program.h"
#include "../../runtime/rt_kernels.h"

#include <math.h>

#define NAME_ROW(ident, print) [IR_##ident] = print,

static const char *const op_names[IR_OP_COUNT] = {
    [IR_NONE] = "none", [IR_CONST] = "const", [IR_INDEX] = "index", [IR_READ] = "read", [IR_DRAW] = "draw",
#define OP1(ident, print, ...) NAME_ROW(ident, print)
#define OP2(ident, print, ...) NAME_ROW(ident, print)
#define OP3(ident, print, ...) NAME_ROW(ident, print)
#define REDUCE(ident, print, ...) NAME_ROW(ident, print)
#include "op.def"
};

typedef struct OpInfo {
    uint8_t arity;
    uint8_t result;
    uint8_t flags;
    uint8_t cost;
} OpInfo;

#define INFO_ROW(ident, arity, result, flags, cost) [IR_##ident] = {arity, RESULT_##result, flags, cost},

static const OpInfo op_infos[IR_OP_COUNT] = {
#define OP1(ident, print, result, flags, cost, ...) INFO_ROW(ident, 1, result, flags, cost)
#define OP2(ident, print, result, flags, cost, ...) INFO_ROW(ident, 2, result, flags, cost)
#define OP3(ident, print, result, flags, cost, ...) INFO_ROW(ident, 3, result, flags, cost)
#define REDUCE(ident, print, operation, identity, flags) INFO_ROW(ident, 0, NUM, flags, 0)
#include "op.def"
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

#define IDENTITY_ROW(ident, identity) [IR_##ident] = identity,

static const double identities[IR_OP_COUNT] = {
#define REDUCE(ident, print, operation, identity, flags) IDENTITY_ROW(ident, identity)
#include "op.def"
};

double ir_reduce_identity(IrOp op) {
    return identities[op];
}

static const uint16_t reduced[IR_OP_COUNT] = {
#define REDUCE(ident, print, operation, ...) [IR_##ident] = IR_##operation,
#include "op.def"
};

IrOp ir_op_of_reduce(IrOp op) {
    return (IrOp)reduced[op];
}

double ir_op_cost(IrOp op) {
    return op_infos[op].cost;
}

/* ---- values ---- */

int64_t ir_int_of(double x) {
    return isnan(x) ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

int64_t int_div(int64_t a, int64_t b) {
    if (b == 0 || b == -1)
        return b * a; /* the second wraps where a / b would leave the range */
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t int_mod(int64_t a, int64_t b) {
    return b == 0 ? 0 : a - b * int_div(a, b);
}

/* x^y; NaN for every negative x, −∞ too, when y is not whole. */
static double real_pow(double x, double y) {
    return x < 0 && y != floor(y) ? NAN : pow(x, y);
}

/* A value of op.def: a C expression of a, b, c of one type. */
#define VALUE_FN(ident, type, value)                                                                         \
    static type ident##_##type(type a, type b, type c) {                                                     \
        (void)a, (void)b, (void)c;                                                                           \
        return value;                                                                                        \
    }

/* On doubles, for what takes REAL operands … */
#define ON_REAL_REAL(ident, value) VALUE_FN(ident, double, value)
#define ON_REAL_NUM(ident, value) VALUE_FN(ident, double, value)
#define ON_REAL_BOOL(ident, value) VALUE_FN(ident, double, value)
#define ON_REAL_SAME(ident, value) VALUE_FN(ident, double, value)
#define ON_REAL_INT(ident, value) VALUE_FN(ident, double, (double)(value))
#define OP1(ident, print, result, flags, cost, emit, value, ...) ON_REAL_##result(ident, value)
#define OP2(ident, print, result, flags, cost, emit, value, ...) ON_REAL_##result(ident, value)
#define OP3(ident, print, result, flags, cost, emit, value, ...) ON_REAL_##result(ident, value)
#include "op.def"

/* … and on integers, for what takes INT or BOOL operands. */
#define ON_INT_REAL(ident, value)
#define ON_INT_NUM(ident, value) VALUE_FN(ident, int64_t, value)
#define ON_INT_BOOL(ident, value) VALUE_FN(ident, int64_t, value)
#define ON_INT_SAME(ident, value) VALUE_FN(ident, int64_t, value)
#define ON_INT_INT(ident, value) VALUE_FN(ident, int64_t, value)
#define OP1(ident, print, result, flags, cost, emit, value, ...) ON_INT_##result(ident, value)
#define OP2(ident, print, result, flags, cost, emit, value, ...) ON_INT_##result(ident, value)
#define OP3(ident, print, result, flags, cost, emit, value, ...) ON_INT_##result(ident, value)
#include "op.def"

typedef struct OpValue {
    double (*on_real)(double a, double b, double c);
    int64_t (*on_int)(int64_t a, int64_t b, int64_t c);
} OpValue;

#define INT_FN_REAL(ident) NULL
#define INT_FN_NUM(ident) ident##_int64_t
#define INT_FN_BOOL(ident) ident##_int64_t
#define INT_FN_SAME(ident) ident##_int64_t
#define INT_FN_INT(ident) ident##_int64_t

static const OpValue values[IR_OP_COUNT] = {
#define OP1(ident, print, result, ...) [IR_##ident] = {ident##_double, INT_FN_##result(ident)},
#define OP2(ident, print, result, ...) [IR_##ident] = {ident##_double, INT_FN_##result(ident)},
#define OP3(ident, print, result, ...) [IR_##ident] = {ident##_double, INT_FN_##result(ident)},
#include "op.def"
};

double op_eval(IrOp op, double a, double b, double c) {
    return values[op].on_real(a, b, c);
}

int64_t op_eval_int(IrOp op, int64_t a, int64_t b, int64_t c) {
    return values[op].on_int(a, b, c);
}
