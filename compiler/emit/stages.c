/* stages — a right-hand side inside the loop over the stages of a Runge-Kutta step.
 *
 * needs: a function that sets the rates of change of at most RT_STAGES_WIDTH doubles.
 * gives: int32_t NAME_stages(RtFrame *frame, const RtStages *stages); nothing where y is longer or in single precision.
 * changes: nothing else.
 *
 * With few numbers a stage is soon computed, and most of a step's time goes into what is around it: calls, copies
 * between the method's vectors and the frame's memory, loops over a handful of elements. Here y, the slope and the sums
 * over slopes are vectors in registers. The method comes as data, so the code is the same for every table, and each sum is
 * taken in the order of rt_rk_combine with the same roundings, so a step has the same bits with this code and without.
 *
 * A short function without loops over y stands in the stage itself, and what it reads of y and sets of y' are values that
 * never see memory. Any other is called. */
#include <stdio.h>

#include "../../runtime/rt.h"
#include "parts.h"

#define SHORT 100 /* statements that are worth compiling twice: of longer ones a call is a small part */

/* y, y' or t as the function knows them: elements of buffers. */
typedef struct Block {
    uint32_t buffer;
    uint64_t first, n; /* where it begins in the buffer */
    LLVMValueRef *value;
} Block;

typedef struct EmitHeld {
    Block *at;
    uint32_t n;
} EmitHeld;

typedef struct Stages {
    Emitter e;
    Block *y, *dy, time; /* time.buffer 0: it is not read */
    uint32_t n_blocks;
    unsigned n, width; /* numbers in y, and in the vectors */
    LLVMTypeRef vector, real, i64, pointer;
    LLVMValueRef y0, h, slopes, rows, check; /* check: a vector of 0 as long as all slopes were finite */
} Stages;

/* ---- what can be done ---- */

static bool find_block(const Plan *plan, IrDef def, Block *block) {
    block->n = ir_size(plan_program(plan), def);
    block->buffer = plan_place_buffer(plan, def, &block->first);
    if (!block->buffer)
        return true;
    const PlanBuffer *b = plan_buffer(plan, block->buffer);
    return b->elem == IR_F64 && !b->is_data;
}

static bool find_blocks(Stages *s) {
    const IrRates *rates = s->e.func->rates;
    Arena *arena = s->e.m->session->arena;
    uint64_t n = 0;
    s->n_blocks = rates->n;
    s->y = ARENA_ARRAY(arena, Block, rates->n);
    s->dy = ARENA_ARRAY(arena, Block, rates->n);
    if (rates->time && !find_block(s->e.plan, rates->time, &s->time))
        return false;
    for (uint32_t i = 0; i < rates->n; i++) {
        if (!find_block(s->e.plan, rates->y[i], &s->y[i]) || !find_block(s->e.plan, rates->dy[i], &s->dy[i]) ||
            !s->dy[i].buffer)
            return false;
        n += s->y[i].n;
    }
    for (s->width = 2; s->width < n && s->width < RT_STAGES_WIDTH;)
        s->width *= 2;
    s->n = (unsigned)n;
    return n > 0 && n <= RT_STAGES_WIDTH;
}

static const Block *block_of(const EmitHeld *held, uint32_t buffer, uint64_t at) {
    for (uint32_t i = 0; i < held->n; i++)
        if (held->at[i].buffer == buffer && at >= held->at[i].first && at - held->at[i].first < held->at[i].n)
            return &held->at[i];
    return NULL;
}

static bool touches(const EmitHeld *held, uint32_t buffer) {
    for (uint32_t i = 0; i < held->n; i++)
        if (held->at[i].buffer == buffer)
            return true;
    return false;
}

