/* image — a described program as bytes and back. Numbers as they lie in memory, texts and lists behind their lengths, in the
 * order of description.def: both directions come from that list. An image is read by the program that was made with it, on the
 * machine it was made for, so byte order and sizes are not converted; a hash of the list itself stands in front. */
#include "program.h"

#include <string.h>

/* ---- what the list is: a number that changes with every field ---- */

static const char layout[] =
#define STRUCT(Type) "{" #Type
#define NUM(type, name) ";" #type " " #name
#define NUMS(type, name, n) ";" #type " " #name "*" #n
#define TEXT(name) ";t " #name
#define TEXTS(name) ";tt " #name
#define BYTES(name) ";b " #name
#define ONE(Type, name) ";" #Type " " #name
#define LIST(Type, name) ";[" #Type " " #name
#define END(Type) "}"
#include "description.def"
#undef STRUCT
#undef NUM
#undef NUMS
#undef TEXT
#undef TEXTS
#undef BYTES
#undef ONE
#undef LIST
#undef END
    ;

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t layout_number(void) {
    uint64_t hash = 14695981039346656037u;
    for (const char *at = layout; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 1099511628211u;
    return hash;
}

/* ---- writing ---- */

static void put(Buf *out, const void *bytes, size_t n) { buf_write(out, bytes, n); }

static void put_length(Buf *out, uint64_t n) { put(out, &n, sizeof n); }

/* NULL and "" differ: the length is one more than the text's. */
static void put_text(Buf *out, const char *text) {
    size_t n = text ? strlen(text) + 1 : 0;
    put_length(out, n);
    put(out, text, n);
}

#define STRUCT(Type) static void put_##Type(Buf *out, const Type *x) {
#define NUM(type, name) put(out, &x->name, sizeof x->name);
#define NUMS(type, name, n) put(out, x->name, sizeof x->name);
#define TEXT(name) put_text(out, x->name);
#define TEXTS(name)                                                                                                    \
    put_length(out, x->n_##name);                                                                                      \
    for (uint32_t i = 0; i < x->n_##name; i++)                                                                         \
        put_text(out, x->name[i]);
#define BYTES(name)                                                                                                    \
    put_length(out, x->n_##name);                                                                                      \
    put(out, x->name, x->n_##name);
#define ONE(Type, name) put_##Type(out, &x->name);
#define LIST(Type, name)                                                                                               \
    put_length(out, x->n_##name);                                                                                      \
    for (uint32_t i = 0; i < x->n_##name; i++)                                                                         \
        put_##Type(out, &x->name[i]);
#define END(Type) }
#include "description.def"
#undef STRUCT
#undef NUM
#undef NUMS
#undef TEXT
#undef TEXTS
#undef BYTES
#undef ONE
#undef LIST
#undef END

void rt_image_encode(const RtProgram *program, Buf *bytes) {
    uint64_t number = layout_number();
    put(bytes, &number, sizeof number);
    put_RtProgram(bytes, program);
}

/* ---- reading ---- */

typedef struct Reader {
    const uint8_t *at, *end;
    Arena *arena;
    bool ok; /* false once the bytes were no image: from then on everything is empty */
} Reader;

static const uint8_t *take(Reader *in, uint64_t n) {
    if (!in->ok || n > (uint64_t)(in->end - in->at)) {
        in->ok = false;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += n;
    return at;
}

static void get(Reader *in, void *to, size_t n) {
    const uint8_t *at = take(in, n);
    if (at)
        memcpy(to, at, n);
}

/* A length of a list whose elements take at least a byte each. */
static uint64_t get_length(Reader *in) {
    uint64_t n = 0;
    get(in, &n, sizeof n);
    if (n > (uint64_t)(in->end - in->at))
        in->ok = false;
    return in->ok ? n : 0;
}

static const char *get_text(Reader *in) {
    uint64_t n = get_length(in);
    const uint8_t *at = take(in, n);
    if (!at || !n)
        return NULL;
    if (at[n - 1])
        in->ok = false;
    return in->ok ? arena_string(in->arena, (const char *)at, (size_t)n - 1) : NULL;
}

#define STRUCT(Type) static void get_##Type(Reader *in, Type *x) {
#define NUM(type, name) get(in, &x->name, sizeof x->name);
#define NUMS(type, name, n) get(in, x->name, sizeof x->name);
#define TEXT(name) x->name = get_text(in);
#define TEXTS(name)                                                                                                    \
    x->n_##name = (uint32_t)get_length(in);                                                                            \
    x->name = ARENA_ARRAY(in->arena, const char *, x->n_##name + 1u);                                                  \
    for (uint32_t i = 0; i < x->n_##name && in->ok; i++)                                                               \
        x->name[i] = get_text(in);
#define BYTES(name)                                                                                                    \
    x->n_##name = get_length(in);                                                                                      \
    x->name = take(in, x->n_##name);
#define ONE(Type, name) get_##Type(in, &x->name);
#define LIST(Type, name)                                                                                               \
    x->n_##name = (uint32_t)get_length(in);                                                                            \
    x->name = ARENA_ARRAY(in->arena, Type, x->n_##name + 1u);                                                          \
    for (uint32_t i = 0; i < x->n_##name && in->ok; i++)                                                               \
        get_##Type(in, &x->name[i]);
#define END(Type) }
#include "description.def"
#undef STRUCT
#undef NUM
#undef NUMS
#undef TEXT
#undef TEXTS
#undef BYTES
#undef ONE
#undef LIST
#undef END

bool rt_image_decode(const uint8_t *bytes, size_t n, Arena *arena, RtProgram *program) {
    Reader in = {.at = bytes, .end = bytes + n, .arena = arena, .ok = true};
    uint64_t number = 0;
    get(&in, &number, sizeof number);
    *program = (RtProgram){0};
    if (number != layout_number())
        return false;
    get_RtProgram(&in, program);
    return in.ok && in.at == in.end;
}
