/* calls — matrix products and linear algebra as calls of the runtime. */
#include "../../runtime/rt.h"
#include "pass.h"

static void push_pointer(PlanCall *call, uint32_t buffer, PlanValue at) {
    vec_push(&call->args, (PlanArg){.kind = PLAN_ARG_POINTER, .buffer = buffer, .value = at});
}

static void push_int(PlanCall *call, uint64_t number) {
    vec_push(&call->args, (PlanArg){.kind = PLAN_ARG_INT, .number = (int64_t)number});
}

static void push_value(PlanCall *call, PlanValue v) {
    vec_push(&call->args, (PlanArg){.kind = PLAN_ARG_VALUE, .value = v});
}

static const char *spelled(Builder *b, const char *stem, IrElem elem) {
    return arena_printf(b->plan->arena, "rt_%s_%s", stem, elem == IR_F32 ? "f32" : "f64");
}

static void finish(Builder *b, PlanCall call, uint32_t written) {
    vec_push(&b->func->calls, call);
    value_statement(b, PLAN_CALL, 0, b->func->calls.n - 1, 0);
    value_touch(b, written);
}

/* ---- products ---- */

typedef struct Places {
    uint32_t buffer[3];
    PlanValue at[3];
} Places; /* of A, B and C */

static void push_gemv(PlanCall *call, const Contract *c, PlanValue alpha, PlanValue beta, const Places *p) {
    /* y[n] = Σ_k x[k] B[k,n] with B stored k×n, or n×k when trans_b. */
    push_int(call, c->trans_b ? 0 : 1);
    push_int(call, c->trans_b ? c->n : c->k);
    push_int(call, c->trans_b ? c->k : c->n);
    push_value(call, alpha);
    push_pointer(call, p->buffer[1], p->at[1]);
    push_int(call, c->ldb);
    push_pointer(call, p->buffer[0], p->at[0]);
    push_int(call, c->trans_a ? c->lda : 1);
    push_value(call, beta);
    push_pointer(call, p->buffer[2], p->at[2]);
    push_int(call, 1);
}

static void push_gemm(PlanCall *call, const Contract *c, PlanValue alpha, PlanValue beta, const Places *p,
                      bool batch) {
    uint32_t last = c->n_batch - 1;
    push_int(call, c->trans_a);
    push_int(call, c->trans_b);
    push_int(call, c->m);
    push_int(call, c->n);
    push_int(call, c->k);
    push_value(call, alpha);
    push_pointer(call, p->buffer[0], p->at[0]);
    push_int(call, c->lda);
    if (batch)
        push_int(call, c->batch_a[last]);
    push_pointer(call, p->buffer[1], p->at[1]);
    push_int(call, c->ldb);
    if (batch)
        push_int(call, c->batch_b[last]);
    push_value(call, beta);
    push_pointer(call, p->buffer[2], p->at[2]);
    push_int(call, c->ldc);
    if (batch) {
        push_int(call, c->batch_c[last]);
        push_int(call, c->batch[last]);
    }
}

static void emit_contract(Builder *b, const Op *op) {
    Contract c;
    if (!plan_match(b->plan, op->body->body, op->rank, op->extent, &c))
        return;
    PlanType type = op->elem == IR_F32 ? PLAN_F32 : PLAN_F64;
    b->real = type;
    b->epoch++;
    PlanValue alpha = op->body->alpha ? term_value_as(b, plan_expand(b->plan, op->body->alpha), type)
                                      : value_real(b, 1, type);
    Places p;
    uint64_t at[3] = {0, 0, op->out[0].at};
    p.buffer[0] = plan_buffer_of(b->fp, c.a, &at[0]);
    p.buffer[1] = plan_buffer_of(b->fp, c.b, &at[1]);
    p.buffer[2] = op->out[0].buffer;
    const IrDef lies[3] = {c.a, c.b, op->out[0].place};
    for (int i = 0; i < 3; i++)
        p.at[i] = plan_row_place(b, lies[i], at[i]);
    /* All batch indices but the innermost are loops around the call; that one too for a matrix-vector
     * product. */
    bool batched = c.n_batch && !c.is_vector;
    uint32_t n_loops = c.n_batch - batched, loop[IR_MAX_RANK];
    for (uint32_t k = 0; k < n_loops; k++) {
        const uint64_t stride[3] = {c.batch_a[k], c.batch_b[k], c.batch_c[k]};
        loop[k] = loop_open(b, value_int(b, 0), value_int(b, (int64_t)c.batch[k]));
        for (int i = 0; i < 3; i++)
            p.at[i] =
                value_add(b, p.at[i], value_scale(b, b->func->loops.at[loop[k]].index, (int64_t)stride[i]));
    }
    PlanCall call = {.def = op->def};
    PlanValue beta = value_real(b, 0, type);
    call.name = spelled(b, c.is_vector ? "gemv" : batched ? "gemm_batch" : "gemm", op->elem);
    if (c.is_vector)
        push_gemv(&call, &c, alpha, beta, &p);
    else
        push_gemm(&call, &c, alpha, beta, &p, batched);
    finish(b, call, p.buffer[2]);
    for (uint32_t k = n_loops; k-- > 0;)
        loop_close(b, loop[k]);
}

