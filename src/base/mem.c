/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *mica_alloc(size_t n, size_t size)
{
    return calloc(n ? n : 1, size ? size : 1);
}

void *mica_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (!mica_mul_size(n, size, &bytes))
        return NULL;
    return realloc(p, bytes ? bytes : 1);
}

void mica_free(void *p)
{
    free(p);
}

char *mica_strdup(const char *s)
{
    return mica_strndup(s, strlen(s));
}

char *mica_strndup(const char *s, size_t len)
{
    char *copy = malloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

bool mica_grow(void *array, int64_t n, int64_t *capacity, size_t size)
{
    if (n < *capacity)
        return true;
    int64_t wanted = *capacity < 8 ? 16 : *capacity * 2;
    void *old, *bigger;
    memcpy(&old, array, sizeof old);
    bigger = mica_realloc(old, (size_t)wanted, size);
    if (!bigger)
        return false;
    memcpy(array, &bigger, sizeof bigger);
    *capacity = wanted;
    return true;
}

void *mica_pages_alloc(size_t size)
{
    void *p = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, size, MADV_HUGEPAGE);
    return p;
}

void mica_pages_free(void *p, size_t size)
{
    if (p)
        munmap(p, size ? size : 1);
}

struct mica_pages_region {
    char *data;
    size_t size, used;
};

void *mica_pages_take(struct mica_pages *pages, size_t size)
{
    enum { ALIGN = 64, REGION = 32 << 20 };
    if (!mica_add_size(size, ALIGN - 1, &size))
        return NULL;
    size = size / ALIGN * ALIGN;
    struct mica_pages_region *last = pages->n ? &pages->regions[pages->n - 1] : NULL;
    if (!last || last->size - last->used < size) {
        if (!mica_grow(&pages->regions, pages->n, &pages->capacity, sizeof *pages->regions) ||
            !pages->regions)
            return NULL;
        last = &pages->regions[pages->n];
        *last = (struct mica_pages_region){.size = size > REGION ? size : REGION};
        last->data = mica_pages_alloc(last->size);
        if (!last->data)
            return NULL;
        pages->n++;
    }
    last->used += size;
    return last->data + last->used - size;
}

void mica_pages_release(struct mica_pages *pages)
{
    for (int64_t i = 0; i < pages->n; i++)
        mica_pages_free(pages->regions[i].data, pages->regions[i].size);
    mica_free(pages->regions);
    *pages = (struct mica_pages){0};
}

/* Arena chunks form a list, newest first; each holds its payload after the header, aligned to 64. */
struct mica_arena_chunk {
    struct mica_arena_chunk *next;
    size_t size, used;
};
enum { ARENA_ALIGN = 64, ARENA_CHUNK = 64 * 1024 };

void *mica_arena_alloc(struct mica_arena *arena, size_t n, size_t size)
{
    size_t bytes, header = (sizeof(struct mica_arena_chunk) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!mica_mul_size(n, size, &bytes) || !mica_add_size(bytes, ARENA_ALIGN - 1, &bytes))
        return NULL;
    bytes &= ~(size_t)(ARENA_ALIGN - 1);
    struct mica_arena_chunk *chunk = arena->head;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t payload = bytes > ARENA_CHUNK ? bytes : ARENA_CHUNK, total;
        if (!mica_add_size(payload, header, &total) || total > SIZE_MAX / 2)
            return NULL;
        chunk = aligned_alloc(ARENA_ALIGN, total);
        if (!chunk)
            return NULL;
        *chunk = (struct mica_arena_chunk){arena->head, payload, 0};
        arena->head = chunk;
    }
    void *p = (char *)chunk + header + chunk->used;
    chunk->used += bytes;
    return memset(p, 0, bytes);
}

char *mica_arena_strndup(struct mica_arena *arena, const char *s, size_t len)
{
    char *copy = mica_arena_alloc(arena, len + 1, 1);
    if (copy)
        memcpy(copy, s, len);
    return copy;
}

void mica_arena_reset(struct mica_arena *arena)
{
    struct mica_arena_chunk *chunk = arena->head;
    size_t payload = 0, header = (sizeof *chunk + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!chunk)
        return;
    if (!chunk->next) {
        chunk->used = 0;
        return;
    }
    /* Several chunks become one, so that no space is lost at their ends. */
    for (; chunk; chunk = chunk->next)
        payload += chunk->size;
    mica_arena_release(arena);
    arena->head = aligned_alloc(ARENA_ALIGN, header + payload);
    if (arena->head)
        *arena->head = (struct mica_arena_chunk){NULL, payload, 0};
}

void mica_arena_release(struct mica_arena *arena)
{
    struct mica_arena_chunk *chunk = arena->head;
    while (chunk) {
        struct mica_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena->head = NULL;
}

bool mica_buf_append(struct mica_buf *buf, const void *data, size_t len)
{
    size_t wanted;
    if (buf->failed || !mica_add_size(buf->len, len, &wanted) || (buf->limit && wanted > buf->limit) ||
        wanted > SIZE_MAX / 4) {
        buf->failed = true;
        return false;
    }
    if (wanted + 1 > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
        if (capacity < wanted + 1)
            capacity = wanted + 1;
        char *bigger = realloc(buf->data, capacity);
        if (!bigger) {
            buf->failed = true;
            return false;
        }
        buf->data = bigger;
        buf->capacity = capacity;
    }
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len = wanted;
    buf->data[wanted] = 0;
    return true;
}

bool mica_buf_puts(struct mica_buf *buf, const char *s)
{
    return mica_buf_append(buf, s, strlen(s));
}

bool mica_buf_printf(struct mica_buf *buf, const char *fmt, ...)
{
    char local[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(local, sizeof local, fmt, args);
    bool ok = false;
    if (n < 0) {
        buf->failed = true;
    } else if ((size_t)n < sizeof local) {
        ok = mica_buf_append(buf, local, (size_t)n);
    } else {
        char *big = malloc((size_t)n + 1);
        if (big)
            vsnprintf(big, (size_t)n + 1, fmt, again);
        ok = big && mica_buf_append(buf, big, (size_t)n);
        buf->failed |= !ok;
        free(big);
    }
    va_end(again);
    va_end(args);
    return ok;
}

void mica_buf_release(struct mica_buf *buf)
{
    free(buf->data);
    *buf = (struct mica_buf){0};
}
