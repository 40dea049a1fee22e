/* Any bytes as a file of any format: reading ends with values or with a message. The first byte chooses the format, the
 * element type wanted and whether NaN is welcome. */
#define _GNU_SOURCE
#include "../memory_file.h"

#include "data/data.h"

#include <stdlib.h>
#include <string.h>

/* Every byte of the values can be read, and shape and size agree with what was probed. */
static void use(const RtArray *a, const RtShape *probed) {
    uint64_t bytes = rt_elem_size(a->shape.elem);
    volatile unsigned char sum = 0;
    if (probed->rank != a->shape.rank)
        abort();
    for (uint32_t k = 0; k < a->shape.rank; k++) {
        if (probed->extent[k] != a->shape.extent[k])
            abort();
        bytes *= a->shape.extent[k];
    }
    (void)sum;
    for (uint64_t k = 0; k < bytes; k++)
        sum ^= ((unsigned char *)a->values)[k];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[40];
    size_t n_formats = 0;
    while (rt_formats()[n_formats])
        n_formats++;
    int fd = size > 1 ? memory_file(bytes + 1, size - 1, path) : -1;
    if (fd < 0)
        return 0;
    const RtFormat *format = rt_formats()[bytes[0] % n_formats];
    RtSource source = {.format = format->name, .path = path};
    RtMessage read = {""}, probe = {""}, names = {""};
    RtArray a;
    RtShape shape;
    RtNameList list;
    bool ok = rt_data_read(&source, bytes[0] / n_formats % 5, bytes[0] >> 7, &a, &read);
    bool probed = rt_data_probe(&source, &shape, &probe);
    if ((!ok && !read.text[0]) || (!probed && !probe.text[0]) || (ok && !probed))
        abort();
    if (ok)
        use(&a, &shape);
    rt_array_free(&a);
    if (format->names && rt_data_names(&source, &list, &names))
        rt_names_free(&list);
    close(fd);
    return 0;
}
