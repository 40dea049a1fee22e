/* effort — how hard LLVM should try.
 *
 * needs: planned functions      gives: whether quick code will do      changes: nothing
 *
 * Instruction selection over whole blocks, scheduling and register allocation by live ranges pay in loops. In
 * thousands of statements that are run once a call, or a few times, they take most of the time from the source
 * to the first step, for code that is faster by a half at best. Such code is selected one instruction after the
 * other. */
#include "parts.h"

#define LONG_CODE 1500.0  /* statements from which it matters */
#define FEW_TIMES 16.0    /* how often a statement is run in a call, on average, where it does not pay */
#define UNKNOWN_TRIPS 1e3 /* of a loop whose bounds are not constant */

typedef struct Amount {
    double written, run; /* statements */
} Amount;

static double trips(const PlanFunc *f, const PlanLoop *loop) {
    const PlanNode *lo = &f->nodes.at[loop->lo], *hi = &f->nodes.at[loop->hi];
    if (loop->repeat)
        return loop->trips;
    if (lo->kind != PLAN_CONST || hi->kind != PLAN_CONST)
        return UNKNOWN_TRIPS;
    return (double)((int64_t)hi->bits - (int64_t)lo->bits);
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

bool emit_is_straight(const Plan *plan, const bool *only) {
    Amount amount = {0};
    for (uint32_t k = 0; k < plan_func_count(plan); k++)
        if (!only || only[k])
            add_scope(plan_func(plan, k), 1, 1, &amount);
    return amount.written >= LONG_CODE && amount.run <= FEW_TIMES * amount.written;
}
