/* normalize — every reduction below the top of a body becomes a definition of its own.
 *
 * needs: definitions as mechanics left them.
 * gives: for each definition reached its PlanBody: MAP, REDUCE or CONTRACT, with the definitions it reads.
 * changes: nothing; adds definitions to the program. log-sum-exp becomes max, sum of exponentials and a
 * logarithm. */
#include "pass.h"

typedef struct Memo {
    IrTerm term, cond, value;
} Memo;

typedef struct Normalizer {
    Plan *plan;
    IrProgram *ir;
    PlanBody *out;
    VEC(Memo) memo; /* open addressing, size a power of two; term 0: free */
    uint32_t memo_used;
} Normalizer;

static IrTerm normal(Normalizer *n, IrTerm t, IrTerm cond);

/* ---- gathers ---- */

/* Registers the definition "some subscript is out of range where cond holds", to be found false before this
 * body runs. */
static void add_check(Normalizer *n, IrTerm sub, uint64_t extent, IrTerm cond) {
    IrProgram *ir = n->ir;
    IrTerm below = ir_op2(ir, IR_LT, sub, ir_int(ir, 0));
    IrTerm above = ir_op2(ir, IR_LT, ir_int(ir, (int64_t)extent - 1), sub);
    IrTerm bad = ir_op2(ir, IR_OR, below, above);
    if (cond)
        bad = ir_op2(ir, IR_AND, cond, bad);
    uint32_t nf;
    const IrIdx *set = ir_set(ir, ir_node(ir, bad)->free, &nf);
    IrIdx old[2 * IR_MAX_RANK], fresh[2 * IR_MAX_RANK];
    IrTerm to[2 * IR_MAX_RANK];
    for (uint32_t i = 0; i < nf; i++)
        old[i] = set[i];
    for (uint32_t i = 0; i < nf; i++) {
        fresh[i] = ir_fresh(ir, ir_index(ir, old[i])->extent, ir_index(ir, old[i])->name);
        to[i] = ir_idx(ir, fresh[i]);
    }
    bad = ir_subst(ir, bad, old, to, nf);
    for (uint32_t i = nf; i-- > 0;)
        bad = ir_reduce(ir, IR_ANY, fresh[i], 0, bad);
    if (ir_is_zero(ir, bad))
        return;
    Span before = ir_at(ir, ir_node(ir, sub)->span); /* a run that stops here points at the subscript */
    IrDef check = ir_define(ir, 0, IR_U8, NULL, 0, bad);
    ir_at(ir, before);
    plan_normalize_def(n->plan, check);
    plan_def_of(n->plan, check)->must = plan_def_of(n->plan, check)->is_check = true;
    plan_add_unique(&n->out->checks, check);
    plan_add_unique(&n->out->deps, check);
}

static IrTerm clamp(IrProgram *ir, IrTerm sub, uint64_t extent) {
    IrTerm low = ir_op2(ir, IR_MAX, sub, ir_int(ir, 0));
    return ir_op2(ir, IR_MIN, low, ir_int(ir, (int64_t)extent - 1));
}

static PlanStep visit_memory(void *context, IrTerm t) {
    const IrNode *node = ir_node(((Plan *)context)->ir, t);
    if (node->op != IR_READ)
        return PLAN_INTO;
    const IrDefInfo *info = ir_def(((Plan *)context)->ir, node->arg[0]);
    bool counter = info->role == IR_ROLE_BOUND && info->lo <= info->hi;
    return counter ? PLAN_PAST : PLAN_FOUND;
}

/* Whether t reads anything but the counters of scans, which stay where they were shown to. */
static bool reads_memory(Plan *plan, IrTerm t) { return plan_walk(plan, t, visit_memory, plan); }

