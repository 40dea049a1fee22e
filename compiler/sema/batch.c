/* batch — definitions over all rows of the data, of which a step reads those of its minibatch, or of a part of
 * a split. Needs: the joined terms. Gives: the same terms, reading definitions over the slots of the minibatch
 * (or part) instead.
 *
 * `let h[n, j] = …` over the rows n is a definition of all rows; under `mean[n in batch]` it is read at
 * h[rows[b], j]. Such a read becomes h'[b, j] with h'[b, j] = h's body at n = rows[b], and so on into what
 * that body reads. What moves with nothing but the data is left as it is: it is computed once. */
#include "run.h"

typedef struct Key {
    IrDef def, rows;
    uint32_t axis;
} Key;

typedef struct Restrict {
    Join *j;
    Sema *s;
    VEC(IrDef) plain;   /* by definition: itself with its body rewritten; 0: not yet */
    VEC(IrDef) rows;    /* the lists of rows: the minibatch, the parts of splits */
    VEC(Key) keys;      /* what is read at the rows of a list … */
    VEC(IrDef) slots;   /* … and the definition over the slots of that list in its place */
} Restrict;

static IrTerm restrict_term(Restrict *r, IrTerm t);

/* ---- what changes from step to step ---- */

static bool is_drawn(const Sema *s, IrDef d) {
    for (uint32_t k = 0; k < s->drawn.n; k++)
        if (s->drawn.at[k].s == d) return true;
    return false;
}

static bool moves_by_itself(Restrict *r, IrDef d) {
    switch (ir_def(r->s->ir, d)->role) {
    case IR_ROLE_COORD:
    case IR_ROLE_VELOCITY:
    case IR_ROLE_MOMENTUM:
    case IR_ROLE_TIME:
    case IR_ROLE_STEP: return true;
    case IR_ROLE_STATE: return !is_drawn(r->s, d);
    case IR_ROLE_NONE:
    case IR_ROLE_DATA:
    case IR_ROLE_BATCH:
    case IR_ROLE_HYPER:
    case IR_ROLE_SEED:
    case IR_ROLE_OUTPUT:
    case IR_ROLE_BOUND:
    case IR_ROLE_UNKNOWN: return false;
    }
    return false;
}

static bool changes(Restrict *r, IrTerm read) {
    if (sema_draws(r->s, read)) return true;
    uint32_t n = ir_def_count(r->s->ir);
    uint8_t *mark = base_calloc(n + 1, 1);
    ir_reach(r->s->ir, read, mark);
    bool moves = false;
    for (IrDef d = 1; d <= n && !moves; d++)
        moves = mark[d] && ir_def(r->s->ir, d)->kind == IR_DEF_INPUT && moves_by_itself(r, d);
    free(mark);
    return moves;
}

/* ---- rewriting ---- */

/* The body of an EXPR definition over new indices; axis `slot` runs over the slots of `rows` (slot = rank:
 * none does). */
static IrDef rebuild(Restrict *r, IrDef d, uint32_t slot, IrDef rows) {
    IrProgram *p = r->s->ir;
    IrDefInfo info = *ir_def(p, d);
    IrIdx from[IR_MAX_RANK], axes[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK];
    for (uint32_t k = 0; k < info.rank; k++) {
        uint64_t extent = k == slot ? ir_def(p, rows)->extent[0] : info.extent[k];
        from[k] = ir_axis(p, k, info.extent[k]);
        axes[k] = ir_fresh(p, extent, ir_axis_name(p, d, k));
        to[k] = ir_idx(p, axes[k]);
        if (k == slot) to[k] = ir_read(p, rows, &to[k], 1);
    }
    IrTerm body = restrict_term(r, info.body);
    if (body == info.body && slot == info.rank) return d;
    body = ir_subst(p, body, from, to, info.rank);
    if (slot < info.rank) body = restrict_term(r, body);
    Span before = ir_at(p, info.span);
    IrDef out = ir_define(p, info.name, info.elem, axes, info.rank, body);
    if (info.flex && !info.rank && ir_def(p, out)->kind == IR_DEF_EXPR) ir_mark_flex(p, out);
    ir_at(p, before);
    return out;
}

static bool reads_rows(Restrict *r, IrDef d) {
    bool reads = false;
    for (uint32_t k = 0; k < r->rows.n && !reads; k++) reads = ir_def_depends(r->s->ir, d, r->rows.at[k]);
    return reads;
}

