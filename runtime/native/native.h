/* native — the end of an executable with a program behind it. */
#ifndef LAG_RT_NATIVE_H
#define LAG_RT_NATIVE_H

#include <stdint.h>

#define NATIVE_MAGIC "lagimage"

/* The last bytes of the file; the image stands before it. */
typedef struct NativeTail {
    uint64_t length;   /* of the image */
    uint64_t checksum; /* CRC-32 of the image (zlib's crc32_z) */
    char magic[8];
} NativeTail;

#endif