static IrTerm normal_read(Normalizer *n, IrTerm t, IrTerm cond) {
    IrProgram *ir = n->ir;
    IrNode node = *ir_node(ir, t);
    IrDef d = node.arg[0];
    IrTerm subs[IR_MAX_RANK];
    memcpy(subs, ir_read_subs(ir, t), sizeof *subs * node.arg[2]);
    plan_normalize_def(n->plan, d);
    for (uint32_t i = 0; i < node.arg[2]; i++) {
        int64_t lo, hi;
        uint64_t extent = ir_def(ir, d)->extent[i];
        subs[i] = normal(n, subs[i], cond);
        if (ir_int_range(ir, subs[i], &lo, &hi) && lo >= 0 && hi < (int64_t)extent)
            continue;
        bool gather = reads_memory(n->plan, subs[i]) || plan_has_op(n->plan, subs[i], IR_DRAW);
        if (gather)
            add_check(n, subs[i], extent, cond);
        if (cond || !gather)
            subs[i] = clamp(ir, subs[i], extent);
    }
    plan_add_unique(&n->out->deps, d);
    return ir_read(ir, d, subs, node.arg[2]);
}

/* ---- reductions ---- */

static IrTerm both(IrProgram *ir, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_op2(ir, IR_AND, a, b); }

/* log Σ exp x = m + log Σ exp(x − m) with m = max x where that is finite, 0 elsewhere. */
static IrTerm stable_logsumexp(Normalizer *n, IrTerm t, IrTerm cond) {
    IrProgram *ir = n->ir;
    IrIdx i;
    IrTerm guard, body;
    ir_open(ir, t, &i, &guard, &body);
    IrTerm top = normal(n, ir_reduce(ir, IR_MAXIMUM, i, guard, body), cond);
    IrTerm finite = ir_op2(ir, IR_LT, ir_op1(ir, IR_ABS, top), ir_real(ir, INFINITY));
    IrTerm m = ir_select(ir, finite, top, ir_real(ir, 0));
    IrTerm sum = ir_reduce(ir, IR_SUM, i, guard, ir_op1(ir, IR_EXP, ir_sub(ir, body, m)));
    return ir_add(ir, m, ir_op1(ir, IR_LOG, normal(n, sum, cond)));
}

typedef struct Nest {
    IrIdx index[IR_MAX_RANK];
    IrTerm guard[IR_MAX_RANK];
    uint32_t n;
    IrTerm body;
} Nest;

/* Opens t and the reductions of the same kind directly below it. */
static void open_nest(IrProgram *ir, IrTerm t, Nest *nest) {
    IrOp op = (IrOp)ir_node(ir, t)->op;
    bool chain = op != IR_ARGMAX && op != IR_ARGMIN;
    *nest = (Nest){.body = t};
    do {
        ir_open(ir, nest->body, &nest->index[nest->n], &nest->guard[nest->n], &nest->body);
        nest->n++;
    } while (chain && nest->n < IR_MAX_RANK && ir_node(ir, nest->body)->op == op);
}

/* ---- what an inner loop would compute again and again ---- */

#define HOIST_COST 12.0 /* operations from which a term is worth an array of its own */

double plan_points(IrProgram *ir, IrTerm t) {
    uint32_t n;
    const IrIdx *set = ir_set(ir, ir_node(ir, t)->free, &n);
    double product = 1;
    for (uint32_t i = 0; i < n; i++)
        product *= (double)ir_index(ir, set[i])->extent;
    return product;
}

/* Gives definitions of their own to the costly subterms of t that depend on some of the body's indices only:
 * inside all its loops, which run `times` times, they would be computed over and over. */
static IrTerm hoist(Normalizer *n, IrTerm t, double times) {
    IrProgram *ir = n->ir;
    IrNode node = *ir_node(ir, t);
    IrOp op = (IrOp)node.op;
    uint32_t arity = ir_op_arity(op), nf;
    ir_set(ir, node.free, &nf);
    if (arity == 0 || nf == 0 || node.type != IR_REAL)
        return t;
    if (2 * plan_points(ir, t) <= times && plan_term_cost(n->plan, t) >= HOIST_COST &&
        !plan_has_op(n->plan, t, IR_DRAW)) {
        IrDef made;
        t = plan_outline(n->plan, t, plan_term_elem(n->plan, t), NULL, 0, &made);
        plan_add_unique(&n->out->deps, made);
        return t;
    }
    IrTerm arg[3] = {0};
    bool same = true;
    for (uint32_t i = 0; i < arity; i++) {
        arg[i] = hoist(n, node.arg[i], times);
        same &= arg[i] == node.arg[i];
    }
    if (same)
        return t;
    return arity == 1   ? ir_op1(ir, op, arg[0])
           : arity == 2 ? ir_op2(ir, op, arg[0], arg[1])
                        : ir_op3(ir, op, arg[0], arg[1], arg[2]);
}

