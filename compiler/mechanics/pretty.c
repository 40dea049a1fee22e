/* pretty — terms as a physicist writes them: a tree of sums, products, quotients and reductions in natural order, which the
 * text and LaTeX printers only have to lay out.
 *
 * needs: IR      gives: Pretty trees and the definitions they mention      changes: nothing
 *
 * Natural order: a number, then scalars, then what has indices, sums last; positive terms before negative ones; x⁻¹ is a
 * denominator. A removable singularity, written select(c = 0, limit, f), shows as f. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BOUND = 64, INLINE_SIZE = 24 };

typedef struct Bound {
    IrIdx index;
    const char *name;
} Bound;

struct PrettyScope {
    const Model *model;
    IrProgram *p;
    const SemaRun *run;
    Session *session;
    Arena *arena;
    Bound bound[MOST_BOUND];
    uint32_t n_bound;
    IrDef *wanted;          /* mentioned, in order of mention */
    uint32_t n_wanted, cap_wanted;
    uint8_t *state;         /* by definition: 1 mentioned, 2 shown */
    uint32_t n_state;
    const char **given;     /* by definition: the symbol given to one without a name */
    uint32_t serial;
};

PrettyScope *pretty_scope_new(const Model *model, const SemaRun *run) {
    Session *session = ir_session(model->ir);
    PrettyScope *s = ARENA_NEW(session->arena, PrettyScope);
    s->model = model;
    s->p = model->ir;
    s->run = run;
    s->session = session;
    s->arena = session->arena;
    s->n_state = ir_def_count(s->p) + 1;
    s->state = ARENA_ARRAY(s->arena, uint8_t, s->n_state);
    s->given = ARENA_ARRAY(s->arena, const char *, s->n_state);
    s->cap_wanted = s->n_state;
    s->wanted = ARENA_ARRAY(s->arena, IrDef, s->cap_wanted);
    return s;
}

/* ---- tree ------------------------------------------------------------------------------------------------------------ */

static Pretty *node(PrettyScope *s, PrettyKind kind, uint32_t room) {
    Pretty *t = ARENA_NEW(s->arena, Pretty);
    t->kind = kind;
    t->at = ARENA_ARRAY(s->arena, Pretty *, room ? room : 1);
    return t;
}

static Pretty *number(PrettyScope *s, double value) {
    Pretty *t = node(s, PRETTY_NUMBER, 0);
    t->negative = value < 0;
    t->number = fabs(value);
    return t;
}

static Pretty *symbol(PrettyScope *s, const char *text) {
    Pretty *t = node(s, PRETTY_SYMBOL, IR_MAX_RANK);
    t->text = text;
    return t;
}

static Pretty *call(PrettyScope *s, const char *function, Pretty **args, uint32_t n) {
    Pretty *t = node(s, PRETTY_CALL, n);
    t->text = function;
    for (uint32_t i = 0; i < n; i++)
        t->at[t->n++] = args[i];
    return t;
}

