/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Licences from texts: the rules, one row each. Rows that need the reference texts are skipped in a build
 * without them. */
#include "govern/identify.h"
#include "govern/licence_words.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char body[] =
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and "
    "associated "
    "documentation files (the \"Software\"), to deal in the Software without restriction, including without "
    "limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies "
    "of the "
    "Software, and to permit persons to whom the Software is furnished to do so, subject to the following "
    "conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or "
    "substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY "
    "KIND, "
    "EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A "
    "PARTICULAR "
    "PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY "
    "CLAIM, DAMAGES "
    "OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN "
    "CONNECTION "
    "WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

static const struct {
    const char *before, *after;
    bool clean;
} heads[] = {
    {"", "", true},
    {"MIT License\n\nCopyright (c) 2020 Jane Doe\n\n", "", true},
    {"The MIT License (MIT)\n\nCopyright \xc2\xa9 2011-2024 The FooBar Authors <dev@foobar.org>\n", "", true},
    {"Copyright 2020 J\xc3\xb6rg M\xc3\xbcller. All rights reserved.\n\n", "", true},
    {"Copyright 2020 J\xf6rg M\xfcller\n\n", "", true},
    {"\xef\xbb\xbfMIT License\r\n\r\n", "", true},
    {"", "\nCopyright (c) 2020 Jane Doe\n", true},
    {"This software is released under the MIT license:\n\n", "", true},
    {"Copyright (c) 2023 Stability AI Ltd\nCopyright 2024 Allen Institute for AI (Ai2)\n", "", true},
    {"Copyright (c) 2024 Cohere For AI\nCopyright 2025 ServiceNow Language Models LLC\n", "", true},
    {"Copyright (c) 2017-2021 Ingy d\xc3\xb6t Net\n", "", true},
    {"Copyright (c) 2022, the respective contributors, as shown by the AUTHORS file.\n", "", true},
    {"Copyright (c) 2015 Kyle E. Mitchell & other authors listed in AUTHORS\n", "", true},
    {"Copyright GitHub Inc.\n\n", "", true},
    {"MIT License\n\nTypeScript port Copyright Isaac Z. Schlueter <i@izs.me>\n\n", "", true},
    {"SPDX-FileCopyrightText: 2024 Jane Doe <jane@example.org>\n", "", true},
    {"Copyright 2018 A B C D (E, F, G, H, Zoe)\nCopyright 2019 A B C D (E, F, G, H, Zoe)\nCopyright 2020 A B "
     "C D "
     "(E, F, G, H, Zoe)\nCopyright 2021 A B C D (E, F, G, H, Zoe)\n",
     "", true},
    {"This software is released under the GPL license:\n\n", "", false},
    {"Copyright (c) 2023 Acme for research\n", "", false},
    {"Copyright (c) 2023 Acme listed in Germany\n", "", false},
    {"Copyright (c) 2023 \xe7\xa6\x81\xe6\xad\xa2\xe5\x95\x86\xe7\x94\xa8\n", "", false},
    {"Copyright Research Only\n\n", "", false},
    {"MIT License (non-commercial)\n\n", "", false},
    {"MIT License\nNo weapons.\n", "", false},
    {"Apache License\n\n", "", false},
    {"Copyright (c) 2020 Acme. For non-commercial use only.\n\n", "", false},
    {"Copyright (c) 2020 Acme Noncommercial\n\n", "", false},
    {"Copyright 2020 Acme <no-commercial-use@acme.example>\n\n", "", false},
    {"Copyright 2020 Acme 700M MAU\n\n", "", false},
    {"Copyright 2020 Acme Uso Militar Prohibido\n\n", "", false},
    {"Copyright 2020 Acme \xe7\xa6\x81\xe6\xad\xa2\n\n", "", false},
    {"Copyright 2019, 21 David Nugent <davidn@blaze.net.au>\n\n", "", true},
    {"Copyright (c) 2020 Will Bond <will@wbond.net>\n\n", "", true},
    {"Copyright (c) 2020 Acme N0ncommercial\n\n", "", false},
    {"Copyright (c) 2020 n\xd0\xbet for sale\n\n", "", false},
    {"Copyright (c) 2020 Acme\nUse in the EU is prohibited\n\n", "", false},
    {"", "\nFor research use only.\n", false},
    {"", "\n// no weapons\n", false},
    {"", "\n\xe2\x80\x8b\n", false},
};

static bool no_texts(void)
{
    return !mica_licence_text("MIT");
}

static void test_heads(void **state)
{
    if (no_texts())
        skip();
    for (size_t i = 0; i < MICA_COUNT(heads); i++) {
        struct mica_licence_match match = {0};
        struct mica_buf text = {0};
        mica_buf_puts(&text, heads[i].before);
        mica_buf_puts(&text, body);
        mica_buf_puts(&text, heads[i].after);
        assert_int_equal(mica_licence_identify(text.data, text.len, &match, NULL), MICA_OK);
        if ((match.kind == MICA_LICENCE_IDENTIFIED) != heads[i].clean)
            fail_msg("row %zu (%s%s): kind %d, %s", i, heads[i].before, heads[i].after, match.kind, match.id);
        assert_string_equal(match.id, heads[i].clean ? "MIT" : "LicenseRef-modified-MIT");
        assert_true((match.diff == NULL) == heads[i].clean);
        mica_free(match.diff);
        mica_buf_release(&text);
    }
}

