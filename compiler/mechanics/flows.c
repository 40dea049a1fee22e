/* flows — the parts of the motion, each with its exact solution while everything else is frozen.
 *
 * needs: q'(q, p, t), forces, friction, states, user flows      gives: MechPart[]      changes: nothing
 *
 * A part moves its variables x by x' = a + b x, element by element, with a and b frozen: then
 *     x ← e^(bh) x + (e^(bh) − 1)/b a,
 * whose limit at b = 0 is x + h a. Constant force: a = F. Linear friction: b = −c. Drift: a = M⁻¹p.
 * Relaxation of an estimator: a = −b s*, so x ← e^(bh) x + (1 − e^(bh)) s*. Ornstein-Uhlenbeck at temperature
 * τ: p' = −c p + noise, p ← e^(−ch) p + √(τ M (1 − e^(−2ch))) ξ (Leimkuhler and Matthews, Molecular Dynamics,
 * section 7.3). For first-order motion the force in q' = G⁻¹F is frozen at the beginning of the part: the
 * explicit Euler step. Friction that is not linear is followed in drag.c. Another part that is not of this kind is reported by name where it is used. */
#include "internal.h"

#include <string.h>

static bool word_uses(const SemaWord *word, uint32_t n, Name part) {
    for (uint32_t i = 0; i < n; i++) {
        if (word[i].part == part || (!word[i].part && word_uses(word[i].body, word[i].n, part)))
            return true;
    }
    return false;
}

bool mech_word_has(const Mech *m, const char *part) {
    return word_uses(&m->run->word, 1, name_of(m->session->names, part));
}

/* ---- x' = a + b x ---- */

static MechRate rate_for(Mech *m, IrDef target, const char *symbol) {
    const IrDefInfo *info = ir_def(m->p, target);
    MechRate r = {.target = target, .symbol = symbol, .rank = info->rank};
    memcpy(r.extent, info->extent, sizeof r.extent);
    return r;
}

static IrTerm rate_variable(Mech *m, const MechRate *r) {
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < r->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, k, r->extent[k]));
    return ir_read(m->p, r->target, at, r->rank);
}

/* Splits `t` into a + b x with a and b free of x. False when x enters otherwise. */
static bool split_rate(Mech *m, MechRate *r, IrTerm t) {
    IrTerm a = t, b = 0;
    if (ir_depends(m->p, t, r->target)) {
        if (!calc_linear(m->p, t, rate_variable(m, r), &a, &b) || ir_depends(m->p, a, r->target) ||
            ir_depends(m->p, b, r->target))
            return false;
    }
    r->a = r->a ? ir_add(m->p, r->a, a) : a;
    if (b)
        r->b = r->b ? ir_add(m->p, r->b, b) : b;
    return true;
}

/* Brings a and b into product form and finds the fixed point −a/b where the quotient cancels. */
static void finish_rate(Mech *m, MechRate *r, bool relaxes) {
    if (r->a && ir_is_zero(m->p, r->a))
        r->a = 0;
    if (r->b && ir_is_zero(m->p, r->b))
        r->b = 0;
    if (r->b)
        r->b = mech_product(m, r->b);
    IrTerm fixed;
    if (r->a && r->b && relaxes && mech_divides(m, r->a, ir_neg(m->p, r->b), &fixed))
        r->fixed = fixed;
}

/* ---- momenta ---- */

static bool report_part(Mech *m, const MechPart *part, Span span, const char *why, const char *help) {
    Diag *d =
        diag_error(m->session, DIAG_MECH_PART, part->span, "the part `%s` has no closed-form solution: %s",
                   name_text(m->session->names, part->name), why);
    if (span.file)
        diag_note_at(m->session, d, span, "it comes from here");
    diag_help(m->session, d, "%s", help);
    return false;
}

static const char *const use_method = "use a method such as dop853 or rk4 on the same system, or split the "
                                      "energy so that each part is linear in what it moves";

