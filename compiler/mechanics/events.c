/* events — moments at which something crosses, and what is done at them.
 *
 * needs: q'(q, p, t), p(q, q', t), the word      gives: MechRun.event, .events, .part      changes: nothing
 *
 * What an event assigns is said in coordinates and velocities, and may be stored as momenta. Where the state is (q, p),
 * a velocity that changes, or a coordinate that enters the mass matrix, changes p = ∂L/∂q' at the new q and q'; a
 * coordinate moved alone keeps its velocity. All right sides read the state before. */
#include "noether.h"

#include <math.h>
#include <string.h>

/* The state after the event, per body over its axes; 0: as before. */
typedef struct After {
    IrTerm *q, *v, *p;
} After;

/* What the acts assign to `def`, a body's q, v or p, in terms of the stored state; 0: nothing. */
static IrTerm assigned(Mech *m, const SemaEvent *event, const MechBody *b, IrDef def) {
    IrTerm value = 0;
    for (uint32_t k = 0; k < event->n_acts; k++) {
        const SemaAct *act = &event->acts[k];
        const IrDefInfo *info = ir_def(m->p, act->target);
        if (act->target == def)
            return mech_resolve(m, act->value);
        if (info->kind != IR_DEF_VIEW || info->parent != def)
            continue;
        /* a coordinate that lies in a block: its window takes the value, the rest stays */
        uint32_t rank = info->rank;
        int64_t first = (int64_t)info->offset, last = first + (int64_t)ir_size(m->p, act->target) - 1;
        uint64_t extent[IR_MAX_RANK];
        memcpy(extent, info->extent, sizeof extent);
        IrPiece piece = {mech_define(m, NULL, b->elem, rank, extent, mech_resolve(m, act->value)), {(uint64_t)first, 0}};
        IrDef whole = ir_concat(m->p, 0, b->elem, b->rank, b->extent, &piece, 1);
        IrTerm i = b->at[0], inside = ir_op2(m->p, IR_AND, ir_op2(m->p, IR_LE, ir_int(m->p, first), i),
                                             ir_op2(m->p, IR_LE, i, ir_int(m->p, last)));
        IrTerm other = value ? value : mech_resolve(m, ir_read(m->p, def, b->at, b->rank));
        value = ir_select(m->p, inside, ir_read(m->p, whole, b->at, b->rank), other);
    }
    return value;
}

static Span act_span(Mech *m, const SemaEvent *event, IrDef def) {
    for (uint32_t k = 0; k < event->n_acts; k++) {
        const IrDefInfo *info = ir_def(m->p, event->acts[k].target);
        if (event->acts[k].target == def || (info->kind == IR_DEF_VIEW && info->parent == def))
            return event->acts[k].span;
    }
    return event->span;
}

static bool no_velocity(Mech *m, const SemaEvent *event, const MechBody *b, IrDef def, const char *why,
                        const char *help) {
    Diag *d = diag_error(m->session, DIAG_ACT, act_span(m, event, def), "`%s` %s", b->name, why);
    diag_help(m->session, d, "%s", help);
    return false;
}

/* `t`, a function of one body's (q, q') or (q, p), at the state after the event. `of_v`: it reads velocities. */
static IrTerm at_after(Mech *m, const After *after, IrTerm t, bool of_v) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 2 * m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm moved = of_v ? after->v[a] : after->p[a], stays = of_v ? b->velocity : b->momentum;
        if (after->q[a])
            r[n++] = (IrReplace){.from = b->q, .body = after->q[a]};
        if (moved || stays)
            r[n++] = (IrReplace){.from = of_v ? b->v : b->p, .body = moved ? moved : stays};
    }
    return ir_replace(m->p, t, r, n);
}

static bool reads_change(Mech *m, const After *after, IrTerm t, bool of_v) {
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm moved = of_v ? after->v[a] : after->p[a];
        if ((after->q[a] && ir_depends(m->p, t, b->q)) || (moved && ir_depends(m->p, t, of_v ? b->v : b->p)))
            return true;
    }
    return false;
}

