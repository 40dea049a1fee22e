/* outline — functions: a planned function, the bodies of its parallel loops, and its parts where it is long.
 *
 * A parallel loop becomes a function called by rt_parallel with the values it uses from outside in an array,
 * env. A long body is cut into parts, functions called one after the other that pass values on through such
 * an array: the time LLVM takes for one function grows faster than its length. */
#include <stdio.h>

#include "../../runtime/rt.h"
#include "parts.h"

#define PART_LENGTH 1200  /* statements from which a body is cut into parts of about this length … */
#define PART_STRAIGHT 250 /* … or outside loops, where they are one block that LLVM schedules as a whole */

/* ---- values used from outside ---- */

void emit_add_number(NumberList *list, uint32_t number) {
    for (uint32_t i = 0; i < list->n; i++)
        if (list->at[i] == number)
            return;
    vec_push(list, number);
}

/* Adds v where it is a value of scope `around` or of one around that. */
static void add_used(const PlanFunc *f, uint32_t around, PlanValue v, NumberList *out) {
    const PlanNode *n = &f->nodes.at[v];
    if (!v || n->kind == PLAN_CONST || n->kind == PLAN_ACC)
        return;
    for (uint32_t s = around; s; s = f->scopes.at[s].parent)
        if (s == n->scope)
            emit_add_number(out, v);
}

/* Values from `around` and outside of it that statements begin … end-1 of a scope use. */
static void used_values(const PlanFunc *f, uint32_t around, uint32_t scope, uint32_t begin, uint32_t end, NumberList *out) {
    for (uint32_t i = begin; i < end; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (n->kind == PLAN_LOOP) {
            const PlanLoop *loop = &f->loops.at[n->arg[0]];
            add_used(f, around, loop->lo, out);
            add_used(f, around, loop->hi, out);
            used_values(f, around, loop->scope, 0, f->scopes.at[loop->scope].body.n, out);
        } else if (n->kind == PLAN_CALL || n->kind == PLAN_TURN) {
            for (uint32_t k = 0; k < f->calls.at[n->arg[0]].args.n; k++)
                add_used(f, around, f->calls.at[n->arg[0]].args.at[k].value, out);
        } else if (n->kind == PLAN_FLAG || n->kind == PLAN_STOP) {
            add_used(f, around, n->arg[0], out);
        } else {
            uint32_t n_args = n->kind == PLAN_LOAD || n->kind == PLAN_DRAW ? 2 : 4;
            for (uint32_t k = 0; k < n_args; k++)
                add_used(f, around, n->arg[k], out);
        }
    }
}

/* ---- functions ---- */

static void report_flags(Emitter *e) {
    LLVMTypeRef i1 = LLVMInt1TypeInContext(e->m->context);
    for (uint32_t i = e->n_flags; i-- > 0;) {
        LLVMBasicBlockRef set = emit_block(e, "set"), next = emit_block(e, "next");
        LLVMBuildCondBr(e->b, LLVMBuildLoad2(e->b, i1, e->flag[i].at, ""), set, next);
        LLVMPositionBuilderAtEnd(e->b, set);
        emit_set_bad(e, e->flag[i].def);
        LLVMBuildBr(e->b, next);
        LLVMPositionBuilderAtEnd(e->b, next);
    }
}

static LLVMTypeRef env_type(Emitter *e, const NumberList *used) {
    LLVMTypeRef *fields = base_calloc(used->n + 1, sizeof *fields);
    for (uint32_t i = 0; i < used->n; i++)
        fields[i] = emit_type(e->m, (PlanType)e->func->nodes.at[used->at[i]].type);
    LLVMTypeRef type = LLVMStructTypeInContext(e->m->context, fields, used->n, 0);
    free(fields);
    return type;
}

