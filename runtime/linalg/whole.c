/* What has been learned of whole products: a small table without locks. An entry is the upper 56 bits of a
 * shape's hash and a count of its products, or the verdict. Knowledge of the library, so it belongs to the
 * process as the library does. */
#include <stdatomic.h>
#include <stddef.h>

#include "tiles.h"

enum { ENTRIES = 256, PROBES = 8, TRIES = 8, SAME = 254, DIFFERS = 255, STATE = 0xff };

static _Atomic uint64_t table[ENTRIES];

/* The entry of `hash`, made where there is none; NULL: no room. */
static _Atomic uint64_t *find_entry(uint64_t hash) {
    uint64_t name = (hash | (uint64_t)1 << 63) & ~(uint64_t)STATE; /* never 0 */
    for (uint64_t probe = 0; probe < PROBES; probe++) {
        _Atomic uint64_t *entry = &table[(hash % ENTRIES + probe) % ENTRIES];
        uint64_t now = atomic_load_explicit(entry, memory_order_relaxed);
        if (now == 0 && atomic_compare_exchange_strong(entry, &now, name))
            return entry;
        if ((now & ~(uint64_t)STATE) == name)
            return entry;
    }
    return NULL;
}

Whole whole_ask(uint64_t hash) {
    _Atomic uint64_t *entry = find_entry(hash);
    if (!entry)
        return WHOLE_TILES;
    uint64_t now = atomic_load_explicit(entry, memory_order_relaxed);
    if ((now & STATE) == SAME)
        return WHOLE_SAME;
    if ((now & STATE) > TRIES)
        return WHOLE_TILES;
    /* of threads that count at once one gets through, and only one reaches the last count */
    bool counted = atomic_compare_exchange_strong(entry, &now, now + 1);
    return counted && (now & STATE) == TRIES ? WHOLE_TRY : WHOLE_TILES;
}

void whole_learn(uint64_t hash, bool same_bits) {
    _Atomic uint64_t *entry = find_entry(hash);
    if (entry)
        atomic_store(entry, (atomic_load(entry) & ~(uint64_t)STATE) | (same_bits ? SAME : DIFFERS));
}
