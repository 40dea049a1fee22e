/* runner — one golden test: runs `lag` on a file and compares what it says with what the file, or its neighbour,
 * expects.
 *
 *   runner LAG check FILE       messages (code, line, text) of `lag check` against the `#! E0402: text` comments on
 *                               the lines at fault (… at either end of a text stands for anything); none expected: the
 *                               program must pass
 *   runner LAG stop FILE        the same of `lag run`: what can only be seen in numbers, at the start of a run
 *   runner LAG text FILE CMD…   output of `lag CMD… FILE` against FILE with the extension .txt (--update rewrites it)
 *   runner LAG run FILE         `lag run` must succeed (its `expect` statements hold)
 *   runner LAG missing FILE     is derived for running, or says at its `run` statements, and nothing else, that this part
 *                               of the runtime is not in this build
 *   runner LAG try FILE         the same, and what is derived must run and hold its `expect` statements
 *   runner LAG compare FILE     runs it and compares what it recorded, column by column by name, with the CSV that its head
 *                               names: `#: compare REFERENCE.csv within 1e-9` (largest difference over the largest magnitude)
 *   runner LAG doc FILE         every ```lag block of a Markdown page: `lag` alone or `lag check` must pass lag check,
 *                               `lag run` must run, `lag fail E0402` must give that code
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Text {
    char *at;
    size_t n;
} Text;

typedef struct Message {
    char code[16];
    int line;
    char *text;
    bool used, is_error;
} Message;

typedef struct Messages {
    Message *at;
    size_t n;
} Messages;

static _Noreturn void die(const char *what, const char *name) {
    fprintf(stderr, "runner: %s: %s\n", name, what);
    exit(2);
}

static Text read_stream(FILE *in) {
    Text text = {calloc(1, 1), 0};
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0) {
        text.at = realloc(text.at, text.n + n + 1);
        if (!text.at)
            die("out of memory", "read");
        memcpy(text.at + text.n, chunk, n);
        text.n += n;
        text.at[text.n] = '\0';
    }
    return text;
}

static Text read_file(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in)
        die(strerror(errno), path);
    Text text = read_stream(in);
    fclose(in);
    return text;
}

/* Runs a command with `input` (may be NULL) as standard input; its output and messages go to `said`. */
static int run_once(char *const *command, const Text *input, Text *said) {
    FILE *out = tmpfile(), *in = tmpfile();
    if (!out || !in)
        die("no temporary file", command[0]);
    if (input && fwrite(input->at, 1, input->n, in) != input->n)
        die("cannot write", command[0]);
    fflush(in);
    rewind(in);
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(in), 0);
        dup2(fileno(out), 1);
        dup2(fileno(out), 2);
        execv(command[0], command);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die(strerror(errno), command[0]);
    rewind(out);
    *said = read_stream(out);
    fclose(out);
    fclose(in);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "%s: killed by signal %d\n%s\n", command[0], WTERMSIG(status), said->at);
        exit(1);
    }
    return WEXITSTATUS(status);
}

/* The leak checker itself sometimes dies while it stops the threads of the process it looks at, and says so; that is no
 * finding about the program, so the command is run again. */
static int run_command(char *const *command, const Text *input, Text *said) {
    int status = run_once(command, input, said);
    for (int again = 0; again < 3 && strstr(said->at, "LeakSanitizer has encountered a fatal error"); again++) {
        free(said->at);
        status = run_once(command, input, said);
    }
    return status;
}

static void add_message(Messages *list, const char *code, int line, const char *text, size_t length) {
    list->at = realloc(list->at, (list->n + 1) * sizeof *list->at);
    Message *message = &list->at[list->n++];
    memset(message, 0, sizeof *message);
    snprintf(message->code, sizeof message->code, "%s", code);
    message->line = line;
    message->text = strndup(text, length);
}

static void free_messages(Messages *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i].text);
    free(list->at);
}

