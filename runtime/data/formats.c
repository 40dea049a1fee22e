/* formats — what is done with formats.def: a new format is its file and one line there. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT(name, holds) extern const RtFormat rt_format_##name;
#include "formats.def"

static const RtFormat *const formats[] = {
#define FORMAT(name, holds) &rt_format_##name,
#include "formats.def"
    NULL,
};

const RtFormat *const *rt_formats(void) {
    return formats;
}

const RtFormat *rt_format(const char *name) {
    for (const RtFormat *const *f = formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

static const RtFormat *find(const RtSource *source, RtMessage *m) {
    const RtFormat *f = rt_format(source->format);
    char names[200] = "";
    if (f)
        return f;
    for (const RtFormat *const *k = formats; *k; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", k == formats ? "" : ", ",
                 (*k)->name);
    rt_fail(m, "there is no data format \"%s\"; there are %s", source->format, names);
    return NULL;
}

static bool probe_header(const RtFormat *f, const RtSource *source, RtShape *shape, RtMessage *m) {
    RtBytes s;
    RtPayload p;
    if (!rt_bytes_open(&s, source->path, m))
        return false;
    bool ok = f->header(&s, &p, m) && rt_check_payload(&s, &p, m);
    if (ok)
        *shape = p.shape;
    rt_bytes_close(&s);
    return ok;
}

static bool read_payload(const RtFormat *f, const RtSource *source, RtElem want, unsigned flags,
                         RtArray *array, RtMessage *m) {
    RtBytes s;
    RtPayload p;
    if (!rt_bytes_open(&s, source->path, m))
        return false;
    bool ok = f->header(&s, &p, m) && rt_read_payload(&s, &p, want, flags, array, m);
    rt_bytes_close(&s);
    return ok;
}

bool rt_data_probe(const RtSource *source, RtShape *shape, RtMessage *m) {
    const RtFormat *f = find(source, m);
    memset(shape, 0, sizeof *shape);
    return f && (f->header ? probe_header(f, source, shape, m) : f->probe(source, shape, m));
}

bool rt_data_read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *m) {
    const RtFormat *f = find(source, m);
    memset(array, 0, sizeof *array);
    if (f && f->header)
        return read_payload(f, source, want, flags, array, m);
    return f && f->read(source, want, flags, array, m);
}

bool rt_data_names(const RtSource *source, RtNameList *names, RtMessage *m) {
    const RtFormat *f = find(source, m);
    memset(names, 0, sizeof *names);
    if (!f)
        return false;
    if (!f->names)
        return rt_fail(m, "%s: %s files hold one unnamed array", source->path, f->name);
    if (f->names(source, names, m))
        return true;
    rt_names_free(names);
    return false;
}

bool rt_names_push(RtNameList *names, const char *text, size_t length) {
    if ((names->n & (names->n - 1)) == 0) { /* full at every power of two */
        char **more = realloc(names->at, (names->n ? 2 * names->n : 1) * sizeof *more);
        if (!more)
            return false;
        names->at = more;
    }
    char *copy = strndup(text, length);
    if (!copy)
        return false;
    names->at[names->n++] = copy;
    return true;
}

void rt_names_free(RtNameList *names) {
    for (size_t k = 0; k < names->n; k++)
        free(names->at[k]);
    free(names->at);
    memset(names, 0, sizeof *names);
}

void rt_names_list(const RtNameList *names, char *text, size_t size) {
    size_t n = 0;
    text[0] = '\0';
    for (size_t k = 0; k < names->n && n < size; k++) {
        if (k == 12) {
            snprintf(text + n, size - n, ", …");
            break;
        }
        n += (size_t)snprintf(text + n, size - n, "%s\"%s\"", k ? ", " : "", names->at[k]);
    }
}
