/* Ranges of indices, lifting of functions, derivatives while lowering, systems joined. */
#include "harness.h"

static uint64_t extent_of(Lowered *l, uint32_t record, uint32_t axis) {
    return ir_def(l->model->ir, l->model->runs[0].records[record].value)->extent[axis];
}

static void test_stencils(void **state) {
    (void)state;
    Lowered l = lower_recording("let x[i : 6] = i^2\nlet d[i] = x[i+1] - x[i]\nlet e[i] = x[i+1] - x[i-1]\n"
                                "let f[i] = x[2 * i]\nlet g[i] = d[i] + e[i]",
                                "d, e, f, g, e[1], sum[i](d[i] * x[i])");
    assert_int_equal(extent_of(&l, 0, 0), 5); /* x[i+1] ends it at 4 */
    assert_int_equal(extent_of(&l, 1, 0), 4); /* x[i-1] starts it at 1 */
    assert_int_equal(extent_of(&l, 2, 0), 3);
    assert_int_equal(extent_of(&l, 3, 0), 4);
    assert_near(recorded(&l, 3)[0], 3 + 4, "g[1] = d[1] + e[1]");
    assert_near(recorded(&l, 4)[0], 4, "e counts from 1");
    double sum = 0;
    for (int i = 0; i < 5; i++) sum += (2 * i + 1) * (double)(i * i);
    assert_near(recorded(&l, 5)[0], sum, "sum over the shorter range");
    release(&l);
}

static void test_convolution(void **state) {
    (void)state;
    Lowered l = lower_recording("let a[y : 5, x : 7] = 10 * y + x\nlet k[u : 2, v : 3] = u + v\n"
                                "let c[y, x] = sum[u, v](a[y+u, x+v] * k[u, v])",
                                "c");
    assert_int_equal(extent_of(&l, 0, 0), 4);
    assert_int_equal(extent_of(&l, 0, 1), 5);
    double expected = 0;
    for (int u = 0; u < 2; u++)
        for (int v = 0; v < 3; v++) expected += (10 * (2 + u) + 3 + v) * (double)(u + v);
    assert_near(recorded(&l, 0)[2 * 5 + 3], expected, "c[2, 3]");
    release(&l);
}

static void test_periodic(void **state) {
    (void)state;
    Lowered l = lower_recording("let x[i : 4 periodic] = i\nlet d[i] = x[i+1] - x[i]\nlet y[i : 4] = i",
                                "d, sum[i](x[i-1] * y[i]), "
                                "sum[j : 4 periodic](y[j+3])");
    assert_int_equal(extent_of(&l, 0, 0), 4);
    assert_near(recorded(&l, 0)[3], -3, "wraps around");
    assert_near(recorded(&l, 1)[0], 0 * 3 + 1 * 0 + 2 * 1 + 3 * 2, "x[-1] is x[3]");
    assert_near(recorded(&l, 2)[0], 6, "a periodic index wraps on any axis");
    release(&l);
}

static void test_guards(void **state) {
    (void)state;
    assert_near(value_in("let x[i : 5] = i + 1", "sum[i : 5, j | j <= i](x[j])"), 1 + 3 + 6 + 10 + 15,
                "triangle");
    assert_near(value_in("let x[i : 5] = i + 1", "sum[i : 5, j : 5 | j < i](x[i-j])"), 2 + 5 + 9 + 14,
                "under a guard");
    assert_near(value_in("let x[i : 5] = i + 1\nlet d[i : 5] = if i > 0 then x[i-1] else 100.0", "sum(d)"),
                110, "under a condition the range stays whole");
}

static void test_gather(void **state) {
    (void)state;
    assert_near(value_in("let t = [2, 0, 1]\nlet x[i : 3] = 10 * i", "sum[n](x[t[n]] * n)"),
                0 + 0 * 1 + 10 * 2, "gather");
}

static void test_ranges_from_uses(void **state) {
    (void)state;
    Lowered l = lower_recording("let y[n : 7] = n\nlet c[n] = 2.0\nlet z[n] = c[n] * y[n]", "c, z");
    assert_int_equal(extent_of(&l, 0, 0), 7);
    assert_near(recorded(&l, 1)[6], 12, "z[6]");
    release(&l);
    assert_near(value_in("let y[n : 7] = n\nfn square_of(n) = y[n]^2", "sum[n](square_of(n))"), 91,
                "through a function");
}

