/* Reads a file of iptables-save, shows all that is wrong with it, and walks through it.
 *
 * load_ruleset FILE */

#include <pkttables.h>

#include <stdio.h>

static void print_part(const char *what, const pktt_part *part) {
    size_t i;

    printf("      %s%s%s\n", what, *pktt_part_name(part) ? " " : "", pktt_part_name(part));
    for (i = 0; i < pktt_part_argument_count(part); i++) {
        const pktt_argument *argument = pktt_part_argument_at(part, i);

        printf("        %s%s = %s\n", argument->negated ? "not " : "", argument->name, argument->value);
    }
}

static void print_chain(const pktt_chain *chain) {
    size_t i, j;

    printf("  %s", pktt_chain_name(chain));
    if (pktt_chain_policy(chain))
        printf(" (policy %s)", pktt_policy_name(pktt_chain_policy(chain)));
    printf("\n");
    for (i = 0; i < pktt_chain_rule_count(chain); i++) {
        const pktt_rule *rule = pktt_chain_rule_at(chain, i);

        printf("    %zu: %s\n", i + 1, pktt_rule_text(rule));
        print_part("header", pktt_rule_header(rule));
        for (j = 0; j < pktt_rule_match_count(rule); j++)
            print_part("match", pktt_rule_match_at(rule, j));
        if (pktt_rule_target(rule))
            print_part("target", pktt_rule_target(rule));
    }
}

int main(int argc, char **argv) {
    pktt_error *error = pktt_error_new();
    pktt_ruleset *ruleset;
    size_t i, j;

    if (argc != 2) {
        fprintf(stderr, "usage: load_ruleset FILE\n");
        pktt_error_free(error);
        return 2;
    }
    ruleset = pktt_ruleset_load(PKTT_FAMILY_IPV4, argv[1], false, error);
    if (!ruleset) {
        for (i = 0; i < pktt_error_count(error); i++) {
            const pktt_problem *problem = pktt_error_problem(error, i);

            printf("line %zu, column %zu: %s\n", problem->line, problem->column, problem->message);
            printf("%s\n\n", problem->rendered);
        }
        pktt_error_free(error);
        return 1;
    }
    for (i = 0; i < pktt_ruleset_table_count(ruleset); i++) {
        pktt_table table = pktt_ruleset_table_at(ruleset, i);

        printf("table %s\n", pktt_table_name(table));
        for (j = 0; j < pktt_ruleset_chain_count(ruleset, table); j++)
            print_chain(pktt_ruleset_chain_at(ruleset, table, j));
    }
    pktt_ruleset_free(ruleset);
    pktt_error_free(error);
    return 0;
}
