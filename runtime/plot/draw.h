/* draw — what the files of plot/ share: a sheet that text is written on, scales, and the frame around the data. */
#ifndef LAG_RT_PLOT_DRAW_H
#define LAG_RT_PLOT_DRAW_H

#include "plot.h"

#include <stdio.h>

/* ---- text.c: SVG as text ---- */

typedef struct Sheet {
    FILE *out; /* in memory */
} Sheet;

void put(Sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A length or place in units of the picture, with at most two decimals and a point under every locale. */
void put_number(Sheet *sheet, double v);
void put_point(Sheet *sheet, double x, double y);
/* Text as XML has it: markup escaped, what is no UTF-8 and no character of XML left out. */
void put_escaped(Sheet *sheet, const char *text);

typedef enum Anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END } Anchor;
/* One line of text, its baseline beginning, centred or ending at (x, y); `class` says what it is to whoever reads the
 * picture as a file. `turned`: it runs upwards. */
void put_text(Sheet *sheet, const char *class, double x, double y, Anchor anchor, double size, bool turned,
              const char *text);
/* How wide the text is at this size, by the widths of the letters of DejaVu Sans, which is Verdana's too. */
double text_width(const char *text, double size);
/* The text if it is no wider than `most`, else as much of it as fits and three points. */
const char *text_fitted(const char *text, double size, double most, char buffer[256]);

/* ---- color.c ---- */

void curve_color(const RtPlot *plot, uint32_t k, char text[8]); /* of curve k: "#0072b2" */
bool curve_is_dashed(const RtPlot *plot, uint32_t k);           /* the colours have come round again */

typedef struct Rgb { uint8_t r, g, b; } Rgb;
Rgb color_sequential(double share); /* 0 … 1: dark blue to yellow */
Rgb color_diverging(double share);  /* 0 … 1: blue, white at the middle, red */

/* ---- scale.c ---- */

/* Values to places along one axis. lo, hi are values, or on a logarithmic axis their logarithms to base 10. */
typedef struct Scale {
    double lo, hi, from, to;
    bool is_log;
} Scale;

typedef struct Range { double lo, hi; } Range; /* lo > hi: nothing seen yet */
Range range_empty(void);
void range_add(Range *range, double v, bool is_log); /* passes over what the axis cannot show */
/* A scale that shows the range; constant and empty ones get room around them. `margin`: share of the range left free at
 * either end. */
Scale scale_of(Range range, bool is_log, double margin);
double scale_at(const Scale *scale, double v); /* NaN: not on this axis */

enum { MAX_TICKS = 64 };
typedef struct Tick { double at; bool is_minor; char text[32]; } Tick; /* at: a value as lo and hi are */
typedef struct Ticks {
    Tick tick[MAX_TICKS];
    uint32_t n;
    char note[64]; /* what the numbers are to be multiplied by or added to; "": nothing */
} Ticks;
void ticks_of(const Scale *scale, int about, Ticks *ticks);

/* ---- frame.c: the parts of a picture that are not data ---- */

typedef struct Frame {
    double width, height;            /* of the picture */
    double left, right, top, bottom; /* of the data's box */
    Scale x, y;
    Ticks x_ticks, y_ticks;
} Frame;

typedef struct LegendRow { const char *label; char color[8]; bool is_dashed; } LegendRow;
typedef struct Legend {
    LegendRow row[14];
    uint32_t n;
    bool is_dots;
} Legend;

typedef struct ColorBar {
    bool is_there, is_diverging;
    Scale scale;
    const char *label;
} ColorBar;

/* Opens the picture and draws title, grid, ticks, labels, legend and colour bar. */
void frame_open(Sheet *sheet, Frame *frame, const RtPlot *plot, Range x, Range y, double x_margin, double y_margin,
                const Legend *legend, const ColorBar *bar, double below);
void frame_close(Sheet *sheet);
/* A row for each curve, or where they are many for some of them; none for a single curve. */
Legend legend_of_curves(const RtPlot *plot);
void sheet_open(Sheet *sheet, double width, double height, const char *title);

/* ---- the forms ---- */

double curve_x(const RtPlotCurve *curve, size_t frame, size_t i);
double curve_y(const RtPlotCurve *curve, size_t frame, size_t i);
void draw_curves(Sheet *sheet, const RtPlot *plot);    /* curves.c: line, scatter */
void draw_histogram(Sheet *sheet, const RtPlot *plot); /* histogram.c */
void draw_heat(Sheet *sheet, const RtPlot *plot);      /* heat.c */
void draw_images(Sheet *sheet, const RtPlot *plot);
void draw_animation(Sheet *sheet, const RtPlot *plot); /* animation.c */
void draw_still(Sheet *sheet, const RtPlot *plot);     /* still.c */

/* heat.c: colours of a field's numbers. */
ColorBar field_colors(const RtPlot *plot, size_t first, size_t n);
Rgb field_color(const ColorBar *bar, double v); /* what is not finite is light grey */
/* A frame as pixels, at most `most` a side, to be freed. */
Rgb *heat_pixels(const RtPlotField *field, size_t frame, const ColorBar *bar, size_t most, size_t *width, size_t *height);
/* An <image> up to the quote of its href. */
void put_image(Sheet *sheet, const char *class, double x, double y, double width, double height);
/* thin.c: a curve with as many points as eyes see. Its places in the picture, broken at gaps. */
void put_thinned(Sheet *sheet, const RtPlotCurve *curve, size_t frame, const Frame *box);
void put_dots(Sheet *sheet, const RtPlotCurve *curve, size_t frame, const Frame *box);

/* bitmap.c: the picture of width × height pixels as text in an SVG's href, a PNG in base 64. */
void put_bitmap(Sheet *sheet, const Rgb *pixels, size_t width, size_t height);

/* raster.c: SVG to PNG, `scale` pixels to a unit, where rt_plot_problem is "". What the caller frees; NULL with a
 * message. */
unsigned char *raster_png(const char *svg, size_t size, double scale, size_t *png_size, RtMessage *message);

#endif
