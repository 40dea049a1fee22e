/* drag — friction that is not linear in the momenta, in the part `p` of a word.
 *
 * needs: p' = F − f(p) with ∂R/∂q' = f      gives: the flow over a time h, or equations for it      changes: nothing
 *
 * Drag that grows with the square of each momentum alone, f = c |p| p (R = ⅓ k |q'|³ on a diagonal mass), has a closed form beside
 * a constant force: with k = √(c |F|) the equation is u' = k (1 − u |u|), whose solutions are tanh(kt) along the force and tan(kt)
 * against it, that is
 *
 *     p ← (p + F τ) / (1 + c |p| τ),      τ = tanh(kh)/k along the force, tan(kh)/k against it, h without it,
 *
 * and p ← F tanh(kh − α)/k, α = arctan(c |p|/k), where the motion turns round within the time. It is followed forwards only.
 *
 * Any other friction is followed by the implicit midpoint rule, P = p + h (F − f)((p + P)/2), a symmetric map of order two (Hairer,
 * Lubich, Wanner, Geometric Numerical Integration, section II.1.1), P being the root found by Newton's method. */
#include "noether.h"

#include <math.h>

/* ---- what is quadratic drag ---- */

enum { POINTS = 3, MOST_TESTED = 200 };

/* f = s c p², s = ±1 the sign of p, at generic points. */
static bool is_square(Mech *m, const MechRate *r, IrTerm f, IrTerm c, double sign) {
    IrProgram *p = m->p;
    IrTerm at[IR_MAX_RANK];
    uint64_t size = 1;
    for (uint32_t k = 0; k < r->rank; k++) {
        at[k] = ir_idx(p, ir_axis(p, k, r->extent[k]));
        size *= r->extent[k];
    }
    IrTerm x = ir_read(p, r->target, at, r->rank);
    IrReplace turned = {.from = r->target, .body = ir_mul(p, ir_real(p, sign), x)};
    IrTerm wanted = ir_mul(p, ir_real(p, sign), ir_mul(p, c, ir_mul(p, x, x))), terms[2] = {ir_replace(p, f, &turned, 1), wanted};
    for (uint32_t point = 0; point < POINTS; point++) {
        if (!mech_set_generic(m, terms, 2, 23 * point + 3))
            return false;
        for (uint64_t i = 0; i < size && i < MOST_TESTED; i++) {
            int64_t axes[IR_MAX_RANK] = {0};
            uint64_t rest = i;
            bool ok = true;
            for (uint32_t k = r->rank; k-- > 0; rest /= r->extent[k])
                axes[k] = (int64_t)(rest % r->extent[k]);
            double is = ir_eval(m->env, terms[0], axes, &ok), should = ir_eval(m->env, terms[1], axes, &ok);
            if (!ok || !(fabs(is - should) <= 1e-12 * fabs(should)))
                return false;
        }
    }
    return true;
}

IrTerm mech_drag(Mech *m, const MechRate *r, IrTerm f) {
    IrReplace one = {.from = r->target, .body = ir_real(m->p, 1)};
    IrTerm c = ir_replace(m->p, f, &one, 1);
    if (mech_depends_any(m, c, MECH_ON_P) || !is_square(m, r, f, c, 1) || !is_square(m, r, f, c, -1))
        return 0;
    return mech_product(m, calc_tidy(m->p, c));
}

/* ---- its flow ---- */

static IrTerm less(Mech *m, IrTerm a, IrTerm b) { return ir_op2(m->p, IR_LT, a, b); }

/* (x + F τ) / (1 + c |x| τ) */
static IrTerm moved(Mech *m, IrTerm x, IrTerm force, IrTerm c, IrTerm tau) {
    IrProgram *p = m->p;
    IrTerm below = ir_add(p, ir_real(p, 1), ir_mul(p, ir_mul(p, c, ir_op1(p, IR_ABS, x)), tau));
    return ir_div(p, force ? ir_add(p, x, ir_mul(p, force, tau)) : x, below);
}

