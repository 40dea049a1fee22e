/* domains — where each operation of op.def is tested: ranges of its operands. */
#ifndef LAG_TEST_DOMAINS_H
#define LAG_TEST_DOMAINS_H

#include "ir/ir.h"

/* How an operation is tested: not differentiable in any operand, or its operands drawn from these ranges. */
typedef struct Domain {
    IrOp op;
    enum { SMOOTH, FLAT, HELD, LOGIC } kind; /* FLAT: zero derivative; HELD: taken as constant; LOGIC: no REAL result */
    double lo[2], hi[2];
    int fixed; /* 1 + operand that is a constant parameter, 0 none */
} Domain;

static const Domain domains[] = {
    {IR_ADD, SMOOTH, {-2, -2}, {2, 2}, 0},
    {IR_SUB, SMOOTH, {-2, -2}, {2, 2}, 0},
    {IR_MUL, SMOOTH, {-2, -2}, {2, 2}, 0},
    {IR_DIV, SMOOTH, {-2, 0.5}, {2, 2}, 0},
    {IR_IDIV, LOGIC, {0}, {0}, 0},
    {IR_IMOD, LOGIC, {0}, {0}, 0},
    {IR_NEG, SMOOTH, {-2}, {2}, 0},
    {IR_POW, SMOOTH, {0.3, -2}, {2, 2}, 0},
    {IR_SQRT, SMOOTH, {0.2}, {3}, 0},
    {IR_CBRT, SMOOTH, {0.3}, {3}, 0},
    {IR_HYPOT, SMOOTH, {-2, 0.3}, {2, 3}, 0},
    {IR_ABS, SMOOTH, {0.1}, {2}, 0},
    {IR_SIGN, FLAT, {0.1}, {2}, 0},
    {IR_MIN, SMOOTH, {-2, 2.1}, {2, 3}, 0},
    {IR_MAX, SMOOTH, {-2, 2.1}, {2, 3}, 0},
    {IR_RELU, SMOOTH, {0.1}, {2}, 0},
    {IR_FLOOR, FLAT, {0.1}, {0.9}, 0},
    {IR_CEIL, FLAT, {0.1}, {0.9}, 0},
    {IR_ROUND, FLAT, {0.6}, {0.9}, 0},
    {IR_FROZEN, HELD, {0.1}, {2}, 0},
    {IR_EXP, SMOOTH, {-2}, {2}, 0},
    {IR_EXPM1, SMOOTH, {-2}, {2}, 0},
    {IR_LOG, SMOOTH, {0.2}, {3}, 0},
    {IR_LOG1P, SMOOTH, {-0.5}, {3}, 0},
    {IR_SIN, SMOOTH, {-2}, {2}, 0},
    {IR_COS, SMOOTH, {-2}, {2}, 0},
    {IR_TAN, SMOOTH, {-1}, {1}, 0},
    {IR_ASIN, SMOOTH, {-0.8}, {0.8}, 0},
    {IR_ACOS, SMOOTH, {-0.8}, {0.8}, 0},
    {IR_ATAN, SMOOTH, {-2}, {2}, 0},
    {IR_ATAN2, SMOOTH, {-2, 0.3}, {2, 2}, 0},
    {IR_SINH, SMOOTH, {-2}, {2}, 0},
    {IR_COSH, SMOOTH, {-2}, {2}, 0},
    {IR_TANH, SMOOTH, {-2}, {2}, 0},
    {IR_ASINH, SMOOTH, {-2}, {2}, 0},
    {IR_ACOSH, SMOOTH, {1.3}, {3}, 0},
    {IR_ATANH, SMOOTH, {-0.8}, {0.8}, 0},
    {IR_ERF, SMOOTH, {-2}, {2}, 0},
    {IR_ERFC, SMOOTH, {-2}, {2}, 0},
    {IR_GAMMA, SMOOTH, {-0.9}, {-0.1}, 0},
    {IR_LGAMMA, SMOOTH, {0.4}, {5}, 0},
    {IR_POLYGAMMA, SMOOTH, {0, 0.5}, {3, 5}, 1},
    {IR_SOFTPLUS, SMOOTH, {-3}, {3}, 0},
    {IR_SIGMOID, SMOOTH, {-3}, {3}, 0},
    {IR_EQ, LOGIC, {0}, {0}, 0},
    {IR_NE, LOGIC, {0}, {0}, 0},
    {IR_LT, LOGIC, {0}, {0}, 0},
    {IR_LE, LOGIC, {0}, {0}, 0},
    {IR_AND, LOGIC, {0}, {0}, 0},
    {IR_OR, LOGIC, {0}, {0}, 0},
    {IR_NOT, LOGIC, {0}, {0}, 0},
    {IR_SELECT, SMOOTH, {-2, -2}, {2, 2}, 0},
    {IR_TO_REAL, LOGIC, {0}, {0}, 0},
    {IR_TO_INT, LOGIC, {0}, {0}, 0},
};

static inline const Domain *domain_of(IrOp op) {
    for (size_t k = 0; k < sizeof domains / sizeof *domains; k++)
        if (domains[k].op == op)
            return &domains[k];
    return NULL;
}

#endif
