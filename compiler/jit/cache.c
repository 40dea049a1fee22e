/* The cache of compiled code: one file an entry, named by its key, in $XDG_CACHE_HOME/lag or ~/.cache/lag.
 *
 * An entry is a header (what it is, its key, its length, a hash of its content) and the object. It is written
 * under another name and renamed, so it is there whole or not at all, and processes that write it at once
 * write the same. Reading checks everything; an entry that fails is removed and rebuilt by whoever wanted it.
 * Nothing here is an error for the user: where the folder cannot be used, code is compiled anew. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "internal.h"

typedef struct Header {
    char magic[8];
    uint64_t length;
    uint8_t key[32], hash[32];
} Header;

static const char magic[8] = {'l', 'a', 'g', 'c', 'o', 'd', 'e', '1'};

/* The cache is swept when an entry is written and it has grown past these. */
enum { MOST_ENTRIES = 1000 };
static const uint64_t most_bytes = (uint64_t)256 << 20;

const char *jit_cache_directory(Session *session) {
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/') /* a relative one is to be ignored (XDG Base Directory Specification) */
        return arena_printf(session->arena, "%s/lag", base);
    if (home && home[0] == '/')
        return arena_printf(session->arena, "%s/.cache/lag", home);
    return NULL;
}

static const char *entry_path(Session *session, const JitKey *key) {
    const char *directory = jit_cache_directory(session);
    if (!directory)
        return NULL;
    char name[2 * sizeof key->bytes + 1];
    for (size_t i = 0; i < sizeof key->bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", key->bytes[i]);
    return arena_printf(session->arena, "%s/%s.o", directory, name);
}

/* Makes the folder and those above it. */
static bool make_directory(const char *path) {
    char *copy = strdup(path);
    for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            free(copy);
            return false;
        }
        *slash = '/';
    }
    bool ok = mkdir(copy, 0700) == 0 || errno == EEXIST;
    free(copy);
    return ok;
}

static bool read_all(int file, void *to, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t got = read(file, (char *)to + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_all(int file, const void *from, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t put = write(file, (const char *)from + done, n - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static void hash_of(const void *bytes, size_t n, uint8_t result[32]) {
    Hash hash;
    hash_begin(&hash);
    hash_add(&hash, bytes, n);
    hash_end(&hash, result);
}

/* Reads and checks the open entry. */
static bool read_entry(int file, const struct stat *info, const JitKey *key, Buf *object) {
    Header header;
    uint8_t hash[32];
    if (!read_all(file, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 ||
        memcmp(header.key, key->bytes, sizeof header.key) != 0 ||
        header.length != (uint64_t)info->st_size - sizeof header || header.length > most_bytes)
        return false;
    object->n = (size_t)header.length;
    object->cap = object->n + 1;
    object->at = base_realloc(object->at, object->cap);
    object->at[object->n] = 0;
    if (!read_all(file, object->at, object->n))
        return false;
    hash_of(object->at, object->n, hash);
    return memcmp(hash, header.hash, sizeof hash) == 0;
}

bool cache_read(Session *session, const JitKey *key, Buf *object) {
    const char *path = entry_path(session, key);
    int file = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (file < 0)
        return false;
    struct stat info;
    /* code is run only from files that nobody but this user can have written */
    bool ours = fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
                (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    bool good = ours && (size_t)info.st_size >= sizeof(Header) && read_entry(file, &info, key, object);
    if (good && time(NULL) - info.st_mtime > 3600)
        futimens(file, NULL); /* used lately: entries are evicted oldest first */
    close(file);
    if (ours && !good)
        unlink(path);
    return good;
}

void cache_remove(Session *session, const JitKey *key) {
    const char *path = entry_path(session, key);
    if (path)
        unlink(path);
}

typedef struct Entry {
    char *name;
    time_t used;
    uint64_t size;
} Entry;

static int by_age(const void *a, const void *b) {
    const Entry *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used;
}

/* Removes the entries used longest ago until a quarter of the room is free, and what writers that were killed
 * left behind an hour ago or more. */
static void sweep(const char *directory) {
    DIR *folder = opendir(directory);
    if (!folder)
        return;
    VEC(Entry) entries = {0};
    uint64_t total = 0;
    time_t now = time(NULL);
    for (struct dirent *item; (item = readdir(folder));) {
        struct stat info;
        if (fstatat(dirfd(folder), item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            continue;
        size_t length = strlen(item->d_name);
        if (length > 2 && strcmp(item->d_name + length - 2, ".o") == 0) {
            vec_push(&entries, (Entry){strdup(item->d_name), info.st_mtime, (uint64_t)info.st_size});
            total += (uint64_t)info.st_size;
        } else if (now - info.st_mtime > 3600) {
            unlinkat(dirfd(folder), item->d_name, 0);
        }
    }
    bool full = total > most_bytes || entries.n > MOST_ENTRIES;
    if (full)
        qsort(entries.at, entries.n, sizeof *entries.at, by_age);
    uint32_t left = entries.n;
    for (uint32_t i = 0; i < entries.n; i++) {
        if (full && (total > most_bytes / 4 * 3 || left > MOST_ENTRIES / 4 * 3)) {
            unlinkat(dirfd(folder), entries.at[i].name, 0);
            total -= entries.at[i].size;
            left--;
        }
        free(entries.at[i].name);
    }
    vec_free(&entries);
    closedir(folder);
}

void cache_write(Session *session, const JitKey *key, const Buf *object) {
    const char *directory = jit_cache_directory(session), *path = entry_path(session, key);
    if (!directory || object->n > most_bytes / 4 || !make_directory(directory))
        return;
    Header header = {.length = object->n};
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.key, key->bytes, sizeof header.key);
    hash_of(object->at, object->n, header.hash);
    char *scratch = arena_printf(session->arena, "%s/new-XXXXXX", directory);
    int file = mkostemp(scratch, O_CLOEXEC);
    if (file < 0)
        return;
    /* no fsync: after a crash of the machine the hash tells a torn entry */
    bool ok = write_all(file, &header, sizeof header) && write_all(file, object->at, object->n);
    ok = close(file) == 0 && ok;
    if (!ok || rename(scratch, path) != 0) {
        unlink(scratch);
        return;
    }
    sweep(directory);
}
