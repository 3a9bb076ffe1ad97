/* Adds rules to a kernel and deletes one again, in two transactions.
 *
 * edit_rules [--running]
 *
 * It works on an embedded kernel and needs no privileges, or with --running on the running kernel, in the network
 * namespace that it is started in. */

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

/* A rule put together parameter by parameter: new connections to port 22. */
static pktt_rule *new_connections(pktt_error *error) {
    pktt_rule *rule = pktt_rule_new(PKTT_FAMILY_IPV4, error);
    pktt_builder *tcp = pktt_builder_new(PKTT_KIND_MATCH, "tcp", PKTT_FAMILY_IPV4, error);
    pktt_builder *state = pktt_builder_new(PKTT_KIND_MATCH, "conntrack", PKTT_FAMILY_IPV4, error);
    bool ok;

    ok = pktt_rule_set_header(rule, "protocol", "tcp", false, error) == PKTT_OK
        && pktt_builder_set(tcp, "destination-port", "22", false, 6, error) == PKTT_OK
        && pktt_builder_set(state, "ctstate", "NEW", false, 6, error) == PKTT_OK;
    /* Adding frees the builder in any case. */
    ok = pktt_rule_add(rule, tcp, error) == PKTT_OK && ok;
    ok = pktt_rule_add(rule, state, error) == PKTT_OK && ok;
    ok = ok && pktt_rule_set_verdict(rule, PKTT_VERDICT_ACCEPT, error) == PKTT_OK;
    if (!ok) {
        pktt_rule_free(rule);
        return NULL;
    }
    return rule;
}

static bool print_chain(pktt_kernel *kernel, pktt_error *error) {
    pktt_ruleset *ruleset = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_FILTER, error);
    const pktt_chain *chain = pktt_ruleset_chain(ruleset, PKTT_TABLE_FILTER, "INPUT");
    size_t i;

    if (!ruleset)
        return false;
    for (i = 0; i < pktt_chain_rule_count(chain); i++) {
        const pktt_rule *rule = pktt_chain_rule_at(chain, i);

        printf("  handle %llu: %s\n", (unsigned long long)pktt_rule_handle(rule), pktt_rule_text(rule));
    }
    pktt_ruleset_free(ruleset);
    return true;
}

static bool edit(pktt_kernel *kernel, pktt_error *error) {
    pktt_rule *built = new_connections(error);
    pktt_rule *parsed = pktt_rule_parse(PKTT_FAMILY_IPV4, "-s 192.0.2.0/24 -j DROP", error);
    pktt_transaction *add = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    pktt_transaction *delete_it = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    bool ok;

    ok = built && parsed
        && pktt_transaction_append(add, PKTT_TABLE_FILTER, "INPUT", built, error) == PKTT_OK
        && pktt_transaction_insert(add, PKTT_TABLE_FILTER, "INPUT", 1, parsed, error) == PKTT_OK
        && pktt_kernel_commit(kernel, add, error) == PKTT_OK;
    if (ok) {
        printf("after adding two rules\n");
        ok = print_chain(kernel, error)
            && pktt_transaction_delete(delete_it, PKTT_TABLE_FILTER, "INPUT", parsed, error) == PKTT_OK
            && pktt_kernel_commit(kernel, delete_it, error) == PKTT_OK;
    }
    if (ok) {
        printf("after deleting one\n");
        ok = print_chain(kernel, error);
    }
    pktt_transaction_free(delete_it);
    pktt_transaction_free(add);
    pktt_rule_free(parsed);
    pktt_rule_free(built);
    return ok;
}

int main(int argc, char **argv) {
    bool running = argc > 1 && strcmp(argv[1], "--running") == 0;
    pktt_error *error = pktt_error_new();
    pktt_kernel *kernel = running ? pktt_kernel_open(error) : pktt_kernel_open_embedded(NULL, error);
    bool ok = kernel && edit(kernel, error);

    if (!ok)
        fprintf(stderr, "%s\n", pktt_error_message(error));
    pktt_kernel_free(kernel);
    pktt_error_free(error);
    return ok ? 0 : 1;
}
