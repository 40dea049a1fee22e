/* Values of valid files of every format, written by NumPy where the format is NumPy's. */
#include "check.h"

#include <math.h>

static void npy_every_type(void **state) {
    (void)state;
    static const char *const names[] = {
        "le_f8", "be_f8", "le_f4", "be_f4", "le_i8", "be_i8", "le_i4", "be_i4", "le_i2", "be_i2",
        "i1",    "u1",    "le_u2", "be_u2", "le_u4", "be_u4", "le_u8", "le_f2", "b1",
    };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char path[100];
        bool truth = strcmp(names[k], "b1") == 0;
        snprintf(path, sizeof path, FILES "n_%s.npy", names[k]);
        for (RtElem want = RT_F64; want <= RT_U8; want++) {
            RtArray a = must_read((RtSource){.format = "npy", .path = path}, want, 0);
            assert_int_equal(a.shape.rank, 2);
            assert_int_equal(a.shape.extent[0], 2);
            assert_int_equal(a.shape.extent[1], 3);
            assert_int_equal(a.shape.elem, want);
            for (int i = 0; i < 6; i++) {
                double v = want == RT_F64   ? ((double *)a.values)[i]
                           : want == RT_F32 ? ((float *)a.values)[i]
                           : want == RT_I64 ? (double)((int64_t *)a.values)[i]
                           : want == RT_I32 ? ((int32_t *)a.values)[i]
                                            : ((uint8_t *)a.values)[i];
                assert_true(v == (truth ? i % 2 : i));
            }
            rt_array_free(&a);
        }
    }
}

static void npy_natural_types(void **state) {
    (void)state;
    static const struct {
        const char *file;
        RtElem elem;
        bool integral;
    } t[] = {
        {"n_le_f8", RT_F64, false}, {"n_be_f4", RT_F32, false}, {"n_le_f2", RT_F32, false},
        {"n_be_i8", RT_I64, true},  {"n_le_i2", RT_I32, true},  {"n_u1", RT_U8, true},
        {"n_b1", RT_U8, true},      {"n_le_u4", RT_I64, true},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        char path[100];
        RtShape s;
        RtMessage m;
        snprintf(path, sizeof path, FILES "%s.npy", t[k].file);
        assert_true(rt_data_probe(&(RtSource){.format = "npy", .path = path}, &s, &m));
        assert_int_equal(s.elem, t[k].elem);
        assert_int_equal(s.integral, t[k].integral);
    }
}

static void npy_fortran_order(void **state) {
    (void)state;
    RtArray a = must_read((RtSource){.format = "npy", .path = FILES "fortran.npy"}, RT_F32, 0);
    for (int i = 0; i < 24; i++)
        assert_true(((float *)a.values)[i] == i);
    rt_array_free(&a);
}

static void npy_scalar_and_gzip(void **state) {
    (void)state;
    RtArray a = must_read((RtSource){.format = "npy", .path = FILES "scalar.npy"}, RT_F64, 0);
    assert_int_equal(a.shape.rank, 0);
    assert_true(*(double *)a.values == 2.5);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "npy", .path = FILES "n.npy.gz"}, RT_F64, 0);
    assert_true(((double *)a.values)[5] == 5);
    rt_array_free(&a);
}

static void npz_members(void **state) {
    (void)state;
    RtNameList names;
    RtMessage m;
    RtSource two = {.format = "npz", .path = FILES "two.npz", .key = "labels"};
    RtArray a = must_read(two, RT_U8, 0);
    assert_memory_equal(a.values, "\3\1\2", 3);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "npz", .path = FILES "packed.npz"}, RT_I64, 0);
    assert_int_equal(a.shape.extent[0], 8);
    assert_int_equal(((int64_t *)a.values)[39], 39);
    rt_array_free(&a);
    assert_true(rt_data_names(&two, &names, &m));
    assert_int_equal(names.n, 2);
    assert_string_equal(names.at[0], "x");
    rt_names_free(&names);
    two.key = NULL;
    expect_failure(two, RT_F64, "holds 2 arrays; say which: they are \"x\", \"labels\"");
    two.key = "y";
    expect_failure(two, RT_F64, "there is no array \"y\"; there are \"x\", \"labels\"");
}