static void test_unknown(void **state)
{
    static const char *const texts[] = {"", " \n\n ", "Hello, world.", "1.", "\xff\xfe\x00", "((((((((((<[{"};
    if (no_texts())
        skip();
    for (size_t i = 0; i < MICA_COUNT(texts); i++) {
        struct mica_licence_match match = {0};
        assert_int_equal(mica_licence_identify(texts[i], strlen(texts[i]), &match, NULL), MICA_OK);
        if (match.kind != MICA_LICENCE_UNKNOWN || match.id[0] || match.diff)
            fail_msg("row %zu: kind %d, %s", i, match.kind, match.id);
    }
}

static void test_words(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"Hello, World", "hello world"},
        {"the Licensor\xe2\x80\x99s licence", "the licensor's license"},
        {"sub-license and sub license", "sublicense and sublicense"},
        {"(c) 2020 X, Copyright (C) \xc2\xa9 Y", "copyright 2020 x copyright y"},
        {"version 2.0, 1,5", "version 2.0 1 5"},
        {"https://a.b/c", "http a b c"},
        {"5 % of $ 10 & more", "5 % of $ 10 & more"},
        {"a\xe2\x80\x8b"
         "b",
         "a\xe2\x80\x8b"
         "b"},
        {"\xe2\x80\x9cquoted\xe2\x80\x9d \xe2\x80\x93 dash", "quoted dash"},
        {"\xd0\xb0 \xe2\x84\xaa", "\xd0\xb0 \xe2\x84\xaa"},
        {"end\n\n1. One\n(b) Two\n\niv) Three", "end 1 one b two iv three"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_licence_words words;
        struct mica_buf found = {0};
        assert_int_equal(mica_licence_split(rows[i].text, strlen(rows[i].text), &words, NULL), MICA_OK);
        for (int64_t k = 0; k < words.n; k++)
            mica_buf_printf(&found, "%s%.*s", k ? " " : "", (int)words.words[k].key_len,
                            mica_word_key(&words, k));
        if (strcmp(found.data, rows[i].words) != 0)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, found.data, rows[i].words);
        mica_buf_release(&found);
        mica_licence_words_release(&words);
    }
}

static void test_items(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {{"1", "a", true},  {"3", "iii", true}, {"c", "3", true},      {"i", "1", true},
                {"1", "2", false}, {"a", "b", false},  {"1.1", "1.2", false}, {"12", "xii", true}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (mica_item_equal(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b)) != rows[i].equal)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void test_tags(void **state)
{
    static const struct {
        const char *tag, *id;
    } rows[] = {
        {"apache-2.0", "Apache-2.0"},
        {"License :: OSI Approved :: Apache Software License", "Apache-2.0"},
        {"License :: OSI Approved :: BSD License", NULL},
        {"MIT", "MIT"},
        {"(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"},
        {"MIT OR other", NULL},
        {"apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"},
        {"apache-2.0 WITH everything", NULL},
        {"GPL-2.0+", "GPL-2.0-or-later"},
        {"gemma", "LicenseRef-Gemma"},
        {"llama3.1", "LicenseRef-Llama-3.1"},
        {"llama3", "LicenseRef-Llama-3"},
        {"LicenseRef-Llama-3", "LicenseRef-Llama-3"},
        {"openrail++", "LicenseRef-CreativeML-OpenRAIL++-M"},
        {"openrail", NULL},
        {"other", NULL},
        {"cc", NULL},
        {"", NULL},
        {"-", NULL},
        {"()", NULL},
        {"cc-by-nc-4.0", "CC-BY-NC-4.0"},
        {"MIT*", NULL},
        {"~MIT", NULL},
        {"MIT?", NULL},
        {"MIT=NC", NULL},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char id[128] = "untouched";
        bool found = mica_licence_canonical(rows[i].tag, id);
        if (found != (rows[i].id != NULL) || strcmp(id, found ? rows[i].id : "untouched") != 0)
            fail_msg("%s: %s", rows[i].tag, id);
    }
}

static void test_diff(void **state)
{
    static const struct {
        const char *before, *after, *diff;
    } rows[] = {
        {"", "", ""},
        {"a b c", "a b c", "…"},
        {"a b c", "a x c", "a [-b-] [+x+] c"},
        {"a", "b", "[-a-] [+b+]"},
        {"", "new", "[+new+]"},
        {"1 2 3 4 5 6 7 8 9", "1 2 3 4 5 6 7 8 not 9", "… 5 6 7 8 [+not+] 9"},
        {"a b a b c", "b a b c a", "[-a-] b a b c [+a+]"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char *diff = mica_word_diff(rows[i].before, rows[i].after);
        assert_non_null(diff);
        if (strcmp(diff, rows[i].diff) != 0)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, diff, rows[i].diff);
        mica_free(diff);
    }
}

/* Two texts with nothing in common end in bounded time and memory. */
static void test_diff_of_strangers(void **state)
{
    struct mica_buf a = {0}, b = {0};
    for (int i = 0; i < 20000; i++) {
        mica_buf_printf(&a, "a%d ", i);
        mica_buf_printf(&b, "b%d ", i);
    }
    char *diff = mica_word_diff(a.data, b.data);
    assert_non_null(diff);
    assert_true(strncmp(diff, "[-a0 ", 5) == 0);
    mica_free(diff);
    mica_buf_release(&a);
    mica_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
