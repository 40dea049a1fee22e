/* symmetry — `symmetry J: rotation(x, y) + 0.2 * translation(z)`, `symmetry δx = t`: how coordinates and the time move under
 * an infinitesimal map. Needs: the system's scope. Gives: δq for every coordinate it moves, and δt.
 *
 * rotation, translation, scale and boost take coordinates, whole (`r`), by axis (`r[:, 0]`) or by element (`r[2, 0]`), with a
 * constant factor (`-V`, `2 * x`); t is a coordinate too. They are short for
 *     rotation(x, y)     δx = −y, δy = x
 *     translation(x, …)  δx = 1, …
 *     scale(x, …)        δx = x, …
 *     boost(x, …)        δx = t, … */
#include "run.h"

typedef enum Kind { ROTATION, TRANSLATION, SCALE, BOOST, N_KINDS } Kind;
static const char *const kind_names[N_KINDS] = {"rotation", "translation", "scale", "boost"};

/* A coordinate, or a part of one, times a constant. */
typedef struct Pick {
    Ent *on;       /* NULL: the time */
    double factor;
    Val value;     /* factor · what was picked, over its own axes */
    Val like;      /* the whole coordinate */
    int64_t fixed[IR_MAX_RANK]; /* per axis of the coordinate: its subscript, or −1: */
    uint32_t axis[IR_MAX_RANK]; /* the axis of `value` that runs along it */
    Span span;
} Pick;

static void refuse(Join *j, Span span, const char *what) {
    Diag *d = sema_error(j->s, DIAG_SYMMETRY, span, "%s", what);
    sema_help(j->s, d, "write `symmetry J: rotation(x, y)`, sums such as `rotation(x, y) + 0.2 * translation(z)`, or what "
                       "each coordinate does: `symmetry J: δx = -y, δy = x`");
    j->failed = true;
}

/* ---- what is moved ---- */

static Ent *var_of(Join *j, IrDef q) {
    for (uint32_t k = 0; k < j->s->vars.n; k++)
        if (j->s->vars.at[k]->q == q) return j->s->vars.at[k];
    return NULL;
}

/* t = factor · result without constant factors in front. */
static IrTerm strip_factor(Join *j, IrTerm t, double *factor) {
    IrProgram *p = j->s->ir;
    for (*factor = 1;;) {
        IrNode node = *ir_node(p, t);
        double c;
        if (node.op == IR_NEG) {
            *factor = -*factor;
            t = node.arg[0];
        } else if (node.op == IR_MUL && sema_const_term(j->s, node.arg[0], &c)) {
            *factor *= c;
            t = node.arg[1];
        } else if (node.op == IR_MUL && sema_const_term(j->s, node.arg[1], &c)) {
            *factor *= c;
            t = node.arg[0];
        } else {
            return t;
        }
    }
}

static bool pick_axes(Join *j, IrTerm read, Pick *pick) {
    IrProgram *p = j->s->ir;
    const IrTerm *subs = ir_read_subs(p, read);
    for (uint32_t k = 0; k < pick->like.rank; k++) {
        IrNode sub = *ir_node(p, subs[k]);
        double at;
        pick->fixed[k] = -1;
        pick->axis[k] = UINT32_MAX;
        if (ir_is_const(p, subs[k], &at)) {
            pick->fixed[k] = (int64_t)at;
            continue;
        }
        for (uint32_t a = 0; a < pick->value.rank && sub.op == IR_INDEX; a++)
            if (pick->value.axis[a].idx == sub.arg[0]) pick->axis[k] = a;
        if (pick->axis[k] == UINT32_MAX ||
            val_extent(j->s, &pick->value, pick->axis[k]) != val_extent(j->s, &pick->like, k))
            return false;
    }
    return true;
}

static bool pick_of(Join *j, const Expr *e, Pick *pick) {
    Sema *s = j->s;
    *pick = (Pick){.span = e->span};
    pick->value = sema_real_expr(s, j->system, e);
    if (!val_ok(&pick->value)) {
        j->failed = true;
        return false;
    }
    IrTerm read = strip_factor(j, pick->value.body, &pick->factor);
    IrNode node = *ir_node(s->ir, read);
    if (node.op == IR_READ && node.arg[0] == s->time) return true;
    pick->on = node.op == IR_READ ? var_of(j, node.arg[0]) : NULL;
    if (pick->on) pick->like = sema_ent_value(s, pick->on, e->span);
    if (pick->on && val_ok(&pick->like) && pick_axes(j, read, pick)) return true;
    refuse(j, e->span, "a symmetry moves coordinates, whole, by axis (`r[:, 0]`) or by element, and the time, and this is none");
    return false;
}

/* ---- how it is moved ---- */

