/* check — holds what was derived symbolically against numbers obtained another way.
 *
 * needs: a finished derivation      gives: a line per check with its largest relative error      changes: nothing
 *
 * Everything is compared along random directions w, so that a check costs a few evaluations at any size: the
 * derivative of a scalar S along w is the central difference (8(S₁ − S₋₁) − (S₂ − S₋₂))/12h of the reference
 * evaluator, which knows neither calculus/ nor mechanics/. At random points near the start:
 *
 *   gradients            −∂V/∂q (or ∂L/∂q) against differences of V (or L)
 *   Euler-Lagrange       d/dt ∂L/∂q' − ∂L/∂q + ∂R/∂q' − Q along the derived motion, all by differences
 *   Legendre transform   ∂L/∂q' at q'(q, p) against p
 *   Hamilton             p' by all parts together against ∂L/∂q − ∂R/∂q' + Q
 *   each part            its exact solution against 400 Runge-Kutta steps of its rate */
#include "check.h"

#include <math.h>
#include <stdlib.h>

/* Step of a difference of differences, relative to the present scale. A point whose error is not small is looked at again
 * with finer steps, since a wrong derivative is wrong at every scale. */
static const double deeper = 8e-3;
static const double scales[] = {1, 1.0 / 16, 1.0 / 256};

static IrTerm get_dl_dq(const MechBody *b) { return b->dl_dq; }
static IrTerm get_external(const MechBody *b) { return b->external; }

/* ---- results ---- */

/* a as derived against b by other means. */
static void compare(Check *c, double a, double b, double scale) {
    c->outside = c->outside || !isfinite(b);
    double size = fmax(fmax(fabs(a), fabs(b)), fmax(scale, 1e-3));
    double error = fabs(a - b) / size;
    c->error = !(error <= c->error) ? error : c->error;
}

static void report(Check *c, const char *what) {
    bool good = c->complete && c->worst <= c->tolerance;
    int width = 50;
    for (const char *at = what; *at; at++)
        width -= ((unsigned char)*at & 0xC0) != 0x80;
    buf_printf(c->out, "  %s%*s  ", what, width > 0 ? width : 0, "");
    if (c->complete)
        buf_printf(c->out, "largest relative error %.1e  %s\n", c->worst, good ? "ok" : "WRONG");
    else
        buf_puts(c->out, "not evaluated: no value at these points\n");
    c->ok = c->ok && good;
    c->worst = 0;
    c->complete = true;
}

/* ---- the checks ---- */

/* dl_dq is the gradient of −V where T is free of q, of L otherwise, of −H on a Hamiltonian: the scalar whose
 * slope it is. */
static void check_gradient(Check *c, const Direction *d) {
    const Mech *m = c->m;
    bool hamilton = m->run->hamiltonian.term != 0;
    double numeric = hamilton ? -check_slope(c, m->hamiltonian, ALONG_Q, d) : check_slope(c, m->lagrangian, ALONG_Q, d);
    compare(c, check_project(c, get_dl_dq, d), numeric, 0);
}

/* The rates of q and v under a method, from its right-hand side. */
static double *output_of(Check *c, IrDef y) {
    const MechRun *out = c->m->out;
    for (uint32_t i = 0; i < out->n_y; i++) {
        if (out->y[i] == y)
            return check_values(c, out->dy[i]);
    }
    return NULL;
}

/* The velocities that follow from positions and other velocities, put where the Lagrangian reads them. */
static void set_light(Check *c) {
    Mech *m = (Mech *)(uintptr_t)c->m;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (b->order == MECH_SECOND)
            continue;
        double *v = check_values(c, mech_define(m, NULL, IR_F64, b->rank, b->extent, b->velocity));
        ir_env_set(c->env, b->v, v);
        free(v);
    }
}

