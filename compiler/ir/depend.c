/* depend — what a term reaches, and whether it depends on a definition.
 *
 * Two ways to answer, both kept: a table of all terms for one definition asked about, extended as terms are
 * made; and everything one term reaches, for many definitions asked about in turn. Which one pays shows in
 * the questions: a definition asked about again and again gets its table. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a term reaches ------------------------------------------------------------------------------- */

/* Calls visit for every definition t reads directly, each term once. */
static void each_read(const IrProgram *p, IrTerm t, uint8_t *term_seen, void (*visit)(void *, IrDef),
                      void *context) {
    VEC(IrTerm) stack = {0};
    IrTerm operands[IR_MAX_RANK];
    if (!t)
        return;
    vec_push(&stack, t);
    while (stack.n) {
        IrTerm u = vec_pop(&stack);
        if (term_seen[u >> 3] & (1u << (u & 7)))
            continue;
        term_seen[u >> 3] |= (uint8_t)(1u << (u & 7));
        if (is_op(p, u, IR_READ))
            visit(context, arg_of(p, u, 0));
        uint32_t n = ir_operands(p, u, operands);
        for (uint32_t k = 0; k < n; k++)
            vec_push(&stack, operands[k]);
    }
    vec_free(&stack);
}

enum { REACHED = 1, REACHED_NOW = 2 }; /* its operands are reached too; they are not looked at yet */

typedef struct Reach {
    uint8_t *mark, *seen;
    IrDef last;       /* largest definition to look at */
    uint32_t pending; /* how many there are */
    IrInto into;      /* which parts of a ROOT */
} Reach;

static void reach_one(void *context, IrDef d) {
    Reach *r = context;
    if (!d || r->mark[d])
        return;
    r->mark[d] = REACHED_NOW;
    r->pending++;
    r->last = d > r->last ? d : r->last;
}

static void reach_operands(const IrProgram *p, Reach *r, IrDef d) {
    const IrDefInfo *info = &p->defs.at[d];
    if (info->kind == IR_DEF_EXPR)
        each_read(p, info->body, r->seen, reach_one, r);
    if (info->kind == IR_DEF_VIEW)
        reach_one(r, info->parent);
    for (uint32_t k = 0; k < info->n_pieces; k++)
        reach_one(r, info->pieces[k].def);
    if (info->kind == IR_DEF_ROOT && r->into != IR_INTO_RESIDUAL)
        reach_one(r, info->start);
    if (info->kind == IR_DEF_ROOT && r->into == IR_INTO_START)
        return;
    reach_one(r, info->operand[0]);
    if (r->into == IR_INTO_RESIDUAL && info->kind == IR_DEF_LINALG && (info->linalg == IR_SPECTRAL || info->linalg == IR_NUCLEAR))
        return; /* the polar factor that goes along is nothing their value moves with */
    if (info->kind != IR_DEF_ROOT || r->into == IR_INTO_ALL)
        reach_one(r, info->operand[1]);
    IrDef bound[1 + IR_MAX_LAGS];
    for (uint32_t k = def_bound(info, bound); k-- > 0;)
        reach_one(r, bound[k]);
}

void ir_reach(const IrProgram *p, IrTerm t, uint8_t *mark) { ir_reach_into(p, t, mark, IR_INTO_ALL); }

void ir_reach_into(const IrProgram *p, IrTerm t, uint8_t *mark, IrInto into) {
    Reach r = {.into = into, .mark = mark, .seen = base_calloc((t ? t : p->nodes.n) / 8 + 1, 1)};
    if (t)
        each_read(p, t, r.seen, reach_one, &r);
    for (IrDef d = 1; !t && d < p->defs.n; d++) {
        uint8_t given = mark[d];
        mark[d] = 0;
        if (given)
            reach_one(&r, d);
    }
    for (IrDef d = r.last; r.pending; d--) { /* definitions and terms use smaller ones only */
        if (mark[d] != REACHED_NOW)
            continue;
        mark[d] = REACHED;
        r.pending--;
        reach_operands(p, &r, d);
    }
    free(r.seen);
}

/* ---- dependence ---------------------------------------------------------------------------------------- */

/* Root INPUT and the elements of it that an INPUT or VIEW covers. */
static IrDef storage_of(const IrProgram *p, IrDef d, uint64_t *first, uint64_t *count) {
    *first = 0;
    *count = ir_size(p, d);
    while (p->defs.at[d].kind == IR_DEF_VIEW) {
        *first += p->defs.at[d].offset;
        d = p->defs.at[d].parent;
    }
    return d;
}

