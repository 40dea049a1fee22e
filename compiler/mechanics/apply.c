/* apply — executes an IrFunc with the reference evaluator: slow, independent of code generation.
 *
 * needs: an IrFunc and an environment with its inputs      gives: the assigned values, in the environment
 * changes: the environment */
#include "mechanics.h"

#include <stdlib.h>
#include <string.h>

static double *evaluate(IrProgram *p, IrEnv *env, const IrAssign *a) {
    IrDefInfo info = *ir_def(p, a->target);
    uint64_t n = ir_size(p, a->target);
    double *values = base_calloc(n ? n : 1, sizeof *values);
    int64_t at[IR_MAX_RANK] = {0};
    bool ok = true;
    for (uint64_t i = 0; i < n && ok; i++) {
        values[i] = ir_eval(env, a->value, at, &ok);
        for (uint32_t k = info.rank; k-- > 0;) {
            if (++at[k] < (int64_t)info.extent[k])
                break;
            at[k] = 0;
        }
    }
    if (ok)
        return values;
    free(values);
    return NULL;
}

/* A view is a window of its parent: the rest of the parent keeps its values, or starts at 0. */
static void assign(IrProgram *p, IrEnv *env, IrDef target, const double *values) {
    IrDefInfo info = *ir_def(p, target);
    if (info.kind != IR_DEF_VIEW) {
        ir_env_set(env, target, values);
        return;
    }
    uint64_t n = ir_size(p, info.parent);
    double *whole = base_calloc(n ? n : 1, sizeof *whole);
    const double *known = ir_eval_def(env, info.parent);
    if (known)
        memcpy(whole, known, n * sizeof *whole);
    memcpy(whole + info.offset, values, ir_size(p, target) * sizeof *whole);
    ir_env_set(env, info.parent, whole);
    free(whole);
}

static bool apply_group(IrProgram *p, IrEnv *env, const IrGroup *g) {
    double **values = base_calloc(g->n, sizeof *values);
    bool ok = true;
    for (uint32_t i = 0; i < g->n && ok; i++)
        ok = (values[i] = evaluate(p, env, &g->at[i])) != NULL;
    for (uint32_t i = 0; i < g->n && ok; i++)
        assign(p, env, g->at[i].target, values[i]);
    for (uint32_t i = 0; i < g->n; i++)
        free(values[i]);
    free(values);
    return ok;
}

bool mech_apply(IrProgram *p, IrEnv *env, const IrFunc *f) {
    for (uint32_t i = 0; i < f->groups.n; i++) {
        if (!apply_group(p, env, &f->groups.at[i]))
            return false;
    }
    return true;
}
