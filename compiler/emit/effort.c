/* effort — how hard LLVM should try.
 *
 * needs: a planned function      gives: whether quick code will do      changes: nothing
 *
 * Instruction selection over whole blocks, scheduling and register allocation by live ranges pay in loops. In
 * thousands of statements that are run once a call, or a few times, they take most of the time from the source
 * to the first step, for code that is faster by a half at best; and in what is called with a record or at the
 * start they pay only where a call is long. Such code is selected one instruction after the other. In strict
 * precision its numbers are the same: what may be fused is said by the instructions. */
#include "parts.h"

#include <math.h>

#define LONG_CODE 1500.0  /* statements from which it matters */
#define FEW_TIMES 16.0    /* how often a statement is run in a call, on average, where it does not pay */
#define SHORT_CALL 4000.0 /* statements run in a call, a few microseconds: as much as writing a record takes */
#define UNKNOWN_TRIPS 1e3 /* of a loop whose bounds may be anything */

typedef struct Amount {
    double written, run; /* statements */
} Amount;

static double trips(const PlanFunc *f, const PlanLoop *loop) {
    const PlanNode *lo = &f->nodes.at[loop->lo], *hi = &f->nodes.at[loop->hi];
    if (loop->repeat)
        return loop->trips;
    bool constant = lo->kind == PLAN_CONST && hi->kind == PLAN_CONST;
    double most = (double)hi->hi - (double)lo->lo;
    return constant ? most : fmin(most, UNKNOWN_TRIPS);
}

/* Adds a scope that is run `times` times in a call. */
static void add_scope(const PlanFunc *f, uint32_t scope, double times, Amount *amount) {
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        const PlanLoop *loop = &f->loops.at[n->kind == PLAN_LOOP ? n->arg[0] : 0];
        amount->written++;
        amount->run += times;
        if (n->kind == PLAN_LOOP)
            add_scope(f, loop->scope, times * trips(f, loop), amount);
    }
}

bool emit_is_quick(const Plan *plan, uint32_t k) {
    const PlanFunc *f = plan_func(plan, k);
    Amount amount = {0};
    add_scope(f, 1, 1, &amount);
    if (amount.written >= LONG_CODE && amount.run <= FEW_TIMES * amount.written)
        return true;
    return f->seldom && !plan_options(plan)->fast && amount.run <= SHORT_CALL;
}