static void advance(Check *c, double **rate_q, double **rate_v, double dt) {
    for (uint32_t a = 0; a < c->m->n; a++) {
        check_move(c, c->m->bodies[a].q, dt, rate_q[a]);
        if (rate_v[a])
            check_move(c, c->m->bodies[a].v, dt, rate_v[a]);
    }
    if (c->m->run->time) {
        double *t = check_values(c, c->m->run->time);
        *t += dt;
        ir_env_set(c->env, c->m->run->time, t);
        free(t);
    }
}

/* Jᵀλ·w */
static double constraint_force(Check *c, const Direction *d) {
    Mech *m = (Mech *)(uintptr_t)c->m;
    double sum = 0;
    if (!m->n_constraints)
        return 0;
    IrTerm *force = ARENA_ARRAY(m->arena, IrTerm, m->n);
    mech_reaction(m, m->lambda, force);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (!force[a])
            continue;
        double *x = check_values(c, mech_define(m, NULL, IR_F64, b->rank, b->extent, force[a]));
        for (uint64_t i = 0; i < b->size; i++)
            sum += x[i] * d->w[a][i];
        free(x);
    }
    return sum;
}

static void check_euler_lagrange(Check *c, const Direction *d) {
    const Mech *m = c->m;
    if (!mech_apply(c->p, c->env, &m->out->rhs)) {
        c->complete = false;
        return;
    }
    double **dq = base_calloc(m->n, sizeof *dq), **dv = base_calloc(m->n, sizeof *dv);
    for (uint32_t a = 0; a < m->n; a++) {
        dq[a] = output_of(c, m->bodies[a].q);
        dv[a] = output_of(c, m->bodies[a].v);
    }
    set_light(c);
    static const double at[4] = {1, -1, 2, -2}, weight[4] = {8, -8, -1, 1};
    double rate = 0;
    for (int k = 0; k < 4; k++) {
        advance(c, dq, dv, at[k] * deeper * c->scale);
        rate += weight[k] * check_slope(c, m->lagrangian, ALONG_V, d) / (12 * deeper * c->scale);
        advance(c, dq, dv, -at[k] * deeper * c->scale);
    }
    set_light(c);
    double pull = check_slope(c, m->lagrangian, ALONG_Q, d) + check_project(c, get_external, d);
    pull += constraint_force(c, d);
    double friction = check_slope(c, m->dissipation, ALONG_V, d);
    compare(c, rate, pull - friction, fmax(fabs(pull), fabs(friction)));
    for (uint32_t a = 0; a < m->n; a++) {
        free(dq[a]);
        free(dv[a]);
    }
    free(dq);
    free(dv);
}

/* The velocities that belong to the present (q, p), put where the Lagrangian reads them. */
static void set_velocities(Check *c) {
    Mech *m = (Mech *)(uintptr_t)c->m;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        double *v = check_values(c, mech_define(m, NULL, IR_F64, b->rank, b->extent, b->velocity));
        ir_env_set(c->env, b->v, v);
        free(v);
    }
}

static double dot(Check *c, Along along, const Direction *d) {
    double sum = 0;
    for (uint32_t a = 0; a < c->m->n; a++) {
        double *x = check_values(c, check_variable(&c->m->bodies[a], along));
        for (uint64_t i = 0; i < c->m->bodies[a].size; i++)
            sum += x[i] * d->w[a][i];
        free(x);
    }
    return sum;
}

/* p = ∂L/∂q' at q'(q, p); on a Hamiltonian q' = ∂H/∂p. Along what has momenta of its own. */
static void check_legendre(Check *c, const Direction *d) {
    for (uint32_t a = 0; a < c->m->n; a++)
        for (uint64_t i = 0; c->m->bodies[a].order != MECH_SECOND && i < c->m->bodies[a].size; i++)
            d->w[a][i] = 0;
    set_velocities(c);
    if (c->m->run->hamiltonian.term)
        compare(c, dot(c, ALONG_V, d), check_slope(c, c->m->hamiltonian, ALONG_P, d), 0);
    else
        compare(c, dot(c, ALONG_P, d), check_slope(c, c->m->lagrangian, ALONG_V, d), 0);
}

