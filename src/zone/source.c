#include "zone/source.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PART = 1 << 17 };

/* Fills the room. The file may grow or shrink while it is read: its end is where it ends. One that is as large as it was, and
 * has no more to give, ends there. */
static bool fill(struct source *s, struct fault *why)
{
	while (s->more && s->len + 1 < s->room) {
		const size_t want = s->room - 1 - s->len;
		const ssize_t n = read(s->fd, s->text + s->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(why, "%s: %s", s->path, strerror(errno));
		s->len += (size_t)n;
		s->read += (size_t)n;
		s->more = n > 0 && ((size_t)n == want || s->read != s->size);
		if (s->read > s->most)
			return fault(why, "%s: is larger than such a file may be: %llu MiB",
				s->path, (unsigned long long)s->most >> 20);
	}
	s->text[s->len] = 0;
	return true;
}

/* Room for the whole of a small file, and to see that it has ended. */
static size_t first_room(uint64_t size)
{
	return size < PART - 2 ? (size_t)size + 2 : PART;
}

bool source_open(struct source *s, const char *path, uint64_t most, struct fault *why)
{
	struct fault own;

	*s = (struct source){ .path = path, .most = most, .more = true };
	s->fd = file_open_sized(path, most, &s->size, &own);
	if (s->fd < 0)
		return fault(why, "%s: %s", path, own.text);
	s->room = first_room(s->size);
	s->text = memory_beside(NULL, s->room);
	if (!s->text)
		fault(why, "%s: out of memory", path);
	if (s->text && fill(s, why))
		return true;
	source_close(s);
	return false;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->text);
	*s = (struct source){ .fd = -1 };
}

bool source_more(struct source *s, size_t done, struct fault *why)
{
	if (!done && s->len + 1 == s->room) {
		const size_t room = s->room * 2 + PART;
		char *more = memory_beside(s->text, room);
		if (!more)
			return fault(why, "%s: out of memory", s->path);
		s->text = more;
		s->room = room;
	}
	memmove(s->text, s->text + done, s->len - done);
	s->len -= done;
	return fill(s, why);
}
