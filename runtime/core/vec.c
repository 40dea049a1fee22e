/* vec — growable arrays and strings. */
#include "../arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *vec_grow_(void *at, uint32_t *cap, uint32_t want, size_t size) {
    uint64_t grown = *cap < 8 ? 8 : (uint64_t)*cap + *cap / 2;
    if (grown < want)
        grown = want;
    if (grown > UINT32_MAX)
        grown = UINT32_MAX;
    *cap = (uint32_t)grown;
    return base_realloc(at, (size_t)grown * size);
}

static void buf_reserve(Buf *buf, size_t more) {
    if (buf->cap - buf->n > more)
        return;
    size_t cap = buf->cap < 64 ? 64 : buf->cap * 2;
    while (cap - buf->n <= more)
        cap *= 2;
    buf->at = base_realloc(buf->at, cap);
    buf->cap = cap;
}

void buf_write(Buf *buf, const char *bytes, size_t n) {
    buf_reserve(buf, n);
    if (n)
        memcpy(buf->at + buf->n, bytes, n);
    buf->n += n;
    buf->at[buf->n] = '\0';
}

void buf_puts(Buf *buf, const char *text) {
    buf_write(buf, text, strlen(text));
}

void buf_printf(Buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        buf_reserve(buf, (size_t)length);
        vsnprintf(buf->at + buf->n, (size_t)length + 1, format, again);
        buf->n += (size_t)length;
    }
    va_end(again);
}

void buf_free(Buf *buf) {
    free(buf->at);
    *buf = (Buf){0};
}
