/* thin — a curve with as many points as eyes see. A curve that runs from left to right keeps, of the points that share
 * a fifth of a unit of the picture, the first, the lowest, the highest and the last, so no extreme is lost; any other
 * keeps a point when it is some way from the one kept before. */
#include "draw.h"

#include <math.h>
#include <stdlib.h>

double curve_x(const RtPlotCurve *c, size_t frame, size_t i) {
    return c->x ? c->x[frame * c->x_frame + i * c->x_stride] : (double)i;
}

double curve_y(const RtPlotCurve *c, size_t frame, size_t i) {
    return c->y[frame * c->y_frame + i * c->y_stride];
}

typedef struct Place { double x, y; } Place;

/* The path as it is written: moves at gaps, lines else. */
typedef struct Pen {
    Sheet *sheet;
    bool is_down;
    Place last; /* written last */
} Pen;

static void pen_to(Pen *pen, Place p) {
    if (pen->is_down && p.x == pen->last.x && p.y == pen->last.y)
        return;
    put(pen->sheet, pen->is_down ? "L" : "M");
    put_point(pen->sheet, p.x, p.y);
    pen->is_down = true;
    pen->last = p;
}

/* Far outside of the box lines are cut by the clip; numbers stay such that renderers take them. */
static Place place_of(const RtPlotCurve *c, size_t frame, size_t i, const Frame *f) {
    Place p = {scale_at(&f->x, curve_x(c, frame, i)), scale_at(&f->y, curve_y(c, frame, i))};
    p.x = fmax(-1e5, fmin(1e5, p.x));
    p.y = fmax(-1e5, fmin(1e5, p.y));
    return p;
}

static bool is_gap(const RtPlotCurve *c, size_t frame, size_t i, const Frame *f) {
    return !isfinite(scale_at(&f->x, curve_x(c, frame, i))) || !isfinite(scale_at(&f->y, curve_y(c, frame, i)));
}

static bool runs_right(const RtPlotCurve *c, size_t frame) {
    double before = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        double x = curve_x(c, frame, i);
        if (x < before)
            return false;
        before = isfinite(x) ? x : before;
    }
    return true;
}

/* Points of one column: written are the first, the lowest and the highest in their order, and the last. */
typedef struct Column {
    double at;
    Place first, low, high, last;
    size_t n, low_i, high_i;
} Column;

static void column_end(Column *c, Pen *pen) {
    if (!c->n)
        return;
    pen_to(pen, c->first);
    if (c->n > 3) {
        pen_to(pen, c->low_i < c->high_i ? c->low : c->high);
        pen_to(pen, c->low_i < c->high_i ? c->high : c->low);
    }
    if (c->n == 3)
        pen_to(pen, c->low.y != c->first.y && c->low.y != c->last.y ? c->low : c->high);
    pen_to(pen, c->last);
    c->n = 0;
}

static void column_add(Column *c, Place p, size_t i, Pen *pen) {
    double at = floor(5 * p.x);
    if (c->n && at != c->at)
        column_end(c, pen);
    if (!c->n)
        *c = (Column){.at = at, .first = p, .low = p, .high = p, .low_i = i, .high_i = i};
    if (p.y < c->low.y) {
        c->low = p;
        c->low_i = i;
    }
    if (p.y > c->high.y) {
        c->high = p;
        c->high_i = i;
    }
    c->last = p;
    c->n++;
}

static void thin_right(Pen *pen, const RtPlotCurve *c, size_t frame, const Frame *f) {
    Column column = {0};
    for (size_t i = 0; i < c->n; i++) {
        if (!is_gap(c, frame, i, f)) {
            column_add(&column, place_of(c, frame, i, f), i, pen);
            continue;
        }
        column_end(&column, pen);
        pen->is_down = false;
    }
    column_end(&column, pen);
}

/* How many points are left when each is at least `distance` from the one before it. */
static size_t count_apart(const RtPlotCurve *c, size_t frame, const Frame *f, double distance) {
    size_t n = 0;
    Place last = {-1e9, -1e9};
    for (size_t i = 0; i < c->n; i++) {
        Place p = place_of(c, frame, i, f);
        if (is_gap(c, frame, i, f) || hypot(p.x - last.x, p.y - last.y) < distance)
            continue;
        last = p;
        n++;
    }
    return n;
}

static void thin_any(Pen *pen, const RtPlotCurve *c, size_t frame, const Frame *f) {
    enum { MOST = 20000 };
    double distance = 0.2;
    while (c->n > MOST && distance < 2 && count_apart(c, frame, f, distance) > MOST)
        distance *= 1.5;
    Place end = {0};
    for (size_t i = 0; i < c->n; i++) {
        if (is_gap(c, frame, i, f)) {
            if (pen->is_down)
                pen_to(pen, end);
            pen->is_down = false;
            continue;
        }
        end = place_of(c, frame, i, f);
        if (!pen->is_down || hypot(end.x - pen->last.x, end.y - pen->last.y) >= distance)
            pen_to(pen, end);
    }
    if (pen->is_down)
        pen_to(pen, end);
}

void put_thinned(Sheet *sheet, const RtPlotCurve *c, size_t frame, const Frame *f) {
    Pen pen = {.sheet = sheet};
    if (runs_right(c, frame))
        thin_right(&pen, c, frame, f);
    else
        thin_any(&pen, c, frame, f);
}

/* Dots are lines of no length with round ends. Of those that fall on the same half unit one is drawn. */
void put_dots(Sheet *sheet, const RtPlotCurve *c, size_t frame, const Frame *f) {
    size_t columns = (size_t)(2 * f->width) + 1, rows = (size_t)(2 * f->height) + 1;
    unsigned char *seen = calloc(columns * rows, 1);
    for (size_t i = 0; i < c->n; i++) {
        if (is_gap(c, frame, i, f))
            continue;
        Place p = place_of(c, frame, i, f);
        bool inside = p.x >= 0 && p.y >= 0 && p.x < f->width && p.y < f->height;
        unsigned char *cell = seen && inside ? &seen[(size_t)(2 * p.y) * columns + (size_t)(2 * p.x)] : NULL;
        if (!inside || (cell && *cell))
            continue;
        if (cell)
            *cell = 1;
        put(sheet, "M");
        put_point(sheet, p.x, p.y);
        put(sheet, "h0");
    }
    free(seen);
}
