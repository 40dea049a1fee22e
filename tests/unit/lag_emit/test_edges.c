/* Every operation of op.def at the edges of its operands' ranges (NaN, infinities, both zeros, the largest,
 * the smallest and denormal numbers; integers past 2^53 and up to the last): folding of constants, the
 * reference evaluator and machine code must mean the same. */
#define RIG_INPUTS 160
#include "edges.h"

/* What an operation takes and gives here. */
typedef struct Use {
    IrOp op;
    IrTerm term;
    IrDef out;
    IrDef whole; /* of INT results: the same as a definition */
    IrType result;
} Use;

/* All pairs of edges as two inputs, and one output for each operation on them. */
typedef struct Edges {
    Rig *rig;
    IrElem elem; /* of the operands: F64, F32, I64 */
    uint64_t n;
    double *x, *y;  /* REAL operands … */
    int64_t *i, *j; /* … or INT ones */
    Use use[IR_OP_COUNT];
    uint32_t n_uses;
} Edges;

static bool is_real(const Edges *e) { return e->elem != IR_I64; }

/* An operation on operands a and b of the tested type, as a term; 0 when it takes none of that type. */
static IrTerm apply(const Edges *e, IrOp op, IrTerm a, IrTerm b) {
    IrProgram *p = e->rig->ir;
    bool only_int = op == IR_IDIV || op == IR_IMOD;
    if (only_int && is_real(e))
        return 0;
    if (op == IR_AND || op == IR_OR)
        return ir_op2(p, op, ir_op2(p, IR_LT, a, b), ir_op2(p, IR_LE, b, a));
    if (op == IR_NOT)
        return ir_op1(p, op, ir_op2(p, IR_LT, a, b));
    if (op == IR_SELECT)
        return ir_select(p, ir_op2(p, IR_LT, a, b), a, b);
    return ir_op_arity(op) == 1 ? ir_op1(p, op, a) : ir_op2(p, op, a, b);
}

static IrTerm real_input(Rig *r, IrElem elem, const double *values, uint64_t n, IrTerm at) {
    IrDef d = rig_input(r, IR_ROLE_COORD, elem, 1, &n, 0);
    for (uint64_t i = 0; i < n; i++)
        r->start[r->n_inputs - 1][i] = values[i];
    return ir_read(r->ir, d, &at, 1);
}

static void edges_start(Edges *e, IrElem elem, bool fast) {
    *e = (Edges){.rig = rig_new(fast), .elem = elem};
    uint64_t m = elem == IR_I64 ? N_INT : N_REAL;
    e->n = m * m;
    e->x = calloc(e->n, sizeof *e->x);
    e->y = calloc(e->n, sizeof *e->y);
    e->i = calloc(e->n, sizeof *e->i);
    e->j = calloc(e->n, sizeof *e->j);
    for (uint64_t k = 0; k < e->n; k++) {
        if (elem == IR_I64) {
            e->i[k] = int_edges[k / m];
            e->j[k] = int_edges[k % m];
        } else {
            e->x[k] = elem == IR_F32 ? (float)real_edges[k / m] : real_edges[k / m];
            e->y[k] = elem == IR_F32 ? (float)real_edges[k % m] : real_edges[k % m];
        }
    }
    Rig *r = e->rig;
    IrTerm at = ir_idx(r->ir, ir_axis(r->ir, 0, e->n)), a, b;
    a = elem == IR_I64 ? wide_input(r, e->i, e->n, at) : real_input(r, elem, e->x, e->n, at);
    b = elem == IR_I64 ? wide_input(r, e->j, e->n, at) : real_input(r, elem, e->y, e->n, at);
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++) {
        if (!ir_op_arity((IrOp)op))
            continue;
        IrTerm t = apply(e, (IrOp)op, a, b);
        if (!t)
            continue;
        IrType type = (IrType)ir_node(r->ir, t)->type;
        IrElem as = type == IR_INT ? IR_I64 : type == IR_BOOL ? IR_U8 : elem == IR_I64 ? IR_F64 : elem;
        Use *u = &e->use[e->n_uses++];
        *u = (Use){.op = (IrOp)op, .term = t, .result = type};
        u->out = rig_input(r, IR_ROLE_OUTPUT, as, 1, &e->n, 0);
        if (type == IR_INT)
            u->whole = ir_define(r->ir, 0, IR_I64, (IrIdx[]){ir_axis(r->ir, 0, e->n)}, 1, t);
        rig_assign(r, u->out, t);
    }
}

static void edges_end(Edges *e) {
    free(e->x);
    free(e->y);
    free(e->i);
    free(e->j);
    rig_free(e->rig);
}

