/* build — kernels as loop nests.
 *
 * needs: kernels; loops of each operation ordered.
 * gives: the function's code.
 * changes: nothing else.
 *
 * The operations of a kernel share their outermost loop; inside it, runs of neighbours that may share the
 * next loop do, and so on. */
#include "../../runtime/rt.h"
#include "pass.h"

static PlanType real_of(const Op *op) { return op->elem == IR_F32 ? PLAN_F32 : PLAN_F64; }

static void enter(Builder *b, const Op *op) {
    if (b->real != real_of(op)) {
        b->real = real_of(op);
        b->epoch++;
    }
}

static PlanType body_type(Builder *b, const Op *op) {
    IrTerm body = op->out[0].value;
    IrType type = (IrType)ir_node(b->plan->ir, body)->type;
    if (type == IR_BOOL)
        return PLAN_BOOL;
    if (type == IR_INT)
        return PLAN_I64;
    return plan_term_is_flex(b->plan, body) ? real_of(op) : plan_elem_type(plan_term_elem(b->plan, body));
}

static PlanType store_type(Builder *b, const OpOut *out, IrTerm value) {
    IrElem elem = b->plan->buffers.at[out->buffer].elem;
    bool truth = elem == IR_U8 && ir_node(b->plan->ir, value)->type == IR_BOOL;
    return truth ? PLAN_BOOL : plan_elem_type(elem);
}

/* Address of the output element the present loops stand at. */
static PlanValue out_address(Builder *b, const Op *op, const OpOut *out) {
    PlanValue at = plan_out_start(b, out);
    if (out->base)
        at = value_add(b, at, out->base);
    for (uint32_t k = 0; k < op->n_loops; k++)
        if (op->loop[k].axis >= 0)
            at = value_add(
                b, at,
                value_scale(b, b->index_value.at[op->loop[k].index], (int64_t)out->stride[op->loop[k].axis]));
    return at;
}

static void store_at(Builder *b, const Op *op, const OpOut *out, PlanValue at, PlanValue v) {
    if (out->assigned && b->plan->options.check_finite) {
        PlanType type = (PlanType)value_node(b, v)->type;
        if (type == PLAN_F64 || type == PLAN_F32)
            value_statement(b, PLAN_FLAG, 0, v, op->def);
    }
    value_store(b, out->buffer, at, v);
}

static void store(Builder *b, const Op *op, const OpOut *out, PlanValue v) {
    store_at(b, op, out, out_address(b, op, out), v);
}

/* What is stored into a number's buffer. */
static PlanType store_elem_type(Builder *b, const OpOut *out) {
    return plan_elem_type(b->plan->buffers.at[out->buffer].elem);
}

static PlanValue identity(Builder *b, IrOp reduce, PlanType type) {
    double v = ir_reduce_identity(reduce);
    if (type == PLAN_BOOL)
        return value_bool(b, v != 0);
    return type == PLAN_I64 ? value_int(b, ir_int_of(v)) : value_real(b, v, type);
}

static void leaf(Builder *b, const Op *op, PlanValue acc) {
    PlanValue v[8];
    enter(b, op);
    if (op->reduce == IR_NONE) {
        for (uint32_t o = 0; o < op->n_out; o++)
            v[o] = term_value_as(b, op->out[o].value, store_type(b, &op->out[o], op->out[o].value));
        for (uint32_t o = 0; o < op->n_out; o++)
            store(b, op, &op->out[o], v[o]);
        return;
    }
    PlanValue cond = op->guard ? term_value(b, op->guard) : 0;
    if (!op->by_memory) {
        PlanType type = (PlanType)value_node(b, acc)->type;
        PlanValue x = term_value_as(b, op->out[0].value, type);
        bool arg = op->reduce == IR_ARGMAX || op->reduce == IR_ARGMIN;
        value_step(b, acc, x, cond, arg ? b->index_value.at[op->loop[op->n_loops - 1].index] : 0);
        return;
    }
    const OpOut *out = &op->out[0];
    PlanType type = store_type(b, out, out->value);
    PlanValue at = out_address(b, op, out), x = term_value_as(b, out->value, type);
    if (cond)
        x = value_op(b, IR_SELECT, type, cond, x, identity(b, op->reduce, type));
    PlanValue old = value_load(b, out->buffer, at, type);
    value_store(b, out->buffer, at, value_op(b, ir_op_of_reduce(op->reduce), type, old, x, 0));
}

