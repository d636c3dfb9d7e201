/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* licence_tool: the rows of the licence table as ID, tab, OSI or -. With ids as arguments: each with OSI or
 * -, and open or -. */
#include "govern/licence.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 0; argc == 1 && i < mica_licence_count(); i++)
        printf("%s\t%s\n", mica_licence_at(i)->id,
               mica_licence_at(i)->flags & MICA_LICENCE_OSI ? "OSI" : "-");
    for (int i = 1; i < argc; i++)
        printf("%s\t%s\t%s\n", argv[i], mica_licence_is_osi(argv[i]) ? "OSI" : "-",
               mica_licence_is_open(argv[i]) ? "open" : "-");
    return 0;
}
