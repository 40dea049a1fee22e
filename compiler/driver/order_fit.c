/* order_fit — where in a ladder of steps the error is that of truncation, and its slope there. */
#include "order.h"

#include <math.h>

double order_slope(const OrderRung *rung, uint32_t k) {
    return log(rung[k].error / rung[k + 1].error) / log(rung[k].h / rung[k + 1].h);
}

static bool counts(const OrderRung *rung, double most) {
    return isfinite(rung->error) && rung->error > rung->floor && rung->error < most;
}

/* Least squares of log error against log h. */
static double slope_of(const OrderRung *rung, uint32_t n) {
    double x = 0, y = 0, xx = 0, xy = 0;
    for (uint32_t k = 0; k < n; k++) {
        x += log(rung[k].h) / n;
        y += log(rung[k].error) / n;
    }
    for (uint32_t k = 0; k < n; k++) {
        double d = log(rung[k].h) - x;
        xx += d * d;
        xy += d * (log(rung[k].error) - y);
    }
    return xy / xx;
}

/* The slopes of methods tend to their order as h does to 0: the finest five rungs that agree say it best. */
static const double least_slope = 0.3; /* below, h makes no difference, or rounding is all there is */
enum { LEAST_SLOPES = 3, MOST_SLOPES = 4 };

OrderFit order_fit(const OrderRung *rung, uint32_t n, double most) {
    OrderFit fit = {0};
    for (uint32_t end = n; end >= LEAST_SLOPES + 1; end--) {
        uint32_t first = end - 1;
        double last = counts(&rung[end - 1], most) && counts(&rung[end - 2], most) ? order_slope(rung, end - 2) : NAN;
        double allowed = 0.1 + 0.05 * fabs(last);
        if (!(last > least_slope))
            continue;
        while (first > 0 && end - first <= MOST_SLOPES && counts(&rung[first - 1], most) &&
               fabs(order_slope(rung, first - 1) - last) <= allowed)
            first--;
        if (end - first <= LEAST_SLOPES)
            continue;
        fit = (OrderFit){.slope = slope_of(rung + first, end - first), .first = first, .n = end - first};
        for (uint32_t k = first; k + 1 < end; k++)
            fit.spread = fmax(fit.spread, fabs(order_slope(rung, k) - fit.slope));
        return fit;
    }
    return fit;
}

OrderFit order_fit_loosely(const OrderRung *rung, uint32_t n, double most) {
    enum { LEAST = 5, MOST = 12 };
    uint32_t end = n, first;
    while (end > 0 && !counts(&rung[end - 1], most))
        end--;
    for (first = end; first > 0 && end - first < MOST && counts(&rung[first - 1], most);)
        first--;
    OrderFit fit = {.first = first, .n = end - first, .loose = true};
    if (fit.n < LEAST)
        return (OrderFit){0};
    fit.slope = slope_of(rung + first, fit.n);
    double x = 0, y = 0, xx = 0, rest = 0;
    for (uint32_t k = first; k < end; k++) {
        x += log(rung[k].h) / fit.n;
        y += log(rung[k].error) / fit.n;
    }
    for (uint32_t k = first; k < end; k++) {
        double dx = log(rung[k].h) - x, off = log(rung[k].error) - y - fit.slope * dx;
        xx += dx * dx;
        rest += off * off;
    }
    fit.spread = 2 * sqrt(rest / (fit.n - 2) / xx);
    return fit.slope > least_slope && fit.spread < fit.slope / 2 ? fit : (OrderFit){0};
}
