/* print_stmt — statements, blocks and comments as canonical text (`lag fmt`). Kept from the source: comments,
 * single empty lines, and what stood together on one line, if it fits. */
#include "printer.h"

#include <string.h>

/* The kind of block a statement stands in decides how a rate `q' = e` is written. */
typedef enum Inside { INSIDE_OTHER, INSIDE_FLOW } Inside;

static void print_stmt(Printer *printer, const Stmt *stmt, Inside inside);

static const char *text_of(Printer *printer, Name name) { return name_text(printer->session->names, name); }
static void put(Printer *printer, const char *text) { buf_puts(printer->out, text); }

static const char *const decl_words[] = {
    [DECL_CONST] = "const", [DECL_DATA] = "data",   [DECL_PARAM] = "param", [DECL_COORD] = "coord",
    [DECL_SPIN] = "spin",   [DECL_BIT] = "bit",     [DECL_ANGLE] = "angle", [DECL_UNIT] = "unit",
    [DECL_LET] = "let",     [DECL_STATE] = "state",
};

static const char *const term_words[] = {
    [TERM_KINETIC] = "kinetic", [TERM_POTENTIAL] = "potential", [TERM_DISSIPATION] = "dissipation",
    [TERM_FORCE] = "force", [TERM_CONSTRAINT] = "constraint", [TERM_TEMPERATURE] = "temperature",
    [TERM_LAGRANGIAN] = "lagrangian", [TERM_HAMILTONIAN] = "hamiltonian", [TERM_METRIC] = "metric",
    [TERM_PROPOSAL] = "proposal", [TERM_ACCEPT] = "accept",
};

/* ---- layout ---- */

static uint32_t newlines_between(const Printer *printer, uint32_t from, uint32_t to) {
    uint32_t n = 0;
    for (uint32_t i = from; i < to && i < printer->source->length; i++) {
        char c = printer->source->text[i];
        n += c == '\n' || (c == '\r' && printer->source->text[i + 1] != '\n');
    }
    return n;
}

static bool on_one_line(const Printer *printer, Span span) {
    return span.end > span.start && newlines_between(printer, span.start, span.end) == 0;
}

static void begin_line(Printer *printer) {
    buf_printf(printer->out, "%*s", (int)(printer->indent * PRINT_INDENT), "");
}

static bool out_is_empty(const Printer *printer) { return printer->out->n == 0; }

/* Ends the line before; an empty line of the source stays one empty line. */
static void new_line(Printer *printer, uint32_t start, bool first) {
    if (!out_is_empty(printer))
        put(printer, !first && newlines_between(printer, printer->at, start) > 1 ? "\n\n" : "\n");
    begin_line(printer);
}

static bool has_comment_before(const Printer *printer, uint32_t end) {
    return printer->comment < printer->comments.n && printer->comments.at[printer->comment].start < end;
}

static void print_comment(Printer *printer) {
    Span span = printer->comments.at[printer->comment++];
    uint32_t end = span.end;
    while (end > span.start && strchr(" \t", printer->source->text[end - 1])
           && printer->source->text[end - 1])
        end--;
    buf_write(printer->out, printer->source->text + span.start, end - span.start);
    printer->at = span.end;
}

/* Comments that stand before byte `end`, each on a line of its own. */
static bool print_comments_before(Printer *printer, uint32_t end, bool first) {
    while (has_comment_before(printer, end)) {
        new_line(printer, printer->comments.at[printer->comment].start, first);
        print_comment(printer);
        first = false;
    }
    return first;
}

/* A comment on the line where something just ended stays there. */
static void print_trailing_comment(Printer *printer) {
    if (printer->comment >= printer->comments.n)
        return;
    uint32_t start = printer->comments.at[printer->comment].start;
    if (start >= printer->at && newlines_between(printer, printer->at, start) == 0) {
        put(printer, "  ");
        print_comment(printer);
    }
}

