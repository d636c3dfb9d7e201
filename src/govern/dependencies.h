/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Mica's own dependencies: the rows of dependencies.def. */
#ifndef MICA_DEPENDENCIES_H
#define MICA_DEPENDENCIES_H

#include "govern/register.h"

enum mica_dependency_group {
    MICA_DEPENDENCY_LIBRARY,   /* linked into libmica */
    MICA_DEPENDENCY_PROGRAM,   /* linked into the program only */
    MICA_DEPENDENCY_BUILD,     /* a tool to build and test with: not shipped */
    MICA_DEPENDENCY_REFERENCE, /* a Python package that tests compare with: not shipped */
};
struct mica_dependency {
    enum mica_dependency_group group;
    const char *name, *package;
    const char *(*version)(void); /* of the library that runs; NULL: it does not say */
    const char *purpose, *reason, *licence, *about_licence;
};
extern const struct mica_dependency mica_dependencies[];
extern const int mica_n_dependencies;

/* The page docs/dependencies.md. */
bool mica_dependencies_page(struct mica_buf *out);
/* Mica itself (row 0) and what is shipped with it, as a closure of SOFTWARE components: for bills of
 * materials. Free with mica_components_free. ENOMEM. */
enum mica_status mica_dependencies_closure(struct mica_components **out, struct mica_err *err);
/* Writes that closure into the register, as far as it is not there already. */
enum mica_status mica_dependencies_record(struct mica_register *reg, struct mica_err *err);

#endif
