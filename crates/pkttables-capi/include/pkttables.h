/*
 * pkttables: rulesets of the Linux packet filter, for programs in C and C++.
 * Made by cbindgen from crates/pkttables-capi; not to be edited.
 *
 * Compile with `pkg-config --cflags pkttables`, link with `pkg-config --libs pkttables`.
 *
 * HANDLES. What a function makes belongs to the caller, who frees it with the function that its documentation names;
 * freeing NULL does nothing. What a function lends (const pointers to structures, text, bytes) belongs to the handle
 * that it came from and lives as long as its documentation says. A handle does not need the one that it was made with:
 * they are freed in any order. Nothing is global. A handle, with all that is lent from it, is used by one thread at a
 * time; every thread can have handles of its own. Registries and answers of them stay in one thread.
 *
 * ARGUMENTS. Text is UTF-8 that ends with a NUL. Bytes come as a pointer and a length; the pointer may be NULL if that is
 * 0. A handle or text may be NULL only where it is said; otherwise a call fails with PKTT_ERROR_ARGUMENT, and a question
 * is answered with NULL, 0 or false. Where a result is written to a place of the caller's, that may be NULL if it is not
 * wanted.
 *
 * ERRORS. A call that can fail gives a pktt_status, or NULL, and takes as its last argument an error object, which may
 * be NULL. Make one with pktt_error_new, use it for all calls of a thread, and after a failure ask it:
 *
 *     pktt_error *error = pktt_error_new();
 *     pktt_ruleset *rules = pktt_ruleset_load(PKTT_FAMILY_IPV4, "rules.v4", false, error);
 *     if (!rules)
 *         fprintf(stderr, "%s\n", pktt_error_message(error));    // rules.v4:3:11: unknown option "--dprot"
 *
 * A call that succeeds leaves the object as it is. Where calls go on with the NULL that one of them gave, the object
 * tells of the last that failed, which says no more than that something is NULL: ask before.
 *
 * What fails changes nothing. No panic of the library's leaves it: a fault of its own is told as PKTT_ERROR_INTERNAL,
 * after a line on standard error. Otherwise it prints nothing.
 *
 * WHAT THERE IS
 *
 *     pktt_error_*                          what went wrong, and where
 *     pktt_registry_*, pktt_extension_*,    which matches and targets there are, their parameters, what values
 *     pktt_param_*                          those take, help, samples, completion
 *     pktt_ruleset_*, pktt_chain_*          rulesets: read from text or a file, walked through, changed, written
 *     pktt_rule_*, pktt_part_*,             rules: what they say; made from text or parameter by parameter
 *     pktt_builder_*
 *     pktt_kernel_*                         the running kernel and embedded ones: read, apply, commit, zero
 *     pktt_plan_*                           what would change, step by step
 *     pktt_transaction_*                    edits that are made all at once
 *     pktt_events_*                         what others change
 *     pktt_host_*, pktt_evaluator_*         what would become of a packet, and why
 *     pktt_socket_*, pktt_writer_*,         netlink itself: requests, dumps, batches, messages, attributes
 *     pktt_put_*, pktt_nest_*, pktt_get_*,
 *     pktt_batch_*, pktt_message_*,
 *     pktt_attribute_*
 */


#ifndef PKTTABLES_H
#define PKTTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The major version of this header.
 */
#define PKTT_VERSION_MAJOR 0

/**
 * The minor version of this header.
 */
#define PKTT_VERSION_MINOR 1

/**
 * The patch level of this header.
 */
#define PKTT_VERSION_PATCH 0

/**
 * `!` may stand before it.
 */
#define PKTT_PARAM_NEGATABLE 1

/**
 * It must be given.
 */
#define PKTT_PARAM_REQUIRED 2

/**
 * It may be given more than once.
 */
#define PKTT_PARAM_REPEATABLE 4

/**
 * One more word may follow, which does not begin with `-` or `!`; without it the value is empty text.
 */
#define PKTT_PARAM_OPTIONAL_WORD 8

/**
 * `NLM_F_REQUEST`: a request.
 */
#define PKTT_NLM_REQUEST 1

/**
 * `NLM_F_MULTI`: part of a dump.
 */
#define PKTT_NLM_MULTI 2

/**
 * `NLM_F_ACK`: the sender wants an acknowledgement.
 */
#define PKTT_NLM_ACK 4

/**
 * `NLM_F_ECHO`: echo this change to the sender.
 */
#define PKTT_NLM_ECHO 8

/**
 * `NLM_F_DUMP_INTR`: the dump was interrupted by a change.
 */
#define PKTT_NLM_DUMP_INTERRUPTED 16

/**
 * `NLM_F_DUMP`: all entries are wanted.
 */
#define PKTT_NLM_DUMP 768

/**
 * `NLM_F_REPLACE`: replace what exists.
 */
#define PKTT_NLM_REPLACE 256

/**
 * `NLM_F_EXCL`: fail if it exists.
 */
#define PKTT_NLM_EXCL 512

/**
 * `NLM_F_CREATE`: create if it does not exist.
 */
#define PKTT_NLM_CREATE 1024

/**
 * `NLM_F_APPEND`: add at the end.
 */
#define PKTT_NLM_APPEND 2048

/**
 * `NLMSG_NOOP`: nothing.
 */
#define PKTT_NLMSG_NOOP 1

/**
 * `NLMSG_ERROR`: an acknowledgement or an error.
 */
#define PKTT_NLMSG_ERROR 2

/**
 * `NLMSG_DONE`: the end of a dump.
 */
#define PKTT_NLMSG_DONE 3

/**
 * `NLMSG_OVERRUN`: data were lost.
 */
#define PKTT_NLMSG_OVERRUN 4

/**
 * How a call ended. The numbers stay what they are.
 */
enum pktt_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is done.
   */
  PKTT_OK = 0,
  /**
   * There is nothing more, or nothing yet; this is no error and touches no error object.
   */
  PKTT_END = 1,
  /**
   * An argument is NULL, not UTF-8, out of range or of no known number; nothing was done.
   */
  PKTT_ERROR_ARGUMENT = 2,
  /**
   * A fault of the library. The handles that took part are of no more use than to be freed.
   */
  PKTT_ERROR_INTERNAL = 3,
  /**
   * The caller may not do this: CAP_NET_ADMIN in the network namespace is needed. Nothing was changed.
   */
  PKTT_ERROR_PERMISSION = 4,
  /**
   * A text cannot be read as rules; each problem tells its line and column.
   */
  PKTT_ERROR_SYNTAX = 5,
  /**
   * An extension refuses a parameter, a value, or the lack of one.
   */
  PKTT_ERROR_VALUE = 6,
  /**
   * A table, chain, rule, extension or parameter is not there.
   */
  PKTT_ERROR_NOT_FOUND = 7,
  /**
   * Something of this name is there already.
   */
  PKTT_ERROR_EXISTS = 8,
  /**
   * The kernel refused; nothing was changed. Each problem tells the operation and the kernel's reason.
   */
  PKTT_ERROR_REFUSED = 9,
  /**
   * Somebody else changed the ruleset meanwhile; nothing was changed here.
   */
  PKTT_ERROR_CHANGED = 10,
  /**
   * The kernel has no such extension, or it cannot be evaluated.
   */
  PKTT_ERROR_UNSUPPORTED = 11,
  /**
   * A file cannot be read or written, or is none of the expected kind.
   */
  PKTT_ERROR_FILE = 12,
  /**
   * Nothing came in time.
   */
  PKTT_ERROR_TIMEOUT = 13,
  /**
   * Events or replies were lost because a buffer was full; what is known must be read again.
   */
  PKTT_ERROR_LOST = 14,
  /**
   * Bytes that cannot be read as what they should be.
   */
  PKTT_ERROR_MALFORMED = 15,
  /**
   * A system call failed.
   */
  PKTT_ERROR_SYSTEM = 16,
  /**
   * Chains call each other in a circle, or deeper than the kernel allows.
   */
  PKTT_ERROR_LOOP = 17,
  /**
   * A message or attribute would be longer than netlink can carry.
   */
  PKTT_ERROR_TOO_LONG = 18,
  /**
   * A callback of the caller's ended the call.
   */
  PKTT_ERROR_STOPPED = 19,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_status pktt_status;
#else
typedef uint32_t pktt_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How many of an extension's parameters a rule must give, besides those that are required on their own.
 */
enum pktt_require
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Any number.
   */
  PKTT_REQUIRE_ANY = 0,
  /**
   * One or more.
   */
  PKTT_REQUIRE_AT_LEAST_ONE = 1,
  /**
   * One and no more.
   */
  PKTT_REQUIRE_EXACTLY_ONE = 2,
  /**
   * One or more of those that pktt_extension_required_of names; the others are free.
   */
  PKTT_REQUIRE_AT_LEAST_ONE_OF = 3,
  /**
   * One and no more of those that pktt_extension_required_of names; the others are free.
   */
  PKTT_REQUIRE_EXACTLY_ONE_OF = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_require pktt_require;
#else
typedef uint32_t pktt_require;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a rule does, apart from its conditions.
 */
enum pktt_action
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nothing but counting.
   */
  PKTT_ACTION_NONE = 0,
  /**
   * It ends the walk through the chain: pktt_rule_verdict.
   */
  PKTT_ACTION_VERDICT = 1,
  /**
   * It calls a chain and comes back: the name of pktt_rule_target.
   */
  PKTT_ACTION_JUMP = 2,
  /**
   * It continues in a chain: the name of pktt_rule_target.
   */
  PKTT_ACTION_GOTO = 3,
  /**
   * A target does something: pktt_rule_target.
   */
  PKTT_ACTION_TARGET = 4,
  /**
   * It is foreign.
   */
  PKTT_ACTION_FOREIGN = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_action pktt_action;
#else
typedef uint32_t pktt_action;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a step does.
 */
enum pktt_step_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The table is made.
   */
  PKTT_STEP_CREATE_TABLE = 1,
  /**
   * A built-in chain is made, or gets another policy.
   */
  PKTT_STEP_SET_POLICY = 2,
  /**
   * A chain is made.
   */
  PKTT_STEP_CREATE_CHAIN = 3,
  /**
   * A rule is added.
   */
  PKTT_STEP_INSERT_RULE = 4,
  /**
   * A rule comes into the place of another one.
   */
  PKTT_STEP_REPLACE_RULE = 5,
  /**
   * A rule is deleted.
   */
  PKTT_STEP_DELETE_RULE = 6,
  /**
   * All rules of a chain are deleted.
   */
  PKTT_STEP_FLUSH_CHAIN = 7,
  /**
   * A chain without rules is deleted.
   */
  PKTT_STEP_DELETE_CHAIN = 8,
  /**
   * A chain gets another name.
   */
  PKTT_STEP_RENAME_CHAIN = 9,
  /**
   * The table is deleted with all that is in it.
   */
  PKTT_STEP_DELETE_TABLE = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_step_kind pktt_step_kind;
#else
typedef uint32_t pktt_step_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event is about.
 */
enum pktt_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Something else, such as a change of a set.
   */
  PKTT_EVENT_OTHER = 0,
  /**
   * A table was made or changed.
   */
  PKTT_EVENT_NEW_TABLE = 1,
  /**
   * A table was deleted.
   */
  PKTT_EVENT_DELETE_TABLE = 2,
  /**
   * A chain was made or changed.
   */
  PKTT_EVENT_NEW_CHAIN = 3,
  /**
   * A chain was deleted.
   */
  PKTT_EVENT_DELETE_CHAIN = 4,
  /**
   * A rule was added.
   */
  PKTT_EVENT_NEW_RULE = 5,
  /**
   * A rule was deleted.
   */
  PKTT_EVENT_DELETE_RULE = 6,
  /**
   * A commit is complete: what came before belongs to it.
   */
  PKTT_EVENT_GENERATION = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_event_kind pktt_event_kind;
