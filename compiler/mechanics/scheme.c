/* scheme — implicit steps: what all of them share.
 *
 * needs: momenta, velocities, forces      gives: MechRun.step, .advance      changes: nothing
 *
 * A step goes from (q, p) at t to (q₁, p₁) at t + h. Friction, external forces and explicit time are part of the force at each
 * stage. */
#include "internal.h"

#include <math.h>
#include <string.h>

static const MechScheme *const schemes[] = {
#define SCHEME(name, ...) &mech_scheme_##name,
#include "../../runtime/integrate/methods.def"
};

static const MechScheme *scheme_of(const Mech *m) {
    for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++)
        if (!strcmp(schemes[k]->name, m->run->scheme))
            return schemes[k];
    return NULL;
}

bool mech_scheme_refuse(Mech *m, const char *why, const char *help) {
    Diag *d = diag_error(m->session, DIAG_MECH_SCHEME, m->run->dynamics_span, "`%s` cannot move this system: %s",
                         m->run->scheme, why);
    diag_help(m->session, d, "%s", help);
    return false;
}

uint32_t mech_scheme_count(const Mech *m, const char *name, uint32_t otherwise) {
    for (uint32_t a = 0; a < m->run->n_method_args; a++)
        if (!strcmp(name_ascii(m->session->names, m->run->method_names[a]), name))
            return m->run->method_values[a] < 1000 ? (uint32_t)m->run->method_values[a] : 1000;
    return otherwise;
}

/* States of the system that change once a step do so at its end, in their order. */
static void add_states(Mech *m) {
    for (uint32_t i = 0; i < m->run->n_states; i++) {
        const SemaState *s = &m->run->states[i];
        if (!s->next)
            continue;
        IrAssign *assign = ARENA_NEW(ir_arena(m->p), IrAssign);
        *assign = (IrAssign){s->s, mech_shift_time(m, mech_resolve(m, s->next), m->step), s->span};
        mech_func_add(&m->out->step, assign, 1);
    }
}

bool mech_scheme_step(Mech *m) {
    const MechScheme *scheme = scheme_of(m);
    if ((m->out->first_order || m->mixed) && !scheme->of_first_order)
        return mech_scheme_refuse(m,
                                  m->mixed ? "some of its coordinates have no inertia, and so no momenta"
                                           : "its motion is of first order, without momenta",
                                  "use gauss, or a method such as dop853 or rk4");
    if (scheme->of_lagrangian && m->run->hamiltonian.term)
        return mech_scheme_refuse(m, "it is given by a Hamiltonian, and this integrator discretizes the action of a Lagrangian",
                                  "gauss, discrete_gradient and generalized_leapfrog take Hamiltonians");
    for (uint32_t i = 0; i < m->run->n_states; i++)
        if (m->run->states[i].rate)
            return mech_scheme_refuse(m, "it has states with rates of their own", "use a word, or a method such as dop853");
    mech_func_start(m, &m->out->step, "step", true, 5 + m->run->n_states);
    m->out->advance = 1;
    m->out->order = (MechOrder){.least = (int)scheme->order(m), .symmetric = true};
    if (!scheme->step(m))
        return false;
    add_states(m);
    return true;
}

bool mech_scheme_function(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h) {
    IrTerm length = m->step;
    IrFunc step = m->out->step;
    m->out->step = (IrFunc){0};
    m->step = h;
    bool ok = mech_scheme_step(m);
    *f = m->out->step;
    f->name = name;
    f->cyclic = cyclic;
    m->out->step = step;
    m->step = length;
    return ok;
}

static bool is_said(const Mech *m, const MechFormula *f) {
    switch (f->of) {
    case FOR_BOTH: return true;
    case FOR_HAMILTONIAN: return m->run->hamiltonian.term != 0;
    case FOR_LAGRANGIAN: return !m->run->hamiltonian.term;
    case FOR_INERTIA: return !m->run->hamiltonian.term && !m->out->first_order;
    case FOR_LIGHT: return m->out->first_order || m->mixed;
    }
    return false;
}

void mech_scheme_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (const MechFormula *f = scheme_of(m)->derivation; f->text; f++)
        if (is_said(m, f))
            at[(*n)++] = (MechLine){.remark = f->text, .latex = f->latex};
    at[(*n)++] = (MechLine){.remark = mech_text(m, "here of order %d", m->out->order.least)};
    at[(*n)++] = (MechLine){.remark = "solved in each step by Newton's method, with the Jacobian of these equations derived from "
                                      "them, until the correction is at rounding"};
}

/* ---- stages ---- */

IrTerm mech_stage(Mech *m, IrTerm t, IrTerm c, const IrTerm *q, const IrTerm *v, const IrTerm *p) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 3 * m->n + 1);
    uint32_t n = 0;
    if (c)
        t = mech_shift_time(m, t, c);
    for (uint32_t a = 0; a < m->n; a++) {
        if (q)
            r[n++] = (IrReplace){.from = m->bodies[a].q, .body = q[a]};
        if (v)
            r[n++] = (IrReplace){.from = m->bodies[a].v, .body = v[a]};
        if (p)
            r[n++] = (IrReplace){.from = m->bodies[a].p, .body = p[a]};
    }
    return ir_replace(m->p, t, r, n);
}

