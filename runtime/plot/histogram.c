/* histogram — how often the numbers of each curve fall in each of equal bins. Without a number of bins they are as wide
 * as D. Freedman and P. Diaconis (1981) have it: 2 IQR n^(-1/3). */
#include "draw.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_BINS = 200 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t bins_for(const RtPlot *plot, const RtPlotCurve *c, double span) {
    double *sorted = malloc((plot->frames * c->n + 1) * sizeof *sorted);
    size_t n = 0;
    for (size_t k = 0; sorted && k < plot->frames * c->n; k++) {
        double v = curve_y(c, k / c->n, k % c->n);
        if (isfinite(v) && !(plot->x.is_log && v <= 0))
            sorted[n++] = plot->x.is_log ? log10(v) : v;
    }
    double bins = 1;
    if (n > 1) {
        qsort(sorted, n, sizeof *sorted, ascending);
        double width = 2 * (sorted[3 * n / 4] - sorted[n / 4]) / cbrt((double)n);
        bins = width > 0 ? ceil(span / width) : sqrt((double)n);
    }
    free(sorted);
    return (uint32_t)fmin(fmax(bins, 5), MOST_BINS);
}

static void count(const RtPlot *plot, const RtPlotCurve *c, const Scale *s, uint32_t bins, double *counts) {
    for (uint32_t b = 0; b < bins; b++)
        counts[b] = 0;
    for (size_t k = 0; k < plot->frames * c->n; k++) {
        double v = curve_y(c, k / c->n, k % c->n);
        v = plot->x.is_log ? v > 0 ? log10(v) : NAN : v;
        double at = (v - s->lo) / (s->hi - s->lo) * bins;
        if (at >= 0 && at <= bins)
            counts[at < bins ? (size_t)at : bins - 1]++;
    }
}

static void put_bars(Sheet *sheet, const Frame *f, const Scale *s, uint32_t bins, const double *counts) {
    double x = s->lo, base = f->y.is_log ? f->bottom : fmin(f->bottom, scale_at(&f->y, 0));
    for (uint32_t b = 0; b < bins; b++, x += (s->hi - s->lo) / bins) {
        double top = scale_at(&f->y, counts[b]);
        double left = f->left + (x - f->x.lo) / (f->x.hi - f->x.lo) * (f->right - f->left);
        double right = left + (s->hi - s->lo) / bins / (f->x.hi - f->x.lo) * (f->right - f->left);
        if (!(top < base))
            continue;
        put(sheet, "M");
        put_point(sheet, left, base);
        put(sheet, "V");
        put_number(sheet, top);
        put(sheet, "H");
        put_number(sheet, right);
        put(sheet, "V");
        put_number(sheet, base);
        put(sheet, "Z");
    }
}

void draw_histogram(Sheet *sheet, const RtPlot *plot) {
    Range x = range_empty(), y = range_empty();
    for (uint32_t k = 0; k < plot->n_curves; k++)
        for (size_t i = 0; i < plot->frames * plot->curves[k].n; i++)
            range_add(&x, curve_y(&plot->curves[k], i / plot->curves[k].n, i % plot->curves[k].n), plot->x.is_log);
    Scale s = scale_of(x, plot->x.is_log, 0);
    uint32_t bins = plot->bins;
    for (uint32_t k = 0; !plot->bins && k < plot->n_curves; k++) {
        uint32_t suits = bins_for(plot, &plot->curves[k], s.hi - s.lo);
        bins = suits > bins ? suits : bins;
    }
    bins = bins < 1 ? 1 : bins > MOST_BINS ? MOST_BINS : bins;
    double counts[MOST_BINS];
    if (!plot->y.is_log)
        range_add(&y, 0, false);
    for (uint32_t k = 0; k < plot->n_curves; k++) {
        count(plot, &plot->curves[k], &s, bins, counts);
        for (uint32_t b = 0; b < bins; b++)
            range_add(&y, counts[b], plot->y.is_log);
    }
    if (y.hi > y.lo)
        y.hi += 0.05 * (y.hi - y.lo);
    Legend legend = legend_of_curves(plot);
    Frame frame;
    frame_open(sheet, &frame, plot, (Range){s.lo, s.hi}, y, 0.02, 0, &legend, &(ColorBar){0}, 0);
    for (uint32_t k = 0; k < plot->n_curves; k++) {
        char color[8];
        curve_color(plot, k, color);
        count(plot, &plot->curves[k], &s, bins, counts);
        put(sheet, "<path class=\"curve\" clip-path=\"url(#box)\" fill=\"%s\" fill-opacity=\"%s\" stroke=\"%s\" "
                   "stroke-width=\"1\" d=\"", color, plot->n_curves > 1 ? "0.3" : "0.55", color);
        put_bars(sheet, &frame, &s, bins, counts);
        put(sheet, "\"><title>");
        put_escaped(sheet, plot->curves[k].label);
        put(sheet, "</title></path>\n");
    }
    frame_close(sheet);
}
