/* print_text — the derivation as text with Unicode mathematics.
 *
 * needs: sections of a MechRun      gives: text      changes: nothing */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { LEVEL_SUM = 1, LEVEL_PRODUCT, LEVEL_POWER, LEVEL_ATOM };
enum { WIDTH = 110 };

static void write(Buf *out, const Pretty *t, int level);

static void write_list(Buf *out, Pretty *const *at, uint32_t n, const char *between, int level) {
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? between : "");
        write(out, at[i], level);
    }
}

static void write_subscripts(Buf *out, Pretty *const *at, uint32_t n) {
    if (!n)
        return;
    buf_puts(out, "[");
    write_list(out, at, n, ",", LEVEL_SUM);
    buf_puts(out, "]");
}

/* ---- numbers, symbols, calls ---- */

static void write_number(Buf *out, double value) {
    if (value == 3.141592653589793) {
        buf_puts(out, "π");
        return;
    }
    Arena *arena = arena_new();
    buf_puts(out, pretty_number(arena, value));
    arena_free(arena);
}

static void write_symbol(Buf *out, const Pretty *t) {
    symbol_write_text(out, t->text);
    for (uint32_t k = 0; k < t->primes; k++)
        buf_puts(out, "'");
    write_subscripts(out, t->at, t->n);
}

static void write_call(Buf *out, const Pretty *t) {
    if (!strcmp(t->text, "sqrt")) {
        buf_puts(out, "√");
        bool simple = t->at[0]->kind == PRETTY_SYMBOL;
        buf_puts(out, simple ? "" : "(");
        write(out, t->at[0], simple ? LEVEL_ATOM : LEVEL_SUM);
        buf_puts(out, simple ? "" : ")");
        return;
    }
    if (!strcmp(t->text, "abs")) {
        buf_puts(out, "|");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, "|");
        return;
    }
    if (!strcmp(t->text, "inverse") || !strcmp(t->text, "solve") || !strcmp(t->text, "solve_t")) {
        bool two = t->n == 2;
        buf_puts(out, two ? "(" : "");
        write(out, t->at[0], LEVEL_ATOM);
        buf_puts(out, strcmp(t->text, "solve_t") ? "⁻¹" : "⁻ᵀ");
        if (two) {
            buf_puts(out, " ");
            write(out, t->at[1], LEVEL_ATOM);
            buf_puts(out, ")");
        }
        write_subscripts(out, t->below, t->n_below);
        return;
    }
    buf_puts(out, !strcmp(t->text, "log") ? "ln" : t->text);
    buf_puts(out, "(");
    write_list(out, t->at, t->n, ", ", LEVEL_SUM);
    buf_puts(out, ")");
    write_subscripts(out, t->below, t->n_below);
}

/* ---- sums, products, powers ---- */

static void write_sum(Buf *out, const Pretty *t) {
    for (uint32_t i = 0; i < t->n; i++) {
        Pretty term = *t->at[i];
        buf_puts(out, i ? term.negative ? " − " : " + " : term.negative ? "−" : "");
        term.negative = false;
        write(out, &term, LEVEL_PRODUCT);
    }
}

/* ½ and its like; NULL when t is no such fraction. */
static const char *glyph(const Pretty *t) {
    static const struct {
        int above, below;
        const char *text;
    } known[] = {
        {1, 2, "½"}, {1, 3, "⅓"}, {2, 3, "⅔"}, {1, 4, "¼"}, {3, 4, "¾"}, {1, 6, "⅙"},
        {5, 6, "⅚"}, {1, 8, "⅛"}, {3, 8, "⅜"}, {5, 8, "⅝"}, {7, 8, "⅞"},
    };
    if (t->kind != PRETTY_PRODUCT || t->n != 1 || t->n_below != 1 || t->at[0]->kind != PRETTY_NUMBER ||
        t->below[0]->kind != PRETTY_NUMBER)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (t->at[0]->number == known[i].above && t->below[0]->number == known[i].below)
            return known[i].text;
    }
    return NULL;
}

/* Whether a factor in front of another can be mistaken: a fraction, a sum sign that would swallow what
 * follows. */
static void write_factors(Buf *out, Pretty *const *at, uint32_t n, bool alone) {
    for (uint32_t i = 0; i < n; i++) {
        const Pretty *f = at[i];
        bool last = i + 1 == n;
        if (i > 0) {
            bool fraction = at[i - 1]->kind == PRETTY_PRODUCT && !glyph(at[i - 1]);
            bool numbers = f->kind == PRETTY_NUMBER;
            buf_puts(out, fraction || numbers ? " · " : " ");
        }
        bool open = f->kind == PRETTY_REDUCE && !(last && alone);
        buf_puts(out, open ? "(" : "");
        write(out, f,
              open                                        ? LEVEL_SUM
              : f->kind == PRETTY_PRODUCT && !f->negative ? LEVEL_PRODUCT
              : f->kind == PRETTY_REDUCE                  ? LEVEL_PRODUCT
                                                          : LEVEL_POWER);
        buf_puts(out, open ? ")" : "");
    }
}

