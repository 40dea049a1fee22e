/* names — interned strings. An identifier is interned under its ASCII spelling, so that a Greek letter and its
 * spelled-out name are one identifier; the text of the first spelling is kept for messages. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    const char *text;  /* as first written */
    const char *ascii; /* key */
    uint32_t hash;
} Entry;

struct Names {
    Arena *arena;
    VEC(Entry) entries; /* [0] is "" */
    uint32_t *table;    /* open addressing, numbers of entries; 0 is free */
    uint32_t size;
};

/* Greek letters by code point from U+0391, and the other letters with a spelling of their own. */
static const char *const greek_upper[] = {
    "Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta", "Iota", "Kappa", "Lambda", "Mu",
    "Nu", "Xi", "Omicron", "Pi", "Rho", NULL, "Sigma", "Tau", "Upsilon", "Phi", "Chi", "Psi", "Omega",
};
static const char *const greek_lower[] = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
};

static uint32_t decode(const char *text, size_t length, size_t *used) {
    const unsigned char *b = (const unsigned char *)text;
    if (length >= 2 && b[0] >= 0xC2 && b[0] < 0xE0) {
        *used = 2;
        return (uint32_t)(b[0] & 31) << 6 | (b[1] & 63);
    }
    if (length >= 3 && b[0] >= 0xE0 && b[0] < 0xF0) {
        *used = 3;
        return (uint32_t)(b[0] & 15) << 12 | (uint32_t)(b[1] & 63) << 6 | (b[2] & 63);
    }
    *used = 1;
    return b[0];
}

/* The ASCII spelling of one character, or NULL when it stands for itself. */
static const char *spelling(uint32_t c, char digit[2]) {
    if (c >= 0x391 && c <= 0x3A9)
        return greek_upper[c - 0x391];
    if (c >= 0x3B1 && c <= 0x3C9)
        return greek_lower[c - 0x3B1];
    if (c == 0x3D5)
        return "phi";
    if (c == 0x3F5)
        return "epsilon";
    if (c == 0x2113)
        return "ell";
    if (c == 0x210F)
        return "hbar";
    if (c >= 0x2080 && c <= 0x2089) {
        digit[0] = (char)('0' + (c - 0x2080));
        digit[1] = '\0';
        return digit;
    }
    return NULL;
}

const char *name_letter(const char *text, size_t length) {
    static const char *const upper[] = {"Α", "Β", "Γ", "Δ", "Ε", "Ζ", "Η", "Θ", "Ι", "Κ", "Λ", "Μ", "Ν",
                                        "Ξ", "Ο", "Π", "Ρ", "", "Σ", "Τ", "Υ", "Φ", "Χ", "Ψ", "Ω"};
    static const char *const lower[] = {"α", "β", "γ", "δ", "ε", "ζ", "η", "θ", "ι", "κ", "λ", "μ", "ν",
                                        "ξ", "ο", "π", "ρ", "ς", "σ", "τ", "υ", "φ", "χ", "ψ", "ω"};
    enum { LETTERS = sizeof upper / sizeof *upper };
    const char *found = NULL;
    for (int k = 0; k < LETTERS; k++) { /* of the two sigmas the second */
        if (greek_upper[k] && strlen(greek_upper[k]) == length && !memcmp(greek_upper[k], text, length))
            found = upper[k];
        if (strlen(greek_lower[k]) == length && !memcmp(greek_lower[k], text, length))
            found = lower[k];
    }
    return found;
}

static uint32_t hash_text(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

Names *names_new(Arena *arena) {
    Names *names = base_calloc(1, sizeof *names);
    names->arena = arena;
    vec_push(&names->entries, (Entry){.text = "", .ascii = ""});
    names->size = 1024;
    names->table = base_calloc(names->size, sizeof *names->table);
    return names;
}

void names_free(Names *names) {
    if (!names)
        return;
    vec_free(&names->entries);
    free(names->table);
    free(names);
}

static void rehash(Names *names) {
    uint32_t size = names->size * 2;
    uint32_t *table = base_calloc(size, sizeof *table);
    for (uint32_t i = 1; i < names->entries.n; i++) {
        uint32_t at = names->entries.at[i].hash & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = i;
    }
    free(names->table);
    names->table = table;
    names->size = size;
}

static Name intern(Names *names, const char *key, size_t key_length, const char *text, size_t length) {
    uint32_t hash = hash_text(key, key_length);
    uint32_t at = hash & (names->size - 1);
    for (uint32_t i; (i = names->table[at]) != 0; at = (at + 1) & (names->size - 1)) {
        const Entry *entry = &names->entries.at[i];
        if (entry->hash == hash && strlen(entry->ascii) == key_length && !memcmp(entry->ascii, key, key_length))
            return i;
    }
    Name name = names->entries.n;
    const char *ascii = arena_string(names->arena, key, key_length);
    bool same = key_length == length && !memcmp(key, text, length);
    const char *shown = same ? ascii : arena_string(names->arena, text, length);
    vec_push(&names->entries, (Entry){.text = shown, .ascii = ascii, .hash = hash});
    names->table[at] = name;
    if (names->entries.n * 2 > names->size)
        rehash(names);
    return name;
}

Name name_intern(Names *names, const char *text, size_t length) {
    return length ? intern(names, text, length, text, length) : 0;
}

Name name_intern_ident(Names *names, const char *text, size_t length) {
    Buf key = {0};
    for (size_t i = 0, used; i < length; i += used) {
        char digit[2];
        const char *ascii = spelling(decode(text + i, length - i, &used), digit);
        if (ascii)
            buf_puts(&key, ascii);
        else
            buf_write(&key, text + i, used);
    }
    Name name = length ? intern(names, key.at, key.n, text, length) : 0;
    buf_free(&key);
    return name;
}

Name name_of(Names *names, const char *text) {
    return name_intern(names, text, strlen(text));
}

const char *name_text(const Names *names, Name name) {
    return names->entries.at[name].text;
}

const char *name_ascii(const Names *names, Name name) {
    return names->entries.at[name].ascii;
}
