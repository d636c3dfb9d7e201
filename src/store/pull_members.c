/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the members of archives become: GGUF files, or parts of one that several packages bring; else the
 * files of an HF folder; texts of terms; a card. */
#include "format/gguf.h"
#include "store/unpack.h"
#include "store/source_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TERMS_MAX = 32, CARDS_MAX = 16, TEXT_MAX = 1 << 20, TITLE_MAX = 250 };

struct place {
    int archive;
    int64_t member;
    uint64_t number; /* of a part */
};
/* A layer to be: the members at places, one after the other. */
struct output {
    enum mica_layer_kind kind;
    char title[256];
    struct place *places;
    int64_t n, capacity;
    bool is_joined;
    struct mica_digest digest;
    uint64_t size;
};
struct card {
    struct place place;
    int rank; /* the lowest is taken */
    struct mica_buf text;
};
struct gathering {
    struct mica_puller *puller;
    struct mica_archive *const *archives;
    int n_archives;
    struct output *outputs;
    int64_t n, capacity;
    struct card cards[CARDS_MAX];
    int n_cards, n_terms;
    /* while reading */
    int archive;
    struct output *output; /* of a join */
    struct mica_blob_writer *writer;
    uint64_t at;
    struct mica_buf text;
};

static const char *name_of(const struct gathering *g, struct place place)
{
    return mica_archive_name(g->archives[place.archive], place.member);
}

/* ---- what there is ---- */

static enum mica_status add_output(struct gathering *g, enum mica_layer_kind kind, const char *title,
                                   struct output **out, struct mica_err *err)
{
    if (strlen(title) > TITLE_MAX)
        return mica_fail(err, MICA_ELIMIT, "%.60s…: the name is too long", title);
    if (!mica_grow(&g->outputs, g->n, &g->capacity, sizeof *g->outputs))
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    *out = &g->outputs[g->n++];
    **out = (struct output){.kind = kind};
    snprintf((*out)->title, sizeof(*out)->title, "%s", title);
    return MICA_OK;
}

static enum mica_status add_place(struct output *output, struct place place, struct mica_err *err)
{
    if (!mica_grow(&output->places, output->n, &output->capacity, sizeof *output->places))
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    output->places[output->n++] = place;
    return MICA_OK;
}

static enum mica_status add_single(struct gathering *g, enum mica_layer_kind kind, const char *title,
                                   struct place place, struct mica_err *err)
{
    struct output *output;
    for (int64_t i = 0; i < g->n && kind != MICA_LAYER_LICENSE; i++)
        if (strcmp(g->outputs[i].title, title) == 0)
            return mica_fail(err, MICA_EFORMAT, "%.200s: comes twice", title);
    enum mica_status status = add_output(g, kind, title, &output, err);
    return status == MICA_OK ? add_place(output, place, err) : status;
}

/* Is name's last part "STEM.partNN" or "partNN.bin"? *stem_len: bytes of the stem, which may be empty. */
static bool is_part(const char *base, size_t *stem_len, uint64_t *number)
{
    const char *at = strrchr(base, '.');
    if (strncmp(base, "part", 4) == 0 && at && strcmp(at, ".bin") == 0) {
        *stem_len = 0;
        at = base + 4;
    } else if (at && strncmp(at, ".part", 5) == 0) {
        *stem_len = (size_t)(at - base);
        at += 5;
    } else {
        return false;
    }
    char *end;
    *number = strtoul(at, &end, 10);
    return end > at && end - at <= 5 && at[0] >= '0' && at[0] <= '9' && (!*end || strcmp(end, ".bin") == 0);
}

static enum mica_status add_part(struct gathering *g, const char *base, size_t stem_len, struct place place,
                                 struct mica_err *err)
{
    char title[256];
    snprintf(title, sizeof title, "%.*s", (int)(stem_len < TITLE_MAX ? stem_len : TITLE_MAX), base);
    if (!stem_len)
        snprintf(title, sizeof title, "model.gguf");
    for (int64_t i = 0; i < g->n; i++)
        if (g->outputs[i].is_joined && strcmp(g->outputs[i].title, title) == 0)
            return add_place(&g->outputs[i], place, err);
    struct output *output;
    enum mica_status status = add_output(g, MICA_LAYER_MODEL, title, &output, err);
    if (status != MICA_OK)
        return status;
    output->is_joined = true;
    return add_place(output, place, err);
}

static void add_card(struct gathering *g, struct place place)
{
    const char *base = mica_source_base(name_of(g, place));
    int rank = strcmp(base, "METADATA") == 0 ? 1 : strcmp(base, "package.json") == 0 ? 2 : 3;
    if (g->n_cards < CARDS_MAX && mica_archive_size(g->archives[place.archive], place.member) <= TEXT_MAX)
        g->cards[g->n_cards++] = (struct card){.place = place, .rank = rank};
}

