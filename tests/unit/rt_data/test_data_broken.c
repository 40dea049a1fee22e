/* Files that are not what they should be: each gives one message and never a crash. Every truncation and
 * every damaged byte of the valid files is tried in turn; the sanitizers watch. */
#include "check.h"

#include <math.h>

#include <dirent.h>
#include <sys/stat.h>

enum { ROOM = 1 << 14 };

static const struct {
    const char *format, *file, *key;
    bool text;
} valid[] = {
    {"npy", "n_le_f8.npy", NULL, false}, {"npy", "n_be_i2.npy", NULL, false},
    {"npy", "fortran.npy", NULL, false}, {"npy", "n.npy.gz", NULL, false},
    {"npz", "two.npz", "labels", false}, {"npz", "packed.npz", NULL, false},
    {"idx", "u1.idx", NULL, false},      {"idx", "u1.idx.gz", NULL, false},
    {"idx", "f8.idx", NULL, false},      {"csv", "table.csv.gz", NULL, false},
    {"csv", "table.csv", NULL, true},    {"json", "stan.json", "M", true},
};
enum { N_VALID = sizeof valid / sizeof *valid };

/* Reads and probes the bytes as a file of that format; false with a message, or true. What is read must agree
 * with what was probed. */
static bool attempt(size_t which, const char *bytes, size_t size) {
    static const char *const columns[] = {"x", "label"};
    char path[64];
    RtMessage m = {""}, n = {""};
    RtArray a;
    RtShape s;
    RtNameList names;
    write_temp(bytes, size, path);
    RtSource source = {.format = valid[which].format, .path = path, .key = valid[which].key};
    if (strcmp(source.format, "csv") == 0)
        source.columns = columns, source.n_columns = 2;
    bool ok = rt_data_read(&source, RT_F64, 0, &a, &m);
    assert_true(ok || (!a.values && m.text[0] && strstr(m.text, path)));
    bool probed = rt_data_probe(&source, &s, &n);
    assert_true(probed || n.text[0]);
    assert_true(probed || !ok); /* what can be read can be probed */
    if (ok)
        assert_true(s.rank == a.shape.rank &&
                    memcmp(s.extent, a.shape.extent, s.rank * sizeof *s.extent) == 0);
    if (rt_format(source.format)->names && rt_data_names(&source, &names, &n))
        rt_names_free(&names);
    rt_array_free(&a);
    unlink(path);
    return ok;
}

static size_t load(size_t which, char *bytes) {
    char path[100];
    snprintf(path, sizeof path, FILES "%s", valid[which].file);
    return slurp(path, bytes, ROOM);
}

/* A format that is added comes with a file of it, which the tests below read, cut and damage. */
static void every_format_is_tried(void **state) {
    (void)state;
    for (const RtFormat *const *f = rt_formats(); *f; f++) {
        bool tried = false;
        for (size_t k = 0; k < N_VALID; k++)
            tried = tried || strcmp(valid[k].format, (*f)->name) == 0;
        if (!tried)
            fail_msg("the format %s has no file in `valid`", (*f)->name);
    }
}

static void every_truncation_is_an_error(void **state) {
    (void)state;
    char bytes[ROOM];
    for (size_t k = 0; k < N_VALID; k++) {
        size_t n = load(k, bytes), step = 1 + n / 300;
        for (size_t cut = 0; cut < n; cut += step) {
            bool ok = attempt(k, bytes, cut);
            /* a table may end at the end of any row, and without its last line end */
            if (ok && !(strcmp(valid[k].file, "table.csv") == 0) && !(valid[k].text && cut == n - 1))
                fail_msg("%s cut to %zu of %zu bytes was read", valid[k].file, cut, n);
        }
        assert_true(attempt(k, bytes, n));
    }
}

static void damaged_bytes_never_crash(void **state) {
    (void)state;
    char bytes[ROOM];
    uint32_t random = 12345;
    for (size_t k = 0; k < N_VALID; k++) {
        size_t n = load(k, bytes);
        for (int trial = 0; trial < 150; trial++) {
            random = random * 1664525u + 1013904223u;
            size_t at = (random >> 8) % (trial < 100 && n > 140 ? 140 : n);
            char before = bytes[at];
            random = random * 1664525u + 1013904223u;
            bytes[at] = (char)(random >> 24);
            attempt(k, bytes, n);
            bytes[at] = before;
        }
    }
}