/* ---- linear algebra ---- */

static void push_work(Builder *b, PlanCall *call, uint64_t n, uint64_t m, IrElem elem) {
    uint64_t bytes = (uint64_t)RT_LINALG_WORK((int64_t)n, (int64_t)m, elem == IR_F32 ? 4 : 8);
    push_pointer(call, plan_new_buffer(b->plan, IR_U8, bytes, call->def, true), value_int(b, 0));
}

static void emit_linalg(Builder *b, const Op *op) {
    if (plan_small_linalg(b, op))
        return;
    IrProgram *ir = b->plan->ir;
    const IrDefInfo info = *ir_def(ir, op->def);
    const IrDefInfo a = *ir_def(ir, info.operand[0]);
    uint64_t n = a.extent[0], m = info.rank == 2 ? info.extent[1] : 1, at[2];
    uint32_t in_a = plan_buffer_of(b->fp, info.operand[0], &at[0]), in_b = 0, out = op->out[0].buffer;
    bool is_singular = info.linalg >= IR_POLAR;
    if (ir_linalg_reads(ir, op->def) > 1)
        in_b = plan_buffer_of(b->fp, info.operand[1], &at[1]);
    PlanValue place_a = plan_row_place(b, info.operand[0], at[0]);
    PlanValue place_b = in_b ? plan_row_place(b, info.operand[1], at[1]) : 0;
    PlanValue place = plan_row_place(b, op->out[0].place, op->out[0].at);
    PlanCall call = {.has_status = true, .def = op->def};
    IrElem elem = info.elem;
    bool lower = info.linalg == IR_SOLVE_LOWER || info.linalg == IR_SOLVE_LOWER_T;
    bool solve = info.linalg == IR_SOLVE || info.linalg == IR_SOLVE_SPD;
    static const char *const stem[] = {
        [IR_CHOLESKY] = "cholesky",
        [IR_SOLVE] = "solve",
        [IR_SOLVE_SPD] = "solve_spd",
        [IR_SOLVE_LOWER] = "solve_triangular",
        [IR_SOLVE_LOWER_T] = "solve_triangular",
        [IR_INVERSE] = "inverse",
        [IR_LOGDET] = "logdet",
        [IR_POLAR] = "polar",
        [IR_LEADING] = "leading",
        [IR_SPECTRAL] = "spectral_norm",
        [IR_NUCLEAR] = "nuclear_norm",
    };
    call.name = spelled(b, stem[info.linalg], elem);
    if (lower) {
        push_int(&call, 0);
        push_int(&call, info.linalg == IR_SOLVE_LOWER_T);
    }
    push_int(&call, n);
    if (lower || solve)
        push_int(&call, m);
    if (is_singular)
        push_int(&call, a.extent[1]);
    push_pointer(&call, in_a, place_a);
    if (lower || solve || info.linalg == IR_NUCLEAR)
        push_pointer(&call, in_b, place_b);
    push_pointer(&call, out, place);
    if (solve)
        push_work(b, &call, n, m, elem);
    else if (info.linalg == IR_INVERSE)
        push_work(b, &call, n, n, elem);
    else if (info.linalg == IR_LOGDET)
        push_work(b, &call, n, 0, elem);
    finish(b, call, out);
}

/* ---- regions ---- */

void plan_emit_region_call(Builder *b, const Op *op) {
    const PlanRegion *r = plan_def_of(b->plan, op->def)->body.region;
    bool begins = op->kind == OP_OPEN;
    PlanCall call = {.name = begins ? r->begin : r->result[op->turn].turn, .def = op->def};
    IrDef operand = begins ? r->start : r->result[op->turn].def;
    uint64_t at;
    push_int(&call, ir_size(b->plan->ir, op->def));
    if (r->block)
        push_int(&call, r->block);
    push_pointer(&call, op->reads.at[0].buffer, plan_row_place(b, operand, op->reads.at[0].lo));
    uint32_t carried = plan_buffer_of(b->fp, r->carried[0], &at);
    push_pointer(&call, carried, value_int(b, (int64_t)at));
    push_pointer(&call, op->buffer, value_int(b, 0));
    vec_push(&b->func->calls, call);
    value_statement(b, begins ? PLAN_CALL : PLAN_TURN, 0, b->func->calls.n - 1, op->def);
    value_touch(b, carried);
}

void plan_emit_call(Builder *b, const Op *op) {
    if (op->kind == OP_CONTRACT)
        emit_contract(b, op);
    else
        emit_linalg(b, op);
}
