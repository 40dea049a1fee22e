/* define — definitions: inputs, views, expressions, concatenations, whole-tensor operations. Equal ones are
 * one. */
#include "program.h"

#include <string.h>

IrDef def_add(IrProgram *p, IrDefInfo info) {
    info.span = p->at;
    IrDef d = p->defs.n;
    vec_push(&p->defs, info);
    Name *names = NULL;
    if (info.rank)
        names = ARENA_ARRAY(p->arena, Name, info.rank);
    vec_push(&p->axis_names, names);
    return d;
}

static IrDefInfo shaped(Name name, IrDefKind kind, IrElem elem, uint32_t rank, const uint64_t *extent) {
    IrDefInfo info = {.name = name, .kind = kind, .elem = elem, .rank = (uint8_t)rank};
    for (uint32_t k = 0; k < rank; k++)
        info.extent[k] = extent[k];
    return info;
}

IrDef ir_input(IrProgram *p, Name name, IrRole role, IrElem elem, uint32_t rank, const uint64_t *extent) {
    IrDefInfo info = shaped(name, IR_DEF_INPUT, elem, rank, extent);
    info.role = role;
    info.volatile_ = role == IR_ROLE_BATCH;
    return def_add(p, info);
}

IrDef ir_scalar_input(IrProgram *p, Name name, IrRole role) {
    IrDef d = ir_input(p, name, role, IR_F64, 0, NULL);
    p->defs.at[d].flex = true;
    return d;
}

IrDef ir_view(IrProgram *p, Name name, IrDef parent, uint64_t offset, uint32_t rank, const uint64_t *extent) {
    const IrDefInfo *in = &p->defs.at[parent];
    IrDefInfo info = shaped(name, IR_DEF_VIEW, in->elem, rank, extent);
    info.role = in->role;
    info.volatile_ = in->volatile_;
    info.parent = parent;
    info.offset = offset;
    return def_add(p, info);
}

/* ---- interning ----------------------------------------------------------------------------------------- */

static uint64_t def_hash(const IrProgram *p, uint32_t d) {
    const IrDefInfo *i = &p->defs.at[d];
    uint64_t h = mix(mix(i->kind, i->elem), i->rank);
    for (uint32_t k = 0; k < i->rank; k++)
        h = mix(h, i->extent[k]);
    h = mix(mix(h, i->body), mix(i->linalg, mix(i->operand[0], i->operand[1])));
    for (uint32_t k = 0; k < i->n_pieces; k++)
        h = mix(h, mix(i->pieces[k].def, mix(i->pieces[k].at[0], i->pieces[k].at[1])));
    return h;
}

static bool def_same(const IrDefInfo *a, const IrDefInfo *b) {
    return a->kind == b->kind && a->elem == b->elem && a->rank == b->rank && a->body == b->body
           && !memcmp(a->extent, b->extent, sizeof *a->extent * a->rank) && a->linalg == b->linalg
           && !memcmp(a->operand, b->operand, sizeof a->operand) && a->n_pieces == b->n_pieces
           && (!a->n_pieces || !memcmp(a->pieces, b->pieces, sizeof *a->pieces * a->n_pieces));
}

/* The definition equal to the one just added at the end, which then is taken back; or that one itself. */
static IrDef def_intern(IrProgram *p, IrDef d) {
    Table *table = &p->def_table;
    if (2 * (table->n + 1) > table->cap)
        table_grow(p, table, def_hash);
    uint32_t place = (uint32_t)def_hash(p, d) & (table->cap - 1);
    for (; table->at[place]; place = (place + 1) & (table->cap - 1)) {
        IrDef old = table->at[place];
        if (!def_same(&p->defs.at[old], &p->defs.at[d]))
            continue;
        if (!p->defs.at[old].name)
            p->defs.at[old].name = p->defs.at[d].name;
        p->defs.n--;
        p->axis_names.n--;
        return old;
    }
    table->at[place] = d;
    table->n++;
    return d;
}

/* A body that reads a whole definition in order: that definition; 0 otherwise. */
static IrDef whole_read(const IrProgram *p, IrTerm body, IrElem elem, uint32_t rank, const uint64_t *extent) {
    if (!is_op(p, body, IR_READ) || arg_of(p, body, 2) != rank)
        return 0;
    IrDef d = arg_of(p, body, 0);
    const IrDefInfo *info = &p->defs.at[d];
    const IrTerm *subs = ir_read_subs(p, body);
    if (info->elem != elem)
        return 0;
    for (uint32_t k = 0; k < rank; k++) {
        if (info->extent[k] != extent[k])
            return 0;
        if (extent[k] == 1 ? !ir_is_zero(p, subs[k]) : !is_op(p, subs[k], IR_INDEX))
            return 0;
        if (extent[k] == 1)
            continue;
        const IrIndex *i = &p->indices.at[arg_of(p, subs[k], 0)];
        if (i->kind != IR_AXIS || i->number != k)
            return 0;
    }
    return d;
}

