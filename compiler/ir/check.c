/* check — every invariant of ir.h on a whole program, for tests and debug builds between passes. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

typedef struct Checker {
    const IrProgram *p;
    Buf *out;
    bool ok;
} Checker;

__attribute__((format(printf, 4, 5))) static void wrong(Checker *c, const char *what, uint32_t number,
                                                        const char *format, ...) {
    va_list args;
    char text[256];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(c->out, "%s %u: %s\n", what, number, text);
    c->ok = false;
}

/* ---- terms --------------------------------------------------------------------------------------------- */

static void check_types(Checker *c, IrTerm t) {
    const IrProgram *p = c->p;
    const IrNode *n = node_of(p, t);
    uint32_t arity = ir_op_arity((IrOp)n->op);
    IrType type = (IrType)n->type, last = arity ? type_of(p, n->arg[arity - 1]) : type;
    OpResult result = op_result((IrOp)n->op);
    bool has_bool = false, has_real = false, has_int = false;
    for (uint32_t k = n->op == IR_SELECT ? 1 : 0; k < arity; k++) {
        has_bool |= type_of(p, n->arg[k]) == IR_BOOL;
        has_real |= type_of(p, n->arg[k]) == IR_REAL;
        has_int |= type_of(p, n->arg[k]) == IR_INT;
    }
    bool logic = n->op == IR_AND || n->op == IR_OR || n->op == IR_NOT;
    bool mixed = has_bool + has_real + has_int > 1;
    bool conversion = n->op == IR_TO_REAL || n->op == IR_TO_INT;
    if (mixed || (has_bool && result != RESULT_BOOL && result != RESULT_SAME && !conversion)
        || (logic && (has_real || has_int)))
        wrong(c, "term", t, "operands of %s have types it does not take", ir_op_name((IrOp)n->op));
    IrType want = result == RESULT_REAL   ? IR_REAL
                  : result == RESULT_INT  ? IR_INT
                  : result == RESULT_BOOL ? IR_BOOL
                                          : last;
    if (type != want)
        wrong(c, "term", t, "%s has the wrong type", ir_op_name((IrOp)n->op));
    if (n->op == IR_SELECT && type_of(p, n->arg[0]) != IR_BOOL)
        wrong(c, "term", t, "the condition of select is not BOOL");
}

static void check_read(Checker *c, IrTerm t) {
    const IrProgram *p = c->p;
    const IrNode *n = node_of(p, t);
    if (n->arg[0] == 0 || n->arg[0] >= p->defs.n) {
        wrong(c, "term", t, "reads definition %u, which does not exist", n->arg[0]);
        return;
    }
    if (n->arg[2] != p->defs.at[n->arg[0]].rank)
        wrong(c, "term", t, "%u subscripts where the rank is %u", n->arg[2], p->defs.at[n->arg[0]].rank);
    for (uint32_t k = 0; k < n->arg[2]; k++)
        if (type_of(p, p->subs.at[n->arg[1] + k]) != IR_INT)
            wrong(c, "term", t, "subscript %u is not INT", k);
}

static void check_reduce(Checker *c, IrTerm t) {
    const IrProgram *p = c->p;
    const IrNode *n = node_of(p, t);
    const IrIndex *i = &p->indices.at[n->arg[0]];
    uint8_t height = node_of(p, n->arg[2])->height;
    if (n->arg[1] && node_of(p, n->arg[1])->height > height)
        height = node_of(p, n->arg[1])->height;
    if (i->kind != IR_BOUND)
        wrong(c, "term", t, "reduces over an index that is not BOUND");
    else if (i->number != height)
        wrong(c, "term", t, "binds level %u over a body of height %u", i->number, height);
    if (n->arg[1] && type_of(p, n->arg[1]) != IR_BOOL)
        wrong(c, "term", t, "the guard is not BOOL");
}

/* Height and free set as they follow from the operands. */
static void check_summary(Checker *c, IrTerm t) {
    const IrProgram *p = c->p;
    const IrNode *n = node_of(p, t);
    IrTerm operands[IR_MAX_RANK];
    uint32_t count = ir_operands(p, t, operands), n_free, expected = 0;
    bool reduces = ir_op_is_reduce((IrOp)n->op);
    uint8_t height = 0;
    const IrIdx *set = ir_set(p, n->free, &n_free);
    for (uint32_t k = 1; k < n_free; k++)
        if (set[k - 1] >= set[k])
            wrong(c, "term", t, "its free indices are not sorted");
    VEC(IrIdx) want = {0};
    for (uint32_t k = 0; k < count; k++) {
        if (operands[k] >= t) {
            wrong(c, "term", t, "operand %u is not smaller", operands[k]);
            vec_free(&want);
            return;
        }
        const IrNode *operand = node_of(p, operands[k]);
        height = operand->height > height ? operand->height : height;
        uint32_t m;
        const IrIdx *inner = ir_set(p, operand->free, &m);
        for (uint32_t j = 0; j < m; j++)
            if (!(reduces && inner[j] == n->arg[0]))
                vec_push(&want, inner[j]);
    }
    if (n->op == IR_INDEX)
        vec_push(&want, n->arg[0]);
    for (uint32_t k = 0; k < want.n; k++) {
        bool repeated = false;
        for (uint32_t j = 0; j < k; j++)
            repeated |= want.at[j] == want.at[k];
        expected += !repeated;
        if (!ir_set_has(p, n->free, want.at[k]))
            wrong(c, "term", t, "depends on index %u, which is not in its free set", want.at[k]);
    }
    if (expected != n_free)
        wrong(c, "term", t, "its free set names indices it does not depend on");
    if (reduces)
        height = (uint8_t)(p->indices.at[n->arg[0]].number + 1);
    if (n->height != height)
        wrong(c, "term", t, "height %u where operands make %u", n->height, height);
    vec_free(&want);
}

