/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

static atomic_long count, fail_at;

/* The blocks that came from here: libc's own (scandir, getline) are freed through here, too, and do not
 * count. */
enum { SLOTS = 1 << 20 };
static void *blocks[SLOTS];
static long live;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const void *p)
{
    size_t i = (size_t)((uintptr_t)p / 16 * 0x9e3779b97f4a7c15u >> 44);
    while (blocks[i] && blocks[i] != p)
        i = (i + 1) % SLOTS;
    return i;
}

static void *counted(void *p)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&lock);
    blocks[slot_of(p)] = p;
    live++;
    pthread_mutex_unlock(&lock);
    return p;
}

static void forget(void *p)
{
    pthread_mutex_lock(&lock);
    size_t i = slot_of(p);
    if (p && blocks[i]) {
        blocks[i] = NULL;
        live--;
        /* Those behind it move up, so that no search ends at the gap. */
        for (size_t j = (i + 1) % SLOTS; blocks[j]; j = (j + 1) % SLOTS) {
            void *moved = blocks[j];
            blocks[j] = NULL;
            blocks[slot_of(moved)] = moved;
        }
    }
    pthread_mutex_unlock(&lock);
}

static bool may_allocate(void)
{
    long n = atomic_fetch_add(&count, 1) + 1;
    return n != atomic_load(&fail_at);
}

/* The linker replaces Mica's calls of NAME by __wrap_NAME and gives the original as __real_NAME. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *p);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *p);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? counted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? counted(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
    if (!may_allocate())
        return NULL;
    void *bigger = __real_realloc(p, size);
    if (bigger) {
        forget(p);
        counted(bigger);
    }
    return bigger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return may_allocate() ? counted(__real_aligned_alloc(alignment, size)) : NULL;
}

void __wrap_free(void *p)
{
    forget(p);
    __real_free(p);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if ((flags & MAP_ANONYMOUS) && !may_allocate())
        return MAP_FAILED;
    return __real_mmap(at, size, protection, flags, fd, offset);
}

void alloc_fail_at(long n)
{
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
}

long alloc_count(void)
{
    return atomic_load(&count);
}

long alloc_live(void)
{
    return live;
}

static void try_once(const char *name, alloc_scenario *scenario, void *arg, long n)
{
    struct mica_err err = {0};
    long before = alloc_live();
    alloc_fail_at(n);
    enum mica_status status = scenario(arg, &err);
    alloc_fail_at(0);
    if (status != MICA_OK && (n == 0 || status != MICA_ENOMEM))
        fail_msg("%s, failing allocation %ld: status %d: %s", name, n, (int)status, err.text);
    if (status != MICA_OK && !err.text[0])
        fail_msg("%s, failing allocation %ld: no message", name, n);
    if (alloc_live() != before)
        fail_msg("%s, failing allocation %ld (status %d): %ld blocks are left", name, n, (int)status,
                 alloc_live() - before);
}

void alloc_fail_everywhere(const char *name, alloc_scenario *scenario, void *arg, long most)
{
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    try_once(name, scenario, arg, 0); /* what is made once and kept is made here */
    struct mica_err err = {0};
    alloc_fail_at(0);
    enum mica_status status = scenario(arg, &err);
    long total = alloc_count();
    if (status != MICA_OK || total == 0)
        fail_msg("%s: status %d after %ld allocations: %s", name, (int)status, total, err.text);
    long step = most > 0 && total > most ? (total + most - 1) / most : 1;
    for (long n = 1; n <= total; n += step)
        try_once(name, scenario, arg, n);
    print_message("%s: %ld of %ld allocations failed in turn\n", name, (total + step - 1) / step, total);
}