static bool has_block(const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_SYSTEM: case STMT_DYNAMICS: case STMT_FLOW: case STMT_STEP: case STMT_RUN: case STMT_WHEN:
        return true;
    case STMT_FN:
        return stmt->fn.body->kind == EXPR_BLOCK;
    case STMT_PRECISION: case STMT_USE: case STMT_DECLARE: case STMT_TERM: case STMT_TILDE: case STMT_METHOD:
    case STMT_RECORD: case STMT_PRINT: case STMT_PLOT: case STMT_SAVE: case STMT_EXPECT: case STMT_SETTING:
    case STMT_STOP: case STMT_ACT: case STMT_START: case STMT_SYMMETRY: case STMT_ERROR: case STMT_COUNT:
        break;
    }
    return false;
}

/* One statement on a line, or after `; ` on the line of the one before where the source has it so. */
static void print_item(Printer *printer, const Stmt *stmt, Inside inside, bool *first) {
    *first = print_comments_before(printer, has_block(stmt) ? stmt->span.start : stmt->span.end, *first);
    bool joined = !*first && printer->at <= stmt->span.start
                  && newlines_between(printer, printer->at, stmt->span.start) == 0;
    size_t mark = printer->out->n;
    uint32_t comment = printer->comment;
    if (joined) {
        put(printer, "; ");
        print_stmt(printer, stmt, inside);
        bool fits = printer_column(printer) <= PRINT_WIDTH
                    && !memchr(printer->out->at + mark, '\n', printer->out->n - mark);
        if (!fits) {
            printer->out->n = mark;
            printer->out->at[mark] = '\0';
            printer->comment = comment;
            joined = false;
        }
    }
    if (!joined) {
        new_line(printer, stmt->span.start, *first);
        print_stmt(printer, stmt, inside);
    }
    *first = false;
    printer->at = stmt->span.end;
    print_trailing_comment(printer);
}

static void print_block(Printer *printer, const Stmt *stmt, StmtList items, const Expr *value,
                        Inside inside) {
    put(printer, " {");
    printer->at = stmt->span.start;
    print_trailing_comment(printer);
    printer->indent++;
    bool first = true;
    for (uint32_t i = 0; i < items.n; i++)
        print_item(printer, items.at[i], inside, &first);
    if (value) {
        first = print_comments_before(printer, value->span.end, first);
        new_line(printer, value->span.start, first);
        print_expr_fitting(printer, value);
        printer->at = value->span.end;
        print_trailing_comment(printer);
        first = false;
    }
    first = print_comments_before(printer, stmt->span.end, first);
    printer->indent--;
    if (first && !items.n) {
        put(printer, " }");
    } else {
        put(printer, "\n");
        begin_line(printer);
        put(printer, "}");
    }
}

/* `{ a; b; c }` when the whole statement stood on one line of the source and still fits; else over several
 * lines. */
static void print_body(Printer *printer, const Stmt *stmt, StmtList items, const Expr *value, Inside inside) {
    bool short_form = items.n + (value != NULL) > 0 && on_one_line(printer, stmt->span);
    size_t mark = printer->out->n;
    if (short_form) {
        put(printer, " { ");
        for (uint32_t i = 0; i < items.n; i++) {
            put(printer, i ? "; " : "");
            print_stmt(printer, items.at[i], inside);
        }
        if (value) {
            put(printer, items.n ? "; " : "");
            print_expr(printer, value);
        }
        put(printer, " }");
        short_form = printer_column(printer) <= PRINT_WIDTH
                     && !memchr(printer->out->at + mark, '\n', printer->out->n - mark);
    }
    if (!short_form) {
        printer->out->n = mark;
        print_block(printer, stmt, items, value, inside);
    }
}

/* ---- parts of statements ---- */

static void print_value(Printer *printer, const char *before, const Expr *value) {
    put(printer, before);
    print_expr_fitting(printer, value);
}

static void print_axes(Printer *printer, bool has_axes, BinderList axes) {
    if (!has_axes)
        return;
    put(printer, "[");
    print_binders(printer, axes);
    put(printer, "]");
}

static void print_params(Printer *printer, ParamList params, bool always) {
    if (!params.n && !always)
        return;
    put(printer, "(");
    for (uint32_t i = 0; i < params.n; i++) {
        const Param *param = &params.at[i];
        buf_printf(printer->out, "%s%s", i ? ", " : "", text_of(printer, param->name));
        print_axes(printer, param->has_axes, param->axes);
        if (param->init) {
            put(printer, " = ");
            print_expr(printer, param->init);
        }
    }
    put(printer, ")");
}

