/* check — what the tests of rt_report share. */
#ifndef LAG_TEST_RT_REPORT_CHECK_H
#define LAG_TEST_RT_REPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/report.h"

/* A fresh directory for the test's files; temp_path names one in it. */
static char temp_root[64];

__attribute__((unused)) static int temp_begin(void **state) {
    (void)state;
    const char *dir = getenv("TMPDIR");
    snprintf(temp_root, sizeof temp_root, "%.40s/lag-test-XXXXXX", dir ? dir : P_tmpdir);
    return mkdtemp(temp_root) ? 0 : -1;
}

__attribute__((unused)) static int temp_end(void **state) {
    (void)state;
    return rmdir(temp_root); /* fails when a test, or a file given up half written, has left something */
}

__attribute__((unused)) static const char *temp_path(char path[200], const char *name) {
    snprintf(path, 200, "%s/%s", temp_root, name);
    return path;
}

__attribute__((unused)) static char *slurp(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *bytes = calloc(1, 1 << 20);
    *size = fread(bytes, 1, (1 << 20) - 1, f);
    fclose(f);
    return bytes;
}

__attribute__((unused)) static void expect_in(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("expected \"%s\" in: %s", part, text);
}

#endif
