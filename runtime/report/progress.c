/* progress — how far a run has got: a line that rewrites itself on a terminal, plain lines in a pipe, JSON
 * for programs. */
#include "report.h"

#include "../core/core.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

RtProgressMode rt_progress_mode(FILE *out, bool json) {
    const char *term = getenv("TERM");
    if (json)
        return RT_PROGRESS_JSON;
    return isatty(fileno(out)) && !(term && strcmp(term, "dumb") == 0) ? RT_PROGRESS_TERMINAL
                                                                       : RT_PROGRESS_PLAIN;
}

bool rt_out_has_colour(FILE *out) {
    const char *no = getenv("NO_COLOR");
    return rt_progress_mode(out, false) == RT_PROGRESS_TERMINAL && !(no && *no);
}

static bool has_utf8(void) {
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int k = 0; k < 3; k++) {
        const char *v = getenv(variables[k]);
        if (v && *v)
            return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8") || strstr(v, "utf-8");
    }
    return false;
}

/* As many whole characters of `from` as fit. */
static void copy(char *to, size_t size, const char *from) {
    size_t n = strlen(from);
    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(to, from, n);
    to[n] = '\0';
}

void rt_progress_begin(RtProgress *p, FILE *out, RtProgressMode mode, const char *title, const char *unit,
                       double total, double done) {
    memset(p, 0, sizeof *p);
    p->out = out;
    p->mode = mode;
    p->colour = rt_out_has_colour(out);
    p->utf8 = has_utf8();
    copy(p->title, sizeof p->title, title);
    p->is_time = !unit;
    copy(p->unit, sizeof p->unit, unit ? unit : "time");
    p->total = total;
    p->done = p->first = done;
    p->started = p->shown = rt_now();
}

void rt_progress_label(RtProgress *p, const char *label) {
    copy(p->label, sizeof p->label, label);
}

/* ---- the parts of a line ---- */

/* Units a second and seconds left; NaN where not known. */
static void pace(const RtProgress *p, double t, double *rate, double *left) {
    double elapsed = t - p->started;
    *rate = elapsed > 0 && p->done > p->first ? (p->done - p->first) / elapsed : NAN;
    *left = p->total > 0 && *rate > 0 ? fmax(0, (p->total - p->done) / *rate) : NAN;
}

/* A rate to three digits: the others are never the same twice. */
static RtText rate_text(double rate) {
    double unit = pow(10, floor(log10(rate)) - 2);
    return rt_text_number(rate > 1000 ? round(rate / unit) * unit : rate);
}

/* An amount with its unit: `1,200 samples`, `1 step`, `t = 2.5`. */
static RtText amount_text(const RtProgress *p, double amount, bool brief) {
    RtText text, number = brief && !p->is_time ? rt_text_count(amount) : rt_text_number(amount);
    size_t n = strlen(p->unit);
    if (p->is_time)
        snprintf(text.text, sizeof text.text, "t = %.40s", number.text);
    else
        snprintf(text.text, sizeof text.text, "%.22s %.*s", number.text, (int)(n - (amount == 1 && n > 1)),
                 p->unit);
    return text;
}

typedef struct Line {
    char text[512];
    size_t n, width; /* bytes; columns */
} Line;

/* Adds the text where it fits in `room` columns. */
static bool add(Line *l, size_t room, const char *text) {
    size_t n = strlen(text), width = rt_text_width(text);
    if (l->width + width > room || l->n + n >= sizeof l->text)
        return false;
    memcpy(l->text + l->n, text, n + 1);
    l->n += n;
    l->width += width;
    return true;
}

static void style(const RtProgress *p, Line *l, const char *code) {
    size_t n = strlen(code);
    if (p->colour && l->n + n + 8 < sizeof l->text) {
        memcpy(l->text + l->n, code, n + 1);
        l->n += n;
    }
}

/* `cells` columns of bar; the tip moves by half a column. */
static void bar(const RtProgress *p, Line *l, int cells, double part) {
    int halves = (int)(fmin(fmax(part, 0), 1) * 2 * cells + 0.5);
    bool dim = false;
    style(p, l, "\033[36m");
    for (int k = 0; k < cells; k++) {
        bool full = 2 * k + 2 <= halves, half = 2 * k + 1 == halves;
        if (!full && !half && !dim) {
            style(p, l, "\033[2m");
            dim = true;
        }
        if (p->utf8) /* in colour, what is left is the same line, dimmed */
            add(l, SIZE_MAX, half ? "╸" : full || p->colour ? "━" : "─");
        else
            add(l, SIZE_MAX, full ? "#" : half ? "-" : ".");
    }
    style(p, l, "\033[0m");
}

