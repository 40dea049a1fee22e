/* range — shared by uses.c, which collects the constraints on indices, and range.c, which solves them. */
#ifndef LAG_SEMA_RANGE_H
#define LAG_SEMA_RANGE_H

#include "internal.h"

#define MAX_AFFINE 6

typedef struct Use {
    uint32_t var[MAX_AFFINE];
    int64_t coef[MAX_AFFINE];
    uint32_t n;
    int64_t lo, hi; /* the rest of the subscript lies in lo..hi */
    int64_t axis_lo;
    uint64_t extent, full;
    bool periodic, guarded;
    bool indirect; /* inside a function that the index is handed to: serves where nothing else says a range */
    Span span;
} Use;

/* A name bound on the way down: an index (var ≥ 0) or something whose shape is not known here (-1). */
typedef struct Env {
    const struct Env *up;
    Name name;
    int64_t var;
} Env;

typedef struct Walk {
    Sema *s;
    Scope *scope;
    VEC(IndexVar) vars;
    VEC(Use) uses;
    VEC(Name) conditions; /* names in the conditions of the guards and ifs around the present place */
    uint32_t depth;
    uint32_t calls; /* functions entered on the way */
    bool poisoned;  /* something subscripted is wrong itself, and was reported there */
    bool seeking;   /* for index_seek: nothing is elaborated on the way */
    Name wanted;    /* index_seek: the definition whose axis is looked for, */
    uint32_t wanted_axis;
    VEC(uint32_t) wanted_vars; /* and the indices that subscript it */
} Walk;

/* Walks one expression under `env`, collecting uses of indices and the indices bound on the way. */
void uses_walk(Walk *w, const Env *env, const Expr *e);

#endif