IrTerm mech_drag_value(Mech *m, const MechRate *r, IrTerm x, IrTerm h) {
    IrProgram *p = m->p;
    IrTerm zero = ir_real(p, 0), c = r->drag, force = r->a;
    if (!force)
        return moved(m, x, 0, c, h);
    IrTerm k = ir_op1(p, IR_SQRT, ir_mul(p, c, ir_op1(p, IR_ABS, force))), at[IR_MAX_RANK];
    for (uint32_t i = 0; i < r->rank; i++)
        at[i] = ir_idx(p, ir_axis(p, i, r->extent[i]));
    k = ir_read(p, mech_define(m, "k", IR_F64, r->rank, r->extent, k), at, r->rank);
    IrTerm still = ir_op2(p, IR_EQ, k, zero);
    IrTerm angle = ir_mul(p, k, h), turn = ir_op1(p, IR_ATAN, ir_div(p, ir_mul(p, c, ir_op1(p, IR_ABS, x)), k));
    IrTerm along = moved(m, x, force, c, ir_select(p, still, h, ir_div(p, ir_op1(p, IR_TANH, angle), k)));
    IrTerm against = moved(m, x, force, c, ir_div(p, ir_op1(p, IR_TAN, angle), k));
    IrTerm turned = ir_mul(p, force, ir_div(p, ir_op1(p, IR_TANH, ir_sub(p, angle, turn)), k));
    return ir_select(p, less(m, ir_mul(p, x, force), zero), ir_select(p, less(m, angle, turn), against, turned), along);
}

/* ---- what has no closed form ---- */

bool mech_add_midpoint(Mech *m, IrFunc *f, const MechPart *part, IrTerm h, IrTerm now, Span span) {
    uint32_t n = part->n;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, n), *unknown = ARENA_ARRAY(m->arena, IrTerm, n);
    IrTerm *residual = ARENA_ARRAY(m->arena, IrTerm, n);
    IrReplace *middle = ARENA_ARRAY(m->arena, IrReplace, n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, n);
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, n);
    MechUnknowns u;
    for (uint32_t i = 0; i < n; i++) {
        const MechRate *r = &part->rate[i];
        shape[i] = (MechShape){.rank = r->rank, .symbol = "P"};
        for (uint32_t k = 0; k < r->rank; k++)
            shape[i].extent[k] = r->extent[k];
    }
    mech_unknowns(m, shape, n, &u);
    for (uint32_t i = 0; i < n; i++) {
        const MechRate *r = &part->rate[i];
        IrTerm at[IR_MAX_RANK];
        for (uint32_t k = 0; k < r->rank; k++)
            at[k] = ir_idx(m->p, ir_axis(m->p, k, r->extent[k]));
        x[i] = ir_read(m->p, r->target, at, r->rank);
        unknown[i] = ir_read(m->p, u.part[i], at, r->rank);
        middle[i] = (IrReplace){.from = r->target, .body = ir_mul(m->p, ir_real(m->p, 0.5), ir_add(m->p, x[i], unknown[i]))};
    }
    for (uint32_t i = 0; i < n; i++) {
        IrTerm rate = ir_replace(m->p, mech_shift_time(m, part->rate[i].implicit, now), middle, n);
        residual[i] = ir_sub(m->p, unknown[i], ir_add(m->p, x[i], ir_mul(m->p, h, rate)));
    }
    if (!mech_root(m, &u, residual, x, span, value))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const MechRate *r = &part->rate[i];
        IrTerm at[IR_MAX_RANK];
        for (uint32_t k = 0; k < r->rank; k++)
            at[k] = ir_idx(m->p, ir_axis(m->p, k, r->extent[k]));
        assign[i] = (IrAssign){r->target, ir_read(m->p, value[i], at, r->rank), span};
    }
    mech_func_add(f, assign, n);
    return true;
}
