/* convert — elements of a file's type into elements of the type asked for, where that is exact.
 *
 * Blocks of elements are widened to int64 or double first and stored from there, so that eleven types in and
 * five out are sixteen loops and not fifty-five. */
#include "reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t rt_elem_size(RtElem elem) {
    switch (elem) {
    case RT_F64:
    case RT_I64: return 8;
    case RT_F32:
    case RT_I32: return 4;
    case RT_U8: return 1;
    }
    return 0;
}

const char *rt_elem_name(RtElem elem) {
    switch (elem) {
    case RT_F64: return "f64";
    case RT_F32: return "f32";
    case RT_I64: return "int";
    case RT_I32: return "i32";
    case RT_U8: return "byte";
    }
    return "?";
}

size_t rt_raw_size(RtRaw raw) {
    switch (raw) {
    case RT_RAW_U8:
    case RT_RAW_I8: return 1;
    case RT_RAW_I16:
    case RT_RAW_U16:
    case RT_RAW_F16: return 2;
    case RT_RAW_I32:
    case RT_RAW_U32:
    case RT_RAW_F32: return 4;
    case RT_RAW_I64:
    case RT_RAW_U64:
    case RT_RAW_F64: return 8;
    }
    return 0;
}

bool rt_raw_integral(RtRaw raw) {
    return raw != RT_RAW_F16 && raw != RT_RAW_F32 && raw != RT_RAW_F64;
}

RtElem rt_raw_elem(RtRaw raw) {
    switch (raw) {
    case RT_RAW_U8: return RT_U8;
    case RT_RAW_I8:
    case RT_RAW_I16:
    case RT_RAW_U16:
    case RT_RAW_I32: return RT_I32;
    case RT_RAW_U32:
    case RT_RAW_I64:
    case RT_RAW_U64: return RT_I64;
    case RT_RAW_F16:
    case RT_RAW_F32: return RT_F32;
    case RT_RAW_F64: return RT_F64;
    }
    return RT_F64;
}

static bool unfit(RtReason *why, const char *what, RtElem want) {
    static const char *const range[] = {
        [RT_F64] = "f64 (integers up to 2^53)",
        [RT_F32] = "f32",
        [RT_I64] = "int (64 bits)",
        [RT_I32] = "i32 (-2147483648 to 2147483647)",
        [RT_U8] = "byte (0 to 255)",
    };
    snprintf(why->text, sizeof why->text, "%s does not fit %s", what, range[want]);
    return false;
}

static bool unfit_int(RtReason *why, int64_t v, RtElem want) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, v);
    if (want == RT_F32 || want == RT_F64) {
        snprintf(why->text, sizeof why->text, "%s has more digits than %s holds; declare it int%s", text,
                 rt_elem_name(want), want == RT_F32 ? " or f64" : "");
        return false;
    }
    return unfit(why, text, want);
}

static bool unfit_real(RtReason *why, double v, RtElem want) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", v);
    char brief[40];
    snprintf(brief, sizeof brief, "%g", v);
    const char *shown = strtod(brief, NULL) == v ? brief : text;
    if (isnan(v) || isinf(v)) {
        snprintf(why->text, sizeof why->text, "the value is %s",
                 isnan(v) ? "not a number (NaN)" : "infinite");
        return false;
    }
    if (want != RT_F32 && v != floor(v)) {
        snprintf(why->text, sizeof why->text, "%s is not a whole number", shown);
        return false;
    }
    return unfit(why, shown, want);
}

/* Whether a double has exactly the value v, without the undefined conversion back of 2⁶³. */
static bool int_is_exact(int64_t v, int bits) {
    uint64_t size = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;
    return size >> bits == 0 || (size & (size - 1)) == 0 ||
           64 - __builtin_clzll(size) - __builtin_ctzll(size) <= bits;
}

