/* zip_library — libzip, opened when an archive is first read: a library of cryptography comes with it, whose
 * relocations would add about 2 ms to every start of a program. Internal to runtime/data. */
#ifndef LAG_RT_ZIP_LIBRARY_H
#define LAG_RT_ZIP_LIBRARY_H

#include <zip.h>

#include "data.h"

typedef struct ZipLibrary {
#define ZIP(result, name, parameters) result(*name) parameters;
#include "zip_library.def"
#undef ZIP
} ZipLibrary;

/* The library's functions; NULL, and the reason in `m`, when it cannot be opened. Any thread may call it. */
const ZipLibrary *zip_library(RtMessage *m);

#endif
