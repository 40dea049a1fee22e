/* objects — the functions of a plan as object files, made in several threads: a module, a context and an object for each
 * part, so that the parts share nothing but the plan, which is only read. Which function lies in which part changes
 * nothing else: functions of a plan do not call one another. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void objects_free(Objects *objects) {
    for (uint32_t i = 0; i < objects->n; i++)
        buf_free(&objects->at[i]);
    vec_free(objects);
}

void objects_pack(const Objects *objects, Buf *packed) {
    for (uint32_t i = 0; i < objects->n; i++) {
        uint64_t size = objects->at[i].n;
        buf_write(packed, (const char *)&size, sizeof size);
        buf_write(packed, objects->at[i].at, size);
    }
}

bool objects_unpack(const Buf *packed, Objects *objects) {
    for (size_t at = 0; at < packed->n;) {
        uint64_t size = 0;
        if (packed->n - at < sizeof size)
            return false;
        memcpy(&size, packed->at + at, sizeof size);
        at += sizeof size;
        if (size > packed->n - at)
            return false;
        Buf object = {0};
        buf_write(&object, packed->at + at, size);
        vec_push(objects, object);
        at += size;
    }
    return objects->n > 0;
}

/* ---- making them ---- */

typedef struct Part {
    const Plan *plan;
    bool *only;  /* by number of the plan's function */
    size_t work; /* nodes */
    Buf object;
    bool ok;
} Part;

static bool make(Session *session, Part *part) {
    EmitModule *module = emit_module(session, part->plan, &(EmitOptions){.only = part->only});
    bool ok = module && emit_object(session, module, &part->object);
    emit_free(module);
    return ok;
}

static void *make_quietly(void *context) {
    Part *part = context;
    Session *own = session_new();
    part->ok = make(own, part);
    session_free(own);
    return NULL;
}

static void give(const Plan *plan, uint32_t k, Part *parts, uint32_t n) {
    Part *least = &parts[0];
    for (uint32_t i = 1; i < n; i++)
        if (parts[i].work < least->work)
            least = &parts[i];
    least->only[k] = true;
    least->work += plan_func(plan, k)->nodes.n * (plan_func(plan, k)->copies ? 3 : 1); /* vectors take longer */
}

/* The longest function left goes to the part with the least to do (Graham, Bounds on multiprocessing timing anomalies,
 * SIAM J. Appl. Math. 17 (1969): at most a third longer than the best division). */
static void divide(const Plan *plan, Part *parts, uint32_t n) {
    uint32_t functions = plan_func_count(plan);
    bool *given = base_calloc(functions + 1, sizeof *given);
    for (uint32_t done = 0; done < functions; done++) {
        uint32_t longest = functions;
        for (uint32_t k = 0; k < functions; k++)
            if (!given[k] && (longest == functions || plan_func(plan, k)->nodes.n > plan_func(plan, longest)->nodes.n))
                longest = k;
        given[longest] = true;
        give(plan, longest, parts, n);
    }
    free(given);
}

bool objects_make(Session *session, const Plan *plan, uint32_t parts, Objects *objects) {
    enum { MOST = 16 };
    Part part[MOST] = {{0}};
    pthread_t thread[MOST];
    bool running[MOST] = {false};
    uint32_t functions = plan_func_count(plan), n = parts < MOST ? parts : MOST;
    n = n > functions ? functions : n;
    n = n ? n : 1;
    if (!emit_open(session)) /* once, so that the threads have nothing to say about it */
        return false;
    for (uint32_t i = 0; i < n; i++)
        part[i] = (Part){.plan = plan, .only = base_calloc(functions + 1, sizeof(bool))};
    divide(plan, part, n);
    for (uint32_t i = 1; i < n; i++)
        running[i] = pthread_create(&thread[i], NULL, make_quietly, &part[i]) == 0;
    part[0].ok = make(session, &part[0]);
    bool ok = part[0].ok;
    for (uint32_t i = 1; i < n; i++) {
        if (running[i])
            pthread_join(thread[i], NULL);
        if (ok && !part[i].ok) { /* no thread, or an error: here it is made again and reported */
            part[i].object.n = 0;
            ok = make(session, &part[i]);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        vec_push(objects, part[i].object);
        free(part[i].only);
    }
    return ok;
}
