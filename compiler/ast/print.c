/* print — expressions as canonical text: one blank around binary operators but none around ^, brackets only
 * where the grammar needs them. Reading the text again gives the same tree. */
#include "printer.h"

#include <stdlib.h>
#include <string.h>

/* How tightly an expression holds together, loosest first; the same order as in lag.y. */
enum {
    LEVEL_IF,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_ADD,
    LEVEL_MUL,
    LEVEL_NEG,
    LEVEL_POW,
    LEVEL_POSTFIX
};

static const struct { const char *text; int level;
} binary_ops[] = {
    [BINARY_ADD] = {"+", LEVEL_ADD},     [BINARY_SUB] = {"-", LEVEL_ADD},
    [BINARY_MUL] = {"*", LEVEL_MUL},     [BINARY_DIV] = {"/", LEVEL_MUL},
    [BINARY_POW] = {"^", LEVEL_POW},     [BINARY_MATMUL] = {"@", LEVEL_MUL},
    [BINARY_MOD] = {"%", LEVEL_MUL},     [BINARY_EQ] = {"==", LEVEL_COMPARE},
    [BINARY_NE] = {"!=", LEVEL_COMPARE}, [BINARY_LT] = {"<", LEVEL_COMPARE},
    [BINARY_LE] = {"<=", LEVEL_COMPARE}, [BINARY_GT] = {">", LEVEL_COMPARE},
    [BINARY_GE] = {">=", LEVEL_COMPARE}, [BINARY_AND] = {"and", LEVEL_AND},
    [BINARY_OR] = {"or", LEVEL_OR},
};

static const char *const reduce_names[] = {
    [REDUCE_SUM] = "sum",       [REDUCE_PROD] = "prod",     [REDUCE_MAX] = "max",
    [REDUCE_MIN] = "min",       [REDUCE_MEAN] = "mean",     [REDUCE_LOGSUMEXP] = "logsumexp",
    [REDUCE_ARGMAX] = "argmax", [REDUCE_ARGMIN] = "argmin", [REDUCE_ANY] = "any",
    [REDUCE_ALL] = "all",
};

static int level_of(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_IF: case EXPR_RANGE:
        return LEVEL_IF;
    case EXPR_BINARY:
        return binary_ops[expr->binary.op].level;
    case EXPR_UNARY:
        return expr->unary.op == UNARY_NOT ? LEVEL_NOT : LEVEL_NEG;
    case EXPR_NUMBER: case EXPR_STRING: case EXPR_BOOL: case EXPR_NAME: case EXPR_PRIME: case EXPR_ARRAY:
    case EXPR_SUBSCRIPT:
    case EXPR_CALL:
    case EXPR_REDUCE:
    case EXPR_TRANSPOSE:
    case EXPR_DRAW:
    case EXPR_BLOCK:
    case EXPR_FIELD: case EXPR_ERROR: case EXPR_COUNT:
        break;
    }
    return LEVEL_POSTFIX;
}

uint32_t printer_column(const Printer *printer) {
    uint32_t column = 0;
    for (size_t i = printer->out->n; i > 0 && printer->out->at[i - 1] != '\n'; i--)
        column += ((unsigned char)printer->out->at[i - 1] & 0xC0) != 0x80;
    return column;
}

/* ---- leaves ---- */

/* The shortest digits that read back as the same number; the spelling of the source where there is one. */
static void print_number(Printer *printer, const Expr *expr) {
    Span span = expr->span;
    if (printer->source && span.end > span.start && span.end <= printer->source->length) {
        const char *text = printer->source->text + span.start;
        uint32_t n = span.end - span.start;
        bool fraction = !strncmp(text, "½", 2) || !strncmp(text, "¼", 2) || !strncmp(text, "¾", 2)
                        || !strncmp(text, "⅓", 3) || !strncmp(text, "⅔", 3);
        if (fraction) {
            buf_write(printer->out, text, n);
            return;
        }
        bool plain = n > 0;
        for (uint32_t i = 0; i < n; i++)
            plain =
                plain && (strchr("0123456789._eE", text[i]) || (i > 0 && (text[i] == '-' || text[i] == '+')));
        if (plain && text[0]) {
            if (text[0] == '.')
                buf_puts(printer->out, "0");
            buf_write(printer->out, text, n);
            return;
        }
    }
    if (expr->number.is_int) {
        buf_printf(printer->out, "%.0f", expr->number.value);
        return;
    }
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, expr->number.value);
        if (strtod(text, NULL) == expr->number.value)
            break;
    }
    buf_puts(printer->out, text);
    if (!strpbrk(text, ".e"))
        buf_puts(printer->out, ".0");
}