static void write_product(Buf *out, const Pretty *t) {
    if (glyph(t)) {
        buf_puts(out, glyph(t));
        return;
    }
    if (!t->n_below) {
        write_factors(out, t->at, t->n, true);
        return;
    }
    Buf above = {0}, below = {0};
    write_factors(&above, t->at, t->n, false);
    write_factors(&below, t->below, t->n_below, false);
    bool paren = t->n_below > 1 || t->below[0]->kind == PRETTY_PRODUCT;
    bool wide = paren || strchr(above.at, ' ') || strchr(below.at, ' ');
    buf_printf(out, "%s%s%s%s%s", above.at, wide ? " / " : "/", paren ? "(" : "", below.at, paren ? ")" : "");
    buf_free(&above);
    buf_free(&below);
}

static const char *superscript(const Pretty *t) {
    static const char *const number[] = {NULL, NULL, "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    static const char *const letter[][2] = {{"k", "ᵏ"}, {"n", "ⁿ"}, {"i", "ⁱ"}, {"j", "ʲ"},
                                            {"t", "ᵗ"}, {"p", "ᵖ"}, {"h", "ʰ"}};
    if (t->negative)
        return NULL;
    if (t->kind == PRETTY_NUMBER && t->number >= 2 && t->number <= 9 && t->number == (int)t->number)
        return number[(int)t->number];
    for (size_t i = 0; t->kind == PRETTY_SYMBOL && !t->n && !t->primes && i < sizeof letter / sizeof *letter;
         i++) {
        if (!strcmp(t->text, letter[i][0]))
            return letter[i][1];
    }
    return NULL;
}

static void write_power(Buf *out, const Pretty *t) {
    write(out, t->at[0], LEVEL_ATOM);
    const char *up = superscript(t->at[1]);
    if (up) {
        buf_puts(out, up);
        return;
    }
    buf_puts(out, "^");
    write(out, t->at[1], LEVEL_ATOM);
}

/* ---- reductions, cases ---- */

static const char *reduction_sign(const char *op) {
    return !strcmp(op, "sum") ? "Σ" : !strcmp(op, "prod") ? "Π" : op;
}

static void write_reduce(Buf *out, const Pretty *t) {
    buf_printf(out, "%s[", reduction_sign(t->text));
    symbol_write_text(out, t->symbol);
    buf_puts(out, "=");
    write(out, t->lo, LEVEL_SUM);
    buf_puts(out, "..");
    write(out, t->hi, LEVEL_SUM);
    if (t->guard) {
        buf_puts(out, " | ");
        write(out, t->guard, LEVEL_SUM);
    }
    buf_puts(out, "] ");
    write(out, t->at[0], LEVEL_PRODUCT);
}

static const char *relation_sign(const char *op) {
    return !strcmp(op, "==") ? "=" : !strcmp(op, "<=") ? "≤" : !strcmp(op, "!=") ? "≠" : op;
}

static int level_of(const Pretty *t) {
    if (t->negative)
        return LEVEL_SUM;
    switch (t->kind) {
    case PRETTY_SUM:
    case PRETTY_RELATION: return LEVEL_SUM;
    case PRETTY_PRODUCT: return glyph(t) ? LEVEL_POWER : LEVEL_PRODUCT;
    case PRETTY_REDUCE: return LEVEL_PRODUCT;
    case PRETTY_POWER: return LEVEL_POWER;
    case PRETTY_CALL: return strcmp(t->text, "inverse") ? LEVEL_ATOM : LEVEL_POWER;
    case PRETTY_NUMBER:
    case PRETTY_SYMBOL:
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
    case PRETTY_SUM: write_sum(out, t); break;
    case PRETTY_PRODUCT: write_product(out, t); break;
    case PRETTY_POWER: write_power(out, t); break;
    case PRETTY_REDUCE: write_reduce(out, t); break;
    case PRETTY_RELATION:
        write(out, t->at[0], LEVEL_PRODUCT);
        buf_printf(out, " %s ", relation_sign(t->text));
        write(out, t->at[1], LEVEL_PRODUCT);
        break;
    case PRETTY_CASES:
        buf_puts(out, "(");
        write(out, t->at[1], LEVEL_PRODUCT);
        buf_puts(out, " if ");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, " else ");
        write(out, t->at[2], LEVEL_PRODUCT);
        buf_puts(out, ")");
        break;
    case PRETTY_BRACKET:
        buf_puts(out, "[");
        write(out, t->at[0], LEVEL_SUM);
        buf_puts(out, "]");
        break;
    case PRETTY_TUPLE:
        buf_puts(out, "(");
        write_list(out, t->at, t->n, ", ", LEVEL_SUM);
        buf_puts(out, ")");
        if (t->n_below) {
            buf_puts(out, "[");
            write_list(out, t->below, t->n_below, ",", LEVEL_SUM);
            buf_puts(out, "]");
        }
        break;
    }
}