static bool bit_get(const uint64_t *bits, uint32_t k) { return bits[k >> 6] >> (k & 63) & 1; }
static void bit_set(uint64_t *bits, uint32_t k) { bits[k >> 6] |= (uint64_t)1 << (k & 63); }

static bool storage_overlaps(const IrProgram *p, IrDef d, IrDef on) {
    uint64_t a, b, n, m;
    return storage_of(p, d, &a, &n) == storage_of(p, on, &b, &m) && a < b + m && b < a + n;
}

static bool is_stored(const IrProgram *p, IrDef d) {
    return p->defs.at[d].kind == IR_DEF_INPUT || p->defs.at[d].kind == IR_DEF_VIEW;
}

enum { MARK_IS = 1, MARK_HOLDS = 2 };

static bool is_asked_about(const DependTable *t, IrDef d) {
    return t->mark ? d < t->n_mark && t->mark[d] & MARK_IS : d == t->on[0];
}

/* Whether what is stored as d shares elements with something asked about. */
static bool meets_storage(const IrProgram *p, const DependTable *t, IrDef d) {
    uint64_t first, count;
    IrDef root = storage_of(p, d, &first, &count);
    bool meets = false;
    if (t->mark && (root >= t->n_mark || !(t->mark[root] & MARK_HOLDS)))
        return false;
    for (uint32_t k = 0; k < t->n_on && !meets; k++)
        meets = is_stored(p, t->on[k]) && storage_overlaps(p, d, t->on[k]);
    return meets;
}

/* What a scan binds has no meaning outside of it: only who asks about another thing is told that the row depends on it. */
static bool scan_depends(const IrProgram *p, const DependTable *t, const IrDefInfo *info) {
    IrDef bound[1 + IR_MAX_LAGS];
    bool own = false;
    (void)p;
    for (uint32_t k = def_bound(info, bound); k-- > 0;)
        own |= is_asked_about(t, bound[k]);
    return (!own && bit_get(t->defs.at, info->operand[0]))
           || (info->operand[1] && bit_get(t->defs.at, info->operand[1]));
}

static bool def_depends_now(const IrProgram *p, const DependTable *t, IrDef d) {
    const IrDefInfo *info = &p->defs.at[d];
    if (is_asked_about(t, d))
        return true;
    switch (info->kind) {
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: return meets_storage(p, t, d);
    case IR_DEF_EXPR: return bit_get(t->terms.at, info->body);
    case IR_DEF_CONCAT:
        for (uint32_t k = 0; k < info->n_pieces; k++)
            if (bit_get(t->defs.at, info->pieces[k].def))
                return true;
        return false;
    case IR_DEF_LINALG:
        return bit_get(t->defs.at, info->operand[0])
               || (info->operand[1] && bit_get(t->defs.at, info->operand[1]));
    case IR_DEF_SCAN: return scan_depends(p, t, info);
    case IR_DEF_ROOT: /* its own unknown is nothing it depends on */
        if (bit_get(t->defs.at, info->start))
            return true;
        return !is_asked_about(t, info->unknown)
               && (bit_get(t->defs.at, info->operand[0]) || bit_get(t->defs.at, info->operand[1]));
    }
    return false;
}

static void bits_extend(Bits *v, uint32_t bits) {
    while (v->n * 64 <= bits)
        vec_push(v, 0);
}

/* Extends the table to all terms and definitions there are: operands come first, and a definition is complete
 * before a term can read it. */
static void depend_extend(IrProgram *p, DependTable *t) {
    IrTerm operands[IR_MAX_RANK];
    bits_extend(&t->terms, p->nodes.n);
    bits_extend(&t->defs, p->defs.n);
    for (IrTerm u = t->n_terms; u < p->nodes.n; u++) {
        bool depends = false;
        if (is_op(p, u, IR_READ)) {
            for (IrDef d = arg_of(p, u, 0); t->n_defs <= d; t->n_defs++)
                if (t->n_defs && def_depends_now(p, t, t->n_defs))
                    bit_set(t->defs.at, t->n_defs);
            depends = bit_get(t->defs.at, arg_of(p, u, 0));
        }
        uint32_t n = ir_operands(p, u, operands);
        for (uint32_t k = 0; k < n && !depends; k++)
            depends = bit_get(t->terms.at, operands[k]);
        if (depends)
            bit_set(t->terms.at, u);
    }
    t->n_terms = p->nodes.n;
    for (; t->n_defs < p->defs.n; t->n_defs++)
        if (t->n_defs && def_depends_now(p, t, t->n_defs))
            bit_set(t->defs.at, t->n_defs);
}

