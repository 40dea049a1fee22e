/* npz — a ZIP archive of NPY files, one an array, as numpy.savez writes it. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "zip_library.h"

typedef struct Archive {
    const char *path;
    const ZipLibrary *lib;
    zip_t *zip;
    zip_file_t *member; /* the open one */
    char label[400]; /* "file.npz, array "x"" for messages about a member */
} Archive;

static bool archive_open(Archive *a, const char *path, RtMessage *m) {
    RtBytes s; /* the same words about files that are missing, empty or no files as every format has */
    int code = 0;
    memset(a, 0, sizeof *a);
    a->path = path;
    if (!rt_bytes_open(&s, path, m))
        return false;
    rt_bytes_close(&s);
    a->lib = zip_library(m);
    if (!a->lib)
        return false;
    a->zip = a->lib->zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
    if (a->zip)
        return true;
    zip_error_t error;
    a->lib->zip_error_init_with_code(&error, code);
    if (code == ZIP_ER_NOZIP)
        rt_fail(m, "%s: not an NPZ file (a ZIP archive), or cut short", path);
    else
        rt_fail(m, "%s: the archive cannot be read: %s", path, a->lib->zip_error_strerror(&error));
    a->lib->zip_error_fini(&error);
    return false;
}

static bool member_names(const Archive *a, RtNameList *names, RtMessage *m) {
    zip_int64_t n = a->lib->zip_get_num_entries(a->zip, 0);
    for (zip_int64_t k = 0; k < n; k++) {
        const char *name = a->lib->zip_get_name(a->zip, (zip_uint64_t)k, 0);
        size_t length = name ? strlen(name) : 0;
        if (length > 4 && strcmp(name + length - 4, ".npy") == 0)
            length -= 4;
        if (!rt_names_push(names, name ? name : "", length))
            return rt_fail(m, "%s: not enough memory", a->path);
    }
    return true;
}

static bool find_member(const Archive *a, const RtSource *source, zip_uint64_t *index, RtMessage *m) {
    const char *key = source->key;
    RtNameList names = {0};
    char text[400];
    size_t found = 0;
    bool ok = member_names(a, &names, m);
    for (size_t k = 0; ok && k < names.n; k++)
        if (!key || strcmp(names.at[k], key) == 0) {
            *index = k;
            found++;
        }
    if (ok && found == 0 && source->key_or_only && names.n == 1) {
        *index = 0;
        found = 1;
    }
    rt_names_list(&names, text, sizeof text);
    if (ok && names.n == 0)
        ok = rt_fail(m, "%s: the archive holds no array", a->path);
    else if (ok && !key && found > 1)
        ok = rt_fail(m, "%s: holds %zu arrays; say which: they are %s", a->path, found, text);
    else if (ok && found == 0)
        ok = rt_fail(m, "%s: there is no array \"%s\"; there are %s", a->path, key, text);
    else if (ok && found > 1)
        ok = rt_fail(m, "%s: %zu arrays are called \"%s\"", a->path, found, key);
    rt_names_free(&names);
    return ok;
}

static ptrdiff_t member_pull(RtBytes *s, void *bytes, size_t size, RtMessage *m) {
    const Archive *a = s->context;
    zip_int64_t n = a->lib->zip_fread(a->member, bytes, size < (1u << 30) ? size : (1u << 30));
    if (n < 0)
        rt_fail(m, "%s: the compressed data is damaged (%s): write the file again", s->path,
                a->lib->zip_file_strerror(a->member));
    return (ptrdiff_t)n;
}

static void member_close(RtBytes *s) {
    const Archive *a = s->context;
    a->lib->zip_fclose(a->member);
}

static bool member_open(Archive *a, const RtSource *source, RtBytes *s, RtMessage *m) {
    zip_uint64_t index = 0;
    zip_stat_t st;
    memset(s, 0, sizeof *s);
    if (!find_member(a, source, &index, m))
        return false;
    snprintf(a->label, sizeof a->label, "%s, array \"%s\"", a->path,
             source->key && !source->key_or_only ? source->key : a->lib->zip_get_name(a->zip, index, 0));
    if (a->lib->zip_stat_index(a->zip, index, 0, &st) != 0 ||
        (~st.valid & (ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE)))
        return rt_fail(m, "%s: the archive does not say how long it is", a->label);
    /* the announced size is checked against the archive: deflate cannot shrink by more than 1032 to 1 */
    if (st.size / 1100 > st.comp_size)
        return rt_fail(
            m,
            "%s: announces %llu bytes in %llu compressed ones, more than there can be: the file is damaged",
            a->label, (unsigned long long)st.size, (unsigned long long)st.comp_size);
    a->member = a->lib->zip_fopen_index(a->zip, index, 0);
    if (!a->member)
        return rt_fail(m, "%s: cannot be read: %s", a->label, a->lib->zip_strerror(a->zip));
    *s = (RtBytes){.path = a->label,
                   .bound = st.size,
                   .exact = true,
                   .pull = member_pull,
                   .close = member_close,
                   .context = a};
    return true;
}

/* The header of the member, and its values where `array` is given; else what it claims is checked and `shape`
 * set. */
static bool take(const RtSource *source, RtShape *shape, RtElem want, unsigned flags, RtArray *array,
                 RtMessage *m) {
    Archive a;
    RtBytes s;
    RtPayload p;
    if (!archive_open(&a, source->path, m))
        return false;
    bool ok = member_open(&a, source, &s, m);
    if (ok) {
        ok = rt_npy_header(&s, &p, m) &&
             (array ? rt_read_payload(&s, &p, want, flags, array, m) : rt_check_payload(&s, &p, m));
        if (ok && shape)
            *shape = p.shape;
        rt_bytes_close(&s);
    }
    a.lib->zip_discard(a.zip);
    return ok;
}

static bool probe(const RtSource *source, RtShape *shape, RtMessage *m) {
    return take(source, shape, RT_F64, 0, NULL, m);
}

static bool read(const RtSource *source, RtElem want, unsigned flags, RtArray *array, RtMessage *m) {
    return take(source, NULL, want, flags, array, m);
}

static bool names(const RtSource *source, RtNameList *list, RtMessage *m) {
    Archive a;
    if (!archive_open(&a, source->path, m))
        return false;
    bool ok = member_names(&a, list, m);
    a.lib->zip_discard(a.zip);
    return ok;
}

const RtFormat rt_format_npz = {.name = "npz", .probe = probe, .read = read, .names = names};
