/* peer_trainer — what a careful C programmer writes by hand for 784-128-10 with Adam at a given batch size: the yardstick for
 * the derived trainer. Single thread, OpenBLAS through dlopen with the kernels named in OPENBLAS_CORETYPE, denormals
 * flushed, bytes converted per batch, bias and relu fused into one pass, softmax and its gradient in one pass, the Adam
 * update one fused loop over a contiguous block.
 *
 *   peer_trainer BATCH STEPS   prints: samples/s of the training steps, of the matrix products alone, and the last loss
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xmmintrin.h>
#include <zlib.h>

enum { ROWS = 60000, IN = 784, HIDDEN = 128, OUT = 10 };
enum { N_W1 = IN * HIDDEN, N_W2 = HIDDEN * OUT, N = N_W1 + HIDDEN + N_W2 + OUT };

typedef void Sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
static Sgemm *sgemm;
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint8_t *read_idx(const char *path, size_t header, size_t bytes) {
    gzFile in = gzopen(path, "rb");
    uint8_t *data = malloc(header + bytes);
    if (!in || !data || gzread(in, data, (unsigned)(header + bytes)) != (int)(header + bytes)) {
        fprintf(stderr, "peer_trainer: cannot read %s\n", path);
        exit(1);
    }
    gzclose(in);
    memmove(data, data + header, bytes);
    return data;
}

static uint64_t state = 88172645463325252u;
static uint32_t random_u32(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}
static float uniform(void) {
    return (float)((random_u32() + 0.5) / 4294967296.0);
}

static void adam(float *restrict q, float *restrict m, float *restrict v, const float *restrict g, int n, int k) {
    const float b1 = 0.9f, b2 = 0.999f, eps = 1e-8f;
    float rate = (float)(1e-3 / (1 - pow(0.9, k))), root = (float)(1 / sqrt(1 - pow(0.999, k)));
    for (int i = 0; i < n; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        q[i] -= rate * m[i] / (sqrtf(v[i]) * root + eps);
    }
}

static void products(int batch, const float *x, const float *q, float *h, float *o, float *d1, float *d2, float *g) {
    const float *w1 = q, *w2 = q + N_W1 + HIDDEN;
    sgemm(ROW_MAJOR, PLAIN, PLAIN, batch, HIDDEN, IN, 1, x, IN, w1, HIDDEN, 0, h, HIDDEN);
    sgemm(ROW_MAJOR, PLAIN, PLAIN, batch, OUT, HIDDEN, 1, h, HIDDEN, w2, OUT, 0, o, OUT);
    sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, HIDDEN, OUT, batch, 1, h, HIDDEN, d2, OUT, 0, g + N_W1 + HIDDEN, OUT);
    sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, batch, HIDDEN, OUT, 1, d2, OUT, w2, OUT, 0, d1, HIDDEN);
    sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, IN, HIDDEN, batch, 1, x, IN, d1, HIDDEN, 0, g, HIDDEN);
}

static float step(int batch, const uint8_t *image, const uint8_t *label, const int *rows, float *x, float *q, float *h,
                  float *o, float *d1, float *d2, float *g) {
    const float *w1 = q, *b1 = q + N_W1, *w2 = b1 + HIDDEN, *b2 = w2 + N_W2;
    float *gb1 = g + N_W1, *gw2 = gb1 + HIDDEN, *gb2 = gw2 + N_W2, loss = 0;
    for (int n = 0; n < batch; n++)
        for (int i = 0; i < IN; i++)
            x[n * IN + i] = (float)image[(size_t)rows[n] * IN + i] * (1.0f / 255);
    sgemm(ROW_MAJOR, PLAIN, PLAIN, batch, HIDDEN, IN, 1, x, IN, w1, HIDDEN, 0, h, HIDDEN);
    for (int n = 0; n < batch; n++)
        for (int j = 0; j < HIDDEN; j++) {
            float a = h[n * HIDDEN + j] + b1[j];
            h[n * HIDDEN + j] = a > 0 ? a : 0;
        }
    sgemm(ROW_MAJOR, PLAIN, PLAIN, batch, OUT, HIDDEN, 1, h, HIDDEN, w2, OUT, 0, o, OUT);
    memset(gb2, 0, OUT * sizeof *gb2);
    for (int n = 0; n < batch; n++) {
        float *row = o + n * OUT, *d = d2 + n * OUT, top = row[0] + b2[0], sum = 0;
        for (int k = 0; k < OUT; k++) {
            row[k] += b2[k];
            top = row[k] > top ? row[k] : top;
        }
        for (int k = 0; k < OUT; k++)
            sum += d[k] = expf(row[k] - top);
        int y = label[rows[n]];
        loss += logf(sum) + top - row[y];
        for (int k = 0; k < OUT; k++) {
            d[k] = (d[k] / sum - (k == y)) / (float)batch;
            gb2[k] += d[k];
        }
    }
    sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, HIDDEN, OUT, batch, 1, h, HIDDEN, d2, OUT, 0, gw2, OUT);
    sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, batch, HIDDEN, OUT, 1, d2, OUT, w2, OUT, 0, d1, HIDDEN);
    memset(gb1, 0, HIDDEN * sizeof *gb1);
    for (int n = 0; n < batch; n++)
        for (int j = 0; j < HIDDEN; j++) {
            d1[n * HIDDEN + j] = h[n * HIDDEN + j] > 0 ? d1[n * HIDDEN + j] : 0;
            gb1[j] += d1[n * HIDDEN + j];
        }
    sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, IN, HIDDEN, batch, 1, x, IN, d1, HIDDEN, 0, g, HIDDEN);
    return loss / (float)batch;
}

static void *block(size_t n, size_t size) {
    void *at = aligned_alloc(64, (n * size + 63) / 64 * 64);
    if (!at)
        exit(1);
    memset(at, 0, n * size);
    return at;
}

int main(int count, char **args) {
    int batch = count > 1 ? atoi(args[1]) : 128, steps = count > 2 ? atoi(args[2]) : 2000;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW);
    sgemm = blas ? (Sgemm *)dlsym(blas, "cblas_sgemm") : NULL;
    if (!sgemm || batch < 1 || steps < 1) {
        fputs("usage: peer_trainer BATCH STEPS (needs OpenBLAS)\n", stderr);
        return 1;
    }
    _mm_setcsr(_mm_getcsr() | 0x8040);
    const char *folder = "/usr/share/datasets/fashion-mnist/";
    char path[256];
    snprintf(path, sizeof path, "%strain-images-idx3-ubyte.gz", folder);
    uint8_t *image = read_idx(path, 16, (size_t)ROWS * IN);
    snprintf(path, sizeof path, "%strain-labels-idx1-ubyte.gz", folder);
    uint8_t *label = read_idx(path, 8, ROWS);
    float *q = block(N, 4), *m = block(N, 4), *v = block(N, 4), *g = block(N, 4);
    float *x = block((size_t)batch * IN, 4), *h = block((size_t)batch * HIDDEN, 4), *o = block((size_t)batch * OUT, 4);
    float *d1 = block((size_t)batch * HIDDEN, 4), *d2 = block((size_t)batch * OUT, 4);
    for (int i = 0; i < N_W1 + HIDDEN + N_W2; i++)
        q[i] = (uniform() - 0.5f) * 0.1f;
    int *order = block(ROWS, sizeof *order);
    for (int i = 0; i < ROWS; i++)
        order[i] = i;
    int at = ROWS;
    float loss = 0;
    double start = now();
    for (int k = 1; k <= steps; k++) {
        if (at + batch > ROWS) {
            for (int i = ROWS - 1; i > 0; i--) {
                int j = (int)(random_u32() % (uint32_t)(i + 1)), t = order[i];
                order[i] = order[j];
                order[j] = t;
            }
            at = 0;
        }
        loss = step(batch, image, label, order + at, x, q, h, o, d1, d2, g);
        adam(q, m, v, g, N, k);
        at += batch;
    }
    double whole = now() - start;
    start = now();
    for (int k = 1; k <= steps; k++)
        products(batch, x, q, h, o, d1, d2, g);
    double alone = now() - start;
    printf("{\"samples_per_s\": %.0f, \"products_per_s\": %.0f, \"loss\": %.4f}\n", batch * (double)steps / whole,
           batch * (double)steps / alone, (double)loss);
    return 0;
}
