/* plot — a picture: which form, what it shows, and when that is looked at. Needs: the joined run. Gives: a SemaPlot and
 * the records that it is drawn from. */
#include "run.h"

enum { MOST_ITEMS = 64, MOST_CURVES = 256 };

static const struct {
    const char *name;
    RtPlotForm form;
    double moments; /* how many are looked at in the course of a run, unless `every` says so */
} forms[] = {
    {"line", RT_PLOT_LINE, 2000},     {"scatter", RT_PLOT_SCATTER, 2000}, {"histogram", RT_PLOT_HISTOGRAM, 2000},
    {"heat", RT_PLOT_HEAT, 400},      {"images", RT_PLOT_IMAGES, 1},      {"animation", RT_PLOT_ANIMATION, 240},
};
enum { FORMS = sizeof forms / sizeof *forms };

typedef struct Plotting {
    Join *j;
    const Stmt *st;
    SemaPlot plot;
    double moments;
    const Arg *item[MOST_ITEMS];
    Val value[MOST_ITEMS];
    uint32_t n;
} Plotting;

static bool find_form(Plotting *p) {
    Sema *s = p->j->s;
    const char *name = name_ascii(s->session->names, p->st->plot.form), *names[FORMS];
    for (uint32_t k = 0; k < FORMS; k++) {
        names[k] = forms[k].name;
        if (strcmp(name, forms[k].name)) continue;
        p->plot.form = forms[k].form;
        p->moments = forms[k].moments;
        return true;
    }
    Diag *d = sema_error(s, DIAG_RUN_OUTPUT, p->st->plot.form_span, "unknown kind of plot `%s`", name);
    const char *near = diag_nearest(name, names, FORMS);
    if (near)
        sema_help(s, d, "did you mean `%s`?", near);
    else
        sema_help(s, d, "the kinds are line, scatter, histogram, heat, images and animation");
    return false;
}

/* ---- options ---- */

static bool is_text(Plotting *p, const Arg *arg, const char **text) {
    if (arg->value->kind == EXPR_STRING) {
        *text = sema_name(p->j->s, arg->value->string.text);
        return true;
    }
    const char *name = sema_name(p->j->s, arg->name);
    Diag *d = sema_error(p->j->s, DIAG_RUN_OUTPUT, arg->value->span, "`%s` of a plot is a text between quotes", name);
    if (strcmp(name, "title"))
        sema_help(p->j->s, d, "it is the label of the axis; what the axis shows is given by its place: plot line(t, x)");
    return false;
}

/* Which axes are logarithmic, by their names: `log = y`, `log = "xy"`. */
static bool option_log(Plotting *p, const Arg *arg) {
    const Expr *e = arg->value;
    const char *axes = e->kind == EXPR_NAME     ? sema_name(p->j->s, e->name.name)
                       : e->kind == EXPR_STRING ? sema_name(p->j->s, e->string.text)
                                                : "";
    p->plot.x_log = !strcmp(axes, "x") || !strcmp(axes, "xy");
    p->plot.y_log = !strcmp(axes, "y") || !strcmp(axes, "xy");
    if (!p->plot.x_log && !p->plot.y_log)
        sema_error(p->j->s, DIAG_RUN_OUTPUT, e->span, "the logarithmic axes are named: log = x, log = y or log = xy");
    return p->plot.x_log || p->plot.y_log;
}

static bool option_bool(Plotting *p, const Arg *arg, bool *value) {
    *value = arg->value->kind == EXPR_BOOL && arg->value->boolean.value;
    if (arg->value->kind != EXPR_BOOL)
        sema_error(p->j->s, DIAG_RUN_OUTPUT, arg->value->span, "`%s` of a plot is true or false",
                   sema_name(p->j->s, arg->name));
    return arg->value->kind == EXPR_BOOL;
}

static bool option_bins(Plotting *p, const Arg *arg) {
    int64_t bins;
    if (!sema_const_int(p->j->s, p->j->body, arg->value, &bins, "the number of bins")) return false;
    p->plot.bins = (uint32_t)bins;
    if (bins >= 1 && bins <= 200) return true;
    sema_error(p->j->s, DIAG_RUN_OUTPUT, arg->value->span, "a histogram has between 1 and 200 bins, and this is %lld",
               (long long)bins);
    return false;
}