/* Relative 4e-15: vector variants are up to 4 units off, half powers are a few products; the smallest normal
 * number besides, since a result made of two parts may lose a denormal one. In f32 the same in its own units.
 */
static bool near(double have, double want, bool single) {
    if (isnan(want) || isnan(have))
        return isnan(want) && isnan(have);
    if (have == want)
        return true;
    double error = single ? 2e-6 * fabs(want) + 2 * FLT_MIN : 4e-15 * fabs(want) + 2 * DBL_MIN;
    return fabs(have - want) <= error;
}

static void complain(const Edges *e, const Use *u, uint64_t k, const char *who, double have, double want) {
    char a[64], b[64];
    snprintf(a, sizeof a, is_real(e) ? "%.17g" : "%.0f", is_real(e) ? e->x[k] : (double)e->i[k]);
    snprintf(b, sizeof b, is_real(e) ? "%.17g" : "%.0f", is_real(e) ? e->y[k] : (double)e->j[k]);
    fail_msg("%s (%s) of %s and %s: %s gives %.17g, the reference %.17g", ir_op_name(u->op),
             e->elem == IR_F32   ? "f32"
             : e->elem == IR_F64 ? "f64"
                                 : "int",
             a, b, who, have, want);
}

/* The reference's value with zeros of either sign in the place of zeros: which one it is, is not promised. */
static bool same_real(const Edges *e, const Use *u, IrEnv *env, uint64_t k, double have, bool single) {
    Rig *r = e->rig;
    for (int signs = 0; signs < 4; signs++) {
        double *x = r->start[0], *y = r->start[1];
        double x0 = x[k], y0 = y[k], want;
        if (x0 == 0)
            x[k] = signs & 1 ? -0.0 : 0.0;
        if (y0 == 0)
            y[k] = signs & 2 ? -0.0 : 0.0;
        ir_env_set(env, r->input[0], x);
        ir_env_set(env, r->input[1], y);
        want = ir_eval(env, u->term, &(int64_t){(int64_t)k}, NULL);
        x[k] = x0;
        y[k] = y0;
        if (near(have, single ? (float)want : want, single))
            return true;
        if (x0 != 0 && y0 != 0)
            break;
    }
    return false;
}

static IrEnv *reference(const Edges *e) {
    IrEnv *env = ir_env_new(e->rig->ir);
    for (uint32_t k = 0; k < e->rig->n_inputs; k++)
        ir_env_set(env, e->rig->input[k], e->rig->start[k]);
    return env;
}

/* The 64 bits of an INT value, which the evaluator hands out as a double: in two halves, of a definition so
 * that folding does not look through it. */
static int64_t whole_value(const Edges *e, IrEnv *env, const Use *u, uint64_t k) {
    IrProgram *p = e->rig->ir;
    int64_t at = (int64_t)k;
    IrTerm place = ir_int(p, at), t = ir_read(p, u->whole, &place, 1);
    double high = ir_eval(env, ir_op2(p, IR_IDIV, t, ir_int(p, 4294967296)), &at, NULL);
    double low = ir_eval(env, ir_op2(p, IR_IMOD, t, ir_int(p, 4294967296)), &at, NULL);
    return (int64_t)high * 4294967296 + (int64_t)low;
}

static bool is_same(const Edges *e, const Use *u, IrEnv *env, uint64_t k, double have, bool single) {
    double want = ir_eval(env, u->term, &(int64_t){(int64_t)k}, NULL);
    bool same = u->result == IR_REAL ? near(have, single ? (float)want : want, single) : have == want;
    return same || (is_real(e) && (e->x[k] == 0 || e->y[k] == 0) && same_real(e, u, env, k, have, single));
}

static const void *result_of(const Edges *e, const Use *u) {
    PlanPlace place;
    assert_true(plan_place(e->rig->plan, u->out, &place));
    return e->rig->frame.mem + place.offset;
}

/* Machine code against the reference. */
static void check_code(const Edges *e) {
    IrEnv *env = reference(e);
    for (uint32_t n = 0; n < e->n_uses; n++) {
        const Use *u = &e->use[n];
        const void *have = result_of(e, u);
        for (uint64_t k = 0; k < e->n; k++) {
            double v = rig_get(have, ir_def(e->rig->ir, u->out)->elem, k);
            bool same = u->whole ? ((const int64_t *)have)[k] == whole_value(e, env, u, k)
                                 : is_same(e, u, env, k, v, e->elem == IR_F32);
            if (!same)
                complain(e, u, k, "machine code", v, ir_eval(env, u->term, &(int64_t){(int64_t)k}, NULL));
        }
    }
    ir_env_free(env);
}