static void trailing_bytes_are_an_error(void **state) {
    (void)state;
    char bytes[ROOM];
    for (size_t k = 0; k < N_VALID; k++) {
        size_t n = load(k, bytes);
        if (strcmp(valid[k].format, "npz") == 0)
            continue; /* the directory of an archive is at its end */
        memcpy(bytes + n, "xyz", 3);
        assert_false(attempt(k, bytes, n + 3));
    }
}

/* A header may claim anything: nothing is allocated before the claim is held against the file's size. */
static void huge_claims(void **state) {
    (void)state;
    char path[64];
    static const unsigned char huge[] = {0,   0,   8,   4,   255, 255, 255, 255, 255, 255, 255,
                                         255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
    static const unsigned char big[] = {0, 0, 14, 1, 255, 255, 255, 255, 1, 2, 3};
    static const unsigned char none[] = {0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 28};
    write_temp(huge, sizeof huge, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_U8, "more than the file can hold");
    unlink(path);
    write_temp(big, sizeof big, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_F64, "more than the file can hold");
    unlink(path);
    write_temp(none, sizeof none, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_U8, "holds no values");
    unlink(path);
    static const char *const shapes[] = {
        "(4000000000, 4000000000, 4000000000)",
        "(99999999999999999999999,)",
        "(1000000,)",
        "(2, 3",
        "(-1,)",
        "(1,1,1,1,1,1,1,1,1)",
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        char text[256] = "\x93NUMPY\1\0\x76\0{'descr': '<f8', 'fortran_order': False, 'shape': ";
        size_t head = 10, n = head + strlen(text + head);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s, }", shapes[k]);
        memset(text + n, ' ', sizeof text - n);
        write_temp(text, 140, path);
        RtMessage m;
        RtArray a;
        assert_false(rt_data_read(&(RtSource){.format = "npy", .path = path}, RT_F64, 0, &a, &m));
        unlink(path);
    }
}

static void wrong_kinds_of_file(void **state) {
    (void)state;
    char path[64];
    for (const RtFormat *const *f = rt_formats(); *f; f++) {
        const char *format = (*f)->name;
        expect_failure((RtSource){.format = format, .path = "unit"}, RT_F64, "unit: is a directory");
        expect_failure((RtSource){.format = format, .path = "unit/none"}, RT_F64,
                       "unit/none: there is no such file");
        expect_failure((RtSource){.format = format, .path = "/dev/zero"}, RT_F64,
                       "is not a regular file");
        write_temp("", 0, path);
        expect_failure((RtSource){.format = format, .path = path}, RT_F64, "the file is empty");
        unlink(path);
        write_temp("\x93PNG\r\n\x1a\n\0\0\0\0\0\0", 14, path);
        expect_failure((RtSource){.format = format, .path = path}, RT_F64, path);
        if (geteuid() != 0) { /* root may read everything */
            chmod(path, 0);
            expect_failure((RtSource){.format = format, .path = path}, RT_F64,
                           "cannot be opened: Permission denied");
        }
        unlink(path);
    }
    expect_failure((RtSource){.format = "npy", .path = FILES "strings.npy"}, RT_F64, "NumPy's type \"<U2\"");
    expect_failure((RtSource){.format = "npy", .path = FILES "records.npy"}, RT_F64,
                   "records with named fields");
    expect_failure((RtSource){.format = "npy", .path = FILES "empty.npy"}, RT_F64, "holds no values");
    expect_failure((RtSource){.format = "npy", .path = FILES "u1.idx"}, RT_F64, "not an NPY file");
    expect_failure((RtSource){.format = "npz", .path = FILES "u1.idx"}, RT_F64, "not an NPZ file");
    expect_failure((RtSource){.format = "idx", .path = FILES "table.csv"}, RT_F64, "not an IDX file");
}

