/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/quant/form.h"

const struct mica_codec mica_codecs[MICA_W_COUNT] = {
#define X(NAME, decode, encode, packing) [MICA_W_##NAME] = {decode, encode},
#include "kern/quant.def"
#undef X
};