static void print_type(Printer *printer, const Declarator *d) {
    if (!d->type)
        return;
    buf_printf(printer->out, " : %s", text_of(printer, d->type));
    for (uint32_t i = 0; i < d->type_args.n; i++) {
        put(printer, i ? ", " : "[");
        print_expr(printer, d->type_args.at[i]);
    }
    if (d->type_args.n)
        put(printer, "]");
    if (d->bound) {
        static const char *const bounds[] = {
            [BINARY_LT] = " < ", [BINARY_LE] = " <= ", [BINARY_GT] = " > ", [BINARY_GE] = " >= "};
        put(printer, bounds[d->bound_op]);
        print_expr(printer, d->bound);
    }
    if (d->lower) {
        put(printer, " in (");
        print_expr(printer, d->lower);
        put(printer, ", ");
        print_expr(printer, d->upper);
        put(printer, ")");
    }
}

static void print_declarator(Printer *printer, const Declarator *d, const Declarator *next) {
    put(printer, text_of(printer, d->name));
    for (uint32_t i = 0; i < d->primes; i++)
        put(printer, "'");
    print_axes(printer, d->has_axes, d->axes);
    print_type(printer, d);
    bool shared = next && next->init == d->init; /* data of one source */
    if (d->init && !shared)
        print_value(printer, " = ", d->init);
    if (d->start)
        print_value(printer, " from ", d->start);
}

static void print_declare(Printer *printer, const Stmt *stmt, Inside inside) {
    if (inside != INSIDE_FLOW || stmt->declare.kind != DECL_STATE)
        buf_printf(printer->out, "%s ", decl_words[stmt->declare.kind]);
    for (uint32_t i = 0; i < stmt->declare.n; i++) {
        put(printer, i ? ", " : "");
        print_declarator(printer, &stmt->declare.at[i],
                         i + 1 < stmt->declare.n ? &stmt->declare.at[i + 1] : NULL);
    }
}

static void print_every(Printer *printer, const Every *every) {
    if (every->unit == EVERY_NONE)
        return;
    put(printer, " every");
    if (every->count)
        print_value(printer, " ", every->count);
    if (every->word)
        buf_printf(printer->out, " %s", text_of(printer, every->word));
}

static void print_word(Printer *printer, const WordList *list, bool fit);

/* `(w, friction = 0.2)` */
static void print_composed_args(Printer *printer, const Word *word) {
    put(printer, "(");
    if (word->fraction)
        print_expr(printer, word->fraction);
    for (uint32_t i = 0; i < word->args.n; i++) {
        const Arg *arg = &word->args.at[i];
        buf_printf(printer->out, "%s%s", i || word->fraction ? ", " : "", text_of(printer, arg->name));
        print_value(printer, " = ", arg->value);
    }
    put(printer, ")");
}

static void print_part(Printer *printer, const Word *word) {
    if (!word->part) {
        print_value(printer, "repeat ", word->count);
        put(printer, " { ");
        print_word(printer, &word->body, false);
        put(printer, " }");
        return;
    }
    if (word->composes)
        put(printer, word->is_adjoint ? "compose adjoint " : "compose ");
    put(printer, text_of(printer, word->part));
    const Expr *f = word->fraction;
    if (word->args.n) {
        print_composed_args(printer, word);
        return;
    }
    bool divided = f && f->kind == EXPR_BINARY && f->binary.op == BINARY_DIV && f->binary.a->kind == EXPR_NUMBER
                   && f->binary.a->number.is_int && f->binary.a->number.value == 1
                   && f->binary.b->kind == EXPR_NUMBER;
    if (divided) {
        put(printer, "/");
        print_expr(printer, f->binary.b);
    } else if (f) {
        put(printer, "(");
        print_expr(printer, f);
        put(printer, ")");
    }
}

/* The parts on one line, or, with `fit`, on as many as they need. */
static void print_word(Printer *printer, const WordList *list, bool fit) {
    for (uint32_t i = 0; i < list->n; i++) {
        size_t mark = printer->out->n;
        put(printer, i ? "; " : "");
        print_part(printer, &list->at[i]);
        if (fit && i && printer_column(printer) > PRINT_WIDTH) {
            printer->out->n = mark;
            put(printer, "\n");
            begin_line(printer);
            print_part(printer, &list->at[i]);
        }
    }
}

