/* The lower layers: writers, attributes, messages, batches, sockets; on an embedded kernel, or with --running on the
 * running one. */

#include "check.h"

enum { NF_TABLES = 10, NEWTABLE = NF_TABLES << 8, GETTABLE = NF_TABLES << 8 | 1, DELTABLE = NF_TABLES << 8 | 2, GETGEN = NF_TABLES << 8 | 16 };

/* Whether the next attribute is this one. */
static bool next(const uint8_t *bytes, size_t len, size_t *offset, pktt_attribute *attribute, uint16_t kind, pktt_error *error) {
    return pktt_attribute_next(bytes, len, offset, attribute, error) == PKTT_OK && attribute->kind == kind;
}

static void test_attributes(pktt_error *error) {
    pktt_writer *writer = pktt_writer_new();
    size_t len = 0, offset = 4, inner = 0, text_len = 0;
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    uint16_t u16 = 0;
    uint8_t u8 = 0;
    const char *text = NULL;
    const uint8_t *bytes;
    pktt_attribute attribute, part;

    CHECK(pktt_put_netfilter_header(writer, 2, 0x0102, error) == PKTT_OK);
    CHECK(pktt_put_u8(writer, 1, 7, error) == PKTT_OK && pktt_put_u16(writer, 2, 0x1234, error) == PKTT_OK);
    CHECK(pktt_put_u32(writer, 3, 0x12345678, error) == PKTT_OK && pktt_put_u64(writer, 4, 1ull << 40, error) == PKTT_OK);
    CHECK(pktt_put_be16(writer, 5, 443, error) == PKTT_OK && pktt_put_be32(writer, 6, 70000, error) == PKTT_OK);
    CHECK(pktt_put_be64(writer, 7, 1ull << 33, error) == PKTT_OK && pktt_put_string(writer, 8, "name", error) == PKTT_OK);
    CHECK(pktt_put_bytes(writer, 9, (const uint8_t *)"\1\2\3", 3, error) == PKTT_OK);
    CHECK(pktt_put_bytes(writer, 10, NULL, 0, error) == PKTT_OK);
    CHECK(pktt_nest_begin(writer, 11, error) == PKTT_OK && pktt_put_u8(writer, 1, 9, error) == PKTT_OK);
    CHECK(pktt_nest_begin(writer, 2, error) == PKTT_OK && pktt_nest_end(writer, error) == PKTT_OK);
    CHECK(pktt_nest_end(writer, error) == PKTT_OK && pktt_nest_end(writer, error) == PKTT_ERROR_ARGUMENT);

    bytes = pktt_writer_bytes(writer, &len);
    CHECK(bytes && len > 4 && bytes[0] == 2 && bytes[2] == 1 && bytes[3] == 2 && pktt_writer_bytes(writer, NULL) == bytes);
    CHECK(next(bytes, len, &offset, &attribute, 1, error) && pktt_get_u8(&attribute, &u8, error) == PKTT_OK && u8 == 7);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_U8, error) == PKTT_OK);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_U16, error) == PKTT_ERROR_MALFORMED);
    CHECK(pktt_get_u16(&attribute, &u16, error) == PKTT_ERROR_MALFORMED);
    CHECK(next(bytes, len, &offset, &attribute, 2, error) && pktt_get_u16(&attribute, &u16, error) == PKTT_OK && u16 == 0x1234);
    CHECK(next(bytes, len, &offset, &attribute, 3, error) && pktt_get_u32(&attribute, &u32, error) == PKTT_OK && u32 == 0x12345678);
    CHECK(next(bytes, len, &offset, &attribute, 4, error) && pktt_get_u64(&attribute, &u64, error) == PKTT_OK && u64 == 1ull << 40);
    CHECK(next(bytes, len, &offset, &attribute, 5, error) && pktt_get_be16(&attribute, &u16, error) == PKTT_OK && u16 == 443);
    CHECK(next(bytes, len, &offset, &attribute, 6, error) && pktt_get_be32(&attribute, &u32, error) == PKTT_OK && u32 == 70000);
    CHECK(next(bytes, len, &offset, &attribute, 7, error) && pktt_get_be64(&attribute, &u64, error) == PKTT_OK && u64 == 1ull << 33);
    CHECK(next(bytes, len, &offset, &attribute, 8, error) && pktt_get_string(&attribute, &text, &text_len, error) == PKTT_OK);
    CHECK(text_len == 4 && memcmp(text, "name", 5) == 0);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_STRING, error) == PKTT_OK);
    CHECK(next(bytes, len, &offset, &attribute, 9, error) && attribute.len == 3 && attribute.value[2] == 3);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_BYTES, error) == PKTT_OK);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_NESTED, error) == PKTT_ERROR_MALFORMED);
    CHECK(next(bytes, len, &offset, &attribute, 10, error) && pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_FLAG, error) == PKTT_OK);
    CHECK(next(bytes, len, &offset, &attribute, 11, error) && attribute.nested);
    CHECK(pktt_attribute_check(&attribute, PKTT_ATTRIBUTE_NESTED, error) == PKTT_OK);
    CHECK(next(attribute.value, attribute.len, &inner, &part, 1, error) && !part.nested);
    CHECK(next(attribute.value, attribute.len, &inner, &part, 2, error) && part.nested && part.len == 0);
    CHECK(pktt_attribute_next(attribute.value, attribute.len, &inner, &part, error) == PKTT_END);
    CHECK(pktt_attribute_next(bytes, len, &offset, &attribute, error) == PKTT_END);
    CHECK(pktt_attribute_find(bytes + 4, len - 4, 8, &attribute, error) == PKTT_OK && attribute.len == 5);
    CHECK(pktt_attribute_find(bytes + 4, len - 4, 99, &attribute, error) == PKTT_END);

    /* Cut short. */
    offset = 4;
    CHECK(pktt_attribute_next(bytes, 7, &offset, &attribute, error) == PKTT_ERROR_MALFORMED && offset == 4);
    CHECK(pktt_attribute_find(bytes + 4, 3, 8, &attribute, error) == PKTT_ERROR_MALFORMED);
    pktt_writer_free(writer);
}

