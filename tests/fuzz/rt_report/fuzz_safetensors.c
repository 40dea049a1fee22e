/* Any bytes as a safetensors file: reading ends with tensors whose values all lie in memory, or with a message. */
#define _GNU_SOURCE
#include "../memory_file.h"

#include "report/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[40];
    RtMessage m = {""};
    RtTensorFile file;
    volatile unsigned char sum = 0;
    int fd = memory_file(bytes, size, path);
    if (fd < 0)
        return 0;
    bool ok = rt_safetensors_read(path, &file, &m);
    if (!ok && !m.text[0])
        abort();
    for (size_t k = 0; k < file.n; k++) {
        uint64_t n = rt_elem_size(file.at[k].elem);
        for (uint32_t axis = 0; axis < file.at[k].rank; axis++)
            n *= file.at[k].extent[axis];
        for (uint64_t i = 0; i < n; i++)
            sum ^= ((const unsigned char *)file.at[k].values)[i];
    }
    (void)sum;
    rt_tensor_file_free(&file);
    close(fd);
    return 0;
}
