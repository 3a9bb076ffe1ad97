/* Rules: read from text, put together, looked at. */

#include "check.h"

static bool argument(const pktt_part *part, size_t index, const char *name, const char *value, bool negated) {
    const pktt_argument *at = pktt_part_argument_at(part, index);

    return at && same(at->name, name) && same(at->value, value) && at->negated == negated;
}

static void test_parts(pktt_error *error) {
    pktt_rule *rule = pktt_rule_parse(PKTT_FAMILY_IPV4,
                                      "! -s 10.0.0.0/8 -i eth+ -p udp -m comment --comment \"two words\" -m udp --dport 53 "
                                      "-j LOG --log-prefix \"dns: \"",
                                      error);
    pktt_rule *copy = pktt_rule_copy(rule, error);
    uint64_t packets, bytes;

    CHECK(pktt_rule_family(rule) == PKTT_FAMILY_IPV4 && pktt_rule_family(NULL) == 0);
    CHECK(pktt_rule_handle(rule) == 0 && pktt_rule_handle(NULL) == 0);
    CHECK(contains(pktt_rule_text(rule), "! -s 10.0.0.0/8 -i eth+ -p udp") && !pktt_rule_text(NULL));
    CHECK(pktt_rule_action(rule) == PKTT_ACTION_TARGET && pktt_rule_action(NULL) == PKTT_ACTION_NONE);
    CHECK(pktt_rule_verdict(rule) == 0 && pktt_rule_verdict(NULL) == 0);
    CHECK(!pktt_rule_counters(rule, &packets, &bytes) && !pktt_rule_counters(NULL, NULL, NULL));
    CHECK(pktt_part_kind(pktt_rule_header(rule)) == 0 && same(pktt_part_name(pktt_rule_header(rule)), ""));
    CHECK(pktt_part_argument_count(pktt_rule_header(rule)) == 3);
    CHECK(argument(pktt_rule_header(rule), 0, "source", "10.0.0.0/8", true));
    CHECK(argument(pktt_rule_header(rule), 1, "in-interface", "eth+", false));
    CHECK(argument(pktt_rule_header(rule), 2, "protocol", "udp", false));
    CHECK(pktt_rule_match_count(rule) == 2 && pktt_rule_match_count(NULL) == 0);
    CHECK(pktt_part_kind(pktt_rule_match_at(rule, 0)) == PKTT_KIND_MATCH);
    CHECK(argument(pktt_rule_match_at(rule, 0), 0, "comment", "two words", false));
    CHECK(same(pktt_part_name(pktt_rule_match_at(rule, 1)), "udp") && !pktt_rule_match_at(rule, 2));
    CHECK(same(pktt_part_name(pktt_rule_target(rule)), "LOG") && pktt_part_kind(pktt_rule_target(rule)) == PKTT_KIND_TARGET);
    CHECK(argument(pktt_rule_target(rule), 0, "log-prefix", "dns: ", false));
    CHECK(!pktt_part_argument_at(pktt_rule_target(rule), 9) && !pktt_part_argument_at(NULL, 0));
    CHECK(!pktt_rule_header(NULL) && !pktt_rule_target(NULL) && !pktt_rule_match_at(NULL, 0));
    CHECK(pktt_part_kind(NULL) == 0 && !pktt_part_name(NULL) && pktt_part_argument_count(NULL) == 0);
    CHECK(!pktt_part_is_opaque(pktt_rule_target(rule), NULL, NULL, NULL) && !pktt_part_is_opaque(NULL, NULL, NULL, NULL));

    CHECK(pktt_rule_does_the_same(rule, copy) && !pktt_rule_does_the_same(rule, NULL));
    CHECK(pktt_rule_set_counters(copy, 1, 2, error) == PKTT_OK && pktt_rule_does_the_same(rule, copy));
    CHECK(pktt_rule_counters(copy, &packets, &bytes) && packets == 1 && bytes == 2);
    CHECK(pktt_rule_set_verdict(copy, PKTT_VERDICT_DROP, error) == PKTT_OK && !pktt_rule_does_the_same(rule, copy));
    pktt_rule_free(copy);
    pktt_rule_free(rule);
    pktt_rule_free(NULL);
    CHECK(!pktt_rule_copy(NULL, error));
}

