/* multipliers — the forces that keep constraints: x and λ with
 *
 *     M x − Jᵀλ = f,      J x = g,
 *
 * the index-1 form of Lagrange's equations with multipliers (Hairer, Lubich, Wanner, Geometric Numerical Integration,
 * section VII.1.2). With x = q'', f = ∂L/∂q − …, g = −γ it gives accelerations; with f = 0 and g = −c the shortest way
 * back to the constraint, in the metric M.
 *
 * needs: MechConstraint[], the mass matrix (or that of the velocities of first-order motion)      gives: terms
 * changes: nothing
 *
 * Where M is diagonal, or its inverse is what is known (a Hamiltonian), λ follows from the Schur complement
 * S λ = g − J M⁻¹ f, S = J M⁻¹ Jᵀ, positive definite when the rows of J are independent. Otherwise both follow from the whole
 * matrix, which may be regular where M is not: a multiplier is a coordinate without inertia. Rows that are left out (kept = 0)
 * are struck from J, with 1 on the diagonal, so that their λ is 0. */
#include "internal.h"

/* ---- J ---- */

/* 1 or 0 for row `row` of the constraint at the axes `first` …; 0: all rows are kept. */
static IrTerm kept_at(Mech *m, const MechConstraint *c, uint32_t first) {
    IrTerm at[IR_MAX_RANK];
    if (!c->kept || m->shows)
        return 0;
    for (uint32_t k = 0; k < c->row.rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, first + k, c->row.extent[k]));
    return ir_read(m->p, c->kept, at, c->row.rank);
}

static IrTerm keep(Mech *m, IrTerm t, IrTerm kept) { return kept && t ? ir_mul(m->p, kept, t) : t; }

/* Σ over the axes of body b of left · right, both over `rows` axes (of l or r) then the axes of b: a term over the axes of
 * l then those of r (r NULL: right is over the axes of b alone). */
static IrTerm contract(Mech *m, const MechBody *b, IrTerm left, const MechBody *l, IrTerm right, const MechBody *r) {
    IrIdx index[IR_MAX_RANK], from[2 * IR_MAX_RANK];
    IrTerm to[2 * IR_MAX_RANK];
    IrProgram *p = m->p;
    for (uint32_t k = 0; k < b->rank; k++) {
        index[k] = ir_fresh(p, b->extent[k], ir_axis_name(p, b->q, k));
        from[k] = ir_axis(p, l->rank + k, b->extent[k]);
        to[k] = ir_idx(p, index[k]);
    }
    left = ir_subst(p, left, from, to, b->rank);
    uint32_t n = 0, rank = r ? r->rank : 0;
    for (uint32_t k = 0; k < rank; k++, n++) {
        from[n] = ir_axis(p, k, r->extent[k]);
        to[n] = ir_idx(p, ir_axis(p, l->rank + k, r->extent[k]));
    }
    for (uint32_t k = 0; k < b->rank; k++, n++) {
        from[n] = ir_axis(p, rank + k, b->extent[k]);
        to[n] = ir_idx(p, index[k]);
    }
    IrTerm t = ir_mul(p, left, ir_subst(p, right, from, to, n));
    for (uint32_t k = b->rank; k-- > 0;)
        t = ir_reduce(p, IR_SUM, index[k], 0, t);
    return t;
}

/* Σ over the rows of c of λ · J: the force of one constraint on body a. */
static IrTerm reaction_of(Mech *m, const MechConstraint *c, uint32_t a, IrTerm lambda) {
    const MechBody *b = &m->bodies[a];
    return contract(m, &c->row, mech_exchange(m, c->jacobian[a], &c->row, b), b, lambda, NULL);
}

void mech_reaction(Mech *m, const IrTerm *lambda, IrTerm *force) {
    for (uint32_t a = 0; a < m->n; a++) {
        force[a] = 0;
        for (uint32_t r = 0; r < m->n_constraints; r++) {
            const MechConstraint *c = &m->constraints[r];
            if (!lambda[r] || !c->jacobian[a])
                continue;
            IrTerm t = reaction_of(m, c, a, lambda[r]);
            force[a] = force[a] ? ir_add(m->p, force[a], t) : t;
        }
    }
}

IrTerm mech_row_scale(Mech *m, uint32_t r) {
    const MechConstraint *c = &m->constraints[r];
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (!c->jacobian[a])
            continue;
        IrTerm size = ir_op1(m->p, IR_ABS, ir_read(m->p, b->q, b->at, b->rank));
        sum = ir_add(m->p, sum, contract(m, b, ir_op1(m->p, IR_ABS, c->jacobian[a]), &c->row, size, NULL));
    }
    return sum;
}

/* ---- the multipliers as bodies ---- */

/* What is solved for: the bodies, if any, then the constraints that take part. The solver of quadratic forms takes both alike. */
typedef struct Extended {
    Mech m;
    MechForm form;
    uint32_t *of; /* constraint of body m.n − n + k */
    uint32_t n;
    IrTerm *rhs, *x;
} Extended;

