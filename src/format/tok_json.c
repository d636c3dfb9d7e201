/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers from Hugging Face's tokenizer.json. */
#include "format/tok_internal.h"

enum mica_status mica_tokenizer_from_files(const struct mica_files *files, struct mica_tokenizer **out,
                                           struct mica_err *err)
{
    (void)files;
    (void)out;
    return mica_fail(err, MICA_EUNSUPPORTED, "tokenizer.json is not read yet");
}
