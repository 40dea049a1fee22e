/* copies — a planned function for several copies of its memory at once, one in each lane of a vector.
 *
 * needs: a function whose integers and branches are the same for all copies (loops over indices, arrays by index).
 * gives: NAME_lanes and the constant NAME_lanes_count; nothing where the function has something else in it.
 * changes: nothing else.
 *
 * Element e of a buffer of one copy is a row of `lanes` elements here, a copy each, at `lanes` times the place. What
 * depends on memory is a vector, the rest stays scalar. Every operation is the one of the function for a single copy:
 * arithmetic on vectors rounds as arithmetic on numbers does, and an operation that is a call there is called
 * for one lane after the other here. So a lane holds the bits that the function alone would give.
 *
 * A stop does not end the function: int32_t status[lanes], the second argument, keeps the first one of each lane. */
#include <stdio.h>

#include "parts.h"

/* ---- what can be done ---- */

static bool is_real(uint8_t type) { return type == PLAN_F64 || type == PLAN_F32; }

static bool fits(const Plan *plan, const PlanFunc *f, const PlanNode *n) {
    bool logic = n->arg[0] && f->nodes.at[n->arg[0]].type != PLAN_I64;
    switch ((PlanKind)n->kind) {
    case PLAN_LOAD: return is_real(n->type) || plan_buffer(plan, (uint32_t)n->bits)->is_data;
    case PLAN_STORE: return n->dead || is_real(f->nodes.at[n->arg[2]].type);
    case PLAN_OP:
    case PLAN_CONVERT: return n->type != PLAN_I64 || !logic;
    case PLAN_ACC: return n->type != PLAN_I64 && n->op != IR_ARGMAX && n->op != IR_ARGMIN;
    case PLAN_LOOP: return !f->loops.at[n->arg[0]].parallel;
    case PLAN_CALL:
    case PLAN_TURN:
    case PLAN_FLAG: return false;
    case PLAN_NONE:
    case PLAN_CONST:
    case PLAN_INDEX:
    case PLAN_DRAW:
    case PLAN_ZERO:
    case PLAN_STEP:
    case PLAN_RESULT:
    case PLAN_STOP: return true;
    }
    return false;
}

static bool scope_fits(const Plan *plan, const PlanFunc *f, uint32_t scope) {
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (!fits(plan, f, n) ||
            (n->kind == PLAN_LOOP && !scope_fits(plan, f, f->loops.at[n->arg[0]].scope)))
            return false;
    }
    return true;
}

bool emit_lanes_fit(const Plan *plan, const PlanFunc *func) { return scope_fits(plan, func, 1); }

/* ---- values ---- */

static bool is_wide(LLVMValueRef v) { return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind; }

static LLVMTypeRef wide(Emitter *e, LLVMTypeRef type) { return LLVMVectorType(type, e->lanes); }

/* The same value in every lane. */
static LLVMValueRef spread(Emitter *e, LLVMValueRef v) {
    if (is_wide(v))
        return v;
    if (LLVMIsConstant(v)) {
        LLVMValueRef all[EMIT_MAX_LANES];
        for (unsigned i = 0; i < e->lanes; i++)
            all[i] = v;
        return LLVMConstVector(all, e->lanes);
    }
    LLVMTypeRef i32 = LLVMInt32TypeInContext(e->m->context), type = wide(e, LLVMTypeOf(v));
    LLVMValueRef one = LLVMBuildInsertElement(e->b, LLVMGetPoison(type), v, LLVMConstNull(i32), "");
    return LLVMBuildShuffleVector(e->b, one, LLVMGetPoison(type), LLVMConstNull(wide(e, i32)), "");
}

static LLVMValueRef lane_of(Emitter *e, LLVMValueRef v, unsigned lane) {
    return is_wide(v) ? LLVMBuildExtractElement(e->b, v, emit_int(e->m, lane), "") : v;
}

/* Operations whose text for a number means the same on vectors; the others go lane by lane. */
static bool is_direct(const PlanFunc *f, const PlanNode *n, bool has_fused) {
    static const IrOp direct[] = {IR_ADD, IR_SUB, IR_MUL, IR_DIV, IR_NEG, IR_SQRT, IR_ABS, IR_FROZEN,
                                  IR_EQ,  IR_NE,  IR_LT,  IR_LE,  IR_AND, IR_OR,   IR_NOT, IR_SELECT};
    for (size_t i = 0; i < sizeof direct / sizeof *direct; i++)
        if (n->op == direct[i])
            return true;
    if (n->op == IR_SIN || n->op == IR_COS)
        return n->type == PLAN_F64;
    if (n->op == IR_EXP || n->op == IR_LOG || n->op == IR_TANH)
        return n->type == PLAN_F64 && has_fused;
    const PlanNode *exponent = &f->nodes.at[n->arg[1]];
    double value;
    memcpy(&value, &exponent->bits, sizeof value);
    return n->op == IR_POW && exponent->kind == PLAN_CONST && (value == 2 || value == 3 || value == 4);
}

