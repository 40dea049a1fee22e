/* part — the rows of data dealt out to several parts: training, validation, test.
 *
 * All parts of a split come from one permutation, so they have no row in common however they are read; each
 * is ascending, so that reading its rows goes through memory forwards. */
#include "reader.h"

#include "../random/random.h"

#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool rt_part(const RtPart *part, RtArray *array, RtMessage *m) {
    memset(array, 0, sizeof *array);
    if (part->count == 0 || part->count > part->rows || part->first > part->rows - part->count)
        return rt_fail(m, "a part of %llu rows cannot be taken from %llu", (unsigned long long)part->count,
                       (unsigned long long)part->rows);
    if (part->rows > UINT32_MAX)
        return rt_fail(m, "%llu rows are more than can be dealt out (4294967295)",
                       (unsigned long long)part->rows);
    array->shape = (RtShape){.elem = RT_I64, .integral = true, .rank = 1, .extent = {part->count}};
    if (!rt_array_alloc(array, "the rows of a part", m))
        return false;
    int64_t *rows = array->values;
    for (uint64_t k = 0; part->in_order && k < part->count; k++)
        rows[k] = (int64_t)(part->first + k);
    if (part->in_order)
        return true;
    int64_t *order = malloc(part->rows * sizeof *order);
    if (!order) {
        rt_array_free(array);
        return rt_fail(m, "not enough memory to deal out %llu rows", (unsigned long long)part->rows);
    }
    rt_random_permutation(part->seed, 0, RT_SITE_SPLIT, (int64_t)part->rows, order);
    memcpy(rows, order + part->first, part->count * sizeof *rows);
    free(order);
    qsort(rows, part->count, sizeof *rows, ascending);
    return true;
}
