/* series — recorded values, row by row, in memory until they are written. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Field {
    char *name;
    uint32_t rank;
    uint64_t extent[RT_MAX_RANK];
    size_t first, size; /* columns */
} Field;

struct RtSeries {
    Field *field;
    int n_fields;
    size_t width;
    double *values;
    uint64_t rows, room;
};

RtSeries *rt_series_new(void) {
    return calloc(1, sizeof(RtSeries));
}

void rt_series_free(RtSeries *s) {
    if (!s)
        return;
    for (int k = 0; k < s->n_fields; k++)
        free(s->field[k].name);
    free(s->field);
    free(s->values);
    free(s);
}

int rt_series_field(RtSeries *s, const char *name, uint32_t rank, const uint64_t *extent) {
    RtShape shape = {.rank = rank};
    uint64_t size = 1;
    if (rank > RT_MAX_RANK)
        return -1;
    for (uint32_t k = 0; k < rank; k++) {
        shape.extent[k] = extent[k];
        if (__builtin_mul_overflow(size, extent[k], &size))
            return -1;
    }
    Field *more = realloc(s->field, (size_t)(s->n_fields + 1) * sizeof *more);
    char *copy = strdup(name);
    if (more)
        s->field = more;
    if (!more || !copy) {
        free(copy);
        return -1;
    }
    Field *f = &s->field[s->n_fields];
    *f = (Field){.name = copy, .rank = rank, .first = s->width, .size = size};
    memcpy(f->extent, shape.extent, sizeof f->extent);
    s->width += size;
    return s->n_fields++;
}

RtSeries *rt_series_like(const RtSeries *s, const char *first) {
    RtSeries *like = rt_series_new();
    bool ok = like && (!first || rt_series_field(like, first, 0, NULL) >= 0);
    for (int k = 0; ok && k < s->n_fields; k++)
        ok = rt_series_field(like, s->field[k].name, s->field[k].rank, s->field[k].extent) >= 0;
    if (ok)
        return like;
    rt_series_free(like);
    return NULL;
}

bool rt_series_append(RtSeries *s, const double *row) {
    if (s->rows == s->room) {
        uint64_t room = s->room ? 2 * s->room : 64;
        size_t bytes;
        double *more = NULL;
        if (!__builtin_mul_overflow(room, s->width * sizeof *more, &bytes))
            more = realloc(s->values, bytes ? bytes : 1);
        if (!more)
            return false;
        s->values = more;
        s->room = room;
    }
    memcpy(s->values + s->rows * s->width, row, s->width * sizeof *row);
    s->rows++;
    return true;
}

void rt_series_truncate(RtSeries *s, uint64_t rows) {
    if (rows < s->rows)
        s->rows = rows;
}

uint64_t rt_series_rows(const RtSeries *s) {
    return s->rows;
}

size_t rt_series_width(const RtSeries *s) {
    return s->width;
}

int rt_series_fields(const RtSeries *s) {
    return s->n_fields;
}

const char *rt_series_name(const RtSeries *s, int field) {
    return s->field[field].name;
}

const double *rt_series_row(const RtSeries *s, uint64_t row) {
    return s->values + row * s->width;
}

size_t rt_series_size(const RtSeries *s, int field, size_t *first) {
    if (first)
        *first = s->field[field].first;
    return s->field[field].size;
}

/* ---- CSV ---- */

