/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* identify_tool [--diff] [--tags] [--digest]: identifies many texts from standard input. Each is "LENGTH
 * NAME\n" and LENGTH bytes; the answer is a line NAME, kind, id, nearest, similarity (and diff), between
 * tabs. With
 * --tags, every line is a tag and the answer its id or "-". */
#include "govern/identify.h"
#include "govern/licence_digests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int tags(void)
{
    char line[1024], id[128];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        puts(mica_licence_canonical(line, id) ? id : "-");
    }
    return 0;
}

/* Prints the digest of the words of each text. */
static int digests(void)
{
    char header[1024];
    while (fgets(header, sizeof header, stdin)) {
        char *name, hex[MICA_DIGEST_HEX];
        size_t len = strtoul(header, &name, 10);
        char *text = malloc(len + 1);
        struct mica_licence_words words;
        struct mica_digest digest;
        if (!text || fread(text, 1, len, stdin) != len ||
            mica_licence_split(text, len, &words, NULL) != MICA_OK ||
            !mica_licence_digest(&words, 0, &digest))
            return 1;
        mica_digest_hex(&digest, hex);
        printf("%s%s", hex, name);
        mica_licence_words_release(&words);
        free(text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"UNKNOWN", "MODIFIED", "IDENTIFIED"};
    bool diff = argc > 1 && strcmp(argv[1], "--diff") == 0;
    if (argc > 1 && strcmp(argv[1], "--tags") == 0)
        return tags();
    if (argc > 1 && strcmp(argv[1], "--digest") == 0)
        return digests();
    char header[1024];
    while (fgets(header, sizeof header, stdin)) {
        char *name;
        size_t len = strtoul(header, &name, 10);
        name[strcspn(name, "\n")] = 0;
        char *text = malloc(len + 1);
        struct mica_licence_match match = {0};
        struct mica_err err;
        if (!text || fread(text, 1, len, stdin) != len)
            return 1;
        if (mica_licence_identify(text, len, &match, &err) != MICA_OK) {
            fprintf(stderr, "%s: %s\n", name, err.text);
            return 1;
        }
        printf("%s\t%s\t%s\t%s\t%.4f%s%s\n", name + (*name == ' '), kinds[match.kind], match.id,
               match.nearest, match.similarity, diff ? "\t" : "", diff && match.diff ? match.diff : "");
        mica_free(match.diff);
        free(text);
    }
    return 0;
}
