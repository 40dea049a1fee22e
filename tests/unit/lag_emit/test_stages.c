/* The stages of Runge-Kutta methods by compiled code: the bits of the steps that the runtime makes by itself. */
#include "rig.h"

#include "../../../runtime/integrate/integrate.h"

enum { STEPS = 300 };

/* y' = f(t, y) of q and v of n numbers each, and of s alone, as a function of the compiler. */
typedef struct Motion {
    Rig *rig;
    IrDef y[3], dy[3], time;
    IrRates rates;
    RtFunction rhs;
    RtStagesFunction stages;
    size_t n;
    unsigned served; /* calls of stages that gave slopes */
} Motion;

static IrTerm read_at(Rig *r, IrDef d, IrIdx i) { return rig_read1(r, d, ir_idx(r->ir, i)); }
static IrTerm own(Rig *r, IrDef d, uint64_t n) { return read_at(r, d, ir_axis(r->ir, 0, n)); }

static Motion *motion_new(uint64_t n, bool often, IrElem elem) {
    Motion *m = calloc(1, sizeof *m);
    Rig *r = m->rig = rig_new(false);
    r->func.often = often;
    for (int k = 0; k < 3; k++)
        m->y[k] = rig_input(r, IR_ROLE_COORD, elem, k < 2, &n, 0);
    for (int k = 0; k < 3; k++)
        m->dy[k] = rig_input(r, IR_ROLE_OUTPUT, elem, k < 2, &n, 0);
    m->time = rig_input(r, IR_ROLE_TIME, IR_F64, 0, NULL, 0);
    m->rates = (IrRates){.y = m->y, .dy = m->dy, .n = 3, .time = m->time};
    r->func.rates = &m->rates;
    m->n = 2 * n + 1;
    return m;
}

/* Copies a block between the frame and `vector`, where the function uses it; the numbers it has. */
static uint64_t copy(const Motion *m, IrDef d, const double *from, double *to) {
    PlanPlace place;
    uint64_t n = ir_size(m->rig->ir, d);
    if (!plan_place(m->rig->plan, d, &place))
        return n;
    char *at = m->rig->frame.mem + place.offset;
    memcpy(from ? (void *)at : (void *)to, from ? (const void *)from : (const void *)at, n * sizeof(double));
    return n;
}

static RtStatus rhs(void *context, double t, const double *y, double *dy) {
    Motion *m = context;
    copy(m, m->time, &t, NULL);
    for (int k = 0; k < 3; k++)
        y += copy(m, m->y[k], y, NULL);
    int32_t status = m->rhs(&m->rig->frame);
    for (int k = 0; k < 3; k++)
        dy += copy(m, m->dy[k], NULL, dy);
    return (RtStatus)status;
}

static RtStatus stages(void *context, const RtStages *s) {
    Motion *m = context;
    int32_t status = m->stages(&m->rig->frame, s);
    m->served += status == RT_OK;
    return (RtStatus)status;
}

/* Some motion with a clock, coupled coordinates and a force that is `force` in q. */
static void oscillate(Motion *m, uint64_t n, IrOp force) {
    Rig *r = m->rig;
    IrProgram *ir = r->ir;
    IrTerm t = ir_read0(ir, m->time), s = ir_read0(ir, m->y[2]);
    IrIdx j = ir_fresh(ir, n, 0);
    IrTerm all = ir_reduce(ir, IR_SUM, j, 0, ir_op1(ir, IR_SIN, read_at(r, m->y[0], j)));
    IrTerm pull = ir_add(ir, ir_op1(ir, force, own(r, m->y[0], n)), ir_mul(ir, ir_real(ir, 0.25), all));
    IrTerm slow = ir_mul(ir, s, ir_op1(ir, IR_COS, t));
    rig_group(r, 3, (IrAssign[]){{.target = m->dy[0], .value = own(r, m->y[1], n)},
                                 {.target = m->dy[1], .value = ir_sub(ir, slow, pull)},
                                 {.target = m->dy[2], .value = ir_op1(ir, IR_NEG, ir_mul(ir, s, ir_real(ir, 0.125)))}});
}

static void motion_compile(Motion *m, bool want) {
    rig_compile(m->rig);
    m->rhs = (RtFunction)(uintptr_t)jit_symbol(m->rig->code, "step");
    m->stages = (RtStagesFunction)(uintptr_t)jit_symbol(m->rig->code, "step_stages");
    assert_non_null(m->rhs);
    assert_int_equal(m->stages != NULL, want);
}

static void motion_free(Motion *m) {
    rig_free(m->rig);
    free(m);
}

static RtIntegrator *start(Motion *m, const RtMethod *method, bool with_stages, const double *y) {
    RtOde ode = {.n = m->n, .rhs = rhs, .stages = with_stages ? stages : NULL, .context = m};
    RtOdeOptions options = {.rtol = 1e-7, .atol = 1e-9, .h = method->adaptive ? 0 : 0.05};
    RtMessage message;
    RtIntegrator *g = rt_ode_new(method, &ode, &options, 0.5, 100, y, &message);
    assert_non_null(g);
    return g;
}

