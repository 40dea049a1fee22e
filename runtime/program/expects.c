/* expects — a run's `expect` statements, evaluated on the state it ended in. */
#include "execution.h"

#include <math.h>

/* Without `within`, equality allows for rounding: nine digits. */
static const double default_within = 1e-9;

/* An infinity is near itself alone, and a NaN near nothing. */
static bool is_near(double a, double b, double within) {
    return a == b || (isfinite(a - b) && fabs(a - b) <= within);
}

static bool holds(RtRelation relation, double a, double b, double within) {
    switch (relation) {
    case RT_EQ:
        return is_near(a, b, within);
    case RT_NE:
        return !is_near(a, b, within);
    case RT_LT:
        return a < b;
    case RT_LE:
        return a <= b;
    case RT_GT:
        return a > b;
    case RT_GE:
        return a >= b;
    }
    return false;
}

bool expect_holds(const Execution *e, uint32_t k, double sides[3]) {
    const RtExpect *expect = &e->spec->expects[k];
    sides[0] = execution_scalar(e, &expect->a);
    sides[1] = execution_scalar(e, &expect->b);
    sides[2] = expect->has_within ? execution_scalar(e, &expect->within) : default_within * fmax(1, fabs(sides[1]));
    return holds(expect->relation, sides[0], sides[1], sides[2]);
}

void expect_fails(const Execution *e, uint32_t k, const double sides[3], const char *where) {
    const RtExpect *expect = &e->spec->expects[k];
    const char *text = arena_printf(e->arena, "does not hold%s: %s against %s", where, rt_text_exact(sides[0]).text,
                                    rt_text_exact(sides[1]).text);
    const char *note = expect->relation != RT_EQ ? NULL
                       : arena_printf(e->arena, "they differ by %.3g, more than %.3g", fabs(sides[0] - sides[1]), sides[2]);
    execution_say(e, SAYS_EXPECT, &expect->spot, (Aside){.note = note}, "%s", text);
}

static bool check_one(Execution *e, uint32_t k) {
    double sides[3];
    bool ok = expect_holds(e, k, sides);
    if (!ok)
        expect_fails(e, k, sides, "");
    page_expect(e, &e->spec->expects[k], ok, sides[0], sides[1]);
    return ok;
}

bool expects_hold(Execution *e) {
    if (!e->spec->n_expects)
        return true;
    int32_t status = e->expects ? e->expects(&e->frame) : RT_OK;
    if (!e->expects || status) {
        execution_complain(e, "the `expect` statements could not be evaluated: %s", rt_status_text((RtStatus)status));
        execution_blame(e, status);
        return false;
    }
    bool ok = true;
    for (uint32_t k = 0; k < e->spec->n_expects; k++)
        ok &= check_one(e, k);
    return ok;
}
