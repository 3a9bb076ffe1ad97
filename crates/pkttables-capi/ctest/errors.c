/* Versions, names, error objects, and what NULL does where there is nothing else to test of a function. */

#include "check.h"

static void test_version(void) {
    char version[32];

    snprintf(version, sizeof version, "%d.%d.%d", PKTT_VERSION_MAJOR, PKTT_VERSION_MINOR, PKTT_VERSION_PATCH);
    CHECK(same(pktt_version(), version));
    CHECK(pktt_version_number() == (PKTT_VERSION_MAJOR << 16 | PKTT_VERSION_MINOR << 8 | PKTT_VERSION_PATCH));
    pktt_string_free(NULL);
}

static void test_names(void) {
    CHECK(same(pktt_family_name(PKTT_FAMILY_IPV6), "ipv6") && !pktt_family_name(3));
    CHECK(same(pktt_table_name(PKTT_TABLE_MANGLE), "mangle") && !pktt_table_name(0));
    CHECK(pktt_table_from_name("security") == PKTT_TABLE_SECURITY);
    CHECK(pktt_table_from_name("none") == 0 && pktt_table_from_name(NULL) == 0);
    CHECK(pktt_table_hooks(PKTT_TABLE_RAW) == (PKTT_HOOK_PREROUTING | PKTT_HOOK_OUTPUT));
    CHECK(pktt_table_hooks(77) == 0);
    CHECK(same(pktt_hook_name(PKTT_HOOK_FORWARD), "FORWARD") && !pktt_hook_name(99));
    CHECK(same(pktt_kind_name(PKTT_KIND_TARGET), "target") && !pktt_kind_name(0));
    CHECK(same(pktt_policy_name(PKTT_POLICY_DROP), "DROP") && !pktt_policy_name(0));
    CHECK(same(pktt_verdict_name(PKTT_VERDICT_RETURN), "RETURN") && !pktt_verdict_name(0));
    CHECK(same(pktt_fate_verdict_name(PKTT_FATE_STOLEN), "stolen") && !pktt_fate_verdict_name(0));
    CHECK(same(pktt_status_name(PKTT_ERROR_SYNTAX), "PKTT_ERROR_SYNTAX"));
    CHECK(same(pktt_status_name(PKTT_ERROR_STOPPED), "PKTT_ERROR_STOPPED"));
    CHECK(same(pktt_status_name(20), "unknown status"));
}

static void test_error_object(void) {
    pktt_error *error = pktt_error_new();

    CHECK(pktt_error_status(error) == PKTT_OK && same(pktt_error_message(error), ""));
    CHECK(pktt_error_count(error) == 0 && !pktt_error_problem(error, 0));
    CHECK(!pktt_error_file(error) && pktt_error_line(error) == 0 && pktt_error_column(error) == 0);

    CHECK(!pktt_ruleset_load(PKTT_FAMILY_IPV4, "/nonexistent/rules", false, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_FILE && same(pktt_error_file(error), "/nonexistent/rules"));
    CHECK(pktt_error_count(error) == 1 && pktt_error_problem(error, 0)->system_error == 2);
    CHECK(!pktt_error_problem(error, 1));

    /* What succeeds leaves it as it is; what fails replaces it. */
    pktt_ruleset_free(pktt_ruleset_new(PKTT_FAMILY_IPV4, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_FILE);
    CHECK(!pktt_rule_parse(PKTT_FAMILY_IPV4, NULL, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_ARGUMENT && same(pktt_error_message(error), "text is NULL"));
    CHECK(!pktt_rule_parse(PKTT_FAMILY_IPV4, "-i \xff", error));
    CHECK(same(pktt_error_message(error), "text is not UTF-8"));

    pktt_error_clear(error);
    CHECK(pktt_error_status(error) == PKTT_OK && pktt_error_count(error) == 0);
    pktt_error_free(error);

    CHECK(pktt_error_status(NULL) == PKTT_OK && !pktt_error_message(NULL) && pktt_error_count(NULL) == 0);
    CHECK(!pktt_error_problem(NULL, 0) && !pktt_error_file(NULL));
    CHECK(pktt_error_line(NULL) == 0 && pktt_error_column(NULL) == 0);
    pktt_error_clear(NULL);
    pktt_error_free(NULL);
    /* Nobody has to listen. */
    CHECK(!pktt_ruleset_load(PKTT_FAMILY_IPV4, NULL, false, NULL));
}

int main(void) {
    test_version();
    test_names();
    test_error_object();
    return check_failures;
}
