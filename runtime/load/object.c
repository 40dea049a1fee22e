/* A loader of relocatable ELF objects for x86-64, of the kind LLVM makes from our modules: sections, symbols
 * and the relocations of position-independent code. Linking is copying the sections into one block of memory,
 * a table of addresses for what lies outside (the GOT), a jump through that table for each outside function,
 * and patching. Anything unexpected is refused, and the caller links with LLVM instead. The bytes come from a
 * file, so every offset is checked against the size before it is used. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../arena.h"
#include "load.h"

/* Kinds of memory, each on pages of its own. */
typedef enum Zone { ZONE_CODE, ZONE_CONST, ZONE_DATA, ZONE_COUNT, ZONE_NONE = ZONE_COUNT } Zone;

typedef struct Place {
    Zone zone;
    size_t offset;
} Place; /* of a section: offset in its zone */

struct RtObject {
    const uint8_t *bytes; /* while linking */
    size_t n;
    const Elf64_Shdr *section;
    uint32_t n_sections;
    Place *place; /* of each section */
    const Elf64_Sym *symbol;
    uint32_t n_symbols;
    const char *names; /* of symbols; ends with a NUL inside the object */
    size_t names_size;
    uint64_t *address; /* of each symbol */

    uint8_t *block; /* the memory */
    size_t size, zone_start[ZONE_COUNT + 1], zone_size[ZONE_COUNT];
    size_t got, jumps; /* offsets in the block: 8 bytes for each symbol */

    struct Export {
        char *name;
        void *at;
    } * exports;
    uint32_t n_exports;
    char *why;
    size_t why_size;
};

static bool refuse(RtObject *l, const char *format, const char *what) {
    snprintf(l->why, l->why_size, format, what);
    return false;
}

/* Whether `count` objects of `each` bytes lie inside the file at `offset`. */
static bool is_inside(const RtObject *l, uint64_t offset, uint64_t count, uint64_t each) {
    return offset <= l->n && (each == 0 || count <= (l->n - offset) / each);
}

static bool read_header(RtObject *l) {
    const Elf64_Ehdr *h = (const void *)l->bytes;
    if (!is_inside(l, 0, 1, sizeof *h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
        h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_type != ET_REL)
        return refuse(l, "%s", "not a relocatable object");
    if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff % 8 != 0 ||
        !is_inside(l, h->e_shoff, h->e_shnum, sizeof(Elf64_Shdr)))
        return refuse(l, "%s", "a damaged table of sections");
    l->section = (const void *)(l->bytes + h->e_shoff);
    l->n_sections = h->e_shnum;
    for (uint32_t i = 0; i < l->n_sections; i++) {
        const Elf64_Shdr *s = &l->section[i];
        if (s->sh_type != SHT_NOBITS && !is_inside(l, s->sh_offset, s->sh_size, 1))
            return refuse(l, "%s", "a section outside the file");
        if (s->sh_size > (uint64_t)1 << 30 || (s->sh_addralign & (s->sh_addralign - 1)) != 0 ||
            s->sh_addralign > 4096)
            return refuse(l, "%s", "a section of impossible size or alignment");
    }
    return true;
}

/* Whether the object is for a machine whose relocations are known here, and for this one. */
static bool check_machine(RtObject *l) {
#ifdef __x86_64__
    if (((const Elf64_Ehdr *)(const void *)l->bytes)->e_machine == EM_X86_64)
        return true;
#endif
    return refuse(l, "%s", "an object for another machine");
}

