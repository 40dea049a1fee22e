/* report — what comes out of a run: recorded series, parameters, tables, and how far it has got.
 *
 * A file appears whole or not at all: it is written under another name in the same directory, flushed to the
 * disk and renamed. Nothing here prints anywhere but to a FILE the caller hands in. */
#ifndef LAG_RT_REPORT_H
#define LAG_RT_REPORT_H

#include "../data/data.h"
#include "../message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- files that appear whole or not at all ------------------------------------------------------------- */

typedef struct RtOutFile RtOutFile;

/* Makes the directory `path` and those above it where they are missing. */
bool rt_out_directory(const char *path, RtMessage *message);
/* Opens the file that will become `path`, taking the place of what a writer that was killed has left; NULL with a message when the directory cannot be written to. */
RtOutFile *rt_out_open(const char *path, RtMessage *message);
/* Write failures are remembered and reported by rt_out_close. */
void rt_out_write(RtOutFile *f, const void *bytes, size_t size);
void rt_out_printf(RtOutFile *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the file and gives it its name. On failure (a full disk) the message says so, `path` is as it was
 * before and nothing is left behind. `f` is gone either way. */
bool rt_out_close(RtOutFile *f, RtMessage *message);
void rt_out_abandon(RtOutFile *f); /* gives up: no trace */
/* Removes the file, and what writers of it that were killed have left. */
void rt_out_remove(const char *path);

/* ---- recorded series ----------------------------------------------------------------------------------- */

/* A table that grows by rows; a field is a scalar or a tensor and takes as many columns as it has
 * elements. */
typedef struct RtSeries RtSeries;

RtSeries *rt_series_new(void); /* NULL: out of memory */
void rt_series_free(RtSeries *s);
/* Adds a field before the first row; its number, or -1: out of memory. `name` is copied. */
int rt_series_field(RtSeries *s, const char *name, uint32_t rank, const uint64_t *extent);
/* Adds a row: the elements of all fields in order, rt_series_width doubles. false: out of memory, nothing
 * lost. */
bool rt_series_append(RtSeries *s, const double *row);
void rt_series_truncate(RtSeries *s, uint64_t rows); /* back to the first `rows`, for resuming */
uint64_t rt_series_rows(const RtSeries *s);
size_t rt_series_width(const RtSeries *s); /* columns */
int rt_series_fields(const RtSeries *s);
const char *rt_series_name(const RtSeries *s, int field);
const double *rt_series_row(const RtSeries *s, uint64_t row);
/* Elements of a field, and the column it begins at. */
size_t rt_series_size(const RtSeries *s, int field, size_t *first);
/* One line of names (tensors as name[0], "name[0,1]"), then the rows, every number with the digits that give
 * back its exact value; NaN as nan, infinity as inf. */
bool rt_series_write_csv(const RtSeries *s, const char *path, RtMessage *message);
/* The array [rows, extents…] of one field as f8, NPY version 1. */
bool rt_series_write_npy(const RtSeries *s, int field, const char *path, RtMessage *message);

/* Any array of `elem` as NPY, row-major. */
bool rt_npy_write(const char *path, RtElem elem, uint32_t rank, const uint64_t *extent, const void *values,
                  RtMessage *message);

/* An empty series with the same fields, after one number called `first` (NULL: without one). NULL: out of memory. */
RtSeries *rt_series_like(const RtSeries *s, const char *first);

/* ---- parameters ---------------------------------------------------------------------------------------- */

typedef struct RtTensor {
    const char *name;
    RtElem elem;
    uint32_t rank;
    uint64_t extent[RT_MAX_RANK];
    const void *values; /* row-major, little-endian */
} RtTensor;

/* The safetensors format: u64 length, JSON header, raw values; tensors of larger elements first, all aligned
 * to 8 bytes. `meta`: n_meta pairs key, value for the header's "__metadata__". */
bool rt_safetensors_write(const char *path, const RtTensor *tensors, size_t n, const char *const (*meta)[2],
                          size_t n_meta, RtMessage *message);

typedef struct RtTensorFile {
    RtTensor *at; /* in the order of their place in the file */
    size_t n;
    char *(*meta)[2];
    size_t n_meta;
    void *memory; /* the file's bytes, where the values lie */
} RtTensorFile;
/* Reads and checks all of it: lengths, element types, shapes, offsets without gaps or overlaps, names used
 * once. */
bool rt_safetensors_read(const char *path, RtTensorFile *file, RtMessage *message);
void rt_tensor_file_free(RtTensorFile *file);
const RtTensor *rt_tensor_find(const RtTensorFile *file, const char *name); /* NULL: none */

/* ---- numbers for people -------------------------------------------------------------------------------- */

typedef struct RtText {
    char text[48];
} RtText;
RtText rt_text_number(double v);   /* four significant digits: 0.3124, 12.30, 60,000, 1.2e-5, nan */
RtText rt_text_count(double v);    /* whole: 249,000 */
RtText rt_text_duration(double s); /* 850 ms, 12.3 s, 4 min 05 s, 2 h 03 min */
RtText rt_text_exact(double v); /* the fewest of 15, 16, 17 digits that read back as v, whatever the locale */
size_t rt_text_width(const char *utf8); /* columns on a terminal: code points, combining ones not counted */

/* ---- tables -------------------------------------------------------------------------------------------- */

typedef struct RtTable RtTable;
RtTable *rt_table_new(size_t n_columns, const char *const *headings); /* NULL: out of memory */
bool rt_table_row(RtTable *t, const char *const *cells);
/* Columns aligned, those of numbers to the right. */
void rt_table_print(const RtTable *t, FILE *out, bool colour);
void rt_table_free(RtTable *t);

/* ---- progress ------------------------------------------------------------------------------------------ */

typedef enum RtProgressMode {
    RT_PROGRESS_NONE,
    RT_PROGRESS_TERMINAL, /* one line, rewritten at most ten times a second */
    RT_PROGRESS_PLAIN,    /* a line at marks, and otherwise at most every five seconds */
    RT_PROGRESS_JSON,     /* one object a line at marks, and otherwise at most every second */
} RtProgressMode;

typedef struct RtProgress {
    FILE *out;
    RtProgressMode mode;
    bool colour, utf8, drawn, is_time;
    char title[80], unit[24], label[48];
    double total, done, first, started, shown; /* times in seconds of the monotonic clock */
} RtProgress;

/* What suits `out`: JSON when asked for, TERMINAL for a terminal, else PLAIN. */
RtProgressMode rt_progress_mode(FILE *out, bool json);
bool rt_out_has_colour(FILE *out); /* a terminal, and the user has not said NO_COLOR */
/* `total` in units of `unit` ("samples", "steps"; NULL: it is a time t, and no rate is shown), 0: unknown;
 * `done`: where a resumed run begins. */
void rt_progress_begin(RtProgress *p, FILE *out, RtProgressMode mode, const char *title, const char *unit,
                       double total, double done);
void rt_progress_label(RtProgress *p, const char *label); /* "epoch 2/5": shown behind the title */
/* Cheap to call every step: it only looks at the clock until something is due. Names are in the order of
 * weight: where the line is too short the last ones go first. */
void rt_progress_update(RtProgress *p, double done, size_t n, const char *const *names, const double *values);
/* A natural mark, such as the end of an epoch: shown in every mode, and stays. */
void rt_progress_mark(RtProgress *p, double done, size_t n, const char *const *names, const double *values);
/* The last line: what was done, how long it took, the final values. */
void rt_progress_end(RtProgress *p, double done, size_t n, const char *const *names, const double *values);
/* Takes the live line away so that something else can be printed; the next update draws it again. */
void rt_progress_clear(RtProgress *p);
/* One JSON object on a line of its own: "event", then the values; NaN and infinity as null. */
void rt_json_event(FILE *out, const char *event, size_t n, const char *const *names, const double *values);

#endif