/* One lane after the other, by the text for a single copy. */
static LLVMValueRef lane_by_lane(Emitter *e, const PlanNode *n, const LLVMValueRef *v, uint32_t n_args) {
    LLVMValueRef result = NULL, hold[4];
    unsigned lanes = e->lanes;
    for (uint32_t a = 0; a < n_args; a++)
        hold[a] = e->value[n->arg[a]];
    e->lanes = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        for (uint32_t a = 0; a < n_args; a++)
            if (e->func->nodes.at[n->arg[a]].kind != PLAN_CONST)
                e->value[n->arg[a]] = lane_of(e, v[a], lane);
        LLVMValueRef one = n->kind == PLAN_OP ? emit_op(e, n)
                                              : emit_convert(e, emit_node(e, n->arg[0]),
                                                             &e->func->nodes.at[n->arg[0]], (PlanType)n->type);
        if (!result)
            result = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(one), lanes));
        result = LLVMBuildInsertElement(e->b, result, one, emit_int(e->m, lane), "");
    }
    e->lanes = lanes;
    for (uint32_t a = 0; a < n_args; a++)
        e->value[n->arg[a]] = hold[a];
    return result;
}

static LLVMValueRef operate(Emitter *e, const PlanNode *n) {
    LLVMValueRef v[4];
    uint32_t n_args = 0;
    bool any = false;
    for (; n_args < 4 && n->arg[n_args]; n_args++) {
        v[n_args] = emit_node(e, n->arg[n_args]);
        any |= is_wide(v[n_args]);
    }
    if (any && (n->kind == PLAN_CONVERT || !is_direct(e->func, n, e->m->fma)))
        return lane_by_lane(e, n, v, n_args);
    for (uint32_t a = 0; a < n_args && any; a++)
        if (n->op != IR_POW || a == 0)
            v[a] = spread(e, v[a]);
    if (n->kind == PLAN_CONVERT)
        return emit_convert(e, v[0], &e->func->nodes.at[n->arg[0]], (PlanType)n->type);
    return emit_op_on(e, n, v);
}

/* ---- memory ---- */

static LLVMValueRef load(Emitter *e, const PlanNode *n) {
    const PlanBuffer *b = plan_buffer(e->plan, (uint32_t)n->bits);
    LLVMTypeRef stored = emit_elem_type(e->m, b->elem), type = emit_type(e->m, (PlanType)n->type);
    LLVMValueRef at = emit_pointer(e, (uint32_t)n->bits, emit_node(e, n->arg[1]));
    LLVMValueRef v = LLVMBuildLoad2(e->b, b->is_data ? stored : wide(e, stored), at, "");
    if (n->type == PLAN_BOOL)
        return LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(stored), "");
    if (b->elem == IR_U8)
        return LLVMBuildZExt(e->b, v, type, "");
    return b->elem == IR_I32 ? LLVMBuildSExt(e->b, v, type, "") : v;
}

static void store(Emitter *e, const PlanNode *n) {
    const PlanBuffer *b = plan_buffer(e->plan, (uint32_t)n->bits);
    LLVMTypeRef type = wide(e, emit_elem_type(e->m, b->elem));
    LLVMValueRef v = spread(e, emit_node(e, n->arg[2]));
    if (b->elem == IR_F32 && LLVMTypeOf(v) != type)
        v = LLVMBuildFPTrunc(e->b, v, type, "");
    else if (b->elem == IR_F64 && LLVMTypeOf(v) != type)
        v = LLVMBuildFPExt(e->b, v, type, "");
    LLVMBuildStore(e->b, v, emit_pointer(e, (uint32_t)n->bits, emit_node(e, n->arg[1])));
}

static void zero(Emitter *e, const PlanNode *n) {
    LLVMTypeRef type = emit_elem_type(e->m, plan_buffer(e->plan, (uint32_t)n->bits)->elem);
    LLVMValueRef bytes = LLVMBuildMul(e->b, emit_node(e, n->arg[2]), LLVMSizeOf(type), "");
    bytes = LLVMBuildMul(e->b, bytes, emit_int(e->m, e->lanes), "");
    LLVMValueRef none = LLVMConstNull(LLVMInt8TypeInContext(e->m->context));
    LLVMBuildMemSet(e->b, emit_pointer(e, (uint32_t)n->bits, emit_node(e, n->arg[1])), none, bytes, 1);
}

/* ---- accumulators and stops ---- */

static LLVMValueRef identity(Emitter *e, const PlanNode *n) {
    return spread(e, emit_identity(e, (IrOp)n->op, (PlanType)n->type));
}

