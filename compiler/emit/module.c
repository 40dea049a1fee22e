/* module — one LLVM module for a plan: target, optimization, object code. */
#include <pthread.h>
#include <stdio.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "parts.h"

LLVMTypeRef emit_type(EmitModule *m, PlanType type) {
    switch (type) {
    case PLAN_F64: return LLVMDoubleTypeInContext(m->context);
    case PLAN_F32: return LLVMFloatTypeInContext(m->context);
    case PLAN_I64: return LLVMInt64TypeInContext(m->context);
    case PLAN_BOOL: return LLVMInt1TypeInContext(m->context);
    case PLAN_VOID: return LLVMVoidTypeInContext(m->context);
    }
    return NULL;
}

LLVMTypeRef emit_elem_type(EmitModule *m, IrElem elem) {
    switch (elem) {
    case IR_F64: return LLVMDoubleTypeInContext(m->context);
    case IR_F32: return LLVMFloatTypeInContext(m->context);
    case IR_I64: return LLVMInt64TypeInContext(m->context);
    case IR_I32: return LLVMInt32TypeInContext(m->context);
    case IR_U8: return LLVMInt8TypeInContext(m->context);
    }
    return NULL;
}

LLVMValueRef emit_int(EmitModule *m, int64_t v) {
    return LLVMConstInt(LLVMInt64TypeInContext(m->context), (unsigned long long)v, 1);
}

void emit_attribute(EmitModule *m, LLVMValueRef fn, const char *name, const char *value) {
    LLVMAttributeRef a =
        LLVMCreateStringAttribute(m->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(fn, LLVMAttributeFunctionIndex, a);
}

void emit_mark(EmitModule *m, LLVMValueRef fn, const char *attribute, uint64_t value) {
    unsigned kind = LLVMGetEnumAttributeKindForName(attribute, strlen(attribute));
    LLVMAddAttributeAtIndex(fn, LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(m->context, kind, value));
}

void emit_target_attributes(EmitModule *m, LLVMValueRef fn) {
    emit_mark(m, fn, "nounwind", 0);
    emit_attribute(m, fn, "target-cpu", m->cpu);
    emit_attribute(m, fn, "target-features", m->features);
    if (m->avx512)
        emit_attribute(m, fn, "prefer-vector-width", "512");
}

/* LLVM's list of targets belongs to the process. */
static void register_target(void) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
}

static bool make_machine(EmitModule *m, LLVMCodeGenOptLevel level) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_target);
    char *triple = LLVMGetDefaultTargetTriple(), *error = NULL;
    LLVMTargetRef target;
    bool ok = !LLVMGetTargetFromTriple(triple, &target, &error);
    if (ok) {
        m->machine = LLVMCreateTargetMachine(target, triple, m->cpu, m->features, level,
                                             LLVMRelocPIC, LLVMCodeModelDefault);
        LLVMSetTarget(m->module, triple);
        LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(m->machine);
        LLVMSetModuleDataLayout(m->module, layout);
        LLVMDisposeTargetData(layout);
    } else {
        diag_error(m->session, DIAG_MACHINE_CODE, (Span){0}, "no code can be made for this machine: %s",
                   error);
        LLVMDisposeMessage(error);
    }
    LLVMDisposeMessage(triple);
    return ok;
}

static char *copy_text(const char *given, char *(*host)(void)) {
    if (given)
        return LLVMCreateMessage(given);
    return host();
}

static const char keeper[] = "llvm.compiler.used";

static bool is_variant(LLVMValueRef f) {
    size_t n;
    return strncmp(LLVMGetValueName2(f, &n), "_ZGV", 4) == 0;
}

/* Vector variants of libm are called only by the vectorizer: until then nothing uses them, and they must
 * stay. */
static void keep_variants(EmitModule *m) {
    VEC(LLVMValueRef) kept = {0};
    for (LLVMValueRef f = LLVMGetFirstFunction(m->module); f; f = LLVMGetNextFunction(f))
        if (is_variant(f))
            vec_push(&kept, f);
    if (kept.n) {
        LLVMTypeRef pointer = LLVMPointerTypeInContext(m->context, 0);
        LLVMValueRef list = LLVMConstArray2(pointer, kept.at, kept.n);
        LLVMValueRef used = LLVMAddGlobal(m->module, LLVMTypeOf(list), keeper);
        LLVMSetInitializer(used, list);
        LLVMSetLinkage(used, LLVMAppendingLinkage);
        LLVMSetSection(used, "llvm.metadata");
    }
    vec_free(&kept);
}

/* After the vectorizer: those it did not call need no code. */
static void drop_variants(EmitModule *m) {
    LLVMValueRef kept = LLVMGetNamedGlobal(m->module, keeper);
    if (!kept)
        return;
    LLVMDeleteGlobal(kept);
    for (LLVMValueRef f = LLVMGetFirstFunction(m->module), next; f; f = next) {
        next = LLVMGetNextFunction(f);
        if (is_variant(f) && !LLVMGetFirstUse(f))
            LLVMDeleteFunction(f);
    }
}

