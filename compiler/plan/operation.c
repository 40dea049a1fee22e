/* operation — the operations that compute a definition: loops, calls, the copies and zeros of a CONCAT. */
#include "pass.h"

static void whole_strides(Op *op, OpOut *out) {
    uint64_t stride = 1;
    for (uint32_t i = op->rank; i-- > 0; stride *= op->extent[i])
        out->stride[i] = stride;
}

Op *plan_new_op(FuncPlan *fp, OpKind kind, IrDef def, const PlanBody *body, uint32_t rank,
                  const uint64_t *extent) {
    Op *op = ARENA_NEW(fp->plan->arena, Op);
    op->kind = kind;
    op->def = def;
    op->body = body;
    op->rank = rank;
    if (rank)
        memcpy(op->extent, extent, sizeof *extent * rank);
    op->elem = body ? body->elem : IR_F64;
    return op;
}

void plan_push_op(FuncPlan *fp, Op *op) {
    plan_op_reads(fp, op);
    vec_push(&fp->ops, op);
}

Op *plan_body_op(FuncPlan *fp, IrDef def, const PlanBody *body, uint32_t rank, const uint64_t *extent,
                 IrDef as, uint32_t buffer, uint64_t at) {
    OpKind kind = body->form == FORM_CONTRACT ? OP_CONTRACT
                  : body->form == FORM_LINALG ? OP_LINALG
                                              : OP_LOOPS;
    Op *op = plan_new_op(fp, kind, def, body, rank, extent);
    op->n_out = 1;
    op->out[0] = (OpOut){.def = as, .buffer = buffer, .at = at};
    whole_strides(op, &op->out[0]);
    if (kind == OP_LOOPS)
        plan_order_loops(fp, op, plan_expand(fp->plan, body->body));
    return op;
}

const PlanBody *plan_simple_body(FuncPlan *fp, IrTerm t, IrElem elem) {
    PlanBody *body = ARENA_NEW(fp->plan->arena, PlanBody);
    *body = (PlanBody){.form = FORM_MAP, .elem = elem, .body = t};
    return body;
}

/* Sets `n` elements of CONCAT d from element `at` to 0. */
static void fill_gap(FuncPlan *fp, IrDef d, uint64_t at, uint64_t n) {
    uint64_t base;
    uint32_t buffer = plan_buffer_of(fp, d, &base);
    const PlanBody *zero = plan_simple_body(fp, ir_real(fp->plan->ir, 0), ir_def(fp->plan->ir, d)->elem);
    Op *op = plan_body_op(fp, d, zero, 1, &n, 0, buffer, base + at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
}

static void copy_piece(FuncPlan *fp, IrDef d, const IrPiece *piece) {
    IrProgram *ir = fp->plan->ir;
    uint64_t base, extent[IR_MAX_RANK];
    uint32_t buffer = plan_buffer_of(fp, d, &base), rank = ir_def(ir, piece->def)->rank;
    memcpy(extent, ir_def(ir, piece->def)->extent, sizeof extent);
    const PlanBody *copy = plan_simple_body(fp, ir_read_whole(ir, piece->def), ir_def(ir, d)->elem);
    Op *op = plan_body_op(fp, d, copy, rank, extent, 0, buffer, base);
    plan_out_place(fp, &op->out[0], d);
    const IrDefInfo *info = ir_def(ir, d);
    if (info->rank == 1)
        op->out[0].at += piece->at[0];
    else {
        op->out[0].at += piece->at[0] * info->extent[1] + piece->at[1];
        /* A piece of rank 1 is a row of the concat. */
        op->out[0].stride[0] = rank == 2 ? info->extent[1] : 1;
        op->out[0].stride[1] = 1;
    }
    plan_push_op(fp, op);
}

static int by_place(const void *a, const void *b) {
    const IrPiece *x = a, *y = b;
    return x->at[0] < y->at[0] ? -1 : x->at[0] > y->at[0];
}

/* What the pieces that lie in place do not cover: copies of the others, zeros between them. */
static void compute_concat(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    uint32_t n = ir_def(ir, d)->n_pieces;
    IrPiece *pieces = ARENA_ARRAY(fp->plan->arena, IrPiece, n);
    memcpy(pieces, ir_def(ir, d)->pieces, sizeof *pieces * n);
    uint64_t size = ir_size(ir, d), covered = 0;
    if (ir_def(ir, d)->rank == 1) {
        qsort(pieces, n, sizeof *pieces, by_place);
        for (uint32_t i = 0; i < n; i++) {
            if (pieces[i].at[0] > covered)
                fill_gap(fp, d, covered, pieces[i].at[0] - covered);
            covered = pieces[i].at[0] + ir_size(ir, pieces[i].def);
        }
        if (covered < size)
            fill_gap(fp, d, covered, size - covered);
    } else {
        for (uint32_t i = 0; i < n; i++)
            covered += ir_size(ir, pieces[i].def);
        if (covered < size)
            fill_gap(fp, d, 0, size);
    }
    for (uint32_t i = 0; i < n; i++) {
        PlanDef *piece = plan_def_of(fp->plan, pieces[i].def);
        bool here = piece->home == d && piece->home_at == pieces[i].at[0];
        if (!here || ir_def(ir, d)->rank != 1)
            copy_piece(fp, d, &pieces[i]);
    }
}

void plan_compute_op(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    PlanBody *body = ARENA_NEW(fp->plan->arena, PlanBody);
    *body = plan_def_of(fp->plan, d)->body;
    if (body->form == FORM_CONCAT) {
        compute_concat(fp, d);
        return;
    }
    uint64_t at, extent[IR_MAX_RANK];
    memcpy(extent, ir_def(ir, d)->extent, sizeof extent);
    uint32_t buffer = plan_buffer_of(fp, d, &at);
    Op *op = plan_body_op(fp, d, body, ir_def(ir, d)->rank, extent, d, buffer, at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
    if (plan_def_of(fp->plan, d)->is_check)
        plan_push_op(fp, plan_new_op(fp, OP_STOP, d, NULL, 0, extent));
}
