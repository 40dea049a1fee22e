/* bench_train — steps of a training program, timed in this process without reading of data or compilation.
 *
 *   bench_train PROGRAM STEPS THREADS   prints {"samples_per_s": …, "loss": …} after a warm-up of a tenth of the steps
 */
#include "harness.h"

#include <stdlib.h>

int main(int count, char **args) {
    if (count < 4)
        return 1;
    uint64_t steps = strtoull(args[2], NULL, 10), k = 1;
    Bench bench;
    bench_open(&bench, args[1], (uint32_t)atoi(args[3]));
    for (uint64_t i = 0; i < steps / 10; i++)
        bench_step(&bench, k++);
    double start = bench_now();
    for (uint64_t i = 0; i < steps; i++)
        bench_step(&bench, k++);
    double took = bench_now() - start;
    double rows = bench.run.run.batch ? (double)bench.run.run.batch : 1;
    if (bench.run.monitor)
        bench.run.monitor(&bench.run.frame);
    printf("{\"samples_per_s\": %.0f, \"loss\": %.4f}\n", rows * (double)steps / took,
           execution_scalar(&bench.run, &bench.run.spec->loss));
    bench_close(&bench);
    return 0;
}