static void check_term(Checker *c, IrTerm t) {
    const IrNode *n = node_of(c->p, t);
    if (n->op == IR_NONE || n->op >= IR_OP_COUNT) {
        wrong(c, "term", t, "unknown operation %u", n->op);
        return;
    }
    bool before = c->ok;
    c->ok = true;
    check_summary(c, t);
    if (c->ok && n->op == IR_READ)
        check_read(c, t);
    else if (c->ok && ir_op_is_reduce((IrOp)n->op))
        check_reduce(c, t);
    else if (c->ok && ir_op_arity((IrOp)n->op))
        check_types(c, t);
    c->ok &= before;
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static void check_expr(Checker *c, IrDef d, const uint32_t *largest_read) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    if (!info->body || info->body >= p->nodes.n) {
        wrong(c, "definition", d, "has no body");
        return;
    }
    uint32_t n;
    const IrIdx *set = ir_set(p, node_of(p, info->body)->free, &n);
    for (uint32_t k = 0; k < n; k++) {
        const IrIndex *i = &p->indices.at[set[k]];
        if (i->kind != IR_AXIS)
            wrong(c, "definition", d, "%s index %u is free in its body",
                  i->kind == IR_FRESH ? "FRESH" : "BOUND", set[k]);
        else if (i->number >= info->rank || info->extent[i->number] != i->extent)
            wrong(c, "definition", d, "its body uses an axis it does not have");
    }
    IrType type = type_of(p, info->body);
    bool fits = info->elem == IR_F64 || info->elem == IR_F32 ? type == IR_REAL : type != IR_REAL;
    if (!fits)
        wrong(c, "definition", d, "stores elements of another type than its body gives");
    if (largest_read[info->body] >= d)
        wrong(c, "definition", d, "reads definition %u, which is not smaller", largest_read[info->body]);
}

static void check_concat(Checker *c, IrDef d) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    for (uint32_t k = 0; k < info->n_pieces; k++) {
        const IrPiece *piece = &info->pieces[k];
        if (piece->def == 0 || piece->def >= d) {
            wrong(c, "definition", d, "piece %u is not a smaller definition", k);
            continue;
        }
        const IrDefInfo *of = &p->defs.at[piece->def];
        bool fits = info->rank == 1 ? piece->at[0] + ir_size(p, piece->def) <= info->extent[0]
                                    : of->rank == 2 && piece->at[0] + of->extent[0] <= info->extent[0]
                                          && piece->at[1] + of->extent[1] <= info->extent[1];
        if (!fits)
            wrong(c, "definition", d, "piece %u does not fit", k);
    }
}

static void check_linalg(Checker *c, IrDef d) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    IrDef a = info->operand[0], b = info->operand[1];
    if (!a || a >= d || b >= d) {
        wrong(c, "definition", d, "its operands are not smaller definitions");
        return;
    }
    const IrDefInfo *m = &p->defs.at[a];
    bool is_singular = info->linalg >= IR_POLAR, solves = info->linalg >= IR_SOLVE && info->linalg <= IR_SOLVE_LOWER_T;
    if (m->rank != 2 || (m->extent[0] != m->extent[1] && !is_singular))
        wrong(c, "definition", d, "its matrix is not square");
    if ((solves || info->linalg == IR_SPECTRAL || info->linalg == IR_NUCLEAR) != (b != 0))
        wrong(c, "definition", d, "it has the wrong number of operands");
    if (b && (p->defs.at[b].rank < 1 || p->defs.at[b].rank > 2 || p->defs.at[b].extent[0] != m->extent[0]))
        wrong(c, "definition", d, "its right side does not fit the matrix");
}

