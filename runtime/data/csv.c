/* csv — a table of numbers in text: one line of column names, then rows (RFC 4180: quoted fields, doubled
 * quotes, line ends of either kind). The separator is the comma or, where the header has none, the tab or the
 * semicolon. Columns are chosen by name; columns that are not chosen may hold text. */
#include "reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Table {
    const char *path;
    char *text;
    const char *end;  /* a NUL lies there */
    const char *body; /* first byte after the header line */
    char separator;
    RtNameList names;
    size_t *slot; /* per column: where it goes in a row of the result, or SKIP */
    size_t n_slots;
} Table;
#define SKIP SIZE_MAX

static void table_free(Table *t) {
    free(t->text);
    free(t->slot);
    rt_names_free(&t->names);
}

static bool is_line_end(const Table *t, const char *p) {
    return p == t->end || *p == '\n' || *p == '\r';
}

static const char *next_line(const Table *t, const char *p) {
    if (p < t->end && *p == '\r')
        p++;
    if (p < t->end && *p == '\n')
        p++;
    return p;
}

static const char *skip_blank(const Table *t, const char *p) {
    while ((*p == ' ' || *p == '\t') && *p != t->separator)
        p++;
    return p;
}

/* The field that begins at p: its text without quotes and blanks around it, and the byte after it; NULL where
 * a quote is never closed. Quotes within stay doubled. */
static const char *field(const Table *t, const char *p, const char **from, const char **to) {
    p = skip_blank(t, p);
    if (*p == '"') {
        const char *q = ++p;
        while (q < t->end && !(*q == '"' && q[1] != '"'))
            q += *q == '"' ? 2 : 1;
        *from = p;
        *to = q;
        return q < t->end ? skip_blank(t, q + 1) : NULL;
    }
    *from = p;
    while (!is_line_end(t, p) && *p != t->separator)
        p++;
    *to = p;
    while (*to > *from && ((*to)[-1] == ' ' || (*to)[-1] == '\t'))
        --*to;
    return p;
}

static uint64_t line_of(const Table *t, const char *at) {
    uint64_t line = 1;
    for (const char *p = t->text; p < at; p++)
        line += *p == '\n' || (*p == '\r' && p[1] != '\n');
    return line;
}

static bool unclosed(const Table *t, const char *from, RtMessage *m) {
    return rt_fail(m, "%s, line %" PRIu64 ": a quote is opened and never closed", t->path, line_of(t, from));
}

/* A number with nothing after it; empty text is MISSING. */
static bool whole_number(const char *from, const char *to, RtNumber *number) {
    if (from == to) {
        *number = (RtNumber){.kind = RT_NUMBER_MISSING, .real = NAN};
        return true;
    }
    return rt_number(from, to, number) == to && number->kind != RT_NUMBER_NONE;
}

static char separator_of(const char *p, const char *end) {
    bool quoted = false, tab = false, semicolon = false;
    for (; p < end && (quoted || (*p != '\n' && *p != '\r')); p++) {
        quoted ^= *p == '"';
        if (quoted)
            continue;
        if (*p == ',')
            return ',';
        tab |= *p == '\t';
        semicolon |= *p == ';';
    }
    return tab ? '\t' : semicolon ? ';' : ',';
}

