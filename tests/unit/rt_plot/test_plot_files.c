/* Pictures as files: well-formed text with a curve for each series, whole or not there, and PNG of the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>

#include "plot/draw.h"

enum { N = 5000 };
static double xs[N], ys[N], zs[N];

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

/* Tags nest and close, attributes are quoted, nothing is left unescaped. */
static void expect_xml(const char *text) {
    char open[64][24];
    int depth = 0;
    for (const char *at = text; *at;) {
        if (*at != '<') {
            assert_true(*at != '&' || !strncmp(at, "&lt;", 4) || !strncmp(at, "&gt;", 4) || !strncmp(at, "&amp;", 5) ||
                        !strncmp(at, "&quot;", 6));
            at++;
            continue;
        }
        const char *end = strchr(at, '>');
        assert_non_null(end);
        bool closes = at[1] == '/', alone = end[-1] == '/';
        size_t n = strcspn(at + 1 + closes, " />\n");
        assert_true(n > 0 && n < sizeof open[0]);
        size_t quotes = 0;
        for (const char *in = at; in < end; in++)
            quotes += *in == '"';
        assert_int_equal(quotes % 2, 0);
        if (closes) {
            assert_true(depth > 0);
            depth--;
            assert_int_equal(strlen(open[depth]), n);
            assert_memory_equal(open[depth], at + 2, n);
        } else if (!alone) {
            assert_true(depth < 64);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)n, at + 1);
        }
        at = end + 1;
    }
    assert_int_equal(depth, 0);
}

static char *drawn(const RtPlot *plot, bool still) {
    size_t size;
    char *svg = rt_plot_svg(plot, still, &size);
    assert_non_null(svg);
    assert_int_equal(strlen(svg), size);
    expect_xml(svg);
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    return svg;
}

static RtPlot plot_of(RtPlotForm form, const RtPlotCurve *curves, uint32_t n) {
    return (RtPlot){.form = form, .title = "A <title> & \"more\"", .x = {"t", false}, .y = {"θ′", false},
                    .curves = curves, .n_curves = n, .frames = 1};
}

static RtPlotCurve curve_of(const char *label, const double *x, const double *y, size_t n) {
    return (RtPlotCurve){.label = label, .x = x, .y = y, .n = n, .x_stride = 1, .y_stride = 1};
}

/* The numbers of the first path of a class, pairs of them. */
static size_t path_points(const char *svg, const char *class, double (*points)[2], size_t most) {
    const char *at = strstr(svg, class);
    assert_non_null(at);
    at = strstr(at, " d=\"");
    assert_non_null(at);
    size_t n = 0;
    for (at += 4; *at != '"' && n < most; n++) {
        at += *at == 'M' || *at == 'L';
        char *end;
        points[n][0] = strtod(at, &end);
        assert_int_equal(*end, ',');
        points[n][1] = strtod(end + 1, &end);
        at = end;
        if (*at == 'h')
            at += 2;
    }
    return n;
}

static void test_lines(void **state) {
    (void)state;
    RtPlotCurve curves[] = {curve_of("θ₀", xs, ys, N), curve_of("a < b", xs, zs, N)};
    RtPlot plot = plot_of(RT_PLOT_LINE, curves, 2);
    char *svg = drawn(&plot, false);
    assert_int_equal(count(svg, "class=\"curve\""), 2);
    assert_int_equal(count(svg, "class=\"legend\""), 2);
    assert_int_equal(count(svg, "class=\"label-x\""), 1);
    assert_non_null(strstr(svg, ">θ₀</text>"));
    assert_non_null(strstr(svg, "A &lt;title&gt; &amp; &quot;more&quot;"));
    double points[N][2];
    size_t n = path_points(svg, "class=\"curve\"", points, N);
    assert_in_range(n, 200, 4 * 5 * 720); /* at most four to a fifth of a unit */
    for (size_t k = 0; k < n; k++)
        assert_true(points[k][0] >= 0 && points[k][0] <= 720 && points[k][1] >= 0 && points[k][1] <= 450);
    assert_true(points[n - 1][0] > points[0][0]);
    free(svg);
}

/* One point among a million stays visible where it is the highest. */
static void test_thinning_keeps_extremes(void **state) {
    (void)state;
    enum { MANY = 1000000 };
    double *y = calloc(MANY, sizeof *y), (*points)[2] = calloc(20000, sizeof *points);
    for (size_t i = 0; i < MANY; i++)
        y[i] = sin(1e-4 * (double)i);
    y[345678] = 3;
    RtPlotCurve curve = curve_of("y", NULL, y, MANY);
    RtPlot plot = plot_of(RT_PLOT_LINE, &curve, 1);
    char *svg = drawn(&plot, false);
    size_t n = path_points(svg, "class=\"curve\"", points, 20000);
    assert_in_range(n, 1000, 20000);
    double top = INFINITY, second = INFINITY;
    for (size_t k = 0; k < n; k++) {
        if (points[k][1] < top) {
            second = top;
            top = points[k][1];
        } else if (points[k][1] < second) {
            second = points[k][1];
        }
    }
    assert_true(second - top > 100); /* the spike is half as high as the box */
    free(svg);
    free(points);
    free(y);
}

