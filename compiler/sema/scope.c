/* scope — names and what they stand for. Needs: the tree. Gives: scopes with one entity per declared name,
 * duplicates reported. Changes nothing else; values are elaborated later, on demand. */
#include "internal.h"

Scope *scope_new(Sema *s, ScopeKind kind, Scope *parent) {
    Scope *scope = ARENA_NEW(s->arena, Scope);
    scope->kind = kind;
    scope->parent = parent;
    scope->unit = parent ? parent->unit : NULL;
    return scope;
}

static uint32_t hash_name(Name name, uint32_t cap) { return (name * 2654435761u) & (cap - 1); }

static void insert(Scope *scope, Ent *ent) {
    uint32_t at = hash_name(ent->name, scope->cap);
    while (scope->slot[at]) at = (at + 1) & (scope->cap - 1);
    scope->slot[at] = ent;
}

static void grow(Sema *s, Scope *scope) {
    scope->cap = scope->cap ? scope->cap * 2 : 8;
    scope->slot = ARENA_ARRAY(s->arena, Ent *, scope->cap);
    for (Ent *e = scope->first; e; e = e->next) insert(scope, e);
}

Ent *scope_own(const Scope *scope, Name name) {
    if (!scope->cap || !name) return NULL;
    for (uint32_t at = hash_name(name, scope->cap); scope->slot[at]; at = (at + 1) & (scope->cap - 1))
        if (scope->slot[at]->name == name) return scope->slot[at];
    return NULL;
}

Ent *scope_add(Sema *s, Scope *scope, EntKind kind, Name name, Span span) {
    Ent *there = scope_own(scope, name);
    if (there) {
        Diag *d = sema_error(s, DIAG_DUPLICATE, span, "`%s` is declared twice", sema_name(s, name));
        sema_note(s, d, there->span, "declared here before");
        sema_help(s, d, "give one of them another name");
        return NULL;
    }
    Ent *ent = ARENA_NEW(s->arena, Ent);
    ent->kind = kind;
    ent->name = name;
    ent->span = span;
    ent->scope = scope;
    if ((scope->n + 1) * 2 > scope->cap) grow(s, scope);
    insert(scope, ent);
    scope->n++;
    if (scope->last)
        scope->last->next = ent;
    else
        scope->first = ent;
    scope->last = ent;
    return ent;
}

Ent *scope_bind(Sema *s, Scope *scope, Name name, Span span, Val val) {
    Ent *ent = scope_add(s, scope, ENT_VALUE, name, span);
    if (!ent) return NULL;
    ent->state = ENT_DONE;
    ent->val = val;
    return ent;
}

static EntKind ent_kind_of(DeclKind kind) {
    switch (kind) {
    case DECL_CONST: return ENT_CONST;
    case DECL_DATA: return ENT_DATA;
    case DECL_LET: return ENT_LET;
    case DECL_STATE: return ENT_STATE;
    case DECL_PARAM:
    case DECL_COORD:
    case DECL_SPIN:
    case DECL_BIT:
    case DECL_ANGLE:
    case DECL_UNIT: return ENT_VAR;
    }
    return ENT_LET;
}

/* `x' = 0.5` after `x = 0.4` states the initial velocity of x. */
static void attach_velocity(Sema *s, Scope *scope, const Declarator *d) {
    Ent *ent = scope_own(scope, d->name);
    if (!ent || ent->kind != ENT_VAR) {
        Diag *e =
            sema_error(s, DIAG_UNKNOWN_NAME, d->name_span,
                       "the initial velocity of `%s` is given, but `%s` is not declared as a coordinate here",
                       sema_name(s, d->name), sema_name(s, d->name));
        sema_help(s, e, "write `coord %s = …, %s' = …`", sema_name(s, d->name), sema_name(s, d->name));
    } else if (ent->prime) {
        Diag *e = sema_error(s, DIAG_DUPLICATE, d->name_span, "the initial velocity of `%s` is given twice",
                             sema_name(s, d->name));
        sema_note(s, e, ent->prime->name_span, "given here before");
    } else if (d->primes > 1) {
        sema_error(s, DIAG_DUPLICATE, d->name_span,
                   "a coordinate starts with a position and a velocity; `%s''` "
                   "follows from the equations of motion",
                   sema_name(s, d->name));
    } else {
        ent->prime = d;
    }
}

