/* field — `fit.loss`: a quantity of the run labelled fit. */
#include "run.h"

static RunState *find_run(Sema *s, Name label) {
    if (s->run && s->run->stmt->run.label == label) return s->run;
    for (uint32_t k = s->finished.n; k-- > 0;)
        if (s->finished.at[k]->stmt->run.label == label) return s->finished.at[k];
    return NULL;
}

Val sema_field(Sema *s, const Expr *e) {
    const Expr *of = e->field.of;
    RunState *run = of->kind == EXPR_NAME ? find_run(s, of->name.name) : NULL;
    if (!run) {
        Diag *d = sema_error(s, DIAG_UNKNOWN_NAME, of->span,
                             "`%s` is not the label of a run before this place", sema_span_text(s, of->span));
        sema_help(s, d, "label it: `run %s = …`", sema_span_text(s, of->span));
        return val_poison();
    }
    if (!run->scope) return val_poison();
    Expr name = {.kind = EXPR_NAME, .span = e->span, .depth = 1, .name.name = e->field.name};
    if (run == s->run) return sema_expr(s, run->scope, &name);
    RunState *now = s->run;
    uint32_t world = s->world;
    s->run = run;
    s->world = run->world;
    Val v = sema_expr(s, run->scope, &name);
    s->run = now;
    s->world = world;
    if (!val_ok(&v)) return v;
    Val value = sema_opaque(s, &v, val_type(s, &v), "values of one run used in another", e->span);
    s->opaque.at[s->opaque.n - 1].instead =
        "a statement looks at one run: hold each run's value to a number, or `record` both and compare what is written";
    return value;
}

/* ---- labels mentioned by a statement ---- */

typedef struct Labels {
    Name one;
    bool several;
} Labels;

static void labels_of(const Expr *e, Labels *labels) {
    if (!e) return;
    for (; e->kind == EXPR_BINARY; e = e->binary.a) labels_of(e->binary.b, labels);
    if (e->kind == EXPR_FIELD && e->field.of->kind == EXPR_NAME) {
        labels->several = labels->several || (labels->one && labels->one != e->field.of->name.name);
        labels->one = e->field.of->name.name;
    }
    const Expr *part;
    for (uint32_t k = 0; (part = expr_child(e, k)); k++) labels_of(part, labels);
    for (uint32_t k = 0; e->kind == EXPR_SUBSCRIPT && k < e->subscript.subs.n; k++)
        labels_of(e->subscript.subs.at[k], labels);
}

Name field_label_of(const Expr *e) {
    Labels labels = {0};
    labels_of(e, &labels);
    return labels.several ? 0 : labels.one;
}

Name field_label(const Stmt *st) {
    Labels labels = {0};
    ArgList items = {0};
    if (st->kind == STMT_RECORD) items = st->record.items;
    if (st->kind == STMT_PRINT) items = st->print.items;
    if (st->kind == STMT_PLOT) items = st->plot.items;
    if (st->kind == STMT_SAVE) items = st->save.items;
    for (uint32_t k = 0; k < items.n; k++) labels_of(items.at[k].value, &labels);
    if (st->kind == STMT_EXPECT) {
        labels_of(st->expect.value, &labels);
        labels_of(st->expect.within, &labels);
    }
    return labels.several ? 0 : labels.one;
}
