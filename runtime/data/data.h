/* data — tensors from files, and the rows of minibatches.
 *
 * A format is one file (idx.c, csv.c, npy.c, npz.c, json.c) that ends in a const RtFormat; formats.def lists
 * them. Every format reads gzip transparently, checks what a file claims against its size before anything is
 * allocated, and gives one message with the place when a file is not what it should be. Nothing here prints
 * or exits. */
#ifndef LAG_RT_DATA_H
#define LAG_RT_DATA_H

#include "../message.h"

#include <stddef.h>
#include <stdint.h>

#define RT_MAX_RANK 8

/* How elements are stored; the values are those of IrElem. Booleans are RT_U8. */
typedef enum RtElem { RT_F64, RT_F32, RT_I64, RT_I32, RT_U8 } RtElem;
size_t rt_elem_size(RtElem elem);      /* bytes */
const char *rt_elem_name(RtElem elem); /* as a user calls it: "f64", "f32", "int", "i32", "byte" */

typedef struct RtShape {
    RtElem elem;   /* the smallest element type that holds what the file's type holds */
    bool integral; /* every value is a whole number (text formats: as written) */
    uint32_t rank;
    uint64_t extent[RT_MAX_RANK]; /* row-major */
} RtShape;

typedef struct RtArray {
    RtShape shape;
    void *values; /* product of extents elements, row-major, 64-byte aligned; rt_array_free */
} RtArray;
void rt_array_free(RtArray *array); /* zeroed; NULL values are fine */

/* What to read. `path` is used as it stands (rt_data_find looks a name up); all pointers stay the
 * caller's. */
typedef struct RtSource {
    const char *format; /* a name of formats.def */
    const char *path;
    const char *key; /* NAMED: array or key; NULL: the only one there is (json: the whole document) */
    bool key_or_only; /* NAMED: the one of that name, or else the only one there is */
    const char *const *columns; /* TABLE: columns in this order; none: all in the order of the file… */
    size_t n_columns;
    const char *const *except; /* …but these… */
    size_t n_except;
    enum { RT_COLUMNS_ALL, RT_COLUMNS_LAST, RT_COLUMNS_BUT_LAST } left; /* …and only, or not, the last */
    bool vector; /* TABLE: exactly one column is meant, and the result is of rank 1 */
} RtSource;

typedef struct RtNameList {
    char **at;
    size_t n;
} RtNameList;
void rt_names_free(RtNameList *names);

enum {
    RT_ALLOW_NONFINITE = 1, /* NaN and infinity are welcome; missing values of text formats become NaN */
};

struct RtBytes;
struct RtPayload;
typedef struct RtFormat {
    const char *name;
    /* A binary format that is a header and then the elements: reads the header. NULL: the two that follow. */
    bool (*header)(struct RtBytes *bytes, struct RtPayload *payload, RtMessage *message);
    /* Shape and element type. Cheap: binary formats read their header alone, text formats are scanned
     * once. */
    bool (*probe)(const RtSource *source, RtShape *shape, RtMessage *message);
    /* All values as `want`. A value `want` cannot hold exactly (2.5 as int, 300 as byte, 2⁵³+1 of an integer
     * file as f64) is an error naming its place; numbers written in decimal, and f64 as f32, round to
     * nearest. */
    bool (*read)(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *message);
    /* csv: column names, npz: arrays, json: keys of the document. NULL: the format has no names. */
    bool (*names)(const RtSource *source, RtNameList *names, RtMessage *message);
} RtFormat;

const RtFormat *rt_format(const char *name); /* NULL: no such format */
const RtFormat *const *rt_formats(void);     /* all, NULL-terminated */

/* The three of a format, found by source->format. On failure: false, `message` set, nothing to free. */
bool rt_data_probe(const RtSource *source, RtShape *shape, RtMessage *message);
bool rt_data_read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *message);
bool rt_data_names(const RtSource *source, RtNameList *names, RtMessage *message);

/* Where `name` is, looked for in this order: as it stands when absolute; in `directory` (the program's, NULL
 * or "": the present one); in each directory of the environment variable LAG_DATA; in share/datasets/ of the
 * system's data directories (XDG_DATA_DIRS, or /usr/local/share and /usr/share) and, for a bare file name, in
 * the folders one level below. Every place is tried with ".gz" appended too. A bare name that two data sets
 * have is an error naming both. On success `path` holds it; on failure the message lists the places. */
bool rt_data_find(const char *name, const char *directory, char *path, size_t size, RtMessage *message);

/* digits · 10^exponent rounded to the nearest double, without the C library; false where this fast way cannot
 * tell (number.c), and then strtod can. */
bool rt_decimal(uint64_t digits, long exponent, double *value);

/* ---- batches ------------------------------------------------------------------------------------------- */

/* An endless reproducible stream of row numbers. Epoch e is a fresh uniform permutation of the rows, a
 * function of (seed, e) alone; batch k takes places k·batch … k·batch+batch-1 of the epochs laid end to end,
 * so batches run on across epochs and every row is used equally often. The permutation is drawn as it is used
 * (forward Fisher-Yates), a few nanoseconds a row with no pause at the start of an epoch but the renumbering
 * of n integers. */
typedef struct RtBatches RtBatches;

/* rows: the `n` row numbers to draw from, copied (a part), or NULL for 0 … n-1. shuffle false: always in
 * order. */
RtBatches *rt_batches_new(const int64_t *rows, uint64_t n, uint64_t batch, uint64_t seed, bool shuffle,
                          RtMessage *message);
void rt_batches_free(RtBatches *batches);
/* Writes the `batch` row numbers of the next batch. */
void rt_batches_next(RtBatches *batches, int64_t *rows);
/* The next batch will be number k (from 0). Costs at most one epoch of drawing. */
void rt_batches_seek(RtBatches *batches, uint64_t k);
uint64_t rt_batches_position(const RtBatches *batches); /* number of the next batch */
/* How many batches begin in the first `epochs` epochs: ⌈epochs·n / batch⌉. */
uint64_t rt_batches_in_epochs(const RtBatches *batches, uint64_t epochs);

/* One part of the rows 0 … rows-1 dealt out to several: those at the places first … first+count-1 of a
 * uniform permutation that is a function of the seed, or of the order in which they stand. */
typedef struct RtPart {
    uint64_t rows, first, count;
    uint64_t seed;
    bool in_order;
} RtPart;
/* The row numbers of the part, ascending, as an array of rank 1. Fails for an empty part, one that reaches
 * past the rows, and more than 2³² - 1 rows. */
bool rt_part(const RtPart *part, RtArray *array, RtMessage *message);

#endif