#else
typedef uint32_t pktt_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The end of a packet's way.
 */
enum pktt_fate_verdict
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It left, or came to this host.
   */
  PKTT_FATE_ACCEPT = 1,
  /**
   * It was thrown away.
   */
  PKTT_FATE_DROP = 2,
  /**
   * It was thrown away and the sender told.
   */
  PKTT_FATE_REJECT = 3,
  /**
   * It was handed to a program.
   */
  PKTT_FATE_QUEUE = 4,
  /**
   * A part of the kernel kept it, as a fragment of a packet that is not yet complete.
   */
  PKTT_FATE_STOLEN = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_fate_verdict pktt_fate_verdict;
#else
typedef uint32_t pktt_fate_verdict;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event on a packet's way is.
 */
enum pktt_trace_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It matched a rule.
   */
  PKTT_TRACE_RULE = 1,
  /**
   * It came to the end of a chain that was called.
   */
  PKTT_TRACE_RETURN = 2,
  /**
   * It came to the policy.
   */
  PKTT_TRACE_POLICY = 3,
  /**
   * A target such as LOG reported it.
   */
  PKTT_TRACE_REPORT = 4,
  /**
   * A copy of it was sent to another host.
   */
  PKTT_TRACE_COPY = 5,
  /**
   * It did not match a rule; told only after pktt_evaluator_explain.
   */
  PKTT_TRACE_MISS = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_trace_kind pktt_trace_kind;
#else
typedef uint32_t pktt_trace_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An address family. The numbers are bits, so that they can be put together where several are meant.
 */
enum pktt_family
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * IPv4, what iptables works on.
   */
  PKTT_FAMILY_IPV4 = 1,
  /**
   * IPv6, what ip6tables works on.
   */
  PKTT_FAMILY_IPV6 = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_family pktt_family;
#else
typedef uint32_t pktt_family;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A table. The numbers are bits, so that they can be put together where several are meant.
 */
enum pktt_table
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * `filter` decides which packets pass.
   */
  PKTT_TABLE_FILTER = 1,
  /**
   * `nat` rewrites addresses and ports; sees the first packet of a connection.
   */
  PKTT_TABLE_NAT = 2,
  /**
   * `mangle` changes packets.
   */
  PKTT_TABLE_MANGLE = 4,
  /**
   * `raw` comes before connection tracking.
   */
  PKTT_TABLE_RAW = 8,
  /**
   * `security` marks for mandatory access control.
   */
  PKTT_TABLE_SECURITY = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_table pktt_table;
#else
typedef uint32_t pktt_table;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A place on a packet's way at which built-in chains are called. The numbers are bits, so that they can be put
 * together where several are meant.
 */
enum pktt_hook
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * `PREROUTING`: as the packet comes in, before routing.
   */
  PKTT_HOOK_PREROUTING = 1,
  /**
   * `INPUT`: for packets to this host.
   */
  PKTT_HOOK_INPUT = 2,
  /**
   * `FORWARD`: for packets routed through.
   */
  PKTT_HOOK_FORWARD = 4,
  /**
   * `OUTPUT`: for packets made on this host.
   */
  PKTT_HOOK_OUTPUT = 8,
  /**
   * `POSTROUTING`: as the packet goes out, after routing.
   */
  PKTT_HOOK_POSTROUTING = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_hook pktt_hook;
#else
typedef uint32_t pktt_hook;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether an extension tests packets or does something to them.
 */
enum pktt_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A match, named by `-m`.
   */
  PKTT_KIND_MATCH = 1,
  /**
   * A target, named by `-j`.
   */
  PKTT_KIND_TARGET = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_kind pktt_kind;
#else
typedef uint32_t pktt_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happens to packets that reach the end of a built-in chain.
 */
enum pktt_policy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * They pass.
   */
  PKTT_POLICY_ACCEPT = 1,
  /**
   * They are thrown away.
   */
  PKTT_POLICY_DROP = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_policy pktt_policy;
#else
typedef uint32_t pktt_policy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The built-in ends of a rule.
 */
enum pktt_verdict
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Let the packet through.
   */
  PKTT_VERDICT_ACCEPT = 1,
  /**
   * Throw it away.
   */
  PKTT_VERDICT_DROP = 2,
  /**
   * Go back to the calling chain, or to the policy.
   */
  PKTT_VERDICT_RETURN = 3,
  /**
   * Hand it to a program, by queue 0.
   */
  PKTT_VERDICT_QUEUE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_verdict pktt_verdict;
#else
typedef uint32_t pktt_verdict;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whose behaviour an evaluator follows where they differ.
 */
enum pktt_backend
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * nf_tables, as of iptables-nft.
   */
  PKTT_BACKEND_NFT = 1,
  /**
   * ip_tables, as of iptables-legacy.
   */
  PKTT_BACKEND_LEGACY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_backend pktt_backend;
#else
typedef uint32_t pktt_backend;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an attribute is expected to hold.
 */
enum pktt_attribute_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Any bytes.
   */
  PKTT_ATTRIBUTE_BYTES = 0,
  /**
   * Nothing: that it is there says it.
   */
  PKTT_ATTRIBUTE_FLAG = 1,
  /**
   * One byte.
   */
  PKTT_ATTRIBUTE_U8 = 2,
  /**
   * 16 bits in either byte order.
   */
  PKTT_ATTRIBUTE_U16 = 3,
  /**
   * 32 bits in either byte order.
   */
  PKTT_ATTRIBUTE_U32 = 4,
  /**
   * 64 bits in either byte order.
   */
  PKTT_ATTRIBUTE_U64 = 5,
  /**
   * Text, with or without a NUL at its end and none within.
   */
  PKTT_ATTRIBUTE_STRING = 6,
  /**
   * Attributes, none of them malformed.
   */
  PKTT_ATTRIBUTE_NESTED = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_attribute_type pktt_attribute_type;
#else
typedef uint32_t pktt_attribute_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A multicast group of netfilter: what a socket can be told of.
 */
enum pktt_group
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * New connections.
   */
  PKTT_GROUP_CONNTRACK_NEW = 1,
  /**
   * Changed connections.
   */
  PKTT_GROUP_CONNTRACK_UPDATE = 2,
  /**
   * Ended connections.
   */
  PKTT_GROUP_CONNTRACK_DESTROY = 3,
  /**
   * Changes of the ruleset of nf_tables.
   */
  PKTT_GROUP_NFTABLES = 7,
  /**
   * Packets that pass traced rules.
   */
  PKTT_GROUP_NFTRACE = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum pktt_group pktt_group;
#else
typedef uint32_t pktt_group;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Messages of one subsystem that the kernel applies all or not at all.
 */
typedef struct pktt_batch pktt_batch;

/**
 * A match or target that is being put together.
 */
typedef struct pktt_builder pktt_builder;

/**
 * A chain of a ruleset: rules that a packet meets one after another.
 */
typedef struct pktt_chain pktt_chain;

/**
 * Keeps what the last call that failed had to say.
 *
 * Make one per thread, pass it to calls, and ask it after a call has failed. A call that succeeds leaves it as it
 * is. Wherever a function takes one it may be NULL.
 */
typedef struct pktt_error pktt_error;

/**
 * Judges packets by a ruleset as the kernel would, with its connections, counters and clocks.
 */
typedef struct pktt_evaluator pktt_evaluator;

/**
 * A subscription to the changes of a kernel's rulesets.
 */
typedef struct pktt_events pktt_events;

/**
 * A match or target, with its description.
 */
typedef struct pktt_extension pktt_extension;

/**
 * Some extensions: the answer to a question. It may outlive the registry.
 */
typedef struct pktt_extensions pktt_extensions;

/**
 * A host or router: its routes, its own addresses, its sets and kernel settings, for packets of one family.
 */
typedef struct pktt_host pktt_host;

/**
 * A connection to a kernel.
 *
 * It is used by one thread at a time; every thread can have one of its own.
 */
typedef struct pktt_kernel pktt_kernel;

/**
 * A parameter of a match or target, with its description.
 */
typedef struct pktt_param pktt_param;

/**
 * A part of a rule: its header, a match or its target.
 */
typedef struct pktt_part pktt_part;

/**
 * The steps that make a kernel's tables what a ruleset says, in an order that the kernel accepts.
 */
typedef struct pktt_plan pktt_plan;

/**
 * The matches and targets that the library knows, with all that they say about themselves.
 */
typedef struct pktt_registry pktt_registry;

/**
 * A rule: conditions, and what happens to packets that meet all of them.
 *
 * It is either made by a function that says that it is to be freed with pktt_rule_free, or part of a ruleset. A
 * foreign rule is one that another program wrote and that an iptables has no words for; it has a handle and a
 * readable form, but no parts.
 */
typedef struct pktt_rule pktt_rule;

/**
 * The tables of one family: a copy, which has no connection to a kernel.
 */
typedef struct pktt_ruleset pktt_ruleset;

/**
 * A socket to the netfilter subsystems of a kernel.
 */
typedef struct pktt_socket pktt_socket;

/**
 * Edits of the tables of one family that a kernel makes all at once or not at all.
 *
 * Each edit sees what those before it have done. They are counted from 1, and errors name them by these numbers.
 */
typedef struct pktt_transaction pktt_transaction;

/**
 * Words that a value, or its next part, can be.
 */
typedef struct pktt_words pktt_words;

/**
 * What follows the netlink header of a message: the netfilter header and attributes, in one growing buffer.
 */
typedef struct pktt_writer pktt_writer;

/**
 * One thing that is wrong. Text that there is nothing to say for is NULL, numbers are 0.
 */
typedef struct {
  /**
   * What is wrong, in one sentence without the place; never NULL.
   */
  const char *message;
  /**
   * The same for people: with file, line and column and, for text, the line itself and a mark under the word. It
   * may have several lines; never NULL.
   */
  const char *rendered;
  /**
   * The name of the file, if the text came from one or was given one.
   */
  const char *file;
  /**
   * The line, from 1.
   */
  size_t line;
  /**
   * The column of the offending word, in characters from 1.
   */
  size_t column;
  /**
   * The line as it stands in the text.
   */
  const char *source;
  /**
   * The offending word as it stands in the line; empty where something is missing.
   */
  const char *word;
  /**
   * What may have been meant, or what to do.
   */
  const char *hint;
  /**
   * Which operation of a transaction, counted from 1; which step of a plan; or the tag of a batch's message.
   */
  uint32_t operation;
  /**
   * The kernel's error number (`ENOENT` is 2).
   */
  int32_t system_error;
  /**
   * The table.
   */
  const char *table;
  /**
   * The chain.
   */
  const char *chain;
  /**
   * The number of the rule in the chain, from 1.
   */
  size_t rule_number;
  /**
   * The rule as it is saved, from `-A` on.
   */
  const char *rule;
  /**
   * The match or target.
   */
  const char *extension;
  /**
   * The parameter of the match or target, without dashes.
   */
  const char *parameter;
  /**
   * The kernel's own words (`NLMSGERR_ATTR_MSG`).
   */
  const char *kernel_message;
  /**
   * The attribute that the kernel points at, by the names of those around it.
   */
  const char *attribute;
  /**
   * Where that attribute is, in bytes from the start of the message's netlink header (`NLMSGERR_ATTR_OFFS`).
   */
  uint32_t attribute_offset;
} pktt_problem;

/**
 * One kernel layout of an extension.
 */
typedef struct {
  /**
   * Its number.
   */
  uint8_t number;
  /**
   * Bytes of the structure, before it is padded to a multiple of eight.
   */
  size_t size;
} pktt_revision;

/**
 * A parameter with its value.
 */
