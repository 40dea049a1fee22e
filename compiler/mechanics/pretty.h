/* pretty — the inside of the pretty*.c files: the scope a tree is built in, and the builders they share. */
#ifndef LAG_MECHANICS_PRETTY_H
#define LAG_MECHANICS_PRETTY_H

#include "internal.h"

enum { MOST_BOUND = 64, INLINE_SIZE = 24 };

typedef struct Bound {
    IrIdx index;
    const char *name;
} Bound;

struct PrettyScope {
    const Model *model;
    IrProgram *p;
    const SemaRun *run;
    Session *session;
    Arena *arena;
    Bound bound[MOST_BOUND];
    uint32_t n_bound;
    IrDef *wanted; /* mentioned, in order of mention */
    uint32_t n_wanted, cap_wanted;
    uint8_t *state; /* by definition: 1 mentioned, 2 shown */
    uint32_t n_state;
    const char **given; /* by definition: the symbol given to one without a name */
    uint32_t serial;
};

/* A node with room for `room` operands. */
Pretty *pretty_node(PrettyScope *s, PrettyKind kind, uint32_t room);
Pretty *pretty_value(PrettyScope *s, double value);
Pretty *pretty_call(PrettyScope *s, const char *function, Pretty **args, uint32_t n);
Pretty *pretty_build(PrettyScope *s, IrTerm t);

/* Bound and free indices in scope, innermost last. */
void pretty_push_index(PrettyScope *s, IrIdx index, Name wish);
const char *pretty_index_name(PrettyScope *s, IrIdx index);
void pretty_push_axes(PrettyScope *s, IrDef like);

/* Names of definitions (pretty_names.c), `primes` of them times differentiated. */
const char *pretty_def_symbol(PrettyScope *s, IrDef d, uint32_t *primes);
/* The name of a coordinate, velocity or momentum of the run; NULL when d is none. */
const char *pretty_dynamic_symbol(PrettyScope *s, IrDef d, uint32_t *primes);
/* What d is will be said below, under "where". */
void pretty_mention(PrettyScope *s, IrDef d);

/* Sums, products and reductions (pretty_terms.c). */
Pretty *pretty_sum(PrettyScope *s, IrTerm t);
Pretty *pretty_sum_of(PrettyScope *s, Pretty *const *at, uint32_t n);
Pretty *pretty_product(PrettyScope *s, IrTerm t);
Pretty *pretty_reduce(PrettyScope *s, IrTerm t);
Pretty *pretty_power(PrettyScope *s, Pretty *base, Pretty *exponent);

#endif
