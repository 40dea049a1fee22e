/* split — `data train, test = split(N, test = 0.2)`: the rows 0 … N-1 dealt out to parts. Needs: the declared
 * names that share the call, the number of rows, the sizes that are given. Gives: for each part an INPUT, the
 * list of its rows; how many they are is known here, which they are is worked out by the runtime. */
#include "internal.h"

bool is_split(Sema *s, const Expr *init) {
    return init && init->kind == EXPR_CALL && !strcmp(sema_name(s, init->call.callee->name.name), "split");
}

const SemaPart *split_part(const Sema *s, IrDef def) {
    for (uint32_t k = 0; k < s->data.n; k++)
        if (s->data.at[k].def == def) return s->data.at[k].part;
    return NULL;
}

/* ---- what the call says ---- */

/* One size as it is written: rows, a share of them, or nothing. */
typedef struct Size {
    const Declarator *part;
    Span span;
    bool given, is_share;
    double value;
} Size;

typedef struct Deal {
    Sema *s;
    const Ent *ent;
    Split *split;
    Size *size; /* of the parts, in the order in which they are declared */
    uint32_t n;
} Deal;

static const char *name_at(const Deal *d, uint32_t k) { return sema_name(d->s, d->size[k].part->name); }

/* The rows there are: a number, or those of a tensor. */
static bool read_rows(Deal *d, const Expr *call) {
    Sema *s = d->s;
    int64_t rows;
    const Arg *first = call->call.args.n && !call->call.args.at[0].name ? &call->call.args.at[0] : NULL;
    if (!first) {
        Diag *e = sema_error(s, DIAG_SPLIT, call->span, "`split` needs the number of rows to deal out");
        sema_help(s, e, "write `split(N, %s = 0.2)`", name_at(d, d->n - 1));
        return false;
    }
    Val v = sema_expr(s, d->ent->scope, first->value);
    if (val_ok(&v) && v.rank) {
        rows = (int64_t)val_extent(s, &v, 0);
    } else if (v.kind == VAL_POISON ||
               !sema_const_int(s, d->ent->scope, first->value, &rows, "the number of rows")) {
        return false;
    }
    if (rows < 2 || rows > UINT32_MAX) {
        sema_error(s, DIAG_SPLIT, first->span, "%lld rows cannot be dealt out", (long long)rows);
        return false;
    }
    d->split->like.rows = (uint64_t)rows;
    return true;
}

static bool read_size(Deal *d, const Arg *arg, Size *size) {
    Sema *s = d->s;
    Val v = sema_expr(s, d->ent->scope, arg->value);
    if (v.kind == VAL_POISON || !sema_const(s, d->ent->scope, arg->value, &size->value, "the size of a part"))
        return false;
    if (size->given) {
        Diag *e = sema_error(s, DIAG_SPLIT, arg->span, "the size of `%s` is given twice",
                             sema_name(s, arg->name));
        sema_note(s, e, size->span, "given here before");
        return false;
    }
    size->given = true;
    size->span = arg->span;
    size->is_share = val_type(s, &v) == IR_REAL;
    if (size->is_share ? size->value > 0 && size->value < 1 : size->value >= 1) return true;
    Diag *e = sema_error(s, DIAG_SPLIT, arg->value->span,
                         "the size of a part is a fraction between 0 and 1 or a number of rows, and this is %g",
                         size->value);
    if (size->is_share && size->value >= 1 && size->value == floor(size->value))
        sema_help(s, e, "for so many rows, write `%g` without a point", size->value);
    else if (size->is_share && size->value >= 2 && size->value < 100)
        sema_help(s, e, "for so many percent, write `%g`", size->value / 100);
    return false;
}

