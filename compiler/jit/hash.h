/* hash.h — BLAKE2b (RFC 7693) with 32-byte results, for cache keys and checksums. Internal to jit/. */
#ifndef LAG_JIT_HASH_H
#define LAG_JIT_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct Hash {
    uint64_t state[8];
    uint64_t length[2]; /* bytes compressed so far, low word first */
    uint8_t block[128];
    size_t filled; /* bytes waiting in `block` */
} Hash;

void hash_begin(Hash *hash);
void hash_add(Hash *hash, const void *bytes, size_t n);
void hash_add_u64(Hash *hash, uint64_t value); /* eight bytes, low first, on every machine */
void hash_add_text(Hash *hash,
                   const char *text); /* with its length, so that neighbours cannot flow together */
void hash_end(Hash *hash, uint8_t result[32]);

#endif
