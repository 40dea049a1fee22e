/* derive — the passes of mechanics, in order.
 *
 *   groups       several dynamics side by side -> each derived for itself, by the passes that follow
 *   lagrangian   system + dynamics -> L = T − V, p = ∂L/∂q', mass matrix and its structure
 *   dissipation  Rayleigh function -> friction
 *   orders       what has no inertia beside what has: of first order, or a condition
 *   constraints  c = 0 -> J, the rate J q' + b
 *   legendre     p -> q'(q, p, t), Hamiltonian, energy; forces ∂L/∂q
 *   equations    M q'' = … -> right-hand side for methods
 *   jets         right-hand side -> recursions of Taylor coefficients, for methods that take those
 *   parts        what a word moves -> exact solutions
 *   word         the composition -> step
 *   hold         constraints -> projection, what is looked at at the start
 *   functions    initial values, records -> init, observe
 *   events       moments of `when`, what is done there -> event, acts, a step of any length
 *   sections     everything above -> the derivation a reader sees
 *
 * A pass that reports an error ends the derivation. */
#include "internal.h"

#include <assert.h>
#include <string.h>

/* What is known between passes. */
enum {
    MASS = 1,      /* L, p = ∂L/∂q', M */
    FRICTION = 2,  /* R as a form in the velocities */
    VELOCITY = 4,  /* q'(q, p, t), H, E, ∂L/∂q */
    RATES = 8,     /* the right-hand side, where a method advances */
    PARTS = 16,    /* exact solutions, where a word does */
    STEP = 32,     /* the word composed of them */
    CHARGES = 2048, /* what is conserved */
    FUNCTIONS = 64,
    DERIVATION = 128,
    ROWS = 256, /* constraints: J, the rate */
    HELD = 512, /* projection to the constraints */
    EVENTS = 1024,
    ORDERS = 4096, /* of the equations of each coordinate */
    JETS = 2048,   /* its Taylor coefficients, where the method takes those */
};

typedef struct Pass {
    const char *name;
    bool (*run)(Mech *m);
    unsigned needs, gives;
    enum { FOR_ONE = 1, FOR_GROUP = 2, FOR_SEVERAL = 4 } of; /* run for one dynamics, for each of several, for these together */
} Pass;

static const Pass passes[] = {
    {"groups", mech_pass_groups, 0, MASS | FRICTION | VELOCITY | RATES | HELD | CHARGES, FOR_SEVERAL},
    {"lagrangian", mech_pass_lagrangian, 0, MASS, FOR_ONE | FOR_GROUP},
    {"dissipation", mech_pass_dissipation, MASS, FRICTION, FOR_ONE | FOR_GROUP},
    {"orders", mech_pass_orders, MASS | FRICTION, ORDERS, FOR_ONE | FOR_GROUP},
    {"constraints", mech_pass_constraints, MASS | FRICTION | ORDERS, ROWS, FOR_ONE | FOR_GROUP},
    {"legendre", mech_pass_legendre, MASS | FRICTION | ROWS, VELOCITY, FOR_ONE | FOR_GROUP},
    {"equations", mech_pass_equations, MASS | FRICTION | VELOCITY, RATES, FOR_ONE | FOR_GROUP},
    {"jets", mech_pass_jets, RATES, JETS, FOR_ONE},
    {"parts", mech_pass_parts, MASS | FRICTION | VELOCITY, PARTS, FOR_ONE | FOR_GROUP | FOR_SEVERAL},
    {"word", mech_pass_word, PARTS, STEP, FOR_ONE | FOR_GROUP | FOR_SEVERAL},
    {"hold", mech_pass_hold, MASS | ROWS | VELOCITY, HELD, FOR_ONE},
    {"conserved", mech_pass_conserved, VELOCITY | RATES | STEP | HELD, CHARGES, FOR_ONE | FOR_GROUP},
    {"functions", mech_pass_functions, RATES | STEP | HELD | CHARGES, FUNCTIONS, FOR_ONE | FOR_SEVERAL},
    {"events", mech_pass_events, VELOCITY | RATES | STEP | HELD, EVENTS, FOR_ONE | FOR_SEVERAL},
    {"sections", mech_pass_sections, RATES | STEP | FUNCTIONS | EVENTS | CHARGES, DERIVATION, FOR_ONE | FOR_GROUP | FOR_SEVERAL},
};