/* Friction rate c per element with ∂R/∂q' = c p, or 0 when it is not of that form. */
static IrTerm friction_rate(Mech *m, uint32_t a) {
    if (m->proportional && !m->mass.of_momenta)
        return m->proportional;
    IrTerm friction = m->friction.diagonal[a], mass = m->mass.diagonal[a];
    if (!friction || !mass || !m->friction.quadratic || !ir_is_zero(m->p, m->friction.linear[a]) ||
        !ir_is_zero(m->p, m->mass.linear[a]))
        return 0;
    for (uint32_t c = 0; c < m->n; c++) {
        if (c != a && (m->friction.block[a * m->n + c] || m->mass.block[a * m->n + c]))
            return 0;
    }
    return m->mass.of_momenta ? mech_times(m, friction, mass) : mech_quotient(m, friction, mass);
}

static bool goes_back(Mech *m, const SemaWord *word, uint32_t n, Name part) {
    for (uint32_t i = 0; i < n; i++) {
        if (word[i].part ? word[i].part == part && word[i].fraction < 0 : goes_back(m, word[i].body, word[i].n, part))
            return true;
    }
    return false;
}

/* Friction that no linear rate is: quadratic drag on each momentum, or whatever the midpoint rule follows. */
static void add_nonlinear_friction(Mech *m, MechPart *part, MechRate *r, IrTerm f) {
    bool closed = !r->b && !(r->a && mech_depends_any(m, r->a, MECH_ON_P)) && !goes_back(m, &m->run->word, 1, part->name);
    r->drag = closed ? mech_drag(m, r, f) : 0;
    part->implicit = part->implicit || !r->drag;
}

static void add_friction(Mech *m, MechPart *part, uint32_t a, MechRate *r) {
    if (!m->dissipation || m->friction.structure == MECH_MASS_NONE)
        return;
    IrTerm c = friction_rate(m, a);
    if (c && !mech_depends_any(m, c, MECH_ON_P)) {
        r->b = r->b ? ir_sub(m->p, r->b, c) : ir_neg(m->p, c);
        return;
    }
    IrTerm f = calc_tidy(m->p, mech_resolve(m, m->friction.gradient[a]));
    MechRate linear = *r;
    if (split_rate(m, &linear, ir_neg(m->p, f)) && !(linear.a && mech_depends_any(m, linear.a, MECH_ON_P)) &&
        !(linear.b && mech_depends_any(m, linear.b, MECH_ON_P)))
        *r = linear;
    else
        add_nonlinear_friction(m, part, r, f);
}

/* Why the force depends on the momenta. */
static bool report_pull(Mech *m, MechPart *part, const MechBody *b) {
    const char *why = m->mass.on_q
                        ? mech_text(m,
                                    "the mass matrix depends on the coordinates, so the force on `%s` is "
                                    "quadratic in the momenta",
                                    b->name)
                        : mech_text(m, "the force on `%s` depends on the momenta of other elements", b->name);
    return report_part(m, part, b->external ? b->external_span : m->kinetic_span, why, use_method);
}

static bool solve_momenta(Mech *m, MechPart *part) {
    bool bath = mech_word_has(m, "bath");
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        MechRate r = rate_for(m, b->p, b->momentum_symbol);
        if (!split_rate(m, &r, b->pull))
            return report_pull(m, part, b);
        if ((r.a && mech_depends_any(m, r.a, MECH_ON_P)) || (r.b && mech_depends_any(m, r.b, MECH_ON_P)))
            return report_pull(m, part, b);
        if (!bath)
            add_friction(m, part, a, &r);
        finish_rate(m, &r, false);
        part->rate[part->n++] = r;
    }
    for (uint32_t a = 0; a < m->n && part->implicit; a++) {
        MechRate *r = &part->rate[a];
        r->implicit = ir_sub(m->p, m->bodies[a].pull, calc_tidy(m->p, mech_resolve(m, m->friction.gradient[a])));
        r->a = r->b = r->drag = r->fixed = 0;
    }
    return true;
}

/* ---- coordinates ---- */

