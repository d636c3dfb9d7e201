/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reads safetensors, also sharded by model.safetensors.index.json
 * (https://github.com/huggingface/safetensors). Same rules of lifetime and threads as gguf.h. Only the
 * tensors' bytes and the JSON header are ever read. */
#ifndef MICA_SAFETENSORS_H
#define MICA_SAFETENSORS_H

#include "base/wtype.h"

struct mica_safetensors;

/* Opens every *.safetensors of the set (through the index when there is one: each shard it names must be
 * there, and each tensor in the shard it is said to be in). dtypes other than F32, F16 and BF16 are skipped
 * over but validated. */
enum mica_status mica_safetensors_open(const struct mica_files *files, struct mica_safetensors **out,
                                       struct mica_err *err);
void mica_safetensors_free(struct mica_safetensors *st);
int64_t mica_safetensors_tensor_count(const struct mica_safetensors *st);
const struct mica_file_tensor *mica_safetensors_tensor_at(const struct mica_safetensors *st, int64_t i);
const struct mica_file_tensor *mica_safetensors_tensor(const struct mica_safetensors *st, const char *name);

#endif
