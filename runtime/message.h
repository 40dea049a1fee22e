/* message — how a runtime function that fails says why: one sentence or two naming the file and the place,
 * then the mend. The runtime never prints; whoever called decides where the text goes. */
#ifndef LAG_RT_MESSAGE_H
#define LAG_RT_MESSAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct RtMessage {
    char text[1024]; /* NUL-terminated; cut at its end when longer */
} RtMessage;

/* Writes the message and returns false, so that a failure reads `return rt_fail(m, …)`. */
__attribute__((format(printf, 2, 3), unused)) static inline bool rt_fail(RtMessage *m, const char *format,
                                                                         ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(m->text, sizeof m->text, format, args);
    va_end(args);
    return false;
}

#endif