/* A function written for one sample gives under an index what it gives sample by sample. */
static void test_lifting(void **state) {
    (void)state;
    const char *net =
        "param W[i : 3, j : 4] = sin(i + 2 * j), b[j : 4] = cos(j), V[j : 4, c : 2] = sin(3 * j - c)\n"
        "let x[n : 5, i : 3] = cos(n * (i + 1))\n"
        "fn net(x[i]) { let h[j] = tanh(sum[i](x[i] * W[i, j]) + b[j])\n"
        "  let o[c] = sum[j](h[j] * V[j, c])\n  o }\n"
        "fn loss(z[c]) = log_softmax(z)[1]";
    double lifted = value_in(net, "mean[n](loss(net(x[n, :])))"), single = 0;
    for (int n = 0; n < 5; n++) {
        char one[64];
        snprintf(one, sizeof one, "loss(net(x[%d, :]))", n);
        single += value_in(net, one) / 5;
    }
    assert_near(lifted, single, "lifted network");
}

static void test_free_axes_of_arguments(void **state) {
    (void)state;
    Lowered l = lower_recording("fn half(x[i]) = x[i] / 2\nlet v = [1, 2, 6]\nlet h = half(v)", "h");
    assert_int_equal(extent_of(&l, 0, 0), 3);
    assert_near(recorded(&l, 0)[2], 3, "an element-wise function");
    release(&l);
}

static void test_time_derivatives(void **state) {
    (void)state;
    const char *text =
        "coord x = 0.4, x' = 1.5, y = 0.3, y' = -2\nlet r = sqrt(x^2 + y^2)\nlet v = [x, x * y]";
    assert_near(value_in(text, "r'"), (0.4 * 1.5 - 0.3 * 2) / 0.5, "r'");
    assert_near(value_in(text, "v'[1]"), 1.5 * 0.3 - 2 * 0.4, "v'[1]");
    assert_near(value_in(text, "(v[1])'"), 1.5 * 0.3 - 2 * 0.4, "(v[1])'");
    assert_near(value_in(text, "(t * x)'"), 0.4, "(t x)' at t = 0");
}

static void test_derivatives(void **state) {
    (void)state;
    const char *text = "param x[2] = [0.4, 0.7], a = 1.2\nlet f = a * x[0]^3 * x[1]";
    assert_near(value_in(text, "grad(f, x)[0]"), 1.2 * 3 * 0.16 * 0.7, "grad");
    assert_near(value_in(text, "grad(f, a)"), 0.064 * 0.7, "grad by a number");
    assert_near(value_in(text, "grad(frozen(x[0]) * x[0], x)[0]"), 0.4, "frozen");
    assert_near(value_in(text, "hess(f, x)[0, 1]"), 1.2 * 3 * 0.16, "hess");
    assert_near(value_in(text, "hess(f, x, a)[1]"), 0.064, "mixed");
    assert_near(value_in(text, "jvp(f, x, [2.0, 1.0])"), 2 * 1.2 * 3 * 0.16 * 0.7 + 1.2 * 0.064, "jvp");
    assert_near(value_in(text, "vjp(x * x, x, [1.0, 10.0])[1]"), 10 * 2 * 0.7, "vjp");
    assert_near(
        value_in(
            "param w[2] = [0.5, 2]\nlet x[n : 3, i : 2] = n + i + 0.0\nfn f(x[i]) = sum[i](w[i] * x[i]^2)\n"
            "fn slope(x[i]) = grad(f(x), x)[1]",
            "sum[n](slope(x[n, :]))"),
        2 * 2 * (1 + 2 + 3), "under an index");
}

