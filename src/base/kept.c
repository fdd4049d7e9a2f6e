#include "base/kept.h"

#include "base/bytes.h"
#include "base/crew.h"
#include "base/file.h"
#include "base/scope.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In front of all parts; one that is of another machine or version differs. */
struct kept_head {
	char magic[16], version[KEPT_NAME * 2], kind[KEPT_NAME];
	uint32_t order, pointer;
};

struct part_head {
	uint64_t len, hash;
};

static void make_head(struct kept_head *h, const char *kind)
{
	*h = (struct kept_head){ .magic = "waymark kept 2\n", .order = 0x01020304, .pointer = sizeof(void *) };
	snprintf(h->version, sizeof h->version, "%s", PACKAGE_VERSION);
	snprintf(h->kind, sizeof h->kind, "%s", kind);
}

/* A part is read and hashed a block at a time, as long as the processor has it at hand, and by all processors. */
enum { BLOCK = 1 << 20 };

static size_t count_blocks(size_t len)
{
	return len ? (len - 1) / BLOCK + 1 : 1;
}

static size_t block_len(size_t len, size_t i)
{
	return i + 1 < count_blocks(len) ? BLOCK : len - i * BLOCK;
}

/* Four chains at once, since one alone waits for its products. */
static uint64_t block_hash(uint64_t part, size_t block, const uint8_t *p, size_t len)
{
	const size_t quarter = len / 4;
	const struct hash_key key = { part, block };
	uint64_t h[4] = { 1, 2, 3, 4 };
	size_t at = 0;

	for (; at + 8 <= quarter; at += 8)
		for (unsigned k = 0; k < 4; k++) {
			uint64_t v;
			memcpy(&v, p + k * quarter + at, 8);
			h[k] = hash_mix(h[k] ^ v ^ HASH_STEP, HASH_STEP);
		}
	for (unsigned k = 0; k < 4; k++)
		h[k] ^= hash_bytes(key, p + k * quarter + at, (k < 3 ? quarter : len - 3 * quarter) - at);
	return hash_pair(hash_pair(h[0], h[1]), hash_pair(h[2], h[3]));
}

/* --- writing ------------------------------------------------------------------------------ */

