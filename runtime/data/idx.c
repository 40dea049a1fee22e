/* idx — the format of the MNIST family: two zero bytes, an element type, the rank, the extents as big-endian
 * u32, then the elements, big-endian, row-major (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of
 * handwritten digits"). */
#include "reader.h"

static bool element(unsigned char code, RtRaw *raw) {
    switch (code) {
    case 0x08: *raw = RT_RAW_U8; return true;
    case 0x09: *raw = RT_RAW_I8; return true;
    case 0x0b: *raw = RT_RAW_I16; return true;
    case 0x0c: *raw = RT_RAW_I32; return true;
    case 0x0d: *raw = RT_RAW_F32; return true;
    case 0x0e: *raw = RT_RAW_F64; return true;
    default: return false;
    }
}

static bool header(RtBytes *s, RtPayload *p, RtMessage *m) {
    unsigned char head[4], extents[4 * RT_MAX_RANK];
    size_t got;
    *p = (RtPayload){.big_endian = true};
    if (!rt_bytes_read(s, head, sizeof head, &got, m))
        return false;
    if (got < sizeof head)
        return rt_fail(m, "%s: too short for an IDX file (%zu bytes)", s->path, got);
    if (head[0] || head[1] || !element(head[2], &p->raw))
        return rt_fail(
            m,
            "%s: not an IDX file: it begins with the bytes %02x %02x %02x %02x instead of 00 00, an "
            "element type and a rank",
            s->path, head[0], head[1], head[2], head[3]);
    p->shape.rank = head[3];
    if (p->shape.rank == 0 || p->shape.rank > RT_MAX_RANK)
        return rt_fail(m, "%s: an IDX file of rank %u; ranks 1 to %d can be read", s->path, head[3],
                       RT_MAX_RANK);
    if (!rt_bytes_read(s, extents, 4 * p->shape.rank, &got, m))
        return false;
    if (got < 4 * p->shape.rank)
        return rt_fail(m, "%s: ends within its header: the file is cut short", s->path);
    for (uint32_t k = 0; k < p->shape.rank; k++) {
        const unsigned char *e = extents + 4 * k;
        p->shape.extent[k] = (uint64_t)e[0] << 24 | (uint64_t)e[1] << 16 | (uint64_t)e[2] << 8 | e[3];
    }
    p->shape.elem = rt_raw_elem(p->raw);
    p->shape.integral = rt_raw_integral(p->raw);
    return true;
}

const RtFormat rt_format_idx = {.name = "idx", .header = header};