static bool solve_coordinates(Mech *m, MechPart *part) {
    part->moves_time = !mech_word_has(m, "t");
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        MechRate r = rate_for(m, b->q, b->symbol);
        if (m->out->first_order) {
            r.a = b->velocity;
        } else if (!split_rate(m, &r, b->velocity) || mech_depends_any(m, r.a, MECH_ON_Q) ||
                   (r.b && mech_depends_any(m, r.b, MECH_ON_Q))) {
            const char *why =
                m->mass.on_q
                    ? mech_text(m,
                                "the mass matrix depends on the coordinates, so %s' changes while `%s` moves",
                                b->name, b->name)
                    : mech_text(m, "%s' depends on the coordinates (a potential linear in the velocities)",
                                b->name);
            return report_part(m, part, m->kinetic_span, why, use_method);
        }
        finish_rate(m, &r, false);
        part->rate[part->n++] = r;
    }
    return true;
}

/* ---- estimators, user flows ---- */

static bool solve_state(Mech *m, MechPart *part, const SemaState *s) {
    MechRate r = rate_for(m, s->s, name_text(m->session->names, s->name));
    if (s->next) {
        r.next = mech_resolve(m, s->next);
        part->rate[part->n++] = r;
        return true;
    }
    if (!s->rate)
        return report_part(m, part, s->span, "no rate is given for this state",
                           "write `state s' = rate`, or move it in a `flow`");
    if (!split_rate(m, &r, mech_resolve(m, s->rate)))
        return report_part(m, part, s->span, mech_text(m, "its rate is not linear in `%s`", r.symbol),
                           "an estimator relaxes as s' = a − b s with a and b free of s");
    finish_rate(m, &r, true);
    part->rate[part->n++] = r;
    return true;
}

static const char *target_symbol(Mech *m, IrDef target) {
    for (uint32_t a = 0; a < m->n; a++) {
        if (m->bodies[a].p == target)
            return m->bodies[a].momentum_symbol;
        if (m->bodies[a].q == target)
            return m->bodies[a].symbol;
    }
    return name_text(m->session->names, ir_def(m->p, target)->name);
}

static bool solve_flow(Mech *m, MechPart *part, const SemaFlow *f) {
    for (uint32_t i = 0; i < f->n; i++) {
        MechRate r = rate_for(m, f->target[i], target_symbol(m, f->target[i]));
        if (f->at_once && f->at_once[i]) {
            r.next = mech_resolve(m, f->rate[i]);
            part->rate[part->n++] = r;
            continue;
        }
        if (!split_rate(m, &r, mech_resolve(m, f->rate[i])))
            return report_part(m, part, f->span,
                               mech_text(m, "the rate of `%s` is not linear in it", r.symbol), use_method);
        for (uint32_t k = 0; k < f->n; k++) {
            if (k != i &&
                (ir_depends(m->p, r.a, f->target[k]) || (r.b && ir_depends(m->p, r.b, f->target[k]))))
                return report_part(m, part, f->span,
                                   mech_text(m,
                                             "`%s` and `%s` move together and each enters the other's rate",
                                             r.symbol, target_symbol(m, f->target[k])),
                                   "give each a flow of its own and put both into the word");
        }
        finish_rate(m, &r, true);
        part->rate[part->n++] = r;
    }
    return true;
}

/* ---- heat bath ---- */

/* First-order motion: the friction is in `q`, the bath is the noise q' = √(2τ/G) ξ' alone. */
static bool bath_first_order(Mech *m, MechPart *part, IrTerm temperature) {
    if (!m->friction.quadratic)
        return report_part(m, part, m->dissipation_span, "its noise depends on the velocities, which it moves",
                           "give a dissipation quadratic in the velocities");
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (!m->friction.diagonal[a])
            return report_part(m, part, m->dissipation_span,
                               "the noise needs the square root of a dense friction matrix",
                               "give a diagonal dissipation");
        MechRate r = rate_for(m, b->q, b->symbol);
        IrTerm twice = ir_mul(m->p, ir_real(m->p, 2), temperature);
        r.diffusion = mech_quotient(m, twice, m->friction.diagonal[a]);
        part->rate[part->n++] = r;
    }
    return true;
}

