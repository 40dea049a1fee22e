/* program — storage: growable arrays of nodes, indices and index sets, each interned. Nothing here folds. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#define UNION_CACHE 4096

IrProgram *ir_new(Session *session) {
    IrProgram *p = base_calloc(1, sizeof *p);
    p->session = session;
    vec_reserve(&p->subs, 64); /* so that an empty list of subscripts or indices points somewhere */
    vec_reserve(&p->set_pool, 64);
    p->arena = arena_new();
    vec_push(&p->nodes, (IrNode){0});
    vec_push(&p->indices, (IrIndex){0});
    vec_push(&p->sets, (SetInfo){0});
    vec_push(&p->defs, (IrDefInfo){0});
    vec_push(&p->axis_names, NULL);
    p->unions = base_calloc(UNION_CACHE, sizeof *p->unions);
    return p;
}

void ir_free(IrProgram *p) {
    if (!p)
        return;
    for (uint32_t k = 0; k < p->depends.n; k++) {
        free(p->depends.at[k]->on);
        free(p->depends.at[k]->mark);
        vec_free(&p->depends.at[k]->terms);
        vec_free(&p->depends.at[k]->defs);
        free(p->depends.at[k]);
    }
    vec_free(&p->depends);
    vec_free(&p->depend_of);
    vec_free(&p->asked);
    vec_free(&p->scans);
    vec_free(&p->scan_watch);
    vec_free(&p->reach.stored);
    free(p->reach.mark);
    free(p->reach.root);
    vec_free(&p->nodes);
    vec_free(&p->subs);
    vec_free(&p->indices);
    vec_free(&p->sets);
    vec_free(&p->set_pool);
    vec_free(&p->defs);
    vec_free(&p->axis_names);
    vec_free(&p->roots);
    free(p->term_table.at);
    free(p->index_table.at);
    free(p->set_table.at);
    free(p->def_table.at);
    free(p->unions);
    arena_free(p->arena);
    free(p);
}

Session *ir_session(const IrProgram *p) { return p->session; }
Arena *ir_arena(const IrProgram *p) { return p->arena; }
const IrNode *ir_node(const IrProgram *p, IrTerm t) { return &p->nodes.at[t]; }
const IrDefInfo *ir_def(const IrProgram *p, IrDef d) { return &p->defs.at[d]; }
const IrIndex *ir_index(const IrProgram *p, IrIdx i) { return &p->indices.at[i]; }
uint32_t ir_def_count(const IrProgram *p) { return p->defs.n - 1; }
uint32_t ir_term_count(const IrProgram *p) { return p->nodes.n - 1; }

const IrTerm *ir_read_subs(const IrProgram *p, IrTerm read) { return p->subs.at + p->nodes.at[read].arg[1]; }

Span ir_at(IrProgram *p, Span span) {
    Span before = p->at;
    p->at = span;
    return before;
}

/* ---- tables -------------------------------------------------------------------------------------------- */

