/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* licence_tool: the rows of the licence table as ID, tab, OSI or -. With ids as arguments: each with OSI or
 * -, and open or -. With --clauses: ID, tab, clause for every term of every row. */
#include "govern/licence.h"

#include <stdio.h>
#include <string.h>

static int print_clauses(void)
{
    for (int i = 0; i < mica_licence_count(); i++) {
        const struct mica_licence *row = mica_licence_at(i);
        for (int k = 0; k < row->n_terms; k++)
            if (row->terms[k].clause[0])
                printf("%s\t%s\n", row->id, row->terms[k].clause);
        if (row->terminates[0])
            printf("%s\t%.*s\n", row->id, (int)strcspn(row->terminates, ":"), row->terminates);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--clauses") == 0)
        return print_clauses();
    for (int i = 0; argc == 1 && i < mica_licence_count(); i++)
        printf("%s\t%s\n", mica_licence_at(i)->id,
               mica_licence_at(i)->flags & MICA_LICENCE_OSI ? "OSI" : "-");
    for (int i = 1; i < argc; i++)
        printf("%s\t%s\t%s\n", argv[i], mica_licence_is_osi(argv[i]) ? "OSI" : "-",
               mica_licence_is_open(argv[i]) ? "open" : "-");
    return 0;
}
