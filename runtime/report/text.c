/* text — numbers as people read them, and numbers as programs must read them back. */
#include "report.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The decimal point is a point under every locale. */
static void point(char *text) {
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
}

/* Commas between groups of three digits of the whole part. */
static void group(RtText *t) {
    char *digits = t->text + (t->text[0] == '-');
    size_t whole = strspn(digits, "0123456789"), length = strlen(digits);
    for (size_t left = whole; left > 3 && length + 2 < sizeof t->text - 1; length++) {
        left -= 3;
        memmove(digits + left + 1, digits + left, strlen(digits + left) + 1);
        digits[left] = ',';
    }
}

static bool not_finite(double v, RtText *t) {
    if (isfinite(v))
        return false;
    strcpy(t->text, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    return true;
}

RtText rt_text_number(double v) {
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

RtText rt_text_count(double v) {
    RtText t = {""};
    if (not_finite(v, &t))
        return t;
    if (fabs(v) >= 1e18)
        return rt_text_number(v);
    snprintf(t.text, sizeof t.text, "%.0f", v);
    group(&t);
    return t;
}

RtText rt_text_duration(double s) {
    RtText t = {""};
    if (!(s >= 0) || isinf(s)) {
        strcpy(t.text, "?");
    } else if (s < 0.5e-4) {
        snprintf(t.text, sizeof t.text, "%.0f µs", s * 1e6);
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

/* The decimal digits of m without trailing zeros, m > 0; *n of them. */
static void digits_of(uint64_t m, char *digits, int *n) {
    char reversed[24];
    int count = 0;
    while (m % 10 == 0)
        m /= 10;
    for (; m > 0; m /= 10)
        reversed[count++] = (char)('0' + m % 10);
    for (*n = 0; *n < count; ++*n)
        digits[*n] = reversed[count - 1 - *n];
}

/* d.ddd · 10^exponent of n digits as text, plain where that is short. */
static void put_decimal(char *out, const char *digits, int n, int exponent) {
    if (exponent < -5 || exponent > 16) {
        *out++ = digits[0];
        if (n > 1)
            *out++ = '.';
        memcpy(out, digits + 1, (size_t)n - 1);
        snprintf(out + n - 1, 8, "e%d", exponent);
        return;
    }
    for (int place = exponent < 0 ? exponent : 0; place < 0; place++) { /* 0.00… */
        *out++ = '0';
        if (place == (exponent < 0 ? exponent : 0))
            *out++ = '.';
    }
    for (int k = 0; k < n || k <= exponent; k++) {
        *out++ = k < n ? digits[k] : '0';
        if (k == exponent && k + 1 < n)
            *out++ = '.';
    }
    *out = '\0';
}

#if LDBL_MANT_DIG == 64
/* x · 10^e, rounded once where |e| <= 27 (those powers are exact), else a few times. */
static long double scaled(long double x, int e) {
    static const long double power[] = {
        1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
        1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
    };
    for (; e > 27; e -= 27)
        x *= power[27];
    for (; e < -27; e += 27)
        x /= power[27];
    return e < 0 ? x / power[-e] : x * power[e];
}
#endif

/* The fewest of 15 to 17 digits by a product in the 64-bit mantissa of the x87 format, kept where they read
 * back as `size` > 0; false where that way does not serve. A tenth of the time of printf and strtod. */
static bool exact_quickly(double size, char *out) {
#if LDBL_MANT_DIG == 64
    if (!(size > 1e-60 && size < 1e60))
        return false;
    int exponent = (int)floor(log10(size));
    uint64_t limit = 1000000000000000; /* 10^n */
    for (int n = 15; n <= 17; n++, limit *= 10) {
        char digits[24] = "";
        int scale = n - 1 - exponent, count;
        uint64_t m = (uint64_t)llrintl(scaled(size, scale));
        double back;
        if (m == 0)
            return false;
        digits_of(m, digits, &count);
        put_decimal(out, digits, count, exponent + (m >= limit) - (m < limit / 10));
        if (!rt_decimal(m, -scale, &back))
            back = strtod(out, NULL);
        if (back == size)
            return true;
    }
#else
    (void)size, (void)out;
#endif
    return false;
}

RtText rt_text_exact(double v) {
    RtText t = {""};
    if (not_finite(v, &t))
        return t;
    t.text[0] = '-';
    if (v == 0)
        strcpy(t.text, signbit(v) ? "-0" : "0");
    else if (!exact_quickly(fabs(v), t.text + (v < 0)))
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(t.text, sizeof t.text, "%.*g", digits, v);
            if (digits == 17 || strtod(t.text, NULL) == v)
                break;
        }
    point(t.text);
    return t;
}

size_t rt_text_width(const char *p) {
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