static bool has_title(const struct gathering *g, const char *title)
{
    for (int64_t i = 0; i < g->n; i++)
        if (strcmp(g->outputs[i].title, title) == 0)
            return true;
    return false;
}

/* Terms are evidence: none of them is left out in silence. */
static enum mica_status add_terms(struct gathering *g, const char *base, struct place place,
                                  struct mica_err *err)
{
    if (mica_archive_size(g->archives[place.archive], place.member) > TEXT_MAX)
        return mica_fail(err, MICA_ELIMIT, "%.100s: terms of more than %d bytes, which nobody reads", base,
                         TEXT_MAX);
    if (g->n_terms++ == TERMS_MAX)
        return mica_fail(err, MICA_ELIMIT, "more than %d texts of terms in the archives", TERMS_MAX);
    return add_single(g, MICA_LAYER_LICENSE, has_title(g, base) ? name_of(g, place) : base, place, err);
}

/* A member on its own: models, parts, terms, cards. Files of an HF folder come later. */
static enum mica_status sort_member(struct gathering *g, struct place place, struct mica_err *err)
{
    const char *name = name_of(g, place), *base = mica_source_base(name);
    size_t stem_len;
    enum mica_layer_kind kind = mica_source_kind(name);
    if (is_part(base, &stem_len, &place.number))
        return add_part(g, base, stem_len, place, err);
    if (kind == MICA_LAYER_MODEL)
        return add_single(g, kind, base, place, err);
    if (kind == MICA_LAYER_CARD)
        add_card(g, place);
    return kind == MICA_LAYER_LICENSE ? add_terms(g, base, place, err) : MICA_OK;
}

/* The folder of the *.safetensors that lies highest; its length with the slash, or SIZE_MAX. */
static size_t find_folder(const struct gathering *g, struct place *at)
{
    size_t best = SIZE_MAX;
    for (int a = 0; a < g->n_archives; a++)
        for (int64_t i = 0; i < mica_archive_count(g->archives[a]); i++) {
            const char *name = mica_archive_name(g->archives[a], i), *base = mica_source_base(name);
            size_t n = strlen(base), folder = (size_t)(base - name);
            if (n > 12 && strcasecmp(base + n - 12, ".safetensors") == 0 && folder < best) {
                best = folder;
                *at = (struct place){a, i, 0};
            }
        }
    return best;
}

/* Names the largest file, which may be a model in another format. */
static enum mica_status no_model(const struct gathering *g, struct mica_err *err)
{
    const char *largest = "nothing";
    uint64_t most = 0;
    for (int a = 0; a < g->n_archives; a++)
        for (int64_t i = 0; i < mica_archive_count(g->archives[a]); i++)
            if (mica_archive_size(g->archives[a], i) > most) {
                most = mica_archive_size(g->archives[a], i);
                largest = mica_archive_name(g->archives[a], i);
            }
    return mica_fail(
        err, MICA_ENOTFOUND,
        "no model in it: neither *.gguf, nor parts of one, nor *.safetensors; the largest file is "
        "%.200s",
        largest);
}

static enum mica_status add_folder(struct gathering *g, struct mica_err *err)
{
    struct place at = {0, 0, 0};
    size_t len = find_folder(g, &at);
    enum mica_status status = MICA_OK;
    if (len == SIZE_MAX)
        return no_model(g, err);
    const char *folder = name_of(g, at);
    for (int64_t i = 0; status == MICA_OK && i < mica_archive_count(g->archives[at.archive]); i++) {
        const char *name = mica_archive_name(g->archives[at.archive], i);
        if (strncmp(name, folder, len) == 0 && mica_source_kind(name) == MICA_LAYER_FILE)
            status = add_single(g, MICA_LAYER_FILE, name + len, (struct place){at.archive, i, 0}, err);
    }
    for (int i = 0; i < g->n_cards; i++) /* the model's own card */
        if (g->cards[i].rank == 3 && g->cards[i].place.archive == at.archive &&
            strlen(name_of(g, g->cards[i].place)) == len + 9 &&
            strncmp(name_of(g, g->cards[i].place), folder, len) == 0)
            g->cards[i].rank = 0;
    return status;
}

