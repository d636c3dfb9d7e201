/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The sheet: runs the rows of assess.def, marks the points, prints. */
#include "govern/assess_internal.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <utf8proc.h>

static const struct {
    const char *name, *unseen;
} points[] = {
#define MICA_POINT_TEXT(name, text, unseen) {text, unseen},
    MICA_POINT_ROWS(MICA_POINT_TEXT)
#undef MICA_POINT_TEXT
};

const char *mica_point_text(enum mica_point point)
{
    return points[point].name;
}

const char *mica_point_unseen(enum mica_point point)
{
    return points[point].unseen;
}

const char *mica_mark_text(enum mica_mark mark)
{
    static const char *const texts[] = {"not seen", "poor", "partial", "good"};
    return texts[mark];
}

static const struct {
    enum mica_point point;
    bool model;
    mica_assess_check *check;
    const char *title;
} checks[] = {
#define X(point, subject, function, title)                                                                   \
    {MICA_POINT_##point, sizeof #subject == sizeof "model", mica_check_##subject##_##function, title},
#include "govern/assess.def"
#undef X
};

/* ---- findings ---- */

/* Makes text from anywhere fit for a terminal and for JSON, in place. */
static void clean(char *text)
{
    for (uint8_t *s = (uint8_t *)text; *s;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n = utf8proc_iterate(s, (utf8proc_ssize_t)strlen((char *)s), &code);
        bool unsafe = n <= 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
                      (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                      (code >= 0x2066 && code <= 0x2069);
        for (utf8proc_ssize_t i = 0; i < (n > 0 ? n : 1); i++, s++)
            if (unsafe)
                *s = ' ';
    }
}

static char *print_to_arena(struct mica_assess *a, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = len < 0 ? NULL : mica_arena_alloc(&a->sheet->arena, (size_t)len + 1, 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, fmt, args);
    else
        a->failed = true;
    return text;
}

char *mica_assess_printf(struct mica_assess *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = print_to_arena(a, fmt, args);
    va_end(args);
    return text;
}

void mica_found(struct mica_assess *a, enum mica_mark mark, const char *where, const char *fmt, ...)
{
    struct mica_assessment *sheet = a->sheet;
    va_list args;
    va_start(args, fmt);
    char *text = print_to_arena(a, fmt, args), *place = mica_assess_printf(a, "%s", where ? where : "");
    va_end(args);
    if (!text || !place ||
        !mica_grow(&sheet->findings, sheet->n_findings, &sheet->capacity, sizeof *sheet->findings)) {
        a->failed = true;
        return;
    }
    clean(text);
    clean(place);
    sheet->findings[sheet->n_findings++] = (struct mica_finding){a->point, mark, a->check, text, place};
}

/* ---- marks ---- */

/* The mean of what was seen, rounded to the nearer mark; a point of which nothing was seen has none. */
static void mark_points(struct mica_assessment *sheet)
{
    int64_t sum[MICA_POINTS] = {0}, n[MICA_POINTS] = {0};
    for (int64_t i = 0; i < sheet->n_findings; i++) {
        const struct mica_finding *f = &sheet->findings[i];
        if (f->mark == MICA_MARK_NOT_SEEN)
            continue;
        sum[f->point] += f->mark;
        n[f->point]++;
    }
    for (int p = 0; p < MICA_POINTS; p++)
        sheet->marks[p] = n[p] ? (enum mica_mark)((2 * sum[p] + n[p]) / (2 * n[p])) : MICA_MARK_NOT_SEEN;
}

static int64_t time_now(void)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    return epoch && *epoch ? strtoll(epoch, NULL, 10) : (int64_t)time(NULL);
}

static bool begin(struct mica_assess *a, const char *subject, const char *kind)
{
    a->tree.fd = -1;
    a->now = time_now();
    a->sheet = mica_alloc(1, sizeof *a->sheet);
    if (!a->sheet)
        return false;
    a->sheet->kind = kind;
    char *copy = mica_assess_printf(a, "%s", subject);
    if (!copy)
        return false;
    clean(copy);
    a->sheet->subject = copy;
    return true;
}

static enum mica_status finish(struct mica_assess *a, struct mica_assessment **out, struct mica_err *err)
{
    for (size_t i = 0; i < MICA_COUNT(checks); i++)
        if (checks[i].model == (a->model != NULL)) {
            a->point = checks[i].point;
            a->check = checks[i].title;
            checks[i].check(a);
        }
    mica_tree_close(&a->tree);
    if (a->failed) {
        mica_assessment_free(a->sheet);
        return mica_fail(err, MICA_ENOMEM, "out of memory while filling in the sheet");
    }
    mark_points(a->sheet);
    *out = a->sheet;
    return MICA_OK;
}

enum mica_status mica_assess_folder(const char *path, struct mica_assessment **out, struct mica_err *err)
{
    struct mica_assess a = {0};
    if (!begin(&a, path, "folder")) {
        mica_assessment_free(a.sheet);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    }
    enum mica_status status = mica_tree_open(path, &a, err);
    if (status != MICA_OK) {
        mica_tree_close(&a.tree);
        mica_assessment_free(a.sheet);
        return status;
    }
    mica_tree_read_git(&a);
    return finish(&a, out, err);
}

enum mica_status mica_assess_model(const struct mica_assess_model *model, struct mica_assessment **out,
                                   struct mica_err *err)
{
    struct mica_assess a = {.model = model};
    if (!begin(&a, model->name, "model")) {
        mica_assessment_free(a.sheet);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", model->name);
    }
    return finish(&a, out, err);
}

void mica_assessment_free(struct mica_assessment *assessment)
{
    if (!assessment)
        return;
    mica_arena_release(&assessment->arena);
    mica_free(assessment->findings);
    mica_free(assessment);
}

int64_t mica_text_line(const char *text, const char *word)
{
    bool heading = *word == '#';
    size_t len = strlen(word += heading);
    int64_t line = 1;
    for (const char *at = text; *at; line++) {
        const char *end = at + strcspn(at, "\n");
        const char *next = *end ? end + 1 : end;
        bool is_heading =
            *at == '#' || *at == '=' || strncmp(next, "---", 3) == 0 || strncmp(next, "===", 3) == 0;
        if (!heading || is_heading)
            for (const char *s = at; s + len <= end; s++)
                if (strncasecmp(s, word, len) == 0)
                    return line;
        at = next;
    }
    return 0;
}

/* ---- output ---- */

json_t *mica_assessment_json(const struct mica_assessment *sheet)
{
    json_t *list = json_array();
    for (int p = 0; p < MICA_POINTS; p++) {
        json_t *findings = json_array();
        for (int64_t i = 0; i < sheet->n_findings; i++) {
            const struct mica_finding *f = &sheet->findings[i];
            if ((int)f->point == p)
                json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s}", "check", f->check, "mark",
                                                          mica_mark_text(f->mark), "found", f->text, "where",
                                                          f->where));
        }
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "point", points[p].name, "mark",
                                              mica_mark_text(sheet->marks[p]), "findings", findings,
                                              "not_seen", points[p].unseen));
    }
    return json_pack("{s:s, s:s, s:o}", "subject", sheet->subject, "kind", sheet->kind, "points", list);
}

