/* code — scopes and loops as basic blocks.
 *
 * Accumulators are stack slots, which the optimizer turns into registers. Inside one loop nest, distinct
 * buffers never overlap: loads and stores say so by alias scopes, numbered anew for each nest, because space
 * is reused between nests. */
#include <stdio.h>

#include <llvm-c/DebugInfo.h>

#include "../../runtime/rt.h"
#include "parts.h"

static void emit_scope(Emitter *e, uint32_t scope);

LLVMValueRef emit_node(Emitter *e, PlanValue v) {
    const PlanNode *n = &e->func->nodes.at[v];
    if (n->kind != PLAN_CONST)
        return e->value[v];
    LLVMTypeRef type = emit_type(e->m, (PlanType)n->type);
    double real;
    memcpy(&real, &n->bits, sizeof real);
    return n->type == PLAN_F64 || n->type == PLAN_F32 ? LLVMConstReal(type, real)
                                                      : LLVMConstInt(type, n->bits, 1);
}

LLVMBasicBlockRef emit_block(Emitter *e, const char *name) {
    return LLVMAppendBasicBlockInContext(e->m->context, e->fn, name);
}

/* A stack slot, made where the optimizer looks for them. */
LLVMValueRef emit_slot(Emitter *e, LLVMTypeRef type, LLVMValueRef start) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    LLVMValueRef slot = LLVMBuildAlloca(e->b, type, "");
    if (start)
        LLVMBuildStore(e->b, start, slot);
    LLVMPositionBuilderAtEnd(e->b, here);
    return slot;
}

void emit_expect(Emitter *e, LLVMValueRef branch) {
    LLVMContextRef c = e->m->context;
    LLVMTypeRef i32 = LLVMInt32TypeInContext(c);
    LLVMMetadataRef parts[3] = {LLVMMDStringInContext2(c, "branch_weights", 14),
                                LLVMValueAsMetadata(LLVMConstInt(i32, 2000, 0)),
                                LLVMValueAsMetadata(LLVMConstInt(i32, 1, 0))};
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(c, "prof", 4),
                    LLVMMetadataAsValue(c, LLVMMDNodeInContext2(c, parts, 3)));
}

void emit_stop(Emitter *e, LLVMValueRef failed, LLVMValueRef status, IrDef def) {
    LLVMBasicBlockRef bad = emit_block(e, "bad"), good = emit_block(e, "good");
    LLVMBuildCondBr(e->b, failed, bad, good);
    LLVMPositionBuilderAtEnd(e->b, bad);
    emit_set_bad(e, def);
    if (e->status)
        LLVMBuildStore(e->b, status, e->status);
    LLVMBuildBr(e->b, e->exit);
    LLVMPositionBuilderAtEnd(e->b, good);
}

/* ---- alias scopes ---- */

#define ALIAS_BUFFERS 64 /* told apart in one nest; the list of all the others stands at each load and store */

static LLVMMetadataRef scope_node(Emitter *e, uint32_t buffer) {
    char name[96];
    LLVMContextRef c = e->m->context;
    int n = snprintf(name, sizeof name, "%s.%u", e->func->name, e->kernel);
    LLVMMetadataRef text = LLVMMDStringInContext2(c, name, (size_t)n),
                    domain = LLVMMDNodeInContext2(c, &text, 1);
    n = snprintf(name, sizeof name, "%s.%u.%u", e->func->name, e->kernel, buffer);
    LLVMMetadataRef parts[2] = {LLVMMDStringInContext2(c, name, (size_t)n), domain};
    return LLVMMDNodeInContext2(c, parts, 2);
}

static void set_alias(Emitter *e, LLVMValueRef access, uint32_t buffer) {
    LLVMContextRef c = e->m->context;
    if (!e->kernel || e->n_kernel_buffers > ALIAS_BUFFERS)
        return;
    LLVMMetadataRef own = scope_node(e, buffer), others[ALIAS_BUFFERS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_kernel_buffers; i++)
        if (e->kernel_buffers[i] != buffer)
            others[n++] = scope_node(e, e->kernel_buffers[i]);
    unsigned alias = LLVMGetMDKindIDInContext(c, "alias.scope", 11),
             noalias = LLVMGetMDKindIDInContext(c, "noalias", 7);
    LLVMSetMetadata(access, alias, LLVMMetadataAsValue(c, LLVMMDNodeInContext2(c, &own, 1)));
    if (n)
        LLVMSetMetadata(access, noalias, LLVMMetadataAsValue(c, LLVMMDNodeInContext2(c, others, n)));
}

