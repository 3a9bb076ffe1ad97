/* The questions that are asked without a kernel. */

#include "check.h"

static const pktt_extension *find(const pktt_registry *registry, pktt_kind kind, const char *name) {
    return pktt_registry_find(registry, kind, name, PKTT_FAMILY_IPV4, NULL);
}

static bool has(const pktt_extensions *extensions, const char *name) {
    size_t i;

    for (i = 0; i < pktt_extensions_count(extensions); i++)
        if (same(pktt_extension_name(pktt_extensions_at(extensions, i)), name))
            return true;
    return false;
}

static void test_lists(const pktt_registry *registry, pktt_error *error) {
    pktt_extensions *all = pktt_registry_list(registry, 0, 0, error);
    pktt_extensions *matches = pktt_registry_list(registry, PKTT_KIND_MATCH, PKTT_FAMILY_IPV4, error);
    pktt_extensions *nat = pktt_registry_in_place(registry, PKTT_TABLE_NAT, PKTT_HOOK_POSTROUTING, error);
    pktt_extensions *nowhere = pktt_registry_in_place(registry, PKTT_TABLE_FILTER, PKTT_HOOK_POSTROUTING, error);
    pktt_extensions *about = pktt_registry_about(registry, "WeekDay", error);

    CHECK(pktt_extensions_count(all) > pktt_extensions_count(matches) && pktt_extensions_count(matches) > 40);
    CHECK(has(matches, "conntrack") && !has(matches, "LOG") && !has(matches, "hl") && has(all, "hl"));
    CHECK(has(nat, "MASQUERADE") && !has(nat, "REDIRECT"));
    CHECK(pktt_extensions_count(nowhere) == 0 && !pktt_extensions_at(nowhere, 0));
    CHECK(pktt_extensions_count(about) == 1 && has(about, "time"));
    CHECK(!pktt_extensions_at(all, pktt_extensions_count(all)));
    pktt_extensions_free(about);
    pktt_extensions_free(nowhere);
    pktt_extensions_free(nat);
    pktt_extensions_free(matches);
    pktt_extensions_free(all);

    CHECK(!pktt_registry_list(registry, 9, 0, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_registry_list(registry, 0, 3, error) && !pktt_registry_list(NULL, 0, 0, error));
    CHECK(!pktt_registry_in_place(registry, (pktt_table)3, 0, error));
    CHECK(!pktt_registry_in_place(registry, PKTT_TABLE_NAT, 3, error));
    CHECK(!pktt_registry_in_place(NULL, PKTT_TABLE_NAT, 0, error));
    CHECK(!pktt_registry_about(registry, NULL, error) && !pktt_registry_about(NULL, "tcp", error));
    CHECK(pktt_extensions_count(NULL) == 0 && !pktt_extensions_at(NULL, 0));
    pktt_extensions_free(NULL);
    CHECK(!pktt_registry_find(registry, PKTT_KIND_MATCH, "nonsense", PKTT_FAMILY_IPV4, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_NOT_FOUND && contains(pktt_error_message(error), "nonsense"));
    CHECK(!pktt_registry_find(registry, PKTT_KIND_MATCH, NULL, PKTT_FAMILY_IPV4, error));
    CHECK(!pktt_registry_find(registry, (pktt_kind)0, "tcp", PKTT_FAMILY_IPV4, error));
    CHECK(!pktt_registry_find(NULL, PKTT_KIND_MATCH, "tcp", PKTT_FAMILY_IPV4, error));
}

static void test_extension(const pktt_registry *registry) {
    const pktt_extension *multiport = find(registry, PKTT_KIND_MATCH, "multiport");
    const pktt_extension *dscp = find(registry, PKTT_KIND_TARGET, "DSCP");
    const uint8_t *protocols;
    pktt_revision revision;

    CHECK(pktt_extension_kind(multiport) == PKTT_KIND_MATCH && pktt_extension_kind(NULL) == 0);
    CHECK(same(pktt_extension_name(multiport), "multiport") && !pktt_extension_name(NULL));
    CHECK(same(pktt_extension_kernel_name(multiport), "multiport") && !pktt_extension_kernel_name(NULL));
    CHECK(pktt_extension_aliases(multiport) && !pktt_extension_aliases(multiport)[0]);
    CHECK(!pktt_extension_aliases(NULL));
    CHECK(pktt_extension_summary(multiport)[0] && !strchr(pktt_extension_summary(multiport), '\n'));
    CHECK(strlen(pktt_extension_help(multiport)) >= strlen(pktt_extension_summary(multiport)));
    CHECK(!pktt_extension_summary(NULL) && !pktt_extension_help(NULL));
    CHECK(pktt_extension_families(multiport) == (PKTT_FAMILY_IPV4 | PKTT_FAMILY_IPV6));
    CHECK(pktt_extension_tables(dscp) == PKTT_TABLE_MANGLE && pktt_extension_tables(multiport) == 31);
    CHECK(pktt_extension_hooks(multiport) == 31);
    CHECK(pktt_extension_families(NULL) == 0 && pktt_extension_tables(NULL) == 0 && pktt_extension_hooks(NULL) == 0);
    CHECK(pktt_extension_protocols(multiport, &protocols) == 5 && memchr(protocols, 17, 5));
    CHECK(pktt_extension_protocols(multiport, NULL) == 5 && pktt_extension_protocols(NULL, &protocols) == 0);
    CHECK(pktt_extension_require(multiport) == PKTT_REQUIRE_EXACTLY_ONE);
    CHECK(pktt_extension_require(dscp) == PKTT_REQUIRE_EXACTLY_ONE && pktt_extension_require(NULL) == PKTT_REQUIRE_ANY);
    CHECK(pktt_extension_required_of(multiport) && !pktt_extension_required_of(multiport)[0]);
    CHECK(!pktt_extension_required_of(NULL));
    CHECK(pktt_extension_revision(multiport, PKTT_FAMILY_IPV4, 0, &revision) == PKTT_OK);
    CHECK(revision.number == 1 && revision.size == 48);
    CHECK(pktt_extension_revision(multiport, PKTT_FAMILY_IPV4, 0, NULL) == PKTT_OK);
    CHECK(pktt_extension_revision(multiport, PKTT_FAMILY_IPV4, 9, &revision) == PKTT_END);
    CHECK(pktt_extension_revision(NULL, PKTT_FAMILY_IPV4, 0, &revision) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_extension_revision(multiport, (pktt_family)7, 0, &revision) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_extension_param_count(multiport) == 3 && pktt_extension_param_count(NULL) == 0);
    CHECK(same(pktt_param_name(pktt_extension_param_at(multiport, 1)), "dports"));
    CHECK(!pktt_extension_param_at(multiport, 3) && !pktt_extension_param_at(NULL, 0));
}

static void test_param(const pktt_registry *registry, pktt_error *error) {
    const pktt_extension *conntrack = find(registry, PKTT_KIND_MATCH, "conntrack");
    const pktt_extension *limit = find(registry, PKTT_KIND_MATCH, "limit");
    const pktt_param *state = pktt_extension_find_param(conntrack, "ctstate", PKTT_FAMILY_IPV4, error);
    const pktt_param *rate = pktt_extension_find_param(limit, "limit", PKTT_FAMILY_IPV4, error);
    const pktt_param *port = pktt_extension_find_param(find(registry, PKTT_KIND_MATCH, "tcp"), "dport", PKTT_FAMILY_IPV4, error);
    pktt_words *words;

    CHECK(same(pktt_param_name(port), "dport") || same(pktt_param_name(port), "destination-port"));
    CHECK(pktt_param_aliases(port)[0] && !pktt_param_aliases(NULL));
    CHECK(!pktt_extension_find_param(conntrack, "nonsense", PKTT_FAMILY_IPV4, error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_NOT_FOUND);
    CHECK(!pktt_extension_find_param(conntrack, NULL, PKTT_FAMILY_IPV4, error));
    CHECK(!pktt_extension_find_param(NULL, "ctstate", PKTT_FAMILY_IPV4, error));
    CHECK(pktt_param_summary(state)[0] && pktt_param_help(state)[0]);
    CHECK(!pktt_param_name(NULL) && !pktt_param_summary(NULL) && !pktt_param_help(NULL) && !pktt_param_accepts(NULL));
    CHECK(contains(pktt_param_accepts(state), "ESTABLISHED"));
    CHECK(same(pktt_param_default(rate), "3/hour") && !pktt_param_default(state) && !pktt_param_default(NULL));
    CHECK(pktt_param_flags(state) & PKTT_PARAM_NEGATABLE && !(pktt_param_flags(rate) & PKTT_PARAM_REQUIRED));
    CHECK(pktt_param_flags(NULL) == 0);
    CHECK(pktt_param_word_count(state) == 1 && pktt_param_word_count(NULL) == 0);
    CHECK(pktt_param_families(state) == 3 && pktt_param_families(NULL) == 0);
    CHECK(pktt_param_hooks(state) == 31 && pktt_param_hooks(NULL) == 0);
    CHECK(pktt_param_excludes(state) && pktt_param_needs(state));
    CHECK(!pktt_param_excludes(NULL) && !pktt_param_needs(NULL));

    CHECK(pktt_param_check(state, "NEW,ESTABLISHED", true, PKTT_FAMILY_IPV4, 0, error) == PKTT_OK);
    CHECK(pktt_param_check(port, "1024:65535", false, PKTT_FAMILY_IPV4, 6, error) == PKTT_OK);
    CHECK(pktt_param_check(port, "65536", false, PKTT_FAMILY_IPV4, 6, error) == PKTT_ERROR_VALUE);
    CHECK(contains(pktt_error_message(error), "65535"));
    CHECK(same(pktt_error_problem(error, 0)->extension, "tcp") && pktt_error_problem(error, 0)->parameter);
    CHECK(pktt_param_check(rate, "5/minute", true, PKTT_FAMILY_IPV4, 0, error) == PKTT_ERROR_VALUE);
    CHECK(pktt_param_check(state, NULL, false, PKTT_FAMILY_IPV4, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_param_check(NULL, "x", false, PKTT_FAMILY_IPV4, 0, error) == PKTT_ERROR_ARGUMENT);

    words = pktt_param_choices(state, PKTT_FAMILY_IPV4, error);
    CHECK(pktt_words_count(words) > 4 && pktt_words_at(words, 0)[0] && pktt_words_help(words, 0)[0]);
    CHECK(!pktt_words_at(words, 99) && !pktt_words_help(words, 99));
    pktt_words_free(words);
    words = pktt_param_complete(state, "NEW,EST", PKTT_FAMILY_IPV4, error);
    CHECK(pktt_words_count(words) == 1 && same(pktt_words_at(words, 0), "NEW,ESTABLISHED"));
    pktt_words_free(words);
    CHECK(!pktt_param_choices(NULL, PKTT_FAMILY_IPV4, error) && !pktt_param_complete(state, NULL, PKTT_FAMILY_IPV4, error));
    CHECK(pktt_words_count(NULL) == 0 && !pktt_words_at(NULL, 0) && !pktt_words_help(NULL, 0));
    pktt_words_free(NULL);
    CHECK(!pktt_param_sample(NULL, PKTT_FAMILY_IPV4, 1, error));
}

/* What every parameter says that it accepts is accepted. */
static void test_samples(const pktt_registry *registry, pktt_error *error) {
    pktt_extensions *all = pktt_registry_list(registry, 0, PKTT_FAMILY_IPV4, error);
    size_t i, j;

    for (i = 0; i < pktt_extensions_count(all); i++) {
        const pktt_extension *extension = pktt_extensions_at(all, i);

        for (j = 0; j < pktt_extension_param_count(extension); j++) {
            const pktt_param *param = pktt_extension_param_at(extension, j);
            char *first = pktt_param_sample(param, PKTT_FAMILY_IPV4, 7, error);
            char *second = pktt_param_sample(param, PKTT_FAMILY_IPV4, 7, error);

            CHECK(first && same(first, second));
            pktt_string_free(second);
            /* Some depend on the protocol, on files, or on what the system has. */
            if (same(pktt_extension_name(extension), "length") || same(pktt_extension_name(extension), "ttl"))
                CHECK(ok(pktt_param_check(param, first, false, PKTT_FAMILY_IPV4, 0, error), error) == PKTT_OK);
            pktt_string_free(first);
        }
    }
    pktt_extensions_free(all);
}

int main(void) {
    pktt_error *error = pktt_error_new();
    pktt_registry *registry = pktt_registry_new();
    pktt_extensions *kept;

    test_lists(registry, error);
    test_extension(registry);
    test_param(registry, error);
    test_samples(registry, error);

    /* An answer may outlive the registry. */
    kept = pktt_registry_about(registry, "conntrack", error);
    pktt_registry_free(registry);
    CHECK(pktt_extension_name(pktt_extensions_at(kept, 0))[0]);
    pktt_extensions_free(kept);
    pktt_registry_free(NULL);
    pktt_error_free(error);
    return check_failures;
}
