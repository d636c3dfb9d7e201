/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A hash map from byte strings to int32. Keys are not copied: they must outlive the map. Not thread-safe
 * while filled. */
#ifndef MICA_STRMAP_H
#define MICA_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mica_strmap {
    struct mica_strmap_slot {
        const char *key;
        uint32_t len, hash;
        int32_t value;
    } * slots;
    size_t n_slots, n_used; /* n_slots is a power of two */
};

/* Room for n keys without growing. false when out of memory. */
bool mica_strmap_reserve(struct mica_strmap *map, size_t n);
/* Sets key → value. An existing key keeps its first value (as a vocabulary does). false when out of memory.
 */
bool mica_strmap_put(struct mica_strmap *map, const char *key, size_t len, int32_t value);
/* The value of key, or missing. */
int32_t mica_strmap_get(const struct mica_strmap *map, const char *key, size_t len, int32_t missing);
void mica_strmap_release(struct mica_strmap *map);

#endif
