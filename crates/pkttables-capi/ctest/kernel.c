/* Kernels: read, plan, apply, transactions, events; on an embedded kernel, or with --running on the running one. */

#include "check.h"

#define FILTER PKTT_TABLE_FILTER

static bool running;

static pktt_kernel *open_kernel(pktt_error *error) {
    pktt_kernel *kernel = running ? pktt_kernel_open(error) : pktt_kernel_open_embedded(NULL, error);

    if (!kernel)
        fprintf(stderr, "%s\n", pktt_error_message(error));
    return kernel;
}

/* The table filter as it is in the kernel, to be freed. */
static char *filter_of(pktt_kernel *kernel, pktt_error *error) {
    pktt_ruleset *ruleset = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, FILTER, error);
    char *text = pktt_ruleset_text(ruleset, false, error);

    pktt_ruleset_free(ruleset);
    return text;
}

static void test_plans(pktt_kernel *kernel, pktt_error *error) {
    pktt_ruleset *wanted = parse("*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A INPUT -p tcp -j web\n"
                                 "-A web -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
                                 error);
    pktt_ruleset *other = parse("*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A INPUT -p tcp -j web\nCOMMIT\n", error);
    pktt_ruleset *bad = pktt_ruleset_new(PKTT_FAMILY_IPV4, error);
    pktt_rule *jump = pktt_rule_parse(PKTT_FAMILY_IPV4, "-j nowhere", error);
    pktt_plan *plan = pktt_kernel_plan(kernel, wanted, NULL, error);
    static const char *const names[] = {"INPUT", "web"};
    pktt_scope scope = {NULL, 0, NULL};
    const pktt_step *step;
    uint32_t before = 0, after = 0;
    char *text;

    CHECK(pktt_kernel_generation(kernel, &before, error) == PKTT_OK && pktt_kernel_generation(kernel, NULL, error) == PKTT_OK);
    CHECK(pktt_plan_step_count(plan) >= 4 && pktt_plan_step_count(NULL) == 0);
    step = pktt_plan_step_at(plan, 0);
    CHECK(step && step->kind == PKTT_STEP_CREATE_TABLE && step->table == FILTER && !step->chain);
    step = pktt_plan_step_at(plan, pktt_plan_step_count(plan) - 1);
    CHECK(step && step->kind == PKTT_STEP_INSERT_RULE && contains(step->new_rule, "-A ") && !step->old_rule);
    CHECK(!pktt_plan_step_at(plan, 99) && !pktt_plan_step_at(NULL, 0));
    text = pktt_plan_text(plan, false, error);
    CHECK(contains(text, "+-A INPUT -p tcp -j web\n") && contains(text, "+:INPUT DROP"));
    pktt_string_free(text);
    text = pktt_plan_text(plan, true, error);
    CHECK(contains(text, "\x1b["));
    pktt_string_free(text);
    CHECK(!pktt_plan_text(NULL, false, error));

    CHECK(ok(pktt_kernel_commit_plan(kernel, plan, error), error) == PKTT_OK);
    CHECK(pktt_kernel_generation(kernel, &after, error) == PKTT_OK && after == before + 1);
    /* It was made for what was there before. */
    CHECK(pktt_kernel_commit_plan(kernel, plan, error) == PKTT_ERROR_CHANGED);
    pktt_plan_free(plan);
    CHECK(given(filter_of(kernel, error), "*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A INPUT -p tcp -j web\n"
                                          "-A web -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n"));
    plan = pktt_kernel_plan(kernel, wanted, NULL, error);
    CHECK(plan && pktt_plan_step_count(plan) == 0 && pktt_kernel_commit_plan(kernel, plan, error) == PKTT_OK);
    pktt_plan_free(plan);
    pktt_plan_free(NULL);

    /* Only what begins so may be touched, and nothing does; or what is named, which is not what differs. */
    scope.prefix = "none";
    CHECK(ok(pktt_kernel_apply(kernel, other, &scope, error), error) == PKTT_OK);
    plan = pktt_kernel_plan(kernel, other, &scope, error);
    CHECK(plan && pktt_plan_step_count(plan) == 0);
    pktt_plan_free(plan);
    scope.chains = names;
    scope.chain_count = 1;
    CHECK(!pktt_kernel_plan(kernel, other, &scope, error) && contains(pktt_error_message(error), "scope"));
    scope.prefix = NULL;
    plan = pktt_kernel_plan(kernel, other, &scope, error);
    CHECK(plan && pktt_plan_step_count(plan) == 0);
    pktt_plan_free(plan);
    scope.chain_count = 2;
    plan = pktt_kernel_plan(kernel, other, &scope, error);
    CHECK(pktt_plan_step_count(plan) == 1 && same(pktt_plan_step_at(plan, 0)->chain, "web"));
    pktt_plan_free(plan);
    CHECK(pktt_kernel_apply(kernel, other, NULL, error) == PKTT_OK);
    CHECK(given(filter_of(kernel, error), "*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A INPUT -p tcp -j web\nCOMMIT\n"));

    CHECK(pktt_ruleset_add_chain(bad, FILTER, "INPUT", error) == PKTT_OK);
    CHECK(pktt_ruleset_insert_rule(bad, FILTER, "INPUT", 0, jump, error) == PKTT_OK);
    CHECK(pktt_kernel_apply(kernel, bad, NULL, error) == PKTT_ERROR_NOT_FOUND && contains(pktt_error_message(error), "nowhere"));
    CHECK(!pktt_kernel_plan(kernel, bad, NULL, error) && same(pktt_error_problem(error, 0)->chain, "INPUT"));
    CHECK(!pktt_kernel_plan(NULL, wanted, NULL, error) && !pktt_kernel_plan(kernel, NULL, NULL, error));
    CHECK(pktt_kernel_apply(NULL, wanted, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_apply(kernel, NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_commit_plan(kernel, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_commit_plan(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    pktt_rule_free(jump);
    pktt_ruleset_free(bad);
    pktt_ruleset_free(other);
    pktt_ruleset_free(wanted);
}

/* The kernel refuses a step of the second table; whichever call tells it names it by its place in the whole plan. */
static void test_refused_steps(pktt_kernel *kernel, pktt_error *error) {
    pktt_ruleset *wanted = parse("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n"
                                 "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j REJECT\nCOMMIT\n",
                                 error);
    pktt_plan *plan = pktt_kernel_plan(kernel, wanted, NULL, error);
    const pktt_problem *problem;
    const pktt_step *step;

    CHECK(pktt_kernel_commit_plan(kernel, plan, error) == PKTT_ERROR_REFUSED);
    problem = pktt_error_problem(error, 0);
    step = pktt_plan_step_at(plan, problem->operation - 1);
    CHECK(step && step->table == PKTT_TABLE_MANGLE && same(problem->table, "mangle") && same(step->new_rule, problem->rule));
    CHECK(pktt_kernel_apply(kernel, wanted, NULL, error) == PKTT_ERROR_REFUSED);
    CHECK(pktt_error_problem(error, 0)->operation == pktt_plan_step_count(plan));
    pktt_plan_free(plan);
    pktt_ruleset_free(wanted);
}

static void commit(pktt_kernel *kernel, pktt_transaction *transaction, pktt_error *error) {
    CHECK(ok(pktt_kernel_commit(kernel, transaction, error), error) == PKTT_OK);
    pktt_transaction_free(transaction);
}

static void test_transactions(pktt_kernel *kernel, pktt_error *error) {
    pktt_rule *ssh = pktt_rule_parse(PKTT_FAMILY_IPV4, "-p tcp -m tcp --dport 22 -j ACCEPT", error);
    pktt_rule *drop = pktt_rule_parse(PKTT_FAMILY_IPV4, "-j DROP", error);
    pktt_rule *six = pktt_rule_new(PKTT_FAMILY_IPV6, error);
    pktt_transaction *edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);

    CHECK(pktt_transaction_clear(edits, FILTER, error) == PKTT_OK);
    CHECK(pktt_transaction_new_chain(edits, FILTER, "old", error) == PKTT_OK);
    CHECK(pktt_transaction_append(edits, FILTER, "INPUT", drop, error) == PKTT_OK);
    CHECK(pktt_transaction_append(edits, FILTER, "INPUT", drop, error) == PKTT_OK);
    CHECK(pktt_transaction_insert(edits, FILTER, "INPUT", 2, ssh, error) == PKTT_OK);
    CHECK(pktt_transaction_delete_number(edits, FILTER, "INPUT", 1, error) == PKTT_OK);
    CHECK(pktt_transaction_set_policy(edits, FILTER, "FORWARD", PKTT_POLICY_DROP, error) == PKTT_OK);
    CHECK(pktt_transaction_set_counters(edits, FILTER, "OUTPUT", 0, 7, 800, error) == PKTT_OK);
    CHECK(pktt_transaction_count(edits) == 8 && pktt_transaction_count(NULL) == 0);
    commit(kernel, edits, error);
    CHECK(given(filter_of(kernel, error), "*filter\n:old - [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n"
                                          ":OUTPUT ACCEPT [7:800]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
                                          "-A INPUT -j DROP\nCOMMIT\n"));

    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_rename_chain(edits, FILTER, "old", "new", error) == PKTT_OK);
    CHECK(pktt_transaction_replace(edits, FILTER, "INPUT", 2, ssh, error) == PKTT_OK);
    CHECK(pktt_transaction_delete(edits, FILTER, "INPUT", ssh, error) == PKTT_OK);
    commit(kernel, edits, error);
    CHECK(given(filter_of(kernel, error), "*filter\n:new - [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n"
                                          ":OUTPUT ACCEPT [7:800]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"));

    /* The second edit does not fit, so the first is not made either. */
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_flush(edits, FILTER, NULL, error) == PKTT_OK);
    CHECK(pktt_transaction_append(edits, FILTER, "missing", ssh, error) == PKTT_OK);
    CHECK(pktt_kernel_commit(kernel, edits, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_error_problem(error, 0)->operation == 2 && same(pktt_error_problem(error, 0)->chain, "missing"));
    pktt_transaction_free(edits);
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_new_chain(edits, FILTER, "new", error) == PKTT_OK);
    CHECK(pktt_kernel_commit(kernel, edits, error) == PKTT_ERROR_EXISTS && pktt_error_problem(error, 0)->operation == 1);
    pktt_transaction_free(edits);
    /* The kernel does not delete a chain that has rules. */
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_append(edits, FILTER, "new", ssh, error) == PKTT_OK);
    CHECK(pktt_transaction_delete_chain(edits, FILTER, "new", error) == PKTT_OK);
    CHECK(pktt_kernel_commit(kernel, edits, error) == PKTT_ERROR_REFUSED);
    CHECK(pktt_error_problem(error, 0)->operation == 2 && pktt_error_problem(error, 0)->system_error == 16);
    CHECK(same(pktt_error_problem(error, 0)->table, "filter") && same(pktt_error_problem(error, 0)->chain, "new"));
    pktt_transaction_free(edits);

    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_flush(edits, FILTER, "INPUT", error) == PKTT_OK);
    CHECK(pktt_transaction_flush(edits, FILTER, NULL, error) == PKTT_OK);
    CHECK(pktt_transaction_delete_chain(edits, FILTER, NULL, error) == PKTT_OK);
    commit(kernel, edits, error);
    CHECK(given(filter_of(kernel, error), "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"));

    /* What makes no sense is not added. */
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_append(edits, FILTER, "INPUT", six, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_append(edits, FILTER, NULL, ssh, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_append(edits, (pktt_table)0, "INPUT", ssh, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_append(NULL, FILTER, "INPUT", ssh, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_insert(edits, FILTER, "INPUT", 0, ssh, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_replace(edits, FILTER, "INPUT", 1, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_delete(edits, FILTER, "INPUT", NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_delete_number(edits, FILTER, "INPUT", 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_new_chain(edits, FILTER, "a b", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_rename_chain(edits, FILTER, "a", NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_set_policy(edits, FILTER, "INPUT", (pktt_policy)7, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_set_counters(edits, FILTER, "INPUT", 7, 0, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_flush(NULL, FILTER, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_clear(NULL, FILTER, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_delete_chain(NULL, FILTER, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_transaction_count(edits) == 0 && pktt_kernel_commit(kernel, edits, error) == PKTT_OK);
    CHECK(pktt_kernel_commit(NULL, edits, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_commit(kernel, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_transaction_new((pktt_family)0, error));
    pktt_transaction_free(edits);
    pktt_transaction_free(NULL);
    pktt_rule_free(six);
    pktt_rule_free(drop);
    pktt_rule_free(ssh);
}

static void test_counters(pktt_kernel *kernel, pktt_error *error) {
    static const char RAW[] = "*raw\n:OUTPUT ACCEPT [5:6]\n[7:8] -A OUTPUT\n[9:10] -A OUTPUT\nCOMMIT\n";
    pktt_ruleset *wanted = pktt_ruleset_parse(PKTT_FAMILY_IPV4, RAW, strlen(RAW), NULL, true, error);
    pktt_ruleset *present;
    const pktt_chain *output;
    uint64_t packets = 1, bytes = 1;

    CHECK(ok(pktt_kernel_apply(kernel, wanted, NULL, error), error) == PKTT_OK);
    CHECK(ok(pktt_kernel_zero(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, "OUTPUT", 1, error), error) == PKTT_OK);
    present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, 0, error);
    CHECK(pktt_ruleset_table_count(present) == 2);
    output = pktt_ruleset_chain(present, PKTT_TABLE_RAW, "OUTPUT");
    CHECK(pktt_chain_handle(output) > 0 && pktt_rule_handle(pktt_chain_rule_at(output, 0)) > 0);
    CHECK(pktt_rule_counters(pktt_chain_rule_at(output, 0), &packets, &bytes) && packets == 0 && bytes == 0);
    CHECK(pktt_rule_counters(pktt_chain_rule_at(output, 1), &packets, &bytes) && packets == 9 && bytes == 10);
    pktt_ruleset_free(present);
    CHECK(pktt_kernel_zero(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, "OUTPUT", 0, error) == PKTT_OK);
    CHECK(pktt_kernel_zero(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, NULL, 0, error) == PKTT_OK);
    CHECK(pktt_kernel_zero(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, "OUTPUT", 3, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_kernel_zero(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, NULL, 3, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_zero(NULL, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    pktt_ruleset_free(wanted);
}

/* A rule's handle in the chain OUTPUT of raw, and its packets. */
static uint64_t raw_rule(pktt_kernel *kernel, size_t index, uint64_t *packets, pktt_error *error) {
    pktt_ruleset *present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, PKTT_TABLE_RAW, error);
    const pktt_rule *rule = pktt_chain_rule_at(pktt_ruleset_chain(present, PKTT_TABLE_RAW, "OUTPUT"), index);
    uint64_t handle = pktt_rule_handle(rule);

    CHECK(pktt_rule_counters(rule, packets, NULL));
    pktt_ruleset_free(present);
    return handle;
}

/* Counters as part of what is committed at once. */
static void test_counters_in_transactions(pktt_kernel *kernel, pktt_error *error) {
    static const char RAW[] = "*raw\n:OUTPUT ACCEPT [5:6]\n[0:0] -A OUTPUT\n[9:10] -A OUTPUT\nCOMMIT\n";
    pktt_ruleset *wanted = pktt_ruleset_parse(PKTT_FAMILY_IPV4, RAW, strlen(RAW), NULL, true, error);
    pktt_transaction *edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    uint64_t packets, first, last;

    CHECK(pktt_transaction_clear(edits, PKTT_TABLE_RAW, error) == PKTT_OK);
    commit(kernel, edits, error);
    CHECK(ok(pktt_kernel_apply(kernel, wanted, NULL, error), error) == PKTT_OK);
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_set_rule_counters(edits, PKTT_TABLE_RAW, "OUTPUT", 2, 11, 12, error) == PKTT_OK);
    CHECK(pktt_transaction_set_rule_counters(edits, PKTT_TABLE_RAW, "OUTPUT", 0, 1, 1, error) == PKTT_ERROR_ARGUMENT);
    commit(kernel, edits, error);
    first = raw_rule(kernel, 0, &packets, error);
    last = raw_rule(kernel, 1, &packets, error);
    CHECK(packets == 11);

    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_zero(edits, PKTT_TABLE_RAW, "OUTPUT", error) == PKTT_OK);
    CHECK(pktt_transaction_zero(NULL, PKTT_TABLE_RAW, NULL, error) == PKTT_ERROR_ARGUMENT);
    commit(kernel, edits, error);
    CHECK(raw_rule(kernel, 0, &packets, error) == first);
    CHECK(raw_rule(kernel, 1, &packets, error) == last && packets == 0);

    /* Nothing of it is done where another edit does not fit. */
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_set_rule_counters(edits, PKTT_TABLE_RAW, "OUTPUT", 1, 3, 4, error) == PKTT_OK);
    CHECK(pktt_transaction_zero(edits, PKTT_TABLE_RAW, NULL, error) == PKTT_OK);
    CHECK(pktt_transaction_delete_handle(edits, PKTT_TABLE_RAW, "OUTPUT", last + 1000, error) == PKTT_OK);
    CHECK(pktt_kernel_commit(kernel, edits, error) == PKTT_ERROR_NOT_FOUND && pktt_error_problem(error, 0)->operation == 3);
    pktt_transaction_free(edits);
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_delete_handle(edits, PKTT_TABLE_RAW, "OUTPUT", first, error) == PKTT_OK);
    commit(kernel, edits, error);
    CHECK(raw_rule(kernel, 0, &packets, error) == last);
    pktt_ruleset_free(wanted);
}

/* What two events calls give until there is no more: the kinds, and the rule that was told. */
static void test_events(pktt_kernel *kernel, pktt_error *error) {
    pktt_events *events = pktt_events_open(kernel, error);
    pktt_rule *rule = pktt_rule_parse(PKTT_FAMILY_IPV4, "-p udp -j ACCEPT", error);
    pktt_transaction *edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    const pktt_event *event = NULL;
    unsigned seen = 0;

    CHECK(events && (running ? pktt_events_descriptor(events) >= 0 : pktt_events_descriptor(events) == -1));
    CHECK(pktt_events_descriptor(NULL) == -1);
    CHECK(pktt_events_next(events, 0, &event, error) == PKTT_END);
    CHECK(pktt_transaction_new_chain(edits, FILTER, "seen", error) == PKTT_OK);
    CHECK(pktt_transaction_append(edits, FILTER, "seen", rule, error) == PKTT_OK);
    commit(kernel, edits, error);
    while (pktt_events_next(events, 1000, &event, error) == PKTT_OK) {
        seen |= 1u << event->kind;
        CHECK(event->text && event->text[0]);
        if (event->kind == PKTT_EVENT_NEW_CHAIN)
            CHECK(same(event->table, "filter") && same(event->chain, "seen") && event->family == PKTT_FAMILY_IPV4);
        if (event->kind == PKTT_EVENT_NEW_RULE)
            CHECK(same(event->rule, "-A seen -p udp -j ACCEPT") && event->handle > 0);
        if (event->kind == PKTT_EVENT_GENERATION) {
            CHECK(event->generation > 1);
            break;
        }
    }
    CHECK(seen == (1u << PKTT_EVENT_NEW_CHAIN | 1u << PKTT_EVENT_NEW_RULE | 1u << PKTT_EVENT_GENERATION));
    /* One that nobody wants to see is passed over. */
    edits = pktt_transaction_new(PKTT_FAMILY_IPV4, error);
    CHECK(pktt_transaction_append(edits, FILTER, "seen", rule, error) == PKTT_OK);
    commit(kernel, edits, error);
    CHECK(pktt_events_next(events, 1000, NULL, error) == PKTT_OK);
    CHECK(pktt_events_next(events, 1000, &event, error) == PKTT_OK && event->kind == PKTT_EVENT_GENERATION);
    CHECK(pktt_events_next(events, 0, NULL, error) == PKTT_END);
    CHECK(pktt_events_next(NULL, 0, &event, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_events_open(NULL, error));
    pktt_events_free(events);
    pktt_events_free(NULL);
    pktt_rule_free(rule);
}

/* What was made with a connection goes on without it. */
static void test_order_of_freeing(pktt_error *error) {
    pktt_kernel *kernel = open_kernel(error);
    pktt_kernel *other = pktt_kernel_connect(kernel, error);
    pktt_events *events = pktt_events_open(kernel, error);
    pktt_socket *socket = pktt_socket_open(running ? NULL : kernel, error);
    pktt_batch *batch = pktt_batch_new(10, NULL);
    pktt_writer *writer = pktt_writer_new();
    pktt_ruleset *ruleset = parse("*raw\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j ACCEPT\nCOMMIT\n", error);
    pktt_plan *plan = pktt_kernel_plan(kernel, ruleset, NULL, error);
    const pktt_event *event;
    pktt_family family = (pktt_family)0;
    pktt_table table = (pktt_table)0;

    pktt_kernel_free(kernel);
    pktt_ruleset_free(ruleset);
    CHECK(ok(pktt_kernel_commit_plan(other, plan, error), error) == PKTT_OK);
    pktt_kernel_free(other);
    pktt_plan_free(plan);
    CHECK(pktt_put_netfilter_header(writer, 2, 0, error) == PKTT_OK);
    CHECK(pktt_put_string(writer, 1, "security", error) == PKTT_OK);
    CHECK(pktt_batch_add(batch, 1, 10 << 8 | 0, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    CHECK(ok(pktt_socket_commit(socket, batch, error), error) == PKTT_OK);
    pktt_socket_free(socket);
    while (pktt_events_next(events, 1000, &event, error) == PKTT_OK && table != PKTT_TABLE_SECURITY) {
        family = event->family;
        table = pktt_table_from_name(event->table);
    }
    CHECK(family == PKTT_FAMILY_IPV4 && table == PKTT_TABLE_SECURITY);
    pktt_events_free(events);
    pktt_writer_free(writer);
    pktt_batch_free(batch);
}

static void test_support(pktt_kernel *kernel, pktt_error *error) {
    pktt_registry *registry = pktt_registry_new();
    const pktt_extension *conntrack = pktt_registry_find(registry, PKTT_KIND_MATCH, "conntrack", PKTT_FAMILY_IPV4, error);
    uint8_t revision = 0;

    CHECK(ok(pktt_kernel_supports(kernel, conntrack, PKTT_FAMILY_IPV4, &revision, error), error) == PKTT_OK && revision > 0);
    CHECK(pktt_kernel_supports(kernel, conntrack, PKTT_FAMILY_IPV4, NULL, error) == PKTT_OK);
    CHECK(pktt_kernel_supports(kernel, NULL, PKTT_FAMILY_IPV4, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_supports(NULL, conntrack, PKTT_FAMILY_IPV4, NULL, error) == PKTT_ERROR_ARGUMENT);
    pktt_registry_free(registry);
}

static void test_state(const char *path, pktt_error *error) {
    pktt_kernel *kernel = pktt_kernel_open_embedded(path, error);
    pktt_kernel *other = pktt_kernel_connect(kernel, error);
    pktt_ruleset *wanted = parse("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n", error);
    pktt_ruleset *present;

    CHECK(pktt_kernel_is_embedded(kernel) && !pktt_kernel_is_embedded(NULL));
    CHECK(pktt_kernel_apply(kernel, wanted, NULL, error) == PKTT_OK);
    /* Both connections lead to the same kernel. */
    present = pktt_kernel_read(other, PKTT_FAMILY_IPV4, PKTT_TABLE_NAT, error);
    CHECK(pktt_chain_rule_count(pktt_ruleset_chain(present, PKTT_TABLE_NAT, "POSTROUTING")) == 1);
    pktt_ruleset_free(present);
    CHECK(pktt_kernel_save_state(other, path, error) == PKTT_OK);
    CHECK(pktt_kernel_save_state(other, "/nonexistent/state", error) == PKTT_ERROR_FILE);
    CHECK(pktt_kernel_save_state(other, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_kernel_save_state(NULL, path, error) == PKTT_ERROR_ARGUMENT);
    pktt_kernel_free(kernel);
    pktt_kernel_free(other);

    kernel = pktt_kernel_open_embedded(path, error);
    present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, 0, error);
    CHECK(given(pktt_ruleset_text(present, false, error),
                "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"));
    pktt_ruleset_free(present);
    pktt_kernel_free(kernel);
    pktt_kernel_free(NULL);
    CHECK(pktt_ruleset_save(wanted, path, false, error) == PKTT_OK);
    CHECK(!pktt_kernel_open_embedded(path, error) && pktt_error_status(error) == PKTT_ERROR_FILE);
    CHECK(!pktt_kernel_connect(NULL, error));
    pktt_ruleset_free(wanted);
}

/* What an iptables has no words for is kept, and shown as what it is. */
static void test_foreign(pktt_kernel *kernel, pktt_error *error) {
    pktt_socket *socket = pktt_socket_open(running ? NULL : kernel, error);
    pktt_writer *writer = pktt_writer_new();
    pktt_batch *batch = pktt_batch_new(10, NULL);
    pktt_ruleset *present;
    const pktt_chain *chain;
    const pktt_rule *rule;
    char *line;

    /* A rule of one expression that loads the length of the packet, which no iptables writes. */
    pktt_put_netfilter_header(writer, 2, 0, error);
    pktt_put_string(writer, 1, "filter", error);
    pktt_put_string(writer, 2, "seen", error);
    pktt_nest_begin(writer, 4, error);
    pktt_nest_begin(writer, 1, error);
    pktt_put_string(writer, 1, "meta", error);
    pktt_nest_begin(writer, 2, error);
    pktt_put_be32(writer, 1, 1, error);
    pktt_put_be32(writer, 2, 0, error);
    pktt_nest_end(writer, error);
    pktt_nest_end(writer, error);
    pktt_nest_end(writer, error);
    CHECK(pktt_batch_add(batch, 1, 10 << 8 | 6, PKTT_NLM_CREATE | PKTT_NLM_APPEND, writer, error) == PKTT_OK);
    CHECK(ok(pktt_socket_commit(socket, batch, error), error) == PKTT_OK);
    pktt_batch_free(batch);
    pktt_writer_free(writer);
    pktt_socket_free(socket);

    present = pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, FILTER, error);
    chain = pktt_ruleset_chain(present, FILTER, "seen");
    rule = pktt_chain_rule_at(chain, pktt_chain_rule_count(chain) - 1);
    CHECK(pktt_rule_action(rule) == PKTT_ACTION_FOREIGN && contains(pktt_rule_text(rule), "meta"));
    CHECK(pktt_rule_match_count(rule) == 0 && !pktt_rule_target(rule) && pktt_rule_handle(rule) > 0);
    line = pktt_rule_save(rule, "seen", false, error);
    CHECK(line && line[0] == '#');
    pktt_string_free(line);
    CHECK(pktt_kernel_apply(kernel, present, NULL, error) == PKTT_OK);
    pktt_ruleset_free(present);
}

int main(int argc, char **argv) {
    pktt_error *error = pktt_error_new();
    pktt_kernel *kernel;

    running = argc > 1 && same(argv[1], "--running");
    kernel = open_kernel(error);
    CHECK(kernel && pktt_kernel_is_embedded(kernel) != running);
    if (kernel) {
        test_plans(kernel, error);
        test_refused_steps(kernel, error);
        test_transactions(kernel, error);
        test_counters(kernel, error);
        test_counters_in_transactions(kernel, error);
        test_events(kernel, error);
        test_order_of_freeing(error);
        test_foreign(kernel, error);
        test_support(kernel, error);
    }
    CHECK(!pktt_kernel_read(NULL, PKTT_FAMILY_IPV4, 0, error));
    CHECK(!pktt_kernel_read(kernel, (pktt_family)0, 0, error) && !pktt_kernel_read(kernel, PKTT_FAMILY_IPV4, 3, error));
    CHECK(pktt_kernel_generation(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    if (running)
        CHECK(pktt_kernel_save_state(kernel, "/tmp/state", error) == PKTT_ERROR_ARGUMENT);
    else if (argc > 1)
        test_state(argv[1], error);
    pktt_kernel_free(kernel);
    pktt_error_free(error);
    return check_failures;
}
