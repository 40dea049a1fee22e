/* find — where a data file is. */
#include "data.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Search {
    const char *name;
    char *path;
    size_t size;
    char places[600]; /* for the message */
    RtMessage *m;
} Search;

typedef enum Found { FOUND_NO, FOUND_YES, FOUND_AMBIGUOUS } Found;

static bool exists(Search *s, const char *directory, size_t length, const char *between, const char *suffix) {
    struct stat st;
    int n = snprintf(s->path, s->size, "%.*s%s%s%s", (int)length, directory, between, s->name, suffix);
    return n >= 0 && (size_t)n < s->size && stat(s->path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static void place(Search *s, const char *directory, size_t length, const char *after) {
    size_t n = strlen(s->places);
    snprintf(s->places + n, sizeof s->places - n, "%s%.*s%s", n ? ", " : "", (int)length, directory, after);
}

static Found in_directory(Search *s, const char *directory, size_t length, const char *between) {
    return exists(s, directory, length, between, "") || exists(s, directory, length, between, ".gz")
               ? FOUND_YES
               : FOUND_NO;
}

/* share/datasets/NAME of one data directory, and share/datasets/… /NAME for a bare name. */
static Found in_datasets(Search *s, const char *directory, size_t length) {
    char pattern[1024];
    glob_t g = {0};
    Found found = in_directory(s, directory, length, "/datasets/");
    if (found || strchr(s->name, '/') || strpbrk(s->name, "*?[]{}\\~"))
        return found;
    snprintf(pattern, sizeof pattern, "%.*s/datasets/*/%s", (int)length, directory, s->name);
    glob(pattern, 0, NULL, &g);
    snprintf(pattern, sizeof pattern, "%.*s/datasets/*/%s.gz", (int)length, directory, s->name);
    glob(pattern, GLOB_APPEND, NULL, &g);
    if (g.gl_pathc == 1 && strlen(g.gl_pathv[0]) < s->size) {
        strcpy(s->path, g.gl_pathv[0]);
        found = FOUND_YES;
    } else if (g.gl_pathc > 1) {
        rt_fail(s->m, "\"%s\" is in more than one data set: %s and %s; name it with its folder", s->name,
                g.gl_pathv[0], g.gl_pathv[1]);
        found = FOUND_AMBIGUOUS;
    }
    globfree(&g);
    return found;
}

/* Every directory of a colon-separated list. */
static Found in_list(Search *s, const char *list, Found (*look)(Search *, const char *, size_t),
                     const char *after) {
    Found found = FOUND_NO;
    while (!found && *list) {
        size_t n = strcspn(list, ":");
        if (n > 0) {
            found = look(s, list, n);
            place(s, list, n, after);
        }
        list += n + (list[n] == ':');
    }
    return found;
}

static Found in_named(Search *s, const char *directory, size_t length) {
    return in_directory(s, directory, length, "/");
}

bool rt_data_find(const char *name, const char *directory, char *path, size_t size, RtMessage *m) {
    Search s = {.name = name, .path = path, .size = size, .m = m};
    const char *extra = getenv("LAG_DATA"), *system = getenv("XDG_DATA_DIRS");
    if (name[0] == '\0')
        return rt_fail(m, "the name of the data file is empty");
    if (name[0] == '/') {
        if (in_directory(&s, "", 0, "") == FOUND_YES)
            return true;
        return rt_fail(m, "%s: there is no such file", name);
    }
    if (!directory || !*directory)
        directory = ".";
    Found found = in_directory(&s, directory, strlen(directory), "/");
    place(&s, directory, strlen(directory), "");
    if (!found && extra)
        found = in_list(&s, extra, in_named, "");
    if (!found)
        found =
            in_list(&s, system && *system ? system : "/usr/local/share:/usr/share", in_datasets, "/datasets");
    if (found == FOUND_NO)
        rt_fail(m, "\"%s\" is not found; looked in %s; LAG_DATA can name more directories", name, s.places);
    return found == FOUND_YES;
}