static void field_text(char *text, size_t size, const char *name, double v) {
    snprintf(text, size, "%s %s", name, rt_text_number(v).text);
}

/* title label ━━━━━━╸──── 62%  loss 0.3124  acc 0.8914  249,000 samples/s  4.1 s left */
static void draw(RtProgress *p, double t, size_t room, size_t n, const char *const *names,
                 const double *values, Line *l) {
    double rate, left, part = p->total > 0 ? p->done / p->total : NAN;
    char text[128], speed[96] = "", rest[96] = "";
    pace(p, t, &rate, &left);
    if (isfinite(rate) && !p->is_time)
        snprintf(speed, sizeof speed, "  %s %s/s", rate_text(rate).text, p->unit);
    if (isfinite(left))
        snprintf(rest, sizeof rest, "  %s left", rt_text_duration(left).text);
    style(p, l, "\033[1m");
    add(l, room, p->title);
    style(p, l, "\033[0m");
    if (p->label[0]) {
        snprintf(text, sizeof text, "  %s", p->label);
        add(l, room, text);
    }
    if (isfinite(part)) {
        if (room >= 60) {
            add(l, room, "  ");
            bar(p, l, room >= 100 ? 24 : 12, part);
        }
        snprintf(text, sizeof text, " %3.0f%%", 100 * part);
    } else {
        snprintf(text, sizeof text, "  %s", amount_text(p, p->done, true).text);
    }
    add(l, room, text);
    size_t reserved = rt_text_width(rest); /* the time left matters more than the last fields */
    for (size_t k = 0; k < n; k++) {
        char field[128];
        field_text(field, sizeof field, names[k], values[k]);
        snprintf(text, sizeof text, "  %.120s", field);
        if (!add(l, room > reserved ? room - reserved : 0, text))
            break;
    }
    if (l->width + rt_text_width(speed) + reserved <= room)
        add(l, room, speed);
    style(p, l, "\033[2m");
    add(l, room, rest);
    style(p, l, "\033[0m");
}

static size_t terminal_width(FILE *out) {
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    int fd = fileno(out);
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    long n = columns ? strtol(columns, NULL, 10) : 0;
    return n >= 20 && n <= 10000 ? (size_t)n : 80;
}

void rt_progress_clear(RtProgress *p) {
    if (p->mode == RT_PROGRESS_TERMINAL && p->drawn) {
        fputs("\r\033[K", p->out);
        fflush(p->out);
        p->drawn = false;
    }
}

static void show_terminal(RtProgress *p, double t, size_t n, const char *const *names, const double *values) {
    Line l = {.n = 0};
    draw(p, t, terminal_width(p->out) - 1, n, names, values, &l);
    fprintf(p->out, "\r%s\033[K", l.text);
    fflush(p->out);
    p->drawn = true;
}

/* title, label: 62% (186,000 of 300,000 samples), loss 0.3124, 249,000 samples/s, 4.1 s left */
static void show_plain(RtProgress *p, double t, size_t n, const char *const *names, const double *values) {
    double rate, left;
    char field[128];
    pace(p, t, &rate, &left);
    fprintf(p->out, "%s%s%s: ", p->title, p->label[0] ? ", " : "", p->label);
    if (p->total > 0)
        fprintf(p->out, "%.0f%% (%s of %s%s%s)", 100 * p->done / p->total,
                p->is_time ? amount_text(p, p->done, false).text : rt_text_number(p->done).text,
                rt_text_number(p->total).text, p->is_time ? "" : " ", p->is_time ? "" : p->unit);
    else
        fputs(amount_text(p, p->done, false).text, p->out);
    for (size_t k = 0; k < n; k++) {
        field_text(field, sizeof field, names[k], values[k]);
        fprintf(p->out, ", %s", field);
    }
    if (isfinite(rate) && !p->is_time)
        fprintf(p->out, ", %s %s/s", rate_text(rate).text, p->unit);
    if (isfinite(left) && left > 0)
        fprintf(p->out, ", %s left", rt_text_duration(left).text);
    fputc('\n', p->out);
    fflush(p->out);
}

