/* missing — whether the Lagrangian is complete, and which part of the runtime a run needs that this build
 * does not have. Needs: everything joined. Gives: errors at the run for what nobody said; SemaRun.missing for
 * the rest. */
#include "run.h"

/* ---- completeness ---- */

static bool moves(const SemaWord *w, Name part) {
    if (w->part == part) return true;
    for (uint32_t k = 0; k < w->n; k++)
        if (moves(&w->body[k], part)) return true;
    return false;
}

static bool needs_motion(Join *j) {
    if (j->out->scheme) return true;
    if (j->out->method) return method_find(j->out->method)->needs_motion;
    Names *names = j->s->session->names;
    return moves(&j->out->word, name_of(names, "p")) || moves(&j->out->word, name_of(names, "q"));
}

void join_complete(Join *j) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    bool whole = out->lagrangian.term || out->hamiltonian.term;
    if (j->failed) return;
    if (needs_motion(j) && !whole && !out->kinetic.term && !out->dissipation.term) {
        Diag *d = sema_error(s, DIAG_TERM_MISSING, out->dynamics_span,
                             "nothing says how `%s` moves under `%s`: there is no "
                             "kinetic energy and no dissipation",
                             sema_name(s, out->system), sema_name(s, out->dynamics));
        sema_note(s, d, j->run->system->span, "the system gives neither");
        if (j->run->dynamics) sema_note(s, d, j->run->dynamics->span, "nor does the dynamics");
        sema_help(s, d, "add `kinetic = …` to the system, or run a dynamics that has one");
        j->failed = true;
    }
    if (!whole && !out->kinetic.term && !out->potential.term && !j->forces.n && !j->constraints.n &&
        !j->n_system_states) {
        Diag *d = sema_error(s, DIAG_TERM_MISSING, out->system_span,
                             "`%s` has no energy: no potential, kinetic or "
                             "lagrangian",
                             sema_name(s, out->system));
        sema_note(s, d, j->run->system->span, "declared here");
        j->failed = true;
    }
}

/* ---- parts of the runtime ---- */

static void miss(Join *j, const char *phrase, Span span) {
    if (j->out->missing) return;
    j->out->missing = phrase;
    j->out->missing_span = span;
}

static void mark(Join *j, IrTerm t, uint8_t *marks) {
    if (t) ir_reach(j->s->ir, t, marks);
}

static void mark_def(Join *j, IrDef d, uint8_t *marks) {
    if (!d) return;
    uint32_t rank = ir_def(j->s->ir, d)->rank;
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < rank; k++) at[k] = ir_int(j->s->ir, 0);
    mark(j, ir_read(j->s->ir, d, at, rank), marks);
}

static void mark_all(Join *j, uint8_t *marks) {
    const SemaRun *out = j->out;
    const SemaTerm *terms[] = {&out->lagrangian,  &out->hamiltonian, &out->kinetic, &out->potential,
                               &out->dissipation, &out->temperature, &out->metric};
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) mark(j, terms[k]->term, marks);
    for (uint32_t k = 0; k < out->n_forces; k++) mark(j, out->forces[k].value, marks);
    for (uint32_t g = 0; g < out->n_groups; g++) {
        const SemaTerm *own[] = {&out->groups[g].lagrangian, &out->groups[g].hamiltonian, &out->groups[g].kinetic,
                                 &out->groups[g].dissipation};
        for (size_t k = 0; k < sizeof own / sizeof *own; k++) mark(j, own[k]->term, marks);
    }
    for (uint32_t k = 0; out->pushes && k < out->n_bodies; k++) mark(j, out->pushes[k].value, marks);
    for (uint32_t k = 0; k < j->states.n; k++) {
        mark(j, j->states.at[k].rate, marks);
        mark(j, j->states.at[k].next, marks);
        mark(j, j->states.at[k].start, marks);
    }
    for (uint32_t k = 0; k < j->flows.n; k++)
        for (uint32_t r = 0; r < j->flows.at[k].n; r++) mark(j, j->flows.at[k].rate[r], marks);
    for (uint32_t k = 0; k < out->n_vars; k++) {
        mark(j, out->vars[k].init, marks);
        mark(j, out->vars[k].init_v, marks);
    }
    for (uint32_t k = 0; k < j->constraints.n; k++) mark_def(j, j->constraints.at[k].residual, marks);
    for (uint32_t k = 0; k < j->records.n; k++) mark_def(j, j->records.at[k].value, marks);
    for (uint32_t k = 0; k < j->run->gathers.n; k++) mark_def(j, j->run->gathers.at[k].value, marks);
    for (uint32_t k = 0; k < j->events.n; k++) {
        mark_def(j, j->events.at[k].value, marks);
        for (uint32_t a = 0; a < j->events.at[k].n_acts; a++) mark(j, j->events.at[k].acts[a].value, marks);
    }
    for (uint32_t k = 0; k < j->expects.n; k++) {
        mark_def(j, j->expects.at[k].a, marks);
        mark_def(j, j->expects.at[k].b, marks);
        mark_def(j, j->expects.at[k].within, marks);
    }
}

