#include "daemon/activation.h"

#include "net/given.h"

#include <stdlib.h>
#include <unistd.h>

enum { FIRST = 3 };

bool activation_sockets(struct given **to, struct fault *why)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	const bool ours = pid && n && strtol(pid, NULL, 10) == (long)getpid();
	const int count = ours ? atoi(n) : 0;
	bool ok = true;

	*to = count > 0 ? given_new(true) : NULL;
	for (int i = 0; ok && i < count; i++)
		ok = given_add(*to, FIRST + i, why);
	/* Not for those whom we start. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ok;
}
