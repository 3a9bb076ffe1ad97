/* Rulesets: read, walked through, changed in memory, written. */

#include "check.h"

static const char RULES[] = "*filter\n"
                            ":INPUT DROP [1:20]\n"
                            ":web - [0:0]\n"
                            "[3:400] -A INPUT -p tcp -j web\n"
                            "-A web ! -s 10.0.0.0/8 -p tcp -m multiport --dports 80,443 -m comment --comment \"a b\" -j ACCEPT\n"
                            "COMMIT\n"
                            "*raw\n"
                            ":OUTPUT ACCEPT [0:0]\n"
                            "COMMIT\n";

static void test_walk(pktt_error *error) {
    pktt_ruleset *ruleset = pktt_ruleset_parse(PKTT_FAMILY_IPV4, RULES, strlen(RULES), NULL, true, error);
    const pktt_chain *input = pktt_ruleset_chain(ruleset, PKTT_TABLE_FILTER, "INPUT");
    const pktt_chain *web = pktt_ruleset_chain_at(ruleset, PKTT_TABLE_FILTER, 1);
    uint64_t packets = 0, bytes = 0;

    CHECK(pktt_ruleset_family(ruleset) == PKTT_FAMILY_IPV4 && pktt_ruleset_family(NULL) == 0);
    CHECK(pktt_ruleset_table_count(ruleset) == 2 && pktt_ruleset_table_count(NULL) == 0);
    CHECK(pktt_ruleset_table_at(ruleset, 1) == PKTT_TABLE_RAW && pktt_ruleset_table_at(ruleset, 2) == 0);
    CHECK(pktt_ruleset_table_at(NULL, 0) == 0);
    CHECK(pktt_ruleset_chain_count(ruleset, PKTT_TABLE_FILTER) == 2);
    CHECK(pktt_ruleset_chain_count(ruleset, PKTT_TABLE_NAT) == 0);
    CHECK(pktt_ruleset_chain_count(NULL, PKTT_TABLE_NAT) == 0);
    CHECK(!pktt_ruleset_chain(ruleset, PKTT_TABLE_FILTER, "none") && !pktt_ruleset_chain(ruleset, PKTT_TABLE_FILTER, NULL));
    CHECK(!pktt_ruleset_chain(NULL, PKTT_TABLE_FILTER, "INPUT") && !pktt_ruleset_chain_at(ruleset, PKTT_TABLE_FILTER, 2));
    CHECK(!pktt_ruleset_chain_at(NULL, PKTT_TABLE_FILTER, 0) && !pktt_ruleset_chain_at(ruleset, (pktt_table)5, 0));
    CHECK(same(pktt_chain_name(web), "web") && !pktt_chain_name(NULL));
    CHECK(pktt_chain_hook(input) == PKTT_HOOK_INPUT && pktt_chain_hook(web) == 0 && pktt_chain_hook(NULL) == 0);
    CHECK(pktt_chain_policy(input) == PKTT_POLICY_DROP && pktt_chain_policy(web) == 0 && pktt_chain_policy(NULL) == 0);
    CHECK(pktt_chain_counters(input, &packets, &bytes) && packets == 1 && bytes == 20);
    CHECK(pktt_chain_counters(input, NULL, NULL) && !pktt_chain_counters(NULL, &packets, &bytes));
    CHECK(pktt_chain_handle(input) == 0 && pktt_chain_handle(NULL) == 0);
    CHECK(!pktt_chain_is_foreign(input) && !pktt_chain_is_foreign(NULL));
    CHECK(pktt_chain_rule_count(input) == 1 && pktt_chain_rule_count(NULL) == 0);
    CHECK(pktt_rule_counters(pktt_chain_rule_at(input, 0), &packets, &bytes) && packets == 3 && bytes == 400);
    CHECK(!pktt_chain_rule_at(input, 1) && !pktt_chain_rule_at(NULL, 0));
    pktt_ruleset_free(ruleset);
    pktt_ruleset_free(NULL);
}

