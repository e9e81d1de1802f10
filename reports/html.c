/*
 * One file, no script, no address of anything: a policy that permits only the
 * style in the head (by its SHA-256), no style attributes (the policy blocks
 * them, SVG uses classes and presentation attributes).
 */
#include "reports/html.h"

#include "base/base64.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>

enum { HTML_CHUNK = 64 << 10 };

static const char style[] =
    ":root{--ink:#1c2430;--soft:#5a6575;--line:#d5dbe3;--pale:#f4f6f9;"
    "--fact:#0b5394;--inference:#8a5a00;--opinion:#6a2c91;--bad:#a31621}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:#fff;color:var(--ink);"
    "font:15px/1.55 system-ui,\"Noto Sans\",\"Noto Sans CJK JP\","
    "\"Hiragino Sans\",\"Yu Gothic\",sans-serif}"
    "main{max-width:76rem;margin:0 auto;padding:2rem 1.5rem 4rem}"
    "h1{font-size:1.7rem;line-height:1.25;margin:0 0 .3rem;"
    "overflow-wrap:anywhere}"
    "h2{font-size:1.25rem;margin:2.6rem 0 .6rem;padding-bottom:.25rem;"
    "border-bottom:2px solid var(--ink)}"
    "h3{font-size:1rem;margin:1.5rem 0 .4rem}"
    "p{margin:.5rem 0;max-width:60rem}.soft,caption{color:var(--soft)}"
    "nav ol{columns:2;margin:.5rem 0;padding-left:1.5rem}"
    "a{color:var(--fact)}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem;"
    "font-size:.86rem}"
    "caption{text-align:left;padding:.2rem 0;font-weight:600}"
    "th,td{border-bottom:1px solid var(--line);padding:.28rem .5rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "thead th{background:var(--pale);border-bottom:1px solid var(--soft);"
    "overflow-wrap:normal;word-break:keep-all}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}"
    "td.t{white-space:nowrap;font-variant-numeric:tabular-nums}"
    "td.h,code{font-family:ui-monospace,\"DejaVu Sans Mono\",monospace;"
    "font-size:.92em;overflow-wrap:anywhere}"
    "td.h{min-width:11rem}td.s{overflow-wrap:normal;white-space:nowrap}"
    "td.w{min-width:13rem}"
    "pre{background:var(--pale);border:1px solid var(--line);"
    "padding:.6rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere;"
    "font:.85rem/1.5 ui-monospace,\"DejaVu Sans Mono\",monospace}"
    "dl{display:grid;grid-template-columns:12rem 1fr;gap:.2rem 1rem;"
    "margin:.8rem 0}dt{color:var(--soft)}dd{margin:0;"
    "overflow-wrap:anywhere;min-width:0}"
    ".mark{display:inline-block;border:1px solid;border-left-width:.35rem;"
    "padding:0 .45rem;margin-right:.4rem;font-size:.8rem;font-weight:600}"
    ".fact{color:var(--fact)}.inference{color:var(--inference)}"
    ".opinion{color:var(--opinion)}"
    ".note{border-left:.35rem solid var(--opinion);padding:.1rem .6rem;"
    "margin:.2rem 0;background:#faf5fd}"
    ".bad{color:var(--bad);font-weight:600}"
    ".narrow table{width:auto}"
    "p.bad{border-left:.35rem solid var(--bad);padding-left:.6rem}"
    "tr.bad td{font-weight:400;color:var(--ink);background:#fdf1f1}"
    "tr.old td{text-decoration:line-through;color:var(--soft)}"
    "tr.event>td{border-bottom:0;padding-bottom:0}"
    "tr.under>td{padding-top:0;font-size:.95em}"
    "figure{margin:1rem 0}figure svg{display:block;width:100%;height:auto;"
    "border:1px solid var(--line);background:#fff}"
    "figcaption{font-weight:600;font-size:.9rem;margin-bottom:.3rem}"
    "svg text{font:11px system-ui,\"Noto Sans\",\"Noto Sans CJK JP\","
    "sans-serif;fill:#333c4a}"
    "svg .bar{fill:#3b6ea5}svg .axis{stroke:#8a94a3;stroke-width:1}"
    "svg .grid{stroke:#e3e7ed;stroke-width:1}"
    "svg .present{fill:#5b8f6b}svg .absent{fill:url(#hatch);"
    "stroke:#a31621;stroke-width:1}svg .damaged{fill:#d9822b}"
    "svg .unknown{fill:#dfe4ea;stroke:#9aa4b2;stroke-width:.5}"
    "svg .hatch{stroke:#a31621;stroke-width:2}"
    "svg .hatchback{fill:#fbe9ea}"
    "@media print{@page{size:A4;margin:16mm 14mm}"
    "body{font-size:9.5pt}main{max-width:none;padding:0}"
    "table{font-size:8pt}h2{break-after:avoid;margin-top:1.6rem}"
    "h3,caption{break-after:avoid}thead{display:table-header-group}"
    "tr,figure,.note,pre,dl{break-inside:avoid}"
    "tr.event{break-after:avoid}"
    "td.t{letter-spacing:-.01em}td.w{min-width:9rem}"
    "td.h{min-width:8rem}"
    "a{color:inherit;text-decoration:none}nav{break-after:page}}";

/* ---- text ---------------------------------------------------------------- */

void html_flush(struct html *h)
{
    h->failed |= h->b.failed;
    output_put(h->to, buf_str(&h->b));
    buf_clear(&h->b);
}

static void maybe_flush(struct html *h)
{
    if (h->b.n >= HTML_CHUNK)
        html_flush(h);
}

void html_raw(struct html *h, const char *markup)
{
    buf_putz(&h->b, markup);
}

void html_text(struct html *h, struct str s)
{
    text_html(&h->b, s);
    maybe_flush(h);
}

void html_value(struct html *h, struct str s)
{
    html_raw(h, "<bdi>");
    html_text(h, s);
    html_raw(h, "</bdi>");
}

void html_lines(struct html *h, struct str s)
{
    html_raw(h, "<bdi>");
    for (;;) {
        const char *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;
        size_t n = lf ? (size_t)(lf - s.p) : s.n;
        html_text(h, str_sub(s, 0, n));
        if (!lf)
            break;
        html_raw(h, "<br>");
        s = str_sub(s, n + 1, s.n);
    }
    html_raw(h, "</bdi>");
}

void html_u64(struct html *h, uint64_t v)
{
    buf_put_u64(&h->b, v);
}

void html_hex(struct html *h, struct str bytes)
{
    buf_put_hex(&h->b, bytes.p, bytes.n);
}

/* The number in braces at s.p, or the running one. */
static size_t placeholder(struct str s, size_t *skip, size_t *next)
{
    if (s.n > 2 && s.p[1] >= '0' && s.p[1] <= '9' && s.p[2] == '}') {
        *skip = 3;
        return (size_t)(s.p[1] - '0');
    }
    *skip = 2;
    return (*next)++;
}

void html_say(struct html *h, enum word w, const struct str *values, size_t n)
{
    struct str s = word_text(h->lang, w);
    size_t next = 0;
    while (s.n) {
        const char *brace = memchr(s.p, '{', s.n);
        size_t before = brace ? (size_t)(brace - s.p) : s.n, skip;
        html_text(h, str_sub(s, 0, before));
        s = str_sub(s, before, s.n);
        if (s.n < 2)
            continue;
        if (s.p[1] != '}' && (s.p[1] < '0' || s.p[1] > '9')) {
            html_text(h, str_sub(s, 0, 1)); /* a brace of the text */
            s = str_sub(s, 1, s.n);
            continue;
        }
        size_t i = placeholder(s, &skip, &next);
        if (i < n)
            html_value(h, values[i]);
        s = str_sub(s, skip, s.n);
    }
}

/* ---- elements ------------------------------------------------------------ */

void html_open(struct html *h, const char *tag, const char *attributes)
{
    buf_putc(&h->b, '<');
    buf_putz(&h->b, tag);
    if (attributes) {
        buf_putc(&h->b, ' ');
        buf_putz(&h->b, attributes);
    }
    buf_putc(&h->b, '>');
    if (h->depth < HTML_DEPTH)
        h->open[h->depth++] = tag;
    else
        h->failed = true;
}

void html_close(struct html *h)
{
    if (h->depth == 0) {
        h->failed = true;
        return;
    }
    const char *tag = h->open[--h->depth];
    buf_putz(&h->b, "</");
    buf_putz(&h->b, tag);
    buf_putc(&h->b, '>');
    if (tag[0] == 't' || tag[0] == 'p' || tag[0] == 'h')
        buf_putc(&h->b, '\n');
    maybe_flush(h);
}

void html_word(struct html *h, const char *tag, const char *attributes,
               enum word w)
{
    html_open(h, tag, attributes);
    html_text(h, word_text(h->lang, w));
    html_close(h);
}

/* ---- tables -------------------------------------------------------------- */

/* Columns of numbers are aligned as their cells are. */
static bool is_number(enum word w)
{
    static const enum word numbers[] = {
        W_EXHIBIT_FILES, W_EXHIBIT_BYTES, W_READ,   W_STORED, W_DUPLICATE,
        W_REJECTED,      W_EVENTS,        W_LINK_N, W_COUNT,  W_SEARCH_HITS,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i] == w)
            return true;
    return false;
}