/* The stored velocities or momenta that follow from the others. */
static bool complete(Mech *m, const SemaEvent *event, After *after) {
    IrTerm *stored = m->stores_p ? after->p : after->v, *other = m->stores_p ? after->v : after->p;
    IrTerm *found = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm t = m->stores_p ? b->momentum : b->velocity;
        if (m->out->first_order && (after->v[a] || after->p[a]))
            return no_velocity(m, event, b, after->v[a] ? b->v : b->p,
                               "has no velocity of its own to change: without kinetic energy it follows from the forces",
                               "change the coordinate, or give a kinetic energy");
        if (other[a] && !t)
            return no_velocity(m, event, b, m->stores_p ? b->v : b->p,
                               "is moved by its momentum, and its velocity cannot be solved for it",
                               "say what becomes of the momentum, `p(…) = …`");
        if (m->stores_p && t && !stored[a] && reads_change(m, after, t, true))
            found[a] = at_after(m, after, t, true);
        else if (!m->stores_p && other[a])
            found[a] = at_after(m, after, t, false);
    }
    for (uint32_t a = 0; a < m->n; a++)
        stored[a] = found[a] ? found[a] : stored[a];
    return true;
}

static bool add_act(Mech *m, const SemaEvent *event, IrFunc *f, uint32_t number) {
    After after = {ARENA_ARRAY(m->arena, IrTerm, m->n), ARENA_ARRAY(m->arena, IrTerm, m->n),
                   ARENA_ARRAY(m->arena, IrTerm, m->n)};
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, 2 * m->n + event->n_acts);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        after.q[a] = assigned(m, event, b, b->q);
        after.v[a] = assigned(m, event, b, b->v);
        after.p[a] = assigned(m, event, b, b->p);
    }
    if (!complete(m, event, &after))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrTerm motion = m->stores_p ? after.p[a] : after.v[a];
        if (after.q[a])
            assign[n++] = (IrAssign){b->q, after.q[a], act_span(m, event, b->q)};
        if (motion)
            assign[n++] = (IrAssign){m->stores_p ? b->p : b->v, motion, event->span};
    }
    for (uint32_t k = 0; k < event->n_acts; k++)
        if (ir_def(m->p, event->acts[k].target)->role == IR_ROLE_STATE)
            assign[n++] = (IrAssign){event->acts[k].target, mech_resolve(m, event->acts[k].value), event->acts[k].span};
    mech_func_start(m, f, mech_text(m, "act_%u", number), false, 1);
    f->seldom = true;
    mech_func_add(f, assign, n);
    return true;
}

/* What stands at a span, on one line. */
static const char *written(Mech *m, const CalcKink *kink) {
    const Source *source = kink->span.file ? source_get(m->session, kink->span.file) : NULL;
    if (!source || kink->span.end > source->length || kink->span.start >= kink->span.end)
        return ir_op_name(kink->op);
    char *text = arena_string(m->arena, source->text + kink->span.start, kink->span.end - kink->span.start);
    for (char *c = text; *c; c++)
        *c = *c == '\n' || *c == '\t' || *c == '\r' ? ' ' : *c;
    return text;
}

/* A method that goes by series takes another one on the other side of a kink. */
static void add_kinks(Mech *m, IrAssign *assign) {
    MechRun *out = m->out;
    for (uint32_t k = 0; k < out->jet->n_kinks; k++) {
        const CalcKink *kink = &out->jet->kinks[k];
        out->kinks[k] = (MechKink){mech_output(m, kink->value, kink->span, &assign[k]), written(m, kink), kink->span};
    }
}

/* ---- what lies between steps ---- */

static bool is_between(const Mech *m, double t) {
    double steps = t / m->out->step_size;
    return fabs(steps - round(steps)) > 1e-9 * fmax(1, steps);
}