static void test_errors(pktt_error *error) {
    static const char BAD[] = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dprot 22\n-A INPUT -j nowhere\nCOMMIT\n";
    const pktt_problem *problem;

    CHECK(!pktt_ruleset_parse(PKTT_FAMILY_IPV4, BAD, strlen(BAD), "bad.rules", false, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_SYNTAX && pktt_error_count(error) == 2);
    CHECK(same(pktt_error_file(error), "bad.rules") && pktt_error_line(error) == 3 && pktt_error_column(error) == 17);
    CHECK(contains(pktt_error_message(error), "bad.rules:3:17: "));
    problem = pktt_error_problem(error, 0);
    CHECK(same(problem->word, "--dprot") && contains(problem->hint, "--dport"));
    CHECK(same(problem->source, "-A INPUT -p tcp --dprot 22") && contains(problem->rendered, "^^^^^^^"));
    CHECK(contains(problem->message, "unknown option") && !problem->table && problem->system_error == 0);
    problem = pktt_error_problem(error, 1);
    CHECK(problem->line == 4 && same(problem->word, "nowhere"));

    /* Text that ends where its length says, and bytes that are no text. */
    CHECK(!pktt_ruleset_parse(PKTT_FAMILY_IPV4, RULES, 30, NULL, false, error) && pktt_error_line(error) > 0);
    CHECK(!pktt_ruleset_parse(PKTT_FAMILY_IPV4, "*filter\n\xff\nCOMMIT\n", 17, NULL, false, error));
    CHECK(pktt_error_line(error) == 2 && !pktt_error_file(error));
    CHECK(!pktt_ruleset_parse(PKTT_FAMILY_IPV4, NULL, 5, NULL, false, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_ruleset_parse((pktt_family)9, RULES, strlen(RULES), NULL, false, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    pktt_ruleset_free(pktt_ruleset_parse(PKTT_FAMILY_IPV4, NULL, 0, NULL, false, error));
}

static void test_files(const char *path, pktt_error *error) {
    pktt_ruleset *ruleset = pktt_ruleset_parse(PKTT_FAMILY_IPV4, RULES, strlen(RULES), NULL, true, error);
    pktt_ruleset *again;
    char *text = pktt_ruleset_text(ruleset, true, error);

    CHECK(contains(text, "[3:400] -A INPUT -p tcp -j web\n") && contains(text, "--comment \"a b\""));
    CHECK(pktt_ruleset_save(ruleset, path, true, error) == PKTT_OK);
    again = pktt_ruleset_load(PKTT_FAMILY_IPV4, path, true, error);
    CHECK(given(pktt_ruleset_text(again, true, error), text));
    pktt_string_free(text);
    text = pktt_ruleset_text(ruleset, false, error);
    CHECK(text && !contains(text, "[3:400]"));
    pktt_string_free(text);
    CHECK(pktt_ruleset_save(ruleset, "/nonexistent/rules", true, error) == PKTT_ERROR_FILE);
    CHECK(pktt_ruleset_save(ruleset, NULL, true, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_save(NULL, path, true, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_ruleset_text(NULL, true, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_ruleset_load(PKTT_FAMILY_IPV6, path, true, error) && pktt_error_status(error) == PKTT_ERROR_SYNTAX);
    pktt_ruleset_free(again);
    pktt_ruleset_free(ruleset);
}

static void test_edit(pktt_error *error) {
    const pktt_table filter = PKTT_TABLE_FILTER;
    pktt_ruleset *ruleset = pktt_ruleset_new(PKTT_FAMILY_IPV4, error);
    pktt_rule *drop = pktt_rule_parse(PKTT_FAMILY_IPV4, "-j DROP", error);
    pktt_rule *web = pktt_rule_parse(PKTT_FAMILY_IPV4, "-p tcp --dport 80 -j ACCEPT", error);
    pktt_rule *other = pktt_rule_new(PKTT_FAMILY_IPV6, error);

    CHECK(ok(pktt_ruleset_add_chain(ruleset, filter, "INPUT", error), error) == PKTT_OK);
    CHECK(pktt_ruleset_add_chain(ruleset, filter, "INPUT", error) == PKTT_ERROR_EXISTS);
    CHECK(pktt_ruleset_add_chain(ruleset, filter, "a b", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_add_chain(ruleset, filter, "ACCEPT", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_add_chain(ruleset, filter, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_add_chain(NULL, filter, "x", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_add_chain(ruleset, filter, "mine", error) == PKTT_OK);
    CHECK(pktt_ruleset_set_policy(ruleset, filter, "INPUT", PKTT_POLICY_DROP, error) == PKTT_OK);
    CHECK(pktt_ruleset_set_policy(ruleset, filter, "mine", PKTT_POLICY_DROP, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_set_policy(ruleset, filter, "none", PKTT_POLICY_DROP, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_set_policy(ruleset, filter, "INPUT", (pktt_policy)5, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_set_counters(ruleset, filter, "INPUT", 5, 600, error) == PKTT_OK);
    CHECK(pktt_ruleset_set_counters(ruleset, filter, "mine", 5, 600, error) == PKTT_ERROR_ARGUMENT);

    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "INPUT", 0, drop, error) == PKTT_OK);
    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "INPUT", 1, web, error) == PKTT_OK);
    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "INPUT", 4, web, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "INPUT", 1, other, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "INPUT", 1, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_ruleset_insert_rule(ruleset, filter, "none", 1, web, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_find_rule(ruleset, filter, "INPUT", drop) == 2);
    CHECK(pktt_ruleset_find_rule(ruleset, filter, "mine", drop) == 0 && pktt_ruleset_find_rule(NULL, filter, "x", drop) == 0);
    CHECK(pktt_ruleset_find_rule(ruleset, filter, "INPUT", NULL) == 0);
    CHECK(given(pktt_ruleset_text(ruleset, false, error),
                "*filter\n:INPUT DROP [5:600]\n:mine - [0:0]\n"
                "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"));
    CHECK(pktt_ruleset_replace_rule(ruleset, filter, "INPUT", 2, web, error) == PKTT_OK);
    CHECK(pktt_ruleset_replace_rule(ruleset, filter, "INPUT", 0, web, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_remove_rule(ruleset, filter, "INPUT", 1, error) == PKTT_OK);
    CHECK(pktt_ruleset_remove_rule(ruleset, filter, "INPUT", 2, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_remove_rule(ruleset, filter, "INPUT", 0, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_remove_chain(ruleset, filter, "mine", error) == PKTT_OK);
    CHECK(pktt_ruleset_remove_chain(ruleset, filter, "mine", error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_ruleset_add_table(ruleset, PKTT_TABLE_RAW, error) == PKTT_OK);
    CHECK(pktt_ruleset_add_table(ruleset, (pktt_table)3, error) == PKTT_ERROR_ARGUMENT);
    CHECK(given(pktt_ruleset_text(ruleset, false, error),
                "*filter\n:INPUT DROP [5:600]\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n*raw\nCOMMIT\n"));
    CHECK(pktt_ruleset_remove_table(ruleset, PKTT_TABLE_RAW, error) == PKTT_OK);
    CHECK(pktt_ruleset_remove_table(ruleset, PKTT_TABLE_RAW, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(!pktt_ruleset_new((pktt_family)0, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    pktt_rule_free(other);
    pktt_rule_free(web);
    pktt_rule_free(drop);
    pktt_ruleset_free(ruleset);
}

int main(int argc, char **argv) {
    pktt_error *error = pktt_error_new();

    test_walk(error);
    test_errors(error);
    if (argc > 1)
        test_files(argv[1], error);
    test_edit(error);
    pktt_error_free(error);
    return check_failures;
}
