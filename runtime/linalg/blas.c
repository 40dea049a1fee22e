/* Loading OpenBLAS, and seeing to it that it uses kernels made for this processor.
 *
 * OpenBLAS picks its kernels when it is loaded, from a list of processor models; a model newer than the
 * library gets kernels for SSE3, several times slower than the machine. So: after loading, its choice is
 * compared with what the processor can do; where the choice is of another age, the library's own dynamic
 * initialization is run again with OPENBLAS_CORETYPE set to the best kernels this processor can run, and the
 * environment is put back. A choice the user made with that variable stands, as do the choices of a library
 * that the program around us had loaded before.
 *
 * The library is process-wide, so what is known of it is too: written once under pthread_once, then only
 * read. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blas.h"

/* What a set of kernels needs from the processor. */
typedef enum KernelAge { AGE_UNKNOWN, AGE_SSE, AGE_AVX, AGE_AVX2, AGE_AVX512 } KernelAge;

static struct {
    Blas functions;
    RtBlasInfo info;
} library;

_Atomic(const Blas *) blas_loaded;

static KernelAge age_of_core(const char *core) {
    static const struct {
        const char *core;
        KernelAge age;
    } known[] = {
        {"Katmai", AGE_SSE},       {"Coppermine", AGE_SSE},    {"Northwood", AGE_SSE},
        {"Prescott", AGE_SSE},     {"Banias", AGE_SSE},        {"Atom", AGE_SSE},
        {"Core2", AGE_SSE},        {"Penryn", AGE_SSE},        {"Dunnington", AGE_SSE},
        {"Nehalem", AGE_SSE},      {"Athlon", AGE_SSE},        {"Opteron", AGE_SSE},
        {"Opteron_SSE3", AGE_SSE}, {"Barcelona", AGE_SSE},     {"Bobcat", AGE_SSE},
        {"Nano", AGE_SSE},         {"Generic", AGE_SSE},       {"Sandybridge", AGE_AVX},
        {"Bulldozer", AGE_AVX},    {"Piledriver", AGE_AVX},    {"Steamroller", AGE_AVX},
        {"Excavator", AGE_AVX2},   {"Haswell", AGE_AVX2},      {"Zen", AGE_AVX2},
        {"SkylakeX", AGE_AVX512},  {"Cooperlake", AGE_AVX512}, {"SapphireRapids", AGE_AVX512},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(core, known[i].core) == 0)
            return known[i].age;
    return AGE_UNKNOWN;
}

/* The names of the kernels this processor can run, best first, for OPENBLAS_CORETYPE; ends with NULL. */
static void best_cores(const char *cores[4]) {
    int n = 0;
#ifdef __x86_64__
    /* __builtin_cpu_supports also asks whether the operating system saves the registers */
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    if (avx512)
        cores[n++] = "SkylakeX";
    if (avx2)
        cores[n++] = __builtin_cpu_is("amd") ? "Zen" : "Haswell";
#endif
    cores[n] = NULL;
}

/* An environment variable set for a while. */
typedef struct Setting {
    const char *name;
    char *before;
} Setting;

static Setting setting_make(const char *name, const char *value) {
    const char *before = getenv(name);
    Setting s = {name, before ? strdup(before) : NULL};
    setenv(name, value, 1);
    return s;
}

static void setting_undo(Setting s) {
    if (s.before)
        setenv(s.name, s.before, 1);
    else
        unsetenv(s.name);
    free(s.before);
}

static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
enum { NAMES = sizeof names / sizeof *names };

/* The library as the program around us has loaded it, or NULL. */
static void *host_library(void) {
    void *handle = NULL;
    for (int i = 0; i < NAMES && !handle; i++)
        handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    return handle;
}

static void *load_library(void *unused) {
    (void)unused;
    void *handle = NULL;
    for (int i = 0; i < NAMES && !handle; i++)
        handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL); /* of its 10,000 names we call 14 */
    return handle;
}

/* A load begun by rt_blas_load_begin. Only the opening runs in the other thread: the environment, which it
 * reads, is set before it starts and put back after it has ended. */
static struct {
    pthread_t thread;
    Setting threads;
    bool running;
} beside;

void rt_blas_load_begin(void) {
    if (beside.running || atomic_load(&blas_loaded) || host_library())
        return;
    beside.threads = setting_make("OPENBLAS_NUM_THREADS", "1");
    beside.running = pthread_create(&beside.thread, NULL, load_library, NULL) == 0;
    if (!beside.running)
        setting_undo(beside.threads);
}

/* Waits for a load that was begun; its handle, or NULL when there was none. */
static void *load_end(void) {
    void *handle = NULL;
    if (beside.running) {
        pthread_join(beside.thread, &handle);
        setting_undo(beside.threads);
        beside.running = false;
    }
    return handle;
}

void rt_blas_load_end(void) {
    load_end();
}

