/* ctl_inner.h - what the files of waymarkctl share.
 */
#ifndef TOOLS_CTL_INNER_H
#define TOOLS_CTL_INNER_H

#include "base/text.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stdio.h>

#define CTL_CONF_DEFAULT "/etc/waymark/waymark.yaml"

enum { CTL_WORD_MOST = 4000000 }; /* bytes of a word that the server takes */

enum ctl_status { DONE, NOT_DONE, WRONG_USE };

/* Where the server is, and what is asked for. */
struct ctl {
	const char *conf_path;   /* -c before the command, or the default */
	bool conf_given;         /* ... it was there */
	const char *socket_path; /* -s; NULL: look into the configuration */
};

/* Sends a command and takes its answer, whose status is returned. NOT_DONE and told when there
 * is no server that answers. */
enum ctl_status ctl_ask(const char *socket_path, char **words, int n, struct text *reply);

/* The control socket, by -s or from a configuration: that of -c, or `instead` when that was not
 * given (NULL: the default). NULL and told. The caller frees. */
char *ctl_socket(const struct ctl *c, const char *instead);

/* The commands that are done here. */
enum ctl_status ctl_simulate(const struct ctl *c, char **words, int n);
int ctl_check(const struct ctl *c, char **words, int n);
int ctl_test(const struct ctl *c, char **words, int n);
int ctl_diff(const struct ctl *c, char **words, int n);
enum ctl_status ctl_keys(char **words, int n);
enum ctl_status ctl_keygen(char **words, int n);
enum ctl_status ctl_import(char **words, int n);
/* "export config KIND", the words behind it. */
enum ctl_status ctl_export(const struct ctl *c, char **words, int n);
enum ctl_status ctl_restore(const struct ctl *c, char **words, int n);
enum ctl_status ctl_bundle(const struct ctl *c, char **words, int n);
/* "fleet verify", the words behind it. */
enum ctl_status ctl_fleet_verify(const struct ctl *c, char **words, int n);
enum ctl_status ctl_top(const struct ctl *c, char **words, int n);

/* Of "zone WORD NAME for CLASS ..." the name and the class become one word, in `to`; it is returned, or the name as it is. */
const char *ctl_zone_view(char **words, int *n, char to[static NAME_TEXT]);

/* "zone export NAME [FILE] [--generic]", all words of it. */
enum ctl_status ctl_zone_export(const struct ctl *c, char **words, int n);
/* "zone edit NAME", all words of it. */
enum ctl_status ctl_zone_edit(const struct ctl *c, char **words, int n);
/* The text of a zone, whole; else told. */
struct ctl_zone_text {
	const char *name;
	bool generic, strips; /* EDGE as bytes; without what signing has made */
};
enum ctl_status ctl_zone_text(const struct ctl *c, const struct ctl_zone_text *how, struct text *to);

/* How all is used, or one command; returns `status`, or WRONG_USE where there is none such. */
int ctl_help(FILE *to, int status);
int ctl_help_one(const char *word, FILE *to, int status);

bool ctl_is_command(const char *word);
/* One that is done here has an option that it does not know: told, with its usage. */
bool ctl_wrong_option(char **words, int n);
/* Told, with the nearest one. WRONG_USE. */
int ctl_no_command(const char *word);

/* The commands in the order of help, and how each is used; `described`: the last lines of that tell what it does. NULL behind the last. */
const char *ctl_command(size_t i, const char **usage, bool *described);
/* "completion bash" and so on: its words. A status. */
int ctl_completion(const char **words, size_t n);

extern const char ctl_completion_usage[], ctl_simulate_usage[], ctl_diff_usage[], ctl_keys_usage[],
	ctl_keygen_usage[], ctl_restore_usage[], ctl_test_usage[], ctl_import_usage[],
	ctl_top_usage[], ctl_bundle_usage[];

#endif
