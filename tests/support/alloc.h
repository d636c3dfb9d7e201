/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Makes allocations fail on purpose. A program that uses it is linked with the wrap options of
 * tests/meson.build: then every malloc, calloc, realloc, aligned_alloc, free and anonymous mmap of Mica goes
 * through here, and jansson's through json_set_alloc_funcs. Counting is exact on one thread; several may
 * allocate. */
#ifndef MICA_TESTS_ALLOC_H
#define MICA_TESTS_ALLOC_H

#include <mica/base.h>

/* The n-th allocation from now (1 is the next) fails, once; 0: none does. */
void alloc_fail_at(long n);
/* Allocations since the last alloc_fail_at. */
long alloc_count(void);
/* Blocks that are allocated and not freed. */
long alloc_live(void);

/* A thing to try: all of its work, everything freed again, whether it succeeded or not. */
typedef enum mica_status alloc_scenario(void *arg, struct mica_err *err);

/* Runs the scenario once undisturbed (it must succeed), then with each of its allocations failing in turn;
 * with more than most of them, with evenly spaced ones. Each time it must return MICA_ENOMEM with a message,
 * or succeed because it could do without, and must leave nothing allocated. Fails the cmocka test with name
 * and number. */
void alloc_fail_everywhere(const char *name, alloc_scenario *scenario, void *arg, long most);

#endif
