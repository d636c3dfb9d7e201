/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drives a fuzz target without libFuzzer: first every file of the kept corpus as it is, then mutations of
 * them. The same numbers give the same inputs on every machine, so that a failure can be run again:
 *   replay CORPUS [MUTATIONS [FIRST]]
 * MICA_MUTATIONS overrides the number. After a crash the last number on stderr is at most 63 below the
 * culprit. */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILES = 4096, MAX_SIZE = 4 << 20, MAX_GROWTH = 256 };

struct sample {
    uint8_t *data;
    size_t size;
};

static struct sample samples[MAX_FILES];
static int n_samples;

/* SplitMix64: every input depends on its number only. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
    return n ? next_random(state) % n : 0;
}

static bool add_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    uint8_t *data = malloc(MAX_SIZE);
    size_t size = data ? fread(data, 1, MAX_SIZE, f) : 0;
    fclose(f);
    if (!data)
        return false;
    samples[n_samples++] = (struct sample){realloc(data, size ? size : 1), size};
    return true;
}

static bool read_corpus(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && n_samples < MAX_FILES)
            ok &= add_file(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return ok && n_samples > 0;
}

/* Integers that parsers get wrong, in little-endian order. */
static const uint64_t odd_numbers[] = {0,
                                       1,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0x3fffffffffffffff,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0xfffffffffffffff8,
                                       0xffffffffffffffff};

/* The same for parsers of text. */
static const char *const odd_texts[] = {
    "-1",
    "0",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "1e999",
    "0.5",
    "[]",
    "{}",
    "null",
    "\"\"",
    "\\u0000",
    "\xff",
    "{{",
    "%}",
    "[[",
    "\"a\":",
    "true",
    "(",
    "{%- if x %}",
    "-",
    "**",
    "|",
};

/* Puts one of odd_texts in the place of a number, or of anything where none follows. */
static size_t replace_number(uint64_t *state, uint8_t *data, size_t at, size_t size)
{
    const char *text = odd_texts[below(state, sizeof odd_texts / sizeof *odd_texts)];
    size_t n = strlen(text), len = 0;
    for (size_t i = at; i < size && i < at + 256; i++) {
        if (data[i] >= '0' && data[i] <= '9') {
            at = i;
            break;
        }
    }
    while (at + len < size && data[at + len] >= '0' && data[at + len] <= '9')
        len++;
    memmove(data + at + n, data + at + len, size - at - len);
    memcpy(data + at, text, n);
    return size - len + n;
}

/* Changes a 64-bit number that could be a length or an offset, if one lies near: it is below the size. */
static void change_length(uint64_t *state, uint8_t *data, size_t at, size_t size)
{
    for (size_t i = at; i + 8 <= size && i < at + 512; i++) {
        uint64_t v;
        memcpy(&v, data + i, 8);
        if (v == 0 || v > size)
            continue;
        switch (below(state, 4)) {
        case 0:
            v = odd_numbers[below(state, sizeof odd_numbers / sizeof *odd_numbers)];
            break;
        case 1:
            v += 1;
            break;
        case 2:
            v -= 1;
            break;
        default:
            v = below(state, 2 * size);
        }
        memcpy(data + i, &v, 8);
        return;
    }
}

/* Goes on like another sample from somewhere in it. */
static size_t splice(uint64_t *state, uint8_t *data, size_t at, size_t size)
{
    const struct sample *other = &samples[below(state, (size_t)n_samples)];
    size_t from = below(state, other->size), len = other->size - from;
    if (len > size - at)
        len = size - at;
    memcpy(data + at, other->data + from, len);
    return at + len;
}

static size_t mutate_once(uint64_t *state, uint8_t *data, size_t size)
{
    static const size_t widths[] = {1, 2, 4, 8};
    size_t at = below(state, size), width = widths[below(state, 4)], len = 1 + below(state, 64);
    switch (below(state, 18)) {
    case 0: /* flip a bit */
    case 13:
    case 14:
        if (size)
            data[at] ^= (uint8_t)(1u << below(state, 8));
        return size;
    case 1: /* any byte */
    case 15:
        if (size)
            data[at] = (uint8_t)next_random(state);
        return size;
    case 2: /* an odd number */
    case 16:
        if (at + width <= size)
            memcpy(data + at, &odd_numbers[below(state, sizeof odd_numbers / sizeof *odd_numbers)], width);
        return size;
    case 3: /* add a little to a number */
        if (at + 4 <= size) {
            uint32_t v;
            memcpy(&v, data + at, 4);
            v += (uint32_t)below(state, 33) - 16;
            memcpy(data + at, &v, 4);
        }
        return size;
    case 4: /* cut the end off */
        return at;
    case 5: /* remove a piece */
        len = len < size - at ? len : size - at;
        memmove(data + at, data + at + len, size - at - len);
        return size - len;
    case 6: /* repeat a piece */
        len = len < size - at ? len : size - at;
        memmove(data + at + len, data + at, size - at);
        return size + len;
    case 7:
    case 8:
        return replace_number(state, data, at, size);
    case 9:
    case 10:
    case 11:
        change_length(state, data, at, size);
        return size;
    case 12:
        return splice(state, data, at, size);
    default: { /* copy a piece from elsewhere */
        size_t from = below(state, size), rest = size - (from > at ? from : at);
        memmove(data + at, data + from, len < rest ? len : rest);
        return size;
    }
    }
}

static bool run_mutation(uint64_t number)
{
    uint64_t state = number * 0x2545f4914f6cdd1du + 1;
    const struct sample *from = &samples[below(&state, n_samples)];
    size_t steps = 1 + below(&state, 4) * below(&state, 2), size = from->size;
    uint8_t *data = malloc(from->size + steps * MAX_GROWTH);
    if (!data)
        return false;
    memcpy(data, from->data, from->size);
    for (size_t i = 0; i < steps; i++)
        size = mutate_once(&state, data, size);
    /* An allocation of the exact size, so that AddressSanitizer sees the first byte past the end. */
    uint8_t *exact = malloc(size ? size : 1);
    bool ok = exact != NULL;
    if (ok) {
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(data);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CORPUS [MUTATIONS [FIRST]]\n", argv[0]);
        return 2;
    }
    const char *asked = getenv("MICA_MUTATIONS");
    uint64_t n = asked && *asked ? strtoull(asked, NULL, 10) : argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (!read_corpus(argv[1])) {
        fprintf(stderr, "%s: no corpus there\n", argv[1]);
        return 1;
    }
    for (int i = 0; i < n_samples && first == 0; i++)
        LLVMFuzzerTestOneInput(samples[i].data, samples[i].size);
    for (uint64_t i = first; i < first + n; i++) {
        if (i % 64 == 0)
            fprintf(stderr, "\rinput %llu", (unsigned long long)i);
        if (!run_mutation(i))
            return 1;
    }
    fprintf(stderr, "\r%d kept inputs and %llu mutations ran\n", n_samples, (unsigned long long)n);
    for (int i = 0; i < n_samples; i++)
        free(samples[i].data);
    return 0;
}