void emit_begin(Emitter *e) {
    LLVMTypeRef pointer = LLVMPointerTypeInContext(e->m->context, 0);
    e->b = LLVMCreateBuilderInContext(e->m->context);
    e->setup = emit_block(e, "setup");
    LLVMBasicBlockRef body = emit_block(e, "body");
    e->exit = emit_block(e, "exit");
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    e->frame = LLVMGetParam(e->fn, 0);
    e->mem = emit_frame_field(e, offsetof(RtFrame, mem), pointer, "mem");
    unsigned align = LLVMGetMDKindIDInContext(e->m->context, "align", 5);
    LLVMMetadataRef sixty_four = LLVMValueAsMetadata(emit_int(e->m, 64));
    LLVMSetMetadata(e->mem, align,
                    LLVMMetadataAsValue(e->m->context, LLVMMDNodeInContext2(e->m->context, &sixty_four, 1)));
    LLVMPositionBuilderAtEnd(e->b, body);
    e->value = base_calloc(e->func->nodes.n, sizeof *e->value);
    e->acc_index = base_calloc(e->func->nodes.n, sizeof *e->acc_index);
    e->slot = base_calloc(plan_data_slots(e->plan) + 1, sizeof *e->slot);
}

void emit_end(Emitter *e) {
    LLVMBuildBr(e->b, e->exit);
    LLVMPositionBuilderAtEnd(e->b, e->setup);
    LLVMBuildBr(e->b, LLVMGetNextBasicBlock(e->setup));
    LLVMMoveBasicBlockAfter(e->exit, LLVMGetLastBasicBlock(e->fn));
    LLVMPositionBuilderAtEnd(e->b, e->exit);
    report_flags(e);
}

void emit_free_emitter(Emitter *e) {
    LLVMDisposeBuilder(e->b);
    free(e->value);
    free(e->acc_index);
    free(e->slot);
}

/* Makes the values of `used` known in a function that got `env` as its second argument. They lie there in
 * places place[value], or in the order of `used` where place is NULL. */
static void load_env(Emitter *e, const NumberList *used, const uint32_t *place, LLVMTypeRef env) {
    for (uint32_t i = 0; i < used->n; i++) {
        uint32_t field = place ? place[used->at[i]] : i;
        LLVMValueRef at = LLVMBuildStructGEP2(e->b, env, LLVMGetParam(e->fn, 1), field, "");
        e->value[used->at[i]] = LLVMBuildLoad2(e->b, LLVMStructGetTypeAtIndex(env, field), at, "");
    }
}

/* The body of a parallel loop: void (RtFrame *, void *env, int64_t begin, int64_t end). */
static LLVMValueRef emit_outlined(Emitter *outer, const PlanLoop *loop, const NumberList *used,
                                  LLVMTypeRef env) {
    Emitter e = {.m = outer->m,
                 .plan = outer->plan,
                 .func = outer->func,
                 .kernel = outer->kernel,
                 .kernel_buffers = outer->kernel_buffers,
                 .n_kernel_buffers = outer->n_kernel_buffers,
                 .n_outlined = outer->n_outlined,
                 .n_kernels = outer->n_kernels};
    LLVMContextRef c = e.m->context;
    LLVMTypeRef pointer = LLVMPointerTypeInContext(c, 0), i64 = LLVMInt64TypeInContext(c);
    LLVMTypeRef params[4] = {pointer, pointer, i64, i64};
    char name[128];
    snprintf(name, sizeof name, "%s.loop%u", e.func->name, ++*e.n_outlined);
    e.fn = LLVMAddFunction(e.m->module, name, LLVMFunctionType(LLVMVoidTypeInContext(c), params, 4, 0));
    LLVMSetLinkage(e.fn, LLVMInternalLinkage);
    emit_target_attributes(e.m, e.fn);
    emit_begin(&e);
    load_env(&e, used, NULL, env);
    LLVMValueRef first = emit_node(&e, loop->lo);
    LLVMValueRef begin = LLVMBuildNSWAdd(e.b, first, LLVMGetParam(e.fn, 2), "");
    emit_range(&e, loop, begin, LLVMBuildNSWAdd(e.b, first, LLVMGetParam(e.fn, 3), ""), true);
    emit_end(&e);
    LLVMBuildRetVoid(e.b);
    emit_free_emitter(&e);
    return e.fn;
}

