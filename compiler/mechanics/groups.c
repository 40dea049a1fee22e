/* groups — several dynamics side by side: each is a derivation of its own, in which the coordinates of the others stand still;
 * their steps advance together.
 *
 * needs: SemaRun.groups      gives: bodies, MechRun.step, the sections of each      changes: nothing
 *
 * A step of each is a list of assignments; what moves coordinates ends a stage. The stages of all are done in turn, the
 * coordinates of a stage all at once at its end, so that every force is taken where all stood before: words that take their force
 * once and then move see the gradient of one point, leapfrogs side by side are one leapfrog. */
#include "internal.h"

static const SemaRun *run_of(Mech *m, const SemaGroup *group) {
    SemaRun *run = ARENA_NEW(m->arena, SemaRun);
    *run = *m->run;
    run->groups = NULL;
    run->n_groups = 0;
    run->dynamics = group->dynamics;
    run->dynamics_span = group->span;
    run->bodies = m->run->bodies + group->first_body;
    run->n_bodies = group->n_bodies;
    run->pushes = m->run->pushes ? m->run->pushes + group->first_body : NULL;
    run->lagrangian = group->lagrangian;
    run->hamiltonian = group->hamiltonian;
    run->kinetic = group->kinetic;
    run->dissipation = group->dissipation;
    run->word = group->word;
    run->word_span = group->word_span;
    run->by = group->by;
    run->n_records = run->n_expects = run->n_plots = run->n_events = run->n_gathers = 0;
    run->copies = 0;
    return run;
}

/* The bodies of all, as derived, with their energies for what is looked at. */
static void gather(Mech *m) {
    m->out->first_order = true;
    for (uint32_t g = 0; g < m->n_groups; g++) {
        const Mech *sub = m->groups[g];
        uint32_t first = m->run->groups[g].first_body;
        for (uint32_t a = 0; a < sub->n; a++)
            m->bodies[first + a] = sub->bodies[a];
        m->out->first_order = m->out->first_order && sub->out->first_order;
        m->out->mass = sub->out->mass;
    }
    m->potential = m->run->potential.term;
    m->potential_span = m->run->potential.span;
    m->energy = m->potential ? m->potential : ir_real(m->p, 0);
}

bool mech_pass_groups(Mech *m) {
    const SemaRun *run = m->run;
    if (!run->n_groups)
        return true;
    m->groups = ARENA_ARRAY(m->arena, Mech *, run->n_groups);
    for (uint32_t g = 0; g < run->n_groups; g++) {
        m->groups[g] = mech_begin(m->session, (Model *)(uintptr_t)m->model, run_of(m, &run->groups[g]));
        m->n_groups = g + 1;
        m->groups[g]->all = run;
        if (!mech_derive_passes(m->groups[g]))
            return false;
    }
    mech_set_bodies(m);
    mech_set_watches(m);
    gather(m);
    m->out->step_size = m->groups[0]->out->step_size;
    return true;
}

void mech_end_groups(Mech *m) {
    for (uint32_t g = 0; g < m->n_groups; g++)
        mech_end(m->groups[g]);
}

/* ---- side by side ---- */

static bool moves_coordinates(const Mech *m, const IrGroup *group) {
    for (uint32_t i = 0; i < group->n; i++)
        for (uint32_t a = 0; a < m->n; a++)
            if (group->at[i].target == m->bodies[a].q)
                return true;
    return false;
}

/* Assignments of several groups that are done at once. */
static void add_together(Mech *m, IrFunc *f, const IrGroup *const *parts, uint32_t n) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < n; k++)
        count += parts[k]->n;
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, count + 1);
    count = 0;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < parts[k]->n; i++)
            assign[count++] = parts[k]->at[i];
    mech_func_add(f, assign, count);
}

/* The functions of the groups into one, before `last`, what is done when all have moved. */
static void merge(Mech *m, IrFunc *f, const char *name, bool cyclic, const IrFunc *step, const IrFunc *last) {
    uint32_t *at = ARENA_ARRAY(m->arena, uint32_t, m->n_groups), total = last->groups.n;
    const IrGroup **moved = ARENA_ARRAY(m->arena, const IrGroup *, m->n_groups);
    for (uint32_t g = 0; g < m->n_groups; g++)
        total += step[g].groups.n;
    mech_func_start(m, f, name, cyclic, total);
    for (bool more = true; more;) {
        uint32_t n = 0;
        more = false;
        for (uint32_t g = 0; g < m->n_groups; g++) {
            const IrFunc *own = &step[g];
            for (; at[g] < own->groups.n && !moves_coordinates(m, &own->groups.at[at[g]]); at[g]++)
                mech_func_add(f, own->groups.at[at[g]].at, own->groups.at[at[g]].n);
            if (at[g] < own->groups.n)
                moved[n++] = &own->groups.at[at[g]++];
            more = more || at[g] < own->groups.n;
        }
        add_together(m, f, moved, n);
    }
    for (uint32_t k = 0; k < last->groups.n; k++)
        mech_func_add(f, last->groups.at[k].at, last->groups.at[k].n);
}

/* Each over the same part of its own step. */
void mech_merge_words(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h, const IrFunc *last) {
    IrFunc *step = ARENA_ARRAY(m->arena, IrFunc, m->n_groups);
    for (uint32_t g = 0; g < m->n_groups; g++) {
        Mech *sub = m->groups[g];
        bool whole = h == m->step;
        IrTerm part = whole ? sub->step : ir_mul(m->p, sub->step, ir_div(m->p, h, m->step));
        if (whole)
            step[g] = sub->out->step;
        else
            mech_word_function(sub, &step[g], name, cyclic, part);
        m->out->advance = g ? m->out->advance : sub->out->advance;
    }
    merge(m, f, name, cyclic, step, last);
}

/* ---- the derivation ---- */

void mech_write_title(Buf *out, const Names *names, const SemaRun *run) {
    if (!run->n_groups)
        buf_puts(out, name_text(names, run->dynamics));
    for (uint32_t g = 0; g < run->n_groups; g++)
        buf_printf(out, "%s%s (%s)", g ? ", " : "", name_text(names, run->groups[g].dynamics), run->groups[g].names);
}

void mech_group_sections(Mech *m) {
    for (uint32_t g = 0; g < m->n_groups; g++) {
        const MechRun *out = m->groups[g]->out;
        const char *name = name_text(m->session->names, m->run->groups[g].dynamics);
        for (uint32_t k = 0; k < out->n_sections; k++) {
            MechSection section = out->sections[k];
            section.title = mech_text(m, "%s on %s: %s", name, m->run->groups[g].names, section.title);
            vec_push(&m->sections, section);
        }
    }
}
