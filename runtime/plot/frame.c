/* frame — the parts of a picture that are not data: title, box, grid, ticks, labels, legend, colour bar. Margins are as
 * wide as the texts that stand in them, so nothing is cut off. */
#include "draw.h"

#include <math.h>
#include <string.h>

static const double text_size = 14, title_size = 17, edge = 14;
static const double full_width = 720, full_height = 450, least_side = 150, most_height = 560;

void sheet_open(Sheet *sheet, double width, double height, const char *title) {
    put(sheet, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"");
    put_number(sheet, width);
    put(sheet, "\" height=\"");
    put_number(sheet, height);
    put(sheet, "\" viewBox=\"0 0 ");
    put_number(sheet, width);
    put(sheet, " ");
    put_number(sheet, height);
    put(sheet, "\" font-family=\"DejaVu Sans, Verdana, sans-serif\" fill=\"#222222\">\n");
    if (*title) {
        put(sheet, "<title>");
        put_escaped(sheet, title);
        put(sheet, "</title>\n");
    }
    put(sheet, "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
}

void frame_close(Sheet *sheet) {
    put(sheet, "</svg>\n");
}

/* ---- layout ---- */

static double widest(const Ticks *ticks) {
    double width = 0;
    for (uint32_t k = 0; k < ticks->n; k++)
        width = fmax(width, text_width(ticks->tick[k].text, text_size));
    return width;
}

static double legend_width(const Legend *legend) {
    double width = 0;
    for (uint32_t k = 0; k < legend->n; k++)
        width = fmax(width, text_width(legend->row[k].label, text_size));
    return legend->n ? fmin(width, 200) + 46 : 0;
}

static double bar_width(const ColorBar *bar, Ticks *ticks) {
    if (!bar->is_there)
        return 0;
    ticks_of(&bar->scale, 5, ticks);
    return 46 + fmax(widest(ticks), text_width(ticks->note, text_size) - 24) + (*bar->label ? 26 : 0);
}

/* A unit of y as long as one of x: the box shrinks; where it would become too flat or too narrow, the shorter axis shows
 * more. */
static void make_equal(Frame *f) {
    double right_edge = f->width - f->right, below = f->height - f->bottom;
    double width = f->right - f->left, x_span = f->x.hi - f->x.lo, y_span = f->y.hi - f->y.lo;
    double height = width * y_span / x_span;
    if (height > most_height) {
        height = most_height;
        width = height * x_span / y_span;
    }
    if (height < least_side) {
        double more = (least_side / height - 1) * y_span / 2;
        f->y.lo -= more;
        f->y.hi += more;
        height = least_side;
    }
    if (width < least_side) {
        double more = (least_side / width - 1) * x_span / 2;
        f->x.lo -= more;
        f->x.hi += more;
        width = least_side;
    }
    f->right = f->left + width;
    f->bottom = f->top + height;
    f->width = f->right + right_edge;
    f->height = f->bottom + below;
}

static void lay_out(Frame *f, const RtPlot *plot, double right, double below) {
    double y_label = *plot->y.label ? 26 : 0, x_label = *plot->x.label ? 24 : 0;
    ticks_of(&f->y, 6, &f->y_ticks);
    f->width = full_width;
    f->height = full_height + below;
    f->left = edge + y_label + widest(&f->y_ticks) + 8;
    f->right = f->width - edge - fmax(right, 16);
    f->top = edge + (*plot->title ? 30 : 0) + (*f->y_ticks.note ? 18 : 4);
    f->bottom = f->height - below - edge - 22 - x_label;
    if (plot->equal)
        make_equal(f);
    if (*plot->title) /* it is centred over the box */
        f->width = fmax(f->width, (f->left + f->right) / 2 + text_width(plot->title, title_size) / 2 + edge);
    f->x.from = f->left;
    f->x.to = f->right;
    f->y.from = f->bottom;
    f->y.to = f->top;
    ticks_of(&f->y, (int)fmax(3, (f->bottom - f->top) / 62), &f->y_ticks);
    int about = (int)fmax(2, (f->right - f->left) / 90);
    do
        ticks_of(&f->x, about, &f->x_ticks);
    while (widest(&f->x_ticks) * (f->x_ticks.n + 1) > f->right - f->left && --about > 1);
}

/* ---- drawing ---- */

static void put_line(Sheet *sheet, double x1, double y1, double x2, double y2) {
    put(sheet, "M");
    put_point(sheet, x1, y1);
    put(sheet, "L");
    put_point(sheet, x2, y2);
}

static double tick_place(const Scale *s, const Tick *tick) {
    return s->from + (tick->at - s->lo) / (s->hi - s->lo) * (s->to - s->from);
}

static void put_grid(Sheet *sheet, const Frame *f, bool minor) {
    put(sheet, "<path class=\"grid\" fill=\"none\" stroke=\"%s\" stroke-width=\"1\" d=\"", minor ? "#f3f3f3" : "#e2e2e2");
    for (uint32_t k = 0; k < f->x_ticks.n; k++)
        if (f->x_ticks.tick[k].is_minor == minor) {
            double x = tick_place(&f->x, &f->x_ticks.tick[k]);
            put_line(sheet, x, f->top, x, f->bottom);
        }
    for (uint32_t k = 0; k < f->y_ticks.n; k++)
        if (f->y_ticks.tick[k].is_minor == minor) {
            double y = tick_place(&f->y, &f->y_ticks.tick[k]);
            put_line(sheet, f->left, y, f->right, y);
        }
    put(sheet, "\"/>\n");
}

static void put_ticks(Sheet *sheet, const Frame *f) {
    for (uint32_t k = 0; k < f->x_ticks.n; k++)
        put_text(sheet, "tick-x", tick_place(&f->x, &f->x_ticks.tick[k]), f->bottom + 20, ANCHOR_MIDDLE, text_size, false,
                 f->x_ticks.tick[k].text);
    for (uint32_t k = 0; k < f->y_ticks.n; k++)
        put_text(sheet, "tick-y", f->left - 8, tick_place(&f->y, &f->y_ticks.tick[k]) + 5, ANCHOR_END, text_size, false,
                 f->y_ticks.tick[k].text);
    put_text(sheet, "note-y", f->left, f->top - 7, ANCHOR_START, text_size - 1, false, f->y_ticks.note);
    put_text(sheet, "note-x", f->right, f->bottom + 40, ANCHOR_END, text_size - 1, false, f->x_ticks.note);
}

static void put_labels(Sheet *sheet, const Frame *f, const RtPlot *plot) {
    char buffer[256];
    put_text(sheet, "title", (f->left + f->right) / 2, edge + 14, ANCHOR_MIDDLE, title_size, false, plot->title);
    put_text(sheet, "label-x", (f->left + f->right) / 2, f->bottom + 43, ANCHOR_MIDDLE, text_size + 1, false,
             text_fitted(plot->x.label, text_size + 1, f->right - f->left, buffer));
    put_text(sheet, "label-y", edge + 12, (f->top + f->bottom) / 2, ANCHOR_MIDDLE, text_size + 1, true,
             text_fitted(plot->y.label, text_size + 1, f->bottom - f->top, buffer));
}

static void put_legend(Sheet *sheet, const Frame *f, const Legend *legend) {
    for (uint32_t k = 0; k < legend->n; k++) {
        const LegendRow *row = &legend->row[k];
        char buffer[256];
        double x = f->right + 14, y = f->top + 10 + 21 * k;
        put(sheet, "<path fill=\"none\" stroke=\"%s\" stroke-linecap=\"round\" stroke-width=\"%s\"%s d=\"", row->color,
            legend->is_dots ? "7" : "2.5", row->is_dashed ? " stroke-dasharray=\"6 4\"" : "");
        put_line(sheet, legend->is_dots ? x + 11 : x, y, legend->is_dots ? x + 11 : x + 22, y);
        put(sheet, "\"/>\n");
        put_text(sheet, "legend", x + 30, y + 5, ANCHOR_START, text_size, false,
                 text_fitted(row->label, text_size, 200, buffer));
    }
}

static void put_bar(Sheet *sheet, const Frame *f, const ColorBar *bar, Ticks *ticks) {
    enum { STEPS = 128 };
    Rgb pixels[STEPS];
    Scale s = bar->scale;
    s.from = f->bottom;
    s.to = f->top;
    for (int k = 0; k < STEPS; k++)
        pixels[k] = field_color(bar, s.hi - (k + 0.5) / STEPS * (s.hi - s.lo));
    double x = f->right + 16;
    put(sheet, "<image class=\"colors\" preserveAspectRatio=\"none\" x=\"");
    put_number(sheet, x);
    put(sheet, "\" y=\"");
    put_number(sheet, f->top);
    put(sheet, "\" width=\"14\" height=\"");
    put_number(sheet, f->bottom - f->top);
    put(sheet, "\" href=\"");
    put_bitmap(sheet, pixels, 1, STEPS);
    put(sheet, "\"/>\n");
    double width = widest(ticks);
    for (uint32_t k = 0; k < ticks->n; k++)
        put_text(sheet, "tick-color", x + 20 + width, tick_place(&s, &ticks->tick[k]) + 5, ANCHOR_END, text_size, false,
                 ticks->tick[k].text);
    put_text(sheet, "note-color", x, f->top - 7, ANCHOR_START, text_size - 1, false, ticks->note);
    char buffer[256];
    put_text(sheet, "label-color", x + 20 + width + 22, (f->top + f->bottom) / 2, ANCHOR_MIDDLE, text_size + 1, true,
             text_fitted(bar->label, text_size + 1, f->bottom - f->top, buffer));
}

void frame_open(Sheet *sheet, Frame *f, const RtPlot *plot, Range x, Range y, double x_margin, double y_margin,
                const Legend *legend, const ColorBar *bar, double below) {
    Ticks bar_ticks;
    f->x = scale_of(x, plot->x.is_log, x_margin);
    f->y = scale_of(y, plot->y.is_log, y_margin);
    double right = fmax(legend_width(legend), bar_width(bar, &bar_ticks));
    lay_out(f, plot, right, below);
    sheet_open(sheet, f->width, f->height, plot->title);
    put_grid(sheet, f, true);
    put_grid(sheet, f, false);
    put(sheet, "<clipPath id=\"box\"><rect x=\"");
    put_number(sheet, f->left);
    put(sheet, "\" y=\"");
    put_number(sheet, f->top);
    put(sheet, "\" width=\"");
    put_number(sheet, f->right - f->left);
    put(sheet, "\" height=\"");
    put_number(sheet, f->bottom - f->top);
    put(sheet, "\"/></clipPath>\n<path class=\"box\" fill=\"none\" stroke=\"#888888\" stroke-width=\"1\" d=\"M");
    put_point(sheet, f->left, f->top);
    put(sheet, "V");
    put_number(sheet, f->bottom);
    put(sheet, "H");
    put_number(sheet, f->right);
    put(sheet, "\"/>\n");
    put_ticks(sheet, f);
    put_labels(sheet, f, plot);
    put_legend(sheet, f, legend);
    if (bar->is_there)
        put_bar(sheet, f, bar, &bar_ticks);
}

Legend legend_of_curves(const RtPlot *plot) {
    Legend legend = {.is_dots = plot->form == RT_PLOT_SCATTER};
    enum { MOST = sizeof legend.row / sizeof *legend.row };
    uint32_t n = plot->n_curves, shown = n < 2 ? 0 : n < MOST ? n : MOST;
    for (uint32_t r = 0; r < shown; r++) {
        uint32_t k = n <= MOST ? r : (uint32_t)((uint64_t)r * (n - 1) / (MOST - 1));
        LegendRow *row = &legend.row[legend.n++];
        *row = (LegendRow){.label = plot->curves[k].label, .is_dashed = curve_is_dashed(plot, k)};
        curve_color(plot, k, row->color);
    }
    return legend;
}
