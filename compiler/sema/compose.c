/* compose — a word made of other words: `compose leapfrog(w)` takes the word of another dynamics into this one,
 * shortened to the fraction w of the step. Needs: the dynamics and its scope. Gives: the parts of each composed
 * dynamics, elaborated once for every set of arguments, so that its states and flows are its own.
 *
 * What the inner dynamics adds to the Lagrangian (a friction, a kinetic energy) is added here as if this one had said
 * it. The length of its step is the fraction of this one's: its own `h` is not asked for. */
#include "run.h"

enum { MOST_DEEP = 16 };

static const Stmt *step_of(const Stmt *dynamics) {
    StmtList items = dynamics->dynamics.items;
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_STEP) return items.at[k];
    return NULL;
}

/* ---- which dynamics a word names ---- */

static Ent *find_dynamics(Join *j, Scope *scope, const Word *w) {
    Sema *s = j->s;
    Ent *ent = scope_find_kind(s, scope, w->part, ENT_DYNAMICS);
    if (ent && step_of(ent->stmt)) return ent;
    Diag *d;
    if (ent) {
        d = sema_error(s, DIAG_COMPOSE, w->span, "`%s` has no word that could be taken in: it is moved by a method",
                       sema_name(s, w->part));
        sema_note(s, d, ent->span, "declared here");
    } else {
        d = sema_error(s, DIAG_COMPOSE, w->span, "`%s` is no dynamics whose word could be taken in",
                       sema_name(s, w->part));
        sema_help(s, d, "`compose leapfrog(1/3)` names a dynamics; a part such as `p` stands by itself");
    }
    return NULL;
}

typedef void (*Visit)(Join *j, Scope *scope, const Word *w, int depth);

static void each_composed(Join *j, Scope *scope, const WordList *list, int depth, Visit visit) {
    for (uint32_t k = 0; k < list->n && !j->failed; k++) {
        if (list->at[k].composes)
            visit(j, scope, &list->at[k], depth);
        else
            each_composed(j, scope, &list->at[k].body, depth, visit);
    }
}

static void hear_word(Join *j, Scope *scope, const Word *w, int depth) {
    Sema *s = j->s;
    Ent *ent = find_dynamics(j, scope, w);
    if (!ent || depth > MOST_DEEP) {
        if (ent) {
            Diag *d = sema_error(s, DIAG_COMPOSE, w->span, "`%s` is composed of itself", sema_name(s, w->part));
            sema_note(s, d, ent->span, "declared here");
        }
        j->failed = true;
        return;
    }
    ent->called = true;
    join_listen_to(j, ent->stmt);
    each_composed(j, ent->scope, &step_of(ent->stmt)->step.word, depth + 1, hear_word);
}

void compose_listen(Join *j) {
    const Stmt *step = step_of(j->run->dynamics->stmt);
    if (step) each_composed(j, j->run->dynamics->scope, &step->step.word, 0, hear_word);
}

/* ---- elaboration ---- */

Inner *compose_find(Join *j, const Word *word) {
    for (uint32_t k = 0; k < j->composed.n; k++)
        if (j->composed.at[k].word == word && j->composed.at[k].outer == j->parts) return j->composed.at[k].inner;
    return NULL;
}

/* The parameter that is the length of the step, `step by h`; 0: there is none. */
static Name length_name(const Stmt *dynamics) {
    const Expr *by = step_of(dynamics)->step.by;
    if (!by || by->kind != EXPR_NAME) return 0;
    for (uint32_t k = 0; k < dynamics->dynamics.params.n; k++)
        if (dynamics->dynamics.params.at[k].name == by->name.name) return by->name.name;
    return 0;
}

static bool same_inner(Join *j, const Inner *a, const Inner *b) {
    if (a->dynamics != b->dynamics || a->by != b->by) return false;
    for (uint32_t k = 0; k < a->dynamics->stmt->dynamics.params.n; k++) {
        double x, y;
        const Val *u = &a->args[k], *v = &b->args[k];
        if (u->kind != v->kind) return false;
        if (u->kind != VAL_TENSOR || (!u->rank && !v->rank && u->body == v->body)) continue;
        if (u->rank || v->rank || !sema_const_term(j->s, u->body, &x) || !sema_const_term(j->s, v->body, &y) || x != y)
            return false;
    }
    return true;
}

