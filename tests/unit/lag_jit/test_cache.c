/* The cache of compiled code: what is stored comes back and runs; what was damaged, cut short or meddled with
 * is taken for missing and removed; several processes at once; folders that cannot be used; the bound on its
 * size. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dirent.h>

#include <cmocka.h>

#include "jit/hash.h"
#include "jit/internal.h"
#include "object.h"

/* Each test has a cache of its own, named by XDG_CACHE_HOME. */
typedef struct Place {
    Session *session;
    char root[64], folder[80];
} Place;

static int set_up(void **state) {
    Place *place = calloc(1, sizeof *place);
    place->session = session_new();
    snprintf(place->root, sizeof place->root, "%s/lag-cache-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    if (!mkdtemp(place->root))
        return -1;
    snprintf(place->folder, sizeof place->folder, "%s/lag", place->root);
    setenv("XDG_CACHE_HOME", place->root, 1);
    *state = place;
    return 0;
}

static void empty(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *item; folder && (item = readdir(folder));)
        if (strcmp(item->d_name, ".") && strcmp(item->d_name, ".."))
            unlinkat(dirfd(folder), item->d_name, 0);
    if (folder)
        closedir(folder);
}

static int tear_down(void **state) {
    Place *place = *state;
    chmod(place->folder, 0700);
    empty(place->folder);
    rmdir(place->folder);
    empty(place->root);
    rmdir(place->root);
    session_free(place->session);
    free(place);
    return 0;
}

static JitKey key_of(uint8_t first) {
    JitKey key;
    memset(key.bytes, 0xab, sizeof key.bytes);
    key.bytes[0] = first;
    return key;
}

static char *path_of(const Place *place, const JitKey *key) {
    char name[65];
    for (size_t i = 0; i < 32; i++)
        snprintf(name + 2 * i, 3, "%02x", key->bytes[i]);
    return arena_printf(place->session->arena, "%s/%s.o", place->folder, name);
}

static Buf content_of(int seed, size_t n) {
    Buf content = {0};
    for (size_t i = 0; i < n; i++) {
        char byte = (char)(seed * 31 + (int)(i * i % 251));
        buf_write(&content, &byte, 1);
    }
    return content;
}

static int count_files(const char *path) {
    int n = 0;
    DIR *folder = opendir(path);
    for (struct dirent *item; folder && (item = readdir(folder));)
        n += item->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return n;
}

