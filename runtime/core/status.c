#include "../rt.h"

const char *rt_status_text(RtStatus status) {
    static const char *const texts[] = {
#define STATUS(ident, text) [RT_##ident] = text,
#include "../rt_status.def"
#undef STATUS
    };
    if ((uint32_t)status >= RT_STATUS_COUNT)
        return "an unknown failure";
    return texts[status];
}
