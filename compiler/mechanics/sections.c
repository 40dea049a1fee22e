/* sections — the derivation as a reader sees it: one section a step, lines of `lhs = rhs`.
 *
 * needs: everything derived      gives: MechRun.sections      changes: nothing */
#include "../../runtime/taylor_order.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

typedef struct Lines {
    MechLine at[512];
    uint32_t n;
} Lines;

static void add_line(Lines *l, MechLine line) {
    if (l->n < sizeof l->at / sizeof *l->at)
        l->at[l->n++] = line;
}

static void add_equation(Lines *l, const char *lhs, IrDef like, const char *relation, IrTerm rhs, Span span) {
    add_line(l, (MechLine){.lhs = lhs, .like = like, .relation = relation, .rhs = rhs, .span = span});
}

static void add_remark(Lines *l, const char *remark) { add_line(l, (MechLine){.remark = remark}); }

static void add_section(Mech *m, const char *title, bool essential, Lines *l) {
    if (l->n) {
        MechSection section = {title, arena_copy(m->arena, l->at, l->n * sizeof *l->at), l->n, essential};
        vec_push(&m->sections, section);
    }
    l->n = 0;
}

static const char *primed(Mech *m, const MechBody *b, const char *primes) {
    return mech_text(m, "%s%s", b->symbol, primes);
}

/* "p", or "p_x" where there are several bodies. */
static const char *indexed(Mech *m, const char *symbol, const MechBody *b) {
    return m->n == 1 ? symbol : mech_text(m, "%s_%s", symbol, b->symbol);
}

/* ---- what was said ---- */

static void lagrangian_lines(Mech *m, Lines *l) {
    const SemaRun *run = m->run;
    if (run->hamiltonian.term && m->potential) {
        add_line(l, (MechLine){.lhs = "H", .relation = "=", .remark = "T + V"});
        add_equation(l, "T", 0, "=", run->hamiltonian.term, run->hamiltonian.span);
        add_equation(l, "V", 0, "=", m->potential, run->potential.span);
    } else if (run->hamiltonian.term) {
        add_equation(l, "H", 0, "=", run->hamiltonian.term, run->hamiltonian.span);
    } else if (run->lagrangian.term) {
        add_equation(l, "L", 0, "=", m->lagrangian, run->lagrangian.span);
    } else {
        bool both = m->kinetic && m->potential;
        add_line(l, (MechLine){.lhs = "L",
                               .relation = "=",
                               .remark = both         ? "T − V"
                                       : m->kinetic   ? "T"
                                       : m->potential ? "−V"
                                                      : "0"});
        if (m->kinetic)
            add_equation(l, "T", 0, "=", m->kinetic, run->kinetic.span);
        if (m->potential)
            add_equation(l, "V", 0, "=", m->potential, run->potential.span);
    }
    if (m->dissipation)
        add_equation(l, "R", 0, "=", m->dissipation, run->dissipation.span);
    for (uint32_t a = 0; a < m->n; a++) {
        if (m->bodies[a].external)
            add_equation(l, indexed(m, "Q", &m->bodies[a]), m->bodies[a].q, "=", m->bodies[a].external,
                         m->bodies[a].external_span);
    }
    if (run->temperature.term)
        add_equation(l, "tau", 0, "=", run->temperature.term, run->temperature.span);
}

static void momentum_lines(Mech *m, Lines *l) {
    for (uint32_t a = 0; a < m->n && !m->mass.of_momenta; a++) {
        MechBody *b = &m->bodies[a];
        add_equation(l, b->momentum_symbol, b->q, "=", m->mass.gradient[a], m->kinetic_span);
    }
}

/* The blocks of a quadratic form: its diagonal, or every block over two sets of axes. */
static void form_lines(Mech *m, Lines *l, const MechForm *f, const char *symbol) {
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (m->mixed && b->order != MECH_SECOND)
            continue;
        if (f->diagonal[a])
            add_equation(l, indexed(m, symbol, b), b->q, "=", f->diagonal[a], b->sema->span);
        for (uint32_t c = 0; c < m->n; c++) {
            MechBody *other = &m->bodies[c];
            IrTerm block = f->block[a * m->n + c];
            if (!block || c < a || (c == a && f->diagonal[a]) || b->rank + other->rank > IR_MAX_RANK)
                continue;
            uint64_t extent[IR_MAX_RANK];
            memcpy(extent, b->extent, sizeof extent);
            memcpy(extent + b->rank, other->extent, other->rank * sizeof *extent);
            IrDef like = mech_define(m, NULL, IR_F64, b->rank + other->rank, extent, block);
            const char *name =
                m->n == 1 ? symbol : mech_text(m, "%s_%s_%s", symbol, b->symbol, other->symbol);
            add_equation(l, name, like, "=", block, b->sema->span);
        }
    }
    add_remark(l, mech_text(m, "structure: %s", mech_structure_name(f->structure)));
}

