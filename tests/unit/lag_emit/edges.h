/* edges — numbers at the edges of what operands can be, and inputs that hold them. */
#ifndef TEST_EDGES_H
#define TEST_EDGES_H

#include "rig.h"

#include <float.h>

static const double real_edges[] = {
    NAN,     INFINITY, -INFINITY, 0,      -0.0, 1,    -1,      0.5,     -0.5,
    2,       -2,       3,         2.5,    -2.5, 1e-5, -1e-5,   1e30,    -1e30,
    1e-30,   30,       -30,       100,    -100, 709,  -745.0,  DBL_MAX, -DBL_MAX,
    DBL_MIN, 5e-324,   -5e-324,   1e-310, 88.5, -103, FLT_MAX, 1e-45,   9007199254740992.0,
};
enum { N_REAL = sizeof real_edges / sizeof *real_edges };

#define POWER(k) ((int64_t)1 << (k))
static const int64_t int_edges[] = {
    0,         1,         -1,        2,         -2,        3,             -3,        7,
    -7,        POWER(32), -POWER(32), POWER(53) + 1, -POWER(53) - 1, POWER(60), -POWER(60), POWER(61),
    -POWER(61), POWER(62), INT64_MAX, INT64_MIN + 1, INT64_MIN, 3 * POWER(61), -3 * POWER(61),
};
#undef POWER
enum { N_INT = sizeof int_edges / sizeof *int_edges };

/* An INT input as high · 2^32 + low: the rig hands doubles in. */
static inline IrTerm wide_input(Rig *r, const int64_t *values, uint64_t n, IrTerm at) {
    IrTerm part[2];
    for (int k = 0; k < 2; k++) {
        IrDef d = rig_input(r, IR_ROLE_COORD, IR_I64, 1, &n, 0);
        for (uint64_t i = 0; i < n; i++)
            r->start[r->n_inputs - 1][i] = (double)(k ? values[i] & 0xffffffff : values[i] >> 32);
        part[k] = ir_read(r->ir, d, &at, 1);
    }
    return ir_add(r->ir, ir_mul(r->ir, part[0], ir_int(r->ir, 4294967296)), part[1]);
}

/* The same as the read of one definition, into which folding does not look. */
static inline IrTerm whole_input(Rig *r, const int64_t *values, uint64_t n, IrTerm at) {
    IrTerm sum = wide_input(r, values, n, at);
    return ir_read(r->ir, ir_define(r->ir, 0, IR_I64, (IrIdx[]){ir_axis(r->ir, 0, n)}, 1, sum), &at, 1);
}

#endif