/* A thousand times round the same circle is as much text as a few times. */
static void test_curves_over_themselves(void **state) {
    (void)state;
    enum { MANY = 500000 };
    double *x = calloc(MANY, sizeof *x), *y = calloc(MANY, sizeof *y);
    for (size_t i = 0; i < MANY; i++) {
        x[i] = cos(0.0123 * (double)i);
        y[i] = sin(0.0123 * (double)i);
    }
    RtPlotCurve curve = curve_of("circle", x, y, MANY);
    RtPlot plot = plot_of(RT_PLOT_LINE, &curve, 1);
    plot.equal = true;
    char *svg = drawn(&plot, false);
    assert_in_range(strlen(svg), 2000, 100000);
    free(svg);
    plot.form = RT_PLOT_SCATTER;
    svg = drawn(&plot, false);
    assert_in_range(strlen(svg), 2000, 100000);
    free(svg);
    free(x);
    free(y);
}

static void test_gaps(void **state) {
    (void)state;
    double y[] = {1, 2, NAN, 3, 4, INFINITY, 5, 6, -1};
    RtPlotCurve curve = curve_of("y", NULL, y, sizeof y / sizeof *y);
    RtPlot plot = plot_of(RT_PLOT_LINE, &curve, 1);
    plot.y.is_log = true; /* and the −1 */
    char *svg = drawn(&plot, false);
    const char *path = strstr(strstr(svg, "class=\"curve\""), " d=\""), *end = strchr(path + 4, '"');
    size_t moves = 0;
    for (const char *at = path; at < end; at++)
        moves += *at == 'M';
    assert_int_equal(moves, 3);
    free(svg);
}

static void test_nothing_and_constants(void **state) {
    (void)state;
    double same[] = {7, 7, 7}, none[] = {NAN, NAN, NAN};
    for (int form = RT_PLOT_LINE; form <= RT_PLOT_HISTOGRAM; form++)
        for (int k = 0; k < 4; k++) {
            RtPlotCurve curve = curve_of("y", NULL, k & 1 ? same : none, k & 2 ? 3 : 0);
            RtPlot plot = plot_of((RtPlotForm)form, &curve, 1);
            free(drawn(&plot, false));
            plot.x.is_log = plot.y.is_log = plot.equal = true;
            free(drawn(&plot, false));
        }
    RtPlot plot = plot_of(RT_PLOT_LINE, NULL, 0);
    free(drawn(&plot, false));
    plot = plot_of(RT_PLOT_HEAT, NULL, 0);
    plot.field = (RtPlotField){.values = none, .label = "u", .right = 1, .top = 1};
    free(drawn(&plot, false));
    plot.field = (RtPlotField){.values = none, .label = "u", .rows = 1, .columns = 3, .column_stride = 1, .right = 1, .top = 1};
    free(drawn(&plot, false));
    plot.form = RT_PLOT_IMAGES;
    free(drawn(&plot, false));
    plot.frames = 0;
    free(drawn(&plot, false));
}

static void test_histogram(void **state) {
    (void)state;
    double y[] = {0, 0.1, 0.2, 0.9, 1};
    RtPlotCurve curve = curve_of("y", NULL, y, 5);
    RtPlot plot = plot_of(RT_PLOT_HISTOGRAM, &curve, 1);
    plot.bins = 4;
    char *svg = drawn(&plot, false);
    const char *path = strstr(strstr(svg, "class=\"curve\""), " d=\""), *end = strchr(path + 4, '"');
    size_t bars = 0;
    for (const char *at = path; at < end; at++)
        bars += *at == 'Z';
    assert_int_equal(bars, 2); /* the two in the middle are empty */
    free(svg);
}

