/* What people and programs read while a run goes on: numbers, tables, progress in its three modes. */
#include "check.h"

#include <jansson.h>
#include <math.h>
#include <time.h>

static void numbers(void **state) {
    (void)state;
    static const struct {
        double v;
        const char *text;
    } t[] = {
        {0, "0"},
        {0.31239, "0.3124"},
        {-0.31239, "-0.3124"},
        {12.3, "12.30"},
        {123.456, "123.5"},
        {1234.5, "1,234"},
        {60000, "60,000"},
        {-1234567, "-1,234,567"},
        {123, "123"},
        {0.05, "0.05000"},
        {0.001234, "0.001234"},
        {1.2e-5, "1.2e-5"},
        {1e-5, "1e-5"},
        {-1.23456e-7, "-1.235e-7"},
        {3e12, "3e12"},
        {6.02214e23, "6.022e23"},
        {NAN, "nan"},
        {-INFINITY, "-inf"},
        {999.96, "1000.0"},
        {1e9, "1e9"},
        {999999999, "999,999,999"},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        assert_string_equal(rt_text_number(t[k].v).text, t[k].text);
    assert_string_equal(rt_text_count(249000.4).text, "249,000");
    assert_string_equal(rt_text_count(12).text, "12");
    assert_string_equal(rt_text_count(1e300).text, "1e300");
    static const struct {
        double s;
        const char *text;
    } d[] = {
        {0.0004, "0.4 ms"},
        {0.85, "850 ms"},
        {12.34, "12.3 s"},
        {99.94, "99.9 s"},
        {245, "4 min 05 s"},
        {3599, "59 min 59 s"},
        {7380, "2 h 03 min"},
        {864000, "10.0 days"},
        {NAN, "?"},
        {INFINITY, "?"},
        {-1, "?"},
        {0.9999, "1.0 s"},
    };
    for (size_t k = 0; k < sizeof d / sizeof *d; k++)
        assert_string_equal(rt_text_duration(d[k].s).text, d[k].text);
}

static void exact_numbers_read_back(void **state) {
    (void)state;
    static const double v[] = {
        0.1, 1.0 / 3, 1e22, 123456789, -0.0, 5e-324, 1.7976931348623157e308, 1e15, 3.14, 0.30000000000000004};
    for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
        double back = strtod(rt_text_exact(v[k]).text, NULL);
        assert_memory_equal(&back, &v[k], sizeof back);
    }
    /* every magnitude, and neighbours of short decimals and of powers of ten and two */
    uint64_t random = 99;
    for (int k = 0; k < 60000; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(random >> 11) * 0x1p-53, y;
        x = k % 4 == 0   ? ldexp(x, (int)(random >> 5 & 2047) - 1070)
            : k % 4 == 1 ? floor(x * 1e6) * pow(10, (int)(random & 31) - 20)
            : k % 4 == 2 ? nextafter(pow(10, (int)(random % 61) - 30), (double)(random >> 8 & 1) * 1e300)
                         : nextafter(ldexp(1, (int)(random % 200) - 100), (double)(random >> 8 & 1) * 1e300);
        x = random >> 9 & 1 ? -x : x;
        RtText t = rt_text_exact(x);
        y = strtod(t.text, NULL);
        if (memcmp(&x, &y, sizeof x) != 0 || strlen(t.text) > 24)
            fail_msg("%.17g became %s", x, t.text);
    }
    static const struct {
        double v;
        const char *text;
    } plain[] = {
        {0.1, "0.1"},
        {-0.001, "-0.001"},
        {1e-5, "0.00001"},
        {1.5e-7, "1.5e-7"},
        {1e15, "1000000000000000"},
        {1e16, "10000000000000000"},
        {1e17, "1e17"},
        {12.5, "12.5"},
        {1e300, "1e+300"},
        {123456.789, "123456.789"},
        {1.0 / 3, "0.3333333333333333"},
        {-0.0, "-0"},
        {99.5, "99.5"},
    };
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
        assert_string_equal(rt_text_exact(plain[k].v).text, plain[k].text);
    assert_string_equal(rt_text_exact(60000).text, "60000");
    assert_int_equal(rt_text_width("θ̇ = ½"), 5);
}