/* A sum of products, with inner sums in it where they save work. */
static IrTerm pair_up(Normalizer *n, IrTerm t) {
    Nest nest;
    open_nest(n->ir, t, &nest);
    for (uint32_t i = 0; i < nest.n; i++)
        if (nest.guard[i])
            return t;
    IrTerm pairs = plan_pairwise(n->plan, nest.index, nest.n, nest.body);
    return pairs ? pairs : t;
}

/* Normalizes the parts of reduction t, which stays one nest unless it comes to something else. */
static IrTerm normal_nest(Normalizer *n, IrTerm t, IrTerm cond, bool *contract) {
    IrProgram *ir = n->ir;
    IrOp op = (IrOp)ir_node(ir, t)->op;
    Span before = ir_at(ir, ir_node(ir, t)->span);
    Nest nest;
    *contract = false;
    if (op == IR_SUM && !cond)
        t = pair_up(n, t);
    if (ir_node(ir, t)->op != op) {
        ir_at(ir, before);
        return t;
    }
    open_nest(ir, t, &nest);
    IrTerm opened = nest.body;
    nest.body = plan_shorten(n->plan, nest.body);
    bool plain = op == IR_SUM && !cond, same = true;
    for (uint32_t i = 0; i < nest.n; i++) {
        if (nest.guard[i]) {
            IrTerm guard = normal(n, nest.guard[i], cond);
            same &= guard == nest.guard[i];
            nest.guard[i] = guard;
            cond = both(ir, cond, nest.guard[i]);
            plain = false;
        }
    }
    IrTerm body = normal(n, nest.body, cond);
    *contract = plain && plan_contract(n->plan, nest.index, nest.n, &body);
    if (*contract)
        body = normal(n, body, cond);
    if (!*contract) {
        /* The loops are over the reduced indices and whatever the body or a guard depends on. */
        double times = plan_points(ir, t);
        for (uint32_t i = 0; i < nest.n; i++)
            times *= (double)ir_index(ir, nest.index[i])->extent;
        body = hoist(n, body, times);
    }
    ir_at(ir, before);
    /* Closing what was opened may give another spelling (−Σ sin(b−a) for Σ sin(a−b)), and no two need agree.
     */
    if (same && body == opened)
        return t;
    before = ir_at(ir, ir_node(ir, t)->span);
    for (uint32_t i = nest.n; i-- > 0;)
        body = ir_reduce(ir, op, nest.index[i], nest.guard[i], body);
    ir_at(ir, before);
    return body;
}

/* Σ (a ± b) with a matrix product among the addends is Σ a ± Σ b; 0 when there is nothing to split. */
static IrTerm split_sum(Normalizer *n, IrTerm t, IrTerm cond) {
    IrProgram *ir = n->ir;
    Nest nest;
    if (cond)
        return 0;
    open_nest(ir, t, &nest);
    for (uint32_t i = 0; i < nest.n; i++)
        if (nest.guard[i])
            return 0;
    IrNode node = *ir_node(ir, nest.body);
    if (node.op != IR_ADD && node.op != IR_SUB)
        return 0;
    IrTerm part[2] = {node.arg[0], node.arg[1]};
    bool worth = false;
    for (uint32_t k = 0; k < 2; k++) {
        IrTerm trial = part[k];
        IrOp op = (IrOp)ir_node(ir, trial)->op;
        worth = worth || op == IR_ADD || op == IR_SUB || plan_contract(n->plan, nest.index, nest.n, &trial) ||
                plan_pairwise(n->plan, nest.index, nest.n, trial);
    }
    if (!worth)
        return 0;
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = nest.n; i-- > 0;)
            part[k] = ir_reduce(ir, IR_SUM, nest.index[i], 0, part[k]);
    return ir_op2(ir, (IrOp)node.op, part[0], part[1]);
}

