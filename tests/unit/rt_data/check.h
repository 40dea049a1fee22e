/* check — what the tests of the data readers share. */
#ifndef LAG_TEST_RT_DATA_CHECK_H
#define LAG_TEST_RT_DATA_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/data.h"

#define FILES "unit/rt_data/files/"

/* Writes `size` bytes to a fresh temporary file whose name goes to path[64]. */
__attribute__((unused)) static void write_temp(const void *bytes, size_t size, char *path) {
    const char *dir = getenv("TMPDIR");
    snprintf(path, 64, "%.40s/lag-test-XXXXXX", dir ? dir : P_tmpdir);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

/* A whole small file. */
__attribute__((unused)) static size_t slurp(const char *path, char *bytes, size_t room) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    assert_true(n < room);
    fclose(f);
    return n;
}

__attribute__((unused)) static void expect_message(const RtMessage *m, const char *part) {
    if (!strstr(m->text, part))
        fail_msg("expected \"%s\" in the message: %s", part, m->text);
}

/* Reading fails, probing too unless `values_only`, and the message has `part`. */
__attribute__((unused)) static void expect_failure(RtSource source, RtElem want, const char *part) {
    RtMessage m = {""};
    RtArray a;
    if (rt_data_read(&source, want, 0, &a, &m))
        fail_msg("%s was read", source.path);
    assert_null(a.values);
    expect_message(&m, part);
}

/* CSV and JSON from a string. */
__attribute__((unused)) static void expect_text_failure(RtSource source, const char *text, RtElem want,
                                                        const char *part) {
    char path[64];
    write_temp(text, strlen(text), path);
    source.path = path;
    expect_failure(source, want, part);
    unlink(path);
}

__attribute__((unused)) static RtArray must_read(RtSource source, RtElem want, unsigned flags) {
    RtMessage m = {""};
    RtArray a;
    RtShape s;
    if (!rt_data_read(&source, want, flags, &a, &m) || !rt_data_probe(&source, &s, &m))
        fail_msg("%s", m.text);
    assert_int_equal(s.rank, a.shape.rank);
    assert_memory_equal(s.extent, a.shape.extent, s.rank * sizeof *s.extent);
    assert_int_equal(s.integral, a.shape.integral);
    assert_int_equal((uintptr_t)a.values % 64, 0);
    return a;
}

#endif