static char *text_of(FILE *f) {
    long n = ftell(f);
    char *text = calloc(1, (size_t)n + 1);
    rewind(f);
    assert_int_equal(fread(text, 1, (size_t)n, f), n);
    fclose(f);
    return text;
}

static void tables(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtTable *t = rt_table_new(3, (const char *[]){"name", "mean", "note"});
    assert_true(rt_table_row(t, (const char *[]){"μ", "4.31", "ok"}));
    assert_true(rt_table_row(t, (const char *[]){"theta[0]", "-12.5", ""}));
    assert_true(rt_table_row(t, (const char *[]){"x", "nan", "bad"}));
    rt_table_print(t, f, false);
    rt_table_free(t);
    char *text = text_of(f);
    assert_string_equal(
        text, "name       mean  note\nμ          4.31  ok\ntheta[0]  -12.5  \nx           nan  bad\n");
    free(text);
}

static const char *const names[] = {"loss", "acc", "a long name that hardly fits in here"};

static void terminal_lines_fit(void **state) {
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    static const char *const widths[] = {"20", "40", "61", "80", "120", "300"};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++)
        for (int total = 0; total < 2; total++) {
            setenv("COLUMNS", widths[k], 1);
            FILE *f = tmpfile();
            RtProgress p;
            rt_progress_begin(&p, f, RT_PROGRESS_TERMINAL, "fashion_mnist", "samples", total * 300000.0, 0);
            p.started -= 1;
            rt_progress_label(&p, "epoch 2/5");
            for (int i = 0; i < 20; i++) {
                p.shown -= 1; /* as if a second had passed */
                rt_progress_update(&p, i * 15000, 3, names, (double[]){0.3 / (i + 1), NAN, 1e-9});
            }
            char *text = text_of(f), *line = strtok(text, "\r");
            int lines = 0;
            for (; line; line = strtok(NULL, "\r"), lines++) {
                char *end = strstr(line, "\033[K");
                assert_non_null(end);
                *end = '\0';
                if (rt_text_width(line) >= (size_t)atoi(widths[k]))
                    fail_msg("%zu columns in %s: %s", rt_text_width(line), widths[k], line);
                if (atoi(widths[k]) >= 120) {
                    expect_in(line, "fashion_mnist  epoch 2/5");
                    expect_in(line, "acc nan");
                    assert_true(!total || strstr(line, "%"));
                }
            }
            assert_int_equal(lines, 20);
            free(text);
        }
    unsetenv("COLUMNS");
    unsetenv("LC_ALL");
}

static void terminal_ends_clean(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtProgress p;
    rt_progress_begin(&p, f, RT_PROGRESS_TERMINAL, "kepler", "steps", 1000, 0);
    p.started -= 2;
    p.shown -= 1;
    rt_progress_update(&p, 500, 1, names, (double[]){0.5});
    rt_progress_update(&p, 501, 1, names, (double[]){0.5}); /* too early: nothing */
    rt_progress_end(&p, 1000, 1, names, (double[]){0.25});
    char *text = text_of(f);
    expect_in(text, "\r\033[Kkepler: 1,000 steps in 2.0 s (");
    expect_in(text, "steps/s), loss 0.2500\n");
    assert_null(strstr(text, "501"));
    free(text);
}

static void plain_lines_are_few(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtProgress p;
    rt_progress_begin(&p, f, RT_PROGRESS_PLAIN, "adam", "samples", 300000, 60000);
    p.started -= 1;
    rt_progress_label(&p, "epoch 2/5");
    for (int i = 0; i < 1000; i++)
        rt_progress_update(&p, 60000 + i * 60, 1, names, (double[]){0.5});
    assert_int_equal(ftell(f), 0);
    rt_progress_mark(&p, 120000, 2, names, (double[]){0.43211, 0.85});
    char *text = text_of(f);
    expect_in(text, "adam, epoch 2/5: 40% (120,000 of 300,000 samples), loss 0.4321, acc 0.8500, ");
    expect_in(text, " samples/s, ");
    expect_in(text, " left\n");
    assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
    free(text);
}

