/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a card: front matter, package metadata or package.json. */
#include "govern/card.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_card card = {0};
    struct mica_arena arena = {0};
    struct mica_err err = {0};
    enum mica_status status = mica_card_read((const char *)data, size, "input", &arena, &card, &err);
    if (status != MICA_OK && err.status != status)
        abort();
    /* What was found is text, and none of it is a text that stands for an id. */
    if (status == MICA_OK && card.licence && strlen(card.licence) > size + 64)
        abort();
    mica_arena_release(&arena);
    return 0;
}