static void test_block(void **state) {
    (void)state;
    Lowered l = lower("param W[2, 3] = 1, b[2] = 2\nsystem s { potential = sum(W^2) + sum(b) }\n"
                      "run adam(lr = 0.1) on s for 3 steps { record loss, W[1, 2] }");
    const SemaRun *run = &l.model->runs[0];
    assert_true(run->block);
    assert_int_equal(run->n_bodies, 1);
    assert_int_equal(ir_size(l.model->ir, run->bodies[0].q), 8);
    assert_int_equal(ir_def(l.model->ir, run->vars[1].q)->kind, IR_DEF_VIEW);
    assert_int_equal(run->n_states, 1);
    assert_int_equal(ir_def(l.model->ir, run->states[0].s)->extent[0], 8);
    assert_near(recorded(&l, 0)[0], 10, "loss at the start");
    assert_int_equal(run->word.n, 3);
    release(&l);
}

static void test_bodies(void **state) {
    (void)state;
    Lowered l =
        lower("coord x[2] = [1, 2], y = 3, unused = 4\n"
              "system s { kinetic = 1/2 * sum(x'^2) + y'^2; potential = sum(x^2) + y; force on y = -x[0] }\n"
              "run leapfrog(h = 0.5) on s for 3 { record energy }");
    const SemaRun *run = &l.model->runs[0];
    assert_false(run->block);
    assert_int_equal(run->n_bodies, 2);
    assert_int_equal(run->n_forces, 1);
    assert_int_equal(run->forces[0].body, 1);
    bool ok;
    assert_near(ir_eval(l.env, run->by, NULL, &ok), 0.5, "length of a step");
    assert_near(run->word.body[0].fraction, 0.5, "half a kick");
    release(&l);
}

static void test_minibatch(void **state) {
    (void)state;
    Lowered l = lower("param a = 2\ndata y[n : 6] = 10 * n\nfn miss(n) = (y[n] - a)^2\n"
                      "system s { potential = mean[n in batch](miss(n)) }\n"
                      "run gradient_descent on s for 2 epochs { batch 2; record loss }");
    const SemaRun *run = &l.model->runs[0];
    assert_int_equal(run->batch_size, 2);
    assert_int_equal(run->batch_of, 6);
    double rows[2] = {4, 1};
    ir_env_set(l.env, run->batch, rows);
    assert_near(recorded(&l, 0)[0], (38.0 * 38 + 8 * 8) / 2, "mean over the rows of the minibatch");
    release(&l);
}

static bool reaches_extent(Lowered *l, IrTerm t, uint64_t extent) {
    uint32_t n = ir_def_count(l->model->ir);
    uint8_t *mark = calloc(n + 1, 1);
    ir_reach(l->model->ir, t, mark);
    bool found = false;
    for (IrDef d = 1; d <= n; d++) {
        const IrDefInfo *info = ir_def(l->model->ir, d);
        for (uint32_t k = 0;
             mark[d] && info->kind == IR_DEF_EXPR && info->role == IR_ROLE_NONE && k < info->rank; k++)
            found = found || info->extent[k] == extent;
    }
    free(mark);
    return found;
}

/* Definitions over all rows are computed for the rows of the minibatch only, unless something reads all of
 * them. */
static void test_definitions_of_rows(void **state) {
    (void)state;
    Lowered l = lower("param a = 2, b[3] = 1\nlet h[n : 60, j : 3] = tanh(a * n * 0.1 + j) * b[j]\n"
                      "let f[n] = sum[j](h[n, j]) + a\nsystem s { potential = mean[n in batch](f[n]^2) }\n"
                      "run gradient_descent on s for 2 epochs { batch 4; record loss, sum(f) }");
    const SemaRun *run = &l.model->runs[0];
    assert_false(reaches_extent(&l, run->potential.term, 60));
    assert_true(reaches_extent(&l, run->potential.term, 4));
    double rows[4] = {7, 0, 59, 31}, loss = 0, all = 0;
    ir_env_set(l.env, run->batch, rows);
    for (int n = 0; n < 60; n++) {
        double f = 2;
        for (int j = 0; j < 3; j++) f += tanh(0.2 * n + j);
        all += f;
        for (int k = 0; k < 4; k++) loss += rows[k] == n ? f * f / 4 : 0;
    }
    assert_near(recorded(&l, 0)[0], loss, "loss of the minibatch");
    assert_near(recorded(&l, 1)[0], all, "sum over all rows");
    release(&l);
}

