/* rayleigh — first-order motion with a dissipation that is not quadratic: ∂R/∂q' = F solved for q'.
 *
 * needs: ∂R/∂q', F = −∂V/∂q + Q      gives: q'(q, t)      changes: nothing
 *
 * R convex in the velocities makes q' unique: it is the gradient of the Legendre transform of R at F (R. T. Rockafellar, Convex
 * Analysis, section 26). In closed form where dual.c knows one; else the root of Newton's method, from q' = F on. Whether R is
 * convex there is looked at as the motion goes: the last correction of the root is made with Cholesky's factorization of
 * G = ∂²R/∂q'∂q', which fails where G is not positive definite. */
#include "internal.h"

#include <string.h>

/* ---- signs ---- */

/* sign(x) x^n as |x| x^(n−1): what the derivative of |x|^(n+1) is made of. */
static IrTerm map_signs(Mech *m, void *context, IrTerm t) {
    enum { MOST = 24 };
    IrFactor factor[MOST];
    IrTerm condition;
    double coefficient;
    uint32_t n;
    bool any = false;
    (void)context;
    if (ir_node(m->p, t)->op != IR_MUL || !ir_product(m->p, t, &coefficient, &condition, factor, MOST, &n) || condition)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        IrNode node = *ir_node(m->p, factor[i].base);
        for (uint32_t k = 0; k < n && node.op == IR_SIGN && factor[i].exponent == 1; k++) {
            if (factor[k].base != node.arg[0] || factor[k].exponent < 1)
                continue;
            factor[i].base = ir_op1(m->p, IR_ABS, node.arg[0]);
            factor[k].exponent -= 1;
            any = true;
            break;
        }
    }
    if (!any)
        return 0;
    IrTerm out = ir_real(m->p, coefficient);
    for (uint32_t i = 0; i < n; i++)
        if (factor[i].exponent != 0)
            out = ir_mul(m->p, out, ir_pow(m->p, factor[i].base, ir_real(m->p, factor[i].exponent)));
    return out;
}

void mech_look_for_corners(Mech *m, IrTerm R, MechForm *f) {
    if (f->quadratic && mech_corners(m, R, false) != MECH_SMOOTH) { /* such as dry friction, μ |q'|: its force is no part of M or of b */
        f->quadratic = false;
        f->structure = MECH_MASS_NONQUADRATIC;
    }
    if (f->quadratic)
        return;
    for (uint32_t a = 0; a < m->n; a++)
        f->gradient[a] = mech_rewrite(m, f->gradient[a], map_signs, NULL);
}

/* ---- Newton's method ---- */

/* G and the residual at the root, side by side over all bodies, and q' − G⁻¹ residual. */
static bool correct(Mech *m, const IrTerm *residual, const IrReplace *at_root, const IrDef *value, IrTerm *x) {
    IrPiece *blocks = ARENA_ARRAY(m->arena, IrPiece, m->n * m->n), *pieces = ARENA_ARRAY(m->arena, IrPiece, m->n);
    uint64_t size = 0, row = 0;
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        size += m->bodies[a].size;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        uint64_t column = 0;
        for (uint32_t c = 0; c < m->n; column += m->bodies[c++].size)
            if (m->friction.block[a * m->n + c])
                blocks[n++] = (IrPiece){ir_replace_def(m->p, mech_form_flat(m, &m->friction, a, c), at_root, m->n), {row, column}};
        pieces[a] = (IrPiece){mech_define(m, NULL, IR_F64, b->rank, b->extent, ir_replace(m->p, residual[a], at_root, m->n)), {row, 0}};
        row += b->size;
    }
    const uint64_t extent[2] = {size, size};
    IrDef matrix = ir_concat(m->p, 0, IR_F64, 2, extent, blocks, n), side = ir_concat(m->p, 0, IR_F64, 1, &size, pieces, m->n);
    if (!ir_def(m->p, matrix)->label)
        ir_set_label(m->p, matrix, "G");
    IrDef step = ir_linalg(m->p, IR_SOLVE_SPD, matrix, side);
    row = 0;
    for (uint32_t a = 0; a < m->n; row += m->bodies[a++].size) {
        const MechBody *b = &m->bodies[a];
        IrTerm at = ir_add(m->p, mech_ravel(m, b->rank, b->extent), ir_int(m->p, (int64_t)row));
        x[a] = ir_sub(m->p, ir_read(m->p, value[a], b->at, b->rank), ir_read(m->p, step, &at, 1));
    }
    return true;
}

