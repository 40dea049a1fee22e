/* The stream of row numbers: a permutation each epoch, batches that run on, resuming, uniformity, splits. */
#include "check.h"

static RtBatches *make(const int64_t *rows, uint64_t n, uint64_t batch, uint64_t seed, bool shuffle) {
    RtMessage m = {""};
    RtBatches *b = rt_batches_new(rows, n, batch, seed, shuffle, &m);
    if (!b)
        fail_msg("%s", m.text);
    return b;
}

/* 50 rows in batches of 7 over 7 epochs: every 50 places hold each row once, and epochs differ. */
static void epochs_are_permutations(void **state) {
    (void)state;
    enum { N = 50, B = 7, EPOCHS = 7 };
    int64_t rows[N * EPOCHS];
    RtBatches *b = make(NULL, N, B, 42, true);
    for (int k = 0; k < N * EPOCHS / B; k++)
        rt_batches_next(b, rows + k * B);
    for (int e = 0; e < EPOCHS; e++) {
        int seen[N] = {0};
        for (int i = 0; i < N; i++)
            seen[rows[e * N + i]]++;
        for (int i = 0; i < N; i++)
            assert_int_equal(seen[i], 1);
        if (e > 0)
            assert_memory_not_equal(rows, rows + e * N, N * sizeof *rows);
    }
    assert_int_equal(rt_batches_position(b), 50);
    assert_int_equal(rt_batches_in_epochs(b, 7), 50);
    assert_int_equal(rt_batches_in_epochs(b, 1), 8);
    rt_batches_free(b);
}

static void seeds_decide(void **state) {
    (void)state;
    int64_t x[60], y[60], z[60];
    RtBatches *a = make(NULL, 60, 60, 1, true), *b = make(NULL, 60, 60, 1, true),
              *c = make(NULL, 60, 60, 2, true);
    rt_batches_next(a, x);
    rt_batches_next(b, y);
    rt_batches_next(c, z);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, z, sizeof x);
    rt_batches_free(a);
    rt_batches_free(b);
    rt_batches_free(c);
}

/* Positioning at batch k gives what k steps lead to, and another batch size sees the same order. */
static void seeking_is_stepping(void **state) {
    (void)state;
    int64_t all[100 * 8], rows[8];
    RtBatches *b = make(NULL, 37, 8, 9, true);
    for (int k = 0; k < 100; k++)
        rt_batches_next(b, all + 8 * k);
    static const int places[] = {99, 0, 4, 5, 37, 74, 50};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        rt_batches_seek(b, (uint64_t)places[i]);
        assert_int_equal(rt_batches_position(b), places[i]);
        for (int k = places[i]; k < 100 && k < places[i] + 7; k++) {
            rt_batches_next(b, rows);
            assert_memory_equal(rows, all + 8 * k, sizeof rows);
        }
    }
    RtBatches *ones = make(NULL, 37, 1, 9, true);
    for (int k = 0; k < 800; k++) {
        rt_batches_next(ones, rows);
        assert_int_equal(rows[0], all[k]);
    }
    rt_batches_free(ones);
    rt_batches_free(b);
}

/* Each of 24 orders of 4 rows in 24,000 epochs: χ² with 23 degrees of freedom exceeds 56 once in 7,000. */
static void orders_are_uniform(void **state) {
    (void)state;
    int64_t r[4];
    int count[256] = {0};
    RtBatches *b = make(NULL, 4, 4, 5, true);
    for (int e = 0; e < 24000; e++) {
        rt_batches_next(b, r);
        count[r[0] << 6 | r[1] << 4 | r[2] << 2 | r[3]]++;
    }
    double chi2 = 0;
    int orders = 0;
    for (int k = 0; k < 256; k++)
        if (count[k]) {
            chi2 += (count[k] - 1000.0) * (count[k] - 1000.0) / 1000.0;
            orders++;
        }
    assert_int_equal(orders, 24);
    assert_true(chi2 < 56);
    rt_batches_free(b);
}

