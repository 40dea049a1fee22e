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
#define REDUCE(ident, print, identity, flags) INFO_ROW(ident, 0, NUM, flags, 0)
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
#define REDUCE(ident, print, identity, flags) IDENTITY_ROW(ident, identity)
#include "op.def"
};

double reduce_identity(IrOp op) {
    return identities[op];
}

double ir_op_cost(IrOp op) {
    return op_infos[op].cost;
}

/* ---- values: one function per operation, so that op.def's expressions stand in C as they are ---- */

#define VALUE_FN(ident, value)                                                                               \
    static double ident##_value(double a, double b, double c) {                                              \
        (void)a, (void)b, (void)c;                                                                           \
        return value;                                                                                        \
    }
#define OP1(ident, print, result, flags, cost, emit, value, ...) VALUE_FN(ident, value)
#define OP2(ident, print, result, flags, cost, emit, value, ...) VALUE_FN(ident, value)
#define OP3(ident, print, result, flags, cost, emit, value, ...) VALUE_FN(ident, value)
#include "op.def"

typedef double (*OpValue)(double a, double b, double c);

static const OpValue values[IR_OP_COUNT] = {
#define OP1(ident, ...) [IR_##ident] = ident##_value,
#define OP2(ident, ...) [IR_##ident] = ident##_value,
#define OP3(ident, ...) [IR_##ident] = ident##_value,
#include "op.def"
};

/* The value of a scalar operation on constants; unused operands are ignored. */
double op_eval(IrOp op, double a, double b, double c) {
    return values[op](a, b, c);
}
