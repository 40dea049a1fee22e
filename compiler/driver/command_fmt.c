/* fmt — the canonical form of a program. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes beside the file and renames, so that the program is whole at any moment. */
static int replace_file(const char *path, const Buf *text) {
    size_t length = strlen(path) + 8;
    char *fresh = base_calloc(length, 1);
    snprintf(fresh, length, "%s.new", path);
    FILE *out = fopen(fresh, "w");
    bool ok = out && fwrite(text->at, 1, text->n, out) == text->n;
    ok = out && !fclose(out) && ok && !rename(fresh, path);
    if (!ok) {
        perror(path);
        unlink(fresh);
    }
    free(fresh);
    return ok ? EXIT_OK : EXIT_RUN;
}

int command_fmt(Session *session, Options *options) {
    File *file = load_file(session, options);
    int status = driver_finish(session, options);
    if (!file || status != EXIT_OK)
        return file ? status : EXIT_PROGRAM;
    Buf text = {0};
    ast_print(session, file, &text);
    if (options->in_place && strcmp(options->file, "-"))
        status = replace_file(options->file, &text);
    else
        fwrite(text.at, 1, text.n, stdout);
    buf_free(&text);
    return status;
}
