/* reader — what the format readers share; not for use outside this folder. */
#ifndef LAG_RT_DATA_READER_H
#define LAG_RT_DATA_READER_H

#include "data.h"

/* ---- bytes of a file, gzip undone ---------------------------------------------------------------------- */

typedef struct RtBytes {
    const char *path; /* for messages */
    uint64_t bound;   /* the content cannot be longer than this */
    bool exact;       /* it is exactly as long */
    uint64_t at;      /* bytes delivered so far */
    /* Up to `size` bytes, 0 at the end; -1 with a message. */
    ptrdiff_t (*pull)(struct RtBytes *s, void *bytes, size_t size, RtMessage *message);
    void (*close)(struct RtBytes *s);
    void *context;
} RtBytes;

bool rt_bytes_open(RtBytes *s, const char *path, RtMessage *message);
void rt_bytes_close(RtBytes *s);
/* Fills `bytes`; *got < size only where the content ends. */
bool rt_bytes_read(RtBytes *s, void *bytes, size_t size, size_t *got, RtMessage *message);
/* The rest of the content, NUL-terminated, the caller's to free. */
bool rt_bytes_all(RtBytes *s, char **bytes, size_t *size, RtMessage *message);
bool rt_file_text(const char *path, char **text, size_t *size, RtMessage *message); /* open, all, close */

/* ---- elements ------------------------------------------------------------------------------------------ */

typedef enum RtRaw {
    RT_RAW_U8,
    RT_RAW_I8,
    RT_RAW_I16,
    RT_RAW_U16,
    RT_RAW_I32,
    RT_RAW_U32,
    RT_RAW_I64,
    RT_RAW_U64,
    RT_RAW_F16,
    RT_RAW_F32,
    RT_RAW_F64,
} RtRaw;
size_t rt_raw_size(RtRaw raw);
bool rt_raw_integral(RtRaw raw);
RtElem rt_raw_elem(RtRaw raw); /* smallest RtElem that holds every value (u64: RT_I64) */

typedef struct RtReason {
    char text[160];
} RtReason;

/* dst[k] = src[k] for k < n; src of type `raw` in the byte order `big_endian`, unaligned. false at the first
 * value that does not fit, with its number in *bad and the reason. */
bool rt_convert(const void *src, RtRaw raw, bool big_endian, size_t n, void *dst, RtElem want, unsigned flags,
                size_t *bad, RtReason *why);
/* One value into dst[k], same rules; text formats. */
bool rt_store_int(int64_t value, void *dst, size_t k, RtElem want, RtReason *why);
bool rt_store_real(double value, void *dst, size_t k, RtElem want, unsigned flags, RtReason *why);

/* Product of the extents; false where it (times `size` bytes) overflows. */
bool rt_shape_count(const RtShape *shape, size_t size, uint64_t *count);
bool rt_array_alloc(RtArray *array, const char *path, RtMessage *message); /* from array->shape */
/* "[2, 0, 5]" for element `index`, row-major or (fortran) first axis fastest. */
void rt_place(const RtShape *shape, bool fortran, uint64_t index, char *text, size_t size);

/* The rest of the stream as an array of `shape`: checks the size, allocates, converts, and sees to it that
 * nothing follows. shape->elem is ignored in favour of `want`. */
typedef struct RtPayload {
    RtShape shape;
    RtRaw raw;
    bool big_endian, fortran;
} RtPayload;
bool rt_read_payload(RtBytes *s, const RtPayload *payload, RtElem want, unsigned flags, RtArray *array,
                     RtMessage *message);
/* The size check of rt_read_payload alone, for probes. */
bool rt_check_payload(const RtBytes *s, const RtPayload *payload, RtMessage *message);

/* The header of an NPY file at the beginning of the stream (npy.c, also for npz.c). */
bool rt_npy_header(RtBytes *s, RtPayload *payload, RtMessage *message);

/* ---- numbers in text ----------------------------------------------------------------------------------- */

typedef enum RtNumberKind { RT_NUMBER_NONE, RT_NUMBER_INT, RT_NUMBER_REAL, RT_NUMBER_MISSING } RtNumberKind;
typedef struct RtNumber {
    RtNumberKind kind;
    int64_t integer; /* INT */
    double real;     /* INT (nearest) and REAL */
} RtNumber;
/* Parses a number at p (at most to `end`, which must be a readable byte that is no part of a number, such as
 * NUL); returns the byte after it, or p with kind NONE. Decimal, correctly rounded, whatever the locale;
 * "inf" and "nan" in any case and "true" and "false" are numbers too. MISSING: "NA", "N/A", "null", "?", "."
 * and the like. */
const char *rt_number(const char *p, const char *end, RtNumber *number);

bool rt_names_push(RtNameList *names, const char *text, size_t length); /* false: out of memory */
/* "a", "b", "c", … for messages: at most 12 names. */
void rt_names_list(const RtNameList *names, char *text, size_t size);

#endif