void print_string(Printer *printer, Name text) {
    buf_puts(printer->out, "\"");
    for (const char *c = name_text(printer->session->names, text); *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_printf(printer->out, "\\%c", *c);
        else if (*c == '\n' || *c == '\t')
            buf_puts(printer->out, *c == '\n' ? "\\n" : "\\t");
        else
            buf_write(printer->out, c, 1);
    }
    buf_puts(printer->out, "\"");
}

static const char *text_of(Printer *printer, Name name) { return name_text(printer->session->names, name); }

/* ---- operators ---- */

/* Lines are broken only where `fit` is set and the flat text would pass the margin. */
static void print_at(Printer *printer, const Expr *expr, int level, bool fit);

static bool is_too_wide(Printer *printer, const Expr *expr) {
    Buf flat = {0};
    buf_puts(&flat, "");
    Printer probe = *printer;
    probe.out = &flat;
    print_at(&probe, expr, LEVEL_IF, false);
    bool wide = printer_column(printer) + printer_column(&probe) > PRINT_WIDTH;
    buf_free(&flat);
    return wide;
}

static void break_line(Printer *printer) {
    buf_printf(printer->out, "\n%*s", (int)((printer->indent + 2) * PRINT_INDENT), "");
}

/* True when the text of the expression begins with the name T, which after ^ would be read as a transpose. */
static bool begins_with_t(Printer *printer, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_NAME: return !strcmp(text_of(printer, expr->name.name), "T");
    case EXPR_PRIME: return begins_with_t(printer, expr->prime.of);
    case EXPR_SUBSCRIPT: return begins_with_t(printer, expr->subscript.of);
    case EXPR_CALL: return begins_with_t(printer, expr->call.callee);
    case EXPR_TRANSPOSE: return begins_with_t(printer, expr->transpose.of);
    case EXPR_FIELD: return begins_with_t(printer, expr->field.of);
    case EXPR_BINARY: return expr->binary.op == BINARY_POW && begins_with_t(printer, expr->binary.a);
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BOOL:
    case EXPR_ARRAY:
    case EXPR_UNARY:
    case EXPR_REDUCE:
    case EXPR_IF:
    case EXPR_DRAW: case EXPR_BLOCK: case EXPR_RANGE: case EXPR_ERROR: case EXPR_COUNT:
        break;
    }
    return false;
}

static void print_power(Printer *printer, const Expr *expr) {
    const Expr *exponent = expr->binary.b;
    print_at(printer, expr->binary.a, LEVEL_POSTFIX, false);
    buf_puts(printer->out, "^");
    if (begins_with_t(printer, exponent)) {
        buf_puts(printer->out, "(");
        print_at(printer, exponent, LEVEL_IF, false);
        buf_puts(printer->out, ")");
    } else {
        print_at(printer, exponent, LEVEL_NEG, false);
    }
}

/* The level its left operand must have to stand without brackets. */
static int left_level(const Expr *expr) {
    int level = binary_ops[expr->binary.op].level;
    return level == LEVEL_COMPARE ? level + 1 : level;
}

/* Whether the left operand continues the chain a op b op c … without brackets. */
static bool chain_goes_on(const Expr *expr) {
    const Expr *a = expr->binary.a;
    return a->kind == EXPR_BINARY && a->binary.op != BINARY_POW && level_of(a) >= left_level(expr);
}

/* The operator of `expr` and its right operand. */
static void print_right(Printer *printer, const Expr *expr, bool breaks, bool fit) {
    const Expr *above = expr->binary.a;
    if (above->kind == EXPR_UNARY && above->unary.op == UNARY_NEG)
        above = above->unary.a; /* -1/2 */
    bool fraction = expr->binary.op == BINARY_DIV && above->kind == EXPR_NUMBER
                    && expr->binary.b->kind == EXPR_NUMBER;
    if (breaks)
        break_line(printer);
    else if (!fraction)
        buf_puts(printer->out, " ");
    buf_printf(printer->out, fraction ? "%s" : "%s ", binary_ops[expr->binary.op].text);
    print_at(printer, expr->binary.b, binary_ops[expr->binary.op].level + 1, fit);
}