/* Whether every element of the held blocks that the function reads or sets is known by number, outside loops. */
static bool can_hold(const PlanFunc *f, const EmitHeld *held, uint32_t scope) {
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        switch ((PlanKind)n->kind) {
        case PLAN_LOAD:
        case PLAN_STORE:
            if (touches(held, (uint32_t)n->bits) && (scope != 1 || f->nodes.at[n->arg[1]].kind != PLAN_CONST))
                return false;
            break;
        case PLAN_ZERO:
            if (touches(held, (uint32_t)n->bits))
                return false;
            break;
        case PLAN_LOOP:
            if (f->loops.at[n->arg[0]].parallel || f->loops.at[n->arg[0]].repeat ||
                !can_hold(f, held, f->loops.at[n->arg[0]].scope))
                return false;
            break;
        case PLAN_CALL:
        case PLAN_TURN:
        case PLAN_DRAW:
        case PLAN_FLAG: return false;
        case PLAN_NONE:
        case PLAN_CONST:
        case PLAN_INDEX:
        case PLAN_OP:
        case PLAN_CONVERT:
        case PLAN_ACC:
        case PLAN_STEP:
        case PLAN_RESULT:
        case PLAN_STOP: break;
        }
    }
    return true;
}

LLVMValueRef *emit_held(const Emitter *e, const PlanNode *n) {
    if (!e->held || !touches(e->held, (uint32_t)n->bits))
        return NULL;
    uint64_t at = e->func->nodes.at[n->arg[1]].bits;
    const Block *block = block_of(e->held, (uint32_t)n->bits, at);
    return block ? &block->value[at - block->first] : NULL;
}

/* ---- small things ---- */

static LLVMValueRef field(Stages *s, size_t offset, LLVMTypeRef type) {
    LLVMValueRef at = emit_int(s->e.m, (int64_t)offset);
    LLVMValueRef p = LLVMBuildInBoundsGEP2(s->e.b, LLVMInt8TypeInContext(s->e.m->context), LLVMGetParam(s->e.fn, 1), &at, 1, "");
    return LLVMBuildLoad2(s->e.b, type, p, "");
}

/* Member of element `index` of an array of structs. */
static LLVMValueRef member(Stages *s, LLVMValueRef array, LLVMValueRef index, size_t size, size_t offset, LLVMTypeRef type) {
    LLVMBuilderRef b = s->e.b;
    LLVMValueRef at = LLVMBuildNSWMul(b, index, emit_int(s->e.m, (int64_t)size), "");
    at = LLVMBuildNSWAdd(b, at, emit_int(s->e.m, (int64_t)offset), "");
    LLVMValueRef p = LLVMBuildInBoundsGEP2(b, LLVMInt8TypeInContext(s->e.m->context), array, &at, 1, "");
    return LLVMBuildLoad2(b, type, p, "");
}

static LLVMValueRef load_vector(Stages *s, LLVMValueRef at) {
    LLVMValueRef v = LLVMBuildLoad2(s->e.b, s->vector, at, "");
    LLVMSetAlignment(v, sizeof(double));
    return v;
}

static void store_vector(Stages *s, LLVMValueRef v, LLVMValueRef at) {
    LLVMSetAlignment(LLVMBuildStore(s->e.b, v, at), sizeof(double));
}

static LLVMValueRef slope_at(Stages *s, LLVMValueRef number) {
    return member(s, s->slopes, number, sizeof(double *), 0, s->pointer);
}

static LLVMValueRef splat(Stages *s, LLVMValueRef x) {
    LLVMTypeRef i32 = LLVMInt32TypeInContext(s->e.m->context);
    LLVMValueRef none = LLVMGetPoison(s->vector);
    LLVMValueRef one = LLVMBuildInsertElement(s->e.b, none, x, LLVMConstNull(i32), "");
    return LLVMBuildShuffleVector(s->e.b, one, none, LLVMConstNull(LLVMVectorType(i32, s->width)), "");
}

/* sum + weight x */
static LLVMValueRef term(Stages *s, LLVMValueRef sum, LLVMValueRef weight, LLVMValueRef x) {
    return LLVMBuildFAdd(s->e.b, sum, LLVMBuildFMul(s->e.b, splat(s, weight), x, ""), "");
}

/* ---- a stage ---- */

