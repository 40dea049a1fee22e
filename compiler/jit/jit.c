/* Code that can be called: linked afresh or loaded from the cache. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "../../runtime/core/core.h"

#include "internal.h"

struct JitCode {
    RtSymbols symbols;
    VEC(RtObject *) loaded; /* of one of the two */
    OrcCode *orc;
    JitTimes times;
};

static double milliseconds(void) {
    return 1e3 * rt_now();
}

static JitCode *code_new(void) {
    JitCode *code = base_calloc(1, sizeof *code);
    rt_symbols_open(&code->symbols);
    return code;
}

static void unload_all(JitCode *code) {
    for (uint32_t i = 0; i < code->loaded.n; i++)
        rt_object_free(code->loaded.at[i]);
    vec_free(&code->loaded);
}

static bool load_all(JitCode *code, const Objects *objects) {
    char why[200];
    for (uint32_t i = 0; i < objects->n; i++) {
        const Buf *object = &objects->at[i];
        RtObject *loaded = rt_object_load((const uint8_t *)object->at, object->n, &code->symbols, why, sizeof why);
        if (!loaded) {
            unload_all(code);
            return false;
        }
        vec_push(&code->loaded, loaded);
    }
    return objects->n > 0;
}

/* By our own loader, or by LLJIT where that meets relocations it does not know, as of another machine. */
static bool link_objects(Session *session, JitCode *code, const Objects *objects) {
    if (!load_all(code, objects) && objects->n)
        code->orc = orc_link(session, objects, &code->symbols);
    return code->loaded.n || code->orc;
}

JitCode *jit_load(Session *session, const JitKey *key) {
    double start = milliseconds();
    Buf stored = {0};
    Objects objects = {0};
    JitCode *code = NULL;
    if (cache_read(session, key, &stored)) {
        code = code_new();
        Session *quiet = session_new(); /* an entry that will not link is no error of the user's */
        bool ok = objects_unpack(&stored, &objects) && link_objects(quiet, code, &objects);
        session_free(quiet);
        if (!ok) {
            cache_remove(session, key);
            jit_free(code);
            code = NULL;
        }
    }
    jit_objects_free(&objects);
    buf_free(&stored);
    if (code)
        code->times.load = milliseconds() - start;
    return code;
}

/* Links what was generated since `start` and stores it in the cache; takes the objects. */
static JitCode *link_all(Session *session, Objects *objects, const JitKey *key, double start) {
    JitCode *code = code_new();
    double generated = milliseconds();
    code->times.generate = generated - start;
    bool ok = link_objects(session, code, objects);
    double linked = milliseconds();
    code->times.link = linked - generated;
    if (ok && key) {
        Buf packed = {0};
        objects_pack(objects, &packed);
        cache_write(session, key, &packed);
        buf_free(&packed);
        code->times.store = milliseconds() - linked;
    }
    jit_objects_free(objects);
    if (ok)
        return code;
    jit_free(code);
    return NULL;
}

JitCode *jit_build(Session *session, const Plan *plan, uint32_t parts, const JitKey *key) {
    double start = milliseconds();
    Objects objects = {0};
    if (!jit_objects(session, plan, parts, &objects))
        jit_objects_free(&objects);
    return link_all(session, &objects, key, start);
}

JitCode *jit_compile(Session *session, EmitModule *module, const JitKey *key) {
    double start = milliseconds();
    Objects objects = {0};
    Buf object = {0};
    if (emit_object(session, module, &object))
        vec_push(&objects, object);
    else
        buf_free(&object);
    emit_free(module);
    return link_all(session, &objects, key, start);
}

void *jit_symbol(JitCode *code, const char *name) {
    for (uint32_t i = 0; i < code->loaded.n; i++) {
        void *address = rt_object_symbol(code->loaded.at[i], name);
        if (address)
            return address;
    }
    return code->orc ? orc_symbol(code->orc, name) : NULL;
}

JitTimes jit_times(const JitCode *code) {
    return code->times;
}

void jit_free(JitCode *code) {
    if (!code)
        return;
    unload_all(code);
    orc_free(code->orc);
    rt_symbols_close(&code->symbols);
    free(code);
}
