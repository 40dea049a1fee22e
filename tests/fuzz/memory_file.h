/* memory_file — bytes as a file that has a name and never touches a disk (Linux). */
#ifndef LAG_FUZZ_MEMORY_FILE_H
#define LAG_FUZZ_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* A descriptor to close, with the name in path[40]; -1 when that failed. */
static inline int memory_file(const uint8_t *bytes, size_t size, char *path) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    if (write(fd, bytes, size) == (ssize_t)size)
        return fd;
    close(fd);
    return -1;
}

#endif