static void print_term(Printer *printer, const Stmt *stmt) {
    bool is_law = stmt->term.kind == TERM_LAW;
    if (is_law)
        buf_printf(printer->out, "%s'", text_of(printer, stmt->term.on));
    else
        put(printer, term_words[stmt->term.kind]);
    print_axes(printer, stmt->term.has_axes, stmt->term.axes);
    if (stmt->term.on && !is_law)
        buf_printf(printer->out, " on %s", text_of(printer, stmt->term.on));
    if (stmt->term.kind == TERM_CONSTRAINT)
        print_value(printer, " ", stmt->term.value);
    else
        print_value(printer, " = ", stmt->term.value);
    if (stmt->term.rhs)
        print_value(printer, " = ", stmt->term.rhs);
}

static void print_run(Printer *printer, const Stmt *stmt) {
    put(printer, "run ");
    if (stmt->run.label)
        buf_printf(printer->out, "%s = ", text_of(printer, stmt->run.label));
    print_expr_fitting(printer, stmt->run.dynamics);
    buf_printf(printer->out, " on %s", text_of(printer, stmt->run.system));
    if (stmt->run.system_args.n) {
        put(printer, "(");
        print_args(printer, stmt->run.system_args);
        put(printer, ")");
    }
    if (stmt->run.duration) {
        print_value(printer, " for ", stmt->run.duration);
        if (stmt->run.unit_name)
            buf_printf(printer->out, " %s", text_of(printer, stmt->run.unit_name));
    }
    if (stmt->run.over)
        print_value(printer, " over ", stmt->run.over);
    if (stmt->run.over_unit)
        buf_printf(printer->out, " %s", text_of(printer, stmt->run.over_unit));
    if (stmt->run.items.n)
        print_body(printer, stmt, stmt->run.items, NULL, INSIDE_OTHER);
}

static void print_fn(Printer *printer, const Stmt *stmt) {
    buf_printf(printer->out, "fn %s", text_of(printer, stmt->fn.name));
    print_params(printer, stmt->fn.params, true);
    print_axes(printer, stmt->fn.has_axes, stmt->fn.axes);
    if (stmt->fn.body->kind == EXPR_BLOCK)
        print_body(printer, stmt, stmt->fn.body->block.lets, stmt->fn.body->block.value, INSIDE_OTHER);
    else
        print_value(printer, " = ", stmt->fn.body);
}

static void print_dynamics(Printer *printer, const Stmt *stmt) {
    buf_printf(printer->out, "dynamics %s", text_of(printer, stmt->dynamics.name));
    print_params(printer, stmt->dynamics.params, false);
    if (stmt->dynamics.has_pattern) {
        buf_printf(printer->out, " on %s", text_of(printer, stmt->dynamics.pattern.name));
        print_axes(printer, stmt->dynamics.pattern.has_axes, stmt->dynamics.pattern.axes);
    }
    print_body(printer, stmt, stmt->dynamics.items, NULL, INSIDE_OTHER);
}

static void print_named_args(Printer *printer, const char *word, ArgList items) {
    put(printer, word);
    print_args(printer, items);
}

static void print_symmetry(Printer *printer, const Stmt *stmt) {
    put(printer, "symmetry ");
    if (stmt->symmetry.name)
        buf_printf(printer->out, "%s: ", text_of(printer, stmt->symmetry.name));
    print_named_args(printer, "", stmt->symmetry.items);
}

static void print_step(Printer *printer, const Stmt *stmt) {
    put(printer, "step ");
    if (stmt->step.by) {
        print_value(printer, "by ", stmt->step.by);
        put(printer, " ");
    }
    size_t mark = printer->out->n;
    put(printer, "{ ");
    print_word(printer, &stmt->step.word, false);
    put(printer, " }");
    if (printer_column(printer) <= PRINT_WIDTH)
        return;
    printer->out->n = mark;
    put(printer, "{\n");
    printer->indent++;
    begin_line(printer);
    print_word(printer, &stmt->step.word, true);
    printer->indent--;
    put(printer, "\n");
    begin_line(printer);
    put(printer, "}");
}

