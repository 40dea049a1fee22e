/* Mechanical systems from their Lagrangians: equations of motion, words, conserved quantities, what is
 * reported. */
#include <math.h>
#include <time.h>

#include "rig.h"

/* ---- building ---- */

static IrTerm square(IrProgram *p, IrTerm a) { return ir_mul(p, a, a); }
static IrTerm half(IrProgram *p, IrTerm a) { return ir_mul(p, ir_real(p, 0.5), a); }

static void give(Rig *r, SemaTerm *slot, IrTerm t) { *slot = (SemaTerm){t, r->run.system_span, false}; }

static void by_method(Rig *r) { r->run.method = "dop853"; }

static void by_word(Rig *r, const char *word, double h) {
    r->run.by = ir_real(r->p, h);
    rig_word(r, word);
}

static int occurrences(const char *text, const char *what) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* What LaTeX asks of a document: ASCII, balanced braces, \\left with \\right, every environment closed. */
static void check_latex(Rig *r) {
    Buf text = {0};
    mech_print_latex(&r->model, r->mech, &text);
    mech_print_latex(&r->model, r->mech, &text); /* a second run joins the document */
    int depth = 0;
    for (const char *at = text.at; *at; at++) {
        assert_true((unsigned char)*at < 0x80);
        bool escaped = at > text.at && at[-1] == '\\';
        depth += *at == '{' && !escaped ? 1 : *at == '}' && !escaped ? -1 : 0;
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_int_equal(occurrences(text.at, "\\left"),
                     occurrences(text.at, "\\right") + occurrences(text.at, "\\leftarrow"));
    assert_int_equal(occurrences(text.at, "\\begin{"), occurrences(text.at, "\\end{"));
    assert_int_equal(occurrences(text.at, "\\begin{document}"), 1);
    buf_free(&text);
}

/* Derives, checks the numbers, shows the derivation when asked to. */
static MechRun *derive_checked(Rig *r, const char *what) {
    assert_non_null(rig_derive(r));
    Buf text = {0};
    mech_print_text(&r->model, r->mech, false, &text);
    bool holds = mech_check(r->session, &r->model, r->mech, 4, 1e-6, 7, &text);
    if (getenv("SHOW") || !holds)
        printf("\n#### %s\n%s\n", what, text.at);
    assert_true(holds);
    buf_free(&text);
    check_latex(r);
    return r->mech;
}

static bool shows(Rig *r, const char *what) {
    Buf text = {0};
    mech_print_text(&r->model, r->mech, false, &text);
    bool found = strstr(text.at, what) != NULL;
    if (!found)
        fprintf(stderr, "no `%s` in:\n%s\n", what, text.at);
    buf_free(&text);
    return found;
}

/* A chain of n unit masses on unit rods, angles from the downward vertical. */
static Rig *chain(uint64_t n, SemaBody **body) {
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *b = *body = rig_coord(r, "theta", 1, &n);
    IrDef position[2], velocity[2];
    for (int k = 0; k < 2; k++) {
        IrIdx i = ir_fresh(p, n, rig_name(r, "i"));
        for (int moving = 0; moving < 2; moving++) {
            IrIdx j = ir_fresh(p, n, rig_name(r, "j"));
            IrTerm at = ir_idx(p, j), q = ir_read(p, b->q, &at, 1), v = ir_read(p, b->v, &at, 1);
            IrTerm sine = ir_op1(p, IR_SIN, q), cosine = ir_op1(p, IR_COS, q);
            IrTerm value = k == 0 ? sine : ir_neg(p, cosine), rate = ir_mul(p, k == 0 ? cosine : sine, v);
            IrTerm guard = ir_op2(p, IR_LE, at, ir_idx(p, i));
            IrTerm sum = ir_reduce(p, IR_SUM, j, guard, moving ? rate : value);
            IrDef d = ir_define(p,
                                rig_name(r, moving ? (k ? "y'" : "x'")
                                            : k    ? "y"
                                                   : "x"),
                                IR_F64, &i, 1, sum);
            *(moving ? &velocity[k] : &position[k]) = d;
        }
    }
    IrIdx i = ir_fresh(p, n, rig_name(r, "i"));
    IrTerm at = ir_idx(p, i), vx = ir_read(p, velocity[0], &at, 1), vy = ir_read(p, velocity[1], &at, 1);
    IrTerm sum = ir_reduce(p, IR_SUM, i, 0, ir_add(p, square(p, vx), square(p, vy)));
    give(r, &r->run.kinetic, half(p, sum));
    i = ir_fresh(p, n, rig_name(r, "i"));
    at = ir_idx(p, i);
    IrTerm height = ir_reduce(p, IR_SUM, i, 0, ir_read(p, position[1], &at, 1));
    give(r, &r->run.potential, ir_mul(p, ir_real(p, 9.81), height));
    r->vars[0].init = ir_real(p, 1.2);
    return r;
}

/* ---- methods ---- */

static void test_pendulum(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *b = rig_coord(r, "theta", 0, NULL);
    give(r, &r->run.kinetic, half(p, square(p, ir_read0(p, b->v))));
    give(r, &r->run.potential, ir_mul(p, ir_real(p, -9.81), ir_op1(p, IR_COS, ir_read0(p, b->q))));
    by_method(r);
    derive_checked(r, "pendulum");
    assert_int_equal(r->mech->mass, MECH_MASS_IDENTITY);
    assert_true(shows(r, "θ'' = −9.81 sin(θ)"));
    rig_free(r);
}

/* A wrong acceleration does not pass the check: one part in a thousand is seen. */
static void test_check_sees(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *b = rig_coord(r, "theta", 0, NULL);
    give(r, &r->run.kinetic, half(p, square(p, ir_read0(p, b->v))));
    give(r, &r->run.potential, ir_mul(p, ir_real(p, -9.81), ir_op1(p, IR_COS, ir_read0(p, b->q))));
    r->vars[0].init = ir_real(p, 1);
    by_method(r);
    assert_non_null(rig_derive(r));
    IrAssign *acceleration = &r->mech->rhs.groups.at[0].at[1];
    acceleration->value = ir_mul(p, ir_real(p, 1.001), acceleration->value);
    Buf text = {0};
    assert_false(mech_check(r->session, &r->model, r->mech, 3, 1e-6, 1, &text));
    assert_non_null(strstr(text.at, "WRONG"));
    buf_free(&text);
    rig_free(r);
}

/* θ'' of the double pendulum at rest at (2, 1): M = [[2, c], [c, 1]], c = cos 1, force (−2 g sin 2, −g sin
 * 1). */
static void test_double_pendulum(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = chain(2, &b);
    by_method(r);
    derive_checked(r, "double pendulum");
    assert_int_equal(r->mech->mass, MECH_MASS_DENSE_Q);
    rig_start(r);
    double q[2] = {2, 1}, v[2] = {0.3, -0.4};
    rig_set(r, b->q, q);
    rig_set(r, b->v, v);
    assert_true(mech_apply(r->p, r->env, &r->mech->rhs));
    double c = cos(q[0] - q[1]), s = sin(q[0] - q[1]), g = 9.81;
    double f0 = -2 * g * sin(q[0]) - s * v[1] * v[1], f1 = -g * sin(q[1]) + s * v[0] * v[0], det = 2 - c * c;
    rig_close(rig_get(r, r->mech->dy[1], 0), (f0 - c * f1) / det, 1e-13, "first angle");
    rig_close(rig_get(r, r->mech->dy[1], 1), (2 * f1 - c * f0) / det, 1e-13, "second angle");
    rig_free(r);
}

typedef struct Cost {
    uint32_t terms, defs;
    double seconds;
} Cost;

static Cost cost_of_chain(uint64_t n) {
    SemaBody *b;
    Rig *r = chain(n, &b);
    by_method(r);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_non_null(rig_derive(r));
    clock_gettime(CLOCK_MONOTONIC, &end);
    Cost cost = {ir_term_count(r->p), ir_def_count(r->p),
                 (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)};
    rig_free(r);
    return cost;
}

/* The equations of a chain do not depend on its length: the same terms at N = 3 and N = 100. */
static void test_chain_cost(void **state) {
    (void)state;
    Cost two = cost_of_chain(2), three = cost_of_chain(3), hundred = cost_of_chain(100);
    printf("             derivation of a chain: N = 2 %.2f ms, N = 3 %.2f ms, N = 100 %.2f ms; %u and %u "
           "terms\n",
           1e3 * two.seconds, 1e3 * three.seconds, 1e3 * hundred.seconds, three.terms, hundred.terms);
    assert_int_equal(three.terms, hundred.terms);
    assert_int_equal(three.defs, hundred.defs);
}

static void kepler_energies(Rig *r, SemaBody *x, SemaBody *y) {
    IrProgram *p = r->p;
    give(r, &r->run.kinetic, half(p, ir_add(p, square(p, ir_read0(p, x->v)), square(p, ir_read0(p, y->v)))));
    IrTerm radius = ir_op1(p, IR_SQRT, ir_add(p, square(p, ir_read0(p, x->q)), square(p, ir_read0(p, y->q))));
    give(r, &r->run.potential, ir_neg(p, ir_div(p, ir_real(p, 1), radius)));
    r->vars[0].init = ir_real(p, 0.4);
    r->vars[1].init_v = ir_real(p, 2);
}

static void test_kepler(void **state) {
    (void)state;
    Rig *r = rig_new();
    SemaBody *x = rig_coord(r, "x", 0, NULL), *y = rig_coord(r, "y", 0, NULL);
    kepler_energies(r, x, y);
    by_method(r);
    derive_checked(r, "Kepler");
    assert_true(shows(r, "J_xy"));
    rig_free(r);
}

/* Polar coordinates: the mass matrix is diagonal and depends on r; φ is cyclic. */
static void test_polar(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *rho = rig_coord(r, "r", 0, NULL), *phi = rig_coord(r, "phi", 0, NULL);
    IrTerm q = ir_read0(p, rho->q), vr = ir_read0(p, rho->v), vphi = ir_read0(p, phi->v);
    give(r, &r->run.kinetic, half(p, ir_add(p, square(p, vr), ir_mul(p, square(p, q), square(p, vphi)))));
    give(r, &r->run.potential, ir_neg(p, ir_div(p, ir_real(p, 1), q)));
    r->vars[0].init = ir_real(p, 1);
    by_method(r);
    derive_checked(r, "polar");
    assert_int_equal(r->mech->mass, MECH_MASS_DIAGONAL_Q);
    assert_true(shows(r, "φ is cyclic"));
    rig_free(r);
}

/* A charge in a magnetic field B along z: L = ½(x'² + y'²) + ½ B (x y' − y x'); x'' = B y', y'' = −B x'. */
static void test_charge(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL), *y = rig_coord(r, "y", 0, NULL);
    IrTerm vx = ir_read0(p, x->v), vy = ir_read0(p, y->v), B = rig_hyper(r, "B", 1.5);
    IrTerm free = half(p, ir_add(p, square(p, vx), square(p, vy)));
    IrTerm field = ir_sub(p, ir_mul(p, ir_read0(p, x->q), vy), ir_mul(p, ir_read0(p, y->q), vx));
    give(r, &r->run.lagrangian, ir_add(p, free, half(p, ir_mul(p, B, field))));
    by_method(r);
    derive_checked(r, "charge");
    rig_start(r);
    rig_set1(r, x->v, 0.7);
    rig_set1(r, y->v, -0.2);
    assert_true(mech_apply(p, r->env, &r->mech->rhs));
    rig_close(rig_get(r, r->mech->dy[2], 0), 1.5 * -0.2, 1e-15, "x''");
    rig_close(rig_get(r, r->mech->dy[3], 0), -1.5 * 0.7, 1e-15, "y''");
    rig_free(r);
}