static void gzip_damage_is_named(void **state) {
    (void)state;
    char bytes[ROOM], path[64];
    size_t n = slurp(FILES "u1.idx.gz", bytes, ROOM);
    write_temp(bytes, n - 6, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_U8, "the compressed data breaks off");
    unlink(path);
    bytes[n - 6] ^= 1; /* checksum */
    write_temp(bytes, n, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_U8, "the compressed data is corrupt");
    unlink(path);
    bytes[n - 6] ^= 1;
    memcpy(bytes + n, "\0\0\0", 3); /* padding is harmless */
    write_temp(bytes, n + 3, path);
    RtArray a = must_read((RtSource){.format = "idx", .path = path}, RT_U8, 0);
    rt_array_free(&a);
    unlink(path);
    memcpy(bytes + n, "\0ab", 3);
    write_temp(bytes, n + 3, path);
    expect_failure((RtSource){.format = "idx", .path = path}, RT_U8, "something follows the compressed data");
    unlink(path);
}

static void csv_messages(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
        RtElem want;
    } t[] = {
        {"a,b\n1,2\n3\n", "line 3: 1 field where the header names 2 columns", RT_F64},
        {"a,b\n1,2,3\n", "line 2: 3 fields where the header names 2 columns", RT_F64},
        {"a,b\n1,2\n\n3,4\n5,x\n", "line 3", RT_F64},
        {"a,b\n1,2\n3,x1\n", "line 3, column \"b\": \"x1\" is not a number", RT_F64},
        {"a,b\n1,2\n3,1.5.2\n", "line 3, column \"b\": \"1.5.2\" is not a number", RT_F64},
        {"a,b\r\n1,2\r\n3,\r\n", "line 3, column \"b\": the value is missing", RT_F64},
        {"a,b\n1,2\nNA,3\n", "line 3, column \"a\": the value is missing", RT_F64},
        {"a,b\n1,2\n3,NaN\n", "line 3, column \"b\": the value is not a number (NaN)", RT_F64},
        {"a,b\n1,2\n3,-inf\n", "line 3, column \"b\": the value is infinite", RT_F64},
        {"a,b\n1,2\n3,2.5\n", "line 3, column \"b\": 2.5 is not a whole number", RT_I64},
        {"a,b\n1,2\n3,300\n", "line 3, column \"b\": 300 does not fit byte", RT_U8},
        {"a,b\n1,2\n3,1e400\n", "line 3, column \"b\": the value is infinite", RT_F64},
        {"a,b\n1,2\n3,\"4\n5,6\n", "line 3: a quote is opened and never closed", RT_F64},
        {"a,\"b\n1,2\n", "line 1: a quote is opened and never closed", RT_F64},
        {"a,b\n1,\"2\"x\n", "text follows the closing quote", RT_F64},
        {"1,2\n3,4\n", "the first line holds numbers", RT_F64},
        {"a,b\n", "there is a header and no row below it", RT_F64},
        {"\n1,2\n", "the first line is empty", RT_F64},
        {"a\n1\n\n2\n", "line 3, column \"a\": the value is missing", RT_F64},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        expect_text_failure((RtSource){.format = "csv"}, t[k].text, t[k].want, t[k].part);
    const char *const columns[] = {"c"}, *const twice[] = {"a", "a"};
    expect_text_failure((RtSource){.format = "csv", .columns = columns, .n_columns = 1}, "a,b\n1,2\n", RT_F64,
                        "there is no column \"c\"; the columns are \"a\", \"b\"");
    expect_text_failure((RtSource){.format = "csv", .columns = columns, .n_columns = 1}, "c,c\n1,2\n", RT_F64,
                        "2 columns are called \"c\"");
    expect_text_failure((RtSource){.format = "csv", .columns = twice, .n_columns = 2}, "a,b\n1,2\n", RT_F64,
                        "named twice");
    expect_text_failure((RtSource){.format = "csv", .vector = true}, "a,b\n1,2\n", RT_F64,
                        "one column is wanted and 2");
}