static void collect_declare(Sema *s, Scope *scope, const Stmt *st) {
    EntKind kind = ent_kind_of(st->declare.kind);
    for (uint32_t k = 0; k < st->declare.n; k++) {
        const Declarator *d = &st->declare.at[k];
        if (!d->name) continue;
        if (d->primes && kind == ENT_VAR) continue;
        Ent *ent = scope_add(s, scope, kind, d->name, d->name_span);
        if (!ent) continue;
        ent->decl = d;
        ent->decl_kind = st->declare.kind;
        ent->stmt = st;
        if (kind == ENT_VAR) vec_push(&s->vars, ent);
    }
    for (uint32_t k = 0; k < st->declare.n; k++)
        if (st->declare.at[k].primes && kind == ENT_VAR) attach_velocity(s, scope, &st->declare.at[k]);
}

/* Extents that are bound by a data file: lone names in `data` declarations that nothing else declares. */
static void collect_extents(Sema *s, Scope *scope, const Stmt *st) {
    for (uint32_t k = 0; k < st->declare.n; k++) {
        const Declarator *d = &st->declare.at[k];
        if (!data_binds_extents(s, d->init)) continue;
        for (uint32_t a = 0; a < d->axes.n; a++) {
            Name name = d->axes.at[a].name;
            if (!name || d->axes.at[a].extent || d->axes.at[a].set || scope_own(scope, name)) continue;
            Ent *ent = scope_add(s, scope, ENT_EXTENT, name, d->axes.at[a].span);
            ent->decl = d;
            ent->stmt = st;
        }
    }
}

void scope_collect(Sema *s, Scope *scope, StmtList items) {
    scope->items = items;
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        Ent *ent = NULL;
        if (st->kind == STMT_DECLARE) collect_declare(s, scope, st);
        if (st->kind == STMT_FN && st->fn.name)
            ent = scope_add(s, scope, ENT_FN, st->fn.name, st->fn.name_span);
        if (st->kind == STMT_SYSTEM && st->system.name)
            ent = scope_add(s, scope, ENT_SYSTEM, st->system.name, st->system.name_span);
        if (st->kind == STMT_DYNAMICS && st->dynamics.name)
            ent = scope_add(s, scope, ENT_DYNAMICS, st->dynamics.name, st->dynamics.name_span);
        if (st->kind == STMT_FLOW && st->flow.name)
            ent = scope_add(s, scope, ENT_FLOW, st->flow.name, st->flow.name_span);
        if (st->kind == STMT_RUN && st->run.label)
            ent = scope_add(s, scope, ENT_RUN, st->run.label, st->span);
        if (ent) ent->stmt = st;
    }
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_DECLARE && items.at[k]->declare.kind == DECL_DATA)
            collect_extents(s, scope, items.at[k]);
}

Ent *scope_find_declared(Sema *s, Scope *scope, Name name) {
    (void)s;
    for (Scope *at = scope; at; at = at->parent) {
        Ent *ent = scope_own(at, name);
        for (Scope *also = at->also; also && !ent; also = also->also) ent = scope_own(also, name);
        if (!ent && at->kind == SCOPE_FILE && at->unit)
            for (uint32_t k = 0; k < at->unit->n_uses && !ent; k++)
                if (at->unit->uses[k] && at->unit->uses[k]->scope)
                    ent = scope_own(at->unit->uses[k]->scope, name);
        if (ent) return ent;
    }
    for (Scope *at = scope; at; at = at->parent)
        for (Scope *back = at->fallback; back && back->kind != SCOPE_FILE; back = back->parent) {
            Ent *ent = scope_own(back, name);
            if (ent) return ent;
        }
    return NULL;
}