/* `… #! E0402: text` : several on one line are separated by another `#!`. */
static Messages expected_messages(const char *text) {
    Messages list = {0};
    int line = 1;
    for (const char *at = text; *at; line++) {
        const char *end = strchrnul(at, '\n');
        for (const char *mark = at; (mark = memmem(mark, (size_t)(end - mark), "#!", 2)) != NULL;) {
            mark += 2;
            while (*mark == ' ')
                mark++;
            const char *colon = memchr(mark, ':', (size_t)(end - mark));
            if (!colon || colon - mark > 10)
                continue;
            char code[16];
            snprintf(code, sizeof code, "%.*s", (int)(colon - mark), mark);
            const char *from = colon + 1 + strspn(colon + 1, " ");
            const char *next = memmem(from, (size_t)(end - from), "#!", 2);
            const char *to = next ? next : end;
            while (to > from && (to[-1] == ' ' || to[-1] == '\r'))
                to--;
            add_message(&list, code, line, from, (size_t)(to - from));
            mark = to;
        }
        at = *end ? end + 1 : end;
    }
    return list;
}

static Messages found_messages(const char *said) {
    Messages list = {0};
    for (const char *at = said; *at;) {
        const char *end = strchrnul(at, '\n');
        json_t *object = *at == '{' ? json_loadb(at, (size_t)(end - at), 0, NULL) : NULL;
        const char *event = json_string_value(json_object_get(object, "event"));
        const char *text = json_string_value(json_object_get(object, "message"));
        const char *code = json_string_value(json_object_get(object, "code"));
        if (event && text && code && (!strcmp(event, "error") || !strcmp(event, "warning"))) {
            add_message(&list, code, (int)json_integer_value(json_object_get(object, "line")), text, strlen(text));
            list.at[list.n - 1].is_error = !strcmp(event, "error");
        }
        json_decref(object);
        at = *end ? end + 1 : end;
    }
    return list;
}

/* `… text …`: what stands where the three points are may differ, such as the folder of the tests. */
static bool same_text(const char *want, const char *have) {
    static const char points[] = "\u2026";
    size_t n = strlen(want), dots = sizeof points - 1, length = strlen(have);
    bool open_start = !strncmp(want, points, dots), open_end = n > dots && !strcmp(want + n - dots, points);
    want += open_start ? dots + strspn(want + dots, " ") : 0;
    n = strlen(want) - (open_end ? dots : 0);
    while (n && want[n - 1] == ' ')
        n--;
    for (const char *at = have; at + n <= have + length; at++) {
        bool fits = !memcmp(at, want, n) && (open_end || at[n] == '\0');
        if (fits || !open_start)
            return fits;
    }
    return false;
}

static int compare(const char *file, Messages *want, Messages *have) {
    int wrong = 0;
    for (size_t i = 0; i < want->n; i++) {
        bool found = false;
        for (size_t j = 0; j < have->n && !found; j++) {
            Message *w = &want->at[i], *h = &have->at[j];
            if (!h->used && w->line == h->line && !strcmp(w->code, h->code) && same_text(w->text, h->text))
                found = h->used = true;
        }
        if (!found) {
            printf("%s:%d: expected  %s: %s\n", file, want->at[i].line, want->at[i].code, want->at[i].text);
            wrong++;
        }
    }
    for (size_t j = 0; j < have->n; j++) {
        if (!have->at[j].used) {
            printf("%s:%d: got       %s: %s\n", file, have->at[j].line, have->at[j].code, have->at[j].text);
            wrong++;
        }
    }
    return wrong;
}

/* `command`: check, or run where the messages come from the run itself. */
static int test_check(char *lag, char *stage, char *file) {
    char *command[] = {lag, stage, "--json", file, NULL};
    Text text = read_file(file), said;
    int status = run_command(command, NULL, &said);
    Messages want = expected_messages(text.at), have = found_messages(said.at);
    int wrong = compare(file, &want, &have);
    bool has_error = false;
    for (size_t i = 0; i < have.n; i++)
        has_error |= have.at[i].is_error;
    if (!wrong && has_error != (status != 0)) {
        printf("%s: exit status %d with %zu messages expected\n%s\n", file, status, want.n, said.at);
        wrong = 1;
    }
    free_messages(&want);
    free_messages(&have);
    free(text.at);
    free(said.at);
    return wrong != 0;
}