static void touched_buffers(const PlanFunc *f, uint32_t scope, NumberList *list) {
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (n->kind == PLAN_LOAD || (n->kind == PLAN_STORE && !n->dead))
            emit_add_number(list, (uint32_t)n->bits);
        else if (n->kind == PLAN_LOOP)
            touched_buffers(f, f->loops.at[n->arg[0]].scope, list);
    }
}

/* ---- memory ---- */

static LLVMValueRef emit_load(Emitter *e, const PlanNode *n) {
    LLVMValueRef *held = emit_held(e, n);
    if (held)
        return *held;
    uint32_t buffer = (uint32_t)n->bits;
    IrElem elem = plan_buffer(e->plan, buffer)->elem;
    LLVMTypeRef stored = emit_elem_type(e->m, elem), type = emit_type(e->m, (PlanType)n->type);
    LLVMValueRef v = LLVMBuildLoad2(e->b, stored, emit_pointer(e, buffer, emit_node(e, n->arg[1])), "");
    set_alias(e, v, buffer);
    if (n->type == PLAN_BOOL)
        return LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(stored), "");
    if (elem == IR_U8)
        return LLVMBuildZExt(e->b, v, type, "");
    return elem == IR_I32 ? LLVMBuildSExt(e->b, v, type, "") : v;
}

static void emit_store(Emitter *e, const PlanNode *n) {
    uint32_t buffer = (uint32_t)n->bits;
    IrElem elem = plan_buffer(e->plan, buffer)->elem;
    const PlanNode *from = &e->func->nodes.at[n->arg[2]];
    PlanType want = elem == IR_F64 ? PLAN_F64 : elem == IR_F32 ? PLAN_F32 : PLAN_I64;
    LLVMValueRef v = emit_convert(e, emit_node(e, n->arg[2]), from, want), *held = emit_held(e, n);
    if (held) {
        *held = v;
        return;
    }
    if (elem == IR_U8 || elem == IR_I32)
        v = LLVMBuildTrunc(e->b, v, emit_elem_type(e->m, elem), "");
    set_alias(e, LLVMBuildStore(e->b, v, emit_pointer(e, buffer, emit_node(e, n->arg[1]))), buffer);
}

static void emit_zero(Emitter *e, const PlanNode *n) {
    uint32_t buffer = (uint32_t)n->bits;
    LLVMTypeRef type = emit_elem_type(e->m, plan_buffer(e->plan, buffer)->elem);
    LLVMValueRef bytes = LLVMBuildMul(e->b, emit_node(e, n->arg[2]), LLVMSizeOf(type), "");
    LLVMValueRef zero = LLVMConstNull(LLVMInt8TypeInContext(e->m->context));
    LLVMBuildMemSet(e->b, emit_pointer(e, buffer, emit_node(e, n->arg[1])), zero, bytes, 1);
}

/* ---- accumulators ---- */

static void emit_acc(Emitter *e, PlanValue v) {
    const PlanNode *n = &e->func->nodes.at[v];
    LLVMTypeRef type = emit_type(e->m, (PlanType)n->type);
    e->value[v] = emit_slot(e, type, NULL);
    LLVMBuildStore(e->b, emit_identity(e, (IrOp)n->op, (PlanType)n->type), e->value[v]);
    if (n->op == IR_ARGMAX || n->op == IR_ARGMIN) {
        e->acc_index[v] = emit_slot(e, LLVMInt64TypeInContext(e->m->context), NULL);
        LLVMBuildStore(e->b, emit_int(e->m, 0), e->acc_index[v]);
    }
}

/* The first of the largest (smallest) wins; the first term always does, so that a row of −∞ has an index in
 * range. */
static void emit_arg_step(Emitter *e, const PlanNode *n, LLVMValueRef old, LLVMValueRef x) {
    bool max = n->op == IR_ARGMAX;
    LLVMValueRef better;
    if (n->type == PLAN_I64)
        better = LLVMBuildICmp(e->b, max ? LLVMIntSGT : LLVMIntSLT, x, old, "");
    else
        better = LLVMBuildFCmp(e->b, max ? LLVMRealOGT : LLVMRealOLT, x, old, "");
    if (n->arg[2])
        better = LLVMBuildAnd(e->b, better, emit_node(e, n->arg[2]), "");
    LLVMTypeRef i64 = LLVMInt64TypeInContext(e->m->context);
    LLVMValueRef index = LLVMBuildLoad2(e->b, i64, e->acc_index[n->arg[0]], "");
    LLVMBuildStore(e->b, LLVMBuildSelect(e->b, better, x, old, ""), e->value[n->arg[0]]);
    LLVMBuildStore(e->b, LLVMBuildSelect(e->b, better, emit_node(e, n->arg[3]), index, ""),
                   e->acc_index[n->arg[0]]);
}

