/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What admission costs: admit_bench MODEL [THREADS] admits a stored model five times and prints the median, per GB. */
#include <mica/govern.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 5 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct mica_admit_options options = {.threads = argc > 2 ? atoi(argv[2]) : 0};
    double took[RUNS];
    size_t bytes = 0;
    if (argc < 2)
        return fprintf(stderr, "usage: admit_bench MODEL [THREADS]\n"), 2;
    for (int i = -1; i < RUNS; i++) { /* the first brings the file into the page cache */
        struct mica_admitted *admitted;
        struct mica_err err;
        double begin = seconds();
        if (mica_model_admit(argv[1], &options, &admitted, &err) != MICA_OK)
            return fprintf(stderr, "%s\n", err.text), 1;
        if (i >= 0)
            took[i] = seconds() - begin;
        bytes = 0;
        for (int f = 0; f < mica_files_count(admitted->files); f++)
            bytes += mica_mapping_size(mica_files_at(admitted->files, f));
        mica_admitted_free(admitted);
    }
    qsort(took, RUNS, sizeof took[0], compare);
    printf("%s: %.1f MB admitted in %.4f s (median of %d): %.3f s per GB\n", argv[1], (double)bytes / 1e6,
           took[RUNS / 2], RUNS, took[RUNS / 2] / ((double)bytes / 1e9));
    return 0;
}
