/* SPDX-License-Identifier: Apache-2.0 */
/* What the findings rest upon: notices, layers, packages, files of nobody. */
#include "report/internal.h"

static void section_open(struct page *page, const char *id, const char *title, size_t n)
{
    sb_addf(&page->out.sb,
            "<section aria-labelledby=\"p%zu-%s\"><h3 id=\"p%zu-%s\">%s (%zu)</h3>\n",
            page->platform, id, page->platform, id, title, n);
}

static void cell(struct sb *out, str value) { html_wrap(out, "<td>", value, "</td>"); }

/* May be wider than a narrow window: then it scrolls, by keyboard too. */
static void columns(struct page *page, const char *id, const char *const *names)
{
    struct sb *out = &page->out.sb;
    sb_addf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"p%zu-%s\">"
            "<table class=\"list\"><thead><tr>",
            page->platform, id);
    for (; *names; names++)
        sb_addf(out, "<th scope=\"col\">%s</th>", *names);
    html_put(out, "</tr></thead><tbody>\n");
}
#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})

void html_notices(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    if (!report->notices.len)
        return;
    section_open(page, "notices", "Notices", report->notices.len);
    html_put(out, report->is_complete
                      ? "<p>The scan is complete.</p>\n"
                      : "<p>The scan is incomplete because of those marked with !.</p>\n");
    columns(page, "notices", COLUMNS("Kind", "Where", "What"));
    for (int pass = 0; pass < 2; pass++) /* what makes it incomplete first */
        for (size_t i = 0; i < report->notices.len; i++) {
            const struct notice *notice = &report->notices.ptr[i];
            if (notice->is_incomplete != (pass == 0))
                continue;
            html_wrap(out, notice->is_incomplete ? "<tr><td><strong>! " : "<tr><td>",
                      str_from(notice_kind_name(notice->kind)),
                      notice->is_incomplete ? "</strong></td>" : "</td>");
            cell(out, notice->path);
            cell(out, notice->message);
            html_put(out, "</tr>\n");
            out_piece(&page->out);
        }
    html_put(out, "</tbody></table></div></section>\n");
}

void html_layers(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    char size[32], hex[DIGEST_TEXT_SIZE];
    if (!report->layers.len)
        return;
    section_open(page, "layers", "Layers", report->layers.len);
    columns(page, "layers", COLUMNS("No.", "Of", "Build step", "Size", "Digest"));
    for (size_t i = 0; i < report->layers.len; i++) {
        const struct report_layer *layer = &report->layers.ptr[i];
        const char *origin = !has_base(report) ? "not known" : layer->is_base ? "base" : "own";
        sb_addf(out, "<tr><td>%zu</td><td>%s</td>", i + 1, origin);
        html_wrap(out, "<td><code>", str_trim(layer->created_by), "</code></td>");
        size_print(size, layer->size_bytes);
        sb_addf(out, "<td class=\"n\">%s</td>",
                layer->size_bytes == UINT64_MAX ? "not stated" : size);
        html_wrap(out, "<td><code>",
                  digest_is_none(&layer->digest) ? STR_NONE : digest_print(&layer->digest, hex),
                  "</code></td></tr>\n");
        out_piece(&page->out);
    }
    html_put(out, "</tbody></table></div></section>\n");
}

static void put_package(struct page *page, const struct package *package)
{
    struct sb *out = &page->out.sb;
    html_wrap(out, "<tr><td>", package->name, "</td>");
    cell(out, package->version);
    cell(out, package->type);
    cell(out, package->arch);
    if (layer_of(page->report, package->layer))
        sb_addf(out, "<td class=\"n\">%d</td>", package->layer + 1);
    else
        html_put(out, "<td></td>");
    html_put(out, "<td>");
    for (size_t i = 0; i < package->licenses.len; i++)
        html_wrap(out, i ? ", " : "", package->licenses.ptr[i], "");
    html_wrap(out, "</td><td>", package->path, "");
    if (package->evidence == EVIDENCE_DECLARED)
        html_put(out, " <span class=\"tag\">declared</span>");
    if (package->owned_by.len)
        html_wrap(out, " <span class=\"tag\">owned by ", package->owned_by, "</span>");
    html_put(out, "</td></tr>\n");
    out_piece(&page->out);
}

void html_packages(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    section_open(page, "packages", "Packages", report->packages.len);
    html_put(out, "<details class=\"bulk\"><summary>All packages that were found</summary>\n");
    columns(page, "packages",
            COLUMNS("Name", "Version", "Type", "Architecture", "Layer", "Licences", "Where"));
    for (size_t i = 0; i < report->packages.len; i++)
        put_package(page, &report->packages.ptr[i]);
    html_put(out, "</tbody></table></div></details></section>\n");
}

void html_unowned(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct coverage *coverage = &page->report->coverage;
    char size[32];
    if (!coverage->unowned.len)
        return;
    section_open(page, "files", "Executable files of no known package", coverage->n_unowned);
    html_put(out, "<details class=\"bulk\"><summary>Nobody can say whether these are "
                  "vulnerable</summary>\n");
    columns(page, "files", COLUMNS("Path", "Size", "Layer"));
    for (size_t i = 0; i < coverage->unowned.len; i++) {
        const struct unowned_file *file = &coverage->unowned.ptr[i];
        size_print(size, file->size_bytes);
        html_wrap(out, "<tr><td>", file->path, "</td>");
        sb_addf(out, "<td class=\"n\">%s</td>", size);
        if (layer_of(page->report, file->layer))
            sb_addf(out, "<td class=\"n\">%d</td></tr>\n", file->layer + 1);
        else
            html_put(out, "<td></td></tr>\n");
        out_piece(&page->out);
    }
    if (coverage->n_unowned > coverage->unowned.len)
        sb_addf(out, "<tr><td colspan=\"3\">and %zu more</td></tr>\n",
                coverage->n_unowned - coverage->unowned.len);
    html_put(out, "</tbody></table></div></details></section>\n");
}
