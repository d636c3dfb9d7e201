/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* identify_tool [--diff] [--tags]: identifies many texts from standard input. Each is "LENGTH NAME\n" and
 * LENGTH bytes; the answer is a line NAME, kind, id, nearest, similarity (and diff), between tabs. With
 * --tags, every line is a tag and the answer its id or "-". */
#include "govern/identify.h"

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

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"UNKNOWN", "MODIFIED", "IDENTIFIED"};
    bool diff = argc > 1 && strcmp(argv[1], "--diff") == 0;
    if (argc > 1 && strcmp(argv[1], "--tags") == 0)
        return tags();
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