const char *pretty_number(Arena *arena, double value) {
    if (!isfinite(value))
        return arena_printf(arena, "%g", value);
    char text[40];
    int digits = 1;
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    char *e = strchr(text, 'e');
    int exponent = atoi(e + 1);
    if (exponent < -4 || exponent > 6)
        return arena_printf(arena, "%.*se%d", (int)(e - text), text, exponent);
    int decimals = digits - 1 - exponent;
    return arena_printf(arena, "%.*f", decimals > 0 ? decimals : 0, value);
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static bool index_name_taken(const PrettyScope *s, const char *name) {
    for (uint32_t i = 0; i < s->n_bound; i++) {
        if (!strcmp(s->bound[i].name, name))
            return true;
    }
    return false;
}

static const char *free_index_name(PrettyScope *s, Name wish) {
    const char *text = wish ? name_ascii(s->session->names, wish) : "";
    if (*text && !index_name_taken(s, text))
        return text;
    static const char *const letters[] = {"i", "j", "k", "l", "m", "n", "r", "s", "u", "w"};
    for (uint32_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (!index_name_taken(s, letters[i]))
            return letters[i];
    }
    return arena_printf(s->arena, "i%u", s->n_bound);
}

static void push_index(PrettyScope *s, IrIdx index, Name wish) {
    if (s->n_bound < MOST_BOUND) {
        const char *name = free_index_name(s, wish);
        s->bound[s->n_bound++] = (Bound){index, name};
    }
}

static const char *index_name(PrettyScope *s, IrIdx index) {
    for (uint32_t i = s->n_bound; i-- > 0;) {
        if (s->bound[i].index == index)
            return s->bound[i].name;
    }
    return free_index_name(s, ir_index(s->p, index)->name);
}

static void push_axes(PrettyScope *s, IrDef like) {
    if (!like)
        return;
    const IrDefInfo *info = ir_def(s->p, like);
    uint32_t rank = info->rank;
    uint64_t extent[IR_MAX_RANK];
    memcpy(extent, info->extent, sizeof extent);
    for (uint32_t k = 0; k < rank; k++)
        push_index(s, ir_axis(s->p, k, extent[k]), ir_axis_name(s->p, like, k));
}

/* The name of a coordinate, velocity or momentum of the run; NULL when d is none. */
static const char *dynamic_symbol(PrettyScope *s, IrDef d, uint32_t *primes) {
    const SemaRun *run = s->run;
    *primes = 0;
    for (uint32_t a = 0; a < run->n_bodies; a++) {
        const SemaBody *b = &run->bodies[a];
        const char *q = run->block ? "q" : name_ascii(s->session->names, b->name);
        *primes = d == b->v;
        if (d == b->q || d == b->v)
            return q;
        if (d == b->p)
            return run->n_bodies == 1 ? "p" : arena_printf(s->arena, "p_%s", q);
    }
    for (uint32_t i = 0; i < run->n_vars; i++) {
        *primes = d == run->vars[i].v;
        if (d == run->vars[i].q || d == run->vars[i].v)
            return name_ascii(s->session->names, run->vars[i].name);
    }
    *primes = 0;
    return NULL;
}

static void grow_scope(PrettyScope *s, IrDef d) {
    if (d < s->n_state)
        return;
    uint32_t n = ir_def_count(s->p) + 1;
    uint8_t *state = ARENA_ARRAY(s->arena, uint8_t, n);
    const char **given = ARENA_ARRAY(s->arena, const char *, n);
    IrDef *wanted = ARENA_ARRAY(s->arena, IrDef, n);
    memcpy(state, s->state, s->n_state);
    memcpy(given, s->given, s->n_state * sizeof *given);
    memcpy(wanted, s->wanted, s->n_wanted * sizeof *wanted);
    s->state = state;
    s->given = given;
    s->wanted = wanted;
    s->n_state = n;
}

static void mention(PrettyScope *s, IrDef d) {
    grow_scope(s, d);
    if (!s->state[d]) {
        s->state[d] = 1;
        s->wanted[s->n_wanted++] = d;
    }
}

void pretty_mark_shown(PrettyScope *s, IrDef d) {
    mention(s, d);
    s->state[d] = 2;
}

/* A label "dx" where x is a name of the program is the rate of x: x', and "ddx" the rate of that, dx'. */
static const char *rate_symbol(PrettyScope *s, const char *label, uint32_t *primes) {
    const char *name = label + (label[0] == 'd' && label[1] == 'd');
    if (name[0] != 'd' || !name[1])
        return label;
    for (IrDef d = 1; d <= ir_def_count(s->p); d++) {
        Name id = ir_def(s->p, d)->name;
        if (id && (!strcmp(name_ascii(s->session->names, id), name + 1) || !strcmp(name_text(s->session->names, id), name + 1))) {
            *primes = 1;
            return name > label ? arena_printf(s->arena, "d%s", name + 1) : name + 1;
        }
    }
    return label;
}

static const char *def_symbol(PrettyScope *s, IrDef d, uint32_t *primes) {
    const char *dynamic = dynamic_symbol(s, d, primes);
    if (dynamic)
        return dynamic;
    const IrDefInfo *info = ir_def(s->p, d);
    if (info->name)
        return name_ascii(s->session->names, info->name);
    if (info->label)
        return rate_symbol(s, info->label, primes);
    grow_scope(s, d);
    if (!s->given[d])
        s->given[d] = arena_printf(s->arena, "u%u", ++s->serial);
    return s->given[d];
}

static uint32_t term_size(const IrProgram *p, IrTerm t, uint32_t most) {
    IrNode n = *ir_node(p, t);
    IrOp op = (IrOp)n.op;
    uint32_t size = 1;
    if (op == IR_CONST || op == IR_INDEX || op == IR_READ || op == IR_DRAW)
        return size;
    if (ir_op_is_reduce(op))
        return 2 + term_size(p, n.arg[2], most);
    for (uint32_t k = 0; k < ir_op_arity(op) && size < most; k++)
        size += term_size(p, n.arg[k], most);
    return size;
}

/* ---- terms ---------------------------------------------------------------------------------------------------------------- */

static Pretty *build(PrettyScope *s, IrTerm t);

static const char *linalg_name(IrLinalg fn) {
    switch (fn) {
    case IR_CHOLESKY: return "chol";
    case IR_SOLVE:
    case IR_SOLVE_SPD:
    case IR_SOLVE_LOWER: return "solve";
    case IR_SOLVE_LOWER_T: return "solve_t";
    case IR_INVERSE: return "inverse";
    case IR_LOGDET: return "logdet";
    case IR_LINALG_COUNT: break;
    }
    return "";
}

static Pretty *def_name(PrettyScope *s, IrDef d) {
    uint32_t primes;
    const char *text = def_symbol(s, d, &primes);
    mention(s, d);
    Pretty *t = symbol(s, text);
    t->primes = primes;
    uint32_t ignored;
    t->varies = dynamic_symbol(s, d, &ignored) != NULL;
    return t;
}

static Pretty *build_linalg(PrettyScope *s, IrDef d) {
    IrDefInfo info = *ir_def(s->p, d);
    Pretty *args[2];
    uint32_t n = 0;
    for (uint32_t k = 0; k < 2 && info.operand[k]; k++)
        args[n++] = def_name(s, info.operand[k]);
    return call(s, linalg_name(info.linalg), args, n);
}

/* A subscript wrapped around its axis shows without the wrapping, at the nearer side: u[x − 1], not u[(x + 63) mod 64]. */
static IrTerm periodic_subscript(PrettyScope *s, IrTerm sub, uint64_t extent) {
    IrNode n = *ir_node(s->p, sub);
    double length;
    if (n.op != IR_IMOD || !ir_is_const(s->p, n.arg[1], &length) || length != (double)extent)
        return sub;
    IrIdx index[8];
    int64_t factor[8], constant;
    uint32_t count;
    if (!ir_affine(s->p, n.arg[0], index, factor, &count, &constant))
        return sub;
    bool far = constant > (int64_t)extent / 2;
    return far ? ir_sub(s->p, n.arg[0], ir_int(s->p, (int64_t)extent)) : n.arg[0];
}

static Pretty *build_read(PrettyScope *s, IrTerm t) {
    IrDef d = ir_node(s->p, t)->arg[0];
    uint32_t n = ir_node(s->p, t)->arg[2];
    IrTerm subs[IR_MAX_RANK];
    for (uint32_t k = 0; k < n; k++)
        subs[k] = ir_read_subs(s->p, t)[k];
    IrDefInfo info = *ir_def(s->p, d);
    bool named = info.name || info.label;
    uint32_t primes;
    if (info.kind == IR_DEF_EXPR && !named && !dynamic_symbol(s, d, &primes) &&
        term_size(s->p, info.body, INLINE_SIZE) < INLINE_SIZE)
        return build(s, ir_at_subs(s->p, d, subs));
    bool is_call = info.kind == IR_DEF_LINALG && !named;
    Pretty *r = is_call ? build_linalg(s, d) : def_name(s, d);
    Pretty **at = is_call ? ARENA_ARRAY(s->arena, Pretty *, n ? n : 1) : r->at;
    for (uint32_t k = 0; k < n; k++)
        at[k] = build(s, periodic_subscript(s, subs[k], info.extent[k]));
    if (is_call) {
        r->below = at;
        r->n_below = n;
    } else {
        r->n = n;
    }
    return r;
}

/* ---- sums ------------------------------------------------------------------------------------------------------------------- */

typedef struct TermList {
    Pretty *at[256];
    uint32_t n;
} TermList;

static Pretty *negated(PrettyScope *s, const Pretty *t);

static void collect_sum(PrettyScope *s, IrTerm t, bool negative, TermList *list) {
    IrNode n = *ir_node(s->p, t);
    if (list->n < 250 && (n.op == IR_ADD || n.op == IR_SUB)) {
        collect_sum(s, n.arg[0], negative, list);
        collect_sum(s, n.arg[1], n.op == IR_SUB ? !negative : negative, list);
    } else if (list->n < 250 && n.op == IR_NEG) {
        collect_sum(s, n.arg[0], !negative, list);
    } else {
        Pretty *term = build(s, t);
        if (negative)
            term = negated(s, term);
        bool flat = term->kind == PRETTY_SUM && list->n + term->n < 250;
        for (uint32_t i = 0; flat && i < term->n; i++)
            list->at[list->n++] = term->at[i];
        if (!flat)
            list->at[list->n++] = term;
    }
}

/* Whether anything in t carries an index or moves. */
static bool has_subscript(const Pretty *t) {
    if ((t->kind == PRETTY_SYMBOL && (t->n || t->varies)) || (t->kind == PRETTY_CALL && t->n_below))
        return true;
    bool any = false;
    for (uint32_t i = 0; i < t->n && !any; i++)
        any = has_subscript(t->at[i]);
    for (uint32_t i = 0; t->kind == PRETTY_PRODUCT && i < t->n_below && !any; i++)
        any = has_subscript(t->below[i]);
    return any;
}

/* Something with indices before scalars, a name before a formula, numbers last. */
static int term_rank(const Pretty *t) {
    if (t->kind == PRETTY_NUMBER)
        return 3;
    return !has_subscript(t) ? 2 : t->kind != PRETTY_SYMBOL;
}

static Pretty *sum_of(PrettyScope *s, Pretty *const *at, uint32_t n) {
    Pretty *sum = node(s, PRETTY_SUM, n);
    for (int key = 0; key < 8; key++) {
        for (uint32_t i = 0; i < n; i++) {
            if (4 * at[i]->negative + term_rank(at[i]) == key)
                sum->at[sum->n++] = at[i];
        }
    }
    return sum;
}

/* x − 1: a difference that reads better the other way round when a minus stands before the product. */
static bool is_reversible(const Pretty *t) {
    return t->kind == PRETTY_SUM && t->n == 2 && !t->at[0]->negative && t->at[1]->negative &&
           t->at[1]->kind == PRETTY_NUMBER;
}

/* −t: a sum changes the sign of every term, a product that of a difference x − 1 in it. */
static Pretty *negated(PrettyScope *s, const Pretty *t) {
    Pretty *copy = arena_copy(s->arena, t, sizeof *t);
    if (t->kind == PRETTY_SUM) {
        Pretty **terms = ARENA_ARRAY(s->arena, Pretty *, t->n ? t->n : 1);
        for (uint32_t i = 0; i < t->n; i++)
            terms[i] = negated(s, t->at[i]);
        return sum_of(s, terms, t->n);
    }
    for (uint32_t i = 0; t->kind == PRETTY_PRODUCT && !t->negative && i < t->n; i++) {
        if (is_reversible(t->at[i])) {
            copy->at = arena_copy(s->arena, t->at, t->n * sizeof *t->at);
            copy->at[i] = negated(s, t->at[i]);
            return copy;
        }
    }
    copy->negative = !copy->negative;
    return copy;
}

static Pretty *build_sum(PrettyScope *s, IrTerm t) {
    TermList *list = base_calloc(1, sizeof *list);
    collect_sum(s, t, false, list);
    Pretty *sum = list->n == 1 ? list->at[0] : sum_of(s, list->at, list->n);
    free(list);
    return sum;
}

/* ---- products ------------------------------------------------------------------------------------------------------------------ */

typedef struct Factor {
    IrTerm base;
    double exponent;
    Pretty *tree;
    int rank;       /* place in the natural order */
    bool tensor;
    bool below;
} Factor;

typedef struct FactorList {
    Factor at[128];
    uint32_t n;
    double constant;
} FactorList;

/* One letter, Latin or Greek, perhaps with a number. */
static bool is_short(const char *text) {
    Buf shown = {0};
    symbol_write_text(&shown, text);
    size_t letters = 0;
    for (size_t i = 0; i < shown.n; i++)
        letters += ((unsigned char)shown.at[i] & 0xC0) != 0x80;
    bool is = letters <= 2 && !(letters == 2 && shown.n == 2 && shown.at[1] > '9');
    buf_free(&shown);
    return is;
}

static int factor_rank(const Pretty *t, bool tensor) {
    int base = tensor ? 10 : 0;
    switch (t->kind) {
    case PRETTY_NUMBER: return base;
    case PRETTY_SYMBOL: return base + (t->primes ? 3 : tensor || is_short(t->text) ? 1 : 2);
    case PRETTY_POWER: return t->at[0]->kind == PRETTY_SYMBOL ? factor_rank(t->at[0], tensor) : base + 6;
    case PRETTY_PRODUCT:
    case PRETTY_CALL: return base + 4;
    case PRETTY_BRACKET: return base + 5;
    case PRETTY_SUM: return base + 6;
    case PRETTY_CASES:
    case PRETTY_RELATION:
    case PRETTY_TUPLE: return base + 7;
    case PRETTY_REDUCE: return 20;
    }
    return base;
}

static Pretty *power(PrettyScope *s, Pretty *base, Pretty *exponent) {
    Pretty *t = node(s, PRETTY_POWER, 2);
    t->at[0] = base;
    t->at[1] = exponent;
    t->n = 2;
    return t;
}

static void add_factor(FactorList *list, IrTerm base, double exponent) {
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->at[i].base == base) {
            list->at[i].exponent += exponent;
            return;
        }
    }
    list->at[list->n++] = (Factor){.base = base, .exponent = exponent};
}

