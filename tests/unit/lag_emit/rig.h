/* rig — runs functions as generated code and through the reference evaluator, and compares what they leave in
 * memory. */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../compiler/jit/jit.h"
#include "../../../runtime/rt.h"

#ifndef RIG_INPUTS
#define RIG_INPUTS 32
#endif

typedef struct Rig {
    Session *session;
    IrProgram *ir;
    IrDef input[RIG_INPUTS];
    double *start[RIG_INPUTS]; /* values before the first call */
    uint32_t n_inputs;
    IrFunc func;
    PlanOptions options;
    double tolerance; /* largest |difference| / (1 + |reference|) */
    Plan *plan;
    JitCode *code;
    RtFrame frame;
    void **data;
    uint64_t random;
    const char *features; /* of the machine code is made for; NULL: this one's */
} Rig;

static inline double rig_random(Rig *r) { /* in (-1, 1), xorshift */
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (double)(r->random >> 11) / 4503599627370496.0 - 1.0;
}

static inline Rig *rig_new(bool fast) {
    Rig *r = calloc(1, sizeof *r);
    r->session = session_new();
    r->ir = ir_new(r->session);
    r->options = (PlanOptions){.threads = 1, .fast = fast};
    r->tolerance = fast ? 1e-9 : 1e-11;
    r->random = 88172645463325252ull;
    r->func.name = "step";
    return r;
}

/* An INPUT with random values in (-1, 1), or integers 0 … below-1 when below is not 0. */
static inline IrDef rig_input(Rig *r, IrRole role, IrElem elem, uint32_t rank, const uint64_t *extent,
                              int64_t below) {
    char name[16];
    snprintf(name, sizeof name, "x%u", r->n_inputs);
    IrDef d = ir_input(r->ir, name_of(r->session->names, name), role, elem, rank, extent);
    uint64_t n = ir_size(r->ir, d);
    double *v = malloc(n * sizeof *v);
    for (uint64_t i = 0; i < n; i++) {
        v[i] = rig_random(r);
        if (elem == IR_F32)
            v[i] = (float)v[i];
        if (below)
            v[i] = floor((v[i] + 1) * 0.5 * (double)below);
    }
    r->input[r->n_inputs] = d;
    r->start[r->n_inputs++] = v;
    return d;
}

static inline void rig_group(Rig *r, uint32_t n, const IrAssign *assigns) {
    IrAssign *at = (IrAssign *)arena_alloc(ir_arena(r->ir), sizeof *at * (n + 1));
    memcpy(at, assigns, sizeof *at * n);
    vec_push(&r->func.groups, (IrGroup){at, n});
}

static inline void rig_assign(Rig *r, IrDef target, IrTerm value) {
    rig_group(r, 1, &(IrAssign){.target = target, .value = value});
}

/* ---- the reference ---- */

static inline double rig_round(IrElem elem, double v) {
    switch (elem) {
    case IR_F64: return v;
    case IR_F32: return (float)v;
    case IR_I64:
    case IR_I32: return trunc(v);
    case IR_U8: return (double)(uint8_t)(int64_t)v;
    }
    return v;
}

static inline uint32_t rig_find(const Rig *r, IrDef root) {
    for (uint32_t i = 0; i < r->n_inputs; i++)
        if (r->input[i] == root)
            return i;
    abort();
}

static inline IrDef rig_value_def(Rig *r, const IrAssign *a) {
    IrProgram *ir = r->ir;
    uint32_t rank = ir_def(ir, a->target)->rank;
    IrIdx from[IR_MAX_RANK], fresh[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t extent = ir_def(ir, a->target)->extent[i];
        from[i] = ir_axis(ir, i, extent);
        fresh[i] = ir_fresh(ir, extent, 0);
        to[i] = ir_idx(ir, fresh[i]);
    }
    return ir_define(ir, 0, IR_F64, fresh, rank, ir_subst(ir, a->value, from, to, rank));
}

static inline void rig_reference(Rig *r, double **values, uint32_t calls) {
    for (uint32_t c = 0; c < calls; c++)
        for (uint32_t g = 0; g < r->func.groups.n; g++) {
            const IrGroup *group = &r->func.groups.at[g];
            double **result = calloc(group->n, sizeof *result);
            IrEnv *env = ir_env_new(r->ir);
            for (uint32_t i = 0; i < r->n_inputs; i++)
                ir_env_set(env, r->input[i], values[i]);
            for (uint32_t i = 0; i < group->n; i++) {
                IrDef d = rig_value_def(r, &group->at[i]);
                const double *v = ir_eval_def(env, d);
                if (!v) {
                    Buf text = {0};
                    ir_print(r->ir, &d, 1, &text);
                    fail_msg("the reference has no value for\n%s", text.at);
                }
                uint64_t n = ir_size(r->ir, d);
                result[i] = malloc(n * sizeof(double));
                memcpy(result[i], v, n * sizeof(double));
            }
            for (uint32_t i = 0; i < group->n; i++) {
                const IrDefInfo *info = ir_def(r->ir, group->at[i].target);
                IrDef root = info->kind == IR_DEF_VIEW ? info->parent : group->at[i].target;
                uint64_t skip = info->kind == IR_DEF_VIEW ? info->offset : 0;
                for (uint64_t k = 0; k < ir_size(r->ir, group->at[i].target); k++)
                    values[rig_find(r, root)][skip + k] = rig_round(info->elem, result[i][k]);
                free(result[i]);
            }
            free(result);
            ir_env_free(env);
        }
}

/* ---- generated code ---- */

