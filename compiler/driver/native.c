/* native — the executable that `lag build` puts in front of a program, as the build of this compiler left it. */
#include "driver.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        ".global native_bytes\n"
        ".hidden native_bytes\n"
        "native_bytes:\n"
        ".incbin \"" LAG_NATIVE "\"\n"
        ".global native_end\n"
        ".hidden native_end\n"
        "native_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char native_bytes[], native_end[];

const char *native_executable(size_t *n) {
    *n = (size_t)(native_end - native_bytes);
    return native_bytes;
}