static void add_shift(Join *j, Generator *g, Ent *on, const Val *like, IrTerm body) {
    for (uint32_t k = 0; k < g->shifts.n; k++) {
        Shift *shift = &g->shifts.at[k];
        if (shift->on != on) continue;
        Val v = *like;
        v.body = body;
        shift->value.body = ir_add(j->s->ir, shift->value.body, val_aligned(j->s, &shift->value, &v));
        return;
    }
    Shift shift = {on, *like, };
    shift.value.body = body;
    vec_push(&g->shifts, shift);
}

static void add_time(Join *j, Generator *g, IrTerm t) { g->time = g->time ? ir_add(j->s->ir, g->time, t) : t; }

/* What was picked moves by coefficient · value; value NULL: by 1. */
static void move(Join *j, Generator *g, const Pick *pick, const Val *value, IrTerm coefficient) {
    IrProgram *p = j->s->ir;
    if (!pick->on) {
        add_time(j, g, value ? ir_mul(p, coefficient, value->body) : coefficient);
        return;
    }
    Val like = pick->like;
    IrTerm at[IR_MAX_RANK], here = ir_bool(p, true);
    for (uint32_t k = 0; k < like.rank; k++) {
        IrTerm index = ir_idx(p, like.axis[k].idx);
        if (pick->fixed[k] >= 0)
            here = ir_op2(p, IR_AND, here, ir_op2(p, IR_EQ, index, ir_int(p, pick->fixed[k])));
        else
            at[pick->axis[k]] = index;
    }
    IrTerm body = value ? ir_mul(p, coefficient, val_at(j->s, value, at)) : coefficient;
    add_shift(j, g, pick->on, &like, ir_select(p, here, body, ir_real(p, 0)));
}

static void generate(Join *j, Generator *g, Kind kind, const Expr *e, IrTerm coefficient) {
    IrProgram *p = j->s->ir;
    const ArgList args = e->call.args;
    Pick picks[16];
    uint32_t n = args.n;
    if (kind == ROTATION ? n != 2 : n == 0 || n > 16) {
        refuse(j, e->span, kind == ROTATION ? "a rotation turns two coordinates into each other" : "nothing is moved");
        return;
    }
    for (uint32_t k = 0; k < n; k++)
        if (args.at[k].name || !pick_of(j, args.at[k].value, &picks[k])) {
            if (args.at[k].name) refuse(j, args.at[k].span, "coordinates are named one after the other");
            return;
        }
    if (kind == ROTATION && (!picks[0].on || !picks[1].on || !val_same_shape(j->s, &picks[0].value, &picks[1].value))) {
        refuse(j, e->span, "a rotation turns two coordinates of one shape into each other");
        return;
    }
    Val now = val_scalar(ir_read0(p, j->s->time));
    for (uint32_t k = 0; k < n; k++) {
        IrTerm c = ir_mul(p, coefficient, ir_real(p, kind == ROTATION ? 1 : picks[k].factor));
        switch (kind) {
        case ROTATION: move(j, g, &picks[k], &picks[1 - k].value, k == 0 ? ir_neg(p, c) : c); break;
        case TRANSLATION: move(j, g, &picks[k], NULL, c); break;
        case SCALE: move(j, g, &picks[k], &picks[k].value, coefficient); break;
        case BOOST:
            if (!picks[k].on) {
                refuse(j, picks[k].span, "a boost moves coordinates by the time");
                return;
            }
            Val by = picks[k].value;
            by.body = now.body;
            move(j, g, &picks[k], &by, c);
            break;
        case N_KINDS: break;
        }
    }
}

/* ---- sums of them ---- */

static Kind kind_of(Join *j, const Expr *e) {
    if (e->kind != EXPR_CALL) return N_KINDS;
    const char *name = sema_name(j->s, e->call.callee->name.name);
    for (int k = 0; k < N_KINDS; k++)
        if (!strcmp(name, kind_names[k])) return (Kind)k;
    return N_KINDS;
}

static bool has_generator(Join *j, const Expr *e) {
    if (e->kind == EXPR_BINARY) return has_generator(j, e->binary.a) || has_generator(j, e->binary.b);
    if (e->kind == EXPR_UNARY) return has_generator(j, e->unary.a);
    return kind_of(j, e) != N_KINDS;
}

