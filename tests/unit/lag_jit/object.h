/* object.h — an object file made from LLVM assembly text, for tests of the loader and the cache: these need
 * code of every shape the emitter may make, without the emitter. */
#ifndef LAG_TEST_OBJECT_H
#define LAG_TEST_OBJECT_H

#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include "emit/emit.h"

static inline bool object_from_assembly(Session *session, const char *text, Buf *out) {
    if (!emit_open(session))
        return false;
    LLVMContextRef context = LLVMContextCreate();
    LLVMMemoryBufferRef source = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, strlen(text), "test");
    LLVMModuleRef module = NULL;
    char *message = NULL, *triple = LLVMGetDefaultTargetTriple();
    LLVMTargetRef target = NULL;
    bool ok = !LLVMParseIRInContext(context, source, &module, &message) &&
              !LLVMGetTargetFromTriple(triple, &target, &message);
    if (ok) {
        LLVMTargetMachineRef machine = LLVMCreateTargetMachine(
            target, triple, "", "", LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelSmall);
        LLVMMemoryBufferRef object = NULL;
        ok = !LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &object);
        if (ok) {
            buf_write(out, LLVMGetBufferStart(object), LLVMGetBufferSize(object));
            LLVMDisposeMemoryBuffer(object);
        }
        LLVMDisposeTargetMachine(machine);
    }
    if (message) {
        fprintf(stderr, "%s\n", message);
        LLVMDisposeMessage(message);
    }
    LLVMDisposeMessage(triple);
    if (module)
        LLVMDisposeModule(module);
    LLVMContextDispose(context);
    return ok;
}

#endif
