/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/licences_print.h"

#include <string.h>

const char *const mica_licence_heads[MICA_LICENCE_N_COLUMNS] = {
#define X(name, text) text,
    MICA_LICENCE_COLUMNS(X)
#undef X
};

/* ---- escaping: names, licences and owners come from anyone ---- */

/* Control characters would move the cursor, end a row, or hide text. */
static char plain(char c)
{
    return (unsigned char)c < ' ' || c == 127 ? ' ' : c;
}

static void put_plain(struct mica_buf *out, const char *text)
{
    for (; *text; text++)
        mica_buf_append(out, &(char){plain(*text)}, 1);
}

static void put_markdown(struct mica_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_[]<>", *text))
            mica_buf_puts(out, "\\");
        mica_buf_append(out, &(char){plain(*text)}, 1);
    }
}

static void put_csv(struct mica_buf *out, const char *text)
{
    mica_buf_puts(out, "\"");
    if (*text && strchr("=+-@\t\r\n", *text))
        mica_buf_puts(out, "'");
    for (; *text; text++) {
        if (*text == '"')
            mica_buf_puts(out, "\"");
        mica_buf_append(out, &(char){plain(*text)}, 1);
    }
    mica_buf_puts(out, "\"");
}

static void put_html(struct mica_buf *out, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text; text++) {
        const char *entity = NULL;
        for (size_t i = 0; i < MICA_COUNT(entities); i++)
            if (entities[i].c == *text)
                entity = entities[i].entity;
        if (entity)
            mica_buf_puts(out, entity);
        else
            mica_buf_append(out, &(char){plain(*text)}, 1);
    }
}

/* ---- formats ---- */

/* Columns on a screen: a character is one cell wide, which holds for the names that occur. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void put_table_row(struct mica_buf *out, const char *const *cells, const size_t *widths)
{
    for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++) {
        put_plain(out, cells[c]);
        bool is_last = true;
        for (int rest = c + 1; rest < MICA_LICENCE_N_COLUMNS; rest++)
            is_last = is_last && !*cells[rest];
        if (is_last)
            break;
        for (size_t i = width_of(cells[c]); i < widths[c] + 2; i++)
            mica_buf_puts(out, " ");
    }
    mica_buf_puts(out, "\n");
}

static void print_table(const struct mica_licence_page *page, struct mica_buf *out)
{
    size_t widths[MICA_LICENCE_N_COLUMNS];
    for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++) {
        widths[c] = width_of(mica_licence_heads[c]);
        for (int64_t i = 0; i < page->n_rows; i++)
            if (width_of(page->rows[i].cells[c]) > widths[c])
                widths[c] = width_of(page->rows[i].cells[c]);
    }
    put_table_row(out, mica_licence_heads, widths);
    for (int64_t i = 0; i < page->n_rows; i++)
        put_table_row(out, page->rows[i].cells, widths);
}

static void print_markdown(const struct mica_licence_page *page, struct mica_buf *out)
{
    mica_buf_puts(out, "# ");
    put_markdown(out, page->title);
    mica_buf_puts(out, "\n\n");
    for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++)
        mica_buf_printf(out, "| %s ", mica_licence_heads[c]);
    mica_buf_puts(out, "|\n");
    for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++)
        mica_buf_puts(out, "| --- ");
    mica_buf_puts(out, "|\n");
    for (int64_t i = 0; i < page->n_rows; i++) {
        for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++) {
            mica_buf_puts(out, "| ");
            put_markdown(out, page->rows[i].cells[c]);
            mica_buf_puts(out, " ");
        }
        mica_buf_puts(out, "|\n");
    }
    mica_buf_printf(out, "\n%s%s%s\n", page->time, *page->digest ? ", register sha256 " : "", page->digest);
}

static void print_csv(const struct mica_licence_page *page, struct mica_buf *out)
{
    for (int64_t i = -1; i < page->n_rows; i++)
        for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++) {
            put_csv(out, i < 0 ? mica_licence_heads[c] : page->rows[i].cells[c]);
            mica_buf_puts(out, c + 1 < MICA_LICENCE_N_COLUMNS ? "," : "\r\n");
        }
}

static void print_html(const struct mica_licence_page *page, struct mica_buf *out)
{
    mica_buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    put_html(out, page->title);
    mica_buf_puts(out,
                  "</title>\n<style>\n"
                  "@page { size: A4 landscape; margin: 12mm }\n"
                  "body { font: 10pt sans-serif; margin: 1em }\n"
                  "table { border-collapse: collapse; width: 100% }\n"
                  "th, td { border: 1px solid #888; padding: 3px 6px; text-align: left; vertical-align: top; "
                  "overflow-wrap: anywhere }\n"
                  "thead { display: table-header-group }\ntr { break-inside: avoid }\n"
                  "</style>\n</head>\n<body>\n<h1>");
    put_html(out, page->title);
    mica_buf_puts(out, "</h1>\n<table>\n<thead>\n<tr>");
    for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++)
        mica_buf_printf(out, "<th>%s</th>", mica_licence_heads[c]);
    mica_buf_puts(out, "</tr>\n</thead>\n<tbody>\n");
    for (int64_t i = 0; i < page->n_rows; i++) {
        mica_buf_puts(out, "<tr>");
        for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++) {
            mica_buf_puts(out, "<td>");
            put_html(out, page->rows[i].cells[c]);
            mica_buf_puts(out, "</td>");
        }
        mica_buf_puts(out, "</tr>\n");
    }
    mica_buf_printf(out, "</tbody>\n</table>\n<p>%s%s%s</p>\n</body>\n</html>\n", page->time,
                    *page->digest ? ", register sha256 " : "", page->digest);
}

bool mica_licences_print(const char *format, const struct mica_licence_page *page, struct mica_buf *out)
{
    static const struct {
        const char *name;
        void (*print)(const struct mica_licence_page *page, struct mica_buf *out);
    } formats[] = {
        {"table", print_table}, {"markdown", print_markdown}, {"csv", print_csv}, {"html", print_html}};
    for (size_t i = 0; i < MICA_COUNT(formats); i++)
        if (strcmp(format, formats[i].name) == 0) {
            formats[i].print(page, out);
            return true;
        }
    return false;
}
