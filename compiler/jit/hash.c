#include "hash.h"

#include <string.h>

/* Fractional parts of the square roots of the first eight primes (RFC 7693, section 2.6). */
static const uint64_t iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                               0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                               0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/* Order of the message words in each round (section 2.7); rounds 10 and 11 repeat 0 and 1. */
static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

enum { RESULT = 32, BLOCK = 128, ROUNDS = 12 };

static uint64_t rotate(uint64_t x, int n) {
    return x >> n | x << (64 - n);
}

static void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
}

static uint64_t load_word(const uint8_t *at) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | at[i];
    return word;
}

static void compress(Hash *hash, const uint8_t *block, size_t n, int is_last) {
    uint64_t v[16], m[16];
    hash->length[0] += n;
    hash->length[1] += hash->length[0] < n;
    for (int i = 0; i < 16; i++)
        m[i] = load_word(block + 8 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = hash->state[i];
        v[i + 8] = iv[i];
    }
    v[12] ^= hash->length[0];
    v[13] ^= hash->length[1];
    if (is_last)
        v[14] = ~v[14];
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *s = sigma[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        hash->state[i] ^= v[i] ^ v[i + 8];
}

void hash_begin(Hash *hash) {
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, iv, sizeof iv);
    hash->state[0] ^= 0x01010000 ^ RESULT; /* no key, fan-out and depth 1 */
}

void hash_add(Hash *hash, const void *bytes, size_t n) {
    const uint8_t *at = bytes;
    while (n > 0) {
        if (hash->filled == BLOCK) { /* the last block is compressed by hash_end */
            compress(hash, hash->block, BLOCK, 0);
            hash->filled = 0;
        }
        size_t take = BLOCK - hash->filled < n ? BLOCK - hash->filled : n;
        memcpy(hash->block + hash->filled, at, take);
        hash->filled += take;
        at += take;
        n -= take;
    }
}

void hash_add_u64(Hash *hash, uint64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    hash_add(hash, bytes, sizeof bytes);
}

void hash_add_text(Hash *hash, const char *text) {
    size_t n = strlen(text);
    hash_add_u64(hash, n);
    hash_add(hash, text, n);
}

void hash_end(Hash *hash, uint8_t result[32]) {
    memset(hash->block + hash->filled, 0, BLOCK - hash->filled);
    compress(hash, hash->block, hash->filled, 1);
    for (int i = 0; i < RESULT; i++)
        result[i] = (uint8_t)(hash->state[i / 8] >> 8 * (i % 8));
}
