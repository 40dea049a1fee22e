/* drift — how far what the motion conserves strays in a run: the largest distance from the start, seen at the start, with
 * every record, when progress is shown and at the end. */
#include "execution.h"

#include <jansson.h>
#include <math.h>

void drift_open(Execution *e) {
    uint32_t n = e->spec->n_conserved;
    e->drift = ARENA_ARRAY(e->arena, Drift, n + 1);
    e->n_drift = 0;
    for (uint32_t k = 0; k < n && e->monitor; k++) {
        Drift *d = &e->drift[e->n_drift];
        *d = (Drift){.name = e->spec->conserved[k].name};
        if (!execution_block(&e->spec->conserved[k], &d->block))
            continue;
        d->start = ARENA_ARRAY(e->arena, double, d->block.n);
        e->n_drift++;
    }
}

void drift_start(Execution *e) {
    if (!e->n_drift || (e->run.prepare && e->run.prepare(&e->frame)) || e->monitor(&e->frame)) {
        e->n_drift = 0;
        return;
    }
    for (uint32_t k = 0; k < e->n_drift; k++) {
        Drift *d = &e->drift[k];
        for (uint64_t i = 0; i < d->block.n; i++) {
            d->start[i] = execution_value(e, &d->block, i);
            d->size = fmax(d->size, fabs(d->start[i]));
        }
    }
}

void drift_look(Execution *e) {
    for (uint32_t k = 0; k < e->n_drift; k++) {
        Drift *d = &e->drift[k];
        for (uint64_t i = 0; i < d->block.n; i++)
            d->most = fmax(d->most, fabs(execution_value(e, &d->block, i) - d->start[i]));
    }
}

/* A drift is said against the size of what drifts, unless that is nothing but rounding itself. */
static bool is_relative(const Drift *d) { return d->size >= 1e-9 || (d->size > 0 && d->most <= 1e-3 * d->size); }

static double amount(const Drift *d) { return is_relative(d) ? d->most / d->size : d->most; }

void drift_take_worst(Execution *all, const Execution *copy, uint64_t number) {
    for (uint32_t k = 0; k < all->n_drift && copy->n_drift; k++) {
        Drift *worst = &all->drift[k];
        const Drift *d = &copy->drift[k];
        if (worst->size != 0 && amount(d) <= amount(worst))
            continue;
        worst->size = d->size;
        worst->most = d->most;
        worst->copy = number;
    }
}

static void say_json(const Execution *e, const Drift *d) {
    json_t *object = json_pack("{s:s, s:s, s:f, s:b}", "event", "drift", "name", d->name, "drift", amount(d), "relative",
                               is_relative(d));
    if (e->spec->copies)
        json_object_set_new(object, "copy", json_integer((json_int_t)d->copy));
    char *text = json_dumps(object, JSON_COMPACT);
    printf("%s\n", text);
    free(text);
    json_decref(object);
}

/* drift: energy 3e-12, J 1.4e-16 (absolute); of copies the worst: drift: energy 3e-12 in copy 17 */
void drift_say(const Execution *e) {
    if (!e->n_drift || e->options->quiet)
        return;
    for (uint32_t k = 0; k < e->n_drift; k++) {
        const Drift *d = &e->drift[k];
        if (e->options->json) {
            say_json(e, d);
            continue;
        }
        fprintf(stderr, "%s%s %.2g%s", k ? ", " : "drift: ", d->name, amount(d),
                is_relative(d) || d->most == 0 ? "" : " (absolute)");
        if (e->spec->copies)
            fprintf(stderr, " in copy %llu", (unsigned long long)d->copy);
    }
    if (!e->options->json)
        fputc('\n', stderr);
}
