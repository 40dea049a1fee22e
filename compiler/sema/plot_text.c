/* plot_text — source text as people write it, for the axes and legends of pictures. */
#include "run.h"

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void put_digits(Buf *out, const char *digits, size_t n, bool raised) {
    static const char *const low[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    static const char *const high[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    for (size_t k = 0; k < n; k++) buf_puts(out, raised ? high[digits[k] - '0'] : low[digits[k] - '0']);
}

static size_t characters(const char *text, size_t n) {
    size_t count = 0;
    for (size_t k = 0; k < n; k++) count += (text[k] & 0xC0) != 0x80;
    return count;
}

/* A name: Greek letters for their names, and the number of a single letter as its index: theta1, E0. */
static const char *put_name(Buf *out, const char *at) {
    size_t n = 0, all;
    while (is_letter(at[n])) n++;
    for (all = n; is_letter(at[all]) || is_digit(at[all]);) all++;
    size_t digits = strspn(at + n, "0123456789");
    const char *letter = name_letter(at, n);
    bool is_index = n + digits == all && (letter || characters(at, n) == 1);
    if (!is_index && !(letter && all == n)) {
        buf_write(out, at, all);
        return at + all;
    }
    if (letter)
        buf_puts(out, letter);
    else
        buf_write(out, at, n);
    put_digits(out, at + n, digits, false);
    return at + all;
}

/* [3] as an index below the line; other subscripts stay. */
static const char *put_subscript(Buf *out, const char *at) {
    size_t digits = strspn(at + 1, "0123456789");
    if (digits && at[1 + digits] == ']') {
        put_digits(out, at + 1, digits, false);
        return at + digits + 2;
    }
    buf_puts(out, "[");
    return at + 1;
}

const char *plot_text(Sema *s, const char *source) {
    Buf out = {0};
    buf_puts(&out, "");
    for (const char *at = source; *at;) {
        if (is_letter(*at)) {
            at = put_name(&out, at);
        } else if (is_digit(*at)) {
            size_t n = strspn(at, "0123456789.eE");
            buf_write(&out, at, n);
            at += n;
        } else if (*at == '[') {
            at = put_subscript(&out, at);
        } else if (*at == '^' && is_digit(at[1]) && !is_digit(at[2]) && at[2] != '.') {
            put_digits(&out, at + 1, 1, true);
            at += 2;
        } else {
            const char *shown = *at == '\'' ? "′" : *at == '*' ? "·" : *at == '-' ? "−" : NULL;
            if (shown)
                buf_puts(&out, shown);
            else
                buf_write(&out, at, 1);
            at++;
        }
    }
    const char *text = arena_string(s->arena, out.at, out.n);
    buf_free(&out);
    return text;
}