static bool option_pivot(Plotting *p, const Arg *arg) {
    Sema *s = p->j->s;
    const Expr *e = arg->value;
    p->plot.has_pivot = true;
    if (e->kind == EXPR_ARRAY && e->array.items.n == 2)
        return sema_const(s, p->j->body, e->array.items.at[0], &p->plot.pivot[0], "the place of the pivot") &&
               sema_const(s, p->j->body, e->array.items.at[1], &p->plot.pivot[1], "the place of the pivot");
    sema_error(s, DIAG_RUN_OUTPUT, e->span, "a pivot is a place: pivot = [0, 0]");
    return false;
}

/* 1: an option, taken; 0: none; -1: an error. */
static int option(Plotting *p, const Arg *arg) {
    if (!arg->name) return 0;
    const char *name = name_ascii(p->j->s->session->names, arg->name);
    bool ok, joined = true;
    if (!strcmp(name, "title"))
        ok = is_text(p, arg, &p->plot.title);
    else if (!strcmp(name, "x"))
        ok = is_text(p, arg, &p->plot.x_label);
    else if (!strcmp(name, "y"))
        ok = is_text(p, arg, &p->plot.y_label);
    else if (!strcmp(name, "log"))
        ok = option_log(p, arg);
    else if (!strcmp(name, "equal"))
        ok = option_bool(p, arg, &p->plot.equal);
    else if (!strcmp(name, "joined")) {
        ok = option_bool(p, arg, &joined);
        p->plot.apart = !joined;
    } else if (!strcmp(name, "bins"))
        ok = option_bins(p, arg);
    else if (!strcmp(name, "pivot"))
        ok = option_pivot(p, arg);
    else
        return 0;
    return ok ? 1 : -1;
}

/* Whether all items could be read. */
static bool read_items(Plotting *p) {
    Sema *s = p->j->s;
    ArgList args = p->st->plot.items;
    bool ok = true;
    for (uint32_t k = 0; k < args.n; k++) {
        const Arg *arg = &args.at[k];
        int is_option = option(p, arg);
        ok &= is_option >= 0;
        if (is_option) continue;
        Val v = sema_expr(s, p->j->body, arg->value);
        if (v.kind == VAL_RANGE)
            sema_error(s, DIAG_RUN_OUTPUT, arg->span, "a plot shows numbers, and this is a range");
        else if (v.kind != VAL_POISON && !val_ok(&v))
            sema_error(s, DIAG_RUN_OUTPUT, arg->span, "a plot shows numbers, and this is %s", sema_shape_text(s, &v));
        ok &= val_ok(&v);
        if (p->n == MOST_ITEMS) {
            sema_error(s, DIAG_RUN_OUTPUT, arg->span, "a plot shows at most %d quantities", MOST_ITEMS);
            return false;
        }
        p->item[p->n] = arg;
        p->value[p->n++] = v;
    }
    if (ok && !p->n) sema_error(s, DIAG_RUN_OUTPUT, p->st->span, "this plot shows nothing: name what it is of");
    return ok && p->n;
}

/* ---- shapes ---- */

static bool complain(Plotting *p, uint32_t item, const char *what, const char *mend) {
    Sema *s = p->j->s;
    Diag *d = sema_error(s, DIAG_SHAPE, p->item[item]->span, "%s, and this is %s", what,
                         sema_shape_text(s, &p->value[item]));
    if (mend) sema_help(s, d, "%s", mend);
    return false;
}

static bool same_shape(Plotting *p, uint32_t a, uint32_t b) {
    Sema *s = p->j->s;
    if (val_same_shape(s, &p->value[a], &p->value[b])) return true;
    Diag *d = sema_error(s, DIAG_SHAPE, p->item[b]->span, "points have as many x as y, and these are %s and %s",
                         sema_shape_text(s, &p->value[a]), sema_shape_text(s, &p->value[b]));
    sema_note(s, d, p->item[a]->span, "%s", sema_shape_text(s, &p->value[a]));
    return false;
}

static bool few_curves(Plotting *p, uint32_t item, uint64_t curves) {
    if (curves <= MOST_CURVES) return true;
    return complain(p, item, "a plot has at most 256 curves",
                    "`plot heat(u)` shows a whole field against time, `plot animation(u)` lets it move");
}

