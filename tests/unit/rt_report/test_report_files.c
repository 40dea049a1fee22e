/* Series and parameters on disk, read back; and files that cannot be written leave nothing behind. */
#include "check.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static RtSeries *example(void) {
    RtSeries *s = rt_series_new();
    assert_int_equal(rt_series_field(s, "t", 0, NULL), 0);
    assert_int_equal(rt_series_field(s, "θ", 1, (uint64_t[]){2}), 1);
    assert_int_equal(rt_series_field(s, "W", 2, (uint64_t[]){1, 2}), 2);
    assert_int_equal(rt_series_field(s, "a,\"b\"", 0, NULL), 3);
    assert_int_equal(rt_series_width(s), 6);
    for (int k = 0; k < 200; k++)
        assert_true(rt_series_append(
            s, (double[]){k * 0.1, sin(k), 1.0 / 3, k, 1e-300 * k, k == 5 ? NAN : -INFINITY}));
    return s;
}

static void series_as_csv(void **state) {
    (void)state;
    char path[200];
    size_t size;
    RtMessage m = {""};
    RtSeries *s = example();
    assert_int_equal(rt_series_rows(s), 200);
    assert_true(rt_series_write_csv(s, temp_path(path, "s.csv"), &m));
    char *text = slurp(path, &size);
    expect_in(text,
              "t,θ[0],θ[1],\"W[0,0]\",\"W[0,1]\",\"a,\"\"b\"\"\"\n0,0,0.3333333333333333,0,0,-inf\n0.1,");
    expect_in(text, ",nan\n");
    free(text);
    RtArray a;
    RtSource source = {.format = "csv", .path = path};
    assert_true(rt_data_read(&source, RT_F64, RT_ALLOW_NONFINITE, &a, &m));
    assert_int_equal(a.shape.extent[0], 200);
    assert_int_equal(a.shape.extent[1], 6);
    for (int k = 0; k < 200 * 6; k++) { /* every bit comes back */
        double got = ((double *)a.values)[k], want = rt_series_row(s, k / 6)[k % 6];
        assert_true(got == want || (isnan(got) && isnan(want)));
    }
    rt_array_free(&a);
    unlink(path);
    rt_series_truncate(s, 7);
    assert_int_equal(rt_series_rows(s), 7);
    assert_true(rt_series_append(s, (double[]){9, 9, 9, 9, 9, 9}));
    assert_true(rt_series_row(s, 7)[0] == 9);
    rt_series_free(s);
}

static void series_as_npy(void **state) {
    (void)state;
    char path[200];
    RtMessage m = {""};
    RtArray a;
    RtSeries *s = example();
    static const size_t sizes[] = {1, 2, 2, 1}, ranks[] = {1, 2, 3, 1};
    for (int f = 0; f < rt_series_fields(s); f++) {
        size_t first, n = rt_series_size(s, f, &first);
        assert_int_equal(n, sizes[f]);
        assert_true(rt_series_write_npy(s, f, temp_path(path, "s.npy"), &m));
        assert_true(
            rt_data_read(&(RtSource){.format = "npy", .path = path}, RT_F64, RT_ALLOW_NONFINITE, &a, &m));
        assert_int_equal(a.shape.rank, ranks[f]);
        assert_int_equal(a.shape.extent[0], 200);
        for (uint64_t r = 0; r < 200; r++)
            assert_memory_equal((double *)a.values + r * n, rt_series_row(s, r) + first, n * sizeof(double));
        rt_array_free(&a);
        unlink(path);
    }
    rt_series_free(s);
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    assert_true(rt_npy_write(temp_path(path, "b.npy"), RT_U8, 2, (uint64_t[]){3, 2}, bytes, &m));
    assert_true(rt_data_read(&(RtSource){.format = "npy", .path = path}, RT_U8, 0, &a, &m));
    assert_memory_equal(a.values, bytes, 6);
    rt_array_free(&a);
    unlink(path);
}

static const double w[] = {1.5, -2, 0.25, 1e300, NAN, 0};
static const float b[] = {0.5f, 1, 2};
static const uint8_t u[] = {7};
static const int64_t steps[] = {123456789012};
static const RtTensor tensors[] = {
    {"b", RT_F32, 1, {3}, b},       {"u", RT_U8, 0, {0}, u},          {"W\"1", RT_F64, 2, {2, 3}, w},
    {"none", RT_F32, 2, {0, 4}, b}, {"steps", RT_I64, 1, {1}, steps},
};
enum { N_TENSORS = 5 };
static const char *const meta[][2] = {{"program", "mnist"}, {"step", "12"}};