/* What the library does not know, by name or by revision, stays as its bytes. */
static void test_opaque(pktt_error *error) {
    static const char TEXT[] = "-p tcp -m secret [revision 3 01 02 ff] -m comment --comment known -j HIDE [revision 1]";
    pktt_rule *rule = pktt_rule_parse(PKTT_FAMILY_IPV4, TEXT, error);
    const pktt_part *part = pktt_rule_match_at(rule, 0);
    const uint8_t *info = NULL;
    uint8_t revision = 0;
    size_t len = 0;

    CHECK(rule && same(pktt_rule_text(rule), TEXT));
    CHECK(same(pktt_part_name(part), "secret") && pktt_part_kind(part) == PKTT_KIND_MATCH);
    CHECK(pktt_part_argument_count(part) == 0);
    CHECK(pktt_part_is_opaque(part, &revision, &info, &len) && revision == 3 && len == 3);
    CHECK(info && info[0] == 1 && info[1] == 2 && info[2] == 0xff);
    CHECK(pktt_part_is_opaque(part, NULL, NULL, NULL));
    CHECK(!pktt_part_is_opaque(pktt_rule_match_at(rule, 1), &revision, &info, &len) && len == 3);
    part = pktt_rule_target(rule);
    CHECK(pktt_rule_action(rule) == PKTT_ACTION_TARGET && same(pktt_part_name(part), "HIDE"));
    CHECK(pktt_part_is_opaque(part, &revision, &info, &len) && revision == 1 && len == 0);
    pktt_rule_free(rule);
    CHECK(!pktt_rule_parse(PKTT_FAMILY_IPV4, "-m secret [revision 3 xy]", error));
}

