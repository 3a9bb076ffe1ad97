/* Asks what would become of a packet, and why: no kernel and no privileges are needed.
 *
 * evaluate_packet [FILE]
 *
 * FILE is one of iptables-save; without it, rules of the program's own are used. */

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

static const char RULES[] = "*filter\n"
                            ":INPUT DROP [0:0]\n"
                            ":services - [0:0]\n"
                            "-A INPUT -i eth0 -p udp -j services\n"
                            "-A services -p udp --dport 53 -j ACCEPT\n"
                            "-A services -j LOG --log-prefix \"no service: \"\n"
                            "COMMIT\n";

/* 192.0.2.7 to 198.51.100.1, UDP from port 40000 to port 53, no data. */
static const uint8_t PACKET[] = {
    0x45, 0x00, 0x00, 0x1c, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x8e, 0x94, 0xc0, 0x00,
    0x02, 0x07, 0xc6, 0x33, 0x64, 0x01, 0x9c, 0x40, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00,
};

static void print_fate(const pktt_fate *fate) {
    printf("%s", pktt_fate_verdict_name(fate->verdict));
    if (fate->hook)
        printf(" at %s", pktt_hook_name(fate->hook));
    if (fate->table && fate->rule_number)
        printf(" by rule %zu of %s in %s", fate->rule_number, fate->chain, pktt_table_name(fate->table));
    else if (fate->table)
        printf(" by the policy of %s in %s", fate->chain, pktt_table_name(fate->table));
    printf("\n");
}

static bool evaluate(const pktt_ruleset *ruleset, pktt_error *error) {
    pktt_host *host = pktt_host_new(PKTT_FAMILY_IPV4, error);
    pktt_evaluator *evaluator = NULL;
    const pktt_fate *fate = NULL;
    pktt_packet packet;
    size_t i;

    if (pktt_host_add_route(host, "198.51.100.0/24", "eth0", NULL, 0, error) == PKTT_OK
        && pktt_host_add_local(host, "198.51.100.1", error) == PKTT_OK)
        evaluator = pktt_evaluator_new(ruleset, host, PKTT_BACKEND_NFT, error);
    pktt_host_free(host);
    if (!evaluator)
        return false;

    pktt_evaluator_trace_all(evaluator, true);
    memset(&packet, 0, sizeof packet);
    packet.bytes = PACKET;
    packet.len = sizeof PACKET;
    packet.interface = "eth0";
    fate = pktt_evaluator_process(evaluator, &packet, error);
    for (i = 0; i < pktt_evaluator_trace_count(evaluator); i++) {
        const pktt_trace *step = pktt_evaluator_trace_at(evaluator, i);

        if (step->kind == PKTT_TRACE_RULE)
            printf("  rule %zu of %s\n", step->rule_number, step->chain);
    }
    if (fate)
        print_fate(fate);
    pktt_evaluator_free(evaluator);
    return fate != NULL;
}

int main(int argc, char **argv) {
    pktt_error *error = pktt_error_new();
    pktt_ruleset *ruleset = argc > 1
        ? pktt_ruleset_load(PKTT_FAMILY_IPV4, argv[1], false, error)
        : pktt_ruleset_parse(PKTT_FAMILY_IPV4, RULES, strlen(RULES), "built in", false, error);
    bool ok = ruleset && evaluate(ruleset, error);

    if (!ok)
        fprintf(stderr, "%s\n", pktt_error_message(error));
    pktt_ruleset_free(ruleset);
    pktt_error_free(error);
    return ok ? 0 : 1;
}
