/* bench_update — one step of an optimizer over n float32 parameters whose gradient lies in memory, in turns with a
 * fused loop written by hand that moves the same bytes.
 *
 *   bench_update N THREADS ROUNDS   for Adam and for three optimizers found nowhere in the standard library
 */
#include "harness.h"
#include "peer_adam.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct State {
    float *q, *p, *v;
    const float *g;
    int64_t n;
} State;

static const char head[] =
    "precision f32\n"
    "const N = %lld\n"
    "data slope[N] = npy(\"%s\")\n"
    "param x[N] = 1\n"
    "system plane { potential = sum[i](slope[i] * x[i]) }\n%s\n"
    "run %s on plane for 100 steps\n";

typedef struct Case { const char *name, *dynamics, *run; } Case;

static const Case cases[] = {
    {"adam", "", "adam(lr = 1e-3)"},
    /* A mass that grows with a running fourth moment, and friction that fades. */
    {"quartic mass",
     "dynamics quartic(lr = 1e-3, b = 0.99, friction = 0.1) {\n"
     "  state w' = ln(1/b) * (force^4 - w)\n"
     "  let M = sqrt(sqrt(w)) + 1e-8\n"
     "  kinetic = 1/2 * sum(M * q'^2) / lr\n"
     "  dissipation = friction * kinetic\n"
     "  step { w; p; q }\n}",
     "quartic"},
    /* Overdamped motion against a running mean of absolute slopes. */
    {"mean slope",
     "dynamics slope_scaled(lr = 1e-3, b = 0.9) {\n"
     "  state a' = ln(1/b) * (abs(force) - a)\n"
     "  dissipation = 1/2 * sum((a + 1e-6) * q'^2) / lr\n"
     "  step { a; q }\n}",
     "slope_scaled"},
    /* Friction that follows a running energy of the slopes. */
    {"hot friction",
     "dynamics hot(lr = 1e-3, b = 0.99) {\n"
     "  state e' = ln(1/b) * (force^2 - e)\n"
     "  kinetic = 1/2 * sum(q'^2) / lr\n"
     "  dissipation = 1/2 * sum((0.1 + e) * q'^2) / lr\n"
     "  step { e; p; q }\n}",
     "hot"},
};

static float *floats(int64_t n, float value) {
    float *at = rt_alloc((size_t)n * sizeof *at);
    if (!at)
        exit(1);
    for (int64_t i = 0; i < n; i++)
        at[i] = value;
    return at;
}

static void write_slope(const char *path, const float *g, int64_t n) {
    char text[129];
    int length = snprintf(text, sizeof text, "?NUMPY????{'descr': '<f4', 'fortran_order': False, 'shape': (%lld,), }",
                          (long long)n);
    memcpy(text, "\x93NUMPY\1\0\x76\0", 10); /* version 1.0, a header of 118 bytes */
    memset(text + length, ' ', (size_t)(128 - length));
    text[127] = '\n';
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(text, 1, 128, out) != 128 || fwrite(g, sizeof *g, (size_t)n, out) != (size_t)n || fclose(out)) {
        perror(path);
        exit(1);
    }
}

static void measure(const Case *c, const char *folder, State s, uint32_t threads, size_t rounds) {
    char path[512], slope[512];
    snprintf(path, sizeof path, "%s/program.lag", folder);
    snprintf(slope, sizeof slope, "%s/slope.npy", folder);
    FILE *out = fopen(path, "w");
    if (!out)
        exit(1);
    fprintf(out, head, (long long)s.n, slope, c->dynamics, c->run);
    fclose(out);
    Bench bench;
    bench_open(&bench, path, threads);
    double *mine = calloc(rounds, sizeof *mine), *hand = calloc(rounds, sizeof *hand);
    uint64_t k = 1;
    for (size_t r = 0; r < rounds + 2; r++) { /* two rounds of warming up */
        double start = bench_now();
        bench_step(&bench, k++);
        double middle = bench_now();
        peer_adam(s.q, s.p, s.v, s.g, s.n, (int)k);
        double end = bench_now();
        if (r >= 2) {
            mine[r - 2] = middle - start;
            hand[r - 2] = end - middle;
        }
    }
    double ns = 1e9 / (double)s.n, a = bench_median(mine, rounds) * ns, b = bench_median(hand, rounds) * ns;
    printf("%-14s %9lld parameters, %u thread%s  derived %.3f ns each, Adam by hand on one thread %.3f, speed %.2f of it\n", c->name,
           (long long)s.n, threads, threads == 1 ? " " : "s", a, b, b / a);
    free(mine);
    free(hand);
    bench_close(&bench);
}

int main(int count, char **args) {
    int64_t n = count > 1 ? atoll(args[1]) : 20000000;
    uint32_t threads = count > 2 ? (uint32_t)atoi(args[2]) : 1;
    size_t rounds = count > 3 ? (size_t)atoi(args[3]) : 9;
    char folder[] = "/tmp/lag-bench-XXXXXX", path[512];
    if (!mkdtemp(folder) || n < 1 || rounds < 1)
        return 1;
    State s = {floats(n, 1), floats(n, 0), floats(n, 0), NULL, n};
    float *g = floats(n, 0);
    for (int64_t i = 0; i < n; i++)
        g[i] = (float)((i * 7919) % 2001 - 1000) * 1e-3f;
    s.g = g;
    snprintf(path, sizeof path, "%s/slope.npy", folder);
    write_slope(path, g, n);
    rt_flush_denormals(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        measure(&cases[i], folder, s, threads, rounds);
    unlink(path);
    snprintf(path, sizeof path, "%s/program.lag", folder);
    unlink(path);
    rmdir(folder);
    rt_free(s.q);
    rt_free(s.p);
    rt_free(s.v);
    rt_free(g);
    return 0;
}