/* How many elements the axes of the loops from `depth` on cover in one run; 0 when they do not. */
static uint64_t run_length(const Op *op, const OpOut *out, uint32_t depth) {
    uint64_t count = 1, reach = 0;
    for (uint32_t k = depth; k < op->n_loops; k++)
        if (op->loop[k].axis >= 0) {
            count *= op->loop[k].extent;
            reach += (op->loop[k].extent - 1) * out->stride[op->loop[k].axis];
        }
    return reach + 1 == count ? count : 0;
}

/* Address of the output where the indices of the loops from `depth` on are 0. */
static PlanValue run_address(Builder *b, const Op *op, const OpOut *out, uint32_t depth) {
    for (uint32_t k = depth; k < op->n_loops; k++)
        if (op->loop[k].axis >= 0)
            term_bind(b, op->loop[k].index, value_int(b, 0));
    return out_address(b, op, out);
}

/* Sets the elements that loops from `depth` on will accumulate into. */
static void fill(Builder *b, const Op *op, uint32_t depth) {
    while (depth < op->n_loops && op->loop[depth].axis < 0)
        depth++;
    uint64_t count = run_length(op, &op->out[0], depth);
    bool zero = op->reduce == IR_SUM || op->reduce == IR_ANY;
    if (zero && count > 1 && !b->straight) {
        value_zero(b, op->out[0].buffer, run_address(b, op, &op->out[0], depth), count);
        return;
    }
    if (depth == op->n_loops) {
        PlanType type = store_type(b, &op->out[0], op->out[0].value);
        value_store(b, op->out[0].buffer, out_address(b, op, &op->out[0]), identity(b, op->reduce, type));
        return;
    }
    PlanValue end = value_int(b, (int64_t)op->loop[depth].extent);
    for (Range r = plan_range(b, value_int(b, 0), end); plan_next(b, &r);) {
        term_bind(b, op->loop[depth].index, r.index);
        fill(b, op, depth + 1);
    }
}

static void before_loop(Builder *b, const Op *op, uint32_t depth, PlanValue *acc) {
    if (op->first_reduce != depth || op->reduce == IR_NONE)
        return;
    enter(b, op);
    if (op->by_memory)
        fill(b, op, depth);
    else
        *acc = value_acc(b, op->reduce, body_type(b, op));
}

static void after_loop(Builder *b, const Op *op, uint32_t depth, PlanValue acc) {
    if (op->first_reduce != depth || op->reduce == IR_NONE || op->by_memory)
        return;
    enter(b, op);
    PlanValue v = value_result(b, acc);
    bool truth = value_node(b, v)->type == PLAN_BOOL;
    store(b, op, &op->out[0], truth ? v : value_convert(b, v, store_elem_type(b, &op->out[0])));
}

/* An operation that sets everything to 0. */
static bool build_zero(Builder *b, const Op *op, uint32_t depth) {
    const OpOut *out = &op->out[0];
    uint64_t count = run_length(op, out, depth);
    if (op->reduce != IR_NONE || op->n_out != 1 || !ir_is_zero(b->plan->ir, out->value) || count < 2)
        return false;
    value_zero(b, out->buffer, run_address(b, op, out, depth), count);
    return true;
}

static void build_level(Builder *b, Members m, uint32_t depth);

/* The loop at `depth` over lo … hi-1. */
static void build_range(Builder *b, Members m, uint32_t depth, PlanValue lo, PlanValue hi, int64_t chunk) {
    for (Range r = plan_range(b, lo, hi); plan_next(b, &r);) {
        if (chunk) {
            b->func->loops.at[r.loop].parallel = true;
            b->func->loops.at[r.loop].chunk = chunk;
        }
        for (uint32_t i = 0; i < m.n; i++)
            term_bind(b, m.op[i]->loop[depth].index, r.index);
        build_level(b, m, depth + 1);
    }
}

