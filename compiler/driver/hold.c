/* hold — the constraints of a run: where their pieces lie in memory, and what went wrong with them, at the user's line. */
#include "execute.h"

bool hold_open(Execution *e) {
    const MechHold *mech = e->mech->hold;
    if (!mech)
        return true;
    const SemaRun *run = e->sema;
    Arena *arena = e->session->arena;
    RtHold *h = e->run.hold = ARENA_NEW(arena, RtHold);
    *h = (RtHold){.n = mech->n};
    h->project = (RtFunction)jit_symbol(e->code->jit, mech->project.name);
    h->inspect = (RtFunction)jit_symbol(e->code->jit, mech->inspect.name);
    h->at = ARENA_ARRAY(arena, RtHeld, h->n);
    for (uint32_t k = 0; k < h->n; k++) {
        const MechHeld *held = &mech->at[k];
        h->at[k] = (RtHeld){.rows = held->rows, .holonomic = held->holonomic};
        h->rows += held->rows;
        if (held->kept)
            execution_block(e, held->kept, "kept", &h->at[k].kept);
    }
    RtBlock *state = ARENA_ARRAY(arena, RtBlock, 2 * run->n_bodies);
    for (uint32_t a = 0; a < run->n_bodies; a++) {
        const SemaBody *b = &run->bodies[a];
        h->n_state += execution_block(e, b->q, "q", &state[h->n_state]);
        if (!e->mech->first_order)
            h->n_state += execution_block(e, e->mech->stores_p ? b->p : b->v, "q'", &state[h->n_state]);
    }
    h->state = state;
    return h->project && h->inspect && execution_block(e, mech->violation, "c", &h->violation) &&
           execution_block(e, mech->rate, "c'", &h->rate) && execution_block(e, mech->jacobian, "J", &h->jacobian);
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
        uint32_t line, column;
        Span span = e->mech->hold->at[k].span;
        source_position(source_get(e->session, span.file), span.start, &line, &column);
        buf_printf(&text, "%s%u", !shown++ ? "" : shown == n ? " and " : ", ", line);
    }
    const char *kept = arena_printf(e->session->arena, "%s", n ? text.at : "none");
    buf_free(&text);
    return kept;
}

/* Constraints that the run goes on without. */
static void report_left_out(const Execution *e) {
    const RtHold *h = e->run.hold;
    for (uint32_t k = 0; k < h->n; k++) {
        if (!h->at[k].left_out)
            continue;
        Span span = e->mech->hold->at[k].span;
        if (h->at[k].left_out == h->at[k].rows)
            diag_warn(e->session, DIAG_MECH_REDUNDANT, span,
                      "this constraint follows from %s: the run goes on without it", parents(e, k));
        else
            diag_warn(e->session, DIAG_MECH_REDUNDANT, span,
                      "%llu of the %llu rows of this constraint follow from %s: the run goes on without them",
                      (unsigned long long)h->at[k].left_out, (unsigned long long)h->at[k].rows, parents(e, k));
    }
}

void hold_report(const Execution *e) {
    const RtHold *h = e->run.hold;
    if (!h || !h->dropped)
        return;
    Session *s = e->session;
    Span span = e->mech->hold->at[h->whose].span;
    Diag *d;
    switch (h->failure) {
    case RT_HOLD_GOOD: report_left_out(e); return;
    case RT_HOLD_START:
        d = diag_error(s, DIAG_MECH_START, span, "the start violates this constraint: its sides differ by %.6g", h->amount);
        diag_help(s, d, "give initial positions that satisfy it");
        return;
    case RT_HOLD_START_RATE:
        d = diag_error(s, DIAG_MECH_START, span,
                       "the velocities at the start violate this constraint: %s by %.6g",
                       e->mech->hold->at[h->whose].holonomic ? "it changes at a rate that is off" : "its sides differ",
                       h->amount);
        diag_help(s, d, "give initial velocities along which it holds");
        return;
    case RT_HOLD_SINGULAR:
        d = diag_error(s, DIAG_MECH_START, span,
                       "the start does not satisfy the constraints, by %.6g here, and there is no way back to them",
                       h->amount);
        diag_help(s, d, "start where each constraint changes along some motion (∂c/∂q is not 0), and satisfies it");
        return;
    case RT_HOLD_INCONSISTENT:
        d = diag_error(s, DIAG_MECH_INCONSISTENT, span,
                       "no position satisfies all constraints: this one speaks of the same motion as %s, and with "
                       "them held its sides differ by %.6g",
                       parents(e, h->whose), h->amount);
        diag_help(s, d, "leave one of them out, or make them agree");
        return;
    case RT_HOLD_INCONSISTENT_RATE:
        d = diag_error(s, DIAG_MECH_INCONSISTENT, span,
                       "no velocities satisfy all constraints: this one speaks of the same motion as %s, and with "
                       "them held it changes at a rate that is off by %.6g",
                       parents(e, h->whose), h->amount);
        diag_help(s, d, "leave one of them out, or make them move together");
        return;
    case RT_HOLD_SINGULAR_START:
        d = diag_error(s, DIAG_MECH_REDUNDANT, span,
                       "this constraint followed from %s at the start alone: it was left out, and in the end its "
                       "sides differ by %.6g",
                       parents(e, h->whose), h->amount);
        diag_help(s, d, "start from a position in which the constraints are independent");
        return;
    }
}

void hold_close(Execution *e) { rt_hold_free(e->run.hold); }
