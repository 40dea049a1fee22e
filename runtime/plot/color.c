/* color — colours that colour-blind people tell apart too: for curves those of M. Okabe and K. Ito (Color Universal
 * Design, 2008), less the yellow that white paper swallows; for fields the anchors of viridis (S. van der Walt and
 * N. Smith, 2015) and of RdBu (C. Brewer, ColorBrewer). Between anchors: linear in sRGB. */
#include "draw.h"

#include <math.h>

static const char *const curves[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444"};
enum { COLORS = sizeof curves / sizeof *curves };

static const Rgb viridis[] = {
    {68, 1, 84}, {72, 40, 120}, {62, 73, 137}, {49, 104, 142}, {38, 130, 142},
    {31, 158, 137}, {53, 183, 121}, {110, 206, 88}, {181, 222, 43}, {253, 231, 37},
};
static const Rgb blue_red[] = {
    {5, 48, 97}, {33, 102, 172}, {67, 147, 195}, {146, 197, 222}, {209, 229, 240}, {247, 247, 247},
    {253, 219, 199}, {244, 165, 130}, {214, 96, 77}, {178, 24, 43}, {103, 0, 31},
};

static uint8_t between(uint8_t a, uint8_t b, double share) {
    return (uint8_t)lround(a + share * (b - a));
}

static Rgb along(const Rgb *anchor, int n, double share) {
    share = share > 1 ? 1 : share > 0 ? share : 0;
    int k = (int)(share * (n - 1));
    k = k > n - 2 ? n - 2 : k;
    double rest = share * (n - 1) - k;
    const Rgb *a = &anchor[k], *b = &anchor[k + 1];
    return (Rgb){between(a->r, b->r, rest), between(a->g, b->g, rest), between(a->b, b->b, rest)};
}

Rgb color_sequential(double share) {
    return along(viridis, sizeof viridis / sizeof *viridis, share);
}

Rgb color_diverging(double share) {
    return along(blue_red, sizeof blue_red / sizeof *blue_red, share);
}

/* Too many to tell apart, or in an order: the colours are those of a scale. */
static bool is_ordered(const RtPlot *plot) {
    return plot->in_order || plot->n_curves > 2 * COLORS;
}

void curve_color(const RtPlot *plot, uint32_t k, char text[8]) {
    if (is_ordered(plot)) {
        Rgb c = color_sequential(plot->n_curves > 1 ? 0.92 * k / (plot->n_curves - 1) : 0);
        snprintf(text, 8, "#%02x%02x%02x", c.r, c.g, c.b);
    } else {
        snprintf(text, 8, "%s", curves[k % COLORS]);
    }
}

bool curve_is_dashed(const RtPlot *plot, uint32_t k) {
    return !is_ordered(plot) && k >= COLORS;
}