/* By the specification and not by our reader: length, JSON, offsets into what follows. */
static void safetensors_by_the_letter(void **state) {
    (void)state;
    char path[200];
    size_t size;
    RtMessage m = {""};
    assert_true(rt_safetensors_write(temp_path(path, "p.safetensors"), tensors, N_TENSORS, meta, 2, &m));
    char *bytes = slurp(path, &size);
    uint64_t length;
    memcpy(&length, bytes, 8);
    assert_int_equal(length % 8, 0);
    json_t *root = json_loadb(bytes + 8, length, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), N_TENSORS + 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "__metadata__"), "step")),
                        "12");
    static const char *const dtypes[] = {"F32", "U8", "F64", "F32", "I64"};
    static const size_t sizes[] = {12, 1, 48, 0, 8}, units[] = {4, 1, 8, 4, 8};
    uint64_t covered = 0;
    for (int k = 0; k < N_TENSORS; k++) {
        json_t *e = json_object_get(root, tensors[k].name), *at = json_object_get(e, "data_offsets");
        json_t *shape = json_object_get(e, "shape");
        uint64_t begin = (uint64_t)json_integer_value(json_array_get(at, 0));
        uint64_t end = (uint64_t)json_integer_value(json_array_get(at, 1));
        assert_string_equal(json_string_value(json_object_get(e, "dtype")), dtypes[k]);
        assert_int_equal(json_array_size(shape), tensors[k].rank);
        for (uint32_t i = 0; i < tensors[k].rank; i++)
            assert_int_equal(json_integer_value(json_array_get(shape, i)), tensors[k].extent[i]);
        assert_int_equal(end - begin, sizes[k]);
        assert_int_equal(begin % units[k], 0);
        assert_true(end <= size - 8 - length);
        assert_memory_equal(bytes + 8 + length + begin, tensors[k].values, sizes[k]);
        covered += sizes[k];
    }
    assert_int_equal(covered, size - 8 - length);
    json_decref(root);
    free(bytes);
    unlink(path);
}

static void safetensors_round_trip(void **state) {
    (void)state;
    char path[200];
    RtMessage m = {""};
    RtTensorFile f;
    assert_true(rt_safetensors_write(temp_path(path, "p.safetensors"), tensors, N_TENSORS, meta, 2, &m));
    if (!rt_safetensors_read(path, &f, &m))
        fail_msg("%s", m.text);
    assert_int_equal(f.n, N_TENSORS);
    assert_int_equal(f.n_meta, 2);
    const RtTensor *t = rt_tensor_find(&f, "W\"1");
    assert_non_null(t);
    assert_int_equal(t->elem, RT_F64);
    assert_memory_equal(t->values, w, sizeof w);
    assert_int_equal(*(int64_t *)rt_tensor_find(&f, "steps")->values, steps[0]);
    assert_null(rt_tensor_find(&f, "c"));
    rt_tensor_file_free(&f);
    assert_true(rt_safetensors_write(path, NULL, 0, NULL, 0, &m)); /* nothing is something, too */
    assert_true(rt_safetensors_read(path, &f, &m));
    assert_int_equal(f.n, 0);
    rt_tensor_file_free(&f);
    unlink(path);
    const RtTensor twice[] = {tensors[0], tensors[0]};
    assert_false(rt_safetensors_write(path, twice, 2, NULL, 0, &m));
    expect_in(m.text, "two tensors are called \"b\"");
}

static bool read_bytes(const void *bytes, size_t size, RtMessage *m) {
    char path[200];
    RtTensorFile f;
    FILE *out = fopen(temp_path(path, "x.safetensors"), "wb");
    fwrite(bytes, 1, size, out);
    fclose(out);
    bool ok = rt_safetensors_read(path, &f, m);
    rt_tensor_file_free(&f);
    unlink(path);
    return ok;
}

static void damaged_safetensors(void **state) {
    (void)state;
    char path[200];
    size_t size;
    RtMessage m = {""};
    assert_true(rt_safetensors_write(temp_path(path, "p.safetensors"), tensors, N_TENSORS, meta, 2, &m));
    char *bytes = slurp(path, &size);
    unlink(path);
    assert_true(read_bytes(bytes, size, &m));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(read_bytes(bytes, cut, &m));
    assert_false(read_bytes(bytes, size + 1, &m));
    expect_in(m.text, "belong to no tensor");
    uint32_t random = 7;
    for (int k = 0; k < 1000; k++) { /* whatever a byte becomes, reading ends well or with a message */
        random = random * 1664525u + 1013904223u;
        size_t at = random >> 8 & 255;
        char before = bytes[at];
        bytes[at] = (char)(random >> 24);
        m.text[0] = '\0';
        assert_true(read_bytes(bytes, size, &m) || m.text[0]);
        bytes[at] = before;
    }
    free(bytes);
    static const struct {
        const char *header, *part;
    } t[] = {
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]}}", "by its offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", "leaves a gap"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
         "\"data_offsets\":[2,6]}}",
         "overlaps"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}", "cut short"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}", "elements of type F8_E4M3"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-8],\"data_offsets\":[0,8]}}", "whole numbers"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4611686018427387904,4611686018427387904],"
         "\"data_offsets\":[0,8]}}",
         "damaged"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", "is not dtype, shape"},
        {"{\"a\":[]}", "is not dtype, shape"},
        {"{\"__metadata__\":{\"a\":1}}", "is not a text"},
        {"[1,2]", "not a safetensors file"},
        {"{\"a\":", "its header is not readable"},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        char file[400] = {0};
        uint64_t length = strlen(t[k].header);
        memcpy(file, &length, 8);
        memcpy(file + 8, t[k].header, length);
        assert_false(read_bytes(file, 8 + length + 8, &m));
        expect_in(m.text, t[k].part);
    }
    /* an odd header length of another writer: the values are read all the same */
    const char *odd = "{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}} ";
    char file[200] = {0};
    uint64_t length = strlen(odd);
    memcpy(file, &length, 8);
    memcpy(file + 8, odd, length);
    file[8 + length] = 42;
    FILE *out = fopen(temp_path(path, "odd.safetensors"), "wb");
    fwrite(file, 1, 8 + length + 8, out);
    fclose(out);
    RtTensorFile f;
    assert_true(rt_safetensors_read(path, &f, &m));
    assert_int_equal((uintptr_t)f.at[0].values % 8, 0);
    assert_int_equal(*(int64_t *)f.at[0].values, 42);
    rt_tensor_file_free(&f);
    unlink(path);
}

