/* doc — the standard library that is inside the binary: a line for each entry, or one entry whole with the comment
 * above it. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    const char *kind, *name, *file;
    const char *comment; /* the first line of the comment above it, or "" */
    const char *from, *to; /* text with its comment */
    const char *head, *head_end; /* `dynamics adam(lr = 1e-3, …)` */
} Entry;

typedef VEC(Entry) Entries;

/* Where the comment lines directly above byte `at` begin. */
static const char *comment_start(const char *text, const char *at) {
    const char *start = at;
    while (start > text) {
        const char *line = start - 1;
        while (line > text && line[-1] != '\n')
            line--;
        if (*line != '#')
            break;
        start = line;
    }
    return start;
}

static void add_entry(Session *session, Entries *list, const Source *source, const char *kind, const Stmt *stmt,
                      Name name) {
    const char *at = source->text + stmt->span.start, *from = comment_start(source->text, at);
    Entry entry = {.kind = kind, .name = name_text(session->names, name), .file = source->path, .comment = "",
                   .from = from, .to = source->text + stmt->span.end, .head = at};
    if (from < at) {
        const char *first = from + strspn(from, "# ");
        entry.comment = arena_string(session->arena, first, strcspn(first, "\n"));
    }
    entry.head_end = at + strcspn(at, "{=\n");
    const char *open = memchr(at, '(', (size_t)(entry.head_end - at));
    if (open) { /* defaults hold `=`: the head ends with the parenthesis that closes the first */
        int depth = 0;
        const char *c = open;
        do
            depth += (*c == '(') - (*c == ')');
        while (depth && *++c);
        entry.head_end = *c ? c + 1 : c;
    }
    vec_push(list, entry);
}

static void collect(Session *session, Entries *list) {
    for (uint32_t i = 0; i < sema_library_count; i++) {
        const SemaLibrary *file = &sema_library[i];
        uint32_t number = source_add(session, file->path, file->text, strlen(file->text));
        File *tree = ast_parse(session, number);
        const Source source = *source_get(session, number);
        for (uint32_t k = 0; k < tree->items.n; k++) {
            const Stmt *stmt = tree->items.at[k];
            if (stmt->kind == STMT_DYNAMICS)
                add_entry(session, list, &source, "dynamics", stmt, stmt->dynamics.name);
            else if (stmt->kind == STMT_FN)
                add_entry(session, list, &source, "fn", stmt, stmt->fn.name);
            else if (stmt->kind == STMT_SYSTEM)
                add_entry(session, list, &source, "system", stmt, stmt->system.name);
        }
    }
}

static void print_list(const Entries *list) {
    const char *file = "";
    for (uint32_t i = 0; i < list->n; i++) {
        const Entry *entry = &list->at[i];
        if (strcmp(file, entry->file)) {
            printf("%s%s\n", i ? "\n" : "", entry->file);
            file = entry->file;
        }
        printf("  %.*s\n", (int)(entry->head_end - entry->head), entry->head);
        if (*entry->comment)
            printf("      %s\n", entry->comment);
    }
    puts("\nlag doc NAME shows one of them whole.");
}

static int print_one(const Entries *list, const char *name) {
    int found = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const Entry *entry = &list->at[i];
        if (!strcmp(entry->name, name) || !strcmp(entry->file, name)) {
            printf("%s# %s\n%.*s\n", found ? "\n" : "", entry->file, (int)(entry->to - entry->from), entry->from);
            found++;
        }
    }
    if (found)
        return EXIT_OK;
    const char **names = base_calloc(list->n, sizeof *names);
    for (uint32_t i = 0; i < list->n; i++)
        names[i] = list->at[i].name;
    const char *nearest = diag_nearest(name, names, list->n);
    fprintf(stderr, "lag: the standard library has no `%s`", name);
    fprintf(stderr, nearest ? "; did you mean `%s`?\n" : "; lag doc lists what it has\n", nearest);
    free(names);
    return EXIT_PROGRAM;
}

int command_doc(Session *session, Options *options) {
    Entries list = {0};
    collect(session, &list);
    int status = driver_finish(session, options);
    if (status == EXIT_OK && options->file)
        status = print_one(&list, options->file);
    else if (status == EXIT_OK)
        print_list(&list);
    vec_free(&list);
    return status;
}