static inline void rig_put(void *to, IrElem elem, const double *from, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        switch (elem) {
        case IR_F64: ((double *)to)[i] = from[i]; break;
        case IR_F32: ((float *)to)[i] = (float)from[i]; break;
        case IR_I64: ((int64_t *)to)[i] = (int64_t)from[i]; break;
        case IR_I32: ((int32_t *)to)[i] = (int32_t)from[i]; break;
        case IR_U8: ((uint8_t *)to)[i] = (uint8_t)from[i]; break;
        }
}

static inline double rig_get(const void *from, IrElem elem, uint64_t i) {
    switch (elem) {
    case IR_F64: return ((const double *)from)[i];
    case IR_F32: return ((const float *)from)[i];
    case IR_I64: return (double)((const int64_t *)from)[i];
    case IR_I32: return ((const int32_t *)from)[i];
    case IR_U8: return ((const uint8_t *)from)[i];
    }
    return 0;
}

static inline void rig_compile(Rig *r) {
    const IrFunc *func = &r->func;
    Buf text = {0};
    r->plan = plan_build(r->session, r->ir, &func, 1, &r->options);
    assert_non_null(r->plan);
    if (getenv("RIG_PRINT")) {
        plan_print(r->plan, &text);
        fputs(text.at, stderr);
    }
    EmitModule *module = emit_module(r->session, r->plan, &(EmitOptions){.verify = true, .features = r->features});
    if (!module) {
        diag_print_all(r->session, stderr, false, false);
        fail_msg("no module");
    }
    if (getenv("RIG_PRINT")) {
        text.n = 0;
        emit_print(module, getenv("RIG_PRINT")[0] == '2', &text);
        fputs(text.at, stderr);
    }
    buf_free(&text);
    r->code = jit_compile(r->session, module, NULL);
    if (!r->code) {
        diag_print_all(r->session, stderr, false, false);
        fail_msg("no code");
    }
    r->frame.mem = aligned_alloc(64, (plan_memory(r->plan) + 127) / 64 * 64);
    memset(r->frame.mem, 0xff, plan_memory(r->plan));
    r->data = calloc(plan_data_slots(r->plan) + 1, sizeof *r->data);
    r->frame.data = r->data;
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        PlanPlace place;
        if (!plan_place(r->plan, r->input[i], &place))
            continue;
        if (place.is_data)
            r->data[place.slot] = malloc(place.bytes + 1);
        rig_put(place.is_data ? r->data[place.slot] : r->frame.mem + place.offset, place.elem, r->start[i],
                ir_size(r->ir, r->input[i]));
    }
}

static inline int32_t rig_call(Rig *r, uint32_t calls) {
    RtFunction step = (RtFunction)(uintptr_t)jit_symbol(r->code, "step");
    int32_t status = 0;
    assert_non_null(step);
    if (plan_has_prepare(r->plan, 0)) {
        RtFunction prepare = (RtFunction)(uintptr_t)jit_symbol(r->code, "step_prepare");
        assert_non_null(prepare);
        status = prepare(&r->frame);
    }
    for (uint32_t i = 0; i < calls && status == 0; i++)
        status = step(&r->frame);
    return status;
}

static inline void rig_compare(Rig *r, double **want) {
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        PlanPlace place;
        if (!plan_place(r->plan, r->input[i], &place) || place.is_data)
            continue;
        for (uint64_t k = 0; k < ir_size(r->ir, r->input[i]); k++) {
            double have = rig_get(r->frame.mem + place.offset, place.elem, k), ref = want[i][k];
            bool same = have == ref || (isnan(have) && isnan(ref)) ||
                        fabs(have - ref) <= r->tolerance * (1 + fabs(ref));
            if (!same)
                fail_msg("input %u element %llu: %.17g, reference %.17g", i, (unsigned long long)k, have,
                         ref);
        }
    }
}

static inline void rig_free(Rig *r) {
    jit_free(r->code);
    for (uint32_t i = 0; i < (r->plan ? plan_data_slots(r->plan) : 0); i++)
        free(r->data[i]);
    free(r->data);
    free(r->frame.mem);
    plan_free(r->plan);
    for (uint32_t i = 0; i < r->n_inputs; i++)
        free(r->start[i]);
    vec_free(&r->func.groups);
    ir_free(r->ir);
    session_free(r->session);
    free(r);
}

/* Compiles, runs `calls` times both ways, compares, frees. */
static inline void rig_check(Rig *r, uint32_t calls) {
    rig_compile(r);
    double *values[RIG_INPUTS];
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        uint64_t n = ir_size(r->ir, r->input[i]);
        values[i] = malloc(n * sizeof(double));
        memcpy(values[i], r->start[i], n * sizeof(double));
    }
    rig_reference(r, values, calls);
    assert_int_equal(rig_call(r, calls), 0);
    rig_compare(r, values);
    for (uint32_t i = 0; i < r->n_inputs; i++)
        free(values[i]);
    rig_free(r);
}

/* ---- writing programs ---- */

/* The read of d at its own axes. */
static inline IrTerm rig_whole(Rig *r, IrDef d) {
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(r->ir, d)->rank;
    for (uint32_t i = 0; i < rank; i++)
        subs[i] = ir_idx(r->ir, ir_axis(r->ir, i, ir_def(r->ir, d)->extent[i]));
    return ir_read(r->ir, d, subs, rank);
}

static inline IrTerm rig_read1(Rig *r, IrDef d, IrTerm i) { return ir_read(r->ir, d, &i, 1); }
static inline IrTerm rig_read2(Rig *r, IrDef d, IrTerm i, IrTerm j) {
    return ir_read(r->ir, d, (IrTerm[]){i, j}, 2);
}

#endif