static void idx_every_type(void **state) {
    (void)state;
    RtArray a = must_read((RtSource){.format = "idx", .path = FILES "u1.idx"}, RT_U8, 0);
    RtArray b = must_read((RtSource){.format = "idx", .path = FILES "u1.idx.gz"}, RT_F32, 0);
    assert_int_equal(a.shape.rank, 3);
    assert_int_equal(a.shape.extent[2], 4);
    for (int i = 0; i < 24; i++) {
        assert_int_equal(((uint8_t *)a.values)[i], i);
        assert_true(((float *)b.values)[i] == i);
    }
    rt_array_free(&a);
    rt_array_free(&b);
    a = must_read((RtSource){.format = "idx", .path = FILES "i1.idx"}, RT_I64, 0);
    assert_int_equal(((int64_t *)a.values)[0], -3);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "idx", .path = FILES "i2.idx"}, RT_I32, 0);
    assert_int_equal(((int32_t *)a.values)[5], 200);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "idx", .path = FILES "i4.idx"}, RT_F64, 0);
    assert_true(((double *)a.values)[0] == -0x1p31);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "idx", .path = FILES "f4.idx"}, RT_F64, 0);
    assert_true(((double *)a.values)[1] == -1.25);
    rt_array_free(&a);
    a = must_read((RtSource){.format = "idx", .path = FILES "f8.idx"}, RT_F64, 0);
    assert_true(((double *)a.values)[0] == 0.1 && ((double *)a.values)[1] == 1e300);
    rt_array_free(&a);
}

static void csv_columns_by_name(void **state) {
    (void)state;
    const char *const columns[] = {"label", "x"}, *const text[] = {"the, name"};
    for (int gz = 0; gz < 2; gz++) {
        RtSource s = {.format = "csv",
                      .path = gz ? FILES "table.csv.gz" : FILES "table.csv",
                      .columns = columns,
                      .n_columns = 2};
        RtArray a = must_read(s, RT_I64, 0);
        static const int64_t want[] = {3, 1, 0, -4, 255, 1000};
        assert_int_equal(a.shape.extent[0], 3);
        assert_int_equal(a.shape.extent[1], 2);
        assert_true(a.shape.integral);
        assert_memory_equal(a.values, want, sizeof want);
        rt_array_free(&a);
        s = (RtSource){.format = "csv", .path = s.path, .except = text, .n_except = 1};
        a = must_read(s, RT_F64, 0);
        static const double all[] = {1, 2.5, 3, -4, 0.125, 0, 1000, 7, 255};
        assert_memory_equal(a.values, all, sizeof all);
        assert_false(a.shape.integral);
        rt_array_free(&a);
        s = (RtSource){.format = "csv", .path = s.path, .columns = columns, .n_columns = 1, .vector = true};
        a = must_read(s, RT_U8, 0);
        assert_int_equal(a.shape.rank, 1);
        assert_memory_equal(a.values, "\3\0\xff", 3);
        rt_array_free(&a);
    }
    for (int last = 0; last < 2; last++) { /* of the columns x, y and label: the last, or the others */
        static const double values[2][6] = {{1, 2.5, -4, 0.125, 1000, 7}, {3, 0, 255}};
        RtSource s = {.format = "csv",
                      .path = FILES "table.csv",
                      .except = text,
                      .n_except = 1,
                      .left = last ? RT_COLUMNS_LAST : RT_COLUMNS_BUT_LAST,
                      .vector = last};
        RtArray a = must_read(s, RT_F64, 0);
        assert_int_equal(a.shape.rank, last ? 1 : 2);
        assert_int_equal(a.shape.extent[0], 3);
        assert_true(last || a.shape.extent[1] == 2);
        assert_memory_equal(a.values, values[last], (last ? 3 : 6) * sizeof(double));
        rt_array_free(&a);
    }
    RtNameList names;
    RtMessage m;
    assert_true(rt_data_names(&(RtSource){.format = "csv", .path = FILES "table.csv"}, &names, &m));
    assert_int_equal(names.n, 4);
    assert_string_equal(names.at[3], "the, name");
    rt_names_free(&names);
}

static void json_values(void **state) {
    (void)state;
    RtSource s = {.format = "json", .path = FILES "stan.json", .key = "y"};
    RtArray a = must_read(s, RT_F64, 0);
    assert_true(((double *)a.values)[1] == 8.5);
    assert_false(a.shape.integral);
    rt_array_free(&a);
    s.key = "M";
    a = must_read(s, RT_I32, 0);
    assert_int_equal(a.shape.rank, 2);
    assert_int_equal(((int32_t *)a.values)[5], 6);
    rt_array_free(&a);
    s.key = "J";
    a = must_read(s, RT_I64, 0);
    assert_int_equal(a.shape.rank, 0);
    assert_int_equal(*(int64_t *)a.values, 3);
    rt_array_free(&a);
    s.key = "flag";
    a = must_read(s, RT_U8, 0);
    assert_int_equal(*(uint8_t *)a.values, 1);
    rt_array_free(&a);
    s.key = "odd";
    a = must_read(s, RT_F64, RT_ALLOW_NONFINITE);
    assert_true(isnan(((double *)a.values)[0]));
    rt_array_free(&a);
}

