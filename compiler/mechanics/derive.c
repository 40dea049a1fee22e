/* derive — the passes of mechanics, in order.
 *
 *   lagrangian   system + dynamics -> L = T − V, p = ∂L/∂q', mass matrix and its structure
 *   dissipation  Rayleigh function -> friction
 *   legendre     p -> q'(q, p, t), Hamiltonian, energy; forces ∂L/∂q
 *   equations    M q'' = … -> right-hand side for methods
 *   parts        what a word moves -> exact solutions
 *   word         the composition -> step
 *   functions    initial values, records -> init, observe
 *   sections     everything above -> the derivation a reader sees
 *
 * A pass that reports an error ends the derivation. */
#include "internal.h"

typedef struct Pass {
    const char *name;
    bool (*run)(Mech *m);
} Pass;

static const Pass passes[] = {
    {"lagrangian", mech_pass_lagrangian}, {"dissipation", mech_pass_dissipation},
    {"legendre", mech_pass_legendre},     {"equations", mech_pass_equations},
    {"parts", mech_pass_parts},           {"word", mech_pass_word},
    {"functions", mech_pass_functions},   {"sections", mech_pass_sections},
};

/* The environment in which hyper-parameters have their values. */
static void set_hypers(Mech *m) {
    m->env = ir_env_new(m->p);
    for (uint32_t i = 0; i < m->run->n_hypers; i++)
        ir_env_set(m->env, m->run->hypers[i].def, &m->run->hypers[i].value);
}

MechRun *mech_derive(Session *session, Model *model, const SemaRun *run) {
    Mech *m = ARENA_NEW(session->arena, Mech);
    *m = (Mech){.session = session, .p = model->ir, .arena = session->arena, .model = model, .run = run};
    m->out = ARENA_NEW(m->arena, MechRun);
    m->out->run = run;
    m->out->derivation = m;
    m->is_word = run->method == NULL;
    m->stores_p = m->is_word || run->hamiltonian.term;
    m->next_site = 0x40000000u; /* sites of the source are numbered from 0 */
    m->step = run->by ? run->by : ir_real(m->p, 1);
    uint32_t before = diag_error_count(session);
    set_hypers(m);
    if (!mech_value(m, m->step, &m->out->step_size))
        m->out->step_size = 1;
    bool ok = true;
    for (uint32_t i = 0; i < sizeof passes / sizeof *passes && ok; i++)
        ok = passes[i].run(m);
    ir_env_free(m->env);
    m->env = NULL;
    vec_free(&m->sections);
    return ok && diag_error_count(session) == before ? m->out : NULL;
}