/* Σ_{m < n} weight_m k[of_m], from 0 and in this order. */
static LLVMValueRef early_slopes(Stages *s, LLVMValueRef stage) {
    Emitter *e = &s->e;
    LLVMValueRef n = member(s, s->rows, stage, sizeof(RtStageRow), offsetof(RtStageRow, n), s->i64);
    LLVMValueRef terms = member(s, s->rows, stage, sizeof(RtStageRow), offsetof(RtStageRow, term), s->pointer);
    LLVMValueRef none = LLVMConstNull(s->vector), first = emit_int(e->m, 0);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), each = emit_block(e, "term"), after = emit_block(e, "sum");
    LLVMBuildBr(e->b, each);
    LLVMPositionBuilderAtEnd(e->b, each);
    LLVMValueRef m = LLVMBuildPhi(e->b, s->i64, "m"), sum = LLVMBuildPhi(e->b, s->vector, "");
    LLVMValueRef more = sum;
    for (size_t i = 0; i < RT_STAGE_TERMS; i++) {
        size_t group = sizeof(RtStageTerm) * RT_STAGE_TERMS, at = sizeof(RtStageTerm) * i;
        LLVMValueRef weight = member(s, terms, m, group, at + offsetof(RtStageTerm, weight), s->real);
        LLVMValueRef of = member(s, terms, m, group, at + offsetof(RtStageTerm, of), s->i64);
        more = term(s, more, weight, load_vector(s, slope_at(s, of)));
    }
    LLVMValueRef next = LLVMBuildNSWAdd(e->b, m, emit_int(e->m, 1), "");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, n, ""), each, after);
    LLVMAddIncoming(m, (LLVMValueRef[]){first, next}, (LLVMBasicBlockRef[]){before, each}, 2);
    LLVMAddIncoming(sum, (LLVMValueRef[]){none, more}, (LLVMBasicBlockRef[]){before, each}, 2);
    LLVMPositionBuilderAtEnd(e->b, after);
    return more;
}

static LLVMValueRef time_of(Stages *s, LLVMValueRef stage) {
    LLVMBuilderRef b = s->e.b;
    LLVMValueRef c = member(s, s->rows, stage, sizeof(RtStageRow), offsetof(RtStageRow, c), s->real);
    LLVMValueRef t = LLVMBuildFAdd(b, field(s, offsetof(RtStages, t), s->real), LLVMBuildFMul(b, c, s->h, ""), "");
    LLVMValueRef is_final = LLVMBuildICmp(b, LLVMIntEQ, stage, field(s, offsetof(RtStages, final), s->i64), "");
    return LLVMBuildSelect(b, is_final, field(s, offsetof(RtStages, t1), s->real), t, "");
}

/* f(t, y) by the statements of the function, here. */
static LLVMValueRef slope_here(Stages *s, LLVMValueRef y, LLVMValueRef t) {
    Emitter *e = &s->e;
    unsigned k = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        for (uint64_t j = 0; j < s->y[i].n; j++)
            s->y[i].value[j] = LLVMBuildExtractElement(e->b, y, emit_int(e->m, k++), "");
    for (uint32_t i = 0; i < s->n_blocks; i++)
        for (uint64_t j = 0; j < s->dy[i].n; j++)
            s->dy[i].value[j] = LLVMConstNull(s->real); /* where it is not set */
    if (t)
        s->time.value[0] = t;
    emit_statements(e, 1, 0, e->func->scopes.at[1].body.n);
    LLVMValueRef dy = LLVMConstNull(s->vector);
    k = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        for (uint64_t j = 0; j < s->dy[i].n; j++)
            dy = LLVMBuildInsertElement(e->b, dy, s->dy[i].value[j], emit_int(e->m, k++), "");
    return dy;
}

static LLVMValueRef element(Stages *s, const Block *block, uint64_t j) {
    return emit_pointer(&s->e, block->buffer, emit_int(s->e.m, (int64_t)(block->first + j)));
}