static void write(Buf *out, const Pretty *t, int level) {
    bool paren = level_of(t) < level;
    buf_puts(out, paren ? "(" : "");
    buf_puts(out, t->negative && t->kind != PRETTY_SUM ? "−" : "");
    if (t->negative && t->kind != PRETTY_SUM) {
        Pretty positive = *t;
        positive.negative = false;
        write(out, &positive, LEVEL_PRODUCT);
    } else {
        write_kind(out, t);
    }
    buf_puts(out, paren ? ")" : "");
}

void pretty_write_text(Buf *out, const Pretty *t) { write(out, t, LEVEL_SUM); }

/* ---- lines ---- */

static size_t columns(const char *text, size_t n) {
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        width += ((unsigned char)text[i] & 0xC0) != 0x80;
    return width;
}

/* Length of the part of `text` that fits `room` columns, cut before a sign where there is one. */
static size_t fitting(const char *text, size_t room) {
    size_t best = 0, last_space = 0, width = 0, i = 0;
    for (; text[i]; i++) {
        width += ((unsigned char)text[i] & 0xC0) != 0x80;
        if (width > room && last_space)
            return best > room / 3 ? best : last_space;
        if (text[i] != ' ' || !i)
            continue;
        last_space = i;
        if (!strncmp(text + i, " + ", 3) || !strncmp(text + i, " − ", 5) || !strncmp(text + i, " · ", 4) ||
            !strncmp(text + i, " / ", 3))
            best = i;
    }
    return i;
}

static void write_wrapped(Buf *out, const char *text, size_t indent, size_t hang) {
    for (bool first = true; *text; first = false) {
        size_t pad = first ? indent : hang;
        size_t n = fitting(text, WIDTH - pad);
        buf_printf(out, "%*s%.*s\n", (int)pad, "", (int)n, text);
        text += n;
        while (*text == ' ')
            text++;
    }
}

static void write_equation(Buf *out, const Pretty *lhs, const char *relation, const Pretty *rhs, double value,
                           size_t indent) {
    Buf line = {0};
    pretty_write_text(&line, lhs);
    buf_printf(&line, " %s ", relation);
    size_t hang = indent + columns(line.at, line.n) + 2;
    pretty_write_text(&line, rhs);
    if (!isnan(value))
        buf_printf(&line, " = %.6g", value);
    write_wrapped(out, line.at, indent, hang > 40 ? 12 : hang);
    buf_free(&line);
}

static void write_line(Buf *out, PrettyScope *s, const Model *model, const MechLine *line) {
    if (line->lhs && line->rhs) {
        const Pretty *lhs = pretty_subscripted(s, line->lhs, 0, line->like);
        if (line->like && ir_def(model->ir, line->like)->body == line->rhs)
            pretty_mark_shown(s, line->like);
        write_equation(out, lhs, line->relation ? line->relation : "=", pretty_term(s, line->rhs, line->like),
                       NAN, 2);
        if (line->remark)
            write_wrapped(out, line->remark, 6, 6);
    } else if (line->lhs) {
        Buf text = {0};
        symbol_write_text(&text, line->lhs);
        buf_printf(&text, " %s ", line->relation);
        symbol_write_text(&text, line->remark);
        write_wrapped(out, text.at, 2, 6);
        buf_free(&text);
    } else if (line->remark) {
        write_wrapped(out, line->remark, 2, 2);
    }
}

/* Definitions one a line; plain numbers together on the last. */
static void write_where(Buf *out, PrettyScope *s) {
    Pretty *lhs, *rhs;
    double value;
    Buf numbers = {0};
    bool any = false;
    while (pretty_next_where(s, &lhs, &rhs, &value)) {
        buf_puts(out, any ? "" : "  where\n");
        any = true;
        if (rhs->kind == PRETTY_NUMBER) {
            buf_puts(&numbers, numbers.n ? ",  " : "");
            pretty_write_text(&numbers, lhs);
            buf_puts(&numbers, " = ");
            pretty_write_text(&numbers, rhs);
            continue;
        }
        write_equation(out, lhs, "=", rhs, value, 4);
    }
    if (numbers.n)
        write_wrapped(out, numbers.at, 4, 4);
    buf_free(&numbers);
}

static void write_title(Buf *out, const Model *model, const SemaRun *run) {
    const Names *names = ir_session(model->ir)->names;
    Buf title = {0};
    mech_write_title(&title, names, run);
    buf_printf(&title, " on %s", name_text(names, run->system));
    buf_printf(out, "%s\n", title.at);
    for (size_t i = 0; i < columns(title.at, title.n); i++)
        buf_puts(out, "═");
    buf_puts(out, "\n");
    buf_free(&title);
}

void mech_print_text(const Model *model, const MechRun *mech, bool brief, Buf *out) {
    PrettyScope *s = pretty_scope_new(model, mech->run);
    write_title(out, model, mech->run);
    for (uint32_t i = 0; i < mech->n_sections; i++) {
        const MechSection *section = &mech->sections[i];
        if (brief && !section->essential)
            continue;
        buf_printf(out, "\n%s\n", section->title);
        for (uint32_t k = 0; k < section->n; k++)
            write_line(out, s, model, &section->lines[k]);
        write_where(out, s);
    }
}
