/* small — factorizations and solves of few unknowns as code instead of calls: written out where that is short, else
 * loops of constant length. The operations are those of rt_kernels.h, with the same statuses:
 *
 *   SOLVE_SPD           A = L D Lᵀ, which needs no roots; D > 0 or the matrix is not positive definite
 *   CHOLESKY            A = L Lᵀ by columns
 *   SOLVE, INVERSE, LOGDET
 *                       elimination with row exchanges: the row with the largest element of a column comes to its
 *                       place by exchanges made or not made row by row, so that nothing branches
 *
 * (Golub and Van Loan, Matrix Computations, 4th edition, 3.4, 4.1 and 4.2.) Every element is divided by
 * multiplication with the reciprocal of the diagonal one. A failure is looked at once, at the end. */
#include "../../runtime/rt.h"
#include "pass.h"

#define SMALL_N 16
#define SMALL_M 16
#define WRITTEN_OUT 1600.0 /* operations that are written out */

typedef struct Matrix {
    uint32_t buffer;
    uint64_t at, columns;
    IrDef place; /* what lies there, where that moves with the rows of a scan */
} Matrix;

typedef struct Small {
    Builder *b;
    PlanType type;
    uint64_t n, m;
    Matrix a, right, out, work;
    PlanValue bad; /* ANY: a diagonal element that will not do */
} Small;

static PlanValue count(Small *s, uint64_t n) { return value_int(s->b, (int64_t)n); }

static PlanValue place(Small *s, const Matrix *m, PlanValue i, PlanValue j) {
    PlanValue row = value_scale(s->b, i, (int64_t)m->columns);
    return value_add(s->b, value_add(s->b, plan_row_place(s->b, m->place, m->at), row), j);
}

static PlanValue get(Small *s, const Matrix *m, PlanValue i, PlanValue j) {
    return value_load(s->b, m->buffer, place(s, m, i, j), s->type);
}

static void set(Small *s, const Matrix *m, PlanValue i, PlanValue j, PlanValue v) {
    value_store(s->b, m->buffer, place(s, m, i, j), v);
}

static PlanValue op(Small *s, IrOp o, PlanValue x, PlanValue y) { return value_op(s->b, o, s->type, x, y, 0); }
static PlanValue real(Small *s, double v) { return value_real(s->b, v, s->type); }
static PlanValue inverse(Small *s, PlanValue x) { return op(s, IR_DIV, real(s, 1), x); }
static PlanValue next(Small *s, PlanValue i) { return value_add(s->b, i, count(s, 1)); }

static PlanValue less(Small *s, PlanValue x, PlanValue y) {
    return value_op(s->b, IR_LT, PLAN_BOOL, x, y, 0);
}

/* x ← x − f y for the elements at (i, j) of matrix x. */
static void subtract(Small *s, const Matrix *x, PlanValue i, PlanValue j, PlanValue f, PlanValue y) {
    set(s, x, i, j, value_subtract(s->b, s->type, get(s, x, i, j), f, y));
}

/* Index of the k-th row from the last one on. */
static PlanValue from_below(Small *s, PlanValue k) {
    return value_op(s->b, IR_SUB, PLAN_I64, count(s, s->n - 1), k, 0);
}

static void copy(Small *s, const Matrix *from, const Matrix *to, uint64_t columns, bool lower) {
    for (Range i = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &i);) {
        PlanValue end = lower ? next(s, i.index) : count(s, columns);
        for (Range j = plan_range(s->b, count(s, 0), end); plan_next(s->b, &j);)
            set(s, to, i.index, j.index, get(s, from, i.index, j.index));
    }
}

static void note_bad(Small *s, PlanValue bad) { value_step(s->b, s->bad, bad, 0, 0); }

static void stop_where_bad(Small *s, RtStatus status, IrDef def) {
    value_statement(s->b, PLAN_STOP, (uint32_t)status, value_result(s->b, s->bad), def);
}

/* ---- symmetric positive definite ---- */

