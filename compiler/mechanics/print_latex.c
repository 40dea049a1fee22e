/* print_latex — the derivation as a LaTeX document.
 *
 * needs: sections of a MechRun      gives: a document for pdflatex, with amsmath alone      changes: nothing
 *
 * Several runs become one document: what is appended to a buffer that ends in \end{document} goes before that
 * end. */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { LEVEL_SUM = 1, LEVEL_PRODUCT, LEVEL_POWER, LEVEL_ATOM };
enum { LINE_WEIGHT = 95 }; /* printed characters, about, that fit one line */

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
        buf_puts(out, !strcmp(text, "inf") ? "\\infty" : !strcmp(text, "nan") ? "\\mathrm{NaN}" : text);
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

static void write_term(Buf *out, const Pretty *t, bool first) {
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
            write_term(out, t->at[i], i == 0);
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

/* ---- lines ---- */

/* Printed width of LaTeX, about: command names and braces do not count. */
static size_t weight(const char *text) {
    size_t n = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\\') {
            n++;
            while ((c[1] >= 'a' && c[1] <= 'z') || (c[1] >= 'A' && c[1] <= 'Z'))
                c++;
        } else if (!strchr("{}_^ ", *c)) {
            n++;
        }
    }
    return n;
}

/* A sum too long for a line is broken between its terms. */
static void write_side(Buf *out, const Pretty *t, size_t used) {
    if (t->kind != PRETTY_SUM) {
        pretty_write_latex(out, t);
        return;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        Buf term = {0};
        write_term(&term, t->at[i], i == 0);
        size_t w = weight(term.at);
        if (i && used + w > LINE_WEIGHT) {
            buf_puts(out, " \\\\\n  & \\quad ");
            used = 0;
        }
        buf_puts(out, term.at);
        used += w;
        buf_free(&term);
    }
}

static void write_relation(Buf *out, const char *relation) {
    buf_puts(out, !strcmp(relation, "←") ? "\\leftarrow" : !strcmp(relation, "→") ? "\\mapsto" : relation);
}

/* Equations that follow one another stand in one block, aligned at their relation. */
typedef struct Page {
    Buf *out;
    PrettyScope *scope;
    const Model *model;
    bool open; /* a block of equations is open */
} Page;

static void start_equation(Page *page) {
    buf_puts(page->out, page->open ? " \\\\\n  " : "\\begin{align*}\n  ");
    page->open = true;
}

static void end_equations(Page *page) {
    if (page->open)
        buf_puts(page->out, "\n\\end{align*}\n");
    page->open = false;
}

static void write_equation(Page *page, const Pretty *lhs, const char *relation, const Pretty *rhs,
                           double value) {
    Buf *out = page->out, left = {0};
    pretty_write_latex(&left, lhs);
    start_equation(page);
    buf_printf(out, "%s & ", left.at);
    write_relation(out, relation);
    buf_puts(out, " ");
    write_side(out, rhs, weight(left.at));
    if (!isnan(value))
        buf_printf(out, " \\approx %.6g", value);
    buf_free(&left);
}

/* A letter or sign of a sentence that is mathematics: its length in bytes, and what it is in LaTeX. 0: it is text. */
static size_t math_piece(Buf *out, const char *at) {
    static const char *const sign[][2] = {
        {"−", "-"},        {"·", "\\cdot "},    {"×", "\\times "},    {"∂", "\\partial "},  {"→", "\\to "},
        {"²", "^2"},       {"⁻¹", "^{-1}"},     {"ᵀ", "^{\\mathsf{T}}"}, {"½", "\\frac12 "}, {"≤", "\\le "},
        {"√", "\\surd "}, {"≠", "\\ne "},      {"∇", "\\nabla "},    {"…", "\\dots "},
    };
    for (size_t k = 0; k < sizeof sign / sizeof *sign; k++) {
        if (!strncmp(at, sign[k][0], strlen(sign[k][0]))) {
            buf_puts(out, sign[k][1]);
            return strlen(sign[k][0]);
        }
    }
    if ((unsigned char)*at < 0x80)
        return 0;
    size_t length = 1;
    while (((unsigned char)at[length] & 0xC0) == 0x80)
        length++;
    char letter[8] = {0};
    memcpy(letter, at, length < 7 ? length : 7);
    symbol_write_latex(out, letter);
    buf_puts(out, " ");
    return length;
}

