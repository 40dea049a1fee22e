/* value — nodes of the planned code. A value goes to the end of the outermost open scope in which all it is
 * made of exists, so what does not change in a loop is computed before it; equal values are one. */
#include "pass.h"

const PlanNode *value_node(const Builder *b, PlanValue v) { return &b->func->nodes.at[v]; }

static uint32_t hash_node(const PlanNode *n) {
    uint64_t h = n->kind * 0x9e3779b97f4a7c15ull ^ ((uint64_t)n->type << 8) ^ ((uint64_t)n->op << 16);
    h = (h ^ n->bits) * 0xff51afd7ed558ccdull;
    for (int i = 0; i < 4; i++)
        h = (h ^ (h >> 29) ^ n->arg[i]) * 0xc4ceb9fe1a85ec53ull;
    return (uint32_t)(h >> 32);
}

static bool same_node(const PlanNode *a, const PlanNode *b) {
    return a->kind == b->kind && a->type == b->type && a->op == b->op && a->bits == b->bits &&
           a->flex == b->flex && a->fused == b->fused && memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}

static void table_put(Builder *b, PlanValue v) {
    uint32_t at = hash_node(value_node(b, v)) & (b->table_cap - 1);
    while (b->table[at])
        at = (at + 1) & (b->table_cap - 1);
    b->table[at] = v;
    b->table_n++;
}

static void table_grow(Builder *b) {
    if (2 * b->table_n < b->table_cap)
        return;
    uint32_t *old = b->table, cap = b->table_cap;
    b->table_cap = cap ? 2 * cap : 256;
    b->table = base_calloc(b->table_cap, sizeof *b->table);
    b->table_n = 0;
    for (uint32_t i = 0; i < cap; i++)
        if (old[i] && !b->func->scopes.at[value_node(b, old[i])->scope].closed)
            table_put(b, old[i]);
    free(old);
}

static PlanValue table_find(Builder *b, const PlanNode *n) {
    table_grow(b);
    uint32_t at = hash_node(n) & (b->table_cap - 1);
    for (; b->table[at]; at = (at + 1) & (b->table_cap - 1)) {
        const PlanNode *have = value_node(b, b->table[at]);
        if (same_node(have, n) && !b->func->scopes.at[have->scope].closed)
            return b->table[at];
    }
    return 0;
}

static PlanValue append(Builder *b, PlanNode n, bool listed) {
    vec_push(&b->func->nodes, n);
    PlanValue v = b->func->nodes.n - 1;
    if (listed)
        vec_push(&b->func->scopes.at[n.scope].body, v);
    return v;
}

/* A pure node: found or made, in the scope of its deepest operand. */
static PlanValue make(Builder *b, PlanNode n, uint32_t n_args) {
    uint32_t scope = n.scope ? n.scope : 1;
    for (uint32_t i = 0; i < n_args; i++) {
        uint32_t s = value_node(b, n.arg[i])->scope;
        if (n.arg[i] && b->func->scopes.at[s].depth > b->func->scopes.at[scope].depth)
            scope = s;
    }
    PlanValue have = table_find(b, &n);
    if (have)
        return have < b->alias.n && b->alias.at[have] ? b->alias.at[have] : have;
    n.scope = scope;
    PlanValue v = append(b, n, n.kind != PLAN_CONST);
    table_put(b, v);
    return v;
}

/* ---- constants ---- */

/* Ranges of integers end here: a bound of ±FAR says nothing. */
#define FAR ((int64_t)1 << 60)

static int64_t clip(__int128 v) { return v > FAR ? FAR : v < -FAR ? -FAR : (int64_t)v; }

PlanValue value_int(Builder *b, int64_t v) {
    PlanNode n = {.kind = PLAN_CONST, .type = PLAN_I64, .bits = (uint64_t)v, .lo = clip(v), .hi = clip(v)};
    return make(b, n, 0);
}

PlanValue value_real(Builder *b, double v, PlanType type) {
    PlanNode n = {.kind = PLAN_CONST, .type = (uint8_t)type, .flex = type == PLAN_F64};
    memcpy(&n.bits, &v, sizeof v);
    return make(b, n, 0);
}

PlanValue value_bool(Builder *b, bool v) {
    return make(b, (PlanNode){.kind = PLAN_CONST, .type = PLAN_BOOL, .bits = v}, 0);
}

