/* expects — a run's `expect` statements, evaluated on the state it ended in. */
#include "execute.h"

#include <math.h>

/* Without `within`, equality allows for rounding: nine digits. */
static const double default_within = 1e-9;

/* An infinity is near itself alone, and a NaN near nothing. */
static bool is_near(double a, double b, double within) {
    return a == b || (isfinite(a - b) && fabs(a - b) <= within);
}

static bool holds(BinaryOp op, double a, double b, double within) {
    switch (op) {
    case BINARY_EQ:
        return is_near(a, b, within);
    case BINARY_NE:
        return !is_near(a, b, within);
    case BINARY_LT:
        return a < b;
    case BINARY_LE:
        return a <= b;
    case BINARY_GT:
        return a > b;
    case BINARY_GE:
        return a >= b;
    case BINARY_ADD: case BINARY_SUB: case BINARY_MUL: case BINARY_DIV: case BINARY_POW: case BINARY_MATMUL:
    case BINARY_MOD: case BINARY_AND: case BINARY_OR:
        break;
    }
    return false;
}

bool expect_holds(const Execution *e, uint32_t k, double sides[3]) {
    const SemaExpect *expect = &e->sema->expects[k];
    const IrDef *at = &e->mech->expects[3 * k];
    sides[0] = execution_scalar(e, at[0]);
    sides[1] = execution_scalar(e, at[1]);
    sides[2] = expect->within ? execution_scalar(e, at[2]) : default_within * fmax(1, fabs(sides[1]));
    return holds(expect->op, sides[0], sides[1], sides[2]);
}

void expect_fails(const Execution *e, uint32_t k, const double sides[3], const char *where) {
    const SemaExpect *expect = &e->sema->expects[k];
    Diag *diag = diag_error(e->session, DIAG_EXPECT, expect->span, "does not hold%s: %s against %s", where,
                            rt_text_exact(sides[0]).text, rt_text_exact(sides[1]).text);
    if (expect->op == BINARY_EQ)
        diag_note_at(e->session, diag, (Span){0}, "they differ by %.3g, more than %.3g", fabs(sides[0] - sides[1]),
                     sides[2]);
}

static bool check_one(Execution *e, uint32_t k) {
    double sides[3];
    bool ok = expect_holds(e, k, sides);
    if (!ok)
        expect_fails(e, k, sides, "");
    page_expect(e, &e->sema->expects[k], ok, sides[0], sides[1]);
    return ok;
}

bool expects_hold(Execution *e) {
    if (!e->sema->n_expects)
        return true;
    int32_t status = e->expects ? e->expects(&e->frame) : RT_OK;
    if (!e->expects || status) {
        execution_complain(e, "the `expect` statements could not be evaluated: %s", rt_status_text((RtStatus)status));
        execution_blame(e, status);
        return false;
    }
    bool ok = true;
    for (uint32_t k = 0; k < e->sema->n_expects; k++)
        ok &= check_one(e, k);
    return ok;
}