/* The same operation on constants against the reference. */
static void check_folding(const Edges *e) {
    IrProgram *p = e->rig->ir;
    IrEnv *env = reference(e);
    for (uint32_t n = 0; n < e->n_uses; n++) {
        const Use *u = &e->use[n];
        for (uint64_t k = 0; k < e->n; k++) {
            IrTerm a = is_real(e) ? ir_real(p, e->x[k]) : ir_int(p, e->i[k]);
            IrTerm b = is_real(e) ? ir_real(p, e->y[k]) : ir_int(p, e->j[k]);
            IrTerm t = apply(e, u->op, a, b);
            double v;
            if (!ir_is_const(p, t, &v))
                fail_msg("%s of constants stays a term", ir_op_name(u->op));
            const IrNode *node = ir_node(p, t);
            bool same =
                u->whole ? (int64_t)(node->arg[0] | (uint64_t)node->arg[1] << 32) == whole_value(e, env, u, k)
                         : is_same(e, u, env, k, v, false);
            if (!same)
                complain(e, u, k, "folding", v, ir_eval(env, u->term, &(int64_t){(int64_t)k}, NULL));
        }
    }
    ir_env_free(env);
}

static void run_edges(IrElem elem, bool fast) {
    Edges e;
    edges_start(&e, elem, fast);
    rig_compile(e.rig);
    assert_int_equal(rig_call(e.rig, 1), 0);
    check_code(&e);
    if (!fast && elem != IR_F32)
        check_folding(&e);
    edges_end(&e);
}

static void doubles(void **state) {
    (void)state;
    run_edges(IR_F64, false);
}
static void doubles_fast(void **state) {
    (void)state;
    run_edges(IR_F64, true);
}
static void singles(void **state) {
    (void)state;
    run_edges(IR_F32, false);
}
static void singles_fast(void **state) {
    (void)state;
    run_edges(IR_F32, true);
}
static void integers(void **state) {
    (void)state;
    run_edges(IR_I64, false);
}

/* ---- a constant as one operand: what folding and planning make of it ---- */

static const double real_constants[] = {0, 1, -1, 2, -2, 3, 0.5, -0.5, 1.5, 0.3, 1e-5, 20, -1e300};
enum { N_REAL_CONSTANTS = sizeof real_constants / sizeof *real_constants };

/* What the other operand is: a REAL input; an INT one as a sum, which folding takes apart, or as a whole. */
typedef enum Other { REALS, SUMS, WHOLES } Other;

/* 0 · x is 0 whatever x is: algebra counts on finite numbers. */
static bool is_excused(IrOp op, double x, double c) { return c == 0 && op == IR_MUL && !isfinite(x); }

/* op(x, c), or op(c, x) when turned. */
static IrTerm in_order(IrProgram *p, IrOp op, bool turned, IrTerm x, IrTerm c) {
    return turned ? ir_op2(p, op, c, x) : ir_op2(p, op, x, c);
}

static IrTerm constant_of(IrProgram *p, Other other, uint64_t c) {
    return other == REALS ? ir_real(p, real_constants[c]) : ir_int(p, int_edges[c]);
}

static IrTerm edge_of(IrProgram *p, Other other, uint64_t k) {
    return other == REALS ? ir_real(p, real_edges[k]) : ir_int(p, int_edges[k]);
}

static IrElem elem_for(IrType type) { return type == IR_REAL ? IR_F64 : type == IR_INT ? IR_I64 : IR_U8; }

/* All 64 bits of what machine code left of an INT result. */
static bool same_bits(const Rig *r, const PlanPlace *place, uint64_t k, IrTerm want) {
    const IrNode *node = ir_node(r->ir, want);
    int64_t bits = (int64_t)(node->arg[0] | (uint64_t)node->arg[1] << 32);
    return place->elem != IR_I64 || ((const int64_t *)(r->frame.mem + place->offset))[k] == bits;
}

/* Both values of t at element k, the reference's and machine code's, against op of two constants; of any sign
 * where the element is a zero of either sign. */
static void check_element(const Rig *r, IrEnv *env, IrTerm t, IrDef out, uint64_t k, IrTerm constants,
                          bool any_sign, const char *what) {
    PlanPlace place;
    double want = 0;
    assert_true(plan_place(r->plan, out, &place));
    assert_true(ir_is_const(r->ir, constants, &want));
    double v[2] = {rig_get(r->frame.mem + place.offset, place.elem, k),
                   ir_eval(env, t, &(int64_t){(int64_t)k}, NULL)};
    for (int who = 0; who < 2; who++) {
        bool same = near(v[who], want, false) || (any_sign && fabs(v[who]) == fabs(want));
        if (!same)
            fail_msg("%s at element %llu: %s gives %.17g, constants %.17g", what, (unsigned long long)k,
                     who ? "the reference" : "machine code", v[who], want);
    }
    if (!same_bits(r, &place, k, constants))
        fail_msg("%s at element %llu: machine code has other bits than constants", what,
                 (unsigned long long)k);
}

