/* build — kernels as loop nests.
 *
 * needs: kernels; loops of each operation ordered.
 * gives: the function's code.
 * changes: nothing else.
 *
 * The operations of a kernel share their outermost loop; inside it, runs of neighbours that may share the next loop do,
 * and so on. */
#include "pass.h"

typedef struct Members { Op **op; PlanValue *acc; uint32_t n; } Members;

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
    PlanValue at = value_int(b, (int64_t)out->at);
    for (uint32_t k = 0; k < op->n_loops; k++)
        if (op->loop[k].axis >= 0)
            at = value_add(b, at, value_scale(b, b->index_value.at[op->loop[k].index],
                                              (int64_t)out->stride[op->loop[k].axis]));
    return at;
}

static void store(Builder *b, const Op *op, const OpOut *out, PlanValue v) {
    if (out->assigned && b->plan->options.check_finite) {
        PlanType type = (PlanType)value_node(b, v)->type;
        if (type == PLAN_F64 || type == PLAN_F32)
            value_statement(b, PLAN_FLAG, 0, v, op->def);
    }
    value_store(b, out->buffer, out_address(b, op, out), v);
}

static PlanValue identity(Builder *b, IrOp reduce, PlanType type) {
    bool real = type == PLAN_F64 || type == PLAN_F32;
    switch ((int)reduce) {
    case IR_PROD:
        return real ? value_real(b, 1, type) : value_int(b, 1);
    case IR_MAXIMUM:
        return real ? value_real(b, -INFINITY, type) : value_int(b, INT64_MIN);
    case IR_MINIMUM:
        return real ? value_real(b, INFINITY, type) : value_int(b, INT64_MAX);
    case IR_ANY:
        return value_bool(b, false);
    case IR_ALL:
        return value_bool(b, true);
    default:
        return real ? value_real(b, 0, type) : value_int(b, 0);
    }
}

static IrOp combine_op(IrOp reduce) {
    switch ((int)reduce) {
    case IR_PROD: return IR_MUL;
    case IR_MAXIMUM: return IR_MAX;
    case IR_MINIMUM: return IR_MIN;
    case IR_ANY: return IR_OR;
    case IR_ALL: return IR_AND;
    default: return IR_ADD;
    }
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
    value_store(b, out->buffer, at, value_op(b, combine_op(op->reduce), type, old, x, 0));
}

/* Sets the elements that loops from `depth` on will accumulate into. */
static void fill(Builder *b, const Op *op, uint32_t depth) {
    while (depth < op->n_loops && op->loop[depth].axis < 0)
        depth++;
    if (depth == op->n_loops) {
        PlanType type = store_type(b, &op->out[0], op->out[0].value);
        value_store(b, op->out[0].buffer, out_address(b, op, &op->out[0]), identity(b, op->reduce, type));
        return;
    }
    uint32_t loop = loop_open(b, value_int(b, 0), value_int(b, (int64_t)op->loop[depth].extent));
    term_bind(b, op->loop[depth].index, b->func->loops.at[loop].index);
    fill(b, op, depth + 1);
    loop_close(b, loop);
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
    PlanType type = (PlanType)value_node(b, v)->type == PLAN_BOOL && b->plan->buffers.at[op->out[0].buffer].elem == IR_U8
                  ? PLAN_BOOL : plan_elem_type(b->plan->buffers.at[op->out[0].buffer].elem);
    store(b, op, &op->out[0], value_convert(b, v, type));
}

static void build_level(Builder *b, Members m, uint32_t depth, const Kernel *kernel);

/* How far one step of `index` moves through the elements of `read`; false when that is not the same everywhere. */
static bool read_stride(IrProgram *ir, IrTerm read, IrIdx index, int64_t *stride) {
    IrNode node = *ir_node(ir, read);
    int64_t unit = 1;
    *stride = 0;
    for (uint32_t i = node.arg[2]; i-- > 0;) {
        IrTerm sub = ir_read_subs(ir, read)[i];
        IrIdx idx[8];
        int64_t coef[8], constant;
        uint32_t n;
        if (ir_uses_index(ir, sub, index)) {
            if (!ir_affine(ir, sub, idx, coef, &n, &constant))
                return false;
            for (uint32_t k = 0; k < n; k++)
                if (idx[k] == index)
                    *stride += unit * coef[k];
        }
        unit *= (int64_t)ir_def(ir, node.arg[0])->extent[i];
    }
    return true;
}

typedef struct Merge { Builder *b; const OpLoop *outer, *inner; } Merge;

/* Finds a use of the two indices that one running index could not serve. */
static PlanStep hinders(void *context, IrTerm t) {
    Merge *m = context;
    IrProgram *ir = m->b->plan->ir;
    IrNode node = *ir_node(ir, t);
    if (!ir_uses_index(ir, t, m->outer->index) && !ir_uses_index(ir, t, m->inner->index))
        return PLAN_PAST;
    if (node.op == IR_INDEX || ir_op_is_reduce((IrOp)node.op) || node.op == IR_DRAW)
        return PLAN_FOUND;
    int64_t outer, inner;
    if (node.op != IR_READ)
        return PLAN_INTO;
    if (!read_stride(ir, t, m->outer->index, &outer) || !read_stride(ir, t, m->inner->index, &inner))
        return PLAN_FOUND;
    return outer == inner * (int64_t)m->inner->extent ? PLAN_PAST : PLAN_FOUND;
}

