/* new — a program to start from: a system of one's own and an optimizer of one's own, ready to run. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char program[] =
    "# %s — a valley to descend, and a way of one's own to descend it.\n"
    "#   lag run %s        runs it\n"
    "#   lag derive %s     shows what was derived from it\n"
    "\n"
    "param x[2] = [-1.5, 2.0]\n"
    "\n"
    "system valley {\n"
    "  potential = (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2\n"
    "}\n"
    "\n"
    "# A heavy ball with friction: change the kinetic energy, the friction or the word, and the update rule follows.\n"
    "dynamics mine(mass = 1.0, friction = 1.0, h = 0.02) {\n"
    "  kinetic     = 1/2 * mass * sum(q'^2)\n"
    "  dissipation = 1/2 * friction * sum(q'^2)\n"
    "  step by h { p; q }\n"
    "}\n"
    "\n"
    "run mine on valley for 2000 steps {\n"
    "  record x, loss every 10 steps\n"
    "}\n"
    "expect loss < 1e-3\n";

/* Whether `name` is a plain file name that the file system and the language take. */
static bool is_plain(const char *name) {
    return *name && *name != '-' && *name != '.' && !strpbrk(name, "/\\ \t\n\"'");
}

int command_new(Session *session, Options *options) {
    (void)session;
    const char *name = options->file;
    if (!name) {
        fputs("lag: a name for the program must follow, as in lag new valley\n", stderr);
        return EXIT_USAGE;
    }
    if (!is_plain(name)) {
        fprintf(stderr, "lag: `%s` cannot name a program: it is written here, and a name has no blanks, quotes or slashes\n",
                name);
        return EXIT_USAGE;
    }
    size_t length = strlen(name);
    bool has_suffix = length > 4 && !strcmp(name + length - 4, ".lag");
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s%s", name, has_suffix ? "" : ".lag") >= sizeof path) {
        fputs("lag: that name is too long\n", stderr);
        return EXIT_USAGE;
    }
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666); /* never over what is there */
    if (file < 0) {
        fprintf(stderr, "lag: cannot write %s: %s\n", path, strerror(errno));
        return EXIT_RUN;
    }
    FILE *out = fdopen(file, "w");
    bool ok = out && fprintf(out, program, path, path, path) > 0;
    ok = out && !fclose(out) && ok;
    if (!ok) {
        fprintf(stderr, "lag: cannot write %s: %s\n", path, strerror(errno));
        unlink(path);
        return EXIT_RUN;
    }
    printf("wrote %s; run it with\n  lag run %s\n", path, path);
    return EXIT_OK;
}