static bool is_const(const Builder *b, PlanValue v, int64_t *value) {
    const PlanNode *n = value_node(b, v);
    *value = (int64_t)n->bits;
    return n->kind == PLAN_CONST && (n->type == PLAN_I64 || n->type == PLAN_BOOL);
}

/* ---- integers: ranges and folding ---- */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static void set_range(PlanNode *n, int64_t lo, int64_t hi) {
    n->lo = lo;
    n->hi = hi;
}

static void sum_range(PlanNode *n, const PlanNode *x, int64_t y_lo, int64_t y_hi) {
    set_range(n, x->lo > -FAR && y_lo > -FAR ? clip((__int128)x->lo + y_lo) : -FAR,
              x->hi < FAR && y_hi < FAR ? clip((__int128)x->hi + y_hi) : FAR);
}

static void mul_range(PlanNode *n, const PlanNode *x, const PlanNode *y) {
    int64_t p[4] = {clip((__int128)x->lo * y->lo), clip((__int128)x->lo * y->hi),
                    clip((__int128)x->hi * y->lo), clip((__int128)x->hi * y->hi)};
    set_range(n, least(least(p[0], p[1]), least(p[2], p[3])), most(most(p[0], p[1]), most(p[2], p[3])));
}

static void mod_range(PlanNode *n, const PlanNode *x, const PlanNode *y) {
    int64_t largest = y->hi < FAR ? y->hi - 1 : FAR;
    if (y->lo > 0)
        set_range(n, 0, x->lo >= 0 ? least(x->hi, largest) : largest);
}

static void div_range(PlanNode *n, const PlanNode *x, const PlanNode *y) {
    if (x->lo >= 0 && y->lo > 0)
        set_range(n, y->hi < FAR ? x->lo / y->hi : 0, x->hi < FAR ? x->hi / y->lo : FAR);
}

static void op_range(PlanNode *n, const PlanNode *x, const PlanNode *y, const PlanNode *z) {
    IrOp op = (IrOp)n->op;
    set_range(n, -FAR, FAR);
    if (op == IR_ADD)
        sum_range(n, x, y->lo, y->hi);
    else if (op == IR_SUB)
        sum_range(n, x, -y->hi, -y->lo);
    else if (op == IR_NEG)
        set_range(n, -x->hi, -x->lo);
    else if (op == IR_MUL)
        mul_range(n, x, y);
    else if (op == IR_MIN)
        set_range(n, least(x->lo, y->lo), least(x->hi, y->hi));
    else if (op == IR_MAX)
        set_range(n, most(x->lo, y->lo), most(x->hi, y->hi));
    else if (op == IR_SELECT)
        set_range(n, least(y->lo, z->lo), most(y->hi, z->hi));
    else if (op == IR_IMOD)
        mod_range(n, x, y);
    else if (op == IR_IDIV)
        div_range(n, x, y);
    else if (op == IR_ABS)
        set_range(n, 0, most(x->hi, -x->lo));
}

/* Whether x < y, or x ≤ y, whatever the values in their ranges; a bound at FAR is none. */
static bool always_less(const PlanNode *x, const PlanNode *y) { return x->hi < FAR && x->hi < y->lo; }
static bool never_more(const PlanNode *x, const PlanNode *y) {
    return x->hi < FAR && y->lo > -FAR && x->hi <= y->lo;
}

/* A comparison of integers that their ranges decide; -1 when they do not. */
static int decide(IrOp op, const PlanNode *x, const PlanNode *y) {
    bool less = always_less(x, y), more = always_less(y, x);
    bool not_more = never_more(x, y), not_less = never_more(y, x);
    if (op == IR_LT)
        return less ? 1 : not_less ? 0 : -1;
    if (op == IR_LE)
        return not_more ? 1 : more ? 0 : -1;
    if (op != IR_EQ && op != IR_NE)
        return -1;
    return less || more ? op == IR_NE : not_more && not_less ? op == IR_EQ : -1;
}

