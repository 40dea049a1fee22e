/* formats — the list of formats. A new one is its file and one line here. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

extern const RtFormat rt_format_idx, rt_format_csv, rt_format_npy, rt_format_npz, rt_format_json;

static const RtFormat *const formats[] = {
    &rt_format_idx, &rt_format_csv, &rt_format_npy, &rt_format_npz, &rt_format_json, NULL,
};

const RtFormat *const *rt_formats(void)
{
    return formats;
}

const RtFormat *rt_format(const char *name)
{
    for (const RtFormat *const *f = formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

static const RtFormat *find(const RtSource *source, RtMessage *m)
{
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

bool rt_data_probe(const RtSource *source, RtShape *shape, RtMessage *m)
{
    const RtFormat *f = find(source, m);
    memset(shape, 0, sizeof *shape);
    return f && f->probe(source, shape, m);
}

bool rt_data_read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *m)
{
    const RtFormat *f = find(source, m);
    memset(array, 0, sizeof *array);
    return f && f->read(source, want, flags, array, m);
}

bool rt_data_names(const RtSource *source, RtNameList *names, RtMessage *m)
{
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

bool rt_names_push(RtNameList *names, const char *text, size_t length)
{
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

void rt_names_free(RtNameList *names)
{
    for (size_t k = 0; k < names->n; k++)
        free(names->at[k]);
    free(names->at);
    memset(names, 0, sizeof *names);
}

void rt_names_list(const RtNameList *names, char *text, size_t size)
{
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
