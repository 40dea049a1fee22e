/* inside — whether a subscript stays on its axis wherever the conditions around it hold. First by intervals: each
 * condition that compares one index with a number narrows that index. Where that does not suffice and the indices take
 * few enough values, by going through all of them. What depends on data or on parameters is left to the plan, which
 * looks before the run reads. */
#include "internal.h"

enum { MOST_INDICES = 8, MOST_CONDITIONS = 64 };
static const double most_values = 1 << 20;

typedef struct Range {
    IrIdx idx;
    int64_t lo, hi;
} Range;

typedef struct Place {
    Sema *s;
    IrTerm term;
    IrTerm condition[MOST_CONDITIONS];
    uint32_t n_conditions;
    bool dropped; /* there were more */
    Range range[MOST_INDICES];
    uint32_t n_ranges;
} Place;

/* ---- the conditions ---- */

/* `condition` (or its negation) as conditions that hold together. */
static void add_conjuncts(Place *p, IrTerm condition, bool holds) {
    IrNode node = *ir_node(p->s->ir, condition);
    if (node.op == IR_NOT) {
        add_conjuncts(p, node.arg[0], !holds);
    } else if (node.op == (holds ? IR_AND : IR_OR)) {
        add_conjuncts(p, node.arg[0], holds);
        add_conjuncts(p, node.arg[1], holds);
    } else if (p->n_conditions < MOST_CONDITIONS) {
        p->condition[p->n_conditions++] = holds ? condition : ir_op1(p->s->ir, IR_NOT, condition);
    } else {
        p->dropped = true;
    }
}

static bool never_holds(const Place *p) {
    for (uint32_t k = 0; k < p->n_conditions; k++)
        if (ir_is_zero(p->s->ir, p->condition[k])) return true;
    return false;
}

static Range *range_of(Place *p, IrIdx idx) {
    for (uint32_t k = 0; k < p->n_ranges; k++)
        if (p->range[k].idx == idx) return &p->range[k];
    return NULL;
}

static bool add_indices(Place *p, IrTerm t) {
    uint32_t n;
    const IrIdx *set = ir_set(p->s->ir, ir_node(p->s->ir, t)->free, &n);
    for (uint32_t k = 0; k < n; k++) {
        if (range_of(p, set[k])) continue;
        if (p->n_ranges == MOST_INDICES) return false;
        p->range[p->n_ranges++] = (Range){set[k], 0, (int64_t)ir_index(p->s->ir, set[k])->extent - 1};
    }
    return true;
}

static bool meets(Place *p, IrTerm t) {
    for (uint32_t k = 0; k < p->n_ranges; k++)
        if (ir_uses_index(p->s->ir, t, p->range[k].idx)) return true;
    return false;
}

/* Keeps the conditions that speak of the subscript's indices, directly or through other indices. */
static bool gather_conditions(Place *p) {
    uint32_t kept = 0;
    if (!add_indices(p, p->term)) return false;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t k = kept; k < p->n_conditions; k++) {
            IrTerm condition = p->condition[k];
            if (!meets(p, condition)) continue;
            p->condition[k] = p->condition[kept];
            p->condition[kept++] = condition;
            if (!add_indices(p, condition)) return false;
            more = true;
        }
    }
    p->n_conditions = kept;
    return true;
}

/* ---- intervals ---- */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* coef·idx + constant ≤ 0 */
static void narrow(Place *p, IrIdx idx, int64_t coef, int64_t constant) {
    Range *range = range_of(p, idx);
    if (!range || coef == 0) return;
    if (coef > 0) {
        int64_t hi = floor_div(-constant, coef);
        if (hi < range->hi) range->hi = hi;
    } else {
        int64_t lo = -floor_div(-constant, -coef);
        if (lo > range->lo) range->lo = lo;
    }
}

/* coef·idx + constant is not 0: an end of the range may go. */
static void leave_out(Place *p, IrIdx idx, int64_t coef, int64_t constant) {
    Range *range = range_of(p, idx);
    if (!range || coef == 0 || constant % coef) return;
    range->lo += range->lo == -constant / coef;
    range->hi -= range->hi == -constant / coef;
}

/* A comparison of one index with a number, or its negation. */
static void narrow_by(Place *p, IrTerm condition) {
    IrProgram *ir = p->s->ir;
    IrNode node = *ir_node(ir, condition);
    bool negated = node.op == IR_NOT;
    if (negated) node = *ir_node(ir, node.arg[0]);
    bool equality = node.op == IR_EQ || node.op == IR_NE;
    if ((node.op != IR_LT && node.op != IR_LE && !equality) || ir_node(ir, node.arg[0])->type != IR_INT ||
        ir_node(ir, node.arg[1])->type != IR_INT)
        return;
    IrIdx idx[MOST_INDICES];
    int64_t coef[MOST_INDICES], constant;
    uint32_t n;
    if (!ir_affine(ir, ir_sub(ir, node.arg[0], node.arg[1]), idx, coef, &n, &constant) || n != 1) return;
    if (equality && (node.op == IR_NE) != negated)
        leave_out(p, idx[0], coef[0], constant);
    else if (equality) {
        narrow(p, idx[0], coef[0], constant);
        narrow(p, idx[0], -coef[0], -constant);
    } else if (negated) /* not a < b is b ≤ a, not a ≤ b is b < a */
        narrow(p, idx[0], -coef[0], -constant + (node.op == IR_LE));
    else
        narrow(p, idx[0], coef[0], constant + (node.op == IR_LT));
}