/* Over the run each element is a curve; at the end the first axis runs along the curve. */
static bool curves_fit(Plotting *p) {
    Sema *s = p->j->s;
    uint64_t curves = 0;
    for (uint32_t k = p->n > 1 && p->plot.form != RT_PLOT_HISTOGRAM ? 1 : 0; k < p->n; k++) {
        const Val *x = k ? &p->value[0] : NULL, *y = &p->value[k];
        bool has_x = x && p->plot.form != RT_PLOT_HISTOGRAM;
        if (p->plot.over_run) {
            curves += p->plot.form == RT_PLOT_HISTOGRAM ? 1 : val_size(s, y);
            if (has_x && x->rank && !same_shape(p, 0, k)) return false;
        } else if (p->plot.form != RT_PLOT_HISTOGRAM) {
            bool is_same = has_x && val_same_shape(s, x, y);
            curves += y->rank == 2 && !is_same ? val_extent(s, y, 1) : 1;
            if (y->rank > 2 && !is_same) return complain(p, k, "a curve is a vector, several curves are a matrix", NULL);
            if (has_x && !is_same && (x->rank != 1 || val_extent(s, x, 0) != val_extent(s, y, 0)))
                return same_shape(p, 0, k);
        }
        if (!few_curves(p, k, curves)) return false;
    }
    return true;
}

/* The coordinates along the axes of a field: a vector each, in their order. */
static bool places_fit(Plotting *p, const Val *field) {
    Sema *s = p->j->s;
    for (uint32_t k = 0; k + 1 < p->n; k++) {
        const Val *x = &p->value[k];
        if (x->rank != 1) return complain(p, k, "the places along an axis are a vector", NULL);
        uint64_t want = val_extent(s, field, k);
        if (val_extent(s, x, 0) == want) continue;
        Diag *d = sema_error(s, DIAG_SHAPE, p->item[k]->span, "an axis of %llu has as many places, and this is %s",
                             (unsigned long long)want, sema_shape_text(s, x));
        sema_note(s, d, p->item[p->n - 1]->span, "%s", sema_shape_text(s, field));
        return false;
    }
    return true;
}

static bool field_fits(Plotting *p) {
    uint32_t last = p->n - 1, rank = p->value[last].rank;
    if (p->plot.form == RT_PLOT_IMAGES) {
        if (p->n > 1) return complain(p, 1, "`images` shows one tensor", NULL);
        if (rank == 2 || rank == 3) return true;
        return complain(p, 0, "pictures are a matrix, or several of them a tensor of three axes", NULL);
    }
    if (rank < 1 || rank > 2) return complain(p, last, "a field is a vector or a matrix", "for a number: plot line(t, x)");
    if (p->n - 1 > rank)
        return complain(p, rank, "before a field stand only the places along its axes: plot heat(x, u)", NULL);
    return places_fit(p, &p->value[last]);
}

static bool motion_fits(Plotting *p) {
    if (p->value[p->n - 1].rank == 2) return field_fits(p);
    for (uint32_t k = 0; k < p->n; k++)
        if (p->value[k].rank > 1) return complain(p, k, "what moves is points, given by vectors, or a matrix", NULL);
    for (uint32_t k = 1; k < p->n; k++)
        if (!same_shape(p, 0, k)) return false;
    return true;
}

/* ---- moments ---- */

/* Numbers are followed through the run, tensors are drawn as they are at its end; at an event all are followed. */
static bool is_over_run(const Plotting *p) {
    if (p->j->event) return true;
    if (p->st->plot.every.unit != EVERY_NONE || p->plot.form == RT_PLOT_ANIMATION) return true;
    if (p->plot.form == RT_PLOT_IMAGES) return false;
    if (p->plot.form == RT_PLOT_HEAT) return p->value[p->n - 1].rank == 1;
    for (uint32_t k = 0; k < p->n; k++)
        if (!p->value[k].rank) return true;
    return false;
}

