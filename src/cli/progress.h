/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The progress line of long transfers: a bar with amount, speed and time left on a terminal, a line now and
 * then elsewhere. */
#ifndef MICA_CLI_PROGRESS_H
#define MICA_CLI_PROGRESS_H

#include "cli/models.h"

enum { MICA_PROGRESS_SAMPLES = 16 };
struct mica_progress {
    bool is_quiet, is_terminal, has_line;
    char what[128];
    double times[MICA_PROGRESS_SAMPLES], last_plain; /* the last few seconds, for the speed */
    uint64_t amounts[MICA_PROGRESS_SAMPLES];
    int n;
};
/* Also makes the first Ctrl-C a request to stop (a second one ends the program), and a limit on file sizes an
 * error of the write. */
void mica_progress_begin(struct mica_progress *progress, bool quiet);
/* total: 0 while not known. false once Ctrl-C was pressed. */
bool mica_progress_show(struct mica_progress *progress, const char *what, uint64_t done, uint64_t total);
/* Takes the line away, before anything else is printed. */
void mica_progress_end(struct mica_progress *progress);

#endif