/* One loop for members m, which may share it: cut where conditions on its index change, so that inside each
 * part they are known. */
static void build_loop(Builder *b, Members m, uint32_t depth, int64_t chunk) {
    if (m.n == 1 && !chunk && !b->straight && build_zero(b, m.op[0], depth))
        return;
    uint64_t factor = b->straight ? 1 : plan_merge_loops(b, m, depth);
    const OpLoop *first = &m.op[0]->loop[depth];
    for (uint32_t i = 0; i < m.n; i++)
        before_loop(b, m.op[i], depth, &m.acc[i]);
    if (m.n == 1 && first->guard) {
        PlanValue lo = value_int(b, 0), hi = value_int(b, (int64_t)first->extent);
        IrTerm rest = term_bounds(b, first->index, first->guard, &lo, &hi), *guard = &m.op[0]->guard;
        if (rest)
            *guard = *guard ? ir_op2(b->plan->ir, IR_AND, *guard, rest) : rest;
        build_range(b, m, depth, lo, hi, 0);
    } else if (b->straight) {
        build_range(b, m, depth, value_int(b, 0), value_int(b, (int64_t)first->extent), 0);
    } else {
        int64_t cut[PLAN_MAX_CUTS + 2];
        uint32_t n = plan_find_cuts(b, m, depth, cut);
        for (uint32_t k = 0; k + 1 < n; k++) {
            bool large = chunk * (int64_t)factor < cut[k + 1] - cut[k];
            build_range(b, m, depth, value_int(b, cut[k]), value_int(b, cut[k + 1]),
                        large ? chunk * (int64_t)factor : 0);
        }
    }
    for (uint32_t i = 0; i < m.n; i++)
        after_loop(b, m.op[i], depth, m.acc[i]);
}

/* ---- reductions in pieces ---- */

static IrElem acc_elem(PlanType type) {
    return type == PLAN_F32 ? IR_F32 : type == PLAN_F64 ? IR_F64 : type == PLAN_BOOL ? IR_U8 : IR_I64;
}

/* out[e] = the partial results of all pieces for element e, in order. */
static void combine_pieces(Builder *b, const Op *op, uint32_t partial, int64_t pieces, int64_t size,
                           PlanType type) {
    const OpOut *out = &op->out[0];
    enter(b, op);
    uint32_t over = loop_open(b, value_int(b, 0), value_int(b, size));
    PlanValue e = b->func->loops.at[over].index, acc = value_acc(b, op->reduce, type);
    uint32_t loop = loop_open(b, value_int(b, 0), value_int(b, pieces));
    PlanValue at = value_add(b, value_scale(b, b->func->loops.at[loop].index, size), e);
    value_step(b, acc, value_load(b, partial, at, type), 0, 0);
    loop_close(b, loop);
    PlanValue v = value_convert(b, value_result(b, acc), type == PLAN_BOOL ? type : store_elem_type(b, out));
    store_at(b, op, out, value_add(b, plan_out_start(b, out), e), v);
    loop_close(b, over);
}

/* A kernel whose outermost loop reduces: each piece of the loop gives partial results, whose sum in order is
 * the result: the same at any number of threads. */