static IrDef plain(Restrict *r, IrDef d) {
    while (r->plain.n <= d) vec_push(&r->plain, 0);
    if (r->plain.at[d]) return r->plain.at[d];
    r->plain.at[d] = d;
    IrDefInfo info = *ir_def(r->s->ir, d);
    if (info.kind != IR_DEF_EXPR || !reads_rows(r, d)) return d;
    IrDef out = rebuild(r, d, info.rank, 0);
    r->plain.at[d] = out;
    return out;
}

static IrDef over_slots(Restrict *r, IrDef d, uint32_t axis, IrDef rows) {
    for (uint32_t k = 0; k < r->keys.n; k++) {
        const Key *key = &r->keys.at[k];
        if (key->def == d && key->axis == axis && key->rows == rows) return r->slots.at[k];
    }
    IrDef out = rebuild(r, d, axis, rows);
    vec_push(&r->keys, (Key){d, rows, axis});
    vec_push(&r->slots, out);
    return out;
}

/* The slot when the subscript is a row of a list of rows, rows[b]. */
static IrTerm slot_of(Restrict *r, IrTerm sub, IrDef *rows) {
    const IrNode *node = ir_node(r->s->ir, sub);
    *rows = 0;
    for (uint32_t k = 0; node->op == IR_READ && k < r->rows.n; k++)
        if (node->arg[0] == r->rows.at[k]) *rows = r->rows.at[k];
    if (!*rows) return 0;
    IrTerm slot = ir_read_subs(r->s->ir, sub)[0];
    return ir_node(r->s->ir, slot)->op == IR_INDEX ? slot : 0;
}

static IrTerm map_read(IrProgram *p, void *context, IrTerm read) {
    Restrict *r = context;
    IrTerm subs[IR_MAX_RANK];
    IrDef d = ir_node(p, read)->arg[0];
    uint32_t rank = ir_def(p, d)->rank;
    memcpy(subs, ir_read_subs(p, read), sizeof *subs * rank);
    d = plain(r, d);
    for (uint32_t k = 0; k < rank; k++) {
        IrDef rows;
        IrTerm slot = ir_def(p, d)->kind == IR_DEF_EXPR ? slot_of(r, subs[k], &rows) : 0;
        if (!slot || !changes(r, read)) continue;
        d = over_slots(r, d, k, rows);
        subs[k] = slot;
        break;
    }
    return ir_read(p, d, subs, rank);
}

static IrTerm restrict_term(Restrict *r, IrTerm t) { return t ? ir_map_reads(r->s->ir, t, map_read, r) : 0; }

static void restrict_def(Restrict *r, IrDef *d) {
    if (*d) *d = plain(r, *d);
}

void join_restrict(Join *j) {
    Restrict r = {.j = j, .s = j->s};
    if (j->run->batch) vec_push(&r.rows, j->run->batch);
    for (uint32_t k = 0; k < j->s->data.n; k++)
        if (j->s->data.at[k].part) vec_push(&r.rows, j->s->data.at[k].def);
    if (!r.rows.n) return;
    SemaTerm *terms[] = {&j->out->lagrangian, &j->out->kinetic, &j->out->potential, &j->out->dissipation};
    uint32_t n = ir_def_count(j->s->ir);
    uint8_t *mark = base_calloc(n + 1, 1);
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++)
        if (terms[k]->term) ir_reach(j->s->ir, terms[k]->term, mark);
    for (IrDef d = 1; d <= n; d++)
        if (mark[d]) plain(&r, d); /* in order, so that nothing recurses far */
    free(mark);
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++)
        terms[k]->term = restrict_term(&r, terms[k]->term);
    for (uint32_t k = 0; j->out->pushes && k < j->out->n_bodies; k++)
        j->out->pushes[k].value = restrict_term(&r, j->out->pushes[k].value);
    for (uint32_t k = 0; k < j->states.n; k++) {
        j->states.at[k].rate = restrict_term(&r, j->states.at[k].rate);
        j->states.at[k].next = restrict_term(&r, j->states.at[k].next);
    }
    for (uint32_t k = 0; k < j->records.n; k++) restrict_def(&r, &j->records.at[k].value);
    vec_free(&r.plain);
    vec_free(&r.rows);
    vec_free(&r.keys);
    vec_free(&r.slots);
}