static void values_that_do_not_fit(void **state) {
    (void)state;
    expect_failure((RtSource){.format = "npy", .path = FILES "nan.npy"}, RT_F64,
                   "element [1, 0]: the value is not a number");
    expect_failure((RtSource){.format = "npy", .path = FILES "big.npy"}, RT_F64,
                   "element [0]: 9223372036854775807 has more");
    expect_failure((RtSource){.format = "npy", .path = FILES "big.npy"}, RT_I32, "does not fit i32");
    expect_failure((RtSource){.format = "npy", .path = FILES "ubig.npy"}, RT_I64,
                   "element [1]: the value is above");
    expect_failure((RtSource){.format = "idx", .path = FILES "i1.idx"}, RT_U8,
                   "element [0]: -3 does not fit byte");
    expect_failure((RtSource){.format = "idx", .path = FILES "f4.idx"}, RT_I64,
                   "element [0, 0]: 0.5 is not a whole number");
    expect_failure((RtSource){.format = "idx", .path = FILES "f8.idx"}, RT_F32,
                   "element [1]: 1e+300 does not fit f32");
    expect_failure((RtSource){.format = "npz", .path = FILES "two.npz", .key = "x"}, RT_U8,
                   "array \"x\": element [0, 0]: -0.5");
    RtArray a = must_read((RtSource){.format = "npy", .path = FILES "nan.npy"}, RT_F32, RT_ALLOW_NONFINITE);
    assert_true(isnan(((float *)a.values)[2]) && isinf(((float *)a.values)[3]));
    rt_array_free(&a);
}

/* One value that does not fit, at every kind of place in an array of several blocks, is found and named. */
static void long_arrays(void **state) {
    (void)state;
    enum { N = 1700 };
    static const size_t places[] = {0, 1, 255, 511, 512, 1023, 1024, 1500, N - 1};
    static const struct {
        int code;
        RtElem want;
        double bad;
    } t[] = {
        {0x0e, RT_F64, NAN},      {0x0e, RT_F32, NAN},      {0x0e, RT_F32, 1e39},
        {0x0e, RT_F64, INFINITY}, {0x0e, RT_I64, 0.5},      {0x0e, RT_U8, 256},
        {0x0c, RT_U8, 256},       {0x0c, RT_F32, 16777217}, {0x0c, RT_U8, -1},
    };
    unsigned char file[8 + 8 * N];
    char path[64], place[32];
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            bool real = t[k].code == 0x0e;
            size_t unit = real ? 8 : 4;
            memcpy(file, (unsigned char[]){0, 0, (unsigned char)t[k].code, 1, 0, 0, N >> 8, N & 255}, 8);
            for (size_t i = 0; i < N; i++) {
                double v = i == places[p] ? t[k].bad : (double)(i % 200);
                int64_t bits;
                memcpy(&bits, &v, 8);
                bits = real ? bits : (int64_t)v;
                for (size_t b = 0; b < unit; b++)
                    file[8 + i * unit + b] = (unsigned char)(bits >> (8 * (unit - 1 - b)));
            }
            write_temp(file, 8 + unit * N, path);
            snprintf(place, sizeof place, "element [%zu]: ", places[p]);
            expect_failure((RtSource){.format = "idx", .path = path}, t[k].want, place);
            unlink(path);
        }
}

static void unknown_format(void **state) {
    (void)state;
    expect_failure((RtSource){.format = "xls", .path = "a"}, RT_F64,
                   "there is no data format \"xls\"; there are idx, csv");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_every_type),
        cmocka_unit_test(npy_natural_types),
        cmocka_unit_test(npy_fortran_order),
        cmocka_unit_test(npy_scalar_and_gzip),
        cmocka_unit_test(npz_members),
        cmocka_unit_test(idx_every_type),
        cmocka_unit_test(csv_columns_by_name),
        cmocka_unit_test(json_values),
        cmocka_unit_test(values_that_do_not_fit),
        cmocka_unit_test(long_arrays),
        cmocka_unit_test(unknown_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