static bool by_root(Mech *m, const IrTerm *force, IrTerm *x) {
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, m->n);
    IrTerm *residual = ARENA_ARRAY(m->arena, IrTerm, m->n), *unknown = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrReplace *at = ARENA_ARRAY(m->arena, IrReplace, m->n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, m->n);
    MechUnknowns u;
    for (uint32_t a = 0; a < m->n; a++)
        shape[a] = mech_shape_like(&m->bodies[a], mech_text(m, "%s'", m->bodies[a].symbol));
    mech_unknowns(m, shape, m->n, &u);
    for (uint32_t a = 0; a < m->n; a++) {
        at[a] = (IrReplace){.from = m->bodies[a].v, .to = u.part[a]};
        residual[a] = ir_sub(m->p, m->friction.gradient[a], force[a]);
    }
    for (uint32_t a = 0; a < m->n; a++)
        unknown[a] = ir_replace(m->p, residual[a], at, m->n);
    if (!mech_root(m, &u, unknown, force, m->dissipation_span, value))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        at[a].to = value[a];
        m->bodies[a].balance = force[a];
    }
    return correct(m, residual, at, value, x);
}

static bool refuse(Mech *m, const char *why, const char *help) {
    Diag *d = diag_error(m->session, DIAG_MECH_FRICTION, m->dissipation_span,
                         "this dissipation is not quadratic in the velocities, and ∂R/∂q' = −∂V/∂q is not solved for q' %s", why);
    diag_help(m->session, d, "%s", help);
    return false;
}

static IrTerm map_jumps(Mech *m, void *context, IrTerm t) {
    bool *found = context;
    *found = *found || (ir_node(m->p, t)->op == IR_SIGN && mech_depends_any(m, t, MECH_ON_V));
    return 0;
}

/* Dry friction holds what is pushed less than it resists. */
static bool jumps(Mech *m) {
    bool found = false;
    for (uint32_t a = 0; a < m->n; a++)
        mech_rewrite(m, m->friction.gradient[a], map_jumps, &found);
    return found;
}

bool mech_rayleigh_velocities(Mech *m, const IrTerm *force) {
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    MechDual dual = {0};
    if (m->skew)
        return refuse(m, "beside a Lagrangian that is linear in them",
                      "give a quadratic dissipation, or the coordinates a kinetic energy");
    if (m->n_constraints)
        return refuse(m, "together with the forces of constraints", "give a quadratic dissipation, or leave the constraints out");
    if (jumps(m))
        return refuse(m, "where its force jumps, as dry friction does between motion and rest",
                      "make it smooth: sqrt(x'^2 + ε^2) in the place of abs(x')");
    if (mech_dual(m, m->dissipation, false, false, &dual)) {
        IrReplace *at = ARENA_ARRAY(m->arena, IrReplace, m->n);
        for (uint32_t a = 0; a < m->n; a++)
            at[a] = (IrReplace){.from = m->bodies[a].p, .body = force[a]};
        for (uint32_t a = 0; a < m->n; a++)
            x[a] = mech_smallest(m, ir_replace(m->p, dual.x[a], at, m->n));
    } else if (dual.falls) {
        return refuse(m, mech_text(m, "as it is not convex: its force falls as the velocity grows past %s", pretty_number(m->arena, dual.where)),
                      "check the sign of each term");
    } else if (!by_root(m, force, x)) {
        return false;
    }
    for (uint32_t a = 0; a < m->n; a++)
        m->bodies[a].velocity = x[a];
    return true;
}