/* `seed = 7`, `shuffle = false`. */
static bool read_option(Deal *d, const Arg *arg) {
    Sema *s = d->s;
    SemaPart *like = &d->split->like;
    const char *name = sema_name(s, arg->name);
    int64_t seed;
    if (!strcmp(name, "seed")) {
        if (!sema_const_int(s, d->ent->scope, arg->value, &seed, "a seed")) return false;
        like->has_seed = true;
        like->seed = (uint64_t)seed;
        return true;
    }
    if (!strcmp(name, "shuffle")) {
        double value;
        Val v = sema_expr(s, d->ent->scope, arg->value);
        if (val_ok(&v) && !v.rank && val_type(s, &v) == IR_BOOL && sema_const_term(s, v.body, &value)) {
            like->in_order = value == 0;
            return true;
        }
        if (v.kind != VAL_POISON)
            sema_error(s, DIAG_SPLIT, arg->value->span, "`shuffle` is true or false, and this is %s",
                       sema_shape_text(s, &v));
        return false;
    }
    Diag *e = sema_error(s, DIAG_SPLIT, arg->span, "`%s` is not among the parts that are declared here", name);
    const char **known = ARENA_ARRAY(s->arena, const char *, d->n + 2);
    for (uint32_t k = 0; k < d->n; k++) known[k] = name_at(d, k);
    known[d->n] = "seed";
    known[d->n + 1] = "shuffle";
    const char *near = diag_nearest(name, known, d->n + 2);
    if (near)
        sema_help(s, e, "did you mean `%s`?", near);
    else
        sema_help(s, e, "declare it before the `=`: `data %s, %s = split(…)`", known[0], name);
    return false;
}

static bool read_args(Deal *d, const Expr *call) {
    bool ok = true;
    for (uint32_t k = 1; k < call->call.args.n; k++) {
        const Arg *arg = &call->call.args.at[k];
        if (!arg->name) {
            Diag *e = sema_error(d->s, DIAG_SPLIT, arg->span, "which part is this the size of?");
            sema_help(d->s, e, "write `%s = %s`", name_at(d, d->n - 1), sema_span_text(d->s, arg->span));
            ok = false;
            continue;
        }
        Size *size = NULL;
        for (uint32_t p = 0; p < d->n; p++)
            if (d->size[p].part->name == arg->name) size = &d->size[p];
        ok = (size ? read_size(d, arg, size) : read_option(d, arg)) && ok;
    }
    return ok;
}

/* ---- rows for each part ---- */

/* The part that takes what the others leave: the one without a size, or, where all are shares that make 1, the
 * first, which takes the rounding. -1: none. */
static bool find_rest(Deal *d, const Expr *call, int *rest) {
    double shares = 0;
    bool all_shares = true;
    *rest = -1;
    for (uint32_t k = 0; k < d->n; k++) {
        all_shares = all_shares && d->size[k].is_share;
        shares += d->size[k].value;
        if (d->size[k].given) continue;
        if (*rest >= 0) {
            Diag *e = sema_error(d->s, DIAG_SPLIT, call->span, "the sizes of `%s` and `%s` are both left open",
                                 name_at(d, (uint32_t)*rest), name_at(d, k));
            sema_help(d->s, e, "one part can take what is left: give the size of the other, `%s = 0.2`",
                      name_at(d, k));
            return false;
        }
        *rest = (int)k;
    }
    if (all_shares && fabs(shares - 1) < 1e-9) *rest = 0;
    return true;
}

static bool deal_out(Deal *d, const Expr *call) {
    uint64_t rows = d->split->like.rows, taken = 0;
    int rest;
    if (!find_rest(d, call, &rest)) return false;
    for (uint32_t k = 0; k < d->n; k++) {
        if ((int)k == rest) continue;
        const Size *size = &d->size[k];
        double count = size->is_share ? fmax(1, floor(size->value * (double)rows + 0.5)) : size->value;
        if (count > (double)(rows - taken) || (rest >= 0 && count == (double)(rows - taken))) {
            sema_error(d->s, DIAG_SPLIT, size->span, "of %llu rows, %s%g for `%s`%s", (unsigned long long)rows,
                       count > (double)(rows - taken) ? "there are not " : "", count, name_at(d, k),
                       count > (double)(rows - taken) ? arena_printf(d->s->arena, ": %llu are left",
                                                                     (unsigned long long)(rows - taken))
                                                      : arena_printf(d->s->arena, " leave none for `%s`",
                                                                     name_at(d, (uint32_t)rest)));
            return false;
        }
        taken += (uint64_t)count;
        d->split->count[d->size[k].part - d->ent->stmt->declare.at] = (uint64_t)count;
    }
    if (rest >= 0) d->split->count[d->size[rest].part - d->ent->stmt->declare.at] = rows - taken;
    if (rest >= 0 || taken == rows) return true;
    Diag *e = sema_error(d->s, DIAG_SPLIT, call->span, "%llu of the %llu rows belong to no part",
                         (unsigned long long)(rows - taken), (unsigned long long)rows);
    sema_help(d->s, e, d->n > 1 ? "leave out the size of one part: it takes what is left"
                                : "declare another part beside it: `data train, test = split(…)`");
    return false;
}

