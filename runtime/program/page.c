/* page — report.html: a program's pictures, the numbers it printed and its expectations on one page that needs nothing
 * else. Written where a picture was drawn. */
#include "execution.h"

#include <string.h>

static void put_text(Buf *out, const char *text) {
    for (const char *at = text; *at; at++) {
        const char *escape = *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : *at == '&' ? "&amp;" : NULL;
        if (escape)
            buf_puts(out, escape);
        else
            buf_write(out, at, 1);
    }
}

void page_expect(Execution *e, const RtExpect *expect, bool holds, double a, double b) {
    Buf *out = &e->page_expects;
    buf_printf(out, "<tr class=\"%s\"><td>%s</td><td><code>", holds ? "holds" : "fails", holds ? "✓" : "✗");
    put_text(out, expect->text);
    buf_printf(out, "</code></td><td>%s</td><td>%s</td></tr>\n", rt_text_exact(a).text, rt_text_exact(b).text);
}

/* The SVG with its names made its own: two pictures on one page have a `box` each. */
static void put_picture(Buf *out, const char *svg, uint32_t number) {
    static const char *const names[] = {"id=\"box", "id=\"bob", "url(#box", "url(#bob"};
    enum { NAMES = sizeof names / sizeof *names };
    for (const char *at = svg; *at;) {
        size_t n = 0;
        for (int k = 0; k < NAMES && !n; k++)
            n = strncmp(at, names[k], strlen(names[k])) ? 0 : strlen(names[k]);
        buf_write(out, at, n ? n : 1);
        if (n)
            buf_printf(out, "-%u-", number);
        at += n ? n : 1;
    }
}

void page_picture(Execution *e, const char *path) {
    FILE *in = fopen(arena_printf(e->arena, "%s.svg", path), "rb");
    if (!in)
        return;
    Buf svg = {0};
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0)
        buf_write(&svg, chunk, n);
    fclose(in);
    const char *slash = strrchr(path, '/');
    buf_printf(&e->page_pictures, "<figure>\n");
    put_picture(&e->page_pictures, svg.at ? svg.at : "", ++e->page->pictures);
    buf_printf(&e->page_pictures, "<figcaption><a href=\"");
    put_text(&e->page_pictures, slash + 1);
    buf_printf(&e->page_pictures, ".svg\">");
    put_text(&e->page_pictures, slash + 1);
    buf_printf(&e->page_pictures, "</a></figcaption></figure>\n");
    buf_free(&svg);
}

void page_end_run(Execution *e, const char *stopped) {
    Buf *out = &e->page->text;
    e->page->folder = e->folder;
    buf_printf(out, "<h2>%s on %s</h2>\n", e->spec->name, e->spec->system);
    if (stopped) {
        buf_puts(out, "<p class=\"fails\">stopped: ");
        put_text(out, stopped);
        buf_puts(out, "</p>\n");
    }
    buf_write(out, e->page_pictures.at ? e->page_pictures.at : "", e->page_pictures.n);
    if (e->printed.n) {
        buf_puts(out, "<pre>");
        put_text(out, e->printed.at);
        buf_puts(out, "</pre>\n");
    }
    if (e->page_expects.n)
        buf_printf(out, "<table><tr><th></th><th>expected</th><th>left</th><th>right</th></tr>\n%s</table>\n",
                   e->page_expects.at);
    for (uint32_t g = 0; g < e->n_groups; g++)
        if (!e->groups[g].plot) {
            const char *slash = strrchr(e->groups[g].path, '/');
            buf_printf(out, "<p>recorded: <a href=\"%s\">%s</a></p>\n", slash + 1, slash + 1);
        }
    buf_free(&e->page_pictures);
    buf_free(&e->page_expects);
}

bool page_write(RtHost *host) {
    const RtHostOptions *options = &host->options;
    Page *page = &host->page;
    static const char style[] =
        "body{font:16px/1.5 \"DejaVu Sans\",Verdana,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
        "figure{margin:1em 0}svg{max-width:100%;height:auto}figcaption{font-size:85%}"
        "pre{background:#f6f6f6;padding:1em;overflow-x:auto}td,th{text-align:left;padding:.1em 1em .1em 0}"
        ".holds td:first-child{color:#009e73}.fails,.fails td:first-child{color:#d55e00}";
    bool ok = true;
    if (page->pictures) {
        const char *path = arena_printf(host->arena, "%s/report.html", page->folder);
        Buf out = {0};
        buf_puts(&out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>");
        put_text(&out, options->path);
        buf_printf(&out, "</title>\n<style>%s</style></head>\n<body>\n<h1>", style);
        put_text(&out, options->path);
        buf_printf(&out, "</h1>\n%s<h2>The program</h2>\n<pre>", page->text.at);
        put_text(&out, options->text);
        buf_puts(&out, "</pre>\n</body></html>\n");
        RtMessage message;
        RtOutFile *file = rt_out_open(path, &message);
        ok = file != NULL;
        if (file) {
            rt_out_write(file, out.at, out.n);
            ok = rt_out_close(file, &message);
        }
        if (!ok)
            fprintf(stderr, "error: %s\n", message.text);
        else if (!options->json && !options->quiet)
            fprintf(stderr, "wrote %s\n", path);
        buf_free(&out);
    }
    buf_free(&page->text);
    return ok;
}
