/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/strmap.h"
#include "base/mem.h"

#include <string.h>

/* FNV-1a folded over eight bytes at a time; quality is enough for open addressing with a load below 1/2. */
static uint32_t hash_bytes(const char *key, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u ^ len;
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, key, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
        key += 8;
        len -= 8;
    }
    while (len--)
        h = (h ^ (uint8_t)*key++) * 0x100000001b3u;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

static struct mica_strmap_slot *find_slot(const struct mica_strmap *map, const char *key, size_t len,
                                          uint32_t hash)
{
    size_t mask = map->n_slots - 1, i = hash & mask;
    while (map->slots[i].key) {
        const struct mica_strmap_slot *slot = &map->slots[i];
        if (slot->hash == hash && slot->len == len && memcmp(slot->key, key, len) == 0)
            break;
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

bool mica_strmap_reserve(struct mica_strmap *map, size_t n)
{
    size_t wanted = 16;
    while (wanted < n * 2 + 2) {
        if (wanted > SIZE_MAX / 4)
            return false;
        wanted *= 2;
    }
    if (wanted <= map->n_slots)
        return true;
    struct mica_strmap bigger = {mica_alloc(wanted, sizeof *bigger.slots), wanted, map->n_used};
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < map->n_slots; i++)
        if (map->slots[i].key)
            *find_slot(&bigger, map->slots[i].key, map->slots[i].len, map->slots[i].hash) = map->slots[i];
    mica_free(map->slots);
    *map = bigger;
    return true;
}

bool mica_strmap_put(struct mica_strmap *map, const char *key, size_t len, int32_t value)
{
    if (len > UINT32_MAX || !mica_strmap_reserve(map, map->n_used + 1))
        return false;
    uint32_t hash = hash_bytes(key, len);
    struct mica_strmap_slot *slot = find_slot(map, key, len, hash);
    if (slot->key)
        return true;
    *slot = (struct mica_strmap_slot){key, (uint32_t)len, hash, value};
    map->n_used++;
    return true;
}

int32_t mica_strmap_get(const struct mica_strmap *map, const char *key, size_t len, int32_t missing)
{
    if (!map->n_slots || len > UINT32_MAX)
        return missing;
    const struct mica_strmap_slot *slot = find_slot(map, key, len, hash_bytes(key, len));
    return slot->key ? slot->value : missing;
}

void mica_strmap_release(struct mica_strmap *map)
{
    mica_free(map->slots);
    *map = (struct mica_strmap){0};
}