static bool read_symbols(RtObject *l) {
    for (uint32_t i = 0; i < l->n_sections; i++) {
        const Elf64_Shdr *s = &l->section[i];
        if (s->sh_type != SHT_SYMTAB)
            continue;
        if (s->sh_entsize != sizeof(Elf64_Sym) || s->sh_offset % 8 != 0 || s->sh_link >= l->n_sections)
            return refuse(l, "%s", "a damaged table of symbols");
        const Elf64_Shdr *names = &l->section[s->sh_link];
        if (names->sh_type != SHT_STRTAB || names->sh_size == 0 ||
            l->bytes[names->sh_offset + names->sh_size - 1] != 0)
            return refuse(l, "%s", "a damaged table of names");
        l->symbol = (const void *)(l->bytes + s->sh_offset);
        l->n_symbols = (uint32_t)(s->sh_size / sizeof(Elf64_Sym));
        l->names = (const char *)l->bytes + names->sh_offset;
        l->names_size = names->sh_size;
        return true;
    }
    return refuse(l, "%s", "no table of symbols");
}

static const char *symbol_name(const RtObject *l, const Elf64_Sym *symbol) {
    return symbol->st_name < l->names_size ? l->names + symbol->st_name : "";
}

/* Where a section goes. Tables for unwinding the stack are left out: nothing unwinds through generated
 * code. */
static Zone zone_of(const Elf64_Shdr *s) {
    if (!(s->sh_flags & SHF_ALLOC) || s->sh_type == SHT_X86_64_UNWIND || s->sh_type == SHT_NOTE)
        return ZONE_NONE;
    if (s->sh_flags & SHF_EXECINSTR)
        return ZONE_CODE;
    return s->sh_flags & SHF_WRITE ? ZONE_DATA : ZONE_CONST;
}

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static bool lay_out(RtObject *l) {
    for (uint32_t i = 0; i < l->n_sections; i++) {
        const Elf64_Shdr *s = &l->section[i];
        Zone zone = zone_of(s);
        l->place[i] = (Place){zone, 0};
        if (zone == ZONE_NONE)
            continue;
        if (s->sh_flags & SHF_TLS || s->sh_type == SHT_INIT_ARRAY || s->sh_type == SHT_FINI_ARRAY)
            return refuse(l, "%s", "a section of a kind this loader does not know");
        size_t at = round_up(l->zone_size[zone], s->sh_addralign ? s->sh_addralign : 1);
        l->place[i].offset = at;
        l->zone_size[zone] = at + s->sh_size;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE), table = 8 * (size_t)l->n_symbols;
    l->jumps = round_up(l->zone_size[ZONE_CODE], 16);
    l->zone_size[ZONE_CODE] = l->jumps + table;
    l->got = round_up(l->zone_size[ZONE_CONST], 16);
    l->zone_size[ZONE_CONST] = l->got + table;
    for (int zone = 0; zone < ZONE_COUNT; zone++)
        l->zone_start[zone + 1] = l->zone_start[zone] + round_up(l->zone_size[zone], page);
    l->got += l->zone_start[ZONE_CONST];
    l->size = l->zone_start[ZONE_COUNT];
    void *block = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return refuse(l, "%s", "no memory");
    l->block = block;
    return true;
}

static uint8_t *section_memory(const RtObject *l, uint32_t i) {
    return l->block + l->zone_start[l->place[i].zone] + l->place[i].offset;
}

static void copy_sections(RtObject *l) {
    for (uint32_t i = 0; i < l->n_sections; i++)
        if (l->place[i].zone != ZONE_NONE && l->section[i].sh_type != SHT_NOBITS)
            memcpy(section_memory(l, i), l->bytes + l->section[i].sh_offset, l->section[i].sh_size);
}

/* Gives every symbol an address and its entry in the table, and each outside one a jump: `jmp
 * *entry(%rip)`. */
