/* file — a file that appears whole or not at all. */
#define _GNU_SOURCE
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct RtOutFile {
    FILE *stream;
    char *path, *temporary;
    int error; /* errno of the first write that failed */
};

static bool cannot(RtMessage *m, const char *path, int error) {
    if (error == ENOSPC || error == EDQUOT)
        return rt_fail(m, "%s: cannot be written: %s; make room and run again, nothing half written is left",
                       path, error == ENOSPC ? "the disk is full" : "the disk quota is used up");
    if (error == EACCES || error == EPERM || error == EROFS)
        return rt_fail(m, "%s: cannot be written: %s; choose another directory with --out", path,
                       error == EROFS ? "the file system is read-only" : "permission denied");
    if (error == ENOENT)
        return rt_fail(m, "%s: cannot be written: its directory does not exist", path);
    if (error == EFBIG)
        return rt_fail(m, "%s: cannot be written: larger than the file size allowed here", path);
    return rt_fail(m, "%s: cannot be written: %s", path, strerror(error));
}

bool rt_out_directory(const char *path, RtMessage *m) {
    struct stat st;
    char *copy = strdup(path);
    int error = copy ? 0 : ENOMEM;
    for (char *p = copy; !error && p && *p;) {
        p += strspn(p, "/");
        p += strcspn(p, "/");
        char before = *p;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            error = errno;
        *p = before;
    }
    free(copy);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    if (stat(path, &st) == 0)
        return rt_fail(m, "%s: is a file; results need a directory", path);
    return rt_fail(m, "%s: the directory cannot be made: %s", path, strerror(error ? error : errno));
}

static void release(RtOutFile *f) {
    free(f->path);
    free(f->temporary);
    free(f);
}

enum { MOST_WRITERS = 1000 };

/* Whether the file of this name, open as `fd`, is ours alone from here on: a writer holds the lock of its file, and one that was
 * killed has let go of it. The name may have gone to another file since it was opened. */
static bool is_ours(int fd, const char *name) {
    struct stat open, named;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &open) == 0 && stat(name, &named) == 0 &&
           open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/* A name beside `path` that nobody is writing to: "path.part1", "path.part2", … */
static int open_beside(RtOutFile *f) {
    for (int k = 1; k < MOST_WRITERS; k++) {
        free(f->temporary);
        if (asprintf(&f->temporary, "%s.part%d", f->path, k) < 0) {
            f->temporary = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = open(f->temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0)
            return fd;
        if (is_ours(fd, f->temporary) && ftruncate(fd, 0) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

void rt_out_remove(const char *path) {
    unlink(path);
    for (int k = 1; k < MOST_WRITERS; k++) {
        char *name;
        if (asprintf(&name, "%s.part%d", path, k) < 0)
            return;
        int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && is_ours(fd, name))
            unlink(name);
        free(name);
        if (fd < 0)
            return;
        close(fd);
    }
}

RtOutFile *rt_out_open(const char *path, RtMessage *m) {
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        rt_fail(m, "%s: cannot be written: it is %s", path,
                S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
        return NULL;
    }
    RtOutFile *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        rt_fail(m, "%s: not enough memory", path);
        return NULL;
    }
    int fd = open_beside(f);
    if (fd < 0) {
        cannot(m, path, errno);
        release(f);
        return NULL;
    }
    f->stream = fdopen(fd, "wb");
    if (!f->stream) {
        close(fd);
        unlink(f->temporary);
        release(f);
        rt_fail(m, "%s: not enough memory", path);
        return NULL;
    }
    return f;
}

void rt_out_write(RtOutFile *f, const void *bytes, size_t size) {
    if (!f->error && size > 0 && fwrite(bytes, 1, size, f->stream) != size)
        f->error = errno ? errno : EIO;
}

void rt_out_printf(RtOutFile *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!f->error && vfprintf(f->stream, format, args) < 0)
        f->error = errno ? errno : EIO;
    va_end(args);
}

void rt_out_abandon(RtOutFile *f) {
    if (f->stream)
        fclose(f->stream);
    unlink(f->temporary);
    release(f);
}

bool rt_out_close(RtOutFile *f, RtMessage *m) {
    if (!f->error && fflush(f->stream) != 0)
        f->error = errno;
    if (!f->error && fsync(fileno(f->stream)) != 0 && errno != EINVAL && errno != EROFS)
        f->error = errno;
    if (fclose(f->stream) != 0 && !f->error)
        f->error = errno;
    f->stream = NULL;
    if (!f->error && rename(f->temporary, f->path) != 0)
        f->error = errno;
    if (f->error) {
        cannot(m, f->path, f->error);
        rt_out_abandon(f);
        return false;
    }
    release(f);
    return true;
}
