/* contract — Σ_k A[…i…k…] B[…k…j…] as matrix products.
 *
 * The factors of the summand are sorted by the indices they depend on. Indices in every factor are batch
 * indices; the rest of the free ones fall into components joined by factors; the first component makes the
 * rows (I), the others the columns (J), the summed ones K. Each side becomes one dense operand whose indices
 * lie in blocks: batch, then I (or J) and K in either order. Operands that are not laid out like that are
 * given a definition that is. */
#include "pass.h"

#define MAX_FACTORS 16
#define MAX_FREE (2 * IR_MAX_RANK)
#define MIN_GEMM 8192.0 /* multiplications from which a call is cheaper than loops written out */
#define MIN_GEMV 4096.0

typedef enum Role { ROLE_NONE, ROLE_BATCH, ROLE_I, ROLE_J, ROLE_K } Role;

typedef struct Product {
    Plan *plan;
    IrProgram *ir;
    IrTerm factor[MAX_FACTORS];
    bool side_b[MAX_FACTORS];
    uint32_t n_factors;
    IrTerm scale;          /* factors without indices */
    IrIdx index[MAX_FREE]; /* free ones first, then the summed ones */
    Role role[MAX_FREE];
    uint32_t n_free, n_index;
} Product;

static bool flatten(Product *p, IrTerm t, bool inverse) {
    IrNode node = *ir_node(p->ir, t);
    if (node.op == IR_MUL && !inverse)
        return flatten(p, node.arg[0], false) && flatten(p, node.arg[1], false);
    if (node.op == IR_DIV && !inverse)
        return flatten(p, node.arg[0], false) && flatten(p, node.arg[1], true);
    if (node.op == IR_NEG && !inverse) {
        p->scale = p->scale ? ir_neg(p->ir, p->scale) : ir_real(p->ir, -1);
        return flatten(p, node.arg[0], false);
    }
    if (inverse)
        t = ir_div(p->ir, ir_real(p->ir, 1), t);
    uint32_t nf;
    ir_set(p->ir, ir_node(p->ir, t)->free, &nf);
    if (nf == 0) {
        p->scale = p->scale ? ir_mul(p->ir, p->scale, t) : t;
        return true;
    }
    if (p->n_factors == MAX_FACTORS)
        return false;
    p->factor[p->n_factors++] = t;
    return true;
}

static bool factor_has(const Product *p, uint32_t f, uint32_t index) {
    return ir_uses_index(p->ir, p->factor[f], p->index[index]);
}

static void collect_indices(Product *p, const IrIdx *ks, uint32_t nk) {
    for (uint32_t f = 0; f < p->n_factors; f++) {
        uint32_t nf;
        const IrIdx *set = ir_set(p->ir, ir_node(p->ir, p->factor[f])->free, &nf);
        for (uint32_t i = 0; i < nf; i++) {
            bool known = false;
            for (uint32_t k = 0; k < nk; k++)
                known |= ks[k] == set[i];
            for (uint32_t k = 0; k < p->n_free; k++)
                known |= p->index[k] == set[i];
            if (!known && p->n_free < MAX_FREE - nk)
                p->index[p->n_free++] = set[i];
        }
    }
    /* AXIS indices in the order of the output, then the others as they were opened. */
    for (uint32_t i = 1; i < p->n_free; i++)
        for (uint32_t j = i; j > 0; j--) {
            const IrIndex *a = ir_index(p->ir, p->index[j - 1]), *b = ir_index(p->ir, p->index[j]);
            bool wrong = a->kind == b->kind ? a->number > b->number : b->kind == IR_AXIS;
            if (!wrong)
                break;
            IrIdx hold = p->index[j];
            p->index[j] = p->index[j - 1];
            p->index[j - 1] = hold;
        }
    p->n_index = p->n_free;
    for (uint32_t k = 0; k < nk; k++) {
        p->role[p->n_index] = ROLE_K;
        p->index[p->n_index++] = ks[k];
    }
}