static void emit_step(Emitter *e, const PlanNode *n) {
    LLVMTypeRef type = emit_type(e->m, (PlanType)n->type);
    LLVMValueRef old = LLVMBuildLoad2(e->b, type, e->value[n->arg[0]], ""), x = emit_node(e, n->arg[1]);
    if (n->op == IR_ARGMAX || n->op == IR_ARGMIN) {
        emit_arg_step(e, n, old, x);
        return;
    }
    if (n->arg[2])
        x = LLVMBuildSelect(e->b, emit_node(e, n->arg[2]), x,
                            emit_identity(e, (IrOp)n->op, (PlanType)n->type), "");
    LLVMBuildStore(e->b, emit_combine(e, (IrOp)n->op, (PlanType)n->type, old, x), e->value[n->arg[0]]);
}

static LLVMValueRef emit_result(Emitter *e, const PlanNode *n) {
    bool arg = n->op == IR_ARGMAX || n->op == IR_ARGMIN;
    return LLVMBuildLoad2(e->b, emit_type(e->m, (PlanType)n->type),
                          arg ? e->acc_index[n->arg[0]] : e->value[n->arg[0]], "");
}

/* ---- flags ---- */

static LLVMValueRef flag_of(Emitter *e, IrDef def) {
    for (uint32_t i = 0; i < e->n_flags; i++)
        if (e->flag[i].def == def)
            return e->flag[i].at;
    if (e->n_flags == sizeof e->flag / sizeof *e->flag)
        return e->flag[e->n_flags - 1].at;
    LLVMTypeRef i1 = LLVMInt1TypeInContext(e->m->context);
    e->flag[e->n_flags] = (struct Flag){def, emit_slot(e, i1, LLVMConstNull(i1))};
    return e->flag[e->n_flags++].at;
}

static void emit_flag(Emitter *e, const PlanNode *n) {
    LLVMValueRef at = flag_of(e, n->arg[1]), x = emit_node(e, n->arg[0]);
    LLVMTypeRef i1 = LLVMInt1TypeInContext(e->m->context), type = LLVMTypeOf(x);
    unsigned id = LLVMLookupIntrinsicID("llvm.fabs", 9);
    LLVMValueRef size = LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->m->context, id, &type, 1),
                                       LLVMGetIntrinsicDeclaration(e->m->module, id, &type, 1), &x, 1, "");
    LLVMValueRef bad = LLVMBuildFCmp(e->b, LLVMRealUEQ, size, LLVMConstReal(type, 1.0 / 0.0), "");
    LLVMBuildStore(e->b, LLVMBuildOr(e->b, LLVMBuildLoad2(e->b, i1, at, ""), bad, ""), at);
}

/* ---- loops ---- */

static bool scope_has(const PlanFunc *f, uint32_t scope, PlanKind kind) {
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++)
        if (f->nodes.at[f->scopes.at[scope].body.at[i]].kind == kind)
            return true;
    return false;
}

static bool has_scalar_call(const Emitter *e, uint32_t scope) {
    const PlanFunc *f = e->func;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++)
        if (emit_is_scalar_call(e, &f->nodes.at[f->scopes.at[scope].body.at[i]]))
            return true;
    return false;
}

#define SHORT_TRIPS 1024

static uint32_t written_out(const Emitter *e, const PlanLoop *loop);

/* What is in the body of a loop, those inside that are written out included. */
typedef struct Content {
    bool loop;       /* one that is not written out */
    bool sum;        /* of real numbers over this loop's iterations */
    bool elementary; /* a function that is computed in place */
} Content;

static void look_inside(const Emitter *e, const PlanLoop *loop, uint32_t scope, Content *c) {
    const PlanFunc *f = e->func;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (n->kind == PLAN_LOOP && written_out(e, &f->loops.at[n->arg[0]]))
            look_inside(e, loop, f->loops.at[n->arg[0]].scope, c);
        else if (n->kind == PLAN_LOOP)
            c->loop = true;
        else if (n->kind == PLAN_STEP && n->op == IR_SUM && (n->type == PLAN_F64 || n->type == PLAN_F32))
            c->sum |= f->scopes.at[f->nodes.at[n->arg[0]].scope].depth < f->scopes.at[loop->scope].depth;
        c->elementary |= emit_length(e, n) > 1;
    }
}

