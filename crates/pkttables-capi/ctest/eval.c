/* Packets judged without a kernel. */

#include "check.h"

/* 192.0.2.7 to 198.51.100.1, UDP from port 40000 to port 53, no data. */
static const uint8_t DNS[] = {
    0x45, 0x00, 0x00, 0x1c, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x8e, 0x94, 0xc0, 0x00,
    0x02, 0x07, 0xc6, 0x33, 0x64, 0x01, 0x9c, 0x40, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00,
};

static const uint8_t ETHERNET[] = {0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00};

static const uint8_t TO_ALL[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00};

static pktt_host *router(pktt_error *error) {
    pktt_host *host = pktt_host_new(PKTT_FAMILY_IPV4, error);

    CHECK(ok(pktt_host_add_route(host, "198.51.100.0/24", "lan", "203.0.113.1", 1400, error), error) == PKTT_OK);
    CHECK(pktt_host_add_route(host, "192.0.2.0/24", "wan", NULL, 0, error) == PKTT_OK);
    CHECK(pktt_host_add_local(host, "192.0.2.1", error) == PKTT_OK);
    CHECK(pktt_host_add_route(host, "nonsense", "lan", NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_route(host, "10.0.0.0/8", "much too long a name", NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_route(host, "10.0.0.0/8", "lan", "::1", 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_route(host, NULL, "lan", NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_route(NULL, "10.0.0.0/8", "lan", NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_local(host, "::1", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_add_local(NULL, "10.0.0.1", error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_host_new((pktt_family)0, error));
    return host;
}

static pktt_evaluator *judge(const char *rules, pktt_backend backend, pktt_error *error) {
    pktt_ruleset *ruleset = parse(rules, error);
    pktt_host *host = router(error);
    pktt_evaluator *evaluator = pktt_evaluator_new(ruleset, host, backend, error);

    if (!ruleset || !evaluator)
        fprintf(stderr, "%s\n", pktt_error_message(error));
    pktt_host_free(host);
    pktt_ruleset_free(ruleset);
    return evaluator;
}

static pktt_packet packet_of(const uint8_t *bytes, size_t len) {
    pktt_packet packet;

    memset(&packet, 0, sizeof packet);
    packet.bytes = bytes;
    packet.len = len;
    packet.interface = "wan";
    return packet;
}

static void test_forward(pktt_error *error) {
    pktt_evaluator *evaluator = judge("*mangle\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n"
                                      "*filter\n:FORWARD DROP [0:0]\n:dns - [0:0]\n-A FORWARD -i wan -o lan -j dns\n"
                                      "-A dns -j LOG --log-prefix \"seen \"\n-A dns -p udp --dport 53 -j ACCEPT\nCOMMIT\n",
                                      PKTT_BACKEND_NFT, error);
    pktt_packet packet = packet_of(DNS, sizeof DNS);
    const pktt_fate *fate = pktt_evaluator_process(evaluator, &packet, error);
    pktt_ruleset *counted;
    uint64_t packets, bytes;
    size_t i, len, rules = 0, reports = 0;

    CHECK(fate && fate->verdict == PKTT_FATE_ACCEPT && fate->hook == PKTT_HOOK_POSTROUTING);
    CHECK(fate->table == PKTT_TABLE_FILTER && same(fate->chain, "dns") && fate->rule_number == 2);
    CHECK(fate->out && fate->out_len == sizeof DNS && fate->out[8] == 63 && same(fate->out_interface, "lan"));
    CHECK(fate->mark == 7 && fate->queue == -1 && !fate->reply && fate->reply_len == 0 && fate->piece_count == 0);
    CHECK(!pktt_evaluator_piece(evaluator, 0, &len) && !pktt_evaluator_piece(NULL, 0, NULL));

    /* It goes on its way once more. */
    packet = packet_of(fate->out, fate->out_len);
    packet.time = 1;
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->out_len == sizeof DNS && fate->out[8] == 62);

    packet = packet_of(DNS, sizeof DNS);
    pktt_evaluator_trace_all(evaluator, true);
    packet.ethernet = ETHERNET;
    packet.time = 1000000000;
    fate = pktt_evaluator_process(evaluator, &packet, error);
    for (i = 0; i < pktt_evaluator_trace_count(evaluator); i++) {
        const pktt_trace *trace = pktt_evaluator_trace_at(evaluator, i);

        rules += trace->kind == PKTT_TRACE_RULE;
        if (trace->kind == PKTT_TRACE_REPORT) {
            reports++;
            CHECK(trace->table == PKTT_TABLE_FILTER && same(trace->chain, "dns") && trace->rule_number == 1);
            CHECK(same(trace->detail, "LOG --log-prefix \"seen \""));
        }
    }
    CHECK(rules == 4 && reports == 1 && !pktt_evaluator_trace_at(evaluator, i));
    CHECK(pktt_evaluator_trace_count(NULL) == 0 && !pktt_evaluator_trace_at(NULL, 0));
    pktt_evaluator_trace_all(NULL, true);

    counted = pktt_evaluator_ruleset(evaluator, error);
    CHECK(pktt_rule_counters(pktt_chain_rule_at(pktt_ruleset_chain(counted, PKTT_TABLE_FILTER, "dns"), 1), &packets, &bytes));
    CHECK(packets == 3 && bytes == 3 * sizeof DNS);
    CHECK(!pktt_evaluator_ruleset(NULL, error));
    pktt_ruleset_free(counted);
    pktt_evaluator_free(evaluator);
    pktt_evaluator_free(NULL);
}

static void test_other_fates(pktt_error *error) {
    pktt_evaluator *evaluator = judge("*filter\n:OUTPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m mark --mark 1 -j REJECT\n"
                                      "-A FORWARD -m mark --mark 2 -j NFQUEUE --queue-num 9\nCOMMIT\n",
                                      PKTT_BACKEND_LEGACY, error);
    pktt_packet packet = packet_of(DNS, sizeof DNS);
    const pktt_fate *fate;

    packet.mark = 1;
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_REJECT && fate->reply && fate->reply_len == 56 && !fate->out);
    packet.mark = 2;
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_QUEUE && fate->queue == 9);
    packet.local = true;
    packet.interface = "lan";
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->hook == PKTT_HOOK_OUTPUT);
    CHECK(same(fate->chain, "OUTPUT") && fate->rule_number == 0);
    /* What the link layer sent to all is not passed on. */
    packet = packet_of(DNS, sizeof DNS);
    packet.ethernet = TO_ALL;
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->hook == PKTT_HOOK_PREROUTING);
    packet = packet_of(DNS, 10);
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->hook == 0 && !fate->chain);

    packet = packet_of(NULL, 10);
    CHECK(!pktt_evaluator_process(evaluator, &packet, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    packet = packet_of(DNS, sizeof DNS);
    packet.interface = "much too long a name";
    CHECK(!pktt_evaluator_process(evaluator, &packet, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_evaluator_process(evaluator, NULL, error) && !pktt_evaluator_process(NULL, &packet, error));
    pktt_evaluator_free(evaluator);
}

/* Sets and settings of the host, and why rules do not match. */
static void test_host(pktt_error *error) {
    pktt_ruleset *ruleset = parse("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -j ACCEPT\n"
                                  "-A FORWARD -m set --match-set senders src -j DROP\nCOMMIT\n",
                                  error);
    pktt_host *host = router(error);
    pktt_packet packet = packet_of(DNS, sizeof DNS);
    pktt_evaluator *evaluator;
    const pktt_trace *trace;
    const pktt_fate *fate;

    CHECK(!pktt_evaluator_new(ruleset, host, 0, error) && pktt_error_status(error) == PKTT_ERROR_NOT_FOUND);
    CHECK(pktt_error_problem(error, 0)->rule_number == 2 && contains(pktt_error_message(error), "senders"));
    CHECK(pktt_host_set_sets(host, "create senders hash:ip\nadd senders nonsense\n", error) == PKTT_ERROR_SYNTAX);
    CHECK(pktt_error_line(error) == 2);
    CHECK(pktt_host_set_sets(host, NULL, error) == PKTT_ERROR_ARGUMENT && pktt_host_set_sets(NULL, "", error) == PKTT_ERROR_ARGUMENT);
    CHECK(ok(pktt_host_set_sets(host, "create senders hash:ip family inet\nadd senders 192.0.2.7\n", error), error) == PKTT_OK);
    evaluator = pktt_evaluator_new(ruleset, host, 0, error);
    pktt_evaluator_explain(evaluator, true);
    pktt_evaluator_explain(NULL, true);
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->rule_number == 2);
    trace = pktt_evaluator_trace_at(evaluator, 0);
    CHECK(trace && trace->kind == PKTT_TRACE_MISS && trace->rule_number == 1 && contains(trace->detail, "-p tcp"));
    pktt_evaluator_free(evaluator);

    CHECK(pktt_host_set_sysctl(host, "net.ipv4.ip_forward", "nonsense", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_set_sysctl(host, "net.ipv4.ip_farward", "0", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_set_sysctl(host, NULL, "0", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_host_set_sysctl(NULL, "net.ipv4.ip_forward", "0", error) == PKTT_ERROR_ARGUMENT);
    CHECK(ok(pktt_host_set_sysctl(host, "net.ipv4.ip_forward", "0", error), error) == PKTT_OK);
    evaluator = pktt_evaluator_new(ruleset, host, 0, error);
    fate = pktt_evaluator_process(evaluator, &packet, error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->hook == PKTT_HOOK_PREROUTING);
    pktt_evaluator_free(evaluator);
    pktt_host_free(host);
    pktt_ruleset_free(ruleset);
}

/* Packets made from words, with what they say of interface, mark and time. */
static void test_words(pktt_error *error) {
    static const char SSH[] = "in=wan src=192.0.2.7 dst=198.51.100.1 proto=tcp dport=22";
    pktt_evaluator *evaluator = judge("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i wan -p tcp -m mark --mark 5 -j REJECT\n"
                                      "-A FORWARD -i wan -p tcp -m conntrack --ctstate NEW --dport 22 -j ACCEPT\nCOMMIT\n",
                                      PKTT_BACKEND_NFT, error);
    const pktt_fate *fate = pktt_evaluator_process_words(evaluator, SSH, error);

    CHECK(fate && fate->verdict == PKTT_FATE_ACCEPT && fate->rule_number == 2 && fate->out_len == 40);
    fate = pktt_evaluator_process_words(evaluator, "in=wan src=192.0.2.7 dst=198.51.100.1 proto=tcp dport=22 mark=5", error);
    CHECK(fate && fate->verdict == PKTT_FATE_REJECT && fate->rule_number == 1);
    fate = pktt_evaluator_process_words(evaluator, "in=lan src=192.0.2.7 dst=198.51.100.1 proto=tcp dport=22", error);
    CHECK(fate && fate->verdict == PKTT_FATE_DROP && fate->rule_number == 0);
    CHECK(!pktt_evaluator_process_words(evaluator, "src=192.0.2.7 dst=198.51.100.1 proto=tcp dprot=22", error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_SYNTAX && same(pktt_error_problem(error, 0)->word, "dprot=22"));
    CHECK(contains(pktt_error_message(error), "did you mean `dport'?"));
    CHECK(!pktt_evaluator_process_words(evaluator, "src=::1 dst=::2 proto=tcp dport=22", error));
    CHECK(pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_evaluator_process_words(evaluator, NULL, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_evaluator_process_words(NULL, SSH, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    pktt_evaluator_free(evaluator);
}

static void test_refused(pktt_error *error) {
    pktt_ruleset *ruleset = parse("*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\nCOMMIT\n", error);
    pktt_host *host = pktt_host_new(PKTT_FAMILY_IPV4, error);
    pktt_host *six = pktt_host_new(PKTT_FAMILY_IPV6, error);

    CHECK(!pktt_evaluator_new(ruleset, host, 0, error) && pktt_error_status(error) == PKTT_ERROR_LOOP);
    CHECK(same(pktt_error_problem(error, 0)->table, "filter") && pktt_error_problem(error, 0)->chain);
    CHECK(!pktt_evaluator_new(ruleset, six, 0, error) && pktt_error_status(error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_evaluator_new(ruleset, host, 3, error) && !pktt_evaluator_new(NULL, host, 0, error));
    CHECK(!pktt_evaluator_new(ruleset, NULL, 0, error));
    pktt_host_free(six);
    pktt_host_free(host);
    pktt_host_free(NULL);
    pktt_ruleset_free(ruleset);
}

int main(void) {
    pktt_error *error = pktt_error_new();

    test_forward(error);
    test_other_fates(error);
    test_host(error);
    test_words(error);
    test_refused(error);
    pktt_error_free(error);
    return check_failures;
}
