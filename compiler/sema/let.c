/* let — the left side of a definition: `let h[j] = e`, `let h = e`, `let h[2, 2] = [[…], […]]`. Gives the
 * value, as a definition of the IR over its axes and over the indices of the context it depends on. */
#include "recursion.h"

IrElem sema_real_elem(Sema *s, Scope *scope) {
    (void)scope;
    return s->model->is_f32 ? IR_F32 : IR_F64;
}

/* Whether the axis is an extent: bare (`[2]`), or a lone name that is a known constant and not used as an
 * index. */
bool axis_is_extent(Sema *s, Scope *scope, const Binder *b, const Expr *init) {
    if (b->set) return false;
    if (!b->name) return true;
    if (b->extent) return false;
    Ent *ent = scope_find(s, scope, b->name);
    if (!ent || (ent->kind != ENT_CONST && ent->kind != ENT_EXTENT)) return false;
    return !init || !index_subscripts_by(init, b->name);
}

bool axis_extent(Sema *s, Scope *scope, const Binder *b, uint64_t *extent) {
    int64_t value;
    Expr name = {.kind = EXPR_NAME, .span = b->span, .name.name = b->name};
    const Expr *e = b->extent ? b->extent : &name;
    if (!sema_const_int(s, scope, e, &value, "an extent")) return false;
    if (value < 1 || value > ((int64_t)1 << 40)) {
        sema_error(s, DIAG_EXTENT, e->span, "an extent is a positive integer, and this is %lld",
                   (long long)value);
        return false;
    }
    *extent = (uint64_t)value;
    return true;
}

/* `let a[2, 3] = e`: the value has that shape already. */
static Val whole(Sema *s, Scope *scope, const Declarator *d) {
    Val v = sema_expr(s, scope, d->init);
    if (v.kind == VAL_POISON || v.open_shape || (val_ok(&v) && v.rank == 0)) return v;
    bool ok = val_ok(&v) && v.rank == d->axes.n;
    Val declared = {.kind = VAL_TENSOR, .rank = (uint8_t)d->axes.n};
    for (uint32_t k = 0; k < d->axes.n; k++) {
        uint64_t extent;
        if (!axis_extent(s, scope, &d->axes.at[k], &extent)) return val_poison();
        declared.axis[k].idx = ir_fresh(s->ir, extent, 0);
        ok = ok && extent == val_extent(s, &v, k);
        if (ok && d->axes.at[k].periodic) v.axis[k].periodic = true;
    }
    if (ok) return v;
    Diag *e = sema_error(s, DIAG_SHAPE, d->init->span, "`%s` is declared as %s, but this is %s",
                         sema_name(s, d->name), sema_shape_text(s, &declared), sema_shape_text(s, &v));
    sema_note(s, e, d->name_span, "declared here");
    return val_poison();
}

/* The ranges of the declarator's axes: stated, or from where the initial value uses them as subscripts. */
bool axis_vars(Sema *s, Scope *scope, const Declarator *d, IndexVar *vars) {
    uint32_t n = d->axes.n;
    const Expr *roots[1] = {d->init};
    index_vars(s, scope, d->axes.at, n, vars);
    if (!index_no_lists(s, vars, n)) return false;
    for (uint32_t k = 0; k < n; k++) {
        if (vars[k].bad) return false;
        uint64_t extent;
        if (vars[k].known || vars[k].batch || !axis_is_extent(s, scope, &d->axes.at[k], d->init)) continue;
        if (!axis_extent(s, scope, &d->axes.at[k], &extent)) return false;
        vars[k].known = vars[k].stated = true;
        vars[k].hi = (int64_t)extent - 1;
        vars[k].full = extent;
        vars[k].why = d->axes.at[k].span;
    }
    return index_infer_of(s, scope, vars, n, roots, 1, d->name);
}

/* A definition with stated axes may refer to itself at another index: opens it. Its shape must be known before. */
static bool recurrence_open(Sema *s, Scope *scope, const Declarator *d, Recursive *r) {
    IndexVar vars[IR_MAX_RANK];
    const char *type = d->type ? sema_name(s, d->type) : "real";
    *r = (Recursive){.name = d->name, .span = d->name_span, .rank = d->axes.n};
    r->shape = (Val){.kind = VAL_TENSOR, .rank = (uint8_t)d->axes.n};
    r->elem = strcmp(type, "int") ? sema_real_elem(s, scope) : IR_I64;
    s->mute++;
    index_vars(s, scope, d->axes.at, d->axes.n, vars);
    s->mute--;
    for (uint32_t k = 0; k < d->axes.n; k++) {
        if (!vars[k].stated || vars[k].bad || vars[k].batch || vars[k].list) return false;
        uint64_t extent = (uint64_t)(vars[k].hi - vars[k].lo + 1);
        r->shape.axis[k] =
            (Axis){ir_fresh(s->ir, extent, vars[k].name), vars[k].periodic, vars[k].lo, vars[k].full};
    }
    Ent *busy = s->busy.n ? s->busy.at[s->busy.n - 1] : NULL;
    r->ent = busy && busy->decl == d ? busy : NULL;
    if (r->ent) r->ent->open = r;
    vec_push(&s->recursions, r);
    return true;
}

/* The definition and those that were elaborated in it and refer to it, as one recursion. What only passed by is elaborated
 * again when it is needed. */
