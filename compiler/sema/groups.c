/* groups — several dynamics side by side, `run adam(lr = 1e-3) on W*, sgd(lr = 0.1) on b* on net`: each moves the coordinates
 * that it is said to move, the last one what the others leave when it is said nothing. Needs: what join.h's passes need. Gives:
 * SemaRun.groups, each with bodies, terms and a word of its own; states and flows under names with the group's as suffix. */
#include "run.h"

/* ---- which dynamics ---- */

bool groups_find(Join *j, Unit *unit, const Stmt *st) {
    Sema *s = j->s;
    if (st->run.n_groups > MOST_GROUPS) {
        sema_error(s, DIAG_PATTERN, st->span, "a run has at most %d dynamics side by side", MOST_GROUPS);
        return false;
    }
    j->n_groups = st->run.n_groups;
    j->groups = ARENA_ARRAY(s->arena, Group, j->n_groups);
    for (uint32_t g = j->n_groups; g-- > 0;) { /* the first one last: the run has its name */
        Group *group = &j->groups[g];
        group->says = &st->run.groups[g];
        if (!join_find_dynamics(j, unit, group->says->dynamics)) return false;
        group->out.dynamics = j->out->dynamics;
        group->out.span = j->out->dynamics_span;
        group->dynamics = j->run->dynamics;
        bool word = false;
        for (uint32_t k = 0; group->dynamics && k < group->dynamics->stmt->dynamics.items.n; k++)
            word = word || group->dynamics->stmt->dynamics.items.at[k]->kind == STMT_STEP;
        if (!word) {
            Diag *d = sema_error(s, DIAG_PATTERN, j->out->dynamics_span, "`%s` is advanced by a method, which moves everything at once",
                                 sema_name(s, j->out->dynamics));
            sema_help(s, d, "dynamics side by side are words: `step { … }`");
            return false;
        }
        group->dynamics->called = true;
        group->pattern = group->dynamics->stmt->dynamics.has_pattern;
        group->suffix = arena_printf(s->arena, "_%s", group->says->n_names ? sema_name(s, group->says->names[0].name) : "q");
    }
    return true;
}

void groups_listen(Join *j) {
    for (uint32_t g = 0; g < j->n_groups; g++) {
        j->run->dynamics = j->groups[g].dynamics;
        join_listen(j);
    }
    j->block = true; /* no energies or momenta of single coordinates are of interest */
}

/* ---- what each moves ---- */

static bool is_named(Join *j, const Group *group, const Ent *ent) {
    Names *names = j->s->session->names;
    const RunGroup *says = group->says;
    for (uint32_t k = 0; k < says->n_names; k++) {
        const char *stem = name_ascii(names, says->names[k].name), *name = name_ascii(names, ent->name);
        if (ent->name == says->names[k].name || (says->names[k].prefix && !strncmp(name, stem, strlen(stem)))) return true;
    }
    return !says->n_names;
}

static uint32_t group_of(Join *j, const Ent *ent) {
    uint32_t g = 0;
    while (g < j->n_groups && !is_named(j, &j->groups[g], ent)) g++;
    return g;
}

static void check_names(Join *j, const Group *group) {
    Sema *s = j->s;
    for (uint32_t k = 0; k < group->says->n_names; k++) {
        const GroupName *name = &group->says->names[k];
        bool any = false;
        for (uint32_t v = 0; v < j->vars.n; v++) {
            const RunGroup one = {.names = (GroupName *)name, .n_names = 1};
            any = any || is_named(j, &(Group){.says = &one}, j->vars.at[v]);
        }
        if (any) continue;
        sema_error(s, DIAG_PATTERN, name->span, "`%s%s` is nothing that `%s` moves", sema_name(s, name->name),
                   name->prefix ? "*" : "", sema_name(s, j->out->system));
        j->failed = true;
    }
}

/* Orders the variables by their groups. */
void groups_vars(Join *j) {
    Sema *s = j->s;
    EntVec ordered = {0};
    for (uint32_t g = 0; g <= j->n_groups; g++) {
        if (g < j->n_groups) j->groups[g].first_var = ordered.n;
        for (uint32_t k = 0; k < j->vars.n; k++) {
            if (group_of(j, j->vars.at[k]) != g) continue;
            vec_push(&ordered, j->vars.at[k]);
            if (g < j->n_groups) continue;
            Diag *d = sema_error(s, DIAG_PATTERN, j->out->dynamics_span, "none of these dynamics moves `%s`",
                                 sema_name(s, j->vars.at[k]->name));
            sema_note(s, d, j->vars.at[k]->span, "declared here");
            sema_help(s, d, "name it, or let the last dynamics move what the others leave: `…, sgd(lr = 0.1) on %s`",
                      sema_name(s, j->out->system));
            j->failed = true;
        }
        if (g < j->n_groups) j->groups[g].n_vars = ordered.n - j->groups[g].first_var;
    }
    for (uint32_t g = 0; g < j->n_groups && !j->failed; g++) {
        check_names(j, &j->groups[g]);
        if (j->groups[g].n_vars || j->failed) continue;
        sema_error(s, DIAG_PATTERN, j->groups[g].out.span, "the dynamics before `%s` leave it nothing to move",
                   sema_name(s, j->groups[g].out.dynamics));
        j->failed = true;
    }
    vec_free(&j->vars);
    j->vars.at = ordered.at;
    j->vars.n = ordered.n;
    j->vars.cap = ordered.cap;
}

