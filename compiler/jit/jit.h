/* jit — LLVM-free face of ORC LLJIT and of the on-disk cache of compiled code. */
#ifndef LAG_JIT_H
#define LAG_JIT_H

#include "../emit/emit.h"

typedef struct JitCode JitCode;

/* Cache key: everything that determines the code (printed IR functions and everything they reach, plan options,
 * target cpu, this compiler's own build id). */
typedef struct JitKey { uint8_t bytes[32]; } JitKey;
JitKey jit_key(const IrProgram *p, const IrFunc *const *funcs, uint32_t n, const PlanOptions *options);

/* Looks the key up in the cache ($XDG_CACHE_HOME/lag or ~/.cache/lag); NULL when it is not there or damaged (then
 * the damaged entry is removed). Safe under several processes. */
JitCode *jit_load(Session *session, const JitKey *key);
/* Optimizes, generates and links the module (consumed); stores the object in the cache when key is not NULL. */
JitCode *jit_compile(Session *session, EmitModule *module, const JitKey *key);
void *jit_symbol(JitCode *code, const char *name); /* NULL: no such function */
void jit_free(JitCode *code);

#endif