static void collect_product(PrettyScope *s, IrTerm t, double exponent, FactorList *list) {
    IrNode n = *ir_node(s->p, t);
    double value;
    bool whole = exponent == rint(exponent);
    if (n.op == IR_MUL && list->n < 100) {
        collect_product(s, n.arg[0], exponent, list);
        collect_product(s, n.arg[1], exponent, list);
    } else if (n.op == IR_DIV && list->n < 100) {
        collect_product(s, n.arg[0], exponent, list);
        collect_product(s, n.arg[1], -exponent, list);
    } else if (n.op == IR_NEG && whole) {
        list->constant *= fmod(exponent, 2) != 0 ? -1 : 1;
        collect_product(s, n.arg[0], exponent, list);
    } else if (ir_is_const(s->p, t, &value) && value != 0 && n.type != IR_BOOL) {
        list->constant *= pow(value, exponent);
    } else if (n.op == IR_POW && ir_is_const(s->p, n.arg[1], &value) && value == rint(value)) {
        collect_product(s, n.arg[0], exponent * value, list);
    } else if (n.op == IR_SQRT || (n.op == IR_POW && ir_is_const(s->p, n.arg[1], &value))) {
        add_factor(list, n.arg[0], exponent * (n.op == IR_SQRT ? 0.5 : value));
    } else {
        add_factor(list, t, exponent);
    }
}

