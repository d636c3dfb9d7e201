/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Allocation helpers: checked sizes, zeroed memory, arenas, growing buffers. All return NULL on failure. */
#ifndef MICA_MEM_H
#define MICA_MEM_H

#include <mica/base.h>
#include <stdbool.h>

#define MICA_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* *out = a op b, or false when the result does not fit. */
static inline bool mica_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool mica_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* n × size zeroed bytes; the caller frees with mica_free. n = 0 gives a valid, unique pointer. */
void *mica_alloc(size_t n, size_t size);
/* Resizes an array to n × size bytes (new bytes are not zeroed); on failure the old array stays. */
void *mica_realloc(void *p, size_t n, size_t size);
void mica_free(void *p);
char *mica_strdup(const char *s);
char *mica_strndup(const char *s, size_t len);

/* Makes room for one more element: doubles *capacity as needed. false when out of memory (array unchanged).
 */
bool mica_grow(void *array, int64_t n, int64_t *capacity, size_t size);

/* Page-aligned, zeroed memory for big things (weights, KV); asks for huge pages. Freed with the same size. */
void *mica_pages_alloc(size_t size);
void mica_pages_free(void *p, size_t size);

/* Many blocks of 64-byte aligned, zeroed memory side by side in regions large enough for huge pages, all
 * freed at once. Not thread-safe. */
struct mica_pages {
    struct mica_pages_region *regions;
    int64_t n, capacity;
};
void *mica_pages_take(struct mica_pages *pages, size_t size);
void mica_pages_release(struct mica_pages *pages);

/* An arena: allocations that are freed all at once. Not thread-safe. */
struct mica_arena {
    struct mica_arena_chunk *head;
};
/* n × size zeroed bytes, aligned to 64, living until reset or release; NULL when out of memory. */
void *mica_arena_alloc(struct mica_arena *arena, size_t n, size_t size);
char *mica_arena_strndup(struct mica_arena *arena, const char *s, size_t len);
/* Forgets everything but keeps the memory: what fitted before will fit again without asking the system. */
void mica_arena_reset(struct mica_arena *arena);
void mica_arena_release(struct mica_arena *arena); /* frees everything; the arena can be used again */

/* A growing byte buffer. Once an append failed, failed stays set and later appends do nothing: check once. */
struct mica_buf {
    char *data; /* always NUL-terminated when not NULL */
    size_t len, capacity;
    size_t limit; /* appending past it fails; 0 = none */
    bool failed;
};
bool mica_buf_append(struct mica_buf *buf, const void *data, size_t len);
bool mica_buf_puts(struct mica_buf *buf, const char *s);
bool mica_buf_printf(struct mica_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mica_buf_release(struct mica_buf *buf);

#endif