/* Friction 3/t and a growing mass: L = t³(½x'² − ½x²) gives x'' = −x − 3x'/t. */
static void test_time_dependent(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL);
    IrTerm t = ir_read0(p, r->run.time), cube = ir_pow(p, t, ir_real(p, 3));
    IrTerm L = ir_sub(p, half(p, square(p, ir_read0(p, x->v))), half(p, square(p, ir_read0(p, x->q))));
    give(r, &r->run.lagrangian, ir_mul(p, cube, L));
    by_method(r);
    derive_checked(r, "time-dependent");
    rig_start(r);
    rig_set1(r, r->run.time, 2);
    rig_set1(r, x->q, 0.5);
    rig_set1(r, x->v, 0.25);
    assert_true(mech_apply(p, r->env, &r->mech->rhs));
    rig_close(rig_get(r, r->mech->dy[1], 0), -0.5 - 3 * 0.25 / 2, 1e-15, "x''");
    rig_free(r);
}

/* A relativistic particle on a spring: L = −√(1 − x'²) − ½x²; x'' = −x (1 − x'²)^(3/2). */
static void test_relativistic(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL);
    IrTerm root = ir_op1(p, IR_SQRT, ir_sub(p, ir_real(p, 1), square(p, ir_read0(p, x->v))));
    give(r, &r->run.lagrangian, ir_sub(p, ir_neg(p, root), half(p, square(p, ir_read0(p, x->q)))));
    by_method(r);
    assert_non_null(rig_derive(r));
    assert_int_equal(r->mech->mass, MECH_MASS_NONQUADRATIC);
    rig_start(r);
    rig_set1(r, x->q, 0.5);
    rig_set1(r, x->v, 0.6);
    assert_true(mech_apply(p, r->env, &r->mech->rhs));
    rig_close(rig_get(r, r->mech->dy[1], 0), -0.5 * pow(1 - 0.36, 1.5), 1e-14, "x''");
    rig_free(r);
}