typedef struct {
  /**
   * The parameter's name, without dashes.
   */
  const char *name;
  /**
   * The value, without quotes; empty for a parameter that takes none.
   */
  const char *value;
  /**
   * Whether `!` stands before the option.
   */
  bool negated;
} pktt_argument;

/**
 * Which chains of each table a plan may touch: those of some names, or those whose names begin in some way. One of both
 * is given, the other one is left empty: set all to zero first.
 */
typedef struct {
  /**
   * The names; NULL if a prefix is given. A chain that is named and that the ruleset does not have is deleted.
   */
  const char *const *chains;
  /**
   * How many names.
   */
  size_t chain_count;
  /**
   * How the names begin; NULL if names are given.
   */
  const char *prefix;
} pktt_scope;

/**
 * A step of a plan. What does not apply is NULL or 0.
 */
typedef struct {
  /**
   * What it does.
   */
  pktt_step_kind kind;
  /**
   * The table.
   */
  pktt_table table;
  /**
   * The chain, by its name before the plan.
   */
  const char *chain;
  /**
   * The name that the chain gets.
   */
  const char *new_name;
  /**
   * The policy so far; 0 if the chain is made.
   */
  pktt_policy old_policy;
  /**
   * The policy that the chain gets.
   */
  pktt_policy new_policy;
  /**
   * The kernel's number of the rule that goes, of the rule before which one is put, or of the chain.
   */
  uint64_t handle;
  /**
   * The rule that goes, as it is saved.
   */
  const char *old_rule;
  /**
   * The rule that comes, as it is saved.
   */
  const char *new_rule;
  /**
   * How many rules go.
   */
  size_t rule_count;
} pktt_step;

/**
 * An event. What does not apply is NULL or 0.
 */
typedef struct {
  /**
   * What it is about.
   */
  pktt_event_kind kind;
  /**
   * The family; 0 if it is neither.
   */
  pktt_family family;
  /**
   * The name of the table, which need not be one of iptables'.
   */
  const char *table;
  /**
   * The name of the chain.
   */
  const char *chain;
  /**
   * The kernel's number of the table, chain or rule.
   */
  uint64_t handle;
  /**
   * The rule as it is saved; NULL if an iptables has no words for it.
   */
  const char *rule;
  /**
   * The number of the generation that a commit has made.
   */
  uint32_t generation;
  /**
   * The process that committed, if the kernel tells.
   */
  uint32_t process;
  /**
   * The name of that process.
   */
  const char *process_name;
  /**
   * All that the event says, in a readable form of several lines.
   */
  const char *text;
} pktt_event;

/**
 * What became of a packet. What does not apply is NULL or 0.
 */
typedef struct {
  /**
   * The end of its way.
   */
  pktt_fate_verdict verdict;
  /**
   * The last hook that it came to; 0 if it came to none.
   */
  pktt_hook hook;
  /**
   * The table of the rule that decided; 0 if none was asked.
   */
  pktt_table table;
  /**
   * The chain of the rule that decided.
   */
  const char *chain;
  /**
   * The number of that rule, from 1; 0 means the chain's policy.
   */
  size_t rule_number;
  /**
   * The packet as it leaves, from the IP header on; NULL if it does not leave or is for this host.
   */
  const uint8_t *out;
  /**
   * How many bytes that has.
   */
  size_t out_len;
  /**
   * The interface by which it leaves.
   */
  const char *out_interface;
  /**
   * What its sender is told, from the IP header on, if it was rejected.
   */
  const uint8_t *reply;
  /**
   * How many bytes that has.
   */
  size_t reply_len;
  /**
   * The number of the queue that it was handed to; -1 for none.
   */
  int32_t queue;
  /**
   * Its mark.
   */
  uint32_t mark;
  /**
   * If it came in fragments and was put together: as how many fragments it leaves; see pktt_evaluator_piece.
   */
  size_t piece_count;
} pktt_fate;

/**
 * A packet and what is known of it. Set all of it to zero first (`memset(&packet, 0, sizeof packet)`), then what is
 * known. What it points to is only used during the call.
 */
typedef struct {
  /**
   * The bytes from the IP header on, with right checksums and lengths: a packet with a bad IPv4 header comes to no
   * hook, and one with a bad checksum behind it is INVALID to connection tracking.
   */
  const uint8_t *bytes;
  /**
   * How many bytes there are.
   */
  size_t len;
  /**
   * The interface by which it came or, if it is `local`, by which it leaves. NULL if there is none.
   */
  const char *interface;
  /**
   * Whether it was made on this host (OUTPUT) instead of received (PREROUTING).
   */
  bool local;
  /**
   * Its mark.
   */
  uint32_t mark;
  /**
   * Its queueing class.
   */
  uint32_t priority;
  /**
   * When it came, in nanoseconds since 1970: the clock of the evaluator, which never goes back.
   */
  uint64_t time;
  /**
   * The 14 bytes of the Ethernet header of a packet that was received; NULL if there is none.
   */
  const uint8_t *ethernet;
} pktt_packet;

/**
 * An event on a packet's way.
 */
typedef struct {
  /**
   * What it is.
   */
  pktt_trace_kind kind;
  /**
   * The table; 0 for a copy.
   */
  pktt_table table;
  /**
   * The chain; NULL for a copy.
   */
  const char *chain;
  /**
   * The rule's number, from 1; at the end of a chain one more than it has rules.
   */
  size_t rule_number;
  /**
   * The target that reports, as it is saved; the host that the copy is sent to; or the first condition of the rule
   * that does not hold, and what the packet has instead. Else NULL.
   */
  const char *detail;
} pktt_trace;

/**
 * A message of a datagram, which it points into.
 */
typedef struct {
  /**
   * What it is: for netfilter the subsystem in the high byte and the message in the low one, else one of
   * PKTT_NLMSG_*.
   */
  uint16_t kind;
  /**
   * `NLM_F_*`.
   */
  uint16_t flags;
  /**
   * The request that it answers.
   */
  uint32_t sequence;
  /**
   * The netlink port of the requester.
   */
  uint32_t port;
  /**
   * The family (`NFPROTO_*`) in the netfilter header; 0 if it has none.
   */
  uint8_t family;
  /**
   * The resource in the netfilter header, in host byte order; 0 if it has none.
   */
  uint16_t resource;
  /**
   * What follows the netlink header.
   */
  const uint8_t *payload;
  /**
   * How many bytes that has.
   */
  size_t payload_len;
  /**
   * What follows the netfilter header, for pktt_attribute_next; NULL if it has none.
   */
  const uint8_t *attributes;
  /**
   * How many bytes that has.
   */
  size_t attributes_len;
} pktt_message;

/**
 * Is called with each message of an answer and with the caller's own pointer. To go on it gives 0; anything else
 * stops the call, which gives PKTT_ERROR_STOPPED then. The message lives during the call. The socket is not to be
 * used meanwhile, and no C++ exception may leave it.
 */
typedef int32_t (*pktt_message_callback)(const pktt_message *message, void *user);

/**
 * An attribute, which points into the message that it was read from.
 */
typedef struct {
  /**
   * The number that says what it is, without the two flag bits.
   */
  uint16_t kind;
  /**
   * Whether `NLA_F_NESTED` is set. Nested attributes of older kernels do not set it.
   */
  bool nested;
  /**
   * The value, without header and padding; of a nest, for pktt_attribute_next.
   */
  const uint8_t *value;
  /**
   * How many bytes that has.
   */
  size_t len;
} pktt_attribute;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that the program runs with, such as `0.1.0`. Lives for ever.
 */
const char *pktt_version(void);

/**
 * The version of the library that the program runs with as a number: 65536 times the major, 256 times the minor
 * version, and the patch level. `pktt_version_number() == PKTT_VERSION_MAJOR << 16 | PKTT_VERSION_MINOR << 8 |
 * PKTT_VERSION_PATCH` where header and library are the same.
 */
uint32_t pktt_version_number(void);

/**
 * Frees text that a function gave with the words that it is to be freed so; NULL is nothing to free.
 */
void pktt_string_free(char *text);

/**
 * Makes an error object, which says PKTT_OK. To be freed with pktt_error_free.
 */
pktt_error *pktt_error_new(void);

/**
 * Frees an error object; NULL is nothing to free.
 */
void pktt_error_free(pktt_error *error);

/**
 * Empties an error object, so that it says PKTT_OK. What it has lent out is of no more use.
 */
void pktt_error_clear(pktt_error *error);

/**
 * How the last call that failed with this object ended; PKTT_OK if none has, or for NULL.
 */
pktt_status pktt_error_status(const pktt_error *error);

/**
 * What went wrong, for people, with the place as far as it is known; empty if nothing did.
 *
 * Lives until the object is used by a call that fails, cleared or freed. NULL only for NULL.
 */
const char *pktt_error_message(const pktt_error *error);

/**
 * How many things are wrong. At least 1 after a call has failed, and more if a text has several mistakes or the
 * kernel refuses several operations; 0 for NULL.
 */
size_t pktt_error_count(const pktt_error *error);

/**
 * One of the things that are wrong, counted from 0, in the order of the text; NULL if there are not so many.
 *
 * Lives, with all that it points to, until the object is used by a call that fails, cleared or freed.
 */
const pktt_problem *pktt_error_problem(const pktt_error *error,
                                       size_t index);

/**
 * The file of the first problem; NULL if it has none.
 *
 * Lives until the object is used by a call that fails, cleared or freed.
 */
const char *pktt_error_file(const pktt_error *error);

/**
 * The line of the first problem, from 1; 0 if it has none.
 */
size_t pktt_error_line(const pktt_error *error);

/**
 * The column of the first problem, in characters from 1; 0 if it has none.
 */
size_t pktt_error_column(const pktt_error *error);

/**
 * The name of a status, such as `PKTT_ERROR_SYNTAX`; of an unknown number `unknown status`. Lives for ever.
 */
const char *pktt_status_name(uint32_t status);

/**
 * `ipv4` or `ipv6`; NULL for any other number than one of a family. Lives for ever.
 */
const char *pktt_family_name(uint32_t family);

/**
 * The name of a table, such as `filter`; NULL for any other number than one of a table. Lives for ever.
 */
const char *pktt_table_name(uint32_t table);

/**
 * The number of the table called `name`; 0 if no table is, or for NULL.
 */
pktt_table pktt_table_from_name(const char *name);

/**
 * The hooks at which a table has a built-in chain, as bits of pktt_hook; 0 for any other number than one of a table.
 */
uint32_t pktt_table_hooks(uint32_t table);

/**
 * The name of a hook, which is that of its built-in chains, such as `INPUT`; NULL for any other number than one of
 * a hook. Lives for ever.
 */
const char *pktt_hook_name(uint32_t hook);

/**
 * `match` or `target`; NULL for any other number than one of a kind. Lives for ever.
 */
const char *pktt_kind_name(uint32_t kind);

/**
 * `ACCEPT` or `DROP`; NULL for any other number than one of a policy. Lives for ever.
 */
const char *pktt_policy_name(uint32_t policy);

/**
 * The name of a verdict, such as `ACCEPT`; NULL for any other number than one of a verdict. Lives for ever.
 */
const char *pktt_verdict_name(uint32_t verdict);

/**
 * Collects what the library knows of matches and targets. To be freed with pktt_registry_free.
 */
pktt_registry *pktt_registry_new(void);

/**
 * Frees a registry; NULL is nothing to free.
 */
void pktt_registry_free(pktt_registry *registry);

/**
 * The extension that rules of `family` call `name`. Aliases are found too.
 *
 * Lives as long as the registry. NULL, with PKTT_ERROR_NOT_FOUND or PKTT_ERROR_ARGUMENT, if there is none.
 */