static PlanValue fold_logic(Builder *b, IrOp op, PlanValue x, PlanValue y, PlanValue z) {
    int64_t v;
    if (op == IR_NOT)
        return is_const(b, x, &v) ? value_bool(b, !v) : 0;
    if (op == IR_SELECT)
        return is_const(b, x, &v) ? (v ? y : z) : y == z ? y : 0;
    if (op != IR_AND && op != IR_OR)
        return 0;
    if (is_const(b, x, &v))
        return (v != 0) == (op == IR_AND) ? y : x;
    if (is_const(b, y, &v))
        return (v != 0) == (op == IR_AND) ? x : y;
    return x == y ? x : 0;
}

/* x div c or x mod c, known where x stays between two multiples of c. */
static PlanValue fold_quotient(Builder *b, IrOp op, PlanValue x, int64_t c) {
    const PlanNode *nx = value_node(b, x);
    if (c <= 0 || nx->lo <= -FAR || nx->hi >= FAR)
        return 0;
    int64_t q = nx->lo / c - (nx->lo % c < 0);
    if (nx->hi >= (q + 1) * c)
        return op == IR_IDIV && c == 1 ? x : 0;
    return op == IR_IDIV ? value_int(b, q) : q == 0 ? x : value_add(b, x, value_int(b, -q * c));
}

static PlanValue fold_int(Builder *b, IrOp op, PlanValue x, PlanValue y) {
    const PlanNode *nx = value_node(b, x), *ny = value_node(b, y);
    int64_t c, neutral = op == IR_MUL;
    if (op == IR_ADD || op == IR_SUB || op == IR_MUL) {
        if (is_const(b, y, &c) && c == neutral)
            return x;
        return op != IR_SUB && is_const(b, x, &c) && c == neutral ? y : 0;
    }
    if (op == IR_MIN)
        return never_more(nx, ny) ? x : never_more(ny, nx) ? y : 0;
    if (op == IR_MAX)
        return never_more(ny, nx) ? x : never_more(nx, ny) ? y : 0;
    if ((op == IR_IMOD || op == IR_IDIV) && is_const(b, y, &c))
        return fold_quotient(b, op, x, c);
    return 0;
}

PlanValue value_op(Builder *b, IrOp op, PlanType type, PlanValue x, PlanValue y, PlanValue z) {
    PlanNode nx = *value_node(b, x), ny = *value_node(b, y), nz = *value_node(b, z);
    PlanValue folded = fold_logic(b, op, x, y, z);
    if (!folded && type == PLAN_I64)
        folded = fold_int(b, op, x, y);
    else if (!folded && op == IR_ADD && b->straight)
        folded = plan_fold_circle(b, type, x, y);
    if (folded)
        return folded;
    if (type == PLAN_BOOL && nx.type == PLAN_I64) {
        int known = decide(op, &nx, &ny);
        if (known >= 0)
            return value_bool(b, known);
    }
    if (b->straight && x > y && y && (op == IR_ADD || op == IR_MUL)) { /* equal values are one either way round */
        PlanValue hold = x;
        x = y;
        y = hold;
        nx = *value_node(b, x);
        ny = *value_node(b, y);
    }
    PlanNode n = {.kind = PLAN_OP, .type = (uint8_t)type, .op = (uint16_t)op, .arg = {x, y, z}};
    n.flex = type == PLAN_F64 && (nx.flex || nx.type == PLAN_BOOL) && (!y || ny.flex) && (!z || nz.flex);
    if (type == PLAN_I64) {
        op_range(&n, &nx, &ny, &nz);
        if (n.lo == n.hi && n.lo > -FAR && n.lo < FAR)
            return value_int(b, n.lo);
    }
    return make(b, n, 3);
}

PlanValue value_subtract(Builder *b, PlanType type, PlanValue x, PlanValue f, PlanValue y) {
    PlanValue product = value_op(b, IR_MUL, type, f, y, 0);
    PlanNode n = {.kind = PLAN_OP, .type = (uint8_t)type, .fused = 1, .op = IR_SUB, .arg = {x, product, f, y}};
    return make(b, n, 4);
}