static int test_text(char *lag, char *file, int n, char **words, bool update) {
    char *command[16] = {lag};
    int count = 1;
    for (int i = 0; i < n && count < 13; i++)
        command[count++] = words[i];
    command[count++] = file;
    Text said;
    int status = run_command(command, NULL, &said);
    char path[4096];
    snprintf(path, sizeof path, "%.*s.txt", (int)(strrchr(file, '.') - file), file);
    int wrong = status != 0;
    if (status) {
        printf("%s: exit status %d\n%s\n", file, status, said.at);
    } else if (update) {
        FILE *out = fopen(path, "wb");
        if (!out || fwrite(said.at, 1, said.n, out) != said.n || fclose(out))
            die(strerror(errno), path);
    } else {
        Text want = read_file(path);
        if (want.n != said.n || memcmp(want.at, said.at, said.n)) {
            printf("%s: differs from %s; got:\n%s\n", file, path, said.at);
            wrong = 1;
        }
        free(want.at);
    }
    free(said.at);
    return wrong;
}

static int test_run(char *lag, char *file) {
    char out[] = "/tmp/lag-golden-XXXXXX";
    if (!mkdtemp(out))
        die(strerror(errno), out);
    char *command[] = {lag, "run", "--out", out, file, NULL};
    Text said;
    int status = run_command(command, NULL, &said);
    if (status)
        printf("%s: exit status %d\n%s\n", file, status, said.at);
    free(said.at);
    char *clean[] = {"/bin/rm", "-rf", out, NULL};
    run_command(clean, NULL, &said);
    free(said.at);
    return status != 0;
}

/* ---- comparing tables ---- */

typedef struct Table {
    char **names;
    double *values; /* row-major */
    size_t columns, rows;
} Table;

static Table parse_table(char *text) {
    Table table = {0};
    char *line = strtok(text, "\n");
    for (char *name = line; name; name = strpbrk(name, ",") ? strpbrk(name, ",") + 1 : NULL) {
        table.names = realloc(table.names, (table.columns + 1) * sizeof *table.names);
        table.names[table.columns++] = strndup(name, strcspn(name, ",\r"));
    }
    while ((line = strtok(NULL, "\n")) != NULL) {
        table.values = realloc(table.values, (table.rows + 1) * table.columns * sizeof *table.values);
        for (size_t c = 0; c < table.columns; c++) {
            char *end;
            table.values[table.rows * table.columns + c] = strtod(line, &end);
            line = *end == ',' ? end + 1 : end;
        }
        table.rows++;
    }
    return table;
}

static void free_table(Table *table) {
    for (size_t c = 0; c < table->columns; c++)
        free(table->names[c]);
    free(table->names);
    free(table->values);
}

static int compare_tables(const char *file, const Table *have, const Table *want, double within) {
    int wrong = 0, compared = 0;
    for (size_t c = 0; c < want->columns; c++) {
        size_t h = 0;
        while (h < have->columns && strcmp(have->names[h], want->names[c]))
            h++;
        if (h == have->columns)
            continue;
        double largest = 0, off = 0;
        size_t worst = 0;
        for (size_t r = 0; r < want->rows && r < have->rows; r++) {
            double w = want->values[r * want->columns + c], d = fabs(have->values[r * have->columns + h] - w);
            largest = fabs(w) > largest ? fabs(w) : largest;
            if (!(d <= off)) {
                off = d;
                worst = r;
            }
        }
        printf("%s: %-18s largest difference %.2e of %.3g, row %zu\n", file, want->names[c], off, largest, worst + 2);
        wrong += !(off <= within * (largest > 0 ? largest : 1)) || have->rows != want->rows;
        compared++;
    }
    if (!compared || have->rows != want->rows)
        printf("%s: %d columns in common, %zu rows where %zu are expected\n", file, compared, have->rows, want->rows);
    return wrong || compared < 2 || have->rows != want->rows;
}

static int test_compare(char *lag, char *file) {
    Text program = read_file(file);
    char reference[256], path[4096], out[] = "/tmp/lag-numeric-XXXXXX";
    double within = 0;
    char *head = strstr(program.at, "#: compare ");
    if (!head || sscanf(head, "#: compare %255s within %lf", reference, &within) != 2 || !mkdtemp(out))
        die("no line `#: compare FILE within TOLERANCE`", file);
    char *command[] = {lag, "run", "--quiet", "--out", out, file, NULL};
    Text said;
    int status = run_command(command, NULL, &said), wrong = 1;
    snprintf(path, sizeof path, "%s/*.csv", out);
    glob_t found;
    if (status || glob(path, 0, NULL, &found) || found.gl_pathc != 1) {
        printf("%s: exit status %d, or not exactly one table\n%s\n", file, status, said.at);
    } else {
        Text have = read_file(found.gl_pathv[0]);
        snprintf(path, sizeof path, "%.*s%s", (int)(strrchr(file, '/') - file + 1), file, reference);
        Text want = read_file(path);
        Table a = parse_table(have.at), b = parse_table(want.at);
        wrong = compare_tables(file, &a, &b, within);
        free_table(&a);
        free_table(&b);
        free(have.at);
        free(want.at);
        globfree(&found);
    }
    free(said.at);
    char *clean[] = {"/bin/rm", "-rf", out, NULL};
    run_command(clean, NULL, &said);
    free(said.at);
    free(program.at);
    return wrong;
}