const pktt_extension *pktt_registry_find(const pktt_registry *registry,
                                         pktt_kind kind,
                                         const char *name,
                                         pktt_family family,
                                         pktt_error *error);

/**
 * All extensions, only those of a kind if `kind` is one of pktt_kind and not 0, only those of a family if `family`
 * is one of pktt_family and not 0.
 *
 * To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
pktt_extensions *pktt_registry_list(const pktt_registry *registry,
                                    uint32_t kind,
                                    uint32_t family,
                                    pktt_error *error);

/**
 * Which extensions may stand in a table, reached from `hook` if that is one of pktt_hook and not 0.
 *
 * To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
pktt_extensions *pktt_registry_in_place(const pktt_registry *registry,
                                        pktt_table table,
                                        uint32_t hook,
                                        pktt_error *error);

/**
 * Which extensions carry a word, in letters of either case, in their names or help or in those of their parameters.
 *
 * To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
pktt_extensions *pktt_registry_about(const pktt_registry *registry,
                                     const char *word,
                                     pktt_error *error);

/**
 * How many there are; 0 for NULL.
 */
size_t pktt_extensions_count(const pktt_extensions *extensions);

/**
 * One of them, counted from 0; NULL if there are not so many. Lives as long as `extensions`.
 */
const pktt_extension *pktt_extensions_at(const pktt_extensions *extensions, size_t index);

/**
 * Frees an answer; NULL is nothing to free.
 */
void pktt_extensions_free(pktt_extensions *extensions);

/**
 * Whether it is a match or a target; 0 for NULL.
 */
pktt_kind pktt_extension_kind(const pktt_extension *extension);

/**
 * The name, as after `-m` or `-j`; NULL for NULL. Lives as long as the extension.
 */
const char *pktt_extension_name(const pktt_extension *extension);

/**
 * The name that the kernel uses; NULL for NULL. Lives as long as the extension.
 */
const char *pktt_extension_kernel_name(const pktt_extension *extension);

/**
 * Further names that mean the same, NULL-terminated; NULL for NULL. Lives as long as the extension.
 */
const char *const *pktt_extension_aliases(const pktt_extension *extension);

/**
 * What it does, in one line; NULL for NULL. Lives as long as the extension.
 */
const char *pktt_extension_summary(const pktt_extension *extension);

/**
 * What it does, in full, with several lines; NULL for NULL. Lives as long as the extension.
 */
const char *pktt_extension_help(const pktt_extension *extension);

/**
 * The families it exists in, as bits of pktt_family; 0 for NULL.
 */
uint32_t pktt_extension_families(const pktt_extension *extension);

/**
 * The tables it may stand in, as bits of pktt_table; 0 for NULL.
 */
uint32_t pktt_extension_tables(const pktt_extension *extension);

/**
 * The hooks from which the rule may be reached, as bits of pktt_hook; 0 for NULL.
 */
uint32_t pktt_extension_hooks(const pktt_extension *extension);

/**
 * The transport protocols one of which the rule must name with `-p`: how many there are; 0 if any protocol will do.
 * `*protocols`, unless it is NULL, becomes their numbers, which live for ever.
 */
size_t pktt_extension_protocols(const pktt_extension *extension,
                                const uint8_t **protocols);

/**
 * How many of the parameters a rule must give; PKTT_REQUIRE_ANY for NULL.
 */
pktt_require pktt_extension_require(const pktt_extension *extension);

/**
 * The parameters that pktt_extension_require is about, NULL-terminated; empty if it is about all; NULL for NULL.
 * Lives as long as the extension.
 */
const char *const *pktt_extension_required_of(const pktt_extension *extension);

/**
 * Tells one of the kernel layouts that a family uses, counted from 0, the newest first.
 *
 * PKTT_END if there are not so many; PKTT_ERROR_ARGUMENT for NULL or no family.
 */
pktt_status pktt_extension_revision(const pktt_extension *extension,
                                    pktt_family family,
                                    size_t index,
                                    pktt_revision *revision);

/**
 * How many parameters it has; 0 for NULL.
 */
size_t pktt_extension_param_count(const pktt_extension *extension);

/**
 * One of its parameters, counted from 0, in the order in which they are printed; NULL if there are not so many.
 * Lives as long as the extension.
 */
const pktt_param *pktt_extension_param_at(const pktt_extension *extension,
                                          size_t index);

/**
 * The parameter that rules of `family` call `name`, without dashes. Aliases are found too.
 *
 * Lives as long as the extension. NULL, with PKTT_ERROR_NOT_FOUND or PKTT_ERROR_ARGUMENT, if there is none.
 */
const pktt_param *pktt_extension_find_param(const pktt_extension *extension,
                                            const char *name,
                                            pktt_family family,
                                            pktt_error *error);

/**
 * The option's name, without dashes; NULL for NULL. Lives as long as the parameter.
 */
const char *pktt_param_name(const pktt_param *param);

/**
 * Further names of the same option, NULL-terminated; NULL for NULL. Lives as long as the parameter.
 */
const char *const *pktt_param_aliases(const pktt_param *param);

/**
 * What it does, in one line; NULL for NULL. Lives as long as the parameter.
 */
const char *pktt_param_summary(const pktt_param *param);

/**
 * What it does, in full, with several lines; NULL for NULL. Lives as long as the parameter.
 */
const char *pktt_param_help(const pktt_param *param);

/**
 * What values it accepts, in words, such as `a port number (0 to 65535) or service name`; `no value` if it takes
 * none; NULL for NULL. Lives as long as the parameter.
 */
const char *pktt_param_accepts(const pktt_param *param);

/**
 * What holds if it is not given; NULL if there is nothing to say, or for NULL. Lives as long as the parameter.
 */
const char *pktt_param_default(const pktt_param *param);

/**
 * How it may be given: PKTT_PARAM_NEGATABLE, PKTT_PARAM_REQUIRED, PKTT_PARAM_REPEATABLE, PKTT_PARAM_OPTIONAL_WORD;
 * 0 for NULL.
 */
uint32_t pktt_param_flags(const pktt_param *param);

/**
 * How many words follow the option; several are given as one value, with a space between them. 0 for NULL.
 */
size_t pktt_param_word_count(const pktt_param *param);

/**
 * The families it exists in, as bits of pktt_family; 0 for NULL.
 */
uint32_t pktt_param_families(const pktt_param *param);

/**
 * The hooks from which a rule with it may be reached, as bits of pktt_hook; 0 for NULL.
 */
uint32_t pktt_param_hooks(const pktt_param *param);

/**
 * The parameters that may not be given with it, NULL-terminated; NULL for NULL. Lives as long as the parameter.
 */
const char *const *pktt_param_excludes(const pktt_param *param);

/**
 * The parameters that must be given with it, NULL-terminated; NULL for NULL. Lives as long as the parameter.
 */
const char *const *pktt_param_needs(const pktt_param *param);

/**
 * Whether it takes a value: PKTT_OK, or PKTT_ERROR_VALUE and in `error` why not and what it takes.
 *
 * `negated` says that `!` stands before the option. `protocol` is the transport protocol that the rule names, on
 * which some values depend, and 0 if it names none. PKTT_ERROR_ARGUMENT if another argument makes no sense.
 */
pktt_status pktt_param_check(const pktt_param *param,
                             const char *value,
                             bool negated,
                             pktt_family family,
                             uint8_t protocol,
                             pktt_error *error);

/**
 * A value that it accepts, made from the description alone. The same `seed` gives the same value, and 0 the simplest.
 *
 * To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
char *pktt_param_sample(const pktt_param *param,
                        pktt_family family,
                        uint64_t seed,
                        pktt_error *error);

/**
 * The words that values, or parts of values, can be, where they can be named one by one; else none.
 *
 * To be freed with pktt_words_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
pktt_words *pktt_param_choices(const pktt_param *param, pktt_family family, pktt_error *error);

/**
 * What `begun`, the beginning of a value, can be continued to, as far as that can be listed. Each word is the whole
 * value up to its end.
 *
 * To be freed with pktt_words_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
pktt_words *pktt_param_complete(const pktt_param *param,
                                const char *begun,
                                pktt_family family,
                                pktt_error *error);

/**
 * How many words there are; 0 for NULL.
 */
size_t pktt_words_count(const pktt_words *words);

/**
 * One of the words, counted from 0; NULL if there are not so many. Lives as long as `words`.
 */
const char *pktt_words_at(const pktt_words *words, size_t index);

/**
 * What one of the words means, counted from 0; empty if that is not known, NULL if there are not so many. Lives as
 * long as `words`.
 */
const char *pktt_words_help(const pktt_words *words,
                            size_t index);

/**
 * Frees words; NULL is nothing to free.
 */
void pktt_words_free(pktt_words *words);

/**
 * Reads a ruleset from memory, in the format of iptables-save. `text` has `len` bytes and need not end with a NUL.
 * `file` names it in errors, unless it is NULL. The counters in the text count if `counters` is true; then every
 * built-in chain must have them.
 *
 * To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_SYNTAX, if something in it makes no sense: `error` then
 * has a problem with line and column for every mistake.
 */
pktt_ruleset *pktt_ruleset_parse(pktt_family family,
                                 const char *text,
                                 size_t len,
                                 const char *file,
                                 bool counters,
                                 pktt_error *error);

/**
 * Reads a ruleset from a file, in the format of iptables-save. The counters in the file count if `counters` is true;
 * then every built-in chain must have them.
 *
 * To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_FILE, if the file cannot be read, and with
 * PKTT_ERROR_SYNTAX if something in it makes no sense: `error` then has a problem with file, line and column for
 * every mistake.
 */
pktt_ruleset *pktt_ruleset_load(pktt_family family,
                                const char *file,
                                bool counters,
                                pktt_error *error);

/**
 * Makes an empty ruleset. To be freed with pktt_ruleset_free.
 *
 * NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
 */
pktt_ruleset *pktt_ruleset_new(pktt_family family, pktt_error *error);

/**
 * Frees a ruleset with its chains and rules; NULL is nothing to free.
 */
void pktt_ruleset_free(pktt_ruleset *ruleset);

/**
 * The ruleset as iptables-save prints it, with all counters if `counters` is true. What is foreign in it stands in
 * comments.
 *
 * To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
 */
char *pktt_ruleset_text(const pktt_ruleset *ruleset,
                        bool counters,
                        pktt_error *error);

/**
 * Writes what pktt_ruleset_text gives to a file, instead of what was in it.
 *
 * PKTT_ERROR_FILE if it cannot be written, PKTT_ERROR_ARGUMENT for NULL.
 */
pktt_status pktt_ruleset_save(const pktt_ruleset *ruleset,
                              const char *file,
                              bool counters,
                              pktt_error *error);

/**
 * The family; 0 for NULL.
 */
pktt_family pktt_ruleset_family(const pktt_ruleset *ruleset);

/**
 * How many tables it has; 0 for NULL.
 */
size_t pktt_ruleset_table_count(const pktt_ruleset *ruleset);

/**
 * Which table comes at a place, counted from 0; 0 if there are not so many.
 */
pktt_table pktt_ruleset_table_at(const pktt_ruleset *ruleset, size_t index);

/**
 * How many chains a table has; 0 if there is no such table, or for NULL.
 */
size_t pktt_ruleset_chain_count(const pktt_ruleset *ruleset, pktt_table table);

/**
 * A chain of a table by its place, counted from 0; NULL if there is none. Lives until the ruleset is changed or
 * freed.
 */
const pktt_chain *pktt_ruleset_chain_at(const pktt_ruleset *ruleset,
                                        pktt_table table,
                                        size_t index);

/**
 * A chain of a table by its name; NULL if there is none. Lives until the ruleset is changed or freed.
 */
const pktt_chain *pktt_ruleset_chain(const pktt_ruleset *ruleset,
                                     pktt_table table,
                                     const char *name);