static void write_all(struct kept_out *o, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len && !o->bad) {
		const ssize_t n = write(o->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		o->bad = n <= 0;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void beside(const struct kept_out *o, char to[static KEPT_PATH + 8])
{
	snprintf(to, KEPT_PATH + 8, "%s.new", o->path);
}

bool kept_create(struct kept_out *o, const char *path, const char *kind, struct fault *why)
{
	char new[KEPT_PATH + 8];
	struct kept_head head;

	*o = (struct kept_out){ .fd = -1 };
	if (snprintf(o->path, sizeof o->path, "%s", path) >= KEPT_PATH)
		return fault(why, "%s: the path is too long", path);
	beside(o, new);
	unlink(new);
	o->fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd < 0)
		return fault(why, "%s: %s", new, strerror(errno));
	make_head(&head, kind);
	write_all(o, &head, sizeof head);
	return true;
}

void kept_put(struct kept_out *o, const void *bytes, size_t len)
{
	struct part_head head = { len, len };

	for (size_t i = 0; i < count_blocks(len); i++)
		head.hash = hash_pair(head.hash, block_hash(o->part, i, (const uint8_t *)bytes + i * BLOCK, block_len(len, i)));
	o->part++;
	write_all(o, &head, sizeof head);
	write_all(o, bytes, len);
}

void kept_give_up(struct kept_out *o)
{
	char new[KEPT_PATH + 8];

	close(o->fd);
	beside(o, new);
	unlink(new);
}

bool kept_done(struct kept_out *o, struct fault *why)
{
	char new[KEPT_PATH + 8];

	beside(o, new);
	if (!o->bad && rename(new, o->path) == 0) {
		close(o->fd);
		return true;
	}
	fault(why, "%s: %s", new, strerror(errno));
	kept_give_up(o);
	return false;
}

/* --- reading ------------------------------------------------------------------------------ */

static bool read_at(int fd, uint64_t at, uint8_t *to, size_t len)
{
	while (len) {
		const ssize_t n = pread(fd, to, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(struct kept_in *in, void *to, size_t len)
{
	in->bad = in->bad || !read_at(in->fd, in->at, to, len);
	in->at += in->bad ? 0 : len;
	return !in->bad;
}

/* A part on its way. */
struct reading {
	const struct kept_in *in;
	uint8_t *to;
	size_t len;
	uint64_t *hashes; /* [block] */
	bool bad;         /* atomic */
};

static bool read_block(void *ctx, size_t i)
{
	struct reading *r = ctx;
	uint8_t *to = r->to + i * BLOCK;
	const size_t len = block_len(r->len, i);

	if (!read_at(r->in->fd, r->in->at + i * BLOCK, to, len)) {
		__atomic_store_n(&r->bad, true, __ATOMIC_RELAXED);
		return false;
	}
	r->hashes[i] = block_hash(r->in->part, i, to, len);
	return true;
}

static bool read_part(struct kept_in *in, void *to, size_t len)
{
	enum { FEW = 4 }; /* no work for more than one */
	uint64_t few[FEW];
	const size_t n = count_blocks(len);
	struct reading r = { .in = in, .to = to, .len = len, .hashes = n <= FEW ? few : malloc(n * sizeof *r.hashes) };
	uint64_t hash = len;

	if (!r.hashes)
		return false;
	for (size_t i = 0; n <= FEW && i < n && !r.bad; i++)
		read_block(&r, i);
	if (n > FEW)
		crew_run(n, true, read_block, &r);
	for (size_t i = 0; !r.bad && i < n; i++)
		hash = hash_pair(hash, r.hashes[i]);
	if (n > FEW)
		free(r.hashes);
	in->at += len;
	in->part++;
	return !r.bad && hash == in->hash;
}

static void read_part_head(struct kept_in *in)
{
	struct part_head head = { 0, 0 };

	if (in->bad || in->left == 0)
		return;
	in->bad = in->left < sizeof head || !read_all(in, &head, sizeof head) || head.len > in->left - sizeof head;
	in->left -= in->bad ? 0 : sizeof head;
	in->len = in->bad ? 0 : head.len;
	in->hash = head.hash;
}

/* For a scope. */
static void close_in(void *in)
{
	close(((struct kept_in *)in)->fd);
}

bool kept_open(struct kept_in *in, const char *path, const char *kind)
{
	struct kept_head want, is;
	struct stat st;
	struct fault why;

	*in = (struct kept_in){ .fd = file_open(path, UINT64_MAX, &why) };
	make_head(&want, kind);
	if (in->fd < 0)
		return false;
	if (fstat(in->fd, &st) != 0 || st.st_uid != geteuid() || st.st_size < (off_t)sizeof is || !read_all(in, &is, sizeof is) ||
		memcmp(&is, &want, sizeof is) != 0) {
		close(in->fd);
		return false;
	}
	in->left = (uint64_t)st.st_size - sizeof is;
	scope_hold(in, close_in);
	read_part_head(in);
	return true;
}

void kept_close(struct kept_in *in)
{
	scope_forget(in, close_in);
	close(in->fd);
}

void kept_close_harmed(struct kept_in *in, const char *path)
{
	kept_close(in);
	unlink(path);
}

size_t kept_next(const struct kept_in *in)
{
	return in->bad || in->len > SIZE_MAX ? 0 : (size_t)in->len;
}

bool kept_get(struct kept_in *in, void *to, size_t len)
{
	if (in->bad || (in->left == 0 && in->len == 0 && in->hash == 0) || len != in->len || !read_part(in, to, len)) {
		in->bad = true;
		return false;
	}
	in->left -= len;
	in->len = in->hash = 0;
	read_part_head(in);
	return true;
}

bool kept_open_of(struct kept_in *in, const char *path, const char *kind, const struct text *of)
{
	if (of->lost || !kept_open(in, path, kind))
		return false;
	char *is = kept_next(in) == of->len ? malloc(of->len + 1) : NULL;
	const bool same = is && kept_get(in, is, of->len) && memcmp(is, text_get(of), of->len) == 0;
	free(is);
	if (!same)
		kept_close(in);
	return same;
}

bool kept_ended(const struct kept_in *in)
{
	return !in->bad && in->left == 0;
}