/* Whether the loops at `depth` and the next walk all memory as one loop would. */
static bool merges(Builder *b, const Op *op, uint32_t depth) {
    if (depth + 1 >= op->n_loops || op->guard)
        return false;
    const OpLoop *outer = &op->loop[depth], *inner = &op->loop[depth + 1];
    bool arg = op->reduce == IR_ARGMAX || op->reduce == IR_ARGMIN;
    if (outer->guard || inner->guard || (outer->axis < 0) != (inner->axis < 0) || arg)
        return false;
    Merge m = {b, outer, inner};
    for (uint32_t o = 0; o < op->n_out; o++) {
        const OpOut *out = &op->out[o];
        if (outer->axis >= 0 && out->stride[outer->axis] != out->stride[inner->axis] * inner->extent)
            return false;
        if (plan_walk(b->plan, out->value, hinders, &m))
            return false;
    }
    return true;
}

/* Makes the loop at `depth` of every member run over the next one too: the outer index stays 0, the inner runs on. */
static uint64_t merge_loops(Builder *b, Members m, uint32_t depth) {
    uint64_t factor = 1;
    for (;;) {
        for (uint32_t i = 0; i < m.n; i++) {
            if (!merges(b, m.op[i], depth))
                return factor;
            for (uint32_t k = 0; k < i; k++)
                if (!plan_may_share(b->fp, m.op[k], m.op[i], depth + 1))
                    return factor;
        }
        factor *= m.op[0]->loop[depth + 1].extent;
        for (uint32_t i = 0; i < m.n; i++) {
            Op *op = m.op[i];
            uint64_t extent = op->loop[depth].extent;
            term_bind(b, op->loop[depth].index, value_int(b, 0));
            memmove(op->loop + depth, op->loop + depth + 1, sizeof *op->loop * (op->n_loops - depth - 1));
            op->loop[depth].extent *= extent;
            op->n_loops--;
            op->first_reduce -= op->first_reduce > depth;
        }
    }
}

/* One loop for members m, which may share it. */
static void build_loop(Builder *b, Members m, uint32_t depth, const Kernel *kernel) {
    uint64_t factor = merge_loops(b, m, depth);
    const OpLoop *first = &m.op[0]->loop[depth];
    for (uint32_t i = 0; i < m.n; i++)
        before_loop(b, m.op[i], depth, &m.acc[i]);
    PlanValue lo = value_int(b, 0), hi = value_int(b, (int64_t)first->extent);
    if (m.n == 1 && first->guard) {
        IrTerm rest = term_bounds(b, first->index, first->guard, &lo, &hi), *guard = &m.op[0]->guard;
        if (rest)
            *guard = *guard ? ir_op2(b->plan->ir, IR_AND, *guard, rest) : rest;
    }
    uint32_t loop = loop_open(b, lo, hi);
    if (depth == 0 && kernel->parallel) {
        b->func->loops.at[loop].parallel = true;
        b->func->loops.at[loop].chunk = kernel->chunk * (int64_t)factor;
    }
    for (uint32_t i = 0; i < m.n; i++)
        term_bind(b, m.op[i]->loop[depth].index, b->func->loops.at[loop].index);
    build_level(b, m, depth + 1, kernel);
    loop_close(b, loop);
    for (uint32_t i = 0; i < m.n; i++)
        after_loop(b, m.op[i], depth, m.acc[i]);
}

static void build_level(Builder *b, Members m, uint32_t depth, const Kernel *kernel) {
    for (uint32_t i = 0, end; i < m.n; i = end) {
        end = i + 1;
        if (m.op[i]->n_loops == depth) {
            leaf(b, m.op[i], m.acc[i]);
            continue;
        }
        for (bool together = true; end < m.n && together; end += together)
            for (uint32_t k = i; k < end && together; k++)
                together = plan_may_share(b->fp, m.op[k], m.op[end], depth);
        build_loop(b, (Members){m.op + i, m.acc + i, end - i}, depth, kernel);
    }
}

static void build_stop(Builder *b, const Op *op) {
    uint64_t at;
    uint32_t buffer = plan_buffer_of(b->fp, op->def, &at);
    PlanValue bad = value_load(b, buffer, value_int(b, (int64_t)at), PLAN_BOOL);
    value_statement(b, PLAN_STOP, 0, bad, op->def);
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
        else if (op->kind != OP_LOOPS)
            plan_emit_call(&b, op);
        else {
            PlanValue *acc = base_calloc(kernel->ops.n, sizeof *acc);
            build_level(&b, (Members){kernel->ops.at, acc, kernel->ops.n}, 0, kernel);
            free(acc);
        }
    }
    free(b.table);
    vec_free(&b.version);
    vec_free(&b.alias);
    vec_free(&b.index_value);
    vec_free(&b.memo);
}