static bool header(Table *t, RtMessage *m) {
    const char *p = t->text, *from, *to;
    size_t numbers = 0;
    RtNumber number;
    if (t->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    t->separator = separator_of(p, t->end);
    for (;; p++) {
        if (!(p = field(t, p, &from, &to)))
            return unclosed(t, from, m);
        numbers += from < to && whole_number(from, to, &number) && number.kind != RT_NUMBER_MISSING;
        if (!rt_names_push(&t->names, from, (size_t)(to - from)))
            return rt_fail(m, "%s: not enough memory", t->path);
        if (is_line_end(t, p))
            break;
        if (*p != t->separator)
            return rt_fail(m, "%s, line 1: text follows the closing quote of a column name", t->path);
    }
    if (numbers == t->names.n)
        return rt_fail(
            m,
            "%s: the first line holds numbers where the names of the columns belong: put a line of names "
            "first",
            t->path);
    if (t->names.n == 1 && t->names.at[0][0] == '\0')
        return rt_fail(m, "%s: the first line is empty; the names of the columns belong there", t->path);
    t->body = next_line(t, p);
    return true;
}

static bool column(const Table *t, const char *name, size_t *found, RtMessage *m) {
    size_t n = 0;
    char names[400];
    for (size_t c = t->names.n; c-- > 0;)
        if (strcmp(t->names.at[c], name) == 0) {
            *found = c;
            n++;
        }
    if (n == 1)
        return true;
    if (n > 1)
        return rt_fail(m, "%s: %zu columns are called \"%s\"; give each its own name", t->path, n, name);
    rt_names_list(&t->names, names, sizeof names);
    return rt_fail(m, "%s: there is no column \"%s\"; the columns are %s", t->path, name, names);
}

/* Of the columns that are left only the last, or all but that. */
static void take_last(Table *t, bool only) {
    size_t last = t->n_slots - 1;
    for (size_t c = 0; c < t->names.n; c++)
        if (t->slot[c] != SKIP)
            t->slot[c] = (t->slot[c] == last) != only ? SKIP : only ? 0 : t->slot[c];
    t->n_slots = t->n_slots == 0 ? 0 : only ? 1 : last;
}

static bool choose(Table *t, const RtSource *source, RtMessage *m) {
    size_t c;
    t->slot = malloc(t->names.n * sizeof *t->slot);
    if (!t->slot)
        return rt_fail(m, "%s: not enough memory", t->path);
    for (c = 0; c < t->names.n; c++)
        t->slot[c] = source->n_columns ? SKIP : 0;
    for (size_t k = 0; k < source->n_except; k++) {
        if (!column(t, source->except[k], &c, m))
            return false;
        t->slot[c] = SKIP;
    }
    for (size_t k = 0; k < source->n_columns; k++) {
        if (!column(t, source->columns[k], &c, m))
            return false;
        if (t->slot[c] != SKIP)
            return rt_fail(m, "%s: the column \"%s\" is named twice", t->path, source->columns[k]);
        t->slot[c] = k;
    }
    t->n_slots = source->n_columns;
    for (c = 0; c < t->names.n && !source->n_columns; c++)
        if (t->slot[c] != SKIP)
            t->slot[c] = t->n_slots++;
    if (source->left != RT_COLUMNS_ALL && !source->n_columns)
        take_last(t, source->left == RT_COLUMNS_LAST);
    if (source->vector && t->n_slots != 1) {
        char names[400];
        rt_names_list(&t->names, names, sizeof names);
        return rt_fail(
            m, "%s: one column is wanted and %zu are left to choose from; name it: the columns are %s",
            t->path, t->n_slots, names);
    }
    return t->n_slots > 0 || rt_fail(m, "%s: no column is left to read", t->path);
}

static bool open_table(Table *t, const RtSource *source, RtMessage *m) {
    size_t size;
    memset(t, 0, sizeof *t);
    t->path = source->path;
    if (!rt_file_text(source->path, &t->text, &size, m))
        return false;
    t->end = t->text + size;
    if (memchr(t->text, '\0', size))
        rt_fail(m, "%s: not a text file in UTF-8: it has a zero byte", t->path);
    else if (header(t, m))
        return true;
    table_free(t);
    return false;
}

/* ---- rows ---- */

typedef struct Rows {
    void *values; /* NULL: look only */
    RtElem want;
    unsigned flags;
    uint64_t n;
    bool integral;
} Rows;

static bool bad_field(const Table *t, size_t c, const char *from, const char *to, const char *what,
                      RtMessage *m) {
    int length = to - from > 40 ? 40 : (int)(to - from);
    return rt_fail(m, "%s, line %" PRIu64 ", column \"%s\": \"%.*s%s\" %s", t->path, line_of(t, from),
                   t->names.at[c], length, from, to - from > 40 ? "…" : "", what);
}

static bool store(const Table *t, Rows *r, size_t c, const RtNumber *number, const char *from, const char *to,
                  RtMessage *m) {
    RtReason why;
    size_t at = r->n * t->n_slots + t->slot[c];
    bool real = r->want == RT_F64 || r->want == RT_F32;
    if (number->kind == RT_NUMBER_MISSING && !(real && (r->flags & RT_ALLOW_NONFINITE)))
        return rt_fail(
            m, "%s, line %" PRIu64 ", column \"%s\": the value is missing; leave the row out or fill it in",
            t->path, line_of(t, from), t->names.at[c]);
    bool ok = number->kind == RT_NUMBER_INT && !real
                  ? rt_store_int(number->integer, r->values, at, r->want, &why)
                  : rt_store_real(number->real, r->values, at, r->want, r->flags, &why);
    return ok ||
           rt_fail(m, "%s, line %" PRIu64 ", column \"%s\": %s (found \"%.*s\")", t->path, line_of(t, from),
                   t->names.at[c], why.text, to - from > 40 ? 40 : (int)(to - from), from);
}

/* Column c at *p, which moves behind it. */
static bool cell(const Table *t, Rows *r, size_t c, const char **p, RtMessage *m) {
    const char *from = skip_blank(t, *p), *to, *after;
    RtNumber number;
    if (t->slot[c] == SKIP) {
        *p = field(t, *p, &from, &to);
        return *p || unclosed(t, from, m);
    }
    after = rt_number(from, t->end, &number);
    if (number.kind != RT_NUMBER_NONE)
        to = after, after = skip_blank(t, after);
    if (number.kind == RT_NUMBER_NONE || !(is_line_end(t, after) || *after == t->separator)) {
        if (!(after = field(t, *p, &from, &to)))
            return unclosed(t, from, m);
        if (!whole_number(from, to, &number))
            return bad_field(t, c, from, to,
                             "is not a number; columns of text are left out by naming the others", m);
    }
    *p = after;
    if (number.kind == RT_NUMBER_REAL && r->integral)
        r->integral = isfinite(number.real) && number.real == floor(number.real);
    return !r->values || store(t, r, c, &number, from, to, m);
}

static bool ragged(const Table *t, const char *row, RtMessage *m) {
    const char *p = row, *from, *to;
    size_t n = 1;
    while ((p = field(t, p, &from, &to)) && !is_line_end(t, p)) {
        if (*p++ != t->separator)
            return rt_fail(m, "%s, line %" PRIu64 ": text follows the closing quote of a field", t->path,
                           line_of(t, row));
        n++;
    }
    if (!p)
        return unclosed(t, from, m);
    return rt_fail(m, "%s, line %" PRIu64 ": %zu field%s where the header names %zu columns", t->path,
                   line_of(t, row), n, n == 1 ? "" : "s", t->names.n);
}

static bool rest_is_blank(const char *p) {
    return p[strspn(p, " \t\r\n")] == '\0';
}

static bool rows(const Table *t, Rows *r, RtMessage *m) {
    size_t columns = t->names.n;
    r->n = 0;
    r->integral = true;
    for (const char *p = t->body; p < t->end; r->n++) {
        const char *row = p;
        if (is_line_end(t, skip_blank(t, p)) && rest_is_blank(p))
            break;
        for (size_t c = 0; c < columns; c++) {
            if (!cell(t, r, c, &p, m))
                return false;
            if (c + 1 < columns ? *p != t->separator || p == t->end : !is_line_end(t, p))
                return ragged(t, row, m);
            p += c + 1 < columns;
        }
        p = next_line(t, p);
    }
    return r->n > 0 || rt_fail(m, "%s: there is a header and no row below it", t->path);
}

static void shape_of(const Table *t, const Rows *r, bool vector, RtShape *shape) {
    *shape = (RtShape){
        .elem = RT_F64, .integral = r->integral, .rank = vector ? 1 : 2, .extent = {r->n, t->n_slots}};
    if (vector)
        shape->extent[1] = 0;
}

static bool probe(const RtSource *source, RtShape *shape, RtMessage *m) {
    Table t;
    Rows r = {.values = NULL};
    if (!open_table(&t, source, m))
        return false;
    bool ok = choose(&t, source, m) && rows(&t, &r, m);
    if (ok)
        shape_of(&t, &r, source->vector, shape);
    table_free(&t);
    return ok;
}

/* No more values than this: every row takes a line, and every value a byte at least (but one). */
static uint64_t most_values(const Table *t) {
    uint64_t lines = 1, bytes = (uint64_t)(t->end - t->body) + 1, values;
    for (const char *p = t->body; p < t->end; p++)
        lines += (*p == '\n') | (*p == '\r');
    return __builtin_mul_overflow(lines, (uint64_t)t->n_slots, &values) || values > bytes ? bytes : values;
}

static bool read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *m) {
    Table t;
    if (!open_table(&t, source, m))
        return false;
    bool ok = choose(&t, source, m);
    if (ok) {
        array->shape = (RtShape){.elem = want, .rank = 1, .extent = {most_values(&t)}};
        ok = rt_array_alloc(array, t.path, m);
    }
    if (ok) {
        Rows r = {.values = array->values, .want = want, .flags = flags};
        ok = rows(&t, &r, m);
        shape_of(&t, &r, source->vector, &array->shape);
        array->shape.elem = want;
    }
    if (!ok)
        rt_array_free(array);
    table_free(&t);
    return ok;
}

static bool names(const RtSource *source, RtNameList *list, RtMessage *m) {
    Table t;
    if (!open_table(&t, source, m))
        return false;
    *list = t.names;
    t.names = (RtNameList){0};
    table_free(&t);
    return true;
}

const RtFormat rt_format_csv = {.name = "csv", .probe = probe, .read = read, .names = names};
