/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* store_tool NAME SEED PARTS: stores a model whose one blob is made from SEED, in parts, the way a download
 * does, and says each step on a line, so that a test can end it anywhere. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PART = 1 << 16 };

static void step(const char *what, uint64_t part)
{
    printf("%s %llu\n", what, (unsigned long long)part);
    fflush(stdout);
}

static void fill(uint8_t *data, size_t size, uint64_t state)
{
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        data[i] = (uint8_t)(state >> 56);
    }
}

static enum mica_status write_parts(struct mica_blob_writer *writer, const uint8_t *data, uint64_t n,
                                    struct mica_err *err)
{
    enum mica_status status = mica_blob_parts(writer, n * PART, PART, err);
    for (uint64_t i = 0; status == MICA_OK && i < n; i++) {
        if (mica_blob_part_done(writer, i)) {
            step("kept", i);
            continue;
        }
        step("writing", i);
        if (pwrite(mica_blob_fd(writer), data + i * PART, PART, (off_t)(i * PART)) != PART)
            return mica_fail(err, MICA_EIO, "short write");
        step("written", i);
        status = mica_blob_part_mark(writer, i, err);
        step("marked", i);
    }
    return status;
}

static enum mica_status add_model(struct mica_store *store, const char *text, const uint8_t *data, uint64_t n,
                                  struct mica_err *err)
{
    struct mica_digest digest;
    struct mica_blob_writer *writer = NULL;
    struct mica_name name;
    struct mica_manifest *manifest = mica_manifest_new();
    if (!manifest || !mica_sha256(data, n * PART, &digest))
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    enum mica_status status = mica_name_parse(text, &name, err);
    if (status == MICA_OK)
        status = mica_blob_begin(store, &digest, &writer, err);
    step(writer ? "begun" : "complete", 0);
    if (status == MICA_OK && writer) {
        status = write_parts(writer, data, n, err);
        step("committing", 0);
        if (status == MICA_OK)
            status = mica_blob_commit(writer, NULL, NULL, err);
        else
            mica_blob_abandon(writer, false);
    }
    step("committed", 0);
    if (status == MICA_OK)
        status = mica_manifest_add(manifest, MICA_LAYER_MODEL, &digest, n * PART, NULL, err);
    if (status == MICA_OK)
        status = mica_store_make_config(store, manifest, err);
    if (status == MICA_OK)
        status = mica_manifest_seal(manifest, err);
    step("publishing", 0);
    if (status == MICA_OK)
        status = mica_store_publish(store, &name, manifest, err);
    mica_manifest_free(manifest);
    return status;
}

int main(int argc, char **argv)
{
    struct mica_store *store = NULL;
    struct mica_err err;
    if (argc != 4)
        return 2;
    uint64_t n = strtoull(argv[3], NULL, 10);
    uint8_t *data = malloc(n * PART);
    if (!data)
        return 1;
    fill(data, n * PART, strtoull(argv[2], NULL, 10));
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = add_model(store, argv[1], data, n, &err);
    mica_store_close(store);
    free(data);
    if (status != MICA_OK)
        fprintf(stderr, "store_tool: %s\n", err.text);
    else
        step("published", 0);
    return mica_status_exit(status);
}