/* What the word says of the parameters, for telling one composed dynamics from another. */
static void list_args(Join *j, const Word *w, Inner *inner) {
    const ParamList params = inner->dynamics->stmt->dynamics.params;
    inner->args = ARENA_ARRAY(j->s->arena, Val, params.n + 1);
    for (uint32_t k = 0; k < params.n; k++)
        for (uint32_t a = 0; a < w->args.n; a++)
            if (w->args.at[a].name == params.at[k].name)
                inner->args[k] = sema_expr(j->s, j->parts[0].scope, w->args.at[a].value);
}

/* The length of the outer step, times the fraction: what an inner dynamics calls h. */
static IrTerm inner_length(Join *j, const Word *w, IrTerm outer) {
    double fraction = 1;
    if (w->fraction && !sema_const(j->s, j->parts[0].scope, w->fraction, &fraction, "a fraction of a step"))
        j->failed = true;
    return ir_mul(j->s->ir, ir_real(j->s->ir, fraction), outer);
}

static bool names_length(Join *j, const Word *w, Name length) {
    for (uint32_t a = 0; a < w->args.n; a++) {
        if (!length || w->args.at[a].name != length) continue;
        Diag *d = sema_error(j->s, DIAG_COMPOSE, w->args.at[a].span,
                             "the length of a composed word is a fraction of this step");
        sema_help(j->s, d, "write `compose %s(1/3)` for a third of it", sema_name(j->s, w->part));
        return true;
    }
    return false;
}

static void bind_inner(Join *j, const Word *w, const Inner *inner, Name length, IrTerm by) {
    const Stmt *st = inner->dynamics->stmt;
    ParamList params = {ARENA_ARRAY(j->s->arena, Param, st->dynamics.params.n + 1), 0};
    for (uint32_t k = 0; k < st->dynamics.params.n; k++)
        if (!length || st->dynamics.params.at[k].name != length)
            params.at[params.n++] = st->dynamics.params.at[k];
    Scope *from = j->parts[0].scope;
    j->params = scope_new(j->s, SCOPE_DYNAMICS, inner->dynamics->scope);
    join_bind_params(j, j->params, from, w->args, params, inner->dynamics, w->span, true);
    if (length) scope_bind(j->s, j->params, length, w->span, val_scalar(by));
}

static void open_all(Join *j, Scope *scope, const WordList *list, IrTerm by);

static Inner *already_open(Join *j, const Inner *inner) {
    for (uint32_t k = 0; k < j->composed.n; k++)
        if (same_inner(j, j->composed.at[k].inner, inner)) return j->composed.at[k].inner;
    return NULL;
}

static void open_one(Join *j, Scope *scope, const Word *w, IrTerm outer) {
    Ent *ent = find_dynamics(j, scope, w);
    if (!ent) {
        j->failed = true;
        return;
    }
    const Stmt *st = ent->stmt;
    Name length = length_name(st);
    if (names_length(j, w, length)) {
        j->failed = true;
        return;
    }
    Inner *inner = ARENA_NEW(j->s->arena, Inner);
    IrTerm by = inner_length(j, w, outer);
    *inner = (Inner){.dynamics = ent, .step = step_of(st), .by = length && join_speaks_of(st, length) ? by : 0};
    list_args(j, w, inner);
    Inner *before = j->failed ? NULL : already_open(j, inner);
    vec_push(&j->composed, (Composed){w, j->parts, before ? before : inner});
    if (before || j->failed) return;
    Part *parts = j->parts;
    uint32_t n_parts = j->n_parts;
    bind_inner(j, w, inner, length, by);
    j->parts = NULL;
    j->n_parts = 0;
    if (!j->failed && join_make_parts(j, st)) {
        inner->parts = j->parts;
        inner->n_parts = j->n_parts;
        const char *own = arena_printf(j->s->arena, "_%s%u", sema_name(j->s, ent->name), j->composed.n);
        for (uint32_t k = 0; k < inner->n_parts && !j->failed; k++) {
            inner->parts[k].suffix = arena_printf(j->s->arena, "%s%s", own, inner->parts[k].suffix);
            join_part(j, &inner->parts[k], st);
        }
        if (!j->failed) open_all(j, ent->scope, &inner->step->step.word, by);
    } else {
        j->failed = true;
    }
    j->parts = parts;
    j->n_parts = n_parts;
}

