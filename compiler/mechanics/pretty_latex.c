/* pretty_latex — terms in LaTeX.
 *
 * needs: a Pretty tree      gives: LaTeX for mathematics mode      changes: nothing */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { LEVEL_SUM = 1, LEVEL_PRODUCT, LEVEL_POWER, LEVEL_ATOM };

static void write(Buf *out, const Pretty *t, int level);

static void write_list(Buf *out, Pretty *const *at, uint32_t n, const char *between) {
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? between : "");
        write(out, at[i], LEVEL_SUM);
    }
}

static void write_subscripts(Buf *out, Pretty *const *at, uint32_t n) {
    if (!n)
        return;
    buf_puts(out, "_{");
    write_list(out, at, n, ",\\,");
    buf_puts(out, "}");
}

/* ---- numbers, symbols ---- */

static void write_number(Buf *out, double value) {
    if (value == 3.141592653589793) {
        buf_puts(out, "\\pi");
        return;
    }
    Arena *arena = arena_new();
    const char *text = pretty_number(arena, value), *e = strchr(text, 'e');
    if (e) {
        int exponent = 0;
        sscanf(e + 1, "%d", &exponent);
        bool one = e == text + 1 && *text == '1';
        if (!one)
            buf_printf(out, "%.*s \\cdot ", (int)(e - text), text);
        buf_printf(out, "10^{%d}", exponent);
    } else {
        buf_puts(out, isinf(value) ? value < 0 ? "-\\infty" : "\\infty" : !strcmp(text, "nan") ? "\\mathrm{NaN}" : text);
    }
    arena_free(arena);
}

/* A name with a subscript of its own is set in braces before indices follow: {\beta_{1}}_{i} reads as (β₁)ᵢ,
 * so indices of such names stand in parentheses beside it. */
static void write_symbol(Buf *out, const Pretty *t) {
    Buf name = {0};
    symbol_write_latex(&name, t->text);
    const char *text = name.at ? name.at : "";
    bool composed = strchr(text, '_') || strstr(text, "\\frac");
    if (t->primes == 1)
        buf_printf(out, "\\dot{%s}", text);
    else if (t->primes == 2)
        buf_printf(out, "\\ddot{%s}", text);
    else if (t->n && composed)
        buf_printf(out, "%s%s%s", strstr(text, "\\frac") ? "\\left(" : "{", text,
                   strstr(text, "\\frac") ? "\\right)" : "}");
    else
        buf_puts(out, text);
    if (t->n && composed && !strstr(text, "\\frac")) {
        buf_puts(out, "{}");
    }
    write_subscripts(out, t->at, t->n);
    buf_free(&name);
}

static void write_call(Buf *out, const Pretty *t) {
    static const char *const known[] = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "min", "max"};
    if (!strcmp(t->text, "sqrt")) {
        buf_puts(out, "\\sqrt{");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, "}");
        return;
    }
    if (!strcmp(t->text, "abs")) {
        buf_puts(out, "\\left|");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, "\\right|");
        return;
    }
    if (!strcmp(t->text, "inverse") || !strcmp(t->text, "solve") || !strcmp(t->text, "solve_t")) {
        bool paren = t->n == 2 && t->n_below;
        buf_puts(out, paren ? "\\left(" : "");
        write(out, t->at[0], LEVEL_ATOM);
        buf_puts(out, strcmp(t->text, "solve_t") ? "^{-1}" : "^{-\\mathsf{T}}");
        if (t->n == 2)
            write(out, t->at[1], LEVEL_ATOM);
        buf_puts(out, paren ? "\\right)" : "");
        write_subscripts(out, t->below, t->n_below);
        return;
    }
    bool operator= !strcmp(t->text, "log");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        operator= operator|| !strcmp(t->text, known[i]);
    if (operator)
        buf_printf(out, "\\%s", !strcmp(t->text, "log") ? "ln" : t->text);
    else {
        buf_puts(out, "\\mathrm{");
        for (const char *c = t->text; *c; c++)
            buf_printf(out, *c == '_' ? "\\_" : "%c", *c);
        buf_puts(out, "}");
    }
    buf_puts(out, "\\left(");
    write_list(out, t->at, t->n, ",\\, ");
    buf_puts(out, "\\right)");
    write_subscripts(out, t->below, t->n_below);
}

/* ---- sums, products, powers ---- */

void pretty_write_latex_term(Buf *out, const Pretty *t, bool first) {
    Pretty term = *t;
    buf_puts(out, term.negative ? (first ? "-" : " - ") : first ? "" : " + ");
    term.negative = false;
    write(out, &term, LEVEL_PRODUCT);
}

static void write_factors(Buf *out, Pretty *const *at, uint32_t n, bool alone) {
    for (uint32_t i = 0; i < n; i++) {
        const Pretty *f = at[i];
        bool open = f->kind == PRETTY_REDUCE && !(alone && i + 1 == n);
        buf_puts(out, i ? (f->kind == PRETTY_NUMBER ? " \\cdot " : " \\, ") : "");
        buf_puts(out, open ? "\\left(" : "");
        write(out, f,
              open                                                    ? LEVEL_SUM
              : f->kind == PRETTY_PRODUCT || f->kind == PRETTY_REDUCE ? LEVEL_PRODUCT
                                                                      : LEVEL_POWER);
        buf_puts(out, open ? "\\right)" : "");
    }
}

