/* json — numbers and rectangular nested arrays under the keys of one object (the layout Stan's tools use), or
 * a document that is such a value itself. true and false are 1 and 0; null is a missing value; "NaN", "Inf",
 * "-Inf" and "Infinity" as strings are the values JSON has no numbers for. */
#include "reader.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reading {
    const char *path, *key;
    RtShape shape;
    void *values; /* NULL: look only */
    RtElem want;
    unsigned flags;
    uint64_t at;
    RtMessage *m;
} Reading;

static json_t *load(const char *path, RtMessage *m) {
    char *text;
    size_t size;
    json_error_t error;
    if (!rt_file_text(path, &text, &size, m))
        return NULL;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root)
        rt_fail(m, "%s, line %d, column %d: not valid JSON: %s", path, error.line, error.column, error.text);
    free(text);
    return root;
}

static bool object_names(const json_t *root, RtNameList *names) {
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)root, key, value)
        if (!rt_names_push(names, key, strlen(key)))
            return false;
    return true;
}

static json_t *choose(json_t *root, const RtSource *source, RtMessage *m) {
    RtNameList names = {0};
    char text[400];
    if (!json_is_object(root)) {
        if (!source->key || source->key_or_only)
            return root;
        rt_fail(m, "%s: there is no key \"%s\": the document is not an object with keys", source->path,
                source->key);
        return NULL;
    }
    json_t *value = source->key                   ? json_object_get(root, source->key)
                    : json_object_size(root) == 1 ? json_object_iter_value(json_object_iter(root))
                                                  : NULL;
    if (!value && source->key_or_only && json_object_size(root) == 1)
        value = json_object_iter_value(json_object_iter(root));
    if (value)
        return value;
    if (object_names(root, &names)) {
        rt_names_list(&names, text, sizeof text);
        if (source->key)
            rt_fail(m, "%s: there is no key \"%s\"; the keys are %s", source->path, source->key, text);
        else
            rt_fail(m, "%s: holds %zu keys; say which: they are %s", source->path, names.n, text);
    }
    rt_names_free(&names);
    return NULL;
}

static const char *kind(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a text";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a truth value";
    case JSON_NULL: return "null";
    }
    return "nothing";
}

/* The shape by the first element on every level; the others are held to it while reading. */
static bool shape_of(Reading *r, const json_t *v) {
    RtShape *s = &r->shape;
    s->rank = 0;
    for (; json_is_array(v); v = json_array_get(v, 0)) {
        if (s->rank == RT_MAX_RANK)
            return rt_fail(r->m, "%s, \"%s\": arrays nested more than %d deep", r->path, r->key, RT_MAX_RANK);
        s->extent[s->rank++] = json_array_size(v);
        if (json_array_size(v) == 0)
            return rt_fail(r->m, "%s, \"%s\": holds no values: an array of it is empty", r->path, r->key);
    }
    return true;
}

static bool fail_at(const Reading *r, uint32_t depth, const char *what) {
    char place[200] = "";
    RtShape s = r->shape;
    uint64_t index = r->at;
    for (uint32_t k = depth; k < s.rank; k++) /* the axes known so far */
        index /= s.extent[k];
    s.rank = depth;
    if (depth > 0)
        rt_place(&s, false, index, place, sizeof place);
    return rt_fail(r->m, "%s, \"%s\"%s: %s", r->path, r->key, place, what);
}

static bool word_value(const char *text, double *v) {
    RtNumber number;
    const char *end = text + strlen(text);
    if (rt_number(text, end, &number) != end || number.kind != RT_NUMBER_REAL || isfinite(number.real))
        return false;
    *v = number.real;
    return true;
}

