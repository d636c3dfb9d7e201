/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Which kernel table this process uses. */
#include "kern/kern.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "kern/init.h"

/* Worst first; the last one that the CPU supports is the best. */
enum isa { ISA_REF, ISA_AVX2, ISA_AVX512, ISA_COUNT };

static struct {
    struct mica_kern tables[ISA_COUNT];
    bool supported[ISA_COUNT];
    const struct mica_kern *chosen;
    const char *error;
} state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const isa_names[ISA_COUNT] = {"ref", "avx2", "avx512"};

#ifdef __x86_64__
/* clang's __builtin_cpu_supports does not know it. */
static bool has_f16c(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

/* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

/* A table starts as a copy of the next simpler one, so an ISA's files override only the rows they have. */
static void fill_tables(void)
{
    mica_kern_init_ref(&state.tables[ISA_REF]);
    state.supported[ISA_REF] = true;
#ifdef __x86_64__
    __builtin_cpu_init();
    state.tables[ISA_AVX2] = state.tables[ISA_REF];
    mica_kern_init_avx2(&state.tables[ISA_AVX2]);
    state.supported[ISA_AVX2] = has_avx2();
    state.tables[ISA_AVX512] = state.tables[ISA_AVX2];
    mica_kern_init_avx512(&state.tables[ISA_AVX512]);
    state.supported[ISA_AVX512] = has_avx512();
#endif
    for (int i = 0; i < ISA_COUNT; i++)
        state.tables[i].name = isa_names[i];
}

static int find_isa(const char *name)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (!strcmp(name, isa_names[i]))
            return i;
    return -1;
}

static void choose(void)
{
    fill_tables();
    for (int i = 0; i < ISA_COUNT; i++)
        if (state.supported[i])
            state.chosen = &state.tables[i];
    const char *wanted = getenv("MICA_ISA");
    if (!wanted || !*wanted)
        return;
    int isa = find_isa(wanted);
    if (isa < 0)
        state.error = "MICA_ISA is unknown: use ref, avx2 or avx512";
    else if (!state.supported[isa])
        state.error = "MICA_ISA names an instruction set that this CPU does not have";
    else
        state.chosen = &state.tables[isa];
}

const struct mica_kern *mica_kern_get(void)
{
    pthread_once(&once, choose);
    return state.chosen;
}

const char *mica_kern_isa_error(void)
{
    pthread_once(&once, choose);
    return state.error;
}

const struct mica_kern *mica_kern_named(const char *name)
{
    pthread_once(&once, choose);
    int isa = find_isa(name);
    return isa >= 0 && state.supported[isa] ? &state.tables[isa] : NULL;
}

void mica_kern_init_ref(struct mica_kern *kern)
{
    mica_kern_init_ref_matmul(kern);
    mica_kern_init_ref_rows(kern);
    mica_kern_init_ref_attention(kern);
}

#ifdef __x86_64__
void mica_kern_init_avx2(struct mica_kern *kern)
{
    mica_kern_init_avx2_matmul(kern);
    mica_kern_init_avx2_rows(kern);
    mica_kern_init_avx2_attention(kern);
}

void mica_kern_init_avx512(struct mica_kern *kern)
{
    mica_kern_init_avx512_matmul(kern);
    mica_kern_init_avx512_rows(kern);
    mica_kern_init_avx512_attention(kern);
}
#endif