/**
 * The name; NULL for NULL. Lives as long as the chain.
 */
const char *pktt_chain_name(const pktt_chain *chain);

/**
 * The number that the kernel gave it; 0 if it was not read from a kernel, or for NULL.
 */
uint64_t pktt_chain_handle(const pktt_chain *chain);

/**
 * The hook that calls it; 0 if it is no built-in chain, or for NULL.
 */
pktt_hook pktt_chain_hook(const pktt_chain *chain);

/**
 * What happens to packets that reach its end; 0 if it is no built-in chain, or for NULL.
 */
pktt_policy pktt_chain_policy(const pktt_chain *chain);

/**
 * What its policy has counted. False, and nothing told, if nothing is known of that, or for NULL.
 */
bool pktt_chain_counters(const pktt_chain *chain, uint64_t *packets, uint64_t *bytes);

/**
 * Whether another program made it in a way that an iptables has no place for; its rules are not read then.
 */
bool pktt_chain_is_foreign(const pktt_chain *chain);

/**
 * How many rules it has; 0 for NULL.
 */
size_t pktt_chain_rule_count(const pktt_chain *chain);

/**
 * One of its rules, counted from 0; NULL if there are not so many. Lives until the ruleset is changed or freed.
 */
const pktt_rule *pktt_chain_rule_at(const pktt_chain *chain,
                                    size_t index);

/**
 * Makes a copy of a rule, wherever it stands. To be freed with pktt_rule_free. NULL for NULL.
 */
pktt_rule *pktt_rule_copy(const pktt_rule *rule, pktt_error *error);

/**
 * Frees a rule that is not part of a ruleset; NULL is nothing to free.
 */
void pktt_rule_free(pktt_rule *rule);

/**
 * The family; 0 for NULL.
 */
pktt_family pktt_rule_family(const pktt_rule *rule);

/**
 * The number that the kernel gave it; 0 if it was not read from a kernel, or for NULL.
 */
uint64_t pktt_rule_handle(const pktt_rule *rule);

/**
 * What it says, as it is saved, without `-A CHAIN`; empty for a rule that meets all packets and does nothing. For a
 * foreign rule its expressions in a readable form of several lines.
 *
 * Lives as long as the rule and is gone when the rule is changed. NULL for NULL.
 */
const char *pktt_rule_text(const pktt_rule *rule);

/**
 * The line of a save file that appends it to `chain`: `-A CHAIN` and what it says, with its counters before if
 * `counters` is true. A foreign rule gives a comment.
 *
 * To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
char *pktt_rule_save(const pktt_rule *rule,
                     const char *chain,
                     bool counters,
                     pktt_error *error);

/**
 * What it does; PKTT_ACTION_NONE for NULL.
 */
pktt_action pktt_rule_action(const pktt_rule *rule);

/**
 * The verdict; 0 if it has none, or for NULL.
 */
pktt_verdict pktt_rule_verdict(const pktt_rule *rule);

/**
 * What it has counted. False, and nothing told, if nothing is known of that, or for NULL.
 */
bool pktt_rule_counters(const pktt_rule *rule, uint64_t *packets, uint64_t *bytes);

/**
 * Its addresses, interfaces and protocol, as a part with parameters; NULL for NULL.
 *
 * Lives as long as the rule and is gone when the rule is changed, as all its parts.
 */
const pktt_part *pktt_rule_header(const pktt_rule *rule);

/**
 * How many matches it has; 0 for NULL.
 */
size_t pktt_rule_match_count(const pktt_rule *rule);

/**
 * One of its matches, counted from 0; NULL if there are not so many.
 */
const pktt_part *pktt_rule_match_at(const pktt_rule *rule, size_t index);

/**
 * Its target: an extension, a verdict, or a chain that is called, which have no parameters. NULL if it has none.
 */
const pktt_part *pktt_rule_target(const pktt_rule *rule);

/**
 * Whether two rules have the same conditions and target, whatever they have counted. False if one is NULL.
 */
bool pktt_rule_does_the_same(const pktt_rule *rule,
                             const pktt_rule *other);

/**
 * Whether it is a match or a target; 0 for a rule's header, or for NULL.
 */
pktt_kind pktt_part_kind(const pktt_part *part);

/**
 * The name of the match or target, verdicts included; empty for a rule's header, NULL for NULL. Lives as long as
 * the part.
 */
const char *pktt_part_name(const pktt_part *part);

/**
 * How many parameters it has that are given; 0 for NULL.
 */
size_t pktt_part_argument_count(const pktt_part *part);

/**
 * One of the parameters that are given, counted from 0; NULL if there are not so many. Lives as long as the part.
 *
 * Those of a rule's header are source, destination, in-interface, out-interface, protocol and fragment.
 */
const pktt_argument *pktt_part_argument_at(const pktt_part *part,
                                           size_t index);

/**
 * Whether it is a match or target that the library does not know, or of an unknown revision, kept as it is.
 *
 * Then `*revision`, `*info` and `*len`, unless they are NULL, become the revision of its kernel structure, its bytes,
 * which live as long as the part, and their number.
 */
bool pktt_part_is_opaque(const pktt_part *part,
                         uint8_t *revision,
                         const uint8_t **info,
                         size_t *len);

/**
 * Makes a rule that meets all packets and does nothing but count. To be freed with pktt_rule_free.
 *
 * NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
 */
pktt_rule *pktt_rule_new(pktt_family family, pktt_error *error);

/**
 * Reads a rule from a line, as it stands in a save file behind `-A CHAIN`, such as
 * `-s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT`. Words with blanks stand in quotes.
 *
 * To be freed with pktt_rule_free. NULL, with PKTT_ERROR_SYNTAX and the column, if it makes no sense.
 */
pktt_rule *pktt_rule_parse(pktt_family family,
                           const char *text,
                           pktt_error *error);

/**
 * Reads a rule from words, such as the arguments of a program, as they stand behind `-A CHAIN`. `words` are `count`
 * of them.
 *
 * To be freed with pktt_rule_free. NULL, with PKTT_ERROR_SYNTAX, if they make no sense.
 */
pktt_rule *pktt_rule_from_words(pktt_family family,
                                const char *const *words,
                                size_t count,
                                pktt_error *error);

/**
 * Sets one of the conditions that need no match: `source`, `destination`, `in-interface`, `out-interface`,
 * `protocol`, or for IPv4 `fragment`, which takes no value (NULL). It replaces what was set before. `negated` puts
 * `!` before it.
 *
 * PKTT_ERROR_SYNTAX if the value makes no sense, PKTT_ERROR_NOT_FOUND if there is no such condition; the rule is
 * unchanged then.
 */
pktt_status pktt_rule_set_header(pktt_rule *rule,
                                 const char *name,
                                 const char *value,
                                 bool negated,
                                 pktt_error *error);

/**
 * Sets what the rule has counted, which it starts from when it is added to a kernel's ruleset.
 *
 * PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
 */
pktt_status pktt_rule_set_counters(pktt_rule *rule,
                                   uint64_t packets,
                                   uint64_t bytes,
                                   pktt_error *error);

/**
 * Makes a verdict the target, instead of what was before.
 *
 * PKTT_ERROR_ARGUMENT if `verdict` is none, or `rule` is NULL or foreign.
 */
pktt_status pktt_rule_set_verdict(pktt_rule *rule, pktt_verdict verdict, pktt_error *error);

/**
 * Has the rule call a chain, instead of what was before; with `comes_back` false the walk goes on there for good
 * (`-g`).
 *
 * PKTT_ERROR_ARGUMENT if `chain` cannot be a chain's name, or `rule` is NULL or foreign.
 */
pktt_status pktt_rule_set_jump(pktt_rule *rule,
                               const char *chain,
                               bool comes_back,
                               pktt_error *error);

/**
 * Takes the target away, so that the rule only counts.
 *
 * PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
 */
pktt_status pktt_rule_remove_target(pktt_rule *rule, pktt_error *error);

/**
 * Takes one of the matches away, counted from 0.
 *
 * PKTT_ERROR_NOT_FOUND if there are not so many; PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
 */
pktt_status pktt_rule_remove_match(pktt_rule *rule, size_t index, pktt_error *error);

/**
 * Begins to put a match or target together, with every parameter at its default.
 *
 * It goes into a rule with pktt_rule_add, or is freed with pktt_builder_free. NULL, with PKTT_ERROR_NOT_FOUND or
 * PKTT_ERROR_ARGUMENT, if there is no such extension.
 */
pktt_builder *pktt_builder_new(pktt_kind kind,
                               const char *name,
                               pktt_family family,
                               pktt_error *error);

/**
 * Sets a parameter, by its name without dashes; several words are one value with a space between them, and a
 * parameter that takes no value takes NULL. `negated` puts `!` before it. `protocol` is the transport protocol that
 * the rule will name, on which some values depend, and 0 if it names none.
 *
 * PKTT_ERROR_VALUE if it is refused, PKTT_ERROR_NOT_FOUND if there is no such parameter; nothing is set then.
 */
pktt_status pktt_builder_set(pktt_builder *builder,
                             const char *name,
                             const char *value,
                             bool negated,
                             uint8_t protocol,
                             pktt_error *error);

/**
 * Frees a builder that did not go into a rule; NULL is nothing to free.
 */
void pktt_builder_free(pktt_builder *builder);

/**
 * Adds what was put together to a rule: a match behind the others, a target instead of what was before. It is checked
 * against the rule's header, which is to be set before. Where the kernel's form does not tell two matches from one, as
 * with the ports of tcp, the match becomes a part of the one before.
 *
 * The builder is freed, whether it works or not. PKTT_ERROR_VALUE if a parameter is missing or the rule does not suit
 * the extension; PKTT_ERROR_ARGUMENT if the rule is foreign or of another family. The rule is unchanged then.
 */
pktt_status pktt_rule_add(pktt_rule *rule,
                          pktt_builder *builder,
                          pktt_error *error);

/**
 * Adds a table without chains, unless the ruleset has it.
 *
 * PKTT_ERROR_ARGUMENT if an argument makes no sense.
 */
pktt_status pktt_ruleset_add_table(pktt_ruleset *ruleset, pktt_table table, pktt_error *error);

/**
 * Takes a table away with all that is in it. Applying the ruleset leaves that table of the kernel alone then.
 *
 * PKTT_ERROR_NOT_FOUND if the ruleset does not have it.
 */
pktt_status pktt_ruleset_remove_table(pktt_ruleset *ruleset,
                                      pktt_table table,
                                      pktt_error *error);

/**
 * Adds a chain without rules to a table, which is added too if need be. A built-in chain accepts until told otherwise.
 *
 * PKTT_ERROR_EXISTS if there is one of this name, PKTT_ERROR_ARGUMENT if no chain can have it.
 */
pktt_status pktt_ruleset_add_chain(pktt_ruleset *ruleset,
                                   pktt_table table,
                                   const char *name,
                                   pktt_error *error);

/**
 * Takes a chain away with its rules. Rules that call it are not looked for.
 *
 * PKTT_ERROR_NOT_FOUND if there is none of this name.
 */
pktt_status pktt_ruleset_remove_chain(pktt_ruleset *ruleset,
                                      pktt_table table,
                                      const char *name,
                                      pktt_error *error);

/**
 * Gives a built-in chain a policy.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such chain, PKTT_ERROR_ARGUMENT if it is not built-in or `policy` is none.
 */
pktt_status pktt_ruleset_set_policy(pktt_ruleset *ruleset,
                                    pktt_table table,
                                    const char *chain,
                                    pktt_policy policy,
                                    pktt_error *error);

/**
 * Sets what a built-in chain's policy has counted.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such chain, PKTT_ERROR_ARGUMENT if it is not built-in.
 */
