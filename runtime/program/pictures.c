/* pictures — the plots of a run: each from the table of its own records to its files. */
#include "execution.h"

#include "../plot/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CURVES = 320 };

/* A plot being drawn. */
typedef struct Picture {
    Execution *e;
    const RtPicture *spec;
    const Group *group;
    RtPlot plot;
    RtPlotCurve curves[MOST_CURVES];
    const double *table;  /* of its records, row after row */
    size_t rows, width;
    double index[3];      /* 0, … : values for axes that count */
} Picture;

/* One item of the statement: where its numbers lie in a row. */
typedef struct Item {
    const char *text;
    const RtPlace *def;
    size_t first, size;
} Item;

static Item item_at(const Picture *p, uint32_t k) {
    Execution *e = p->e;
    uint32_t record = p->spec->first + k;
    Item item = {.text = e->spec->records[record].text, .def = &e->spec->records[record].place};
    for (uint32_t i = 0; i < e->run.n_outputs; i++)
        if (e->record_of[i] == record) {
            item.first = e->column_of[i] == NO_COLUMN ? 0 : e->column_of[i]; /* t is the clock of the table */
            item.size = e->outputs[i].block.n;
        }
    return item;
}

/* ---- labels ---- */

static bool is_plain(const char *text) {
    return !strpbrk(text, " +/(,[");
}