IrDef ir_define(IrProgram *p, Name name, IrElem elem, const IrIdx *axes, uint32_t rank, IrTerm body) {
    IrIdx from[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK];
    uint64_t extent[IR_MAX_RANK];
    Name names[IR_MAX_RANK];
    if (!body)
        return 0;
    uint32_t n = 0; /* indices that are not axes yet */
    for (uint32_t k = 0; k < rank; k++) {
        extent[k] = p->indices.at[axes[k]].extent;
        names[k] = p->indices.at[axes[k]].name;
        IrIdx axis = ir_axis(p, k, extent[k]);
        from[n] = axes[k];
        to[n] = ir_idx(p, axis);
        n += axis != axes[k];
    }
    if (n)
        body = ir_subst(p, body, from, to, n);
    if (elem == IR_F64 || elem == IR_F32)
        body = ir_to_real(p, body);
    IrDef same = whole_read(p, body, elem, rank, extent);
    if (same)
        return same;
    IrDefInfo info = shaped(name, IR_DEF_EXPR, elem, rank, extent);
    info.body = body;
    IrDef d = def_add(p, info);
    if (rank)
        memcpy(p->axis_names.at[d], names, sizeof *names * rank);
    return def_intern(p, d);
}

IrDef ir_concat(IrProgram *p, Name name, IrElem elem, uint32_t rank, const uint64_t *extent,
                const IrPiece *pieces, uint32_t n) {
    IrDefInfo info = shaped(name, IR_DEF_CONCAT, elem, rank, extent);
    info.n_pieces = n;
    info.pieces = ARENA_ARRAY(p->arena, IrPiece, n ? n : 1);
    for (uint32_t k = 0; k < n; k++)
        info.pieces[k] = (IrPiece){pieces[k].def, {pieces[k].at[0], rank > 1 ? pieces[k].at[1] : 0}};
    return def_intern(p, def_add(p, info));
}

IrDef ir_linalg(IrProgram *p, IrLinalg fn, IrDef a, IrDef b) {
    bool solves = fn >= IR_SOLVE && fn <= IR_SOLVE_LOWER_T, is_scalar = fn == IR_LOGDET || fn == IR_SPECTRAL || fn == IR_NUCLEAR;
    const IrDefInfo *of = &p->defs.at[solves ? b : a];
    if (!a || of == &p->defs.at[0])
        return 0;
    IrDefInfo info = shaped(0, IR_DEF_LINALG, of->elem, is_scalar ? 0 : of->rank, of->extent);
    info.linalg = fn;
    info.operand[0] = a;
    info.operand[1] = b;
    return def_intern(p, def_add(p, info));
}

uint32_t ir_linalg_reads(const IrProgram *p, IrDef d) {
    const IrDefInfo *info = &p->defs.at[d];
    return info->linalg == IR_SPECTRAL || !info->operand[1] ? 1 : 2;
}

void ir_set_label(IrProgram *p, IrDef d, const char *label) {
    p->defs.at[d].label = label ? arena_string(p->arena, label, strlen(label)) : NULL;
}

void ir_mark_volatile(IrProgram *p, IrDef d) { p->defs.at[d].volatile_ = true; }
void ir_mark_flex(IrProgram *p, IrDef d) { p->defs.at[d].flex = true; }

void ir_name_axis(IrProgram *p, IrDef d, uint32_t position, Name name) {
    p->axis_names.at[d][position] = name;
}

Name ir_axis_name(const IrProgram *p, IrDef d, uint32_t position) {
    return position < p->defs.at[d].rank ? p->axis_names.at[d][position] : 0;
}

uint64_t ir_size(const IrProgram *p, IrDef d) {
    uint64_t size = 1;
    for (uint32_t k = 0; k < p->defs.at[d].rank; k++)
        size *= p->defs.at[d].extent[k];
    return size;
}

IrTerm ir_at_subs(IrProgram *p, IrDef d, const IrTerm *at) {
    const IrDefInfo *info = &p->defs.at[d];
    uint32_t rank = info->rank;
    if (info->kind != IR_DEF_EXPR)
        return ir_read(p, d, at, rank);
    IrTerm body = info->body;
    uint64_t extent[IR_MAX_RANK];
    memcpy(extent, info->extent, sizeof extent);
    IrIdx from[IR_MAX_RANK];
    for (uint32_t k = 0; k < rank; k++)
        from[k] = ir_axis(p, k, extent[k]);
    return ir_subst(p, body, from, at, rank);
}
