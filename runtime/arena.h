/* arena — memory for programs that end when there is none: arenas, growable arrays, growable strings. The compiler stands on
 * it, and what executes a program (program/); kernels and readers of files report in the place of ending. */
#ifndef LAG_ARENA_H
#define LAG_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* ---- arena: memory with one lifetime ------------------------------------------------------------------ */

typedef struct Arena Arena;

Arena *arena_new(void);
/* Frees every object at once; under AddressSanitizer each object is a block of its own. */
void arena_reset(Arena *arena);
void arena_free(Arena *arena);
/* `size` zeroed bytes, aligned for any scalar. Never returns NULL: running out of memory ends the process
 * with a message, the one condition a compiler cannot report to its caller. */
void *arena_alloc(Arena *arena, size_t size);
void *arena_copy(Arena *arena, const void *bytes, size_t size);
char *arena_string(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *arena, const char *format, va_list args);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

/* realloc, malloc and calloc that never fail (see arena_alloc). */
void *base_realloc(void *block, size_t size);
void *base_calloc(size_t count, size_t size);

/* ---- vec: growable arrays ----------------------------------------------------------------------------- */

/* A growable array of `type`: elements `v.at[0 .. v.n-1]`. Zero-initialized is empty; vec_free releases. */
#define VEC(type)                                                                                             \
    struct {                                                                                                  \
        type *at;                                                                                             \
        uint32_t n, cap;                                                                                      \
    }
void *vec_grow_(void *at, uint32_t *cap, uint32_t want, size_t size);
#define vec_reserve(v, want)                                                                                  \
    ((v)->cap < (want) ? (void)((v)->at = vec_grow_((v)->at, &(v)->cap, (want), sizeof *(v)->at)) : (void)0)
#define vec_push(v, ...) (vec_reserve((v), (v)->n + 1), (void)((v)->at[(v)->n++] = __VA_ARGS__))
#define vec_pop(v) ((v)->at[--(v)->n])
#define vec_free(v) (free((v)->at), (void)((v)->at = NULL), (void)((v)->n = (v)->cap = 0))

/* ---- buf: a growable string --------------------------------------------------------------------------- */

typedef struct Buf {
    char *at; /* always NUL-terminated once something was written */
    size_t n, cap;
} Buf;
void buf_printf(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_write(Buf *buf, const char *bytes, size_t n);
void buf_puts(Buf *buf, const char *text);
void buf_free(Buf *buf);

#endif
