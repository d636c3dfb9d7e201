/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Manifests (OCI image manifest, Docker schema 2), the way Ollama uses them: one layer per part of a model.
 */
#ifndef MICA_MANIFEST_H
#define MICA_MANIFEST_H

#include "base/mem.h"
#include "base/sha256.h"

/* What a layer is. Rows: constant, media type, whether a model has at most one. Media types of Ollama where
 * it has one. */
#define MICA_LAYER_ROWS(X)                                                                                   \
    X(MODEL, "application/vnd.ollama.image.model", false)     /* a GGUF file, or one part of a split one */  \
    X(ADAPTER, "application/vnd.ollama.image.adapter", false) /* a LoRA adapter, GGUF */                     \
    X(PROJECTOR, "application/vnd.ollama.image.projector", false) /* a vision projector, GGUF */             \
    X(TEMPLATE, "application/vnd.ollama.image.template", true)    /* chat template, text */                  \
    X(SYSTEM, "application/vnd.ollama.image.system", true)        /* default system message, text */         \
    X(PARAMS, "application/vnd.ollama.image.params", true)        /* default parameters, JSON object */      \
    X(MESSAGES, "application/vnd.ollama.image.messages", true)    /* example messages, JSON array */         \
    X(LICENSE, "application/vnd.ollama.image.license", false)     /* licence, notice or policy text */       \
    X(CARD, "application/vnd.mica.card", true)                    /* model card or package metadata, text */ \
    X(SIGNATURE, "application/vnd.mica.signature", false)         /* a signature over the model's files */   \
    X(FILE, "application/vnd.mica.file", false) /* any other file of an HF folder, by title */               \
    X(CONFIG, "application/vnd.docker.container.image.v1+json", true)

enum mica_layer_kind {
#define MICA_LAYER_ENUM(name, media_type, single) MICA_LAYER_##name,
    MICA_LAYER_ROWS(MICA_LAYER_ENUM)
#undef MICA_LAYER_ENUM
        MICA_LAYER_OTHER, /* kept and passed on, not used */
};

struct mica_layer {
    enum mica_layer_kind kind;
    char media_type[128];
    struct mica_digest digest;
    uint64_t size;
    char title[256]; /* annotation org.opencontainers.image.title: the file's name, maybe with folders; or ""
                      */
};

struct mica_manifest {
    struct mica_layer config;
    struct mica_layer *layers;
    int64_t n_layers, capacity;
    char *text; /* as parsed or printed: its SHA-256 is the model's digest */
    size_t len;
    struct mica_digest digest;
};

/* Parses len bytes from anyone: sizes, media types, digests and titles are checked (a title is a relative
 * path without "..", at most 1000 layers, 1 MiB of JSON). A manifest list is EUNSUPPORTED. Free the result.
 */
enum mica_status mica_manifest_parse(const char *text, size_t len, struct mica_manifest **out,
                                     struct mica_err *err);
/* An empty manifest to add layers to. NULL when out of memory. */
struct mica_manifest *mica_manifest_new(void);
enum mica_status mica_manifest_add(struct mica_manifest *manifest, enum mica_layer_kind kind,
                                   const struct mica_digest *digest, uint64_t size, const char *title,
                                   struct mica_err *err);
/* Adds a copy of a layer, as another manifest has it. */
enum mica_status mica_manifest_add_layer(struct mica_manifest *manifest, const struct mica_layer *layer,
                                         struct mica_err *err);
/* Fills text, len and digest from config and layers. Deterministic. */
enum mica_status mica_manifest_seal(struct mica_manifest *manifest, struct mica_err *err);
void mica_manifest_free(struct mica_manifest *manifest);
/* The first layer of a kind, or NULL. */
const struct mica_layer *mica_manifest_find(const struct mica_manifest *manifest, enum mica_layer_kind kind);
uint64_t mica_manifest_size(const struct mica_manifest *manifest); /* bytes of all layers */
const char *mica_layer_media_type(enum mica_layer_kind kind);
/* The kind of a layer's media type; MICA_LAYER_OTHER for one that we do not use. */
enum mica_layer_kind mica_layer_kind_of(const char *media_type);

#endif
