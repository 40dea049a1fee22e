/* data — data declarations: where the values come from, their shape from the file, extents bound by it.
 * Needs: probe and has_column of the options. Gives: an INPUT per declaration and an entry in the model's list; `data
 * x[i : N] = expression` is a definition like any other. */
#include "internal.h"

typedef enum Holds { HOLDS_ARRAY, HOLDS_TABLE, HOLDS_NAMED } Holds;
typedef struct Format {
    const char *name;
    Holds holds;
} Format;
static const Format formats[] = {
#define FORMAT(name, holds) {#name, HOLDS_##holds},
#include "../../runtime/data/formats.def"
};

/* The format that a call names; NULL: it is no source. */
static const Format *format_of(Sema *s, const Expr *e) {
    if (!e || e->kind != EXPR_CALL) return NULL;
    const char *name = sema_name(s, e->call.callee->name.name);
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++)
        if (!strcmp(formats[k].name, name)) return &formats[k];
    return NULL;
}

/* The texts among the arguments; the first is the path. */
static bool source_texts(Sema *s, Scope *scope, const Expr *call, const char **path, const char **texts,
                         uint32_t *n) {
    bool ok = true;
    *path = NULL;
    *n = 0;
    for (uint32_t k = 0; k < call->call.args.n; k++) {
        const Expr *e = call->call.args.at[k].value;
        Val v = sema_expr(s, scope, e);
        if (v.kind != VAL_STRING) {
            if (v.kind != VAL_POISON)
                sema_error(s, DIAG_DATA_SOURCE, e->span, "`%s` takes texts, and this is %s",
                           sema_name(s, call->call.callee->name.name), sema_shape_text(s, &v));
            ok = false;
        } else if (!*path) {
            *path = sema_name(s, v.text);
        } else {
            texts[(*n)++] = sema_name(s, v.text);
        }
    }
    if (ok && !*path) {
        sema_error(s, DIAG_DATA_SOURCE, call->span, "`%s` needs the name of the file",
                   sema_name(s, call->call.callee->name.name));
        ok = false;
    }
    return ok;
}

static uint32_t declared_rank(const Declarator *d) { return d->has_axes ? d->axes.n : 0; }

/* ---- columns of a table ---- */

static bool try_probe(Sema *s, const SemaSource *source, uint32_t *rank, uint64_t *extent, IrElem *elem,
                      char *why, size_t n) {
    return s->options->probe &&
           s->options->probe(s->options->probe_context, source, rank, extent, elem, why, n);
}

/* The column of a vector's own name; NULL: there is none. */
static const char *own_column(Sema *s, const SemaSource *source, const Declarator *d) {
    const char *name = sema_name(s, d->name);
    const SemaOptions *o = s->options;
    bool has = declared_rank(d) == 1 && o->has_column && o->has_column(o->probe_context, source, name);
    return has ? name : NULL;
}

/* Without columns in the call each vector takes the column of its own name and a table those that are left. Beside
 * a table, the one vector that has no column of its name takes the last. */
static void choose_columns(Sema *s, const Ent *ent, SemaSource *source) {
    const Stmt *st = ent->stmt;
    source->vector = declared_rank(ent->decl) == 1;
    if (source->n_columns || !s->options->probe) return;
    const char *own = own_column(s, source, ent->decl);
    if (own) {
        source->columns = ARENA_ARRAY(s->arena, const char *, 1);
        source->columns[0] = own;
        source->n_columns = 1;
        return;
    }
    uint32_t nameless = 0, tables = 0;
    SemaSource whole = *source;
    source->except = ARENA_ARRAY(s->arena, const char *, st->declare.n + 1);
    for (uint32_t k = 0; k < st->declare.n; k++) {
        const Declarator *d = &st->declare.at[k];
        if (d->init != ent->decl->init) continue;
        const char *column = own_column(s, &whole, d);
        if (column) source->except[source->n_except++] = column;
        nameless += !column && declared_rank(d) == 1;
        tables += declared_rank(d) == 2;
    }
    if (nameless == 1 && tables) source->left = source->vector ? COLUMNS_LAST : COLUMNS_BUT_LAST;
}

/* ---- the call ---- */

/* How many names share the call, and which of them this is. */
static uint32_t sharers(const Ent *ent, uint32_t *own) {
    uint32_t n = 0;
    *own = 0;
    for (uint32_t k = 0; k < ent->stmt->declare.n; k++) {
        const Declarator *d = &ent->stmt->declare.at[k];
        if (d == ent->decl) *own = n;
        n += d->init == ent->decl->init;
    }
    return n;
}

