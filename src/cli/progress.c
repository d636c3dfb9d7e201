/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"
#include "cli/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    is_interrupted = 1;
}

void mica_progress_begin(struct mica_progress *progress, bool quiet)
{
    *progress =
        (struct mica_progress){.is_quiet = quiet, .is_terminal = !quiet && isatty(STDERR_FILENO) != 0};
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND}, NULL);
    signal(SIGXFSZ, SIG_IGN);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Bytes per second over the last samples; negative while not known. */
static double speed(struct mica_progress *s, uint64_t done)
{
    int oldest = s->n < MICA_PROGRESS_SAMPLES ? 0 : s->n % MICA_PROGRESS_SAMPLES;
    double first = s->times[oldest], at = now();
    uint64_t from = s->amounts[oldest];
    if (s->n > 0 && done < from) { /* something began anew */
        s->n = 0;
        return -1;
    }
    bool known = s->n > 0 && at - first > 0.5;
    s->times[s->n % MICA_PROGRESS_SAMPLES] = at;
    s->amounts[s->n % MICA_PROGRESS_SAMPLES] = done;
    s->n++;
    return known ? (double)(done - from) / (at - first) : -1;
}

static void time_left(double seconds, char out[MICA_SHORT_TEXT])
{
    if (seconds < 90)
        snprintf(out, MICA_SHORT_TEXT, "%.0f s left", seconds);
    else if (seconds < 5400)
        snprintf(out, MICA_SHORT_TEXT, "%.0f min left", seconds / 60);
    else
        snprintf(out, MICA_SHORT_TEXT, "%.1f h left", seconds / 3600);
}

/* How fast, and how long it will take at that: "  3.4 MB/s  10 s left". */
static void pace(double rate, uint64_t left, char *out, size_t size)
{
    const double stalled = 1000;
    char fast[MICA_SHORT_TEXT], time[MICA_SHORT_TEXT];
    *out = '\0';
    if (rate >= stalled) {
        mica_cli_size_text((uint64_t)rate, fast);
        time_left((double)left / rate, time);
        snprintf(out, size, "  %s/s  %s", fast, time);
    } else if (rate >= 0 && left) {
        snprintf(out, size, "  waiting");
    }
}

static void draw(struct mica_progress *s, const char *what, uint64_t done, uint64_t total)
{
    char have[MICA_SHORT_TEXT], all[MICA_SHORT_TEXT], paced[3 * MICA_SHORT_TEXT];
    char bar[BAR + 1];
    struct winsize size = {.ws_col = 80};
    double rate = speed(s, done);
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    mica_cli_size_text(done, have);
    mica_cli_size_text(total, all);
    pace(rate, total - done, paced, sizeof paced);
    int columns = size.ws_col >= 40 ? size.ws_col : 80, filled = 0;
    if (total)
        filled = (int)((double)done / (double)total * BAR);
    for (int i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = '\0';
    char line[512];
    if (!total && !done)
        snprintf(line, sizeof line, "asking for %s", what);
    else if (!total)
        snprintf(line, sizeof line, "%s  %s", have, what);
    else
        snprintf(line, sizeof line, "%3.0f%% [%s] %s of %s%s  %s", 100.0 * (double)done / (double)total, bar,
                 have, all, paced, what);
    fprintf(stderr, "\r\033[K%.*s", columns - 1, line);
    fflush(stderr);
    s->has_line = true;
}

bool mica_progress_show(struct mica_progress *s, const char *what, uint64_t done, uint64_t total)
{
    bool is_new = strncmp(s->what, what, sizeof s->what - 1) != 0;
    snprintf(s->what, sizeof s->what, "%s", what);
    size_t left; /* a name from elsewhere does not steer the terminal */
    s->what[mica_terminal_clean(s->what, strlen(s->what), true, s->what, &left)] = '\0';
    if (s->is_terminal) {
        draw(s, s->what, done, total);
    } else if (!s->is_quiet && (is_new || now() - s->last_plain > 10)) {
        char have[MICA_SHORT_TEXT], all[MICA_SHORT_TEXT];
        mica_cli_size_text(done, have);
        mica_cli_size_text(total, all);
        fprintf(stderr, total ? "%s: %s of %s\n" : "%s\n", s->what, have, all);
        s->last_plain = now();
    }
    return !is_interrupted;
}

void mica_progress_end(struct mica_progress *s)
{
    if (s->has_line)
        fputs("\r\033[K", stderr);
    s->has_line = false;
}
