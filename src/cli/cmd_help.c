/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* REUSE-IgnoreStart: this file prints licence tags of other files. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

struct args {
    bool man;
    const char *completion;
};

static void print_option(const struct mica_option *option)
{
    char left[64];
    bool has_value = option->kind != MICA_OPT_FLAG;
    snprintf(left, sizeof left, "%s%c%s--%s%s%s", option->letter ? "-" : " ",
             option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
             has_value ? " " : "", has_value ? option->value : "");
    printf("  %-28s %s\n", left, option->help);
}

static int print_command(const char *name)
{
    for (int i = 0; i < mica_n_commands; i++) {
        const struct mica_command_row *row = &mica_commands[i];
        const struct mica_command *command = row->command;
        if (strcmp(row->name, name) != 0)
            continue;
        printf("usage: mica %s [OPTIONS]%s%s\n%s\n\n", row->name, *row->operands ? " " : "", row->operands,
               row->summary);
        for (int j = 0; j < command->n_options; j++)
            print_option(&command->options[j]);
        puts("  -h, --help                   these lines");
        return 0;
    }
    return mica_cli_usage("unknown command '%s'; see 'mica help'", name);
}

static void print_overview(void)
{
    puts("usage: mica COMMAND [OPTIONS] …");
#define GROUP(title)               puts("\n" title);
#define X(name, operands, summary) printf("  %-10s %-16s %s\n", #name, operands, summary);
#include "cli/commands.def"
#undef X
    puts("\nMODEL is the name of a stored model, a GGUF file or a Hugging Face folder. 'mica help COMMAND' "
         "lists a command's options.");
}

static const struct {
    const char *name, *text;
} environment[] = {
    {"MICA_HOME", "the store; default: ~/.mica. An Ollama store (~/.ollama/models) can be used in place"},
    {"MICA_ISA", "ref, avx2 or avx512: forces one set of kernels. Results do not change"},
    {"MICA_REGISTRY",
     "hosts, separated by commas, that a model's name may lead to beside the default registry"},
    {"MICA_REGISTRY_USER, MICA_REGISTRY_PASSWORD",
     "for registries that ask, other than the default one; else those of Docker's config.json are used"},
    {"MICA_KEY_PASSWORD", "the password of a private key, for sign and keygen"},
    {"DOCKER_CONFIG", "the folder of Docker's config.json; default: ~/.docker"},
    {"HF_ENDPOINT, HF_TOKEN", "another hub than huggingface.co, and who asks there"},
    {"http_proxy, https_proxy, no_proxy", "the way into the network"},
    {"SSL_CERT_FILE", "the certificates that are trusted; default: the system's"},
    {"SOURCE_DATE_EPOCH", "the time that is written into what Mica makes, in seconds since 1970"},
};

static void print_man(void)
{
    printf(".\\\" SPDX-FileCopyrightText: 2026 The Mica authors\n.\\\" SPDX-License-Identifier: Apache-2.0\n"
           ".\\\" Made by: mica help --man\n"
           ".TH MICA 1 \"\" \"mica %s\" \"User Commands\"\n.SH NAME\nmica \\- run open language models, and "
           "see through "
           "them\n.SH SYNOPSIS\n.B mica\n.I COMMAND\n[\\fIOPTIONS\\fR] ...\n.SH COMMANDS\n",
           mica_version());
    for (int i = 0; i < mica_n_commands; i++) {
        const struct mica_command_row *row = &mica_commands[i];
        const struct mica_command *command = row->command;
        printf(".SS \"mica %s %s\"\n%s.\n", row->name, row->operands, row->summary);
        for (int j = 0; j < command->n_options; j++) {
            const struct mica_option *o = &command->options[j];
            bool has_value = o->kind != MICA_OPT_FLAG;
            printf(".TP\n");
            if (o->letter)
                printf("\\fB\\-%c\\fR, ", o->letter);
            printf("\\fB\\-\\-%s\\fR%s%s%s\n%s\n", o->name, has_value ? " \\fI" : "",
                   has_value ? o->value : "", has_value ? "\\fR" : "", o->help);
        }
    }
    puts(".SH EXIT STATUS");
#define ROW(name, http, code, text) printf(".TP\n.B %d\n%s\n", code, text);
    MICA_STATUS_ROWS(ROW)
#undef ROW
    puts("Of \\fBmica rights\\fR: 0 for YES and YES_WITH, 10 for NO, 11 for NEEDS_FACT, 12 for UNKNOWN. What "
         "finds "
         "something wrong (verify, drift, licence) ends with 10.");
    puts(".SH ENVIRONMENT");
    for (size_t i = 0; i < MICA_COUNT(environment); i++)
        printf(".TP\n.B %s\n%s.\n", environment[i].name, environment[i].text);
}

static int print_completion(const char *shell)
{
    if (strcmp(shell, "bash") != 0)
        return mica_cli_usage("help: --completion knows bash, not '%s'", shell);
    printf(
        "# SPDX-FileCopyrightText: 2026 The Mica authors\n# SPDX-License-Identifier: Apache-2.0\n"
        "# Made by: mica help --completion bash\n_mica() {\n  local options=\n  case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < mica_n_commands; i++) {
        const struct mica_command *command = mica_commands[i].command;
        printf("  %s) options=\"--help", mica_commands[i].name);
        for (int j = 0; j < command->n_options; j++)
            printf(" --%s", command->options[j].name);
        puts("\" ;;");
    }
    printf("  esac\n  if [ $COMP_CWORD = 1 ]; then options=\"");
    for (int i = 0; i < mica_n_commands; i++)
        printf("%s%s", i ? " " : "", mica_commands[i].name);
    puts("\"; fi\n  if [[ ${COMP_WORDS[COMP_CWORD]} = -* || $COMP_CWORD = 1 ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  else\n    local names=$(mica list 2>/dev/null | sed '1d; s/ .*//; s/:latest$//')\n"
         "    mapfile -t COMPREPLY < <(compgen -f -W \"$names\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n  "
         "fi\n}\ncomplete -F _mica mica");
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    if (args->man)
        return print_man(), 0;
    if (args->completion)
        return print_completion(args->completion);
    if (n_operands)
        return print_command(operands[0]);
    return print_overview(), 0;
}

static const struct mica_option options[] = {
    {"man", 0, MICA_OPT_FLAG, offsetof(struct args, man), NULL, "the man page, in troff"},
    {"completion", 0, MICA_OPT_TEXT, offsetof(struct args, completion), "SHELL",
     "a completion script (bash)"},
};
const struct mica_command mica_command_help = {options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL,
                                               run};
/* REUSE-IgnoreEnd */