/* What the texts after the path mean, by what the format holds. */
static bool source_names(Sema *s, const Ent *ent, const Format *format, SemaSource *source, const char **texts,
                         uint32_t n) {
    uint32_t own, share = sharers(ent, &own);
    switch (format->holds) {
    case HOLDS_TABLE:
        source->columns = texts;
        source->n_columns = n;
        choose_columns(s, ent, source);
        return true;
    case HOLDS_ARRAY:
        if (n && n + 1 == share && own) source->path = texts[own - 1]; /* one file for each declarator */
        if (!n || n + 1 == share) return true;
        sema_error(s, DIAG_DATA_SOURCE, ent->decl->init->span,
                   "`%s` takes one file, or one for each name that is declared", format->name);
        return false;
    case HOLDS_NAMED:
        source->key = n ? texts[0] : sema_name(s, ent->name);
        source->key_or_only = !n && share == 1;
        if (n <= 1) return true;
        sema_error(s, DIAG_DATA_SOURCE, ent->decl->init->span, "`%s` takes a file and one name in it", format->name);
        return false;
    }
    return false;
}

static bool read_source(Sema *s, const Ent *ent, SemaSource *source) {
    const Expr *call = ent->decl->init;
    const Format *format = format_of(s, call);
    const char **texts = ARENA_ARRAY(s->arena, const char *, call->call.args.n + 1);
    uint32_t n;
    source->reader = format->name;
    return source_texts(s, ent->scope, call, &source->path, texts, &n) &&
           source_names(s, ent, format, source, texts, n);
}

/* ---- shapes ---- */

static bool same_extent(Sema *s, const Ent *ent, const Binder *b, uint32_t axis, uint64_t have, uint64_t want,
                        Span from) {
    if (have == want) return true;
    Diag *d = sema_error(
        s, DIAG_DATA_SHAPE, b->span, "the file gives %llu for axis %u of `%s`, but %llu is declared",
        (unsigned long long)have, axis + 1, sema_name(s, ent->name), (unsigned long long)want);
    if (from.file) sema_note(s, d, from, "%llu here", (unsigned long long)want);
    return false;
}

bool data_fit_axis(Sema *s, Ent *ent, const Binder *b, uint32_t k, uint64_t have, bool known,
                   uint64_t *extent) {
    *extent = have;
    if (b->extent || !b->name) {
        uint64_t want;
        if (!axis_extent(s, ent->scope, b, &want)) return false;
        *extent = want;
        return !known || same_extent(s, ent, b, k, have, want, (Span){0});
    }
    Ent *name = scope_find(s, ent->scope, b->name);
    if (name && name->kind == ENT_EXTENT) {
        if (!known) return true;
        if (name->state == ENT_DONE) return same_extent(s, ent, b, k, have, name->extent, name->bound_at);
        name->extent = have;
        name->bound_at = b->span;
        name->state = ENT_DONE;
        name->val = val_int(s, (int64_t)have);
        return true;
    }
    uint64_t want;
    if (!axis_extent(s, ent->scope, b, &want)) return false;
    *extent = want;
    return !known || same_extent(s, ent, b, k, have, want, name ? name->span : (Span){0});
}

static bool declared_elem(Sema *s, Ent *ent, bool known, IrElem *elem) {
    const char *type = ent->decl->type ? sema_name(s, ent->decl->type) : NULL;
    bool is_real = *elem == IR_F64 || *elem == IR_F32;
    if (!known) *elem = sema_real_elem(s, ent->scope);
    if (known && is_real) *elem = sema_real_elem(s, ent->scope);
    if (!type) return true;
    if (!strcmp(type, "real")) {
        *elem = sema_real_elem(s, ent->scope);
    } else if (!strcmp(type, "f32")) {
        *elem = IR_F32;
    } else if (!strcmp(type, "f64")) {
        *elem = IR_F64;
    } else if (!strcmp(type, "int") || !strcmp(type, "byte") || !strcmp(type, "bit") ||
               !strcmp(type, "bool")) {
        if (!known || is_real) *elem = !strcmp(type, "byte") || !strcmp(type, "bit") ? IR_U8 : IR_I64;
    } else {
        sema_error(s, DIAG_DECL_TYPE, ent->decl->span, "`%s` is not a type that data can have", type);
        return false;
    }
    return true;
}

static bool probe_shape(Sema *s, Ent *ent, const SemaSource *source, uint32_t *rank, uint64_t *extent,
                        IrElem *elem, bool *known) {
    char why[512] = "";
    *known = s->options->probe != NULL;
    *rank = declared_rank(ent->decl);
    if (!*known) return true;
    if (try_probe(s, source, rank, extent, elem, why, sizeof why)) {
        bool scalar_like = declared_rank(ent->decl) == 0 && *rank == 1 && extent[0] == 1;
        if (*rank == declared_rank(ent->decl) || scalar_like) {
            *rank = declared_rank(ent->decl);
            return true;
        }
        sema_error(s, DIAG_DATA_SHAPE, ent->decl->span, "`%s` is declared with %u ax%ss, but the file has %u",
                   sema_name(s, ent->name), declared_rank(ent->decl),
                   declared_rank(ent->decl) == 1 ? "i" : "e", *rank);
        return false;
    }
    sema_error(s, DIAG_DATA_FILE, ent->decl->init->span, "%s", why);
    return false;
}