static Pretty *ratio(PrettyScope *s, double value);

/* The trees of the collected factors, numerators and denominators. */
static void build_factors(PrettyScope *s, FactorList *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        Factor *f = &list->at[i];
        double size = fabs(f->exponent);
        if (size == 0) {
            list->at[i--] = list->at[--list->n];
            continue;
        }
        Pretty *tree = build(s, f->base);
        if (tree->negative && tree->kind != PRETTY_SUM && size == rint(size)) {
            tree = negated(s, tree);
            list->constant *= fmod(size, 2) != 0 ? -1 : 1;
        }
        f->tree = size == 1 ? tree : size == 0.5 ? call(s, "sqrt", &tree, 1) : power(s, tree, ratio(s, size));
        f->tensor = ir_node(s->p, f->base)->free != 0 || has_subscript(tree);
        f->rank = factor_rank(f->tree, f->tensor);
        f->below = f->exponent < 0;
    }
}

/* value = above / below where that reads better than a decimal: halves, quarters and eighths below 1, thirds and the like;
 * else below is 1. */
static void as_ratio(double value, double *above, double *below) {
    *above = value;
    *below = 1;
    for (int d = 2; d <= 12 && value != rint(value); d++) {
        double n = value * d;
        bool binary = d == 2 || d == 4 || d == 8;
        bool reduced = fmod(n, 2) != 0 || d % 2;
        if (d % 5 && reduced && (!binary || value < 1) && n == rint(n) && fabs(n) < 100 && n / d == value) {
            *above = n;
            *below = d;
            return;
        }
    }
    double inverse = rint(1 / value);
    if (value < 0.01 && inverse < 1e6 && 1 / inverse == value && fmod(inverse, 10) != 0) {
        *above = 1;
        *below = inverse;
    }
}