pktt_status pktt_ruleset_set_counters(pktt_ruleset *ruleset,
                                      pktt_table table,
                                      const char *chain,
                                      uint64_t packets,
                                      uint64_t bytes,
                                      pktt_error *error);

/**
 * Puts a copy of a rule into a chain, where it gets this number, from 1; 0 puts it behind all others. A rule that is
 * part of this ruleset is copied with pktt_rule_copy first.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such chain or place, PKTT_ERROR_ARGUMENT if the rule is of another family.
 */
pktt_status pktt_ruleset_insert_rule(pktt_ruleset *ruleset,
                                     pktt_table table,
                                     const char *chain,
                                     size_t number,
                                     const pktt_rule *rule,
                                     pktt_error *error);

/**
 * Puts a copy of a rule into the place of the one with this number, from 1. A rule that is part of this ruleset is
 * copied with pktt_rule_copy first.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such chain or rule, PKTT_ERROR_ARGUMENT if the rule is of another family.
 */
pktt_status pktt_ruleset_replace_rule(pktt_ruleset *ruleset,
                                      pktt_table table,
                                      const char *chain,
                                      size_t number,
                                      const pktt_rule *rule,
                                      pktt_error *error);

/**
 * Takes the rule with this number, from 1, out of a chain.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such chain or rule.
 */
pktt_status pktt_ruleset_remove_rule(pktt_ruleset *ruleset,
                                     pktt_table table,
                                     const char *chain,
                                     size_t number,
                                     pktt_error *error);

/**
 * The number, from 1, of the first rule of a chain that does the same as `rule`; 0 if there is none.
 */
size_t pktt_ruleset_find_rule(const pktt_ruleset *ruleset,
                              pktt_table table,
                              const char *chain,
                              const pktt_rule *rule);

/**
 * Connects to the running kernel, in the network namespace of the calling thread. No privilege is needed for that,
 * but for most of what is asked of it then.
 *
 * To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_SYSTEM, if no socket can be opened.
 */
pktt_kernel *pktt_kernel_open(pktt_error *error);

/**
 * Makes an embedded kernel: an nf_tables within the process, which answers as the running kernel does, needs no
 * privilege and touches no packet. If `state` is not NULL, it begins with what pktt_kernel_save_state has written to
 * that file, and without any table if there is no such file.
 *
 * To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_FILE, if the file cannot be read.
 */
pktt_kernel *pktt_kernel_open_embedded(const char *state,
                                       pktt_error *error);

/**
 * Makes another connection to the same kernel, for instance for another thread. An embedded kernel lives as long as a
 * connection to it.
 *
 * To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_SYSTEM, if no socket can be opened.
 */
pktt_kernel *pktt_kernel_connect(const pktt_kernel *kernel,
                                 pktt_error *error);

/**
 * Writes what an embedded kernel holds to a file, whole or not at all: tables, chains, rules, handles, counters and
 * the generation.
 *
 * PKTT_ERROR_FILE if it cannot be written, PKTT_ERROR_ARGUMENT if the kernel is the running one.
 */
pktt_status pktt_kernel_save_state(const pktt_kernel *kernel,
                                   const char *state,
                                   pktt_error *error);

/**
 * Whether it is an embedded kernel. False for NULL.
 */
bool pktt_kernel_is_embedded(const pktt_kernel *kernel);

/**
 * Frees a connection; NULL is nothing to free.
 */
void pktt_kernel_free(pktt_kernel *kernel);

/**
 * Asks for the number of the ruleset's present generation, which every change raises.
 *
 * PKTT_ERROR_PERMISSION or another error if the kernel does not tell.
 */
pktt_status pktt_kernel_generation(pktt_kernel *kernel, uint32_t *generation, pktt_error *error);

/**
 * Reads the tables of a family that the kernel has, or only one if `table` is one of pktt_table and not 0: all of
 * one generation, with counters and handles. Tables of other names than the five of iptables are left out. A table
 * that is asked for and does not exist is not in the answer.
 *
 * To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_PERMISSION or another error, if it cannot be read.
 */
pktt_ruleset *pktt_kernel_read(pktt_kernel *kernel,
                               pktt_family family,
                               uint32_t table,
                               pktt_error *error);

/**
 * Asks whether the kernel has a match or target for rules of `family`. Then `*revision`, unless that is NULL, becomes
 * the newest revision that it and the library know.
 *
 * PKTT_ERROR_UNSUPPORTED if it does not have it; those that the kernel knows as expressions of nf_tables of their own
 * (tcp, udp, mark, limit, NFLOG, TRACE) may work all the same.
 */
pktt_status pktt_kernel_supports(pktt_kernel *kernel,
                                 const pktt_extension *extension,
                                 pktt_family family,
                                 uint8_t *revision,
                                 pktt_error *error);

/**
 * Sets counters back to zero: of all chains of a table, of one chain if `chain` is not NULL, of one of its rules if
 * `number`, from 1, is not 0. No rule is replaced for that where the kernel can do so (Linux 6.2), and it is no part
 * of a transaction.
 *
 * PKTT_ERROR_NOT_FOUND if there is no such rule.
 */
pktt_status pktt_kernel_zero(pktt_kernel *kernel,
                             pktt_family family,
                             pktt_table table,
                             const char *chain,
                             size_t number,
                             pktt_error *error);

/**
 * Plans the least change that makes the kernel's tables what a ruleset says. Tables that the ruleset does not have
 * stay as they are, and so does what other programs made. If `scope` is not NULL, only chains that it has are looked at
 * and touched. Nothing is changed.
 *
 * To be freed with pktt_plan_free. NULL with PKTT_ERROR_NOT_FOUND if a rule calls a chain that does not exist,
 * PKTT_ERROR_EXISTS if a chain is in the way that another program made as an iptables does not, PKTT_ERROR_LOOP if
 * chains call each other in a circle, or another error if the kernel cannot be read.
 */
pktt_plan *pktt_kernel_plan(pktt_kernel *kernel,
                            const pktt_ruleset *ruleset,
                            const pktt_scope *scope,
                            pktt_error *error);

/**
 * Does what a plan says, all of it or, with an error, nothing.
 *
 * PKTT_ERROR_CHANGED if the ruleset was changed since it was planned; PKTT_ERROR_REFUSED if the kernel refuses a
 * step, of which `operation` in the problem is the number, from 1: one more than the index of pktt_plan_step_at.
 */
pktt_status pktt_kernel_commit_plan(pktt_kernel *kernel,
                                    const pktt_plan *plan,
                                    pktt_error *error);

/**
 * Plans as pktt_kernel_plan does and commits the plan, again if somebody else's change comes between.
 *
 * Errors are those of both; nothing is changed then.
 */
pktt_status pktt_kernel_apply(pktt_kernel *kernel,
                              const pktt_ruleset *ruleset,
                              const pktt_scope *scope,
                              pktt_error *error);

/**
 * Frees a plan; NULL is nothing to free.
 */
void pktt_plan_free(pktt_plan *plan);

/**
 * How many steps a plan has; 0 if the tables are what they shall be, or for NULL.
 */
size_t pktt_plan_step_count(const pktt_plan *plan);

/**
 * One of the steps, counted from 0; NULL if there are not so many. Lives, with all that it points to, as long as the
 * plan.
 */
const pktt_step *pktt_plan_step_at(const pktt_plan *plan,
                                   size_t index);

/**
 * The plan like a diff of the saved tables: what goes begins with `-`, what comes with `+`, and each chain with its
 * name between `@@`; empty if there is nothing to do. `coloured` is for terminals.
 *
 * To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
 */
char *pktt_plan_text(const pktt_plan *plan,
                     bool coloured,
                     pktt_error *error);

/**
 * Begins a transaction. To be freed with pktt_transaction_free.
 *
 * NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
 */
pktt_transaction *pktt_transaction_new(pktt_family family, pktt_error *error);

/**
 * Frees a transaction, committed or not; NULL is nothing to free.
 */
void pktt_transaction_free(pktt_transaction *transaction);

/**
 * How many edits it has; 0 for NULL.
 */
size_t pktt_transaction_count(const pktt_transaction *transaction);

/**
 * Makes all edits at once or, with an error, none; again if somebody else's change comes between. The transaction
 * stays as it is and can be committed again.
 *
 * PKTT_ERROR_NOT_FOUND or PKTT_ERROR_EXISTS if an edit does not fit the ruleset, PKTT_ERROR_REFUSED if the kernel
 * refuses; `operation` in the problem is then the number of the edit, from 1. PKTT_ERROR_PERMISSION if the caller may
 * not do this.
 */
pktt_status pktt_kernel_commit(pktt_kernel *kernel,
                               const pktt_transaction *transaction,
                               pktt_error *error);

/**
 * Adds a rule at the end of a chain (`-A`). A built-in chain that is missing is made. The rule is copied.
 *
 * PKTT_ERROR_ARGUMENT if an argument makes no sense; nothing is added then, as with all edits.
 */
pktt_status pktt_transaction_append(pktt_transaction *transaction,
                                    pktt_table table,
                                    const char *chain,
                                    const pktt_rule *rule,
                                    pktt_error *error);

/**
 * Adds a rule that gets this number, from 1; those behind it move on (`-I`). The rule is copied.
 */
pktt_status pktt_transaction_insert(pktt_transaction *transaction,
                                    pktt_table table,
                                    const char *chain,
                                    size_t number,
                                    const pktt_rule *rule,
                                    pktt_error *error);

/**
 * Deletes the first rule of a chain that does the same as this one (`-D`).
 */
pktt_status pktt_transaction_delete(pktt_transaction *transaction,
                                    pktt_table table,
                                    const char *chain,
                                    const pktt_rule *rule,
                                    pktt_error *error);

/**
 * Deletes the rule with this number, from 1 (`-D CHAIN NUMBER`).
 */
pktt_status pktt_transaction_delete_number(pktt_transaction *transaction,
                                           pktt_table table,
                                           const char *chain,
                                           size_t number,
                                           pktt_error *error);

/**
 * Deletes the rule with this number of the kernel's (pktt_rule_handle), which may be a foreign one.
 */
pktt_status pktt_transaction_delete_handle(pktt_transaction *transaction,
                                           pktt_table table,
                                           const char *chain,
                                           uint64_t handle,
                                           pktt_error *error);

/**
 * Puts a rule into the place of the one with this number, from 1 (`-R`). The rule is copied.
 */
pktt_status pktt_transaction_replace(pktt_transaction *transaction,
                                     pktt_table table,
                                     const char *chain,
                                     size_t number,
                                     const pktt_rule *rule,
                                     pktt_error *error);

/**
 * Deletes all rules of a chain, or of all chains of the table if `chain` is NULL (`-F`).
 */
pktt_status pktt_transaction_flush(pktt_transaction *transaction,
                                   pktt_table table,
                                   const char *chain,
                                   pktt_error *error);

/**
 * Empties a table: chains, rules, whatever it has. What follows makes it anew; if nothing does, it is gone.
 */
pktt_status pktt_transaction_clear(pktt_transaction *transaction,
                                   pktt_table table,
                                   pktt_error *error);

/**
 * Makes a chain (`-N`).
 */
pktt_status pktt_transaction_new_chain(pktt_transaction *transaction,
                                       pktt_table table,
                                       const char *chain,
                                       pktt_error *error);

/**
 * Gives a chain that is there before the transaction another name (`-E`).
 */
pktt_status pktt_transaction_rename_chain(pktt_transaction *transaction,
                                          pktt_table table,
                                          const char *chain,
                                          const char *name,
                                          pktt_error *error);

/**
 * Deletes a chain without rules, or all chains that are not built-in if `chain` is NULL (`-X`).
 */
