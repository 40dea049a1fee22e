/* internal.h — what the files of jit/ share. */
#ifndef LAG_JIT_INTERNAL_H
#define LAG_JIT_INTERNAL_H

#include "jit.h"

/* ---- symbols: what generated code may call ---- */

/* Handles of the C library's mathematics; one per JitCode, so that nothing is global. */
typedef struct JitSymbols {
    void *libm, *libmvec;
} JitSymbols;
void symbols_open(JitSymbols *symbols);
void symbols_close(JitSymbols *symbols);
/* The address of a function of rt_abi.def, of libm, of its vector variants in libmvec, or of memcpy, memmove,
 * memset, memcmp; NULL for every other name. */
void *symbols_find(const JitSymbols *symbols, const char *name);

/* ---- object files ---- */

/* The object files of one piece of code: parts of it were compiled side by side. */
typedef VEC(Buf) Objects;
void objects_free(Objects *objects);
/* One after the other behind their sizes, as the cache keeps them; and back: false when `packed` is no such list. */
void objects_pack(const Objects *objects, Buf *packed);
bool objects_unpack(const Buf *packed, Objects *objects);
/* Compiles the functions of a plan into at most `parts` objects of about equal work, a thread for each. False after
 * an error, which is reported to the session. */
bool objects_make(Session *session, const Plan *plan, uint32_t parts, Objects *objects);

/* ---- loader of object files ---- */

typedef struct Loaded Loaded;
/* Copies the sections of a relocatable ELF object of this machine into memory, resolves its symbols and makes
 * its code executable. NULL when it cannot, with the reason in `why`: the bytes may be anything at all. */
Loaded *load_object(const uint8_t *bytes, size_t n, const JitSymbols *symbols, char *why, size_t why_size);
void *load_symbol(const Loaded *loaded, const char *name);
void load_free(Loaded *loaded);
/* Looks at an ELF object of any machine without loading it: the name of some function it defines. False, with
 * the reason in `why`: it wants a name that symbols_find does not know, defines no function, or is
 * damaged. */
bool load_inspect(const uint8_t *bytes, size_t n, const JitSymbols *symbols, char *function, size_t size,
                  char *why, size_t why_size);

/* ---- cache ---- */

/* The bytes stored under `key`, or false: not there, damaged (then removed), not ours. */
bool cache_read(Session *session, const JitKey *key, Buf *bytes);
/* Stores them, atomically, where that is possible; says nothing where it is not. */
void cache_write(Session *session, const JitKey *key, const Buf *bytes);
void cache_remove(Session *session, const JitKey *key);

/* ---- LLJIT ---- */

typedef struct OrcCode OrcCode;
OrcCode *orc_link(Session *session, const Objects *objects, const JitSymbols *symbols); /* NULL after an error */
void *orc_symbol(OrcCode *code, const char *name);
void orc_free(OrcCode *code);

#endif
