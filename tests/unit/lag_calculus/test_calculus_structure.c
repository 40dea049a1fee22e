/* What derivatives look like, not only what they are worth: contractions that stay contractions, closed
 * forms, cost that does not depend on extents, and work that grows about linearly with the program. */
#include "../lag_ir/random_program.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a classifier -------------------------------------------------------------------------------------- */

typedef struct Net {
    Session *session;
    IrProgram *p;
    IrDef block, W1, b1, W2, b2, image, label, hidden, out;
    IrTerm loss;
} Net;

static Name name(Session *s, const char *text) { return name_of(s->names, text); }

/* Σ_i x[n, i] W[i, j] + b[j] */
static IrTerm affine_layer(IrProgram *p, IrDef x, IrDef w, IrDef b, IrTerm n, IrTerm j) {
    IrIdx i = ir_fresh(p, ir_def(p, w)->extent[0], name(ir_session(p), "i"));
    IrTerm ii = ir_idx(p, i), at_x[2] = {n, ii}, at_w[2] = {ii, j};
    /* one after the other: terms are numbered as they are made, and C leaves the order of arguments open */
    IrTerm weight = ir_read(p, w, at_w, 2), from = ir_read(p, x, at_x, 2);
    IrTerm sum = ir_reduce(p, IR_SUM, i, 0, ir_mul(p, from, weight));
    return ir_add(p, sum, ir_read(p, b, &j, 1));
}

static void net_make(Net *net, uint64_t batch, uint64_t in, uint64_t mid, uint64_t classes) {
    Session *s = net->session = session_new();
    IrProgram *p = net->p = ir_new(s);
    uint64_t size = in * mid + mid + mid * classes + classes;
    net->block = ir_input(p, name(s, "q"), IR_ROLE_COORD, IR_F32, 1, &size);
    net->W1 = ir_view(p, name(s, "W1"), net->block, 0, 2, (uint64_t[]){in, mid});
    net->b1 = ir_view(p, name(s, "b1"), net->block, in * mid, 1, &mid);
    net->W2 = ir_view(p, name(s, "W2"), net->block, in * mid + mid, 2, (uint64_t[]){mid, classes});
    net->b2 = ir_view(p, name(s, "b2"), net->block, in * mid + mid + mid * classes, 1, &classes);
    net->image = ir_input(p, name(s, "image"), IR_ROLE_DATA, IR_F32, 2, (uint64_t[]){batch, in});
    net->label = ir_input(p, name(s, "label"), IR_ROLE_DATA, IR_U8, 1, &batch);
    IrIdx n = ir_fresh(p, batch, name(s, "n")), j = ir_fresh(p, mid, name(s, "j")),
          k = ir_fresh(p, classes, name(s, "k"));
    IrTerm nn = ir_idx(p, n), jj = ir_idx(p, j), kk = ir_idx(p, k);
    IrIdx first[2] = {n, j}, second[2] = {n, k};
    IrTerm h = ir_op1(p, IR_RELU, affine_layer(p, net->image, net->W1, net->b1, nn, jj));
    net->hidden = ir_define(p, name(s, "h"), IR_F32, first, 2, h);
    IrTerm o = affine_layer(p, net->hidden, net->W2, net->b2, nn, kk);
    net->out = ir_define(p, name(s, "o"), IR_F32, second, 2, o);
    IrTerm at[2] = {nn, kk}, hit[2] = {nn, ir_read(p, net->label, &nn, 1)};
    IrTerm softmax_sum = ir_reduce(p, IR_SUM, k, 0, ir_op1(p, IR_EXP, ir_read(p, net->out, at, 2)));
    IrTerm nll = ir_neg(
        p, ir_op1(p, IR_LOG, ir_div(p, ir_op1(p, IR_EXP, ir_read(p, net->out, hit, 2)), softmax_sum)));
    net->loss = ir_div(p, ir_reduce(p, IR_SUM, n, 0, nll), ir_real(p, (double)batch));
}

static void net_free(Net *net) {
    ir_free(net->p);
    session_free(net->session);
}

/* Whether t is Σ over one index of a product of two reads: what a matrix product is. */
static bool is_contraction(const IrProgram *p, IrTerm t) {
    const IrNode *sum = ir_node(p, t);
    if (sum->op != IR_SUM || sum->arg[1])
        return false;
    const IrNode *product = ir_node(p, sum->arg[2]);
    return product->op == IR_MUL && ir_node(p, product->arg[0])->op == IR_READ
           && ir_node(p, product->arg[1])->op == IR_READ;
}