static void subsets_and_order(void **state) {
    (void)state;
    static const int64_t part[] = {3, 14, 15, 92, 65};
    int64_t rows[5], sum = 0;
    RtBatches *b = make(part, 5, 5, 1, true);
    rt_batches_next(b, rows);
    for (int k = 0; k < 5; k++)
        sum += rows[k];
    assert_int_equal(sum, 189);
    rt_batches_free(b);
    b = make(part, 5, 3, 1, false);
    rt_batches_next(b, rows);
    assert_memory_equal(rows, part, 3 * sizeof *rows);
    rt_batches_next(b, rows);
    assert_int_equal(rows[0], 92);
    assert_int_equal(rows[2], 3);
    rt_batches_free(b);
}

static void refusals(void **state) {
    (void)state;
    RtMessage m;
    assert_null(rt_batches_new(NULL, 10, 11, 0, true, &m));
    expect_message(&m, "a batch of 11 rows is larger than the data (10 rows)");
    assert_null(rt_batches_new(NULL, 0, 1, 0, true, &m));
    expect_message(&m, "no rows");
    assert_null(rt_batches_new(NULL, 10, 0, 0, true, &m));
    expect_message(&m, "at least one row");
    RtArray a;
    assert_false(rt_part(&(RtPart){.rows = 10, .first = 3, .count = 0}, &a, &m));
    assert_false(rt_part(&(RtPart){.rows = 10, .first = 3, .count = 8}, &a, &m));
    expect_message(&m, "a part of 8 rows cannot be taken from 10");
    assert_false(rt_part(&(RtPart){.rows = 10, .first = UINT64_MAX, .count = 2}, &a, &m));
    assert_false(rt_part(&(RtPart){.rows = UINT64_MAX, .count = 2}, &a, &m));
}

/* The parts of one split: every row once, each part ascending, the same again with the same seed and others
 * with another. */
static void parts_share_out_the_rows(void **state) {
    (void)state;
    static const uint64_t sizes[] = {700, 1, 299};
    RtMessage m;
    char seen[1000] = {0};
    for (uint64_t k = 0, first = 0; k < 3; first += sizes[k++]) {
        RtPart part = {.rows = 1000, .first = first, .count = sizes[k], .seed = 7};
        RtArray a, again, other;
        assert_true(rt_part(&part, &a, &m));
        assert_true(rt_part(&part, &again, &m));
        part.seed = 8;
        assert_true(rt_part(&part, &other, &m));
        const int64_t *rows = a.values;
        assert_int_equal(a.shape.extent[0], sizes[k]);
        for (uint64_t i = 0; i < sizes[k]; i++) {
            assert_true(i == 0 || rows[i] > rows[i - 1]);
            seen[rows[i]]++;
        }
        assert_memory_equal(a.values, again.values, sizes[k] * sizeof *rows);
        assert_true(memcmp(a.values, other.values, sizes[k] * sizeof *rows) != 0);
        rt_array_free(&a);
        rt_array_free(&again);
        rt_array_free(&other);
    }
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
}

static void parts_in_order(void **state) {
    (void)state;
    RtMessage m;
    RtArray a;
    assert_true(rt_part(&(RtPart){.rows = 10, .first = 6, .count = 4, .in_order = true}, &a, &m));
    static const int64_t last[] = {6, 7, 8, 9};
    assert_memory_equal(a.values, last, sizeof last);
    rt_array_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_are_permutations),
        cmocka_unit_test(seeds_decide),
        cmocka_unit_test(seeking_is_stepping),
        cmocka_unit_test(orders_are_uniform),
        cmocka_unit_test(subsets_and_order),
        cmocka_unit_test(refusals),
        cmocka_unit_test(parts_share_out_the_rows),
        cmocka_unit_test(parts_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
