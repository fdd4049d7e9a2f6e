#include "daemon/notifying.h"

#include "unit/daemon/site.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>

/* Nobody answers at these addresses: who is told shows in the counts. */
#define CONF(listen, whom)                                                       \
	"server: { listen: \"" listen "\" }\n"                                   \
	"peers: { two: { at: [ \"127.0.5.2:5353\", \"127.0.5.3:5353\" ] },\n"    \
	"         same: { at: \"127.0.5.4:53\" } }\n"                            \
	"zones: [ { name: a.example, file: zones/a.example.zone, notify: " whom " } ]\n"

struct desk {
	struct site site;
	struct ev_loop *loop;
	struct jobs *jobs;
	struct epoch epoch;
	struct publisher *p;
	struct notifying *n;
	uint64_t want; /* so many are told, in all */
};

static struct standing *live(void *ctx, const struct standing *before)
{
	struct desk *d = ctx;

	(void)before;
	return standing_new(&(struct standing_opts){ .steer = publisher_live(d->p)->steer });
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	(void)ctx;
	(void)before;
	(void)now;
}

static void open_desk(struct desk *d, const char *conf, const char *zone)
{
	struct fault why;

	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV) };
	site_open(&d->site);
	site_put(&d->site, "t.yaml", conf);
	site_put(&d->site, "zones/a.example.zone", zone);
	d->jobs = jobs_new(d->loop);
	CU_ASSERT_TRUE_FATAL(epoch_open(&d->epoch, &why));
	struct parts first = site_read(&d->site, NULL);
	d->p = publisher_new(&(struct publisher_opts){ .loop = d->loop, .jobs = d->jobs, .epoch = &d->epoch }, &first);
	publisher_set_health(d->p, &(struct publisher_health){ d, live, NULL, changes });
	publisher_now(d->p);
	d->n = notifying_new(&(struct notifying_opts){ d->loop, d->jobs, d->p });
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	notifying_free(d->n);
	publisher_free(d->p);
	epoch_close(&d->epoch);
	jobs_free(d->jobs);
	ev_loop_destroy(d->loop);
	site_close(&d->site);
}

static void zone_is(struct desk *d, const char *text)
{
	site_put(&d->site, "zones/a.example.zone", text);
	struct parts next = site_read(&d->site, publisher_live(d->p));
	publisher_take(d->p, &next);
	publisher_now(d->p);
}

static bool are_told(void *ctx)
{
	struct desk *d = ctx;

	return notifying_counts(d->n).sent >= d->want;
}

static size_t tell(struct desk *d)
{
	return notifying_tell(d->n, registry_find(publisher_live(d->p)->zones, (const uint8_t *)"\1a\7example"));
}

#define NAMESERVERS                                                           \
	"$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\n@ NS ns2\n@ NS ns3\n@ NS ns4\n" \
	"ns1 A 127.0.5.1\n"                                                   \
	"ns2 A 127.0.5.4\nns2 A 127.0.5.5\nns2 A 127.0.5.6\nns2 AAAA ::1\nns2 TXT x\n" \
	"ns3 A 127.0.5.5\nns3 A 127.0.5.7\n"

static void peers_and_nameservers_are_told_once_an_address(void)
{
	static const struct {
		const char *say, *conf;
		size_t n;
	} row[] = {
		{ "nobody", CONF("127.0.5.9:53", "none"), 0 },
		{ "each address of a peer", CONF("127.0.5.9:53", "[ two ]"), 2 },
		{ "the addresses of NS, but of the SOA's primary; one twice is one", CONF("127.0.5.9:53", "[ ns ]"), 5 },
		{ "a peer that is one of them, too", CONF("127.0.5.9:53", "[ same, two, ns ]"), 7 },
		{ "not ourselves", CONF("127.0.5.6:53", "[ ns ]"), 4 },
		{ "at another port it is somebody else", CONF("127.0.5.6:5300", "[ ns ]"), 5 },
		{ "nor at any address of this machine", CONF("0.0.0.0:53", "[ ns ]"), 1 },
		{ "which says nothing of IPv6, nor of another port", CONF("0.0.0.0:5300", "[ ns ]"), 5 },
		{ "a peer is told wherever it is", CONF("0.0.0.0:53", "[ same ]"), 1 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		open_desk(&d, row[i].conf, NAMESERVERS);
		const size_t n = tell(&d);
		if (n != row[i].n) {
			printf("%s: %zu\n", row[i].say, n);
			CU_FAIL(row[i].say);
		}
		close_desk(&d);
	}
}

/* At the start all count as new. */
static void a_new_serial_is_told_and_no_other_change(void)
{
	struct desk d;

	open_desk(&d, CONF("127.0.5.9:53", "[ two ]"), SITE_ZONE(1, ""));
	d.want = 2;
	CU_ASSERT_TRUE(turns_until(d.loop, are_told, &d));
	zone_is(&d, SITE_ZONE(1, "more A 192.0.2.1\n"));
	zone_is(&d, SITE_ZONE(2, "more A 192.0.2.1\n"));
	d.want = 4;
	CU_ASSERT_TRUE(turns_until(d.loop, are_told, &d));
	CU_ASSERT_EQUAL(notifying_counts(d.n).sent, 4);
	CU_ASSERT_EQUAL(tell(&d), 2); /* once more */
	d.want = 6;
	CU_ASSERT_TRUE(turns_until(d.loop, are_told, &d));
	close_desk(&d);
}

void suite_notifying(void);
void suite_notifying(void)
{
	static const struct unit_case cases[] = {
		{ "peers and nameservers are told, once an address", peers_and_nameservers_are_told_once_an_address },
		{ "a new serial is told, and no other change", a_new_serial_is_told_and_no_other_change },
	};

	unit_suite("daemon/notifying", cases, UNIT_COUNT(cases));
}