/* The lower triangle of `work` becomes L, 1/D on its diagonal. */
static void factor_ldl(Small *s) {
    const Matrix *w = &s->work;
    for (Range k = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &k);) {
        PlanValue d = get(s, w, k.index, k.index), scale = inverse(s, d);
        note_bad(s, value_op(s->b, IR_NOT, PLAN_BOOL, less(s, real(s, 0), d), 0, 0));
        /* From the last row up: the rows above still hold the column before it is scaled. */
        PlanValue rows = value_op(s->b, IR_SUB, PLAN_I64, count(s, s->n - 1), k.index, 0);
        for (Range r = plan_range(s->b, count(s, 0), rows); plan_next(s->b, &r);) {
            PlanValue i = from_below(s, r.index), l = op(s, IR_MUL, get(s, w, i, k.index), scale);
            for (Range j = plan_range(s->b, next(s, k.index), next(s, i)); plan_next(s->b, &j);)
                subtract(s, w, i, j.index, l, get(s, w, j.index, k.index));
            set(s, w, i, k.index, l);
        }
        set(s, w, k.index, k.index, scale);
    }
}

/* x[i, c] / D[i]. The last pivot's inverse has no other use than this one where there is one column: there a division, which
 * need not wait for x, takes the place of two operations, one after the other. */
static PlanValue over_pivot(Small *s, PlanValue i, PlanValue c) {
    PlanValue x = get(s, &s->out, i, c), scale = get(s, &s->work, i, i);
    PlanNode n = *value_node(s->b, scale), at = *value_node(s->b, i);
    bool is_last = at.kind == PLAN_CONST && at.bits == s->n - 1 && s->m == 1;
    bool is_inverse = n.kind == PLAN_OP && n.op == IR_DIV && n.arg[0] == real(s, 1);
    return is_last && is_inverse ? op(s, IR_DIV, x, n.arg[1]) : op(s, IR_MUL, x, scale);
}

/* out ← (L D Lᵀ)⁻¹ right, by columns of L and then by its rows. */
static void solve_ldl(Small *s) {
    const Matrix *w = &s->work, *x = &s->out;
    copy(s, &s->right, x, s->m, false);
    for (Range k = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &k);)
        for (Range i = plan_range(s->b, next(s, k.index), count(s, s->n)); plan_next(s->b, &i);)
            for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
                subtract(s, x, i.index, c.index, get(s, w, i.index, k.index), get(s, x, k.index, c.index));
    for (Range i = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &i);)
        for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
            set(s, x, i.index, c.index, over_pivot(s, i.index, c.index));
    for (Range r = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &r);) {
        PlanValue k = from_below(s, r.index);
        for (Range i = plan_range(s->b, count(s, 0), k); plan_next(s->b, &i);)
            for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
                subtract(s, x, i.index, c.index, get(s, w, k, i.index), get(s, x, k, c.index));
    }
}

static void solve_spd(Small *s, IrDef def) {
    copy(s, &s->a, &s->work, s->n, true);
    factor_ldl(s);
    solve_ldl(s);
    stop_where_bad(s, RT_NOT_POSITIVE_DEFINITE, def);
}

/* out ← L, zeros above its diagonal. */
static void cholesky(Small *s, IrDef def) {
    const Matrix *w = &s->out;
    for (Range i = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &i);)
        for (Range j = plan_range(s->b, next(s, i.index), count(s, s->n)); plan_next(s->b, &j);)
            set(s, w, i.index, j.index, real(s, 0));
    copy(s, &s->a, w, s->n, true);
    for (Range k = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &k);) {
        PlanValue d = get(s, w, k.index, k.index);
        note_bad(s, value_op(s->b, IR_NOT, PLAN_BOOL, less(s, real(s, 0), d), 0, 0));
        PlanValue root = op(s, IR_SQRT, d, 0), scale = inverse(s, root);
        set(s, w, k.index, k.index, root);
        for (Range i = plan_range(s->b, next(s, k.index), count(s, s->n)); plan_next(s->b, &i);) {
            PlanValue l = op(s, IR_MUL, get(s, w, i.index, k.index), scale);
            set(s, w, i.index, k.index, l);
            for (Range j = plan_range(s->b, next(s, k.index), next(s, i.index)); plan_next(s->b, &j);)
                subtract(s, w, i.index, j.index, l, get(s, w, j.index, k.index));
        }
    }
    stop_where_bad(s, RT_NOT_POSITIVE_DEFINITE, def);
}

/* ---- triangular ---- */