pktt_status pktt_transaction_delete_chain(pktt_transaction *transaction,
                                          pktt_table table,
                                          const char *chain,
                                          pktt_error *error);

/**
 * Gives a built-in chain a policy (`-P`), which makes the chain if it is missing.
 */
pktt_status pktt_transaction_set_policy(pktt_transaction *transaction,
                                        pktt_table table,
                                        const char *chain,
                                        pktt_policy policy,
                                        pktt_error *error);

/**
 * Sets what the policy of a built-in chain has counted, and with it the policy if that is one of pktt_policy and
 * not 0 (`-P CHAIN POLICY -c PACKETS BYTES`).
 */
pktt_status pktt_transaction_set_counters(pktt_transaction *transaction,
                                          pktt_table table,
                                          const char *chain,
                                          uint32_t policy,
                                          uint64_t packets,
                                          uint64_t bytes,
                                          pktt_error *error);

/**
 * Has the rule with this number, from 1, go on counting from here. It is replaced for that: it keeps its handle, but what
 * a match in it remembers, such as the packets of a limit, begins anew.
 */
pktt_status pktt_transaction_set_rule_counters(pktt_transaction *transaction,
                                               pktt_table table,
                                               const char *chain,
                                               size_t number,
                                               uint64_t packets,
                                               uint64_t bytes,
                                               pktt_error *error);

/**
 * Sets what the rules of a chain have counted, and the policy of a built-in one, back to zero, or of all chains of the
 * table if `chain` is NULL (`-Z`). Rules that have counted are replaced for that, as by
 * pktt_transaction_set_rule_counters; pktt_kernel_zero, which is no part of a transaction, replaces none. Foreign rules
 * go on counting.
 */
pktt_status pktt_transaction_zero(pktt_transaction *transaction,
                                  pktt_table table,
                                  const char *chain,
                                  pktt_error *error);

/**
 * Subscribes to the changes of the rulesets of the kernel that `kernel` is connected to, from now on. The running one is
 * listened to in the network namespace of the calling thread.
 *
 * To be freed with pktt_events_free. NULL, with PKTT_ERROR_PERMISSION or PKTT_ERROR_SYSTEM, if that cannot be done.
 */
pktt_events *pktt_events_open(const pktt_kernel *kernel,
                              pktt_error *error);

/**
 * Ends a subscription; NULL is nothing to end.
 */
void pktt_events_free(pktt_events *events);

/**
 * Waits for the next event at most so many milliseconds, without end if it is less than 0; an embedded kernel is not
 * waited for. `*event` becomes the event, which lives, with all that it points to, until this is called again with
 * `events` or they are freed. One's own changes are told, too: pktt_event has the process.
 *
 * PKTT_END if none came in time. PKTT_ERROR_LOST if events were lost, PKTT_ERROR_MALFORMED if some cannot be read;
 * after both, everything that is known of the rulesets must be read again, and the subscription goes on.
 */
pktt_status pktt_events_next(pktt_events *events,
                             int32_t milliseconds,
                             const pktt_event **event,
                             pktt_error *error);

/**
 * The descriptor to wait on with poll for events, as long as the subscription lasts; -1 for an embedded kernel, or
 * for NULL. What pktt_events_next has received already is not seen by poll: call that until it gives PKTT_END.
 */
int32_t pktt_events_descriptor(const pktt_events *events);

/**
 * Makes a host without routes and addresses: until it has some, every packet that comes is dropped behind PREROUTING,
 * for want of a way. To be freed with pktt_host_free.
 *
 * NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
 */
pktt_host *pktt_host_new(pktt_family family,
                         pktt_error *error);

/**
 * Frees a host; NULL is nothing to free.
 */
void pktt_host_free(pktt_host *host);

/**
 * Adds a route: packets to `prefix`, such as `10.0.0.0/8`, leave by `interface`, to the router `gateway` unless that
 * is NULL, in packets of at most `mtu` bytes; 0 means 1500. The longest prefix counts.
 *
 * PKTT_ERROR_ARGUMENT if an argument makes no sense.
 */
pktt_status pktt_host_add_route(pktt_host *host,
                                const char *prefix,
                                const char *interface,
                                const char *gateway,
                                uint32_t mtu,
                                pktt_error *error);

/**
 * Adds an address of the host's own, to which packets come in by INPUT. It belongs to the interface whose route it
 * lies in.
 *
 * PKTT_ERROR_ARGUMENT if it is no address of the host's family.
 */
pktt_status pktt_host_add_local(pktt_host *host,
                                const char *address,
                                pktt_error *error);

/**
 * Gives the host the sets that `ipset save` has printed, instead of those that it had. `text` ends with a NUL.
 *
 * PKTT_ERROR_SYNTAX, with line and column, at the first line that `ipset restore` would refuse.
 */
pktt_status pktt_host_set_sets(pktt_host *host,
                               const char *text,
                               pktt_error *error);

/**
 * Makes a kernel setting, by its name and value as of `sysctl`, such as `net.netfilter.nf_conntrack_udp_timeout`. The
 * host is a router unless told otherwise: `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding` are 1.
 *
 * PKTT_ERROR_ARGUMENT if there is no such setting that decides what becomes of packets, or it takes no such value.
 */
pktt_status pktt_host_set_sysctl(pktt_host *host,
                                 const char *name,
                                 const char *value,
                                 pktt_error *error);

/**
 * Prepares to judge packets by a ruleset, on a host. Both are copied. `backend` is one of pktt_backend; 0 means
 * PKTT_BACKEND_NFT.
 *
 * To be freed with pktt_evaluator_free. NULL with PKTT_ERROR_NOT_FOUND if a rule names a chain or a set that does not
 * exist, PKTT_ERROR_LOOP if chains call each other in a circle, PKTT_ERROR_ARGUMENT if the host is of another family.
 */
pktt_evaluator *pktt_evaluator_new(const pktt_ruleset *ruleset,
                                   const pktt_host *host,
                                   uint32_t backend,
                                   pktt_error *error);

/**
 * Frees an evaluator; NULL is nothing to free.
 */
void pktt_evaluator_free(pktt_evaluator *evaluator);

/**
 * Has the way of every packet traced, not only of those that met a TRACE target. Nothing is done for NULL.
 */
void pktt_evaluator_trace_all(pktt_evaluator *evaluator,
                              bool trace);

/**
 * Has it told of every rule that a packet does not match, and why: events of the kind PKTT_TRACE_MISS. The rules that it
 * does match are told after pktt_evaluator_trace_all; call both to see all. Nothing is done for NULL.
 */
void pktt_evaluator_explain(pktt_evaluator *evaluator,
                            bool explain);

/**
 * Sends a packet on its way and tells what became of it. A packet that is malformed is dropped at no hook.
 *
 * What is told lives, with all that it points to, until the next packet or until the evaluator is freed. NULL with
 * PKTT_ERROR_UNSUPPORTED, and table, chain and rule in the problem, if the packet came to an extension that cannot be
 * evaluated; with PKTT_ERROR_ARGUMENT if it is of another family than the rules or an argument makes no sense.
 */
const pktt_fate *pktt_evaluator_process(pktt_evaluator *evaluator,
                                        const pktt_packet *packet,
                                        pktt_error *error);

/**
 * Makes a packet from words, such as `in=eth0 src=192.0.2.7 dst=198.51.100.1 proto=tcp dport=22`, sends it on its way
 * as pktt_evaluator_process does, and tells the same of it. Lengths and checksums are right, a TCP segment is the first
 * one of its connection, and the clock stands still, unless words say otherwise.
 *
 * `src`, `dst` and `proto` are needed, and `dport` of protocols with ports; `in` names the interface by which it came, `out`
 * the one by which it leaves if it was made on this host. docs/testing-rulesets.md has a table of all words. `time` counts
 * from 1970.
 *
 * NULL with PKTT_ERROR_SYNTAX, and the word in the problem, if it cannot be made; else as for pktt_evaluator_process.
 */
const pktt_fate *pktt_evaluator_process_words(pktt_evaluator *evaluator,
                                              const char *words,
                                              pktt_error *error);

/**
 * One of the fragments as which the last packet leaves, counted from 0, with its length in `*len`; NULL if there are
 * not so many. Lives until the next packet.
 */
const uint8_t *pktt_evaluator_piece(const pktt_evaluator *evaluator,
                                    size_t index,
                                    size_t *len);

/**
 * How many events there were on the way of the last packet; 0 for NULL.
 */
size_t pktt_evaluator_trace_count(const pktt_evaluator *evaluator);

/**
 * One of the events on the way of the last packet, counted from 0; NULL if there are not so many. Lives until the
 * next packet.
 */
const pktt_trace *pktt_evaluator_trace_at(const pktt_evaluator *evaluator,
                                          size_t index);

/**
 * A copy of the ruleset with what its rules and policies have counted up to now.
 *
 * To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
 */
pktt_ruleset *pktt_evaluator_ruleset(pktt_evaluator *evaluator, pktt_error *error);

/**
 * `accept`, `drop`, `reject`, `queue` or `stolen`; NULL for any other number than one of a fate's verdict. Lives for
 * ever.
 */
const char *pktt_fate_verdict_name(uint32_t verdict);

/**
 * Opens a socket to the running kernel, in the network namespace of the calling thread, or to the embedded kernel that
 * `kernel` is connected to. `kernel` may be NULL, which means the running one.
 *
 * To be freed with pktt_socket_free. NULL, with PKTT_ERROR_SYSTEM, if none can be opened.
 */
pktt_socket *pktt_socket_open(const pktt_kernel *kernel,
                              pktt_error *error);

/**
 * Closes a socket; NULL is nothing to close.
 */
void pktt_socket_free(pktt_socket *socket);

/**
 * The netlink port that requests come from; 0 for NULL.
 */
uint32_t pktt_socket_port(const pktt_socket *socket);

/**
 * The descriptor to wait on with poll; -1 for one to an embedded kernel, or for NULL.
 */
int32_t pktt_socket_descriptor(const pktt_socket *socket);

/**
 * Sets how many milliseconds are waited for an answer; without end if it is less than 0. At first it is 10 seconds.
 *
 * PKTT_ERROR_SYSTEM if the system refuses.
 */
pktt_status pktt_socket_set_timeout(pktt_socket *socket,
                                    int32_t milliseconds,
                                    pktt_error *error);

/**
 * Has the socket receive, too, what is told to a multicast group of netfilter, from now on: one of pktt_group, or any
 * other number of `linux/netfilter/nfnetlink.h`. Of an embedded kernel's groups only PKTT_GROUP_NFTABLES ever tells.
 *
 * Events come in datagrams of pktt_socket_receive, as messages with the port and the sequence number of whoever made the
 * change. Requests, dumps and batches on the same socket pass over those that come between: use one socket to listen
 * and another one to ask. How many wait is limited; then PKTT_ERROR_LOST is received once.
 *
 * PKTT_ERROR_SYSTEM or PKTT_ERROR_PERMISSION if the system refuses.
 */
pktt_status pktt_socket_join(pktt_socket *socket,
                             uint32_t group,
                             pktt_error *error);

/**
 * Ends what pktt_socket_join began. What has come until then can still be received.
 *
 * PKTT_ERROR_SYSTEM if the system refuses.
 */
pktt_status pktt_socket_leave(pktt_socket *socket, uint32_t group, pktt_error *error);

/**
 * Sends a datagram as it is: one request, or one batch of any size. What the kernel answers is for
 * pktt_socket_receive.
 *
 * PKTT_ERROR_PERMISSION or PKTT_ERROR_SYSTEM if it cannot be sent.
 */
pktt_status pktt_socket_send(pktt_socket *socket,
                             const uint8_t *datagram,
                             size_t len,
                             pktt_error *error);

