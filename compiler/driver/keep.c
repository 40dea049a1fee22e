/* keep — coordinates and parameters from run to run: a run that reads what it does not move finds the values that the
 * latest earlier run left. */
#include "execute.h"

#include "../../runtime/data/data.h"

#include <stdlib.h>
#include <string.h>

/* Values are known by the place of the declaration: each run has definitions of its own for what it moves. */
static KeptValue *find(Kept *kept, Span declared, bool velocity) {
    for (uint32_t i = 0; i < kept->list.n; i++) {
        KeptValue *value = &kept->list.at[i];
        if (value->declared.file == declared.file && value->declared.start == declared.start &&
            value->velocity == velocity)
            return value;
    }
    return NULL;
}

void kept_restore(void *execution) {
    Execution *e = execution;
    for (uint32_t i = 0; i < e->sema->n_states; i++) {
        const SemaState *state = &e->sema->states[i];
        if (!state->held)
            continue;
        bool velocity = ir_def(e->model->ir, state->s)->role == IR_ROLE_VELOCITY;
        const KeptValue *value = find(e->kept, state->span, velocity);
        RtBlock block;
        if (value && execution_block(e, state->s, "", &block) && value->n == block.n && value->elem == (int)block.elem)
            memcpy(e->frame.mem + block.offset, value->values, block.n * rt_elem_size(block.elem));
    }
}

/* Where a coordinate lies: in memory of its own, or as a window of the run's block. */
static bool place_of(const Execution *e, IrDef def, RtBlock *block) {
    if (!def)
        return false;
    const IrDefInfo *info = ir_def(e->model->ir, def);
    if (info->kind != IR_DEF_VIEW)
        return execution_block(e, def, "", block);
    if (!execution_block(e, info->parent, "", block))
        return false;
    block->offset += info->offset * rt_elem_size(block->elem);
    block->n = ir_size(e->model->ir, def);
    return true;
}

static void take(Execution *e, Span declared, IrDef def, bool velocity) {
    RtBlock block;
    if (!place_of(e, def, &block))
        return;
    KeptValue *value = find(e->kept, declared, velocity);
    if (!value) {
        vec_push(&e->kept->list, (KeptValue){.declared = declared, .velocity = velocity});
        value = &e->kept->list.at[e->kept->list.n - 1];
    }
    size_t bytes = block.n * rt_elem_size(block.elem);
    free(value->values);
    value->values = base_calloc(bytes + 1, 1);
    value->elem = (int)block.elem;
    value->n = block.n;
    memcpy(value->values, e->frame.mem + block.offset, bytes);
}

void kept_take(Execution *e) {
    for (uint32_t i = 0; i < e->sema->n_vars; i++) {
        const SemaVar *var = &e->sema->vars[i];
        take(e, var->span, var->q, false);
        take(e, var->span, var->v, true);
    }
}

void kept_free(Kept *kept) {
    for (uint32_t i = 0; i < kept->list.n; i++)
        free(kept->list.at[i].values);
    vec_free(&kept->list);
}