static bool resolve(RtObject *l, const RtSymbols *symbols) {
    for (uint32_t i = 1; i < l->n_symbols; i++) {
        const Elf64_Sym *s = &l->symbol[i];
        int type = ELF64_ST_TYPE(s->st_info);
        if (type == STT_TLS || type == STT_GNU_IFUNC)
            return refuse(l, "a symbol of a kind this loader does not know: %s", symbol_name(l, s));
        if (s->st_shndx == SHN_UNDEF) {
            l->address[i] = (uint64_t)(uintptr_t)rt_symbols_find(symbols, symbol_name(l, s));
            if (!l->address[i] && ELF64_ST_BIND(s->st_info) != STB_WEAK)
                return refuse(l, "it calls %s, which this machine has not", symbol_name(l, s));
        } else if (s->st_shndx == SHN_ABS) {
            l->address[i] = s->st_value;
        } else if (s->st_shndx < l->n_sections) {
            if (s->st_value > l->section[s->st_shndx].sh_size)
                return refuse(l, "a symbol outside its section: %s", symbol_name(l, s));
            if (l->place[s->st_shndx].zone != ZONE_NONE)
                l->address[i] = (uint64_t)(uintptr_t)section_memory(l, s->st_shndx) + s->st_value;
        } else {
            return refuse(l, "a symbol of a kind this loader does not know: %s", symbol_name(l, s));
        }
        memcpy(l->block + l->got + 8 * (size_t)i, &l->address[i], 8);
        uint8_t jump[8] = {0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc};
        int32_t distance =
            (int32_t)((int64_t)(l->got + 8 * (size_t)i) - (int64_t)(l->jumps + 8 * (size_t)i + 6));
        memcpy(jump + 2, &distance, 4);
        memcpy(l->block + l->jumps + 8 * (size_t)i, jump, sizeof jump);
    }
    return true;
}

static bool put32(RtObject *l, uint8_t *at, int64_t value) {
    if (value != (int32_t)value)
        return refuse(l, "%s", "an address out of reach");
    int32_t narrow = (int32_t)value;
    memcpy(at, &narrow, 4);
    return true;
}

/* One relocation at `at` (with `room` bytes to the end of its section); names and formulas as in the System V
 * ABI, AMD64 supplement, section 4.4. */
static bool relocate(RtObject *l, const Elf64_Rela *r, uint8_t *at, uint64_t room) {
    uint64_t number = ELF64_R_SYM(r->r_info), type = ELF64_R_TYPE(r->r_info);
    if (number >= l->n_symbols)
        return refuse(l, "%s", "a relocation of no symbol");
    bool wide = type == R_X86_64_64 || type == R_X86_64_PC64;
    if (room < (wide ? 8 : 4))
        return refuse(l, "%s", "a relocation outside its section");
    /* in unsigned arithmetic, which wraps: addends of a damaged file may be anything */
    uint64_t here = (uint64_t)(uintptr_t)at, addend = (uint64_t)r->r_addend,
             base = (uint64_t)(uintptr_t)l->block;
    int64_t to = (int64_t)(l->address[number] + addend),
            distance = (int64_t)(l->address[number] + addend - here);
    int64_t by_jump = (int64_t)(base + l->jumps + 8 * number + addend - here);
    int64_t by_entry = (int64_t)(base + l->got + 8 * number + addend - here);
    switch (type) {
    case R_X86_64_NONE:
        return true;
    case R_X86_64_64:
        memcpy(at, &to, 8);
        return true;
    case R_X86_64_PC64:
        memcpy(at, &distance, 8);
        return true;
    case R_X86_64_PLT32:
        return put32(l, at, distance == (int32_t)distance ? distance : by_jump);
    case R_X86_64_PC32:
        return put32(l, at, distance);
    case R_X86_64_32S:
        return put32(l, at, to);
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
        return put32(l, at, by_entry);
    default:
        return refuse(l, "%s", "a relocation of a kind this loader does not know");
    }
}

static bool relocate_all(RtObject *l) {
    for (uint32_t i = 0; i < l->n_sections; i++) {
        const Elf64_Shdr *s = &l->section[i];
        if (s->sh_type == SHT_REL)
            return refuse(l, "%s", "relocations of a form this loader does not know");
        if (s->sh_type != SHT_RELA)
            continue;
        if (s->sh_info >= l->n_sections || s->sh_entsize != sizeof(Elf64_Rela) || s->sh_offset % 8 != 0)
            return refuse(l, "%s", "a damaged table of relocations");
        if (l->place[s->sh_info].zone == ZONE_NONE)
            continue;
        const Elf64_Shdr *target = &l->section[s->sh_info];
        const Elf64_Rela *r = (const void *)(l->bytes + s->sh_offset);
        for (uint64_t k = 0; k < s->sh_size / sizeof *r; k++) {
            if (r[k].r_offset > target->sh_size)
                return refuse(l, "%s", "a relocation outside its section");
            uint8_t *at = section_memory(l, s->sh_info) + r[k].r_offset;
            if (!relocate(l, &r[k], at, target->sh_size - r[k].r_offset))
                return false;
        }
    }
    return true;
}