static void step(Emitter *e, const PlanNode *n) {
    LLVMTypeRef type = wide(e, emit_type(e->m, (PlanType)n->type));
    LLVMValueRef old = LLVMBuildLoad2(e->b, type, e->value[n->arg[0]], ""), x = spread(e, emit_node(e, n->arg[1]));
    if (n->arg[2])
        x = LLVMBuildSelect(e->b, emit_node(e, n->arg[2]), x, identity(e, n), "");
    bool lanewise = ir_op_of_reduce((IrOp)n->op) == IR_MIN || ir_op_of_reduce((IrOp)n->op) == IR_MAX;
    LLVMValueRef sum = lanewise ? LLVMGetPoison(type) : NULL;
    for (unsigned lane = 0; lane < e->lanes && lanewise; lane++) {
        LLVMValueRef one = emit_combine(e, (IrOp)n->op, (PlanType)n->type, lane_of(e, old, lane), lane_of(e, x, lane));
        sum = LLVMBuildInsertElement(e->b, sum, one, emit_int(e->m, lane), "");
    }
    if (!sum)
        sum = emit_combine(e, (IrOp)n->op, (PlanType)n->type, old, x);
    LLVMBuildStore(e->b, sum, e->value[n->arg[0]]);
}

static void stop(Emitter *e, const PlanNode *n) {
    LLVMTypeRef type = wide(e, LLVMInt32TypeInContext(e->m->context));
    LLVMValueRef have = LLVMBuildLoad2(e->b, type, e->status, "");
    LLVMValueRef bad = LLVMConstInt(LLVMInt32TypeInContext(e->m->context), n->op, 0);
    LLVMValueRef first = LLVMBuildICmp(e->b, LLVMIntEQ, have, LLVMConstNull(type), "");
    first = LLVMBuildAnd(e->b, first, spread(e, emit_node(e, n->arg[0])), "");
    LLVMBuildStore(e->b, LLVMBuildSelect(e->b, first, spread(e, bad), have, ""), e->status);
}

bool emit_lane_statement(Emitter *e, PlanValue v) {
    const PlanNode *n = &e->func->nodes.at[v];
    LLVMTypeRef type;
    switch ((PlanKind)n->kind) {
    case PLAN_OP:
    case PLAN_CONVERT: e->value[v] = operate(e, n); break;
    case PLAN_LOAD: e->value[v] = load(e, n); break;
    case PLAN_DRAW: e->value[v] = emit_draw_of_lanes(e, n); break;
    case PLAN_STORE:
        if (!n->dead)
            store(e, n);
        break;
    case PLAN_ZERO:
        if (!n->dead)
            zero(e, n);
        break;
    case PLAN_ACC:
        e->value[v] = emit_slot(e, wide(e, emit_type(e->m, (PlanType)n->type)), NULL);
        LLVMBuildStore(e->b, identity(e, n), e->value[v]);
        break;
    case PLAN_STEP: step(e, n); break;
    case PLAN_RESULT:
        type = wide(e, emit_type(e->m, (PlanType)n->type));
        e->value[v] = LLVMBuildLoad2(e->b, type, e->value[n->arg[0]], "");
        break;
    case PLAN_STOP: stop(e, n); break;
    case PLAN_NONE:
    case PLAN_CONST:
    case PLAN_INDEX:
    case PLAN_LOOP:
    case PLAN_CALL:
    case PLAN_TURN:
    case PLAN_FLAG: return false;
    }
    return true;
}

/* ---- the function ---- */

void emit_lanes_function(EmitModule *m, const Plan *plan, const PlanFunc *func) {
    if (!emit_lanes_fit(plan, func))
        return;
    uint32_t n_outlined = 0, n_kernels = 0;
    Emitter e = {.m = m, .plan = plan, .func = func, .n_outlined = &n_outlined, .n_kernels = &n_kernels};
    e.lanes = m->avx512 ? 16 : m->avx2 ? 8 : 4;
    LLVMTypeRef pointer = LLVMPointerTypeInContext(m->context, 0), i32 = LLVMInt32TypeInContext(m->context);
    LLVMTypeRef params[2] = {pointer, pointer};
    char name[128];
    snprintf(name, sizeof name, "%s_lanes", func->name);
    e.fn = LLVMAddFunction(m->module, name, LLVMFunctionType(i32, params, 2, 0));
    emit_target_attributes(m, e.fn);
    emit_begin(&e);
    LLVMTypeRef status = wide(&e, i32);
    e.status = emit_slot(&e, status, LLVMConstNull(status));
    emit_statements(&e, 1, 0, func->scopes.at[1].body.n);
    emit_end(&e);
    LLVMValueRef all = LLVMBuildLoad2(e.b, status, e.status, "");
    LLVMSetAlignment(LLVMBuildStore(e.b, all, LLVMGetParam(e.fn, 1)), 4);
    LLVMBuildRet(e.b, LLVMConstNull(i32));
    emit_free_emitter(&e);
    snprintf(name, sizeof name, "%s_lanes_count", func->name);
    LLVMValueRef count = LLVMAddGlobal(m->module, i32, name);
    LLVMSetInitializer(count, LLVMConstInt(i32, e.lanes, 0));
    LLVMSetGlobalConstant(count, 1);
}
