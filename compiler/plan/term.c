/* term — terms of the IR as values. Precision follows ir.h: f64 when an operand is, f32 when the operands
 * are; what has none of its own (constants, hypers, time) is computed in f64 and rounded when it meets an
 * f32. */
#include "pass.h"

PlanType plan_elem_type(IrElem elem) {
    switch (elem) {
    case IR_F64: return PLAN_F64;
    case IR_F32: return PLAN_F32;
    case IR_I64:
    case IR_I32:
    case IR_U8: return PLAN_I64;
    }
    return PLAN_VOID;
}

void term_bind(Builder *b, IrIdx index, PlanValue value) {
    while (b->index_value.n <= index)
        vec_push(&b->index_value, 0);
    b->index_value.at[index] = value;
    b->epoch++;
}

static bool is_real(PlanType type) { return type == PLAN_F64 || type == PLAN_F32; }

/* An integer or truth value as a real: what is the same in all loops in f64, the rest as the surrounding
 * wants it. */
static PlanValue to_real(Builder *b, PlanValue v) {
    const PlanNode *n = value_node(b, v);
    if (is_real((PlanType)n->type))
        return v;
    return value_convert(b, v, n->scope <= 1 ? PLAN_F64 : b->real);
}

static PlanType unify(Builder *b, PlanValue *x, PlanValue *y) {
    *x = to_real(b, *x);
    *y = to_real(b, *y);
    const PlanNode *nx = value_node(b, *x), *ny = value_node(b, *y);
    if (nx->type == ny->type)
        return (PlanType)nx->type;
    bool wide = nx->type == PLAN_F64 ? !nx->flex : !ny->flex;
    PlanType type = wide ? PLAN_F64 : PLAN_F32;
    *x = value_convert(b, *x, type);
    *y = value_convert(b, *y, type);
    return type;
}

static PlanValue compare(Builder *b, IrOp op, PlanValue x, PlanValue y) {
    if (is_real((PlanType)value_node(b, x)->type) || is_real((PlanType)value_node(b, y)->type))
        unify(b, &x, &y);
    else {
        x = value_convert(b, x, PLAN_I64);
        y = value_convert(b, y, PLAN_I64);
    }
    return value_op(b, op, PLAN_BOOL, x, y, 0);
}

static PlanValue select_value(Builder *b, IrType type, PlanValue c, PlanValue x, PlanValue y) {
    PlanType t = type == IR_BOOL ? PLAN_BOOL : PLAN_I64;
    if (type == IR_REAL)
        t = unify(b, &x, &y);
    else {
        x = value_convert(b, x, t);
        y = value_convert(b, y, t);
    }
    return value_op(b, IR_SELECT, t, c, x, y);
}

static PlanValue scalar_op(Builder *b, const IrNode *node) {
    IrOp op = (IrOp)node->op;
    uint32_t arity = ir_op_arity(op);
    PlanValue v[3] = {0};
    for (uint32_t i = 0; i < arity; i++)
        v[i] = term_value(b, node->arg[i]);
    if (op == IR_EQ || op == IR_NE || op == IR_LT || op == IR_LE)
        return compare(b, op, v[0], v[1]);
    if (op == IR_AND || op == IR_OR || op == IR_NOT)
        return value_op(b, op, PLAN_BOOL, v[0], v[1], 0);
    if (op == IR_SELECT)
        return select_value(b, (IrType)node->type, v[0], v[1], v[2]);
    if (op == IR_TO_REAL)
        return to_real(b, v[0]);
    if (op == IR_TO_INT)
        return value_convert(b, v[0], PLAN_I64);
    if (node->type == IR_INT) {
        for (uint32_t i = 0; i < arity; i++)
            v[i] = value_convert(b, v[i], PLAN_I64);
        return value_op(b, op, PLAN_I64, v[0], v[1], v[2]);
    }
    v[0] = to_real(b, v[0]);
    PlanType type = (PlanType)value_node(b, v[0])->type;
    if (arity == 2)
        type = unify(b, &v[0], &v[1]);
    return value_op(b, op, type, v[0], v[1], v[2]);
}

/* ---- addresses ---- */

typedef struct Sum { /* constant + Σ value·coefficient */
    PlanValue value[IR_MAX_RANK * 8];
    int64_t coef[IR_MAX_RANK * 8], constant;
    uint32_t n;
} Sum;

static void sum_add(Sum *sum, PlanValue v, int64_t coef) {
    for (uint32_t i = 0; i < sum->n; i++)
        if (sum->value[i] == v) {
            sum->coef[i] += coef;
            return;
        }
    sum->value[sum->n] = v;
    sum->coef[sum->n++] = coef;
}