void emit_parallel(Emitter *e, const PlanLoop *loop) {
    NumberList used = {0};
    used_values(e->func, e->func->scopes.at[loop->scope].parent, loop->scope, 0, e->func->scopes.at[loop->scope].body.n, &used);
    LLVMTypeRef env = env_type(e, &used), type;
    LLVMValueRef body = emit_outlined(e, loop, &used, env), at = emit_slot(e, env, NULL);
    for (uint32_t i = 0; i < used.n; i++)
        LLVMBuildStore(e->b, emit_node(e, used.at[i]), LLVMBuildStructGEP2(e->b, env, at, i, ""));
    LLVMValueRef fn = emit_runtime(e->m, "rt_parallel", &type);
    LLVMValueRef count = LLVMBuildNSWSub(e->b, emit_node(e, loop->hi), emit_node(e, loop->lo), "");
    LLVMValueRef args[5] = {e->frame, body, at, count, emit_int(e->m, loop->chunk)};
    LLVMBuildCall2(e->b, type, fn, args, 5, "");
    vec_free(&used);
}

/* ---- parts ---- */

typedef struct Cut {
    uint32_t begin, end;
    NumberList used, made;
} Cut; /* statements; values from other parts, for others */
typedef VEC(Cut) CutList;

static uint32_t scope_length(const PlanFunc *f, uint32_t scope) {
    uint32_t n = f->scopes.at[scope].body.n;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *node = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (node->kind == PLAN_LOOP)
            n += scope_length(f, f->loops.at[node->arg[0]].scope);
    }
    return n;
}

/* Cuts the body where it is long enough and no accumulator is between its beginning and its result. */
static void cut_body(const PlanFunc *f, CutList *cuts) {
    uint32_t begin = 0, length = 0, straight = 0, open = 0, n = f->scopes.at[1].body.n;
    for (uint32_t i = 0; i < n; i++) {
        const PlanNode *node = &f->nodes.at[f->scopes.at[1].body.at[i]];
        open += node->kind == PLAN_ACC;
        open -= node->kind == PLAN_RESULT;
        straight += node->kind != PLAN_LOOP;
        length += node->kind == PLAN_LOOP ? 1 + scope_length(f, f->loops.at[node->arg[0]].scope) : 1;
        bool is_long = length >= PART_LENGTH || straight >= PART_STRAIGHT;
        if (i + 1 == n || (is_long && open == 0)) {
            vec_push(cuts, (Cut){.begin = begin, .end = i + 1});
            begin = i + 1;
            length = straight = 0;
        }
    }
}

/* Finds which values parts take from others; all of them together, and the place of each in that list. */
static void find_crossings(const PlanFunc *f, CutList *cuts, NumberList *all, uint32_t *place) {
    uint32_t *part = base_calloc(f->nodes.n, sizeof *part);
    uint8_t *crosses = base_calloc(f->nodes.n, 1);
    for (uint32_t k = 0; k < cuts->n; k++)
        for (uint32_t i = cuts->at[k].begin; i < cuts->at[k].end; i++)
            part[f->scopes.at[1].body.at[i]] = k;
    for (uint32_t k = 0; k < cuts->n; k++) {
        NumberList used = {0};
        used_values(f, 1, 1, cuts->at[k].begin, cuts->at[k].end, &used);
        for (uint32_t i = 0; i < used.n; i++) {
            PlanValue v = used.at[i];
            if (part[v] == k)
                continue;
            vec_push(&cuts->at[k].used, v);
            if (!crosses[v]) {
                place[v] = all->n;
                vec_push(all, v);
                vec_push(&cuts->at[part[v]].made, v);
            }
            crosses[v] = 1;
        }
        vec_free(&used);
    }
    free(part);
    free(crosses);
}

/* One part: int32_t (RtFrame *, void *env). */
static LLVMValueRef emit_part(Emitter *outer, const Cut *cut, const uint32_t *place, LLVMTypeRef env,
                              uint32_t number) {
    Emitter e = {.m = outer->m,
                 .plan = outer->plan,
                 .func = outer->func,
                 .n_outlined = outer->n_outlined,
                 .n_kernels = outer->n_kernels};
    LLVMTypeRef pointer = LLVMPointerTypeInContext(e.m->context, 0),
                i32 = LLVMInt32TypeInContext(e.m->context);
    LLVMTypeRef params[2] = {pointer, pointer};
    char name[128];
    snprintf(name, sizeof name, "%s.part%u", e.func->name, number);
    e.fn = LLVMAddFunction(e.m->module, name, LLVMFunctionType(i32, params, 2, 0));
    LLVMSetLinkage(e.fn, LLVMInternalLinkage);
    emit_target_attributes(e.m, e.fn);
    emit_begin(&e);
    e.status = emit_slot(&e, i32, LLVMConstNull(i32));
    load_env(&e, &cut->used, place, env);
    emit_statements(&e, 1, cut->begin, cut->end);
    for (uint32_t k = 0; k < cut->made.n; k++) {
        PlanValue v = cut->made.at[k];
        LLVMBuildStore(e.b, emit_node(&e, v),
                       LLVMBuildStructGEP2(e.b, env, LLVMGetParam(e.fn, 1), place[v], ""));
    }
    emit_end(&e);
    LLVMBuildRet(e.b, LLVMBuildLoad2(e.b, i32, e.status, ""));
    emit_free_emitter(&e);
    return e.fn;
}

