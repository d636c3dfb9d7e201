/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Names of models: [registry/][namespace/]name[:tag], as Ollama spells them. */
#ifndef MICA_NAME_H
#define MICA_NAME_H

#include <mica/base.h>
#include <stdbool.h>

#define MICA_DEFAULT_REGISTRY  "registry.ollama.ai"
#define MICA_DEFAULT_NAMESPACE "library"
#define MICA_DEFAULT_TAG       "latest"

struct mica_name {
    char registry[256]; /* a host, maybe with a port */
    char namespace_[256];
    char model[128];
    char tag[128];
};

enum { MICA_NAME_TEXT = 800 };
/* Parses text; parts left out take the defaults above. Every part is checked against an allow-list of
 * characters (letters, digits, '.', '_', '-'; a ':' with a port in the registry), never begins with '.' and
 * is never "..", so that a name can be a path below the store. EARG says which part is wrong. */
enum mica_status mica_name_parse(const char *text, struct mica_name *out, struct mica_err *err);
/* The shortest text that parses to name: "smollm2:latest", "user/model:tag", "host/ns/model:tag". */
void mica_name_print(const struct mica_name *name, char out[MICA_NAME_TEXT]);
bool mica_name_equal(const struct mica_name *a, const struct mica_name *b);

#endif
