/* entity — what a name stands for, elaborated when first needed: constants, definitions, coordinates,
 * extents. Cycles are found by the entities that are still busy. */
#include "recursion.h"

#define MAX_BUSY 100

/* ---- the context of an elaboration ---- */

typedef struct Context {
    uint32_t mute, depth, guarded, active_base, condition_base;
    const CallFrame *call;
} Context;

static Context context_leave(Sema *s) {
    Context c = {s->mute, s->depth, s->guarded, s->active_base, s->condition_base, s->call};
    s->mute = s->trial ? s->mute : 0;
    s->depth = s->guarded = 0;
    s->active_base = s->active.n;
    s->condition_base = s->conditions.n;
    s->call = NULL;
    return c;
}

static void context_return(Sema *s, Context c) {
    s->mute = c.mute;
    s->depth = c.depth;
    s->guarded = c.guarded;
    s->active_base = c.active_base;
    s->condition_base = c.condition_base;
    s->call = c.call;
}

static Val cycle(Sema *s, Ent *ent, Span use) {
    uint32_t first = s->busy.n;
    while (first && s->busy.at[first - 1] != ent) first--;
    Buf chain = {0};
    for (uint32_t k = first ? first - 1 : 0; k < s->busy.n; k++)
        buf_printf(&chain, "%s → ", sema_name(s, s->busy.at[k]->name));
    buf_printf(&chain, "%s", sema_name(s, ent->name));
    uint32_t mute = s->mute;
    s->mute = 0;
    Diag *d = sema_error(s, DIAG_CYCLE, ent->span, "`%s` is defined in terms of itself: %s",
                         sema_name(s, ent->name), chain.at);
    sema_note(s, d, use, "`%s` is used here", sema_name(s, ent->name));
    s->mute = mute;
    buf_free(&chain);
    for (uint32_t k = first ? first - 1 : 0; k < s->busy.n; k++) s->busy.at[k]->state = ENT_BAD;
    return val_poison();
}

/* ---- kinds ---- */

static Val fold_const(Sema *s, Ent *ent, Val v) {
    double value;
    if (!val_ok(&v)) return v;
    if (v.rank) return v;
    IrType type = val_type(s, &v);
    if (!sema_const_term(s, v.body, &value)) {
        Diag *d = sema_error(s, DIAG_CONST_NEEDED, ent->decl->init->span,
                             "the constant `%s` must be known before the program runs, and this is not",
                             sema_name(s, ent->name));
        sema_help(s, d, "use `let` for what depends on coordinates, data or noise");
        return val_poison();
    }
    if (type == IR_BOOL) return val_scalar(ir_bool(s->ir, value != 0));
    return type == IR_INT ? val_int(s, (int64_t)value) : val_real(s, value);
}

static const char *override_of(Sema *s, const Ent *ent) {
    if (ent->scope->kind != SCOPE_FILE || ent->scope->unit->library) return NULL;
    for (uint32_t k = 0; k < s->options->n_overrides; k++) {
        const SemaOverride *o = &s->options->overrides[k];
        if (name_intern_ident(s->session->names, o->name, strlen(o->name)) == ent->name) {
            s->override_used[k] = true;
            return o->value;
        }
    }
    return NULL;
}

static Val override_value(Sema *s, const Ent *ent, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (!strcmp(text, "true") || !strcmp(text, "false")) return val_scalar(ir_bool(s->ir, text[0] == 't'));
    if (*text == 0 || *end != 0 || !isfinite(value)) {
        sema_error(s, DIAG_OVERRIDE, ent->span, "--set %s=%s: the value is not a number",
                   sema_name(s, ent->name), text);
        return val_poison();
    }
    bool integer = text[strcspn(text, ".eE")] == 0;
    return integer ? val_int(s, (int64_t)value) : val_real(s, value);
}

static Val const_value(Sema *s, Ent *ent) {
    const char *text = override_of(s, ent);
    if (text) return override_value(s, ent, text);
    Val v = fold_const(s, ent, sema_let(s, ent->scope, ent->decl, false));
    /* a table has a name, and is shown by it */
    return val_ok(&v) && v.rank ? val_define(s, v, ent->decl->name, ent->decl->name_span, ent->scope) : v;
}

