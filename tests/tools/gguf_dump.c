/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Prints what the GGUF reader read, as JSON: gguf_dump FILE. Strings are hex, since they may be any bytes. */
#include "base/mem.h"
#include "format/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_hex(const char *s, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++)
        printf("%02x", (uint8_t)s[i]);
    putchar('"');
}

static void print_array(const struct mica_gguf *gguf, const char *key, int64_t n)
{
    int64_t n_strs, whole;
    double number;
    const struct mica_str *strs = mica_gguf_array_strs(gguf, key, &n_strs);
    putchar('[');
    for (int64_t i = 0; i < n; i++) {
        if (i)
            putchar(',');
        if (strs)
            print_hex(strs[i].data, strs[i].len);
        else if (mica_gguf_array_int(gguf, key, i, &whole))
            printf("%" PRId64, whole);
        else if (mica_gguf_array_float(gguf, key, i, &number))
            printf("%.17g", number);
        else
            printf("null");
    }
    putchar(']');
}

static void print_value(const struct mica_gguf *gguf, const char *key)
{
    int64_t whole, n = mica_gguf_array_len(gguf, key);
    double number;
    bool flag;
    const char *s;
    size_t len;
    if (n >= 0)
        print_array(gguf, key, n);
    else if (mica_gguf_bool(gguf, key, &flag))
        printf("%s", flag ? "true" : "false");
    else if (mica_gguf_int(gguf, key, &whole))
        printf("%" PRId64, whole);
    else if (mica_gguf_float(gguf, key, &number))
        printf("%.17g", number);
    else if (mica_gguf_str(gguf, key, &s, &len))
        print_hex(s, len);
    else
        printf("null");
}

int main(int argc, char **argv)
{
    struct mica_files *files;
    struct mica_gguf *gguf;
    struct mica_err err;
    if (argc != 2)
        return 2;
    if (mica_files_open(argv[1], &files, &err) != MICA_OK || mica_gguf_open(files, &gguf, &err) != MICA_OK) {
        fprintf(stderr, "%s\n", err.text);
        return mica_status_exit(err.status);
    }
    printf("{\"keys\":{");
    const char *key;
    for (int64_t i = 0; (key = mica_gguf_key_at(gguf, i)); i++) {
        printf("%s\"%s\":", i ? "," : "", key);
        print_value(gguf, key);
    }
    printf("},\"tensors\":[");
    for (int64_t i = 0; i < mica_gguf_tensor_count(gguf); i++) {
        const struct mica_file_tensor *t = mica_gguf_tensor_at(gguf, i);
        printf("%s{\"name\":\"%s\",\"type\":%d,\"offset\":%zu,\"size\":%zu,\"shape\":[", i ? "," : "",
               t->name, mica_wtypes[t->type].gguf_id, t->offset, t->size);
        for (int d = 0; d < t->n_dims; d++)
            printf("%s%" PRId64, d ? "," : "", t->shape[d]);
        printf("]}");
    }
    printf("]}\n");
    mica_gguf_free(gguf);
    mica_files_free(files);
    return 0;
}
