/* Keeps some chains as they should be, beside other programs that change the same tables, as the daemon of a VPN or
 * of a container network does.
 *
 * keep_chains [--running] [FILE]
 *
 * The chains are those of FILE, in the format of iptables-save, or some of the program's own. They are checked, tried
 * with a packet that must pass, compared with the kernel's and brought there; then another program, for which a second
 * connection stands, breaks them, which is seen and mended. The kernel is an embedded one unless told otherwise. */

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

static const char RULES[] = "*filter\n"
                            ":INPUT ACCEPT [0:0]\n"
                            ":vpn - [0:0]\n"
                            "-A INPUT -i tun0 -j vpn\n"
                            "-A vpn -p tcp --dport 22 -j ACCEPT\n"
                            "-A vpn -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
                            "-A vpn -j DROP\n"
                            "COMMIT\n";

enum { MOST_CHAINS = 64 };

static const char MUST_PASS[] = "in=tun0 src=10.8.0.2 dst=10.8.0.1 proto=tcp dport=22";

/* Every mistake of a text, or whatever else went wrong. */
static void print_problems(const pktt_error *error) {
    size_t i;

    for (i = 0; i < pktt_error_count(error); i++) {
        const pktt_problem *problem = pktt_error_problem(error, i);

        if (problem->line)
            fprintf(stderr, "line %zu, column %zu: ", problem->line, problem->column);
        if (problem->chain)
            fprintf(stderr, "chain %s: ", problem->chain);
        fprintf(stderr, "%s\n", problem->message);
        if (problem->hint)
            fprintf(stderr, "    %s\n", problem->hint);
    }
}

/* Whether the packet that must pass does so with these rules, and if not by which rule. */
static bool passes(const pktt_ruleset *rules, pktt_error *error) {
    pktt_host *host = pktt_host_new(PKTT_FAMILY_IPV4, error);
    pktt_evaluator *evaluator = NULL;
    const pktt_fate *fate = NULL;
    bool accepted;

    if (pktt_host_add_route(host, "10.8.0.0/24", "tun0", NULL, 0, error) == PKTT_OK
        && pktt_host_add_local(host, "10.8.0.1", error) == PKTT_OK)
        evaluator = pktt_evaluator_new(rules, host, PKTT_BACKEND_NFT, error);
    if (evaluator)
        fate = pktt_evaluator_process_words(evaluator, MUST_PASS, error);
    accepted = fate && fate->verdict == PKTT_FATE_ACCEPT;
    if (!fate)
        print_problems(error);
    else if (!accepted)
        fprintf(stderr, "rule %zu of %s would stop what must pass\n", fate->rule_number, fate->chain ? fate->chain : "no chain");
    pktt_evaluator_free(evaluator);
    pktt_host_free(host);
    return accepted;
}

/* What is to be kept: chains of one table, and no others of it. */
struct kept {
    const pktt_ruleset *rules;
    pktt_table table;
    pktt_scope scope;
    const char *names[MOST_CHAINS];
};

static bool choose(struct kept *kept, const pktt_ruleset *rules) {
    size_t i;

    memset(kept, 0, sizeof *kept);
    kept->rules = rules;
    kept->table = pktt_ruleset_table_at(rules, 0);
    kept->scope.chains = kept->names;
    kept->scope.chain_count = pktt_ruleset_chain_count(rules, kept->table);
    if (pktt_ruleset_table_count(rules) != 1 || kept->scope.chain_count > MOST_CHAINS) {
        fprintf(stderr, "expected one table of at most %d chains\n", MOST_CHAINS);
        return false;
    }
    for (i = 0; i < kept->scope.chain_count; i++)
        kept->names[i] = pktt_chain_name(pktt_ruleset_chain_at(rules, kept->table, i));
    return true;
}

