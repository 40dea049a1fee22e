/* subscript — x[i, j+1]: substitution of the axes by integer terms. A subscript that can be proved to stay
 * inside is taken as it is; on a periodic axis it wraps; one that reads data is checked when the data are
 * loaded, or before it is used; under conditions that keep it inside it is clamped, since what is outside is not
 * used; anything else is an error. */
#include "internal.h"

static bool wraps(Sema *s, const Axis *axis, IrTerm t) {
    if (axis->periodic) return true;
    for (uint32_t k = 0; k < s->wrapping.n; k++)
        if (ir_uses_index(s->ir, t, s->wrapping.at[k])) return true;
    return false;
}

/* Data used as a subscript: its values must lie in 0..extent-1, which the loader checks. */
static bool bind_data(Sema *s, IrTerm t, uint64_t extent, Span span) {
    const IrNode *node = ir_node(s->ir, t);
    if (node->op != IR_READ) return false;
    IrDef def = node->arg[0];
    if (ir_def(s->ir, def)->role == IR_ROLE_BATCH) return true;
    for (uint32_t k = 0; k < s->data.n; k++) {
        SemaData *data = &s->data.at[k];
        if (data->def != def) continue;
        if (!data->limit || extent < data->limit) {
            data->limit = extent;
            data->limit_span = span;
        }
        return true;
    }
    return false;
}

/* Whether the subscript is a row of a split of data that have another number of rows than this axis. */
static bool other_rows(Sema *s, IrTerm t, uint64_t extent, Span span) {
    const IrNode *node = ir_node(s->ir, t);
    const SemaPart *part = node->op == IR_READ ? split_part(s, node->arg[0]) : NULL;
    if (!part || part->rows == extent) return false;
    Name name = ir_def(s->ir, node->arg[0])->name;
    Diag *d = sema_error(s, DIAG_SPLIT, span, "`%s` is a part of %llu rows, but this axis has %llu",
                         sema_name(s, name), (unsigned long long)part->rows, (unsigned long long)extent);
    sema_help(s, d, "the rows of a part stand for themselves in whatever was split: use them on axes of %llu",
              (unsigned long long)part->rows);
    return true;
}

static IrTerm clamp(Sema *s, IrTerm t, uint64_t extent) {
    IrTerm low = ir_op2(s->ir, IR_MAX, t, ir_int(s->ir, 0));
    return ir_op2(s->ir, IR_MIN, low, ir_int(s->ir, (int64_t)extent - 1));
}

static IrTerm out_of_range(Sema *s, const Val *base, uint32_t k, int64_t lo, int64_t hi, Span span) {
    int64_t first = base->axis[k].lo, last = first + (int64_t)val_extent(s, base, k) - 1;
    Diag *d;
    if (lo == hi)
        d = sema_error(s, DIAG_SUBSCRIPT_RANGE, span, "the subscript is %lld, but this axis has %lld..%lld",
                       (long long)(lo + first), (long long)first, (long long)last);
    else
        d = sema_error(s, DIAG_SUBSCRIPT_RANGE, span,
                       "the subscript runs over %lld..%lld, but this axis has %lld..%lld",
                       (long long)(lo + first), (long long)(hi + first), (long long)first, (long long)last);
    if (s->conditions.n > s->condition_base)
        sema_help(s, d, "that is where the conditions around it hold: they must keep it inside");
    else if (lo == hi && lo + first == last + 1)
        sema_help(s, d, "subscripts count from %lld", (long long)first);
    else if (lo != hi)
        sema_help(s, d, "let the index run over fewer values, or guard it: `sum[i | i > 0](…)`, `if i > 0 then … else …`");
    return 0;
}