/* A name between quotes where it needs them, quotes doubled; `subscripts` belongs to it. */
static void put_name(RtOutFile *out, const char *name, const char *subscripts) {
    bool quote = strpbrk(name, ",\"\r\n") || strchr(subscripts, ',');
    if (quote)
        rt_out_write(out, "\"", 1);
    for (const char *p = name; *p; p++)
        rt_out_write(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    rt_out_printf(out, "%s%s", subscripts, quote ? "\"" : "");
}

static void put_header(const RtSeries *s, RtOutFile *out) {
    for (int k = 0; k < s->n_fields; k++)
        for (size_t e = 0; e < s->field[k].size; e++) {
            const Field *f = &s->field[k];
            char subscripts[RT_MAX_RANK * 24] = "";
            uint64_t at[RT_MAX_RANK], rest = e;
            for (uint32_t axis = f->rank; axis-- > 0; rest /= f->extent[axis])
                at[axis] = rest % f->extent[axis];
            size_t n = 0;
            for (uint32_t axis = 0; axis < f->rank; axis++)
                n += (size_t)snprintf(subscripts + n, sizeof subscripts - n, "%c%" PRIu64, axis ? ',' : '[',
                                      at[axis]);
            if (f->rank > 0)
                snprintf(subscripts + n, sizeof subscripts - n, "]");
            if (f->first + e > 0)
                rt_out_write(out, ",", 1);
            put_name(out, f->name, subscripts);
        }
    rt_out_write(out, "\n", 1);
}

bool rt_series_write_csv(const RtSeries *s, const char *path, RtMessage *m) {
    RtOutFile *out = rt_out_open(path, m);
    if (!out)
        return false;
    put_header(s, out);
    for (uint64_t r = 0; r < s->rows; r++)
        for (size_t c = 0; c < s->width; c++) {
            RtText t = rt_text_exact(rt_series_row(s, r)[c]);
            size_t n = strlen(t.text);
            t.text[n] = c + 1 < s->width ? ',' : '\n';
            rt_out_write(out, t.text, n + 1);
        }
    return rt_out_close(out, m);
}

/* ---- NPY ---- */

/* Magic, version 1.0, and the description padded so that the values begin at a multiple of 64 bytes. */
static void put_npy_header(RtOutFile *out, RtElem elem, uint32_t rank, const uint64_t *extent) {
    static const char *const codes[] = {
        [RT_F64] = "<f8", [RT_F32] = "<f4", [RT_I64] = "<i8", [RT_I32] = "<i4", [RT_U8] = "|u1"};
    char text[512];
    size_t n = (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                codes[elem]);
    for (uint32_t k = 0; k < rank; k++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%" PRIu64 "%s", extent[k],
                              k + 1 < rank ? ", "
                              : rank == 1  ? ","
                                           : "");
    n += (size_t)snprintf(text + n, sizeof text - n, "), }");
    while ((10 + n + 1) % 64)
        text[n++] = ' ';
    text[n++] = '\n';
    rt_out_write(out, "\x93NUMPY\1\0", 8);
    rt_out_write(out, (unsigned char[]){n & 255, n >> 8 & 255}, 2);
    rt_out_write(out, text, n);
}

bool rt_npy_write(const char *path, RtElem elem, uint32_t rank, const uint64_t *extent, const void *values,
                  RtMessage *m) {
    size_t bytes = rt_elem_size(elem);
    if (rank > RT_MAX_RANK)
        return rt_fail(m, "%s: an array of more than %d axes cannot be written", path, RT_MAX_RANK);
    for (uint32_t k = 0; k < rank; k++)
        bytes *= extent[k];
    RtOutFile *out = rt_out_open(path, m);
    if (!out)
        return false;
    put_npy_header(out, elem, rank, extent);
    rt_out_write(out, values, bytes);
    return rt_out_close(out, m);
}

bool rt_series_write_npy(const RtSeries *s, int field, const char *path, RtMessage *m) {
    const Field *f = &s->field[field];
    uint64_t extent[RT_MAX_RANK + 1] = {s->rows};
    memcpy(extent + 1, f->extent, f->rank * sizeof *extent);
    RtOutFile *out = rt_out_open(path, m);
    if (!out)
        return false;
    put_npy_header(out, RT_F64, f->rank + 1, extent);
    for (uint64_t r = 0; r < s->rows; r++)
        rt_out_write(out, rt_series_row(s, r) + f->first, f->size * sizeof(double));
    return rt_out_close(out, m);
}