static bool scalar(Reading *r, const json_t *v) {
    RtReason why = {""};
    double real = NAN;
    bool whole = json_is_integer(v) || json_is_boolean(v), floats = r->want == RT_F64 || r->want == RT_F32;
    int64_t integer = json_is_integer(v) ? (int64_t)json_integer_value(v) : json_is_true(v);
    if (whole)
        real = (double)integer;
    else if (json_is_real(v))
        real = json_real_value(v);
    else if (json_is_null(v) && r->values && !(floats && (r->flags & RT_ALLOW_NONFINITE)))
        return fail_at(r, r->shape.rank, "the value is missing (null)");
    else if (!json_is_null(v) && !(json_is_string(v) && word_value(json_string_value(v), &real))) {
        snprintf(why.text, sizeof why.text, "%s where a number is expected", kind(v));
        return fail_at(r, r->shape.rank, why.text);
    }
    r->shape.integral &= isfinite(real) && real == floor(real);
    if (!r->values)
        return true;
    bool ok = whole && !floats ? rt_store_int(integer, r->values, r->at, r->want, &why)
                               : rt_store_real(real, r->values, r->at, r->want, r->flags, &why);
    return ok || fail_at(r, r->shape.rank, why.text);
}

static bool fill(Reading *r, const json_t *v, uint32_t depth) {
    char what[120];
    if (depth == r->shape.rank) {
        if (!json_is_array(v)) {
            bool ok = scalar(r, v);
            r->at++;
            return ok;
        }
        return fail_at(r, depth, "an array where its neighbours are numbers; the nesting must be even");
    }
    if (!json_is_array(v)) {
        snprintf(what, sizeof what, "%s where its neighbours are arrays; the nesting must be even", kind(v));
        return fail_at(r, depth, what);
    }
    if (json_array_size(v) != r->shape.extent[depth]) {
        snprintf(what, sizeof what,
                 "%zu values where the first array beside it has %" PRIu64 "; arrays must be rectangular",
                 json_array_size(v), r->shape.extent[depth]);
        return fail_at(r, depth, what);
    }
    for (size_t k = 0; k < json_array_size(v); k++)
        if (!fill(r, json_array_get(v, k), depth + 1))
            return false;
    return true;
}

/* Elements there really are, all levels counted: what the claimed shape may not exceed. */
static uint64_t count_numbers(const json_t *v) {
    if (!json_is_array(v))
        return 1;
    uint64_t n = 0;
    for (size_t k = 0; k < json_array_size(v); k++)
        n += count_numbers(json_array_get(v, k));
    return n;
}

static bool begin(Reading *r, const json_t *value) {
    uint64_t count;
    if (!shape_of(r, value))
        return false;
    r->shape.elem = RT_F64;
    r->shape.integral = true;
    /* an uneven document is walked without storing, so that its first uneven place is named and nothing
     * allocated */
    if (rt_shape_count(&r->shape, 8, &count) && count == count_numbers(value))
        return true;
    if (fill(r, value, 0))
        rt_fail(r->m, "%s, \"%s\": arrays must be rectangular", r->path, r->key);
    return false;
}

static bool probe(const RtSource *source, RtShape *shape, RtMessage *m) {
    json_t *root = load(source->path, m);
    json_t *value = root ? choose(root, source, m) : NULL;
    Reading r = {.path = source->path, .key = source->key ? source->key : "the document", .m = m};
    bool ok = value && begin(&r, value) && fill(&r, value, 0);
    if (ok)
        *shape = r.shape;
    json_decref(root);
    return ok;
}

static bool read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *m) {
    json_t *root = load(source->path, m);
    json_t *value = root ? choose(root, source, m) : NULL;
    Reading r = {.path = source->path,
                 .key = source->key ? source->key : "the document",
                 .want = want,
                 .flags = flags,
                 .m = m};
    bool ok = value && begin(&r, value);
    if (ok) {
        array->shape = r.shape;
        array->shape.elem = want;
        ok = rt_array_alloc(array, source->path, m);
        r.values = array->values;
        ok = ok && fill(&r, value, 0);
        array->shape.integral = r.shape.integral;
    }
    if (!ok)
        rt_array_free(array);
    json_decref(root);
    return ok;
}

static bool names(const RtSource *source, RtNameList *list, RtMessage *m) {
    json_t *root = load(source->path, m);
    bool ok = root && (!json_is_object(root) || object_names(root, list));
    if (root && !ok)
        rt_fail(m, "%s: not enough memory", source->path);
    json_decref(root);
    return ok;
}

const RtFormat rt_format_json = {.name = "json", .probe = probe, .read = read, .names = names};
