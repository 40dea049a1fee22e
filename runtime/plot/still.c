/* still — an animation where nothing moves: of points several moments over one another, of a field side by side. */
#include "draw.h"

#include <math.h>
#include <stdlib.h>

enum { MOMENTS = 8 };

static size_t frame_of(const RtPlot *plot, size_t moment, size_t moments) {
    return moments > 1 ? moment * (plot->frames - 1) / (moments - 1) : 0;
}

static double time_of(const RtPlot *plot, size_t frame) {
    return plot->times ? plot->times[frame * plot->time_stride] : (double)frame;
}

/* The moments as curves of one line plot, coloured by their time. */
static void draw_moments(Sheet *sheet, const RtPlot *plot) {
    size_t moments = plot->frames < MOMENTS ? plot->frames : MOMENTS, n = 0;
    RtPlotCurve *curves = calloc(moments * plot->n_curves + 1, sizeof *curves);
    double *joined = NULL;
    char labels[MOMENTS][40];
    size_t longest = 0;
    for (uint32_t k = 0; k < plot->n_curves; k++)
        longest = plot->curves[k].n > longest ? plot->curves[k].n : longest;
    joined = calloc(2 * (longest + 1) * (moments * plot->n_curves + 1), sizeof *joined);
    for (size_t m = 0; curves && joined && m < moments; m++) {
        size_t frame = frame_of(plot, m, moments);
        snprintf(labels[m], sizeof labels[m], "t = %.4g", time_of(plot, frame));
        for (uint32_t k = 0; k < plot->n_curves; k++) {
            const RtPlotCurve *c = &plot->curves[k];
            double *x = joined + 2 * (longest + 1) * n, *y = x + longest + 1;
            size_t first = plot->has_pivot ? 1 : 0;
            x[0] = plot->pivot[0];
            y[0] = plot->pivot[1];
            for (size_t i = 0; i < c->n; i++) {
                x[first + i] = curve_x(c, frame, i);
                y[first + i] = curve_y(c, frame, i);
            }
            curves[n++] = (RtPlotCurve){.label = labels[m], .x = x, .y = y, .n = c->n + first, .x_stride = 1, .y_stride = 1};
        }
    }
    RtPlot still = *plot;
    still.form = plot->apart ? RT_PLOT_SCATTER : RT_PLOT_LINE;
    still.in_order = true;
    still.has_dots = plot->equal && longest <= 60;
    still.curves = curves;
    still.n_curves = (uint32_t)n;
    draw_curves(sheet, &still);
    free(joined);
    free(curves);
}

/* ---- a field ---- */

static void draw_panels(Sheet *sheet, const RtPlot *plot) {
    enum { PANELS = 6, ACROSS = 3 };
    const RtPlotField *f = &plot->field;
    size_t n = plot->frames < PANELS ? plot->frames : PANELS;
    ColorBar bar = field_colors(plot, 0, plot->frames);
    double side = 220, tall = fmin(400, fmax(60, side * (double)f->rows / (double)f->columns)), top = *plot->title ? 48 : 14;
    double width = 14 + ACROSS * (side + 14);
    sheet_open(sheet, width, top + ceil((double)n / ACROSS) * (tall + 34), plot->title);
    put_text(sheet, "title", width / 2, 28, ANCHOR_MIDDLE, 17, false, plot->title);
    for (size_t m = 0; m < n; m++) {
        size_t frame = frame_of(plot, m, n), w, h;
        double x = 14 + (double)(m % ACROSS) * (side + 14), y = top + (double)(m / ACROSS) * (tall + 34);
        Rgb *pixels = heat_pixels(f, frame, &bar, 256, &w, &h);
        char text[64];
        if (pixels) {
            put_image(sheet, "heat", x, y, side, tall);
            put_bitmap(sheet, pixels, w, h);
            put(sheet, "\"/>\n");
        }
        free(pixels);
        snprintf(text, sizeof text, "t = %.4g", time_of(plot, frame));
        put_text(sheet, "moment", x + side / 2, y + tall + 19, ANCHOR_MIDDLE, 14, false, text);
    }
    frame_close(sheet);
}

void draw_still(Sheet *sheet, const RtPlot *plot) {
    if (plot->field.values)
        draw_panels(sheet, plot);
    else
        draw_moments(sheet, plot);
}
