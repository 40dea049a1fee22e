/* abi — what generated code touches outside itself: the frame, memory, functions of the runtime. */
#include "../../runtime/rt.h"
#include "../../runtime/rt_abi.h"
#include "parts.h"

typedef struct Prototype {
    const char *name;
    bool pure;
    uint8_t kind[1 + RT_ABI_MAX_PARAMETERS]; /* RtKind: result, then parameters */
    uint32_t n;
} Prototype;

#define KINDS(...) RT_ABI_MAP(RT_KIND_, __VA_ARGS__)
static const Prototype prototypes[] = {
#define RT_FN(result, name, ...)                                                                             \
    {#name, false, {RT_KIND_##result, KINDS(__VA_ARGS__)}, RT_ABI_COUNT(__VA_ARGS__)},
#define RT_PURE(result, name, ...)                                                                           \
    {#name, true, {RT_KIND_##result, KINDS(__VA_ARGS__)}, RT_ABI_COUNT(__VA_ARGS__)},
#include "../../runtime/rt_abi.def"
};

static const Prototype *find_prototype(const char *name) {
    for (size_t i = 0; i < sizeof prototypes / sizeof *prototypes; i++)
        if (strcmp(prototypes[i].name, name) == 0)
            return &prototypes[i];
    return NULL;
}

static LLVMTypeRef kind_type(EmitModule *m, uint8_t kind) {
    switch ((RtKind)kind) {
    case RT_KIND_VOID: return LLVMVoidTypeInContext(m->context);
    case RT_KIND_I32: return LLVMInt32TypeInContext(m->context);
    case RT_KIND_I64: return LLVMInt64TypeInContext(m->context);
    case RT_KIND_F32: return LLVMFloatTypeInContext(m->context);
    case RT_KIND_F64: return LLVMDoubleTypeInContext(m->context);
    case RT_KIND_PTR: return LLVMPointerTypeInContext(m->context, 0);
    }
    return NULL;
}

LLVMValueRef emit_runtime(EmitModule *m, const char *name, LLVMTypeRef *type) {
    const Prototype *p = find_prototype(name);
    LLVMTypeRef params[RT_ABI_MAX_PARAMETERS];
    for (uint32_t i = 0; i < p->n; i++)
        params[i] = kind_type(m, p->kind[i + 1]);
    *type = LLVMFunctionType(kind_type(m, p->kind[0]), params, p->n, 0);
    LLVMValueRef fn = LLVMGetNamedFunction(m->module, name);
    if (fn)
        return fn;
    fn = LLVMAddFunction(m->module, name, *type);
    emit_mark(m, fn, "nounwind", 0);
    if (p->pure) {
        emit_mark(m, fn, "willreturn", 0);
        emit_mark(m, fn, "memory", 0); /* touches none */
    }
    return fn;
}

LLVMValueRef emit_frame_field(Emitter *e, size_t offset, LLVMTypeRef type, const char *name) {
    LLVMValueRef at = emit_int(e->m, (int64_t)offset);
    LLVMValueRef p = LLVMBuildGEP2(e->b, LLVMInt8TypeInContext(e->m->context), e->frame, &at, 1, "");
    return type ? LLVMBuildLoad2(e->b, type, p, name) : p;
}

void emit_set_bad(Emitter *e, IrDef def) {
    LLVMValueRef at = emit_frame_field(e, offsetof(RtFrame, bad), NULL, "");
    LLVMBuildStore(e->b, LLVMConstInt(LLVMInt32TypeInContext(e->m->context), def, 0), at);
}

/* ---- memory ---- */

/* The pointer of a data slot, loaded once at the beginning of the function. */
static LLVMValueRef slot_pointer(Emitter *e, uint32_t slot) {
    if (e->slot[slot])
        return e->slot[slot];
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    LLVMTypeRef pointer = LLVMPointerTypeInContext(e->m->context, 0);
    if (!e->data)
        e->data = emit_frame_field(e, offsetof(RtFrame, data), pointer, "data");
    LLVMValueRef at = emit_int(e->m, slot);
    LLVMValueRef p = LLVMBuildGEP2(e->b, pointer, e->data, &at, 1, "");
    e->slot[slot] = LLVMBuildLoad2(e->b, pointer, p, "slot");
    LLVMPositionBuilderAtEnd(e->b, here);
    return e->slot[slot];
}

LLVMValueRef emit_pointer(Emitter *e, uint32_t buffer, LLVMValueRef at) {
    const PlanBuffer *b = plan_buffer(e->plan, buffer);
    LLVMValueRef base;
    if (b->is_data)
        base = slot_pointer(e, b->slot);
    else {
        unsigned lanes = e->lanes ? e->lanes : 1; /* each element is one of every copy */
        LLVMValueRef offset = emit_int(e->m, (int64_t)b->offset * lanes);
        if (lanes > 1)
            at = LLVMBuildNSWMul(e->b, at, emit_int(e->m, lanes), "");
        base = LLVMBuildInBoundsGEP2(e->b, LLVMInt8TypeInContext(e->m->context), e->mem, &offset, 1, "");
    }
    return LLVMBuildInBoundsGEP2(e->b, emit_elem_type(e->m, b->elem), base, &at, 1, "");
}

/* ---- calls ---- */

static LLVMValueRef argument(Emitter *e, const PlanArg *a, LLVMTypeRef type) {
    if (a->kind == PLAN_ARG_INT)
        return LLVMConstInt(type, (unsigned long long)a->number, 1);
    LLVMValueRef v = emit_node(e, a->value);
    return a->kind == PLAN_ARG_POINTER ? emit_pointer(e, a->buffer, v) : v;
}

static LLVMValueRef build_call(Emitter *e, const PlanCall *call) {
    LLVMTypeRef type, params[RT_ABI_MAX_PARAMETERS];
    LLVMValueRef fn = emit_runtime(e->m, call->name, &type), args[RT_ABI_MAX_PARAMETERS] = {e->frame};
    LLVMGetParamTypes(type, params);
    for (uint32_t i = 0; i < call->args.n; i++)
        args[i + 1] = argument(e, &call->args.at[i], params[i + 1]);
    return LLVMBuildCall2(e->b, type, fn, args, call->args.n + 1, "");
}

void emit_call(Emitter *e, const PlanCall *call) {
    LLVMValueRef result = build_call(e, call);
    if (!call->has_status)
        return;
    LLVMValueRef failed = LLVMBuildICmp(e->b, LLVMIntNE, result, LLVMConstNull(LLVMTypeOf(result)), "");
    emit_stop(e, failed, result, call->def);
}

void emit_turn(Emitter *e, const PlanCall *call) {
    LLVMTypeRef i32 = LLVMInt32TypeInContext(e->m->context);
    LLVMValueRef verdict = build_call(e, call);
    LLVMBasicBlockRef on = emit_block(e, "on"), failed = emit_block(e, "failed");
    LLVMValueRef turn = LLVMBuildSwitch(e->b, verdict, failed, 3);
    LLVMAddCase(turn, LLVMConstInt(i32, RT_NEWTON_GO_ON, 0), on);
    LLVMAddCase(turn, LLVMConstInt(i32, RT_NEWTON_AGAIN, 0), e->again);
    LLVMAddCase(turn, LLVMConstInt(i32, RT_NEWTON_FOUND, 0), e->leave);
    LLVMPositionBuilderAtEnd(e->b, failed);
    LLVMValueRef convex = LLVMBuildICmp(e->b, LLVMIntNE, verdict, LLVMConstInt(i32, RT_NEWTON_NOT_CONVEX, 0), "");
    LLVMValueRef status = LLVMBuildSelect(e->b, convex, LLVMConstInt(i32, RT_NO_ROOT, 0), LLVMConstInt(i32, RT_NOT_CONVEX, 0), "");
    emit_stop(e, LLVMConstInt(LLVMInt1TypeInContext(e->m->context), 1, 0), status, call->def);
    LLVMBuildBr(e->b, on);
    LLVMPositionBuilderAtEnd(e->b, on);
}

/* ---- noise ---- */

/* A field of the frame that keys the noise, loaded once before all loops: so draws depend on nothing in
 * memory. */
static LLVMValueRef noise_key(Emitter *e, size_t offset, const char *name) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    LLVMValueRef key = emit_frame_field(e, offset, LLVMInt64TypeInContext(e->m->context), name);
    LLVMPositionBuilderAtEnd(e->b, here);
    return key;
}

typedef struct Variant {
    const char *of, *name, *params;
    char isa;
    unsigned lanes;
} Variant;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
static const Variant variants[] = {
#define RT_FN(result, name, ...)
#define RT_VECTOR(name, isa, lanes, params)                                                                  \
    {#name, TEXT(RT_VARIANT_NAME(name, isa, lanes, params)), #params, #isa[0], lanes},
#include "../../runtime/rt_abi.def"
    {NULL, NULL, NULL, 0, 0},
};

/* The function of a variant, whose parameters are those of a draw: seed, step, site, position. */
static LLVMValueRef declare_variant(EmitModule *m, const Variant *v, LLVMTypeRef *type) {
    LLVMTypeRef i64 = LLVMInt64TypeInContext(m->context), params[4] = {i64, i64, LLVMInt32TypeInContext(m->context), i64};
    for (unsigned p = 0; p < 4; p++)
        if (v->params[p] == 'v')
            params[p] = LLVMVectorType(params[p], v->lanes);
    *type = LLVMFunctionType(LLVMVectorType(LLVMDoubleTypeInContext(m->context), v->lanes), params, 4, 0);
    return emit_declare_pure(m, v->name, *type);
}

/* Tells the vectorizer of the variants of a draw at several positions that this machine can run. They give the same
 * bits, so they may be called whether the code is fast or exact. */
static void offer_variants(Emitter *e, LLVMValueRef call, const char *name) {
    EmitModule *m = e->m;
    Buf list = {0};
    for (const Variant *v = variants; v->of; v++) {
        LLVMTypeRef type;
        if (strcmp(v->of, name) != 0 || strcmp(v->params, "uuuv") != 0 || !(v->isa == 'e' ? m->avx512 : m->avx2))
            continue;
        declare_variant(m, v, &type);
        buf_printf(&list, "%s%s", list.n ? "," : "", v->name);
    }
    if (list.n)
        emit_offer_variants(m, call, list.at);
    buf_free(&list);
}

LLVMValueRef emit_draw(Emitter *e, const PlanNode *n) {
    LLVMTypeRef type;
    const char *name = n->op == IR_DRAW_NORMAL ? "rt_random_normal" : "rt_random_uniform";
    LLVMValueRef fn = emit_runtime(e->m, name, &type);
    LLVMValueRef site = LLVMConstInt(LLVMInt32TypeInContext(e->m->context), n->bits, 0);
    LLVMValueRef args[4] = {noise_key(e, offsetof(RtFrame, seed), "seed"),
                            noise_key(e, offsetof(RtFrame, draw_step), "draw_step"), site,
                            emit_node(e, n->arg[1])};
    LLVMValueRef call = LLVMBuildCall2(e->b, type, fn, args, 4, "");
    offer_variants(e, call, name);
    return call;
}

/* ---- noise of copies ---- */

/* A vector of elements first … first+n-1 of another. */
static LLVMValueRef piece_of(Emitter *e, LLVMValueRef x, unsigned first, unsigned n) {
    LLVMValueRef index[EMIT_MAX_LANES];
    for (unsigned i = 0; i < n; i++)
        index[i] = LLVMConstInt(LLVMInt32TypeInContext(e->m->context), first + i, 0);
    return LLVMBuildShuffleVector(e->b, x, LLVMGetPoison(LLVMTypeOf(x)), LLVMConstVector(index, n), "");
}

static const Variant *variant_over_seeds(const Emitter *e, const char *name) {
    for (const Variant *v = variants; v->of; v++)
        if (!strcmp(v->of, name) && !strcmp(v->params, "vuuu") && (v->isa == 'e' ? e->m->avx512 : e->m->avx2 && !e->m->avx512))
            return v;
    return NULL;
}

LLVMValueRef emit_draw_of_lanes(Emitter *e, const PlanNode *n) {
    EmitModule *m = e->m;
    const char *name = n->op == IR_DRAW_NORMAL ? "rt_random_normal" : "rt_random_uniform";
    const Variant *variant = variant_over_seeds(e, name);
    LLVMTypeRef i64 = LLVMInt64TypeInContext(m->context), wide = LLVMVectorType(i64, e->lanes), type;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    LLVMValueRef at = emit_frame_field(e, offsetof(RtFrame, seeds), LLVMPointerTypeInContext(m->context, 0), "seeds");
    LLVMValueRef seeds = LLVMBuildLoad2(e->b, wide, at, "");
    LLVMSetAlignment(seeds, sizeof(uint64_t));
    LLVMPositionBuilderAtEnd(e->b, here);
    LLVMValueRef fn = variant ? declare_variant(m, variant, &type) : emit_runtime(m, name, &type);
    LLVMValueRef args[4] = {NULL, noise_key(e, offsetof(RtFrame, draw_step), "draw_step"),
                            LLVMConstInt(LLVMInt32TypeInContext(m->context), n->bits, 0), emit_node(e, n->arg[1])};
    LLVMValueRef all = LLVMGetPoison(LLVMVectorType(LLVMDoubleTypeInContext(m->context), e->lanes));
    unsigned step = variant ? variant->lanes : 1;
    for (unsigned l = 0; l < e->lanes; l += step) {
        args[0] = variant ? piece_of(e, seeds, l, step) : LLVMBuildExtractElement(e->b, seeds, emit_int(m, l), "");
        LLVMValueRef some = LLVMBuildCall2(e->b, type, fn, args, 4, "");
        for (unsigned i = 0; i < step; i++) {
            LLVMValueRef one = variant ? LLVMBuildExtractElement(e->b, some, emit_int(m, i), "") : some;
            all = LLVMBuildInsertElement(e->b, all, one, emit_int(m, l + i), "");
        }
    }
    return all;
}