/* out ← L⁻¹ right, or L⁻ᵀ right. */
static void solve_lower(Small *s, bool transposed, IrDef def) {
    const Matrix *x = &s->out, *l = &s->a;
    copy(s, &s->right, x, s->m, false);
    for (Range r = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &r);) {
        PlanValue k = transposed ? from_below(s, r.index) : r.index, d = get(s, l, k, k);
        note_bad(s, value_op(s->b, IR_EQ, PLAN_BOOL, d, real(s, 0), 0));
        PlanValue scale = inverse(s, d);
        for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
            set(s, x, k, c.index, op(s, IR_MUL, get(s, x, k, c.index), scale));
        PlanValue lo = transposed ? count(s, 0) : next(s, k), hi = transposed ? k : count(s, s->n);
        for (Range i = plan_range(s->b, lo, hi); plan_next(s->b, &i);)
            for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
                subtract(s, x, i.index, c.index,
                         transposed ? get(s, l, k, i.index) : get(s, l, i.index, k), get(s, x, k, c.index));
    }
    stop_where_bad(s, RT_SINGULAR, def);
}

/* ---- general ---- */

/* Exchanges rows k and i of columns lo … hi-1 of x where `change` holds. */
static void exchange(Small *s, const Matrix *x, PlanValue k, PlanValue i, PlanValue lo, PlanValue hi,
                     PlanValue change) {
    for (Range j = plan_range(s->b, lo, hi); plan_next(s->b, &j);) {
        PlanValue up = get(s, x, k, j.index), down = get(s, x, i, j.index);
        set(s, x, k, j.index, value_op(s->b, IR_SELECT, s->type, change, down, up));
        set(s, x, i, j.index, value_op(s->b, IR_SELECT, s->type, change, up, down));
    }
}

/* Elimination in `work`, with the same done to the m columns of `out`; 1/pivot takes the diagonal where `solves`.
 * `sign` (0: nobody asks) is a product that takes −1 for each exchange. */
static void eliminate(Small *s, bool solves, PlanValue sign) {
    const Matrix *w = &s->work, *x = &s->out;
    PlanValue n = count(s, s->n), m = count(s, s->m), zero = count(s, 0);
    for (Range k = plan_range(s->b, zero, n); plan_next(s->b, &k);) {
        for (Range i = plan_range(s->b, next(s, k.index), n); plan_next(s->b, &i);) {
            PlanValue up = op(s, IR_ABS, get(s, w, k.index, k.index), 0);
            PlanValue change = less(s, up, op(s, IR_ABS, get(s, w, i.index, k.index), 0));
            exchange(s, w, k.index, i.index, k.index, n, change);
            if (solves)
                exchange(s, x, k.index, i.index, zero, m, change);
            if (sign)
                value_step(s->b, sign,
                           value_op(s->b, IR_SELECT, s->type, change, real(s, -1), real(s, 1)), 0, 0);
        }
        PlanValue pivot = get(s, w, k.index, k.index);
        note_bad(s, value_op(s->b, IR_EQ, PLAN_BOOL, pivot, real(s, 0), 0));
        PlanValue scale = inverse(s, pivot);
        for (Range i = plan_range(s->b, next(s, k.index), n); plan_next(s->b, &i);) {
            PlanValue f = op(s, IR_MUL, get(s, w, i.index, k.index), scale);
            for (Range j = plan_range(s->b, next(s, k.index), n); plan_next(s->b, &j);)
                subtract(s, w, i.index, j.index, f, get(s, w, k.index, j.index));
            for (Range c = plan_range(s->b, zero, solves ? m : zero); plan_next(s->b, &c);)
                subtract(s, x, i.index, c.index, f, get(s, x, k.index, c.index));
        }
        if (solves)
            set(s, w, k.index, k.index, scale);
    }
}

/* out ← U⁻¹ out, U the upper triangle of `work` with 1/pivot on its diagonal. */
static void solve_upper(Small *s) {
    const Matrix *w = &s->work, *x = &s->out;
    for (Range r = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &r);) {
        PlanValue k = from_below(s, r.index);
        for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
            set(s, x, k, c.index, op(s, IR_MUL, get(s, x, k, c.index), get(s, w, k, k)));
        for (Range i = plan_range(s->b, count(s, 0), k); plan_next(s->b, &i);)
            for (Range c = plan_range(s->b, count(s, 0), count(s, s->m)); plan_next(s->b, &c);)
                subtract(s, x, i.index, c.index, get(s, w, i.index, k), get(s, x, k, c.index));
    }
}

