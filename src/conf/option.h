/* option.h - takers of one value each, and what they are made of.
 *
 * The takers are for rows of keys.h; `least` and `most` are the row's. What is wrong is told
 * with the row's `say`.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "conf/keys.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	OPTION_SHOWN = 72,
	OPTION_TEXT_MOST = 4095,
	OPTION_KEY = 32,
	OPTION_NETS_MOST = 1024,
	OPTION_WORDS_MOST = 64
};

key_take option_number;      /* to a uint32_t */
key_take option_duration_ms; /* to an unsigned: "10s", "500ms"; units ms s m h d w */
key_take option_size;        /* to an unsigned: bytes, "65536", "64k", "4M", "1G" */
key_take option_share;       /* to a double: "20%" is 0.2; `least` and `most` are percentages */
key_take option_switch;      /* to a bool: on, off, and YAML's other words for them */
key_take option_text;        /* to a const char *: any text without control characters */
key_take option_key;         /* to a uint8_t [OPTION_KEY]: a secret in base64 */
key_take option_nets;        /* to a const struct prefix * and a size_t behind it: a list of nets */
key_take option_path;        /* to a const char *, joined to the folder of the configuration */
/* To a const char *const *, NULL at the end: a program, as a path, and its words as they are, for no shell is asked. */
key_take option_program;

/* '"key" must be <say>, not "..."'. Always false. */
bool option_wrong(const struct reader *r, const struct key *key, const struct node *n);

/* A scalar's text, as long as the tree lives; NULL and told when it is a list or mapping,
 * empty, too long or has control characters in it. */
const char *option_scalar(const struct reader *r, const struct key *key, const struct node *n);

/* Which of the words, ended by NULL, it is; -1 when it is none of them, and told. */
int option_word(const struct reader *r, const struct key *key, const struct node *n,
	const char *const *words);

/* Where one value may stand for a list of one: the first item, and the next, or NULL. False
 * from option_is_list() when it is neither, or empty, or longer than `most`; told. */
bool option_is_list(
	const struct reader *r, const struct key *key, const struct node *n, size_t most);
const struct node *option_first(const struct node *list);
const struct node *option_next(const struct node *list, const struct node *item);

/* How many items there may be, at most. */
size_t option_count(const struct node *list);

/* Pure readers of text, which tell nothing. A whole number has digits only, no zero in front.
 */
bool option_whole(const char *text, uint64_t *to);
/* Digits with or without a fraction, after a sign when `sign`; `*end` is what follows. */
bool option_decimal(const char *text, bool sign, double *to, const char **end);
/* "20%" as 0.2: a decimal number from `least` to `most` and the sign. `*share` is as it was when it is none. */
bool option_percent(const char *text, double least, double most, double *share);
/* A whole number and a unit, in ms; the text ends at `end`. */
bool option_duration(const char *text, const char *end, uint64_t *ms);

/* Fit to be printed: cut, without control characters. Returns `buf`. */
const char *option_shown(char buf[static OPTION_SHOWN], const char *text);

/* An endpoint as addr_parse_endpoint() takes it, told where it is none; and warned of where the end of an IPv6 address without
 * brackets may be meant for a port. */
bool option_endpoint(const struct reader *r, const struct node *item, const char *text, unsigned port, struct sockaddr_storage *sa,
	socklen_t *len);

#endif