static int by_number(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum mica_status order_parts(struct gathering *g, struct mica_err *err)
{
    for (int64_t i = 0; i < g->n; i++) {
        struct output *o = &g->outputs[i];
        if (!o->is_joined)
            continue;
        qsort(o->places, (size_t)o->n, sizeof *o->places, by_number);
        uint64_t first = o->places[0].number;
        for (int64_t k = 0; k < o->n; k++)
            if (first > 1 || o->places[k].number != first + (uint64_t)k)
                return mica_fail(
                    err, MICA_EFORMAT,
                    "%.100s: part %llu is missing or comes twice; name every package with a part of "
                    "it in one command (NAME-part{1..4})",
                    o->title, (unsigned long long)(first > 1 ? 1 : first + (uint64_t)k));
    }
    return MICA_OK;
}

static enum mica_status gather(struct gathering *g, struct mica_err *err)
{
    bool has_model = false;
    enum mica_status status = MICA_OK;
    for (int a = 0; a < g->n_archives; a++)
        for (int64_t i = 0; status == MICA_OK && i < mica_archive_count(g->archives[a]); i++)
            status = sort_member(g, (struct place){a, i, 0}, err);
    for (int64_t i = 0; i < g->n; i++)
        has_model = has_model || g->outputs[i].kind == MICA_LAYER_MODEL;
    if (status == MICA_OK && !has_model)
        status = add_folder(g, err);
    return status == MICA_OK ? order_parts(g, err) : status;
}

/* ---- reading ---- */

static enum mica_status write_piece(struct gathering *g, const struct output *o, const void *bytes,
                                    size_t len, struct mica_err *err)
{
    if (g->at == 0 && len && o->kind == MICA_LAYER_MODEL) {
        enum mica_status status = mica_source_check_gguf(o->title, bytes, len, err);
        if (status != MICA_OK)
            return status;
    }
    for (const char *from = bytes; len > 0;) {
        ssize_t n = pwrite(mica_blob_fd(g->writer), from, len, (off_t)g->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mica_fail(err, errno == ENOSPC ? MICA_ELIMIT : MICA_EIO, "the store cannot be written: %s",
                             strerror(errno));
        from += n;
        len -= (size_t)n;
        g->at += (uint64_t)n;
    }
    return MICA_OK;
}

static enum mica_status begin_output(struct gathering *g, struct mica_err *err)
{
    g->at = 0;
    return mica_blob_begin(g->puller->store, NULL, &g->writer, err);
}

static enum mica_status end_output(struct gathering *g, struct output *o, struct mica_err *err)
{
    struct mica_blob_writer *writer = g->writer;
    g->writer = NULL;
    return mica_blob_commit(writer, &o->digest, &o->size, err);
}

static struct output *find_output(struct gathering *g, int64_t member)
{
    for (int64_t i = 0; i < g->n; i++)
        if (!g->outputs[i].is_joined && g->outputs[i].places[0].archive == g->archive &&
            g->outputs[i].places[0].member == member)
            return &g->outputs[i];
    return NULL;
}

static struct card *find_card(struct gathering *g, int64_t member)
{
    for (int i = 0; i < g->n_cards; i++)
        if (g->cards[i].place.archive == g->archive && g->cards[i].place.member == member)
            return &g->cards[i];
    return NULL;
}

static enum mica_status on_part(void *user, int64_t i, const void *bytes, size_t len, struct mica_err *err)
{
    struct gathering *g = user;
    return write_piece(g, g->output, bytes, len, err);
}

static enum mica_status on_member(void *user, int64_t i, const void *bytes, size_t len, struct mica_err *err)
{
    struct gathering *g = user;
    struct card *card = find_card(g, i);
    if (card)
        return mica_buf_append(&card->text, bytes, len) ? MICA_OK
                                                        : mica_fail(err, MICA_ENOMEM, "out of memory");
    struct output *output = find_output(g, i);
    enum mica_status status = g->writer ? MICA_OK : begin_output(g, err);
    if (status == MICA_OK)
        status = write_piece(g, output, bytes, len, err);
    return status == MICA_OK && len == 0 ? end_output(g, output, err) : status;
}

/* Reads from one archive what is not a part of a join. */
static enum mica_status read_archive(struct gathering *g, int archive, struct mica_err *err)
{
    const struct mica_archive *a = g->archives[archive];
    int64_t n = mica_archive_count(a);
    bool *wanted = mica_alloc((size_t)n, sizeof *wanted);
    if (!wanted)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    g->archive = archive;
    for (int64_t i = 0; i < n; i++)
        wanted[i] = find_card(g, i) || find_output(g, i);
    enum mica_status status = mica_archive_read(g->archives[archive], wanted, on_member, g, err);
    mica_free(wanted);
    return status;
}

static enum mica_status read_place(struct gathering *g, struct place place, struct mica_err *err)
{
    struct mica_archive *a = g->archives[place.archive];
    bool *wanted = mica_alloc((size_t)mica_archive_count(a), sizeof *wanted);
    if (!wanted)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    wanted[place.member] = true;
    enum mica_status status = mica_archive_read(a, wanted, on_part, g, err);
    mica_free(wanted);
    return status;
}

/* The last part may be missing without a gap in the numbers: then tensors lie past the end. */
static enum mica_status check_joined(struct gathering *g, const struct output *o, struct mica_err *err)
{
    struct mica_mapping *map;
    struct mica_files *files = NULL;
    struct mica_gguf *gguf = NULL;
    struct mica_err why;
    enum mica_status status = mica_store_blob_open(g->puller->store, &o->digest, &map, err);
    if (status != MICA_OK)
        return status;
    status = mica_files_new(&files, &why);
    if (status == MICA_OK)
        status = mica_files_add(files, o->title, map, &why);
    if (status == MICA_OK)
        status = mica_gguf_open(files, &gguf, &why);
    mica_gguf_free(gguf);
    mica_files_free(files);
    mica_mapping_free(map);
    return status == MICA_EFORMAT
               ? mica_fail(err, status,
                           "%.100s, joined from %lld parts, is not whole; are all its packages named? "
                           "(%.200s)",
                           o->title, (long long)o->n, why.text)
               : MICA_OK;
}

static enum mica_status join(struct gathering *g, struct output *o, struct mica_err *err)
{
    g->output = o;
    g->puller->what = o->title;
    enum mica_status status = begin_output(g, err);
    for (int64_t i = 0; status == MICA_OK && i < o->n; i++)
        status = read_place(g, o->places[i], err);
    if (status == MICA_OK)
        status = end_output(g, o, err);
    return status == MICA_OK ? check_joined(g, o, err) : status;
}

/* ---- layers ---- */

static int by_kind(const void *a, const void *b)
{
    const struct output *x = a, *y = b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->title, y->title);
}

static enum mica_status add_chosen_card(struct gathering *g, struct mica_manifest *manifest,
                                        struct mica_err *err)
{
    const struct card *best = NULL;
    struct mica_digest digest;
    for (int i = 0; i < g->n_cards; i++) {
        struct card *card = &g->cards[i];
        bool has_facts = card->text.len > 4 && memcmp(card->text.data, "---", 3) == 0;
        if (card->rank == 0 && !has_facts)
            card->rank = 3;
        if (card->text.len && (!best || card->rank < best->rank))
            best = card;
    }
    if (!best || mica_manifest_find(manifest, MICA_LAYER_CARD))
        return MICA_OK;
    enum mica_status status =
        mica_store_blob_put(g->puller->store, best->text.data, best->text.len, &digest, err);
    if (status == MICA_OK)
        status = mica_manifest_add(manifest, MICA_LAYER_CARD, &digest, best->text.len,
                                   mica_source_base(name_of(g, best->place)), err);
    return status;
}

static bool is_there(const struct mica_manifest *manifest, const struct output *o)
{
    for (int64_t i = 0; i < manifest->n_layers; i++)
        if (manifest->layers[i].kind == o->kind && mica_digest_equal(&manifest->layers[i].digest, &o->digest))
            return true;
    return false;
}

/* Different terms in files of one name (of a package and of what it bundles) are kept under numbers. */
static void number_title(const struct mica_manifest *manifest, struct output *o)
{
    char base[sizeof o->title];
    int n = 1;
    snprintf(base, sizeof base, "%s", o->title);
    for (int64_t i = 0; i < manifest->n_layers; i++)
        if (strcmp(manifest->layers[i].title, o->title) == 0) {
            snprintf(o->title, sizeof o->title, "%.240s-%d", base, ++n);
            i = -1;
        }
}

static enum mica_status add_layers(struct gathering *g, struct mica_manifest *manifest, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    qsort(g->outputs, (size_t)g->n, sizeof *g->outputs, by_kind);
    for (int64_t i = 0; status == MICA_OK && i < g->n; i++) {
        struct output *o = &g->outputs[i];
        if (o->kind == MICA_LAYER_LICENSE)
            number_title(manifest, o);
        if (o->size && !(o->kind == MICA_LAYER_LICENSE && is_there(manifest, o)))
            status = mica_manifest_add(manifest, o->kind, &o->digest, o->size, o->title, err);
    }
    return status == MICA_OK ? add_chosen_card(g, manifest, err) : status;
}

enum mica_status mica_puller_members(struct mica_puller *puller, struct mica_archive *const *archives,
                                     int n_archives, struct mica_manifest *manifest, struct mica_err *err)
{
    struct gathering g = {.puller = puller, .archives = archives, .n_archives = n_archives};
    enum mica_status status = gather(&g, err);
    for (int i = 0; status == MICA_OK && i < n_archives; i++)
        status = read_archive(&g, i, err);
    for (int64_t i = 0; status == MICA_OK && i < g.n; i++)
        if (g.outputs[i].is_joined)
            status = join(&g, &g.outputs[i], err);
    mica_blob_abandon(g.writer, true);
    if (status == MICA_OK)
        status = add_layers(&g, manifest, err);
    for (int64_t i = 0; i < g.n; i++)
        mica_free(g.outputs[i].places);
    mica_free(g.outputs);
    for (int i = 0; i < g.n_cards; i++)
        mica_buf_release(&g.cards[i].text);
    return status;
}
