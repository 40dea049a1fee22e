/* effort — how hard LLVM should try.
 *
 * needs: planned functions      gives: whether quick code will do      changes: nothing
 *
 * Instruction selection over whole blocks, scheduling and register allocation by live ranges pay in loops. In
 * thousands of statements that are run once a call they take most of the time from the source to the first
 * step, for code that is faster by a half at best. Such code is selected one instruction after the other. */
#include "parts.h"

#define LONG_BODY 1500.0  /* statements outside loops from which it matters */
#define LITTLE_WORK 16.0  /* statements run inside loops, for each one outside, that still count as few */
#define UNKNOWN_TRIPS 1e3 /* of a loop whose bounds are not constant */

typedef struct Amount {
    double straight, looped; /* statements run outside loops, inside */
} Amount;

static double trips(const PlanFunc *f, const PlanLoop *loop) {
    const PlanNode *lo = &f->nodes.at[loop->lo], *hi = &f->nodes.at[loop->hi];
    if (lo->kind != PLAN_CONST || hi->kind != PLAN_CONST)
        return UNKNOWN_TRIPS;
    return (double)((int64_t)hi->bits - (int64_t)lo->bits);
}

/* Statements run by a scope that is itself run `times` times inside loops. */
static double looped_work(const PlanFunc *f, uint32_t scope, double times) {
    double work = 0;
    for (uint32_t i = 0; i < f->scopes.at[scope].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[scope].body.at[i]];
        const PlanLoop *loop = &f->loops.at[n->kind == PLAN_LOOP ? n->arg[0] : 0];
        work += n->kind == PLAN_LOOP ? looped_work(f, loop->scope, times * trips(f, loop)) : times;
    }
    return work;
}

static void add_body(const PlanFunc *f, Amount *amount) {
    for (uint32_t i = 0; i < f->scopes.at[1].body.n; i++) {
        const PlanNode *n = &f->nodes.at[f->scopes.at[1].body.at[i]];
        const PlanLoop *loop = &f->loops.at[n->kind == PLAN_LOOP ? n->arg[0] : 0];
        if (n->kind == PLAN_LOOP)
            amount->looped += looped_work(f, loop->scope, trips(f, loop));
        else
            amount->straight++;
    }
}

bool emit_is_straight(const Plan *plan, const bool *only) {
    Amount amount = {0};
    for (uint32_t k = 0; k < plan_func_count(plan); k++)
        if (!only || only[k])
            add_body(plan_func(plan, k), &amount);
    return amount.straight >= LONG_BODY && amount.looped <= LITTLE_WORK * amount.straight;
}
