/* number — decimal text to numbers, correctly rounded and independent of the locale.
 *
 * Up to 19 digits and a power of ten up to 27 are one exact integer and one exact power in the 64-bit
 * mantissa of the x87 format; one rounded operation gives the double unless the result lies exactly between
 * two doubles (low bits 1000…), and those rare cases, and everything longer, go to the C library. (W. D.
 * Clinger, "How to read floating point numbers accurately", PLDI 1990, describes the idea for one format.) */
#define _GNU_SOURCE /* strtod_l */
#include "reader.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

static double slowly(const char *p) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double v = c ? strtod_l(p, NULL, c) : strtod(p, NULL);
    if (c)
        freelocale(c);
    return v;
}

/* Where w and the power are exact doubles one double operation rounds correctly, too, and is faster. */
bool rt_decimal(uint64_t w, long e, double *v) {
    static const double power[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    if (w <= 1ull << 53 && e <= 22 && e >= -22) {
        *v = e < 0 ? (double)(int64_t)w / power[-e] : (double)(int64_t)w * power[e];
        return true;
    }
#if LDBL_MANT_DIG == 64
    static const long double rest[] = {1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    if (e > 27 || e < -27)
        return false;
    long e_size = e < 0 ? -e : e;
    long double p = e_size <= 22 ? (long double)power[e_size] : rest[e_size - 22];
    long double r = e < 0 ? (long double)w / p : (long double)w * p;
    uint64_t mantissa;
    memcpy(&mantissa, &r, sizeof mantissa);
    *v = (double)r;
    return (mantissa & 0x7ff) != 0x400;
#else
    return false;
#endif
}

static const struct {
    const char *text;
    RtNumberKind kind;
    double value;
} words[] = {
    {"infinity", RT_NUMBER_REAL, INFINITY},
    {"inf", RT_NUMBER_REAL, INFINITY},
    {"nan", RT_NUMBER_REAL, NAN},
    {"true", RT_NUMBER_INT, 1},
    {"false", RT_NUMBER_INT, 0},
    {"n/a", RT_NUMBER_MISSING, NAN},
    {"na", RT_NUMBER_MISSING, NAN},
    {"null", RT_NUMBER_MISSING, NAN},
    {"none", RT_NUMBER_MISSING, NAN},
    {"?", RT_NUMBER_MISSING, NAN},
    {".", RT_NUMBER_MISSING, NAN},
};

static const char *word(const char *start, const char *p, const char *end, RtNumber *out) {
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t n = strlen(words[k].text);
        if ((size_t)(end - p) < n || strncasecmp(p, words[k].text, n) != 0)
            continue;
        if (start != p && words[k].kind != RT_NUMBER_REAL)
            continue; /* a sign before a word that is no number */
        out->kind = words[k].kind;
        out->real = *start == '-' ? -words[k].value : words[k].value;
        out->integer = words[k].kind == RT_NUMBER_INT ? (int64_t)words[k].value : 0;
        return p + n;
    }
    out->kind = RT_NUMBER_NONE;
    return start;
}

/* An exponent at p, if there is a whole one. */
static const char *exponent(const char *p, long *e) {
    const char *q = p + 1;
    long v = 0;
    if (*p != 'e' && *p != 'E')
        return p;
    bool minus = *q == '-';
    if (*q == '-' || *q == '+')
        q++;
    if (!is_digit(*q))
        return p;
    for (; is_digit(*q); q++)
        v = v < 100000 ? 10 * v + (*q - '0') : v;
    *e += minus ? -v : v;
    return q;
}

/* Appends the digits at p to w (whatever does not fit is lost; the caller counts them). */
static const char *digits_at(const char *p, uint64_t *w) {
    for (; is_digit(*p); p++)
        *w = 10 * *w + (uint64_t)(*p - '0');
    return p;
}

static void set_integer(RtNumber *out, bool minus, uint64_t w) {
    out->kind = RT_NUMBER_INT;
    out->integer = minus ? -(int64_t)w : (int64_t)w;
    out->real = minus ? -(double)(int64_t)w : (double)(int64_t)w;
}

const char *rt_number(const char *start, const char *end, RtNumber *out) {
    uint64_t w = 0;
    long e = 0;
    bool minus = *start == '-';
    const char *digits = start + (*start == '-' || *start == '+'), *p = digits_at(digits, &w);
    size_t n = (size_t)(p - digits);
    if (n > 0 && n < 16 && *p != '.' && (*p | 32) != 'e') { /* most numbers of most tables */
        set_integer(out, minus, w);
        return p;
    }
    bool whole = *p != '.';
    if (!whole) {
        const char *fraction = p + 1;
        p = digits_at(fraction, &w);
        e = -(long)(p - fraction);
        n += (size_t)(p - fraction);
    }
    if (n == 0)
        return word(start, digits, end, out);
    const char *after = exponent(p, &e);
    whole = whole && after == p;
    for (const char *z = digits; n > 19 && (*z == '0' || *z == '.'); z++) /* leading zeros do not count */
        n -= *z == '0';
    if (whole && n <= 19 && w <= (uint64_t)INT64_MAX) {
        set_integer(out, minus, w);
        return after;
    }
    out->kind = RT_NUMBER_REAL;
    if (n > 19 || !rt_decimal(w, e, &out->real))
        out->real = slowly(start);
    else if (minus)
        out->real = -out->real;
    return after;
}