/* ---- many definitions at once ----------------------------------------------------------------------------- */

/* Marks the INPUTs and VIEWs that share elements with a marked one. Where every element of an INPUT is marked
 * its views follow without a look at the ranges. */
static void spread_storage(const IrProgram *p, uint8_t *mark) {
    VEC(IrDef) stored = {0};
    uint64_t first, count;
    for (IrDef d = 1; d < p->defs.n; d++)
        if (mark[d] && p->defs.at[d].kind == IR_DEF_VIEW)
            vec_push(&stored, d);
    uint8_t *partly = base_calloc(p->defs.n, 1); /* INPUTs a view of which is marked */
    for (uint32_t k = 0; k < stored.n; k++)
        partly[storage_of(p, stored.at[k], &first, &count)] = 1;
    for (IrDef d = 1; d < p->defs.n; d++) {
        IrDefKind kind = p->defs.at[d].kind;
        if (mark[d] || (kind != IR_DEF_INPUT && kind != IR_DEF_VIEW))
            continue;
        IrDef root = storage_of(p, d, &first, &count);
        mark[d] = root != d && mark[root];
        for (uint32_t k = 0; partly[root] && k < stored.n && !mark[d]; k++)
            mark[d] = storage_overlaps(p, d, stored.at[k]);
    }
    free(partly);
    vec_free(&stored);
}

void ir_spread(const IrProgram *p, uint8_t *mark) {
    IrTerm operands[IR_MAX_RANK];
    uint64_t *moved = base_calloc(p->nodes.n / 64 + 1, sizeof *moved);
    IrTerm next = 1;
    spread_storage(p, mark);
    for (IrDef d = 1; d < p->defs.n; d++) { /* definitions use smaller terms and definitions only */
        const IrDefInfo *info = &p->defs.at[d];
        for (; info->kind == IR_DEF_EXPR && next <= info->body; next++) {
            bool depends = is_op(p, next, IR_READ) && mark[arg_of(p, next, 0)];
            uint32_t n = ir_operands(p, next, operands);
            for (uint32_t k = 0; k < n && !depends; k++)
                depends = bit_get(moved, operands[k]);
            if (depends)
                bit_set(moved, next);
        }
        if (info->kind == IR_DEF_EXPR)
            mark[d] |= bit_get(moved, info->body);
        for (uint32_t k = 0; k < info->n_pieces; k++)
            mark[d] |= mark[info->pieces[k].def];
        if (info->kind == IR_DEF_ROOT) {
            bool bound = mark[info->unknown];
            mark[d] |= mark[info->start] || (!bound && (mark[info->operand[0]] || mark[info->operand[1]]));
            continue;
        }
        for (int k = 0; k < 2; k++)
            mark[d] |= info->operand[k] && mark[info->operand[k]];
    }
    free(moved);
}

/* ---- one term, many questions -------------------------------------------------------------------------- */

static void reach_def(void *context, IrDef d) {
    ReachCache *c = context;
    c->mark[d] = 1;
}

/* Marks what t reaches, a view not counting as its parent; and the roots of what is stored. */
static void reach_compute(IrProgram *p, ReachCache *c, IrTerm t) {
    uint8_t *seen = base_calloc(p->nodes.n / 8 + 1, 1);
    c->term = t;
    c->n = p->defs.n;
    c->mark = base_realloc(c->mark, c->n);
    c->root = base_realloc(c->root, c->n);
    memset(c->mark, 0, c->n);
    memset(c->root, 0, c->n);
    c->stored.n = 0;
    each_read(p, t, seen, reach_def, c);
    for (IrDef d = c->n - 1; d > 0; d--) {
        const IrDefInfo *info = &p->defs.at[d];
        uint64_t first, count;
        if (!c->mark[d])
            continue;
        switch (info->kind) {
        case IR_DEF_INPUT:
        case IR_DEF_VIEW:
            c->root[storage_of(p, d, &first, &count)] = 1;
            vec_push(&c->stored, d);
            break;
        case IR_DEF_EXPR: each_read(p, info->body, seen, reach_def, c); break;
        case IR_DEF_CONCAT:
            for (uint32_t k = 0; k < info->n_pieces; k++)
                c->mark[info->pieces[k].def] = 1;
            break;
        case IR_DEF_LINALG:
        case IR_DEF_SCAN:
            c->mark[info->operand[0]] = 1;
            if (info->operand[1])
                c->mark[info->operand[1]] = 1;
            break;
        case IR_DEF_ROOT:
            c->mark[info->operand[0]] = c->mark[info->operand[1]] = c->mark[info->start] = 1;
            break;
        }
    }
    free(seen);
}