static bool recurrence_solve(Sema *s, Recursive *r, uint32_t joined) {
    Recursive part[RECURSION_PARTS];
    uint32_t n = 0;
    part[n++] = *r;
    for (uint32_t k = joined; k < s->joined.n && n < RECURSION_PARTS; k++) part[n++] = *s->joined.at[k];
    bool ok = recursion_close(s, part, n);
    for (uint32_t k = 0; k < s->passing.n; k++) s->passing.at[k]->state = ENT_NEW;
    for (uint32_t k = 1; k < n; k++) {
        Ent *ent = part[k].ent;
        ent->state = ok ? ENT_DONE : ENT_BAD;
        ent->val.body = part[k].value;
        if (!ok) ent->val = val_poison();
    }
    s->passing.n = 0;
    s->joined.n = joined;
    r->value = part[0].value;
    return ok;
}

/* The value of a definition that is elaborated: its right side, or, where that refers to the definition, the recursion. */
static Val recurrence_close(Sema *s, Recursive *r, Val out, uint32_t joined) {
    (void)vec_pop(&s->recursions);
    if (r->ent) r->ent->open = NULL;
    if (!r->self || !val_ok(&out) || s->guarded) return out;
    r->body = r->elem == IR_I64 ? out.body : ir_to_real(s->ir, out.body);
    for (uint32_t k = 0; k < out.rank; k++) r->idx[k] = out.axis[k].idx;
    if (!ir_depends(s->ir, r->body, r->self) && s->joined.n == joined) return out;
    if (r->ent && recursion_is_inside(s, r, r->body)) {
        vec_push(&s->joined, arena_copy(s->arena, r, sizeof *r));
        IrTerm at[IR_MAX_RANK];
        for (uint32_t k = 0; k < out.rank; k++) at[k] = ir_idx(s->ir, r->idx[k]);
        out.body = ir_read(s->ir, r->self, at, out.rank);
        return out;
    }
    if (!recurrence_solve(s, r, joined)) return val_poison();
    out.body = r->value;
    return out;
}

/* Opens the axes as indices, elaborates, and gives a value over them. */
static Val indexed_open(Sema *s, Scope *scope, const Declarator *d) {
    uint32_t n = d->axes.n;
    IndexVar vars[IR_MAX_RANK];
    if (!axis_vars(s, scope, d, vars)) return val_poison();
    Scope *inner = scope_new(s, SCOPE_LOCAL, scope);
    Val out = {.kind = VAL_TENSOR, .rank = (uint8_t)n};
    for (uint32_t k = 0; k < n; k++) {
        out.axis[k] = (Axis){index_enter(s, inner, &vars[k]), vars[k].periodic, vars[k].lo, vars[k].full};
        if (vars[k].batch) out.axis[k].lo = 0;
    }
    Val v = sema_expr(s, inner, d->init);
    index_leave(s, n);
    if (v.kind == VAL_POISON) return v;
    if (!val_ok(&v) || v.rank) {
        Diag *e = sema_error(s, DIAG_SHAPE, d->init->span, "each element of `%s` is a number, but this is %s",
                             sema_name(s, d->name), sema_shape_text(s, &v));
        sema_note(s, e, d->name_span, "declared here");
        return val_poison();
    }
    out.body = v.body;
    return out;
}

static Val indexed(Sema *s, Scope *scope, const Declarator *d) {
    Recursive r;
    uint32_t joined = s->joined.n;
    bool open = recurrence_open(s, scope, d, &r);
    if (open && index_mentions(d->init, d->name)) {
        scope = scope_new(s, SCOPE_LOCAL, scope);
        scope_bind(s, scope, d->name, d->name_span, recursion_refer(s, &r));
    }
    Val out = indexed_open(s, scope, d);
    return open ? recurrence_close(s, &r, out, joined) : out;
}

/* A type after the colon: converts where that is exact, or reports. */
static Val typed(Sema *s, const Declarator *d, Val v) {
    if (!d->type || !val_ok(&v)) return v;
    const char *type = sema_name(s, d->type);
    IrType have = val_type(s, &v);
    bool real =
        !strcmp(type, "real") || !strcmp(type, "f32") || !strcmp(type, "f64") || !strcmp(type, "angle");
    bool whole_number =
        !strcmp(type, "int") || !strcmp(type, "byte") || !strcmp(type, "bit") || !strcmp(type, "spin");
    if (real && have != IR_BOOL) return val_to_real(s, v);
    if ((whole_number && have == IR_INT) || (!strcmp(type, "bool") && have == IR_BOOL)) return v;
    if (real || whole_number || !strcmp(type, "bool"))
        sema_error(s, DIAG_TYPE, d->init->span, "`%s` is declared as %s, but this is %s",
                   sema_name(s, d->name), type, sema_type_text(have));
    else
        sema_error(s, DIAG_DECL_TYPE, d->span, "`%s` is not a type that a definition can have", type);
    return val_poison();
}

Val sema_let(Sema *s, Scope *scope, const Declarator *d, bool define) {
    if (!d->init) return val_poison();
    bool all_extents = d->has_axes && d->axes.n > 0;
    for (uint32_t k = 0; k < d->axes.n && d->has_axes; k++)
        all_extents = all_extents && axis_is_extent(s, scope, &d->axes.at[k], d->init);
    if (d->has_axes && d->axes.n > IR_MAX_RANK) {
        sema_error(s, DIAG_SHAPE, d->span, "`%s` has more than %d axes", sema_name(s, d->name), IR_MAX_RANK);
        return val_poison();
    }
    Val v;
    if (!d->has_axes || !d->axes.n)
        v = sema_expr(s, scope, d->init);
    else
        v = all_extents ? whole(s, scope, d) : indexed(s, scope, d);
    if (all_extents && val_ok(&v) && v.rank == 0 && !v.open_shape)
        v = indexed(s, scope, d); /* one value for all */
    v = typed(s, d, v);
    if (!define || !val_ok(&v)) return v;
    return val_define(s, v, d->name, d->name_span, scope);
}