/* Roles of the free indices and sides of the factors; false when this is no matrix product. */
static bool assign_roles(Product *p) {
    uint32_t group[MAX_FREE], first = MAX_FREE, n_groups = 0;
    for (uint32_t i = 0; i < p->n_free; i++) {
        uint32_t in = 0;
        for (uint32_t f = 0; f < p->n_factors; f++)
            in += factor_has(p, f, i);
        p->role[i] = in == p->n_factors ? ROLE_BATCH : ROLE_NONE;
        group[i] = i;
    }
    for (uint32_t round = 0; round < p->n_free; round++)
        for (uint32_t f = 0; f < p->n_factors; f++)
            for (uint32_t i = 0; i < p->n_free; i++)
                for (uint32_t j = 0; j < p->n_free; j++)
                    if (p->role[i] == ROLE_NONE && p->role[j] == ROLE_NONE && factor_has(p, f, i) &&
                        factor_has(p, f, j) && group[j] < group[i])
                        group[i] = group[j];
    for (uint32_t i = 0; i < p->n_free; i++) {
        if (p->role[i] == ROLE_BATCH)
            continue;
        if (first == MAX_FREE)
            first = group[i];
        n_groups += group[i] == i;
        p->role[i] = group[i] == first ? ROLE_I : ROLE_J;
    }
    if (n_groups == 0)
        return false;
    bool has_b = false;
    for (uint32_t f = 0; f < p->n_factors; f++) {
        bool has_i = false, has_j = false;
        for (uint32_t i = 0; i < p->n_free; i++) {
            has_i |= p->role[i] == ROLE_I && factor_has(p, f, i);
            has_j |= p->role[i] == ROLE_J && factor_has(p, f, i);
        }
        /* Factors of the summed indices alone go to the right, where they make the vector of a matrix-vector
         * product. */
        p->side_b[f] = !has_i;
        has_b |= p->side_b[f] && (n_groups == 1 || has_j);
    }
    return has_b;
}

static double extent_of(const Product *p, Role role) {
    double product = 1;
    for (uint32_t i = 0; i < p->n_index; i++)
        if (p->role[i] == role)
            product *= (double)ir_index(p->ir, p->index[i])->extent;
    return product;
}

/* Every summed index on both sides, and large enough for a call to pay. */
static bool is_worth(const Product *p) {
    for (uint32_t k = p->n_free; k < p->n_index; k++) {
        bool a = false, b = false;
        for (uint32_t f = 0; f < p->n_factors; f++)
            *(p->side_b[f] ? &b : &a) |= factor_has(p, f, k);
        if (!a || !b)
            return false;
    }
    double m = extent_of(p, ROLE_I), n = extent_of(p, ROLE_J), k = extent_of(p, ROLE_K);
    bool vector = n == 1 || m == 1;
    return vector ? m * n * k >= MIN_GEMV && k >= 16 && m * n >= 16 : m * n * k >= MIN_GEMM && k >= 4;
}

static Role role_of(const Product *p, IrIdx index) {
    for (uint32_t i = 0; i < p->n_index; i++)
        if (p->index[i] == index)
            return p->role[i];
    return ROLE_NONE;
}

/* The plain indices of a read's subscripts: false unless each is one index, no two the same. */
static bool plain_subs(IrProgram *ir, IrTerm read, IrIdx *out, uint32_t *n) {
    IrNode node = *ir_node(ir, read);
    if (node.op != IR_READ)
        return false;
    const IrTerm *subs = ir_read_subs(ir, read);
    *n = node.arg[2];
    for (uint32_t i = 0; i < *n; i++) {
        const IrNode *sub = ir_node(ir, subs[i]);
        if (sub->op != IR_INDEX)
            return false;
        out[i] = sub->arg[0];
        for (uint32_t j = 0; j < i; j++)
            if (out[j] == out[i])
                return false;
    }
    return true;
}

