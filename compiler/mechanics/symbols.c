/* symbols — how names are written: Greek letters, subscripts, partial derivatives.
 *
 * needs: a name in ASCII or Unicode      gives: text or LaTeX      changes: nothing */
#include "internal.h"

#include <ctype.h>
#include <string.h>

typedef struct Greek {
    const char *name, *letter;
} Greek;

static const Greek greek[] = {
    {"alpha", "α"},   {"beta", "β"},  {"gamma", "γ"},  {"delta", "δ"}, {"epsilon", "ε"}, {"zeta", "ζ"},
    {"eta", "η"},     {"theta", "θ"}, {"iota", "ι"},   {"kappa", "κ"}, {"lambda", "λ"},  {"mu", "μ"},
    {"nu", "ν"},      {"xi", "ξ"},    {"pi", "π"},     {"rho", "ρ"},   {"sigma", "σ"},   {"tau", "τ"},
    {"upsilon", "υ"}, {"phi", "φ"},   {"chi", "χ"},    {"psi", "ψ"},   {"omega", "ω"},   {"Gamma", "Γ"},
    {"Delta", "Δ"},   {"Theta", "Θ"}, {"Lambda", "Λ"}, {"Xi", "Ξ"},    {"Pi", "Π"},      {"Sigma", "Σ"},
    {"Phi", "Φ"},     {"Psi", "Ψ"},   {"Omega", "Ω"},  {"eps", "ε"},
};

static const Greek *find_greek(const char *at, size_t n) {
    for (size_t i = 0; i < sizeof greek / sizeof *greek; i++) {
        if (strlen(greek[i].name) == n && !strncmp(greek[i].name, at, n))
            return &greek[i];
    }
    return NULL;
}

static const Greek *greek_letter(const char *at) {
    for (size_t i = 0; i < sizeof greek / sizeof *greek; i++) {
        if (!strncmp(greek[i].letter, at, strlen(greek[i].letter)))
            return &greek[i];
    }
    return NULL;
}

static size_t letters(const char *at) {
    size_t n = 0;
    while (isalpha((unsigned char)at[n]))
        n++;
    return n;
}

static size_t digits(const char *at) {
    size_t n = 0;
    while (isdigit((unsigned char)at[n]))
        n++;
    return n;
}

/* ---- text ---- */

void symbol_write_text(Buf *out, const char *symbol) {
    static const char *const below[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    for (const char *at = symbol; *at;) {
        size_t n = letters(at);
        const Greek *g = n ? find_greek(at, n) : NULL;
        if (g)
            buf_puts(out, g->letter);
        else
            buf_write(out, at, n ? n : 1);
        bool short_name = g || n == 1;
        at += n ? n : 1;
        for (size_t k = digits(at); short_name && k > 0; k--, at++)
            buf_puts(out, below[*at - '0']);
    }
}

/* ---- LaTeX ---- */

/* One name: Greek letters and single letters as they are, longer names upright; digits and what follows `_`
 * below. */
static const char *write_name(Buf *out, const char *at) {
    const Greek *g = greek_letter(at);
    size_t n = letters(at);
    const Greek *spelled = n ? find_greek(at, n) : NULL;
    if (g && !n) {
        buf_printf(out, "\\%s",
                   !strcmp(g->name, "epsilon") || !strcmp(g->name, "eps") ? "varepsilon" : g->name);
        at += strlen(g->letter);
    } else if (spelled) {
        buf_printf(out, "\\%s", !strncmp(spelled->name, "eps", 3) ? "varepsilon" : spelled->name);
        at += n;
    } else if (n == 1) {
        buf_write(out, at, 1);
        at += 1;
    } else if (n > 1) {
        buf_puts(out, "\\mathrm{");
        buf_write(out, at, n);
        buf_puts(out, "}");
        at += n;
    } else {
        return at;
    }
    size_t d = digits(at);
    if (d || (at[0] == '_' && at[1])) {
        buf_puts(out, "_{");
        buf_write(out, at, d);
        at += d;
        for (bool more = false; *at == '_'; more = true) {
            buf_puts(out, d || more ? "\\," : "");
            const char *next = write_name(out, at + 1);
            at = next == at + 1 ? at + 1 + digits(at + 1) : next;
        }
        buf_puts(out, "}");
    }
    return at;
}

static bool starts(const char *at, const char *what) { return !strncmp(at, what, strlen(what)); }

/* A name with its primes as dots. */
static const char *write_dotted(Buf *out, const char *at) {
    Buf name = {0};
    const char *end = write_name(&name, at);
    size_t primes = 0;
    while (end > at && end[primes] == '\'')
        primes++;
    const char *text = name.at ? name.at : "";
    if (primes == 1 || primes == 2)
        buf_printf(out, "\\%s{%s}", primes == 1 ? "dot" : "ddot", text);
    else
        buf_puts(out, text);
    buf_free(&name);
    return end + (primes <= 2 ? primes : 0);
}

/* ∂A/∂B, ∂²A/∂B∂C, with primes. */
static const char *write_partial(Buf *out, const char *at) {
    bool twice = starts(at, "∂²");
    const char *above = at + strlen(twice ? "∂²" : "∂");
    Buf top = {0}, bottom = {0};
    const char *next = write_dotted(&top, above);
    if (!starts(next, "/∂") || next == above) {
        buf_free(&top);
        buf_puts(out, twice ? "\\partial^2 " : "\\partial ");
        return above;
    }
    for (next++; starts(next, "∂");) {
        buf_puts(&bottom, "\\partial ");
        next = write_dotted(&bottom, next + strlen("∂"));
    }
    buf_printf(out, "\\frac{\\partial%s %s}{%s}", twice ? "^2" : "", top.at ? top.at : "",
               bottom.at ? bottom.at : "");
    buf_free(&top);
    buf_free(&bottom);
    return next;
}

void symbol_write_latex(Buf *out, const char *symbol) {
    for (const char *at = symbol; *at;) {
        if (starts(at, "∂")) {
            at = write_partial(out, at);
            continue;
        }
        if (starts(at, "−") || starts(at, "·") || starts(at, "⁻¹")) {
            buf_puts(out, starts(at, "−") ? "-" : starts(at, "·") ? "\\cdot " : "^{-1}");
            at += strlen(starts(at, "−") ? "−" : starts(at, "·") ? "·" : "⁻¹");
            continue;
        }
        const char *next = write_dotted(out, at);
        if (next == at) {
            if (strchr("#$%&_{}", *at))
                buf_puts(out, "\\");
            if ((unsigned char)*at < 0x80)
                buf_write(out, at, 1);
            next = at + 1;
        }
        at = next;
    }
}
