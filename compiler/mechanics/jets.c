/* jets — the recursions of the Taylor coefficients, for methods that take those.
 *
 * needs: MechRun.rhs      gives: MechRun.jet, .jet_first, .jet_next      changes: nothing */
#include "internal.h"

/* Sums of products up to which the function that begins a step is written out (IrFunc.often). It runs once where the other runs
 * for every order: beyond, compiling it that way costs more than ten seconds of motion give back. */
enum { WRITTEN_OUT = 64 };

bool mech_pass_jets(Mech *m) {
    MechRun *out = m->out;
    if (m->is_word || !m->run->of_jets)
        return true;
    IrTerm *rate = ARENA_ARRAY(m->arena, IrTerm, out->n_y + 1);
    for (uint32_t i = 0; i < out->n_y; i++)
        rate[i] = out->rhs.groups.at[0].at[i].value;
    CalcJet *jet = ARENA_NEW(m->arena, CalcJet);
    IrDef time = m->run->time;
    if (!calc_jet(m->p, out->y, out->dy, rate, out->n_y, time, jet))
        return false;
    jet->n_kinks = calc_kinks(m->p, rate, out->y, out->n_y, time, &jet->kinks);
    out->jet = jet;
    mech_func_start(m, &out->jet_first, "jet_first", false, 1);
    mech_func_add(&out->jet_first, jet->first, jet->n_first);
    out->jet_first.often = !jet->sums || ir_size(m->p, jet->sums) <= WRITTEN_OUT;
    mech_func_start(m, &out->jet_next, "jet_next", true, 1);
    mech_func_add(&out->jet_next, jet->next, jet->n_next);
    return true;
}