static bool moments_fit(Plotting *p) {
    bool one = p->plot.form == RT_PLOT_IMAGES || (p->plot.form == RT_PLOT_HEAT && p->value[p->n - 1].rank == 2);
    bool timed = p->st->plot.every.unit != EVERY_NONE;
    if (timed && p->j->event) {
        Diag *d = sema_error(p->j->s, DIAG_RUN_OUTPUT, p->st->plot.every.span,
                             "in a `when`, the moments are those of the event");
        sema_help(p->j->s, d, "leave out `every`, or move the line out of the `when`");
        return false;
    }
    if (!one || (!timed && !p->j->event)) return true;
    Diag *d = sema_error(p->j->s, DIAG_RUN_OUTPUT, timed ? p->st->plot.every.span : p->st->span,
                         "this is drawn once, at the end of the run");
    sema_help(p->j->s, d, "`plot animation(u)` shows how a matrix changes");
    return false;
}

static bool schedule(Plotting *p, EveryUnit *unit, double *interval) {
    const SemaRun *out = p->j->out;
    if (!output_every(p->j, &p->st->plot.every, unit, interval)) return false;
    if (*unit != EVERY_NONE || !p->plot.over_run || p->j->event) return true;
    switch (out->unit) {
    case DURATION_TIME:
        *unit = EVERY_TIME;
        *interval = out->duration / p->moments;
        double h; /* where nobody said when, it is looked at after whole steps */
        if (out->by && sema_const_term(p->j->s, out->by, &h) && h > 0) *interval = h * fmax(1, ceil(*interval / h - 1e-9));
        break;
    case DURATION_EPOCHS: *unit = EVERY_EPOCH; break;
    case DURATION_STEPS:
    case DURATION_OTHER:
        *unit = EVERY_STEPS;
        *interval = out->has_duration ? fmax(1, ceil(out->duration / p->moments)) : 1;
        break;
    }
    return true;
}

/* Another picture of this run must not have the name. */
static bool name_picture(Plotting *p) {
    Join *j = p->j;
    if (!p->st->plot.path) return true;
    p->plot.path = output_path(j, p->st->plot.path, p->st->span);
    for (uint32_t k = 0; p->plot.path && k < j->plots.n; k++) {
        const SemaPlot *other = &j->plots.at[k];
        if (!other->path || strcmp(other->path, p->plot.path)) continue;
        Diag *d = sema_error(j->s, DIAG_RUN_OUTPUT, p->st->span, "there is a picture \"%s\" already", other->path);
        sema_note(j->s, d, other->span, "drawn here");
        return false;
    }
    return p->plot.path != NULL;
}

static void add_items(Plotting *p, EveryUnit unit, double interval) {
    Join *j = p->j;
    p->plot.first = j->records.n;
    for (uint32_t k = 0; k < p->n; k++) {
        const Arg *arg = p->item[k];
        bool in_words = arg->name && *sema_span_text(j->s, arg->span) == '"';
        const char *text = output_label(j, arg);
        SemaRecord record = {.label = arg->name,
                             .text = in_words ? text : plot_text(j->s, text),
                             .span = arg->span,
                             .unit = unit,
                             .every = interval,
                             .form = RECORD_PLOT,
                             .event = j->event ? j->event->number : 0,
                             .plot = j->plots.n};
        record.value = output_def(j, p->value[k], arg->name, arg->span);
        if (!record.value) return;
        vec_push(&j->records, record);
    }
    p->plot.n = p->n;
    vec_push(&j->plots, p->plot);
}

void join_plot(Join *j, const Stmt *st) {
    Plotting p = {.j = j, .st = st, .plot = {.span = st->span}};
    for (uint32_t k = 0; k < st->plot.items.n; k++)
        if (!output_is_ours(j, st->plot.items.at[k].value)) return;
    if (!find_form(&p) || !name_picture(&p) || !read_items(&p)) return;
    p.plot.over_run = is_over_run(&p);
    bool fits = false;
    switch (p.plot.form) {
    case RT_PLOT_LINE:
    case RT_PLOT_SCATTER:
    case RT_PLOT_HISTOGRAM: fits = curves_fit(&p); break;
    case RT_PLOT_HEAT:
    case RT_PLOT_IMAGES: fits = field_fits(&p); break;
    case RT_PLOT_ANIMATION: fits = motion_fits(&p); break;
    }
    EveryUnit unit;
    double interval;
    if (fits && moments_fit(&p) && schedule(&p, &unit, &interval)) add_items(&p, unit, interval);
}