static void push_index(IrIdx *list, uint32_t *n, IrIdx index) {
    for (uint32_t i = 0; i < *n; i++)
        if (list[i] == index)
            return;
    list[(*n)++] = index;
}

/* The order in which operand t's indices should lie: batch, then the two blocks, each as its largest read
 * walks them, the block that read walks fastest last. */
static uint32_t operand_order(Product *p, IrTerm t, Role rows, const IrIdx *k_order, uint32_t nk,
                              IrIdx *order) {
    IrProgram *ir = p->ir;
    IrTerm read = plan_largest_read(p->plan, t);
    IrIdx seen[MAX_FREE];
    uint32_t n_seen = 0, n = 0;
    if (read) {
        IrNode node = *ir_node(ir, read);
        for (uint32_t i = 0; i < node.arg[2]; i++) {
            uint32_t nf;
            const IrIdx *set = ir_set(ir, ir_node(ir, ir_read_subs(ir, read)[i])->free, &nf);
            for (uint32_t j = 0; j < nf; j++)
                push_index(seen, &n_seen, set[j]);
        }
    }
    Role last = n_seen ? role_of(p, seen[n_seen - 1]) : ROLE_K;
    Role blocks[3] = {ROLE_BATCH, last == ROLE_K ? rows : ROLE_K, last == ROLE_K ? ROLE_K : rows};
    for (uint32_t b = 0; b < 3; b++) {
        for (uint32_t i = 0; blocks[b] == ROLE_K && i < nk; i++)
            push_index(order, &n, k_order[i]);
        for (uint32_t i = 0; i < p->n_index; i++)
            if (p->role[i] == blocks[b] && ir_uses_index(ir, t, p->index[i]))
                push_index(order, &n, p->index[i]);
    }
    return n;
}

/* Whether read t lies in blocks as an operand must: [batch] then rows and K, each in canonical order. */
static bool is_operand(Product *p, IrTerm t, Role rows, const IrIdx *k_order, uint32_t nk, IrElem elem) {
    IrIdx subs[IR_MAX_RANK];
    uint32_t n, at[5] = {0};
    if (!plain_subs(p->ir, t, subs, &n))
        return false;
    const IrDefInfo *info = ir_def(p->ir, ir_node(p->ir, t)->arg[0]);
    if (info->elem != elem || info->flex)
        return false;
    IrIdx want[5][MAX_FREE];
    uint32_t n_want[5] = {0};
    for (uint32_t i = 0; i < p->n_free; i++)
        if (p->role[i] == ROLE_BATCH || p->role[i] == rows)
            want[p->role[i]][n_want[p->role[i]]++] = p->index[i];
    for (uint32_t i = 0; i < nk; i++)
        want[ROLE_K][n_want[ROLE_K]++] = k_order[i];
    Role present = ROLE_BATCH;
    for (uint32_t i = 0; i < n; i++) {
        Role role = role_of(p, subs[i]);
        if (role != present) {
            if (at[present] != n_want[present] || role == ROLE_BATCH)
                return false;
            present = role;
        }
        if (at[role] >= n_want[role] || want[role][at[role]++] != subs[i])
            return false;
    }
    return at[ROLE_BATCH] == n_want[ROLE_BATCH] && at[rows] == n_want[rows] && at[ROLE_K] == nk;
}

/* K in the order of the first side that reads it plainly (so that one side needs no copy). */
static void order_k(Product *p, IrIdx *k_order, uint32_t nk) {
    for (uint32_t i = 0; i < nk; i++)
        k_order[i] = p->index[p->n_free + i];
    for (uint32_t f = 0; f < p->n_factors; f++) {
        IrTerm read = plan_largest_read(p->plan, p->factor[f]);
        if (!read)
            continue;
        IrIdx found[IR_MAX_RANK];
        uint32_t n = 0;
        IrNode node = *ir_node(p->ir, read);
        for (uint32_t i = 0; i < node.arg[2]; i++) {
            const IrNode *sub = ir_node(p->ir, ir_read_subs(p->ir, read)[i]);
            if (sub->op == IR_INDEX && role_of(p, sub->arg[0]) == ROLE_K)
                push_index(found, &n, sub->arg[0]);
        }
        if (n == nk) {
            memcpy(k_order, found, sizeof *found * nk);
            return;
        }
    }
}