static int test_missing(char *lag, char *file, bool run) {
    char *command[] = {lag, "run", "--json", "--emit=ir", file, NULL};
    Text said;
    int status = run_command(command, NULL, &said);
    Messages have = found_messages(said.at);
    int wrong = status != 0 && (status != 1 || !have.n);
    for (size_t i = 0; i < have.n; i++)
        wrong |= have.at[i].is_error && (strcmp(have.at[i].code, "E0801") ||
                                         !strstr(have.at[i].text, "this part of the runtime is not in this build"));
    if (wrong)
        printf("%s: exit status %d\n%s\n", file, status, said.at);
    free_messages(&have);
    free(said.at);
    return !wrong && run && status == 0 ? test_run(lag, file) : wrong;
}

/* One block of a page, given on standard input. */
static int test_block(char *lag, const char *page, int line, const char *kind, const Text *program) {
    char *check[] = {lag, "check", "--json", "-", NULL};
    char *run[] = {lag, "run", "--quiet", "--out", "/tmp/lag-golden-doc", "-", NULL};
    bool is_run = !strncmp(kind, "run", 3), is_fail = !strncmp(kind, "fail ", 5);
    Text said;
    int status = run_command(is_run ? run : check, program, &said);
    bool ok = is_fail ? status == 1 && strstr(said.at, kind + 5) != NULL : status == 0;
    if (!ok)
        printf("%s:%d: block `lag %s`: exit status %d\n%s\n", page, line, kind, status, said.at);
    free(said.at);
    return !ok;
}

static int test_doc(char *lag, char *page) {
    Text text = read_file(page);
    int line = 1, wrong = 0, blocks = 0;
    char kind[64] = "";
    const char *start = NULL;
    int start_line = 0;
    for (char *at = text.at; *at; line++) {
        char *end = strchrnul(at, '\n');
        if (!start && !strncmp(at, "```lag", 6) && (at[6] == '\n' || at[6] == ' ')) {
            snprintf(kind, sizeof kind, "%.*s", (int)(end - at - 6), at + 6 + (at[6] == ' '));
            kind[strcspn(kind, "\n`")] = '\0';
            start = *end ? end + 1 : end;
            start_line = line + 1;
        } else if (start && !strncmp(at, "```", 3)) {
            Text program = {(char *)start, (size_t)(at - start)};
            wrong += test_block(lag, page, start_line, kind, &program);
            blocks++;
            start = NULL;
        }
        at = *end ? end + 1 : end;
    }
    free(text.at);
    if (!blocks)
        die("no ```lag block", page);
    printf("%s: %d blocks, %d wrong\n", page, blocks, wrong);
    return wrong != 0;
}

int main(int count, char **args) {
    bool update = count > 1 && !strcmp(args[1], "--update");
    args += update;
    count -= update;
    if (count < 4)
        die("usage: runner [--update] LAG check|stop|text|run|compare|missing|try|doc FILE [COMMAND…]", args[0]);
    char *lag = args[1], *kind = args[2], *file = args[3];
    if (!strcmp(kind, "check"))
        return test_check(lag, "check", file);
    if (!strcmp(kind, "stop"))
        return test_check(lag, "run", file);
    if (!strcmp(kind, "text"))
        return test_text(lag, file, count - 4, args + 4, update);
    if (!strcmp(kind, "run"))
        return test_run(lag, file);
    if (!strcmp(kind, "missing"))
        return test_missing(lag, file, false);
    if (!strcmp(kind, "try"))
        return test_missing(lag, file, true);
    if (!strcmp(kind, "compare"))
        return test_compare(lag, file);
    if (!strcmp(kind, "doc"))
        return test_doc(lag, file);
    die("unknown kind of test", kind);
}