static void test_errors(pktt_error *error) {
    static const char *const WORDS[] = {"-p", "tcp", "--dport", "22", "-j", "DROP"};
    static const char *const SEVERAL[] = {"-s", "10.0.0.1,10.0.0.2"};
    pktt_rule *rule = pktt_rule_from_words(PKTT_FAMILY_IPV4, WORDS, 6, error);

    CHECK(same(pktt_rule_text(rule), "-p tcp -m tcp --dport 22 -j DROP"));
    CHECK(pktt_rule_action(rule) == PKTT_ACTION_VERDICT && pktt_rule_verdict(rule) == PKTT_VERDICT_DROP);
    CHECK(given(pktt_rule_save(rule, "INPUT", false, error), "-A INPUT -p tcp -m tcp --dport 22 -j DROP"));
    CHECK(given(pktt_rule_save(rule, "my chain", true, error), "[0:0] -A \"my chain\" -p tcp -m tcp --dport 22 -j DROP"));
    CHECK(!pktt_rule_save(rule, NULL, false, error) && !pktt_rule_save(NULL, "INPUT", false, error));
    pktt_rule_free(rule);

    CHECK(!pktt_rule_from_words(PKTT_FAMILY_IPV4, WORDS, 3, error) && pktt_error_status(error) == PKTT_ERROR_SYNTAX);
    CHECK(!pktt_rule_from_words(PKTT_FAMILY_IPV4, SEVERAL, 2, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_rule_from_words(PKTT_FAMILY_IPV4, NULL, 2, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    pktt_rule_free(pktt_rule_from_words(PKTT_FAMILY_IPV4, NULL, 0, error));
    CHECK(!pktt_rule_parse(PKTT_FAMILY_IPV4, "-p tcp --dprot 22", error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_SYNTAX && pktt_error_column(error) == 8);
    CHECK(same(pktt_error_problem(error, 0)->source, "-p tcp --dprot 22"));
    CHECK(same(pktt_error_problem(error, 0)->word, "--dprot"));
    CHECK(!pktt_rule_parse(PKTT_FAMILY_IPV4, "-m comment --comment \"open", error));
    CHECK(!pktt_rule_parse((pktt_family)0, "-j DROP", error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_rule_new((pktt_family)4, error));
}

static void test_compose(pktt_error *error) {
    pktt_rule *rule = pktt_rule_new(PKTT_FAMILY_IPV4, error);
    pktt_builder *ports = pktt_builder_new(PKTT_KIND_MATCH, "multiport", PKTT_FAMILY_IPV4, error);

    CHECK(same(pktt_rule_text(rule), "") && pktt_rule_action(rule) == PKTT_ACTION_NONE && !pktt_rule_target(rule));
    CHECK(pktt_builder_set(ports, "dports", "80,443", true, 6, error) == PKTT_OK);
    CHECK(pktt_builder_set(ports, "dports", "80", false, 6, error) == PKTT_ERROR_VALUE);
    CHECK(pktt_builder_set(ports, "nonsense", "80", false, 6, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_builder_set(ports, NULL, "80", false, 6, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_builder_set(NULL, "dports", "80", false, 6, error) == PKTT_ERROR_ARGUMENT);
    /* The rule must name the protocol first. */
    CHECK(pktt_rule_add(rule, ports, error) == PKTT_ERROR_VALUE && pktt_rule_match_count(rule) == 0);

    CHECK(pktt_rule_set_header(rule, "protocol", "tcp", false, error) == PKTT_OK);
    CHECK(pktt_rule_set_header(rule, "source", "192.0.2.0/24", true, error) == PKTT_OK);
    /* What the rule has lent may be what it is changed with. */
    CHECK(pktt_rule_set_header(rule, "destination", pktt_part_argument_at(pktt_rule_header(rule), 0)->value, false, error)
          == PKTT_OK);
    CHECK(contains(pktt_rule_text(rule), "-d 192.0.2.0/24"));
    CHECK(pktt_rule_set_header(rule, "destination", "198.51.100.1", false, error) == PKTT_OK);
    CHECK(pktt_rule_set_header(rule, "in-interface", "eth0", false, error) == PKTT_OK);
    CHECK(pktt_rule_set_header(rule, "out-interface", "ppp+", false, error) == PKTT_OK);
    CHECK(pktt_rule_set_header(rule, "fragment", NULL, true, error) == PKTT_OK);
    CHECK(pktt_rule_set_header(rule, "source", "no address", false, error) == PKTT_ERROR_SYNTAX);
    CHECK(pktt_rule_set_header(rule, "dport", "22", false, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_rule_set_header(rule, NULL, "22", false, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_header(NULL, "source", "10.0.0.1", false, error) == PKTT_ERROR_ARGUMENT);
    ports = pktt_builder_new(PKTT_KIND_MATCH, "multiport", PKTT_FAMILY_IPV4, error);
    CHECK(pktt_builder_set(ports, "dports", "80,443", true, 6, error) == PKTT_OK);
    CHECK(pktt_rule_add(rule, ports, error) == PKTT_OK);
    CHECK(pktt_rule_set_jump(rule, "web", true, error) == PKTT_OK && pktt_rule_action(rule) == PKTT_ACTION_JUMP);
    CHECK(same(pktt_part_name(pktt_rule_target(rule)), "web"));
    CHECK(same(pktt_rule_text(rule), "! -s 192.0.2.0/24 -d 198.51.100.1/32 -i eth0 -o ppp+ -p tcp ! -f "
                                     "-m multiport ! --dports 80,443 -j web"));
    CHECK(pktt_rule_set_jump(rule, "web", false, error) == PKTT_OK && pktt_rule_action(rule) == PKTT_ACTION_GOTO);
    CHECK(pktt_rule_set_jump(rule, "DROP", true, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_jump(rule, NULL, true, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_jump(NULL, "web", true, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_remove_target(rule, error) == PKTT_OK && pktt_rule_action(rule) == PKTT_ACTION_NONE);
    CHECK(pktt_rule_remove_target(NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_remove_match(rule, 1, error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_rule_remove_match(rule, 0, error) == PKTT_OK && pktt_rule_match_count(rule) == 0);
    for (size_t place = 0; place < 2; place++) {
        ports = pktt_builder_new(PKTT_KIND_MATCH, "tcp", PKTT_FAMILY_IPV4, error);
        CHECK(pktt_builder_set(ports, place ? "dport" : "sport", "80", false, 6, error) == PKTT_OK);
        CHECK(pktt_rule_add(rule, ports, error) == PKTT_OK && pktt_rule_match_count(rule) == 1);
    }
    CHECK(pktt_rule_remove_match(rule, 0, error) == PKTT_OK && pktt_rule_match_count(rule) == 0);
    CHECK(pktt_rule_remove_match(NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_verdict(rule, (pktt_verdict)9, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_verdict(NULL, PKTT_VERDICT_DROP, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_set_counters(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT);

    /* A target, and one of another family. */
    ports = pktt_builder_new(PKTT_KIND_TARGET, "REJECT", PKTT_FAMILY_IPV4, error);
    CHECK(pktt_rule_add(rule, ports, error) == PKTT_OK && same(pktt_part_name(pktt_rule_target(rule)), "REJECT"));
    ports = pktt_builder_new(PKTT_KIND_TARGET, "REJECT", PKTT_FAMILY_IPV6, error);
    CHECK(pktt_rule_add(rule, ports, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_rule_add(rule, NULL, error) == PKTT_ERROR_ARGUMENT);
    ports = pktt_builder_new(PKTT_KIND_TARGET, "REJECT", PKTT_FAMILY_IPV4, error);
    CHECK(pktt_rule_add(NULL, ports, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_builder_new(PKTT_KIND_MATCH, "nonsense", PKTT_FAMILY_IPV4, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_NOT_FOUND);
    CHECK(!pktt_builder_new((pktt_kind)7, "tcp", PKTT_FAMILY_IPV4, error) && !pktt_builder_new(PKTT_KIND_MATCH, NULL, PKTT_FAMILY_IPV4, error));
    pktt_builder_free(pktt_builder_new(PKTT_KIND_MATCH, "tcp", PKTT_FAMILY_IPV4, error));
    pktt_builder_free(NULL);
    pktt_rule_free(rule);
}

int main(void) {
    pktt_error *error = pktt_error_new();

    test_parts(error);
    test_opaque(error);
    test_errors(error);
    test_compose(error);
    pktt_error_free(error);
    return check_failures;
}
