#include "probe/resolver_wait.h"

#include <sys/time.h>

double resolver_wait_s(ares_channel channel)
{
	struct timeval most = { 1, 0 }, tv;
	const struct timeval *in = ares_timeout(channel, &most, &tv);

	return (double)in->tv_sec + (double)in->tv_usec / 1e6;
}
