/* raster — SVG to PNG by librsvg, opened when a picture is first made: it brings cairo, Pango and their fonts, which a
 * run without pictures does not need. */
#include "draw.h"

#include <dlfcn.h>
#include <librsvg/rsvg.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* g_object_unref is a macro where the headers can check types. */
#undef g_object_unref

/* Fontconfig keeps its tables of fonts until the process ends; a leak checker is told so, of this library alone. */
#ifdef LAG_SANITIZE
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig.so\n";
}
__attribute__((visibility("default"))) const char *__lsan_default_options(void);
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}
#endif

static struct {
#define TAKE(result, name, parameters) result(*name) parameters;
#include "raster.def"
#undef TAKE
    char problem[240]; /* "": the functions are there */
} library;

static void open_library(void) {
    typedef void (*AnyFunction)(void);
    void *handle = dlopen(LAG_RSVG_SONAME, RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        snprintf(library.problem, sizeof library.problem, "the library %s was not found; on Debian, `apt install "
                 "librsvg2-2 fonts-dejavu-core` brings it", LAG_RSVG_SONAME);
#define TAKE(result, name, parameters)                                                                       \
    if (handle) {                                                                                            \
        union {                                                                                              \
            void *object;                                                                                    \
            AnyFunction function;                                                                            \
        } at = {dlsym(handle, #name)};                                                                       \
        library.name = (result(*) parameters)at.function;                                                    \
        if (!at.object)                                                                                      \
            snprintf(library.problem, sizeof library.problem, "the library %s is another version: it lacks " #name, \
                     LAG_RSVG_SONAME);                                                                       \
    }
#include "raster.def"
#undef TAKE
}

const char *rt_plot_problem(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return library.problem;
}

typedef struct Bytes {
    unsigned char *at;
    size_t n, room;
} Bytes;

static cairo_status_t add_bytes(void *context, const unsigned char *data, unsigned int n) {
    Bytes *bytes = context;
    if (bytes->n + n > bytes->room) {
        size_t room = 2 * (bytes->n + n) + 65536;
        unsigned char *more = realloc(bytes->at, room);
        if (!more)
            return CAIRO_STATUS_NO_MEMORY;
        bytes->at = more;
        bytes->room = room;
    }
    memcpy(bytes->at + bytes->n, data, n);
    bytes->n += n;
    return CAIRO_STATUS_SUCCESS;
}

static bool render(RsvgHandle *handle, double scale, Bytes *png, RtMessage *m) {
    double width = 0, height = 0;
    library.rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height);
    cairo_surface_t *surface = library.cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
                                                                  (int)ceil(height * scale));
    cairo_t *cairo = library.cairo_create(surface);
    GError *error = NULL;
    RsvgRectangle all = {0, 0, width * scale, height * scale};
    bool ok = library.rsvg_handle_render_document(handle, cairo, &all, &error);
    if (!ok)
        rt_fail(m, "the picture could not be drawn: %s", error ? error->message : "no reason is given");
    if (error)
        library.g_error_free(error);
    cairo_status_t status = ok ? library.cairo_surface_write_to_png_stream(surface, add_bytes, png) : CAIRO_STATUS_SUCCESS;
    if (status != CAIRO_STATUS_SUCCESS)
        ok = rt_fail(m, "the picture could not be drawn: %s", library.cairo_status_to_string(status));
    library.cairo_destroy(cairo);
    library.cairo_surface_destroy(surface);
    return ok;
}

unsigned char *raster_png(const char *svg, size_t size, double scale, size_t *png_size, RtMessage *m) {
    GError *error = NULL;
    RsvgHandle *handle = library.rsvg_handle_new_from_data((const guint8 *)svg, size, &error);
    if (!handle) {
        rt_fail(m, "the picture could not be drawn: %s", error ? error->message : "no reason is given");
        if (error)
            library.g_error_free(error);
        return NULL;
    }
    Bytes png = {0};
    bool ok = render(handle, scale, &png, m);
    library.g_object_unref(handle);
    if (!ok) {
        free(png.at);
        return NULL;
    }
    *png_size = png.n;
    return png.at;
}
