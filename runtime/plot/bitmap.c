/* bitmap — pixels inside an SVG: the PNG format (ISO/IEC 15948, 8 bits a colour, no filter) in base 64. */
#include "draw.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void store(unsigned char *at, uint32_t v) {
    at[0] = (unsigned char)(v >> 24);
    at[1] = (unsigned char)(v >> 16);
    at[2] = (unsigned char)(v >> 8);
    at[3] = (unsigned char)v;
}

/* Length, type, data, checksum; the data are there already. Returns the place behind it. */
static unsigned char *chunk(unsigned char *at, const char *type, size_t n) {
    store(at, (uint32_t)n);
    memcpy(at + 4, type, 4);
    store(at + 8 + n, (uint32_t)crc32(crc32(0, NULL, 0), at + 4, (uInt)(n + 4)));
    return at + 12 + n;
}

static void put_base64(Sheet *sheet, const unsigned char *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t k = 0; k < n; k += 3) {
        uint32_t three = (uint32_t)bytes[k] << 16 | (k + 1 < n ? (uint32_t)bytes[k + 1] << 8 : 0) |
                         (k + 2 < n ? bytes[k + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63], k + 1 < n ? digits[three >> 6 & 63] : '=',
                        k + 2 < n ? digits[three & 63] : '='};
        fwrite(four, 1, 4, sheet->out);
    }
}

void put_bitmap(Sheet *sheet, const Rgb *pixels, size_t width, size_t height) {
    size_t raw_size = height * (3 * width + 1);
    uLongf packed = compressBound(raw_size);
    unsigned char *raw = malloc(raw_size + 1), *png = malloc(8 + 25 + 12 + packed + 12), *at = png;
    if (raw && png) {
        for (size_t row = 0; row < height; row++) {
            unsigned char *to = raw + row * (3 * width + 1);
            *to = 0;
            memcpy(to + 1, pixels + row * width, 3 * width);
        }
        memcpy(at, "\x89PNG\r\n\x1a\n", 8);
        at += 8;
        store(at + 8, (uint32_t)width);
        store(at + 12, (uint32_t)height);
        memcpy(at + 16, "\x08\x02\0\0\0", 5); /* 8 bits, red green blue, deflate, no interlace */
        at = chunk(at, "IHDR", 13);
        if (compress2(at + 8, &packed, raw, raw_size, 9) != Z_OK)
            packed = 0;
        at = chunk(at, "IDAT", packed);
        at = chunk(at, "IEND", 0);
        put(sheet, "data:image/png;base64,");
        put_base64(sheet, png, (size_t)(at - png));
    }
    free(raw);
    free(png);
}