Ent *scope_find(Sema *s, Scope *scope, Name name) {
    Ent *ent = scope_find_declared(s, scope, name);
    return ent ? ent : load_library_find(s, name);
}

Ent *scope_find_kind(Sema *s, Scope *scope, Name name, EntKind kind) {
    for (Scope *at = scope; at; at = at->parent) {
        Ent *ent = scope_own(at, name);
        for (Scope *also = at->also; also && !(ent && ent->kind == kind); also = also->also)
            ent = scope_own(also, name);
        for (uint32_t k = 0; at->kind == SCOPE_FILE && at->unit && k < at->unit->n_uses; k++)
            if (!(ent && ent->kind == kind)) ent = scope_own(at->unit->uses[k]->scope, name);
        if (ent && ent->kind == kind) return ent;
    }
    return load_library_find_kind(s, name, kind);
}

/* `dx` and `x_dot` where x is a coordinate: its velocity. */
static bool help_velocity(Sema *s, Scope *scope, Name name, Diag *d) {
    const char *text = name_ascii(s->session->names, name);
    size_t n = strlen(text);
    const char *of = NULL;
    if (text[0] == 'd' && n > 1) of = arena_string(s->arena, text + 1, n - 1);
    if (n > 4 && !strcmp(text + n - 4, "_dot")) of = arena_string(s->arena, text, n - 4);
    Ent *ent = of ? scope_find_declared(s, scope, name_intern_ident(s->session->names, of, strlen(of))) : NULL;
    if (!ent || ent->kind != ENT_VAR) return false;
    sema_help(s, d, "the velocity of `%s` is written `%s'`", sema_name(s, ent->name), sema_name(s, ent->name));
    return true;
}

void scope_unknown(Sema *s, Scope *scope, Name name, Span span, const char *what, DiagCode code) {
    Diag *d = sema_error(s, code, span, "unknown %s `%s`", what, sema_name(s, name));
    if (!d || help_velocity(s, scope, name, d)) return;
    if (code == DIAG_UNKNOWN_FUNCTION && distribution_exists(name_ascii(s->session->names, name))) {
        sema_help(s, d, "a random number is `draw %s(…)`; a density is said with `~` in a system",
                  sema_name(s, name));
        return;
    }
    VEC(const char *) names = {0};
    for (Scope *at = scope; at; at = at->parent)
        for (Scope *own = at; own; own = own->also)
            for (Ent *e = own->first; e; e = e->next) vec_push(&names, sema_name(s, e->name));
    for (uint32_t k = 0; k < builtin_count(); k++) vec_push(&names, builtin_name(k));
    if (code == DIAG_UNKNOWN_FUNCTION) load_library_all(s);
    for (uint32_t k = 0; k < s->units.n && code == DIAG_UNKNOWN_FUNCTION; k++)
        for (Ent *e = s->units.at[k]->scope->first; e; e = e->next)
            if (e->kind == ENT_FN) vec_push(&names, sema_name(s, e->name));
    const char *near = diag_nearest(sema_name(s, name), names.at, names.n);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    vec_free(&names);
}

const char *sema_ent_kind_text(const Ent *ent) {
    switch (ent->kind) {
    case ENT_CONST: return "a constant";
    case ENT_DATA: return "data";
    case ENT_VAR: return ent->decl_kind == DECL_PARAM ? "a parameter" : "a coordinate";
    case ENT_LET: return "a definition";
    case ENT_STATE: return "a state";
    case ENT_FN: return "a function";
    case ENT_SYSTEM: return "a system";
    case ENT_DYNAMICS: return "a dynamics";
    case ENT_RUN: return "a run";
    case ENT_EXTENT: return "an extent";
    case ENT_VALUE: return ent->is_index ? "an index" : "a value";
    case ENT_FLOW: return "a flow";
    }
    return "a name";
}