static bool verify(EmitModule *m) {
    char *error = NULL;
    bool broken = m->verify && LLVMVerifyModule(m->module, LLVMReturnStatusAction, &error);
    if (broken)
        diag_error(m->session, DIAG_MACHINE_CODE, (Span){0}, "the generated code is not well-formed: %s",
                   error);
    LLVMDisposeMessage(error);
    return !broken;
}

/* Whether all functions to be emitted (`only` NULL: all there are) are. */
static bool is_quick(const Plan *plan, const bool *only) {
    bool quick = plan_func_count(plan) > 0;
    for (uint32_t k = 0; quick && k < plan_func_count(plan); k++)
        quick = (only && !only[k]) || emit_is_quick(plan, k);
    return quick;
}

EmitModule *emit_module(Session *session, const Plan *plan, const EmitOptions *options) {
    if (!emit_open(session))
        return NULL;
    EmitModule *m = base_calloc(1, sizeof *m);
    m->session = session;
    m->verify = options && options->verify;
    m->fast = plan_options(plan)->fast;
    m->context = LLVMContextCreate();
    m->module = LLVMModuleCreateWithNameInContext("lag", m->context);
    m->cpu = copy_text(options ? options->cpu : NULL, LLVMGetHostCPUName);
    m->features = copy_text(options ? options->features : NULL, LLVMGetHostCPUFeatures);
    m->avx512 = strstr(m->features, "+avx512f") && strstr(m->features, "+avx512vl");
    m->avx2 = strstr(m->features, "+avx2");
    m->fma = strstr(m->features, "+fma,") || strstr(m->features, "+neon");
    m->quick = is_quick(plan, options ? options->only : NULL);
    bool ok = make_machine(m, m->quick ? LLVMCodeGenLevelNone : LLVMCodeGenLevelDefault);
    for (uint32_t k = 0; ok && k < plan_func_count(plan); k++)
        if (!options || !options->only || options->only[k]) {
            emit_function(m, plan, plan_func(plan, k));
            emit_stages(m, plan, plan_func(plan, k));
            if (plan_func(plan, k)->copies && !m->fast) /* what is reassociated would be so in another order */
                emit_lanes_function(m, plan, plan_func(plan, k));
        }
    keep_variants(m);
    if (ok && verify(m))
        return m;
    emit_free(m);
    return NULL;
}

void emit_free(EmitModule *m) {
    if (!m)
        return;
    if (m->machine)
        LLVMDisposeTargetMachine(m->machine);
    LLVMDisposeModule(m->module);
    LLVMContextDispose(m->context);
    LLVMDisposeMessage(m->cpu);
    LLVMDisposeMessage(m->features);
    free(m);
}

/* Chosen by what pays on loops as emit/ writes them, which are few, flat and without calls of our own: the
 * standard pipeline takes four times as long to arrive at the same inner loops. */
#define PASSES                                                                                               \
    "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm),loop-vectorize,"    \
    "instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm))"
/* of quick code: what sine and cosine of one angle have in common */
#define QUICK_PASSES "function(sroa,early-cse)"

void emit_optimize(EmitModule *m) {
    if (m->optimized)
        return;
    m->optimized = true;
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(m->module, m->quick ? QUICK_PASSES : PASSES, m->machine, options);
    if (error) {
        char *text = LLVMGetErrorMessage(error);
        diag_error(m->session, DIAG_MACHINE_CODE, (Span){0}, "the generated code could not be optimized: %s",
                   text);
        LLVMDisposeErrorMessage(text);
    }
    LLVMDisposePassBuilderOptions(options);
    drop_variants(m);
}

void emit_print(EmitModule *m, bool optimized, Buf *out) {
    if (optimized)
        emit_optimize(m);
    char *text = LLVMPrintModuleToString(m->module);
    buf_puts(out, text);
    LLVMDisposeMessage(text);
}

static bool generate(Session *session, EmitModule *m, LLVMCodeGenFileType kind, Buf *out) {
    emit_optimize(m);
    char *error = NULL;
    LLVMMemoryBufferRef buffer;
    if (LLVMTargetMachineEmitToMemoryBuffer(m->machine, m->module, kind, &error, &buffer)) {
        diag_error(session, DIAG_MACHINE_CODE, (Span){0}, "no machine code could be generated: %s", error);
        LLVMDisposeMessage(error);
        return false;
    }
    buf_write(out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return true;
}

bool emit_object(Session *session, EmitModule *m, Buf *out) {
    return generate(session, m, LLVMObjectFile, out);
}
bool emit_assembly(Session *session, EmitModule *m, Buf *out) {
    return generate(session, m, LLVMAssemblyFile, out);
}