/* Text in a Markdown table: what would end a cell or begin a tag is written out. */
static void put_cell(struct mica_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\`*_[]<>|", *text))
            mica_buf_puts(out, "\\");
        mica_buf_append(out, text, 1);
    }
}

void mica_assessment_markdown(const struct mica_assessment *sheet, struct mica_buf *out)
{
    mica_buf_puts(out, "# Assessment of ");
    put_cell(out, sheet->subject);
    mica_buf_puts(out, "\n\n| point | mark |\n| --- | --- |\n");
    for (int p = 0; p < MICA_POINTS; p++)
        mica_buf_printf(out, "| %s | %s |\n", points[p].name, mica_mark_text(sheet->marks[p]));
    for (int p = 0; p < MICA_POINTS; p++) {
        mica_buf_printf(out, "\n## %s: %s\n\n| check | mark | found | where |\n| --- | --- | --- | --- |\n",
                        points[p].name, mica_mark_text(sheet->marks[p]));
        for (int64_t i = 0; i < sheet->n_findings; i++) {
            const struct mica_finding *f = &sheet->findings[i];
            if ((int)f->point != p)
                continue;
            mica_buf_printf(out, "| %s | %s | ", f->check, mica_mark_text(f->mark));
            put_cell(out, f->text);
            mica_buf_puts(out, " | ");
            put_cell(out, f->where);
            mica_buf_puts(out, " |\n");
        }
        mica_buf_printf(out, "\nNot to be seen from here: %s.\n", points[p].unseen);
    }
}

void mica_assessment_print(const struct mica_assessment *sheet, struct mica_buf *out)
{
    mica_buf_printf(out, "%s (%s)\n", sheet->subject, sheet->kind);
    for (int p = 0; p < MICA_POINTS; p++) {
        mica_buf_printf(out, "\n%-18s %s\n", points[p].name, mica_mark_text(sheet->marks[p]));
        for (int64_t i = 0; i < sheet->n_findings; i++) {
            const struct mica_finding *f = &sheet->findings[i];
            if ((int)f->point == p)
                mica_buf_printf(out, "  %-9s %s: %s%s%s%s\n", mica_mark_text(f->mark), f->check, f->text,
                                *f->where ? " (" : "", f->where, *f->where ? ")" : "");
        }
        mica_buf_printf(out, "  not to be seen from here: %s\n", points[p].unseen);
    }
}
