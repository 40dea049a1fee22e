/* thin — a curve with as many points as eyes see. A curve that runs from left to right keeps, of the points that share
 * a fifth of a unit of the picture, the first, the lowest, the highest and the last, so no extreme is lost; any other
 * keeps a point when it is half a unit from the one kept before, and is not drawn over itself again and again. */
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

/* Half units of the picture that have ink. */
typedef struct Ink {
    unsigned char *cell;
    size_t columns, rows;
} Ink;

static Ink ink_new(const Frame *f) {
    Ink ink = {.columns = (size_t)(2 * f->width) + 1, .rows = (size_t)(2 * f->height) + 1};
    ink.cell = calloc(ink.columns * ink.rows, 1);
    return ink;
}

/* The cell at a place; NULL outside of the picture, or without memory: then everything is drawn. */
static unsigned char *ink_at(const Ink *ink, Place p) {
    bool inside = p.x >= 0 && p.y >= 0 && 2 * p.x < (double)ink->columns && 2 * p.y < (double)ink->rows;
    return inside && ink->cell ? &ink->cell[(size_t)(2 * p.y) * ink->columns + (size_t)(2 * p.x)] : NULL;
}

/* Whether a line between these places adds something; there is ink on all of it from now on. */
static bool ink_adds(const Ink *ink, Place from, Place to) {
    double length = fmax(fabs(to.x - from.x), fabs(to.y - from.y));
    int steps = length < 2000 ? (int)(2 * length) + 1 : 4000;
    bool adds = !ink->cell;
    for (int k = 1; k <= steps && ink->cell; k++) {
        double share = (double)k / steps;
        unsigned char *cell = ink_at(ink, (Place){from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
        adds |= !cell || !*cell;
        if (cell)
            *cell = 1;
    }
    return adds;
}

static void thin_any(Pen *pen, const RtPlotCurve *c, size_t frame, const Frame *f) {
    static const double distance = 0.5;
    Ink ink = ink_new(f);
    bool is_open = false; /* `last` is the point kept last; the pen may be up where there is ink already */
    Place last = {0}, end = {0};
    for (size_t i = 0; i <= c->n; i++) {
        bool gap = i == c->n || is_gap(c, frame, i, f);
        if (gap && pen->is_down)
            pen_to(pen, end);
        if (gap) {
            pen->is_down = is_open = false;
            continue;
        }
        end = place_of(c, frame, i, f);
        if (!is_open) {
            pen_to(pen, end);
        } else if (hypot(end.x - last.x, end.y - last.y) < distance) {
            continue;
        } else if (ink_adds(&ink, last, end)) {
            if (!pen->is_down)
                pen_to(pen, last);
            pen_to(pen, end);
        } else {
            pen->is_down = false;
        }
        is_open = true;
        last = end;
    }
    free(ink.cell);
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
    Ink ink = ink_new(f);
    for (size_t i = 0; i < c->n; i++) {
        Place p = place_of(c, frame, i, f);
        if (is_gap(c, frame, i, f) || !ink_adds(&ink, p, p))
            continue;
        put(sheet, "M");
        put_point(sheet, p.x, p.y);
        put(sheet, "h0");
    }
    free(ink.cell);
}