static void test_field(void **state) {
    (void)state;
    double u[] = {-1, 0, 1, 2, 3, -3};
    RtPlot plot = plot_of(RT_PLOT_HEAT, NULL, 0);
    plot.field = (RtPlotField){.values = u, .rows = 2, .columns = 3, .row_stride = 3, .column_stride = 1, .left = -0.5,
                               .right = 2.5, .bottom = -0.5, .top = 1.5, .label = "u"};
    char *svg = drawn(&plot, false);
    assert_int_equal(count(svg, "class=\"heat\""), 1);
    assert_non_null(strstr(svg, "class=\"label-color\""));
    free(svg);
    ColorBar bar = field_colors(&plot, 0, 1);
    assert_true(bar.is_diverging);
    size_t width, height;
    Rgb *pixels = heat_pixels(&plot.field, 0, &bar, 100, &width, &height);
    assert_int_equal(width, 3);
    assert_int_equal(height, 2);
    assert_true(pixels[1].r > pixels[1].b);                                     /* row 1 lies above row 0: 3 is red, */
    assert_true(pixels[2].b > pixels[2].r);                                     /* −3 is blue, */
    assert_true(pixels[4].r == pixels[4].b && pixels[4].r > 240);               /* 0 is white */
    free(pixels);
    Rgb nothing = field_color(&bar, NAN);
    assert_true(nothing.r == nothing.g && nothing.g == nothing.b && nothing.r < 240);
}

static void test_animations(void **state) {
    (void)state;
    enum { FRAMES = 20, POINTS = 3 };
    double x[FRAMES][POINTS], y[FRAMES][POINTS];
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < POINTS; i++) {
            x[f][i] = sin(0.1 * f * (i + 1));
            y[f][i] = cos(0.1 * f * (i + 1));
        }
    RtPlotCurve curve = {.label = "chain", .x = x[0], .y = y[0], .n = POINTS, .x_stride = 1, .y_stride = 1,
                         .x_frame = POINTS, .y_frame = POINTS};
    RtPlot plot = plot_of(RT_PLOT_ANIMATION, &curve, 1);
    plot.frames = FRAMES;
    plot.has_pivot = plot.equal = true;
    char *svg = drawn(&plot, false);
    assert_int_equal(count(svg, "<script"), 0);
    const char *values = strstr(strstr(svg, "class=\"curve\""), "values=\""), *end = strchr(values + 8, '"');
    size_t frames = 1, points = 0;
    for (const char *at = values + 8; at < end; at++) {
        frames += *at == ';';
        points += *at == ',';
    }
    assert_int_equal(frames, FRAMES);
    assert_int_equal(points, FRAMES * (POINTS + 1)); /* and the pivot */
    free(svg);
    svg = drawn(&plot, true);
    assert_int_equal(count(svg, "<animate"), 0);
    assert_int_equal(count(svg, "class=\"curve\""), 8);
    free(svg);
    plot.curves = NULL;
    plot.n_curves = 0;
    plot.has_pivot = false;
    plot.field = (RtPlotField){.values = x[0], .rows = 1, .columns = POINTS, .column_stride = 1, .frame_stride = POINTS,
                               .right = 1, .top = 1, .label = "u"};
    svg = drawn(&plot, false);
    assert_int_equal(count(svg, "<animateTransform"), 1);
    free(svg);
    svg = drawn(&plot, true);
    assert_int_equal(count(svg, "class=\"heat\""), 6);
    free(svg);
}

static void test_files(void **state) {
    (void)state;
    char folder[] = "/tmp/lag-plot-XXXXXX", path[64], name[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a", folder);
    RtPlotCurve curve = curve_of("y", xs, ys, N);
    RtPlot plot = plot_of(RT_PLOT_LINE, &curve, 1);
    RtMessage message = {{0}};
    bool ok = rt_plot_write(&plot, path, &message);
    snprintf(name, sizeof name, "%s.svg", path);
    assert_int_equal(access(name, F_OK), 0);
    unlink(name);
    snprintf(name, sizeof name, "%s.png", path);
    assert_true(ok);
    if (*rt_plot_problem()) {
        assert_non_null(strstr(rt_plot_problem(), "apt install"));
        assert_int_not_equal(access(name, F_OK), 0);
    } else {
        unsigned char head[24];
        FILE *in = fopen(name, "rb");
        assert_non_null(in);
        assert_int_equal(fread(head, 1, sizeof head, in), sizeof head);
        fclose(in);
        assert_memory_equal(head, "\x89PNG\r\n\x1a\n", 8);
        assert_int_equal(head[18] << 8 | head[19], 1440);
        assert_int_equal(head[22] << 8 | head[23], 900);
        unlink(name);
    }
    assert_int_equal(rmdir(folder), 0);
    assert_false(rt_plot_write(&plot, path, &message)); /* its folder is gone */
    assert_non_null(strstr(message.text, "directory does not exist"));
}

int main(void) {
    for (int i = 0; i < N; i++) {
        xs[i] = 0.01 * i;
        ys[i] = sin(xs[i]);
        zs[i] = 2 * cos(xs[i]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),      cmocka_unit_test(test_thinning_keeps_extremes),
        cmocka_unit_test(test_gaps),       cmocka_unit_test(test_curves_over_themselves),
        cmocka_unit_test(test_histogram),  cmocka_unit_test(test_nothing_and_constants),
        cmocka_unit_test(test_field),      cmocka_unit_test(test_animations),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
