/* parse — the forms of the tree, spans, recovery, and texts that nobody wrote on purpose. */
#include "front.h"

#include <glob.h>
#include <pthread.h>
#include <time.h>

static const Expr *value_of(const Front *f, uint32_t i) {
    assert_int_equal(f->file->items.at[i]->kind, STMT_DECLARE);
    return f->file->items.at[i]->declare.at[0].init;
}

static void expect_shape(const char *text, const char *printed) {
    Buf all = {0};
    buf_printf(&all, "let y = %s", text);
    Front f = front_of(all.at);
    if (diag_error_count(f.session))
        fail_msg("%s\n%s", all.at, front_messages(&f));
    Buf out = {0};
    ast_print_expr(f.session, value_of(&f, 0), &out);
    assert_string_equal(out.at, printed);
    buf_free(&out);
    buf_free(&all);
    front_free(&f);
}

/* Brackets that the printer keeps show how the text was read. */
static void test_precedence(void **state) {
    (void)state;
    expect_shape("(a + b) * c", "(a + b) * c");
    expect_shape("a + (b * c)", "a + b * c");
    expect_shape("-(x^2)", "-x^2");
    expect_shape("(-x)^2", "(-x)^2");
    expect_shape("(2^3)^4", "(2^3)^4");
    expect_shape("2^(3^4)", "2^3^4");
    expect_shape("(x')[i]", "x'[i]");
    expect_shape("x[i]'", "x[i]'");
    expect_shape("-(a * b)", "-(a * b)");
    expect_shape("(-a) * b", "-a * b");
    expect_shape("not (a == b)", "not a == b");
    expect_shape("(not a) == b", "(not a) == b");
    expect_shape("a - (b - c)", "a - (b - c)");
    expect_shape("a + (if b then c else d)", "a + (if b then c else d)");
    expect_shape("a + if b then c else d + 1", "a + (if b then c else d + 1)");
    expect_shape("x²", "x^2");
    expect_shape("x'²·3", "x'^2 * 3");
    expect_shape("A^T @ B", "A^T @ B");
    expect_shape("x^Tmax", "x^Tmax");
    expect_shape("x^(T)", "x^(T)");
    expect_shape("√x^2", "sqrt(x)^2");
    expect_shape("mean[i](x[i])", "mean[i](x[i])");
    expect_shape("mean[i] + 1", "mean[i] + 1");
    expect_shape("max(a, b) + max(x)", "max(a, b) + max(x)");
}

/* Words with a meaning in one place are names in all others. */
static void test_words_as_names(void **state) {
    (void)state;
    Front f =
        front_of("const data = 1, state = 2, step = 3, run = 4, on = 5, every = 6, batch = 7, system = 8\n"
                 "let x = data + state * step - run / on + every^batch + system\n"
                 "let for = 1, over = for, periodic = over + from, from = 3\n"
                 "let spin[i : 3] = i, z = spin[0] + record, record = 4\n");
    if (diag_error_count(f.session))
        fail_msg("%s", front_messages(&f));
    assert_int_equal(f.file->items.n, 4);
    front_free(&f);
}

static void test_greek_is_one_name(void **state) {
    (void)state;
    Front f = front_of("let γ = 1\nlet y = gamma + θ₁ + theta1");
    const Expr *sum = value_of(&f, 1);
    Name gamma = f.file->items.at[0]->declare.at[0].name;
    assert_int_equal(sum->binary.a->binary.a->name.name, gamma);
    assert_int_equal(sum->binary.a->binary.b->name.name, sum->binary.b->name.name);
    front_free(&f);
}

/* ---- spans ---- */

static void test_spans(void **state) {
    (void)state;
    const char *text = "let a = 1\nlet bee = a + sum[i : 3](x[i]') * 2\n";
    Front f = front_of(text);
    const Stmt *let = f.file->items.at[1];
    assert_int_equal(let->span.start, 10);
    assert_int_equal(let->span.end, strlen(text) - 1);
    const Declarator *d = &let->declare.at[0];
    assert_memory_equal(text + d->name_span.start, "bee", 3);
    assert_int_equal(d->name_span.end - d->name_span.start, 3);
    const Expr *product = d->init->binary.b;
    assert_memory_equal(text + product->span.start, "sum[i : 3](x[i]') * 2", 21);
    assert_int_equal(product->span.end - product->span.start, 21);
    const Expr *prime = product->binary.a->reduce.body;
    assert_memory_equal(text + prime->span.start, "x[i]'", 5);
    assert_int_equal(prime->span.end - prime->span.start, 5);
    front_free(&f);
}