static Pretty *ratio(PrettyScope *s, double value) {
    double above, below;
    as_ratio(value, &above, &below);
    if (below == 1)
        return number(s, value);
    Pretty *t = node(s, PRETTY_PRODUCT, 1);
    t->below = ARENA_ARRAY(s->arena, Pretty *, 1);
    t->at[t->n++] = number(s, above);
    t->below[t->n_below++] = number(s, below);
    return t;
}

static void add_factors(Pretty *t, const FactorList *list, bool tensor, bool below) {
    for (int rank = 0; rank <= 20; rank++) {
        for (uint32_t i = 0; i < list->n; i++) {
            const Factor *f = &list->at[i];
            if (f->rank != rank || f->below != below || (f->tensor || f->rank == 20) != tensor)
                continue;
            if (below)
                t->below[t->n_below++] = f->tree;
            else
                t->at[t->n++] = f->tree;
        }
    }
}

static Pretty *product_node(PrettyScope *s) {
    Pretty *t = node(s, PRETTY_PRODUCT, 130);
    t->below = ARENA_ARRAY(s->arena, Pretty *, 130);
    return t;
}

static Pretty *lone(PrettyScope *s, Pretty *t) {
    if (t->n == 1 && t->n_below == 0)
        return t->at[0];
    if (t->n == 0)
        t->at[t->n++] = number(s, 1);
    return t;
}