static void weights_get_matrix_products(void **state) {
    (void)state;
    Net net;
    net_make(&net, 128, 784, 128, 10);
    IrDef wrt[4] = {net.W1, net.b1, net.W2, net.b2}, grad[4], whole;
    assert_true(calc_gradient(net.p, net.loss, wrt, 4, grad));
    assert_true(is_contraction(net.p, ir_def(net.p, grad[0])->body));
    assert_true(is_contraction(net.p, ir_def(net.p, grad[2])->body));
    assert_true(calc_gradient(net.p, net.loss, &net.block, 1, &whole));
    const IrDefInfo *info = ir_def(net.p, whole);
    assert_int_equal(info->kind, IR_DEF_CONCAT);
    assert_int_equal(info->n_pieces, 4);
    for (uint32_t k = 0; k < 4; k++)
        assert_int_equal(info->pieces[k].def, grad[k]);
    net_free(&net);
}

/* ∂loss/∂o[n, k] = (exp(o[n, k] − logsumexp) − [k = label[n]]) / N */
static void cross_entropy_gives_softmax_minus_one_hot(void **state) {
    (void)state;
    Net net;
    net_make(&net, 16, 12, 8, 10);
    IrProgram *p = net.p;
    IrDef grad;
    assert_true(calc_gradient(p, net.loss, &net.out, 1, &grad));
    IrIdx n = ir_fresh(p, 16, 0), k = ir_fresh(p, 10, 0), j = ir_fresh(p, 10, 0);
    IrTerm nn = ir_idx(p, n), kk = ir_idx(p, k), jj = ir_idx(p, j), at[2] = {nn, kk}, other[2] = {nn, jj};
    IrDef lse = ir_define(p, 0, IR_F32, &n, 1,
                          ir_reduce(p, IR_LOGSUMEXP, j, 0, ir_read(p, net.out, other, 2)));
    IrTerm softmax = ir_op1(p, IR_EXP, ir_sub(p, ir_read(p, net.out, at, 2), ir_read(p, lse, &nn, 1)));
    IrTerm hit = ir_bracket(p, kk, ir_read(p, net.label, &nn, 1)), scale = ir_real(p, 1.0 / 16);
    IrIdx axes[2] = {n, k};
    IrDef want = ir_define(p, 0, IR_F32, axes, 2,
                           ir_sub(p, ir_mul(p, scale, softmax), ir_mul(p, scale, hit)));
    assert_int_equal(grad, want);
    net_free(&net);
}

/* ---- pendulums ----------------------------------------------------------------------------------------- */

typedef struct Chain {
    Session *session;
    IrProgram *p;
    IrDef angle, rate, mass;
    uint32_t n_terms;
    double seconds;
} Chain;

/* Kinetic energy of n links from the positions Σ_{j ≤ i} (sin θ_j, −cos θ_j), differentiated along the
 * velocities; then momenta, mass matrix and forces. */
static void chain_make(Chain *c, uint64_t n) {
    Session *s = c->session = session_new();
    IrProgram *p = c->p = ir_new(s);
    double start = now();
    c->angle = ir_input(p, name(s, "θ"), IR_ROLE_COORD, IR_F64, 1, &n);
    c->rate = ir_input(p, name(s, "ω"), IR_ROLE_VELOCITY, IR_F64, 1, &n);
    IrIdx i = ir_fresh(p, n, name(s, "i")), j = ir_fresh(p, n, name(s, "j"));
    IrTerm ii = ir_idx(p, i), jj = ir_idx(p, j), link = ir_read(p, c->angle, &jj, 1),
           below = ir_op2(p, IR_LE, jj, ii);
    IrDef x = ir_define(p, name(s, "x"), IR_F64, &i, 1,
                        ir_reduce(p, IR_SUM, j, below, ir_op1(p, IR_SIN, link)));
    IrDef y = ir_define(p, name(s, "y"), IR_F64, &i, 1,
                        ir_neg(p, ir_reduce(p, IR_SUM, j, below, ir_op1(p, IR_COS, link))));
    CalcSeed seed = {c->angle, c->rate};
    IrDef dx = calc_tangent_def(p, x, &seed, 1), dy = calc_tangent_def(p, y, &seed, 1), grad[2];
    IrTerm two = ir_real(p, 2),
           v2 = ir_add(p, ir_pow(p, ir_read(p, dx, &ii, 1), two), ir_pow(p, ir_read(p, dy, &ii, 1), two));
    IrTerm kinetic = ir_mul(p, ir_real(p, 0.5), ir_reduce(p, IR_SUM, i, 0, v2));
    IrTerm potential = ir_mul(p, ir_real(p, 9.81), ir_reduce(p, IR_SUM, i, 0, ir_read(p, y, &ii, 1)));
    IrDef wrt[2] = {c->angle, c->rate};
    assert_true(calc_gradient(p, ir_sub(p, kinetic, potential), wrt, 2, grad));
    c->mass = calc_hessian(p, kinetic, c->rate, c->rate);
    assert_true(c->mass);
    calc_tidy(p, ir_def(p, c->mass)->body);
    c->seconds = now() - start;
    c->n_terms = 0; /* without constants: one extent may meet another number in the program */
    for (IrTerm t = 1; t <= ir_term_count(p); t++)
        c->n_terms += ir_node(p, t)->op != IR_CONST;
}

