/* text — numbers as people read them, and numbers as programs must read them back. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The decimal point is a point under every locale. */
static void point(char *text)
{
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
}

/* Commas between groups of three digits of the whole part. */
static void group(RtText *t)
{
    char *digits = t->text + (t->text[0] == '-');
    size_t whole = strspn(digits, "0123456789"), length = strlen(digits);
    for (size_t left = whole; left > 3 && length + 2 < sizeof t->text - 1; length++) {
        left -= 3;
        memmove(digits + left + 1, digits + left, strlen(digits + left) + 1);
        digits[left] = ',';
    }
}

static bool not_finite(double v, RtText *t)
{
    if (isfinite(v))
        return false;
    strcpy(t->text, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    return true;
}

RtText rt_text_number(double v)
{
    RtText t = {""};
    double size = fabs(v);
    if (not_finite(v, &t))
        return t;
    if (v == 0) {
        strcpy(t.text, "0");
    } else if (size < 1e-3 || size >= 1e9) {
        snprintf(t.text, sizeof t.text, "%.3e", v);
        point(t.text);
        char *e = strchr(t.text, 'e'), *last = e - 1;
        int exponent = atoi(e + 1);
        while (*last == '0')
            last--;
        last += *last != '.';
        snprintf(last, sizeof t.text - (size_t)(last - t.text), "e%d", exponent);
    } else if (size >= 1000 || (v == floor(v) && size < 1e9)) {
        snprintf(t.text, sizeof t.text, "%.0f", v);
        group(&t);
    } else {
        int before = size < 1 ? 0 : (int)floor(log10(size)) + 1, leading = size < 0.01  ? 2
                                                                           : size < 0.1 ? 1
                                                                                        : 0;
        snprintf(t.text, sizeof t.text, "%.*f", 4 - before + leading, v);
        point(t.text);
    }
    return t;
}

RtText rt_text_count(double v)
{
    RtText t = {""};
    if (not_finite(v, &t))
        return t;
    if (fabs(v) >= 1e18)
        return rt_text_number(v);
    snprintf(t.text, sizeof t.text, "%.0f", v);
    group(&t);
    return t;
}

RtText rt_text_duration(double s)
{
    RtText t = {""};
    if (!(s >= 0) || isinf(s)) {
        strcpy(t.text, "?");
    } else if (s < 0.9995) {
        snprintf(t.text, sizeof t.text, s < 0.01 ? "%.1f ms" : "%.0f ms", s * 1e3);
    } else if (s < 99.95) {
        snprintf(t.text, sizeof t.text, "%.1f s", s);
    } else if (s < 3599.5) {
        long whole = lround(s);
        snprintf(t.text, sizeof t.text, "%ld min %02ld s", whole / 60, whole % 60);
    } else if (s < 48 * 3600.0) {
        long minutes = lround(s / 60);
        snprintf(t.text, sizeof t.text, "%ld h %02ld min", minutes / 60, minutes % 60);
    } else {
        snprintf(t.text, sizeof t.text, "%.1f days", s / 86400);
    }
    point(t.text);
    return t;
}

RtText rt_text_exact(double v)
{
    RtText t = {""};
    if (not_finite(v, &t))
        return t;
    if (v == floor(v) && fabs(v) < 1e15) {
        snprintf(t.text, sizeof t.text, "%.0f", v);
        return t;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(t.text, sizeof t.text, "%.*g", digits, v);
        if (digits == 17 || strtod(t.text, NULL) == v)
            break;
    }
    point(t.text);
    return t;
}

size_t rt_text_width(const char *p)
{
    size_t n = 0;
    for (; *p; p++) {
        unsigned char c = (unsigned char)*p, d = c ? (unsigned char)p[1] : 0;
        bool continues = (c & 0xc0) == 0x80;
        /* U+0300 … U+036F: combining marks, such as the dot of a velocity */
        bool combining = c == 0xcc || (c == 0xcd && d < 0xb0);
        n += !continues && !combining;
    }
    return n;
}