static void absorb_sign(PrettyScope *s, FactorList *list) {
    for (uint32_t i = 0; i < list->n && list->constant < 0; i++) {
        if (is_reversible(list->at[i].tree)) {
            list->at[i].tree = negated(s, list->at[i].tree);
            list->constant = -list->constant;
        }
    }
}

/* What the factors call for: see build_product. */
typedef struct Layout {
    bool scalar_above, scalar_below, tensor_below, reduces;
} Layout;

static Layout layout_of(const FactorList *list) {
    Layout l = {0};
    for (uint32_t i = 0; i < list->n; i++) {
        const Factor *f = &list->at[i];
        bool tensor = f->tensor || f->rank == 20;
        l.scalar_above |= !tensor && !f->below;
        l.scalar_below |= !tensor && f->below;
        l.tensor_below |= tensor && f->below;
        l.reduces |= f->rank == 20 && !f->below;
    }
    return l;
}

/* A number in front where only it is below (½ m v²); one fraction where something with indices is below or nothing scalar
 * stands above it (G v / lr); else the scalar fraction before the rest ((1 − β)/γ · F). */
static Pretty *build_product(PrettyScope *s, IrTerm t) {
    FactorList *list = base_calloc(1, sizeof *list);
    list->constant = 1;
    collect_product(s, t, 1, list);
    build_factors(s, list);
    absorb_sign(s, list);
    double above, below;
    as_ratio(fabs(list->constant), &above, &below);
    Layout l = layout_of(list);
    Pretty *lead = product_node(s), *scalar = product_node(s), *whole = product_node(s);
    bool number_leads = below != 1 && !l.scalar_below && (!l.tensor_below || l.scalar_above);
    bool apart = l.scalar_below && !l.tensor_below && (l.scalar_above || l.reduces);
    Pretty *numbers = number_leads ? lead : scalar;
    if (above != 1)
        numbers->at[numbers->n++] = number(s, above);
    if (below != 1)
        numbers->below[numbers->n_below++] = number(s, below);
    add_factors(scalar, list, false, false);
    add_factors(scalar, list, false, true);
    Pretty *rest = scalar;
    if (apart) {
        rest = product_node(s);
        rest->at[rest->n++] = lone(s, scalar);
    }
    add_factors(rest, list, true, false);
    add_factors(rest, list, true, true);
    if (number_leads) {
        whole->at[whole->n++] = lone(s, lead);
        bool splice = rest->n_below == 0;
        for (uint32_t i = 0; splice && i < rest->n; i++)
            whole->at[whole->n++] = rest->at[i];
        if (!splice)
            whole->at[whole->n++] = lone(s, rest);
    } else {
        whole = rest;
    }
    whole = lone(s, whole);
    if (list->constant < 0)
        whole = negated(s, whole);
    free(list);
    return whole;
}

/* ---- reductions -------------------------------------------------------------------------------------------------------------------- */

static bool is_index(const IrProgram *p, IrTerm t, IrIdx i) {
    return ir_node(p, t)->op == IR_INDEX && ir_node(p, t)->arg[0] == i;
}

/* Guards `i ≤ e`, `i < e`, `e ≤ i`, `e < i` move into the limits; the others stay behind the bar. */
static void add_guard(PrettyScope *s, Pretty *r, IrIdx i, IrTerm guard) {
    IrNode g = *ir_node(s->p, guard);
    if (g.op == IR_AND) {
        add_guard(s, r, i, g.arg[0]);
        add_guard(s, r, i, g.arg[1]);
        return;
    }
    bool bound = (g.op == IR_LE || g.op == IR_LT) && !r->guard;
    IrTerm one = ir_int(s->p, 1);
    if (bound && is_index(s->p, g.arg[0], i) && r->hi->kind == PRETTY_NUMBER && !ir_uses_index(s->p, g.arg[1], i)) {
        r->hi = build(s, g.op == IR_LE ? g.arg[1] : ir_sub(s->p, g.arg[1], one));
        return;
    }
    if (bound && is_index(s->p, g.arg[1], i) && r->lo->kind == PRETTY_NUMBER && !ir_uses_index(s->p, g.arg[0], i)) {
        r->lo = build(s, g.op == IR_LE ? g.arg[0] : ir_add(s->p, g.arg[0], one));
        return;
    }
    Pretty *test = build(s, guard);
    if (r->guard) {
        Pretty *both = node(s, PRETTY_RELATION, 2);
        both->text = "and";
        both->at[both->n++] = r->guard;
        both->at[both->n++] = test;
        test = both;
    }
    r->guard = test;
}