static void chain_free(Chain *c) {
    ir_free(c->p);
    session_free(c->session);
}

static void derivation_does_not_depend_on_extents(void **state) {
    (void)state;
    Chain few, many;
    chain_make(&few, 2);
    chain_make(&many, 100);
    assert_int_equal(few.n_terms, many.n_terms);
    chain_free(&few);
    chain_free(&many);
}

/* (N − max(a, b)) cos(θ_a − θ_b): no sum left. */
static void mass_matrix_has_a_closed_form(void **state) {
    (void)state;
    Chain c;
    chain_make(&c, 100);
    IrProgram *p = c.p;
    IrTerm a = ir_idx(p, ir_axis(p, 0, 100)), b = ir_idx(p, ir_axis(p, 1, 100));
    IrTerm count = ir_sub(p, ir_int(p, 100), ir_op2(p, IR_MAX, a, b));
    IrTerm angle = ir_sub(p, ir_read(p, c.angle, &a, 1), ir_read(p, c.angle, &b, 1));
    IrTerm want = ir_mul(p, ir_to_real(p, count), ir_op1(p, IR_COS, angle));
    assert_int_equal(calc_tidy(p, ir_def(p, c.mass)->body), want);
    chain_free(&c);
}

/* Σ_i Σ_j u[i] v[j] and Σ_k (a[i] + b[k]): loops that can be apart are. */
static void sums_are_factored(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    uint64_t n = 50;
    IrDef u = ir_input(p, name(s, "u"), IR_ROLE_DATA, IR_F64, 1, &n),
          v = ir_input(p, name(s, "v"), IR_ROLE_DATA, IR_F64, 1, &n);
    IrDef A = ir_input(p, name(s, "A"), IR_ROLE_DATA, IR_F64, 2, (uint64_t[]){n, n});
    IrIdx i = ir_fresh(p, n, 0), j = ir_fresh(p, n, 0), k = ir_fresh(p, n, 0);
    IrTerm ii = ir_idx(p, i), jj = ir_idx(p, j), kk = ir_idx(p, k);
    IrTerm ui = ir_read(p, u, &ii, 1), vj = ir_read(p, v, &jj, 1), uk = ir_read(p, u, &kk, 1);
    IrTerm sum_u = ir_reduce(p, IR_SUM, i, 0, ui), sum_v = ir_reduce(p, IR_SUM, j, 0, vj);
    IrTerm both = ir_reduce(p, IR_SUM, i, 0, ir_reduce(p, IR_SUM, j, 0, ir_mul(p, ui, vj)));
    assert_int_equal(both, ir_mul(p, sum_u, sum_v));
    IrTerm mixed = ir_reduce(p, IR_SUM, k, 0, ir_add(p, ir_read(p, v, &ii, 1), uk)); /* i free */
    IrTerm want = ir_add(p, ir_mul(p, ir_real(p, 50), ir_read(p, v, &ii, 1)), sum_u);
    IrTerm got = calc_factor(p, mixed);
    assert_int_equal(got, ir_sub(p, want, ir_real(p, 0)));
    /* Σ_k A[i, k] Σ_l A[k, l] v[l]: the inner sum is the same for every i */
    IrTerm ik[2] = {ii, kk}, kj[2] = {kk, jj};
    IrTerm inner = ir_reduce(p, IR_SUM, j, 0, ir_mul(p, ir_read(p, A, kj, 2), vj));
    IrTerm chain = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_read(p, A, ik, 2), inner));
    assert_true(is_contraction(p, calc_factor(p, chain)));
    ir_free(p);
    session_free(s);
}