PlanValue value_convert(Builder *b, PlanValue x, PlanType type) {
    PlanNode nx = *value_node(b, x);
    if (nx.type == type)
        return x;
    if (nx.kind == PLAN_CONST) {
        double v = 0;
        if (nx.type == PLAN_F64 || nx.type == PLAN_F32)
            memcpy(&v, &nx.bits, sizeof v);
        else
            v = (double)(int64_t)nx.bits;
        if (type == PLAN_F64 || type == PLAN_F32)
            return value_real(b, v, type);
        if (type == PLAN_BOOL)
            return value_bool(b, v != 0);
        if (nx.type == PLAN_BOOL)
            return value_int(b, (int64_t)nx.bits);
    }
    PlanNode n = {.kind = PLAN_CONVERT, .type = (uint8_t)type, .arg = {x}, .lo = -FAR, .hi = FAR};
    n.flex = type == PLAN_F64 && (nx.type == PLAN_I64 || nx.type == PLAN_BOOL);
    if (type == PLAN_I64 && nx.type == PLAN_BOOL) {
        n.lo = 0;
        n.hi = 1;
    }
    return make(b, n, 1);
}

PlanValue value_add(Builder *b, PlanValue x, PlanValue y) { return value_op(b, IR_ADD, PLAN_I64, x, y, 0); }

PlanValue value_scale(Builder *b, PlanValue x, int64_t factor) {
    return value_op(b, IR_MUL, PLAN_I64, x, value_int(b, factor), 0);
}

PlanValue value_draw(Builder *b, IrDrawKind kind, uint32_t site, PlanValue position) {
    PlanNode n = {.kind = PLAN_DRAW, .type = PLAN_F64, .flex = 1, .op = (uint16_t)kind, .arg = {0, position}};
    n.bits = site;
    return make(b, n, 2);
}

/* ---- memory ---- */

static uint32_t *version_of(Builder *b, uint32_t buffer) {
    while (b->version.n <= buffer)
        vec_push(&b->version, 0);
    return &b->version.at[buffer];
}

static PlanNode load_node(Builder *b, uint32_t buffer, PlanValue at, PlanType type) {
    PlanNode n = {.kind = PLAN_LOAD, .type = (uint8_t)type, .arg = {0, at, 0, *version_of(b, buffer)}};
    n.bits = buffer;
    n.flex = ir_def(b->plan->ir, b->plan->buffers.at[buffer].def)->flex;
    n.scope = plan_changing_scope(b, buffer);
    return n;
}

PlanValue value_load(Builder *b, uint32_t buffer, PlanValue at, PlanType type) {
    PlanValue known = plan_known(b, buffer, at);
    if (known && value_node(b, known)->type == type)
        return known;
    PlanNode n = load_node(b, buffer, at, type);
    const PlanBuffer *buf = &b->plan->buffers.at[buffer];
    n.lo = buf->elem == IR_U8 ? 0 : -FAR;
    n.hi = buf->elem == IR_U8 ? 255 : FAR;
    PlanValue v = make(b, n, 2);
    plan_know(b, buffer, at, v);
    return v;
}

void value_touch(Builder *b, uint32_t buffer) {
    ++*version_of(b, buffer);
    b->epoch++;
    plan_forget(b, buffer);
}

void value_store(Builder *b, uint32_t buffer, PlanValue at, PlanValue v) {
    PlanNode n = {.kind = PLAN_STORE, .arg = {0, at, v}, .scope = b->scope};
    n.bits = buffer;
    append(b, n, true);
    bool alone = b->scope == plan_region_scope(b) && value_node(b, at)->kind == PLAN_CONST;
    if (alone) {
        ++*version_of(b, buffer);
        b->epoch++;
        plan_know(b, buffer, at, 0);
    } else {
        value_touch(b, buffer);
    }
    /* Who loads the element next takes the value, unless storing it rounds. */
    PlanType type = (PlanType)value_node(b, v)->type;
    IrElem elem = b->plan->buffers.at[buffer].elem;
    bool exact = elem == IR_U8 ? type == PLAN_BOOL : elem != IR_I32 && plan_elem_type(elem) == type;
    if (!exact)
        return;
    PlanNode load = load_node(b, buffer, at, type);
    load.scope = b->scope;
    PlanValue name = append(b, load, false);
    table_grow(b);
    table_put(b, name);
    while (b->alias.n <= name)
        vec_push(&b->alias, 0);
    b->alias.at[name] = v;
    if (alone)
        plan_know(b, buffer, at, v);
}