void table_grow(const IrProgram *p, Table *table, TableHash hash) {
    uint32_t cap = table->cap ? table->cap * 2 : 256;
    uint32_t *at = base_calloc(cap, sizeof *at);
    for (uint32_t k = 0; k < table->cap; k++) {
        if (!table->at[k])
            continue;
        uint32_t place = (uint32_t)hash(p, table->at[k]) & (cap - 1);
        while (at[place])
            place = (place + 1) & (cap - 1);
        at[place] = table->at[k];
    }
    free(table->at);
    table->at = at;
    table->cap = cap;
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static uint64_t read_hash(uint64_t h, const IrTerm *subs, uint32_t n) {
    for (uint32_t k = 0; k < n; k++)
        h = mix(h, subs[k]);
    return h;
}

static uint32_t node_tag(const IrNode *n, const IrTerm *subs) {
    uint64_t h = mix(n->op | (uint64_t)n->type << 16, n->arg[0]);
    return (uint32_t)(n->op == IR_READ ? read_hash(h, subs, n->arg[2]) : mix(mix(h, n->arg[1]), n->arg[2]));
}

static void term_table_grow(TermTable *table) {
    TermTable grown = {.n = table->n, .cap = table->cap ? table->cap * 2 : 1024};
    grown.at = base_calloc(grown.cap, sizeof *grown.at);
    for (uint32_t k = 0; k < table->cap; k++) {
        if (!table->at[k].term)
            continue;
        uint32_t place = table->at[k].tag & (grown.cap - 1);
        while (grown.at[place].term)
            place = (place + 1) & (grown.cap - 1);
        grown.at[place] = table->at[k];
    }
    free(table->at);
    *table = grown;
}

static bool node_same(const IrProgram *p, const IrNode *n, const IrNode *want, const IrTerm *subs) {
    if (n->op != want->op || n->type != want->type || n->arg[0] != want->arg[0] || n->arg[2] != want->arg[2])
        return false;
    if (want->op != IR_READ)
        return n->arg[1] == want->arg[1];
    return !want->arg[2] || !memcmp(p->subs.at + n->arg[1], subs, want->arg[2] * sizeof *subs);
}

/* The place of a node equal to `want` (a READ with subscripts `subs`), or of the hole where it goes, tagged.
 */
static TermSlot *node_place(IrProgram *p, const IrNode *want, const IrTerm *subs) {
    TermTable *table = &p->term_table;
    if (2 * (table->n + 1) > table->cap)
        term_table_grow(table);
    uint32_t tag = node_tag(want, subs), place = tag & (table->cap - 1);
    for (; table->at[place].term; place = (place + 1) & (table->cap - 1))
        if (table->at[place].tag == tag && node_same(p, &p->nodes.at[table->at[place].term], want, subs))
            return &table->at[place];
    table->at[place].tag = tag;
    return &table->at[place];
}

IrTerm term_lookup(const IrProgram *p, IrTerm t) {
    const IrNode *n = &p->nodes.at[t];
    return node_place((IrProgram *)p, n, n->op == IR_READ ? p->subs.at + n->arg[1] : NULL)->term;
}

static IrTerm node_add(IrProgram *p, TermSlot *place, IrNode node) {
    node.span = p->at;
    IrTerm t = p->nodes.n;
    vec_push(&p->nodes, node);
    place->term = t;
    p->term_table.n++;
    return t;
}

IrTerm raw_node(IrProgram *p, IrOp op, IrType type, IrTerm a, IrTerm b, IrTerm c) {
    IrNode node = {.op = (uint16_t)op, .type = (uint8_t)type, .arg = {a, b, c}};
    TermSlot *place = node_place(p, &node, NULL);
    if (place->term)
        return place->term;
    if (op == IR_INDEX) {
        node.free = set_one(p, a);
        return node_add(p, place, node);
    }
    if (op != IR_CONST) {
        for (int k = op == IR_DRAW ? 2 : 0; k < 3; k++) {
            if (!node.arg[k])
                continue;
            const IrNode *operand = &p->nodes.at[node.arg[k]];
            if (operand->height > node.height)
                node.height = operand->height;
            node.free = set_union(p, node.free, operand->free);
        }
    }
    return node_add(p, place, node);
}

IrTerm raw_const(IrProgram *p, IrType type, uint64_t bits) {
    return raw_node(p, IR_CONST, type, (uint32_t)bits, (uint32_t)(bits >> 32), 0);
}

static IrType def_type(const IrProgram *p, IrDef d) {
    const IrDefInfo *info = &p->defs.at[d];
    switch (info->elem) {
    case IR_F64:
    case IR_F32: return IR_REAL;
    case IR_I64:
    case IR_I32: return IR_INT;
    case IR_U8: break;
    }
    bool is_bool = info->kind == IR_DEF_EXPR && type_of(p, info->body) == IR_BOOL;
    return is_bool ? IR_BOOL : IR_INT;
}

IrTerm ir_read(IrProgram *p, IrDef d, const IrTerm *subs, uint32_t n) {
    const IrDefInfo *info = &p->defs.at[d];
    if (info->kind == IR_DEF_EXPR && !info->name && is_op(p, info->body, IR_CONST))
        return info->body;
    IrTerm own[IR_MAX_RANK] = {0}; /* subs may point into p->subs, which moves */
    IrNode node = {.op = IR_READ, .type = (uint8_t)def_type(p, d), .arg = {d, 0, n}};
    for (uint32_t k = 0; k < n; k++)
        own[k] = subs[k];
    TermSlot *place = node_place(p, &node, own);
    if (place->term)
        return place->term;
    node.arg[1] = p->subs.n;
    for (uint32_t k = 0; k < n; k++) {
        const IrNode *sub = &p->nodes.at[own[k]];
        if (sub->height > node.height)
            node.height = sub->height;
        node.free = set_union(p, node.free, sub->free);
        vec_push(&p->subs, own[k]);
    }
    return node_add(p, place, node);
}

IrTerm ir_read0(IrProgram *p, IrDef d) { return ir_read(p, d, NULL, 0); }

IrTerm ir_read_whole(IrProgram *p, IrDef d) {
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = p->defs.at[d].rank;
    for (uint32_t k = 0; k < rank; k++)
        subs[k] = ir_idx(p, ir_axis(p, k, p->defs.at[d].extent[k]));
    return ir_read(p, d, subs, rank);
}

IrTerm raw_reduce(IrProgram *p, IrOp op, IrIdx bound, IrTerm guard, IrTerm body) {
    IrType type = op == IR_ARGMAX || op == IR_ARGMIN ? IR_INT : type_of(p, body);
    IrNode node = {.op = (uint16_t)op, .type = (uint8_t)type, .arg = {bound, guard, body}};
    TermSlot *place = node_place(p, &node, NULL);
    if (place->term)
        return place->term;
    node.height = (uint8_t)(p->indices.at[bound].number + 1);
    node.free = p->nodes.at[body].free;
    if (guard)
        node.free = set_union(p, node.free, p->nodes.at[guard].free);
    node.free = set_without(p, node.free, bound);
    return node_add(p, place, node);
}

IrTerm ir_draw(IrProgram *p, IrDrawKind kind, uint32_t site, IrTerm position) {
    return raw_node(p, IR_DRAW, IR_REAL, kind, site, position);
}

/* ---- indices ------------------------------------------------------------------------------------------- */

static uint64_t index_hash(const IrProgram *p, uint32_t i) {
    const IrIndex *x = &p->indices.at[i];
    return mix(mix(x->kind, x->number), x->extent);
}

static IrIdx index_intern(IrProgram *p, IrIndex want) {
    Table *table = &p->index_table;
    if (2 * (table->n + 1) > table->cap)
        table_grow(p, table, index_hash);
    uint32_t place = (uint32_t)mix(mix(want.kind, want.number), want.extent) & (table->cap - 1);
    for (; table->at[place]; place = (place + 1) & (table->cap - 1)) {
        const IrIndex *x = &p->indices.at[table->at[place]];
        if (x->kind == want.kind && x->number == want.number && x->extent == want.extent)
            return table->at[place];
    }
    IrIdx i = p->indices.n;
    vec_push(&p->indices, want);
    table->at[place] = i;
    table->n++;
    return i;
}

IrIdx ir_axis(IrProgram *p, uint32_t position, uint64_t extent) {
    return index_intern(p, (IrIndex){.kind = IR_AXIS, .number = position, .extent = extent});
}

IrIdx index_bound(IrProgram *p, uint32_t level, uint64_t extent, Name name) {
    return index_intern(p, (IrIndex){.kind = IR_BOUND, .number = level, .extent = extent, .name = name});
}

IrIdx ir_fresh(IrProgram *p, uint64_t extent, Name name) {
    IrIdx i = p->indices.n;
    vec_push(&p->indices,
             (IrIndex){.kind = IR_FRESH, .number = p->next_fresh++, .extent = extent, .name = name});
    return i;
}

/* ---- sets ---------------------------------------------------------------------------------------------- */

static uint64_t members_hash(const IrIdx *at, uint32_t n) {
    uint64_t h = n;
    for (uint32_t k = 0; k < n; k++)
        h = mix(h, at[k]);
    return h;
}

static uint64_t set_hash(const IrProgram *p, uint32_t set) {
    return members_hash(p->set_pool.at + p->sets.at[set].first, p->sets.at[set].n);
}

static IrSet set_intern(IrProgram *p, const IrIdx *at, uint32_t n) {
    if (!n)
        return 0;
    Table *table = &p->set_table;
    if (2 * (table->n + 1) > table->cap)
        table_grow(p, table, set_hash);
    uint32_t place = (uint32_t)members_hash(at, n) & (table->cap - 1);
    for (; table->at[place]; place = (place + 1) & (table->cap - 1)) {
        SetInfo *s = &p->sets.at[table->at[place]];
        if (s->n == n && !memcmp(p->set_pool.at + s->first, at, n * sizeof *at))
            return table->at[place];
    }
    SetInfo info = {p->set_pool.n, n};
    for (uint32_t k = 0; k < n; k++)
        vec_push(&p->set_pool, at[k]);
    IrSet set = p->sets.n;
    vec_push(&p->sets, info);
    table->at[place] = set;
    table->n++;
    return set;
}

IrSet set_one(IrProgram *p, IrIdx i) { return set_intern(p, &i, 1); }

const IrIdx *ir_set(const IrProgram *p, IrSet set, uint32_t *n) {
    *n = p->sets.at[set].n;
    return p->set_pool.at + p->sets.at[set].first;
}

IrSet set_union(IrProgram *p, IrSet a, IrSet b) {
    if (!a || a == b)
        return b;
    if (!b)
        return a;
    if (a > b) {
        IrSet swap = a;
        a = b;
        b = swap;
    }
    UnionEntry *cached = &p->unions[mix(a, b) & (UNION_CACHE - 1)];
    if (cached->a == a && cached->b == b)
        return cached->result;
    SetInfo x = p->sets.at[a], y = p->sets.at[b];
    IrIdx *merged = base_realloc(NULL, sizeof(IrIdx) * (x.n + y.n));
    uint32_t n = 0, i = 0, j = 0;
    while (i < x.n || j < y.n) {
        IrIdx u = i < x.n ? p->set_pool.at[x.first + i] : UINT32_MAX;
        IrIdx v = j < y.n ? p->set_pool.at[y.first + j] : UINT32_MAX;
        merged[n++] = u < v ? u : v;
        i += u <= v;
        j += v <= u;
    }
    IrSet result = set_intern(p, merged, n);
    free(merged);
    *cached = (UnionEntry){a, b, result};
    return result;
}

bool ir_set_has(const IrProgram *p, IrSet set, IrIdx i) {
    SetInfo s = p->sets.at[set];
    for (uint32_t k = 0; k < s.n; k++)
        if (p->set_pool.at[s.first + k] == i)
            return true;
    return false;
}

IrSet set_without(IrProgram *p, IrSet set, IrIdx i) {
    if (!ir_set_has(p, set, i))
        return set;
    SetInfo s = p->sets.at[set];
    IrIdx *rest = base_realloc(NULL, sizeof(IrIdx) * s.n);
    uint32_t n = 0;
    for (uint32_t k = 0; k < s.n; k++)
        if (p->set_pool.at[s.first + k] != i)
            rest[n++] = p->set_pool.at[s.first + k];
    IrSet result = set_intern(p, rest, n);
    free(rest);
    return result;
}

bool set_meets(const IrProgram *p, IrSet set, const IrIdx *idx, uint32_t n) {
    if (!set)
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (ir_set_has(p, set, idx[k]))
            return true;
    return false;
}

bool ir_uses_index(const IrProgram *p, IrTerm t, IrIdx i) { return ir_set_has(p, p->nodes.at[t].free, i); }

uint32_t free_count(const IrProgram *p, IrTerm t) { return p->sets.at[p->nodes.at[t].free].n; }
