/* plot — a picture from its numbers to its files. */
#include "draw.h"

#include "../report/report.h"

#include <stdlib.h>

char *rt_plot_svg(const RtPlot *plot, bool still, size_t *size) {
    char *text = NULL;
    Sheet sheet = {open_memstream(&text, size)};
    if (!sheet.out)
        return NULL;
    switch (plot->form) {
    case RT_PLOT_LINE: case RT_PLOT_SCATTER: draw_curves(&sheet, plot); break;
    case RT_PLOT_HISTOGRAM: draw_histogram(&sheet, plot); break;
    case RT_PLOT_HEAT: draw_heat(&sheet, plot); break;
    case RT_PLOT_IMAGES: draw_images(&sheet, plot); break;
    case RT_PLOT_ANIMATION:
        if (still)
            draw_still(&sheet, plot);
        else
            draw_animation(&sheet, plot);
        break;
    }
    bool ok = !ferror(sheet.out);
    if (fclose(sheet.out) != 0 || !ok) {
        free(text);
        return NULL;
    }
    return text;
}

static bool write_file(const char *path, const char *extension, const void *bytes, size_t size, RtMessage *m) {
    char *name = NULL;
    size_t length;
    FILE *out = open_memstream(&name, &length);
    if (out)
        fprintf(out, "%s%s", path, extension);
    if (!out || fclose(out) != 0) {
        free(name);
        return rt_fail(m, "%s%s: not enough memory", path, extension);
    }
    RtOutFile *file = rt_out_open(name, m);
    free(name);
    if (!file)
        return false;
    rt_out_write(file, bytes, size);
    return rt_out_close(file, m);
}

bool rt_plot_write(const RtPlot *plot, const char *path, RtMessage *m) {
    static const double pixels_a_unit = 2;
    size_t size = 0, png_size = 0;
    char *svg = rt_plot_svg(plot, false, &size);
    if (!svg)
        return rt_fail(m, "%s.svg: not enough memory", path);
    bool ok = write_file(path, ".svg", svg, size, m);
    if (!ok || *rt_plot_problem()) {
        free(svg);
        return ok;
    }
    if (plot->form == RT_PLOT_ANIMATION) {
        free(svg);
        svg = rt_plot_svg(plot, true, &size);
        ok = svg || rt_fail(m, "%s.png: not enough memory", path);
    }
    unsigned char *png = ok ? raster_png(svg, size, pixels_a_unit, &png_size, m) : NULL;
    ok = png && write_file(path, ".png", png, png_size, m);
    free(png);
    free(svg);
    return ok;
}