static Pretty *build_reduce(PrettyScope *s, IrTerm t) {
    IrNode n = *ir_node(s->p, t);
    IrIndex index = *ir_index(s->p, n.arg[0]);
    Pretty *r = node(s, PRETTY_REDUCE, 1);
    r->text = ir_op_name((IrOp)n.op);
    push_index(s, n.arg[0], index.name);
    r->symbol = index_name(s, n.arg[0]);
    r->lo = number(s, 0);
    r->hi = number(s, (double)index.extent - 1);
    if (n.arg[1])
        add_guard(s, r, n.arg[0], n.arg[1]);
    r->at[r->n++] = build(s, n.arg[2]);
    s->n_bound--;
    return r;
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------------------ */

static Pretty *build_relation(PrettyScope *s, const char *text, IrTerm a, IrTerm b) {
    Pretty *t = node(s, PRETTY_RELATION, 2);
    t->text = text;
    t->at[t->n++] = build(s, a);
    t->at[t->n++] = build(s, b);
    return t;
}

/* select(c = 0, limit, f): the limit of f; shown as f. */
static bool is_removable(const IrProgram *p, IrTerm condition) {
    const IrNode *n = ir_node(p, condition);
    return n->op == IR_EQ && ir_node(p, n->arg[0])->type == IR_REAL &&
           (ir_is_zero(p, n->arg[0]) || ir_is_zero(p, n->arg[1]));
}

static Pretty *build_select(PrettyScope *s, const IrNode *n) {
    if (is_removable(s->p, n->arg[0]))
        return build(s, n->arg[2]);
    Pretty *t = node(s, PRETTY_CASES, 3);
    for (uint32_t k = 0; k < 3; k++)
        t->at[t->n++] = build(s, n->arg[k]);
    return t;
}

static Pretty *build_draw(PrettyScope *s, IrTerm t) {
    Pretty *xi = symbol(s, "xi");
    uint32_t n;
    const IrIdx *free = ir_set(s->p, ir_node(s->p, t)->free, &n);
    for (uint32_t k = 0; k < n && k < IR_MAX_RANK; k++)
        xi->at[xi->n++] = symbol(s, index_name(s, free[k]));
    return xi;
}

static Pretty *build_operation(PrettyScope *s, IrTerm t, const IrNode *n) {
    IrOp op = (IrOp)n->op;
    if (ir_op_is_reduce(op))
        return build_reduce(s, t);
    if (op == IR_EXPM1) {
        IrTerm x = n->arg[0];
        Pretty *e = build(s, x), *terms[2] = {call(s, "exp", &e, 1), number(s, -1)};
        return sum_of(s, terms, 2);
    }
    Pretty *args[3];
    uint32_t arity = ir_op_arity(op);
    for (uint32_t k = 0; k < arity; k++)
        args[k] = build(s, n->arg[k]);
    return call(s, ir_op_name(op), args, arity);
}

static Pretty *build(PrettyScope *s, IrTerm t) {
    IrNode n = *ir_node(s->p, t);
    double value;
    if (ir_is_const(s->p, t, &value))
        return number(s, value);
    IrOp op = (IrOp)n.op;
    if (op == IR_INDEX)
        return symbol(s, index_name(s, n.arg[0]));
    if (op == IR_READ)
        return build_read(s, t);
    if (op == IR_DRAW)
        return build_draw(s, t);
    if (op == IR_ADD || op == IR_SUB)
        return build_sum(s, t);
    if (op == IR_MUL || op == IR_DIV || op == IR_NEG)
        return build_product(s, t);
    if (op == IR_SQRT)
        return build_product(s, t);
    if (op == IR_POW)
        return ir_is_const(s->p, n.arg[1], &value)
                   ? build_product(s, t)
                   : power(s, build(s, n.arg[0]), build(s, n.arg[1]));
    if (op == IR_EQ || op == IR_NE || op == IR_LT || op == IR_LE || op == IR_AND || op == IR_OR)
        return build_relation(s, ir_op_name(op), n.arg[0], n.arg[1]);
    if (op == IR_SELECT)
        return build_select(s, &n);
    if (op == IR_TO_REAL) {
        Pretty *inner = build(s, n.arg[0]);
        if (ir_node(s->p, n.arg[0])->type != IR_BOOL)
            return inner;
        Pretty *bracket = node(s, PRETTY_BRACKET, 1);
        bracket->at[bracket->n++] = inner;
        return bracket;
    }
    return build_operation(s, t, &n);
}

Pretty *pretty_term(PrettyScope *s, IrTerm t, IrDef like) {
    uint32_t before = s->n_bound;
    push_axes(s, like);
    Pretty *tree = build(s, t);
    s->n_bound = before;
    return tree;
}

Pretty *pretty_subscripted(PrettyScope *s, const char *text, uint32_t primes, IrDef like) {
    uint32_t before = s->n_bound;
    push_axes(s, like);
    Pretty *t = symbol(s, text);
    t->primes = primes;
    for (uint32_t k = before; k < s->n_bound; k++) {
        bool one = ir_index(s->p, s->bound[k].index)->extent == 1;
        t->at[t->n++] = one ? number(s, 0) : symbol(s, s->bound[k].name);
    }
    s->n_bound = before;
    return t;
}

/* ---- where ---------------------------------------------------------------------------------------------------------------------------- */

static Pretty *where_body(PrettyScope *s, IrDef d) {
    IrDefInfo info = *ir_def(s->p, d);
    switch (info.kind) {
    case IR_DEF_EXPR: return pretty_term(s, info.body, d);
    case IR_DEF_LINALG: return build_linalg(s, d);
    case IR_DEF_CONCAT: {
        Pretty *t = node(s, PRETTY_TUPLE, info.n_pieces);
        for (uint32_t i = 0; i < info.n_pieces; i++)
            t->at[t->n++] = def_name(s, info.pieces[i].def);
        return t;
    }
    case IR_DEF_INPUT:
        for (uint32_t i = 0; i < s->run->n_hypers; i++) {
            if (s->run->hypers[i].def == d)
                return number(s, s->run->hypers[i].value);
        }
        return NULL;
    case IR_DEF_VIEW: return NULL;
    }
    return NULL;
}

static bool reaches_only_hypers(PrettyScope *s, IrDef d) {
    uint32_t n = ir_def_count(s->p);
    uint8_t *mark = base_calloc(n + 1, 1);
    ir_reach(s->p, ir_def(s->p, d)->body, mark);
    bool only = true;
    for (IrDef k = 1; k <= n && only; k++)
        only = !mark[k] || ir_def(s->p, k)->kind != IR_DEF_INPUT || ir_def(s->p, k)->role == IR_ROLE_HYPER;
    free(mark);
    return only;
}

/* The value of a scalar that follows from the hyper-parameters alone, else NaN. */
static double constant_value(PrettyScope *s, IrDef d) {
    double value;
    if (ir_def(s->p, d)->rank || ir_is_const(s->p, ir_def(s->p, d)->body, &value))
        return NAN;
    IrEnv *env = ir_env_new(s->p);
    for (uint32_t i = 0; i < s->run->n_hypers; i++)
        ir_env_set(env, s->run->hypers[i].def, &s->run->hypers[i].value);
    bool ok = false;
    if (reaches_only_hypers(s, d))
        value = ir_eval(env, ir_def(s->p, d)->body, NULL, &ok);
    ir_env_free(env);
    return ok ? value : NAN;
}

IrDef pretty_next_where(PrettyScope *s, Pretty **lhs, Pretty **rhs, double *value) {
    for (uint32_t i = 0; i < s->n_wanted; i++) {
        IrDef d = s->wanted[i];
        if (s->state[d] == 2)
            continue;
        s->state[d] = 2;
        *rhs = where_body(s, d);
        if (!*rhs)
            continue;
        uint32_t primes;
        const char *text = def_symbol(s, d, &primes);
        IrDefKind kind = ir_def(s->p, d)->kind;
        *value = kind == IR_DEF_EXPR ? constant_value(s, d) : NAN;
        *lhs = pretty_subscripted(s, text, primes, kind == IR_DEF_EXPR ? d : 0);
        return d;
    }
    return 0;
}
