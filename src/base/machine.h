/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What this process may still take of the machine. Thread-safe. */
#ifndef MICA_MACHINE_H
#define MICA_MACHINE_H

#include <mica/base.h>

/* Bytes; UINT64_MAX where there is no limit, or none that can be read. */
struct mica_memory {
    uint64_t system;        /* MemAvailable of the whole machine */
    uint64_t cgroup;        /* least that this process's control groups still allow (v2 and v1) */
    uint64_t data;          /* least that RLIMIT_DATA and RLIMIT_AS still allow */
    uint64_t address_space; /* what RLIMIT_AS still allows: mapped files count in it */
    uint64_t available;     /* the least of system, cgroup and data */
    const char *limited_by; /* "machine", "control group" or "ulimit": which one that is */
};
/* Reads the limits below root, "" for this machine's own /proc and /sys (a test brings its own). File cache
 * that the kernel would drop counts as available. */
void mica_memory_available(const char *root, struct mica_memory *out);

#endif
