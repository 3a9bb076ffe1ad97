/* Lists the matches of the system: what each does, and whether the running kernel has it.
 *
 * list_matches [--embedded] [NAME]
 *
 * With a name it tells the parameters of that match. Asking the kernel needs CAP_NET_ADMIN; --embedded asks an
 * embedded kernel instead, which has them all. */

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

static void print_params(const pktt_extension *match) {
    size_t i;

    printf("%s\n", pktt_extension_help(match));
    for (i = 0; i < pktt_extension_param_count(match); i++) {
        const pktt_param *param = pktt_extension_param_at(match, i);
        const char *standard = pktt_param_default(param);

        printf("  %s--%s takes %s", pktt_param_flags(param) & PKTT_PARAM_NEGATABLE ? "[!] " : "", pktt_param_name(param),
               pktt_param_accepts(param));
        printf(standard ? "; %s if it is left out\n" : "%s\n", standard ? standard : "");
    }
}

static void print_match(const pktt_extension *match, pktt_kernel *kernel, pktt_error *error) {
    uint8_t revision;
    pktt_status status = pktt_kernel_supports(kernel, match, PKTT_FAMILY_IPV4, &revision, error);

    printf("%-14s ", pktt_extension_name(match));
    if (status == PKTT_OK)
        printf("revision %u  ", revision);
    else
        printf("%-12s", status == PKTT_ERROR_UNSUPPORTED ? "not there" : "unknown");
    printf("%s\n", pktt_extension_summary(match));
}

int main(int argc, char **argv) {
    int embedded = argc > 1 && strcmp(argv[1], "--embedded") == 0;
    const char *name = argc > 1 + embedded ? argv[1 + embedded] : NULL;
    pktt_error *error = pktt_error_new();
    pktt_registry *registry = pktt_registry_new();
    pktt_kernel *kernel = embedded ? pktt_kernel_open_embedded(NULL, error) : pktt_kernel_open(error);
    pktt_extensions *matches = pktt_registry_list(registry, PKTT_KIND_MATCH, PKTT_FAMILY_IPV4, error);
    int failed = 0;
    size_t i;

    if (!kernel) {
        fprintf(stderr, "%s\n", pktt_error_message(error));
        failed = 1;
    } else if (name) {
        const pktt_extension *match = pktt_registry_find(registry, PKTT_KIND_MATCH, name, PKTT_FAMILY_IPV4, error);

        if (match)
            print_params(match);
        else
            fprintf(stderr, "%s\n", pktt_error_message(error));
        failed = !match;
    } else {
        for (i = 0; i < pktt_extensions_count(matches); i++)
            print_match(pktt_extensions_at(matches, i), kernel, error);
    }

    pktt_extensions_free(matches);
    pktt_kernel_free(kernel);
    pktt_registry_free(registry);
    pktt_error_free(error);
    return failed;
}
