/* print — reading what was printed gives the same tree, and printing that the same text: over every program
 * of the repository, over expressions made at random, and for what `lag fmt` promises to keep. */
#include "equal.h"

#include <glob.h>
#include <time.h>

/* Prints `f`, reads the text into the same session, and compares. Returns the text. */
static char *round_trip(Front *f, const char *what) {
    char *text = front_print(f);
    uint32_t errors = diag_error_count(f->session);
    uint32_t source = source_add(f->session, "printed.lag", text, strlen(text));
    File *again = ast_parse(f->session, source);
    if (diag_error_count(f->session) != errors) {
        char *messages = front_messages(f);
        fail_msg("%s: the printed text does not read:\n%s\n%s", what, text, messages);
    }
    if (!same_stmts(f->file->items, again->items))
        fail_msg("%s: the printed text gives another tree:\n%s", what, text);
    assert_int_equal(f->file->comments.n, again->comments.n);
    Front second = {f->session, again};
    char *twice = front_print(&second);
    if (strcmp(text, twice))
        fail_msg("%s: printed twice, the text changes:\n%s\n%s", what, text, twice);
    free(twice);
    return text;
}

static char *read_whole(const char *path, size_t *n) {
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    Buf buf = {0};
    buf_puts(&buf, "");
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
        buf_write(&buf, chunk, got);
    fclose(in);
    *n = buf.n;
    return buf.at;
}

/* Every right program of the repository; the tests run in tests/. */
static void test_every_program(void **state) {
    (void)state;
    static const char *const patterns[] = {"golden/check/*.lag",  "golden/fmt/*.lag", "golden/run/*.lag",
                                           "golden/derive/*.lag", "../stdlib/*.lag",  "../examples/*/*.lag",
                                           "numeric/*/*.lag"};
    uint32_t n = 0;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        glob_t found;
        if (glob(patterns[p], 0, NULL, &found))
            continue;
        for (size_t i = 0; i < found.gl_pathc; i++) {
            size_t length;
            char *text = read_whole(found.gl_pathv[i], &length);
            Front f = front_parse(text, length);
            if (!diag_error_count(f.session)) {
                free(round_trip(&f, found.gl_pathv[i]));
                n++;
            } else if (!strstr(text, "#!")) {
                fail_msg("%s does not parse", found.gl_pathv[i]);
            }
            front_free(&f);
            free(text);
        }
        globfree(&found);
    }
    assert_true(n >= 40);
}

/* ---- random expressions ---- */

static uint32_t seed = 12345;
static uint32_t pick(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void random_expr(Buf *out, int depth) {
    static const char *const leaves[] = {"x", "T", "γ", "3", "1.5e-3", "½", "true", "\"text\"", "inf", "x₁"};
    static const char *const binary[] = {
        "+", "-", "*", "/", "@", "%", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or"};
    uint32_t kind = depth <= 0 ? 0 : pick(13);
    switch (kind) {
    case 0: case 1: buf_puts(out, leaves[pick(10)]); return;
    case 2: case 3: case 4: case 5: case 6:
        buf_puts(out, "(");
        random_expr(out, depth - 1);
        buf_printf(out, ") %s (", binary[pick(15)]);
        random_expr(out, depth - 1);
        buf_puts(out, ")");
        return;
    case 7: case 8:
        buf_puts(out, pick(2) ? "-(" : "not (");
        random_expr(out, depth - 1);
        buf_puts(out, ")");
        return;
    case 9:
        buf_puts(out, "(");
        random_expr(out, depth - 1);
        buf_puts(out, pick(2) ? ")'" : ")ᵀ");
        return;
    case 10:
        buf_puts(out, "if (");
        random_expr(out, depth - 1);
        buf_puts(out, ") then (");
        random_expr(out, depth - 1);
        buf_puts(out, ") else (");
        random_expr(out, depth - 1);
        buf_puts(out, ")");
        return;
    case 11:
        buf_puts(out, "sum[i : 3, j in 1..4 | ");
        random_expr(out, depth - 1);
        buf_puts(out, "](");
        random_expr(out, depth - 1);
        buf_puts(out, ")");
        return;
    default:
        buf_puts(out, "f([");
        random_expr(out, depth - 1);
        buf_puts(out, ", 2][1], a = ");
        random_expr(out, depth - 1);
        buf_puts(out, ")");
    }
}

/* Full of brackets, so that the tree is known whatever the printer leaves out. */
static void test_random_expressions(void **state) {
    (void)state;
    for (int i = 0; i < 400; i++) {
        Buf text = {0};
        buf_puts(&text, "let y = ");
        random_expr(&text, 6);
        Front f = front_of(text.at);
        if (diag_error_count(f.session))
            fail_msg("%s\n%s", text.at, front_messages(&f));
        free(round_trip(&f, text.at));
        front_free(&f);
        buf_free(&text);
    }
}

/* ---- what fmt keeps ---- */

static void expect_printed(const char *from, const char *to) {
    Front f = front_of(from);
    char *text = round_trip(&f, from);
    assert_string_equal(text, to);
    free(text);
    front_free(&f);
}

static void test_comments(void **state) {
    (void)state;
    expect_printed("# only a comment", "# only a comment\n");
    expect_printed("let x = 1 # one\n# two\n\n\n# three\nlet y = 2",
                   "let x = 1  # one\n# two\n\n# three\nlet y = 2\n");
    expect_printed("system s { # head\n  potential = 1 # in\n  # last\n}\n# after",
                   "system s {  # head\n  potential = 1  # in\n  # last\n}\n# after\n");
    expect_printed("fn f(x) {\n  # why\n  x # value\n}", "fn f(x) {\n  # why\n  x  # value\n}\n");
    expect_printed("run a on b { # nothing\n}", "run a on b\n# nothing\n");
}

static void test_lines(void **state) {
    (void)state;
    expect_printed("let x=1;let y=2", "let x = 1; let y = 2\n");
    expect_printed("system s { potential=1;temperature=2 }", "system s { potential = 1; temperature = 2 }\n");
    expect_printed("system s {\n potential=1;temperature=2 }",
                   "system s {\n  potential = 1; temperature = 2\n}\n");
    expect_printed("", "");
    expect_printed("\n\n  \n", "");
}

/* Words too long for a line are broken between parts. */
static void test_long_words(void **state) {
    (void)state;
    expect_printed("dynamics d {\n  step { p(0.123456789); q(0.123456789); p(0.123456789); q(0.123456789); p(0.12345678); "
                   "q(0.1234); p(0.123456) }\n}",
                   "dynamics d {\n  step {\n    p(0.123456789); q(0.123456789); p(0.123456789); q(0.123456789); "
                   "p(0.12345678); q(0.1234)\n    p(0.123456)\n  }\n}\n");
}

/* A line past the margin is broken at its loosest operators, and reads back the same. */
static void test_long_lines(void **state) {
    (void)state;
    Buf text = {0};
    buf_puts(&text, "let total = first_term");
    for (int i = 0; i < 30; i++)
        buf_printf(&text, " + another_term_%d * sum[i](value[i] / %d)", i, i + 1);
    Front f = front_of(text.at);
    char *printed = round_trip(&f, "long line");
    for (const char *line = printed; *line;) {
        const char *end = strchr(line, '\n');
        assert_true(end - line <= 110);
        line = end + 1;
    }
    free(printed);
    front_free(&f);
    buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_program),
        cmocka_unit_test(test_random_expressions),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
