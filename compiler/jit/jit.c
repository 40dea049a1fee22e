/* Code that can be called: linked afresh or loaded from the cache. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

#include "internal.h"

struct JitCode {
    JitSymbols symbols;
    Loaded *loaded; /* one of the two */
    OrcCode *orc;
    JitTimes times;
};

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static JitCode *code_new(void) {
    JitCode *code = base_calloc(1, sizeof *code);
    symbols_open(&code->symbols);
    return code;
}

JitCode *jit_load(Session *session, const JitKey *key) {
    double start = milliseconds();
    Buf object = {0};
    char why[200];
    if (!cache_read(session, key, &object)) {
        buf_free(&object);
        return NULL;
    }
    JitCode *code = code_new();
    code->loaded = load_object((const uint8_t *)object.at, object.n, &code->symbols, why, sizeof why);
    if (!code->loaded) { /* relocations our loader does not know, such as those of another kind of machine */
        Session *quiet = session_new(); /* an entry that will not link is no error of the user's */
        code->orc = orc_link(quiet, &object, &code->symbols);
        session_free(quiet);
    }
    buf_free(&object);
    if (!code->loaded && !code->orc) {
        cache_remove(session, key);
        jit_free(code);
        return NULL;
    }
    code->times.load = milliseconds() - start;
    return code;
}

JitCode *jit_compile(Session *session, EmitModule *module, const JitKey *key) {
    double start = milliseconds();
    Buf object = {0};
    bool ok = emit_object(session, module, &object);
    emit_free(module);
    JitCode *code = code_new();
    double generated = milliseconds();
    code->times.generate = generated - start;
    if (ok)
        code->orc = orc_link(session, &object, &code->symbols);
    double linked = milliseconds();
    code->times.link = linked - generated;
    if (code->orc && key) {
        cache_write(session, key, &object);
        code->times.store = milliseconds() - linked;
    }
    buf_free(&object);
    if (code->orc)
        return code;
    jit_free(code);
    return NULL;
}

void *jit_symbol(JitCode *code, const char *name) {
    return code->loaded ? load_symbol(code->loaded, name) : orc_symbol(code->orc, name);
}

JitTimes jit_times(const JitCode *code) {
    return code->times;
}

void jit_free(JitCode *code) {
    if (!code)
        return;
    load_free(code->loaded);
    orc_free(code->orc);
    symbols_close(&code->symbols);
    free(code);
}
