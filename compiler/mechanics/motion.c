/* motion — the equations of motion of a system on their own, for whoever integrates them elsewhere.
 *
 * needs: a system joined as for a run by a method      gives: what moves, its rates and where it starts      changes: nothing
 */
#include "internal.h"

/* The starts, each in terms of what starts before it and is put in its place; of what moves alone. */
static void starts_of(Mech *m, SemaMotion *out) {
    const IrFunc *f = &m->out->init;
    uint32_t most = 0, n = 0;
    for (uint32_t g = 0; g < f->groups.n; g++)
        most += f->groups.at[g].n;
    IrReplace *done = ARENA_ARRAY(m->arena, IrReplace, most + 1);
    for (uint32_t j = 0; j < out->n; j++)
        out->start[j] = ir_real(m->p, 0);
    for (uint32_t g = 0; g < f->groups.n; g++) {
        uint32_t known = n;
        for (uint32_t i = 0; i < f->groups.at[g].n; i++) {
            const IrAssign *a = &f->groups.at[g].at[i];
            for (uint32_t j = 0; j < out->n; j++) {
                if (out->y[j] != a->target) /* a parameter that is held keeps its present value */
                    continue;
                out->start[j] = ir_replace(m->p, a->value, done, known);
                done[n++] = (IrReplace){.from = a->target, .body = out->start[j]};
            }
        }
    }
}

bool mech_motion(Session *session, Model *model, const SemaRun *run, SemaMotion *out) {
    Mech *m = mech_begin(session, model, run);
    bool (*const passes[])(Mech *) = {mech_pass_lagrangian, mech_pass_dissipation, mech_pass_orders, mech_pass_constraints,
                                      mech_pass_legendre,   mech_pass_equations,   mech_pass_functions};
    bool ok = true;
    for (uint32_t k = 0; k < sizeof passes / sizeof *passes && ok; k++)
        ok = passes[k](m);
    mech_end(m);
    if (!ok)
        return false;
    const IrFunc *f = &m->out->rhs;
    out->n = m->out->n_y;
    out->y = m->out->y;
    out->rate = ARENA_ARRAY(m->arena, IrTerm, out->n + 1);
    out->start = ARENA_ARRAY(m->arena, IrTerm, out->n + 1);
    for (uint32_t j = 0; j < out->n; j++)
        for (uint32_t g = 0; g < f->groups.n; g++)
            for (uint32_t i = 0; i < f->groups.at[g].n; i++)
                if (f->groups.at[g].at[i].target == m->out->dy[j])
                    out->rate[j] = f->groups.at[g].at[i].value;
    starts_of(m, out);
    return true;
}