/* A rate, summed over the directions of the body it moves; of a bath the friction. */
static double rate_along(Check *c, const MechRate *r, const double *w) {
    Mech *m = (Mech *)(uintptr_t)c->m;
    double *rate = check_values(c, mech_define(m, NULL, IR_F64, r->rank, r->extent, mech_rate_term(m, r))), sum = 0;
    for (uint64_t i = 0; i < ir_size(c->p, r->target); i++)
        sum += rate[i] * w[i];
    free(rate);
    return sum;
}

static void check_hamilton(Check *c, const Direction *d) {
    const Mech *m = c->m;
    set_velocities(c);
    double sum = 0;
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const MechPart *part = &m->parts[i];
        for (uint32_t a = 0; a < part->n && (part->kind == PART_P || part->kind == PART_BATH); a++)
            sum += rate_along(c, &part->rate[a], d->w[a]);
    }
    double pull = m->run->hamiltonian.term ? -check_slope(c, m->hamiltonian, ALONG_Q, d)
                                           : check_slope(c, m->lagrangian, ALONG_Q, d);
    pull += check_project(c, get_external, d);
    double friction = check_slope(c, m->dissipation, ALONG_V, d);
    compare(c, sum, pull - friction, fmax(fabs(pull), fabs(friction)));
}

/* a + b x − c |x| x at one element, a, b and c as they are. */
typedef struct Rate {
    double a, b, c;
} Rate;

static double rate_at(const Rate *r, double x) { return r->a + r->b * x - r->c * fabs(x) * x; }

