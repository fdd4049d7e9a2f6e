#include "geo/mmdb_file.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char marker[] = "\xab\xcd\xefMaxMind.com";

enum {
	MARKER = sizeof marker - 1,
	METADATA_MOST = 128 * 1024, /* "the maximum allowable size for the metadata section" */
	METADATA_STEPS = 4096,      /* values in it; MaxMind's have fewer than 50 */
	COPY_MOST = 1 << 30         /* bytes a call */
};

/* --- copying ------------------------------------------------------------------------------ */

static bool open_regular(int *fd, const char *path, struct fault *why)
{
	struct stat st;

	struct fault own;

	*fd = file_open(path, UINT32_MAX, &own); /* no MaxMind DB file is larger */
	if (*fd < 0)
		return fault(why, "%s: %s", path, own.text);
	if (fstat(*fd, &st) == 0 && st.st_size > 0)
		return true;
	close(*fd);
	return fault(why, "%s: is empty", path);
}

/* Everything up to the end that the file has now, or to where none ends. */
static bool copy_all(int to, int from)
{
	uint64_t all = 0;
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, COPY_MOST);
		all += n > 0 ? (uint64_t)n : 0;
	} while (all <= UINT32_MAX && (n > 0 || (n < 0 && errno == EINTR)));
	if (n > 0)
		errno = EFBIG;
	return n == 0;
}

/* A copy in memory that nobody can change or cut any more. */
static bool sealed_copy(int *fd, const char *path, struct fault *why)
{
	int from;

	if (!open_regular(&from, path, why))
		return false;
	*fd = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0) {
		fault(why, "%s: no memory for a copy: %s", path, strerror(errno));
		close(from);
		return false;
	}
	const bool ok = copy_all(*fd, from) &&
		fcntl(*fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
	if (!ok) {
		fault(why, "%s: cannot be copied into memory: %s", path, strerror(errno));
		close(*fd);
	}
	close(from);
	return ok;
}

/* --- metadata ----------------------------------------------------------------------------- */

/* Where the metadata starts, behind the last marker; NULL without one. */
static const uint8_t *find_metadata(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len, *found = NULL;

	if (len > METADATA_MOST)
		p = end - METADATA_MOST;
	while ((p = memmem(p, (size_t)(end - p), marker, MARKER)))
		found = p += MARKER;
	return found;
}

static bool not_mmdb(const char *path, const uint8_t *p, size_t len, struct fault *why)
{
	if (len > 2 && p[0] == 0x1f && p[1] == 0x8b)
		return fault(why,
			"%s: is compressed; unpack it first (gunzip, or tar xzf for .tar.gz)",
			path);
	if (len > 2 && p[0] == 'P' && p[1] == 'K')
		return fault(why, "%s: is a zip file; unpack it first", path);
	for (size_t i = 0; i < len && i < 64; i++)
		if (p[i] == 0 || p[i] > 0x7e)
			return fault(why,
				"%s: has no MaxMind DB metadata at its end: cut short, or "
				"another kind of file",
				path);
	return fault(why, "%s: is a text file, not a MaxMind DB file (.mmdb)", path);
}

/* `n` texts one after the other. */
static bool all_texts(struct mmdb_bytes *b, uint32_t at, uint64_t n)
{
	struct mmdb_value v;

	for (; n > 0; n--, at = v.next) {
		if (!mmdb_value_at(b, at, &v))
			return false;
		if (v.type != MMDB_TEXT)
			return mmdb_wrong(b, at, "a language or description is not a text");
	}
	return true;
}

/* MMDB_open() lists the languages and descriptions with all that pointers lead to, without a
 * limit, and leaks what it has when something there is not as it should be; so both are read
 * here first. */
