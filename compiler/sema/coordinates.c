/* coordinates — which coordinates take part in a run, and how they are laid out: one flat block when the
 * dynamics speaks of `q`, one body each otherwise. Needs: the system's terms. Gives: run->vars and
 * run->bodies; with a block, the terms over single coordinates become terms over windows of it. */
#include "run.h"

static void mark_term(Join *j, IrTerm t, uint8_t *mark) {
    if (t) ir_reach(j->s->ir, t, mark);
}

static void mark_def(Join *j, IrDef d, uint8_t *mark) {
    IrTerm at[IR_MAX_RANK];
    const IrDefInfo *info = ir_def(j->s->ir, d);
    uint32_t rank = info->rank;
    for (uint32_t k = 0; k < rank; k++) at[k] = ir_int(j->s->ir, 0);
    ir_reach(j->s->ir, ir_read(j->s->ir, d, at, rank), mark);
}

static void mark_terms(Join *j, uint8_t *mark) {
    const SemaTerm *terms[] = {&j->out->lagrangian, &j->out->hamiltonian, &j->out->kinetic,
                               &j->out->potential,  &j->out->dissipation, &j->out->temperature};
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) mark_term(j, terms[k]->term, mark);
    for (uint32_t k = 0; k < j->forces.n; k++) {
        mark_term(j, j->forces.at[k].value.body, mark);
        mark[j->forces.at[k].on->q] = 1;
    }
    for (uint32_t k = 0; k < j->constraints.n; k++) mark_def(j, j->constraints.at[k].residual, mark);
}

static uint8_t *new_marks(Join *j) { return base_calloc(ir_def_count(j->s->ir) + 4096, 1); }

static bool is_ours(Join *j, const Ent *ent) {
    for (uint32_t k = 0; k < j->vars.n; k++)
        if (j->vars.at[k] == ent) return true;
    return false;
}

void join_vars(Join *j) {
    Sema *s = j->s;
    uint8_t *mark = new_marks(j);
    mark_terms(j, mark);
    for (uint32_t k = 0; k < s->vars.n; k++) {
        Ent *ent = s->vars.at[k];
        bool used = ent->q && (mark[ent->q] || (ent->v && mark[ent->v]) || (ent->p && mark[ent->p]));
        if (used && !is_ours(j, ent)) vec_push(&j->vars, ent);
    }
    free(mark);
    if (j->vars.n || j->failed) return;
    Diag *d = sema_error(s, DIAG_NO_COORDINATE, j->st->run.system_span,
                         "nothing in `%s` can move: no coordinate or "
                         "parameter occurs in it",
                         sema_name(s, j->out->system));
    sema_note(s, d, j->run->system->span, "declared here");
    sema_help(s, d, "declare what moves with `coord` or `param`, and use it in the system");
    j->failed = true;
}

/* ---- parameters that are held ---- */

static bool moves_with(Join *j, IrTerm t, const Ent *ent) {
    IrProgram *p = j->s->ir;
    return t && ((ent->v && ir_depends(p, t, ent->v)) || (ent->p && ir_depends(p, t, ent->p)));
}

/* Beside a coordinate, and where the system itself says what has inertia or friction, a parameter that has neither does
 * not move: it keeps what it starts with (a network's weights in the force on something else). */
static bool is_held(Join *j, const Ent *ent, bool beside) {
    const SemaRun *out = j->out;
    const SemaTerm *terms[] = {&out->lagrangian, &out->hamiltonian, &out->kinetic, &out->dissipation};
    bool said = false, moved = false;
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) {
        said = said || terms[k]->term;
        moved = moved || moves_with(j, terms[k]->term, ent);
    }
    return ent->decl_kind == DECL_PARAM && !moved && (beside || (said && !j->block));
}