static void print_stmt(Printer *printer, const Stmt *stmt, Inside inside) {
    switch (stmt->kind) {
    case STMT_PRECISION:
        buf_printf(printer->out, "precision %s", text_of(printer, stmt->precision.type));
        break;
    case STMT_USE:
        put(printer, "use ");
        if (stmt->use.is_file)
            print_string(printer, stmt->use.path);
        else
            put(printer, text_of(printer, stmt->use.path));
        break;
    case STMT_DECLARE: print_declare(printer, stmt, inside); break;
    case STMT_FN: print_fn(printer, stmt); break;
    case STMT_SYSTEM:
        buf_printf(printer->out, "system %s", text_of(printer, stmt->system.name));
        print_params(printer, stmt->system.params, false);
        print_body(printer, stmt, stmt->system.items, NULL, INSIDE_OTHER);
        break;
    case STMT_DYNAMICS: print_dynamics(printer, stmt); break;
    case STMT_TERM: print_term(printer, stmt); break;
    case STMT_TILDE:
        print_expr(printer, stmt->tilde.lhs);
        print_value(printer, " ~ ", stmt->tilde.dist);
        break;
    case STMT_FLOW:
        buf_printf(printer->out, "flow %s", text_of(printer, stmt->flow.name));
        print_body(printer, stmt, stmt->flow.items, NULL, INSIDE_FLOW);
        break;
    case STMT_STEP: print_step(printer, stmt); break;
    case STMT_METHOD: print_value(printer, "method ", stmt->method.call); break;
    case STMT_RUN: print_run(printer, stmt); break;
    case STMT_RECORD:
        print_named_args(printer, "record ", stmt->record.items);
        print_every(printer, &stmt->record.every);
        break;
    case STMT_PRINT:
        print_named_args(printer, "print ", stmt->print.items);
        print_every(printer, &stmt->print.every);
        break;
    case STMT_PLOT:
        buf_printf(printer->out, "plot %s(", text_of(printer, stmt->plot.form));
        print_named_args(printer, "", stmt->plot.items);
        put(printer, ")");
        print_every(printer, &stmt->plot.every);
        if (stmt->plot.path) {
            put(printer, " to ");
            print_string(printer, stmt->plot.path);
        }
        break;
    case STMT_SAVE:
        print_named_args(printer, "save ", stmt->save.items);
        put(printer, " to ");
        print_string(printer, stmt->save.path);
        break;
    case STMT_EXPECT:
        print_value(printer, "expect ", stmt->expect.value);
        if (stmt->expect.within)
            print_value(printer, " within ", stmt->expect.within);
        break;
    case STMT_SETTING:
        put(printer, text_of(printer, stmt->setting.name));
        print_value(printer, " ", stmt->setting.value);
        if (stmt->setting.of)
            print_value(printer, " of ", stmt->setting.of);
        break;
    case STMT_WHEN:
        print_value(printer, "when ", stmt->when.a);
        print_value(printer, " = ", stmt->when.b);
        put(printer, stmt->when.direction > 0 ? " rising" : stmt->when.direction < 0 ? " falling" : "");
        print_body(printer, stmt, stmt->when.items, NULL, INSIDE_OTHER);
        break;
    case STMT_START:
        print_value(printer, "", stmt->start.target);
        print_value(printer, " from ", stmt->start.value);
        break;
    case STMT_STOP:
        put(printer, "stop");
        if (stmt->stop.after) {
            print_value(printer, " after ", stmt->stop.after);
            put(printer, " times");
        }
        break;
    case STMT_ACT:
        print_value(printer, "", stmt->act.target);
        print_value(printer, " = ", stmt->act.value);
        break;
    case STMT_SYMMETRY: print_symmetry(printer, stmt); break;
    case STMT_ERROR: case STMT_COUNT: put(printer, "?"); break;
    }
}

void ast_print(Session *session, const File *file, Buf *out) {
    Buf own = {0};
    buf_puts(&own, "");
    Printer printer = {.session = session,
                       .source = source_get(session, file->source),
                       .out = &own,
                       .comments = file->comments};
    bool first = true;
    for (uint32_t i = 0; i < file->items.n; i++)
        print_item(&printer, file->items.at[i], INSIDE_OTHER, &first);
    print_comments_before(&printer, UINT32_MAX, first);
    if (own.n)
        buf_puts(&own, "\n");
    buf_write(out, own.at, own.n);
    buf_free(&own);
}