/* How p = ∂L/∂q' was solved for q' (or q' = ∂H/∂p for p) where it is no linear equation. */
static void inversion_lines(Mech *m, Lines *l) {
    bool of_momenta = m->mass.of_momenta;
    uint32_t how = m->dual ? m->dual->how : 0;
    if (how & MECH_BY_NORM)
        add_line(l, of_momenta
                        ? (MechLine){.remark = "by the dual norm: H = φ(‖p‖) is the transform of φ*(‖q'‖*)",
                                     .latex = "by the dual norm: $H = \\varphi(\\|p\\|)$ is the transform of "
                                              "$\\varphi^*(\\|\\dot q\\|_*)$"}
                        : (MechLine){.remark = "by the dual norm: φ(‖q'‖) becomes φ*(‖p‖*), and q' = ∂H/∂p",
                                     .latex = "by the dual norm: $\\varphi(\\|\\dot q\\|)$ becomes $\\varphi^*(\\|p\\|_*)$, and "
                                              "$\\dot q = \\partial H/\\partial p$"});
    if (how & MECH_BY_INVERSE)
        add_remark(l, of_momenta ? "element by element, q' = ∂H/∂p solved for p" : "element by element, p = ∂L/∂q' solved for q'");
    if (how & MECH_BY_NEWTON)
        add_remark(l, of_momenta
                          ? "by Newton's method: the root of q' = ∂H/∂p, where ∂²H/∂p∂p must not be negative in any direction"
                          : "by Newton's method, in each step: the root of p = ∂L/∂q', where ∂²L/∂q'∂q' must not be negative in "
                            "any direction");
}

static void legendre_lines(Mech *m, Lines *l) {
    inversion_lines(m, l);
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order == MECH_SECOND)
            add_equation(l, primed(m, &m->bodies[a], "'"), m->bodies[a].q, "=", m->bodies[a].velocity,
                         m->kinetic_span);
    if (m->run->hamiltonian.term) {
        if (m->back)
            add_equation(l, "L", 0, "=", m->back, m->kinetic_span);
        return;
    }
    if (!m->kinetic_of_p) {
        add_equation(l, "H", 0, "=", m->hamiltonian, m->kinetic_span);
        return;
    }
    add_line(l, (MechLine){.lhs = "H", .relation = "=", .remark = m->potential ? "T + V" : "T"});
    add_equation(l, "T", 0, "=", m->kinetic_of_p, m->kinetic_span);
}

/* ---- equations of motion ---- */

static void dissipation_lines(Mech *m, Lines *l) {
    if (!m->dissipation)
        return;
    for (uint32_t a = 0; a < m->n; a++)
        add_equation(l, mech_text(m, "∂R/∂%s'", m->bodies[a].symbol), m->bodies[a].q, "=",
                     m->friction.gradient[a], m->dissipation_span);
    if (m->proportional)
        add_equation(l, "R/T", 0, "=", m->proportional, m->dissipation_span);
}

/* p' = ∂L/∂q + Q − ∂R/∂q' in (q, p). */
static IrTerm momentum_rate(Mech *m, uint32_t a) {
    MechBody *b = &m->bodies[a];
    IrTerm reaction = m->reaction ? m->reaction[a] : 0;
    if (!m->dissipation)
        return reaction ? ir_add(m->p, b->pull, reaction) : b->pull;
    IrTerm p = ir_read(m->p, b->p, b->at, b->rank);
    IrTerm friction = m->proportional
                        ? mech_times(m, m->proportional, p)
                        : mech_product(m, calc_tidy(m->p, mech_resolve(m, m->friction.gradient[a])));
    IrTerm t = ir_sub(m->p, b->pull, friction);
    return reaction ? ir_add(m->p, t, reaction) : t;
}

