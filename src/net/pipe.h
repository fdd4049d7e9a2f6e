/* pipe.h - bytes in and out of a connection, whatever carries them.
 *
 * A pipe never blocks. Its owner waits for what the pipe wants, by an event loop. One thread.
 */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* In place of a number of bytes. */
enum {
	PIPE_AGAIN = -1, /* nothing goes now: wait for what the pipe wants */
	PIPE_BROKEN = -2 /* nothing will ever go again */
};

struct pipe;

struct pipe_kind {
	/* Bytes read, at least 1; 0: the other side has ended; or PIPE_. */
	ssize_t (*read)(struct pipe *p, void *to, size_t room);
	/* Bytes taken, of `len` at least 1; or PIPE_. After PIPE_AGAIN the next call has the same bytes
	 * first, wherever they are by then. */
	ssize_t (*write)(struct pipe *p, const void *bytes, size_t len);
	/* Tells the other side where that is the custom, and lets go of all but `fd`. */
	void (*close)(struct pipe *p);
	/* Is there more to read that no event of `fd` will tell of? */
	bool (*has_more)(const struct pipe *p);
};

/* The owner's storage. */
struct pipe {
	const struct pipe_kind *kind;
	int fd;
	int read_wants, write_wants; /* EV_READ or EV_WRITE: what a call after PIPE_AGAIN waits for */
	void *state; /* the kind's */
};

/* TCP as it is. `fd` does not block, and is closed by pipe_close(). */
void pipe_open_plain(struct pipe *p, int fd);

void pipe_close(struct pipe *p);

static inline ssize_t pipe_read(struct pipe *p, void *to, size_t room)
{
	return p->kind->read(p, to, room);
}

static inline ssize_t pipe_write(struct pipe *p, const void *bytes, size_t len)
{
	return p->kind->write(p, bytes, len);
}

static inline bool pipe_has_more(const struct pipe *p)
{
	return p->kind->has_more && p->kind->has_more(p);
}

#endif