/* Runge-Kutta over h. */
static double small_steps(double x, const Rate *r, double h) {
    enum { STEPS = 400 };
    double dt = h / STEPS;
    for (int i = 0; i < STEPS; i++) {
        double k1 = rate_at(r, x), k2 = rate_at(r, x + dt / 2 * k1), k3 = rate_at(r, x + dt / 2 * k2),
               k4 = rate_at(r, x + dt * k3);
        x += dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    return x;
}

static void check_rate(Check *c, const MechRate *r) {
    enum { MOST_ELEMENTS = 16 };
    Mech *m = (Mech *)(uintptr_t)c->m;
    if (r->variance || r->diffusion || r->next || r->implicit)
        return;
    IrTerm flow = mech_flow_value(m, r, m->step, 0);
    uint64_t n = ir_size(c->p, r->target);
    double *x = check_values(c, r->target), h = check_evaluate(c, m->step);
    bool any = false;
    for (uint64_t k = 0; k < n && k < MOST_ELEMENTS; k++) {
        uint64_t flat = n <= MOST_ELEMENTS ? k : (uint64_t)(check_uniform(c) * (double)n);
        int64_t at[IR_MAX_RANK];
        uint64_t rest = flat;
        for (uint32_t i = r->rank; i-- > 0; rest /= r->extent[i])
            at[i] = (int64_t)(rest % r->extent[i]);
        bool ok[4] = {true, true, true, true};
        Rate rate = {r->a ? ir_eval(c->env, r->a, at, &ok[0]) : 0, r->b ? ir_eval(c->env, r->b, at, &ok[1]) : 0,
                     r->drag ? ir_eval(c->env, r->drag, at, &ok[2]) : 0};
        double exact = ir_eval(c->env, flow, at, &ok[3]);
        c->complete = c->complete && ok[0] && ok[1] && ok[2] && ok[3];
        double reference = small_steps(x[flat], &rate, h);
        if (!isfinite(reference)) /* this element is outside the domain */
            continue;
        compare(c, exact, reference, fabs(x[flat]));
        any = true;
    }
    free(x);
    c->outside = c->outside || !any;
}

/* The smallest error of the present point over the scales. */
static double point_error(Check *c, void (*check)(Check *, const Direction *), const Direction *d) {
    double best = INFINITY;
    for (size_t k = 0; k < sizeof scales / sizeof *scales && !(best < c->tolerance / 100); k++) {
        c->scale = scales[k];
        c->error = 0;
        check(c, d);
        best = c->error < best ? c->error : best;
    }
    return best;
}

enum { TRIES = 20 }; /* for each point that lies outside the domain */

static void each_point(Check *c, uint32_t points, void (*check)(Check *, const Direction *),
                       const char *what) {
    uint32_t inside = 0;
    for (uint32_t i = 0; i < TRIES * points && inside < points && c->complete; i++) {
        c->complete = check_set_point(c);
        if (!c->complete)
            break;
        Direction d = check_direction(c);
        c->outside = false;
        double error = point_error(c, check, &d);
        check_free_direction(c, d);
        if (c->outside)
            continue;
        c->worst = error > c->worst ? error : c->worst;
        inside++;
    }
    c->complete = c->complete && inside;
    report(c, what);
}

/* The rates of one part, at points inside the domain. */
static void part_points(Check *c, const MechPart *part, uint32_t points) {
    uint32_t inside = 0;
    for (uint32_t i = 0; i < TRIES * points && inside < points && check_set_point(c); i++) {
        c->error = 0;
        c->outside = false;
        for (uint32_t k = 0; k < part->n; k++)
            check_rate(c, &part->rate[k]);
        if (c->outside)
            continue;
        c->worst = !(c->error <= c->worst) ? c->error : c->worst;
        inside++;
    }
    c->complete = c->complete && inside;
}

static void check_parts(Check *c, uint32_t points) {
    const Names *names = c->m->session->names;
    for (uint32_t i = 0; i < c->m->n_parts; i++) {
        const MechPart *part = &c->m->parts[i];
        bool exact = false;
        for (uint32_t k = 0; k < part->n; k++)
            exact = exact || (!part->rate[k].variance && !part->rate[k].diffusion && !part->rate[k].next && !part->implicit);
        if (!exact)
            continue;
        part_points(c, part, points);
        Buf what = {0};
        buf_printf(&what, "part %s: exact solution against small steps", name_text(names, part->name));
        report(c, what.at);
        buf_free(&what);
    }
}

/* Models too large for the reference evaluator at many points are checked at one. */
static uint32_t affordable(const Check *c, uint32_t points) {
    uint64_t size = 0;
    for (uint32_t a = 0; a < c->m->n; a++)
        size += c->m->bodies[a].size;
    return size > 1000 && points > 1 ? 1 : points;
}

static bool has_part(const Mech *m, MechPartKind kind) {
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].kind == kind)
            return true;
    }
    return false;
}

bool mech_check(Session *session, const Model *model, const MechRun *mech, uint32_t points, double tolerance,
                uint64_t seed, Buf *out) {
    const Mech *m = mech->derivation;
    bool all = true;
    for (uint32_t g = 0; g < m->n_groups; g++)
        all = mech_check(session, model, m->groups[g]->out, points, tolerance, seed, out) && all;
    if (m->n_groups)
        return all;
    Check c = {.m = m,
               .p = model->ir,
               .env = ir_env_new(model->ir),
               .out = out,
               .random = seed + 1,
               .tolerance = tolerance,
               .ok = true,
               .complete = true};
    ir_env_set_draw(c.env, check_draw, &c);
    points = affordable(&c, points);
    buf_printf(out, "\nChecks at %u random point%s\n", points, points == 1 ? "" : "s");
    each_point(&c, points, check_gradient, "∂L/∂q against differences");
    if (!m->is_word && !m->stores_p && !mech->first_order)
        each_point(&c, points, check_euler_lagrange, "Euler-Lagrange residual along the motion");
    if (m->hamiltonian && !mech->first_order)
        each_point(&c, points, check_legendre, "Legendre transform, there and back");
    if (m->is_word && !mech->first_order && has_part(m, PART_P))
        each_point(&c, points, check_hamilton, "p' of the parts against ∂L/∂q − ∂R/∂q' + Q");
    check_parts(&c, points);
    ir_env_free(c.env);
    return c.ok;
}