static void set_loop_hint(Emitter *e, LLVMValueRef latch, const char *name, LLVMValueRef value) {
    LLVMContextRef c = e->m->context;
    LLVMMetadataRef hint[2] = {LLVMMDStringInContext2(c, name, strlen(name)), LLVMValueAsMetadata(value)};
    LLVMMetadataRef self = LLVMTemporaryMDNode(c, NULL, 0);
    LLVMMetadataRef parts[2] = {self, LLVMMDNodeInContext2(c, hint, 2)};
    LLVMMetadataRef node = LLVMMDNodeInContext2(c, parts, 2);
    LLVMMetadataReplaceAllUsesWith(self, node); /* a loop's name is a node that refers to itself */
    LLVMSetMetadata(latch, LLVMGetMDKindIDInContext(c, "llvm.loop", 9), LLVMMetadataAsValue(c, node));
}

/* One vector at a time in short loops and those without accumulators, which gain nothing from several and
 * would take as many times longer to compile; none at all around calls for single numbers, and where a sum that must
 * keep its order has nothing in it that vectors would make cheaper. */
static void set_loop_hints(Emitter *e, const PlanLoop *loop, LLVMValueRef latch) {
    LLVMContextRef c = e->m->context;
    const PlanNode *hi = &e->func->nodes.at[loop->hi];
    bool is_short = hi->kind == PLAN_CONST && hi->bits <= SHORT_TRIPS, scalar = has_scalar_call(e, loop->scope);
    Content content = {0};
    look_inside(e, loop, loop->scope, &content);
    bool ordered = content.sum && !e->m->fast;
    if (content.loop || (!ordered && scope_has(e->func, loop->scope, PLAN_LOOP)))
        return;
    if (scalar || (ordered && !content.elementary))
        set_loop_hint(e, latch, "llvm.loop.vectorize.enable", LLVMConstInt(LLVMInt1TypeInContext(c), 0, 0));
    else if (ordered || is_short || !scope_has(e->func, loop->scope, PLAN_STEP))
        set_loop_hint(e, latch, "llvm.loop.interleave.count", LLVMConstInt(LLVMInt32TypeInContext(c), 1, 0));
}

#define UNROLL_TRIPS 4   /* loops of so few iterations are written out … */
#define UNROLL_SIZE 1024 /* … when that is at most so many statements */

/* Statements of a scope with its loops written out; 0 if one of them stays a loop. */
static uint32_t straight_size(const Emitter *e, uint32_t scope) {
    const PlanFunc *f = e->func;
    uint32_t size = 1;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        uint32_t part = n->kind == PLAN_LOOP ? written_out(e, &f->loops.at[n->arg[0]]) : emit_length(e, n);
        if (!part)
            return 0;
        size += part;
    }
    return size;
}

/* Statements of a short loop of constant length once it is written out; 0 for a loop that stays one. Bodies
 * with a loop left in them are not copied: each copy would be vectorized again, for little. */
static uint32_t written_out(const Emitter *e, const PlanLoop *loop) {
    const PlanFunc *f = e->func;
    const PlanNode *lo = &f->nodes.at[loop->lo], *hi = &f->nodes.at[loop->hi];
    if (lo->kind != PLAN_CONST || hi->kind != PLAN_CONST || loop->parallel || loop->repeat)
        return 0;
    int64_t trips = (int64_t)hi->bits - (int64_t)lo->bits;
    if (trips > UNROLL_TRIPS)
        return 0;
    uint32_t body = straight_size(e, loop->scope), size = trips > 1 ? (uint32_t)trips * body : body;
    return size <= UNROLL_SIZE || trips <= 1 ? size : 0;
}

/* A short loop of constant length without loops left inside: its body, once for each iteration. */
static bool emit_unrolled(Emitter *e, const PlanLoop *loop) {
    const PlanNode *lo = &e->func->nodes.at[loop->lo], *hi = &e->func->nodes.at[loop->hi];
    if (!written_out(e, loop))
        return false;
    for (int64_t i = (int64_t)lo->bits; i < (int64_t)hi->bits; i++) {
        e->value[loop->index] = emit_int(e->m, i);
        emit_scope(e, loop->scope);
    }
    return true;
}