static IrTerm unshown(Sema *s, const Val *base, uint32_t k, Span span) {
    int64_t first = base->axis[k].lo, last = first + (int64_t)val_extent(s, base, k) - 1;
    Diag *d = sema_error(s, DIAG_SUBSCRIPT_RANGE, span, "the subscript cannot be shown to stay within %lld..%lld",
                         (long long)first, (long long)last);
    sema_help(s, d, "say so in the condition around it, by comparing the index with numbers: `… and i > 0`");
    return 0;
}

bool sema_int_range(Sema *s, IrTerm t, int64_t *lo, int64_t *hi) {
    double value;
    if (ir_is_const(s->ir, t, &value)) {
        *lo = *hi = (int64_t)value;
        return true;
    }
    const IrNode *node = ir_node(s->ir, t);
    if (node->op == IR_READ) {
        const IrDefInfo *info = ir_def(s->ir, node->arg[0]);
        const SemaPart *part = split_part(s, node->arg[0]);
        if (part) {
            *lo = 0;
            *hi = (int64_t)part->rows - 1;
            return true;
        }
        if (info->kind == IR_DEF_EXPR && ir_int_range(s->ir, info->body, lo, hi)) return true;
    }
    return ir_int_range(s->ir, t, lo, hi);
}

static bool is_affine(Sema *s, IrTerm t) {
    IrIdx idx[8];
    int64_t coef[8], constant;
    uint32_t n;
    return ir_affine(s->ir, t, idx, coef, &n, &constant);
}

/* Subscript `t`, counted from the axis's first element. */
IrTerm sema_place(Sema *s, const Val *base, uint32_t k, IrTerm t, Span span) {
    const Axis *axis = &base->axis[k];
    uint64_t extent = val_extent(s, base, k);
    if (axis->lo) t = ir_sub(s->ir, t, ir_int(s->ir, axis->lo));
    int64_t lo, hi;
    if (other_rows(s, t, extent, span)) return 0;
    bool known = sema_int_range(s, t, &lo, &hi);
    if (known && lo >= 0 && hi < (int64_t)extent) return t;
    if (wraps(s, axis, t)) return ir_op2(s->ir, IR_IMOD, t, ir_int(s->ir, (int64_t)extent));
    if (bind_data(s, t, extent, span)) return t;
    bool conditional = s->conditions.n > s->condition_base;
    if (s->guarded || s->mute) return clamp(s, t, extent);
    if (!conditional && known && is_affine(s, t)) return out_of_range(s, base, k, lo, hi, span);
    switch (sema_inside(s, t, extent, &lo, &hi)) {
    case INSIDE_SHOWN:
        if (lo < 0 || hi >= (int64_t)extent) return out_of_range(s, base, k, lo, hi, span);
        return conditional ? clamp(s, t, extent) : t;
    case INSIDE_LATER: break; /* the plan looks before it reads */
    case INSIDE_UNSHOWN: return unshown(s, base, k, span);
    }
    return t;
}

static bool slice(Sema *s, Scope *scope, const Val *base, uint32_t k, const Expr *e, Axis *axis, IrTerm *at) {
    Val v = sema_expr(s, scope, e);
    if (v.kind != VAL_RANGE) return false;
    int64_t first = base->axis[k].lo, last = first + (int64_t)val_extent(s, base, k) - 1;
    if (v.lo < first || v.hi > last || v.hi < v.lo) {
        sema_error(s, DIAG_SUBSCRIPT_RANGE, e->span, "the range is %lld..%lld, but this axis has %lld..%lld",
                   (long long)v.lo, (long long)v.hi, (long long)first, (long long)last);
        return false;
    }
    uint64_t extent = (uint64_t)(v.hi - v.lo + 1);
    *axis = (Axis){.idx = ir_fresh(s->ir, extent, 0), .full = extent};
    *at = ir_add(s->ir, ir_idx(s->ir, axis->idx), ir_int(s->ir, v.lo - first));
    return true;
}

