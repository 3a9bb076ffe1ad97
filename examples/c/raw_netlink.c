/* The messages of nf_tables written and read by hand, as a program does with libmnl: a table is made in a batch, the
 * tables are dumped with a callback, and what the kernel says against a bad message is shown.
 *
 * raw_netlink [--running]
 *
 * It speaks to an embedded kernel and needs no privileges, or with --running to the running kernel, in the network
 * namespace that it is started in. */

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

/* linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h have these. */
enum { NF_TABLES = 10, NFPROTO_V4 = 2, MSG_NEWTABLE = 0, MSG_GETTABLE = 1, MSG_DELTABLE = 2, TABLE_NAME = 1, TABLE_HANDLE = 4 };

static uint16_t kind(unsigned message) {
    return (uint16_t)(NF_TABLES << 8 | message);
}

/* libmnl: mnl_nlmsg_put_extra_header, mnl_attr_put_strz. */
static pktt_status put_table(pktt_writer *writer, const char *name, pktt_error *error) {
    pktt_writer_clear(writer);
    pktt_put_netfilter_header(writer, NFPROTO_V4, 0, error);
    return pktt_put_string(writer, TABLE_NAME, name, error);
}

/* libmnl: the callback of mnl_cb_run, with mnl_attr_for_each, mnl_attr_get_type, mnl_attr_get_str. */
static int print_table(const pktt_message *message, void *user) {
    pktt_attribute attribute;
    size_t offset = 0;

    while (pktt_attribute_next(message->attributes, message->attributes_len, &offset, &attribute, NULL) == PKTT_OK) {
        const char *name;
        uint64_t handle;
        size_t len;

        if (attribute.kind == TABLE_NAME && pktt_get_string(&attribute, &name, &len, NULL) == PKTT_OK)
            printf("table %.*s", (int)len, name);
        else if (attribute.kind == TABLE_HANDLE && pktt_get_be64(&attribute, &handle, NULL) == PKTT_OK)
            printf(" with handle %llu", (unsigned long long)handle);
    }
    printf("\n");
    ++*(int *)user;
    return 0;
}

/* libmnl: mnl_nlmsg_batch_start, mnl_nlmsg_batch_next, mnl_socket_sendto, mnl_socket_recvfrom, mnl_cb_run. */
static pktt_status commit(pktt_socket *socket, pktt_writer *writer, unsigned message, const char *name, uint16_t flags,
                          pktt_error *error) {
    pktt_batch *batch = pktt_batch_new(NF_TABLES, NULL);
    pktt_status status = put_table(writer, name, error);

    if (status == PKTT_OK)
        status = pktt_batch_add(batch, 7, kind(message), flags, writer, error);
    if (status == PKTT_OK)
        status = pktt_socket_commit(socket, batch, error);
    pktt_batch_free(batch);
    return status;
}

static bool run(pktt_socket *socket, pktt_error *error) {
    pktt_writer *writer = pktt_writer_new();
    int tables = 0;
    bool ok;

    ok = commit(socket, writer, MSG_NEWTABLE, "by-hand", PKTT_NLM_CREATE, error) == PKTT_OK;
    if (ok) {
        pktt_writer_clear(writer);
        pktt_put_netfilter_header(writer, 0, 0, error);
        ok = pktt_socket_dump(socket, kind(MSG_GETTABLE), 0, writer, print_table, &tables, error) == PKTT_OK;
        printf("%d in all\n", tables);
    }
    if (ok) {
        pktt_status status = commit(socket, writer, MSG_DELTABLE, "missing", 0, error);
        const pktt_problem *problem = pktt_error_problem(error, 0);

        ok = status == PKTT_ERROR_REFUSED && problem->system_error == 2;
        if (ok)
            printf("message %u is refused, as it should be: %s\n", (unsigned)problem->operation, problem->message);
    }
    ok = ok && commit(socket, writer, MSG_DELTABLE, "by-hand", 0, error) == PKTT_OK;
    pktt_writer_free(writer);
    return ok;
}

int main(int argc, char **argv) {
    bool running = argc > 1 && strcmp(argv[1], "--running") == 0;
    pktt_error *error = pktt_error_new();
    pktt_kernel *kernel = running ? NULL : pktt_kernel_open_embedded(NULL, error);
    pktt_socket *socket = pktt_socket_open(kernel, error);
    bool ok = socket && run(socket, error);

    if (!ok)
        fprintf(stderr, "%s\n", pktt_error_message(error));
    pktt_socket_free(socket);
    pktt_kernel_free(kernel);
    pktt_error_free(error);
    return ok ? 0 : 1;
}