/* op(x, constant), or op(constant, x), as machine code and by the evaluator, against op of two constants. */
static void check_constants(IrOp op, Other other, bool turned) {
    uint64_t n = other == REALS ? N_REAL : N_INT, m = other == REALS ? N_REAL_CONSTANTS : N_INT;
    Rig *r = rig_new(false);
    IrProgram *p = r->ir;
    IrTerm at = ir_idx(p, ir_axis(p, 0, n)), t[N_REAL_CONSTANTS + N_INT];
    IrTerm x = other == REALS  ? real_input(r, IR_F64, real_edges, n, at)
               : other == SUMS ? wide_input(r, int_edges, n, at)
                               : whole_input(r, int_edges, n, at);
    uint32_t first = r->n_inputs;
    for (uint64_t c = 0; c < m; c++) {
        t[c] = in_order(p, op, turned, x, constant_of(p, other, c));
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, elem_for((IrType)ir_node(p, t[c])->type), 1, &n, 0);
        rig_assign(r, out, t[c]);
    }
    rig_compile(r);
    assert_int_equal(rig_call(r, 1), 0);
    IrEnv *env = ir_env_new(p);
    for (uint32_t k = 0; k < r->n_inputs; k++)
        ir_env_set(env, r->input[k], r->start[k]);
    for (uint64_t c = 0; c < m; c++) {
        char what[96];
        snprintf(what, sizeof what, "%s of %s and constant %llu%s", ir_op_name(op),
                 other == REALS ? "f64" : "int", (unsigned long long)c, turned ? ", turned" : "");
        for (uint64_t k = 0; k < n; k++)
            if (other != REALS || !is_excused(op, real_edges[k], real_constants[c]))
                check_element(r, env, t[c], r->input[first + c], k,
                              in_order(p, op, turned, edge_of(p, other, k), constant_of(p, other, c)),
                              other == REALS && real_edges[k] == 0, what);
    }
    ir_env_free(env);
    rig_free(r);
}

static void constants(void **state) {
    (void)state;
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++) {
        if (ir_op_arity((IrOp)op) != 2 || op == IR_AND || op == IR_OR || op == IR_POLYGAMMA)
            continue;
        if (op != IR_IDIV && op != IR_IMOD)
            check_constants((IrOp)op, REALS, false);
        if (op == IR_POW || op == IR_DIV || op == IR_ATAN2)
            continue;
        check_constants((IrOp)op, SUMS, false);
        check_constants((IrOp)op, WHOLES, false);
        check_constants((IrOp)op, WHOLES, true);
    }
}

/* ---- reductions over rows of three ---- */

static void check_rows(IrOp op, IrElem elem) {
    static const double real_row[] = {NAN, INFINITY, -INFINITY, 0, 1, -2, 1e300, -1e300, 5e-324};
    static const double int_row[] = {0, 1, -1, 5, -5, 4294967296, -4294967296, 3037000499, 7};
    bool truth = op == IR_ANY || op == IR_ALL;
    const double *row = elem == IR_F64 ? real_row : int_row;
    uint64_t shape[2] = {729, 3};
    Rig *r = rig_new(false);
    IrProgram *p = r->ir;
    IrDef x = rig_input(r, IR_ROLE_COORD, elem, 2, shape, 0);
    for (uint64_t k = 0; k < 729; k++)
        for (uint64_t j = 0, rest = k; j < 3; j++, rest /= 9)
            r->start[0][3 * k + j] = row[rest % 9];
    IrIdx j = ir_fresh(p, 3, 0);
    IrTerm body = rig_read2(r, x, ir_idx(p, ir_axis(p, 0, 729)), ir_idx(p, j));
    if (truth)
        body = ir_op2(p, IR_LT, body, elem == IR_F64 ? ir_real(p, 0.5) : ir_int(p, 1));
    for (int guarded = 0; guarded < 2; guarded++) {
        IrTerm guard = guarded ? ir_op2(p, IR_NE, ir_idx(p, j), ir_int(p, 1)) : 0;
        IrTerm t = ir_reduce(p, op, j, guard, body);
        IrType type = (IrType)ir_node(p, t)->type;
        rig_assign(r,
                   rig_input(r, IR_ROLE_OUTPUT,
                             type == IR_REAL  ? IR_F64
                             : type == IR_INT ? IR_I64
                                              : IR_U8,
                             1, shape, 0),
                   t);
    }
    r->tolerance = 1e-14; /* log-sum-exp in another order */
    rig_check(r, 1);
}

