/* emit — every LLVM call that builds code. The header is LLVM-free; modules are opaque. */
#ifndef LAG_EMIT_H
#define LAG_EMIT_H

#include "../plan/plan.h"

typedef struct EmitModule EmitModule;
typedef struct EmitOptions {
    const char *cpu, *features; /* NULL: this machine's */
    bool verify;                /* run LLVM's verifier (debug builds, tests) */
} EmitOptions;

/* Each IrFunc of the plan becomes `int32_t NAME(RtFrame *frame)` (0, or an RtStatus). */
EmitModule *emit_module(Session *session, const Plan *plan, const EmitOptions *options);
void emit_free(EmitModule *module);
void emit_print(EmitModule *module, bool optimized, Buf *out); /* --emit=llvm */

#endif
