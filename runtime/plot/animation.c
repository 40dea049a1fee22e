/* animation — SVG that moves by itself (SMIL), without a script: points joined and a trail behind the last one, a line
 * that changes its form, or a field frame by frame. Below it a mark runs along the time. */
#include "draw.h"

#include <math.h>
#include <stdlib.h>

static double time_at(const RtPlot *plot, size_t frame) {
    return plot->times ? plot->times[frame * plot->time_stride] : (double)frame;
}

/* A unit of time takes a second where that makes between 5 and 15 seconds. */
static double seconds_of(const RtPlot *plot) {
    double span = time_at(plot, plot->frames - 1) - time_at(plot, 0);
    return isfinite(span) ? fmin(15, fmax(5, span)) : 8;
}

static void put_duration(Sheet *sheet, const RtPlot *plot) {
    put(sheet, " dur=\"");
    put_number(sheet, seconds_of(plot));
    put(sheet, "s\" repeatCount=\"indefinite\"");
}

/* ---- points ---- */

static void add_ranges(const RtPlot *plot, Range *x, Range *y) {
    for (uint32_t k = 0; k < plot->n_curves; k++)
        for (size_t f = 0; f < plot->frames; f++)
            for (size_t i = 0; i < plot->curves[k].n; i++) {
                range_add(x, curve_x(&plot->curves[k], f, i), plot->x.is_log);
                range_add(y, curve_y(&plot->curves[k], f, i), plot->y.is_log);
            }
    if (plot->has_pivot) {
        range_add(x, plot->pivot[0], plot->x.is_log);
        range_add(y, plot->pivot[1], plot->y.is_log);
    }
}

typedef struct Place { double x, y; } Place;

/* A point that is nowhere stays where it was last, or, at first, in the middle. */
static Place place_at(const RtPlotCurve *c, size_t f, size_t i, const Frame *box) {
    for (size_t back = f + 1; back-- > 0;) {
        Place p = {scale_at(&box->x, curve_x(c, back, i)), scale_at(&box->y, curve_y(c, back, i))};
        if (isfinite(p.x) && isfinite(p.y))
            return p;
    }
    return (Place){(box->left + box->right) / 2, (box->top + box->bottom) / 2};
}

enum { MOST_POINTS = 400 };

static void put_frame(Sheet *sheet, const RtPlot *plot, const RtPlotCurve *c, size_t f, const Frame *box) {
    size_t n = c->n < MOST_POINTS ? c->n : MOST_POINTS;
    if (plot->has_pivot) {
        put_point(sheet, scale_at(&box->x, plot->pivot[0]), scale_at(&box->y, plot->pivot[1]));
        put(sheet, " ");
    }
    for (size_t i = 0; i < n; i++) {
        Place p = place_at(c, f, n > 1 ? i * (c->n - 1) / (n - 1) : 0, box);
        put_point(sheet, p.x, p.y);
        put(sheet, i + 1 < n ? " " : "");
    }
}

static bool moves_sideways(const RtPlotCurve *c) {
    return c->x && c->x_frame;
}

/* The way of point i of the last few frames. */
static void put_trail(Sheet *sheet, const RtPlot *plot, const RtPlotCurve *c, size_t i, const Frame *box, const char *color) {
    size_t length = plot->frames / 6 < 40 ? plot->frames / 6 : 40;
    if (length < 2)
        return;
    put(sheet, "<polyline class=\"trail\" fill=\"none\" stroke=\"%s\" stroke-opacity=\"0.35\" stroke-width=\"1.6\" points=\"", color);
    for (size_t f = 0; f < plot->frames; f++) {
        put(sheet, f == 0 ? "" : f == 1 ? "\"><animate attributeName=\"points\" values=\"" : ";");
        for (size_t back = length; back-- > 0;) {
            Place p = place_at(c, f > back ? f - back : 0, i, box);
            put_point(sheet, p.x, p.y);
            put(sheet, back ? " " : "");
        }
    }
    put(sheet, "\"");
    put_duration(sheet, plot);
    put(sheet, "/></polyline>\n");
}

static void put_joined(Sheet *sheet, const RtPlot *plot, const RtPlotCurve *c, const Frame *box, const char *color,
                       uint32_t k) {
    bool dots = moves_sideways(c) && c->n <= 60;
    if (dots) {
        put(sheet, "<marker id=\"bob%u\" viewBox=\"-5 -5 10 10\" markerWidth=\"%s\" markerHeight=\"%s\" "
                   "markerUnits=\"userSpaceOnUse\"><circle r=\"5\" fill=\"%s\"/></marker>\n",
            k, c->n > 20 ? "6" : "11", c->n > 20 ? "6" : "11", color);
    }
    put(sheet, "<polyline class=\"curve\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-linejoin=\"round\"", color,
        plot->apart ? "0" : "2");
    if (dots)
        put(sheet, "%s marker-mid=\"url(#bob%u)\" marker-end=\"url(#bob%u)\"", "", k, k);
    if (dots && !plot->has_pivot)
        put(sheet, " marker-start=\"url(#bob%u)\"", k);
    put(sheet, " points=\"");
    put_frame(sheet, plot, c, 0, box);
    put(sheet, "\"><title>");
    put_escaped(sheet, c->label);
    put(sheet, "</title><animate attributeName=\"points\" values=\"");
    for (size_t f = 0; f < plot->frames; f++) {
        put(sheet, f ? ";" : "");
        put_frame(sheet, plot, c, f, box);
    }
    put(sheet, "\"");
    put_duration(sheet, plot);
    put(sheet, "/></polyline>\n");
}