bool rt_store_int(int64_t v, void *dst, size_t k, RtElem want, RtReason *why) {
    switch (want) {
    case RT_F64: ((double *)dst)[k] = (double)v; return int_is_exact(v, 53) || unfit_int(why, v, want);
    case RT_F32: ((float *)dst)[k] = (float)v; return int_is_exact(v, 24) || unfit_int(why, v, want);
    case RT_I64: ((int64_t *)dst)[k] = v; return true;
    case RT_I32:
        ((int32_t *)dst)[k] = (int32_t)v;
        return (v >= INT32_MIN && v <= INT32_MAX) || unfit_int(why, v, want);
    case RT_U8: ((uint8_t *)dst)[k] = (uint8_t)v; return (v >= 0 && v <= 255) || unfit_int(why, v, want);
    }
    return false;
}

static bool whole_in(double v, double lo, double below) {
    return v >= lo && v < below && v == floor(v);
}

bool rt_store_real(double v, void *dst, size_t k, RtElem want, unsigned flags, RtReason *why) {
    switch (want) {
    case RT_F64:
        ((double *)dst)[k] = v;
        return (flags & RT_ALLOW_NONFINITE) || isfinite(v) || unfit_real(why, v, want);
    case RT_F32:
        if (isfinite(v) && fabs(v) >= 0x1.ffffffp127) /* half a unit past FLT_MAX rounds to infinity */
            return unfit_real(why, v, want);
        ((float *)dst)[k] = (float)v;
        return (flags & RT_ALLOW_NONFINITE) || isfinite(v) || unfit_real(why, v, want);
    case RT_I64:
        if (!whole_in(v, -0x1p63, 0x1p63))
            return unfit_real(why, v, want);
        ((int64_t *)dst)[k] = (int64_t)v;
        return true;
    case RT_I32:
        if (!whole_in(v, -0x1p31, 0x1p31))
            return unfit_real(why, v, want);
        ((int32_t *)dst)[k] = (int32_t)v;
        return true;
    case RT_U8:
        if (!whole_in(v, 0, 256))
            return unfit_real(why, v, want);
        ((uint8_t *)dst)[k] = (uint8_t)v;
        return true;
    }
    return false;
}

static double half_to_double(uint16_t h) {
    int exponent = (h >> 10) & 31;
    double fraction = h & 1023;
    double v = exponent == 31  ? ((h & 1023) ? NAN : INFINITY)
               : exponent == 0 ? ldexp(fraction, -24)
                               : ldexp(fraction + 1024, exponent - 25);
    return h & 0x8000 ? -v : v;
}

static uint16_t load16(const unsigned char *p, bool big) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return big ? __builtin_bswap16(v) : v;
}

static uint32_t load32(const unsigned char *p, bool big) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return big ? __builtin_bswap32(v) : v;
}

static uint64_t load64(const unsigned char *p, bool big) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return big ? __builtin_bswap64(v) : v;
}

/* n ≤ the block; returns how many were loaded: fewer only where a u64 exceeds int64. */
static size_t load_ints(const unsigned char *p, RtRaw raw, bool big, size_t n, int64_t *out) {
    switch (raw) {
    case RT_RAW_U8:
        for (size_t k = 0; k < n; k++)
            out[k] = p[k];
        break;
    case RT_RAW_I8:
        for (size_t k = 0; k < n; k++)
            out[k] = (int8_t)p[k];
        break;
    case RT_RAW_I16:
        for (size_t k = 0; k < n; k++)
            out[k] = (int16_t)load16(p + 2 * k, big);
        break;
    case RT_RAW_U16:
        for (size_t k = 0; k < n; k++)
            out[k] = load16(p + 2 * k, big);
        break;
    case RT_RAW_I32:
        for (size_t k = 0; k < n; k++)
            out[k] = (int32_t)load32(p + 4 * k, big);
        break;
    case RT_RAW_U32:
        for (size_t k = 0; k < n; k++)
            out[k] = load32(p + 4 * k, big);
        break;
    case RT_RAW_I64:
        for (size_t k = 0; k < n; k++)
            out[k] = (int64_t)load64(p + 8 * k, big);
        break;
    case RT_RAW_U64:
        for (size_t k = 0; k < n; k++) {
            uint64_t v = load64(p + 8 * k, big);
            if (v > INT64_MAX)
                return k;
            out[k] = (int64_t)v;
        }
        break;
    case RT_RAW_F16:
    case RT_RAW_F32:
    case RT_RAW_F64: return 0;
    }
    return n;
}