static bool is_state(const Join *j, IrDef d) {
    for (uint32_t k = 0; k < j->states.n; k++)
        if (j->states.at[k].s == d) return true;
    return false;
}

static bool is_body(const Join *j, IrDef d) {
    for (uint32_t k = 0; k < j->out->n_bodies; k++) {
        const SemaBody *body = &j->out->bodies[k];
        if (body->q == d || body->v == d || body->p == d) return true;
    }
    return false;
}

static void hold(Join *j, IrDef d, const Ent *ent, IrTerm start) {
    if (!d || is_state(j, d) || is_body(j, d)) return;
    vec_push(&j->states,
             (SemaState){.name = ent->name, .span = ent->span, .s = d, .start = start, .held = true});
}

/* Drawn data, and coordinates of other systems, that the run reads: states that keep what they start with. */
void join_kept(Join *j) {
    Sema *s = j->s;
    uint8_t *marks = base_calloc(ir_def_count(s->ir) + 4096, 1);
    mark_all(j, marks);
    for (uint32_t k = 0; k < s->vars.n; k++) {
        Ent *ent = s->vars.at[k];
        if (ent->q && marks[ent->q]) hold(j, ent->q, ent, sema_var_init(s, ent, 0));
        if (ent->v && marks[ent->v]) hold(j, ent->v, ent, sema_var_init(s, ent, 1));
    }
    for (uint32_t k = 0; k < j->states.n; k++)
        if (j->states.at[k].start) mark(j, j->states.at[k].start, marks);
    for (uint32_t k = 0; k < s->drawn.n; k++)
        if (marks[s->drawn.at[k].s] && !is_state(j, s->drawn.at[k].s)) vec_push(&j->states, s->drawn.at[k]);
    free(marks);
}

static void opaque_values(Join *j) {
    Sema *s = j->s;
    if (!s->opaque.n) return;
    uint8_t *marks = base_calloc(ir_def_count(s->ir) + 4096, 1);
    mark_all(j, marks);
    for (uint32_t k = 0; k < s->opaque.n; k++) {
        const Opaque *value = &s->opaque.at[k];
        if (!marks[value->def] || j->out->missing) continue;
        miss(j, value->phrase, value->span);
        j->out->instead = value->instead;
    }
    free(marks);
}

static const char *support_phrase(SemaSupport support) {
    switch (support) {
    case SUPPORT_REAL: return NULL;
    case SUPPORT_LOWER:
    case SUPPORT_UPPER:
    case SUPPORT_INTERVAL:
    case SUPPORT_SIMPLEX:
    case SUPPORT_ORDERED:
    case SUPPORT_CHOLESKY_CORR:
    case SUPPORT_CORR:
    case SUPPORT_COV: return "parameters with bounds, by transformation";
    case SUPPORT_SPHERE:
    case SUPPORT_STIEFEL: return "motion on spheres and Stiefel manifolds";
    case SUPPORT_DISCRETE: return "discrete sweeps";
    }
    return NULL;
}

void join_missing(Join *j) {
    SemaRun *out = j->out;
    for (uint32_t k = 0; k < out->n_vars; k++) {
        const char *phrase = support_phrase(out->vars[k].support);
        if (phrase) miss(j, phrase, out->vars[k].span);
    }
    bool saves = false;
    for (uint32_t k = 0; k < j->records.n; k++) saves = saves || j->records.at[k].form == RECORD_SAVE;
    if (out->copies && (j->run->batch || saves))
        miss(j, saves ? "saving what copies have learned" : "copies of a run over minibatches", j->st->run.over->span);
    opaque_values(j);
}

Val sema_opaque(Sema *s, const Val *shape, IrType type, const char *phrase, Span span) {
    uint64_t extent[IR_MAX_RANK];
    for (uint32_t k = 0; k < shape->rank; k++) extent[k] = val_extent(s, shape, k);
    IrElem elem = type == IR_INT ? IR_I64 : sema_real_elem(s, NULL);
    IrDef def = ir_input(s->ir, 0, IR_ROLE_NONE, elem, shape->rank, extent);
    vec_push(&s->opaque, (Opaque){.def = def, .phrase = phrase, .span = span});
    Val out = val_read(s, def, shape);
    for (uint32_t k = 0; k < out.rank; k++) out.axis[k].periodic = shape->axis[k].periodic;
    return out;
}