/* Fluctuation-dissipation: the noise of a bath at temperature τ that keeps p distributed as e^(−H/τ). */
static void noise_lines(Mech *m, Lines *l) {
    bool bath = false;
    for (uint32_t i = 0; i < m->n_parts; i++)
        bath = bath || m->parts[i].kind == PART_BATH;
    if (bath)
        add_remark(l, m->out->first_order
                          ? "and the noise of the bath, √(2 τ / G) ξ(t), fixed by the friction G"
                          : "and the noise of the bath, √(2 τ ∂²R/∂q'∂q') ξ(t), fixed by the friction");
}

static void equation_lines(Mech *m, Lines *l) {
    if (m->by_flows)
        return;
    if (m->out->first_order) {
        if (!m->skew)
            add_remark(l, m->n_constraints
                              ? "without kinetic energy the dissipation balances the forces: ∂R/∂q' = −∂V/∂q + Q + Jᵀλ"
                              : "without kinetic energy the dissipation balances the forces: ∂R/∂q' = −∂V/∂q + Q");
        for (uint32_t a = 0; a < m->n; a++) {
            const MechBody *b = &m->bodies[a];
            if (b->balance)
                add_equation(l, mech_text(m, "∂R/∂%s'", b->symbol), b->q, "=", b->balance, m->run->span);
            else
                add_equation(l, primed(m, b, "'"), b->q, "=", b->shown ? b->shown : b->velocity, m->run->span);
        }
        if (m->bodies[0].balance)
            add_remark(l, "solved for q' by Newton's method; that ∂²R/∂q'∂q' is positive definite, so that there is one solution, is "
                          "seen in Cholesky's factorization as the motion goes");
        noise_lines(m, l);
        return;
    }
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (b->order != MECH_SECOND)
            add_equation(l, primed(m, b, "'"), b->q, "=", b->shown ? b->shown : b->velocity, m->run->span);
        else if (m->stores_p)
            add_equation(l, mech_text(m, "%s'", b->momentum_symbol), b->q, "=", momentum_rate(m, a),
                         m->run->span);
        else
            add_equation(l, primed(m, b, "''"), b->q, "=", b->shown ? b->shown : b->acceleration,
                         m->run->span);
    }
    noise_lines(m, l);
}

/* ---- parts and word ---- */

/* The length of a part as a symbol: h. */
static IrTerm length_symbol(Mech *m) {
    double value;
    if (!ir_is_const(m->p, m->step, &value))
        return m->step;
    return ir_read0(m->p, ir_scalar_input(m->p, name_of(m->session->names, "h"), IR_ROLE_HYPER));
}

/* The right-hand side of x' = …; 0 for noise alone and for what changes at once. */
IrTerm mech_rate_term(Mech *m, const MechRate *r) {
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < r->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, k, r->extent[k]));
    IrTerm x = ir_read(m->p, r->target, at, r->rank);
    IrTerm t = r->a ? r->a : ir_real(m->p, 0);
    if (r->implicit)
        return r->implicit;
    if (r->drag)
        return ir_sub(m->p, t, mech_times(m, r->drag, ir_mul(m->p, ir_op1(m->p, IR_ABS, x), x)));
    if (r->fixed)
        return mech_times(m, ir_neg(m->p, r->b), ir_sub(m->p, r->fixed, x));
    return r->b ? ir_add(m->p, t, mech_times(m, r->b, x)) : t;
}

static const char *part_kind(const Mech *m, const MechPart *part) {
    const MechRate *r = part->rate;
    switch (part->kind) {
    case PART_P:
        return part->implicit ? "force and friction, by the implicit midpoint rule P = p + h p'((p + P)/2): symmetric, of order 2"
             : r->drag        ? "constant force and quadratic drag"
             : r->b           ? "constant force and linear friction"
                              : "constant force";
    case PART_Q:
        return m->out->first_order ? "drift in the force frozen at its beginning"
                                   : "drift at constant momentum";
    case PART_TIME: return "time, with everything else at rest";
    case PART_STATE: return r->next ? "estimator, once a step" : "relaxation of an estimator";
    case PART_FLOW: return r->next ? "at once" : r->b ? "linear relaxation" : "constant rate";
    case PART_BATH:
        return m->out->first_order ? "noise of the heat bath" : "Ornstein-Uhlenbeck process of the heat bath";
    }
    return "";
}