void emit_range(Emitter *e, const PlanLoop *loop, LLVMValueRef lo, LLVMValueRef hi, bool never_empty) {
    LLVMTypeRef i64 = LLVMInt64TypeInContext(e->m->context);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), body = emit_block(e, "loop"),
                      after = emit_block(e, "after");
    if (never_empty)
        LLVMBuildBr(e->b, body);
    else
        LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, lo, hi, ""), body, after);
    LLVMPositionBuilderAtEnd(e->b, body);
    LLVMValueRef i = LLVMBuildPhi(e->b, i64, "i");
    LLVMAddIncoming(i, &lo, &before, 1);
    e->value[loop->index] = i;
    emit_prefetch(e, loop, i, hi);
    emit_scope(e, loop->scope);
    LLVMValueRef next = LLVMBuildNSWAdd(e->b, i, emit_int(e->m, 1), "");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b);
    LLVMAddIncoming(i, &next, &last, 1);
    LLVMValueRef latch = LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, hi, ""), body, after);
    set_loop_hints(e, loop, latch);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* Repeated until a TURN in it leaves. */
static void emit_repeat(Emitter *e, const PlanLoop *loop) {
    LLVMBasicBlockRef again = e->again, leave = e->leave;
    e->again = emit_block(e, "again");
    e->leave = emit_block(e, "leave");
    LLVMBuildBr(e->b, e->again);
    LLVMPositionBuilderAtEnd(e->b, e->again);
    emit_scope(e, loop->scope);
    LLVMBuildBr(e->b, e->again);
    LLVMPositionBuilderAtEnd(e->b, e->leave);
    e->again = again;
    e->leave = leave;
}

/* A nest of loops begins where the buffers that one touches are few enough to be told apart; else with the loops inside. */
static void emit_loop(Emitter *e, const PlanLoop *loop) {
    NumberList touched = {0};
    bool begins = false;
    if (e->kernel == 0) {
        touched_buffers(e->func, loop->scope, &touched);
        begins = touched.n <= ALIAS_BUFFERS || !scope_has(e->func, loop->scope, PLAN_LOOP);
    }
    if (begins) {
        e->kernel = ++*e->n_kernels;
        e->kernel_buffers = touched.at;
        e->n_kernel_buffers = touched.n;
    }
    if (loop->repeat)
        emit_repeat(e, loop);
    else if (loop->parallel)
        emit_parallel(e, loop);
    else if (!emit_unrolled(e, loop)) {
        bool never_empty = e->func->nodes.at[loop->lo].hi < e->func->nodes.at[loop->hi].lo;
        emit_range(e, loop, emit_node(e, loop->lo), emit_node(e, loop->hi), never_empty);
    }
    if (begins)
        e->kernel = 0;
    vec_free(&touched);
}

/* ---- statements ---- */

static void emit_statement(Emitter *e, PlanValue v) {
    const PlanNode *n = &e->func->nodes.at[v];
    if (e->lanes && emit_lane_statement(e, v))
        return;
    switch ((PlanKind)n->kind) {
    case PLAN_OP: e->value[v] = emit_op(e, n); break;
    case PLAN_CONVERT:
        e->value[v] =
            emit_convert(e, emit_node(e, n->arg[0]), &e->func->nodes.at[n->arg[0]], (PlanType)n->type);
        break;
    case PLAN_LOAD: e->value[v] = emit_load(e, n); break;
    case PLAN_DRAW: e->value[v] = emit_draw(e, n); break;
    case PLAN_STORE:
        if (!n->dead)
            emit_store(e, n);
        break;
    case PLAN_ZERO:
        if (!n->dead)
            emit_zero(e, n);
        break;
    case PLAN_ACC: emit_acc(e, v); break;
    case PLAN_STEP: emit_step(e, n); break;
    case PLAN_RESULT: e->value[v] = emit_result(e, n); break;
    case PLAN_LOOP: emit_loop(e, &e->func->loops.at[n->arg[0]]); break;
    case PLAN_CALL: emit_call(e, &e->func->calls.at[n->arg[0]]); break;
    case PLAN_TURN: emit_turn(e, &e->func->calls.at[n->arg[0]]); break;
    case PLAN_STOP:
        emit_stop(e, emit_node(e, n->arg[0]),
                  LLVMConstInt(LLVMInt32TypeInContext(e->m->context), n->op, 0), n->arg[1]);
        break;
    case PLAN_FLAG: emit_flag(e, n); break;
    case PLAN_NONE:
    case PLAN_CONST:
    case PLAN_INDEX: break;
    }
}

void emit_statements(Emitter *e, uint32_t scope, uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; i++)
        emit_statement(e, e->func->scopes.at[scope].body.at[i]);
}

static void emit_scope(Emitter *e, uint32_t scope) {
    emit_statements(e, scope, 0, e->func->scopes.at[scope].body.n);
}