static bool reach_answer(const IrProgram *p, const ReachCache *c, IrDef on) {
    uint64_t first, count;
    IrDefKind kind = p->defs.at[on].kind;
    if (on < c->n && c->mark[on])
        return true;
    if (kind != IR_DEF_INPUT && kind != IR_DEF_VIEW)
        return false;
    IrDef root = storage_of(p, on, &first, &count);
    if (root >= c->n || !c->root[root])
        return false;
    for (uint32_t k = 0; k < c->stored.n; k++)
        if (storage_overlaps(p, c->stored.at[k], on))
            return true;
    return false;
}

/* ---- answers ------------------------------------------------------------------------------------------- */

#define PATIENCE 8 /* questions about one definition before it gets a table */

static bool has_table(IrProgram *p, IrDef on) {
    while (p->depend_of.n < p->defs.n)
        vec_push(&p->depend_of, 0);
    while (p->asked.n < p->defs.n)
        vec_push(&p->asked, 0);
    return p->depend_of.at[on] != 0;
}

uint32_t ir_watch(IrProgram *p, const IrDef *on, uint32_t n) {
    DependTable *t = base_calloc(1, sizeof *t);
    uint64_t first, count;
    t->on = base_calloc(n + 1, sizeof *t->on);
    t->n_on = n;
    memcpy(t->on, on, n * sizeof *on);
    if (n != 1) {
        t->n_mark = p->defs.n;
        t->mark = base_calloc(t->n_mark, 1);
    }
    for (uint32_t k = 0; k < n && t->mark; k++) {
        t->mark[on[k]] |= MARK_IS;
        t->mark[storage_of(p, on[k], &first, &count)] |= MARK_HOLDS;
    }
    vec_push(&p->depends, t);
    return p->depends.n;
}

bool ir_depends_watched(IrProgram *p, IrTerm t, uint32_t watch) {
    DependTable *table = p->depends.at[watch - 1];
    if (t && (table->n_terms < p->nodes.n || table->n_defs < p->defs.n))
        depend_extend(p, table);
    return t && bit_get(table->terms.at, t);
}

static DependTable *depend_table(IrProgram *p, IrDef on) {
    if (!has_table(p, on)) {
        p->depend_of.at[on] = ir_watch(p, &on, 1);
    }
    DependTable *t = p->depends.at[p->depend_of.at[on] - 1];
    if (t->n_terms < p->nodes.n || t->n_defs < p->defs.n)
        depend_extend(p, t);
    return t;
}

bool ir_is_inside(IrProgram *p, IrDef of, IrDef d) {
    uint32_t at = 0;
    if (p->defs.at[of].kind == IR_DEF_ROOT)
        return ir_def_depends(p, d, p->defs.at[of].unknown);
    while (p->scans.at[at] != of)
        at++;
    if (!p->scan_watch.at[at]) {
        IrDef bound[1 + IR_MAX_LAGS];
        uint32_t n = def_bound(&p->defs.at[of], bound);
        p->scan_watch.at[at] = ir_watch(p, bound, n);
    }
    DependTable *t = p->depends.at[p->scan_watch.at[at] - 1];
    if (t->n_terms < p->nodes.n || t->n_defs < p->defs.n)
        depend_extend(p, t);
    return bit_get(t->defs.at, d);
}

bool ir_depends(IrProgram *p, IrTerm t, IrDef on) {
    if (!t)
        return false;
    bool bound = p->defs.at[on].role == IR_ROLE_UNKNOWN; /* whether it is free in t: the table knows */
    if (p->reach.term == t && !bound)
        return reach_answer(p, &p->reach, on);
    if (has_table(p, on) || bound || ++p->asked.at[on] > PATIENCE)
        return bit_get(depend_table(p, on)->terms.at, t);
    reach_compute(p, &p->reach, t);
    return reach_answer(p, &p->reach, on);
}

bool ir_def_depends(IrProgram *p, IrDef d, IrDef on) { return bit_get(depend_table(p, on)->defs.at, d); }
