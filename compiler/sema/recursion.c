/* recursion — definitions that refer to themselves at another value of an index, as scans.
 *
 * Needs: the definition elaborated like any other, its own name standing for an INPUT of its shape. Gives: a scan whose row is
 * the right side with the index in the place of the counter and y[k−1], y[k−2], … in that of the rows before; the first rows
 * are the right side at the first values of the index, which must not look back. Definitions on the way (the `let`s of a
 * function, what stands beside in the file), which elaboration has made over all values of the index, are made again for one
 * value. Several definitions that refer to each other are one scan; their rows lie side by side.
 *
 * Which axis, in which direction and how far it looks back is found by trying: a reading is right when every reference to
 * itself is so many rows before the row that is computed. */
#include "recursion_reading.h"

/* ---- rows ---- */

/* The row of a part: over the context and its axes but the recursion's. */
static IrDef make_row(Reading *r, uint32_t part) {
    IrProgram *ir = r->ir;
    const Recursive *p = &r->part[part];
    IrIdx axes[2 * IR_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->n_context; k++) axes[n++] = r->context[k];
    for (uint32_t k = 0; k < p->rank; k++)
        if (k != r->along[part]) axes[n++] = p->idx[k];
    r->failed |= n >= IR_MAX_RANK || r->busy[part];
    if (r->failed) return 0;
    r->busy[part] = true;
    IrTerm body = ir_map_reads(ir, ir_subst(ir, p->body, &p->idx[r->along[part]], &r->at, 1), recursion_read, r);
    r->busy[part] = false;
    return r->failed ? 0 : ir_define(ir, 0, ir_def(ir, p->self)->elem, axes, n, body);
}

IrTerm recursion_now(Reading *r, uint32_t part, const IrTerm *subs, uint32_t n) {
    IrTerm at[IR_MAX_RANK];
    uint32_t m = 0;
    if (!r->row[part]) r->row[part] = make_row(r, part);
    if (r->failed) return ir_real(r->ir, 0);
    for (uint32_t k = 0; k < r->n_context; k++) at[m++] = ir_idx(r->ir, r->context[k]);
    for (uint32_t k = 0; k < n; k++) at[m++] = subs[k];
    return ir_read(r->ir, r->row[part], at, m);
}

/* The rows of all parts at r->at: of one part as it is, of several side by side. */
static IrDef whole_row(Reading *r) {
    IrPiece pieces[RECURSION_PARTS];
    uint64_t size = 0;
    memset(r->row, 0, sizeof r->row);
    r->special.n = 0;
    for (uint32_t k = 0; k < r->n && !r->failed; k++) {
        if (!r->row[k]) r->row[k] = make_row(r, k);
        pieces[k] = (IrPiece){r->row[k], {r->place[k], 0}};
        size += r->size[k];
    }
    if (r->failed || r->n == 1) return r->failed ? 0 : r->row[0];
    return ir_concat(r->ir, 0, ir_def(r->ir, r->row[0])->elem, 1, &size, pieces, r->n);
}

static void measure(Reading *r) {
    uint64_t place = 0;
    for (uint32_t k = 0; k < r->n; k++) {
        r->size[k] = 1;
        for (uint32_t j = 0; j < r->n_context; j++) r->size[k] *= ir_index(r->ir, r->context[j])->extent;
        for (uint32_t j = 0; j < r->part[k].rank; j++)
            if (j != r->along[k]) r->size[k] *= ir_index(r->ir, r->part[k].idx[j])->extent;
        r->place[k] = place;
        place += r->size[k];
    }
}

/* Rows `first` … `first + n − 1`, which look at none before, as one definition [n, …]. */
static IrDef first_rows(Reading *r, int64_t first, uint32_t n) {
    IrProgram *ir = r->ir;
    IrDef like = 0;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK], value = 0;
    for (uint32_t j = n; j-- > 0 && !r->failed;) {
        r->at = ir_int(ir, first + j);
        IrDef row = whole_row(r);
        if (r->failed) return 0;
        uint32_t rank = ir_def(ir, row)->rank;
        if (!like) {
            axes[0] = ir_fresh(ir, n, 0);
            for (uint32_t k = 0; k < rank; k++) {
                axes[k + 1] = ir_fresh(ir, ir_def(ir, row)->extent[k], ir_axis_name(ir, row, k));
                subs[k] = ir_idx(ir, axes[k + 1]);
            }
        }
        like = row;
        IrTerm v = ir_at_subs(ir, row, subs);
        value = value ? ir_select(ir, ir_op2(ir, IR_EQ, ir_idx(ir, axes[0]), ir_int(ir, j)), v, value) : v;
    }
    return r->failed ? 0 : ir_define(ir, 0, ir_def(ir, like)->elem, axes, ir_def(ir, like)->rank + 1, value);
}

/* The scan, if the definitions can be read as one that looks back `lags` rows along these axes; 0 if not. */
static IrDef try_reading(Reading *r, uint32_t lags, bool backward) {
    IrProgram *ir = r->ir;
    const Recursive *first = &r->part[0];
    IrScan scan = {.count = ir_index(ir, first->idx[r->along[0]])->extent, .lags = lags, .backward = backward};
    int64_t lo, hi;
    r->failed = false;
    r->lags = lags;
    r->backward = backward;
    memset(r->before, 0, sizeof r->before);
    measure(r);
    if (scan.count <= lags) { /* nothing but first rows */
        IrDef rows = first_rows(r, 0, (uint32_t)scan.count);
        return r->failed ? 0 : rows;
    }
    ir_scan_range(&scan, &lo, &hi);
    scan.start = first_rows(r, backward ? hi + 1 : 0, lags);
    if (r->failed) return 0;
    const IrDefInfo start = *ir_def(ir, scan.start);
    scan.counter = ir_counter(ir, ir_index(ir, first->idx[r->along[0]])->name, lo, hi);
    for (uint32_t j = 0; j < lags; j++)
        scan.before[j] = r->before[j] = ir_before(ir, first->name, start.elem, start.rank - 1u, start.extent + 1);
    r->at = ir_read0(ir, scan.counter);
    scan.row = whole_row(r);
    return r->failed ? 0 : ir_scan(ir, r->n == 1 ? first->name : 0, &scan);
}