static void build_pieces(Builder *b, Members m, int64_t chunk) {
    int64_t extent = (int64_t)m.op[0]->loop[0].extent, pieces = (extent + chunk - 1) / chunk;
    OpOut *out = base_calloc(m.n, sizeof *out);
    PlanType *type = base_calloc(m.n, sizeof *type);
    int64_t *size = base_calloc(m.n, sizeof *size);
    uint32_t *partial = base_calloc(m.n, sizeof *partial);
    for (uint32_t i = 0; i < m.n; i++) {
        out[i] = m.op[i]->out[0];
        size[i] = 1;
        for (uint32_t k = 0; k < m.op[i]->rank; k++)
            size[i] *= (int64_t)m.op[i]->extent[k];
        type[i] = body_type(b, m.op[i]);
        partial[i] =
            plan_new_buffer(b->plan, acc_elem(type[i]), (uint64_t)(pieces * size[i]), m.op[i]->def, true);
    }
    uint32_t loop = loop_open(b, value_int(b, 0), value_int(b, pieces));
    b->func->loops.at[loop].parallel = true;
    b->func->loops.at[loop].chunk = 1;
    PlanValue piece = b->func->loops.at[loop].index, lo = value_scale(b, piece, chunk);
    PlanValue hi =
        value_op(b, IR_MIN, PLAN_I64, value_add(b, lo, value_int(b, chunk)), value_int(b, extent), 0);
    for (uint32_t i = 0; i < m.n; i++) {
        m.op[i]->out[0] =
            (OpOut){.buffer = partial[i], .value = out[i].value, .base = value_scale(b, piece, size[i])};
        memcpy(m.op[i]->out[0].stride, out[i].stride, sizeof out[i].stride);
        before_loop(b, m.op[i], 0, &m.acc[i]);
    }
    build_range(b, m, 0, lo, hi, 0);
    for (uint32_t i = 0; i < m.n; i++)
        after_loop(b, m.op[i], 0, m.acc[i]);
    loop_close(b, loop);
    for (uint32_t i = 0; i < m.n; i++) {
        m.op[i]->out[0] = out[i];
        combine_pieces(b, m.op[i], partial[i], pieces, size[i], type[i]);
    }
    free(out);
    free(type);
    free(size);
    free(partial);
}

static void build_level(Builder *b, Members m, uint32_t depth) {
    for (uint32_t i = 0, end; i < m.n; i = end) {
        end = i + 1;
        if (m.op[i]->n_loops == depth) {
            leaf(b, m.op[i], m.acc[i]);
            continue;
        }
        for (bool together = true; end < m.n && together; end += together)
            for (uint32_t k = i; k < end && together; k++)
                together = plan_may_share(b->fp, m.op[k], m.op[end], depth);
        build_loop(b, (Members){m.op + i, m.acc + i, end - i}, depth, 0);
    }
}

static void build_stop(Builder *b, const Op *op) {
    uint64_t at;
    uint32_t buffer = plan_buffer_of(b->fp, op->def, &at);
    PlanValue bad = value_load(b, buffer, value_int(b, (int64_t)at), PLAN_BOOL);
    value_statement(b, PLAN_STOP, RT_OUT_OF_RANGE, bad, op->def);
}

void plan_build_code(FuncPlan *fp, KernelList *kernels) {
    Builder b = {.fp = fp, .plan = fp->plan, .func = fp->func, .scope = 1, .real = PLAN_F64, .epoch = 1};
    PlanFunc *f = fp->func;
    vec_push(&f->nodes, (PlanNode){0});
    vec_push(&f->scopes, (PlanScope){0});
    vec_push(&f->scopes, (PlanScope){0});
    vec_push(&f->loops, (PlanLoop){0});
    vec_push(&f->calls, (PlanCall){0});
    for (uint32_t k = 0; k < kernels->n; k++) {
        Kernel *kernel = &kernels->at[k];
        Op *op = kernel->ops.at[0];
        if (op->kind == OP_STOP)
            build_stop(&b, op);
        else if (op->kind == OP_OPEN)
            plan_open_region(&b, kernels, k);
        else if (op->kind == OP_TURN)
            plan_emit_region_call(&b, op);
        else if (op->kind == OP_CLOSE)
            plan_close_region(&b);
        else if (op->kind != OP_LOOPS)
            plan_emit_call(&b, op);
        else {
            Members all = {kernel->ops.at, base_calloc(kernel->ops.n, sizeof *all.acc), kernel->ops.n};
            b.straight = !kernel->chunk && plan_is_straight(&b, all);
            if (op->n_loops == 0)
                leaf(&b, op, 0);
            else if (kernel->chunk && op->loop[0].axis < 0)
                build_pieces(&b, all, kernel->chunk);
            else
                build_loop(&b, all, 0, kernel->chunk);
            free(all.acc);
            b.straight = false;
        }
    }
    plan_straight_free(&b);
    free(b.table);
    vec_free(&b.version);
    vec_free(&b.alias);
    vec_free(&b.index_value);
    vec_free(&b.memo);
    vec_free(&b.regions);
}