void html_table(struct html *h, const struct html_head *head)
{
    html_open(h, "table", NULL);
    if (head->caption)
        html_word(h, "caption", NULL, head->caption);
    html_open(h, "thead", NULL);
    html_open(h, "tr", NULL);
    for (size_t i = 0; i < head->n; i++)
        html_word(h, "th",
                  is_number(head->columns[i]) ? "class=\"n\" scope=\"col\""
                                              : "scope=\"col\"",
                  head->columns[i]);
    html_close(h);
    html_close(h);
    html_open(h, "tbody", NULL);
}

void html_table_end(struct html *h)
{
    html_close(h);
    html_close(h);
}

void html_row(struct html *h, const char *class_)
{
    char attribute[40];
    snprintf(attribute, sizeof(attribute), "class=\"%s\"",
             class_ ? class_ : "");
    html_open(h, "tr", class_ ? attribute : NULL);
}

void html_row_end(struct html *h)
{
    html_close(h);
}

void html_cell(struct html *h, struct str s)
{
    html_raw(h, "<td>");
    if (s.n)
        html_value(h, s);
    html_raw(h, "</td>");
}

void html_cell_short(struct html *h, struct str s)
{
    html_raw(h, "<td class=\"s\">");
    if (s.n)
        html_value(h, s);
    html_raw(h, "</td>");
}

