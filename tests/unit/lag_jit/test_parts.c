/* A plan of several functions compiled in any number of parts, with full effort or quickly: the same functions, the same numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/internal.h"
#include "rt.h"

enum { FUNCTIONS = 5, N = 100 };

typedef struct Work {
    IrProgram *ir;
    IrDef in, out[FUNCTIONS];
    IrFunc func[FUNCTIONS];
    Plan *plan;
} Work;

/* Function k: out_k[i] = exp(in[i])·(k + 1). Those with odd k are called seldom. */
static void work_open(Work *w, Session *session) {
    w->ir = ir_new(session);
    uint64_t extent = N;
    const IrFunc *list[FUNCTIONS];
    w->in = ir_input(w->ir, name_of(session->names, "in"), IR_ROLE_COORD, IR_F64, 1, &extent);
    for (uint32_t k = 0; k < FUNCTIONS; k++) {
        w->out[k] = ir_input(w->ir, name_of(session->names, "out"), IR_ROLE_OUTPUT, IR_F64, 1, &extent);
        IrTerm x = ir_read(w->ir, w->in, (IrTerm[]){ir_idx(w->ir, ir_axis(w->ir, 0, N))}, 1);
        IrAssign *assign = ARENA_NEW(session->arena, IrAssign);
        IrGroup *group = ARENA_NEW(session->arena, IrGroup);
        *assign = (IrAssign){.target = w->out[k],
                             .value = ir_mul(w->ir, ir_op1(w->ir, IR_EXP, x), ir_real(w->ir, k + 1.0))};
        *group = (IrGroup){.at = assign, .n = 1};
        w->func[k] = (IrFunc){.name = arena_printf(session->arena, "work_%u", k), .seldom = k % 2,
                              .groups = {.at = group, .n = 1, .cap = 1}};
        list[k] = &w->func[k];
    }
    w->plan = plan_build(session, w->ir, list, FUNCTIONS, &(PlanOptions){.threads = 1});
    assert_non_null(w->plan);
    for (uint32_t k = 0; k < FUNCTIONS; k++)
        assert_int_equal(emit_is_quick(w->plan, k), k % 2);
}

static void put_and_get(const Work *w, RtFrame *frame, uint32_t k, RtFunction call, double *got) {
    PlanPlace in, out;
    assert_true(plan_place(w->plan, w->in, &in) && plan_place(w->plan, w->out[k], &out));
    assert_false(in.is_data || out.is_data);
    for (uint32_t i = 0; i < N; i++)
        ((double *)(void *)(frame->mem + in.offset))[i] = 0.01 * i;
    assert_int_equal(call(frame), 0);
    memcpy(got, frame->mem + out.offset, N * sizeof *got);
}

static void test_parts(void **state) {
    (void)state;
    Session *session = session_new();
    Work w;
    work_open(&w, session);
    size_t bytes = plan_memory(w.plan) / 64 * 64 + 64;
    RtFrame frame = {.mem = aligned_alloc(64, bytes)};
    double first[FUNCTIONS][N], got[N];
    for (uint32_t parts = 1; parts <= FUNCTIONS + 2; parts++) {
        memset(frame.mem, 0, bytes);
        JitCode *code = jit_build(session, w.plan, parts, NULL);
        assert_non_null(code);
        for (uint32_t k = 0; k < FUNCTIONS; k++) {
            RtFunction call = (RtFunction)(uintptr_t)jit_symbol(code, w.func[k].name);
            assert_non_null(call);
            put_and_get(&w, &frame, k, call, parts == 1 ? first[k] : got);
            assert_float_equal(first[k][50], 1.6487212707001282 * (k + 1), 1e-14); /* a few roundings of exp(1/2) */
            if (parts > 1)
                assert_memory_equal(got, first[k], sizeof got);
        }
        for (uint32_t i = 0; i < N; i++) /* twice and four times a number are exact */
            assert_true(first[1][i] == 2 * first[0][i] && first[3][i] == 4 * first[0][i]);
        assert_null(jit_symbol(code, "work"));
        jit_free(code);
    }
    assert_int_equal(diag_error_count(session), 0);
    plan_free(w.plan);
    free(frame.mem);
    ir_free(w.ir);
    session_free(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