void join_held(Join *j) {
    if (j->run->dynamics && j->run->dynamics->stmt->dynamics.has_pattern) return;
    uint32_t n = 0;
    bool beside = false;
    for (uint32_t k = 0; k < j->vars.n; k++) beside = beside || j->vars.at[k]->decl_kind != DECL_PARAM;
    for (uint32_t k = 0; k < j->vars.n; k++) {
        Ent *ent = j->vars.at[k];
        if (!is_held(j, ent, beside)) {
            j->vars.at[n++] = ent;
            continue;
        }
        SemaState held = {.name = ent->name,
                          .span = ent->span,
                          .s = ent->q,
                          .start = sema_var_init(j->s, ent, 0),
                          .held = true};
        vec_push(&j->states, held);
    }
    if (n) j->vars.n = n;
}

static SemaVar make_var(Join *j, Ent *ent) {
    Sema *s = j->s;
    SemaVar var = {.name = ent->name,
                   .span = ent->span,
                   .kind = ent->decl_kind,
                   .q = ent->q,
                   .v = ent->support == SUPPORT_DISCRETE ? 0 : sema_var_v(s, ent),
                   .support = ent->support,
                   .lower = ent->lower,
                   .upper = ent->upper};
    if (ent->support != SUPPORT_DISCRETE) sema_var_p(s, ent);
    uint32_t errors = s->session->n_errors;
    var.init = sema_var_init(s, ent, 0);
    var.init_v = sema_var_init(s, ent, 1);
    if (s->session->n_errors != errors) j->failed = true;
    return var;
}

void join_block(Join *j, Name name, uint32_t first, uint32_t n_vars) {
    Sema *s = j->s;
    uint64_t n = 0;
    IrElem elem = ir_def(s->ir, j->vars.at[first]->q)->elem;
    for (uint32_t k = first; k < first + n_vars; k++) {
        n += ir_size(s->ir, j->vars.at[k]->q);
        if (ir_def(s->ir, j->vars.at[k]->q)->elem == elem) continue;
        Diag *d = sema_error(s, DIAG_PATTERN, j->out->dynamics_span,
                             "`%s` moves all coordinates as one block, and they are "
                             "stored differently",
                             sema_name(s, j->out->dynamics));
        sema_note(s, d, j->vars.at[k]->span, "`%s` is of another type than `%s`",
                  sema_name(s, j->vars.at[k]->name), sema_name(s, j->vars.at[first]->name));
        j->failed = true;
        return;
    }
    Names *names = s->session->names;
    j->q = ir_input(s->ir, name, IR_ROLE_COORD, elem, 1, &n);
    j->v = ir_input(s->ir, name, IR_ROLE_VELOCITY, elem, 1, &n);
    j->p = ir_input(s->ir, name_of(names, "p"), IR_ROLE_MOMENTUM, elem, 1, &n);
    ir_set_label(s->ir, j->v, arena_printf(s->arena, "%s'", sema_name(s, name)));
    j->run->blocks[j->run->n_blocks].q = j->q;
    j->run->blocks[j->run->n_blocks].v = j->v;
    j->run->blocks[j->run->n_blocks++].p = j->p;
}

static void block_views(Join *j, uint32_t first, uint32_t n) {
    IrProgram *p = j->s->ir;
    uint64_t offset = 0;
    for (uint32_t k = first; k < first + n; k++) {
        SemaVar *var = &j->out->vars[k];
        uint64_t extent[IR_MAX_RANK];
        uint8_t rank = ir_def(p, var->q)->rank;
        memcpy(extent, ir_def(p, var->q)->extent, sizeof extent);
        IrDef q = ir_view(p, var->name, j->q, offset, rank, extent),
              v = ir_view(p, var->name, j->v, offset, rank, extent);
        IrDef mom = ir_view(p, var->name, j->p, offset, rank, extent);
        ir_set_label(p, v, arena_printf(j->s->arena, "%s'", sema_name(j->s, var->name)));
        ir_set_label(p, mom, arena_printf(j->s->arena, "p(%s)", sema_name(j->s, var->name)));
        for (uint32_t a = 0; a < rank; a++) {
            ir_name_axis(p, q, a, ir_axis_name(p, var->q, a));
            ir_name_axis(p, v, a, ir_axis_name(p, var->q, a));
            ir_name_axis(p, mom, a, ir_axis_name(p, var->q, a));
        }
        Ent *ent = j->vars.at[k];
        vec_push(&j->replace, (IrReplace){.from = ent->q, .to = q});
        if (ent->v) vec_push(&j->replace, (IrReplace){.from = ent->v, .to = v});
        if (ent->p) vec_push(&j->replace, (IrReplace){.from = ent->p, .to = mom});
        offset += ir_size(p, var->q);
        var->q = q;
        var->v = v;
    }
    j->run->windows = j->replace.at;
    j->run->n_windows = j->replace.n;
}