static bool by_intervals(Place *p, int64_t *lo, int64_t *hi) {
    IrIdx idx[MOST_INDICES];
    int64_t coef[MOST_INDICES];
    uint32_t n;
    if (!ir_affine(p->s->ir, p->term, idx, coef, &n, lo)) return false;
    *hi = *lo;
    for (uint32_t k = 0; k < n; k++) {
        const Range *range = range_of(p, idx[k]); /* there: the term's indices were added first */
        if (range->lo > range->hi) { /* the conditions never hold */
            *lo = *hi = 0;
            return true;
        }
        *lo += coef[k] * (coef[k] > 0 ? range->lo : range->hi);
        *hi += coef[k] * (coef[k] > 0 ? range->hi : range->lo);
    }
    return true;
}

/* ---- all values ---- */

static bool is_known(Place *p, IrTerm t) {
    IrEnv *env = ir_env_new(p->s->ir);
    bool ok = false;
    IrIdx from[MOST_INDICES];
    IrTerm to[MOST_INDICES];
    for (uint32_t k = 0; k < p->n_ranges; k++) {
        from[k] = p->range[k].idx;
        to[k] = ir_int(p->s->ir, 0);
    }
    IrTerm at_zero = ir_subst(p->s->ir, t, from, to, p->n_ranges);
    ir_eval(env, at_zero, NULL, &ok);
    ir_env_free(env);
    return ok;
}

static double extreme(Place *p, IrEnv *env, IrOp op, IrTerm condition, bool *ok) {
    IrProgram *ir = p->s->ir;
    IrIdx from[MOST_INDICES], fresh[MOST_INDICES];
    IrTerm to[MOST_INDICES];
    for (uint32_t k = 0; k < p->n_ranges; k++) {
        from[k] = p->range[k].idx;
        fresh[k] = ir_fresh(ir, ir_index(ir, from[k])->extent, ir_index(ir, from[k])->name);
        to[k] = ir_idx(ir, fresh[k]);
    }
    IrTerm t = ir_subst(ir, ir_to_real(ir, p->term), from, to, p->n_ranges);
    IrTerm guard = condition ? ir_subst(ir, condition, from, to, p->n_ranges) : 0;
    for (uint32_t k = 0; k < p->n_ranges; k++) t = ir_reduce(ir, op, fresh[k], k ? 0 : guard, t);
    return ir_eval(env, t, NULL, ok);
}

/* The conditions that are known; what depends on data or parameters is left out, and *all says whether that was any. */
static IrTerm known_conditions(Place *p, bool *all) {
    IrTerm condition = 0;
    *all = !p->dropped;
    for (uint32_t k = 0; k < p->n_conditions; k++) {
        if (!is_known(p, p->condition[k]))
            *all = false;
        else
            condition = condition ? ir_op2(p->s->ir, IR_AND, condition, p->condition[k]) : p->condition[k];
    }
    return condition;
}

static Inside by_values(Place *p, uint64_t extent, int64_t *lo, int64_t *hi) {
    IrProgram *ir = p->s->ir;
    double values = 1;
    for (uint32_t k = 0; k < p->n_ranges; k++) values *= (double)ir_index(ir, p->range[k].idx)->extent;
    if (!is_known(p, p->term)) return INSIDE_LATER;
    if (values > most_values) return INSIDE_UNSHOWN;
    bool all, ok_lo = false, ok_hi = false;
    IrTerm condition = known_conditions(p, &all);
    IrEnv *env = ir_env_new(ir);
    double low = extreme(p, env, IR_MINIMUM, condition, &ok_lo), high = extreme(p, env, IR_MAXIMUM, condition, &ok_hi);
    ir_env_free(env);
    if (!ok_lo || !ok_hi) return INSIDE_UNSHOWN;
    if (low > high) low = high = 0; /* the condition never holds */
    *lo = (int64_t)low;
    *hi = (int64_t)high;
    return all || (*lo >= 0 && *hi < (int64_t)extent) ? INSIDE_SHOWN : INSIDE_UNSHOWN;
}

Inside sema_inside(Sema *s, IrTerm t, uint64_t extent, int64_t *lo, int64_t *hi) {
    Place p = {.s = s, .term = t};
    for (uint32_t k = s->condition_base; k < s->conditions.n; k++) add_conjuncts(&p, s->conditions.at[k], true);
    if (never_holds(&p)) {
        *lo = *hi = 0;
        return INSIDE_SHOWN;
    }
    if (!gather_conditions(&p)) return INSIDE_UNSHOWN;
    for (uint32_t k = 0; k < p.n_conditions; k++) narrow_by(&p, p.condition[k]);
    if (by_intervals(&p, lo, hi) && *lo >= 0 && *hi < (int64_t)extent) return INSIDE_SHOWN;
    return by_values(&p, extent, lo, hi);
}

/* ---- what is assumed ---- */

void sema_assume(Sema *s, const Val *condition, bool holds) {
    IrTerm t = ir_bool(s->ir, true); /* a tensor's condition says nothing of single elements */
    if (val_ok(condition) && condition->rank == 0 && val_type(s, condition) == IR_BOOL)
        t = holds ? condition->body : ir_op1(s->ir, IR_NOT, condition->body);
    vec_push(&s->conditions, t);
}

void sema_forget(Sema *s) { (void)vec_pop(&s->conditions); }
