/* bytes — the bytes of a regular file, gzip undone where the file begins with its magic number.
 *
 * zlib's own gzFile reads past damage too kindly (it ignores whatever follows the last member), so inflate is
 * driven here: a cut file, a wrong checksum and trailing bytes are each an error. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 1 << 16 };

typedef struct File {
    int fd;
    bool gzip, ended; /* ended: the last member was complete and nothing followed */
    uint64_t consumed;
    z_stream z;
    size_t n; /* bytes in `block` */
    unsigned char block[BLOCK];
} File;

static ptrdiff_t file_read(RtBytes *s, void *bytes, size_t size, RtMessage *m) {
    File *f = s->context;
    for (;;) {
        ssize_t n = read(f->fd, bytes, size < (1u << 30) ? size : (1u << 30));
        if (n >= 0)
            return n;
        if (errno != EINTR) {
            rt_fail(m, "%s: reading failed: %s", s->path, strerror(errno));
            return -1;
        }
    }
}

static bool refill(RtBytes *s, RtMessage *m) {
    File *f = s->context;
    ptrdiff_t n = file_read(s, f->block, BLOCK, m);
    if (n < 0)
        return false;
    f->n = (size_t)n;
    f->consumed += (uint64_t)n;
    f->z.next_in = f->block;
    f->z.avail_in = (uInt)n;
    return true;
}

/* After a complete member: another member, zero padding, or the end. */
static bool next_member(RtBytes *s, RtMessage *m) {
    File *f = s->context;
    bool padding = false;
    for (;;) {
        if (f->z.avail_in == 0 && !refill(s, m))
            return false;
        if (f->z.avail_in == 0) {
            f->ended = true;
            return true;
        }
        if (*f->z.next_in == 0x1f && !padding)
            return inflateReset(&f->z) == Z_OK;
        if (*f->z.next_in != 0)
            return rt_fail(
                m,
                "%s: from byte %llu on, something follows the compressed data that does not belong to it: "
                "the file is damaged",
                s->path, (unsigned long long)(f->consumed - f->z.avail_in));
        padding = true;
        f->z.next_in++;
        f->z.avail_in--;
    }
}

static ptrdiff_t gzip_pull(RtBytes *s, void *bytes, size_t size, RtMessage *m) {
    File *f = s->context;
    size_t want = size < (1u << 30) ? size : (1u << 30);
    f->z.next_out = bytes;
    f->z.avail_out = (uInt)want;
    while (f->z.avail_out > 0 && !f->ended) {
        if (f->z.avail_in == 0) {
            if (!refill(s, m))
                return -1;
            if (f->z.avail_in == 0) {
                rt_fail(m,
                        "%s: the compressed data breaks off; the file is cut short: fetch or write it "
                        "again",
                        s->path);
                return -1;
            }
        }
        int status = inflate(&f->z, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            if (!next_member(s, m))
                return -1;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            rt_fail(m,
                    "%s: the compressed data is corrupt near byte %llu (%s): fetch or write the file again",
                    s->path, (unsigned long long)(f->consumed - f->z.avail_in),
                    f->z.msg ? f->z.msg : zError(status));
            return -1;
        }
    }
    return (ptrdiff_t)(want - f->z.avail_out);
}

static ptrdiff_t plain_pull(RtBytes *s, void *bytes, size_t size, RtMessage *m) {
    File *f = s->context;
    if (f->n > 0) { /* what was read to look at the magic number */
        size_t n = f->n < size ? f->n : size;
        memcpy(bytes, f->z.next_in, n);
        f->z.next_in += n;
        f->n -= n;
        return (ptrdiff_t)n;
    }
    return file_read(s, bytes, size, m);
}

static void file_close(RtBytes *s) {
    File *f = s->context;
    if (f->gzip)
        inflateEnd(&f->z);
    close(f->fd);
    free(f);
}

/* Opens a regular file without ever waiting (a pipe would). */
static int open_regular(const char *path, uint64_t *size, RtMessage *m) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT)
            rt_fail(m, "%s: there is no such file", path);
        else
            rt_fail(m, "%s: cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (S_ISDIR(st.st_mode))
            rt_fail(m, "%s: is a directory; name a file in it", path);
        else
            rt_fail(m, "%s: is not a regular file; data is read from regular files only", path);
        close(fd);
        return -1;
    }
    if (st.st_size == 0) {
        rt_fail(m, "%s: the file is empty", path);
        close(fd);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

bool rt_bytes_open(RtBytes *s, const char *path, RtMessage *m) {
    uint64_t size;
    memset(s, 0, sizeof *s);
    s->path = path;
    int fd = open_regular(path, &size, m);
    if (fd < 0)
        return false;
    File *f = calloc(1, sizeof *f);
    if (!f) {
        close(fd);
        return rt_fail(m, "%s: not enough memory", path);
    }
    f->fd = fd;
    s->context = f;
    s->close = file_close;
    s->bound = size;
    if (!refill(s, m)) {
        file_close(s);
        return false;
    }
    f->gzip = f->n >= 2 && f->block[0] == 0x1f && f->block[1] == 0x8b;
    s->pull = f->gzip ? gzip_pull : plain_pull;
    s->exact = !f->gzip;
    if (f->gzip) {
        /* deflate cannot shrink by more than 1032 to 1 */
        s->bound = size > UINT64_MAX / 1100 ? UINT64_MAX : size * 1100;
        if (inflateInit2(&f->z, 15 + 16) != Z_OK) {
            f->gzip = false;
            file_close(s);
            return rt_fail(m, "%s: not enough memory", path);
        }
    }
    return true;
}

void rt_bytes_close(RtBytes *s) {
    if (s->close)
        s->close(s);
    s->close = NULL;
}

bool rt_bytes_read(RtBytes *s, void *bytes, size_t size, size_t *got, RtMessage *m) {
    *got = 0;
    while (*got < size) {
        ptrdiff_t n = s->pull(s, (char *)bytes + *got, size - *got, m);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *got += (size_t)n;
        s->at += (uint64_t)n;
    }
    return true;
}

bool rt_bytes_all(RtBytes *s, char **bytes, size_t *size, RtMessage *m) {
    size_t cap = s->exact ? (size_t)(s->bound - s->at) + 2 : BLOCK, n = 0, got;
    char *at = malloc(cap);
    for (; at; n += got) {
        if (!rt_bytes_read(s, at + n, cap - 1 - n, &got, m)) {
            free(at);
            return false;
        }
        if (got < cap - 1 - n) {
            n += got;
            break;
        }
        /* full: either the end, or there is more than the size promised */
        char *more = cap > SIZE_MAX / 2 ? NULL : realloc(at, 2 * cap);
        if (!more)
            free(at);
        at = more;
        cap *= 2;
    }
    if (!at)
        return rt_fail(m, "%s: not enough memory to hold the file", s->path);
    at[n] = '\0';
    *bytes = at;
    *size = n;
    return true;
}

bool rt_file_text(const char *path, char **text, size_t *size, RtMessage *m) {
    RtBytes s;
    if (!rt_bytes_open(&s, path, m))
        return false;
    bool ok = rt_bytes_all(&s, text, size, m);
    rt_bytes_close(&s);
    return ok;
}