static bool is_fixed(const Ent *ent) {
    return ent->kind == ENT_CONST || ent->kind == ENT_EXTENT || ent->kind == ENT_DATA || ent->kind == ENT_VAR;
}

static Val elaborate(Sema *s, Ent *ent) {
    switch (ent->kind) {
    case ENT_CONST: return const_value(s, ent);
    case ENT_LET: return sema_let(s, ent->scope, ent->decl, true);
    case ENT_DATA: return sema_data(s, ent) ? ent->val : val_poison();
    case ENT_EXTENT: return sema_extent(s, ent) ? val_int(s, (int64_t)ent->extent) : val_poison();
    case ENT_VAR: return sema_var_declare(s, ent) ? ent->val : val_poison();
    case ENT_STATE: return ent->val;
    case ENT_FN:
    case ENT_SYSTEM:
    case ENT_DYNAMICS:
    case ENT_RUN:
    case ENT_VALUE:
    case ENT_FLOW: break;
    }
    return val_poison();
}

static bool is_done(const Sema *s, const Ent *ent) {
    if (ent->kind == ENT_VALUE || ent->kind == ENT_STATE) return true;
    if (ent->state == ENT_NEW || ent->state == ENT_BUSY) return false;
    return is_fixed(ent) || ent->world == s->world;
}

static void elaborate_now(Sema *s, Ent *ent) {
    Context context = context_leave(s);
    ent->state = ENT_BUSY;
    ent->world = s->world;
    vec_push(&s->busy, ent);
    Val v = elaborate(s, ent);
    (void)vec_pop(&s->busy);
    bool bad = ent->state == ENT_BAD || v.kind == VAL_POISON;
    ent->val = bad ? val_poison() : v;
    ent->state = bad ? ENT_BAD : ENT_DONE;
    if (!bad && ent->kind == ENT_LET && val_ok(&v) && recursion_is_inside(s, NULL, v.body)) vec_push(&s->passing, ent);
    context_return(s, context);
}

/* ---- long chains ---- */

typedef struct Ahead {
    Sema *s;
    Ent *of;
    VEC(Ent *) stack;
} Ahead;

static void push_mentioned(void *context, Name name) {
    Ahead *a = context;
    Ent *ent = scope_find_declared(a->s, a->of->scope, name);
    if (ent && (ent->kind == ENT_LET || ent->kind == ENT_CONST) && !is_done(a->s, ent) &&
        ent->state != ENT_BUSY)
        vec_push(&a->stack, ent);
}

/* Elaborates what `ent` mentions first, with a stack of its own, so that a long chain of definitions written
 * backwards needs no deep recursion. */
static void elaborate_ahead(Sema *s, Ent *ent) {
    Ahead a = {.s = s};
    vec_push(&a.stack, ent);
    while (a.stack.n) {
        Ent *top = a.stack.at[a.stack.n - 1];
        if (is_done(s, top) || top->state == ENT_BUSY) {
            a.stack.n--;
        } else if (top->opened != s->world + 1) {
            top->opened = s->world + 1;
            a.of = top;
            if (top->decl && top->decl->init) index_each_name(top->decl->init, push_mentioned, &a);
        } else {
            a.stack.n--;
            elaborate_now(s, top);
        }
    }
    vec_free(&a.stack);
}

Val sema_ent_value(Sema *s, Ent *ent, Span use) {
    ent->used = true;
    if (!is_done(s, ent)) {
        if (ent->state == ENT_BUSY) return ent->open ? recursion_refer(s, ent->open) : cycle(s, ent, use);
        if (s->busy.n >= MAX_BUSY && !s->ahead) {
            s->ahead = true;
            elaborate_ahead(s, ent);
            s->ahead = false;
        }
        if (!is_done(s, ent)) elaborate_now(s, ent);
    }
    if (ent->kind == ENT_DATA && s->generating && val_ok(&ent->generated))
        return val_fresh_axes(s, &ent->generated);
    if (!val_ok(&ent->val) || ent->val.rank == 0) return ent->val;
    return val_fresh_axes(s, &ent->val);
}