/* ---- words ---- */

static Rig *oscillator(SemaBody **body, double friction) {
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = *body = rig_coord(r, "x", 0, NULL);
    give(r, &r->run.kinetic, half(p, square(p, ir_read0(p, x->v))));
    give(r, &r->run.potential, ir_mul(p, ir_real(p, 2), square(p, ir_read0(p, x->q))));
    if (friction != 0)
        give(r, &r->run.dissipation, ir_mul(p, ir_real(p, friction), square(p, ir_read0(p, x->v))));
    r->vars[0].init = ir_real(p, 1);
    r->vars[0].init_v = ir_real(p, 0.5);
    return r;
}

static double oscillator_error(const char *word, double h, double friction) {
    SemaBody *x;
    Rig *r = oscillator(&x, friction);
    by_word(r, word, h);
    derive_checked(r, word);
    rig_start(r);
    uint64_t steps = (uint64_t)lround(2 / h);
    for (uint64_t k = 1; k <= steps; k++)
        rig_step(r, k);
    /* x'' = −4x − 2 friction x' from (1, 0.5) */
    double w = sqrt(4 - friction * friction), t = 2, e = exp(-friction * t);
    double exact = e * (cos(w * t) + (0.5 + friction) / w * sin(w * t));
    double error = fabs(rig_get(r, x->q, 0) - exact);
    rig_free(r);
    return error;
}