/**
 * Receives the next datagram of the kernel: `*datagram` becomes its first byte and `*len` how many there are, for
 * pktt_message_next. It lives until the socket is used again.
 *
 * PKTT_ERROR_TIMEOUT if none comes in time, PKTT_ERROR_LOST if some were lost.
 */
pktt_status pktt_socket_receive(pktt_socket *socket,
                                const uint8_t **datagram,
                                size_t *len,
                                pktt_error *error);

/**
 * Sends a request and waits until the kernel acknowledges it. `kind`, `flags` and `payload` are as of
 * pktt_batch_add; the acknowledgement is asked for.
 *
 * PKTT_ERROR_REFUSED, with the kernel's reason, or another error if it does not.
 */
pktt_status pktt_socket_request(pktt_socket *socket,
                                uint16_t kind,
                                uint16_t flags,
                                const pktt_writer *payload,
                                pktt_error *error);

/**
 * Sends a request that has one message for an answer, and has `each` read it, once. `kind`, `flags` and `payload` are
 * as of pktt_batch_add.
 *
 * PKTT_ERROR_REFUSED, with the kernel's reason, or another error if there is none.
 */
pktt_status pktt_socket_get(pktt_socket *socket,
                            uint16_t kind,
                            uint16_t flags,
                            const pktt_writer *payload,
                            pktt_message_callback each,
                            void *user,
                            pktt_error *error);

/**
 * Asks for all entries, and has `each` read them one after another. `kind`, `flags` and `payload` are as of
 * pktt_batch_add; PKTT_NLM_DUMP is set anyway.
 *
 * PKTT_ERROR_CHANGED if a change came between: the entries do not belong together, and what was collected is to be
 * thrown away. PKTT_ERROR_STOPPED if `each` has stopped it; the socket can be used for something else then.
 */
pktt_status pktt_socket_dump(pktt_socket *socket,
                             uint16_t kind,
                             uint16_t flags,
                             const pktt_writer *payload,
                             pktt_message_callback each,
                             void *user,
                             pktt_error *error);

/**
 * Ends a batch, if that is not done yet, and sends it: the kernel applies all of it or, with an error, nothing. It can
 * be sent again. A batch without messages is not sent.
 *
 * PKTT_ERROR_REFUSED if it refuses: `error` then has a problem for each message that fails, with its tag as
 * `operation`, the kernel's error number and words. PKTT_ERROR_CHANGED if the generation is another one.
 */
pktt_status pktt_socket_commit(pktt_socket *socket,
                               pktt_batch *batch,
                               pktt_error *error);

/**
 * Makes an empty writer. To be freed with pktt_writer_free.
 */
pktt_writer *pktt_writer_new(void);

/**
 * Frees a writer; NULL is nothing to free.
 */
void pktt_writer_free(pktt_writer *writer);

/**
 * Empties a writer, so that it can be used for the next message. Nothing is done for NULL.
 */
void pktt_writer_clear(pktt_writer *writer);

/**
 * What is written up to now, with its length in `*len`. NULL for NULL. Lives until the writer is used again.
 */
const uint8_t *pktt_writer_bytes(const pktt_writer *writer,
                                 size_t *len);

/**
 * Writes a netfilter header (`struct nfgenmsg`), which comes before the attributes: `family` is an NFPROTO_* number,
 * `resource` is in host byte order and 0 for most messages.
 */
pktt_status pktt_put_netfilter_header(pktt_writer *writer,
                                      uint8_t family,
                                      uint16_t resource,
                                      pktt_error *error);

/**
 * Writes an attribute of bytes, which are not those of the writer itself.
 *
 * PKTT_ERROR_TOO_LONG if they are more than 65531; PKTT_ERROR_ARGUMENT if an argument makes no sense. Nothing is
 * written then; so it is with all attributes.
 */
pktt_status pktt_put_bytes(pktt_writer *writer,
                           uint16_t kind,
                           const uint8_t *bytes,
                           size_t len,
                           pktt_error *error);

/**
 * Writes an attribute of text, with a NUL at its end.
 */
pktt_status pktt_put_string(pktt_writer *writer,
                            uint16_t kind,
                            const char *text,
                            pktt_error *error);

/**
 * Writes an attribute of one byte.
 */
pktt_status pktt_put_u8(pktt_writer *writer, uint16_t kind, uint8_t value, pktt_error *error);

/**
 * Writes an attribute of 16 bits in host byte order.
 */
pktt_status pktt_put_u16(pktt_writer *writer, uint16_t kind, uint16_t value, pktt_error *error);

/**
 * Writes an attribute of 32 bits in host byte order.
 */
pktt_status pktt_put_u32(pktt_writer *writer, uint16_t kind, uint32_t value, pktt_error *error);

/**
 * Writes an attribute of 64 bits in host byte order.
 */
pktt_status pktt_put_u64(pktt_writer *writer, uint16_t kind, uint64_t value, pktt_error *error);

/**
 * Writes an attribute of 16 bits in network byte order, as nf_tables has them; `value` is in host byte order.
 */
pktt_status pktt_put_be16(pktt_writer *writer,
                          uint16_t kind,
                          uint16_t value,
                          pktt_error *error);

/**
 * Writes an attribute of 32 bits in network byte order, as nf_tables has them; `value` is in host byte order.
 */
pktt_status pktt_put_be32(pktt_writer *writer,
                          uint16_t kind,
                          uint32_t value,
                          pktt_error *error);

/**
 * Writes an attribute of 64 bits in network byte order, as nf_tables has them; `value` is in host byte order.
 */
pktt_status pktt_put_be64(pktt_writer *writer,
                          uint16_t kind,
                          uint64_t value,
                          pktt_error *error);

/**
 * Begins an attribute that holds the attributes written until pktt_nest_end. Nests can be in nests.
 */
pktt_status pktt_nest_begin(pktt_writer *writer, uint16_t kind, pktt_error *error);

/**
 * Ends the nest that was begun last.
 *
 * PKTT_ERROR_ARGUMENT if none is open. PKTT_ERROR_TOO_LONG if it is longer than 65535 bytes; then nothing can be made
 * of what is written, and the writer is to be cleared.
 */
pktt_status pktt_nest_end(pktt_writer *writer,
                          pktt_error *error);

/**
 * Begins a batch for a subsystem (`NFNL_SUBSYS_*`), 10 for nf_tables. If `generation` is not NULL, the kernel refuses
 * the batch with PKTT_ERROR_CHANGED where its generation is another one by then.
 *
 * To be freed with pktt_batch_free.
 */
pktt_batch *pktt_batch_new(uint8_t subsystem,
                           const uint32_t *generation);

/**
 * Frees a batch; NULL is nothing to free.
 */
void pktt_batch_free(pktt_batch *batch);

/**
 * Adds a message: `kind` has the subsystem in its high byte and the message in the low one, `flags` are NLM_F_*
 * (PKTT_NLM_REQUEST is set anyway), `payload` is what follows the netlink header and is copied. A failure names the
 * message by `tag`. Sequence numbers are given by the batch.
 *
 * PKTT_ERROR_ARGUMENT if a nest of the payload is still open, or the batch was sent already; PKTT_ERROR_TOO_LONG if
 * the message is longer than netlink can carry. Nothing is added then.
 */
pktt_status pktt_batch_add(pktt_batch *batch,
                           uint32_t tag,
                           uint16_t kind,
                           uint16_t flags,
                           const pktt_writer *payload,
                           pktt_error *error);

/**
 * How many messages it has, begin and end not counted; 0 for NULL.
 */
size_t pktt_batch_count(const pktt_batch *batch);

/**
 * Ends the batch, if that is not done yet, and gives it as one datagram, for pktt_socket_send, with its length in
 * `*len`. Nothing can be added after that.
 *
 * Lives as long as the batch. NULL for NULL.
 */
const uint8_t *pktt_batch_bytes(pktt_batch *batch,
                                size_t *len);

/**
 * Reads the message at `*offset` of a datagram and moves `*offset`, which begins with 0, behind it.
 *
 * PKTT_END at the end of the datagram; PKTT_ERROR_MALFORMED if what is there is no message.
 */
pktt_status pktt_message_next(const uint8_t *datagram,
                              size_t len,
                              size_t *offset,
                              pktt_message *message,
                              pktt_error *error);

/**
 * What an answer of the kind PKTT_NLMSG_ERROR says: PKTT_OK if it acknowledges, PKTT_ERROR_REFUSED or
 * PKTT_ERROR_PERMISSION if the kernel refuses. Then the problem in `error` has the kernel's error number, its words,
 * and the offset of the attribute to blame.
 *
 * PKTT_ERROR_MALFORMED if it cannot be read, PKTT_ERROR_ARGUMENT if it is of another kind.
 */
pktt_status pktt_message_answer(const pktt_message *message,
                                pktt_error *error);

/**
 * A datagram in a readable form: each message a line, below it an attribute a line, nests indented.
 *
 * To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
 */
char *pktt_datagram_text(const uint8_t *datagram, size_t len, pktt_error *error);

/**
 * Reads the attribute at `*offset` of `bytes` and moves `*offset`, which begins with 0, behind it. `bytes` are those
 * of a message's attributes, or of the value of a nest.
 *
 * PKTT_END at the end of the bytes; PKTT_ERROR_MALFORMED if what is there is no attribute.
 */
pktt_status pktt_attribute_next(const uint8_t *bytes,
                                size_t len,
                                size_t *offset,
                                pktt_attribute *attribute,
                                pktt_error *error);

/**
 * Looks for the first attribute of a kind in `bytes`, which are as of pktt_attribute_next.
 *
 * PKTT_END if there is none; PKTT_ERROR_MALFORMED if something before it is no attribute.
 */
pktt_status pktt_attribute_find(const uint8_t *bytes,
                                size_t len,
                                uint16_t kind,
                                pktt_attribute *attribute,
                                pktt_error *error);

/**
 * Whether an attribute holds what it should, by one of pktt_attribute_type.
 *
 * PKTT_ERROR_MALFORMED if not, PKTT_ERROR_ARGUMENT if `type` is none.
 */
pktt_status pktt_attribute_check(const pktt_attribute *attribute, uint32_t type, pktt_error *error);

/**
 * The value as one byte. PKTT_ERROR_MALFORMED if it has any other length; so with all numbers.
 */
pktt_status pktt_get_u8(const pktt_attribute *attribute, uint8_t *value, pktt_error *error);

/**
 * The value as 16 bits in host byte order.
 */
pktt_status pktt_get_u16(const pktt_attribute *attribute, uint16_t *value, pktt_error *error);

/**
 * The value as 32 bits in host byte order.
 */
pktt_status pktt_get_u32(const pktt_attribute *attribute, uint32_t *value, pktt_error *error);

/**
 * The value as 64 bits in host byte order.
 */
pktt_status pktt_get_u64(const pktt_attribute *attribute, uint64_t *value, pktt_error *error);

/**
 * The value as 16 bits in network byte order, given in that of the host.
 */
pktt_status pktt_get_be16(const pktt_attribute *attribute, uint16_t *value, pktt_error *error);

/**
 * The value as 32 bits in network byte order, given in that of the host.
 */
pktt_status pktt_get_be32(const pktt_attribute *attribute, uint32_t *value, pktt_error *error);

/**
 * The value as 64 bits in network byte order, given in that of the host.
 */
pktt_status pktt_get_be64(const pktt_attribute *attribute, uint64_t *value, pktt_error *error);

/**
 * The value as text: `*text` becomes its first byte and `*len` how many there are, without the NUL at its end, which
 * need not be there (`printf("%.*s", (int)len, text)`).
 *
 * PKTT_ERROR_MALFORMED if there is a NUL within.
 */
pktt_status pktt_get_string(const pktt_attribute *attribute,
                            const char **text,
                            size_t *len,
                            pktt_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PKTTABLES_H */