static bool check_metadata(struct mmdb_bytes *b)
{
	static const struct mmdb_key keys[] = { MMDB_KEY("languages"),
		MMDB_KEY("description") };
	struct mmdb_value root, v[2];

	if (!mmdb_check_all(b, 0) || !mmdb_value_at(b, 0, &root))
		return false;
	if (root.type != MMDB_MAP)
		return mmdb_wrong(b, 0, "it is not a map");
	if (!mmdb_map_find(b, &root, keys, 2, v))
		return false;
	if (v[0].type != MMDB_ARRAY || v[1].type != MMDB_MAP)
		return mmdb_wrong(b, 0, "it lacks languages or a description");
	return all_texts(b, v[0].at, v[0].size) &&
		all_texts(b, v[1].at, (uint64_t)v[1].size * 2);
}

static bool check_copy(const char *path, int fd, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return fault(why, "%s: is empty", path);
	const size_t len = (size_t)st.st_size;
	const uint8_t *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return fault(why, "%s: no memory for a copy: %s", path, strerror(errno));
	const uint8_t *meta = find_metadata(p, len);
	bool ok = false;
	if (!meta) {
		not_mmdb(path, p, len, why);
	} else {
		struct mmdb_bytes b = {
			.p = meta, .len = (uint32_t)(p + len - meta), .steps = METADATA_STEPS
		};
		ok = check_metadata(&b);
		if (!ok)
			fault(why, "%s: its metadata is broken or cut short: %s", path,
				b.wrong);
	}
	munmap((void *)(uintptr_t)p, len);
	return ok;
}

static bool check_layout(struct mmdb_file *f, struct fault *why)
{
	const MMDB_metadata_s *m = &f->db.metadata;
	const uint8_t *start = f->db.file_content,
		      *end = find_metadata(start, (size_t)f->db.file_size) - MARKER;
	const uint64_t tree = (uint64_t)m->node_count * m->record_size / 4;

	if (m->record_size != 24 && m->record_size != 28 && m->record_size != 32)
		return fault(why, "%s: has records of %u bits; 24, 28 and 32 are known",
			f->path, m->record_size);
	if (m->ip_version != 4 && m->ip_version != 6)
		return fault(why, "%s: is for IP version %u", f->path, m->ip_version);
	if (m->node_count == 0 || tree + MMDB_FILE_GAP > (uint64_t)(end - start))
		return fault(why,
			"%s: is broken: its metadata says %u nodes, for which it is too short",
			f->path, m->node_count);
	f->nodes = m->node_count;
	f->v6 = m->ip_version == 6;
	f->data.p = start + tree + MMDB_FILE_GAP;
	f->data.len = (uint32_t)(end - f->data.p);
	/* A record of MaxMind's largest database has about 150 values, shared by pointers,
	 * in 60 bytes; we read some tens of them. */
	f->data.steps = 16 * (uint64_t)f->data.len + 65536;
	return true;
}

/* --- the public side ---------------------------------------------------------------------- */

/* For a scope. */
static void let_go(void *db)
{
	MMDB_close(db);
}

bool mmdb_file_open(struct mmdb_file *f, const char *path, struct fault *why)
{
	char copy[40];
	int fd;

	*f = (struct mmdb_file){ .path = path };
	if (!sealed_copy(&fd, path, why))
		return false;
	bool ok = check_copy(path, fd, why);
	if (ok) {
		snprintf(copy, sizeof copy, "/proc/self/fd/%d", fd);
		const int status = MMDB_open(copy, MMDB_MODE_MMAP, &f->db);
		ok = status == MMDB_SUCCESS;
		if (status == MMDB_FILE_OPEN_ERROR)
			fault(why, "%s: its copy cannot be opened as %s (is /proc mounted?)",
				path, copy);
		else if (!ok)
			fault(why, "%s: %s", path, MMDB_strerror(status));
	}
	close(fd);
	if (ok && !check_layout(f, why)) {
		MMDB_close(&f->db);
		ok = false;
	}
	if (ok)
		scope_hold(&f->db, let_go);
	return ok;
}

void mmdb_file_close(struct mmdb_file *f)
{
	scope_forget(&f->db, let_go);
	MMDB_close(&f->db);
}

bool mmdb_file_wrong(const struct mmdb_file *f, struct fault *why)
{
	return fault(why, "%s: is broken: %s (byte %u of the data)", f->path, f->data.wrong,
		f->data.wrong_at);
}
