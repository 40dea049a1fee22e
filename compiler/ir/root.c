/* root — definitions given by an equation: z is the u with r(u) = 0.
 *
 * The unknown is a placeholder INPUT that its root binds, and every root has one of its own: so a pass may look at the
 * residual as an ordinary definition, differentiate it and put something in the unknown's place, and nothing is ever
 * captured. That two roots are one up to the names of their unknowns is found when the second is made. */
#include "program.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

IrDef ir_unknown(IrProgram *p, Name name, uint64_t n) {
    return ir_input(p, name, IR_ROLE_UNKNOWN, IR_F64, 1, &n);
}

uint64_t ir_root_is_convex(const IrProgram *p, IrDef root) {
    const IrDefInfo *jacobian = &p->defs.at[p->defs.at[root].operand[1]];
    return jacobian->rank == 3 ? jacobian->extent[1] : 0;
}

/* The root there is already of this equation from this start; 0 none. */
static IrDef same_root(IrProgram *p, IrDef unknown, IrDef residual, IrDef jacobian, IrDef start) {
    for (uint32_t k = 0; k < p->roots.n; k++) {
        IrDef d = p->roots.at[k];
        IrDefInfo old = p->defs.at[d];
        if (old.start != start || old.extent[0] != p->defs.at[residual].extent[0] ||
            p->defs.at[old.operand[1]].rank != p->defs.at[jacobian].rank)
            continue;
        IrReplace rename = {.from = unknown, .to = old.unknown};
        if (ir_replace_def(p, residual, &rename, 1) == old.operand[0])
            return d;
    }
    return 0;
}

IrDef ir_root(IrProgram *p, Name name, IrDef unknown, IrDef residual, IrDef jacobian, IrDef start) {
    if (!unknown || !residual || !jacobian || !start)
        return 0;
    IrDef same = same_root(p, unknown, residual, jacobian, start);
    if (same)
        return same;
    if (p->defs.at[unknown].unknown) {
        IrReplace rename = {.from = unknown, .to = ir_unknown(p, p->defs.at[unknown].name, ir_size(p, unknown))};
        residual = ir_replace_def(p, residual, &rename, 1);
        jacobian = ir_replace_def(p, jacobian, &rename, 1);
        unknown = rename.to;
    }
    IrDefInfo info = {.name = name, .kind = IR_DEF_ROOT, .elem = IR_F64, .rank = 1};
    info.extent[0] = ir_size(p, unknown);
    info.operand[0] = residual;
    info.operand[1] = jacobian;
    info.unknown = unknown;
    info.start = start;
    IrDef d = def_add(p, info);
    p->defs.at[unknown].unknown = d;
    vec_push(&p->roots, d);
    return d;
}

/* ---- the reference evaluator's Newton iteration ---------------------------------------------------------- */

#define MAX_ITERATIONS 200
#define MAX_HALVINGS 20

static double largest(uint64_t n, const double *x) {
    double most = 0;
    for (uint64_t k = 0; k < n; k++)
        most = fmax(most, fabs(x[k]));
    return most;
}

static double square(uint64_t n, const double *x) {
    double sum = 0;
    for (uint64_t k = 0; k < n; k++)
        sum += x[k] * x[k];
    return sum;
}

/* u ← base − s·step with the largest s = 1, ½, ¼, … for which |r(u)|² comes below `best`, r left in `r`. False when there is
 * none: at a root that rounding lets no closer, or where there is none. */
static bool damped_step(uint64_t n, const double *base, const double *step, double *u, double *r, double best,
                        IrEquation f, void *context) {
    double s = 1;
    for (int k = 0; k < MAX_HALVINGS; k++, s /= 2) {
        for (uint64_t i = 0; i < n; i++)
            u[i] = base[i] - s * step[i];
        if (!f(context, u, r, NULL))
            return false;
        if (square(n, r) < best)
            return true;
    }
    memcpy(u, base, n * sizeof *u);
    return false;
}

bool ir_newton(uint64_t n, uint64_t block, double *u, IrEquation f, void *context) {
    double *r = base_calloc(3 * n + n * block, sizeof *r), *step = r + n, *base = step + n, *jacobian = base + n;
    bool found = false, ok = f(context, u, r, NULL) && isfinite(square(n, r));
    for (int k = 0; k < MAX_ITERATIONS && ok && !found; k++) {
        double best = square(n, r);
        found = best == 0;
        if (found || !(ok = f(context, u, r, jacobian)))
            break;
        for (uint64_t b = 0; b < n; b += block)
            ir_linalg_eval(IR_SOLVE, block, 1, jacobian + b * block, r + b, step + b);
        memcpy(base, u, n * sizeof *u);
        double correction = largest(n, step), size = largest(n, u);
        ok = isfinite(correction);
        if (ok && correction <= 4 * DBL_EPSILON * size) {
            for (uint64_t i = 0; i < n; i++)
                u[i] -= step[i];
            found = true;
        } else if (ok && !damped_step(n, base, step, u, r, best, f, context)) {
            found = ok = correction <= 1e-8 * (1 + size);
        }
    }
    free(r);
    return found;
}
