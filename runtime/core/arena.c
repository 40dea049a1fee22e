/* arena — memory with one lifetime: objects are carved from blocks and freed together. Under AddressSanitizer
 * every object is its own malloc block, so that the sanitizer sees each out-of-bounds access. */
#include "../arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_SEPARATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_SEPARATE 1
#endif
#endif
#ifndef ARENA_SEPARATE
#define ARENA_SEPARATE 0
#endif

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

typedef struct Block {
    struct Block *next;
    size_t used, size;
    _Alignas(16) char bytes[];
} Block;

struct Arena {
    Block *first;
};

static _Noreturn void out_of_memory(void) {
    fputs("lag: out of memory\n", stderr);
    abort();
}

void *base_realloc(void *block, size_t size) {
    void *grown = realloc(block, size ? size : 1);
    if (!grown)
        out_of_memory();
    return grown;
}

void *base_calloc(size_t count, size_t size) {
    void *block = calloc(count ? count : 1, size ? size : 1);
    if (!block)
        out_of_memory();
    return block;
}

Arena *arena_new(void) {
    return base_calloc(1, sizeof(Arena));
}

static Block *block_new(Arena *arena, size_t size) {
    if (size > SIZE_MAX - sizeof(Block))
        out_of_memory();
    Block *block = base_calloc(1, sizeof(Block) + size);
    block->size = size;
    block->next = arena->first;
    arena->first = block;
    return block;
}

void *arena_alloc(Arena *arena, size_t size) {
    if (ARENA_SEPARATE)
        return block_new(arena, size)->bytes;
    if (size > SIZE_MAX - ARENA_ALIGN)
        out_of_memory();
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    Block *block = arena->first;
    if (!block || block->size - block->used < rounded) {
        if (rounded > ARENA_BLOCK / 4) {
            /* A large object gets a block of its own behind the current one, which stays in use. */
            Block *own = block_new(arena, rounded);
            own->used = rounded;
            if (block) {
                arena->first = block;
                own->next = block->next;
                block->next = own;
            }
            return own->bytes;
        }
        block = block_new(arena, ARENA_BLOCK);
    }
    void *object = block->bytes + block->used;
    block->used += rounded;
    return object;
}

void arena_reset(Arena *arena) {
    Block *block = arena->first;
    while (block) {
        Block *next = block->next;
        free(block);
        block = next;
    }
    arena->first = NULL;
}

void arena_free(Arena *arena) {
    if (!arena)
        return;
    arena_reset(arena);
    free(arena);
}

void *arena_copy(Arena *arena, const void *bytes, size_t size) {
    void *copy = arena_alloc(arena, size);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_string(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_vprintf(Arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
    if (length >= 0)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