static void part_lines(Mech *m, Lines *l) {
    IrTerm h = length_symbol(m);
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const MechPart *part = &m->parts[i];
        const char *name = name_text(m->session->names, part->name);
        add_remark(l, mech_text(m, "part %s: %s", name, part_kind(m, part)));
        for (uint32_t k = 0; k < part->n; k++) {
            const MechRate *r = &part->rate[k];
            if (part->kind != PART_BATH && !r->next)
                add_equation(l, mech_text(m, "%s'", r->symbol), r->target, "=", mech_rate_term(m, r), part->span);
            if (!r->implicit)
                add_equation(l, r->symbol, r->target, "→", mech_flow_value(m, r, h, m->next_site++), part->span);
        }
    }
}

static void write_word(Mech *m, Buf *out, const SemaWord *word, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? "  " : "");
        if (!word[i].part) {
            buf_printf(out, "(");
            write_word(m, out, word[i].body, word[i].n);
            buf_printf(out, word[i].count == 1 ? ")" : ") × %u", word[i].count);
            continue;
        }
        buf_puts(out, name_text(m->session->names, word[i].part));
        double inverse = 1 / word[i].fraction;
        if (inverse == (int)inverse && inverse > 1)
            buf_printf(out, "/%d", (int)inverse);
        else if (word[i].fraction != 1)
            buf_printf(out, "(%s)", pretty_number(m->arena, word[i].fraction));
    }
}

static void word_lines(Mech *m, Lines *l) {
    Buf text = {0};
    const SemaWord *word = &m->run->word;
    bool plain = !word->part && word->count == 1;
    write_word(m, &text, plain ? word->body : word, plain ? word->n : 1);
    add_remark(l, mech_text(m, "%s", text.at ? text.at : ""));
    buf_free(&text);
    double h;
    bool is_number = ir_is_const(m->p, m->step, &h);
    add_line(l, (MechLine){.lhs = "h",
                           .relation = "=",
                           .rhs = is_number ? m->step : 0,
                           .remark = is_number  ? NULL
                                   : m->run->by ? NULL
                                                : "1"});
    if (!is_number)
        l->n--;
    mech_order_lines(m, l->at, &l->n);
}

enum { MOST_STEP_LINES = 200 };

static void step_lines(Mech *m, Lines *l) {
    const IrFunc *f = &m->out->step;
    uint32_t total = 0;
    for (uint32_t g = 0; g < f->groups.n; g++) {
        for (uint32_t i = 0; i < f->groups.at[g].n; i++) {
            const IrAssign *a = &f->groups.at[g].at[i];
            if (total++ < MOST_STEP_LINES)
                add_equation(l, mech_symbol(m, a->target), a->target, "←", a->value, a->span);
        }
    }
    if (total > MOST_STEP_LINES)
        add_remark(
            l, mech_text(m, "and %u more, the same parts in the order of the word", total - MOST_STEP_LINES));
}

const char *mech_symbol(Mech *m, IrDef d) {
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (d == b->q)
            return b->symbol;
        if (d == b->p)
            return b->momentum_symbol;
        if (d == b->v)
            return primed(m, b, "'");
    }
    return name_text(m->session->names, ir_def(m->p, d)->name);
}

static double method_value(Mech *m, const char *name) {
    for (uint32_t i = 0; i < m->run->n_method_args; i++)
        if (!strcmp(name_text(m->session->names, m->run->method_names[i]), name))
            return m->run->method_values[i];
    return 0;
}

static void order_remark(Mech *m, Lines *l) {
    double rtol = method_value(m, "rtol"), atol = method_value(m, "atol"), asked = method_value(m, "order");
    int order = rt_taylor_order(rtol, atol, asked);
    if (asked > 0)
        add_remark(l, mech_text(m, "to order %d, as asked for", order));
    else if (rtol > 0 || atol > 0)
        add_remark(l, mech_text(m, "to order %d, which %s = %g asks for", order, rtol > 0 ? "rtol" : "atol", rtol > 0 ? rtol : atol));
}

