/* pretty_names — what indices and definitions are called where a physicist writes them. */
#include "pretty.h"

#include <string.h>

static bool index_name_taken(const PrettyScope *s, const char *name) {
    for (uint32_t i = 0; i < s->n_bound; i++) {
        if (!strcmp(s->bound[i].name, name))
            return true;
    }
    return false;
}

static const char *free_index_name(PrettyScope *s, Name wish) {
    const char *text = wish ? name_ascii(s->session->names, wish) : "";
    if (*text && !index_name_taken(s, text))
        return text;
    static const char *const letters[] = {"i", "j", "k", "l", "m", "n", "r", "s", "u", "w"};
    for (uint32_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (!index_name_taken(s, letters[i]))
            return letters[i];
    }
    return arena_printf(s->arena, "i%u", s->n_bound);
}

void pretty_push_index(PrettyScope *s, IrIdx index, Name wish) {
    if (s->n_bound < MOST_BOUND) {
        const char *name = free_index_name(s, wish);
        s->bound[s->n_bound++] = (Bound){index, name};
    }
}

const char *pretty_index_name(PrettyScope *s, IrIdx index) {
    for (uint32_t i = s->n_bound; i-- > 0;) {
        if (s->bound[i].index == index)
            return s->bound[i].name;
    }
    return free_index_name(s, ir_index(s->p, index)->name);
}

void pretty_push_axes(PrettyScope *s, IrDef like) {
    if (!like)
        return;
    const IrDefInfo *info = ir_def(s->p, like);
    uint32_t rank = info->rank;
    uint64_t extent[IR_MAX_RANK];
    memcpy(extent, info->extent, sizeof extent);
    for (uint32_t k = 0; k < rank; k++)
        pretty_push_index(s, ir_axis(s->p, k, extent[k]), ir_axis_name(s->p, like, k));
}

const char *pretty_dynamic_symbol(PrettyScope *s, IrDef d, uint32_t *primes) {
    const SemaRun *run = s->run;
    *primes = 0;
    for (uint32_t a = 0; a < run->n_bodies; a++) {
        const SemaBody *b = &run->bodies[a];
        const char *q = name_ascii(s->session->names, b->name);
        *primes = d == b->v;
        if (d == b->q || d == b->v)
            return q;
        if (d == b->p)
            return run->n_bodies == 1 ? "p" : arena_printf(s->arena, "p_%s", q);
    }
    for (uint32_t i = 0; i < run->n_vars; i++) {
        *primes = d == run->vars[i].v;
        if (d == run->vars[i].q || d == run->vars[i].v)
            return name_ascii(s->session->names, run->vars[i].name);
    }
    *primes = 0;
    return NULL;
}

static void grow_scope(PrettyScope *s, IrDef d) {
    if (d < s->n_state)
        return;
    uint32_t n = ir_def_count(s->p) + 1;
    uint8_t *state = ARENA_ARRAY(s->arena, uint8_t, n);
    const char **given = ARENA_ARRAY(s->arena, const char *, n);
    IrDef *wanted = ARENA_ARRAY(s->arena, IrDef, n);
    memcpy(state, s->state, s->n_state);
    memcpy(given, s->given, s->n_state * sizeof *given);
    memcpy(wanted, s->wanted, s->n_wanted * sizeof *wanted);
    s->state = state;
    s->given = given;
    s->wanted = wanted;
    s->n_state = n;
}

void pretty_mention(PrettyScope *s, IrDef d) {
    grow_scope(s, d);
    if (!s->state[d]) {
        s->state[d] = 1;
        s->wanted[s->n_wanted++] = d;
    }
}

void pretty_mark_shown(PrettyScope *s, IrDef d) {
    pretty_mention(s, d);
    s->state[d] = 2;
}

/* A label "dx" where x is a name of the program is the rate of x: x', and "ddx" the rate of that, dx'. */
static const char *rate_symbol(PrettyScope *s, const char *label, uint32_t *primes) {
    const char *name = label + (label[0] == 'd' && label[1] == 'd');
    if (name[0] != 'd' || !name[1])
        return label;
    for (IrDef d = 1; d <= ir_def_count(s->p); d++) {
        Name id = ir_def(s->p, d)->name;
        if (id && (!strcmp(name_ascii(s->session->names, id), name + 1) ||
                   !strcmp(name_text(s->session->names, id), name + 1))) {
            *primes = 1;
            return name > label ? arena_printf(s->arena, "d%s", name + 1) : name + 1;
        }
    }
    return label;
}

const char *pretty_def_symbol(PrettyScope *s, IrDef d, uint32_t *primes) {
    const char *dynamic = pretty_dynamic_symbol(s, d, primes);
    if (dynamic)
        return dynamic;
    const IrDefInfo *info = ir_def(s->p, d);
    if (info->name)
        return name_ascii(s->session->names, info->name);
    if (info->label)
        return rate_symbol(s, info->label, primes);
    grow_scope(s, d);
    if (!s->given[d])
        s->given[d] = arena_printf(s->arena, "u%u", ++s->serial);
    return s->given[d];
}