/* Fills p with the factors of the body and their roles; false when it is no product worth a call. */
static bool recognize(Product *p, const IrIdx *ks, uint32_t nk, IrTerm body) {
    IrElem elem = plan_term_elem(p->plan, body);
    if ((elem != IR_F32 && elem != IR_F64) || !flatten(p, body, false) || p->n_factors < 2)
        return false;
    collect_indices(p, ks, nk);
    return assign_roles(p) && is_worth(p);
}

bool plan_is_contract(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm body) {
    Product p = {.plan = plan, .ir = plan->ir};
    return recognize(&p, ks, nk, body);
}

bool plan_contract(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm *body) {
    Product p = {.plan = plan, .ir = plan->ir};
    IrElem elem = plan_term_elem(plan, *body);
    if (!recognize(&p, ks, nk, *body))
        return false;
    IrIdx k_order[IR_MAX_RANK];
    order_k(&p, k_order, nk);
    IrTerm side[2] = {0, 0};
    for (uint32_t f = 0; f < p.n_factors; f++) {
        IrTerm *s = &side[p.side_b[f]];
        *s = *s ? ir_mul(p.ir, *s, p.factor[f]) : p.factor[f];
    }
    if (p.scale)
        side[1] = ir_mul(p.ir, p.scale, side[1]);
    for (uint32_t s = 0; s < 2; s++) {
        Role rows = s == 0 ? ROLE_I : ROLE_J;
        if (is_operand(&p, side[s], rows, k_order, nk, elem))
            continue;
        IrIdx order[MAX_FREE];
        uint32_t n = operand_order(&p, side[s], rows, k_order, nk, order);
        if (n > IR_MAX_RANK)
            return false;
        side[s] = plan_outline(plan, side[s], elem, order, n, NULL);
    }
    *body = ir_mul(p.ir, side[0], side[1]);
    return true;
}

/* ---- reading a product back ---- */

typedef struct Side {
    IrIdx index[IR_MAX_RANK];
    uint64_t stride[IR_MAX_RANK];
    uint32_t n;
} Side;

static bool read_side(IrProgram *ir, IrTerm read, Side *side) {
    if (!plain_subs(ir, read, side->index, &side->n))
        return false;
    uint64_t stride = 1;
    for (uint32_t i = side->n; i-- > 0;) {
        side->stride[i] = stride;
        stride *= ir_index(ir, side->index[i])->extent;
    }
    return true;
}

static uint64_t side_stride(const Side *side, IrIdx index) {
    for (uint32_t i = 0; i < side->n; i++)
        if (side->index[i] == index)
            return side->stride[i];
    return 0;
}

/* Merges the indices a list walks into one of `extent` steps of `stride` in each of two sides; false when
 * they are not one run in both. */
static bool merge(IrProgram *ir, const IrIdx *list, uint32_t n, const Side *x, const Side *y,
                  uint64_t *extent, uint64_t *stride_x, uint64_t *stride_y) {
    *extent = 1;
    *stride_x = *stride_y = 0;
    for (uint32_t i = n; i-- > 0;) {
        uint64_t sx = side_stride(x, list[i]), sy = side_stride(y, list[i]);
        if (i == n - 1) {
            *stride_x = sx;
            *stride_y = sy;
        } else if (sx != *stride_x * *extent || sy != *stride_y * *extent)
            return false;
        *extent *= ir_index(ir, list[i])->extent;
    }
    return true;
}