static void sum_term(Builder *b, Sum *sum, IrTerm t, int64_t factor) {
    IrIdx idx[8];
    int64_t coef[8], constant;
    uint32_t n;
    if (!ir_affine(b->plan->ir, t, idx, coef, &n, &constant)) {
        sum_add(sum, term_value(b, t), factor);
        return;
    }
    sum->constant += constant * factor;
    for (uint32_t i = 0; i < n; i++)
        sum_add(sum, b->index_value.at[idx[i]], coef[i] * factor);
}

/* Added from the outermost scope inwards, so that what an inner loop does not change is added outside it. */
static PlanValue sum_value(Builder *b, Sum *sum) {
    PlanValue total = value_int(b, sum->constant);
    for (uint32_t i = 1; i < sum->n; i++)
        for (uint32_t j = i; j > 0; j--) {
            uint32_t inner = b->func->scopes.at[value_node(b, sum->value[j - 1])->scope].depth;
            uint32_t outer = b->func->scopes.at[value_node(b, sum->value[j])->scope].depth;
            if (inner <= outer)
                break;
            PlanValue v = sum->value[j];
            int64_t c = sum->coef[j];
            sum->value[j] = sum->value[j - 1];
            sum->coef[j] = sum->coef[j - 1];
            sum->value[j - 1] = v;
            sum->coef[j - 1] = c;
        }
    for (uint32_t i = 0; i < sum->n; i++)
        if (sum->coef[i])
            total = value_add(b, total, value_scale(b, sum->value[i], sum->coef[i]));
    return total;
}

PlanValue term_address(Builder *b, IrDef d, const IrTerm *subs, uint32_t n, uint32_t *buffer) {
    uint64_t at, stride = 1;
    *buffer = plan_buffer_of(b->fp, d, &at);
    Sum sum = {.constant = (int64_t)at};
    PlanValue base = plan_row_base(b, d);
    if (base)
        sum_add(&sum, base, 1);
    IrTerm copy[IR_MAX_RANK];
    memcpy(copy, subs, sizeof *copy * n);
    for (uint32_t i = n; i-- > 0;) {
        sum_term(b, &sum, copy[i], (int64_t)stride);
        stride *= ir_def(b->plan->ir, d)->extent[i];
    }
    return sum_value(b, &sum);
}

static PlanValue read_value(Builder *b, IrTerm t) {
    IrProgram *ir = b->plan->ir;
    IrNode node = *ir_node(ir, t);
    uint32_t buffer;
    PlanValue counter = plan_counter(b, node.arg[0]);
    if (counter)
        return counter;
    PlanValue at = term_address(b, node.arg[0], ir_read_subs(ir, t), node.arg[2], &buffer);
    PlanType type = plan_elem_type(b->plan->buffers.at[buffer].elem);
    if (node.type == IR_BOOL)
        return value_load(b, buffer, at, PLAN_BOOL);
    PlanValue v = value_load(b, buffer, at, type);
    return node.type == IR_REAL ? to_real(b, v) : v;
}

/* ---- reductions inside a body ---- */

/* Narrows one bound by `part`, a comparison of integers, seen as f = c·index + rest compared to 0. */
static bool narrow(Builder *b, IrIdx index, IrTerm part, PlanValue *lo, PlanValue *hi) {
    IrProgram *ir = b->plan->ir;
    IrNode node = *ir_node(ir, part);
    if ((node.op != IR_LT && node.op != IR_LE) || ir_node(ir, node.arg[0])->type != IR_INT ||
        ir_node(ir, node.arg[1])->type != IR_INT)
        return false;
    int64_t c = 0;
    Sum rest = {0};
    for (int side = 0; side < 2; side++) {
        IrIdx idx[8];
        int64_t coef[8], constant, sign = side ? -1 : 1;
        uint32_t n;
        if (!ir_affine(ir, node.arg[side], idx, coef, &n, &constant)) {
            if (ir_uses_index(ir, node.arg[side], index))
                return false;
            sum_add(&rest, term_value(b, node.arg[side]), sign);
            continue;
        }
        rest.constant += sign * constant;
        for (uint32_t i = 0; i < n; i++) {
            if (idx[i] == index)
                c += sign * coef[i];
            else if (idx[i] < b->index_value.n && b->index_value.at[idx[i]])
                sum_add(&rest, b->index_value.at[idx[i]], sign * coef[i]);
            else
                return false;
        }
    }
    if (c != 1 && c != -1)
        return false;
    /* c = 1: index < -rest; c = -1: index > rest; ≤ takes in the bound itself. */
    if (c == 1) {
        rest.constant = -rest.constant + (node.op == IR_LE);
        for (uint32_t i = 0; i < rest.n; i++)
            rest.coef[i] = -rest.coef[i];
        *hi = value_op(b, IR_MIN, PLAN_I64, *hi, sum_value(b, &rest), 0);
    } else {
        rest.constant += node.op == IR_LT;
        *lo = value_op(b, IR_MAX, PLAN_I64, *lo, sum_value(b, &rest), 0);
    }
    return true;
}