void value_zero(Builder *b, uint32_t buffer, PlanValue at, uint64_t count) {
    PlanNode n = {.kind = PLAN_ZERO, .arg = {0, at, value_int(b, (int64_t)count)}, .scope = b->scope};
    n.bits = buffer;
    append(b, n, true);
    value_touch(b, buffer);
}

/* ---- accumulators and statements ---- */

/* An accumulator of loops that are written out is no node of the code: its value so far is kept here. */
static PlanValue *running(Builder *b, PlanValue acc) {
    while (b->running.n <= acc)
        vec_push(&b->running, 0);
    return &b->running.at[acc];
}

static PlanValue identity(Builder *b, const PlanNode *acc) {
    double v = ir_reduce_identity((IrOp)acc->op);
    if (acc->type == PLAN_BOOL)
        return value_bool(b, v != 0);
    return acc->type == PLAN_I64 ? value_int(b, ir_int_of(v)) : value_real(b, v, (PlanType)acc->type);
}

static void run_on(Builder *b, PlanValue acc, PlanValue v, PlanValue cond) {
    PlanNode a = *value_node(b, acc);
    int64_t known = 1;
    if (cond && is_const(b, cond, &known) && !known)
        return;
    if (cond && !is_const(b, cond, &known))
        v = value_op(b, IR_SELECT, (PlanType)a.type, cond, v, identity(b, &a));
    PlanValue old = *running(b, acc);
    v = old ? value_op(b, ir_op_of_reduce((IrOp)a.op), (PlanType)a.type, old, v, 0) : v;
    *running(b, acc) = v;
}

PlanValue value_acc(Builder *b, IrOp reduce, PlanType type) {
    PlanNode n = {.kind = PLAN_ACC, .type = (uint8_t)type, .op = (uint16_t)reduce, .scope = b->scope};
    n.dead = b->straight;
    return append(b, n, !b->straight);
}

void value_step(Builder *b, PlanValue acc, PlanValue v, PlanValue cond, PlanValue index) {
    const PlanNode *a = value_node(b, acc);
    if (a->dead) {
        run_on(b, acc, v, cond);
        return;
    }
    append(
        b,
        (PlanNode){
            .kind = PLAN_STEP, .type = a->type, .op = a->op, .scope = b->scope, .arg = {acc, v, cond, index}},
        true);
}

PlanValue value_result(Builder *b, PlanValue acc) {
    PlanNode a = *value_node(b, acc);
    if (a.dead)
        return *running(b, acc) ? *running(b, acc) : identity(b, &a);
    bool arg = a.op == IR_ARGMAX || a.op == IR_ARGMIN;
    PlanNode n = {.kind = PLAN_RESULT,
                  .type = arg ? PLAN_I64 : a.type,
                  .op = a.op,
                  .scope = b->scope,
                  .arg = {acc},
                  .lo = arg ? 0 : -FAR,
                  .hi = FAR};
    return append(b, n, true);
}

PlanValue value_statement(Builder *b, PlanKind kind, uint32_t op, uint32_t x, uint32_t y) {
    return append(b, (PlanNode){.kind = (uint8_t)kind, .op = (uint16_t)op, .scope = b->scope, .arg = {x, y}},
                  true);
}

/* ---- loops ---- */

uint32_t loop_open(Builder *b, PlanValue lo, PlanValue hi) {
    PlanFunc *f = b->func;
    uint32_t depth = f->scopes.at[b->scope].depth + 1;
    vec_push(&f->scopes, (PlanScope){.parent = b->scope, .depth = depth});
    uint32_t scope = f->scopes.n - 1;
    PlanNode n = {.kind = PLAN_INDEX, .type = PLAN_I64, .scope = scope, .arg = {f->loops.n}};
    n.lo = value_node(b, lo)->lo;
    n.hi = value_node(b, hi)->hi - 1;
    PlanValue index = append(b, n, false);
    vec_push(&f->loops, (PlanLoop){.scope = scope, .index = index, .lo = lo, .hi = hi});
    b->scope = scope;
    return f->loops.n - 1;
}

void loop_close(Builder *b, uint32_t loop) {
    PlanScope *scope = &b->func->scopes.at[b->func->loops.at[loop].scope];
    scope->closed = true;
    b->scope = scope->parent;
    append(b, (PlanNode){.kind = PLAN_LOOP, .scope = b->scope, .arg = {loop}}, true);
}