static void *open_library(bool *host_has_it) {
    void *handle = load_end();
    if (handle)
        return handle;
    handle = host_library();
    if (handle) {
        *host_has_it = true;
        return handle;
    }
    /* the library would start a thread for each processor; ours do that work */
    Setting threads = setting_make("OPENBLAS_NUM_THREADS", "1");
    handle = load_library(NULL);
    setting_undo(threads);
    return handle;
}

/* A function of the library by name; the detour over a union because ISO C has no conversion from void *. */
typedef void (*AnyFunction)(void);
static AnyFunction find(void *handle, const char *name) {
    union {
        void *object;
        AnyFunction function;
    } at = {dlsym(handle, name)};
    return at.function;
}

static bool find_all(void *handle, Blas *functions, const char **missing) {
#define BLAS(result, name, parameters)                                                                       \
    if (!(functions->name = (result(*) parameters)find(handle, #name))) {                                    \
        *missing = #name;                                                                                    \
        return false;                                                                                        \
    }
#include "blas.def"
#undef BLAS
    return true;
}

static void read_core(void *handle, char core[64]) {
    char *(*corename)(void) = (char *(*)(void))find(handle, "openblas_get_corename");
    snprintf(core, 64, "%s", corename ? corename() : "unknown");
}

void blas_choose_kernels(void *handle, RtBlasInfo *info) {
    read_core(handle, info->core);
    void (*quit)(void) = (void (*)(void))find(handle, "gotoblas_dynamic_quit");
    void (*init)(void) = (void (*)(void))find(handle, "gotoblas_dynamic_init");
    const char *cores[4];
    best_cores(cores);
    if (!cores[0]) {
        snprintf(info->chosen, sizeof info->chosen, "by the library");
        return;
    }
    KernelAge age = age_of_core(info->core);
    if (age == AGE_UNKNOWN || age >= AGE_AVX2) {
        snprintf(info->chosen, sizeof info->chosen, "by the library, and right for this processor");
        return;
    }
    char before[64];
    snprintf(before, sizeof before, "%s", info->core);
    for (int i = 0; cores[i] && quit && init; i++) {
        Setting core = setting_make("OPENBLAS_CORETYPE", cores[i]);
        quit();
        init();
        setting_undo(core);
        read_core(handle, info->core);
        if (age_of_core(info->core) >= AGE_AVX2) {
            snprintf(info->chosen, sizeof info->chosen,
                     "by lag: the library does not know this processor and had taken %s", before);
            return;
        }
    }
    snprintf(
        info->chosen, sizeof info->chosen,
        "by the library, which does not know this processor and has no other kernels: products will be slow");
}

static void load(void) {
    RtBlasInfo *info = &library.info;
    bool host_has_it = false;
    void *handle = open_library(&host_has_it);
    if (!handle) {
        snprintf(
            info->problem, sizeof info->problem,
            "OpenBLAS (libopenblas.so.0) was not found, so large matrix products run on slow built-in code; "
            "on Debian, `apt install libopenblas0-pthread` mends it");
        return;
    }
    const char *missing = NULL;
    if (!find_all(handle, &library.functions, &missing)) {
        snprintf(
            info->problem, sizeof info->problem,
            "the OpenBLAS found on this machine lacks %s, so large matrix products run on slow built-in code",
            missing);
        return;
    }
    const char *users = getenv("OPENBLAS_CORETYPE");
    read_core(handle, info->core);
    if (host_has_it) {
        snprintf(info->chosen, sizeof info->chosen, "by the program that had loaded the library before");
    } else {
        if (users && *users)
            snprintf(info->chosen, sizeof info->chosen, "by OPENBLAS_CORETYPE=%.60s in the environment",
                     users);
        else
            blas_choose_kernels(handle, info);
        void (*set_threads)(int) = (void (*)(int))find(handle, "openblas_set_num_threads");
        if (set_threads)
            set_threads(1);
    }
    int (*get_threads)(void) = (int (*)(void))find(handle, "openblas_get_num_threads");
    info->threads = get_threads ? (uint32_t)get_threads() : 1;
    char *(*config)(void) = (char *(*)(void))find(handle, "openblas_get_config");
    snprintf(info->config, sizeof info->config, "%s", config ? config() : "unknown version");
    Dl_info place;
    if (dladdr(dlsym(handle, "cblas_sgemm"), &place) && place.dli_fname)
        snprintf(info->path, sizeof info->path, "%s", place.dli_fname);
    info->loaded = true;
}

const RtBlasInfo *rt_blas_describe(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return &library.info;
}

const Blas *blas_first(void) {
    if (!rt_blas_describe()->loaded)
        return NULL;
    atomic_store_explicit(&blas_loaded, &library.functions, memory_order_release);
    return &library.functions;
}

bool rt_blas_load(void) {
    return blas() != NULL;
}
