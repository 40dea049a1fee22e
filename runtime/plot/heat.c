/* heat — a colour for each number of a matrix, and small grey pictures side by side. Numbers of both signs get white at
 * zero, blue below and red above; others go from dark to light. */
#include "draw.h"

#include <math.h>
#include <stdlib.h>

static double field_at(const RtPlotField *f, size_t frame, size_t row, size_t column) {
    return f->values[frame * f->frame_stride + row * f->row_stride + column * f->column_stride];
}

ColorBar field_colors(const RtPlot *plot, size_t first, size_t n) {
    const RtPlotField *f = &plot->field;
    Range range = range_empty();
    for (size_t frame = first; frame < first + n; frame++)
        for (size_t row = 0; row < f->rows; row++)
            for (size_t column = 0; column < f->columns; column++)
                range_add(&range, field_at(f, frame, row, column), false);
    ColorBar bar = {.is_there = true, .label = f->label};
    if (range.lo < 0 && range.hi > 0 && fmin(-range.lo, range.hi) > 0.02 * fmax(-range.lo, range.hi)) {
        bar.is_diverging = true;
        range.hi = fmax(-range.lo, range.hi);
        range.lo = -range.hi;
    }
    bar.scale = scale_of(range, false, 0);
    return bar;
}

Rgb field_color(const ColorBar *bar, double v) {
    if (!isfinite(v))
        return (Rgb){221, 221, 221};
    double share = (v - bar->scale.lo) / (bar->scale.hi - bar->scale.lo);
    return bar->is_diverging ? color_diverging(share) : color_sequential(share);
}

/* The mean of the numbers that share a pixel, where there are more numbers than pixels. */
static double mean_of(const RtPlotField *f, size_t frame, size_t row, size_t row_end, size_t column, size_t column_end) {
    double sum = 0;
    for (size_t r = row; r < row_end; r++)
        for (size_t c = column; c < column_end; c++)
            sum += field_at(f, frame, r, c);
    return sum / (double)((row_end - row) * (column_end - column));
}

/* One frame as pixels, the last row first: rows go upwards. */
Rgb *heat_pixels(const RtPlotField *f, size_t frame, const ColorBar *bar, size_t most, size_t *width, size_t *height) {
    *width = f->columns < most ? f->columns : most;
    *height = f->rows < most ? f->rows : most;
    Rgb *pixels = malloc(*width * *height * sizeof *pixels + 1);
    for (size_t y = 0; pixels && y < *height; y++)
        for (size_t x = 0; x < *width; x++) {
            size_t row = *height - 1 - y;
            double v = mean_of(f, frame, row * f->rows / *height, (row + 1) * f->rows / *height, x * f->columns / *width,
                               (x + 1) * f->columns / *width);
            pixels[y * *width + x] = field_color(bar, v);
        }
    return pixels;
}

void put_image(Sheet *sheet, const char *class, double x, double y, double width, double height) {
    put(sheet, "<image class=\"%s\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" x=\"", class);
    put_number(sheet, x);
    put(sheet, "\" y=\"");
    put_number(sheet, y);
    put(sheet, "\" width=\"");
    put_number(sheet, width);
    put(sheet, "\" height=\"");
    put_number(sheet, height);
    put(sheet, "\" href=\"");
}

void draw_heat(Sheet *sheet, const RtPlot *plot) {
    const RtPlotField *f = &plot->field;
    ColorBar bar = field_colors(plot, 0, 1);
    Frame frame;
    frame_open(sheet, &frame, plot, (Range){f->left, f->right}, (Range){f->bottom, f->top}, 0, 0, &(Legend){0}, &bar, 0);
    size_t width, height;
    Rgb *pixels = heat_pixels(f, 0, &bar, 1400, &width, &height);
    if (pixels && width && height) {
        put_image(sheet, "heat", frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
        put_bitmap(sheet, pixels, width, height);
        put(sheet, "\"/>\n");
    }
    free(pixels);
    frame_close(sheet);
}

/* ---- images ---- */

static void put_tile(Sheet *sheet, const RtPlotField *f, size_t k, const Scale *grey, double x, double y, double side) {
    Rgb *pixels = malloc(f->rows * f->columns * sizeof *pixels + 1);
    for (size_t i = 0; pixels && i < f->rows * f->columns; i++) {
        double v = field_at(f, k, i / f->columns, i % f->columns);
        uint8_t shade = isfinite(v) ? (uint8_t)lround(255 * fmin(1, fmax(0, (v - grey->lo) / (grey->hi - grey->lo)))) : 128;
        pixels[i] = (Rgb){shade, shade, shade};
    }
    if (pixels) {
        put_image(sheet, "picture", x, y, side, side * (double)f->rows / (double)f->columns);
        put_bitmap(sheet, pixels, f->columns, f->rows);
        put(sheet, "\"/>\n");
    }
    free(pixels);
}

void draw_images(Sheet *sheet, const RtPlot *plot) {
    enum { MOST = 400 };
    const RtPlotField *f = &plot->field;
    size_t n = plot->frames < MOST ? plot->frames : MOST;
    size_t columns = (size_t)ceil(sqrt((double)n * 1.6));
    columns = columns < 1 ? 1 : columns > n ? n : columns;
    size_t rows = (n + columns - 1) / columns;
    double side = fmin(200, fmax(24, (720.0 - 28) / (double)columns - 6)), top = *plot->title ? 48 : 14;
    double tall = side * (double)f->rows / (double)f->columns;
    double width = fmax(28 + (double)columns * (side + 6) - 6, text_width(plot->title, 17) + 28);
    sheet_open(sheet, width, top + 8 + (double)rows * (tall + 6), plot->title);
    put_text(sheet, "title", width / 2, 28, ANCHOR_MIDDLE, 17, false, plot->title);
    ColorBar bar = field_colors(plot, 0, n); /* numbers of both signs: zero is the grey in the middle */
    for (size_t k = 0; k < n; k++)
        put_tile(sheet, f, k, &bar.scale, 14 + (double)(k % columns) * (side + 6), top + (double)(k / columns) * (tall + 6),
                 side);
    frame_close(sheet);
}
