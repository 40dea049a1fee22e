/* print_stmt — statements as canonical text (`lag fmt`). */
#include "printer.h"

#include <string.h>

static const char *text_of(Printer *printer, Name name) { return name_text(printer->session->names, name); }
static void put(Printer *printer, const char *text) { buf_puts(printer->out, text); }

static const char *const decl_words[] = {
    [DECL_CONST] = "const", [DECL_DATA] = "data",   [DECL_PARAM] = "param", [DECL_COORD] = "coord",
    [DECL_SPIN] = "spin",   [DECL_BIT] = "bit",     [DECL_ANGLE] = "angle", [DECL_UNIT] = "unit",
    [DECL_LET] = "let",     [DECL_STATE] = "state",
};

static const char *const term_words[] = {
    [TERM_KINETIC] = "kinetic", [TERM_POTENTIAL] = "potential", [TERM_DISSIPATION] = "dissipation",
    [TERM_FORCE] = "force", [TERM_PUSH] = "force", [TERM_CONSTRAINT] = "constraint", [TERM_TEMPERATURE] = "temperature",
    [TERM_LAGRANGIAN] = "lagrangian", [TERM_HAMILTONIAN] = "hamiltonian", [TERM_METRIC] = "metric",
    [TERM_PROPOSAL] = "proposal", [TERM_ACCEPT] = "accept",
};

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
            print_indent(printer);
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
    if (!stmt->run.n_groups)
        print_expr_fitting(printer, stmt->run.dynamics);
    for (uint32_t g = 0; g < stmt->run.n_groups; g++) {
        const RunGroup *group = &stmt->run.groups[g];
        put(printer, g ? ", " : "");
        print_expr_fitting(printer, group->dynamics);
        for (uint32_t k = 0; k < group->n_names; k++)
            buf_printf(printer->out, " on %s%s", text_of(printer, group->names[k].name), group->names[k].prefix ? "*" : "");
    }
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
    print_indent(printer);
    print_word(printer, &stmt->step.word, true);
    printer->indent--;
    put(printer, "\n");
    print_indent(printer);
    put(printer, "}");
}

void print_stmt(Printer *printer, const Stmt *stmt, Inside inside) {
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