static void load_reals(const unsigned char *p, RtRaw raw, bool big, size_t n, double *out) {
    for (size_t k = 0; k < n; k++) {
        if (raw == RT_RAW_F64) {
            uint64_t v = load64(p + 8 * k, big);
            memcpy(&out[k], &v, sizeof v);
        } else if (raw == RT_RAW_F32) {
            uint32_t v = load32(p + 4 * k, big);
            float f;
            memcpy(&f, &v, sizeof v);
            out[k] = f;
        } else {
            out[k] = half_to_double(load16(p + 2 * k, big));
        }
    }
}

/* Blocks of one length, which compilers vectorize whole. */
enum { BLOCK = 512 };

/* Stores a block of which every value fits, known from its smallest and largest; false: some may not. */
static bool store_ints_at_once(const int64_t *v, void *dst, RtElem want) {
    int64_t least = v[0], most = v[0];
    for (int k = 0; k < BLOCK; k++) {
        least = v[k] < least ? v[k] : least;
        most = v[k] > most ? v[k] : most;
    }
    switch (want) {
    case RT_F64:
        for (int k = 0; k < BLOCK; k++)
            ((double *)dst)[k] = (double)v[k];
        return least >= -(1ll << 53) && most <= 1ll << 53;
    case RT_F32:
        for (int k = 0; k < BLOCK; k++)
            ((float *)dst)[k] = (float)v[k];
        return least >= -(1ll << 24) && most <= 1ll << 24;
    case RT_I64: memcpy(dst, v, BLOCK * sizeof *v); return true;
    case RT_I32:
        for (int k = 0; k < BLOCK; k++)
            ((int32_t *)dst)[k] = (int32_t)v[k];
        return least >= INT32_MIN && most <= INT32_MAX;
    case RT_U8:
        for (int k = 0; k < BLOCK; k++)
            ((uint8_t *)dst)[k] = (uint8_t)v[k];
        return least >= 0 && most <= 255;
    }
    return false;
}

/* The same for values that are all finite and far from overflow. */
static bool store_reals_at_once(const double *v, void *dst, RtElem want) {
    bool all = true;
    if (want != RT_F64 && want != RT_F32)
        return false;
    for (int k = 0; k < BLOCK; k++)
        all &= fabs(v[k]) < 0x1p127; /* false for NaN */
    for (int k = 0; k < BLOCK; k++)
        if (want == RT_F64)
            ((double *)dst)[k] = v[k];
        else
            ((float *)dst)[k] = fabs(v[k]) < 0x1p127 ? (float)v[k] : 0;
    return all;
}

/* One block of n values by itself; *bad counts within it. */
static bool convert_block(const unsigned char *p, RtRaw raw, bool big, size_t n, void *dst, RtElem want,
                          unsigned flags, size_t *bad, RtReason *why) {
    if (rt_raw_integral(raw)) {
        int64_t v[BLOCK];
        size_t loaded = load_ints(p, raw, big, n, v);
        if (loaded == BLOCK && store_ints_at_once(v, dst, want))
            return true;
        for (*bad = 0; *bad < loaded; ++*bad)
            if (!rt_store_int(v[*bad], dst, *bad, want, why))
                return false;
        if (loaded < n)
            snprintf(why->text, sizeof why->text, "the value is above 9223372036854775807, the largest int");
        return loaded == n;
    }
    double v[BLOCK];
    load_reals(p, raw, big, n, v);
    if (n == BLOCK && store_reals_at_once(v, dst, want))
        return true;
    for (*bad = 0; *bad < n; ++*bad)
        if (!rt_store_real(v[*bad], dst, *bad, want, flags, why))
            return false;
    return true;
}

bool rt_convert(const void *src, RtRaw raw, bool big, size_t n, void *dst, RtElem want, unsigned flags,
                size_t *bad, RtReason *why) {
    if (raw == RT_RAW_U8 && want == RT_U8) {
        memcpy(dst, src, n);
        return true;
    }
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        if (!convert_block((const unsigned char *)src + at * rt_raw_size(raw), raw, big, m,
                           (char *)dst + at * rt_elem_size(want), want, flags, bad, why)) {
            *bad += at;
            return false;
        }
    }
    return true;
}
