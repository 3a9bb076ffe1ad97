/* Several threads, each with handles of its own: on one embedded kernel, in registries, in evaluators. */

#include "check.h"

#include <pthread.h>

enum { THREADS = 6, RULES = 12 };

struct worker {
    pthread_t thread;
    pktt_kernel *kernel;
    int number;
    int failures;
};

/* What one evaluator counts is not what those of other threads do, whatever names it goes by. */
static bool judge(pktt_error *error) {
    pktt_ruleset *rules = parse("*filter\n:INPUT DROP [0:0]\n-A INPUT -m hashlimit --hashlimit-name all --hashlimit-upto 1/s "
                                "--hashlimit-burst 3 --hashlimit-mode srcip -j ACCEPT\nCOMMIT\n",
                                error);
    pktt_host *host = pktt_host_new(PKTT_FAMILY_IPV4, error);
    pktt_evaluator *evaluator = NULL;
    int passed = 0, i;

    if (pktt_host_add_local(host, "10.0.0.1", error) == PKTT_OK)
        evaluator = pktt_evaluator_new(rules, host, PKTT_BACKEND_NFT, error);
    for (i = 0; i < RULES; i++) {
        const pktt_fate *fate = pktt_evaluator_process_words(evaluator, "in=eth0 src=10.0.0.2 dst=10.0.0.1 proto=udp dport=7", error);

        passed += fate && fate->verdict == PKTT_FATE_ACCEPT;
    }
    pktt_evaluator_free(evaluator);
    pktt_host_free(host);
    pktt_ruleset_free(rules);
    return passed == 3;
}

static bool work(pktt_kernel *kernel, const char *chain, pktt_error *error) {
    pktt_registry *registry = pktt_registry_new();
    pktt_rule *rule = pktt_rule_parse(PKTT_FAMILY_IPV4, "-p tcp -m multiport --dports 80,443 -j ACCEPT", error);
    pktt_transaction *make = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    pktt_transaction *append = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    pktt_ruleset *present = NULL;
    bool good = registry && rule;
    int i;

    good = good && pktt_registry_find(registry, PKTT_KIND_MATCH, "multiport", PKTT_FAMILY_IPV4, error);
    good = good && pktt_transaction_new_chain(make, PKTT_TABLE_FILTER, chain, error) == PKTT_OK
        && pktt_kernel_commit(kernel, make, error) == PKTT_OK
        && pktt_transaction_append(append, PKTT_TABLE_FILTER, chain, rule, error) == PKTT_OK;
    for (i = 0; good && i < RULES; i++)
        good = pktt_kernel_commit(kernel, append, error) == PKTT_OK;
    if (good)
        present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_FILTER, error);
    good = good && pktt_chain_rule_count(pktt_ruleset_chain(present, PKTT_TABLE_FILTER, chain)) == RULES && judge(error);
    /* Each thread has errors of its own. */
    good = good && !pktt_rule_parse(PKTT_FAMILY_IPV4, chain, error) && contains(pktt_error_message(error), chain);
    pktt_ruleset_free(present);
    pktt_transaction_free(append);
    pktt_transaction_free(make);
    pktt_rule_free(rule);
    pktt_registry_free(registry);
    return good;
}

static void *run(void *of) {
    struct worker *worker = (struct worker *)of;
    pktt_error *error = pktt_error_new();
    char chain[32];

    snprintf(chain, sizeof chain, "thread-%d", worker->number);
    worker->failures = !work(worker->kernel, chain, error);
    if (worker->failures)
        fprintf(stderr, "%s: %s\n", chain, pktt_error_message(error));
    pktt_error_free(error);
    return NULL;
}

int main(void) {
    pktt_error *error = pktt_error_new();
    pktt_kernel *kernel = pktt_kernel_open_embedded(NULL, error);
    pktt_ruleset *present;
    struct worker workers[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].kernel = pktt_kernel_connect(kernel, error);
        CHECK(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0 && workers[i].failures == 0);
        pktt_kernel_free(workers[i].kernel);
    }
    present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, 0, error);
    CHECK(pktt_ruleset_chain_count(present, PKTT_TABLE_FILTER) == THREADS);
    pktt_ruleset_free(present);
    pktt_kernel_free(kernel);
    pktt_error_free(error);
    return check_failures;
}