/* Halving the step divides the error by 2^order. */
static void check_order(const char *word, double friction, double h, double order) {
    double ratio = oscillator_error(word, h, friction) / oscillator_error(word, h / 2, friction);
    printf("             %-32s order %.3f\n", word, log2(ratio));
    assert_true(fabs(log2(ratio) - order) < 0.25);
}

static void test_orders(void **state) {
    (void)state;
    check_order("p q", 0, 0.02, 1);
    check_order("p/2 q p/2", 0, 0.02, 2);
    check_order("q/2 p q/2", 0.15, 0.02, 2);
    check_order("p/2 q p/2", 0.15, 0.02, 2);
    const char *yoshida =
        "p*0.6756035959798288 q*1.3512071919596578 p*-0.1756035959798288 q*-1.7024143839193155 "
        "p*-0.1756035959798288 q*1.3512071919596578 p*0.6756035959798288";
    check_order(yoshida, 0, 0.05, 4);
    SemaBody *x;
    Rig *r = oscillator(&x, 0);
    by_word(r, yoshida, 0.1);
    assert_non_null(rig_derive(r));
    assert_true(shows(r, "of order 4"));
    rig_free(r);
}

/* Phase space contracts by exactly e^(−γh) a step: det ∂(q,p)⁺/∂(q,p), from two unit displacements of a
 * linear map. */