static void csv_dialects(void **state) {
    (void)state;
    static const char *const same[] = {
        "\xef\xbb\xbf\x61,b\r\n1,2\r\n3,4", /* a byte order mark, then `a`, which would be read as a digit */
        "a;b\n1;2\n3;4\n\n",
        "a\tb\n1\t2\n3\t4\n",
        "\"a\",\"b\"\n\"1\",\"2\"\n 3 , 4 \n",
        "a,b\r1,2\r3,4\r",
        "a,b\n+1,2.0\n3e0,0.4E1\n",
    };
    static const double want[] = {1, 2, 3, 4};
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        char path[64];
        write_temp(same[k], strlen(same[k]), path);
        RtArray a = must_read((RtSource){.format = "csv", .path = path}, RT_F64, 0);
        assert_int_equal(a.shape.extent[0], 2);
        assert_memory_equal(a.values, want, sizeof want);
        assert_true(a.shape.integral);
        rt_array_free(&a);
        unlink(path);
    }
    char path[64];
    write_temp("a,b\n1,NA\n,inf\n", 14, path);
    RtArray a = must_read((RtSource){.format = "csv", .path = path}, RT_F32, RT_ALLOW_NONFINITE);
    assert_true(isnan(((float *)a.values)[1]) && isnan(((float *)a.values)[2]) &&
                isinf(((float *)a.values)[3]));
    rt_array_free(&a);
    unlink(path);
}

static void json_messages(void **state) {
    (void)state;
    static const struct {
        const char *text, *key, *part;
        RtElem want;
    } t[] = {
        {"{\"y\": [1, 2", "y", "line 1, column 11: not valid JSON", RT_F64},
        {"{\"y\": [1, 2]} x", "y", "not valid JSON", RT_F64},
        {"{\"y\": 1, \"y\": 2}", "y", "not valid JSON", RT_F64},
        {"{\"y\": [1, 2]}", "z", "there is no key \"z\"; the keys are \"y\"", RT_F64},
        {"{\"y\": 1, \"z\": 2}", NULL, "holds 2 keys; say which: they are \"y\", \"z\"", RT_F64},
        {"[1, 2]", "z", "the document is not an object", RT_F64},
        {"{\"y\": [[1, 2], [3]]}", "y", "\"y\"[1]: 1 values where the first array beside it has 2", RT_F64},
        {"{\"y\": [[1, 2], 3]}", "y", "\"y\"[1]: a number where its neighbours are arrays", RT_F64},
        {"{\"y\": [1, [2]]}", "y", "\"y\"[1]: an array where its neighbours are numbers", RT_F64},
        {"{\"y\": [1, \"a\"]}", "y", "\"y\"[1]: a text where a number is expected", RT_F64},
        {"{\"y\": [1, null]}", "y", "\"y\"[1]: the value is missing", RT_F64},
        {"{\"y\": [1, \"NaN\"]}", "y", "\"y\"[1]: the value is not a number", RT_F64},
        {"{\"y\": {\"a\": 1}}", "y", "an object where a number is expected", RT_F64},
        {"{\"y\": []}", "y", "holds no values", RT_F64},
        {"{\"y\": [[1, 2], [3, 2.5]]}", "y", "\"y\"[1, 1]: 2.5 is not a whole number", RT_I64},
        {"{\"y\": [[[[[[[[[1]]]]]]]]]}", "y", "nested more than 8 deep", RT_F64},
        {"{\"y\": 99999999999999999999}", "y", "not valid JSON", RT_F64},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        expect_text_failure((RtSource){.format = "json", .key = t[k].key}, t[k].text, t[k].want, t[k].part);
    /* a claimed shape of 10^12 elements is not allocated */
    char deep[9000] = "{\"y\": [";
    size_t n = strlen(deep);
    for (int k = 0; k < 1000; k++)
        deep[n++] = '[', deep[n++] = ']', deep[n++] = ',';
    strcpy(deep + n - 1, "]}");
    expect_text_failure((RtSource){.format = "json", .key = "y"}, deep, RT_F64, "holds no values");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_tried),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(damaged_bytes_never_crash),
        cmocka_unit_test(trailing_bytes_are_an_error),
        cmocka_unit_test(huge_claims),
        cmocka_unit_test(wrong_kinds_of_file),
        cmocka_unit_test(gzip_damage_is_named),
        cmocka_unit_test(csv_messages),
        cmocka_unit_test(csv_dialects),
        cmocka_unit_test(json_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