/* Brings the chains to the kernel with the least change. */
static bool bring(pktt_kernel *kernel, const struct kept *kept, pktt_error *error) {
    pktt_status status = PKTT_ERROR_CHANGED;
    int tries;

    /* Somebody else's change may come between the plan and its commit. pktt_kernel_apply does the same without a look
     * at the plan. */
    for (tries = 0; status == PKTT_ERROR_CHANGED && tries < 10; tries++) {
        pktt_plan *plan = pktt_kernel_plan(kernel, kept->rules, &kept->scope, error);
        char *text = pktt_plan_text(plan, false, error);

        if (text)
            fputs(text, stdout);
        status = plan ? pktt_kernel_commit_plan(kernel, plan, error) : pktt_error_status(error);
        pktt_string_free(text);
        pktt_plan_free(plan);
    }
    if (status != PKTT_OK)
        print_problems(error);
    return status == PKTT_OK;
}

/* Whether the kernel has the chains just so. */
static bool is_there(pktt_kernel *kernel, const struct kept *kept, pktt_error *error) {
    pktt_plan *plan = pktt_kernel_plan(kernel, kept->rules, &kept->scope, error);
    bool there = plan && pktt_plan_step_count(plan) == 0;

    pktt_plan_free(plan);
    return there;
}

/* Reads events up to the end of the next commit; false if none comes. */
static bool next_commit(pktt_events *events, pktt_error *error) {
    const pktt_event *event;
    pktt_status status;

    while ((status = pktt_events_next(events, 1000, &event, error)) == PKTT_OK) {
        if (event->kind == PKTT_EVENT_GENERATION) {
            printf("generation %u, made by process %u\n", (unsigned)event->generation, (unsigned)event->process);
            return true;
        }
        if (event->rule)
            printf("%s: %s\n", event->kind == PKTT_EVENT_DELETE_RULE ? "deleted" : "added", event->rule);
    }
    /* When events were lost, there has been some commit. */
    return status == PKTT_ERROR_LOST;
}

/* Another program, which deletes the first rule of the first chain that has one. */
static bool interfere(const pktt_kernel *kernel, const struct kept *kept, pktt_error *error) {
    pktt_kernel *other = pktt_kernel_connect(kernel, error);
    pktt_transaction *edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    const pktt_chain *chain = NULL;
    bool done;
    size_t i;

    for (i = 0; pktt_chain_rule_count(chain) == 0 && i < kept->scope.chain_count; i++)
        chain = pktt_ruleset_chain_at(kept->rules, kept->table, i);
    done = pktt_transaction_delete_number(edits, kept->table, pktt_chain_name(chain), 1, error) == PKTT_OK
        && pktt_kernel_commit(other, edits, error) == PKTT_OK;
    if (!done)
        print_problems(error);
    pktt_transaction_free(edits);
    pktt_kernel_free(other);
    return done;
}

static bool keep(pktt_kernel *kernel, const struct kept *kept, pktt_error *error) {
    pktt_events *events = pktt_events_open(kernel, error);
    bool done;

    if (!events) {
        print_problems(error);
        return false;
    }
    /* The first commit is one's own, and its events come like those of others. */
    done = bring(kernel, kept, error) && next_commit(events, error) && is_there(kernel, kept, error)
        && interfere(kernel, kept, error) && next_commit(events, error) && !is_there(kernel, kept, error)
        && bring(kernel, kept, error) && is_there(kernel, kept, error);
    pktt_events_free(events);
    return done;
}

int main(int argc, char **argv) {
    bool running = argc > 1 && strcmp(argv[1], "--running") == 0;
    const char *file = argc > 1 + running ? argv[1 + running] : NULL;
    pktt_error *error = pktt_error_new();
    pktt_ruleset *rules = file ? pktt_ruleset_load(PKTT_FAMILY_IPV4, file, false, error)
                               : pktt_ruleset_parse(PKTT_FAMILY_IPV4, RULES, strlen(RULES), NULL, false, error);
    pktt_kernel *kernel = running ? pktt_kernel_open(error) : pktt_kernel_open_embedded(NULL, error);
    struct kept kept;
    bool done = false;

    if (!rules || !kernel)
        print_problems(error);
    else
        done = choose(&kept, rules) && passes(rules, error) && keep(kernel, &kept, error);
    pktt_kernel_free(kernel);
    pktt_ruleset_free(rules);
    pktt_error_free(error);
    return done ? 0 : 1;
}