static void test_contraction(void **state) {
    (void)state;
    SemaBody *x;
    Rig *r = oscillator(&x, 0.15);
    by_word(r, "p/2 q p/2", 0.1);
    assert_non_null(rig_derive(r));
    rig_start(r);
    double column[2][2];
    for (int k = 0; k < 2; k++) {
        rig_set1(r, x->q, k == 0);
        rig_set1(r, x->p, k == 1);
        rig_step(r, 1);
        column[k][0] = rig_get(r, x->q, 0);
        column[k][1] = rig_get(r, x->p, 0);
    }
    double det = column[0][0] * column[1][1] - column[1][0] * column[0][1];
    rig_close(det, exp(-0.3 * 0.1), 1e-14, "contraction");
    rig_free(r);
}

/* A driven force cos(3t): leapfrog takes it at t and t + h, position leapfrog at t + h/2. */
static void test_driven(void **state) {
    (void)state;
    const char *const words[] = {"p/2 q p/2", "q/2 p q/2"};
    for (int w = 0; w < 2; w++) {
        double error[2];
        for (int k = 0; k < 2; k++) {
            SemaBody *x;
            Rig *r = oscillator(&x, 0);
            IrTerm t = ir_read0(r->p, r->run.time);
            r->forces[r->run.n_forces++] =
                (SemaForce){0, ir_op1(r->p, IR_COS, ir_mul(r->p, ir_real(r->p, 3), t)), r->run.system_span};
            double h = k ? 0.01 : 0.02;
            by_word(r, words[w], h);
            assert_non_null(rig_derive(r));
            rig_start(r);
            for (uint64_t i = 1; i <= (uint64_t)lround(2 / h); i++)
                rig_step(r, i);
            /* x'' = −4x + cos 3t: particular −cos(3t)/5 */
            double exact = 1.2 * cos(4) + 0.25 * sin(4) - cos(6) / 5;
            error[k] = fabs(rig_get(r, x->q, 0) - exact);
            rig_free(r);
        }
        assert_true(fabs(log2(error[0] / error[1]) - 2) < 0.1);
    }
}

/* Two coupled coordinates with a constant dense mass matrix move by a word; so does their friction γT. */
static void test_dense_mass(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL), *y = rig_coord(r, "y", 0, NULL);
    IrTerm vx = ir_read0(p, x->v), vy = ir_read0(p, y->v);
    IrTerm T = half(p, ir_add(p, square(p, vx), square(p, ir_add(p, vx, ir_mul(p, ir_real(p, 2), vy)))));
    give(r, &r->run.kinetic, T);
    give(r, &r->run.potential,
         half(p, ir_add(p, square(p, ir_read0(p, x->q)), square(p, ir_read0(p, y->q)))));
    give(r, &r->run.dissipation, ir_mul(p, ir_real(p, 0.3), T));
    by_word(r, "p/2 q p/2", 0.05);
    derive_checked(r, "dense mass");
    assert_int_equal(r->mech->mass, MECH_MASS_DENSE);
    rig_free(r);
}