static void write_product(Buf *out, const Pretty *t) {
    if (!t->n_below) {
        write_factors(out, t->at, t->n, true);
        return;
    }
    buf_puts(out, "\\frac{");
    if (t->n == 1)
        write(out, t->at[0], LEVEL_SUM);
    else
        write_factors(out, t->at, t->n, true);
    buf_puts(out, "}{");
    if (t->n_below == 1)
        write(out, t->below[0], LEVEL_SUM);
    else
        write_factors(out, t->below, t->n_below, true);
    buf_puts(out, "}");
}

static void write_power(Buf *out, const Pretty *t) {
    buf_puts(out, "{");
    write(out, t->at[0], LEVEL_ATOM);
    buf_puts(out, "}^{");
    write(out, t->at[1], LEVEL_SUM);
    buf_puts(out, "}");
}

/* ---- reductions, cases ---- */

static const char *relation_sign(const char *op) {
    return !strcmp(op, "==")  ? "="
         : !strcmp(op, "<=")  ? "\\le"
         : !strcmp(op, "!=")  ? "\\ne"
         : !strcmp(op, "and") ? "\\wedge"
         : !strcmp(op, "or")  ? "\\vee"
                              : op;
}

static void write_reduce(Buf *out, const Pretty *t) {
    const char *sign = !strcmp(t->text, "sum")  ? "\\sum"
                     : !strcmp(t->text, "prod") ? "\\prod"
                     : !strcmp(t->text, "max")  ? "\\max"
                     : !strcmp(t->text, "min")  ? "\\min"
                                                : NULL;
    if (sign)
        buf_puts(out, sign);
    else
        buf_printf(out, "\\mathop{\\mathrm{%s}}", t->text);
    buf_puts(out, "_{");
    bool stacked = t->guard != NULL;
    buf_puts(out, stacked ? "\\substack{" : "");
    symbol_write_latex(out, t->symbol);
    buf_puts(out, "=");
    write(out, t->lo, LEVEL_SUM);
    if (stacked) {
        buf_puts(out, "\\\\");
        write(out, t->guard, LEVEL_SUM);
        buf_puts(out, "}");
    }
    buf_puts(out, "}^{");
    write(out, t->hi, LEVEL_SUM);
    buf_puts(out, "} ");
    write(out, t->at[0], LEVEL_PRODUCT);
}

static void write_cases(Buf *out, const Pretty *t) {
    buf_puts(out, "\\begin{cases} ");
    write(out, t->at[1], LEVEL_SUM);
    buf_puts(out, " & ");
    write(out, t->at[0], LEVEL_SUM);
    buf_puts(out, " \\\\ ");
    write(out, t->at[2], LEVEL_SUM);
    buf_puts(out, " & \\text{else} \\end{cases}");
}

static int level_of(const Pretty *t) {
    if (t->negative)
        return LEVEL_SUM;
    switch (t->kind) {
    case PRETTY_SUM:
    case PRETTY_RELATION: return LEVEL_SUM;
    case PRETTY_PRODUCT: return t->n_below ? LEVEL_POWER : LEVEL_PRODUCT;
    case PRETTY_REDUCE: return LEVEL_PRODUCT;
    case PRETTY_POWER: return LEVEL_POWER;
    case PRETTY_NUMBER:
    case PRETTY_SYMBOL:
    case PRETTY_CALL:
    case PRETTY_CASES:
    case PRETTY_BRACKET:
    case PRETTY_TUPLE: return LEVEL_ATOM;
    }
    return LEVEL_ATOM;
}

static void write_kind(Buf *out, const Pretty *t) {
    switch (t->kind) {
    case PRETTY_NUMBER: write_number(out, t->number); break;
    case PRETTY_SYMBOL: write_symbol(out, t); break;
    case PRETTY_CALL: write_call(out, t); break;
    case PRETTY_SUM:
        for (uint32_t i = 0; i < t->n; i++)
            pretty_write_latex_term(out, t->at[i], i == 0);
        break;
    case PRETTY_PRODUCT: write_product(out, t); break;
    case PRETTY_POWER: write_power(out, t); break;
    case PRETTY_REDUCE: write_reduce(out, t); break;
    case PRETTY_RELATION:
        write(out, t->at[0], LEVEL_PRODUCT);
        buf_printf(out, " %s ", relation_sign(t->text));
        write(out, t->at[1], LEVEL_PRODUCT);
        break;
    case PRETTY_CASES: write_cases(out, t); break;
    case PRETTY_BRACKET:
        buf_puts(out, "\\left[");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, "\\right]");
        break;
    case PRETTY_TUPLE:
        buf_puts(out, "\\left(");
        write_list(out, t->at, t->n, ",\\, ");
        buf_puts(out, "\\right)");
        write_subscripts(out, t->below, t->n_below);
        break;
    }
}

static void write(Buf *out, const Pretty *t, int level) {
    bool paren = level_of(t) < level;
    buf_puts(out, paren ? "\\left(" : "");
    if (t->negative && t->kind != PRETTY_SUM) {
        Pretty positive = *t;
        positive.negative = false;
        buf_puts(out, "-");
        write(out, &positive, LEVEL_PRODUCT);
    } else {
        write_kind(out, t);
    }
    buf_puts(out, paren ? "\\right)" : "");
}

void pretty_write_latex(Buf *out, const Pretty *t) { write(out, t, LEVEL_SUM); }
