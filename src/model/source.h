/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Where a model comes from: one view of a GGUF file and of an HF folder. Hyper-parameters and tensors are
 * asked for by both of their names; the source knows which of the two applies. */
#ifndef MICA_SOURCE_H
#define MICA_SOURCE_H

#include "format/gguf.h"
#include "format/safetensors.h"
#include "format/tokenizer.h"

#include <jansson.h>

struct mica_source {
    struct mica_gguf *gguf; /* one of the two is set */
    struct mica_safetensors *st;
    json_t *config;  /* config.json */
    json_t *hparams; /* config's text_config, or config itself (borrowed); completed by defaults */
    char arch[64];   /* general.architecture or model_type */
};

/* Reads the files' headers; weights are not touched. Keeps references to the mappings. */
enum mica_status mica_source_open(const struct mica_files *files, struct mica_source *out,
                                  struct mica_err *err);
void mica_source_release(struct mica_source *src);
static inline bool mica_source_is_hf(const struct mica_source *src)
{
    return src->st != NULL;
}

/* gguf_key is the part after "ARCH."; hf_key may be a path like "rope_parameters.rope_theta". Either may be
 * NULL. Each returns false and leaves *out alone when the source does not state it. */
bool mica_source_int(const struct mica_source *src, const char *gguf_key, const char *hf_key, int64_t *out);
bool mica_source_float(const struct mica_source *src, const char *gguf_key, const char *hf_key, double *out);
bool mica_source_bool(const struct mica_source *src, const char *gguf_key, const char *hf_key, bool *out);
/* The value of an HF path, or NULL (also for GGUF). Borrowed. */
const json_t *mica_source_hf(const struct mica_source *src, const char *path);
/* A string as GGUF (key without "ARCH.": general.license, …) or HF states it, copied into out; "" when
 * absent. */
void mica_source_str(const struct mica_source *src, const char *gguf_key, const char *hf_key, char *out,
                     size_t size);

/* The tensor by its GGUF name or its HF name (tried under the prefixes "model.", "language_model.model.",
 * "model.language_model." and none); NULL when absent. */
const struct mica_file_tensor *mica_source_tensor(const struct mica_source *src, const char *gguf_name,
                                                  const char *hf_name);
int64_t mica_source_tensor_count(const struct mica_source *src);
/* Neighbours in one array: a tensor's number is its distance from the first. */
const struct mica_file_tensor *mica_source_tensor_at(const struct mica_source *src, int64_t i);

#endif