static void combine(Join *j, Generator *g, const Expr *e, IrTerm coefficient) {
    IrProgram *p = j->s->ir;
    Kind kind = kind_of(j, e);
    if (kind != N_KINDS) {
        generate(j, g, kind, e, coefficient);
        return;
    }
    if (e->kind == EXPR_UNARY && e->unary.op == UNARY_NEG) {
        combine(j, g, e->unary.a, ir_neg(p, coefficient));
        return;
    }
    if (e->kind == EXPR_BINARY && (e->binary.op == BINARY_ADD || e->binary.op == BINARY_SUB)) {
        combine(j, g, e->binary.a, coefficient);
        combine(j, g, e->binary.b, e->binary.op == BINARY_SUB ? ir_neg(p, coefficient) : coefficient);
        return;
    }
    bool times = e->kind == EXPR_BINARY && (e->binary.op == BINARY_MUL || e->binary.op == BINARY_DIV);
    const Expr *factor = times && has_generator(j, e->binary.a) ? e->binary.b : times ? e->binary.a : NULL;
    const Expr *rest = times && factor == e->binary.b ? e->binary.a : times ? e->binary.b : NULL;
    if (!rest || !has_generator(j, rest) || (e->binary.op == BINARY_DIV && rest == e->binary.b)) {
        refuse(j, e->span, "this is no symmetry");
        return;
    }
    IrTerm c = join_scalar(j, j->system, factor, "the weight of a symmetry");
    if (!c) {
        j->failed = true;
        return;
    }
    combine(j, g, rest,
            e->binary.op == BINARY_DIV ? ir_div(p, coefficient, c) : ir_mul(p, coefficient, c));
}

/* ---- δx = … ---- */

/* The coordinate that `δx` (`deltax`) moves; NULL with *time for δt. */
static Ent *shifted(Join *j, Name name, bool *time) {
    Sema *s = j->s;
    const char *text = name_ascii(s->session->names, name), *delta = "delta";
    *time = false;
    if (strncmp(text, delta, strlen(delta)) || !text[strlen(delta)]) return NULL;
    Name of = name_of(s->session->names, text + strlen(delta));
    *time = of == name_of(s->session->names, "t");
    Ent *ent = *time ? NULL : scope_find(s, j->system, of);
    return ent && ent->kind == ENT_VAR ? ent : NULL;
}

static void shift_by(Join *j, Generator *g, const Arg *arg) {
    Sema *s = j->s;
    bool time;
    Ent *on = shifted(j, arg->name, &time);
    if (time) {
        IrTerm t = join_scalar(j, j->system, arg->value, "the shift of the time");
        if (t)
            add_time(j, g, t);
        else
            j->failed = true;
        return;
    }
    if (!on) {
        refuse(j, arg->span, "this moves nothing: δ stands before the name of a coordinate, or of the time t");
        return;
    }
    Val like = sema_ent_value(s, on, arg->span), v = sema_real_expr(s, j->system, arg->value);
    if (!val_ok(&like) || !val_ok(&v)) {
        j->failed = true;
        return;
    }
    if (v.rank && !val_same_shape(s, &like, &v)) {
        sema_error(s, DIAG_TERM_SHAPE, arg->value->span, "`%s` is %s, but its shift is %s", sema_name(s, on->name),
                   sema_shape_text(s, &like), sema_shape_text(s, &v));
        j->failed = true;
        return;
    }
    add_shift(j, g, on, &like, v.rank ? val_aligned(s, &like, &v) : v.body);
}

void join_symmetry(Join *j, const Stmt *st) {
    Generator g = {.name = st->symmetry.name, .span = st->span};
    const ArgList items = st->symmetry.items;
    for (uint32_t k = 0; k < items.n && !j->failed; k++) {
        if (items.at[k].name)
            shift_by(j, &g, &items.at[k]);
        else if (k)
            refuse(j, items.at[k].span, "a symmetry is one motion: add the two, or give each a statement of its own");
        else
            combine(j, &g, items.at[k].value, ir_real(j->s->ir, 1));
    }
    vec_push(&j->symmetries, g);
}

/* ---- for the coordinates of the run ---- */

void join_symmetries(Join *j) {
    for (uint32_t k = 0; k < j->symmetries.n; k++) {
        const Generator *g = &j->symmetries.at[k];
        SemaSymmetry *to = &j->out->symmetries[k];
        to->shift = ARENA_ARRAY(j->s->arena, IrTerm, j->vars.n + 1);
        to->time = join_blocked(j, g->time);
        for (uint32_t i = 0; i < g->shifts.n; i++) {
            uint32_t var = join_var_of(j, g->shifts.at[i].on);
            if (var != UINT32_MAX) {
                to->shift[var] = join_blocked(j, val_close(j->s, &g->shifts.at[i].value));
                continue;
            }
            Diag *d = sema_error(j->s, DIAG_SYMMETRY, g->span, "this symmetry moves `%s`, which this run does not move",
                                 sema_name(j->s, g->shifts.at[i].on->name));
            sema_note(j->s, d, j->st->span, "the run is here");
        }
    }
}

void join_free_symmetries(Join *j) {
    for (uint32_t k = 0; k < j->symmetries.n; k++) vec_free(&j->symmetries.at[k].shifts);
    vec_free(&j->symmetries);
}
