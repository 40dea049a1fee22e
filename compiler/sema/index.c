/* index — binders opened and closed: an index's name bound to its value, the minibatch's rows in the place of
 * `in batch`, the integers of a list in that of `in train`. */
#include "internal.h"

static void stated(IndexVar *var, int64_t lo, int64_t hi, Span why) {
    var->stated = var->known = true;
    var->lo = lo;
    var->hi = hi;
    var->full = (uint64_t)(hi - lo + 1);
    var->why = why;
}

static void var_extent(Sema *s, Scope *scope, const Binder *b, IndexVar *var) {
    int64_t extent;
    if (!sema_const_int(s, scope, b->extent, &extent, "an extent")) {
        var->bad = true;
    } else if (extent < 1 || extent > ((int64_t)1 << 40)) {
        sema_error(s, DIAG_EXTENT, b->extent->span, "an extent is a positive integer, and this is %lld",
                   (long long)extent);
        var->bad = true;
    } else {
        stated(var, 0, extent - 1, b->extent->span);
    }
}

static void var_set(Sema *s, Scope *scope, const Binder *b, IndexVar *var) {
    const Expr *set = b->set;
    Name batch = name_of(s->session->names, "batch");
    if (set->kind == EXPR_NAME && set->name.name == batch && !scope_find(s, scope, batch)) {
        var->batch = true;
        return;
    }
    Val v = sema_expr(s, scope, set);
    if (v.kind == VAL_RANGE) {
        if (v.hi < v.lo) {
            sema_error(s, DIAG_INDEX_EMPTY, set->span, "the range %lld..%lld is empty", (long long)v.lo,
                       (long long)v.hi);
            var->bad = true;
        } else {
            stated(var, v.lo, v.hi, set->span);
        }
    } else if (val_ok(&v) && v.rank == 1 && val_type(s, &v) == IR_INT) {
        int64_t lo = 0, hi = 0;
        var->vague = !sema_int_range(s, v.body, &lo, &hi);
        stated(var, lo, hi, set->span);
        var->list = arena_copy(s->arena, &v, sizeof v);
    } else {
        if (v.kind != VAL_POISON) {
            Diag *d = sema_error(s, DIAG_INDEX_BINDER, set->span,
                                 "an index runs over a range or a list of integers, and this is %s",
                                 sema_shape_text(s, &v));
            const char *name = sema_name(s, b->name);
            sema_help(s, d, "write `%s in 0..9`, `%s in batch`, or `%s : N`", name, name, name);
        }
        var->bad = true;
    }
}

void index_vars(Sema *s, Scope *scope, const Binder *b, uint32_t n, IndexVar *vars) {
    for (uint32_t k = 0; k < n; k++) {
        vars[k] = (IndexVar){.name = b[k].name, .span = b[k].span};
        vars[k].stated_periodic = vars[k].periodic = b[k].periodic;
        for (uint32_t j = 0; j < k && b[k].name; j++) {
            if (b[j].name != b[k].name) continue;
            Diag *d = sema_error(s, DIAG_INDEX_BINDER, b[k].span, "the index `%s` is bound twice",
                                 sema_name(s, b[k].name));
            sema_note(s, d, b[j].span, "bound here before");
            vars[k].bad = true;
        }
        if (vars[k].bad) continue;
        if (b[k].extent) var_extent(s, scope, &b[k], &vars[k]);
        if (b[k].set) var_set(s, scope, &b[k], &vars[k]);
    }
}

bool index_no_lists(Sema *s, const IndexVar *vars, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        if (!vars[k].list || vars[k].bad) continue;
        Diag *d = sema_error(s, DIAG_INDEX_BINDER, vars[k].why,
                             "only the index of a reduction runs over a list");
        sema_help(s, d, "use the list as a subscript: `[i] = … x[%s[i]]`", sema_span_text(s, vars[k].why));
        return false;
    }
    return true;
}

/* The row of the data that slot `slot` of the present minibatch holds. */
static IrTerm batch_row(Sema *s, const IndexVar *var, IrTerm slot) {
    RunState *run = s->run;
    if (!run->batch) {
        Name name = name_of(s->session->names, "batch");
        run->batch = ir_input(s->ir, name, IR_ROLE_BATCH, IR_I64, 1, &run->batch_size);
        ir_mark_volatile(s->ir, run->batch);
        run->batch_of = var->full;
        run->batch_of_span = var->why;
    }
    return ir_read(s->ir, run->batch, &slot, 1);
}

/* Rows that a list picks must be rows of what the minibatch is of. */
static bool batch_from_fits(Sema *s, const IndexVar *var) {
    RunState *run = s->run;
    if (!run->batch_from) return true;
    Val list = val_read(s, run->batch_from, NULL), rows = {.kind = VAL_TENSOR, .rank = 1};
    rows.axis[0] = (Axis){.idx = ir_fresh(s->ir, var->full, 0), .full = var->full};
    return sema_place(s, &rows, 0, list.body, run->batch_span) != 0;
}

static bool batch_fits(Sema *s, const IndexVar *var) {
    RunState *run = s->run;
    uint64_t rows = run->batch_from ? run->batch_rows : var->full;
    if (run->batch_of && run->batch_of != var->full) {
        Diag *d = sema_error(s, DIAG_BATCH, var->why,
                             "the minibatch is drawn from %llu rows elsewhere, but from %llu "
                             "here",
                             (unsigned long long)run->batch_of, (unsigned long long)var->full);
        sema_note(s, d, run->batch_of_span, "%llu rows here", (unsigned long long)run->batch_of);
        return false;
    }
    if (!batch_from_fits(s, var)) return false;
    if (run->batch_size > rows) {
        Diag *d = sema_error(s, DIAG_BATCH, run->batch_span,
                             "a minibatch of %llu rows cannot be drawn from %llu rows",
                             (unsigned long long)run->batch_size, (unsigned long long)rows);
        if (!run->batch_from)
            sema_note(s, d, var->why, "the data have %llu rows", (unsigned long long)var->full);
        return false;
    }
    if (!run->batch_of) {
        run->batch_of = var->full;
        run->batch_of_span = var->why;
    }
    return true;
}

IrIdx index_enter(Sema *s, Scope *scope, const IndexVar *var) {
    bool batched = var->batch && s->run && s->run->batch_size && batch_fits(s, var);
    uint64_t extent = batched     ? s->run->batch_size
                      : var->list ? val_extent(s, var->list, 0)
                                  : (uint64_t)(var->hi - var->lo + 1);
    IrIdx idx = ir_fresh(s->ir, extent, var->name);
    IrTerm value = ir_idx(s->ir, idx);
    if (var->batch && s->run && !s->run->seen_of) {
        s->run->seen_of = var->full;
        s->run->seen_span = var->why;
    }
    if (batched)
        value = batch_row(s, var, value);
    else if (var->list)
        value = val_at(s, var->list, &value);
    else if (var->lo)
        value = ir_add(s->ir, value, ir_int(s->ir, var->lo));
    vec_push(&s->active, idx);
    if (var->stated_periodic) vec_push(&s->wrapping, idx);
    if (var->name && !scope_own(scope, var->name)) {
        Ent *ent = scope_bind(s, scope, var->name, var->span, val_scalar(value));
        if (ent) ent->is_index = true;
    }
    return idx;
}

void index_leave(Sema *s, uint32_t n) {
    for (; n; n--) {
        IrIdx idx = vec_pop(&s->active);
        if (s->wrapping.n && s->wrapping.at[s->wrapping.n - 1] == idx) s->wrapping.n--;
    }
}
