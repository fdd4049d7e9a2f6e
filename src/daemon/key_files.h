/* key_files.h - the folder with the keys that zones are signed with: K*.private and K*.key, in
 * BIND's form.
 *
 * Files with private halves are readable for the server's user alone. What is written is on the
 * disk when it is said to be written. Any thread but the loop.
 */
#ifndef DAEMON_KEY_FILES_H
#define DAEMON_KEY_FILES_H

#include "base/fault.h"
#include "zone/signing_key.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_files;

/* The folder is made when the first key is written. NULL: `why`. */
struct key_files *key_files_open(const char *dir, struct fault *why);
void key_files_close(struct key_files *f); /* NULL is fine */
const char *key_files_dir(const struct key_files *f);

bool key_files_write(struct key_files *f, const uint8_t *apex, const struct signing_key *k,
	int64_t created_s, struct fault *why);

/* The same in two steps, for a key whose state is stored between them: its files are on the disk, where nobody finds them as keys of the
 * folder, until they are settled. When the machine stops between, key_files_read() settles them, or key_files_sweep() drops
 * what nobody wants. */
bool key_files_write_aside(struct key_files *f, const uint8_t *apex, const struct signing_key *k,
	int64_t created_s, struct fault *why);
bool key_files_settle(struct key_files *f, const uint8_t *apex, const struct signing_key *k, struct fault *why);

/* Would it be written over another? Files are named by tags (RFC 4034 appendix B), and two keys may have the same. `why`
 * names that file then. What is there and is no key is another, too. */
bool key_files_has_other(struct key_files *f, const uint8_t *apex, const struct signing_key *k, struct fault *why);

/* Is its private half there, or another's by that name? */
bool key_files_has(struct key_files *f, const uint8_t *apex, const struct signing_key *k);

/* The same of many keys: what key_files_prepare() has written, on any number of threads, gets into its place by
 * key_files_place(). Then comes key_files_end(). */
struct key_files_batch {
	pthread_mutex_t lock; /* the caller's to make and to destroy; of what follows, which begins zeroed */
	char **paths;         /* [n] own; K*.key, and K*.private behind it, which says that both are there */
	size_t n, room;
};
/* What was prepared by who was killed goes, but for files of that name (as signing_text_file() has it) that are wanted. `all`: nobody prepares
 * any now; else what is of the last minute stays, too. */
void key_files_sweep(const struct key_files *f, bool all, bool (*wanted)(void *ctx, const char *name), void *ctx);
bool key_files_prepare(struct key_files *f, struct key_files_batch *b, const uint8_t *apex,
	const struct signing_key *k, int64_t created_s, struct fault *why);
/* What is there of it already beside its place is of the batch. On one thread. */
bool key_files_note(const struct key_files *f, struct key_files_batch *b, const uint8_t *apex, const struct signing_key *k, struct fault *why);
bool key_files_place(struct key_files_batch *b, struct fault *why);
/* In the place of that: what was prepared is on the disk, and settled when its states are stored. */
bool key_files_sync(const struct key_files *f, struct fault *why);
/* Forgets them all; unless they are to be kept, the files go. */
void key_files_end(struct key_files_batch *b, bool keep);

/* The private half of the key with that DNSKEY. Count 1; NULL: `why`. */
struct signing_key *key_files_read(struct key_files *f, const uint8_t *apex,
	const struct signing_key *public, struct fault *why);

/* Both files, and what was prepared; but for those of another key of that tag. */
void key_files_remove(struct key_files *f, const uint8_t *apex, const struct signing_key *k);

/* All keys of a zone that are there, but for those that BIND's times in them say are not in use
 * at `now_s`. Counts of 1; returns how many, at most `most`. False in `*ok`: one of them cannot
 * be read. */
struct key_file {
	struct signing_key *key;
	int64_t created_s;
};
size_t key_files_find(struct key_files *f, const uint8_t *apex, int64_t now_s,
	struct key_file *to, size_t most, bool *ok, struct fault *why);

/* One file that an operator names: K*.private with K*.key beside it, K*.key alone (a key of
 * another signer), or PEM. Of PEM `flags` say what it is for. `owner`: room for the name in
 * K*.key; empty (the root) when there is none. */
struct signing_key *key_files_take(const char *path, uint16_t flags, uint8_t algorithm,
	uint8_t owner[static 256], int64_t *created_s, struct fault *why);

#endif
