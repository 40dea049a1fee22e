/* array — shapes, blocks of memory, and the binary payload that IDX, NPY and NPZ end in. */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void rt_array_free(RtArray *a) {
    free(a->values);
    memset(a, 0, sizeof *a);
}

bool rt_shape_count(const RtShape *shape, size_t size, uint64_t *count) {
    uint64_t bytes;
    *count = 1;
    for (uint32_t k = 0; k < shape->rank; k++)
        if (__builtin_mul_overflow(*count, shape->extent[k], count))
            return false;
    return !__builtin_mul_overflow(*count, (uint64_t)size, &bytes) && bytes <= SIZE_MAX / 2;
}

bool rt_array_alloc(RtArray *a, const char *path, RtMessage *m) {
    uint64_t count;
    size_t size = rt_elem_size(a->shape.elem);
    a->values = NULL;
    if (rt_shape_count(&a->shape, size, &count))
        a->values = aligned_alloc(64, (count * size + 63) / 64 * 64);
    return a->values || rt_fail(m, "%s: not enough memory for its values", path);
}

void rt_place(const RtShape *shape, bool fortran, uint64_t index, char *text, size_t size) {
    uint64_t at[RT_MAX_RANK] = {0};
    for (uint32_t k = 0; k < shape->rank; k++) {
        uint32_t axis = fortran ? k : shape->rank - 1 - k;
        at[axis] = index % shape->extent[axis];
        index /= shape->extent[axis];
    }
    size_t n = (size_t)snprintf(text, size, "[");
    for (uint32_t k = 0; k < shape->rank && n < size; k++)
        n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64, k ? ", " : "", at[k]);
    if (n < size)
        snprintf(text + n, size - n, "]");
}

static void shape_text(const RtShape *shape, char *text, size_t size) {
    size_t n = 0;
    text[0] = '\0';
    for (uint32_t k = 0; k < shape->rank && n < size; k++)
        n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64, k ? " x " : "", shape->extent[k]);
    if (shape->rank == 0)
        snprintf(text, size, "one");
}

bool rt_check_payload(const RtBytes *s, const RtPayload *p, RtMessage *m) {
    char text[8 * 24];
    uint64_t count, left = s->bound - s->at;
    shape_text(&p->shape, text, sizeof text);
    bool fits = rt_shape_count(&p->shape, rt_raw_size(p->raw), &count);
    uint64_t bytes = fits ? count * rt_raw_size(p->raw) : UINT64_MAX;
    if (fits && count == 0)
        return rt_fail(m, "%s: holds no values (its header says %s)", s->path, text);
    if (!fits || bytes > left)
        return rt_fail(
            m,
            "%s: its header announces %s elements of %zu byte%s, more than the file can hold: the file is "
            "cut short or damaged; fetch or write it again",
            s->path, text, rt_raw_size(p->raw), rt_raw_size(p->raw) == 1 ? "" : "s");
    if (s->exact && bytes < left)
        return rt_fail(m,
                       "%s: %" PRIu64
                       " bytes follow the %s elements its header announces: the file is damaged or not of "
                       "this format",
                       s->path, left - bytes, text);
    return true;
}

/* The values lie first axis fastest in `from`; puts them row-major into `to`. */
static void from_fortran(const RtShape *shape, const char *from, char *to, uint64_t count) {
    size_t size = rt_elem_size(shape->elem);
    uint64_t stride[RT_MAX_RANK], at[RT_MAX_RANK] = {0}, source = 0;
    for (uint32_t k = 0; k < shape->rank; k++)
        stride[k] = k ? stride[k - 1] * shape->extent[k - 1] : 1;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(to + i * size, from + source * size, size);
        for (uint32_t k = shape->rank; k-- > 0;) {
            source += stride[k];
            if (++at[k] < shape->extent[k])
                break;
            source -= stride[k] * shape->extent[k];
            at[k] = 0;
        }
    }
}

static bool reorder(RtBytes *s, RtArray *a, uint64_t count, RtMessage *m) {
    RtArray b = {.shape = a->shape};
    if (!rt_array_alloc(&b, s->path, m))
        return false;
    from_fortran(&a->shape, a->values, b.values, count);
    free(a->values);
    *a = b;
    return true;
}

static bool fill(RtBytes *s, const RtPayload *p, unsigned flags, RtArray *a, uint64_t count, RtMessage *m) {
    unsigned char block[1 << 15];
    size_t unit = rt_raw_size(p->raw), got, bad = 0;
    bool direct = p->raw == RT_RAW_U8 && a->shape.elem == RT_U8;
    RtReason why;
    for (uint64_t done = 0; done < count;) {
        uint64_t n = direct ? count : sizeof block / unit;
        n = count - done < n ? count - done : n;
        if (!rt_bytes_read(s, direct ? a->values : block, n * unit, &got, m))
            return false;
        if (got < n * unit)
            return rt_fail(m,
                           "%s: ends after %" PRIu64 " of %" PRIu64
                           " values: the file is cut short; fetch or write it "
                           "again",
                           s->path, done + got / unit, count);
        if (!direct && !rt_convert(block, p->raw, p->big_endian, n,
                                   (char *)a->values + done * rt_elem_size(a->shape.elem), a->shape.elem,
                                   flags, &bad, &why)) {
            char place[200];
            rt_place(&p->shape, p->fortran, done + bad, place, sizeof place);
            return rt_fail(m, "%s: element %s: %s", s->path, place, why.text);
        }
        done += n;
    }
    return true;
}

bool rt_read_payload(RtBytes *s, const RtPayload *p, RtElem want, unsigned flags, RtArray *a, RtMessage *m) {
    uint64_t count;
    size_t got;
    char more;
    memset(a, 0, sizeof *a);
    if (!rt_check_payload(s, p, m))
        return false;
    a->shape = p->shape;
    a->shape.elem = want;
    a->shape.integral = rt_raw_integral(p->raw);
    if (!rt_array_alloc(a, s->path, m))
        return false;
    rt_shape_count(&p->shape, 1, &count);
    if (!fill(s, p, flags, a, count, m) || !rt_bytes_read(s, &more, 1, &got, m))
        goto fail;
    if (got > 0) {
        rt_fail(m,
                "%s: bytes follow the %" PRIu64
                " elements its header announces: the file is damaged or not of this "
                "format",
                s->path, count);
        goto fail;
    }
    if (p->fortran && p->shape.rank > 1 && !reorder(s, a, count, m))
        goto fail;
    return true;
fail:
    rt_array_free(a);
    return false;
}