static IrTerm normal_reduce(Normalizer *n, IrTerm t, IrTerm cond) {
    IrProgram *ir = n->ir;
    if (ir_node(ir, t)->op == IR_LOGSUMEXP)
        return stable_logsumexp(n, t, cond);
    IrTerm split = ir_node(ir, t)->op == IR_SUM ? split_sum(n, t, cond) : 0;
    if (split)
        return normal(n, split, cond);
    /* Checks of what goes into the new definition belong to that definition. */
    bool contract;
    PlanBody *mine = n->out, inner = {0};
    n->out = &inner;
    IrTerm whole = normal_nest(n, t, cond, &contract);
    n->out = mine;
    vec_free(&inner.deps);
    for (uint32_t i = 0; i < inner.checks.n; i++) {
        plan_add_unique(&mine->checks, inner.checks.at[i]);
        plan_add_unique(&mine->deps, inner.checks.at[i]);
    }
    vec_free(&inner.checks);
    if (!ir_op_is_reduce((IrOp)ir_node(ir, whole)->op))
        return normal(n, whole, cond);
    IrDef made;
    IrTerm read = plan_outline(n->plan, whole, plan_term_elem(n->plan, whole), NULL, 0, &made);
    plan_add_unique(&n->out->deps, made);
    return read;
}

/* ---- terms ---- */

static Memo *memo_slot(Normalizer *n, IrTerm t, IrTerm cond) {
    if (2 * n->memo_used >= n->memo.n) {
        VEC(Memo) old = {n->memo.at, n->memo.n, n->memo.cap};
        uint32_t size = old.n ? 2 * old.n : 64;
        n->memo.at = base_calloc(size, sizeof(Memo));
        n->memo.n = n->memo.cap = size;
        n->memo_used = 0;
        for (uint32_t i = 0; i < old.n; i++)
            if (old.at[i].term) {
                *memo_slot(n, old.at[i].term, old.at[i].cond) = old.at[i];
                n->memo_used++;
            }
        vec_free(&old);
    }
    uint32_t mask = n->memo.n - 1, at = (t * 2654435761u ^ cond * 40503u) & mask;
    while (n->memo.at[at].term && (n->memo.at[at].term != t || n->memo.at[at].cond != cond))
        at = (at + 1) & mask;
    return &n->memo.at[at];
}

static IrTerm normal_op(Normalizer *n, IrTerm t, IrTerm cond) {
    IrProgram *ir = n->ir;
    IrDef made[4];
    IrTerm split = plan_split_cosine(n->plan, t, made);
    for (uint32_t i = 0; i < 4 && split; i++)
        plan_add_unique(&n->out->deps, made[i]);
    if (split)
        return split;
    IrNode node = *ir_node(ir, t);
    IrOp op = (IrOp)node.op;
    uint32_t arity = ir_op_arity(op);
    IrTerm arg[3] = {0};
    for (uint32_t i = 0; i < arity; i++) {
        IrTerm when = cond;
        if (op == IR_SELECT && i > 0)
            when = both(ir, cond, i == 1 ? arg[0] : ir_op1(ir, IR_NOT, arg[0]));
        arg[i] = normal(n, node.arg[i], when);
    }
    if (arg[0] == node.arg[0] && (arity < 2 || arg[1] == node.arg[1]) && (arity < 3 || arg[2] == node.arg[2]))
        return t;
    return arity == 1   ? ir_op1(ir, op, arg[0])
           : arity == 2 ? ir_op2(ir, op, arg[0], arg[1])
                        : ir_op3(ir, op, arg[0], arg[1], arg[2]);
}

