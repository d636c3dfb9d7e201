/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Admission: a stored model is given out only when its bytes, its template, its signature and its rights are
 * what the register and the policy say. */
#ifndef MICA_GOVERN_H
#define MICA_GOVERN_H

#include <mica/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mica_admit_options {
    const char *home;   /* the store; NULL: $MICA_HOME, else ~/.mica */
    const char *policy; /* mica.yaml; NULL: ./mica.yaml, else the store's, else the defaults */
    const char *use;    /* "private", "research", "internal", "commercial"; NULL: the policy's */
    bool unregistered;  /* let a file pass that the register does not know; written to the store's log */
    int threads;        /* for hashing, 0: the CPUs this process may use */
};

/* An admitted model: its files and the settings that are stored with it, NUL-terminated or NULL. */
struct mica_admitted {
    struct mica_files *files; /* carries the admission: pass it to mica_engine_load */
    char *chat_template;      /* for mica_engine_options.chat_template */
    char *system;             /* default system message */
    char *parameters;         /* JSON object: temperature, top_k, stop, …, as a Modelfile's PARAMETERs */
    char *messages;           /* JSON array of {role, content} that open a conversation */
};

/* Admits MODEL: the name of a stored model, or the path of a GGUF file or an HF folder. The mappings in
 * out->files are the very ones that were hashed, so nobody can swap a file between the check and its use;
 * mica_engine_load looks once more whether they changed. Checked in this order, each refusal with its own
 * message and the next command: the register knows the model; its manifest, every blob and the template are
 * the registered ones; no drift is open; a signature, where the policy wants one; the rights for what the
 * policy says is done with it. options may be NULL. ENOTFOUND: no such model. EDENIED: refused. EIO, EFORMAT,
 * ENOMEM. Free with mica_admitted_free. Thread-safe. */
MICA_API enum mica_status mica_model_admit(const char *model, const struct mica_admit_options *options,
                                           struct mica_admitted **out, struct mica_err *err);
MICA_API void mica_admitted_free(struct mica_admitted *admitted);

#ifdef __cplusplus
}
#endif
#endif