static bool is_plain(Join *j) {
    Sema *s = j->s;
    const SemaRun *out = j->out;
    const SemaTerm *others[] = {&out->lagrangian, &out->hamiltonian, &out->kinetic, &out->dissipation};
    const char *what = j->forces.n ? "forces" : j->constraints.n ? "constraints" : j->symmetries.n ? "symmetries" : NULL;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (others[k]->term) what = "more than a potential";
    if (!what) return true;
    Diag *d = sema_error(s, DIAG_PATTERN, out->system_span, "several dynamics descend in a potential, and `%s` has %s",
                         sema_name(s, out->system), what);
    sema_help(s, d, "run one dynamics on it");
    return false;
}

void groups_bodies(Join *j) {
    if (!is_plain(j)) {
        j->failed = true;
        return;
    }
    for (uint32_t g = 0; g < j->n_groups && !j->failed; g++) {
        Group *group = &j->groups[g];
        group->out.first_body = j->out->n_bodies;
        group->out.first_var = group->first_var;
        group->out.n_vars = group->n_vars;
        const char *names = "";
        for (uint32_t k = 0; k < group->n_vars; k++)
            names = arena_printf(j->s->arena, "%s%s%s", names, k ? ", " : "",
                                 sema_name(j->s, j->vars.at[group->first_var + k]->name));
        group->out.names = names;
        if (group->pattern) {
            join_single_bodies(j, group->first_var, group->n_vars);
        } else {
            Name name = name_of(j->s->session->names, group->suffix + 1);
            join_block(j, name, group->first_var, group->n_vars);
            if (j->failed) return;
            join_block_body(j, name, group->first_var, group->n_vars);
            group->q = j->q;
            group->v = j->v;
            group->p = j->p;
        }
        group->out.n_bodies = j->out->n_bodies - group->out.first_body;
    }
}

/* ---- all coordinates one after the other ---- */

/* The elements of `def`, over flat row-major places from `at` on, in the places of a body's axes. */
static IrTerm flat_place(IrProgram *p, const uint64_t *extent, const IrTerm *index, uint32_t rank, uint64_t at) {
    IrTerm place = ir_int(p, 0);
    for (uint32_t k = 0; k < rank; k++) place = ir_add(p, ir_mul(p, place, ir_int(p, (int64_t)extent[k])), index[k]);
    return ir_add(p, place, ir_int(p, (int64_t)at));
}

/* Definitions, one of each body, one after the other as a vector. */
static IrDef end_to_end(Join *j, const IrDef *def, const char *name) {
    IrProgram *p = j->s->ir;
    uint32_t n = j->out->n_bodies;
    IrPiece *pieces = ARENA_ARRAY(j->s->arena, IrPiece, n);
    uint64_t at = 0;
    IrElem elem = ir_def(p, def[0])->elem;
    for (uint32_t b = 0; b < n; b++) {
        uint64_t size = ir_size(p, def[b]);
        IrDef flat = def[b];
        if (ir_def(p, def[b])->rank != 1) flat = ir_view(p, 0, def[b], 0, 1, &size);
        pieces[b] = (IrPiece){flat, {at, 0}};
        at += size;
    }
    return ir_concat(p, name_of(j->s->session->names, name), elem, 1, &at, pieces, n);
}

Val groups_force(Join *j, uint32_t number, const Val *like) {
    Sema *s = j->s;
    uint64_t at = 0, extent[IR_MAX_RANK];
    IrTerm index[IR_MAX_RANK];
    for (uint32_t b = 0; b < number; b++) at += ir_size(s->ir, j->out->bodies[b].q);
    Val v = *like;
    for (uint32_t k = 0; k < v.rank; k++) {
        extent[k] = val_extent(s, &v, k);
        index[k] = ir_idx(s->ir, v.axis[k].idx);
    }
    IrTerm place = flat_place(s->ir, extent, index, v.rank, at);
    v.body = val_at(s, &j->whole, &place);
    return v;
}