static void check_scan(Checker *c, IrDef d) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    IrDef row = info->operand[0], start = info->operand[1];
    if (!row || row >= d || start >= d || !info->rank || info->lags > IR_MAX_LAGS) {
        wrong(c, "definition", d, "its row and start are not smaller definitions");
        return;
    }
    const IrDefInfo *r = &p->defs.at[row];
    size_t bytes = sizeof *r->extent * r->rank;
    if (r->rank + 1 != info->rank || r->elem != info->elem || memcmp(r->extent, info->extent + 1, bytes))
        wrong(c, "definition", d, "its row is of another shape");
    if ((start != 0) != (info->lags != 0) || info->lags > info->extent[0])
        wrong(c, "definition", d, "its start does not fit its lags");
    if (start && (p->defs.at[start].rank != info->rank || p->defs.at[start].extent[0] != info->lags
                  || memcmp(p->defs.at[start].extent + 1, info->extent + 1, bytes)))
        wrong(c, "definition", d, "its start is of another shape");
    for (uint32_t k = 0; k <= info->lags; k++) {
        IrDef b = info->bound[k];
        const IrDefInfo *of = &p->defs.at[b];
        if (!b || b >= d || of->kind != IR_DEF_INPUT || of->role != IR_ROLE_BOUND)
            wrong(c, "definition", d, "what it binds (%u) is not a bound input", k);
        else if (k ? of->rank != r->rank || memcmp(of->extent, r->extent, bytes) : of->rank || of->elem != IR_I64)
            wrong(c, "definition", d, "what it binds (%u) is of another shape", k);
    }
}

static void check_root(Checker *c, IrDef d) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    const IrDef part[4] = {info->unknown, info->operand[0], info->operand[1], info->start};
    for (int k = 0; k < 4; k++) {
        if (!part[k] || part[k] >= d) {
            wrong(c, "definition", d, "its parts are not smaller definitions");
            return;
        }
        const IrDefInfo *of = &p->defs.at[part[k]];
        uint64_t n = info->extent[0], size = of->rank == 3 ? of->extent[1] : n;
        bool fits = of->elem == IR_F64 && (k == 2 ? of->rank == 2 || of->rank == 3 : of->rank == 1);
        if (fits && k == 2 && of->rank == 3)
            fits = of->extent[0] * size == n && of->extent[2] == size;
        else if (fits)
            fits = of->extent[0] == n && (k != 2 || of->extent[1] == n);
        if (!fits)
            wrong(c, "definition", d, "its part %u has another shape", part[k]);
    }
    const IrDefInfo *u = &p->defs.at[info->unknown];
    if (u->kind != IR_DEF_INPUT || u->role != IR_ROLE_UNKNOWN || u->unknown != d)
        wrong(c, "definition", d, "its unknown is not its own");
}

static void check_def(Checker *c, IrDef d, const uint32_t *largest_read) {
    const IrProgram *p = c->p;
    const IrDefInfo *info = &p->defs.at[d];
    switch (info->kind) {
    case IR_DEF_INPUT: break;
    case IR_DEF_VIEW:
        if (info->parent == 0 || info->parent >= d)
            wrong(c, "definition", d, "is a view of no smaller definition");
        else if (p->defs.at[info->parent].rank != 1
                 || info->offset + ir_size(p, d) > ir_size(p, info->parent))
            wrong(c, "definition", d, "is a view outside of its parent");
        break;
    case IR_DEF_EXPR: check_expr(c, d, largest_read); break;
    case IR_DEF_CONCAT: check_concat(c, d); break;
    case IR_DEF_LINALG: check_linalg(c, d); break;
    case IR_DEF_SCAN: check_scan(c, d); break;
    case IR_DEF_ROOT: check_root(c, d); break;
    }
}

/* ---- sharing ------------------------------------------------------------------------------------------- */

/* Two references with one content: looked up by what they hold, the table must give each term itself. */
static void check_sharing(Checker *c) {
    for (IrTerm t = 1; t < c->p->nodes.n; t++) {
        IrTerm found = term_lookup(c->p, t);
        if (found != t)
            wrong(c, "term", t, "is the same as term %u", found);
    }
}

/* Largest definition each term reads, at any depth. */
static uint32_t *largest_reads(const IrProgram *p) {
    uint32_t *largest = base_calloc(p->nodes.n, sizeof *largest);
    IrTerm operands[IR_MAX_RANK];
    for (IrTerm t = 1; t < p->nodes.n; t++) {
        uint32_t n = ir_operands(p, t, operands);
        largest[t] = is_op(p, t, IR_READ) ? arg_of(p, t, 0) : 0;
        for (uint32_t k = 0; k < n; k++)
            if (largest[operands[k]] > largest[t])
                largest[t] = largest[operands[k]];
    }
    return largest;
}

bool ir_check(const IrProgram *p, Buf *out) {
    Checker c = {p, out, true};
    for (IrTerm t = 1; t < p->nodes.n; t++)
        check_term(&c, t);
    if (!c.ok)
        return false;
    check_sharing(&c);
    uint32_t *largest = largest_reads(p);
    for (IrDef d = 1; d < p->defs.n; d++)
        check_def(&c, d, largest);
    free(largest);
    return c.ok;
}