static void affine_in_one_quantity(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    uint64_t n = 5;
    IrDef x = ir_scalar_input(p, name(s, "x"), IR_ROLE_STATE),
          g = ir_scalar_input(p, name(s, "g"), IR_ROLE_HYPER);
    IrDef v = ir_input(p, name(s, "v"), IR_ROLE_DATA, IR_F64, 1, &n);
    IrTerm xx = ir_read0(p, x), gg = ir_read0(p, g), a, b;
    IrTerm rate = ir_mul(p, ir_op1(p, IR_LOG, gg), ir_sub(p, ir_pow(p, gg, ir_real(p, 2)), xx));
    assert_true(calc_linear(p, rate, xx, &a, &b));
    assert_int_equal(a, ir_mul(p, ir_op1(p, IR_LOG, gg), ir_pow(p, gg, ir_real(p, 2))));
    assert_int_equal(b, ir_neg(p, ir_op1(p, IR_LOG, gg)));
    IrIdx k = ir_fresh(p, n, 0);
    IrTerm kk = ir_idx(p, k), vk = ir_read(p, v, &kk, 1);
    IrTerm sum = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, vk, ir_add(p, ir_op1(p, IR_SIN, vk), xx)));
    assert_true(calc_linear(p, sum, xx, &a, &b));
    assert_int_equal(b, ir_reduce(p, IR_SUM, k, 0, vk));
    assert_true(calc_linear(p, gg, xx, &a, &b) && a == gg && ir_is_zero(p, b));
    assert_false(calc_linear(p, ir_op1(p, IR_SIN, xx), xx, &a, &b));
    assert_false(calc_linear(p, ir_mul(p, xx, ir_op1(p, IR_EXP, xx)), xx, &a, &b));
    ir_free(p);
    session_free(s);
}

/* ---- golden texts ------------------------------------------------------------------------------------- */