static void solve_general(Small *s, IrDef def, bool unit) {
    copy(s, &s->a, &s->work, s->n, false);
    if (!unit)
        copy(s, &s->right, &s->out, s->m, false);
    for (Range i = plan_range(s->b, count(s, 0), count(s, unit ? s->n : 0)); plan_next(s->b, &i);)
        for (Range j = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &j);) {
            PlanValue same = value_op(s->b, IR_EQ, PLAN_BOOL, i.index, j.index, 0);
            set(s, &s->out, i.index, j.index,
                value_op(s->b, IR_SELECT, s->type, same, real(s, 1), real(s, 0)));
        }
    eliminate(s, true, 0);
    solve_upper(s);
    stop_where_bad(s, RT_SINGULAR, def);
}

static void logdet(Small *s, IrDef def) {
    PlanValue sign = value_acc(s->b, IR_PROD, s->type), sum = value_acc(s->b, IR_SUM, s->type);
    copy(s, &s->a, &s->work, s->n, false);
    eliminate(s, false, sign);
    for (Range k = plan_range(s->b, count(s, 0), count(s, s->n)); plan_next(s->b, &k);) {
        PlanValue d = get(s, &s->work, k.index, k.index);
        value_step(s->b, sum, op(s, IR_LOG, op(s, IR_ABS, d, 0), 0), 0, 0);
        value_step(s->b, sign, op(s, IR_SIGN, d, 0), 0, 0);
    }
    PlanValue negative = less(s, value_result(s->b, sign), real(s, 0));
    set(s, &s->out, count(s, 0), count(s, 0), value_result(s->b, sum));
    stop_where_bad(s, RT_SINGULAR, def);
    value_statement(s->b, PLAN_STOP, RT_NOT_FINITE, negative, def);
}

/* ---- which ---- */

static double operations(IrLinalg fn, double n, double m) {
    double factor = 2 * n * n * n / 3, solve = 2 * n * n * m;
    switch (fn) {
    case IR_CHOLESKY: return factor / 2;
    case IR_SOLVE_SPD: return factor / 2 + solve;
    case IR_SOLVE_LOWER:
    case IR_SOLVE_LOWER_T: return solve / 2;
    case IR_SOLVE: return 2 * factor + 2 * solve;
    case IR_INVERSE: return 2 * factor + 2 * n * n * n;
    case IR_LOGDET: return 2 * factor + 16 * n;
    case IR_POLAR:
    case IR_LEADING:
    case IR_SPECTRAL:
    case IR_NUCLEAR:
    case IR_LINALG_COUNT: break;
    }
    return HUGE_VAL;
}

static Matrix matrix_of(Builder *b, IrDef d, uint64_t columns) {
    Matrix m = {.columns = columns, .place = d};
    m.buffer = plan_buffer_of(b->fp, d, &m.at);
    return m;
}

bool plan_small_linalg(Builder *b, const Op *o) {
    IrProgram *ir = b->plan->ir;
    const IrDefInfo info = *ir_def(ir, o->def);
    uint64_t n = ir_def(ir, info.operand[0])->extent[0], m = info.rank == 2 ? info.extent[1] : 1;
    IrLinalg fn = info.linalg;
    if (fn >= IR_POLAR || n > SMALL_N || m > SMALL_M || n == 0 || m == 0 || (!b->fp->source->cyclic && !b->fp->source->often))
        return false;
    Small s = {.b = b, .type = plan_elem_type(info.elem), .n = n, .m = m};
    b->straight = operations(fn, (double)n, (double)m) <= WRITTEN_OUT;
    s.a = matrix_of(b, info.operand[0], n);
    if (info.operand[1])
        s.right = matrix_of(b, info.operand[1], m);
    s.out = (Matrix){o->out[0].buffer, o->out[0].at, m, o->out[0].place};
    s.work = (Matrix){plan_new_buffer(b->plan, info.elem, n * n, o->def, true), 0, n, 0};
    s.bad = value_acc(b, IR_ANY, PLAN_BOOL);
    switch (fn) {
    case IR_SOLVE_SPD: solve_spd(&s, o->def); break;
    case IR_CHOLESKY: cholesky(&s, o->def); break;
    case IR_SOLVE_LOWER: solve_lower(&s, false, o->def); break;
    case IR_SOLVE_LOWER_T: solve_lower(&s, true, o->def); break;
    case IR_SOLVE: solve_general(&s, o->def, false); break;
    case IR_INVERSE: solve_general(&s, o->def, true); break;
    case IR_LOGDET: logdet(&s, o->def); break;
    case IR_POLAR:
    case IR_LEADING:
    case IR_SPECTRAL:
    case IR_NUCLEAR:
    case IR_LINALG_COUNT: break;
    }
    b->straight = false;
    return true;
}