static Extended extend(Mech *m, const IrTerm *g, bool bodies) {
    Extended e = {.m = *m, .of = ARENA_ARRAY(m->arena, uint32_t, m->n_constraints + 1)};
    uint32_t first = bodies ? m->n : 0, most = first + m->n_constraints;
    e.m.bodies = ARENA_ARRAY(m->arena, MechBody, most + 1);
    for (uint32_t a = 0; a < first; a++)
        e.m.bodies[a] = m->bodies[a];
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        if (!g[r])
            continue;
        e.m.bodies[first + e.n] = m->constraints[r].row;
        e.of[e.n++] = r;
    }
    e.m.n = first + e.n;
    e.form.block = ARENA_ARRAY(m->arena, IrTerm, e.m.n * e.m.n + 1);
    e.form.diagonal = ARENA_ARRAY(m->arena, IrTerm, e.m.n + 1);
    e.form.component = ARENA_ARRAY(m->arena, uint32_t, e.m.n + 1);
    e.form.symbol = bodies ? "K" : "S";
    e.form.side = bodies ? "k" : "s";
    e.rhs = ARENA_ARRAY(m->arena, IrTerm, e.m.n + 1);
    e.x = ARENA_ARRAY(m->arena, IrTerm, e.m.n + 1);
    return e;
}

/* 1 on the diagonal of the rows that are left out. */
static IrTerm struck_rows(Mech *m, const MechConstraint *c) {
    IrTerm t = ir_sub(m->p, ir_real(m->p, 1), kept_at(m, c, 0));
    for (uint32_t k = 0; k < c->row.rank; k++)
        t = ir_mul(m->p, t, ir_bracket(m->p, c->row.at[k], ir_idx(m->p, ir_axis(m->p, c->row.rank + k, c->row.extent[k]))));
    return t;
}

static IrTerm add(Mech *m, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_add(m->p, a, b); }

/* ---- Schur complement ---- */

/* M⁻¹ applied to what stands over the axes of `row` (NULL: none) and then of each body. False where M has no inverse in
 * closed form for a body that is not 0. */
static bool apply_inverse(Mech *m, const MechForm *mass, const MechBody *row, const IrTerm *x, IrTerm *out) {
    const MechBody nothing = {0};
    row = row ? row : &nothing;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        out[a] = 0;
        if (mass->of_momenta) {
            for (uint32_t c = 0; c < m->n; c++) {
                IrTerm block = mass->block[c * m->n + a]; /* over c, a; its row is summed */
                if (!block || !x[c])
                    continue;
                out[a] = add(m, out[a], contract(m, &m->bodies[c], x[c], row, mech_exchange(m, block, &m->bodies[c], b), b));
            }
            continue;
        }
        if (!x[a])
            continue;
        if (!mass->diagonal[a])
            return false;
        for (uint32_t c = 0; c < m->n; c++) {
            if (c != a && mass->block[a * m->n + c])
                return false;
        }
        IrIdx from[IR_MAX_RANK];
        IrTerm to[IR_MAX_RANK];
        for (uint32_t k = 0; k < b->rank; k++) {
            from[k] = ir_axis(m->p, k, b->extent[k]);
            to[k] = ir_idx(m->p, ir_axis(m->p, row->rank + k, b->extent[k]));
        }
        out[a] = mech_quotient_of_sum(m, x[a], ir_subst(m->p, mass->diagonal[a], from, to, b->rank));
    }
    return true;
}

/* Σ over the bodies of left · right, as contract. */
static IrTerm contract_all(Mech *m, const IrTerm *left, const MechBody *l, const IrTerm *right, const MechBody *r) {
    IrTerm sum = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (left[a] && right[a])
            sum = add(m, sum, contract(m, &m->bodies[a], left[a], l, right[a], r));
    }
    return sum ? mech_smallest(m, calc_tidy(m->p, calc_factor(m->p, sum))) : 0;
}

IrTerm mech_schur(Mech *m, const MechForm *mass, uint32_t r, uint32_t s) {
    const MechConstraint *left = &m->constraints[r], *right = &m->constraints[s];
    IrTerm *moved = ARENA_ARRAY(m->arena, IrTerm, m->n);
    if (!apply_inverse(m, mass, &right->row, right->jacobian, moved))
        return 0;
    return contract_all(m, left->jacobian, &left->row, moved, &right->row);
}

