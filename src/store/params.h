/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a stored model: a PARAMS layer's JSON object, or a Modelfile's PARAMETER lines. */
#ifndef MICA_PARAMS_H
#define MICA_PARAMS_H

#include "base/mem.h"

enum mica_param_type { MICA_PARAM_INT, MICA_PARAM_FLOAT, MICA_PARAM_BOOL, MICA_PARAM_TEXTS };

enum mica_param {
#define X(name, type, least, most, used) MICA_PARAM_##name,
#include "store/params.def"
#undef X
    MICA_PARAM_COUNT
};

struct mica_param_info {
    const char *name;
    enum mica_param_type type;
    double least, most;
    bool used; /* has an effect in Mica */
};
extern const struct mica_param_info mica_params_info[MICA_PARAM_COUNT];

enum { MICA_STOP_MAX = 64 };
struct mica_params {
    bool has[MICA_PARAM_COUNT];
    double number[MICA_PARAM_COUNT];   /* of each type but TEXTS */
    int64_t integer[MICA_PARAM_COUNT]; /* of INT and BOOL */
    const char *stop[MICA_STOP_MAX];
    int n_stop;
    struct mica_arena arena;
};

/* Reads a JSON object of parameters, as a PARAMS layer or mica_admitted.parameters holds it. Names that the
 * table does not know are passed over; a known one of another type or out of its range is EFORMAT. */
enum mica_status mica_params_parse(const char *json, size_t len, struct mica_params *out,
                                   struct mica_err *err);
void mica_params_release(struct mica_params *params);

/* Adds one PARAMETER line to a JSON object: TEXTS collect in an array, others replace. EARG says what is
 * wrong. */
struct json_t;
enum mica_status mica_params_add(struct json_t *object, const char *name, const char *value,
                                 struct mica_err *err);

#endif