/* A sentence: letters that are mathematics become mathematics, those that adjoin one piece of it. */
static void write_sentence(Buf *out, const char *text) {
    for (const char *at = text; *at;) {
        Buf math = {0};
        for (size_t length; (length = math_piece(&math, at)) > 0;)
            at += length;
        if (math.n) {
            buf_printf(out, "$%.*s$", (int)(math.n - (math.n > 1 && math.at[math.n - 1] == ' ')), math.at);
        } else {
            buf_printf(out,
                       strchr("#$%&_{}", *at)                    ? "\\%c"
                       : *at == '\\' || *at == '^' || *at == '~' ? "$\\backslash$"
                                                                 : "%c",
                       *at);
            at++;
        }
        buf_free(&math);
    }
}

static void write_line(Page *page, const MechLine *line) {
    PrettyScope *s = page->scope;
    Buf *out = page->out;
    if (line->lhs && line->rhs) {
        const Pretty *lhs = pretty_subscripted(s, line->lhs, 0, line->like);
        if (line->like && ir_def(page->model->ir, line->like)->body == line->rhs)
            pretty_mark_shown(s, line->like);
        write_equation(page, lhs, line->relation ? line->relation : "=",
                       pretty_term(s, line->rhs, line->like), NAN);
    } else if (line->lhs) {
        start_equation(page);
        symbol_write_latex(out, line->lhs);
        buf_printf(out, " & %s ", line->relation);
        symbol_write_latex(out, line->remark);
        return;
    }
    if (line->remark) {
        end_equations(page);
        buf_puts(out, "\\noindent ");
        if (line->latex)
            buf_puts(out, line->latex);
        else
            write_sentence(out, line->remark);
        buf_puts(out, "\n\n");
    }
}

static void write_where(Page *page) {
    Pretty *lhs, *rhs;
    double value;
    Buf numbers = {0};
    bool any = false;
    while (pretty_next_where(page->scope, &lhs, &rhs, &value)) {
        if (!any) {
            end_equations(page);
            buf_puts(page->out, "\\noindent where\n");
        }
        any = true;
        if (rhs->kind != PRETTY_NUMBER) {
            write_equation(page, lhs, "=", rhs, value);
            continue;
        }
        buf_puts(&numbers, numbers.n ? ", \\quad " : "");
        buf_puts(&numbers, "$");
        pretty_write_latex(&numbers, lhs);
        buf_puts(&numbers, " = ");
        pretty_write_latex(&numbers, rhs);
        buf_puts(&numbers, "$");
    }
    end_equations(page);
    if (numbers.n)
        buf_printf(page->out, "\\noindent %s\n\n", numbers.at);
    buf_free(&numbers);
}

static const char end_of_document[] = "\\end{document}\n";

static void begin_document(Buf *out) {
    size_t n = strlen(end_of_document);
    if (out->n >= n && !strcmp(out->at + out->n - n, end_of_document)) {
        out->n -= n;
        out->at[out->n] = '\0';
        buf_puts(out, "\\clearpage\n");
        return;
    }
    buf_puts(out, "\\documentclass[11pt]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{amsmath}\n"
                  "\\setlength{\\textwidth}{17cm}\n\\setlength{\\oddsidemargin}{-0.5cm}\n\\setlength{"
                  "\\topmargin}{-1cm}\n"
                  "\\setlength{\\textheight}{24cm}\n\\setlength{\\parindent}{0pt}"
                  "\n\\allowdisplaybreaks\n\\begin{document}\n");
}

void mech_print_latex(const Model *model, const MechRun *mech, Buf *out) {
    const Names *names = ir_session(model->ir)->names;
    Page page = {.out = out, .scope = pretty_scope_new(model, mech->run), .model = model};
    begin_document(out);
    buf_puts(out, "\\section*{");
    write_sentence(out, name_text(names, mech->run->dynamics));
    buf_puts(out, " on ");
    write_sentence(out, name_text(names, mech->run->system));
    buf_puts(out, "}\n");
    for (uint32_t i = 0; i < mech->n_sections; i++) {
        const MechSection *section = &mech->sections[i];
        const char *formula = strstr(section->title, "  ");
        size_t n = formula ? (size_t)(formula - section->title) : strlen(section->title);
        buf_printf(out, "\n\\subsection*{%.*s", (int)n, section->title);
        if (formula) {
            buf_puts(out, "\\quad $");
            symbol_write_latex(out, formula + 2);
            buf_puts(out, "$");
        }
        buf_puts(out, "}\n");
        for (uint32_t k = 0; k < section->n; k++)
            write_line(&page, &section->lines[k]);
        write_where(&page);
    }
    buf_puts(out, end_of_document);
}
