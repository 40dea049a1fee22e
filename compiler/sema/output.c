/* output — what comes out of a run: record, print, save, expect, plot, when, in its body or after it. Needs:
 * the joined run, whose scope has energy, loss, states and every name of the system. Gives: the run's records
 * and expectations as definitions. */
#include "run.h"

#include <string.h>

/* ---- values ---- */

IrDef output_def(Join *j, Val v, Name name, Span span) {
    Sema *s = j->s;
    if (v.kind == VAL_POISON) return 0;
    if (val_ok(&v)) v.body = event_at_element(j, v.body);
    if (!val_ok(&v)) {
        sema_error(s, DIAG_RUN_OUTPUT, span, "a number is needed, and this is %s", sema_shape_text(s, &v));
        return 0;
    }
    if (val_type(s, &v) == IR_BOOL) v.body = ir_select(s->ir, v.body, ir_int(s->ir, 1), ir_int(s->ir, 0));
    return val_def(s, &v, name, span, j->body);
}

/* `theta = θ` makes a column theta although both are one name. */
const char *output_label(Join *j, const Arg *arg) {
    if (arg->name) {
        const char *text = sema_span_text(j->s, arg->span);
        size_t length = strcspn(text, " \t=");
        if (*text == '"' || !length) return sema_name(j->s, arg->name);
        return arena_string(ir_session(j->s->ir)->arena, text, length);
    }
    if (arg->value->kind == EXPR_FIELD) return sema_name(j->s, arg->value->field.name);
    return sema_span_text(j->s, arg->value->span);
}

static Val output_value(Join *j, const Arg *arg) {
    Val v = sema_expr(j->s, j->body, arg->value);
    if (arg->name && !scope_own(j->body, arg->name)) scope_bind(j->s, j->body, arg->name, arg->span, v);
    return v;
}

bool output_every(Join *j, const Every *every, EveryUnit *unit, double *value) {
    *unit = every->unit;
    *value = 1;
    if (every->unit == EVERY_NONE || !every->count) return true;
    if (!sema_const(j->s, j->body, every->count, value, "the interval of a record")) return false;
    if (*value > 0 && (every->unit != EVERY_STEPS || *value == floor(*value))) return true;
    sema_error(j->s, DIAG_RUN_OUTPUT, every->count->span,
               "a quantity is recorded every positive %s, and this is %g",
               every->unit == EVERY_TIME ? "time" : "number of steps", *value);
    return false;
}