void join_block_body(Join *j, Name name, uint32_t first, uint32_t n) {
    block_views(j, first, n);
    j->out->bodies[j->out->n_bodies++] = (SemaBody){
        .name = name, .span = j->out->vars[first].span, .q = j->q, .v = j->v, .p = j->p, .first = first, .n = n};
}

void join_single_bodies(Join *j, uint32_t first, uint32_t n) {
    for (uint32_t k = first; k < first + n; k++) {
        Ent *ent = j->vars.at[k];
        IrDef v = ent->support == SUPPORT_DISCRETE ? 0 : sema_var_v(j->s, ent);
        IrDef p = ent->support == SUPPORT_DISCRETE ? 0 : sema_var_p(j->s, ent);
        j->out->bodies[j->out->n_bodies++] =
            (SemaBody){.name = ent->name, .span = ent->span, .q = ent->q, .v = v, .p = p, .first = k, .n = 1};
    }
}

void join_bodies(Join *j) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    out->n_vars = j->vars.n;
    out->vars = ARENA_ARRAY(s->arena, SemaVar, j->vars.n + 1);
    for (uint32_t k = 0; k < j->vars.n; k++) out->vars[k] = make_var(j, j->vars.at[k]);
    if (j->failed) return;
    out->block = j->block;
    out->bodies = ARENA_ARRAY(s->arena, SemaBody, j->vars.n + 1);
    if (j->n_groups) {
        groups_bodies(j);
        return;
    }
    j->n_moved = j->vars.n;
    if (!j->block) {
        join_single_bodies(j, 0, j->vars.n);
        return;
    }
    Name q = name_of(s->session->names, "q");
    join_block(j, q, 0, j->vars.n);
    if (!j->failed) join_block_body(j, q, 0, j->vars.n);
}

/* ---- over the block ---- */

IrTerm join_blocked(Join *j, IrTerm t) {
    return t && j->replace.n ? ir_replace(j->s->ir, t, j->replace.at, j->replace.n) : t;
}

static void blocked_def(Join *j, IrDef *d) {
    if (*d && j->replace.n) *d = ir_replace_def(j->s->ir, *d, j->replace.at, j->replace.n);
}

static uint32_t body_of(Join *j, const Ent *ent) {
    for (uint32_t k = 0; k < j->vars.n; k++)
        if (j->vars.at[k] == ent) return k;
    return 0;
}

/* A force on one coordinate as a force on the block: zero elsewhere. */
static IrTerm force_on_block(Join *j, uint32_t var, IrTerm value) {
    IrProgram *p = j->s->ir;
    const SemaVar *v = &j->out->vars[var];
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    IrIdx from[IR_MAX_RANK];
    uint32_t rank = ir_def(p, v->q)->rank;
    for (uint32_t k = 0; k < rank; k++) {
        uint64_t extent = ir_def(p, v->q)->extent[k];
        axes[k] = ir_fresh(p, extent, 0);
        at[k] = ir_idx(p, axes[k]);
        from[k] = ir_axis(p, k, extent);
    }
    IrElem elem = ir_def(p, v->q)->elem;
    IrPiece piece = {.def = ir_define(p, 0, elem, axes, rank, ir_subst(p, value, from, at, rank)),
                     .at = {ir_def(p, v->q)->offset, 0}};
    uint64_t n = ir_size(p, j->q);
    IrDef all = ir_concat(p, 0, elem, 1, &n, &piece, 1);
    IrTerm i = ir_idx(p, ir_axis(p, 0, n));
    return ir_read(p, all, &i, 1);
}

