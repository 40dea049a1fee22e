/* emit — every LLVM call that builds code. The header is LLVM-free; modules are opaque. */
#ifndef LAG_EMIT_H
#define LAG_EMIT_H

#include "../plan/plan.h"

typedef struct EmitModule EmitModule;
typedef struct EmitOptions {
    const char *cpu, *features; /* NULL: this machine's */
    bool verify;                /* run LLVM's verifier (debug builds, tests) */
    const bool *only;           /* by number of plan_func: which to emit; NULL: all. Parts of one plan share its memory, so
                                   what is wanted first can be made first, the rest later or in another thread */
} EmitOptions;

/* Opens LLVM's library, which is not linked in, and registers this machine's target; false after an error, which is
 * reported to the session. Whoever calls LLVM does this first; emit_module does it by itself. Safe in threads. */
bool emit_open(Session *session);
/* Begins to open it in a thread, while other things are done; and waits for that thread, which a program does before it ends.
 * Called by one thread, the program's first. */
void emit_open_begin(void);
void emit_open_end(void);

/* Whether quick code will do for function k: it is long and does next to nothing in loops, or it is called seldom and is
 * short. A module of such functions alone is compiled quickly, so parts are best cut along this. */
bool emit_is_quick(const Plan *plan, uint32_t k);

/* Each function of the plan becomes `int32_t NAME(RtFrame *frame)` (0, or an RtStatus), and NAME_prepare where
 * plan_has_prepare says so. NULL after an error, which is reported to the session. */
/* A function that is wanted for several copies also becomes `int32_t NAME_lanes(RtFrame *frame, int32_t *status)`: it does
 * for NAME_lanes_count (a constant int32_t of the module) copies what NAME does for one, with the same bits. The frame's
 * memory is that much larger: element e of copy l, at byte b + e·size for one copy, lies at count·(b + e·size) + l·size.
 * status[l] is what NAME returns for copy l. frame->seeds are the keys of their noise. Left out where the function calls
 * the runtime or follows subscripts that differ between copies. */
EmitModule *emit_module(Session *session, const Plan *plan, const EmitOptions *options);
void emit_free(EmitModule *module);
void emit_print(EmitModule *module, bool optimized, Buf *out); /* --emit=llvm */
void emit_optimize(EmitModule *module);                        /* once; what follows sees optimized code */
/* Optimizes where that was not done yet and generates a relocatable object file (position-independent, for JIT and linker
 * alike) into `out`; it wants the symbols of rt_abi.def, libm and libmvec. False after an error. */
bool emit_object(Session *session, EmitModule *module, Buf *out);
bool emit_assembly(Session *session, EmitModule *module, Buf *out);

#endif
