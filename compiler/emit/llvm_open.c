/* LLVM's library, opened when code is first generated. Opening it takes 11 to 20 ms, more than all the rest of a
 * start from the cache, and most runs find their code in the cache; so programs are not linked with it. What
 * is opened is a library of our own with only what we call, from LLVM's static archives (llvm_library.cmake), in 4 ms; where that is
 * missing, LLVM's. Instead, every function of LLVM's C interface that our code calls
 * (llvm_functions.def: a line LLVM_FUNCTION(number, name) for each, which the build collects from the
 * sources) is here a jump through a table that emit_open fills. On processors for which no jump is written
 * below, the build links the library as usual and the table is left out.
 *
 * The table belongs to the process, like the tables of the dynamic linker that it stands for: filled once,
 * under pthread_once, then only read. */
#include <pthread.h>

#include <llvm-c/Support.h>
#include <llvm-c/Target.h>

#include "emit.h"

#ifdef LAG_LLVM_LIBRARY

#include <dlfcn.h>

static const char *const names[] = {
#define LLVM_FUNCTION(number, name) #name,
#include "llvm_functions.def"
#undef LLVM_FUNCTION
};
enum { COUNT = sizeof names / sizeof *names };

__attribute__((visibility("hidden"), used)) void *emit_llvm_table[COUNT];

#if defined(__x86_64__)
#define JUMP(at) "endbr64\n\tjmp *emit_llvm_table+8*" at "(%rip)\n"
#elif defined(__aarch64__)
#define JUMP(at)                                                                                             \
    "bti c\n\tadrp x16, emit_llvm_table+8*" at "\n"                                                          \
    "\tldr x16, [x16, :lo12:emit_llvm_table+8*" at "]\n\tbr x16\n"
#endif
#define LLVM_FUNCTION(number, name)                                                                          \
    __asm__(".text\n\t.globl " #name "\n\t.hidden " #name "\n\t.type " #name ", @function\n"               \
            #name ":\n\t" JUMP(#number) "\t.size " #name ", .-" #name "\n");
#include "llvm_functions.def"
#undef LLVM_FUNCTION

/* Tried in this order; the first of them lies where programs' run path says. */
static const char *const libraries[] = {"liblag_llvm.so", LAG_LLVM_SONAME, LAG_LLVM_LIBRARY};

/* Fills the table; NULL, or what is wrong with the library. */
static const char *fill_table(void) {
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof libraries / sizeof *libraries; i++)
        handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return "it was not found";
    for (int i = 0; i < COUNT; i++) {
        emit_llvm_table[i] = dlsym(handle, names[i]);
        if (!emit_llvm_table[i])
            return "it is another version";
    }
    return NULL;
}

#else

#define LAG_LLVM_SONAME "LLVM"

static const char *fill_table(void) {
    return NULL;
}

#endif

static struct { const char *problem; } library;

/* Loops whose sums must keep their order become vectors all the same: what is summed is computed in vectors, and added one
 * number after the other. It pays where there is something to compute; LLVM weighs it, once told that it may. */
static const char *const settings[] = {"lag", "-force-ordered-reductions=true"};

/* Opens the library and registers this machine's target, which LLVM lets only one thread do. */
static void open_library(void) {
    library.problem = fill_table();
    if (library.problem)
        return;
    if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter())
        library.problem = "it makes no code for this machine";
    LLVMParseCommandLineOptions(sizeof settings / sizeof *settings, settings, "");
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* An opening begun by emit_open_begin. */
static struct {
    pthread_t thread;
    bool running;
} beside;

static void *open_beside(void *context) {
    pthread_once(&once, open_library);
    return context;
}

void emit_open_begin(void) {
    if (!beside.running)
        beside.running = pthread_create(&beside.thread, NULL, open_beside, NULL) == 0;
}

void emit_open_end(void) {
    if (beside.running)
        pthread_join(beside.thread, NULL);
    beside.running = false;
}

bool emit_open(Session *session) {
    pthread_once(&once, open_library);
    if (!library.problem)
        return true;
    Diag *diag = diag_error(session, DIAG_MACHINE_CODE, (Span){0},
                            "machine code is made by LLVM's library %s, and %s", LAG_LLVM_SONAME, library.problem);
    diag_help(session, diag, "install LLVM 19, on Debian with `apt install libllvm19`");
    return false;
}
