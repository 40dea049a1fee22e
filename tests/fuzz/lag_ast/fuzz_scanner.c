/* fuzz_scanner — any bytes at all through the scanner and the passes over tokens; the tree must stand its
 * checks. The text is read as it is, so most of it is no program: this entry is for spelling, brackets and
 * recovery. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    Session *session = session_new();
    File *file = ast_parse(session, source_add(session, "fuzz.lag", (const char *)data, size));
    fuzz_check(session, file);
    fuzz_messages(session);
    session_free(session);
    return 0;
}