/* f(t, y) by a call, over the frame's memory. */
static LLVMValueRef slope_called(Stages *s, LLVMValueRef y, LLVMValueRef t) {
    Emitter *e = &s->e;
    unsigned k = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        for (uint64_t j = 0; j < s->y[i].n; j++, k++)
            if (s->y[i].buffer)
                LLVMBuildStore(e->b, LLVMBuildExtractElement(e->b, y, emit_int(e->m, k), ""), element(s, &s->y[i], j));
    if (t)
        LLVMBuildStore(e->b, t, element(s, &s->time, 0));
    LLVMValueRef fn = LLVMGetNamedFunction(e->m->module, e->func->name);
    LLVMValueRef status = LLVMBuildCall2(e->b, LLVMGlobalGetValueType(fn), fn, &e->frame, 1, "");
    LLVMValueRef failed = LLVMBuildICmp(e->b, LLVMIntNE, status, LLVMConstNull(LLVMTypeOf(status)), "");
    LLVMBasicBlockRef bad = emit_block(e, "bad"), good = emit_block(e, "good");
    LLVMBuildCondBr(e->b, failed, bad, good);
    LLVMPositionBuilderAtEnd(e->b, bad);
    LLVMBuildStore(e->b, status, e->status);
    LLVMBuildBr(e->b, e->exit);
    LLVMPositionBuilderAtEnd(e->b, good);
    LLVMValueRef dy = LLVMConstNull(s->vector);
    k = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        for (uint64_t j = 0; j < s->dy[i].n; j++) {
            LLVMValueRef one = LLVMBuildLoad2(e->b, s->real, element(s, &s->dy[i], j), "");
            dy = LLVMBuildInsertElement(e->b, dy, one, emit_int(e->m, k++), "");
        }
    return dy;
}

/* ---- the function ---- */

static void load_arguments(Stages *s) {
    Emitter *e = &s->e;
    s->slopes = field(s, offsetof(RtStages, k), s->pointer);
    s->rows = field(s, offsetof(RtStages, row), s->pointer);
    s->h = field(s, offsetof(RtStages, h), s->real);
    s->y0 = load_vector(s, field(s, offsetof(RtStages, y), s->pointer));
    s->check = emit_slot(e, s->vector, LLVMConstNull(s->vector));
}

/* Slopes that are not finite are seen at the end: 0 x is 0 for finite x and NaN otherwise. */
static void keep_check(Stages *s, LLVMValueRef slope) {
    LLVMValueRef zero = LLVMBuildFMul(s->e.b, slope, LLVMConstNull(s->vector), "");
    LLVMValueRef have = LLVMBuildLoad2(s->e.b, s->vector, s->check, "");
    LLVMBuildStore(s->e.b, LLVMBuildFAdd(s->e.b, have, zero, ""), s->check);
}

static LLVMValueRef verdict(Stages *s) {
    Emitter *e = &s->e;
    LLVMTypeRef i32 = LLVMInt32TypeInContext(e->m->context), bits = LLVMIntTypeInContext(e->m->context, s->width);
    LLVMValueRef have = LLVMBuildLoad2(e->b, s->vector, s->check, "");
    LLVMValueRef wrong = LLVMBuildFCmp(e->b, LLVMRealUNE, have, LLVMConstNull(s->vector), "");
    wrong = LLVMBuildICmp(e->b, LLVMIntNE, LLVMBuildBitCast(e->b, wrong, bits, ""), LLVMConstNull(bits), "");
    LLVMValueRef status = LLVMBuildLoad2(e->b, i32, e->status, "");
    LLVMValueRef clear = LLVMBuildICmp(e->b, LLVMIntEQ, status, LLVMConstNull(i32), "");
    return LLVMBuildSelect(e->b, LLVMBuildAnd(e->b, wrong, clear, ""), LLVMConstInt(i32, RT_NOT_FINITE, 0), status, "");
}

