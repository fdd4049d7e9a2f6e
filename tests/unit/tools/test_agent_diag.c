#include "tools/agent_diag.h"

#include "unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct heard {
	unsigned n;
	struct diag_connection last;
};

static void take(void *ctx, const struct diag_connection *c)
{
	struct heard *h = ctx;

	h->n++;
	h->last = *c;
}

/* --- an answer by hand -------------------------------------------------------------------- */

struct part {
	_Alignas(8) uint8_t bytes[4096];
	size_t len;
};

/* One connection with `info_len` bytes of tcp_info; 0: without. */
static void put_connection(struct part *p, int family, const char *peer, uint32_t rtt_us,
	uint32_t min_us, size_t info_len)
{
	struct inet_diag_msg msg = { .idiag_family = (uint8_t)family, .idiag_state = 1 };
	struct tcp_info info = { .tcpi_rtt = rtt_us, .tcpi_min_rtt = min_us,
		.tcpi_data_segs_out = 50, .tcpi_total_retrans = 5, .tcpi_dsack_dups = 2 };
	struct nlattr a = { (uint16_t)(sizeof a + info_len), INET_DIAG_INFO };
	struct nlmsghdr h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY };
	uint8_t *at = p->bytes + p->len;

	msg.id.idiag_cookie[0] = 7;
	msg.id.idiag_cookie[1] = 1;
	CU_ASSERT_EQUAL_FATAL(inet_pton(family, peer, msg.id.idiag_dst), 1);
	h.nlmsg_len = (uint32_t)(sizeof h + sizeof msg + (info_len ? a.nla_len : 0));
	memcpy(at, &h, sizeof h);
	memcpy(at + sizeof h, &msg, sizeof msg);
	if (info_len) {
		memcpy(at + sizeof h + sizeof msg, &a, sizeof a);
		memcpy(at + sizeof h + sizeof msg + sizeof a, &info, info_len);
	}
	p->len += NLMSG_ALIGN(h.nlmsg_len);
}

static void put_end(struct part *p, uint16_t type, int code)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_len = sizeof h + sizeof code };

	memcpy(p->bytes + p->len, &h, sizeof h);
	memcpy(p->bytes + p->len + sizeof h, &code, sizeof code);
	p->len += NLMSG_ALIGN(h.nlmsg_len);
}

static void a_connection_is_its_peer_and_its_least_time(void)
{
	static const struct {
		const char *say, *peer;
		int family;
		uint32_t rtt_us, min_us;
		size_t info_len;
		const char *want; /* NULL: it tells nothing */
		uint32_t want_us;
	} row[] = {
		{ "the least that was seen", "192.0.2.7", AF_INET, 9000, 8000,
			sizeof(struct tcp_info), "192.0.2.7", 8000 },
		{ "the smoothed one while there is no least", "192.0.2.7", AF_INET, 9000,
			UINT32_MAX, sizeof(struct tcp_info), "192.0.2.7", 9000 },
		{ "a kernel that does not know of a least one", "192.0.2.7", AF_INET, 9000,
			8000, offsetof(struct tcp_info, tcpi_rcv_rtt), "192.0.2.7", 9000 },
		{ "IPv6", "2001:db8::7", AF_INET6, 9000, 8000, sizeof(struct tcp_info),
			"2001:db8::7", 8000 },
		{ "IPv4 on a socket of both", "::ffff:192.0.2.7", AF_INET6, 9000, 8000,
			sizeof(struct tcp_info), "192.0.2.7", 8000 },
		{ "nothing measured yet", "192.0.2.7", AF_INET, 0, UINT32_MAX,
			sizeof(struct tcp_info), NULL, 0 },
		{ "no tcp_info", "192.0.2.7", AF_INET, 0, 0, 0, NULL, 0 },
	};
	char text[ADDR_TEXT];
	int error;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct part p = { .len = 0 };
		struct heard h = { 0 };
		put_connection(&p, row[i].family, row[i].peer, row[i].rtt_us, row[i].min_us,
			row[i].info_len);
		CU_ASSERT_EQUAL(diag_parse(p.bytes, p.len, take, &h, &error), DIAG_MORE);
		if (h.n != (row[i].want != NULL) ||
			(row[i].want &&
				(strcmp(addr_text(text, &h.last.peer), row[i].want) != 0 ||
					h.last.rtt_us != row[i].want_us ||
					h.last.cookie != (UINT64_C(1) << 32 | 7))))
			CU_FAIL(row[i].say);
	}
}