/* ---- declarations ---- */

static const Split *split_of(Sema *s, const Ent *ent) {
    const Expr *call = ent->decl->init;
    for (uint32_t k = 0; k < s->splits.n; k++)
        if (s->splits.at[k].call == call) return &s->splits.at[k];
    uint32_t n = ent->stmt->declare.n;
    Split split = {.call = call, .count = base_calloc(n + 1, sizeof *split.count)};
    Deal d = {.s = s, .ent = ent, .split = &split, .size = ARENA_ARRAY(s->arena, Size, n + 1)};
    for (uint32_t k = 0; k < n; k++)
        if (ent->stmt->declare.at[k].init == call) d.size[d.n++].part = &ent->stmt->declare.at[k];
    bool rows = read_rows(&d, call), args = read_args(&d, call);
    split.ok = rows && args && deal_out(&d, call);
    vec_push(&s->splits, split);
    return &s->splits.at[s->splits.n - 1];
}

bool sema_split(Sema *s, Ent *ent) {
    const Declarator *d = ent->decl;
    if (d->has_axes && d->axes.n != 1) {
        sema_error(s, DIAG_SPLIT, d->span, "a part is a list of rows: `%s` has one axis",
                   sema_name(s, ent->name));
        return false;
    }
    const Split *split = split_of(s, ent);
    if (!split->ok) return false;
    SemaPart *part = arena_copy(s->arena, &split->like, sizeof *part);
    const Declarator *first = ent->stmt->declare.at;
    for (const Declarator *before = first; before < d; before++) part->first += split->count[before - first];
    uint64_t extent = part->count = split->count[d - first];
    if (d->has_axes && !data_fit_axis(s, ent, &d->axes.at[0], 0, part->count, true, &extent)) return false;
    Val like = {.kind = VAL_TENSOR};
    like.axis[0] = (Axis){.full = part->count};
    ent->q = ir_input(s->ir, ent->name, IR_ROLE_DATA, IR_I64, 1, &part->count);
    ent->val = val_read(s, ent->q, &like);
    vec_push(&s->data, (SemaData){.def = ent->q, .name = ent->name, .span = ent->span, .part = part,
                                  .limit = part->rows, .limit_span = ent->span});
    return true;
}

void split_warn(Sema *s, Scope *scope, const RunState *run) {
    if (!run->seen_of || run->batch_from) return;
    for (Ent *ent = scope->first; ent; ent = ent->next) {
        if (ent->kind != ENT_DATA || !is_split(s, ent->decl->init)) continue;
        sema_ent_value(s, ent, ent->span);
        const SemaPart *part = ent->state == ENT_DONE ? split_part(s, ent->q) : NULL;
        if (!part || part->rows != run->seen_of) continue;
        Diag *d = sema_warn(s, DIAG_SPLIT, run->batch_size ? run->batch_span : run->seen_span,
                            "the rows are split, and the minibatch is drawn from all of them");
        sema_note(s, d, ent->span, "split here");
        if (run->batch_size)
            sema_help(s, d, "write `%s of %s`", sema_span_text(s, run->batch_span), sema_name(s, ent->name));
        else
            sema_help(s, d, "write `in %s`, or `batch 32 of %s` in the run", sema_name(s, ent->name),
                      sema_name(s, ent->name));
        return;
    }
}
