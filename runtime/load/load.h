/* load — machine code from bytes: a loader of relocatable objects, and the names that generated code may call. No LLVM. */
#ifndef LAG_RT_LOAD_H
#define LAG_RT_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- symbols: what generated code may call ---- */

/* Handles of the C library's mathematics, so that nothing is global. */
typedef struct RtSymbols {
    void *libm, *libmvec;
} RtSymbols;
void rt_symbols_open(RtSymbols *symbols);
void rt_symbols_close(RtSymbols *symbols);
/* The address of a function of rt_abi.def, of libm, of its vector variants in libmvec, or of memcpy, memmove,
 * memset, memcmp; NULL for every other name. */
void *rt_symbols_find(const RtSymbols *symbols, const char *name);

/* ---- processors ---- */

/* What this processor (and system) can do of what generated code may use: a bit each. Code made where some are set runs where they
 * are set too. */
uint64_t rt_features(void);
const char *rt_feature_name(uint32_t bit); /* "avx512f"; NULL past the last */

/* ---- loader of object files ---- */

typedef struct RtObject RtObject;
/* Copies the sections of a relocatable ELF object of this machine into memory, resolves its symbols and makes
 * its code executable. NULL when it cannot, with the reason in `why`: the bytes may be anything at all. */
RtObject *rt_object_load(const uint8_t *bytes, size_t n, const RtSymbols *symbols, char *why, size_t why_size);
void *rt_object_symbol(const RtObject *loaded, const char *name);
void rt_object_free(RtObject *loaded);
/* Looks at an ELF object of any machine without loading it: the name of some function it defines. False, with
 * the reason in `why`: it wants a name that rt_symbols_find does not know, defines no function, or is
 * damaged. */
bool rt_object_inspect(const uint8_t *bytes, size_t n, const RtSymbols *symbols, char *function, size_t size,
                       char *why, size_t why_size);

#endif