IrTerm term_bounds(Builder *b, IrIdx index, IrTerm guard, PlanValue *lo, PlanValue *hi) {
    IrProgram *ir = b->plan->ir;
    if (!guard)
        return 0;
    IrNode node = *ir_node(ir, guard);
    if (node.op == IR_AND) {
        IrTerm x = term_bounds(b, index, node.arg[0], lo, hi), y = term_bounds(b, index, node.arg[1], lo, hi);
        return !x ? y : !y ? x : ir_op2(ir, IR_AND, x, y);
    }
    return narrow(b, index, guard, lo, hi) ? 0 : guard;
}

/* The innermost scope among those of the loops whose indices t depends on. */
static uint32_t scope_of_term(Builder *b, IrTerm t) {
    uint32_t n, best = plan_region_scope(b);
    const IrIdx *set = ir_set(b->plan->ir, ir_node(b->plan->ir, t)->free, &n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t s = value_node(b, b->index_value.at[set[i]])->scope;
        if (b->func->scopes.at[s].depth > b->func->scopes.at[best].depth)
            best = s;
    }
    return best;
}

static PlanValue reduce_value(Builder *b, IrTerm t) {
    IrProgram *ir = b->plan->ir;
    IrNode node = *ir_node(ir, t);
    IrOp op = (IrOp)node.op;
    uint32_t before = b->scope;
    b->scope = scope_of_term(b, t);
    IrIdx index;
    IrTerm guard, body;
    ir_open(ir, t, &index, &guard, &body);
    IrElem elem = plan_term_elem(b->plan, body);
    PlanType type = node.type == IR_BOOL                ? PLAN_BOOL
                    : ir_node(ir, body)->type == IR_INT ? PLAN_I64
                    : plan_term_is_flex(b->plan, body)  ? b->real
                                                        : plan_elem_type(elem);
    bool straight = b->straight;
    PlanValue acc = straight ? 0 : value_acc(b, op, type);
    PlanValue lo = value_int(b, 0), hi = value_int(b, (int64_t)ir_index(ir, index)->extent);
    guard = term_bounds(b, index, guard, &lo, &hi);
    b->straight = straight && ir_op_of_reduce(op) != IR_NONE && value_node(b, lo)->kind == PLAN_CONST &&
                  value_node(b, hi)->kind == PLAN_CONST;
    if (!acc)
        acc = value_acc(b, op, type);
    for (Range r = plan_range(b, lo, hi); plan_next(b, &r);) {
        term_bind(b, index, r.index);
        PlanValue cond = guard ? term_value(b, guard) : 0;
        PlanValue v = term_value_as(b, body, type);
        value_step(b, acc, v, cond, op == IR_ARGMAX || op == IR_ARGMIN ? r.index : 0);
    }
    PlanValue result = value_result(b, acc);
    b->straight = straight;
    b->scope = before;
    return result;
}

/* ---- terms ---- */

static PlanValue constant(Builder *b, IrTerm t) {
    IrNode node = *ir_node(b->plan->ir, t);
    double real;
    if (node.type == IR_REAL) {
        ir_is_const(b->plan->ir, t, &real);
        return value_real(b, real, PLAN_F64);
    }
    if (node.type == IR_BOOL)
        return value_bool(b, node.arg[0] | node.arg[1]);
    return value_int(b, (int64_t)((uint64_t)node.arg[1] << 32 | node.arg[0]));
}

static PlanValue compute(Builder *b, IrTerm t) {
    IrNode node = *ir_node(b->plan->ir, t);
    if (node.op == IR_CONST)
        return constant(b, t);
    if (node.op == IR_INDEX)
        return b->index_value.at[node.arg[0]];
    if (node.op == IR_READ)
        return read_value(b, t);
    if (node.op == IR_DRAW)
        return value_draw(b, (IrDrawKind)node.arg[0], node.arg[1], term_value(b, node.arg[2]));
    if (ir_op_is_reduce((IrOp)node.op))
        return reduce_value(b, t);
    return scalar_op(b, &node);
}

PlanValue term_value(Builder *b, IrTerm t) {
    while (b->memo.n <= t)
        vec_push(&b->memo, (TermMemo){0});
    TermMemo *m = &b->memo.at[t];
    if (m->value && m->epoch == b->epoch && !b->func->scopes.at[value_node(b, m->value)->scope].closed)
        return m->value;
    PlanValue v = compute(b, t);
    while (b->memo.n <= t)
        vec_push(&b->memo, (TermMemo){0});
    b->memo.at[t] = (TermMemo){b->epoch, v};
    return v;
}

PlanValue term_value_as(Builder *b, IrTerm t, PlanType type) {
    PlanValue v = term_value(b, t);
    if ((type == PLAN_F64 || type == PLAN_F32) && !is_real((PlanType)value_node(b, v)->type))
        v = to_real(b, v);
    return value_convert(b, v, type);
}