void html_cell_wide(struct html *h, struct str s)
{
    html_raw(h, "<td class=\"w\">");
    if (s.n)
        html_value(h, s);
    html_raw(h, "</td>");
}

void html_cell_word(struct html *h, enum word w)
{
    html_raw(h, "<td class=\"s\">");
    html_text(h, word_text(h->lang, w));
    html_raw(h, "</td>");
}

void html_cell_u64(struct html *h, uint64_t v)
{
    html_raw(h, "<td class=\"n\">");
    html_u64(h, v);
    html_raw(h, "</td>");
}

void html_cell_hex(struct html *h, struct str bytes)
{
    html_raw(h, "<td class=\"h\">");
    html_hex(h, bytes);
    html_raw(h, "</td>");
}

void html_cell_time(struct html *h, bool timed, struct instant t, int digits)
{
    char text[TIME_TEXT_MAX];
    size_t n = timed ? time_format(text, t, digits, 0) : 0;
    html_raw(h, "<td class=\"t\">");
    if (n)
        html_text(h, (struct str){ text, n });
    else
        html_raw(h, "–");
    html_raw(h, "</td>");
}

static void put_shown(struct html *h, const char *attribute, uint64_t shown,
                      uint64_t all)
{
    if (shown >= all)
        return;
    char a[24], b[24];
    int n = snprintf(a, sizeof(a), "%llu", (unsigned long long)shown);
    int m = snprintf(b, sizeof(b), "%llu", (unsigned long long)all);
    html_open(h, "p", attribute);
    html_say(h, W_SHOWN, (struct str[]){ { a, (size_t)n }, { b, (size_t)m } },
             2);
    html_close(h);
}

void html_shown(struct html *h, uint64_t shown, uint64_t all)
{
    put_shown(h, "class=\"bad\"", shown, all);
}

void html_top(struct html *h, uint64_t shown, uint64_t all)
{
    put_shown(h, "class=\"soft\"", shown, all);
}

/* ---- the document -------------------------------------------------------- */

void html_begin(struct html *h, struct str title)
{
    unsigned char sha[SHA256_LEN];
    struct str css = { style, sizeof(style) - 1 };
    if (!hash_sha256(css, sha))
        h->failed = true;
    html_raw(h, "<!DOCTYPE html>\n<html lang=\"");
    html_text(h, word_lang(h->lang));
    html_raw(h, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" "
                "content=\"default-src 'none'; style-src 'sha256-");
    base64_encode(&h->b, (struct str){ (char *)sha, sizeof(sha) }, true);
    html_raw(h, "'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" "
                "content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_text(h, title);
    html_raw(h, "</title>\n<style>");
    buf_put(&h->b, css);
    html_raw(h, "</style>\n</head>\n<body>\n");
    html_open(h, "main", NULL);
}

void html_end(struct html *h)
{
    html_close(h);
    h->failed |= h->depth != 0;
    html_raw(h, "\n</body>\n</html>\n");
    html_flush(h);
}