static IrTerm one(Sema *s, Scope *scope, const Val *base, uint32_t k, const Expr *e) {
    if (e->kind == EXPR_NAME && !scope_find(s, scope, e->name.name) && !builtin_find(sema_name(s, e->name.name))) {
        const char *name = sema_name(s, e->name.name);
        Diag *d = sema_error(s, DIAG_UNKNOWN_NAME, e->span, "unknown index `%s`", name);
        sema_help(s, d, "an index comes from a reduction, `sum[%s](…)`, or from the left of a definition", name);
        return 0;
    }
    Val v = sema_expr(s, scope, e);
    if (v.kind == VAL_POISON) return 0;
    if (!val_ok(&v) || v.rank || val_type(s, &v) != IR_INT) {
        Diag *d =
            sema_error(s, DIAG_SUBSCRIPT_TYPE, e->span, "a subscript is an integer, and this is %s",
                       val_ok(&v) && !v.rank ? sema_type_text(val_type(s, &v)) : sema_shape_text(s, &v));
        if (val_ok(&v) && !v.rank && val_type(s, &v) == IR_REAL) sema_help(s, d, "round it with `int(…)`");
        return 0;
    }
    return sema_place(s, base, k, v.body, e->span);
}

static Val count_error(Sema *s, const Expr *e, const Val *base) {
    const char *what = sema_span_text(s, e->subscript.of->span);
    Diag *d;
    if (base->rank == 0)
        d = sema_error(s, DIAG_SUBSCRIPT_COUNT, e->span, "`%s` is a number and has no subscripts", what);
    else
        d = sema_error(s, DIAG_SUBSCRIPT_COUNT, e->span, "`%s` is %s and takes %u subscript%s, not %u", what,
                       sema_shape_text(s, base), base->rank, base->rank == 1 ? "" : "s", e->subscript.subs.n);
    if (e->subscript.of->kind == EXPR_NAME) {
        Ent *ent = scope_find(s, s->main->scope, e->subscript.of->name.name);
        if (ent && ent->kind != ENT_VALUE) sema_note(s, d, ent->span, "`%s` is declared here", what);
    }
    return val_poison();
}

/* An element of a table of constants is a constant. */
static IrTerm folded(Sema *s, Scope *scope, const Expr *of, IrTerm element) {
    Ent *ent = of->kind == EXPR_NAME ? scope_find(s, scope, of->name.name) : NULL;
    double value;
    if (!ent || ent->kind != ENT_CONST || !sema_const_term(s, element, &value)) return element;
    switch (ir_node(s->ir, element)->type) {
    case IR_REAL: return ir_real(s->ir, value);
    case IR_INT: return ir_int(s->ir, (int64_t)value);
    case IR_BOOL: return ir_bool(s->ir, value != 0);
    }
    return element;
}

Val sema_subscript(Sema *s, Scope *scope, const Expr *e) {
    Val base = sema_expr(s, scope, e->subscript.of);
    if (base.kind == VAL_POISON) return base;
    if (base.open_shape) return base;
    if (base.rank != e->subscript.subs.n || !val_ok(&base)) return count_error(s, e, &base);
    Val out = {.kind = VAL_TENSOR};
    IrTerm at[IR_MAX_RANK];
    bool ok = true;
    for (uint32_t k = 0; k < base.rank; k++) {
        const Expr *sub = e->subscript.subs.at[k];
        if (!sub) {
            out.axis[out.rank] = base.axis[k];
            at[k] = ir_idx(s->ir, base.axis[k].idx);
            out.rank++;
        } else if (sub->kind == EXPR_RANGE) {
            ok = slice(s, scope, &base, k, sub, &out.axis[out.rank], &at[k]) && ok;
            out.rank++;
        } else {
            at[k] = one(s, scope, &base, k, sub);
            ok = ok && at[k];
        }
    }
    if (!ok) return val_poison();
    ir_at(s->ir, e->span);
    out.body = val_at(s, &base, at);
    if (!out.rank) out.body = folded(s, scope, e->subscript.of, out.body);
    return out;
}
