#include "daemon/upgrade_give.h"

#include "base/fd_pass.h"
#include "base/memory.h"
#include "base/text.h"
#include "console/control.h"
#include "daemon/handover.h"
#include "daemon/measuring.h"
#include "daemon/probes.h"
#include "daemon/upgrade.h"
#include "net/worker.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool give_sockets(const struct upgrade_opts *o, int end)
{
	const struct handover m = { .version = HANDOVER_VERSION, .word = HANDOVER_SOCKETS };
	const size_t room = workers_sockets(o->workers, NULL, 0) + 3;
	int *fds = memory_zeroed(room, sizeof *fds);
	size_t n = workers_sockets(o->workers, fds, room);
	bool ok = true;

	if (control_socket(o->control) >= 0)
		fds[n++] = control_socket(o->control);
	if (measuring_socket(o->measuring) >= 0)
		fds[n++] = measuring_socket(o->measuring);
	if (measuring_local_socket(o->measuring) >= 0)
		fds[n++] = measuring_local_socket(o->measuring);
	for (size_t i = 0; ok && i < n; i += FD_PASS_MOST)
		ok = fd_pass_send(end, &m, sizeof m, fds + i, n - i < FD_PASS_MOST ? n - i : FD_PASS_MOST);
	memory_free(fds);
	return ok;
}

/* A file without a name. */
static int state_memory(const struct upgrade_opts *o)
{
	struct text text = { 0 };
	const int fd = memfd_create("waymark state", MFD_CLOEXEC);

	probes_state(o->probes, &text);
	size_t done = 0;
	while (fd >= 0 && !text.lost && done < text.len) {
		const ssize_t n = write(fd, text_get(&text) + done, text.len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	const bool ok = fd >= 0 && !text.lost && done == text.len;
	text_fini(&text);
	if (!ok && fd >= 0)
		close(fd);
	return ok ? fd : -1;
}

static bool give_rest(const struct upgrade_opts *o, int end)
{
	struct handover m = { .version = HANDOVER_VERSION, .word = HANDOVER_LOAD };
	const int fd = state_memory(o);

	memcpy(m.of.load.cookies, o->cookies, sizeof m.of.load.cookies);
	memcpy(m.of.load.quic, workers_quic_secret(o->workers), sizeof m.of.load.quic);
	m.of.load.pid = (uint32_t)getpid();
	const bool ok = fd >= 0 && fd_pass_send(end, &m, sizeof m, &fd, 1);
	explicit_bzero(&m, sizeof m);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool upgrade_give(const struct upgrade_opts *o, int end)
{
	return give_sockets(o, end) && give_rest(o, end);
}
