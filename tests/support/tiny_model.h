/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A whole model of a few kilobytes, made up: Llama's architecture, two layers, random weights, a byte-level
 * BPE tokenizer with a few merges, and a chat template. What it says is noise, but everything runs. */
#ifndef MICA_TESTS_TINY_MODEL_H
#define MICA_TESTS_TINY_MODEL_H

#include "base/mem.h"

enum { TINY_FIRST_CONTROL = 262 }; /* control tokens have the ids from here on */
enum { TINY_D = 64, TINY_HEADS = 2, TINY_HEAD_DIM = 32, TINY_FFN = 96, TINY_LAYERS = 2, TINY_CTX = 128 };

/* Appends the GGUF file. The same bytes every time. buf->failed when out of memory. */
void put_tiny_model(struct mica_buf *buf);

#endif
