#include "tools/agent_log.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { "who.example.org", "who.example.net" };

struct desk {
	char path[64], other[80];
	struct agent_log *l;
};

static void put(const char *path, const char *text, const char *how)
{
	FILE *f = fopen(path, how);

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static struct desk desk_open(const char *text)
{
	struct desk d;

	strcpy(d.path, "/tmp/waymark-log-XXXXXX");
	const int fd = mkstemp(d.path);
	if (fd < 0 || close(fd) != 0)
		abort();
	put(d.path, text, "w");
	snprintf(d.other, sizeof d.other, "%s.1", d.path);
	return d;
}

static void desk_start(struct desk *d)
{
	d->l = agent_log_new(&(struct agent_log_opts){ d->path, names, UNIT_COUNT(names) });
	agent_log_read(d->l, 1);
}

static void desk_close(struct desk *d)
{
	agent_log_free(d->l);
	unlink(d->path);
	unlink(d->other);
}

/* All that wait, as text. */
static void are(struct agent_log *l, const char *as)
{
	char text[4096] = "", net[ADDR_TEXT];
	struct agent_report s = { 0 };

	agent_log_take(l, &s);
	for (size_t i = 0; i < s.n_clients; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s;", prefix_text(net, &s.clients[i].net),
			s.clients[i].name);
	CU_ASSERT_STRING_EQUAL(text, as);
	agent_report_fini(&s);
}

static void a_line_is_an_address_and_a_name(void)
{
	static const struct {
		const char *line, *as;
	} row[] = {
		{ "73.14.0.1 a.who.example.org", "73.14.0.0/24 a.who.example.org;" },
		{ "73.14.0.1 a.who.example.org GET / 200", "73.14.0.0/24 a.who.example.org;" },
		{ "73.14.0.1 A.Who.Example.NET", "73.14.0.0/24 a.who.example.net;" },
		{ "2600:1:2:3::4 a.who.example.org", "2600:1:2::/48 a.who.example.org;" },
		{ "::ffff:73.14.0.1 a.who.example.org", "73.14.0.0/24 a.who.example.org;" },
		{ "73.14.0.1 who.example.org", "" },
		{ "73.14.0.1 b.a.who.example.org", "" },
		{ "73.14.0.1 .who.example.org", "" },
		{ "73.14.0.1 a.example.org", "" },
		{ "73.14.0.1", "" },
		{ "73.14.0 a.who.example.org", "" },
		{ "10.1.2.3 a.who.example.org", "" },
		{ " 73.14.0.1 a.who.example.org", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct agent_log *l = agent_log_new(&(struct agent_log_opts){ "", names, UNIT_COUNT(names) });
		agent_log_line(l, row[i].line, strlen(row[i].line), 1);
		are(l, row[i].as);
		agent_log_free(l);
	}
}

static void an_address_counts_once_in_ten_minutes(void)
{
	struct agent_log *l = agent_log_new(&(struct agent_log_opts){ "", names, UNIT_COUNT(names) });
	static const char a[] = "73.14.0.1 a.who.example.org", b[] = "73.14.0.1 b.who.example.org",
			  c[] = "73.14.0.2 c.who.example.org";

	agent_log_line(l, a, sizeof a - 1, 1000);
	agent_log_line(l, b, sizeof b - 1, 1599);
	agent_log_line(l, c, sizeof c - 1, 1599);
	are(l, "73.14.0.0/24 a.who.example.org;73.14.0.0/24 c.who.example.org;");
	agent_log_line(l, b, sizeof b - 1, 1601);
	are(l, "73.14.0.0/24 b.who.example.org;");
	agent_log_free(l);
}

static void it_is_read_on_from_its_end_through_pieces_renames_and_cuts(void)
{
	struct desk d = desk_open("73.14.0.1 old.who.example.org\n");

	desk_start(&d);
	are(d.l, "");
	put(d.path, "73.14.1.1 one.who.exam", "a");
	agent_log_read(d.l, 2);
	are(d.l, "");
	put(d.path, "ple.org\n73.14.2.1 two.who.example.org\n", "a");
	agent_log_read(d.l, 3);
	are(d.l, "73.14.1.0/24 one.who.example.org;73.14.2.0/24 two.who.example.org;");
	put(d.path, "73.14.3.1 three.who.example.org\n", "a");
	if (rename(d.path, d.other) != 0)
		abort();
	put(d.path, "73.14.4.1 four.who.example.org\n", "w");
	agent_log_read(d.l, 4);
	are(d.l, "73.14.3.0/24 three.who.example.org;73.14.4.0/24 four.who.example.org;");
	put(d.path, "73.14.5.1 5.who.example.org\n", "w");
	agent_log_read(d.l, 5);
	are(d.l, "73.14.5.0/24 5.who.example.org;");
	unlink(d.path);
	agent_log_read(d.l, 6);
	put(d.path, "73.14.6.1 six.who.example.org\n", "w");
	agent_log_read(d.l, 7);
	are(d.l, "73.14.6.0/24 six.who.example.org;");
	desk_close(&d);
}

static void a_line_that_is_too_long_is_passed_over(void)
{
	struct desk d = desk_open("");
	char *line = calloc(1, 100001);

	memset(line, 'x', 100000);
	desk_start(&d);
	put(d.path, line, "a");
	agent_log_read(d.l, 2);
	put(d.path, "73.14.0.1 a.who.example.org\n73.14.1.1 b.who.example.org\n", "a");
	agent_log_read(d.l, 3);
	are(d.l, "73.14.1.0/24 b.who.example.org;");
	free(line);
	desk_close(&d);
}

static void one_that_is_renamed_is_read_to_its_end(void)
{
	struct desk d = desk_open("");
	char *lines = calloc(1, (9 << 20) + 1);

	for (size_t i = 0; i < 9 << 20; i++)
		lines[i] = i % 1024 == 1023 ? '\n' : 'x';
	desk_start(&d);
	put(d.path, lines, "a");
	put(d.path, "73.14.1.1 one.who.example.org\n", "a");
	if (rename(d.path, d.other) != 0)
		abort();
	put(d.path, "73.14.2.1 two.who.example.org\n", "w");
	agent_log_read(d.l, 2);
	are(d.l, "");
	agent_log_read(d.l, 3);
	are(d.l, "73.14.1.0/24 one.who.example.org;73.14.2.0/24 two.who.example.org;");
	free(lines);
	desk_close(&d);
}

static void one_that_is_not_there_is_read_from_its_start_when_it_comes(void)
{
	struct desk d = desk_open("");

	unlink(d.path);
	desk_start(&d);
	put(d.path, "73.14.1.1 b.who.example.org\n", "w");
	agent_log_read(d.l, 2);
	are(d.l, "73.14.1.0/24 b.who.example.org;");
	desk_close(&d);
}

void suite_agent_log(void)
{
	static const struct unit_case cases[] = {
		{ "a line is an address and a name", a_line_is_an_address_and_a_name },
		{ "an address counts once in ten minutes", an_address_counts_once_in_ten_minutes },
		{ "it is read on from its end, through pieces, renames and cuts",
			it_is_read_on_from_its_end_through_pieces_renames_and_cuts },
		{ "a line that is too long is passed over", a_line_that_is_too_long_is_passed_over },
		{ "one that is renamed is read to its end, however much that is", one_that_is_renamed_is_read_to_its_end },
		{ "one that is not there is read from its start when it comes",
			one_that_is_not_there_is_read_from_its_start_when_it_comes },
	};

	unit_suite("tools/agent_log", cases, UNIT_COUNT(cases));
}
