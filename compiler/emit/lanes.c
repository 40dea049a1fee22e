/* lanes — a call that is hardly ever made does not keep a loop from becoming
 * vectors: it is offered with variants for several numbers, which make it for
 * those that need it. */
#include <stdio.h>

#include "parts.h"

/* Defines, for the vectorizer, a variant of the C library's `fn` for `lanes`
 * numbers that calls it for those in the mask. Only huge angles come here. */
static void define_lanes(Emitter *e, LLVMValueRef fn, LLVMTypeRef type, unsigned lanes, const char *name) {
    EmitModule *m = e->m;
    LLVMTypeRef mask = LLVMVectorType(LLVMInt1TypeInContext(m->context), lanes),
                vector = LLVMVectorType(LLVMDoubleTypeInContext(e->m->context), lanes),
                params[2] = {vector, mask};
    LLVMValueRef many = LLVMAddFunction(m->module, name, LLVMFunctionType(vector, params, 2, 0));
    LLVMSetLinkage(many, LLVMInternalLinkage);
    emit_target_attributes(m, many);
    emit_mark(m, many, "nounwind", 0);
    emit_mark(m, many, "willreturn", 0);
    emit_mark(m, many, "memory", 0);
    emit_mark(m, many, "noinline", 0);
    emit_mark(m, many, "optnone", 0); /* hardly ever called */
    LLVMBuilderRef b = LLVMCreateBuilderInContext(m->context);
    LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(m->context, many, ""));
    LLVMValueRef result = LLVMGetParam(many, 0);
    for (unsigned i = 0; i < lanes; i++) {
        LLVMValueRef at = LLVMConstInt(LLVMInt32TypeInContext(m->context), i, 0);
        LLVMBasicBlockRef here = LLVMGetInsertBlock(b),
                          asked = LLVMAppendBasicBlockInContext(m->context, many, ""),
                          next = LLVMAppendBasicBlockInContext(m->context, many, "");
        LLVMBuildCondBr(b, LLVMBuildExtractElement(b, LLVMGetParam(many, 1), at, ""), asked, next);
        LLVMPositionBuilderAtEnd(b, asked);
        LLVMValueRef x = LLVMBuildExtractElement(b, LLVMGetParam(many, 0), at, "");
        LLVMValueRef set = LLVMBuildInsertElement(b, result, LLVMBuildCall2(b, type, fn, &x, 1, ""), at, "");
        LLVMBuildBr(b, next);
        LLVMPositionBuilderAtEnd(b, next);
        LLVMValueRef phi = LLVMBuildPhi(b, vector, ""), from[2] = {result, set};
        LLVMBasicBlockRef blocks[2] = {here, asked};
        LLVMAddIncoming(phi, from, blocks, 2);
        result = phi;
    }
    LLVMBuildRet(b, result);
    LLVMDisposeBuilder(b);
}

LLVMValueRef emit_call_lanes(Emitter *e, const char *name, LLVMValueRef x) {
    static const struct {
        char isa;
        unsigned lanes;
    } width[] = {{'e', 8}, {'d', 4}, {'b', 2}};
    EmitModule *m = e->m;
    LLVMTypeRef scalar = LLVMDoubleTypeInContext(e->m->context),
                type = LLVMFunctionType(scalar, &scalar, 1, 0);
    LLVMValueRef fn = emit_declare_pure(m, name, type), call = LLVMBuildCall2(e->b, type, fn, &x, 1, "");
    if (!e->kernel || m->quick) /* no loop around it, or none that becomes vectors */
        return call;
    Buf list = {0};
    for (size_t i = 0; i < sizeof width / sizeof *width; i++) {
        if (width[i].isa == 'e' && !m->avx512)
            continue;
        char variant[32];
        snprintf(variant, sizeof variant, "_ZGV%cM%uv_%s", width[i].isa, width[i].lanes, name);
        if (!LLVMGetNamedFunction(m->module, variant))
            define_lanes(e, fn, type, width[i].lanes, variant);
        buf_printf(&list, "%s%s", list.n ? "," : "", variant);
    }
    emit_offer_variants(m, call, list.at);
    buf_free(&list);
    return call;
}