static void put_points(Sheet *sheet, const RtPlot *plot, const Frame *box) {
    put(sheet, "<g>\n");
    for (uint32_t k = 0; k < plot->n_curves; k++) {
        const RtPlotCurve *c = &plot->curves[k];
        char color[8];
        curve_color(plot, k, color);
        for (size_t i = plot->apart ? 0 : c->n - 1; moves_sideways(c) && c->n && i < c->n && i < 24; i++)
            put_trail(sheet, plot, c, i, box, color);
        if (c->n)
            put_joined(sheet, plot, c, box, color, k);
    }
    if (plot->has_pivot) {
        put(sheet, "<circle class=\"pivot\" r=\"3\" cx=\"");
        put_number(sheet, scale_at(&box->x, plot->pivot[0]));
        put(sheet, "\" cy=\"");
        put_number(sheet, scale_at(&box->y, plot->pivot[1]));
        put(sheet, "\"/>\n");
    }
    put(sheet, "</g>\n");
}

/* ---- fields ---- */

/* All frames in one bitmap, a grid of them behind the window of the box; each moment another one stands in it. */
static void put_film(Sheet *sheet, const RtPlot *plot, const Frame *box, const ColorBar *bar) {
    const RtPlotField *field = &plot->field;
    size_t width, height, columns = (size_t)ceil(sqrt((double)plot->frames)), rows = (plot->frames + columns - 1) / columns;
    free(heat_pixels(field, 0, bar, 128, &width, &height));
    Rgb *film = calloc(columns * width * rows * height + 1, sizeof *film);
    for (size_t f = 0; film && f < plot->frames; f++) {
        Rgb *pixels = heat_pixels(field, f, bar, 128, &width, &height);
        for (size_t k = 0; pixels && k < width * height; k++)
            film[(f / columns * height + k / width) * columns * width + f % columns * width + k % width] = pixels[k];
        free(pixels);
    }
    double w = box->right - box->left, h = box->bottom - box->top;
    if (film) {
        put(sheet, "<g clip-path=\"url(#box)\"><g>\n");
        put_image(sheet, "heat", box->left, box->top, w * (double)columns, h * (double)rows);
        put_bitmap(sheet, film, columns * width, rows * height);
        put(sheet, "\"/>\n<animateTransform attributeName=\"transform\" type=\"translate\" calcMode=\"discrete\" values=\"");
        for (size_t f = 0; f < plot->frames; f++) {
            put(sheet, f ? ";" : "");
            put_point(sheet, -w * (double)(f % columns), -h * (double)(f / columns));
        }
        put(sheet, "\"");
        put_duration(sheet, plot);
        put(sheet, "/></g></g>\n");
    }
    free(film);
}

/* ---- time ---- */

static void put_clock(Sheet *sheet, const RtPlot *plot, const Frame *box) {
    char text[64];
    double y = box->height - 18;
    put(sheet, "<path class=\"time\" fill=\"none\" stroke=\"#bbbbbb\" stroke-width=\"2\" stroke-linecap=\"round\" d=\"M");
    put_point(sheet, box->left, y);
    put(sheet, "H");
    put_number(sheet, box->right);
    put(sheet, "\"/>\n<circle class=\"now\" r=\"5\" fill=\"#444444\" cy=\"");
    put_number(sheet, y);
    put(sheet, "\" cx=\"");
    put_number(sheet, box->left);
    put(sheet, "\"><animate attributeName=\"cx\" from=\"");
    put_number(sheet, box->left);
    put(sheet, "\" to=\"");
    put_number(sheet, box->right);
    put(sheet, "\"");
    put_duration(sheet, plot);
    put(sheet, "/></circle>\n");
    snprintf(text, sizeof text, "t = %.4g", time_at(plot, 0));
    put_text(sheet, "time", box->left, y - 10, ANCHOR_START, 13, false, text);
    snprintf(text, sizeof text, "%.4g", time_at(plot, plot->frames - 1));
    put_text(sheet, "time", box->right, y - 10, ANCHOR_END, 13, false, text);
}

void draw_animation(Sheet *sheet, const RtPlot *plot) {
    Frame box;
    if (plot->field.values) {
        const RtPlotField *f = &plot->field;
        ColorBar bar = field_colors(plot, 0, plot->frames);
        frame_open(sheet, &box, plot, (Range){f->left, f->right}, (Range){f->bottom, f->top}, 0, 0, &(Legend){0}, &bar, 40);
        put_film(sheet, plot, &box, &bar);
    } else {
        Range x = range_empty(), y = range_empty();
        add_ranges(plot, &x, &y);
        Legend legend = legend_of_curves(plot);
        bool sideways = plot->n_curves && moves_sideways(&plot->curves[0]);
        frame_open(sheet, &box, plot, x, y, sideways ? 0.06 : 0, 0.06, &legend, &(ColorBar){0}, 40);
        put_points(sheet, plot, &box);
    }
    put_clock(sheet, plot, &box);
    frame_close(sheet);
}