static void test_hash(void **state) {
    (void)state;
    /* BLAKE2b with 32 bytes of result, made with another implementation */
    static const struct {
        const char *text;
        int times;
        const char *digest;
    } known[] = {
        {"", 0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
        {"abc", 1, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
        {"a", 127, "59e2f1aba240f20aa591016f5ef429990bc9c2131dcd0d30f0ffd75ed18f317d"},
        {"b", 128, "3be061d8b7919eea8948a3d8c6f466abf2b177dc34f81378171305ccc6fc98d9"},
        {"c", 129, "9088ae45b9d8bbf20a290b6a1a71ed5d0b6dd8e2a7c52f56c4b521c6a0f2fcd0"},
        {"0123456789", 1000, "788c991832e20337d48d6e0f7c74289f10573e847ea540e0c65887b44acb3590"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Hash hash;
        uint8_t result[32];
        char text[65];
        hash_begin(&hash);
        for (int k = 0; k < known[i].times; k++)
            hash_add(&hash, known[i].text, strlen(known[i].text));
        hash_end(&hash, result);
        for (size_t k = 0; k < 32; k++)
            snprintf(text + 2 * k, 3, "%02x", result[k]);
        assert_string_equal(text, known[i].digest);
    }
}

static void test_store_and_read(void **state) {
    Place *place = *state;
    static const size_t sizes[] = {0, 1, 1000, 300000};
    for (size_t s = 0; s < 4; s++) {
        JitKey key = key_of((uint8_t)s), other = key_of(200);
        Buf content = content_of((int)s, sizes[s]), back = {0};
        assert_false(cache_read(place->session, &key, &back));
        cache_write(place->session, &key, &content);
        assert_true(cache_read(place->session, &key, &back));
        assert_int_equal(back.n, content.n);
        if (content.n)
            assert_memory_equal(back.at, content.at, content.n);
        assert_false(cache_read(place->session, &other, &back));
        buf_free(&content);
        buf_free(&back);
    }
    assert_int_equal(count_files(place->folder), 4); /* nothing left over from writing */
    assert_string_equal(jit_cache_directory(place->session), place->folder);
    assert_int_equal(diag_error_count(place->session), 0);
}

/* Every byte of an entry counts, and so does its length. */
static void test_damage(void **state) {
    Place *place = *state;
    JitKey key = key_of(1);
    Buf content = content_of(1, 300), back = {0};
    const char *path = path_of(place, &key);
    cache_write(place->session, &key, &content);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    for (long at = 0; at < info.st_size; at++) {
        cache_write(place->session, &key, &content);
        FILE *file = fopen(path, "r+b");
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x10, file);
        fclose(file);
        assert_false(cache_read(place->session, &key, &back));
        assert_int_not_equal(access(path, F_OK), 0); /* removed */
    }
    for (long length = 0; length < info.st_size + 3; length++) {
        cache_write(place->session, &key, &content);
        assert_int_equal(truncate(path, length), 0);
        assert_int_equal(cache_read(place->session, &key, &back), length == info.st_size);
    }
    cache_write(place->session, &key, &content);
    assert_true(cache_read(place->session, &key, &back)); /* and it can always be made anew */
    buf_free(&content);
    buf_free(&back);
}

/* Code that someone else could have written is not run, nor is what a link leads to. */
static void test_strangers(void **state) {
    Place *place = *state;
    JitKey key = key_of(1), link = key_of(2);
    Buf content = content_of(1, 300), back = {0};
    cache_write(place->session, &key, &content);
    assert_int_equal(chmod(path_of(place, &key), 0666), 0);
    assert_false(cache_read(place->session, &key, &back));
    cache_write(place->session, &key, &content);
    assert_true(cache_read(place->session, &key, &back));
    assert_int_equal(symlink(path_of(place, &key), path_of(place, &link)), 0);
    assert_false(cache_read(place->session, &link, &back));
    assert_int_equal(mkdir(path_of(place, &(JitKey){{9}}), 0700), 0);
    assert_false(cache_read(place->session, &(JitKey){{9}}, &back));
    rmdir(path_of(place, &(JitKey){{9}}));
    buf_free(&content);
    buf_free(&back);
}

/* Folders that are not there, cannot be written to or are no folders: no cache, and no complaint. */
static void test_no_folder(void **state) {
    Place *place = *state;
    JitKey key = key_of(1);
    Buf content = content_of(1, 300), back = {0};
    FILE *file = fopen(place->folder, "w");
    fclose(file);
    cache_write(place->session, &key, &content);
    assert_false(cache_read(place->session, &key, &back));
    unlink(place->folder);
    setenv("XDG_CACHE_HOME", "relative/folder", 1);
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    unsetenv("HOME");
    assert_null(jit_cache_directory(place->session));
    cache_write(place->session, &key, &content);
    assert_false(cache_read(place->session, &key, &back));
    setenv("HOME", place->root, 1);
    assert_non_null(strstr(jit_cache_directory(place->session), "/.cache/lag"));
    if (home)
        setenv("HOME", home, 1);
    setenv("XDG_CACHE_HOME", "/proc/none", 1);
    cache_write(place->session, &key, &content);
    assert_false(cache_read(place->session, &key, &back));
    assert_int_equal(diag_error_count(place->session), 0);
    free(home);
    buf_free(&content);
    buf_free(&back);
}

/* Four processes write and read the same few entries: every read is a miss or the right content. */
static void test_processes(void **state) {
    Place *place = *state;
    pid_t child[4];
    for (int c = 0; c < 4; c++) {
        child[c] = fork();
        if (child[c] != 0)
            continue;
        int wrong = 0, hits = 0;
        for (int round = 0; round < 150; round++) {
            int entry = (round * 7 + c) % 5;
            JitKey key = key_of((uint8_t)entry);
            Buf content = content_of(entry, 20000), back = {0};
            if (cache_read(place->session, &key, &back)) {
                wrong += back.n != content.n || memcmp(back.at, content.at, content.n) != 0;
                hits++;
            }
            if (round % 3 == 0)
                cache_write(place->session, &key, &content);
            if (round % 50 == 49)
                cache_remove(place->session, &key);
            buf_free(&content);
            buf_free(&back);
        }
        _exit(wrong != 0 || hits == 0);
    }
    for (int c = 0; c < 4; c++) {
        int status = -1;
        assert_int_equal(waitpid(child[c], &status, 0), child[c]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_true(count_files(place->folder) <= 5);
}

/* Past a thousand entries the ones used longest ago go; so do the remains of writers that were killed. */
static void test_bounded(void **state) {
    Place *place = *state;
    JitKey key = key_of(1), old = key_of(2);
    Buf content = content_of(1, 100), back = {0};
    cache_write(place->session, &old, &content);
    struct timespec long_ago[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(place, &old), long_ago, 0), 0);
    assert_true(cache_read(place->session, &old, &back)); /* used again: young */
    for (int i = 0; i < 1100; i++) {
        const char *path = arena_printf(place->session->arena, "%s/%04d.o", place->folder, i);
        int file = open(path, O_CREAT | O_WRONLY, 0600);
        struct timespec then[2] = {{.tv_sec = 2000000 + i}, {.tv_sec = 2000000 + i}};
        futimens(file, then);
        close(file);
    }
    const char *left = arena_printf(place->session->arena, "%s/new-abcdef", place->folder);
    close(open(left, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(utimensat(AT_FDCWD, left, long_ago, 0), 0);
    cache_write(place->session, &key, &content);
    assert_in_range(count_files(place->folder), 700, 760);
    assert_true(cache_read(place->session, &key, &back) && cache_read(place->session, &old, &back));
    assert_int_not_equal(access(left, F_OK), 0);
    assert_int_not_equal(access(arena_printf(place->session->arena, "%s/0000.o", place->folder), F_OK), 0);
    assert_int_equal(access(arena_printf(place->session->arena, "%s/1099.o", place->folder), F_OK), 0);
    buf_free(&content);
    buf_free(&back);
}

/* Stored code runs; an entry whole in itself but no object, or one that wants what may not be called, is
 * dropped. */
static void test_load(void **state) {
    Place *place = *state;
    JitKey key = key_of(1), bad = key_of(2), worse = key_of(3);
    Buf object = {0}, noise = content_of(5, 5000), caller = {0};
    assert_null(jit_load(place->session, &key));
    assert_true(
        object_from_assembly(place->session, "define i32 @answer(ptr %frame) {\n  ret i32 42\n}\n", &object));
    assert_true(object_from_assembly(place->session,
                                     "declare i32 @getpid()\ndefine i32 @f() {\n  %r = call i32 @getpid()\n"
                                     "  ret i32 %r\n}\n",
                                     &caller));
    Objects good = {0}, calling = {0};
    Buf packed = {0}, packed_calling = {0};
    vec_push(&good, object);
    vec_push(&calling, object);
    vec_push(&calling, caller);
    objects_pack(&good, &packed);
    objects_pack(&calling, &packed_calling);
    cache_write(place->session, &key, &packed);
    cache_write(place->session, &bad, &noise);
    cache_write(place->session, &worse, &packed_calling);
    JitCode *code = jit_load(place->session, &key);
    assert_non_null(code);
    int32_t (*answer)(void *) = (int32_t(*)(void *))jit_symbol(code, "answer");
    assert_int_equal(answer(NULL), 42);
    assert_null(jit_symbol(code, "question"));
    assert_true(jit_times(code).load > 0 && jit_times(code).generate == 0);
    jit_free(code);
    assert_null(jit_load(place->session, &bad));
    assert_null(jit_load(place->session, &worse));
    assert_int_equal(access(path_of(place, &bad), F_OK), -1);
    assert_int_equal(access(path_of(place, &worse), F_OK), -1);
    assert_int_equal(diag_error_count(place->session), 0);
    jit_free(NULL);
    vec_free(&good);
    vec_free(&calling);
    buf_free(&packed);
    buf_free(&packed_calling);
    buf_free(&object);
    buf_free(&noise);
    buf_free(&caller);
}

/* Several objects come back as they were; a list cut short anywhere is refused. */
static void test_packing(void **state) {
    (void)state;
    Objects objects = {0}, back = {0};
    Buf packed = {0};
    for (uint32_t i = 1; i <= 3; i++)
        vec_push(&objects, content_of(i, 100 * i));
    objects_pack(&objects, &packed);
    assert_int_equal(packed.n, 600 + 3 * 8);
    assert_true(objects_unpack(&packed, &back));
    assert_int_equal(back.n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(back.at[i].n, objects.at[i].n);
        assert_memory_equal(back.at[i].at, objects.at[i].at, objects.at[i].n);
    }
    jit_objects_free(&back);
    for (size_t n = 0; n < packed.n; n++) {
        bool whole = n == 108 || n == 316; /* ends of the first and the second */
        assert_int_equal(objects_unpack(&(Buf){.at = packed.at, .n = n}, &back), whole);
        jit_objects_free(&back);
    }
    jit_objects_free(&objects);
    buf_free(&packed);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash), cmocka_unit_test(test_packing), IN_A_PLACE(test_store_and_read), IN_A_PLACE(test_damage),
        IN_A_PLACE(test_strangers),  IN_A_PLACE(test_no_folder),      IN_A_PLACE(test_processes),
        IN_A_PLACE(test_bounded),    IN_A_PLACE(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
