/* Linking fresh object code with ORC's LLJIT. One LLJIT for one piece of code: it owns what it links, and
 * disposing of it releases that. */
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include "internal.h"

struct OrcCode {
    LLVMOrcLLJITRef jit;
    const RtSymbols *symbols;
    char trouble[256]; /* what ORC said first while linking */
};

/* Reports an LLVM error, which it releases; true when there was one. */
static bool report(Session *session, LLVMErrorRef error, const char *what) {
    if (!error)
        return false;
    char *text = LLVMGetErrorMessage(error);
    diag_error(session, DIAG_MACHINE_CODE, (Span){0}, "the compiled code could not be %s: %s", what, text);
    LLVMDisposeErrorMessage(text);
    return true;
}

/* ORC tells of failures in linking here, and would write them to standard error otherwise. */
static void keep_trouble(void *context, LLVMErrorRef error) {
    OrcCode *code = context;
    char *text = LLVMGetErrorMessage(error);
    if (!code->trouble[0])
        snprintf(code->trouble, sizeof code->trouble, "%s", text);
    LLVMDisposeErrorMessage(text);
}

/* Called with the names the code wants: defines those we have. The rest become an error of the lookup. */
static LLVMErrorRef define_symbols(LLVMOrcDefinitionGeneratorRef generator, void *context,
                                   LLVMOrcLookupStateRef *state, LLVMOrcLookupKind kind,
                                   LLVMOrcJITDylibRef library, LLVMOrcJITDylibLookupFlags flags,
                                   LLVMOrcCLookupSet wanted, size_t n) {
    (void)generator, (void)state, (void)kind, (void)flags;
    OrcCode *code = context;
    LLVMOrcCSymbolMapPair *pairs = base_calloc(n + 1, sizeof *pairs);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        void *address = rt_symbols_find(code->symbols, LLVMOrcSymbolStringPoolEntryStr(wanted[i].Name));
        if (!address)
            continue;
        LLVMOrcRetainSymbolStringPoolEntry(wanted[i].Name);
        pairs[found].Name = wanted[i].Name;
        pairs[found].Sym.Address = (LLVMOrcExecutorAddress)(uintptr_t)address;
        pairs[found].Sym.Flags = (LLVMJITSymbolFlags){LLVMJITSymbolGenericFlagsExported, 0};
        found++;
    }
    LLVMErrorRef error = LLVMErrorSuccess;
    if (found > 0) {
        LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(pairs, found);
        error = LLVMOrcJITDylibDefine(library, unit);
        if (error)
            LLVMOrcDisposeMaterializationUnit(unit);
    }
    free(pairs);
    return error;
}

static bool open_jit(Session *session, OrcCode *code) {
    if (report(session, LLVMOrcCreateLLJIT(&code->jit, NULL), "prepared for linking")) {
        code->jit = NULL;
        return false;
    }
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(code->jit), keep_trouble, code);
    LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(code->jit),
                                LLVMOrcCreateCustomCAPIDefinitionGenerator(define_symbols, code, NULL));
    return true;
}

static bool link_object(Session *session, OrcCode *code, const Buf *object) {
    char name[512], why[256];
    /* LLJIT would find any function of this process; generated code may call those of rt_abi.def only */
    if (!rt_object_inspect((const uint8_t *)object->at, object->n, code->symbols, name, sizeof name, why, sizeof why)) {
        diag_error(session, DIAG_MACHINE_CODE, (Span){0}, "the compiled code could not be linked: %s", why);
        return false;
    }
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(object->at, object->n, "lag");
    if (report(session, LLVMOrcLLJITAddObjectFile(code->jit, LLVMOrcLLJITGetMainJITDylib(code->jit), buffer), "linked"))
        return false;
    if (orc_symbol(code, name)) /* the first lookup links */
        return true;
    diag_error(session, DIAG_MACHINE_CODE, (Span){0}, "the compiled code could not be linked: %s", code->trouble);
    return false;
}

OrcCode *orc_link(Session *session, const Objects *objects, const RtSymbols *symbols) {
    if (!emit_open(session))
        return NULL;
    OrcCode *code = base_calloc(1, sizeof *code);
    code->symbols = symbols;
    bool ok = open_jit(session, code);
    for (uint32_t i = 0; ok && i < objects->n; i++)
        ok = link_object(session, code, &objects->at[i]);
    if (ok)
        return code;
    orc_free(code);
    return NULL;
}

void *orc_symbol(OrcCode *code, const char *name) {
    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITLookup(code->jit, &address, name);
    if (error) {
        keep_trouble(code, error);
        return NULL;
    }
    return (void *)(uintptr_t)address;
}

void orc_free(OrcCode *code) {
    if (!code)
        return;
    if (code->jit)
        LLVMConsumeError(LLVMOrcDisposeLLJIT(code->jit));
    free(code);
}