/* `print a.x, b.x, x`: each run prints its own, the latest what names no run. */
static void test_outputs_of_two_runs(void **state) {
    (void)state;
    Lowered l = lower("param x = 1\nsystem s { potential = x^2 }\nrun a = gradient_descent on s for 1 steps\n"
                      "run b = gradient_descent on s for 2 steps\nprint a.x, b.x, x\nexpect a.x < 1");
    assert_int_equal(l.model->n_runs, 2);
    assert_int_equal(l.model->runs[0].n_records, 1);
    assert_int_equal(l.model->runs[0].n_expects, 1);
    assert_int_equal(l.model->runs[1].n_records, 2);
    assert_null(l.model->runs[1].missing);
    release(&l);
}

/* A parameter that the second run only reads keeps what the first one found. */
static void test_held(void **state) {
    (void)state;
    Lowered l = lower(
        "param w = 2\ncoord z = 1, z' = 0.5\nsystem a { potential = (w - 3)^2 }\n"
        "run gradient_descent on a for 1 steps\nsystem b { kinetic = 1/2 * z'^2; force on z = -w * z }\n"
        "run leapfrog on b for 1 { record w * z }");
    const SemaRun *run = &l.model->runs[1];
    assert_int_equal(run->n_bodies, 1);
    assert_int_equal(run->n_states, 1);
    assert_true(run->states[0].held);
    assert_int_equal(run->states[0].name, l.model->runs[0].vars[0].name);
    release(&l);
}

static void test_overrides(void **state) {
    (void)state;
    SemaOverride set = {"N", "4"};
    SemaOptions options = {.overrides = &set, .n_overrides = 1};
    Lowered l = lower_with("const N = 3\ncoord x[N] = 1\nsystem s { kinetic = 1/2 * sum(x'^2) }\n"
                           "run leapfrog on s for 1 { record x }",
                           &options, true);
    assert_int_equal(extent_of(&l, 0, 0), 4);
    release(&l);
    set.name = "M";
    l = lower_with("const N = 3\n", &options, false);
    assert_int_equal(diag_error_count(l.session), 1);
    release(&l);
}

static void test_drawn_data_stay(void **state) {
    (void)state;
    Lowered l =
        lower("data x[n : 20] = draw normal(0, 1)\ndata y[n] = 2 * x[n]\nparam a = 0\n"
              "system s { potential = mean[n]((y[n] - a * x[n])^2) }\nrun gradient_descent on s for 3 steps");
    const SemaRun *run = &l.model->runs[0];
    assert_int_equal(run->n_states, 2);
    double *x = elements(&l, run->states[0].start, run->states[0].s);
    double *y = elements(&l, run->states[1].start, run->states[1].s);
    for (int n = 0; n < 20; n++) assert_near(y[n], 2 * x[n], "made from the same draws");
    assert_true(x[0] != x[1]);
    free(x);
    free(y);
    release(&l);
}

/* 3,000 definitions written backwards, and as many terms in one sum: about linear, and no deep recursion. */
static void test_long_programs(void **state) {
    (void)state;
    Buf buf = {0};
    for (int k = 3000; k > 0; k--) buf_printf(&buf, "let a%d = a%d + 1\n", k, k - 1);
    buf_puts(&buf, "param a0 = 5\nlet s = 0");
    for (int k = 0; k < 1000; k++) buf_printf(&buf, " + sin(%d * a0)", k);
    assert_near(value_in(buf.at, "a3000"), 3005, "a chain of definitions");
    buf_free(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stencils),
        cmocka_unit_test(test_convolution),
        cmocka_unit_test(test_periodic),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_ranges_from_uses),
        cmocka_unit_test(test_lifting),
        cmocka_unit_test(test_free_axes_of_arguments),
        cmocka_unit_test(test_time_derivatives),
        cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_minibatch),
        cmocka_unit_test(test_definitions_of_rows),
        cmocka_unit_test(test_outputs_of_two_runs),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_drawn_data_stay),
        cmocka_unit_test(test_long_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