static IrTerm normal(Normalizer *n, IrTerm t, IrTerm cond) {
    IrNode node = *ir_node(n->ir, t);
    IrOp op = (IrOp)node.op;
    if (op == IR_CONST || op == IR_INDEX || op == IR_NONE)
        return t;
    const Memo *known = memo_slot(n, t, cond);
    if (known->term)
        return known->value;
    IrTerm value;
    if (op == IR_READ)
        value = normal_read(n, t, cond);
    else if (op == IR_DRAW) {
        IrTerm position = normal(n, node.arg[2], cond);
        value = ir_draw(n->ir, (IrDrawKind)node.arg[0], node.arg[1], position);
    } else if (ir_op_is_reduce(op))
        value = normal_reduce(n, t, cond);
    else
        value = normal_op(n, t, cond);
    Memo *slot = memo_slot(n, t, cond);
    if (!slot->term)
        n->memo_used++;
    *slot = (Memo){t, cond, value};
    return value;
}

/* ---- bodies ---- */

/* The reduction below scalar factors at the top of t, and those factors; 0 when there is none. */
static IrTerm peel_scale(IrProgram *ir, IrTerm t, IrTerm *scale) {
    *scale = 0;
    for (;;) {
        IrNode node = *ir_node(ir, t);
        uint32_t nf[2] = {0, 0};
        if (ir_op_is_reduce((IrOp)node.op))
            return t;
        IrTerm factor;
        if (node.op == IR_NEG) {
            factor = ir_real(ir, -1);
            t = node.arg[0];
        } else if (node.op == IR_MUL || node.op == IR_DIV) {
            for (int k = 0; k < 2; k++)
                ir_set(ir, ir_node(ir, node.arg[k])->free, &nf[k]);
            bool swap =
                node.op == IR_MUL && nf[0] == 0 && !ir_op_is_reduce((IrOp)ir_node(ir, node.arg[0])->op);
            if (!swap && nf[1])
                return 0;
            factor = swap                ? node.arg[0]
                     : node.op == IR_DIV ? ir_div(ir, ir_real(ir, 1), node.arg[1])
                                         : node.arg[1];
            t = node.arg[swap ? 1 : 0];
        } else
            return 0;
        *scale = *scale ? ir_mul(ir, *scale, factor) : factor;
    }
}

/* Fills out->body from a term whose top may stay a reduction. */
static void normalize_top(Normalizer *n, IrTerm t) {
    IrProgram *ir = n->ir;
    PlanBody *out = n->out;
    IrTerm scale, core = peel_scale(ir, t, &scale);
    out->form = FORM_MAP;
    if (core && ir_node(ir, core)->op == IR_LOGSUMEXP)
        core = 0;
    if (core && ir_node(ir, core)->op == IR_SUM && split_sum(n, core, 0))
        core = 0;
    if (core && !scale) {
        bool contract;
        IrTerm whole = normal_nest(n, core, 0, &contract);
        if (ir_op_is_reduce((IrOp)ir_node(ir, whole)->op)) {
            out->body = whole;
            out->form = contract ? FORM_CONTRACT : FORM_REDUCE;
            return;
        }
        t = whole;
    } else if (core && ir_node(ir, core)->op == IR_SUM) {
        bool contract;
        PlanBody inner = {.elem = out->elem};
        n->out = &inner;
        IrTerm whole = normal_nest(n, core, 0, &contract);
        n->out = out;
        if (contract && ir_op_is_reduce((IrOp)ir_node(ir, whole)->op)) {
            inner.form = FORM_CONTRACT;
            inner.body = whole;
            *out = inner;
            out->alpha = normal(n, scale, 0);
            return;
        }
        vec_free(&inner.deps);
        vec_free(&inner.checks);
        n->memo_used = 0;
        vec_free(&n->memo);
    }
    out->body = normal(n, t, 0);
    out->body = hoist(n, out->body, plan_points(ir, out->body));
}

void plan_normalize_term(Plan *plan, IrTerm t, IrElem elem, uint32_t rank, const uint64_t *extent,
                         PlanBody *out) {
    Normalizer n = {.plan = plan, .ir = plan->ir, .out = out};
    *out = (PlanBody){.elem = elem};
    normalize_top(&n, plan_shorten(plan, t));
    vec_free(&n.memo);
    plan_settle_contract(plan, out, rank, extent);
}