/* Steps both ways, side by side, up to the first failure; the status they end with. */
static RtStatus same_steps(Motion *m, const RtMethod *method, double size) {
    double y[64], at[2][64];
    for (size_t i = 0; i < m->n; i++)
        y[i] = size * (1 + 0.1 * (double)i);
    RtIntegrator *g[2] = {start(m, method, false, y), start(m, method, true, y)};
    RtStatus status[2] = {RT_OK, RT_OK};
    for (int s = 0; s < STEPS && !status[0]; s++) {
        double middle = 0;
        for (int k = 0; k < 2; k++) {
            double from = rt_ode_time(g[k]);
            status[k] = rt_ode_step(g[k]);
            middle = 0.5 * (from + rt_ode_time(g[k]));
            if (!status[k] && s % 7 == 3)
                assert_int_equal(rt_ode_at(g[k], middle, at[k]), RT_OK);
        }
        assert_int_equal(status[0], status[1]);
        assert_memory_equal(rt_ode_state(g[0]), rt_ode_state(g[1]), m->n * sizeof *y);
        if (!status[0] && s % 7 == 3)
            assert_memory_equal(at[0], at[1], m->n * sizeof *y);
        assert_true(rt_ode_time(g[0]) == rt_ode_time(g[1]));
    }
    RtOdeStats a = rt_ode_stats(g[0]), b = rt_ode_stats(g[1]);
    assert_int_equal(a.accepted, b.accepted);
    assert_int_equal(a.rejected, b.rejected);
    double when[2];
    if (status[0]) {
        assert_int_equal(rt_ode_culprit(g[0], &when[0]), rt_ode_culprit(g[1], &when[1]));
        assert_true(when[0] == when[1]);
    } else if (method->adaptive)
        assert_int_equal(a.evaluations, b.evaluations);
    rt_ode_free(g[0]);
    rt_ode_free(g[1]);
    return status[0];
}

/* Every Runge-Kutta method; y of all lengths, in the statements of the stage and by a call. */
static void bits(void **state) {
    (void)state;
    for (uint64_t n = 1; n <= 7; n++)
        for (int often = 0; often < 2; often++) {
            Motion *m = motion_new(n, often, IR_F64);
            oscillate(m, n, IR_SIN);
            motion_compile(m, true);
            for (const RtMethod *const *method = rt_methods(); *method; method++)
                if (!(*method)->of_jets) {
                    m->served = 0;
                    assert_int_equal(same_steps(m, *method, 0.4), RT_OK);
                    assert_true(m->served >= STEPS);
                }
            motion_free(m);
        }
}

/* A slope that is not finite fails as it does without compiled stages: at the same time, for the same reason. */
static void failures(void **state) {
    (void)state;
    for (int often = 0; often < 2; often++) {
        Motion *m = motion_new(2, often, IR_F64);
        oscillate(m, 2, IR_SQRT); /* pulled to where the root ends */
        motion_compile(m, true);
        for (const RtMethod *const *method = rt_methods(); *method; method++)
            if (!(*method)->of_jets)
                assert_int_not_equal(same_steps(m, *method, 0.02), RT_OK);
        motion_free(m);
    }
}

/* So does one that has no value: a matrix that stops being positive definite. */
static void stops(void **state) {
    (void)state;
    for (int often = 0; often < 2; often++) {
        Motion *m = motion_new(2, often, IR_F64);
        Rig *r = m->rig;
        IrProgram *ir = r->ir;
        IrIdx i = ir_fresh(ir, 2, 0), j = ir_fresh(ir, 2, 0), k = ir_fresh(ir, 2, 0);
        IrTerm diagonal = ir_mul(ir, ir_bracket(ir, ir_idx(ir, i), ir_idx(ir, j)), read_at(r, m->y[0], i));
        IrDef mass = ir_define(ir, 0, IR_F64, (IrIdx[]){i, j}, 2, diagonal);
        IrDef force = ir_define(ir, 0, IR_F64, &k, 1, ir_op1(ir, IR_NEG, ir_op1(ir, IR_EXP, read_at(r, m->y[0], k))));
        IrDef solved = ir_linalg(ir, IR_SOLVE_SPD, mass, force);
        rig_group(r, 3, (IrAssign[]){{.target = m->dy[0], .value = own(r, m->y[1], 2)},
                                     {.target = m->dy[1], .value = own(r, solved, 2)},
                                     {.target = m->dy[2], .value = ir_read0(ir, m->time)}});
        motion_compile(m, true);
        for (const RtMethod *const *method = rt_methods(); *method; method++)
            if (!(*method)->of_jets)
                assert_int_not_equal(same_steps(m, *method, 0.1), RT_OK);
        motion_free(m);
    }
}

/* Long vectors and single precision go by the right-hand side alone. */
static void left_out(void **state) {
    (void)state;
    const struct {
        uint64_t n;
        IrElem elem;
    } of[] = {{8, IR_F64}, {2, IR_F32}};
    for (size_t k = 0; k < 2; k++) {
        Motion *m = motion_new(of[k].n, true, of[k].elem);
        oscillate(m, of[k].n, IR_SIN);
        motion_compile(m, false);
        motion_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),
        cmocka_unit_test(failures),
        cmocka_unit_test(stops),
        cmocka_unit_test(left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
