/* scale — from values to places, and ticks at round numbers. */
#include "draw.h"

#include <math.h>
#include <string.h>

Range range_empty(void) {
    return (Range){INFINITY, -INFINITY};
}

void range_add(Range *range, double v, bool is_log) {
    if (is_log)
        v = v > 0 ? log10(v) : NAN;
    if (!isfinite(v))
        return;
    range->lo = fmin(range->lo, v);
    range->hi = fmax(range->hi, v);
}

Scale scale_of(Range range, bool is_log, double margin) {
    if (range.lo > range.hi)
        range = (Range){0, 1};
    double middle = range.lo / 2 + range.hi / 2, size = fabs(middle);
    /* apart by rounding alone is constant, and what is next to nothing is nothing */
    if (!(range.hi - range.lo > fmax(4e-16 * size, 1e-290))) {
        double room = is_log ? 0.5 : size > 1e-280 ? 0.1 * size : 1;
        range = (Range){middle - room, middle + room};
        margin = 0;
    }
    double room = margin * (range.hi - range.lo);
    return (Scale){.lo = fmax(range.lo - room, -1e307), .hi = fmin(range.hi + room, 1e307), .is_log = is_log};
}

double scale_at(const Scale *s, double v) {
    if (s->is_log)
        v = v > 0 ? log10(v) : NAN;
    if (!isfinite(v))
        return NAN;
    /* halves: the difference of two numbers may be too large */
    return s->from + (v / 2 - s->lo / 2) / (s->hi / 2 - s->lo / 2) * (s->to - s->from);
}

/* ---- ticks ---- */

/* A number with so many decimals, with a proper minus and a point under every locale. */
static void tick_text(char text[32], double v, int decimals) {
    char plain[32];
    snprintf(plain, sizeof plain, "%.*f", decimals, fabs(v));
    bool is_zero = strspn(plain, "0.,") == strlen(plain);
    for (char *at = plain; *at; at++)
        if (*at == ',')
            *at = '.';
    snprintf(text, 32, "%s%.26s", v < 0 && !is_zero ? "\u2212" : "", plain);
}

static void superscript(char text[32], int n) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", n < 0 ? -n : n);
    snprintf(text, 32, "%s", n < 0 ? "⁻" : "");
    for (const char *at = plain; *at; at++)
        strncat(text, digits[*at - '0'], 31 - strlen(text));
}

static void power_text(char text[32], int power) {
    char raised[32];
    superscript(raised, power);
    if (power == 0 || power == 1)
        snprintf(text, 32, power ? "10" : "1");
    else
        snprintf(text, 32, "10%.28s", raised);
}

static void times_power(char text[32], int digit, int power) {
    char raised[32];
    power_text(raised, power);
    snprintf(text, 32, "%d·%.24s", digit, raised);
}

/* The least of 1, 2, 5 times a power of ten that is not below `raw`. */
static double round_up(double raw) {
    double power = pow(10, floor(log10(raw)));
    double share = raw / power * (1 - 1e-9);
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static void add_tick(Ticks *ticks, double at, bool is_minor, const char *text) {
    if (ticks->n == MAX_TICKS)
        return;
    Tick *tick = &ticks->tick[ticks->n++];
    *tick = (Tick){.at = at, .is_minor = is_minor};
    snprintf(tick->text, sizeof tick->text, "%s", text);
}

/* What all numbers of the axis share is said once: a large part that does not change, a power of ten. */
static void linear_ticks(const Scale *s, int about, Ticks *ticks) {
    double span = s->hi - s->lo, step = round_up(span / about), offset = 0;
    if (!isfinite(span) || !(step > 0))
        return;
    double largest = fmax(fabs(s->lo), fabs(s->hi));
    if (largest / step > 2e4) {
        double unit = pow(10, ceil(log10(span)));
        offset = round((s->lo / 2 + s->hi / 2) / unit) * unit;
    }
    double rest = fmax(fabs(s->lo - offset), fabs(s->hi - offset));
    int power = (int)floor(log10(rest) + 1e-9);
    if (power < 5 && power > -4)
        power = 0;
    double factor = pow(10, -power);
    int decimals = (int)ceil(-log10(step * factor) - 1e-9);
    decimals = decimals < 0 ? 0 : decimals > 15 ? 15 : decimals;
    for (double k = ceil((s->lo - offset) / step - 1e-9); k * step <= s->hi - offset + 1e-9 * step; k++) {
        char text[32];
        double at = k * step;
        tick_text(text, at * factor, decimals);
        add_tick(ticks, at + offset, false, text);
        if (ticks->n == MAX_TICKS)
            break;
    }
    char raised[32] = "", base[32] = "";
    if (power)
        superscript(raised, power);
    if (offset != 0)
        snprintf(base, sizeof base, "%.15g", fabs(offset));
    for (char *at = base; *at; at++)
        if (*at == ',')
            *at = '.';
    snprintf(ticks->note, sizeof ticks->note, "%s%.24s%s%s%s", power ? "×10" : "", raised, power && offset != 0 ? " " : "",
             offset > 0 ? "+ " : offset < 0 ? "− " : "", base);
}

/* Decades, as many as there is room for; below one decade 1, 2 and 5 times its power. */
static void log_ticks(const Scale *s, int about, Ticks *ticks) {
    int first = (int)ceil(s->lo - 1e-9), last = (int)floor(s->hi + 1e-9);
    int every = (last - first) / (about + 2) + 1;
    for (int k = first - 1; k <= last; k++) {
        char text[32];
        power_text(text, k);
        if (k >= first && (k - first) % every == 0)
            add_tick(ticks, k, false, text);
        for (int digit = 2; digit < 10 && last - first <= 6; digit++) {
            double at = k + log10(digit);
            if (at < s->lo - 1e-9 || at > s->hi + 1e-9)
                continue;
            bool is_named = last - first < 1 && (digit == 2 || digit == 5);
            if (is_named && k >= -3 && k <= 4)
                tick_text(text, digit * pow(10, k), k < 0 ? -k : 0);
            else if (is_named)
                times_power(text, digit, k);
            add_tick(ticks, at, !is_named, is_named ? text : "");
        }
    }
}

void ticks_of(const Scale *s, int about, Ticks *ticks) {
    ticks->n = 0;
    ticks->note[0] = '\0';
    if (s->is_log)
        log_ticks(s, about, ticks);
    else
        linear_ticks(s, about, ticks);
}