static void export_functions(RtObject *l) {
    l->exports = base_calloc(l->n_symbols + 1, sizeof *l->exports);
    for (uint32_t i = 1; i < l->n_symbols; i++) {
        const Elf64_Sym *s = &l->symbol[i];
        if (ELF64_ST_BIND(s->st_info) != STB_GLOBAL || s->st_shndx == SHN_UNDEF || !l->address[i])
            continue;
        struct Export *e = &l->exports[l->n_exports++];
        e->name = strdup(symbol_name(l, s));
        e->at = (void *)(uintptr_t)l->address[i];
    }
}

static bool protect(RtObject *l) {
    static const int rights[ZONE_COUNT] = {PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE};
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        size_t length = l->zone_start[zone + 1] - l->zone_start[zone];
        if (length > 0 && mprotect(l->block + l->zone_start[zone], length, rights[zone]) != 0)
            return refuse(l, "%s", "this system allows no new code");
    }
    return true;
}

RtObject *rt_object_load(const uint8_t *bytes, size_t n, const RtSymbols *symbols, char *why, size_t why_size) {
    RtObject *l = base_calloc(1, sizeof *l);
    l->bytes = bytes;
    l->n = n;
    l->why = why;
    l->why_size = why_size;
    bool ok = read_header(l) && check_machine(l) && read_symbols(l);
    if (ok) {
        l->place = base_calloc(l->n_sections + 1, sizeof *l->place);
        l->address = base_calloc(l->n_symbols + 1, sizeof *l->address);
        ok = lay_out(l);
    }
    if (ok) {
        copy_sections(l);
        ok = resolve(l, symbols) && relocate_all(l);
    }
    if (ok) {
        export_functions(l);
        ok = protect(l);
    }
    free(l->place);
    free(l->address);
    l->place = NULL;
    l->address = NULL;
    l->bytes = NULL;
    if (ok)
        return l;
    rt_object_free(l);
    return NULL;
}

bool rt_object_inspect(const uint8_t *bytes, size_t n, const RtSymbols *symbols, char *function, size_t size,
                  char *why, size_t why_size) {
    RtObject l = {.bytes = bytes, .n = n, .why = why, .why_size = why_size};
    function[0] = 0;
    if (!read_header(&l) || !read_symbols(&l))
        return false;
    for (uint32_t i = 1; i < l.n_symbols; i++) {
        const Elf64_Sym *s = &l.symbol[i];
        if (ELF64_ST_BIND(s->st_info) == STB_LOCAL)
            continue;
        if (s->st_shndx == SHN_UNDEF && !rt_symbols_find(symbols, symbol_name(&l, s)))
            return refuse(&l, "it calls %s, which this machine has not", symbol_name(&l, s));
        if (s->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s->st_info) == STT_FUNC)
            snprintf(function, size, "%s", symbol_name(&l, s));
    }
    return function[0] || refuse(&l, "%s", "it has no functions");
}

void *rt_object_symbol(const RtObject *loaded, const char *name) {
    for (uint32_t i = 0; i < loaded->n_exports; i++)
        if (strcmp(loaded->exports[i].name, name) == 0)
            return loaded->exports[i].at;
    return NULL;
}

void rt_object_free(RtObject *loaded) {
    if (!loaded)
        return;
    for (uint32_t i = 0; i < loaded->n_exports; i++)
        free(loaded->exports[i].name);
    free(loaded->exports);
    if (loaded->block)
        munmap(loaded->block, loaded->size);
    free(loaded);
}
