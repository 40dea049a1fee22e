/* print_latex — the derivation as a LaTeX document.
 *
 * needs: sections of a MechRun      gives: a document for pdflatex, with amsmath alone      changes: nothing
 *
 * Several runs become one document: what is appended to a buffer that ends in \end{document} goes before that
 * end. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WEIGHT = 95 }; /* printed characters, about, that fit one line */

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
        pretty_write_latex_term(&term, t->at[i], i == 0);
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
    Buf title = {0};
    mech_write_title(&title, names, mech->run);
    write_sentence(out, title.at);
    buf_free(&title);
    buf_puts(out, " on ");
    write_sentence(out, name_text(names, mech->run->system));
    buf_puts(out, "}\n");
    for (uint32_t i = 0; i < mech->n_sections; i++) {
        const MechSection *section = &mech->sections[i];
        const char *formula = strstr(section->title, "  ");
        size_t n = formula ? (size_t)(formula - section->title) : strlen(section->title);
        const char *whose = strstr(section->title, ": "); /* names of one of several dynamics stand before it */
        size_t names_end = whose && (size_t)(whose - section->title) < n ? (size_t)(whose - section->title) : 0;
        char *who = strndup(section->title, names_end);
        buf_puts(out, "\n\\subsection*{");
        write_sentence(out, who);
        free(who);
        buf_printf(out, "%.*s", (int)(n - names_end), section->title + names_end);
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
