/* bench_integrate — ten seconds of a double pendulum by dop853, as a run does it: initial state, steps, end.
 *
 *   bench_integrate FILE [RTOL [ROUNDS]]   FILE: where the program is written; prints one JSON object
 */
#include "harness.h"

#include <stdlib.h>

enum { ROUNDS = 301, MOST = 20000 };

static const char program[] =
    "const g = 9.81\n"
    "coord θ[2] = 2.0\n"
    "let x[i : 2] = sum[j : 2 | j <= i](sin(θ[j]))\n"
    "let y[i : 2] = -sum[j : 2 | j <= i](cos(θ[j]))\n"
    "system pendulum {\n"
    "  kinetic   = 1/2 * sum[i](x'[i]^2 + y'[i]^2)\n"
    "  potential = g * sum[i](y[i])\n}\n"
    "run dop853(rtol = %s, atol = %s) on pendulum for 10\n";

int main(int argc, char **argv) {
    const char *rtol = argc > 2 ? argv[2] : "1e-9";
    static double seconds[MOST];
    size_t rounds = argc > 3 ? (size_t)atoi(argv[3]) : ROUNDS;
    FILE *file = fopen(argc > 1 ? argv[1] : "", "w");
    if (!file)
        return 1;
    fprintf(file, program, rtol, rtol);
    fclose(file);
    Bench bench;
    bench_open(&bench, argv[1], 1);
    RtRun *run = &bench.run.run;
    RtRunResult result = {0};
    for (size_t r = 0; r < rounds && r < MOST; r++) {
        double start = bench_now();
        result = rt_run_method(run);
        seconds[r] = bench_now() - start;
        if (result.status)
            return 1;
    }
    const double *y = (const double *)(run->frame->mem + run->y[0].offset);
    double middle = bench_median(seconds, rounds);
    printf("{\"ms\": %.4f, \"least_ms\": %.4f, \"steps\": %llu, \"rejected\": %llu, \"evaluations\": %llu, \"theta0\": %.12f, "
           "\"theta1\": %.12f}\n",
           1e3 * middle, 1e3 * seconds[0], (unsigned long long)result.ode.accepted,
           (unsigned long long)result.ode.rejected, (unsigned long long)result.ode.evaluations, y[0], y[1]);
    bench_close(&bench);
    return 0;
}
