/* Where data files are looked for, in a directory tree made for the test; and numbers in text against the C
 * library. */
#include "check.h"

#include "data/reader.h"

#include <math.h>
#include <sys/stat.h>

static char root[64];

static void touch(const char *relative) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, relative);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("x\n1\n", f);
    fclose(f);
}

static void expect_found(const char *name, const char *directory, const char *where) {
    char path[300], want[300], full[300];
    RtMessage m = {""};
    snprintf(full, sizeof full, "%s/%s", root, directory);
    snprintf(want, sizeof want, "%s/%s", root, where);
    if (!rt_data_find(name, full, path, sizeof path, &m))
        fail_msg("%s", m.text);
    assert_string_equal(path, want);
}

static void order_of_places(void **state) {
    (void)state;
    char path[300], name[300], extra[300];
    RtMessage m = {""};
    const char *dir = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.40s/lag-test-XXXXXX", dir ? dir : P_tmpdir);
    assert_non_null(mkdtemp(root));
    touch("program/a.csv");
    touch("program/sub/a.csv");
    touch("program/z.idx.gz");
    touch("extra/b.csv");
    touch("extra/a.csv");
    touch("share/datasets/first/c.csv.gz");
    touch("share/datasets/first/d.csv");
    touch("share/datasets/second/d.csv");
    touch("share/datasets/top.csv");
    snprintf(extra, sizeof extra, "%s/none:%s/extra", root, root);
    setenv("LAG_DATA", extra, 1);
    snprintf(extra, sizeof extra, "%s/share", root);
    setenv("XDG_DATA_DIRS", extra, 1);
    expect_found("a.csv", "program", "program/a.csv");
    expect_found("sub/a.csv", "program", "program/sub/a.csv");
    expect_found("../extra/b.csv", "program", "program/../extra/b.csv");
    expect_found("z.idx", "program", "program/z.idx.gz");
    expect_found("b.csv", "program", "extra/b.csv");
    expect_found("c.csv", "program", "share/datasets/first/c.csv.gz");
    expect_found("top.csv", "program", "share/datasets/top.csv");
    expect_found("second/d.csv", "program", "share/datasets/second/d.csv");
    assert_false(rt_data_find("d.csv", "program", path, sizeof path, &m));
    expect_message(&m, "in more than one data set");
    assert_false(rt_data_find("sub", root, path, sizeof path, &m)); /* a directory is no file */
    expect_message(&m, "\"sub\" is not found; looked in");
    assert_false(rt_data_find("*.csv", "program", path, sizeof path, &m));
    snprintf(name, sizeof name, "%s/program/a.csv", root);
    assert_true(rt_data_find(name, "elsewhere", path, sizeof path, &m));
    assert_string_equal(path, name);
    assert_false(rt_data_find("/no/such/file", NULL, path, sizeof path, &m));
    assert_false(rt_data_find("", NULL, path, sizeof path, &m));
    assert_false(rt_data_find("a.csv", root, path, 10, &m)); /* no room for the path */
    unsetenv("LAG_DATA");
    unsetenv("XDG_DATA_DIRS");
    static const char *const made[] = {
        "program/sub/a.csv",
        "program/a.csv",
        "program/z.idx.gz",
        "extra/b.csv",
        "extra/a.csv",
        "share/datasets/first/c.csv.gz",
        "share/datasets/first/d.csv",
        "share/datasets/second/d.csv",
        "share/datasets/top.csv",
        "program/sub",
        "program",
        "extra",
        "share/datasets/first",
        "share/datasets/second",
        "share/datasets",
        "share",
        "",
    };
    for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
        snprintf(path, sizeof path, "%s/%s", root, made[k]);
        assert_int_equal(remove(path), 0);
    }
}

static void same_bits(const char *text) {
    RtNumber n;
    double want = strtod(text, NULL);
    const char *end = rt_number(text, text + strlen(text), &n);
    if (*end || memcmp(&want, &n.real, sizeof want) != 0)
        fail_msg("%s: %.17g instead of %.17g", text, n.real, want);
}

static void numbers_round_correctly(void **state) {
    (void)state;
    static const char *const hard[] = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1",
        "-1",
        "+7.5",
        ".5",
        "5.",
        "1e5",
        "1E-5",
        "1e+5",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000001",
        "0.1",
        "0.30000000000000004",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "1e400",
        "1e-400",
        "123456789012345678901234567890",
        "0.000000000000000000000000000001234567890123456789",
        "1e23",
        "8.5e22",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1152921504606847104.5",
        "1e99999999999999999999",
        "00000000000000000000012.5",
        "0.00000000000000000000000000000000000000012",
        "5e-27",
        "4503599627370497.5",
        "4503599627370496.5",
    };
    for (size_t k = 0; k < sizeof hard / sizeof *hard; k++)
        same_bits(hard[k]);
    uint64_t random = 1;
    char text[64];
    for (int k = 0; k < 100000; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int digits = 1 + (int)(random >> 60) + (int)(random >> 62), exponent = (int)(random >> 50 & 63) - 40;
        double v = (double)(random >> 11) * 0x1p-53;
        snprintf(text, sizeof text,
                 k % 3 == 0   ? "%.*e"
                 : k % 3 == 1 ? "%.*f"
                              : "%.*g",
                 digits, ldexp(v, exponent));
        same_bits(text);
    }
}

static void kinds_of_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        RtNumberKind kind;
        int64_t integer;
        int length;
    } t[] = {
        {"12,", RT_NUMBER_INT, 12, 2},
        {"-9223372036854775807", RT_NUMBER_INT, -INT64_MAX, 20},
        {"9223372036854775808", RT_NUMBER_REAL, 0, 19},
        {"1e3", RT_NUMBER_REAL, 0, 3},
        {"1.0", RT_NUMBER_REAL, 0, 3},
        {"1e", RT_NUMBER_INT, 1, 1},
        {"1e+", RT_NUMBER_INT, 1, 1},
        {"0x10", RT_NUMBER_INT, 0, 1},
        {"TRUE", RT_NUMBER_INT, 1, 4},
        {"NA", RT_NUMBER_MISSING, 0, 2},
        {"?", RT_NUMBER_MISSING, 0, 1},
        {".", RT_NUMBER_MISSING, 0, 1},
        {"-Inf", RT_NUMBER_REAL, 0, 4},
        {"nan", RT_NUMBER_REAL, 0, 3},
        {"abc", RT_NUMBER_NONE, 0, 0},
        {"", RT_NUMBER_NONE, 0, 0},
        {"-", RT_NUMBER_NONE, 0, 0},
        {"-NA", RT_NUMBER_NONE, 0, 0},
        {"+", RT_NUMBER_NONE, 0, 0},
        {"e5", RT_NUMBER_NONE, 0, 0},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        RtNumber n;
        const char *end = rt_number(t[k].text, t[k].text + strlen(t[k].text), &n);
        if (n.kind != t[k].kind || end - t[k].text != t[k].length)
            fail_msg("\"%s\": kind %d, %d bytes", t[k].text, (int)n.kind, (int)(end - t[k].text));
        if (n.kind == RT_NUMBER_INT)
            assert_int_equal(n.integer, t[k].integer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_places),
        cmocka_unit_test(numbers_round_correctly),
        cmocka_unit_test(kinds_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