/* Whether a run of steps needs one of any length: for events, or since it ends or is looked at between two. Training goes by
 * whole steps. */
static bool needs_part(const Mech *m) {
    const SemaRun *run = m->run;
    bool trains = true, between = run->unit == DURATION_TIME && is_between(m, run->duration);
    for (uint32_t i = 0; i < run->n_vars; i++)
        trains = trains && run->vars[i].kind == DECL_PARAM;
    for (uint32_t i = 0; i < run->n_records && !between; i++)
        between = !run->records[i].event && run->records[i].unit == EVERY_TIME && is_between(m, run->records[i].every);
    return m->is_word && !trains && (run->n_events || between);
}

static bool add_part(Mech *m) {
    MechRun *out = m->out;
    out->part_length = ir_scalar_input(m->p, name_of(m->session->names, "h"), IR_ROLE_HYPER);
    ir_mark_volatile(m->p, out->part_length);
    IrTerm length = ir_read0(m->p, out->part_length);
    if (m->run->scheme)
        return mech_scheme_function(m, &out->part, "part", false, length);
    mech_word_function(m, &out->part, "part", false, length);
    return true;
}

/* ---- what never crosses ---- */

enum { POINTS = 3, MOST_ROUNDS = 40, MOST_LOOKED_AT = 400 };

static void keep_all_rows(Mech *m) {
    double ones[MOST_LOOKED_AT];
    for (uint32_t i = 0; i < MOST_LOOKED_AT; i++)
        ones[i] = 1;
    for (uint32_t r = 0; r < m->n_constraints; r++)
        if (m->constraints[r].kept)
            ir_env_set(m->env, m->constraints[r].kept, ones);
}

/* A generic state that the constraints allow. False where none is found: it is out of the domain. */
static bool go_to_allowed(Mech *m, const IrTerm *terms, uint32_t n, uint32_t salt) {
    const IrFunc *project = &m->out->hold->project;
    if (!mech_set_generic(m, terms, n, salt))
        return false;
    keep_all_rows(m);
    for (int k = 0; k < MOST_ROUNDS; k++)
        if (!mech_apply(m->p, m->env, project))
            return false;
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const double *c = ir_eval_def(m->env, m->constraints[r].sema->residual);
        for (uint64_t i = 0; c && i < m->constraints[r].row.size; i++)
            if (!(fabs(c[i]) < 1e-12))
                return false;
        if (!c)
            return false;
    }
    return true;
}

/* Whether the difference is 0 wherever the constraints hold: then what crosses is rounding. */
static bool is_kept(Mech *m, IrTerm value, IrDef like) {
    uint64_t size = ir_size(m->p, like), total = m->n_rows + size;
    IrTerm *all = ARENA_ARRAY(m->arena, IrTerm, 1 + 2 * m->n + m->n_constraints);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        total += b->size;
        all[n++] = ir_read(m->p, b->q, b->at, b->rank);
        if (b->order == MECH_SECOND)
            all[n++] = ir_read(m->p, m->stores_p ? b->p : b->v, b->at, b->rank);
    }
    all[n++] = value;
    for (uint32_t r = 0; r < m->n_constraints; r++)
        all[n++] = m->constraints[r].residual;
    if (total > MOST_LOOKED_AT || ir_def(m->p, like)->rank > IR_MAX_RANK)
        return false;
    for (uint32_t point = 0; point < POINTS; point++) {
        if (!go_to_allowed(m, all, n, 29 * point + 11))
            return false;
        for (uint64_t i = 0; i < size; i++) {
            int64_t at[IR_MAX_RANK] = {0};
            uint64_t rest = i;
            bool ok = true;
            for (uint32_t k = ir_def(m->p, like)->rank; k-- > 0; rest /= ir_def(m->p, like)->extent[k])
                at[k] = (int64_t)(rest % ir_def(m->p, like)->extent[k]);
            double g = ir_eval(m->env, value, at, &ok);
            if (!ok || !(fabs(g) < 1e-9))
                return false;
        }
    }
    return true;
}

