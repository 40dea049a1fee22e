/* Copies in lanes make the steps they make alone, to the bit: states, times, step counts, values between steps, failures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "systems.h"

enum { COPIES = 21, MAX_N = 6 };

/* A family of systems, a copy's parameter last among its quantities: what each lane does differs. */
typedef struct System {
    size_t n;
    RtRhs rhs;
    double start[MAX_N];
    double spread;
} System;

static RtStatus pendulum(void *context, double t, const double *y, double *dy) {
    (void)context;
    dy[0] = y[1];
    dy[1] = -9.81 * sin(y[0]) + 0.3 * cos(y[2] * t);
    dy[2] = 0;
    return RT_OK;
}

/* y = 1 / (1/y₀ − t) runs away; below 0 it does not. */
static RtStatus explosion(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = y[0] * y[0];
    return RT_OK;
}

/* No value where y > 1, which copies that begin below reach. */
static RtStatus fenced(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = 1;
    dy[1] = y[1];
    return y[0] > 1 ? RT_SINGULAR : RT_OK;
}

static const System systems[] = {
    {3, pendulum, {2, 0, 1}, 0.2},
    {4, kepler, {0.4, 0, 0, 2}, 0.01},
    {1, explosion, {-1}, 0.15},
    {2, fenced, {-1.5, 1}, 0.1},
};

/* The memory of all lanes, as compiled code has it. */
typedef struct Together {
    RtFrame frame; /* first: the right-hand side gets a pointer to it */
    const System *system;
    unsigned lanes;
    _Alignas(128) double y[MAX_N * RT_MAX_LANES], dy[MAX_N * RT_MAX_LANES], t[RT_MAX_LANES];
    double *y_row[MAX_N], *dy_row[MAX_N];
} Together;

static int32_t all_lanes(RtFrame *frame, int32_t *status) {
    Together *g = (Together *)(void *)frame;
    for (unsigned l = 0; l < g->lanes; l++) {
        double one[MAX_N], slope[MAX_N];
        for (size_t i = 0; i < g->system->n; i++)
            one[i] = g->y_row[i][l];
        status[l] = (int32_t)g->system->rhs(NULL, g->t[l], one, slope);
        for (size_t i = 0; i < g->system->n; i++)
            g->dy_row[i][l] = slope[i];
    }
    return 0;
}

static RtLanes *lanes_of(Together *g, const System *s, unsigned lanes, const RtIntegrator *like) {
    *g = (Together){.system = s, .lanes = lanes};
    for (size_t i = 0; i < s->n; i++) {
        g->y_row[i] = g->y + (s->n - 1 - i) * lanes; /* rows may lie in any order */
        g->dy_row[i] = g->dy + i * lanes;
    }
    const RtLaneOde ode = {.lanes = lanes, .rhs = all_lanes, .frame = &g->frame, .y = g->y_row, .dy = g->dy_row, .t = g->t};
    return rt_lanes_new(like, &ode);
}

static RtIntegrator *copy_by(const char *method, const System *s, int number) {
    double y[MAX_N];
    RtMessage message;
    RtOde ode = {.n = s->n, .rhs = s->rhs};
    RtOdeOptions options = {.rtol = number % 3 ? 1e-9 : 1e-6, .atol = 1e-9, .hmax = number % 4 ? 0 : 0.05};
    if (!rt_method(method)->adaptive)
        options = (RtOdeOptions){.h = 0.013 + 0.001 * number};
    memcpy(y, s->start, sizeof y);
    y[0] += s->spread * number;
    RtIntegrator *g = rt_ode_new(rt_method(method), &ode, &options, 0, 2 + 0.3 * number, y, &message);
    assert_non_null(g);
    return g;
}

static RtIntegrator *copy_of(const System *s, int number) { return copy_by("dop853", s, number); }

typedef struct Trace { /* what is seen of a copy, step by step */
    double *at;
    size_t n, cap;
    RtStatus end;
} Trace;

static void note(Trace *trace, double v) {
    if (trace->n == trace->cap)
        trace->at = realloc(trace->at, (trace->cap = 2 * trace->cap + 256) * sizeof *trace->at);
    trace->at[trace->n++] = v;
}

static void note_step(Trace *trace, RtIntegrator *g, size_t n, int number) {
    note(trace, rt_ode_time(g));
    for (size_t i = 0; i < n; i++)
        note(trace, rt_ode_state(g)[i]);
    double y[MAX_N], t = rt_ode_time(g);
    if (number % 2 && rt_ode_covers(g, t - 1e-3) && rt_ode_at(g, t - 1e-3, y) == RT_OK)
        for (size_t i = 0; i < n; i++)
            note(trace, y[i]);
}

static void note_end(Trace *trace, RtIntegrator *g, RtStatus status, bool with_evaluations) {
    RtOdeStats s = rt_ode_stats(g);
    double t;
    trace->end = status;
    note(trace, (double)s.accepted);
    note(trace, (double)s.rejected);
    if (with_evaluations) /* of fixed steps, lanes evaluate the slope at the end of the last one too */
        note(trace, (double)s.evaluations);
    if (status) {
        note(trace, (double)rt_ode_culprit(g, &t));
        note(trace, t);
    }
}

static void alone(const char *method, const System *s, Trace *trace) {
    for (int c = 0; c < COPIES; c++) {
        RtIntegrator *g = copy_by(method, s, c);
        RtStatus status = RT_OK;
        while (!rt_ode_done(g) && (status = rt_ode_step(g)) == RT_OK)
            note_step(&trace[c], g, s->n, c);
        note_end(&trace[c], g, status, rt_method(method)->adaptive);
        rt_ode_free(g);
    }
}