/* An integration goes through a time, which has no unit and no rate. */
static void times(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtProgress p;
    rt_progress_begin(&p, f, RT_PROGRESS_PLAIN, "orbit", NULL, 5, 0);
    rt_progress_mark(&p, 2.5, 0, NULL, NULL);
    rt_progress_end(&p, 5, 0, NULL, NULL);
    rt_progress_begin(&p, f, RT_PROGRESS_PLAIN, "adam", "steps", 1, 0);
    rt_progress_end(&p, 1, 0, NULL, NULL);
    char *text = text_of(f);
    expect_in(text, "orbit: 50% (t = 2.5");
    expect_in(text, " of 5)");
    expect_in(text, "orbit: t = 5 in ");
    expect_in(text, "adam: 1 step in ");
    assert_null(strstr(text, "time"));
    free(text);
}

static void json_lines_parse(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtProgress p;
    rt_progress_begin(&p, f, RT_PROGRESS_JSON, "a \"title\"", "steps", 0, 0);
    p.shown -= 2;
    rt_progress_update(&p, 10, 3, names, (double[]){0.1, NAN, INFINITY});
    rt_progress_mark(&p, 20, 1, names, (double[]){60000});
    rt_progress_end(&p, 30, 0, NULL, NULL);
    rt_json_event(f, "result", 1, names, (double[]){1.0 / 3});
    char *text = text_of(f), *line = strtok(text, "\n");
    static const char *const events[] = {"progress", "mark", "end", "result"};
    for (int k = 0; k < 4; k++, line = strtok(NULL, "\n")) {
        json_t *o = json_loads(line, 0, NULL);
        assert_non_null(o);
        assert_string_equal(json_string_value(json_object_get(o, "event")), events[k]);
        json_t *v = json_object_get(o, "values");
        if (k == 0) {
            assert_string_equal(json_string_value(json_object_get(o, "title")), "a \"title\"");
            assert_true(json_real_value(json_object_get(v, "loss")) == 0.1);
            assert_true(json_is_null(json_object_get(v, "acc")) &&
                        json_is_null(json_object_get(v, names[2])));
            assert_true(json_is_null(json_object_get(o, "total")));
        }
        if (k == 1)
            assert_int_equal(json_integer_value(json_object_get(v, "loss")), 60000);
        if (k == 3)
            assert_true(json_real_value(json_object_get(o, "loss")) == 1.0 / 3);
        json_decref(o);
    }
    assert_null(line);
    free(text);
}

static void modes(void **state) {
    (void)state;
    FILE *f = tmpfile();
    RtProgress p;
    assert_int_equal(rt_progress_mode(f, true), RT_PROGRESS_JSON);
    assert_int_equal(rt_progress_mode(f, false), RT_PROGRESS_PLAIN);
    assert_false(rt_out_has_colour(f));
    rt_progress_begin(&p, f, RT_PROGRESS_NONE, "x", "steps", 10, 0);
    p.shown -= 100;
    rt_progress_update(&p, 5, 0, NULL, NULL);
    rt_progress_mark(&p, 5, 0, NULL, NULL);
    rt_progress_end(&p, 10, 0, NULL, NULL);
    assert_int_equal(ftell(f), 0);
    fclose(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(exact_numbers_read_back),
        cmocka_unit_test(tables),
        cmocka_unit_test(terminal_lines_fit),
        cmocka_unit_test(terminal_ends_clean),
        cmocka_unit_test(plain_lines_are_few),
        cmocka_unit_test(times),
        cmocka_unit_test(json_lines_parse),
        cmocka_unit_test(modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