static void test_bad_arguments(pktt_error *error) {
    static uint8_t much[70000];
    pktt_writer *writer = pktt_writer_new();
    pktt_batch *batch = pktt_batch_new(NF_TABLES, NULL);
    pktt_attribute attribute = {1, false, NULL, 1};
    size_t offset = 0, len = 0;
    uint8_t u8;
    int i;

    CHECK(pktt_put_bytes(writer, 1, much, sizeof much, error) == PKTT_ERROR_TOO_LONG);
    CHECK(pktt_put_bytes(writer, 1, NULL, 4, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_string(writer, 1, NULL, error) == PKTT_ERROR_ARGUMENT);
    pktt_writer_bytes(writer, &len);
    CHECK(len == 0);
    CHECK(pktt_put_u8(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT && pktt_put_u16(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_u32(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT && pktt_put_u64(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_be16(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT && pktt_put_be32(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_be64(NULL, 1, 1, error) == PKTT_ERROR_ARGUMENT && pktt_put_string(NULL, 1, "", error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_bytes(NULL, 1, NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_put_netfilter_header(NULL, 2, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_nest_begin(NULL, 1, error) == PKTT_ERROR_ARGUMENT && pktt_nest_end(NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_writer_bytes(NULL, &len));
    pktt_writer_clear(NULL);
    pktt_writer_free(NULL);

    /* An open nest is not sent, nor one that is too long. */
    CHECK(pktt_nest_begin(writer, 1, error) == PKTT_OK);
    CHECK(pktt_batch_add(batch, 1, NEWTABLE, 0, writer, error) == PKTT_ERROR_ARGUMENT);
    for (i = 0; i < 2; i++)
        CHECK(pktt_put_bytes(writer, 1, much, 40000, error) == PKTT_OK);
    CHECK(pktt_nest_end(writer, error) == PKTT_ERROR_TOO_LONG);
    CHECK(pktt_batch_add(batch, 1, NEWTABLE, 0, writer, error) == PKTT_ERROR_TOO_LONG);
    pktt_writer_clear(writer);
    CHECK(pktt_batch_count(batch) == 0 && pktt_batch_add(batch, 1, NEWTABLE, 0, writer, error) == PKTT_OK);
    CHECK(pktt_batch_count(batch) == 1 && pktt_batch_count(NULL) == 0);
    CHECK(pktt_batch_bytes(batch, &len) && len == 20 + 16 + 20 && !pktt_batch_bytes(NULL, &len));
    CHECK(pktt_batch_add(batch, 2, NEWTABLE, 0, writer, error) == PKTT_ERROR_ARGUMENT && pktt_batch_count(batch) == 1);
    CHECK(pktt_batch_add(batch, 2, NEWTABLE, 0, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_batch_add(NULL, 2, NEWTABLE, 0, writer, error) == PKTT_ERROR_ARGUMENT);
    pktt_batch_free(batch);
    pktt_batch_free(NULL);
    pktt_writer_free(writer);

    CHECK(pktt_get_u8(&attribute, &u8, error) == PKTT_ERROR_ARGUMENT && pktt_get_u8(NULL, &u8, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_attribute_check(NULL, 0, error) == PKTT_ERROR_ARGUMENT);
    attribute.len = 0;
    CHECK(pktt_attribute_check(&attribute, 8, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_attribute_next(NULL, 4, &offset, &attribute, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_attribute_next(much, 4, NULL, &attribute, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_attribute_find(NULL, 4, 1, &attribute, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_message_next(NULL, 4, &offset, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_message_next(much, 4, NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_message_next(much, 20, &offset, NULL, error) == PKTT_ERROR_MALFORMED && offset == 0);
    CHECK(pktt_message_next(much, 0, &offset, NULL, error) == PKTT_END);
    CHECK(pktt_message_answer(NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(!pktt_datagram_text(NULL, 4, error));
    CHECK(pktt_get_string(NULL, NULL, NULL, error) == PKTT_ERROR_ARGUMENT && pktt_get_u16(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_get_u32(NULL, NULL, error) == PKTT_ERROR_ARGUMENT && pktt_get_u64(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_get_be16(NULL, NULL, error) == PKTT_ERROR_ARGUMENT && pktt_get_be32(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_get_be64(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
}

struct tables {
    int count;
    int stop_at;
};

static int count(const pktt_message *message, void *user) {
    struct tables *tables = (struct tables *)user;

    CHECK(message->kind == NEWTABLE && message->family == 2 && message->attributes_len + 4 == message->payload_len);
    return ++tables->count == tables->stop_at;
}

static int read_generation(const pktt_message *message, void *user) {
    pktt_attribute attribute;

    CHECK(pktt_attribute_find(message->attributes, message->attributes_len, 1, &attribute, NULL) == PKTT_OK);
    CHECK(pktt_get_be32(&attribute, (uint32_t *)user, NULL) == PKTT_OK);
    return 0;
}

static void put_table(pktt_writer *writer, const char *name, pktt_error *error) {
    pktt_writer_clear(writer);
    CHECK(pktt_put_netfilter_header(writer, 2, 0, error) == PKTT_OK && pktt_put_string(writer, 1, name, error) == PKTT_OK);
}

static void test_socket(pktt_socket *socket, pktt_error *error) {
    pktt_writer *writer = pktt_writer_new();
    pktt_batch *batch = pktt_batch_new(NF_TABLES, NULL);
    struct tables tables = {0, 0};
    uint32_t generation = 0;
    const pktt_problem *problem;

    put_table(writer, "one", error);
    CHECK(pktt_batch_add(batch, 5, NEWTABLE, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    put_table(writer, "two", error);
    CHECK(pktt_batch_add(batch, 6, NEWTABLE, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    CHECK(ok(pktt_socket_commit(socket, batch, error), error) == PKTT_OK);
    CHECK(pktt_socket_commit(socket, batch, error) == PKTT_OK);
    pktt_batch_free(batch);

    pktt_writer_clear(writer);
    CHECK(pktt_put_netfilter_header(writer, 2, 0, error) == PKTT_OK);
    CHECK(pktt_socket_dump(socket, GETTABLE, 0, writer, count, &tables, error) == PKTT_OK && tables.count == 2);
    tables.stop_at = 3;
    CHECK(pktt_socket_dump(socket, GETTABLE, 0, writer, count, &tables, error) == PKTT_ERROR_STOPPED && tables.count == 3);
    CHECK(pktt_socket_dump(socket, GETTABLE, 0, writer, NULL, NULL, error) == PKTT_OK);
    CHECK(pktt_socket_get(socket, GETGEN, 0, writer, read_generation, &generation, error) == PKTT_OK && generation > 0);

    /* A batch for another generation, and one with a message that is refused. */
    generation += 1000;
    batch = pktt_batch_new(NF_TABLES, &generation);
    put_table(writer, "three", error);
    CHECK(pktt_batch_add(batch, 7, NEWTABLE, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    CHECK(pktt_socket_commit(socket, batch, error) == PKTT_ERROR_CHANGED);
    pktt_batch_free(batch);
    batch = pktt_batch_new(NF_TABLES, NULL);
    CHECK(pktt_batch_add(batch, 8, NEWTABLE, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    put_table(writer, "missing", error);
    CHECK(pktt_batch_add(batch, 9, DELTABLE, 0, writer, error) == PKTT_OK);
    CHECK(pktt_socket_commit(socket, batch, error) == PKTT_ERROR_REFUSED);
    problem = pktt_error_problem(error, 0);
    CHECK(problem->operation == 9 && problem->system_error == 2 && problem->attribute_offset == 20);
    pktt_batch_free(batch);
    tables.count = tables.stop_at = 0;
    pktt_writer_clear(writer);
    CHECK(pktt_put_netfilter_header(writer, 2, 0, error) == PKTT_OK);
    CHECK(pktt_socket_dump(socket, GETTABLE, 0, writer, count, &tables, error) == PKTT_OK && tables.count == 2);

    /* What is no dump is acknowledged, or refused. */
    put_table(writer, "missing", error);
    CHECK(pktt_socket_get(socket, GETTABLE, 0, writer, count, &tables, error) == PKTT_ERROR_REFUSED);
    CHECK(pktt_socket_request(socket, GETTABLE, 0, writer, error) == PKTT_ERROR_REFUSED);
    CHECK(pktt_error_problem(error, 0)->system_error == 2);
    put_table(writer, "one", error);
    CHECK(pktt_socket_request(socket, GETTABLE, 0, writer, error) == PKTT_OK);
    pktt_writer_free(writer);
}

/* Another socket is told of what this one does; once it has left the group, no more. */
static void test_groups(pktt_kernel *kernel, pktt_socket *socket, pktt_error *error) {
    pktt_socket *listener = pktt_socket_open(kernel, error);
    pktt_writer *writer = pktt_writer_new();
    pktt_batch *batch = pktt_batch_new(NF_TABLES, NULL);
    const uint8_t *datagram = NULL;
    size_t len = 0, offset = 0, tables = 0, generations = 0;
    pktt_message message;

    CHECK(pktt_socket_set_timeout(listener, 1000, error) == PKTT_OK);
    CHECK(ok(pktt_socket_join(listener, PKTT_GROUP_NFTABLES, error), error) == PKTT_OK);
    put_table(writer, "heard", error);
    CHECK(pktt_batch_add(batch, 1, NEWTABLE, PKTT_NLM_CREATE, writer, error) == PKTT_OK);
    CHECK(pktt_socket_commit(socket, batch, error) == PKTT_OK);
    while (generations == 0 && ok(pktt_socket_receive(listener, &datagram, &len, error), error) == PKTT_OK)
        for (offset = 0; pktt_message_next(datagram, len, &offset, &message, error) == PKTT_OK;) {
            tables += message.kind == NEWTABLE;
            generations += message.kind == (NF_TABLES << 8 | 15);
        }
    CHECK(tables == 1 && generations == 1);
    CHECK(pktt_socket_leave(listener, PKTT_GROUP_NFTABLES, error) == PKTT_OK);
    CHECK(pktt_socket_commit(socket, batch, error) == PKTT_OK);
    CHECK(pktt_socket_set_timeout(listener, 1, error) == PKTT_OK);
    CHECK(pktt_socket_receive(listener, &datagram, &len, error) == PKTT_ERROR_TIMEOUT);
    CHECK(pktt_socket_join(NULL, PKTT_GROUP_NFTABLES, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_leave(NULL, PKTT_GROUP_NFTABLES, error) == PKTT_ERROR_ARGUMENT);
    pktt_batch_free(batch);
    pktt_writer_free(writer);
    pktt_socket_free(listener);
}

/* A request as it goes over the wire, and its answers. */
static void test_datagrams(pktt_socket *socket, pktt_error *error) {
    /* A request for the table "none": 16 bytes of netlink header, 4 of netfilter's, the name. */
    struct {
        uint32_t len;
        uint16_t kind, flags;
        uint32_t sequence, port;
        uint8_t family, version;
        uint16_t resource;
        uint16_t attribute_len, attribute_kind;
        char name[8];
    } request;
    const uint8_t *datagram = NULL;
    size_t len = 0, offset = 0;
    pktt_message message;
    char *text;

    memset(&request, 0, sizeof request);
    request.len = sizeof request;
    request.kind = GETTABLE;
    request.flags = PKTT_NLM_REQUEST;
    request.sequence = 77;
    request.family = 2;
    request.attribute_len = 9;
    request.attribute_kind = 1;
    memcpy(request.name, "none", 5);
    CHECK(pktt_socket_send(socket, (const uint8_t *)&request, sizeof request, error) == PKTT_OK);
    CHECK(ok(pktt_socket_receive(socket, &datagram, &len, error), error) == PKTT_OK && len >= 36);
    CHECK(pktt_message_next(datagram, len, &offset, &message, error) == PKTT_OK);
    CHECK(message.kind == PKTT_NLMSG_ERROR && message.sequence == 77 && message.port == pktt_socket_port(socket));
    CHECK(!message.attributes && message.payload_len >= 20);
    CHECK(pktt_message_answer(&message, error) == PKTT_ERROR_REFUSED);
    CHECK(pktt_error_problem(error, 0)->system_error == 2);
    CHECK(pktt_message_next(datagram, len, &offset, &message, error) == PKTT_END);
    text = pktt_datagram_text(datagram, len, error);
    CHECK(contains(text, "ENOENT"));
    pktt_string_free(text);
    message.kind = GETTABLE;
    CHECK(pktt_message_answer(&message, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_set_timeout(socket, 1, error) == PKTT_OK);
    CHECK(pktt_socket_receive(socket, NULL, NULL, error) == PKTT_ERROR_TIMEOUT);

    CHECK(pktt_socket_send(socket, NULL, 4, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_send(NULL, datagram, 0, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_receive(NULL, &datagram, &len, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_set_timeout(NULL, 1, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_request(socket, GETTABLE, 0, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_get(NULL, GETTABLE, 0, NULL, NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_dump(socket, GETTABLE, 0, NULL, NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_commit(socket, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_commit(NULL, NULL, error) == PKTT_ERROR_ARGUMENT);
    CHECK(pktt_socket_port(NULL) == 0 && pktt_socket_descriptor(NULL) == -1);
    pktt_socket_free(NULL);
}

int main(int argc, char **argv) {
    bool running = argc > 1 && same(argv[1], "--running");
    pktt_error *error = pktt_error_new();
    pktt_kernel *kernel = running ? NULL : pktt_kernel_open_embedded(NULL, error);
    pktt_socket *socket = pktt_socket_open(kernel, error);

    test_attributes(error);
    test_bad_arguments(error);
    CHECK(socket && pktt_socket_port(socket) != 0 && (pktt_socket_descriptor(socket) >= 0) == running);
    if (socket) {
        test_socket(socket, error);
        test_groups(kernel, socket, error);
        test_datagrams(socket, error);
    }
    pktt_socket_free(socket);
    pktt_kernel_free(kernel);
    pktt_error_free(error);
    return check_failures;
}