/* The body as calls of its parts; a part's status ends it. */
static void emit_parts(Emitter *e, CutList *cuts) {
    NumberList all = {0};
    uint32_t *place = base_calloc(e->func->nodes.n, sizeof *place);
    find_crossings(e->func, cuts, &all, place);
    LLVMTypeRef env = env_type(e, &all), i32 = LLVMInt32TypeInContext(e->m->context);
    LLVMValueRef args[2] = {e->frame, emit_slot(e, env, NULL)};
    for (uint32_t k = 0; k < cuts->n; k++) {
        LLVMValueRef fn = emit_part(e, &cuts->at[k], place, env, k + 1);
        LLVMValueRef status = LLVMBuildCall2(e->b, LLVMGlobalGetValueType(fn), fn, args, 2, "");
        LLVMBasicBlockRef bad = emit_block(e, "bad"), good = emit_block(e, "good");
        LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntNE, status, LLVMConstNull(i32), ""), bad, good);
        LLVMPositionBuilderAtEnd(e->b, bad);
        LLVMBuildStore(e->b, status, e->status);
        LLVMBuildBr(e->b, e->exit);
        LLVMPositionBuilderAtEnd(e->b, good);
        vec_free(&cuts->at[k].used);
        vec_free(&cuts->at[k].made);
    }
    vec_free(&all);
    free(place);
}

/* ---- whole functions ---- */

static bool has_flags(const PlanFunc *f) {
    for (uint32_t v = 1; v < f->nodes.n; v++)
        if (f->nodes.at[v].kind == PLAN_FLAG)
            return true;
    return false;
}

void emit_function(EmitModule *m, const Plan *plan, const PlanFunc *func) {
    uint32_t n_outlined = 0, n_kernels = 0;
    Emitter e = {
        .m = m, .plan = plan, .func = func, .n_outlined = &n_outlined, .n_kernels = &n_kernels};
    LLVMTypeRef pointer = LLVMPointerTypeInContext(m->context, 0), i32 = LLVMInt32TypeInContext(m->context);
    e.fn = LLVMAddFunction(m->module, func->name, LLVMFunctionType(i32, &pointer, 1, 0));
    emit_target_attributes(m, e.fn);
    emit_begin(&e);
    e.status = emit_slot(&e, i32, LLVMConstNull(i32));
    bool flags = has_flags(func);
    if (flags)
        emit_set_bad(&e, 0);
    CutList cuts = {0};
    cut_body(func, &cuts);
    if (cuts.n > 1)
        emit_parts(&e, &cuts);
    else
        emit_statements(&e, 1, 0, func->scopes.at[1].body.n);
    vec_free(&cuts);
    emit_end(&e);
    LLVMValueRef status = LLVMBuildLoad2(e.b, i32, e.status, "");
    if (flags) {
        LLVMValueRef bad = emit_frame_field(&e, offsetof(RtFrame, bad), i32, "");
        LLVMValueRef wrong = LLVMBuildICmp(e.b, LLVMIntNE, bad, LLVMConstNull(i32), "");
        LLVMValueRef clear = LLVMBuildICmp(e.b, LLVMIntEQ, status, LLVMConstNull(i32), "");
        status = LLVMBuildSelect(e.b, LLVMBuildAnd(e.b, wrong, clear, ""),
                                 LLVMConstInt(i32, RT_NOT_FINITE, 0), status, "");
    }
    LLVMBuildRet(e.b, status);
    emit_free_emitter(&e);
}