const char *output_path(Join *j, Name path, Span span) {
    Sema *s = j->s;
    const char *text = sema_name(s, path);
    bool leaves = *text == '/' || !*text || text[strlen(text) - 1] == '/';
    for (const char *at = text; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
        leaves |= !strcmp(at, "..") || !strncmp(at, "../", 3);
    if (!leaves) return text;
    Diag *d = sema_error(s, DIAG_RUN_OUTPUT, span, "\"%s\" is not a file in the folder of the results", text);
    sema_help(s, d, "name it alone; the folder is that of `lag run --out DIR`");
    return NULL;
}

bool output_is_ours(const Join *j, const Expr *e) {
    Name label = field_label_of(e);
    if (!label) return !j->foreign;
    if (label == j->st->run.label) return true;
    for (uint32_t k = 0; k < j->s->finished.n; k++)
        if (j->s->finished.at[k]->stmt->run.label == label) return false;
    return !j->foreign;
}

static void add_records(Join *j, ArgList items, const Every *every, int form) {
    EveryUnit unit = EVERY_NONE;
    double interval = 1;
    if (j->event && every->unit != EVERY_NONE) {
        Diag *d = sema_error(j->s, DIAG_RUN_OUTPUT, every->span, "in a `when`, the moments are those of the event");
        sema_help(j->s, d, "leave out `every`, or move the line out of the `when`");
        return;
    }
    if (every && !output_every(j, every, &unit, &interval)) return;
    for (uint32_t k = 0; k < items.n; k++) {
        const Arg *arg = &items.at[k];
        if (!output_is_ours(j, arg->value)) continue;
        SemaRecord record = {.label = arg->name,
                             .text = output_label(j, arg),
                             .span = arg->span,
                             .unit = unit,
                             .every = interval,
                             .event = j->event ? j->event->number : 0};
        record.form = form == RECORD_PRINT ? RECORD_PRINT : RECORD_SERIES;
        j->run->comparing = form == RECORD_PRINT && unit == EVERY_NONE && !j->event;
        record.value = output_def(j, output_value(j, arg), arg->name, arg->span);
        if (!record.label && arg->value->kind == EXPR_NAME) record.label = arg->value->name.name;
        if (record.value) vec_push(&j->records, record);
    }
}

static void add_saves(Join *j, const Stmt *st) {
    const char *path = output_path(j, st->save.path, st->span);
    for (uint32_t k = 0; path && k < st->save.items.n; k++) {
        const Arg *arg = &st->save.items.at[k];
        SemaRecord record = {.label = arg->name,
                             .text = output_label(j, arg),
                             .span = arg->span,
                             .form = RECORD_SAVE,
                             .path = path};
        record.value = output_def(j, output_value(j, arg), arg->name, arg->span);
        if (record.value) vec_push(&j->records, record);
    }
}

/* ---- expectations ---- */

static bool is_comparison(BinaryOp op) {
    return op == BINARY_EQ || op == BINARY_NE || op == BINARY_LT || op == BINARY_LE || op == BINARY_GT ||
           op == BINARY_GE;
}

static void expect_comparison(Join *j, const Expr *e, const Expr *within) {
    Sema *s = j->s;
    SemaExpect expect = {.span = e->span, .text = sema_span_text(s, e->span), .op = e->binary.op};
    Val a = sema_real_expr(s, j->body, e->binary.a), b = sema_real_expr(s, j->body, e->binary.b);
    if (!val_ok(&a) || !val_ok(&b)) return;
    if (a.rank && b.rank && !val_same_shape(s, &a, &b)) {
        Diag *d = sema_error(s, DIAG_SHAPE, e->span,
                             "equal shapes or numbers are compared, and these are %s and %s",
                             sema_shape_text(s, &a), sema_shape_text(s, &b));
        sema_note(s, d, e->binary.b->span, "%s", sema_shape_text(s, &b));
        return;
    }
    expect.a = output_def(j, a, 0, e->binary.a->span);
    expect.b = output_def(j, b, 0, e->binary.b->span);
    if (within) {
        Val w = sema_real_expr(s, j->body, within);
        if (val_ok(&w) && w.rank) {
            sema_error(s, DIAG_RUN_OUTPUT, within->span, "a tolerance is a number, and this is %s",
                       sema_shape_text(s, &w));
            return;
        }
        expect.within = output_def(j, w, 0, within->span);
        if (!expect.within) return;
    }
    if (expect.a && expect.b) vec_push(&j->expects, expect);
}

static void add_expect(Join *j, const Expr *e, const Expr *within) {
    Sema *s = j->s;
    if (e->kind == EXPR_BINARY && e->binary.op == BINARY_AND) {
        VEC(const Expr *) parts = {0};
        for (; e->kind == EXPR_BINARY && e->binary.op == BINARY_AND; e = e->binary.a)
            vec_push(&parts, e->binary.b);
        add_expect(j, e, within);
        while (parts.n) add_expect(j, vec_pop(&parts), within);
        vec_free(&parts);
        return;
    }
    if (e->kind == EXPR_BINARY && is_comparison(e->binary.op)) {
        expect_comparison(j, e, within);
        return;
    }
    Val v = sema_expr(s, j->body, e);
    if (v.kind == VAL_POISON) return;
    if (!val_ok(&v) || val_type(s, &v) != IR_BOOL) {
        Diag *d =
            sema_error(s, DIAG_TYPE, e->span, "`expect` needs a condition, and this is %s",
                       val_ok(&v) && !v.rank ? sema_type_text(val_type(s, &v)) : sema_shape_text(s, &v));
        sema_help(s, d, "write `expect %s == … within …`", sema_span_text(s, e->span));
        return;
    }
    SemaExpect expect = {.span = e->span, .text = sema_span_text(s, e->span), .op = BINARY_NE};
    Val zero = val_real(s, 0);
    expect.a = output_def(j, v, 0, e->span);
    expect.b = output_def(j, zero, 0, e->span);
    if (expect.a) vec_push(&j->expects, expect);
}


void join_output(Join *j, const Stmt *st) {
    j->run->comparing = false;
    switch (st->kind) {
    case STMT_RECORD: add_records(j, st->record.items, &st->record.every, RECORD_SERIES); break;
    case STMT_PRINT: add_records(j, st->print.items, &st->print.every, RECORD_PRINT); break;
    case STMT_SAVE: add_saves(j, st); break;
    case STMT_EXPECT:
        j->run->comparing = true;
        add_expect(j, st->expect.value, st->expect.within);
        break;
    case STMT_PLOT: join_plot(j, st); break;
    case STMT_WHEN: join_event(j, st); break;
    case STMT_PRECISION:
    case STMT_USE:
    case STMT_DECLARE:
    case STMT_FN:
    case STMT_SYSTEM:
    case STMT_DYNAMICS:
    case STMT_TERM:
    case STMT_TILDE:
    case STMT_FLOW:
    case STMT_STEP:
    case STMT_METHOD:
    case STMT_RUN:
    case STMT_SETTING:
    case STMT_STOP:
    case STMT_START:
    case STMT_ACT:
    case STMT_SYMMETRY:
    case STMT_ERROR:
    case STMT_COUNT: break;
    }
}

/* Everything but expectations first: these stand for the end, whatever their place. */
void join_outputs(Join *j, StmtList items) {
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind != STMT_EXPECT) join_output(j, items.at[k]);
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_EXPECT) join_output(j, items.at[k]);
}