/* ---- JSON ---- */

static json_t *number(double v) {
    if (v == floor(v) && fabs(v) < 0x1p53)
        return json_integer((json_int_t)v);
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *object_of(size_t n, const char *const *names, const double *values) {
    json_t *o = json_object();
    for (size_t k = 0; k < n; k++)
        json_object_set_new(o, names[k], number(values[k]));
    return o;
}

static void put_line(FILE *out, json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    if (text)
        fprintf(out, "%s\n", text);
    fflush(out);
    free(text);
    json_decref(object);
}

void rt_json_event(FILE *out, const char *event, size_t n, const char *const *names, const double *values) {
    json_t *o = json_object();
    json_object_set_new(o, "event", json_string(event));
    for (size_t k = 0; k < n; k++)
        json_object_set_new(o, names[k], number(values[k]));
    put_line(out, o);
}

static void show_json(RtProgress *p, const char *event, double t, size_t n, const char *const *names,
                      const double *values) {
    double rate, left;
    json_t *o = json_object();
    pace(p, t, &rate, &left);
    json_object_set_new(o, "event", json_string(event));
    json_object_set_new(o, "title", json_string(p->title));
    if (p->label[0])
        json_object_set_new(o, "label", json_string(p->label));
    json_object_set_new(o, "done", number(p->done));
    json_object_set_new(o, "total", p->total > 0 ? number(p->total) : json_null());
    json_object_set_new(o, "unit", json_string(p->unit));
    json_object_set_new(o, "seconds", number(t - p->started));
    json_object_set_new(o, "rate", number(rate));
    json_object_set_new(o, "values", object_of(n, names, values));
    put_line(p->out, o);
}

/* ---- what callers use ---- */

void rt_progress_update(RtProgress *p, double done, size_t n, const char *const *names,
                        const double *values) {
    static const double every[] = {
        [RT_PROGRESS_TERMINAL] = 0.1, [RT_PROGRESS_PLAIN] = 5, [RT_PROGRESS_JSON] = 1};
    p->done = done;
    if (p->mode == RT_PROGRESS_NONE)
        return;
    double t = rt_now();
    if (t - p->shown < every[p->mode])
        return;
    p->shown = t;
    if (p->mode == RT_PROGRESS_TERMINAL)
        show_terminal(p, t, n, names, values);
    else if (p->mode == RT_PROGRESS_PLAIN)
        show_plain(p, t, n, names, values);
    else
        show_json(p, "progress", t, n, names, values);
}

void rt_progress_mark(RtProgress *p, double done, size_t n, const char *const *names, const double *values) {
    double t = rt_now();
    p->done = done;
    p->shown = t;
    if (p->mode == RT_PROGRESS_TERMINAL) {
        show_terminal(p, t, n, names, values);
        fputc('\n', p->out);
        fflush(p->out);
        p->drawn = false;
    } else if (p->mode == RT_PROGRESS_PLAIN) {
        show_plain(p, t, n, names, values);
    } else if (p->mode == RT_PROGRESS_JSON) {
        show_json(p, "mark", t, n, names, values);
    }
}

/* title: 300,000 samples in 1.2 s (249,000 samples/s), loss 0.3124, acc 0.8914 */
void rt_progress_end(RtProgress *p, double done, size_t n, const char *const *names, const double *values) {
    double t = rt_now(), rate, left;
    char field[128];
    p->done = done;
    if (p->mode == RT_PROGRESS_JSON)
        show_json(p, "end", t, n, names, values);
    if (p->mode == RT_PROGRESS_JSON || p->mode == RT_PROGRESS_NONE)
        return;
    rt_progress_clear(p);
    pace(p, t, &rate, &left);
    fprintf(p->out, "%s%s%s: %s in %s", p->colour ? "\033[1m" : "", p->title, p->colour ? "\033[0m" : "",
            amount_text(p, p->is_time ? p->done : p->done - p->first, false).text,
            rt_text_duration(t - p->started).text);
    if (isfinite(rate) && !p->is_time)
        fprintf(p->out, " (%s %s/s)", rate_text(rate).text, p->unit);
    for (size_t k = 0; k < n; k++) {
        field_text(field, sizeof field, names[k], values[k]);
        fprintf(p->out, ", %s", field);
    }
    fputc('\n', p->out);
    fflush(p->out);
}
