/* order — the order of a word as an integrator, from its formal series.
 *
 * needs: a word of exact parts      gives: lines of the derivation      changes: nothing
 *
 * The parts are non-commuting letters A, B, …; the word is a product of exponentials e^(a_i h X_i). Its
 * series is compared, monomial by monomial, with that of e^(h (A + B + …)), whose coefficient of every
 * monomial of degree n is 1/n!. The order is the largest degree up to which all agree (Hairer, Lubich,
 * Wanner, Geometric Numerical Integration, section III.5). */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEGREE = 10, MOST_LETTERS = 4, MOST_ELEMENTS = 1000 };

typedef struct Element {
    uint32_t letter;
    double fraction;
} Element;

typedef struct Elements {
    Element at[MOST_ELEMENTS];
    uint32_t n;
    bool full;
} Elements;

static void unroll(Mech *m, const SemaWord *word, uint32_t n, Elements *out) {
    for (uint32_t i = 0; i < n; i++) {
        if (word[i].part) {
            if (out->n == MOST_ELEMENTS) {
                out->full = true;
                return;
            }
            uint32_t letter = (uint32_t)(mech_find_part(m, word[i].part) - m->parts);
            if (out->n && out->at[out->n - 1].letter == letter)
                out->at[out->n - 1].fraction += word[i].fraction;
            else
                out->at[out->n++] = (Element){letter, word[i].fraction};
            continue;
        }
        for (uint32_t k = 0; k < word[i].count && !out->full; k++)
            unroll(m, word[i].body, word[i].n, out);
    }
}

/* series[d] holds the coefficients of the monomials of degree d, numbered in base `letters`. Multiplies from
 * the right by e^(c X): a monomial of degree d gains r letters X with weight c^r / r!. */
static void multiply(double **series, int degree, uint32_t letters, uint32_t letter, double c) {
    for (int d = degree; d >= 1; d--) {
        uint64_t count = (uint64_t)pow(letters, d);
        for (uint64_t i = 0; i < count; i++) {
            double weight = 1, sum = series[d][i];
            uint64_t rest = i;
            for (int r = 1; r <= d && rest % letters == letter; r++) {
                rest /= letters;
                weight *= c / r;
                sum += weight * series[d - r][rest];
            }
            series[d][i] = sum;
        }
    }
}

/* Monomials are looked at up to this degree: there are lettersᵈ of degree d. */
static int degree_for(uint32_t letters) { return letters <= 2 ? MOST_DEGREE : letters == 3 ? 8 : 6; }

/* Whether all monomials up to `degree` have the coefficients of e^(h (A + B + …)), those of degree n 1/n!: Coefficients
 * of published methods have 15 digits or so, and products of many of them somewhat fewer. */
static bool agrees(const Elements *e, uint32_t letters, int degree, double total) {
    double *series[MOST_DEGREE + 1], expected = 1;
    for (int d = 0; d <= degree; d++)
        series[d] = base_calloc((size_t)pow(letters, d), sizeof(double));
    series[0][0] = 1;
    for (uint32_t i = 0; i < e->n; i++)
        multiply(series, degree, letters, e->at[i].letter, e->at[i].fraction / total);
    bool same = true;
    for (int d = 1; d <= degree && same; d++) {
        expected /= d;
        uint64_t count = (uint64_t)pow(letters, d);
        for (uint64_t i = 0; i < count; i++)
            same = same && fabs(series[d][i] - expected) < 1e-11;
    }
    for (int d = 0; d <= degree; d++)
        free(series[d]);
    return same;
}

/* Low degrees first: most words end there, and the work is lettersᵈ for each element. */
static int order_of(const Elements *e, uint32_t letters) {
    double total = 0;
    int order = 0;
    for (uint32_t i = 0; i < e->n; i++)
        total += e->at[i].letter == 0 ? e->at[i].fraction : 0;
    while (order < degree_for(letters) && agrees(e, letters, order + 1, total))
        order++;
    return order;
}

static bool is_symmetric(const Elements *e) {
    for (uint32_t i = 0; i < e->n / 2; i++) {
        const Element *a = &e->at[i], *b = &e->at[e->n - 1 - i];
        if (a->letter != b->letter || fabs(a->fraction - b->fraction) > 1e-14)
            return false;
    }
    return true;
}

/* The parts are exact, deterministic, and nothing is conserved or estimated beside the motion. */
static bool is_plain(Mech *m) {
    if (m->out->first_order || m->n_parts < 2 || m->n_parts > MOST_LETTERS)
        return false;
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].kind == PART_BATH || m->parts[i].kind == PART_STATE || (m->parts[i].n && m->parts[i].rate->next))
            return false;
    }
    return true;
}

/* A part that is followed by a symmetric map of order two, e^(a h A + a³ h³ A₃ + …) for some A₃: a drift on constraints, the
 * implicit midpoint rule. What is of higher order must cancel Σ a³ over its elements, as compositions of leapfrogs do; then order
 * four is sure where the word is symmetric. */
static bool is_of_order_two(Mech *m, const MechPart *part) {
    return part->implicit || (m->n_constraints && part->kind == PART_Q);
}

static int order_of_maps(Mech *m, const Elements *e, int order) {
    double cubes = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        if (is_of_order_two(m, &m->parts[e->at[i].letter]))
            cubes += e->at[i].fraction * e->at[i].fraction * e->at[i].fraction;
    }
    int most = fabs(cubes) > 1e-10 ? 2 : is_symmetric(e) ? 4 : 3;
    return order < most ? order : most;
}

void mech_order_lines(Mech *m, MechLine *at, uint32_t *n) {
    if (!is_plain(m))
        return;
    Elements *e = base_calloc(1, sizeof *e);
    unroll(m, &m->run->word, 1, e);
    if (!e->full) {
        int order = order_of(e, m->n_parts);
        bool more = order == degree_for(m->n_parts);
        bool maps = false;
        for (uint32_t i = 0; i < m->n_parts; i++)
            maps = maps || is_of_order_two(m, &m->parts[i]);
        if (maps && order > 2) {
            order = order_of_maps(m, e, order);
            more = order > 2;
        }
        m->out->order = (MechOrder){.least = order, .open = more, .symmetric = is_symmetric(e)};
        const char *symmetric = is_symmetric(e) ? "symmetric, hence reversible; " : "";
        if (order > 0)
            at[(*n)++] = (MechLine){.remark = mech_text(m, "%sof order %d%s", symmetric, order,
                                                        more ? " at least" : "")};
    }
    free(e);
}
