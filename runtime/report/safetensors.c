/* safetensors — named tensors in one file: a little-endian u64 with the length of a JSON header {name:
 * {dtype, shape, data_offsets}}, the header padded with blanks, and the values (the format of the safetensors
 * project, whose own readers demand that the values leave no gap and do not overlap). */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_HEADER 100000000u /* what the format allows */

static const char *const dtypes[] = {
    [RT_F64] = "F64", [RT_F32] = "F32", [RT_I64] = "I64", [RT_I32] = "I32", [RT_U8] = "U8"};

static bool tensor_bytes(const RtTensor *t, uint64_t *bytes) {
    *bytes = rt_elem_size(t->elem);
    for (uint32_t k = 0; k < t->rank; k++)
        if (__builtin_mul_overflow(*bytes, t->extent[k], bytes))
            return false;
    return true;
}

/* ---- writing ---- */

static json_t *entry(const RtTensor *t, uint64_t begin, uint64_t end) {
    json_t *shape = json_array();
    for (uint32_t k = 0; k < t->rank; k++)
        json_array_append_new(shape, json_integer((json_int_t)t->extent[k]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[t->elem], "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

static json_t *header_of(const RtTensor *tensors, size_t n, const char *const (*meta)[2], size_t n_meta,
                         const char **repeated) {
    json_t *root = json_object();
    uint64_t at = 0, bytes;
    if (n_meta > 0) {
        json_t *pairs = json_object();
        for (size_t k = 0; k < n_meta; k++)
            json_object_set_new(pairs, meta[k][0], json_string(meta[k][1]));
        json_object_set_new(root, "__metadata__", pairs);
    }
    for (size_t size = 8; size > 0; size /= 2) /* larger elements first, so that all lie aligned */
        for (size_t k = 0; k < n; k++) {
            if (rt_elem_size(tensors[k].elem) != size)
                continue;
            tensor_bytes(&tensors[k], &bytes);
            if (json_object_get(root, tensors[k].name))
                *repeated = tensors[k].name;
            json_object_set_new(root, tensors[k].name, entry(&tensors[k], at, at + bytes));
            at += bytes;
        }
    return root;
}

bool rt_safetensors_write(const char *path, const RtTensor *tensors, size_t n, const char *const (*meta)[2],
                          size_t n_meta, RtMessage *m) {
    const char *repeated = NULL;
    json_t *root = header_of(tensors, n, meta, n_meta, &repeated);
    char *text = json_dumps(root, JSON_COMPACT);
    size_t entries = json_object_size(root) - (n_meta > 0);
    json_decref(root);
    if (repeated || !text || entries != n) {
        free(text);
        return repeated ? rt_fail(m, "%s: two tensors are called \"%s\"", path, repeated)
                        : rt_fail(m, "%s: a tensor's name is not UTF-8, or memory is short", path);
    }
    RtOutFile *out = rt_out_open(path, m);
    if (!out) {
        free(text);
        return false;
    }
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    unsigned char head[8];
    for (int k = 0; k < 8; k++)
        head[k] = (unsigned char)((uint64_t)padded >> (8 * k));
    rt_out_write(out, head, 8);
    rt_out_write(out, text, length);
    rt_out_write(out, "        ", padded - length);
    free(text);
    for (size_t size = 8; size > 0; size /= 2)
        for (size_t k = 0; k < n; k++) {
            uint64_t bytes;
            if (rt_elem_size(tensors[k].elem) == size && tensor_bytes(&tensors[k], &bytes))
                rt_out_write(out, tensors[k].values, bytes);
        }
    return rt_out_close(out, m);
}

/* ---- reading ---- */

static bool load(const char *path, char **bytes, uint64_t *size, RtMessage *m) {
    struct stat st;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return rt_fail(m, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        fclose(f);
        return rt_fail(m, "%s: is not a regular file", path);
    }
    *size = (uint64_t)st.st_size;
    *bytes = aligned_alloc(64, (*size + 1 + 63) / 64 * 64);
    bool ok = *bytes ? fread(*bytes, 1, *size, f) == *size || rt_fail(m, "%s: reading failed", path)
                     : rt_fail(m, "%s: not enough memory to hold the file", path);
    fclose(f);
    if (!ok) {
        free(*bytes);
        *bytes = NULL;
    }
    return ok;
}

static bool whole(const json_t *v, uint64_t *out) {
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool element(const char *text, RtElem *elem) {
    for (RtElem e = RT_F64; e <= RT_U8; e++)
        if (strcmp(dtypes[e], text) == 0) {
            *elem = e;
            return true;
        }
    *elem = RT_U8;
    return strcmp(text, "BOOL") == 0;
}

/* One entry of the header; its offsets to begin and end. */
static bool read_entry(const char *path, const char *name, const json_t *v, RtTensor *t, uint64_t *begin,
                       uint64_t *end, RtMessage *m) {
    const char *dtype = json_string_value(json_object_get(v, "dtype"));
    const json_t *shape = json_object_get(v, "shape"), *offsets = json_object_get(v, "data_offsets");
    uint64_t bytes;
    if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2 ||
        !whole(json_array_get(offsets, 0), begin) || !whole(json_array_get(offsets, 1), end))
        return rt_fail(m, "%s: the entry of \"%s\" is not dtype, shape and data_offsets: the file is damaged",
                       path, name);
    if (!element(dtype, &t->elem))
        return rt_fail(m, "%s: \"%s\" has elements of type %s; F64, F32, I64, I32, U8 and BOOL can be read",
                       path, name, dtype);
    if (json_array_size(shape) > RT_MAX_RANK)
        return rt_fail(m, "%s: \"%s\" has more than %d axes", path, name, RT_MAX_RANK);
    t->rank = (uint32_t)json_array_size(shape);
    for (uint32_t k = 0; k < t->rank; k++)
        if (!whole(json_array_get(shape, k), &t->extent[k]))
            return rt_fail(m, "%s: the shape of \"%s\" is not a list of whole numbers: the file is damaged",
                           path, name);
    if (!tensor_bytes(t, &bytes) || *end < *begin || *end - *begin != bytes)
        return rt_fail(m,
                       "%s: \"%s\" takes %" PRIu64
                       " bytes by its offsets and another number by its shape: the file is "
                       "damaged",
                       path, name, *end - *begin);
    t->name = strdup(name);
    return t->name || rt_fail(m, "%s: not enough memory", path);
}

static bool read_meta(const char *path, json_t *v, RtTensorFile *file, RtMessage *m) {
    const char *key;
    json_t *value;
    if (!json_is_object(v))
        return rt_fail(m, "%s: its metadata is not a list of texts: the file is damaged", path);
    file->meta = calloc(json_object_size(v) + 1, sizeof *file->meta);
    if (!file->meta)
        return rt_fail(m, "%s: not enough memory", path);
    json_object_foreach (v, key, value) {
        if (!json_is_string(value))
            return rt_fail(m, "%s: the metadata \"%s\" is not a text: the file is damaged", path, key);
        file->meta[file->n_meta][0] = strdup(key);
        file->meta[file->n_meta++][1] = strdup(json_string_value(value));
    }
    return true;
}

static int by_place(const void *a, const void *b) {
    const RtTensor *x = a, *y = b;
    return (x->values > y->values) - (x->values < y->values);
}

/* Every byte of the values belongs to exactly one tensor. */
static bool check_places(const char *path, RtTensorFile *file, const char *data, uint64_t size,
                         RtMessage *m) {
    qsort(file->at, file->n, sizeof *file->at, by_place);
    const char *expected = data;
    for (size_t k = 0; k < file->n; k++) {
        const char *begin = file->at[k].values;
        uint64_t bytes;
        tensor_bytes(&file->at[k], &bytes);
        if (bytes > 0 && begin != expected)
            return rt_fail(m, "%s: \"%s\" %s: the file is damaged", path, file->at[k].name,
                           begin < expected ? "overlaps another tensor" : "leaves a gap before it");
        expected += bytes;
    }
    if ((uint64_t)(expected - data) != size)
        return rt_fail(m, "%s: %" PRIu64 " bytes at the end belong to no tensor: the file is damaged", path,
                       size - (uint64_t)(expected - data));
    return true;
}

static bool read_header(const char *path, json_t *root, char *data, uint64_t size, RtTensorFile *file,
                        RtMessage *m) {
    const char *name;
    json_t *v;
    file->at = calloc(json_object_size(root) + 1, sizeof *file->at);
    if (!file->at)
        return rt_fail(m, "%s: not enough memory", path);
    json_object_foreach (root, name, v) {
        uint64_t begin = 0, end = 0;
        if (strcmp(name, "__metadata__") == 0) {
            if (!read_meta(path, v, file, m))
                return false;
            continue;
        }
        RtTensor *t = &file->at[file->n];
        if (!read_entry(path, name, v, t, &begin, &end, m))
            return false;
        file->n++;
        if (end > size)
            return rt_fail(
                m, "%s: \"%s\" ends %" PRIu64 " bytes behind the end of the file: the file is cut short",
                path, name, end - size);
        t->values = data + begin;
    }
    return check_places(path, file, data, size, m);
}

bool rt_safetensors_read(const char *path, RtTensorFile *file, RtMessage *m) {
    char *bytes = NULL;
    uint64_t size = 0, length = 0;
    json_error_t error;
    memset(file, 0, sizeof *file);
    if (!load(path, &bytes, &size, m))
        return false;
    file->memory = bytes;
    for (int k = 7; k >= 0 && size >= 8; k--)
        length = length << 8 | (unsigned char)bytes[k];
    json_t *root = NULL;
    if (size < 8 || length > size - 8 || length > MOST_HEADER || length < 2 || bytes[8] != '{')
        rt_fail(m, "%s: not a safetensors file, or cut short", path);
    else if (!(root = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, &error)))
        rt_fail(m, "%s: its header is not readable (%s): the file is damaged", path, error.text);
    /* a header of another writer may have an odd length: the values move to where they are aligned */
    if (root && length % 8)
        memmove(bytes + 8 + length / 8 * 8, bytes + 8 + length, size - 8 - length);
    bool ok = root && read_header(path, root, bytes + 8 + length / 8 * 8, size - 8 - length, file, m);
    json_decref(root);
    if (!ok)
        rt_tensor_file_free(file);
    return ok;
}

void rt_tensor_file_free(RtTensorFile *file) {
    for (size_t k = 0; k < file->n; k++)
        free((char *)file->at[k].name);
    for (size_t k = 0; k < file->n_meta; k++) {
        free(file->meta[k][0]);
        free(file->meta[k][1]);
    }
    free(file->at);
    free(file->meta);
    free(file->memory);
    memset(file, 0, sizeof *file);
}

const RtTensor *rt_tensor_find(const RtTensorFile *file, const char *name) {
    for (size_t k = 0; k < file->n; k++)
        if (strcmp(file->at[k].name, name) == 0)
            return &file->at[k];
    return NULL;
}