/* A chain of any length, without recursion. A line is broken before every operator up to which the flat text
 * passes the margin: `flat` is that text, which only grows, so it is printed until it does. */
static void print_binary(Printer *printer, const Expr *expr, bool fit) {
    if (expr->binary.op == BINARY_POW) {
        print_power(printer, expr);
        return;
    }
    VEC(const Expr *) chain = {0};
    vec_push(&chain, expr);
    for (; chain_goes_on(expr); expr = expr->binary.a)
        vec_push(&chain, expr->binary.a);
    Buf flat = {0};
    Printer probe = *printer;
    probe.out = &flat;
    uint32_t start = fit ? printer_column(printer) : 0;
    bool wide = false;
    if (fit)
        print_at(&probe, expr->binary.a, left_level(expr), false);
    print_at(printer, expr->binary.a, left_level(expr), fit);
    while (chain.n) {
        expr = vec_pop(&chain);
        if (fit && !wide) {
            print_right(&probe, expr, false, false);
            wide = start + printer_column(&probe) > PRINT_WIDTH;
        }
        print_right(printer, expr, wide && level_of(expr) != LEVEL_COMPARE, fit);
    }
    buf_free(&flat);
    vec_free(&chain);
}

static void print_if(Printer *printer, const Expr *expr, bool fit) {
    bool breaks = fit && is_too_wide(printer, expr);
    buf_puts(printer->out, "if ");
    print_at(printer, expr->cond.cond, LEVEL_OR, fit);
    if (breaks)
        break_line(printer);
    buf_puts(printer->out, breaks ? "then " : " then ");
    print_at(printer, expr->cond.then, LEVEL_OR, fit);
    if (breaks)
        break_line(printer);
    buf_puts(printer->out, breaks ? "else " : " else ");
    print_at(printer, expr->cond.other, LEVEL_IF, fit);
}

/* ---- lists ---- */

static void comma(Printer *printer, uint32_t i) {
    if (i)
        buf_puts(printer->out, ", ");
}

/* After a comma in a list that may be broken: on a new line when the next element does not fit. */
static void comma_fitting(Printer *printer, uint32_t i, const Expr *next, bool fit) {
    if (i && fit && next && is_too_wide(printer, next)) {
        buf_puts(printer->out, ",");
        break_line(printer);
    } else {
        comma(printer, i);
    }
}

/* `acc = `, or `"test accuracy" = ` where the source has it in quotes. */
static void print_label(Printer *printer, const Arg *arg) {
    bool quoted = printer->source && arg->span.start < printer->source->length
                  && printer->source->text[arg->span.start] == '"';
    if (quoted)
        print_string(printer, arg->name);
    else
        buf_puts(printer->out, text_of(printer, arg->name));
    buf_puts(printer->out, " = ");
}

static void print_arg_list(Printer *printer, ArgList args, bool fit) {
    for (uint32_t i = 0; i < args.n; i++) {
        comma_fitting(printer, i, args.at[i].value, fit);
        if (args.at[i].name)
            print_label(printer, &args.at[i]);
        print_at(printer, args.at[i].value, LEVEL_IF, fit);
    }
}

void print_args(Printer *printer, ArgList args) { print_arg_list(printer, args, true); }

void print_binders(Printer *printer, BinderList binders) {
    for (uint32_t i = 0; i < binders.n; i++) {
        const Binder *binder = &binders.at[i];
        comma(printer, i);
        if (binder->name)
            buf_puts(printer->out, text_of(printer, binder->name));
        if (binder->extent) {
            buf_puts(printer->out, binder->name ? " : " : "");
            print_at(printer, binder->extent, LEVEL_IF, false);
        }
        if (binder->set) {
            buf_puts(printer->out, " in ");
            print_at(printer, binder->set, LEVEL_IF, false);
        }
        if (binder->periodic)
            buf_puts(printer->out, " periodic");
    }
}

static void print_list(Printer *printer, ExprList list, bool fit) {
    for (uint32_t i = 0; i < list.n; i++) {
        comma_fitting(printer, i, list.at[i], fit);
        if (list.at[i])
            print_at(printer, list.at[i], LEVEL_IF, fit);
        else
            buf_puts(printer->out, ":");
    }
}

