#include "zip_library.h"

#include <dlfcn.h>
#include <pthread.h>

static struct {
    ZipLibrary functions;
    const char *problem; /* NULL: the functions are there */
} library = {.problem = "was not found"};

static void open_library(void) {
    typedef void (*AnyFunction)(void);
    void *handle = dlopen(LAG_ZIP_SONAME, RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        return;
    library.problem = NULL;
#define ZIP(result, name, parameters)                                                                        \
    {                                                                                                        \
        union {                                                                                              \
            void *object;                                                                                    \
            AnyFunction function;                                                                            \
        } at = {dlsym(handle, #name)};                                                                       \
        library.functions.name = (result(*) parameters)at.function;                                          \
        if (!at.object)                                                                                      \
            library.problem = "is another version: it lacks " #name;                                         \
    }
#include "zip_library.def"
#undef ZIP
}

const ZipLibrary *zip_library(RtMessage *m) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    if (!library.problem)
        return &library.functions;
    rt_fail(m, "NPZ files are read with the library %s, which %s; on Debian, `apt install libzip4` brings it",
            LAG_ZIP_SONAME, library.problem);
    return NULL;
}
