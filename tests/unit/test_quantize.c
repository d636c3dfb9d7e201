/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every instruction set quantises activations to the same bytes. */
#include "base/mem.h"
#include "kern/kern.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BLOCKS = 7, N = BLOCKS * MICA_ACT_BLOCK, ROUNDS = 2000 };

static const float odd[] = {0,    -0.0f, 1e-45f,    0x1p-126f, 1e-38f, 3e38f,     INFINITY,
                            NAN,  -NAN,  -INFINITY, 0.5f,      1.5f,   -2.5f,     127,
                            -128, 0.25f, 1e-30f,    -3.4e38f,  63.5f,  -0.49999f, 0.50001f};

static void fill(float *x, int round)
{
    for (int i = 0; i < N; i++)
        x[i] = ldexpf((float)(rand() - RAND_MAX / 2) / RAND_MAX, round % 60 - 30);
    for (int i = 0; i < round % 5; i++)
        x[rand() % N] = odd[rand() % (int)MICA_COUNT(odd)];
    if (round % 11 == 0) /* halves: where rounding to even shows */
        for (int i = 0; i < N; i++)
            x[i] = i % MICA_ACT_BLOCK ? (float)(rand() % 253 - 126) + 0.5f : 127;
}

static void same_bytes(void **state)
{
    static const char *const names[] = {"avx2", "avx512"};
    const struct mica_kern *ref = mica_kern_named("ref");
    (void)state;
    srand(5);
    for (int round = 0; round < ROUNDS; round++) {
        float x[N];
        struct mica_act_block want[BLOCKS], got[BLOCKS];
        fill(x, round);
        ref->quantize(x, N, want);
        for (size_t v = 0; v < MICA_COUNT(names); v++) {
            const struct mica_kern *kern = mica_kern_named(names[v]);
            if (!kern)
                continue;
            memset(got, 1, sizeof got);
            kern->quantize(x, N, got);
            for (int b = 0; b < BLOCKS; b++) {
                /* Any NaN is as good as another. */
                if (isnan(want[b].d) && isnan(got[b].d))
                    got[b].d = want[b].d;
                if (isnan(want[b].s) && isnan(got[b].s))
                    got[b].s = want[b].s;
                if (memcmp(&want[b], &got[b], sizeof got[b]) != 0)
                    fail_msg("%s: round %d, block %d differs from ref", names[v], round, b);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