static void print_reduce(Printer *printer, const Expr *expr, bool fit) {
    buf_puts(printer->out, reduce_names[expr->reduce.op]);
    if (expr->reduce.binders.n) {
        buf_puts(printer->out, "[");
        print_binders(printer, expr->reduce.binders);
        if (expr->reduce.guard) {
            buf_puts(printer->out, " | ");
            print_at(printer, expr->reduce.guard, LEVEL_IF, false);
        }
        buf_puts(printer->out, "]");
    }
    buf_puts(printer->out, "(");
    print_at(printer, expr->reduce.body, LEVEL_IF, fit);
    buf_puts(printer->out, ")");
}

/* ---- the whole ---- */

static void print_bare(Printer *printer, const Expr *expr, bool fit) {
    switch (expr->kind) {
    case EXPR_NUMBER: print_number(printer, expr); break;
    case EXPR_STRING: print_string(printer, expr->string.text); break;
    case EXPR_BOOL: buf_puts(printer->out, expr->boolean.value ? "true" : "false"); break;
    case EXPR_NAME: buf_puts(printer->out, text_of(printer, expr->name.name)); break;
    case EXPR_PRIME:
        print_at(printer, expr->prime.of, LEVEL_POSTFIX, fit);
        for (uint32_t i = 0; i < expr->prime.count; i++)
            buf_puts(printer->out, "'");
        break;
    case EXPR_ARRAY:
        buf_puts(printer->out, "[");
        print_list(printer, expr->array.items, fit);
        buf_puts(printer->out, "]");
        break;
    case EXPR_UNARY:
        buf_puts(printer->out, expr->unary.op == UNARY_NOT ? "not " : "-");
        print_at(printer, expr->unary.a, expr->unary.op == UNARY_NOT ? LEVEL_NOT : LEVEL_NEG, fit);
        break;
    case EXPR_BINARY: print_binary(printer, expr, fit); break;
    case EXPR_SUBSCRIPT:
        print_at(printer, expr->subscript.of, LEVEL_POSTFIX, fit);
        buf_puts(printer->out, "[");
        print_list(printer, expr->subscript.subs, false);
        buf_puts(printer->out, "]");
        break;
    case EXPR_CALL:
        print_at(printer, expr->call.callee, LEVEL_POSTFIX, fit);
        buf_puts(printer->out, "(");
        print_arg_list(printer, expr->call.args, fit);
        buf_puts(printer->out, ")");
        break;
    case EXPR_REDUCE: print_reduce(printer, expr, fit); break;
    case EXPR_TRANSPOSE:
        print_at(printer, expr->transpose.of, LEVEL_POSTFIX, fit);
        buf_puts(printer->out, "^T");
        break;
    case EXPR_IF: print_if(printer, expr, fit); break;
    case EXPR_DRAW:
        buf_puts(printer->out, "draw ");
        print_at(printer, expr->draw.dist, LEVEL_POSTFIX, fit);
        break;
    case EXPR_RANGE:
        print_at(printer, expr->range.lo, LEVEL_OR, fit);
        buf_puts(printer->out, "..");
        print_at(printer, expr->range.hi, LEVEL_OR, fit);
        break;
    case EXPR_FIELD:
        print_at(printer, expr->field.of, LEVEL_POSTFIX, fit);
        buf_printf(printer->out, ".%s", text_of(printer, expr->field.name));
        break;
    case EXPR_BLOCK: /* printed with its function, in print_stmt.c */
    case EXPR_ERROR: case EXPR_COUNT:
        buf_puts(printer->out, "?");
        break;
    }
}

static void print_at(Printer *printer, const Expr *expr, int level, bool fit) {
    bool brackets = level_of(expr) < level;
    if (brackets)
        buf_puts(printer->out, "(");
    print_bare(printer, expr, fit);
    if (brackets)
        buf_puts(printer->out, ")");
}

void print_expr(Printer *printer, const Expr *expr) { print_at(printer, expr, LEVEL_IF, false); }

void print_expr_fitting(Printer *printer, const Expr *expr) {
    print_at(printer, expr, LEVEL_IF, is_too_wide(printer, expr));
}

void ast_print_expr(Session *session, const Expr *expr, Buf *out) {
    Printer printer = {.session = session, .out = out};
    if (expr->span.file)
        printer.source = source_get(session, expr->span.file);
    print_expr(&printer, expr);
}
