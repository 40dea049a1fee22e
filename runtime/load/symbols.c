/* Names that generated code may call, and their addresses. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "../rt.h"
#include "../rt_abi.h"
#include "load.h"

typedef void (*AnyFunction)(void);

/* Vector variants have vector types, which only their address is wanted of. */
#define RT_FN(result, name, ...)
#define RT_VECTOR(name, isa, lanes, params) extern void RT_VARIANT_NAME(name, isa, lanes, params)(void);
#include "../rt_abi.def"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const struct {
    const char *name;
    AnyFunction at;
} table[] = {
#define RT_FN(result, name, ...) {#name, (AnyFunction)name},
#define RT_VECTOR(name, isa, lanes, params)                                                                  \
    {TEXT(RT_VARIANT_NAME(name, isa, lanes, params)), RT_VARIANT_NAME(name, isa, lanes, params)},
#include "../rt_abi.def"
    {"memcpy", (AnyFunction)memcpy},
    {"memmove", (AnyFunction)memmove},
    {"memset", (AnyFunction)memset},
    {"memcmp", (AnyFunction)memcmp},
};

void rt_symbols_open(RtSymbols *symbols) {
    symbols->libm = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    symbols->libmvec = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
}

void rt_symbols_close(RtSymbols *symbols) {
    if (symbols->libm)
        dlclose(symbols->libm);
    if (symbols->libmvec)
        dlclose(symbols->libmvec);
    *symbols = (RtSymbols){0};
}

/* Whether `object`, found under `name`, lies in library `prefix` itself and not in one that it stands on:
 * libm's handle also finds system(). */
static bool is_of_library(void *object, const char *prefix) {
    Dl_info info;
    if (!dladdr(object, &info) || !info.dli_fname)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    return strncmp(slash ? slash + 1 : info.dli_fname, prefix, strlen(prefix)) == 0;
}

void *rt_symbols_find(const RtSymbols *symbols, const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(name, table[i].name) == 0) {
            union {
                AnyFunction function;
                void *object;
            } address = {table[i].at};
            return address.object;
        }
    bool is_vector = strncmp(name, "_ZGV", 4) == 0;
    void *library = is_vector ? symbols->libmvec : symbols->libm;
    void *object = library ? dlsym(library, name) : NULL;
    return object && is_of_library(object, is_vector ? "libmvec" : "libm") ? object : NULL;
}