/* Coefficient by coefficient, for methods that take those. */
static void jet_lines(Mech *m, Lines *l) {
    const CalcJet *jet = m->out->jet;
    if (!jet)
        return;
    add_remark(l, "x[k] is the coefficient of order k of x, from order 1 on; what does not move has order 0 alone");
    order_remark(m, l);
    for (uint32_t i = 0; i < jet->n_lines; i++) {
        const char *symbol = ir_def(m->p, jet->lines[i].x)->label;
        add_line(l, (MechLine){.lhs = symbol, .like = jet->lines[i].x, .relation = "=", .rhs = jet->lines[i].term,
                               .remark = jet->lines[i].remark, .span = jet->lines[i].span});
    }
    for (uint32_t k = 0; k < m->out->n_kinks; k++) {
        const MechKink *kink = &m->out->kinks[k];
        const char *symbol = m->out->n_kinks == 1 ? "s" : mech_text(m, "s_%u", k + 1);
        IrDef d = jet->kinks[k].value;
        IrTerm axes[IR_MAX_RANK];
        for (uint32_t a = 0; a < ir_def(m->p, d)->rank; a++)
            axes[a] = ir_idx(m->p, ir_axis(m->p, a, ir_def(m->p, d)->extent[a]));
        add_line(l, (MechLine){.lhs = symbol, .like = kink->value, .relation = "=", .rhs = ir_at_subs(m->p, d, axes),
                               .span = kink->span});
        add_remark(l, mech_text(m, "where %s changes its sign a step ends: `%s` has another series behind it", symbol, kink->text));
    }
}

static bool finish(Mech *m) {
    m->out->sections = arena_copy(m->arena, m->sections.at, m->sections.n * sizeof *m->sections.at);
    m->out->n_sections = m->sections.n;
    return true;
}

void mech_renew_sections(Mech *m) {
    Lines *l = base_calloc(1, sizeof *l);
    vec_free(&m->sections);
    mech_group_sections(m);
    step_lines(m, l);
    add_section(m, "One step of all", true, l);
    free(l);
    finish(m);
    vec_free(&m->sections);
}

bool mech_pass_sections(Mech *m) {
    Lines *l = base_calloc(1, sizeof *l);
    if (m->n_groups) {
        free(l);
        mech_renew_sections(m);
        return true;
    }
    lagrangian_lines(m, l);
    add_section(m, m->run->hamiltonian.term ? "Hamiltonian" : "Lagrangian", true, l);
    if (!m->out->first_order) {
        momentum_lines(m, l);
        add_section(m, "Conjugate momenta  p = ∂L/∂q'", false, l);
        form_lines(m, l, &m->mass, m->mass.of_momenta ? "W" : "M");
        add_section(m,
                    m->mass.of_momenta ? "Inverse mass matrix  W = ∂²H/∂p∂p" : "Mass matrix  M = ∂²L/∂q'∂q'",
                    false, l);
    }
    dissipation_lines(m, l);
    add_section(m, "Dissipation", false, l);
    mech_mixed_lines(m, l->at, &l->n);
    add_section(m, "Coordinates without inertia", true, l);
    mech_constraint_lines(m, l->at, &l->n);
    add_section(m, "Constraints", true, l);
    if (m->skew) {
        mech_omega_lines(m, l->at, &l->n);
        add_section(m, "Symplectic form  Ω = ∂a_j/∂q_i − ∂a_i/∂q_j", true, l);
    }
    if (m->hamiltonian && !m->out->first_order) {
        legendre_lines(m, l);
        add_section(m, m->run->hamiltonian.term ? "Velocities  q' = ∂H/∂p" : "Legendre transform", false, l);
    }
    mech_force_lines(m, l->at, &l->n);
    add_section(m, "Constraint forces", true, l);
    equation_lines(m, l);
    add_section(m, m->stores_p || m->out->first_order ? "Equations of motion" : "Euler-Lagrange equations",
                true, l);
    if (m->run->scheme) {
        mech_scheme_lines(m, l->at, &l->n);
        add_section(m, "Implicit step", true, l);
    } else if (m->is_word) {
        part_lines(m, l);
        bool exact = true;
        for (uint32_t i = 0; i < m->n_parts; i++)
            exact = exact && !m->parts[i].implicit;
        add_section(m, exact ? "Parts and their exact solutions over a time h" : "Parts and their solutions over a time h", true, l);
        word_lines(m, l);
        add_section(m, "Word", false, l);
        step_lines(m, l);
        add_section(m, "One step", true, l);
    }
    mech_event_lines(m, l->at, &l->n);
    add_section(m, "Events", true, l);
    jet_lines(m, l);
    add_section(m, "Taylor recursions  x(t + h) = Σ x[k] h^k", true, l);
    for (uint32_t k = 0; k < m->n_conserved; k++)
        add_line(l, m->conserved[k]);
    add_section(m, "Conserved quantities", false, l);
    free(l);
    return finish(m);
}
