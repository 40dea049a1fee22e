/* hold — the constraints of a run: where their pieces lie in memory, and what went wrong with them, at the user's line. */
#include "execution.h"

bool hold_open(Execution *e) {
    const RtProgramRun *spec = e->spec;
    if (!spec->project)
        return true;
    Arena *arena = e->arena;
    RtHold *h = e->run.hold = ARENA_NEW(arena, RtHold);
    *h = (RtHold){.n = spec->n_constraints};
    h->project = execution_function(e, spec->project);
    h->inspect = h->n ? execution_function(e, spec->inspect) : NULL;
    h->at = ARENA_ARRAY(arena, RtHeld, h->n);
    for (uint32_t k = 0; k < h->n; k++) {
        const RtConstraint *held = &spec->constraints[k];
        h->at[k] = (RtHeld){.rows = held->rows, .holonomic = held->holonomic};
        h->rows += held->rows;
        execution_block(&held->kept, &h->at[k].kept);
    }
    RtBlock *state = ARENA_ARRAY(arena, RtBlock, spec->n_held);
    for (uint32_t a = 0; a < spec->n_held; a++)
        h->n_state += execution_block(&spec->held[a], &state[h->n_state]);
    h->state = state;
    if (!h->n)
        return h->project != NULL;
    return h->project && h->inspect && execution_block(&spec->violation, &h->violation) &&
           execution_block(&spec->rate, &h->rate) && execution_block(&spec->jacobian, &h->jacobian);
}

/* "the one at line 4" or "those at lines 4 and 5": the constraints that rows of `of` follow from. */
static const char *parents(const Execution *e, uint32_t of) {
    const RtHold *h = e->run.hold;
    uint32_t n = 0, shown = 0;
    Buf text = {0};
    for (uint32_t k = 0; k < h->n; k++)
        n += h->follows[of * h->n + k];
    buf_puts(&text, n == 1 ? "the one at line " : "those at lines ");
    for (uint32_t k = 0; k < h->n; k++) {
        if (!h->follows[of * h->n + k])
            continue;
        buf_printf(&text, "%s%u", !shown++ ? "" : shown == n ? " and " : ", ", e->spec->constraints[k].spot.line);
    }
    const char *kept = arena_printf(e->arena, "%s", n ? text.at : "none");
    buf_free(&text);
    return kept;
}

/* Constraints that the run goes on without. */
static void report_left_out(const Execution *e) {
    const RtHold *h = e->run.hold;
    for (uint32_t k = 0; k < h->n; k++) {
        if (!h->at[k].left_out)
            continue;
        const RtSpot *spot = &e->spec->constraints[k].spot;
        if (h->at[k].left_out == h->at[k].rows)
            execution_say(e, SAYS_REDUNDANT, spot, (Aside){.is_warning = true},
                          "this constraint follows from %s: the run goes on without it", parents(e, k));
        else
            execution_say(e, SAYS_REDUNDANT, spot, (Aside){.is_warning = true},
                          "%llu of the %llu rows of this constraint follow from %s: the run goes on without them",
                          (unsigned long long)h->at[k].left_out, (unsigned long long)h->at[k].rows, parents(e, k));
    }
}

void hold_report(const Execution *e) {
    const RtHold *h = e->run.hold;
    if (!h || !h->dropped || !h->n)
        return;
    const RtConstraint *whose = &e->spec->constraints[h->whose];
    switch (h->failure) {
    case RT_HOLD_GOOD: report_left_out(e); return;
    case RT_HOLD_START:
        execution_say(e, SAYS_START, &whose->spot, (Aside){.help = "give initial positions that satisfy it"},
                      "the start violates this constraint: its sides differ by %.6g", h->amount);
        return;
    case RT_HOLD_START_RATE:
        execution_say(e, SAYS_START, &whose->spot, (Aside){.help = "give initial velocities along which it holds"},
                      "the velocities at the start violate this constraint: %s by %.6g",
                       whose->holonomic ? "it changes at a rate that is off" : "its sides differ",
                       h->amount);
        return;
    case RT_HOLD_SINGULAR:
        execution_say(e, SAYS_START, &whose->spot, (Aside){.help = "start where each constraint changes along some motion (∂c/∂q is not 0), and satisfies it"},
                      "the start does not satisfy the constraints, by %.6g here, and there is no way back to them",
                       h->amount);
        return;
    case RT_HOLD_FLAT:
        execution_say(e, SAYS_NO_GRADIENT, &whose->spot,
                      (Aside){.help = "a square is 0 without changing its sign: constrain what is squared (x = 0 in the place of x^2 = 0); if "
                                      "the gradient vanishes at this position alone, start from another"},
                      "the gradient ∂c/∂q of this constraint vanishes where the motion starts, so no force Jᵀλ can keep it");
        return;
    case RT_HOLD_INCONSISTENT:
        execution_say(e, SAYS_INCONSISTENT, &whose->spot, (Aside){.help = "leave one of them out, or make them agree"},
                      "no position satisfies all constraints: this one speaks of the same motion as %s, and with "
                       "them held its sides differ by %.6g",
                       parents(e, h->whose), h->amount);
        return;
    case RT_HOLD_INCONSISTENT_RATE:
        execution_say(e, SAYS_INCONSISTENT, &whose->spot, (Aside){.help = "leave one of them out, or make them move together"},
                      "no velocities satisfy all constraints: this one speaks of the same motion as %s, and with "
                       "them held it changes at a rate that is off by %.6g",
                       parents(e, h->whose), h->amount);
        return;
    case RT_HOLD_SINGULAR_START:
        execution_say(e, SAYS_REDUNDANT, &whose->spot, (Aside){.help = "start from a position in which the constraints are independent"},
                      "this constraint followed from %s at the start alone: it was left out, and in the end its "
                       "sides differ by %.6g",
                       parents(e, h->whose), h->amount);
        return;
    }
}

void hold_close(Execution *e) { rt_hold_free(e->run.hold); }