IrTerm mech_force_of_v(Mech *m, uint32_t a) {
    const MechBody *b = &m->bodies[a];
    IrTerm t = b->external ? ir_add(m->p, b->dl_dq, b->external) : b->dl_dq;
    if (m->dissipation)
        t = ir_sub(m->p, t, m->friction.gradient[a]);
    if (!mech_depends_any(m, t, MECH_ON_P))
        return t;
    IrTerm *p = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t k = 0; k < m->n; k++)
        p[k] = m->bodies[k].momentum;
    return mech_stage(m, t, 0, NULL, NULL, p);
}

IrTerm mech_force_of_p(Mech *m, uint32_t a) {
    IrTerm t = m->bodies[a].pull;
    if (m->dissipation)
        t = ir_sub(m->p, t, m->friction.gradient[a]);
    return mech_resolve(m, t);
}

IrTerm mech_advance(Mech *m, uint32_t a, IrTerm x, const double *factor, const IrTerm *slope, uint32_t stages,
                    const char *symbol) {
    const MechBody *b = &m->bodies[a];
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t j = 0; j < stages; j++)
        sum = ir_add(m->p, sum, ir_mul(m->p, ir_real(m->p, factor[j]), slope[j * m->n + a]));
    x = ir_add(m->p, x, ir_mul(m->p, m->step, sum));
    if (!symbol)
        return x;
    return ir_read(m->p, mech_define(m, symbol, IR_F64, b->rank, b->extent, x), b->at, b->rank);
}

void mech_terms_of(Mech *m, const IrDef *d, uint32_t n, IrTerm *out) {
    for (uint32_t k = 0; k < n; k++)
        out[k] = ir_read(m->p, d[k], m->bodies[k % m->n].at, m->bodies[k % m->n].rank);
}

void mech_scheme_assign(Mech *m, const IrTerm *q, const IrTerm *p) {
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, 2 * m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (q && m->bodies[a].order != MECH_ALGEBRAIC)
            assign[n++] = (IrAssign){m->bodies[a].q, q[a], m->run->span};
        if (p && m->bodies[a].order == MECH_SECOND)
            assign[n++] = (IrAssign){m->bodies[a].p, p[a], m->run->span};
    }
    mech_func_add(&m->out->step, assign, n);
}

/* ---- quadrature ---- */

/* Legendre's polynomial of degree n and its derivative, by recurrence. */
static long double legendre(uint32_t n, long double x, long double *slope) {
    long double before = 1, now = x;
    for (uint32_t k = 2; k <= n; k++) {
        long double next = ((2 * k - 1) * x * now - (k - 1) * before) / k;
        before = now;
        now = next;
    }
    *slope = n * (x * now - before) / (x * x - 1);
    return now;
}

void mech_gauss_nodes(uint32_t n, double *c, double *b) {
    for (uint32_t k = 0; k < n; k++) {
        long double x = -cosl(3.14159265358979323846L * (k + 0.75L) / (n + 0.5L)), slope = 1;
        for (int i = 0; i < 20; i++)
            x -= legendre(n, x, &slope) / slope;
        legendre(n, x, &slope);
        c[k] = (double)((1 + x) / 2);
        b[k] = (double)(1 / ((1 - x * x) * slope * slope));
    }
}

void mech_lobatto_nodes(uint32_t n, double *c, double *b) {
    for (uint32_t k = 0; k < n; k++) {
        long double x = -cosl(3.14159265358979323846L * k / (n - 1)), slope;
        for (int i = 0; i < 20 && k > 0 && k + 1 < n; i++) { /* P'' by Legendre's equation */
            long double value = legendre(n - 1, x, &slope);
            x -= slope * (1 - x * x) / (2 * x * slope - n * (n - 1) * value);
        }
        long double value = k == 0 || k + 1 == n ? 1 : legendre(n - 1, x, &slope);
        c[k] = (double)((1 + x) / 2);
        b[k] = (double)(1 / (n * (n - 1) * value * value));
    }
}

double mech_lagrange(uint32_t n, const double *x, uint32_t j, double at, double *slope) {
    double value = 1, sum = 0;
    for (uint32_t k = 0; k < n; k++)
        value *= k == j ? 1 : (at - x[k]) / (x[j] - x[k]);
    for (uint32_t i = 0; i < n; i++) {
        double product = i == j ? 0 : 1 / (x[j] - x[i]);
        for (uint32_t k = 0; k < n && i != j; k++)
            product *= k == j || k == i ? 1 : (at - x[k]) / (x[j] - x[k]);
        sum += product;
    }
    if (slope)
        *slope = sum;
    return value;
}
