/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static FILE *raw; /* NULL: nothing is guarded */

/* Bytes of the character that begins with byte, by what UTF-8 allows; 0: none begins so. */
static size_t announced(unsigned char byte)
{
    return byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

/* How many of the len bytes at text belong to one well-formed character; 0: the first byte is none's.
 * *partial: they could become one with more bytes. */
static size_t character(const unsigned char *text, size_t len, uint32_t *code, bool *partial)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = announced(text[0]), i = 1;
    *partial = false;
    *code = n < 2 ? text[0] : text[0] & (0x7fu >> n);
    for (; i < n && i < len && (text[i] & 0xc0) == 0x80; i++)
        *code = *code << 6 | (text[i] & 0x3f);
    *partial = i < n && i == len;
    bool is_whole =
        n > 0 && i == n && *code >= least[n] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
    return is_whole ? n : 0;
}

static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

size_t mica_terminal_clean(const char *text, size_t len, bool is_last, char *out, size_t *left)
{
    size_t used = 0, at = 0;
    *left = 0;
    while (at < len) {
        uint32_t code;
        bool partial;
        const unsigned char *here = (const unsigned char *)text + at;
        size_t n = character(here, len - at, &code, &partial);
        bool may_end_line = here[0] == '\r' && at + 1 == len;
        if ((partial || may_end_line) && !is_last) {
            *left = len - at;
            break;
        }
        bool is_line_end = here[0] == '\r' && at + 1 < len && here[1] == '\n';
        if (is_line_end) {
            at++;
        } else if (n == 0 || (steers(code) && code != '\n' && code != '\t')) {
            out[used++] = '?';
            at += n ? n : 1;
        } else {
            memmove(out + used, here, n);
            used += n;
            at += n;
        }
    }
    return used;
}

/* What is not a whole character yet waits for the next write. */
static struct {
    char bytes[4];
    size_t n;
} waiting;

static ssize_t write_clean(void *cookie, const char *text, size_t len)
{
    char buf[4096], out[sizeof buf];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < sizeof buf - waiting.n ? len - done : sizeof buf - waiting.n, left;
        memcpy(buf, waiting.bytes, waiting.n);
        memcpy(buf + waiting.n, text + done, n);
        size_t clean = mica_terminal_clean(buf, waiting.n + n, false, out, &left);
        memcpy(waiting.bytes, buf + waiting.n + n - left, left);
        waiting.n = left;
        done += n;
        if (fwrite(out, 1, clean, raw) != clean)
            return 0;
    }
    return fflush(raw) == 0 ? (ssize_t)len : 0;
}

void mica_terminal_guard(void)
{
    if (raw || !isatty(STDOUT_FILENO))
        return;
    FILE *guarded = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_clean});
    if (!guarded)
        return; /* without memory the program ends soon, and says so */
    setvbuf(guarded, NULL, _IOLBF, 0);
    raw = stdout;
    stdout = guarded;
}

FILE *mica_terminal_raw(void)
{
    return raw ? raw : stdout;
}

static void write_line(FILE *to, const char *prefix, const char *fmt, va_list args)
{
    char text[2048];
    size_t left;
    int n = vsnprintf(text, sizeof text, fmt, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    len = mica_terminal_clean(text, len, true, text, &left);
    fprintf(to, "%s%.*s\n", prefix, (int)len, text);
}

void mica_terminal_say(const char *fmt, ...)
{
    va_list args;
    fflush(stdout);
    va_start(args, fmt);
    write_line(stderr, "mica: ", fmt, args);
    va_end(args);
}

void mica_terminal_line(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_line(stdout, "", fmt, args);
    va_end(args);
}