static bool check_moves(Mech *m, const SemaEvent *event, const IrAssign *value) {
    if (!m->n_constraints || !is_kept(m, value->value, value->target))
        return true;
    Diag *d = diag_error(m->session, DIAG_EVENT, event->span, "the constraints keep both sides equal at all times, so nothing ever crosses here");
    for (uint32_t r = 0; r < m->n_constraints && r < 4; r++)
        diag_note_at(m->session, d, m->constraints[r].span, "this holds");
    diag_help(m->session, d, "watch something that the motion changes");
    return false;
}

bool mech_pass_events(Mech *m) {
    const SemaRun *run = m->run;
    MechRun *out = m->out;
    if (needs_part(m) && !add_part(m))
        return false;
    out->n_kinks = out->jet ? out->jet->n_kinks : 0;
    if (!run->n_events && !out->n_kinks)
        return true;
    out->events = ARENA_ARRAY(m->arena, MechEvent, run->n_events);
    out->kinks = ARENA_ARRAY(m->arena, MechKink, out->n_kinks);
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, run->n_events + out->n_kinks);
    bool ok = true;
    for (uint32_t k = 0; k < run->n_events; k++) {
        const SemaEvent *event = &run->events[k];
        out->events[k].value = mech_output(m, event->value, event->span, &assign[k]);
        ok = check_moves(m, event, &assign[k]) && ok;
        if (event->n_acts)
            ok = add_act(m, event, &out->events[k].act, k) && ok;
    }
    if (out->n_kinks)
        add_kinks(m, assign + run->n_events);
    mech_func_start(m, &out->event, "event", false, 1);
    mech_func_add(&out->event, assign, run->n_events + out->n_kinks);
    return ok;
}

/* ---- the derivation ---- */

static const char *how(const SemaEvent *event) {
    return event->direction > 0   ? "rises through 0"
           : event->direction < 0 ? "falls through 0"
                                  : "changes its sign";
}

void mech_event_lines(Mech *m, MechLine *at, uint32_t *n) {
    const SemaRun *run = m->run;
    enum { MOST = 100 };
    for (uint32_t k = 0; k < run->n_events && *n < MOST; k++) {
        const SemaEvent *event = &run->events[k];
        const IrFunc *act = &m->out->events[k].act;
        const IrAssign *value = &m->out->event.groups.at[0].at[k];
        IrTerm difference = value->value, axes[IR_MAX_RANK];
        const IrNode *node = ir_node(m->p, difference);
        for (uint32_t a = 0; node->op == IR_READ && a < node->arg[2]; a++)
            axes[a] = ir_read_subs(m->p, difference)[a];
        if (node->op == IR_READ)
            difference = ir_at_subs(m->p, node->arg[0], axes); /* written out: it has no name of its own */
        const char *symbol = run->n_events == 1 ? "g" : mech_text(m, "g_%u", k + 1);
        at[(*n)++] = (MechLine){.lhs = symbol, .like = value->target, .relation = "=", .rhs = difference,
                                .span = event->span};
        at[(*n)++] = (MechLine){.remark = mech_text(m, "where %s %s:%s", symbol, how(event),
                                                    act->groups.n           ? ""
                                                    : event->stop_after     ? " the run ends"
                                                                            : " it is looked at")};
        for (uint32_t i = 0; act->groups.n && i < act->groups.at[0].n && *n < MOST; i++) {
            const IrAssign *a = &act->groups.at[0].at[i];
            at[(*n)++] = (MechLine){.lhs = mech_symbol(m, a->target), .like = a->target, .relation = "←",
                                    .rhs = a->value, .span = a->span};
        }
        if (act->groups.n && event->stop_after)
            at[(*n)++] = (MechLine){.remark = "and the run ends"};
    }
}
