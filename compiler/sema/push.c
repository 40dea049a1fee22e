/* push — `force = e`: what acts in the place of −∂V/∂q, as the run says (a gradient clipped, a decay of weights) and then
 * the dynamics. In e, `force` is what it was before. Needs: the bodies, the gradient. Gives: run->pushes. */
#include "run.h"

static bool is_push(const Stmt *st) { return st->kind == STMT_TERM && st->term.kind == TERM_PUSH; }

bool push_is_said(StmtList items) {
    for (uint32_t k = 0; k < items.n; k++)
        if (is_push(items.at[k])) return true;
    return false;
}

/* `force` is the value from here on in the scope of the part. */
static void name_it(Join *j, Scope *scope, Val value, Span span) {
    Name name = name_of(j->s->session->names, "force");
    Ent *ent = scope_own(scope, name);
    if (ent)
        ent->val = value;
    else
        scope_bind(j->s, scope, name, span, value);
}

/* The number of the body that the part moves. */
static uint32_t body_of(const Join *j, const Part *part) {
    IrDef q = part->on ? part->on->q : j->q;
    for (uint32_t k = 0; k < j->out->n_bodies; k++)
        if (j->out->bodies[k].q == q) return k;
    return UINT32_MAX;
}

static uint32_t count(StmtList items) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < items.n; k++) n += is_push(items.at[k]);
    return n;
}

/* The last one is `force`, those before it f₁, f₂, … */
static Name name_of_step(Join *j, uint32_t done, uint32_t all) {
    Names *names = j->s->session->names;
    return done == all ? name_of(names, "force") : name_of(names, arena_printf(j->s->arena, "f%u", done));
}

/* The statements of a list one after the other, looked up in `scope`. */
static Val apply(Join *j, Part *part, Scope *scope, StmtList items, Val force, SemaPush *push, uint32_t done, uint32_t all) {
    Sema *s = j->s;
    for (uint32_t k = 0; k < items.n && val_ok(&force); k++) {
        const Stmt *st = items.at[k];
        if (!is_push(st)) continue;
        Declarator d = {.span = st->span, .name_span = st->span, .name = name_of(s->session->names, "force")};
        Part at = {.scope = scope, .on = part->on, .suffix = part->suffix};
        name_it(j, scope, force, st->span);
        Val like = force, v = state_value(j, &at, &d, &like, st->term.value, "new value");
        if (!val_ok(&v)) {
            j->failed = true;
            return val_poison();
        }
        force = val_define(s, val_to_real(s, v), name_of_step(j, ++done, all), st->span, scope);
        push->span = st->span;
    }
    return force;
}

Val push_whole(Join *j, Val force) {
    Scope *scope = scope_new(j->s, SCOPE_LOCAL, j->body);
    Part part = {.scope = scope, .suffix = ""};
    SemaPush push = {0};
    uint32_t n = count(j->st->run.items);
    return apply(j, &part, scope, j->st->run.items, force, &push, 0, n);
}

void push_force(Join *j, Part *part, Val bare, const Stmt *dynamics) {
    Sema *s = j->s;
    uint32_t body = body_of(j, part);
    SemaPush push = {.bare = val_ok(&bare) ? val_close(s, &bare) : 0, .span = j->st->span};
    name_it(j, part->scope, bare, dynamics->dynamics.name_span);
    Scope *scope = scope_new(s, SCOPE_LOCAL, j->body); /* the run speaks of the motion, too */
    static const char *const motion[] = {"q", "p"};
    for (size_t k = 0; k < sizeof motion / sizeof *motion; k++) {
        Name name = name_of(s->session->names, motion[k]);
        const Ent *ent = scope_own(part->scope, name);
        if (ent && !scope_find_declared(s, j->body, name)) scope_bind(s, scope, name, ent->span, ent->val);
    }
    uint32_t first = count(j->st->run.items), all = first + count(dynamics->dynamics.items);
    Val force = j->n_groups && val_ok(&j->whole) ? groups_force(j, body, &bare)
                                                 : apply(j, part, scope, j->st->run.items, bare, &push, 0, all);
    name_it(j, part->scope, force, dynamics->dynamics.name_span);
    force = apply(j, part, part->scope, dynamics->dynamics.items, force, &push, first, all);
    name_it(j, part->scope, force, dynamics->dynamics.name_span);
    if (!val_ok(&force) || body >= j->out->n_bodies) return;
    push.value = val_close(s, &force);
    if (push.value == push.bare) return;
    if (!j->out->pushes) j->out->pushes = ARENA_ARRAY(s->arena, SemaPush, j->out->n_bodies);
    j->out->pushes[body] = push;
}