/* A file that grows past what the system allows stops like a full disk does: an error from write. The old
 * content stays. */
static void a_failed_write_leaves_the_old_file(void **state) {
    (void)state;
    char path[200];
    RtMessage m = {""};
    size_t size;
    RtSeries *s = rt_series_new();
    rt_series_field(s, "x", 0, NULL);
    rt_series_append(s, (double[]){1});
    assert_true(rt_series_write_csv(s, temp_path(path, "s.csv"), &m));
    for (int k = 0; k < 10000; k++)
        rt_series_append(s, (double[]){k / 7.0});
    struct rlimit before, tight;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = (struct rlimit){20000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    bool csv = rt_series_write_csv(s, path, &m), npy = rt_series_write_npy(s, 0, path, &m);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(csv);
    assert_false(npy);
    expect_in(m.text, "s.csv: cannot be written: larger than the file size allowed");
    char *text = slurp(path, &size);
    assert_string_equal(text, "x\n1\n");
    free(text);
    unlink(path);
    rt_series_free(s);
}

static void places_that_cannot_be_written(void **state) {
    (void)state;
    char path[200];
    RtMessage m = {""};
    assert_null(rt_out_open(temp_path(path, "none/x.csv"), &m));
    expect_in(m.text, "its directory does not exist");
    assert_null(rt_out_open(temp_root, &m));
    expect_in(m.text, "it is a directory");
    assert_null(rt_out_open("/dev/full", &m));
    expect_in(m.text, "not a regular file");
    assert_null(rt_out_open("/proc/lag.csv", &m));
    expect_in(m.text, "/proc/lag.csv: cannot be written");
    if (geteuid() != 0) { /* root may write everywhere */
        chmod(temp_root, 0500);
        assert_null(rt_out_open(temp_path(path, "x.csv"), &m));
        expect_in(m.text, "permission denied");
        chmod(temp_root, 0700);
    }
    assert_true(rt_out_directory(temp_path(path, "a/b/c"), &m));
    assert_true(rt_out_directory(path, &m));
    RtOutFile *f = rt_out_open(temp_path(path, "a/b/c/x"), &m);
    RtOutFile *g = rt_out_open(path, &m); /* two at once do not meet */
    rt_out_printf(f, "first");
    rt_out_printf(g, "second");
    assert_true(rt_out_close(f, &m));
    rt_out_abandon(g);
    size_t size;
    char *text = slurp(path, &size);
    assert_string_equal(text, "first");
    free(text);
    assert_false(rt_out_directory(path, &m));
    expect_in(m.text, "is a file; results need a directory");
    char below[220];
    snprintf(below, sizeof below, "%s/y", path);
    assert_false(rt_out_directory(below, &m));
    unlink(path);
    static const char *const made[] = {"a/b/c", "a/b", "a"};
    for (int k = 0; k < 3; k++)
        assert_int_equal(rmdir(temp_path(path, made[k])), 0);
}

/* What a killed writer left is taken over; what a living one holds is not touched. */
static void killed_writers(void **state) {
    (void)state;
    char path[200], part[220], second[220];
    size_t size;
    RtMessage m = {""};
    temp_path(path, "killed.txt");
    snprintf(part, sizeof part, "%s.part1", path);
    snprintf(second, sizeof second, "%s.part2", path);
    FILE *left = fopen(part, "w");
    fputs("half of a long and old text", left);
    fclose(left);
    RtOutFile *a = rt_out_open(path, &m), *b = rt_out_open(path, &m);
    assert_int_equal(access(second, F_OK), 0);
    rt_out_printf(a, "first");
    rt_out_printf(b, "second");
    assert_true(rt_out_close(b, &m) && rt_out_close(a, &m));
    char *text = slurp(path, &size);
    assert_string_equal(text, "first");
    free(text);
    assert_int_not_equal(access(part, F_OK), 0);
    fclose(fopen(second, "w"));
    fclose(fopen(part, "w"));
    rt_out_remove(path);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_not_equal(access(second, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_as_csv),
        cmocka_unit_test(series_as_npy),
        cmocka_unit_test(safetensors_by_the_letter),
        cmocka_unit_test(safetensors_round_trip),
        cmocka_unit_test(damaged_safetensors),
        cmocka_unit_test(killed_writers),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(places_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, temp_begin, temp_end);
}