static bool solve_bath(Mech *m, MechPart *part) {
    IrTerm temperature = m->run->temperature.term;
    if (!temperature)
        return report_part(m, part, m->run->system_span,
                           "no temperature is given, so the strength of its noise is unknown",
                           "write `temperature = …` in the system");
    if (m->out->first_order)
        return bath_first_order(m, part, temperature);
    if (!m->dissipation)
        return report_part(m, part, m->run->dynamics_span,
                           "there is no dissipation, and the noise is fixed by it",
                           "write `dissipation = γ * kinetic` or another Rayleigh function");
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrTerm c = friction_rate(m, a), mass = m->mass.diagonal[a];
        if (!c || !mass)
            return report_part(
                m, part, m->dissipation_span,
                mech_text(m, "friction or mass of `%s` couples its elements", b->name),
                "a bath needs a diagonal mass matrix and friction that acts on each momentum alone");
        MechRate r = rate_for(m, b->p, b->momentum_symbol);
        r.b = ir_neg(m->p, c);
        r.variance =
            m->mass.of_momenta ? mech_quotient(m, temperature, mass) : mech_times(m, temperature, mass);
        part->rate[part->n++] = r;
    }
    return true;
}

/* ---- the part a name means ---- */

static MechPart *add_part(Mech *m, Name name, MechPartKind kind, Span span, uint32_t room) {
    MechPart *part = &m->parts[m->n_parts++];
    *part = (MechPart){.name = name, .kind = kind, .span = span};
    part->rate = ARENA_ARRAY(m->arena, MechRate, room);
    return part;
}

static const SemaState *find_state(Mech *m, Name name) {
    for (uint32_t i = 0; i < m->run->n_states; i++) {
        if (m->run->states[i].name == name)
            return &m->run->states[i];
    }
    return NULL;
}

static const SemaFlow *find_flow(Mech *m, Name name) {
    for (uint32_t i = 0; i < m->run->n_flows; i++) {
        if (m->run->flows[i].name == name)
            return &m->run->flows[i];
    }
    return NULL;
}

static bool solve_named(Mech *m, Name name, Span span) {
    const SemaFlow *flow = find_flow(m, name);
    if (flow)
        return solve_flow(m, add_part(m, name, PART_FLOW, span, flow->n), flow);
    const SemaState *state = find_state(m, name);
    if (state)
        return solve_state(m, add_part(m, name, PART_STATE, span, 1), state);
    const char *text = name_text(m->session->names, name);
    if (!strcmp(text, "q"))
        return solve_coordinates(m, add_part(m, name, PART_Q, span, m->n));
    if (!strcmp(text, "bath"))
        return solve_bath(m, add_part(m, name, PART_BATH, span, m->n));
    if (!strcmp(text, "t")) {
        add_part(m, name, PART_TIME, span, 1)->moves_time = true;
        return true;
    }
    if (!strcmp(text, "p")) {
        MechPart *part = add_part(m, name, PART_P, span, m->n);
        if (m->out->first_order)
            return report_part(m, part, m->run->system_span, "without kinetic energy there are no momenta",
                               "leave `p` out of the word, or give `kinetic`");
        return solve_momenta(m, part);
    }
    Diag *d = diag_error(m->session, DIAG_MECH_UNKNOWN_PART, span, "`%s` is no part of this motion", text);
    diag_help(m->session, d, "a part is `p`, `q`, `t`, `bath`, a state or a flow of the dynamics");
    return false;
}

MechPart *mech_find_part(Mech *m, Name name) {
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].name == name)
            return &m->parts[i];
    }
    return NULL;
}

static bool solve_word(Mech *m, const SemaWord *word, uint32_t n) {
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        if (!word[i].part)
            ok = solve_word(m, word[i].body, word[i].n) && ok;
        else if (!mech_find_part(m, word[i].part))
            ok = solve_named(m, word[i].part, word[i].span) && ok;
    }
    return ok;
}

