/* fuzz_demand.c - any file of clients or queries is taken, or told with its place.
 */
#include "base/memory.h"
#include "simulate/simulate_demand.h"
#include "fuzz/fuzz_world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const pools[] = { "web" };
	static struct world *world;
	struct simulate_demand d = { .pools = pools, .n_pools = 1 };
	struct faults f;
	char path[64];

	if (!world)
		world = fuzz_world(FUZZ_NOW_S);
	if (len < 1)
		return 0;
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, len - 1) != (ssize_t)len - 1)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	faults_init(&f);
	const bool ok = *data & 1
		? simulate_demand_clients(&d, path, &f)
		: simulate_demand_queries(&d, path, *data & 2 ? NULL : world, &f);
	assert(ok == (f.errors == 0));
	for (size_t i = 0; i < d.n; i++) {
		const struct simulate_client *c = &d.clients[i];
		const struct prefix same = addr_prefix(&c->net.addr, c->net.bits);
		assert(c->net.bits <= 128 && c->pool >= -1 && c->pool < 1 && c->weight >= 0);
		assert(memcmp(&same.addr, &c->net.addr, sizeof same.addr) == 0);
	}
	simulate_demand_fini(&d);
	faults_fini(&f);
	close(fd);
	return 0;
}
