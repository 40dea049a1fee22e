/* The cache key: a hash over everything that determines the code. */
#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <llvm/Config/llvm-config.h>

#include "hash.h"
#include "internal.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

/* ---- the processor, in its own words: what LLVM's choice for this machine is made from ---- */

static void add_processor(Hash *hash) {
#ifdef __x86_64__
    static const struct {
        uint32_t leaf, sub, without;
    } questions[] = {
        {0, 0, 0}, {1, 0, 2}, /* ebx has the number of the present core */
        {7, 0, 0}, {7, 1, 0}, {0x80000001, 0, 0},
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        uint32_t r[4] = {0};
        __get_cpuid_count(questions[i].leaf, questions[i].sub, &r[0], &r[1], &r[2], &r[3]);
        for (uint32_t k = 0; k < 4; k++)
            if (!(questions[i].without == 2 && k == 1))
                hash_add_u64(hash, r[k]);
    }
    /* which registers the operating system saves */
    hash_add_u64(hash, (uint64_t)(__builtin_cpu_supports("avx") != 0) |
                           (__builtin_cpu_supports("avx512f") != 0) << 1);
#else
    hash_add_u64(hash, getauxval(AT_HWCAP));
    hash_add_u64(hash, getauxval(AT_HWCAP2));
    const char *platform = (const char *)getauxval(AT_PLATFORM);
    hash_add_text(hash, platform ? platform : "");
#endif
}

/* ---- this compiler's own build ---- */

typedef struct BuildId {
    uintptr_t inside;
    Hash *hash;
    bool found;
} BuildId;

static bool contains(const struct dl_phdr_info *object, uintptr_t address) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && address >= start && address < start + segment->p_memsz)
            return true;
    }
    return false;
}

/* Adds the linker's note of the object this code is in. */
static int add_note(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    BuildId *id = context;
    if (!contains(object, id->inside))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(object->dlpi_addr + segment->p_vaddr), *end = at + segment->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof *note, *content = name + (note->n_namesz + 3) / 4 * 4;
            at = content + (note->n_descsz + 3) / 4 * 4;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && at <= end &&
                memcmp(name, "GNU", 4) == 0) {
                hash_add(id->hash, content, note->n_descsz);
                id->found = true;
            }
        }
    }
    return 1;
}

/* Without a note: the whole program file. */
static void add_program_file(Hash *hash) {
    FILE *file = fopen("/proc/self/exe", "rb");
    char block[1 << 16];
    for (size_t n; file && (n = fread(block, 1, sizeof block, file)) > 0;)
        hash_add(hash, block, n);
    if (file)
        fclose(file);
}

static void add_compiler(Hash *hash) {
    BuildId id = {(uintptr_t)add_compiler, hash, false};
    dl_iterate_phdr(add_note, &id);
    if (!id.found)
        add_program_file(hash);
    hash_add_text(hash, LLVM_VERSION_STRING);
}

/* ---- the program ---- */

static void add_options(Hash *hash, const PlanOptions *options) {
    hash_add_u64(hash, options->threads);
    hash_add_u64(hash, options->fast);
    hash_add_u64(hash, options->check_finite);
}

/* What of a definition the text does not, or need not, show. */
static void add_definition(Hash *hash, const IrProgram *p, IrDef d) {
    const IrDefInfo *info = ir_def(p, d);
    hash_add_u64(hash, d);
    hash_add_u64(hash, (uint64_t)info->kind << 32 | (uint64_t)info->role << 16 | info->elem);
    hash_add_u64(hash, (uint64_t)info->flex << 16 | (uint64_t)info->volatile_ << 8 | info->rank);
    for (uint32_t i = 0; i < info->rank; i++)
        hash_add_u64(hash, info->extent[i]);
}

static void add_rates(Hash *hash, const IrRates *rates) {
    hash_add_u64(hash, rates ? rates->n + 1 : 0);
    for (uint32_t i = 0; rates && i < rates->n; i++) {
        hash_add_u64(hash, rates->y[i]);
        hash_add_u64(hash, rates->dy[i]);
    }
    hash_add_u64(hash, rates ? rates->time : 0);
}

static void mark_function(const IrProgram *p, const IrFunc *func, uint8_t *mark) {
    for (uint32_t g = 0; g < func->groups.n; g++)
        for (uint32_t i = 0; i < func->groups.at[g].n; i++) {
            const IrAssign *assign = &func->groups.at[g].at[i];
            ir_reach(p, assign->value, mark);
            mark[assign->target] = 1;
        }
    ir_reach(p, 0, mark);
}

JitKey jit_key(const IrProgram *p, const IrFunc *const *funcs, uint32_t n, const PlanOptions *options) {
    Hash hash;
    JitKey key;
    hash_begin(&hash);
    add_compiler(&hash);
    add_processor(&hash);
    add_options(&hash, options);

    uint32_t count = ir_def_count(p);
    uint8_t *mark = base_calloc(count + 1, 1);
    Buf text = {0};
    for (uint32_t f = 0; f < n; f++) {
        mark_function(p, funcs[f], mark);
        hash_add_text(&hash, funcs[f]->name);
        hash_add_u64(&hash, funcs[f]->cyclic);
        hash_add_u64(&hash, funcs[f]->often);
        add_rates(&hash, funcs[f]->rates);
        hash_add_u64(&hash, funcs[f]->copies);
        hash_add_u64(&hash, funcs[f]->seldom);
        ir_print_func(p, funcs[f], &text); /* and everything it reaches */
    }
    for (IrDef d = 1; d <= count; d++)
        if (mark[d])
            add_definition(&hash, p, d);
    hash_add_u64(&hash, text.n);
    hash_add(&hash, text.at, text.n);
    hash_end(&hash, key.bytes);
    buf_free(&text);
    free(mark);
    return key;
}