/* ---- all readings ---- */

static IrDef any_reading(Reading *r) {
    for (uint32_t lags = 1; lags <= IR_MAX_LAGS; lags++)
        for (uint32_t axis = 0; axis < r->part[0].rank; axis++) {
            uint64_t extent = ir_index(r->ir, r->part[0].idx[axis])->extent;
            bool fits = true;
            for (uint32_t k = 0; k < r->n && fits; k++) { /* the axis of the same extent in the others */
                r->along[k] = axis;
                if (k && (axis >= r->part[k].rank || ir_index(r->ir, r->part[k].idx[axis])->extent != extent)) {
                    uint32_t a = 0;
                    while (a < r->part[k].rank && ir_index(r->ir, r->part[k].idx[a])->extent != extent) a++;
                    fits = a < r->part[k].rank;
                    r->along[k] = a;
                }
            }
            for (int backward = 0; backward < 2 && fits; backward++) {
                IrDef made = try_reading(r, lags, backward);
                if (made) return made;
            }
        }
    return 0;
}

/* The indices of the context that the right sides depend on. */
static void find_context(Reading *r) {
    for (uint32_t k = 0; k < r->n; k++) {
        uint32_t n;
        const Recursive *p = &r->part[k];
        const IrIdx *set = ir_set(r->ir, ir_node(r->ir, p->body)->free, &n);
        for (uint32_t i = 0; i < n; i++) {
            bool own = recursion_is_context(r, set[i]);
            for (uint32_t j = 0; j < p->rank; j++) own = own || p->idx[j] == set[i];
            if (!own && r->n_context < IR_MAX_RANK) r->context[r->n_context++] = set[i];
        }
    }
}

/* The value of a part over its indices, from the finished scan. */
static IrTerm part_value(Reading *r, IrDef scan, uint32_t part) {
    IrProgram *ir = r->ir;
    const Recursive *p = &r->part[part];
    IrTerm at[2 * IR_MAX_RANK];
    uint32_t n = 0;
    at[n++] = ir_idx(ir, p->idx[r->along[part]]);
    if (r->n == 1) {
        for (uint32_t k = 0; k < r->n_context; k++) at[n++] = ir_idx(ir, r->context[k]);
        for (uint32_t k = 0; k < p->rank; k++)
            if (k != r->along[part]) at[n++] = ir_idx(ir, p->idx[k]);
        return ir_read(ir, scan, at, n);
    }
    IrTerm place = ir_int(ir, 0);
    for (uint32_t k = 0; k < r->n_context; k++)
        place = ir_add(ir, ir_mul(ir, place, ir_int(ir, (int64_t)ir_index(ir, r->context[k])->extent)),
                       ir_idx(ir, r->context[k]));
    for (uint32_t k = 0; k < p->rank; k++)
        if (k != r->along[part])
            place = ir_add(ir, ir_mul(ir, place, ir_int(ir, (int64_t)ir_index(ir, p->idx[k])->extent)),
                           ir_idx(ir, p->idx[k]));
    at[n++] = ir_add(ir, place, ir_int(ir, (int64_t)r->place[part]));
    return ir_read(ir, scan, at, n);
}

bool recursion_close(Sema *s, Recursive *part, uint32_t n) {
    Reading r = {.s = s, .ir = s->ir, .part = part, .n = n};
    find_context(&r);
    Span before = ir_at(s->ir, part[0].span);
    IrDef scan = r.n_context < IR_MAX_RANK ? any_reading(&r) : 0;
    for (uint32_t k = 0; k < n && scan; k++) part[k].value = part_value(&r, scan, k);
    ir_at(s->ir, before);
    vec_free(&r.special);
    vec_free(&r.inner);
    if (scan) return true;
    const char *name = sema_name(s, part[0].name);
    Diag *d = sema_error(s, DIAG_RECURRENCE, part[0].span,
                         "`%s` refers to itself, but not so that its values can be computed one after the other", name);
    sema_help(s, d,
              "along one index k it may look at %s[k-1], %s[k-2], … up to %d back, or at %s[k+1], … ahead, and must start "
              "with values that do not: `if k == 0 then … else …`",
              name, name, IR_MAX_LAGS, name);
    return false;
}

/* ---- while they are open ---- */

Val recursion_refer(Sema *s, Recursive *r) {
    uint64_t extent[IR_MAX_RANK];
    for (uint32_t k = 0; k < r->shape.rank; k++) extent[k] = val_extent(s, &r->shape, k);
    if (!r->self) {
        r->self = ir_input(s->ir, r->name, IR_ROLE_NONE, r->elem, r->shape.rank, extent);
        for (uint32_t k = 0; k < r->shape.rank; k++)
            ir_name_axis(s->ir, r->self, k, ir_index(s->ir, r->shape.axis[k].idx)->name);
    }
    return val_read(s, r->self, &r->shape);
}

bool recursion_is_inside(Sema *s, const Recursive *r, IrTerm body) {
    for (uint32_t k = 0; k < s->recursions.n; k++) {
        const Recursive *open = s->recursions.at[k];
        if (open != r && open->self && ir_depends(s->ir, body, open->self)) return true;
    }
    return false;
}