static uint32_t word_length(const SemaWord *word, uint32_t n) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < n; i++)
        length += word[i].part ? 1 : word_length(word[i].body, word[i].n);
    return length;
}

static bool report_no_momenta(Mech *m) {
    Diag *d = diag_error(m->session, DIAG_MECH_OMEGA, m->kinetic_span,
                         "the Lagrangian is linear in the velocities, so the momenta are functions of the coordinates, "
                         "and the word of `%s` has none to move",
                         name_text(m->session->names, m->run->dynamics));
    diag_help(m->session, d, "use a method such as dop853 or rk4 on the same system");
    return false;
}

static bool report_free_scheme(Mech *m) {
    Diag *d = diag_error(m->session, DIAG_MECH_CONSTRAINT, m->constraints[0].span,
                         "`%s` moves coordinates freely and cannot keep a constraint",
                         name_text(m->session->names, m->run->dynamics));
    diag_help(m->session, d, "use rattle, another word of kicks and drifts, or a method such as dop853 on the same system");
    return false;
}

bool mech_pass_parts(Mech *m) {
    if (!m->is_word)
        return true;
    if (m->skew && !m->run->scheme)
        return report_no_momenta(m);
    if (m->mixed && !m->run->scheme)
        return mech_refuse_mixed_word(m);
    if (m->run->scheme)
        return m->n_constraints ? report_free_scheme(m) : true;
    m->parts = ARENA_ARRAY(m->arena, MechPart, word_length(&m->run->word, 1) + 1);
    return solve_word(m, &m->run->word, 1) && (!m->n_constraints || mech_check_held_word(m));
}

/* ---- the exact solution ---- */

/* s·x with the sign outside. */
static IrTerm add_scaled(Mech *m, IrTerm sum, IrTerm scale, IrTerm x) {
    if (!x)
        return sum;
    if (ir_node(m->p, x)->op == IR_NEG)
        return ir_sub(m->p, sum, mech_times(m, scale, ir_node(m->p, x)->arg[0]));
    return ir_add(m->p, sum, mech_times(m, scale, x));
}

static IrTerm add_noise(Mech *m, const MechRate *r, IrTerm value, IrTerm variance, uint32_t site) {
    IrTerm xi = ir_draw(m->p, IR_DRAW_NORMAL, site, mech_ravel(m, r->rank, r->extent));
    return ir_add(m->p, value, ir_mul(m->p, ir_op1(m->p, IR_SQRT, mech_product(m, variance)), xi));
}

IrTerm mech_flow_value(Mech *m, const MechRate *r, IrTerm h, uint32_t site) {
    IrProgram *p = m->p;
    IrTerm x = rate_variable(m, r);
    if (r->next)
        return r->next;
    if (r->drag)
        return mech_drag_value(m, r, x, h);
    if (!r->b) {
        IrTerm value = add_scaled(m, x, h, r->a);
        return r->diffusion ? add_noise(m, r, value, ir_mul(p, h, r->diffusion), site) : value;
    }
    IrTerm exponent = mech_times(m, h, r->b), value = ir_mul(p, mech_exp(m, exponent), x);
    if (r->fixed) {
        value = add_scaled(m, value, mech_one_minus_exp(m, exponent), r->fixed);
    } else if (r->a) {
        IrTerm c = ir_neg(p, r->b);
        IrTerm scale = mech_quotient(m, mech_one_minus_exp(m, exponent), c);
        scale = ir_select(p, ir_op2(p, IR_EQ, c, ir_real(p, 0)), h, scale);
        value = add_scaled(m, value, scale, r->a);
    }
    if (r->variance) {
        IrTerm twice = mech_times(m, ir_real(p, 2), exponent);
        value = add_noise(m, r, value, ir_mul(p, r->variance, mech_one_minus_exp(m, twice)), site);
    }
    return value;
}
