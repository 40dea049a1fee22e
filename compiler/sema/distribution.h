/* distribution — a `~` statement being lowered, shared by the densities of numbers and of tensors. */
#ifndef LAG_SEMA_DISTRIBUTION_H
#define LAG_SEMA_DISTRIBUTION_H

#include "builtin.h"

#define MAX_DIST_ARGS 3

typedef struct Density {
    Sema *s;
    Scope *scope;
    const Stmt *st;
    const char *name;
    Val x;
    Span x_span;
    Val arg[MAX_DIST_ARGS];
    Span arg_span[MAX_DIST_ARGS];
} Density;

/* The log density of d->x as a value without axes of its own; poison after an error. */
typedef Val (*DensityFn)(Density *d);

#define SCALAR(...)
#define TENSOR(name, kind, rank, args, fn) Val fn(Density *d);
#include "distributions.def"
#undef SCALAR
#undef TENSOR

#endif
