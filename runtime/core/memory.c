/* Aligned memory. Large blocks are aligned to large pages and the kernel is asked for them: a parameter block
 * is swept once a step, and with 4 KiB pages that sweep is bound by address translation. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core.h"

enum { LINE = 64, LARGE_PAGE = 2 << 20, LARGE_FROM = 1 << 20 };

void *rt_alloc(size_t size) {
    size_t alignment = size >= LARGE_FROM ? LARGE_PAGE : LINE;
    if (size > (size_t)PTRDIFF_MAX - alignment)
        return NULL;
    size_t rounded = size == 0 ? LINE : (size + alignment - 1) / alignment * alignment;
    void *block = NULL;
    if (posix_memalign(&block, alignment, rounded) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == LARGE_PAGE)
        madvise(block, rounded, MADV_HUGEPAGE); /* a wish: memory works without it */
#endif
    return block;
}

/* A large block gives its pages back and is zero without being written: the kernel clears a page when it is
 * first touched. */
void *rt_alloc_zeroed(size_t size) {
    void *block = rt_alloc(size);
    if (!block)
        return NULL;
#ifdef __linux__
    if (size >= LARGE_FROM &&
        madvise(block, (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE, MADV_DONTNEED) == 0)
        return block;
#endif
    memset(block, 0, size);
    return block;
}

void rt_free(void *block) {
    free(block);
}