static bool from_file(Sema *s, Ent *ent) {
    SemaSource source = {0};
    uint32_t rank;
    uint64_t have[IR_MAX_RANK] = {0}, extent[IR_MAX_RANK];
    IrElem elem = IR_F64;
    bool known;
    const Declarator *d = ent->decl;
    if (!read_source(s, ent, &source) || !probe_shape(s, ent, &source, &rank, have, &elem, &known))
        return false;
    Val like = {.kind = VAL_TENSOR};
    bool ok = true;
    for (uint32_t k = 0; k < rank; k++) {
        bool fits = data_fit_axis(s, ent, &d->axes.at[k], k, have[k], known, &extent[k]);
        if (fits && !known && extent[k] == 0) {
            Diag *e = sema_error(s, DIAG_DATA_SHAPE, d->axes.at[k].span,
                                 "the extent `%s` comes from the file, which is not "
                                 "looked at here",
                                 sema_name(s, d->axes.at[k].name));
            sema_help(s, e, "state it with `const`");
            fits = false;
        }
        ok = ok && fits;
        like.axis[k] = (Axis){.full = extent[k], .periodic = d->axes.at[k].periodic};
    }
    if (!declared_elem(s, ent, known, &elem) || !ok) return false;
    ent->q = ir_input(s->ir, ent->name, IR_ROLE_DATA, elem, rank, extent);
    ent->val = val_read(s, ent->q, &like);
    vec_push(&s->data, (SemaData){.def = ent->q, .name = ent->name, .span = ent->span, .source = source});
    return true;
}

/* ---- data from an expression ---- */

bool data_binds_extents(Sema *s, const Expr *init) {
    if (format_of(s, init) || is_split(s, init)) return true;
    return init && init->kind == EXPR_CALL &&
           init->call.callee->name.name == name_of(s->session->names, "series");
}

static bool from_series(Sema *s, Ent *ent) {
    const Declarator *d = ent->decl;
    Val v = sema_expr(s, ent->scope, d->init);
    if (!val_ok(&v)) return false;
    if (v.rank != declared_rank(d)) {
        sema_error(s, DIAG_DATA_SHAPE, d->span, "`%s` is declared with %u ax%ss, but this is %s",
                   sema_name(s, ent->name), declared_rank(d), declared_rank(d) == 1 ? "i" : "e",
                   sema_shape_text(s, &v));
        return false;
    }
    for (uint32_t k = 0; k < v.rank; k++) {
        uint64_t extent;
        if (!data_fit_axis(s, ent, &d->axes.at[k], k, val_extent(s, &v, k), true, &extent)) return false;
    }
    ent->val = val_define(s, v, ent->name, ent->span, ent->scope);
    return val_ok(&ent->val);
}

/* Data that are drawn are drawn once, before the first step: an INPUT that starts with them. Data made from
 * such data are made from the draws themselves. */
static bool generated(Sema *s, Ent *ent) {
    if (data_binds_extents(s, ent->decl->init)) return from_series(s, ent);
    s->generating++;
    Val v = sema_let(s, ent->scope, ent->decl, true);
    s->generating--;
    if (!val_ok(&v)) return false;
    ent->generated = ent->val = v;
    if (!sema_draws(s, v.body)) return true;
    uint64_t extent[IR_MAX_RANK];
    for (uint32_t k = 0; k < v.rank; k++) extent[k] = val_extent(s, &v, k);
    bool flex;
    IrElem elem = sema_term_elem(s, v.body, ent->scope, &flex);
    ent->q = ir_input(s->ir, ent->name, IR_ROLE_STATE, elem, v.rank, extent);
    ent->val = val_read(s, ent->q, &v);
    vec_push(&s->drawn,
             (SemaState){.drawn = true, .name = ent->name, .span = ent->span, .s = ent->q, .start = val_close(s, &v)});
    return true;
}

/* `csv("file")`, or idx, … : every format there is. */
static const char *sources_text(Sema *s) {
    const char *text = arena_printf(s->arena, "%s(\"file\")", formats[0].name);
    for (size_t k = 1; k < sizeof formats / sizeof *formats; k++)
        text = arena_printf(s->arena, "%s, %s(…)", text, formats[k].name);
    return text;
}

bool sema_data(Sema *s, Ent *ent) {
    const Declarator *d = ent->decl;
    if (!d->init) {
        Diag *e = sema_error(s, DIAG_DATA_SOURCE, d->span, "the data `%s` come from nowhere",
                             sema_name(s, ent->name));
        sema_help(s, e, "write `data %s = %s`, or an expression", sema_span_text(s, d->span), sources_text(s));
        return false;
    }
    if (format_of(s, d->init)) return from_file(s, ent);
    if (is_split(s, d->init)) return sema_split(s, ent);
    return generated(s, ent);
}

bool sema_extent(Sema *s, Ent *ent) {
    for (uint32_t k = 0; k < ent->stmt->declare.n; k++) {
        Ent *data = scope_own(ent->scope, ent->stmt->declare.at[k].name);
        if (data && data->kind == ENT_DATA && data->state == ENT_NEW) sema_ent_value(s, data, ent->span);
        if (ent->extent) return true;
    }
    return ent->extent != 0;
}
