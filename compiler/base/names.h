/* names — construction and release, for the session alone. */
#ifndef LAG_BASE_NAMES_H
#define LAG_BASE_NAMES_H

#include "base.h"

Names *names_new(Arena *arena);
void names_free(Names *names);

#endif
