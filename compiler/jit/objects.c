/* objects — the functions of a plan as object files, made in several threads: a module, a context and an object for each
 * part, so that the parts share nothing but the plan, which is only read. Which function lies in which part changes
 * nothing else: functions of a plan do not call one another. A thread makes two parts at most: of functions for which quick
 * code will do, and of the others. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void jit_objects_free(JitObjects *objects) {
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
    bool *only; /* by number of the plan's function; NULL: none */
    Buf object;
} Part;

typedef struct Worker {
    const Plan *plan;
    Part full, quick;
    double work; /* in nodes of full effort */
    bool ok;
} Worker;

#define QUICK_WORK 0.3    /* of a node of quick code */
#define MODULE_WORK 100.0 /* of making a module at all */

static bool make_part(Session *session, const Plan *plan, Part *part) {
    if (!part->only)
        return true;
    part->object.n = 0;
    EmitModule *module = emit_module(session, plan, &(EmitOptions){.only = part->only});
    bool ok = module && emit_object(session, module, &part->object);
    emit_free(module);
    return ok;
}

static bool make(Session *session, Worker *worker) {
    return make_part(session, worker->plan, &worker->full) && make_part(session, worker->plan, &worker->quick);
}

static void *make_quietly(void *context) {
    Worker *worker = context;
    Session *own = session_new();
    worker->ok = make(own, worker);
    session_free(own);
    return NULL;
}

/* What function k adds to the work of a worker. */
static double added(const Plan *plan, uint32_t k, const Worker *worker) {
    bool quick = emit_is_quick(plan, k), opens = !(quick ? worker->quick.only : worker->full.only);
    double vectors = plan_func(plan, k)->copies ? 3 : 1; /* take longer */
    return plan_func(plan, k)->nodes.n * vectors * (quick ? QUICK_WORK : 1) + (opens ? MODULE_WORK : 0);
}

static void give(const Plan *plan, uint32_t k, Worker *workers, uint32_t n) {
    Worker *least = &workers[0];
    for (uint32_t i = 1; i < n; i++)
        if (workers[i].work + added(plan, k, &workers[i]) < least->work + added(plan, k, least))
            least = &workers[i];
    least->work += added(plan, k, least);
    Part *part = emit_is_quick(plan, k) ? &least->quick : &least->full;
    if (!part->only)
        part->only = base_calloc(plan_func_count(plan) + 1, sizeof(bool));
    part->only[k] = true;
}

/* The longest function left goes to the part with the least to do (Graham, Bounds on multiprocessing timing anomalies,
 * SIAM J. Appl. Math. 17 (1969): at most a third longer than the best division). */
static void divide(const Plan *plan, Worker *workers, uint32_t n) {
    uint32_t functions = plan_func_count(plan);
    bool *given = base_calloc(functions + 1, sizeof *given);
    for (uint32_t done = 0; done < functions; done++) {
        uint32_t longest = functions;
        for (uint32_t k = 0; k < functions; k++)
            if (!given[k] && (longest == functions || plan_func(plan, k)->nodes.n > plan_func(plan, longest)->nodes.n))
                longest = k;
        given[longest] = true;
        give(plan, longest, workers, n);
    }
    free(given);
}

/* Hands over the object of a part, if there is one. */
static void collect(Part *part, Objects *objects) {
    if (part->only && part->object.n)
        vec_push(objects, part->object);
    else
        buf_free(&part->object);
    free(part->only);
}

bool jit_objects(Session *session, const Plan *plan, uint32_t parts, JitObjects *objects) {
    enum { MOST = 16 };
    Worker worker[MOST] = {{0}};
    pthread_t thread[MOST];
    bool running[MOST] = {false};
    uint32_t functions = plan_func_count(plan), n = parts < MOST ? parts : MOST;
    n = n > functions ? functions : n;
    n = n ? n : 1;
    if (!emit_open(session)) /* once, so that the threads have nothing to say about it */
        return false;
    for (uint32_t i = 0; i < n; i++)
        worker[i].plan = plan;
    divide(plan, worker, n);
    for (uint32_t i = 1; i < n; i++)
        running[i] = pthread_create(&thread[i], NULL, make_quietly, &worker[i]) == 0;
    bool ok = make(session, &worker[0]);
    for (uint32_t i = 1; i < n; i++) {
        if (running[i])
            pthread_join(thread[i], NULL);
        if (ok && !worker[i].ok) /* no thread, or an error: here it is made again and reported */
            ok = make(session, &worker[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        collect(&worker[i].full, objects);
        collect(&worker[i].quick, objects);
    }
    return ok;
}
