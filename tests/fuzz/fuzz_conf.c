/* fuzz_conf.c - any text is a configuration or faults with a place.
 */
#include "conf/conf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct faults f;
	struct conf c;

	faults_init(&f);
	const bool ok = conf_read_text(&c, "etc/fuzz.yaml", (const char *)data, len, &f);
	assert(ok == (f.errors == 0));
	if (ok) {
		/* What later rooms index with is within what they index. */
		for (size_t p = 0; p < c.n_pools; p++) {
			const struct pool_opts *pool = &c.pools[p];
			assert(pool->n && pool->answers && pool->ttl_min_s <= pool->ttl_max_s);
			assert(pool->all_down != POOL_OTHER || pool->other < c.n_pools);
			for (size_t i = 0; i < pool->n; i++)
				assert(pool->edges[i] < c.n_edges);
			for (size_t i = 0; i < pool->n_pins; i++)
				assert(pool->pins[i].n && pool->pins[i].edges[0] < c.n_edges);
		}
		for (size_t e = 0; e < c.n_edges; e++)
			assert(c.edges[e].n_a || c.edges[e].n_aaaa || c.edges[e].cname);
		for (size_t z = 0; z < c.n_zones; z++)
			assert(!c.zones[z].name != !c.zones[z].dir &&
				!c.zones[z].name == !c.zones[z].file);
		assert(c.net.n && c.net.workers <= NET_WORKERS_MOST);
		conf_fini(&c);
	}
	faults_fini(&f);
	return 0;
}
