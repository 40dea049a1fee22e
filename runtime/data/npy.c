/* npy — one array as NumPy saves it: magic, version, a Python dict literal with the element type, the order
 * and the shape, then the elements (NumPy enhancement proposal 1, "A simple file format for NumPy arrays").
 * The dict is read as the format defines it, not evaluated. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

typedef struct Parser {
    const char *path, *p;
    RtPayload *payload;
    RtMessage *m;
} Parser;

static void blanks(Parser *z) {
    z->p += strspn(z->p, " \t\n");
}

static bool skip_char(Parser *z, char c) {
    blanks(z);
    if (*z->p != c)
        return false;
    z->p++;
    return true;
}

static bool string(Parser *z, char *text, size_t size) {
    blanks(z);
    char quote = *z->p;
    if (quote != '\'' && quote != '"')
        return false;
    size_t n = strcspn(++z->p, quote == '\'' ? "'" : "\"");
    if (z->p[n] == '\0' || n >= size)
        return false;
    memcpy(text, z->p, n);
    text[n] = '\0';
    z->p += n + 1;
    return true;
}

static bool element(Parser *z) {
    static const struct {
        const char *code;
        RtRaw raw;
    } types[] = {
        {"f2", RT_RAW_F16}, {"f4", RT_RAW_F32}, {"f8", RT_RAW_F64}, {"i1", RT_RAW_I8},
        {"i2", RT_RAW_I16}, {"i4", RT_RAW_I32}, {"i8", RT_RAW_I64}, {"u1", RT_RAW_U8},
        {"u2", RT_RAW_U16}, {"u4", RT_RAW_U32}, {"u8", RT_RAW_U64}, {"b1", RT_RAW_U8},
    };
    char text[32];
    blanks(z);
    if (*z->p == '[')
        return rt_fail(z->m, "%s: holds records with named fields; save each field as an array of its own",
                       z->path);
    if (!string(z, text, sizeof text))
        return rt_fail(z->m, "%s: the header's element type is not readable: the file is damaged", z->path);
    z->payload->big_endian = text[0] == '>';
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (strchr("<>=|", text[0]) && text[0] && strcmp(text + 1, types[k].code) == 0) {
            z->payload->raw = types[k].raw;
            return true;
        }
    return rt_fail(z->m,
                   "%s: elements of NumPy's type \"%s\" cannot be read; save the array as numbers, such "
                   "as array.astype(\"f8\")",
                   z->path, text);
}

static bool word(Parser *z, const char *text) {
    size_t n = strlen(text);
    blanks(z);
    if (strncmp(z->p, text, n) != 0)
        return false;
    z->p += n;
    return true;
}

static bool shape(Parser *z) {
    RtShape *s = &z->payload->shape;
    s->rank = 0;
    if (!skip_char(z, '('))
        return false;
    while (!skip_char(z, ')')) {
        uint64_t v = 0;
        blanks(z);
        const char *digits = z->p;
        for (; *z->p >= '0' && *z->p <= '9'; z->p++)
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*z->p - '0'), &v))
                return false;
        if (z->p == digits)
            return false;
        if (s->rank == RT_MAX_RANK)
            return rt_fail(z->m, "%s: an array of more than %d axes", z->path, RT_MAX_RANK);
        s->extent[s->rank++] = v;
        if (!skip_char(z, ',')) {
            if (!skip_char(z, ')'))
                return false;
            break;
        }
    }
    return true;
}

static bool dict(Parser *z) {
    char key[32];
    unsigned seen = 0;
    if (!skip_char(z, '{'))
        return false;
    while (!skip_char(z, '}')) {
        if (!string(z, key, sizeof key) || !skip_char(z, ':'))
            return false;
        if (strcmp(key, "descr") == 0) {
            if (!element(z))
                return false;
            seen |= 1;
        } else if (strcmp(key, "fortran_order") == 0) {
            z->payload->fortran = word(z, "True");
            if (!z->payload->fortran && !word(z, "False"))
                return false;
            seen |= 2;
        } else if (strcmp(key, "shape") == 0) {
            if (!shape(z))
                return false;
            seen |= 4;
        } else {
            return false;
        }
        if (!skip_char(z, ',')) {
            if (!skip_char(z, '}'))
                return false;
            break;
        }
    }
    blanks(z);
    return *z->p == '\0' && seen == 7;
}

/* Magic, version and the length of the dict. */
static bool preamble(RtBytes *s, size_t *length, RtMessage *m) {
    unsigned char head[12];
    size_t got;
    if (!rt_bytes_read(s, head, 10, &got, m))
        return false;
    if (got < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return rt_fail(m, "%s: not an NPY file: it does not begin with the bytes 93 \"NUMPY\"", s->path);
    if (head[6] < 1 || head[6] > 3)
        return rt_fail(m, "%s: NPY version %u.%u; versions 1 to 3 can be read", s->path, head[6], head[7]);
    *length = head[8] | (size_t)head[9] << 8;
    if (head[6] == 1)
        return true;
    if (!rt_bytes_read(s, head + 10, 2, &got, m))
        return false;
    *length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    return got == 2 || rt_fail(m, "%s: ends within its header: the file is cut short", s->path);
}

bool rt_npy_header(RtBytes *s, RtPayload *payload, RtMessage *m) {
    size_t length = 0, got;
    memset(payload, 0, sizeof *payload);
    if (!preamble(s, &length, m))
        return false;
    if (length > s->bound - s->at || length > 1 << 20)
        return rt_fail(m,
                       "%s: its header announces %zu bytes of description: the file is cut short or "
                       "damaged",
                       s->path, length);
    char *text = malloc(length + 1);
    if (!text)
        return rt_fail(m, "%s: not enough memory", s->path);
    bool ok = rt_bytes_read(s, text, length, &got, m);
    if (ok && got < length)
        ok = rt_fail(m, "%s: ends within its header: the file is cut short", s->path);
    if (ok) {
        text[length] = '\0';
        Parser z = {s->path, text, payload, m};
        m->text[0] = '\0';
        ok = dict(&z);
        if (!ok && !m->text[0])
            rt_fail(m, "%s: the description in its header is not what NumPy writes: the file is damaged",
                    s->path);
    }
    free(text);
    payload->shape.elem = rt_raw_elem(payload->raw);
    payload->shape.integral = rt_raw_integral(payload->raw);
    return ok;
}

const RtFormat rt_format_npy = {.name = "npy", .header = rt_npy_header};