static void reductions(void **state) {
    (void)state;
    for (int op = IR_SUM; op < IR_OP_COUNT; op++) {
        check_rows((IrOp)op, IR_F64);
        if (op != IR_LOGSUMEXP)
            check_rows((IrOp)op, IR_I64);
    }
}

/* ---- what is agreed, in numbers ---- */

static double value2(IrProgram *p, IrOp op, double a, double b) {
    double v = 0;
    assert_true(ir_is_const(p, ir_op2(p, op, ir_real(p, a), ir_real(p, b)), &v));
    return v;
}

static void meanings(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    double v;
    assert_true(isnan(value2(p, IR_MIN, NAN, 1)) && isnan(value2(p, IR_MIN, 1, NAN)));
    assert_true(isnan(value2(p, IR_MAX, NAN, 1)) && isnan(value2(p, IR_MAX, 1, NAN)));
    assert_true(isnan(value2(p, IR_POW, -INFINITY, 0.5)) && isnan(value2(p, IR_POW, -8, 1.0 / 3)));
    assert_true(value2(p, IR_POW, -2, 3) == -8 && value2(p, IR_POW, 0, 0) == 1);
    assert_true(ir_is_const(p, ir_op1(p, IR_SIGN, ir_real(p, NAN)), &v) && isnan(v));
    assert_true(ir_is_const(p, ir_op1(p, IR_ROUND, ir_real(p, 2.5)), &v) && v == 2);
    static const struct {
        int64_t a, b, div, mod;
    } quotients[] = {{7, 2, 3, 1},
                     {-7, 2, -4, 1},
                     {7, -2, -4, -1},
                     {-7, -2, 3, -1},
                     {7, 0, 0, 0},
                     {-7, 0, 0, 0},
                     {INT64_MIN, -1, INT64_MIN, 0},
                     {9007199254740993, 2, 4503599627370496, 1}};
    for (size_t k = 0; k < sizeof quotients / sizeof *quotients; k++) {
        IrTerm a = ir_int(p, quotients[k].a), b = ir_int(p, quotients[k].b);
        assert_int_equal(ir_op2(p, IR_IDIV, a, b), ir_int(p, quotients[k].div));
        assert_int_equal(ir_op2(p, IR_IMOD, a, b), ir_int(p, quotients[k].mod));
    }
    assert_int_equal(ir_op1(p, IR_TO_INT, ir_real(p, NAN)), ir_int(p, 0));
    assert_int_equal(ir_op1(p, IR_TO_INT, ir_real(p, 1e300)), ir_int(p, INT64_MAX));
    assert_int_equal(ir_op1(p, IR_TO_INT, ir_real(p, -2.7)), ir_int(p, -2));
    IrTerm big = ir_int(p, 9007199254740993);
    assert_int_equal(ir_op2(p, IR_EQ, big, ir_int(p, 9007199254740992)), ir_bool(p, false));
    ir_free(p);
    session_free(s);
}

/* What folding takes for its own absolute value has no sign to lose. */
static void never_negative(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    uint64_t n = N_REAL;
    IrTerm at = ir_idx(r->ir, ir_axis(r->ir, 0, n)), x = real_input(r, IR_F64, real_edges, n, at);
    IrEnv *env = ir_env_new(r->ir);
    int kept = 0;
    ir_env_set(env, r->input[0], r->start[0]);
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++) {
        if (ir_op_arity((IrOp)op) != 1 || op == IR_NOT || op == IR_TO_INT)
            continue;
        IrTerm t = ir_op1(r->ir, IR_ABS, ir_op1(r->ir, (IrOp)op, x));
        kept += ir_node(r->ir, t)->op == (uint32_t)op;
        for (uint64_t k = 0; k < n; k++)
            if (ir_eval(env, t, &(int64_t){(int64_t)k}, NULL) < 0)
                fail_msg("the absolute value of %s is negative", ir_op_name((IrOp)op));
    }
    assert_true(kept >= 8);
    ir_env_free(env);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),      cmocka_unit_test(doubles_fast), cmocka_unit_test(singles),
        cmocka_unit_test(singles_fast), cmocka_unit_test(integers),     cmocka_unit_test(constants),
        cmocka_unit_test(reductions),   cmocka_unit_test(meanings),
        cmocka_unit_test(never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
