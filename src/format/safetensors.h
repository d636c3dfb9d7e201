/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reads safetensors, also sharded by model.safetensors.index.json
 * (https://github.com/huggingface/safetensors). Same rules of lifetime and threads as gguf.h. Only the
 * tensors' bytes and the JSON header are ever read. */
#ifndef MICA_SAFETENSORS_H
#define MICA_SAFETENSORS_H

#include "base/wtype.h"

struct mica_safetensors;

/* Opens the safetensors files of the set: the shards that model.safetensors.index.json names, when it is
 * there (each must be there too, and each tensor in the shard it is said to be in); else model.safetensors;
 * else every
 * *.safetensors. dtypes other than F32, F16 and BF16 are skipped over but validated. A tensor's data need not
 * be aligned to its type: the format does not promise it. EFORMAT, EUNSUPPORTED, ENOTFOUND, ELIMIT, ENOMEM.
 */
enum mica_status mica_safetensors_open(const struct mica_files *files, struct mica_safetensors **out,
                                       struct mica_err *err);
void mica_safetensors_free(struct mica_safetensors *st);
int64_t mica_safetensors_tensor_count(const struct mica_safetensors *st);
const struct mica_file_tensor *mica_safetensors_tensor_at(const struct mica_safetensors *st, int64_t i);
const struct mica_file_tensor *mica_safetensors_tensor(const struct mica_safetensors *st, const char *name);

#endif