/* Derived programs as text, for a reader: golden/ir/NAME.ir, written anew when LAG_UPDATE is set. */
static void assert_golden(const IrProgram *p, const IrDef *roots, uint32_t n, const char *name) {
    char path[128];
    Buf out = {0}, want = {0};
    snprintf(path, sizeof path, "golden/ir/%s.ir", name);
    ir_print(p, roots, n, &out);
    if (getenv("LAG_UPDATE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fwrite(out.at, 1, out.n, file);
        fclose(file);
    }
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is not there (tests run in tests/)", path);
    char chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_write(&want, chunk, got);
    fclose(file);
    assert_string_equal(out.at, want.at);
    buf_free(&out);
    buf_free(&want);
}

static void derived_programs_read_well(void **state) {
    (void)state;
    Net net;
    IrDef whole;
    net_make(&net, 16, 12, 8, 10);
    assert_true(calc_gradient(net.p, net.loss, &net.block, 1, &whole));
    assert_golden(net.p, &whole, 1, "classifier_gradient");
    net_free(&net);
    Chain chain;
    chain_make(&chain, 100);
    assert_golden(chain.p, &chain.mass, 1, "pendulum_chain_mass");
    chain_free(&chain);
}

/* ---- growth -------------------------------------------------------------------------------------------- */

/* A sum of n different terms over one vector, and its gradient; returns the seconds it took. */
static double long_sum(uint64_t n, uint32_t *n_terms) {
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    double start = now();
    uint64_t size = 64;
    IrDef x = ir_input(p, name(s, "x"), IR_ROLE_COORD, IR_F64, 1, &size), grad;
    IrTerm sum = ir_real(p, 0);
    for (uint64_t k = 0; k < n; k++) {
        IrTerm at = ir_int(p, (int64_t)(k % size)), next = ir_int(p, (int64_t)((k * 7 + 1) % size));
        IrTerm a = ir_read(p, x, &at, 1), b = ir_read(p, x, &next, 1);
        sum = ir_add(p, sum, ir_op1(p, IR_SIN, ir_mul(p, a, ir_add(p, b, ir_real(p, (double)k)))));
    }
    assert_true(calc_gradient(p, sum, &x, 1, &grad));
    *n_terms = ir_term_count(p);
    double seconds = now() - start;
    ir_free(p);
    session_free(s);
    return seconds;
}

/* n definitions, each over the one before and one of the first; the gradient of the last. */
static double long_program(uint64_t n, uint32_t *n_terms) {
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    double start = now();
    uint64_t size = 16;
    IrDef x = ir_input(p, name(s, "x"), IR_ROLE_COORD, IR_F64, 1, &size), last = x, grad;
    for (uint64_t k = 0; k < n; k++) {
        IrIdx i = ir_fresh(p, size, 0);
        IrTerm ii = ir_idx(p, i), shifted = ir_op2(p, IR_IMOD, ir_add(p, ii, ir_int(p, 1)), ir_int(p, 16));
        IrTerm body = ir_add(p, ir_op1(p, IR_TANH, ir_read(p, last, &ii, 1)),
                             ir_mul(p, ir_real(p, 1.0 / (double)(k + 2)), ir_read(p, x, &shifted, 1)));
        last = ir_define(p, 0, IR_F64, &i, 1, body);
    }
    IrIdx i = ir_fresh(p, size, 0);
    IrTerm ii = ir_idx(p, i), loss = ir_reduce(p, IR_SUM, i, 0, ir_read(p, last, &ii, 1));
    assert_true(calc_gradient(p, loss, &x, 1, &grad));
    CalcSeed seed = {x, x};
    assert_true(calc_tangent(p, loss, &seed, 1));
    *n_terms = ir_term_count(p);
    double seconds = now() - start;
    ir_free(p);
    session_free(s);
    return seconds;
}

/* Terms exactly linear up to a few; time within twice linear (caches, a busy machine). */
static void work_grows_linearly(void **state) {
    (void)state;
    uint32_t small, large;
    double a = long_sum(1000, &small), b = long_sum(10000, &large);
    print_message("sum of 1000 terms and gradient: %.1f ms; of 10000: %.1f ms, %u terms\n", 1e3 * a, 1e3 * b,
                  large);
    assert_true(large < 12 * small);
    assert_true(b < 0.02 + 25 * a);
    a = long_program(1000, &small);
    b = long_program(10000, &large);
    print_message("1000 definitions, gradient and tangent: %.1f ms; 10000: %.1f ms, %u terms\n", 1e3 * a,
                  1e3 * b, large);
    assert_true(large < 12 * small);
    assert_true(b < 0.02 + 25 * a);
    Net net;
    double start = now();
    net_make(&net, 128, 784, 128, 10);
    IrDef grad;
    assert_true(calc_gradient(net.p, net.loss, &net.block, 1, &grad));
    print_message("classifier of two layers and gradient: %.3f ms, %u terms\n", 1e3 * (now() - start),
                  ir_term_count(net.p));
    net_free(&net);
    Chain chain;
    chain_make(&chain, 100);
    print_message("100 links, momenta, forces, mass matrix: %.3f ms, %u terms\n", 1e3 * chain.seconds,
                  chain.n_terms);
    chain_free(&chain);
}

/* A term 100,000 operations deep: built, substituted into, differentiated, printed never, all without
 * recursion. */
static void deep_terms_do_not_overflow_the_stack(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    uint64_t n = 8;
    IrDef x = ir_input(p, name(s, "x"), IR_ROLE_COORD, IR_F64, 1, &n), grad;
    IrIdx i = ir_fresh(p, n, 0);
    IrTerm ii = ir_idx(p, i), t = ir_read(p, x, &ii, 1);
    for (int k = 0; k < 50000; k++)
        t = ir_op1(p, IR_SIN, ir_add(p, t, ir_real(p, 1.0 / (k + 1))));
    IrTerm loss = ir_reduce(p, IR_SUM, i, 0, t);
    assert_true(calc_gradient(p, loss, &x, 1, &grad));
    assert_true(calc_partial(p, loss, x, &ii));
    IrEnv *env = ir_env_new(p);
    double at[8] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
    bool ok;
    ir_env_set(env, x, at);
    ir_eval(env, loss, NULL, &ok);
    assert_true(ok);
    Buf out = {0};
    ir_print(p, &grad, 1, &out);
    assert_true(out.n > 1000000);
    buf_free(&out);
    ir_env_free(env);
    ir_free(p);
    session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_get_matrix_products),
        cmocka_unit_test(cross_entropy_gives_softmax_minus_one_hot),
        cmocka_unit_test(derivation_does_not_depend_on_extents),
        cmocka_unit_test(mass_matrix_has_a_closed_form),
        cmocka_unit_test(sums_are_factored),
        cmocka_unit_test(affine_in_one_quantity),
        cmocka_unit_test(derived_programs_read_well),
        cmocka_unit_test(work_grows_linearly),
        cmocka_unit_test(deep_terms_do_not_overflow_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
