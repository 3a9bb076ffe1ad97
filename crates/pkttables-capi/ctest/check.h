/* What the tests share: each is a program that ends with the number of checks that failed. */
#ifndef CHECK_H
#define CHECK_H

#include <pkttables.h>

#include <stdio.h>
#include <string.h>

static int check_failures;

/* Goes on after a failure, so that one run shows all of them. */
#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            check_failures++;                                                     \
        }                                                                         \
    } while (0)

/* Whether both are the same text; NULL is the same as nothing but NULL. */
static inline bool same(const char *one, const char *other) {
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static inline bool contains(const char *text, const char *part) {
    return text && strstr(text, part);
}

/* Whether text that is given to be freed is this; frees it. */
static inline bool given(char *text, const char *expected) {
    bool is = same(text, expected);

    if (!is)
        fprintf(stderr, "given: %s\n", text ? text : "NULL");
    pktt_string_free(text);
    return is;
}

/* Shows an error that a test does not expect. */
static inline pktt_status ok(pktt_status status, const pktt_error *error) {
    if (status != PKTT_OK)
        fprintf(stderr, "%s: %s\n", pktt_status_name(status), pktt_error_message(error));
    return status;
}

static inline pktt_ruleset *parse(const char *text, pktt_error *error) {
    return pktt_ruleset_parse(PKTT_FAMILY_IPV4, text, strlen(text), NULL, false, error);
}

#endif