/* ---- recovery ---- */

/* One message for each mistake, and what stands between them is read. */
static void test_all_errors_in_one_run(void **state) {
    (void)state;
    Front f = front_of("let a = 1 +\n"
                       "system s {\n  potential = = 3\n  kinetic = 4 4\n  temperature = 2\n}\n"
                       "run adam( on s {\n  record x x\n  batch 3 3\n}\n"
                       "let b = 2\n"
                       "fn f(x) { let y = (x; y }\n"
                       "let c = 3\n");
    char *messages = front_messages(&f);
    static const char *const lines[] = {
        "lag:1:", "lag:3:", "lag:4:", "lag:7:", "lag:8:", "lag:9:", "lag:12:"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(messages, lines[i]))
            fail_msg("no message for %s in\n%s", lines[i], messages);
    assert_null(strstr(messages, "lag:5:"));
    assert_null(strstr(messages, "lag:11:"));
    assert_null(strstr(messages, "lag:13:"));
    free(messages);
    front_free(&f);
}

static void test_too_many_errors(void **state) {
    (void)state;
    Buf text = {0};
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "let = 3\n");
    Front f = front_of(text.at);
    assert_in_range(diag_error_count(f.session), 50, 150);
    front_free(&f);
    buf_free(&text);
}

/* ---- texts nobody wrote on purpose ---- */

static void test_empty(void **state) {
    (void)state;
    static const char *const empty[] = {
        "", "\n", "\r\n", " \t ", "# comment", "# comment\n", "\xEF\xBB\xBF", ";", ";;\n;"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        Front f = front_of(empty[i]);
        assert_int_equal(diag_error_count(f.session), 0);
        assert_int_equal(f.file->items.n, 0);
        front_free(&f);
    }
}

static void test_line_ends(void **state) {
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (int i = 0; i < 3; i++) {
        Buf text = {0};
        buf_printf(&text, "let a = 1 +%s  2%slet b = a%s  - 3 # c%ssystem s {%s  potential = b%s}%s", ends[i],
                   ends[i], ends[i], ends[i], ends[i], ends[i], ends[i]);
        Front f = front_of(text.at);
        assert_int_equal(diag_error_count(f.session), 0);
        assert_int_equal(f.file->items.n, 3);
        char *printed = front_print(&f);
        assert_string_equal(printed, "let a = 1 + 2\nlet b = a - 3  # c\nsystem s {\n  potential = b\n}\n");
        free(printed);
        front_free(&f);
        buf_free(&text);
    }
}

static void test_nul_bytes(void **state) {
    (void)state;
    static const char text[] = "let a = 1\0 + 2\nlet s = \"x\0y\"\n# c\0d\nlet b = 3\n";
    Front f = front_parse(text, sizeof text - 1);
    assert_true(diag_error_count(f.session) >= 2);
    const Stmt *last = f.file->items.at[f.file->items.n - 1];
    assert_int_equal(last->kind, STMT_DECLARE);
    assert_string_equal(name_text(f.session->names, last->declare.at[0].name), "b");
    front_free(&f);
}

static void test_every_byte(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = "let a = 1 ? + 2\nlet b = 3";
        text[10] = (char)c;
        Front f = front_parse(text, sizeof text - 1);
        assert_true(f.file->items.n >= 1);
        front_free(&f);
        for (size_t cut = 1; cut <= 4; cut++) { /* and sequences cut short at the end of the file */
            char tail[5] = {'x', (char)c, (char)0x82, (char)0x83, (char)0x84};
            f = front_parse(tail, cut);
            front_free(&f);
        }
    }
}

static void expect_too_deep(const char *open, const char *close, int n) {
    Buf text = {0};
    buf_puts(&text, "let a = ");
    for (int i = 0; i < n; i++)
        buf_puts(&text, open);
    buf_puts(&text, "1");
    for (int i = 0; i < n; i++)
        buf_puts(&text, close);
    buf_puts(&text, "\nlet b = 2\n");
    Front f = front_of(text.at);
    char *messages = front_messages(&f);
    assert_non_null(strstr(messages, "E0108"));
    if (diag_error_count(f.session) > 3)
        fail_msg("%.3000s", messages);
    free(messages);
    char *printed = front_print(&f);
    free(printed);
    front_free(&f);
    buf_free(&text);
}

