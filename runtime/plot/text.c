/* text — SVG as text: numbers, escapes, and how wide a line of text will be. */
#include "draw.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void put(Sheet *sheet, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(sheet->out, format, args);
    va_end(args);
}

void put_number(Sheet *sheet, double v) {
    if (!(fabs(v) < 1e7))
        v = v > 0 ? 1e7 : v < 0 ? -1e7 : 0;
    long hundredths = lround(100 * v);
    if (hundredths < 0)
        fputc('-', sheet->out);
    hundredths = labs(hundredths);
    fprintf(sheet->out, "%ld", hundredths / 100);
    if (hundredths % 100)
        fprintf(sheet->out, hundredths % 10 ? ".%02ld" : ".%01ld",
                hundredths % 10 ? hundredths % 100 : hundredths % 100 / 10);
}

void put_point(Sheet *sheet, double x, double y) {
    put_number(sheet, x);
    fputc(',', sheet->out);
    put_number(sheet, y);
}

/* Bytes of the character at `at`, 0 where it is no UTF-8. */
static size_t character(const unsigned char *at) {
    size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : at[0] >= 0xE0 && at[0] < 0xF0 ? 3
               : at[0] >= 0xF0 && at[0] < 0xF5                                                      ? 4
                                                                                                    : 0;
    for (size_t k = 1; k < n; k++)
        if ((at[k] & 0xC0) != 0x80)
            return 0;
    return n;
}

void put_escaped(Sheet *sheet, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t n = character(at);
        const char *escape = *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : *at == '&' ? "&amp;" : *at == '"' ? "&quot;" : NULL;
        if (escape)
            fputs(escape, sheet->out);
        else if (n > 1 || *at >= ' ')
            fwrite(at, 1, n, sheet->out);
        at += n ? n : 1;
    }
}

void put_text(Sheet *sheet, const char *class, double x, double y, Anchor anchor, double size, bool turned,
              const char *text) {
    static const char *const anchors[] = {"start", "middle", "end"};
    if (!*text)
        return;
    put(sheet, "<text class=\"%s\" font-size=\"", class);
    put_number(sheet, size);
    put(sheet, "\" text-anchor=\"%s\" ", anchors[anchor]);
    put(sheet, turned ? "transform=\"translate(" : "x=\"");
    put_number(sheet, x);
    put(sheet, turned ? "," : "\" y=\"");
    put_number(sheet, y);
    put(sheet, turned ? ") rotate(-90)\">" : "\">");
    put_escaped(sheet, text);
    put(sheet, "</text>\n");
}

/* ---- widths ---- */

/* Hundredths of the size, of the characters from the blank to ~. */
static const unsigned char ascii_width[95] = {
    32, 40, 46, 84, 64, 95, 78, 28, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53,
    100, 68, 69, 70, 77, 63, 58, 78, 75, 30, 30, 66, 56, 86, 75, 79, 60, 79, 70, 64, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50,
    50, 61, 64, 55, 64, 62, 35, 64, 63, 28, 28, 58, 28, 97, 63, 61, 64, 64, 41, 52, 39, 63, 59, 82, 59, 59, 53, 64, 34, 64, 84,
};

static double width_of(const unsigned char *at, size_t n) {
    if (n == 1)
        return *at >= ' ' && *at <= '~' ? ascii_width[*at - ' '] : 0;
    if (n == 3 && at[0] == 0xE2) { /* super- and subscripts, primes; then signs */
        if ((at[1] == 0x81 && at[2] >= 0xB0) || at[1] == 0x82)
            return 42;
        return at[1] == 0x80 && at[2] >= 0xB2 && at[2] <= 0xB4 ? 25 : 84;
    }
    return n == 2 ? 66 : 100;
}

double text_width(const char *text, double size) {
    double hundredths = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t n = character(at);
        hundredths += width_of(at, n);
        at += n ? n : 1;
    }
    return hundredths / 100 * size;
}

const char *text_fitted(const char *text, double size, double most, char buffer[256]) {
    if (text_width(text, size) <= most)
        return text;
    double room = (most - size) / size * 100; /* the three points are as wide as the letters are high */
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at && used < 248;) {
        size_t n = character(at);
        room -= width_of(at, n);
        if (room < 0)
            break;
        memcpy(buffer + used, at, n);
        used += n;
        at += n ? n : 1;
    }
    strcpy(buffer + used, "…");
    return buffer;
}