/* A chain of springs whose mass matrix is dense and constant: M_ij = 2δ_ij + 1. */
static void test_dense_vector(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    uint64_t n = 3;
    SemaBody *x = rig_coord(r, "x", 1, &n);
    IrIdx i = ir_fresh(p, n, rig_name(r, "i"));
    IrTerm at = ir_idx(p, i), sum = ir_reduce(p, IR_SUM, i, 0, ir_read(p, x->v, &at, 1));
    give(r, &r->run.kinetic,
         ir_add(p, ir_mul(p, ir_real(p, 2), rig_half_squares(r, x->v, 0)), half(p, square(p, sum))));
    give(r, &r->run.potential, rig_half_squares(r, x->q, 0));
    by_word(r, "p/2 q p/2", 0.05);
    r->vars[0].init_v = ir_real(p, 1);
    derive_checked(r, "dense vector");
    rig_start(r);
    rig_close(rig_get(r, x->p, 1), 5, 1e-15, "initial momentum");
    rig_free(r);
}

/* A Hamiltonian in q and p: H = ½p²/2 + cos q. */
static void test_hamiltonian(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL);
    IrTerm H = ir_add(p, ir_mul(p, ir_real(p, 0.25), square(p, ir_read0(p, x->p))),
                      ir_op1(p, IR_COS, ir_read0(p, x->q)));
    give(r, &r->run.hamiltonian, H);
    r->vars[0].init_v = ir_real(p, 3);
    by_word(r, "p/2 q p/2", 0.1);
    derive_checked(r, "Hamiltonian");
    rig_start(r);
    rig_close(rig_get(r, x->p, 0), 6, 1e-15, "initial momentum");
    rig_free(r);
}

/* ---- first order ---- */

static void test_first_order(void **state) {
    (void)state;
    Rig *r = rig_new();
    IrProgram *p = r->p;
    SemaBody *x = rig_coord(r, "x", 0, NULL), *y = rig_coord(r, "y", 0, NULL);
    IrTerm vx = ir_read0(p, x->v), vy = ir_read0(p, y->v);
    give(r, &r->run.potential,
         half(p, ir_add(p, square(p, ir_read0(p, x->q)), square(p, ir_read0(p, y->q)))));
    give(r, &r->run.dissipation, half(p, ir_add(p, square(p, vx), square(p, ir_add(p, vx, vy)))));
    by_word(r, "q", 0.1);
    r->vars[0].init = ir_real(p, 1);
    derive_checked(r, "first order");
    assert_true(r->mech->first_order);
    rig_start(r);
    rig_step(r, 1);
    /* G = [[2, 1], [1, 1]], F = (−1, 0): q' = (−1, 1) */
    rig_close(rig_get(r, x->q, 0), 0.9, 1e-15, "x");
    rig_close(rig_get(r, y->q, 0), 0.1, 1e-15, "y");
    rig_free(r);
}

/* ---- heat bath ---- */

static double one_draw(void *context, IrDrawKind kind, uint32_t site, int64_t position) {
    (void)kind;
    (void)site;
    (void)position;
    return *(double *)context;
}

/* p ← e^(−γh) p + √(τ m (1 − e^(−2γh))) ξ with the friction in the bath alone. */
static void test_bath(void **state) {
    (void)state;
    SemaBody *x;
    Rig *r = oscillator(&x, 0.15);
    give(r, &r->run.temperature, ir_real(r->p, 0.7));
    by_word(r, "p/2 q/2 bath q/2 p/2", 0.1);
    derive_checked(r, "BAOAB");
    rig_start(r);
    double xi = 1.25, h = 0.1, q = 1, p = 0.5;
    ir_env_set_draw(r->env, one_draw, &xi);
    rig_step(r, 1);
    p -= h / 2 * 4 * q;
    q += h / 2 * p;
    p = exp(-0.3 * h) * p + sqrt(0.7 * (1 - exp(-0.6 * h))) * xi;
    q += h / 2 * p;
    p -= h / 2 * 4 * q;
    rig_close(rig_get(r, x->q, 0), q, 1e-14, "q");
    rig_close(rig_get(r, x->p, 0), p, 1e-14, "p");
    rig_free(r);
}

