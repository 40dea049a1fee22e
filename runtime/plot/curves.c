/* curves — line and scatter. Where time or an index runs along the axis the box ends where the data end; elsewhere there
 * is some room on all sides. */
#include "draw.h"

#include <math.h>

static void add_curve(const RtPlot *plot, const RtPlotCurve *c, Range *x, Range *y, bool *runs_right) {
    double before = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        double vx = curve_x(c, 0, i), vy = curve_y(c, 0, i);
        bool shown = isfinite(vx) && isfinite(vy) && !(plot->x.is_log && vx <= 0) && !(plot->y.is_log && vy <= 0);
        if (plot->form == RT_PLOT_LINE) /* time goes on where there is nothing to show */
            range_add(x, vx, plot->x.is_log);
        *runs_right &= !(vx < before);
        before = isfinite(vx) ? vx : before;
        if (!shown)
            continue;
        range_add(x, vx, plot->x.is_log);
        range_add(y, vy, plot->y.is_log);
    }
}

static void add_pivot(const RtPlot *plot, Range *x, Range *y) {
    if (!plot->has_pivot)
        return;
    range_add(x, plot->pivot[0], plot->x.is_log);
    range_add(y, plot->pivot[1], plot->y.is_log);
}

void draw_curves(Sheet *sheet, const RtPlot *plot) {
    bool dots = plot->form == RT_PLOT_SCATTER, runs_right = !dots;
    Range x = range_empty(), y = range_empty();
    size_t points = 0;
    for (uint32_t k = 0; k < plot->n_curves; k++) {
        add_curve(plot, &plot->curves[k], &x, &y, &runs_right);
        points += plot->curves[k].n;
    }
    add_pivot(plot, &x, &y);
    Legend legend = legend_of_curves(plot);
    Frame frame;
    frame_open(sheet, &frame, plot, x, y, runs_right ? 0 : 0.04, 0.05, &legend, &(ColorBar){0}, 0);
    const char *dot = points > 5000 ? "1.6" : points > 500 ? "2.4" : "4";
    put(sheet, "<g clip-path=\"url(#box)\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" "
               "stroke-width=\"%s\">\n", dots ? dot : points > 50000 ? "0.8" : "1.6");
    for (uint32_t k = 0; k < plot->n_curves; k++) {
        const RtPlotCurve *c = &plot->curves[k];
        char color[8];
        curve_color(plot, k, color);
        put(sheet, "<path class=\"curve\" stroke=\"%s\"%s d=\"", color,
            !dots && curve_is_dashed(plot, k) ? " stroke-dasharray=\"6 4\"" : "");
        if (dots)
            put_dots(sheet, c, 0, &frame);
        else
            put_thinned(sheet, c, 0, &frame);
        put(sheet, "\"><title>");
        put_escaped(sheet, c->label);
        put(sheet, "</title></path>\n");
        if (plot->has_dots) {
            put(sheet, "<path class=\"dots\" stroke=\"%s\" stroke-width=\"6\" d=\"", color);
            put_dots(sheet, c, 0, &frame);
            put(sheet, "\"/>\n");
        }
    }
    put(sheet, "</g>\n");
    frame_close(sheet);
}
