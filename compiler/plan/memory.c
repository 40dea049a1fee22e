/* memory — where every buffer lies.
 *
 * needs: the code of all functions.
 * gives: offsets in the frame's memory, 64-byte aligned; stores to scratch that nobody loads are marked dead.
 * changes: PlanNode.dead, PlanBuffer.offset.
 *
 * First come inputs and what is kept between calls; then one region all functions use for scratch, in which
 * buffers whose lifetimes (first to last statement of the body that touches them) do not meet share space. */
#include "pass.h"

#define ALIGN 64

typedef struct Life {
    uint32_t buffer, first, last;
    uint64_t bytes, offset;
} Life;
typedef VEC(Life) LifeList;

static uint64_t round_up(uint64_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

typedef struct Uses {
    Plan *plan;
    const PlanFunc *func;
    uint32_t *loads;        /* by buffer */
    uint32_t *first, *last; /* by buffer: statement of the body, from 1 */
    uint32_t at;
} Uses;

static void touch(Uses *u, uint32_t buffer, bool load) {
    u->loads[buffer] += load;
    if (!u->first[buffer])
        u->first[buffer] = u->at;
    u->last[buffer] = u->at;
}

static void scan(Uses *u, uint32_t scope) {
    const PlanFunc *f = u->func;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        if (scope == 1)
            u->at = i + 1;
        if (n->kind == PLAN_LOAD)
            touch(u, (uint32_t)n->bits, true);
        else if ((n->kind == PLAN_STORE || n->kind == PLAN_ZERO) && !n->dead)
            touch(u, (uint32_t)n->bits, false);
        else if (n->kind == PLAN_LOOP)
            scan(u, f->loops.at[n->arg[0]].scope);
        else if (n->kind == PLAN_CALL || n->kind == PLAN_TURN)
            for (uint32_t k = 0; k < f->calls.at[n->arg[0]].args.n; k++)
                if (f->calls.at[n->arg[0]].args.at[k].kind == PLAN_ARG_POINTER)
                    touch(u, f->calls.at[n->arg[0]].args.at[k].buffer, true);
    }
}

static void drop_dead_stores(Plan *plan, PlanFunc *f, const uint32_t *loads) {
    for (uint32_t v = 1; v < f->nodes.n; v++) {
        PlanNode *n = &f->nodes.at[v];
        if ((n->kind == PLAN_STORE || n->kind == PLAN_ZERO) && plan->buffers.at[n->bits].is_scratch &&
            !loads[n->bits])
            n->dead = true;
    }
}

static int by_size(const void *a, const void *b) {
    const Life *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->buffer < y->buffer ? -1 : 1;
}

/* The lowest place for `life` beside those placed before whose lifetimes meet it. */
static uint64_t lowest_place(const Life *placed, uint32_t n, const Life *life) {
    uint64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < n; i++) {
            const Life *o = &placed[i];
            bool meet = o->first <= life->last && life->first <= o->last;
            if (meet && at < o->offset + o->bytes && o->offset < at + life->bytes) {
                at = o->offset + o->bytes;
                moved = true;
            }
        }
    }
    return at;
}

/* Places one function's scratch; returns its size. */
static uint64_t place_scratch(Plan *plan, PlanFunc *f, uint64_t base) {
    uint32_t n = plan->buffers.n;
    Uses u = {.plan = plan, .func = f};
    u.loads = base_calloc(n, sizeof *u.loads);
    u.first = base_calloc(n, sizeof *u.first);
    u.last = base_calloc(n, sizeof *u.last);
    scan(&u, 1);
    drop_dead_stores(plan, f, u.loads);
    memset(u.first, 0, sizeof *u.first * n);
    scan(&u, 1);
    LifeList lives = {0};
    for (uint32_t b = 1; b < n; b++)
        if (plan->buffers.at[b].is_scratch && u.first[b])
            vec_push(&lives,
                     (Life){b, u.first[b], u.last[b],
                            round_up(plan->buffers.at[b].count * plan_elem_bytes(plan->buffers.at[b].elem)), 0});
    if (lives.n)
        qsort(lives.at, lives.n, sizeof *lives.at, by_size);
    uint64_t size = 0;
    for (uint32_t i = 0; i < lives.n; i++) {
        Life *life = &lives.at[i];
        life->offset = lowest_place(lives.at, i, life);
        plan->buffers.at[life->buffer].offset = base + life->offset;
        if (life->offset + life->bytes > size)
            size = life->offset + life->bytes;
    }
    vec_free(&lives);
    free(u.loads);
    free(u.first);
    free(u.last);
    return size;
}

void plan_lay_out(Plan *plan) {
    uint64_t base = 0, scratch = 0;
    for (uint32_t b = 1; b < plan->buffers.n; b++) {
        PlanBuffer *buffer = &plan->buffers.at[b];
        if (buffer->is_data || buffer->is_scratch)
            continue;
        buffer->offset = base;
        base += round_up(buffer->count * plan_elem_bytes(buffer->elem));
    }
    for (uint32_t k = 0; k < plan->funcs.n; k++) {
        uint64_t size = place_scratch(plan, plan->funcs.at[k], base);
        scratch = size > scratch ? size : scratch;
    }
    plan->memory = base + scratch;
}
