/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "base/pool.h"
#include "kern/kern.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

int mica_bench_dummy;