/* ---- what cannot be derived is said ---- */

static void fails_with(Rig *r, const char *code) {
    assert_null(mech_derive(r->session, &r->model, &r->run));
    assert_true(rig_said(r, code));
    rig_free(r);
}

static void test_errors(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = chain(2, &b); /* its mass matrix depends on the angles */
    by_word(r, "p q", 0.1);
    fails_with(r, "E0656");

    r = oscillator(&b, 0);
    by_word(r, "p q bath", 0.1);
    fails_with(r, "E0656");

    r = oscillator(&b, 0);
    by_word(r, "p q spin", 0.1);
    fails_with(r, "E0657");

    r = rig_new(); /* y has no inertia */
    b = rig_coord(r, "x", 0, NULL);
    rig_coord(r, "y", 0, NULL);
    give(r, &r->run.kinetic, half(r->p, square(r->p, ir_read0(r->p, b->v))));
    by_method(r);
    fails_with(r, "E0651");

    r = rig_new(); /* only x' + y' costs energy */
    b = rig_coord(r, "x", 0, NULL);
    SemaBody *c = rig_coord(r, "y", 0, NULL);
    give(r, &r->run.kinetic,
         half(r->p, square(r->p, ir_add(r->p, ir_read0(r->p, b->v), ir_read0(r->p, c->v)))));
    by_method(r);
    fails_with(r, "E0652");

    r = rig_new(); /* neither mass nor friction */
    b = rig_coord(r, "x", 0, NULL);
    give(r, &r->run.potential, square(r->p, ir_read0(r->p, b->q)));
    by_method(r);
    fails_with(r, "E0653");

    r = rig_new(); /* no mass, friction of the third power: solved for x' */
    b = rig_coord(r, "x", 0, NULL);
    give(r, &r->run.potential, square(r->p, ir_read0(r->p, b->q)));
    give(r, &r->run.dissipation, ir_pow(r->p, ir_op1(r->p, IR_ABS, ir_read0(r->p, b->v)), ir_real(r->p, 3)));
    by_method(r);
    assert_non_null(mech_derive(r->session, &r->model, &r->run));
    rig_free(r);

    r = oscillator(&b, 0); /* a constraint that no coordinate enters */
    SemaConstraint idle = {.residual = ir_define(r->p, 0, IR_F64, NULL, 0, ir_real(r->p, 1)), .span = r->run.system_span};
    r->run.constraints = &idle;
    r->run.n_constraints = 1;
    by_method(r);
    fails_with(r, "E0659");

    r = rig_new(); /* nothing that moves */
    by_method(r);
    fails_with(r, "E0650");

    r = rig_new(); /* a kinetic energy under a word whose momentum 2 v + 4 v³ is solved for v by Newton's method */
    b = rig_coord(r, "x", 0, NULL);
    IrTerm speed = ir_read0(r->p, b->v);
    give(r, &r->run.kinetic, ir_add(r->p, square(r->p, speed), ir_pow(r->p, speed, ir_real(r->p, 4))));
    by_word(r, "p q", 0.1);
    assert_non_null(mech_derive(r->session, &r->model, &r->run));
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pendulum),
        cmocka_unit_test(test_check_sees),
        cmocka_unit_test(test_double_pendulum),
        cmocka_unit_test(test_chain_cost),
        cmocka_unit_test(test_kepler),
        cmocka_unit_test(test_polar),
        cmocka_unit_test(test_charge),
        cmocka_unit_test(test_time_dependent),
        cmocka_unit_test(test_relativistic),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_contraction),
        cmocka_unit_test(test_driven),
        cmocka_unit_test(test_dense_mass),
        cmocka_unit_test(test_dense_vector),
        cmocka_unit_test(test_hamiltonian),
        cmocka_unit_test(test_first_order),
        cmocka_unit_test(test_bath),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
