/* jit — from a module to code that can be called, and the on-disk cache of such code. LLVM-free face.
 *
 * A module becomes an object file in memory (emit_object). It is linked by a small loader of our own (load.c), as code
 * from the cache is, because opening LLVM's library alone takes longer than a cached start may; by ORC's LLJIT where
 * that loader does not know this machine's relocations. */
#ifndef LAG_JIT_H
#define LAG_JIT_H

#include "../emit/emit.h"

typedef struct JitCode JitCode;

/* Cache key: everything that determines the code (printed IR functions and everything they reach, plan
 * options, target cpu, this compiler's own build id). */
typedef struct JitKey {
    uint8_t bytes[32];
} JitKey;
JitKey jit_key(const IrProgram *p, const IrFunc *const *funcs, uint32_t n, const PlanOptions *options);

/* Looks the key up in the cache ($XDG_CACHE_HOME/lag or ~/.cache/lag); NULL when it is not there or damaged
 * (then the damaged entry is removed). Safe under several processes. */
JitCode *jit_load(Session *session, const JitKey *key);
/* Compiles the functions of a plan side by side, in at most `parts` threads, and links them; stores the objects in the
 * cache when key is not NULL. NULL after an error, which is reported to the session. */
JitCode *jit_build(Session *session, const Plan *plan, uint32_t parts, const JitKey *key);
/* The same functions as relocatable objects, not linked. False after an error, which is reported to the session. */
typedef VEC(Buf) JitObjects;
bool jit_objects(Session *session, const Plan *plan, uint32_t parts, JitObjects *objects);
void jit_objects_free(JitObjects *objects);
/* Optimizes, generates and links one module (consumed); stores the object in the cache when key is not NULL.
 * NULL after an error, which is reported to the session. */
JitCode *jit_compile(Session *session, EmitModule *module, const JitKey *key);
void *jit_symbol(JitCode *code, const char *name); /* NULL: no such function */
void jit_free(JitCode *code); /* functions of `code` may not be running; NULL is allowed */

/* Milliseconds per stage; 0 for stages that did not take place. */
typedef struct JitTimes {
    double generate, link, load, store;
} JitTimes;
JitTimes jit_times(const JitCode *code);

/* Folder of the cache, in the session's arena, whether it exists or not; NULL when the environment names
 * none. */
const char *jit_cache_directory(Session *session);

#endif