/* Leading dimension and orientation of a rows×cols matrix with these strides. */
static bool orient(uint64_t rows, uint64_t cols, uint64_t row_stride, uint64_t col_stride, bool *trans,
                   uint64_t *ld) {
    if (col_stride == 1 || cols == 1) {
        *trans = false;
        *ld = rows == 1 ? cols : row_stride;
        return *ld >= cols;
    }
    if (row_stride == 1 || rows == 1) {
        *trans = true;
        *ld = cols == 1 ? rows : col_stride;
        return *ld >= rows;
    }
    return false;
}

static void sort_by_stride(IrIdx *list, uint32_t n, const Side *side) {
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && side_stride(side, list[j - 1]) < side_stride(side, list[j]); j--) {
            IrIdx hold = list[j];
            list[j] = list[j - 1];
            list[j - 1] = hold;
        }
}

bool plan_match(Plan *plan, IrTerm sum, uint32_t rank, const uint64_t *extent, Contract *out) {
    IrProgram *ir = plan->ir;
    IrIdx ks[IR_MAX_RANK], in_i[IR_MAX_RANK], in_j[IR_MAX_RANK];
    uint32_t nk = 0, ni = 0, nj = 0;
    *out = (Contract){0};
    while (ir_node(ir, sum)->op == IR_SUM && nk < IR_MAX_RANK) {
        IrTerm guard;
        ir_open(ir, sum, &ks[nk++], &guard, &sum);
        if (guard)
            return false;
    }
    IrNode node = *ir_node(ir, sum);
    Side a, b, c = {.n = rank};
    if (node.op != IR_MUL || !read_side(ir, node.arg[0], &a) || !read_side(ir, node.arg[1], &b))
        return false;
    uint64_t stride = 1;
    for (uint32_t i = rank; i-- > 0; stride *= extent[i]) {
        c.index[i] = ir_axis(ir, i, extent[i]);
        c.stride[i] = stride;
    }
    out->a = ir_node(ir, node.arg[0])->arg[0];
    out->b = ir_node(ir, node.arg[1])->arg[0];
    /* The last axis of the output must be a column: the side that has it is B. */
    if (rank && !side_stride(&b, c.index[rank - 1])) {
        Side hold = a;
        a = b;
        b = hold;
        IrDef def = out->a;
        out->a = out->b;
        out->b = def;
    }
    for (uint32_t i = 0; i < rank; i++) {
        bool on_a = side_stride(&a, c.index[i]), on_b = side_stride(&b, c.index[i]);
        if (!on_a && !on_b)
            return false;
        if (on_a && on_b) {
            uint32_t k = out->n_batch++;
            out->batch[k] = extent[i];
            out->batch_a[k] = side_stride(&a, c.index[i]);
            out->batch_b[k] = side_stride(&b, c.index[i]);
            out->batch_c[k] = c.stride[i];
        } else if (on_a)
            in_i[ni++] = c.index[i];
        else
            in_j[nj++] = c.index[i];
    }
    for (uint32_t i = 0; i < nk; i++)
        if (!side_stride(&a, ks[i]) || !side_stride(&b, ks[i]))
            return false;
    if (a.n != ni + nk + out->n_batch || b.n != nj + nk + out->n_batch)
        return false;
    sort_by_stride(ks, nk, &a);
    uint64_t ai, ci, bj, cj, ak, bk;
    if (!merge(ir, in_i, ni, &a, &c, &out->m, &ai, &ci) || !merge(ir, in_j, nj, &b, &c, &out->n, &bj, &cj) ||
        !merge(ir, ks, nk, &a, &b, &out->k, &ak, &bk))
        return false;
    bool trans_c;
    if (!orient(out->m, out->n, ci, cj, &trans_c, &out->ldc) || trans_c)
        return false;
    out->is_vector = ni == 0;
    return orient(out->m, out->k, ai, ak, &out->trans_a, &out->lda) &&
           orient(out->k, out->n, bk, bj, &out->trans_b, &out->ldb);
}