static void forces(Join *j) {
    SemaRun *out = j->out;
    out->forces = ARENA_ARRAY(j->s->arena, SemaForce, j->forces.n + 1);
    for (uint32_t k = 0; k < j->forces.n; k++) {
        uint32_t var = body_of(j, j->forces.at[k].on);
        IrTerm value = join_blocked(j, val_close(j->s, &j->forces.at[k].value));
        if (!j->block) {
            out->forces[out->n_forces++] = (SemaForce){var, value, j->forces.at[k].span};
            continue;
        }
        value = force_on_block(j, var, value);
        if (out->n_forces)
            out->forces[0].value = ir_add(j->s->ir, out->forces[0].value, value);
        else
            out->forces[out->n_forces++] = (SemaForce){0, value, j->forces.at[k].span};
    }
}

uint32_t join_var_of(const Join *j, const Ent *ent) {
    for (uint32_t k = 0; k < j->vars.n; k++)
        if (j->vars.at[k] == ent) return k;
    return UINT32_MAX;
}

void join_replace(Join *j) {
    SemaTerm *terms[] = {&j->out->lagrangian,  &j->out->hamiltonian, &j->out->kinetic, &j->out->potential,
                         &j->out->dissipation, &j->out->temperature, &j->out->metric};
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++)
        terms[k]->term = join_blocked(j, terms[k]->term);
    forces(j);
    join_symmetries(j);
    for (uint32_t k = 0; k < j->constraints.n; k++) blocked_def(j, &j->constraints.at[k].residual);
    for (uint32_t k = 0; k < j->states.n; k++) {
        SemaState *state = &j->states.at[k];
        state->rate = join_blocked(j, state->rate);
        state->next = join_blocked(j, state->next);
        state->start = join_blocked(j, state->start);
    }
    for (uint32_t k = 0; k < j->flows.n; k++)
        for (uint32_t r = 0; r < j->flows.at[k].n; r++)
            j->flows.at[k].rate[r] = join_blocked(j, j->flows.at[k].rate[r]);
    for (uint32_t k = 0; k < j->records.n; k++) blocked_def(j, &j->records.at[k].value);
    for (uint32_t k = 0; k < j->expects.n; k++) {
        blocked_def(j, &j->expects.at[k].a);
        blocked_def(j, &j->expects.at[k].b);
        blocked_def(j, &j->expects.at[k].within);
    }
    for (uint32_t k = 0; k < j->run->gathers.n; k++) blocked_def(j, &j->run->gathers.at[k].value);
    for (uint32_t k = 0; k < j->events.n; k++) {
        SemaEvent *event = &j->events.at[k];
        blocked_def(j, &event->value);
        for (uint32_t a = 0; a < event->n_acts; a++) {
            blocked_def(j, &event->acts[a].target);
            event->acts[a].value = join_blocked(j, event->acts[a].value);
        }
    }
    for (uint32_t k = 0; j->out->pushes && k < j->out->n_bodies; k++) {
        j->out->pushes[k].value = join_blocked(j, j->out->pushes[k].value);
        j->out->pushes[k].bare = join_blocked(j, j->out->pushes[k].bare);
    }
    j->out->by = join_blocked(j, j->out->by);
    for (uint32_t k = 0; k < j->out->n_vars; k++) {
        j->out->vars[k].init = join_blocked(j, j->out->vars[k].init);
        j->out->vars[k].init_v = join_blocked(j, j->out->vars[k].init_v);
        j->out->vars[k].lower = join_blocked(j, j->out->vars[k].lower);
        j->out->vars[k].upper = join_blocked(j, j->out->vars[k].upper);
    }
}
