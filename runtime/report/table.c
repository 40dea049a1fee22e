/* table — aligned columns of text for a person. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

struct RtTable {
    size_t columns, rows, room;
    char **cell; /* headings first, then the rows */
};

RtTable *rt_table_new(size_t n_columns, const char *const *headings) {
    RtTable *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->columns = n_columns;
    if (rt_table_row(t, headings))
        return t;
    rt_table_free(t);
    return NULL;
}

bool rt_table_row(RtTable *t, const char *const *cells) {
    if (t->rows == t->room) {
        size_t room = t->room ? 2 * t->room : 16;
        char **more = realloc(t->cell, room * t->columns * sizeof *more);
        if (!more)
            return false;
        t->cell = more;
        t->room = room;
    }
    char **row = t->cell + t->rows * t->columns;
    for (size_t c = 0; c < t->columns; c++)
        if (!(row[c] = strdup(cells[c]))) {
            while (c-- > 0)
                free(row[c]);
            return false;
        }
    t->rows++;
    return true;
}

void rt_table_free(RtTable *t) {
    if (!t)
        return;
    for (size_t k = 0; k < t->rows * t->columns; k++)
        free(t->cell[k]);
    free(t->cell);
    free(t);
}

/* Whether all cells below the heading are numbers (empty ones do not count). */
static bool numeric(const RtTable *t, size_t c) {
    bool any = false;
    for (size_t r = 1; r < t->rows; r++) {
        const char *text = t->cell[r * t->columns + c];
        size_t n = strspn(text, "+-0123456789.,e %");
        any |= n > 0;
        if (text[n] != '\0' && strcmp(text, "nan") && strcmp(text, "inf") && strcmp(text, "-inf"))
            return false;
    }
    return any;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last) {
    int blanks = (int)(width - rt_text_width(text));
    if (right)
        fprintf(out, "%*s%s", blanks, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : blanks, "");
}

void rt_table_print(const RtTable *t, FILE *out, bool colour) {
    size_t *width = calloc(t->columns + 1, sizeof *width);
    bool *right = calloc(t->columns + 1, sizeof *right);
    for (size_t c = 0; width && right && c < t->columns; c++) {
        right[c] = numeric(t, c);
        for (size_t r = 0; r < t->rows; r++) {
            size_t w = rt_text_width(t->cell[r * t->columns + c]);
            width[c] = w > width[c] ? w : width[c];
        }
    }
    for (size_t r = 0; width && right && r < t->rows; r++) {
        if (r == 0 && colour)
            fputs("\033[1m", out);
        for (size_t c = 0; c < t->columns; c++) {
            fputs(c ? "  " : "", out);
            print_cell(out, t->cell[r * t->columns + c], width[c], right[c], c + 1 == t->columns);
        }
        fputs(r == 0 && colour ? "\033[0m\n" : "\n", out);
    }
    free(width);
    free(right);
}
