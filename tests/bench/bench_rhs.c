/* bench_rhs — the derived right-hand side of a chain of N pendulums in turns with one written by hand.
 *
 *   bench_rhs N FILE   N = 2, 3, 5, 8; FILE: where the program is written
 */
#include "harness.h"
#include "peer_pendulum.h"

#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 41, CALLS = 2000 };

static const char program[] =
    "const g = 9.81\n"
    "coord θ[%d] = [%s]\n"
    "let x[i : %d] = sum[j : %d | j <= i](sin(θ[j]))\n"
    "let y[i : %d] = -sum[j : %d | j <= i](cos(θ[j]))\n"
    "system pendulum {\n"
    "  kinetic   = 1/2 * sum[i](x'[i]^2 + y'[i]^2)\n"
    "  potential = g * sum[i](y[i])\n}\n"
    "run dop853(rtol = 1e-9) on pendulum for 10\n";

static void write_program(const char *path, int n) {
    FILE *file = fopen(path, "w");
    char angles[256] = "";
    size_t at = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(angles + at, sizeof angles - at, "%s%.17g", i ? ", " : "", 2 - 0.3 * i);
    if (!file)
        exit(1);
    fprintf(file, program, n, angles, n, n, n, n);
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    int n = atoi(argv[1]);
    const char *path = argv[2];
    static double mine[ROUNDS], hand[ROUNDS];
    Bench bench;
    write_program(path, n);
    bench_open(&bench, path, 1);
    RtRun *run = &bench.run.run;
    double y[16], dy[16], largest = 0;
    for (uint32_t b = 0, k = 0; b < run->n_y; b++)
        for (uint64_t i = 0; i < run->y[b].n; i++, k++) {
            double *at = (double *)(run->frame->mem + run->y[b].offset) + i;
            if (k >= (uint32_t)n)
                *at = 0.1 * (double)(i + 1);
            y[k] = *at;
        }
    for (int r = 0; r < ROUNDS; r++) {
        double t0 = bench_now();
        for (int k = 0; k < CALLS; k++)
            bench_rhs(&bench);
        double t1 = bench_now();
        for (int k = 0; k < CALLS; k++) {
            if (peer_pendulum(n, y, dy))
                return 1;
            __asm__ volatile("" ::"r"(dy) : "memory");
        }
        mine[r] = (t1 - t0) / CALLS * 1e9;
        hand[r] = (bench_now() - t1) / CALLS * 1e9;
    }
    for (uint32_t b = 0, k = 0; b < run->n_y; b++)
        for (uint64_t i = 0; i < run->dy[b].n; i++, k++)
            largest = fmax(largest, fabs(dy[k] - ((const double *)(run->frame->mem + run->dy[b].offset))[i]));
    double a = bench_median(mine, ROUNDS), b = bench_median(hand, ROUNDS);
    printf("N = %d: derived %.1f ns, by hand %.1f ns, ratio %.2f (largest difference %.1e)\n", n, a, b, a / b,
           largest);
    bench_close(&bench);
    return 0;
}
