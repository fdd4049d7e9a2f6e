#include "report/report_alarms.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include "daemon/publish.h"

#include <stdio.h>
#include <string.h>

static struct house h;

static void open_house(void)
{
	house_open(&h, "edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams ] } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* The view of a server where all is well; borrowed of it. */
static struct report_view well(void)
{
	return (struct report_view){ .world = publisher_world(h.server.publisher), .live = *publisher_live(h.server.publisher) };
}

/* What is alarming of it is these sentences, each with its end "\n". */
static void alarms_are(const struct report_view *v, const char *want)
{
	char got[2000] = "";
	json_t *list = report_alarms(v), *one;
	size_t i;

	json_array_foreach (list, i, one)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s\n", json_string_value(one));
	json_decref(list);
	if (strcmp(got, want) == 0)
		return;
	printf("got:\n%swanted:\n%s", got, want);
	CU_FAIL("alarms");
}

static void of_what_is_written(void)
{
	open_house();
	struct report_view v = well();

	alarms_are(&v, "");
	v.stuck = "it is stuck";
	v.changes = (struct report_changes){ .files_edited = 1, .files_failed = 1 };
	v.keys = (struct report_keys){ .faulty = 1, .waiting_ds = 1, .zones = 9, .rolling = 9 };
	v.taps.dnstap_wanted = true;
	v.flattening = (struct report_flattening){ .names = 5, .failing = 1, .oldest_s = 61.4 };
	v.decisions_lost = 3;
	v.loop.counts.no_memory = 4;
	alarms_are(&v,
		"it is stuck\n"
		"the keys of 1 zone cannot be had: it is not signed anew (the log names the files)\n"
		"1 zone waits for the DS at the parent (\"dnssec status NAME\", \"dnssec ds NAME\")\n"
		"1 zone file was changed since the server wrote it: a reload takes that (\"zone status NAME\")\n"
		"1 zone file cannot be written (the log says why)\n"
		"nobody reads dnstap (the log says why)\n"
		"1 flattened name cannot be resolved; what is answered is up to 61 s old (the log says why)\n"
		"3 decisions could not be written to their file\n"
		"4 jobs have found no memory since the start\n");
	v = well();
	v.changes = (struct report_changes){ .files_edited = 2, .files_failed = 2 };
	v.keys = (struct report_keys){ .faulty = 2, .waiting_ds = 2 };
	v.taps.dnstap_wanted = v.taps.dnstap_talks = true;
	v.flattening.failing = 2;
	strcpy(v.changes.store.fault, "the disk is full");
	strcpy(v.health.state_fault, "it is read-only");
	alarms_are(&v,
		"the store is not written, and zones cannot be changed: the disk is full\n"
		"the state file is not written: it is read-only\n"
		"the keys of 2 zones cannot be had: they are not signed anew (the log names the files)\n"
		"2 zones wait for the DS at the parent (\"dnssec status NAME\", \"dnssec ds NAME\")\n"
		"2 zone files were changed since the server wrote them: a reload takes that (\"zone status NAME\")\n"
		"2 zone files cannot be written (the log says why)\n"
		"2 flattened names cannot be resolved; what is answered is up to 0 s old (the log says why)\n");
	close_house();
}

static void of_reloads(void)
{
	open_house();
	struct report_view v = well();

	v.reloaded_s = 1800000000;
	v.reload_taken = true;
	alarms_are(&v, "");
	v.reload_errors = 1;
	alarms_are(&v, "the last reload, at 2027-01-15T08:00:00Z, was taken but for what is wrong (1 error; the log has them)\n");
	v.reload_taken = false;
	v.reload_errors = 2;
	alarms_are(&v, "the last reload, at 2027-01-15T08:00:00Z, was not taken (2 errors; the log has them)\n");
	v.reload_errors = 0;
	alarms_are(&v, "the last reload, at 2027-01-15T08:00:00Z, was not taken (0 errors; the log has them)\n");
	v.reloaded_s = 0;
	alarms_are(&v, "");
	close_house();
}

static void of_zones(void)
{
	open_house();
	struct report_view v = well();
	struct registry z = *v.live.zones;

	v.live.zones = &z;
	z.n_empty = z.n_faulty = 1;
	alarms_are(&v, "1 zone is not loaded and answered with SERVFAIL (\"zones --faulty\")\n");
	z.n_empty = 2;
	z.n_faulty = 3;
	alarms_are(&v,
		"2 zones are not loaded and answered with SERVFAIL (\"zones --faulty\")\n"
		"1 zone is faulty and served as before (\"zones --faulty\")\n");
	z.n_empty = 0;
	z.n_faulty = 2;
	alarms_are(&v, "2 zones are faulty and served as before (\"zones --faulty\")\n");
	z.n_faulty = z.n = 0;
	alarms_are(&v, "there are no zones: every query is refused\n");
	close_house();
}

static void of_a_fleet(void)
{
	open_house();
	struct report_view v = well();
	struct report_fleet *f = &v.fleet;

	f->servers = 3;
	alarms_are(&v, ""); /* of none, nothing is told */
	*f = (struct report_fleet){ .on = true, .up = true, .servers = 3, .live = 3, .clock_off_ms = REPORT_CLOCK_OFF_MS };
	alarms_are(&v, "");
	f->clock_off_ms = -REPORT_CLOCK_OFF_MS;
	alarms_are(&v, "");
	f->clock_off_ms = 12300;
	f->live = 2;
	f->odd = 1;
	alarms_are(&v,
		"1 of 3 servers of the fleet are not there (\"fleet\")\n"
		"our clock is 12.3 s ahead of that of the fleet's Redis\n"
		"1 change of operators was at odds with later ones of others (the log has them; \"fleet --accept\" takes what holds)\n");
	*f = (struct report_fleet){ .on = true, .odd = 2, .clock_off_ms = -12300, .full = true, .blind = true };
	alarms_are(&v,
		"the fleet's Redis cannot be reached, and we go on alone: connecting\n"
		"the fleet's Redis keeps nothing of what is said (is it full? the log says)\n"
		"we see no edge up, and other servers do: our own network may be lost\n"
		"our clock is 12.3 s behind that of the fleet's Redis\n"
		"2 changes of operators were at odds with later ones of others (the log has them; \"fleet --accept\" takes what holds)\n");
	*f = (struct report_fleet){ .on = true, .up = true, .holds = true, .zones = 3, .zones_in_step = 2 };
	alarms_are(&v, "we see no edge up, and no other server: our own network may be lost\n");
	*f = (struct report_fleet){ .on = true, .up = true, .zones = 3, .zones_in_step = 2, .zone = "a.example.", .zone_fault = "no disk",
		.orders_failed = 1, .order_fault = "force x down: no such edge", .twin = true, .server = "ns1" };
	alarms_are(&v,
		"another server of the fleet is called ns1, too\n"
		"1 of 3 zones of the fleet are not as it has them, and cannot be changed here: a.example.: no disk\n"
		"what was commanded for all servers of the fleet could not be done here: force x down: no such edge (say it again, or here "
		"with \"--here\")\n");
	f->zones_in_step = 3;
	f->orders_failed = 0;
	f->twin = false;
	alarms_are(&v, "");
	close_house();
}

static void of_interfaces(void)
{
	open_house();
	struct report_view v = well();

	v.counters.n_xdp = 2;
	strcpy(v.counters.xdp[0].name, "eth0");
	strcpy(v.counters.xdp[1].name, "eth1");
	alarms_are(&v, "");
	v.counters.xdp[0].failed = v.counters.xdp[1].gone = true;
	alarms_are(&v,
		"xdp:eth0 is not to be had (the log of the start says why): its queries come by the ordinary sockets, until a restart\n"
		"xdp:eth1 is gone: its queries come by the ordinary sockets, until a restart\n");
	v.counters.n_xdp = 1;
	v.counters.xdp[0].failed = false;
	alarms_are(&v, "");
	close_house();
}

static const struct unit_case cases[] = {
	{ "of what is written", of_what_is_written },
	{ "of reloads", of_reloads },
	{ "of zones", of_zones },
	{ "of a fleet", of_a_fleet },
	{ "of interfaces", of_interfaces },
};

void suite_report_alarms(void);
void suite_report_alarms(void)
{
	unit_suite("report/report_alarms", cases, UNIT_COUNT(cases));
}
