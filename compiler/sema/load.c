/* load — files that take part: the program, what it uses, and the standard library, whose files are parsed
 * when one of their names is first needed. Gives a Unit with its scope per file; a file is loaded once. */
#include "internal.h"

Unit *load_unit(Sema *s, File *file, const char *path, bool library) {
    Unit *unit = ARENA_NEW(s->arena, Unit);
    unit->path = path;
    unit->file = file;
    unit->library = library;
    unit->scope = scope_new(s, SCOPE_FILE, s->root);
    unit->scope->unit = unit;
    vec_push(&s->units, unit);
    scope_collect(s, unit->scope, file->items);
    return unit;
}

static Unit *library_unit(Sema *s, uint32_t k) {
    if (s->library[k]) return s->library[k];
    const SemaLibrary *lib = &sema_library[k];
    uint32_t source = source_add(s->session, lib->path, lib->text, strlen(lib->text));
    File *file = ast_parse(s->session, source);
    s->library[k] = load_unit(s, file, lib->path, true);
    load_uses(s, s->library[k]);
    return s->library[k];
}

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static size_t word_length(const char *at) {
    size_t n = 0;
    while (is_word_byte(at[n])) n++;
    return n;
}

/* Notes what the line at `at` declares: an item of a library begins at the beginning of a line, with a keyword and the
 * first name; of a list of names (const, unit, …) every word may be one. */
static void note_names(Sema *s, uint32_t file, const char *at) {
    size_t keyword = word_length(at), n;
    bool one = !strncmp(at, "fn ", 3) || !strncmp(at, "dynamics ", 9) || !strncmp(at, "system ", 7);
    if (!keyword || (*at >= '0' && *at <= '9')) return;
    for (at += keyword; *at && *at != '\n'; at += n ? n : 1) {
        n = word_length(at);
        if (n) vec_push(&s->library_names, (LibraryName){.at = at, .n = n, .file = file});
        if (n && one) return;
    }
}

/* Which file of the library may declare what, so that only those are parsed whose names are used. */
static void index_library(Sema *s) {
    for (uint32_t k = 0; k < sema_library_count; k++)
        for (const char *at = sema_library[k].text; at; at = strchr(at, '\n')) {
            at += *at == '\n';
            note_names(s, k, at);
        }
}

static Ent *library_find(Sema *s, Name name, bool any, EntKind kind) {
    const char *text = sema_name(s, name), *ascii = name_ascii(s->session->names, name);
    size_t n = strlen(text), n_ascii = strlen(ascii);
    if (!s->library_names.n) index_library(s);
    for (uint32_t i = 0; i < s->library_names.n; i++) {
        const LibraryName *known = &s->library_names.at[i];
        bool same = (known->n == n && !memcmp(known->at, text, n)) ||
                    (known->n == n_ascii && !memcmp(known->at, ascii, n_ascii));
        if (!same) continue;
        Ent *ent = scope_own(library_unit(s, known->file)->scope, name);
        if (ent && (any || ent->kind == kind)) return ent;
    }
    return NULL;
}

Ent *load_library_find(Sema *s, Name name) { return library_find(s, name, true, ENT_CONST); }
Ent *load_library_find_kind(Sema *s, Name name, EntKind kind) { return library_find(s, name, false, kind); }

void load_library_all(Sema *s) {
    for (uint32_t k = 0; k < sema_library_count; k++) library_unit(s, k);
}

/* stdlib/optimizers.lag is called `optimizers`. */
static Unit *find_library(Sema *s, const char *name) {
    for (uint32_t k = 0; k < sema_library_count; k++) {
        const char *base = strrchr(sema_library[k].path, '/');
        base = base ? base + 1 : sema_library[k].path;
        size_t n = strlen(name);
        if (!strncmp(base, name, n) && !strcmp(base + n, ".lag")) return library_unit(s, k);
    }
    return NULL;
}

static char *read_text(const char *path, size_t *length) {
    FILE *in = fopen(path, "rb");
    if (!in) return NULL;
    Buf buf = {0};
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, in)) > 0) buf_write(&buf, piece, n);
    bool bad = ferror(in) != 0;
    fclose(in);
    *length = buf.n;
    if (!bad && buf.at) return buf.at;
    buf_free(&buf);
    return bad ? NULL : calloc(1, 1);
}

static const char *directory_of(Sema *s, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? arena_string(s->arena, path, (size_t)(slash - path)) : ".";
}

static Unit *file_unit(Sema *s, const Unit *from, const char *name, Span span) {
    const char *directory = from->directory ? from->directory : s->options->directory;
    const char *path = name[0] == '/' || !directory ? name : arena_printf(s->arena, "%s/%s", directory, name);
    for (uint32_t k = 0; k < s->units.n; k++)
        if (!strcmp(s->units.at[k]->path, path)) return s->units.at[k];
    size_t length = 0;
    char *text = read_text(path, &length);
    if (!text) {
        sema_error(s, DIAG_USE_FILE, span, "the file \"%s\" cannot be read", name);
        return NULL;
    }
    uint32_t source = source_add(s->session, path, text, length);
    free(text);
    Unit *unit = load_unit(s, ast_parse(s->session, source), path, false);
    unit->directory = directory_of(s, path);
    load_uses(s, unit);
    return unit;
}

static Unit *unknown_library(Sema *s, const char *name, Span span) {
    const char **names = base_calloc(sema_library_count + 1, sizeof *names);
    for (uint32_t k = 0; k < sema_library_count; k++) {
        const char *base = strrchr(sema_library[k].path, '/');
        base = base ? base + 1 : sema_library[k].path;
        names[k] = arena_string(s->arena, base, strcspn(base, "."));
    }
    Diag *d = sema_error(s, DIAG_USE_FILE, span, "there is no library `%s`", name);
    const char *near = diag_nearest(name, names, sema_library_count);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    sema_help(s, d, "a file of yours is written in quotes: `use \"%s.lag\"`", name);
    free(names);
    return NULL;
}

void load_uses(Sema *s, Unit *unit) {
    const StmtList items = unit->file->items;
    unit->uses = ARENA_ARRAY(s->arena, Unit *, items.n + 1);
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind != STMT_USE) continue;
        const char *name = sema_name(s, st->use.path);
        Unit *used = st->use.is_file ? file_unit(s, unit, name, st->span) : find_library(s, name);
        if (!used && !st->use.is_file) used = unknown_library(s, name, st->span);
        if (used && used != unit) unit->uses[unit->n_uses++] = used;
    }
}
