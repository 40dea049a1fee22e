/* internal.h — what the files of jit/ share. */
#ifndef LAG_JIT_INTERNAL_H
#define LAG_JIT_INTERNAL_H

#include "jit.h"

#include "../../runtime/load/load.h"

/* ---- object files ---- */

/* The object files of one piece of code: parts of it were compiled side by side. */
typedef JitObjects Objects;
/* One after the other behind their sizes, as the cache keeps them; and back: false when `packed` is no such list. */
void objects_pack(const Objects *objects, Buf *packed);
bool objects_unpack(const Buf *packed, Objects *objects);

/* ---- cache ---- */

/* The bytes stored under `key`, or false: not there, damaged (then removed), not ours. */
bool cache_read(Session *session, const JitKey *key, Buf *bytes);
/* Stores them, atomically, where that is possible; says nothing where it is not. */
void cache_write(Session *session, const JitKey *key, const Buf *bytes);
void cache_remove(Session *session, const JitKey *key);

/* ---- LLJIT ---- */

typedef struct OrcCode OrcCode;
OrcCode *orc_link(Session *session, const Objects *objects, const RtSymbols *symbols); /* NULL after an error */
void *orc_symbol(OrcCode *code, const char *name);
void orc_free(OrcCode *code);

#endif
