/* singular — whether a small mass matrix has a direction that costs no kinetic energy.
 *
 * needs: a MechForm      gives: a null direction at a generic point      changes: nothing
 *
 * M is evaluated by the reference evaluator with every input at a generic value; a direction found null there
 * is null almost everywhere for the analytic entries a Lagrangian has. */
#include "noether.h"

#include <math.h>
#include <stdlib.h>

/* A generic value per element: the fractional parts of multiples of the golden ratio, in (0.3, 1.3). */
static void set_generic(Mech *m, IrDef d, uint32_t seed) {
    uint64_t n = ir_size(m->p, d);
    double *x = base_calloc(n ? n : 1, sizeof(double));
    IrElem elem = ir_def(m->p, d)->elem;
    for (uint64_t i = 0; i < n; i++) {
        double turn = 0.6180339887498949 * (double)(i + 1) + 0.7548776662466927 * seed;
        x[i] = elem == IR_F64 || elem == IR_F32 ? 0.3 + turn - floor(turn) : 0;
    }
    ir_env_set(m->env, d, x);
    free(x);
}

bool mech_set_generic(Mech *m, const IrTerm *terms, uint32_t count, uint32_t salt) {
    uint32_t n = ir_def_count(m->p);
    uint8_t *mark = base_calloc(n + 1, 1);
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (terms[i])
            ir_reach(m->p, terms[i], mark);
    }
    for (IrDef d = 1; d <= n; d++)
        total += mark[d] ? ir_size(m->p, d) : 0;
    bool small = total <= 100000;
    for (IrDef d = 1; d <= n && small; d++) {
        const IrDefInfo *info = ir_def(m->p, d);
        if (!mark[d])
            continue;
        IrDef root = info->kind == IR_DEF_VIEW ? info->parent : d;
        if (ir_def(m->p, root)->kind == IR_DEF_INPUT && ir_def(m->p, root)->role != IR_ROLE_HYPER)
            set_generic(m, root, root + salt);
    }
    free(mark);
    return small;
}

static void subscripts(const MechBody *b, uint64_t flat, int64_t *at) {
    for (uint32_t k = b->rank; k-- > 0;) {
        at[k] = (int64_t)(flat % b->extent[k]);
        flat /= b->extent[k];
    }
}

static bool fill_block(Mech *m, const MechForm *f, uint32_t a, uint32_t c, double *at, uint64_t stride) {
    const MechBody *rows = &m->bodies[a], *columns = &m->bodies[c];
    IrTerm t = f->block[a * m->n + c];
    bool ok = true;
    for (uint64_t i = 0; i < rows->size; i++) {
        for (uint64_t k = 0; k < columns->size; k++) {
            int64_t axes[2 * IR_MAX_RANK] = {0};
            subscripts(rows, i, axes);
            subscripts(columns, k, axes + rows->rank);
            double value = t ? ir_eval(m->env, t, axes, &ok) : 0;
            if (!ok || !isfinite(value))
                return false;
            at[i * stride + k] = value;
        }
    }
    return true;
}

/* Gauss elimination with full pivoting; a pivot below 1e-11 of the largest entry leaves a null direction. */
static bool null_direction(double *M, uint32_t n, double *x) {
    uint32_t column[MECH_SMALL];
    double largest = 0;
    for (uint32_t i = 0; i < n; i++)
        column[i] = i;
    for (uint32_t i = 0; i < n * n; i++)
        largest = fmax(largest, fabs(M[i]));
    for (uint32_t s = 0; s < n; s++) {
        uint32_t r = s, c = s;
        for (uint32_t i = s; i < n; i++) {
            for (uint32_t k = s; k < n; k++) {
                if (fabs(M[i * n + k]) > fabs(M[r * n + c])) {
                    r = i;
                    c = k;
                }
            }
        }
        if (fabs(M[r * n + c]) <= 1e-11 * largest) {
            for (uint32_t k = 0; k < n; k++)
                x[k] = 0;
            x[column[s]] = 1;
            for (uint32_t i = s; i-- > 0;) {
                double sum = M[i * n + s];
                for (uint32_t k = i + 1; k < s; k++)
                    sum += M[i * n + k] * x[column[k]];
                x[column[i]] = -sum / M[i * n + i];
            }
            return true;
        }
        for (uint32_t k = 0; k < n; k++) {
            double swap = M[r * n + k];
            M[r * n + k] = M[s * n + k];
            M[s * n + k] = swap;
        }
        for (uint32_t i = 0; i < n; i++) {
            double swap = M[i * n + c];
            M[i * n + c] = M[i * n + s];
            M[i * n + s] = swap;
        }
        uint32_t other = column[c];
        column[c] = column[s];
        column[s] = other;
        for (uint32_t i = s + 1; i < n; i++) {
            double factor = M[i * n + s] / M[s * n + s];
            for (uint32_t k = s; k < n; k++)
                M[i * n + k] -= factor * M[s * n + k];
        }
    }
    return false;
}

bool mech_form_singular(Mech *m, const MechForm *f, double *direction) {
    uint64_t size = 0;
    for (uint32_t a = 0; a < m->n; a++)
        size += m->bodies[a].size;
    if (size > MECH_SMALL || size == 0 || !mech_set_generic(m, f->block, m->n * m->n, 0))
        return false;
    double *M = base_calloc(size * size, sizeof(double));
    bool ok = true;
    uint64_t row = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        uint64_t column = 0;
        for (uint32_t c = 0; c < m->n; c++) {
            ok = ok && fill_block(m, f, a, c, M + row * size + column, size);
            column += m->bodies[c].size;
        }
        row += m->bodies[a].size;
    }
    bool singular = ok && null_direction(M, (uint32_t)size, direction);
    free(M);
    return singular;
}