static void write_loop(Stages *s) {
    Emitter *e = &s->e;
    LLVMValueRef one = emit_int(e->m, 1), from = field(s, offsetof(RtStages, from), s->i64);
    LLVMValueRef to = field(s, offsetof(RtStages, to), s->i64), rows = field(s, offsetof(RtStages, rows), s->i64);
    LLVMValueRef at = field(s, offsetof(RtStages, at), s->pointer), h = splat(s, s->h);
    LLVMValueRef k0 = load_vector(s, slope_at(s, LLVMBuildNSWSub(e->b, from, one, "")));
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), each = emit_block(e, "stage"), on = emit_block(e, "slope");
    LLVMBuildBr(e->b, each);
    LLVMPositionBuilderAtEnd(e->b, each);
    LLVMValueRef stage = LLVMBuildPhi(e->b, s->i64, "s"), latest = LLVMBuildPhi(e->b, s->vector, "");
    LLVMValueRef last = member(s, s->rows, stage, sizeof(RtStageRow), offsetof(RtStageRow, last), s->real);
    LLVMValueRef sum = term(s, early_slopes(s, stage), last, latest);
    LLVMValueRef y = LLVMBuildFAdd(e->b, s->y0, LLVMBuildFMul(e->b, h, sum, ""), "");
    store_vector(s, y, at);
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSGT, stage, to, ""), e->exit, on);
    LLVMPositionBuilderAtEnd(e->b, on);
    LLVMValueRef t = s->time.buffer ? time_of(s, stage) : NULL;
    LLVMValueRef slope = e->held ? slope_here(s, y, t) : slope_called(s, y, t);
    store_vector(s, slope, slope_at(s, stage));
    keep_check(s, slope);
    LLVMValueRef next = LLVMBuildNSWAdd(e->b, stage, one, "");
    LLVMBasicBlockRef end = LLVMGetInsertBlock(e->b), done = emit_block(e, "done");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, rows, ""), each, done);
    LLVMAddIncoming(stage, (LLVMValueRef[]){from, next}, (LLVMBasicBlockRef[]){before, end}, 2);
    LLVMAddIncoming(latest, (LLVMValueRef[]){k0, slope}, (LLVMBasicBlockRef[]){before, end}, 2);
    LLVMPositionBuilderAtEnd(e->b, done);
}

static void hold(Stages *s, EmitHeld *held) {
    Arena *arena = s->e.m->session->arena; /* of this thread */
    held->at = ARENA_ARRAY(arena, Block, 2 * s->n_blocks + 1);
    for (uint32_t i = 0; i < s->n_blocks; i++) {
        s->y[i].value = ARENA_ARRAY(arena, LLVMValueRef, s->y[i].n);
        s->dy[i].value = ARENA_ARRAY(arena, LLVMValueRef, s->dy[i].n);
        held->at[held->n++] = s->y[i];
        held->at[held->n++] = s->dy[i];
    }
    s->time.value = ARENA_ARRAY(arena, LLVMValueRef, 1);
    if (s->time.buffer)
        held->at[held->n++] = s->time;
    bool is_short = s->e.func->scopes.at[1].body.n <= SHORT;
    s->e.held = is_short && can_hold(s->e.func, held, 1) ? held : NULL;
}

void emit_stages(EmitModule *m, const Plan *plan, const PlanFunc *func) {
    uint32_t n_outlined = 0, n_kernels = 0;
    EmitHeld held = {0};
    Stages s = {.e = {.m = m, .plan = plan, .func = func, .n_outlined = &n_outlined, .n_kernels = &n_kernels}};
    if (!func->rates || !find_blocks(&s))
        return;
    hold(&s, &held);
    LLVMContextRef c = m->context;
    s.real = LLVMDoubleTypeInContext(c);
    s.vector = LLVMVectorType(s.real, s.width);
    s.i64 = LLVMInt64TypeInContext(c);
    s.pointer = LLVMPointerTypeInContext(c, 0);
    LLVMTypeRef i32 = LLVMInt32TypeInContext(c), params[2] = {s.pointer, s.pointer};
    char name[128];
    snprintf(name, sizeof name, "%s_stages", func->name);
    s.e.fn = LLVMAddFunction(m->module, name, LLVMFunctionType(i32, params, 2, 0));
    emit_target_attributes(m, s.e.fn);
    emit_begin(&s.e);
    s.e.status = emit_slot(&s.e, i32, LLVMConstNull(i32));
    load_arguments(&s);
    write_loop(&s);
    emit_end(&s.e);
    LLVMBuildRet(s.e.b, verdict(&s));
    emit_free_emitter(&s.e);
}