/* What an older kernel does not count is 0. */
static void segments_that_were_there_twice_were_not_lost(void)
{
	const struct { size_t len; uint32_t sent, lost; } of[] = { { sizeof(struct tcp_info), 50, 3 },
		{ offsetof(struct tcp_info, tcpi_dsack_dups), 50, 5 }, { offsetof(struct tcp_info, tcpi_data_segs_out), 0, 5 } };
	int error;

	for (size_t i = 0; i < UNIT_COUNT(of); i++) {
		struct part p = { .len = 0 };
		struct heard h = { 0 };
		put_connection(&p, AF_INET, "192.0.2.7", 9000, 8000, of[i].len);
		CU_ASSERT_EQUAL(diag_parse(p.bytes, p.len, take, &h, &error), DIAG_MORE);
		CU_ASSERT_EQUAL(h.last.sent, of[i].sent);
		CU_ASSERT_EQUAL(h.last.lost, of[i].lost);
	}
}

static void an_answer_ends_well_or_with_a_reason(void)
{
	static const struct {
		uint16_t type;
		int code;
		enum diag_result want;
		int error;
	} row[] = { { NLMSG_DONE, 0, DIAG_DONE, 0 },
		{ NLMSG_DONE, -EINVAL, DIAG_FAILED, EINVAL },
		{ NLMSG_ERROR, -ENOENT, DIAG_FAILED, ENOENT },
		{ NLMSG_ERROR, 0x7fffffff, DIAG_FAILED, EPROTO } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct part p = { .len = 0 };
		struct heard h = { 0 };
		int error = 0;
		put_connection(&p, AF_INET, "192.0.2.7", 1, 1, sizeof(struct tcp_info));
		put_end(&p, row[i].type, row[i].code);
		put_connection(&p, AF_INET, "192.0.2.8", 1, 1, sizeof(struct tcp_info));
		CU_ASSERT_EQUAL(diag_parse(p.bytes, p.len, take, &h, &error), row[i].want);
		CU_ASSERT_EQUAL(h.n, 1); /* what is behind the end is not */
		if (row[i].want == DIAG_FAILED)
			CU_ASSERT_EQUAL(error, row[i].error);
	}
}

static void a_cut_answer_tells_what_is_whole(void)
{
	struct part p = { .len = 0 };

	put_connection(&p, AF_INET, "192.0.2.7", 5, 5, sizeof(struct tcp_info));
	const size_t first = p.len;
	put_connection(&p, AF_INET, "192.0.2.8", 5, 5, sizeof(struct tcp_info));
	for (size_t len = 0; len <= p.len; len++) {
		struct part cut = { .len = len };
		struct heard h = { 0 };
		int error;
		memcpy(cut.bytes, p.bytes, len);
		CU_ASSERT_EQUAL(diag_parse(cut.bytes, len, take, &h, &error), DIAG_MORE);
		if (h.n != (len >= first ? 1u : 0u) + (len >= p.len ? 1u : 0u))
			CU_FAIL_FATAL("half a connection was heard of");
	}
}

/* --- the kernel's own --------------------------------------------------------------------- */

static void the_kernel_tells_of_a_connection(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;
	struct heard h = { 0 };
	struct fault why;
	char text[ADDR_TEXT];
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	const int client = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_TRUE_FATAL(bind(listener, (struct sockaddr *)&sa, sizeof sa) == 0 &&
		listen(listener, 1) == 0 &&
		getsockname(listener, (struct sockaddr *)&sa, &len) == 0 &&
		connect(client, (struct sockaddr *)&sa, sizeof sa) == 0);
	const int server = accept(listener, NULL, NULL);
	struct diag *d = diag_open(&why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	bool ok = true;
	/* A list of sockets that is read while others come and go may leave some out. */
	for (unsigned i = 0; ok && i < 100 && h.n == 0; i++)
		ok = diag_scan(d, ntohs(sa.sin_port), take, &h, &why);
	if (ok) {
		CU_ASSERT_EQUAL(h.n, 1); /* the server's end; the client's port is another */
		CU_ASSERT_STRING_EQUAL(addr_text(text, &h.last.peer), "127.0.0.1");
		CU_ASSERT_TRUE(h.last.rtt_us > 0 && h.last.rtt_us < 1000000);
	} else {
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "tcp_diag")); /* a kernel without it */
	}
	diag_close(d);
	close(server);
	close(client);
	close(listener);
}

static const struct unit_case cases[] = {
	{ "a connection is its peer and its least time",
		a_connection_is_its_peer_and_its_least_time },
	{ "segments that were there twice were not lost", segments_that_were_there_twice_were_not_lost },
	{ "an answer ends well or with a reason", an_answer_ends_well_or_with_a_reason },
	{ "a cut answer tells what is whole", a_cut_answer_tells_what_is_whole },
	{ "the kernel tells of a connection", the_kernel_tells_of_a_connection },
};

void suite_agent_diag(void)
{
	unit_suite("tools/agent_diag", cases, UNIT_COUNT(cases));
}
