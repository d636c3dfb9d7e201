/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/memory.h"
#include "cli/models.h"
#include "cli/rights_facts.h"
#include "govern/record.h"
#include "store/source.h"

#include <jansson.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct args {
    const char *as, *use;
    bool link, plain_http, any_size, quiet, json;
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    is_interrupted = 1;
}

/* ---- the progress line ---- */

enum { BAR = 24, SAMPLES = 16 };
struct shown {
    const struct args *args;
    const char *home;
    bool is_terminal, has_line;
    char what[128];
    double times[SAMPLES], last_plain; /* the last few seconds, for the speed */
    uint64_t amounts[SAMPLES];
    int n;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Bytes per second over the last samples; 0 while not known. */
static double speed(struct shown *s, uint64_t done)
{
    int oldest = s->n < SAMPLES ? 0 : s->n % SAMPLES;
    double first = s->times[oldest], at = now();
    uint64_t from = s->amounts[oldest];
    if (s->n > 0 && done < from) { /* something began anew */
        s->n = 0;
        return 0;
    }
    bool known = s->n > 0 && at - first > 0.5;
    s->times[s->n % SAMPLES] = at;
    s->amounts[s->n % SAMPLES] = done;
    s->n++;
    return known ? (double)(done - from) / (at - first) : 0;
}

static void time_left(double seconds, char out[MICA_SHORT_TEXT])
{
    if (seconds < 90)
        snprintf(out, MICA_SHORT_TEXT, "%.0f s left", seconds);
    else if (seconds < 5400)
        snprintf(out, MICA_SHORT_TEXT, "%.0f min left", seconds / 60);
    else
        snprintf(out, MICA_SHORT_TEXT, "%.1f h left", seconds / 3600);
}

static void draw(struct shown *s, const char *what, uint64_t done, uint64_t total)
{
    char have[MICA_SHORT_TEXT], all[MICA_SHORT_TEXT], fast[MICA_SHORT_TEXT], left[MICA_SHORT_TEXT] = "";
    char bar[BAR + 1];
    struct winsize size = {.ws_col = 80};
    double rate = speed(s, done);
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    mica_cli_size_text(done, have);
    mica_cli_size_text(total, all);
    mica_cli_size_text((uint64_t)rate, fast);
    int columns = size.ws_col >= 40 ? size.ws_col : 80, filled = 0;
    if (total) {
        filled = (int)((double)done / (double)total * BAR);
        if (rate > 1)
            time_left((double)(total - done) / rate, left);
    }
    for (int i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = '\0';
    char line[512];
    if (!total && !done)
        snprintf(line, sizeof line, "asking for %s", what);
    else if (!total)
        snprintf(line, sizeof line, "%s  %s/s  %s", have, fast, what);
    else
        snprintf(line, sizeof line, "%3.0f%% [%s] %s of %s%s%s%s%s  %s", 100.0 * (double)done / (double)total,
                 bar, have, all, rate > 1 ? "  " : "", rate > 1 ? fast : "", rate > 1 ? "/s  " : "", left,
                 what);
    fprintf(stderr, "\r\033[K%.*s", columns - 1, line);
    fflush(stderr);
    s->has_line = true;
}

static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    struct shown *s = user;
    bool is_new = strncmp(s->what, what, sizeof s->what - 1) != 0;
    snprintf(s->what, sizeof s->what, "%s", what);
    if (s->is_terminal) {
        draw(s, what, done, total);
    } else if (!s->args->quiet && (is_new || now() - s->last_plain > 10)) {
        char have[MICA_SHORT_TEXT], all[MICA_SHORT_TEXT];
        mica_cli_size_text(done, have);
        mica_cli_size_text(total, all);
        fprintf(stderr, total ? "%s: %s of %s\n" : "%s\n", what, have, all);
        s->last_plain = now();
    }
    return !is_interrupted;
}

static void end_line(struct shown *s)
{
    if (s->has_line)
        fputs("\r\033[K", stderr);
    s->has_line = false;
}

/* ---- before fetching ---- */

/* The terms that the source states, against the policy and --use. They are not read yet: only a clear no ends
 * the pull; what is not known is said, and the loader decides on the texts. */
static enum mica_status check_terms(const struct shown *s, const struct mica_plan *plan, struct mica_err *err)
{
    const struct rights_args asked = {
        .use = s->args->use, .users = -1, .users_at_release = -1, .revenue = -1, .revenue_month = -1};
    const struct mica_subject subject = {.component = plan->source,
                                         .kind = "model",
                                         .relation = "",
                                         .licence = "",
                                         .declared = plan->declared ? plan->declared : ""};
    struct rights_lists lists = {0};
    struct mica_policy policy = {0};
    struct mica_decision *decision = NULL;
    enum mica_status status = mica_policy_load(NULL, s->home, &policy, err);
    if (status == MICA_OK)
        status = rights_facts(&asked, &lists, &policy.facts, err);
    if (status == MICA_OK)
        status = mica_rights_decide(&subject, 1, &policy.facts, &decision, err);
    if (status == MICA_OK && decision->verdict >= MICA_VERDICT_UNKNOWN) {
        const char *why = "";
        for (int64_t i = 0; i < decision->n_reasons && !*why; i++)
            if (decision->reasons[i].effect == decision->verdict)
                why = decision->reasons[i].text;
        if (decision->verdict == MICA_VERDICT_NO)
            status = mica_fail(err, MICA_EDENIED, "%.100s: its terms (%.60s) do not allow this use: %.250s",
                               plan->source, subject.declared, why);
        else if (!s->args->quiet)
            fprintf(stderr, "mica: warning: terms not known yet: %s\n", why);
    }
    mica_decision_free(decision);
    mica_arena_release(&lists.arena);
    mica_policy_release(&policy);
    return status;
}

static enum mica_status on_plan(void *user, const struct mica_plan *plan, struct mica_err *err)
{
    struct shown *s = user;
    uint64_t bytes = 0;
    end_line(s);
    for (int64_t i = 0; i < plan->n_files; i++)
        if (plan->files[i].member_of || plan->files[i].kind == MICA_LAYER_MODEL ||
            plan->files[i].kind == MICA_LAYER_FILE)
            bytes = bytes > UINT64_MAX - plan->files[i].size ? UINT64_MAX : bytes + plan->files[i].size;
    struct mica_err why;
    enum mica_status status = s->args->any_size ? MICA_OK : mica_cli_fit_size(bytes, &why);
    if (status != MICA_OK)
        return mica_fail(err, status, "%s; --any-size fetches it nevertheless", why.text);
    return check_terms(s, plan, err);
}

/* ---- afterwards ---- */

/* Enters the model into the register and gives the licence concluded, in *concluded (free it). */
static enum mica_status record(struct mica_store *store, const struct mica_pulled *pulled, char **concluded,
                               struct mica_err *err)
{
    const struct mica_plan *plan = &pulled->plan;
    const struct mica_origin origin = {.source = plan->source,
                                       .revision = plan->revision,
                                       .location = plan->location,
                                       .declared = plan->declared,
                                       .bases = plan->origin,
                                       .datasets = plan->datasets,
                                       .event = "pull"};
    struct mica_register *reg = NULL;
    struct mica_components *found = NULL;
    char name[MICA_NAME_TEXT];
    mica_name_print(&pulled->name, name);
    enum mica_status status = mica_register_open(mica_store_home(store), &reg, err);
    if (status == MICA_OK)
        status = mica_record_model(store, reg, &pulled->name, pulled->manifest, &origin, NULL, err);
    if (status == MICA_OK)
        status = mica_register_find(reg, MICA_COMPONENT_MODEL, name, &found, err);
    if (status == MICA_OK && found->n && !(*concluded = mica_strdup(found->rows[0].concluded)))
        status = mica_fail(err, MICA_ENOMEM, "out of memory");
    mica_components_free(found);
    mica_register_close(reg);
    return status;
}

static int print(const struct args *args, const struct mica_pulled *pulled, const char *concluded)
{
    char name[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT];
    const char *declared = pulled->plan.declared;
    bool is_known = concluded && *concluded;
    mica_name_print(&pulled->name, name);
    mica_digest_hex(&pulled->manifest->digest, hex);
    mica_cli_size_text(mica_manifest_size(pulled->manifest), size);
    if (args->json)
        return mica_cli_print_json(
            json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s?, s:s?, s:s}", "name", name, "digest", hex, "size",
                      (json_int_t)mica_manifest_size(pulled->manifest), "layers",
                      (json_int_t)pulled->manifest->n_layers, "source", pulled->plan.source, "revision",
                      pulled->plan.revision ? pulled->plan.revision : "", "location", pulled->plan.location,
                      "declared_licence", declared, "licence", is_known ? concluded : ""));
    printf("name     %s\ndigest   sha256:%s\nsize     %s\n", name, hex, size);
    printf("licence  %s (%s%s)\n", is_known ? concluded : "not known", declared ? "the source states " : "",
           declared ? declared : "the source states none");
    printf("next     mica rights %s; mica run %s\n", name, name);
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct shown shown = {.args = args, .is_terminal = !args->quiet && isatty(STDERR_FILENO)};
    struct mica_pull_options options = {.as = args->as,
                                        .plain_http = args->plain_http,
                                        .link = args->link,
                                        .check = on_plan,
                                        .progress = on_progress,
                                        .user = &shown};
    struct mica_store *store = NULL;
    struct mica_pulled pulled;
    struct mica_err err;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND}, NULL);
    enum mica_status status = mica_store_open(NULL, &store, &err);
    shown.home = store ? mica_store_home(store) : NULL;
    if (status == MICA_OK)
        status = mica_pull(store, (const char *const *)operands, n_operands, &options, &pulled, &err);
    end_line(&shown);
    if (status != MICA_OK) {
        mica_store_close(store);
        return mica_cli_fail(status, &err);
    }
    char *concluded = NULL;
    status = record(store, &pulled, &concluded, &err);
    int code = status == MICA_OK ? print(args, &pulled, concluded) : mica_cli_fail(status, &err);
    mica_free(concluded);
    mica_pulled_release(&pulled);
    mica_store_close(store);
    return code;
}

static const struct mica_option options[] = {
    {"as", 0, MICA_OPT_TEXT, offsetof(struct args, as), "NAME", "the name to store it under"},
    {"use", 0, MICA_OPT_TEXT, offsetof(struct args, use), "USE",
     "private, research, internal or commercial: refuse terms that do not allow it; default: mica.yaml's"},
    {"link", 0, MICA_OPT_FLAG, offsetof(struct args, link), NULL,
     "file: register the file where it lies instead of copying it"},
    {"any-size", 0, MICA_OPT_FLAG, offsetof(struct args, any_size), NULL,
     "fetch it even when it will not fit in this machine's memory"},
    {"plain-http", 0, MICA_OPT_FLAG, offsetof(struct args, plain_http), NULL,
     "allow http without encryption to other machines"},
    {"quiet", 'q', MICA_OPT_FLAG, offsetof(struct args, quiet), NULL, "no progress"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_pull = {options, MICA_COUNT(options), 1, 64, sizeof(struct args), NULL,
                                               run};
