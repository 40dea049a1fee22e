/* Threads for loops. One loop at a time: the caller publishes it, idle threads join, all take pieces from one
 * counter, and the caller leaves when no thread is inside any more. A thread that wakes late finds the loop
 * closed and goes back to sleep, so a loop never waits for a thread that did not start on it.
 *
 * `epoch` is odd while a loop is open. A worker enters by adding itself to `inside`, then reads `epoch`; the
 * caller closes by making `epoch` even, then reads `inside`. Both are sequentially consistent, so either the
 * worker sees the loop closed or the caller sees the worker inside; while a worker is inside an open loop its
 * fields do not change. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core.h"

/* How long a thread looks for the next loop before it sleeps. About 20 to 60 microseconds, the gap between
 * two parallel loops of a training step; not at all where there are more threads than processors. */
enum { SPINS = 1000, CACHE_LINE = 64 };

struct RtPool {
    uint32_t threads; /* the caller's included */
    uint32_t started; /* workers running; guarded by `busy` */
    uint32_t spins;
    pthread_t *worker;

    /* the open loop */
    RtFrame *frame;
    RtBody body;
    void *env;
    int64_t n, chunk, pieces;
    RtFloatMode mode;

    _Alignas(CACHE_LINE) atomic_llong next;  /* piece to take */
    _Alignas(CACHE_LINE) atomic_uint epoch;  /* odd: a loop is open */
    _Alignas(CACHE_LINE) atomic_uint inside; /* workers that entered */
    _Alignas(CACHE_LINE) atomic_uint asleep; /* workers in pthread_cond_wait or about to be */
    atomic_bool stop;
    pthread_mutex_t busy; /* held by the caller of the open loop */
    pthread_mutex_t sleep;
    pthread_cond_t wake;
};

/* Set while this thread runs a piece: loops inside it run serially. */
static _Thread_local bool in_piece;

/* What a container is allowed of the machine's time, in processors: "quota period" of the control group,
 * where there is one; 0: no limit. More threads than that would be stopped together for the rest of each
 * period. */
static uint32_t processor_quota(void) {
    long long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    bool limited = file && fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
    if (file)
        fclose(file);
    return limited ? (uint32_t)((quota + period - 1) / period) : 0;
}

uint32_t rt_processor_count(void) {
    uint32_t count = 0, quota = processor_quota();
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = (uint32_t)CPU_COUNT(&set);
#endif
    if (count == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 ? (uint32_t)online : 1;
    }
    return quota > 0 && quota < count ? quota : count;
}

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_piece(RtFrame *frame, RtBody body, void *env, int64_t n, int64_t chunk, int64_t piece) {
    int64_t begin = piece * chunk, end = n - begin < chunk ? n : begin + chunk;
    body(frame, env, begin, end);
}

static void take_pieces(RtPool *pool) {
    in_piece = true;
    for (;;) {
        int64_t piece = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (piece >= pool->pieces)
            break;
        run_piece(pool->frame, pool->body, pool->env, pool->n, pool->chunk, piece);
    }
    in_piece = false;
}

/* Waits until `epoch` is odd or the pool stops; true: go on. */
static bool wait_for_loop(RtPool *pool, unsigned seen) {
    for (uint32_t i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->epoch, memory_order_acquire) != seen)
            return true;
        relax();
    }
    pthread_mutex_lock(&pool->sleep);
    atomic_fetch_add(&pool->asleep, 1);
    while (atomic_load(&pool->epoch) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->sleep);
    atomic_fetch_sub(&pool->asleep, 1);
    pthread_mutex_unlock(&pool->sleep);
    return !atomic_load(&pool->stop);
}

static void *work(void *argument) {
    RtPool *pool = argument;
    RtFloatMode own = rt_float_mode_save();
    unsigned seen = 0;
    while (!atomic_load(&pool->stop)) {
        atomic_fetch_add(&pool->inside, 1);
        unsigned epoch = atomic_load(&pool->epoch);
        if (epoch != seen && epoch % 2 == 1) {
            rt_float_mode_restore(pool->mode);
            take_pieces(pool);
            rt_float_mode_restore(own);
        }
        seen = epoch;
        atomic_fetch_sub(&pool->inside, 1);
        if (!wait_for_loop(pool, seen))
            break;
    }
    return NULL;
}

RtPool *rt_pool_new(uint32_t threads) {
    uint32_t processors = rt_processor_count();
    if (threads == 0)
        threads = processors;
    RtPool *pool = rt_alloc_zeroed(sizeof *pool);
    if (!pool)
        return NULL;
    pool->worker = calloc(threads, sizeof *pool->worker);
    if (!pool->worker) {
        rt_free(pool);
        return NULL;
    }
    pool->threads = threads;
    pool->spins = threads <= processors ? SPINS : 0;
    pthread_mutex_init(&pool->busy, NULL);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->wake, NULL);
    return pool;
}

void rt_pool_free(RtPool *pool) {
    if (!pool)
        return;
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->epoch, 2); /* still even: ends the spinning, opens nothing */
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->sleep);
    for (uint32_t i = 0; i < pool->started; i++)
        pthread_join(pool->worker[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->sleep);
    pthread_mutex_destroy(&pool->busy);
    free(pool->worker);
    rt_free(pool);
}

uint32_t rt_pool_threads(const RtPool *pool) {
    return pool ? pool->threads : 1;
}

bool rt_is_serial(const RtFrame *frame) {
    return in_piece || !frame || !frame->pool || frame->pool->threads == 1;
}

/* Starts the workers there is use for. Where the system refuses a thread, the loop runs on those there
 * are. */
static void start_workers(RtPool *pool, int64_t pieces) {
    while (pool->started + 1 < pool->threads && (int64_t)pool->started + 1 < pieces) {
        if (pthread_create(&pool->worker[pool->started], NULL, work, pool) != 0)
            break;
        pool->started++;
    }
}

static void run_open_loop(RtPool *pool) {
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->epoch, 1); /* odd: open */
    if (atomic_load(&pool->asleep) > 0) {
        pthread_mutex_lock(&pool->sleep);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->sleep);
    }
    take_pieces(pool);
    atomic_fetch_add(&pool->epoch, 1); /* even: closed */
    for (uint32_t i = 0; atomic_load(&pool->inside) > 0; i++) {
        if (i % 4096 == 4095)
            sched_yield();
        relax();
    }
}

void rt_parallel(RtFrame *frame, RtBody body, void *env, int64_t n, int64_t chunk) {
    if (n <= 0)
        return;
    chunk = chunk < 1 ? 1 : chunk;
    int64_t pieces = n / chunk + (n % chunk != 0);
    RtPool *pool = frame ? frame->pool : NULL;
    if (pieces == 1 || !pool || pool->threads == 1 || in_piece || pthread_mutex_trylock(&pool->busy) != 0) {
        for (int64_t piece = 0; piece < pieces; piece++)
            run_piece(frame, body, env, n, chunk, piece);
        return;
    }
    start_workers(pool, pieces);
    pool->frame = frame;
    pool->body = body;
    pool->env = env;
    pool->n = n;
    pool->chunk = chunk;
    pool->pieces = pieces;
    pool->mode = rt_float_mode_save();
    run_open_loop(pool);
    pthread_mutex_unlock(&pool->busy);
}
