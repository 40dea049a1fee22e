/* keep — coordinates and parameters from run to run: a run that reads what it does not move finds the values that the
 * latest earlier run left. */
#include "execution.h"

#include <stdlib.h>
#include <string.h>

/* Values are known by their declaration: each run has places of its own for what it moves. */
static KeptValue *find(Kept *kept, uint64_t declared, bool velocity) {
    for (uint32_t i = 0; i < kept->list.n; i++) {
        KeptValue *value = &kept->list.at[i];
        if (value->declared == declared && value->velocity == velocity)
            return value;
    }
    return NULL;
}

void kept_restore(void *execution) {
    Execution *e = execution;
    for (uint32_t i = 0; i < e->spec->n_takes; i++) {
        const RtKeep *keep = &e->spec->takes[i];
        const KeptValue *value = find(&e->host->kept, keep->declared, keep->velocity);
        RtBlock block;
        if (value && execution_block(&keep->place, &block) && value->n == block.n && value->elem == block.elem)
            memcpy(e->frame.mem + block.offset, value->values, block.n * rt_elem_size(block.elem));
    }
}

void kept_take(Execution *e) {
    Kept *kept = &e->host->kept;
    for (uint32_t i = 0; i < e->spec->n_leaves; i++) {
        const RtKeep *keep = &e->spec->leaves[i];
        RtBlock block;
        if (!execution_block(&keep->place, &block))
            continue;
        KeptValue *value = find(kept, keep->declared, keep->velocity);
        if (!value) {
            vec_push(&kept->list, (KeptValue){.declared = keep->declared, .velocity = keep->velocity});
            value = &kept->list.at[kept->list.n - 1];
        }
        size_t bytes = block.n * rt_elem_size(block.elem);
        free(value->values);
        value->values = base_calloc(bytes + 1, 1);
        value->elem = block.elem;
        value->n = block.n;
        memcpy(value->values, e->frame.mem + block.offset, bytes);
    }
}

void kept_free(Kept *kept) {
    for (uint32_t i = 0; i < kept->list.n; i++)
        free(kept->list.at[i].values);
    vec_free(&kept->list);
}