/* `q` of all groups in the run's own statements, and the force on all of it where the run replaces that. */
static void bind_whole(Join *j) {
    Sema *s = j->s;
    uint32_t n = j->out->n_bodies;
    IrDef *def = ARENA_ARRAY(s->arena, IrDef, n);
    for (uint32_t b = 0; b < n; b++) def[b] = j->out->bodies[b].q;
    j->run->whole = end_to_end(j, def, "q");
    Name q = name_of(s->session->names, "q");
    Val all = val_read(s, j->run->whole, NULL);
    all.axis[0].full = val_extent(s, &all, 0);
    if (!scope_find_declared(s, j->body, q)) scope_bind(s, j->body, q, j->st->span, all);
    if (!push_is_said(j->st->run.items)) return;
    for (uint32_t b = 0; b < n && !j->failed; b++) def[b] = join_force(j, j->out->bodies[b].q);
    if (j->failed) return;
    Val force = all;
    IrTerm i = ir_idx(s->ir, force.axis[0].idx);
    force.body = ir_neg(s->ir, ir_read(s->ir, end_to_end(j, def, "∂V/∂q"), &i, 1));
    j->whole = push_whole(j, force);
}

/* ---- terms, states and words ---- */

static void keep_terms(Join *j, SemaGroup *out) {
    SemaTerm *from[] = {&j->out->lagrangian, &j->out->hamiltonian, &j->out->kinetic, &j->out->dissipation};
    SemaTerm *to[] = {&out->lagrangian, &out->hamiltonian, &out->kinetic, &out->dissipation};
    for (size_t k = 0; k < sizeof from / sizeof *from; k++) {
        *to[k] = *from[k];
        *from[k] = (SemaTerm){0};
    }
}

static void join_one(Join *j, Group *group) {
    SemaRun *out = j->out;
    j->run->dynamics = group->dynamics;
    j->call = group->says->dynamics;
    out->dynamics = group->out.dynamics;
    out->dynamics_span = group->out.span;
    j->q = group->q;
    j->v = group->v;
    j->p = group->p;
    j->first_var = group->first_var;
    j->n_moved = group->n_vars;
    j->suffix = group->suffix;
    j->parts = NULL;
    j->n_parts = 0;
    join_dynamics(j);
    if (!j->failed) join_word(j);
    if (!j->failed) join_complete(j);
    group->parts = j->parts;
    group->n_parts = j->n_parts;
    group->out.word = out->word;
    group->out.word_span = out->word_span;
    group->out.by = out->by;
    keep_terms(j, &group->out);
}

/* The states of a group by the names that the derivation shows them under: v_W. */
static void bind_states(Join *j, const Group *group) {
    Sema *s = j->s;
    for (uint32_t k = 0; k < group->n_parts; k++)
        for (Ent *e = group->parts[k].scope->first; e; e = e->next) {
            if (e->kind != ENT_STATE) continue;
            Name name = name_of(s->session->names, arena_printf(s->arena, "%s%s", sema_name(s, e->name), group->parts[k].suffix));
            if (!scope_own(j->body, name) && !scope_find_declared(s, j->body, name)) scope_bind(s, j->body, name, e->span, e->val);
        }
}

void groups_join(Join *j) {
    SemaRun *out = j->out;
    bind_whole(j);
    for (uint32_t g = 0; g < j->n_groups && !j->failed; g++) join_one(j, &j->groups[g]);
    if (j->failed) return;
    out->groups = ARENA_ARRAY(j->s->arena, SemaGroup, j->n_groups);
    for (uint32_t g = 0; g < j->n_groups; g++) {
        out->groups[g] = j->groups[g].out;
        bind_states(j, &j->groups[g]);
    }
    out->n_groups = j->n_groups;
    const Group *first = &j->groups[0];
    out->dynamics = first->out.dynamics;
    out->dynamics_span = first->out.span;
    out->by = first->out.by;
    j->run->dynamics = first->dynamics;
    j->parts = first->parts;
    j->n_parts = first->n_parts;
    out->word = (SemaWord){.span = j->st->span, .fraction = 1, .count = 1, .body = NULL};
    join_system_states(j);
}

/* At the end: everything over the blocks, T(p) a Hamiltonian. */
void groups_replace(Join *j) {
    SemaRun *out = j->out;
    for (uint32_t g = 0; g < out->n_groups; g++) {
        SemaGroup *group = &out->groups[g];
        SemaTerm *terms[] = {&group->lagrangian, &group->hamiltonian, &group->kinetic, &group->dissipation};
        for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) terms[k]->term = join_blocked(j, terms[k]->term);
        group->by = join_blocked(j, group->by);
        out->kinetic = group->kinetic;
        join_momenta(j);
        if (out->hamiltonian.term) group->hamiltonian = out->hamiltonian;
        group->kinetic = out->kinetic;
        out->kinetic = out->hamiltonian = (SemaTerm){0};
    }
}