static void test_deep_nesting(void **state) {
    (void)state;
    expect_too_deep("(", ")", 100000);
    expect_too_deep("[", "]", 100000);
    expect_too_deep("sum[i](", ")", 50000);
    expect_too_deep("f(", "", 100000);
    expect_too_deep("-", "", 100000);
    expect_too_deep("not ", "", 100000);
    expect_too_deep("2^", "", 100000);
    expect_too_deep("if a then b else ", "", 30000);
}

/* The time to parse, check and print a flat chain, which is as deep as its deepest operand. */
static double chain_seconds(const char *operator_, int n) {
    Buf text = {0};
    buf_puts(&text, "let a = (((x0)))^2");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "%s%sx%d", i % 2 ? "\n  " : " ", operator_, i);
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    Front f = front_of(text.at);
    assert_int_equal(diag_error_count(f.session), 0);
    assert_true(f.file->items.at[0]->declare.at[0].init->depth < 5);
    free(front_print(&f));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    front_free(&f);
    buf_free(&text);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Four times the terms may take four times the time, with a factor of three as in test_linear_time. */
static void test_long_chains(void **state) {
    (void)state;
    const char *const operators[] = {"+ ", "* ", "- x - ", "* 2 / ", "and ", "@ ", "+ y * "};
    for (size_t k = 0; k < sizeof operators / sizeof *operators; k++) {
        double small = chain_seconds(operators[k], 5000), large = chain_seconds(operators[k], 20000);
        print_message("chain of %s 5000 %.1f ms, 20000 %.1f ms\n", operators[k], small * 1e3, large * 1e3);
        assert_true(large < 12 * small + 0.05);
    }
    chain_seconds("+ ", 100000);
}

static double parse_seconds(int lines) {
    Buf text = {0};
    for (int i = 0; i < lines; i++)
        buf_printf(&text, "let name_%d[i : 10] = sum[j : 3](x[i, j] * (name_%d[i] + 2.5)^2) # a comment\n", i,
                   i ? i - 1 : 0);
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    Front f = front_of(text.at);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    assert_int_equal(diag_error_count(f.session), 0);
    assert_int_equal(f.file->items.n, lines);
    front_free(&f);
    buf_free(&text);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Ten times the lines may take ten times the time, with a factor of three for caches and other people's work;
 * a quadratic parser would take a hundred times. */
static void test_linear_time(void **state) {
    (void)state;
    parse_seconds(100);
    double small = parse_seconds(1000), large = parse_seconds(10000);
    print_message("1000 lines %.1f ms, 10000 lines %.1f ms\n", small * 1e3, large * 1e3);
    assert_true(large < 30 * small + 0.05);
}

/* What the fuzz entries start from, and what they once found. */
static void test_fuzz_corpus(void **state) {
    (void)state;
    glob_t found;
    assert_int_equal(glob("fuzz/lag_ast/corpus/*", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *in = fopen(found.gl_pathv[i], "rb");
        assert_non_null(in);
        char *text = malloc(1 << 20); /* of exactly its length, so that a look past the end is seen */
        size_t n = fread(text, 1, 1 << 20, in);
        fclose(in);
        text = realloc(text, n + !n);
        Front f = front_parse(text, n);
        free(front_messages(&f));
        front_free(&f);
        free(text);
    }
    assert_true(found.gl_pathc >= 10);
    globfree(&found);
}

/* ---- threads ---- */

static void *parse_repeatedly(void *text) {
    for (int i = 0; i < 50; i++) {
        Front f = front_of(text);
        uint32_t errors = diag_error_count(f.session), n = f.file->items.n;
        front_free(&f);
        if (errors != 1 || n != 3)
            return text;
    }
    return NULL;
}

/* Nothing is shared between two sessions. */
static void test_two_threads(void **state) {
    (void)state;
    char *texts[2] = {"let a = 1\nlet b = 2 2\nsystem s { potential = a }\nlet c = γ\n",
                      "coord x = 1\nparam y = 3 **\n 2\nrun a on b for 3 { record x every 1 }\n"};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_repeatedly, texts[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_words_as_names),
        cmocka_unit_test(test_greek_is_one_name),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_all_errors_in_one_run),
        cmocka_unit_test(test_too_many_errors),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_long_chains),
        cmocka_unit_test(test_linear_time),
        cmocka_unit_test(test_fuzz_corpus),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