/* Runs the passes in the order of the table, which is checked against what each needs; the first error ends it. */
static bool run_passes(Mech *m, unsigned of) {
    unsigned known = 0;
    for (uint32_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (!(passes[i].of & of))
            continue;
        assert(of == FOR_GROUP || (passes[i].needs & ~known) == 0);
        if (!passes[i].run(m))
            return false;
        known |= passes[i].gives;
    }
    return true;
}

bool mech_derive_passes(Mech *m) {
    if (!mech_value(m, m->step, &m->out->step_size))
        m->out->step_size = 1;
    return run_passes(m, FOR_GROUP);
}

/* The environment in which hyper-parameters have their values. */
static void set_hypers(Mech *m) {
    m->env = ir_env_new(m->p);
    for (uint32_t i = 0; i < m->run->n_hypers; i++)
        ir_env_set(m->env, m->run->hypers[i].def, &m->run->hypers[i].value);
}

static bool knows_part(const Names *names, const SemaRun *run, Name part) {
    const char *text = name_text(names, part);
    bool known = !strcmp(text, "p") || !strcmp(text, "q") || !strcmp(text, "bath") ||
                 !strcmp(text, "t");
    for (uint32_t i = 0; i < run->n_states; i++)
        known = known || run->states[i].name == part;
    for (uint32_t i = 0; i < run->n_flows; i++)
        known = known || run->flows[i].name == part;
    return known;
}

static bool knows_word(const Names *names, const SemaRun *run, const SemaWord *word, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (word[i].part ? !knows_part(names, run, word[i].part)
                         : !knows_word(names, run, word[i].body, word[i].n))
            return false;
    }
    return true;
}

/* A run that needs a part of the runtime this build does not have may still be a motion that can be derived.
 */
static bool is_derivable(const Names *names, const SemaRun *run) {
    bool moves = run->lagrangian.term || run->hamiltonian.term || run->kinetic.term || run->dissipation.term;
    return !run->missing ||
           (moves && !run->n_constraints && (run->method || knows_word(names, run, &run->word, 1)));
}

/* Says which part is missing: an error where nothing in the file can be derived, else a warning beside the
 * other derivations. */
static void report_missing(Mech *m) {
    const SemaRun *run = m->run;
    bool any = false;
    for (uint32_t i = 0; i < m->model->n_runs; i++)
        any = any || is_derivable(m->session->names, &m->model->runs[i]);
    Diag *d = (any ? diag_warn : diag_error)(m->session, DIAG_RUN_MISSING,
                                             run->instead ? run->missing_span : run->span,
                                             "this run cannot be derived in this build: %s", run->missing);
    if (run->instead)
        diag_help(m->session, d, "%s", run->instead);
    else if (run->missing_span.file)
        diag_note_at(m->session, d, run->missing_span, "needed by this");
}

Mech *mech_begin(Session *session, Model *model, const SemaRun *run) {
    Mech *m = ARENA_NEW(session->arena, Mech);
    *m = (Mech){.session = session, .p = model->ir, .arena = session->arena, .model = model, .run = run, .all = run};
    m->out = ARENA_NEW(m->arena, MechRun);
    m->out->run = run;
    m->out->derivation = m;
    m->is_word = run->method == NULL;
    m->stores_p = m->is_word || run->hamiltonian.term;
    m->out->stores_p = m->stores_p;
    m->next_site = MECH_FIRST_SITE;
    m->step = run->by ? run->by : ir_real(m->p, 1);
    set_hypers(m);
    return m;
}

void mech_end(Mech *m) {
    mech_end_groups(m);
    ir_env_free(m->env);
    m->env = NULL;
    vec_free(&m->sections);
    vec_free(&m->charges);
    vec_free(&m->named);
}

MechRun *mech_derive(Session *session, Model *model, const SemaRun *run) {
    Mech *m = mech_begin(session, model, run);
    uint32_t before = diag_error_count(session);
    bool ok = is_derivable(session->names, run);
    if (!ok)
        report_missing(m);
    if (ok && !mech_value(m, m->step, &m->out->step_size))
        m->out->step_size = 1;
    ok = ok && run_passes(m, run->n_groups ? FOR_SEVERAL : FOR_ONE);
    m->out->rhs.copies = m->out->step.copies = run->copies > 1;
    mech_end(m);
    return ok && diag_error_count(session) == before ? m->out : NULL;
}