/* Copies take the lanes that come free. */
static void together(const char *method, const System *s, unsigned lanes, Trace *trace) {
    static Together context;
    RtIntegrator *copy[COPIES];
    int in[RT_MAX_LANES], next = 0, left = 0;
    for (int c = 0; c < COPIES; c++)
        copy[c] = copy_by(method, s, c);
    RtLanes *g = lanes_of(&context, s, lanes, copy[0]);
    assert_non_null(g);
    for (unsigned l = 0; l < lanes; l++)
        in[l] = -1;
    for (;;) {
        for (unsigned l = 0; l < lanes; l++)
            while (in[l] < 0 && next < COPIES) {
                RtStatus status = rt_lanes_enter(g, l, copy[next]);
                if (status)
                    note_end(&trace[next], copy[next], status, rt_method(method)->adaptive);
                else
                    in[l] = next, left++;
                next++;
            }
        if (!left)
            break;
        RtLaneResult result[RT_MAX_LANES];
        rt_lanes_try(g, result);
        for (unsigned l = 0; l < lanes; l++) {
            int c = in[l];
            assert_int_equal(result[l] == RT_LANE_FREE, c < 0);
            if (result[l] == RT_LANE_ACCEPTED) {
                rt_lanes_show(g, l);
                note_step(&trace[c], copy[c], s->n, c);
            }
            if (c < 0 || (result[l] != RT_LANE_FAILED && !rt_ode_done(copy[c])))
                continue;
            RtStatus status = result[l] == RT_LANE_FAILED ? rt_lanes_status(g, l) : RT_OK;
            rt_lanes_leave(g, l);
            note_end(&trace[c], copy[c], status, rt_method(method)->adaptive);
            in[l] = -1;
            left--;
        }
    }
    for (int c = 0; c < COPIES; c++)
        rt_ode_free(copy[c]);
    rt_lanes_free(g);
}

static bool runs_here(unsigned lanes) {
#ifdef __x86_64__
    return lanes == 4 || (lanes == 8 ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports("avx512vl"));
#else
    return lanes > 0;
#endif
}

static uint32_t same_by(const char *method, const System *s, unsigned lanes) {
    Trace one[COPIES] = {0}, many[COPIES] = {0};
    uint32_t failures = 0;
    alone(method, s, one);
    together(method, s, lanes, many);
    for (int c = 0; c < COPIES; c++) {
        assert_int_equal(one[c].end, many[c].end);
        assert_int_equal(one[c].n, many[c].n);
        assert_memory_equal(one[c].at, many[c].at, one[c].n * sizeof *one[c].at);
        failures += one[c].end != RT_OK;
        free(one[c].at);
        free(many[c].at);
    }
    return failures;
}

static void as_alone(void **state) {
    (void)state;
    for (const RtMethod *const *m = rt_methods(); *m; m++) {
        uint32_t failures = 0;
        for (size_t s = 0; s < sizeof systems / sizeof *systems && (*m)->has_lanes; s++)
            for (unsigned lanes = 4; lanes <= RT_MAX_LANES; lanes *= 2)
                if (runs_here(lanes))
                    failures += same_by((*m)->name, &systems[s], lanes);
        assert_true(failures >= 4 || !(*m)->has_lanes); /* some explode, some meet the fence */
    }
}

/* A copy that leaves a lane goes on alone as if it had always been, and may come back. */
static void leave_and_return(void **state) {
    (void)state;
    const System *s = &systems[1];
    static Together context;
    RtIntegrator *a = copy_of(s, 5), *b = copy_of(s, 5);
    RtLanes *g = lanes_of(&context, s, 4, a);
    RtLaneResult result[RT_MAX_LANES];
    while (!rt_ode_done(b))
        assert_int_equal(rt_ode_step(b), RT_OK);
    for (int turn = 0; !rt_ode_done(a); turn++) {
        assert_int_equal(rt_lanes_enter(g, (unsigned)turn % 4, a), RT_OK);
        for (int k = 0; k < 3 && !rt_ode_done(a); k++)
            rt_lanes_try(g, result);
        rt_lanes_leave(g, (unsigned)turn % 4);
        if (!rt_ode_done(a))
            assert_int_equal(rt_ode_step(a), RT_OK);
    }
    assert_memory_equal(rt_ode_state(a), rt_ode_state(b), s->n * sizeof(double));
    assert_int_equal(rt_ode_stats(a).evaluations, rt_ode_stats(b).evaluations);
    rt_ode_free(a);
    rt_ode_free(b);
    rt_lanes_free(g);
}

static void without_lanes(void **state) {
    (void)state;
    RtMessage message;
    double y[1] = {1};
    RtOde ode = {.n = 1, .rhs = explosion};
    RtOdeOptions options = {.h = 0.1};
    assert_false(rt_method("taylor")->has_lanes);
    assert_false(rt_method_has_lanes(rt_method("taylor"), 4));
    RtIntegrator *g = rt_ode_new(rt_method("rk4"), &ode, &options, 0, 1, y, &message);
    static Together context;
    assert_null(lanes_of(&context, &systems[2], 3, g));
    assert_null(lanes_of(&context, &systems[2], 2, g));
    rt_ode_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_alone),
        cmocka_unit_test(leave_and_return),
        cmocka_unit_test(without_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
