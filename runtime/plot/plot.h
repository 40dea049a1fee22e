/* plot — pictures of numbers: SVG text written here, and PNG made from it by a library. Knows nothing of runs.
 *
 * Whoever has numbers to show fills an RtPlot, a plain structure that points at them and copies nothing, and gets a
 * picture with ticks at round numbers, labels and a legend. NaN and infinities are gaps; empty and constant series are
 * drawn as what they are. Nothing here prints. */
#ifndef LAG_RT_PLOT_H
#define LAG_RT_PLOT_H

#include "../message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum RtPlotForm {
    RT_PLOT_LINE,      /* curves: points joined in their order */
    RT_PLOT_SCATTER,   /* curves: points */
    RT_PLOT_HISTOGRAM, /* curves: how often values of y fall in each bin */
    RT_PLOT_HEAT,      /* field: a colour for each number of a matrix */
    RT_PLOT_IMAGES,    /* field: each frame a small grey picture, side by side */
    RT_PLOT_ANIMATION, /* curves or field, changing with time */
} RtPlotForm;

/* Point i of frame f lies at (x[f·x_frame + i·x_stride], y[f·y_frame + i·y_stride]). */
typedef struct RtPlotCurve {
    const char *label;  /* UTF-8, as all text here */
    const double *x;    /* NULL: 0, 1, 2 … */
    const double *y;
    size_t n;           /* points */
    size_t x_stride, y_stride, x_frame, y_frame;
} RtPlotCurve;

/* Number (row, column) of frame f lies at values[f·frame_stride + row·row_stride + column·column_stride]. Row 0 is at
 * the bottom of a heat map, where the vertical axis begins, and at the top of an image. */
typedef struct RtPlotField {
    const double *values; /* NULL: there is no field */
    size_t rows, columns, row_stride, column_stride, frame_stride;
    double left, right, bottom, top; /* what the edges of a heat map stand for on its axes */
    const char *label;               /* of the colours */
} RtPlotField;

typedef struct RtPlotAxis {
    const char *label;
    bool is_log; /* logarithmic: what is not positive is a gap */
} RtPlotAxis;

typedef struct RtPlot {
    RtPlotForm form;
    const char *title; /* "": none */
    RtPlotAxis x, y;
    bool equal;      /* a unit of x is as long as a unit of y */
    bool apart;      /* animation: the points are not joined */
    bool has_pivot;  /* animation: the points hang from this place */
    double pivot[2];
    bool in_order;   /* the curves' colours say their order, as if they were too many to tell apart */
    bool has_dots;   /* line: the points are marked too */
    uint32_t bins;   /* histogram; 0: as many as suit the numbers */
    const RtPlotCurve *curves;
    uint32_t n_curves;
    RtPlotField field;
    size_t frames;   /* animation, images; histogram: of all frames. At least 1 */
    const double *times; /* animation: of each frame, at distances of time_stride; NULL: 0, 1, 2 … */
    size_t time_stride;
} RtPlot;

/* The picture as SVG, which the caller frees; NULL: not enough memory. `still`: an animation as a picture that shows
 * several of its moments at once, for where nothing moves. */
char *rt_plot_svg(const RtPlot *plot, bool still, size_t *size);

/* Writes path.svg and path.png, each whole or not at all. False with a message when one cannot be written. Where the
 * library that makes PNG is not on the machine the SVG is all, and rt_plot_problem says why. */
bool rt_plot_write(const RtPlot *plot, const char *path, RtMessage *message);

/* "" when the library that makes PNG can be opened, which this does; else what is missing and what brings it. */
const char *rt_plot_problem(void);

#endif