/* The name of element k of a tensor: u₃, or (x + y)[3, 1]. */
static const char *element_text(const Picture *p, const Item *item, uint64_t k) {
    static const char *const low[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    const RtPlace *def = item->def;
    if (!def->rank)
        return item->text;
    Buf text = {0};
    int base, from = 0, end = 0; /* θ[2..5] and θ[:] are of θ */
    bool is_part = def->rank == 1 && strcspn(item->text, " +/(,[") == (size_t)(base = (int)strcspn(item->text, "[")) &&
                   ((sscanf(item->text + base, "[%d..%*d]%n", &from, &end) == 1 && end && !item->text[base + end]) ||
                    !strcmp(item->text + base, "[:]"));
    bool plain = is_plain(item->text) || is_part, digits = plain && def->rank == 1;
    if (is_part)
        buf_write(&text, item->text, (size_t)base);
    else
        buf_printf(&text, plain ? "%s" : "(%s)", item->text);
    char number[24];
    k += is_part ? (uint64_t)from : 0;
    for (uint32_t a = 0; a < def->rank; a++) {
        uint64_t below = 1;
        for (uint32_t b = a + 1; b < def->rank; b++)
            below *= def->extent[b];
        snprintf(number, sizeof number, "%llu", (unsigned long long)(is_part ? k : k / below % def->extent[a]));
        if (!digits)
            buf_printf(&text, "%s%s%s", a ? ", " : "[", number, a + 1 == def->rank ? "]" : "");
        for (const char *at = number; digits && *at; at++)
            buf_puts(&text, low[*at - '0']);
    }
    const char *copy = arena_string(p->e->arena, text.at, text.n);
    buf_free(&text);
    return copy;
}

/* The names of items first … last, for an axis that they share; "" where that would be long. */
static const char *joined_text(const Picture *p, uint32_t first, uint32_t last) {
    Buf text = {0};
    buf_puts(&text, "");
    for (uint32_t k = first; k <= last; k++)
        buf_printf(&text, "%s%s", k > first ? ", " : "", item_at(p, k).text);
    const char *copy = text.n <= 48 || first == last ? arena_string(p->e->arena, text.at, text.n) : "";
    buf_free(&text);
    return copy;
}

static const char *axis_text(const Picture *p, const Item *item, uint32_t axis) {
    const RtPlace *def = item->def;
    if (axis >= def->rank)
        return "";
    const RtRecord *last = &p->e->spec->records[p->spec->first + p->spec->n - 1];
    return axis < last->n_axes ? last->axes[axis] : "";
}

/* The clock that leads each row of the table. */
static const char *clock_text(const Picture *p) {
    return rt_series_name(p->group->series, 0);
}

/* ---- curves ---- */

static void add_curve(Picture *p, RtPlotCurve curve) {
    if (p->plot.n_curves < MOST_CURVES)
        p->curves[p->plot.n_curves++] = curve;
}

/* Each element of y against x, or against its own element of x, or against the clock. */
static void add_over_run(Picture *p, const Item *x, const Item *y) {
    for (size_t i = 0; i < y->size; i++)
        add_curve(p, (RtPlotCurve){.label = element_text(p, y, i),
                                   .x = p->table + (x ? x->first + (x->size > 1 ? i : 0) : 0),
                                   .y = p->table + y->first + i, .n = p->rows, .x_stride = p->width, .y_stride = p->width});
}

/* One vector against another, or each column of a matrix. */
static void add_at_end(Picture *p, const Item *x, const Item *y) {
    bool columns = y->def->rank == 2 && !(x && x->size == y->size);
    size_t n = columns ? y->def->extent[0] : y->size, across = columns ? y->def->extent[1] : 1;
    for (size_t i = 0; i < across; i++) {
        const char *label = y->text;
        if (columns)
            label = arena_printf(p->e->arena, is_plain(y->text) ? "%s[:, %zu]" : "(%s)[:, %zu]", y->text, i);
        add_curve(p, (RtPlotCurve){.label = label, .x = x ? p->table + x->first : NULL, .y = p->table + y->first + i,
                                   .n = p->rows ? n : 0, .x_stride = 1, .y_stride = across});
    }
}

/* The numbers of the item at all moments are one histogram. */
static void add_histogram(Picture *p, const Item *y) {
    p->plot.frames = p->rows;
    add_curve(p, (RtPlotCurve){.label = y->text, .y = p->table + y->first, .n = y->size, .y_stride = 1, .y_frame = p->width});
}

static void fill_curves(Picture *p) {
    bool bars = p->plot.form == RT_PLOT_HISTOGRAM, has_x = !bars && p->spec->n > 1;
    Item x = item_at(p, 0);
    for (uint32_t k = has_x ? 1 : 0; k < p->spec->n; k++) {
        Item y = item_at(p, k);
        if (bars)
            add_histogram(p, &y);
        else if (p->spec->over_run)
            add_over_run(p, has_x ? &x : NULL, &y);
        else
            add_at_end(p, has_x ? &x : NULL, &y);
    }
    const char *ys = joined_text(p, has_x ? 1 : 0, p->spec->n - 1);
    const char *counted = p->spec->over_run ? clock_text(p) : axis_text(p, &x, 0);
    p->plot.x.label = bars ? ys : has_x ? x.text : counted;
    p->plot.y.label = bars ? "number" : ys;
}

/* ---- fields ---- */

/* The edges of an axis of n cells whose middles are at the given places, or at 0, 1, 2, … */
static void edges(const Picture *p, const Item *places, size_t n, double *low, double *high) {
    double first = 0, last = (double)n - 1;
    if (places && p->rows) {
        first = p->table[places->first];
        last = p->table[places->first + n - 1];
    }
    double half = n > 1 ? (last - first) / (double)(n - 1) / 2 : 0.5;
    *low = first - half;
    *high = last + half;
}

/* A vector against time: a row a moment, time going up. */
static void fill_history(Picture *p, const Item *u) {
    RtPlotField *f = &p->plot.field;
    f->columns = u->size;
    f->rows = p->rows;
    f->column_stride = 1;
    f->row_stride = p->width;
    double first = p->rows ? p->table[0] : 0, last = p->rows ? p->table[(p->rows - 1) * p->width] : 1;
    f->bottom = first;
    f->top = last > first ? last : first + 1;
    p->plot.y.label = clock_text(p);
}

/* A matrix: its first axis to the right, its second up. */
static void fill_matrix(Picture *p, const Item *u) {
    RtPlotField *f = &p->plot.field;
    f->columns = u->def->extent[0];
    f->rows = p->rows ? u->def->extent[1] : 0;
    f->column_stride = u->def->extent[1];
    f->row_stride = 1;
    f->frame_stride = p->width;
    Item y = item_at(p, 1);
    edges(p, p->spec->n > 2 ? &y : NULL, f->rows, &f->bottom, &f->top);
    p->plot.y.label = p->spec->n > 2 ? y.text : axis_text(p, u, 1);
}

static void fill_field(Picture *p) {
    uint32_t last = p->spec->n - 1;
    Item u = item_at(p, last), x = item_at(p, 0);
    p->plot.field = (RtPlotField){.values = p->table + u.first, .label = u.text};
    if (u.def->rank == 2)
        fill_matrix(p, &u);
    else
        fill_history(p, &u);
    edges(p, last ? &x : NULL, p->plot.field.columns, &p->plot.field.left, &p->plot.field.right);
    p->plot.x.label = last ? x.text : axis_text(p, &u, 0);
    double width = p->plot.field.right - p->plot.field.left, height = p->plot.field.top - p->plot.field.bottom;
    if (u.def->rank == 2 && fabs(width) < 5 * fabs(height) && fabs(height) < 5 * fabs(width))
        p->plot.equal = true;
}

/* A matrix is one picture, unless its rows can be square ones. */
static void fill_images(Picture *p) {
    Item u = item_at(p, 0);
    const uint64_t *extent = u.def->extent;
    RtPlotField *f = &p->plot.field;
    *f = (RtPlotField){.values = p->table + u.first, .column_stride = 1, .label = ""};
    size_t side = u.def->rank == 2 ? (size_t)lround(sqrt((double)extent[1])) : 0;
    bool rows = u.def->rank == 2 && side > 1 && side * side == extent[1] && extent[0] != extent[1];
    p->plot.frames = u.def->rank == 3 || rows ? extent[0] : 1;
    f->rows = rows ? side : extent[u.def->rank - 2];
    f->columns = rows ? side : extent[u.def->rank - 1];
    f->row_stride = f->columns;
    f->frame_stride = f->rows * f->columns;
    p->plot.frames = p->rows ? p->plot.frames : 0;
}

/* ---- motion ---- */

static void fill_motion(Picture *p) {
    uint32_t last = p->spec->n - 1;
    Item u = item_at(p, last), x = item_at(p, 0);
    p->plot.frames = p->rows;
    p->plot.times = p->table;
    p->plot.time_stride = p->width;
    if (u.def->rank == 2) {
        fill_field(p);
        return;
    }
    bool is_still = p->e->spec->records[p->spec->first].form == RT_RECORD_PLOT && last > 0;
    for (size_t i = 0; is_still && i < x.size; i++) /* places that stay are the axis of what moves */
        for (size_t f = 1; is_still && f < p->rows; f++)
            is_still = p->table[f * p->width + x.first + i] == p->table[x.first + i];
    for (uint32_t k = last ? 1 : 0; k <= last; k++) {
        Item y = item_at(p, k);
        add_curve(p, (RtPlotCurve){.label = y.text, .x = last ? p->table + x.first : NULL, .y = p->table + y.first,
                                   .n = y.size, .x_stride = 1, .y_stride = 1, .x_frame = is_still ? 0 : p->width,
                                   .y_frame = p->width});
    }
    p->plot.equal |= last && !is_still;
    p->plot.x.label = last ? x.text : axis_text(p, &u, 0);
    p->plot.y.label = joined_text(p, last ? 1 : 0, last);
}

/* ---- what a picture cannot show ---- */

/* Negative numbers on a logarithmic axis; zeros, such as the drift at the start, are gaps. */
static void warn_of_negatives(const Picture *p) {
    for (uint32_t k = 0; k < p->plot.n_curves; k++)
        for (size_t i = 0; i < p->curves[k].n; i++) {
            const RtPlotCurve *c = &p->curves[k];
            double x = c->x ? c->x[i * c->x_stride] : 0, y = c->y[i * c->y_stride];
            if (!(p->plot.x.is_log && x < 0) && !(p->plot.y.is_log && y < 0 && p->plot.form != RT_PLOT_HISTOGRAM))
                continue;
            bool is_x = p->plot.x.is_log && x < 0;
            execution_say(p->e, SAYS_OUTPUT, &p->spec->spot,
                          (Aside){.is_warning = true, .help = "plot its `abs(…)`, or leave out `log`"},
                          "`%s` is %s here at times, and a logarithmic axis has no negative numbers: they are gaps",
                          is_x ? p->plot.x.label : c->label, rt_text_number(is_x ? x : y).text);
            return;
        }
}

static bool draw(Picture *p, RtMessage *m) {
    const RtPicture *spec = p->spec;
    p->plot = (RtPlot){.form = spec->form, .title = spec->title ? spec->title : "", .equal = spec->equal,
                       .apart = spec->apart, .has_pivot = spec->has_pivot, .bins = spec->bins, .frames = 1,
                       .pivot = {spec->pivot[0], spec->pivot[1]}, .curves = p->curves};
    p->rows = rt_series_rows(p->group->series);
    p->width = rt_series_width(p->group->series);
    p->table = p->rows ? rt_series_row(p->group->series, 0) : p->index;
    p->plot.x.label = p->plot.y.label = "";
    switch (spec->form) {
    case RT_PLOT_LINE: case RT_PLOT_SCATTER: case RT_PLOT_HISTOGRAM: fill_curves(p); break;
    case RT_PLOT_HEAT: fill_field(p); break;
    case RT_PLOT_IMAGES: fill_images(p); break;
    case RT_PLOT_ANIMATION: fill_motion(p); break;
    }
    p->plot.x.is_log = spec->x_log;
    p->plot.y.is_log = spec->y_log;
    warn_of_negatives(p);
    if (spec->x_label)
        p->plot.x.label = spec->x_label;
    if (spec->y_label)
        p->plot.y.label = spec->y_label;
    if (spec->form == RT_PLOT_ANIMATION && !p->rows)
        return rt_fail(m, "%s: an animation of no moments cannot be drawn", p->group->path);
    return rt_plot_write(&p->plot, p->group->path, m);
}

/* NAME_line, NAME_line_2, …; or what `to` says. */
const char *picture_path(Execution *e, uint32_t k) {
    static const char *const forms[] = {"line", "scatter", "histogram", "heat", "images", "animation"};
    const RtPicture *plot = &e->spec->plots[k];
    if (plot->path)
        return arena_printf(e->arena, "%s/%s", e->folder, plot->path);
    uint32_t number = 1;
    for (uint32_t other = 0; other < k; other++)
        number += e->spec->plots[other].form == plot->form && !e->spec->plots[other].path;
    const char *name = arena_printf(e->arena, "%s/%s_%s", e->folder, e->spec->name, forms[plot->form]);
    return number > 1 ? arena_printf(e->arena, "%s_%u", name, number) : name;
}

static bool write_one(Execution *e, const Group *group) {
    RtMessage message;
    Picture *p = base_calloc(1, sizeof *p);
    p->e = e;
    p->group = group;
    p->spec = &e->spec->plots[group->plot - 1];
    const char *slash = strrchr(group->path, '/');
    const char *folder = arena_string(e->arena, group->path, (size_t)(slash - group->path));
    bool ok = rt_out_directory(folder, &message) && draw(p, &message);
    if (ok)
        page_picture(e, group->path);
    if (!ok)
        execution_complain(e, "%s", message.text);
    else if (!e->options->json && !e->options->quiet)
        fprintf(stderr, *rt_plot_problem() ? "wrote %s.svg\n" : "wrote %s.svg, %s.png\n", group->path, group->path);
    free(p);
    return ok;
}

bool pictures_write(Execution *e) {
    bool ok = true;
    uint32_t drawn = 0;
    for (uint32_t g = 0; g < e->n_groups; g++)
        if (e->groups[g].plot) {
            ok &= write_one(e, &e->groups[g]);
            drawn++;
        }
    if (drawn && *rt_plot_problem() && !e->options->json)
        fprintf(stderr, "pictures are drawn as SVG but not as PNG: %s\n", rt_plot_problem());
    return ok;
}