static bool by_complement(Mech *m, const MechForm *mass, const IrTerm *f, const IrTerm *g, IrTerm *lambda) {
    Extended e = extend(m, g, false);
    IrTerm *unheld = ARENA_ARRAY(m->arena, IrTerm, m->n); /* M⁻¹ f */
    for (uint32_t i = 0; i < e.n; i++) {
        IrTerm *moved = ARENA_ARRAY(m->arena, IrTerm, m->n);
        if (!apply_inverse(m, mass, &m->constraints[e.of[i]].row, m->constraints[e.of[i]].jacobian, moved))
            return false;
    }
    if (f) {
        IrTerm *pushed = ARENA_ARRAY(m->arena, IrTerm, m->n);
        for (uint32_t a = 0; a < m->n; a++) {
            bool held = false;
            for (uint32_t i = 0; i < e.n; i++)
                held = held || m->constraints[e.of[i]].jacobian[a];
            pushed[a] = held || mass->of_momenta ? f[a] : 0;
        }
        if (!apply_inverse(m, mass, NULL, pushed, unheld))
            return false;
    }
    for (uint32_t i = 0; i < e.n; i++) {
        const MechConstraint *c = &m->constraints[e.of[i]];
        IrTerm rhs = g[e.of[i]];
        IrTerm pulled = f ? contract_all(m, c->jacobian, &c->row, unheld, NULL) : 0;
        e.rhs[i] = keep(m, pulled ? ir_sub(m->p, rhs, pulled) : rhs, kept_at(m, c, 0));
        for (uint32_t k = i; k < e.n; k++) {
            const MechConstraint *d = &m->constraints[e.of[k]];
            IrTerm t = mech_schur(m, mass, e.of[i], e.of[k]);
            t = keep(m, keep(m, t, kept_at(m, c, 0)), kept_at(m, d, c->row.rank));
            if (k == i && kept_at(m, c, 0))
                t = add(m, t, struck_rows(m, c));
            e.form.block[i * e.n + k] = t;
            if (k != i && t)
                e.form.block[k * e.n + i] = mech_exchange(m, t, &c->row, &d->row);
        }
    }
    mech_form_couple(&e.m, &e.form);
    if (!mech_form_solve(&e.m, &e.form, e.rhs, e.x, true))
        return false;
    for (uint32_t i = 0; i < e.n; i++)
        lambda[e.of[i]] = e.x[i];
    return true;
}

/* ---- the whole matrix ---- */

static bool by_whole_matrix(Mech *m, const MechForm *mass, const IrTerm *f, const IrTerm *g, IrTerm *x, IrTerm *lambda) {
    Extended e = extend(m, g, true);
    uint32_t n = e.m.n;
    for (uint32_t a = 0; a < m->n; a++) {
        e.rhs[a] = f && f[a] ? f[a] : ir_real(m->p, 0);
        for (uint32_t c = 0; c < m->n; c++)
            e.form.block[a * n + c] = mass->block[a * m->n + c];
    }
    for (uint32_t i = 0; i < e.n; i++) {
        const MechConstraint *c = &m->constraints[e.of[i]];
        uint32_t row = m->n + i;
        e.rhs[row] = keep(m, g[e.of[i]], kept_at(m, c, 0));
        for (uint32_t a = 0; a < m->n; a++) {
            IrTerm t = keep(m, c->jacobian[a], kept_at(m, c, 0));
            if (!t)
                continue;
            e.form.block[row * n + a] = t;
            e.form.block[a * n + row] = ir_neg(m->p, mech_exchange(m, t, &c->row, &m->bodies[a]));
        }
        if (kept_at(m, c, 0))
            e.form.block[row * n + row] = struck_rows(m, c);
    }
    mech_form_couple(&e.m, &e.form);
    if (!mech_form_solve(&e.m, &e.form, e.rhs, e.x, false))
        return false;
    for (uint32_t a = 0; a < m->n && x; a++)
        x[a] = e.x[a];
    for (uint32_t i = 0; i < e.n; i++)
        lambda[e.of[i]] = e.x[m->n + i];
    return true;
}

/* λ under its own name, so that it is computed once and read by name. */
static void name_multipliers(Mech *m, const char *symbol, IrTerm *lambda) {
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechBody *row = &m->constraints[r].row;
        if (!lambda[r])
            continue;
        const char *label = m->n_constraints == 1 ? symbol : mech_text(m, "%s_%u", symbol, r + 1);
        IrDef d = mech_define(m, label, row->elem, row->rank, row->extent, lambda[r]);
        if (!ir_def(m->p, d)->label && !ir_def(m->p, d)->name)
            ir_set_label(m->p, d, label); /* a whole solution is its own definition */
        lambda[r] = ir_read(m->p, d, row->at, row->rank);
    }
}

bool mech_multipliers(Mech *m, const MechForm *mass, const IrTerm *f, const IrTerm *g, const char *symbol, IrTerm *x,
                      IrTerm *lambda) {
    for (uint32_t r = 0; r < m->n_constraints; r++)
        lambda[r] = 0;
    if (mass->skew || !by_complement(m, mass, f, g, lambda)) {
        if (!by_whole_matrix(m, mass, f, g, x, lambda))
            return false;
        name_multipliers(m, symbol, lambda);
        return true;
    }
    name_multipliers(m, symbol, lambda);
    if (!x)
        return true;
    IrTerm *force = ARENA_ARRAY(m->arena, IrTerm, m->n);
    mech_reaction(m, lambda, force);
    for (uint32_t a = 0; a < m->n; a++) {
        force[a] = add(m, f ? f[a] : 0, force[a]);
        force[a] = force[a] ? force[a] : ir_real(m->p, 0);
    }
    if (mass->of_momenta)
        return apply_inverse(m, mass, NULL, force, x);
    return mech_form_solve(m, mass, force, x, true);
}