static void open_all(Join *j, Scope *scope, const WordList *list, IrTerm by) {
    for (uint32_t k = 0; k < list->n && !j->failed; k++) {
        if (list->at[k].composes)
            open_one(j, scope, &list->at[k], by);
        else
            open_all(j, scope, &list->at[k].body, by);
    }
}

void compose_open(Join *j) {
    const Stmt *step = step_of(j->run->dynamics->stmt);
    if (!step) return;
    IrTerm by = step->step.by ? join_scalar(j, j->parts[0].scope, step->step.by, "the length of a step") : 0;
    open_all(j, j->run->dynamics->scope, &step->step.word, by ? by : ir_real(j->s->ir, 1));
}

/* ---- adjoints, and what comes to stand side by side ---- */

/* Why a part is not undone by itself backwards; NULL where it is. */
static const char *not_reversible(Join *j, Name part) {
    Names *names = j->s->session->names;
    bool inertia = j->out->kinetic.term || j->out->lagrangian.term || j->out->hamiltonian.term;
    if (part == name_of(names, "bath")) return "a heat bath is not undone by going back";
    if (part == name_of(names, "q") && !inertia)
        return "without kinetic energy `q` is an explicit step, whose adjoint is implicit";
    for (uint32_t k = 0; k < j->states.n; k++)
        if (j->states.at[k].name == part && j->states.at[k].next)
            return "a state that takes its next value at once is not undone by going back";
    for (uint32_t k = 0; k < j->flows.n; k++)
        for (uint32_t r = 0; r < j->flows.at[k].n; r++)
            if (j->flows.at[k].name == part && j->flows.at[k].at_once[r])
                return "a flow that moves at once is not undone by going back";
    return NULL;
}

bool compose_adjoint(Join *j, const Word *at, SemaWord *word, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        const char *why = word[k].part ? not_reversible(j, word[k].part) : NULL;
        if (why) {
            sema_error(j->s, DIAG_COMPOSE, at->span, "the word of `%s` has no adjoint of exact parts: %s",
                       sema_name(j->s, at->part), why);
            return false;
        }
        if (!word[k].part && !compose_adjoint(j, at, word[k].body, word[k].n)) return false;
    }
    for (uint32_t a = 0, b = n; a + 1 < b; a++) {
        SemaWord swap = word[a];
        word[a] = word[--b];
        word[b] = swap;
    }
    return true;
}

static uint32_t flat_length(const SemaWord *word) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < word->n; k++)
        n += !word->body[k].part && word->body[k].count == 1 ? flat_length(&word->body[k]) : 1;
    return n;
}

static bool may_merge(Join *j, const SemaWord *a, const SemaWord *b) {
    return a->part && a->part == b->part && !not_reversible(j, a->part);
}

static void flatten(Join *j, const SemaWord *from, SemaWord *to) {
    for (uint32_t k = 0; k < from->n; k++) {
        SemaWord *w = &from->body[k];
        if (!w->part && w->count == 1) {
            flatten(j, w, to);
        } else if (to->n && may_merge(j, &to->body[to->n - 1], w)) {
            to->body[to->n - 1].fraction += w->fraction;
        } else {
            if (!w->part) compose_merge(j, w);
            to->body[to->n++] = *w;
        }
    }
}

void compose_merge(Join *j, SemaWord *word) {
    SemaWord flat = *word;
    flat.body = ARENA_ARRAY(j->s->arena, SemaWord, flat_length(word) + 1);
    flat.n = 0;
    flatten(j, word, &flat);
    *word = flat;
}
