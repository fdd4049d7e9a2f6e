#include "net/xdp_device.h"

#include "base/addr.h"
#include "base/log.h"
#include "net/xdp_answers.h"
#include "net/xdp_own.h"
#include "net/xdp_queue.h"
#include "net/xdp_shared.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xdp/libxdp.h>

/* The program, as clang has made it. */
extern const char xdp_program[], xdp_program_end[];
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"xdp_program: .incbin \"" XDP_PROGRAM "\"\n"
	"xdp_program_end: .byte 0\n"
	".popsection\n");

/* Of all machines with bytes in the order that the program wants. */
#if defined(__x86_64__) || defined(__i386__)
#define LOADS_IN_ORDER true
#else
#define LOADS_IN_ORDER false
#endif

struct xdp_device {
	char name[IF_NAMESIZE];
	const struct net_address *listen; /* own copy: those of this interface, and the ordinary ones */
	size_t n;
	unsigned index, queues;
	unsigned mtu; /* atomic */
	bool is_native, is_gone, is_full;
	struct bpf_object *object;
	int link, own, sockets; /* descriptors; the last two are the object's */
	bool answers;           /* wanted, and then had */
	struct xdp_maps maps;   /* what of it is mapped is ours */
	struct xdp_queue *queue; /* [n_open] */
	unsigned n_open;
	struct xdp_own *taken;  /* [n_taken], sorted: what is in `own` */
	size_t n_taken;
};

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int say_nothing_xdp(enum libxdp_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* --- what the interface is ---------------------------------------------------------------- */

static bool ask(const struct xdp_device *d, unsigned long what, struct ifreq *r)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool ok = fd >= 0 && (memcpy(r->ifr_name, d->name, sizeof d->name), ioctl(fd, what, r) == 0);

	if (fd >= 0)
		close(fd);
	return ok;
}

static unsigned count_queues(const struct xdp_device *d)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq r = { .ifr_data = (void *)&c };

	if (!ask(d, SIOCETHTOOL, &r) || c.combined_count + c.rx_count == 0)
		return 1;
	return c.combined_count + c.rx_count < XDP_QUEUES_MOST ? c.combined_count + c.rx_count
							       : XDP_QUEUES_MOST;
}

static void read_mtu(struct xdp_device *d)
{
	struct ifreq r = { .ifr_mtu = 0 };

	if (ask(d, SIOCGIFMTU, &r))
		__atomic_store_n(&d->mtu, (unsigned)r.ifr_mtu, __ATOMIC_RELAXED);
}

static bool find(struct xdp_device *d, struct fault *why)
{
	struct ifreq r = { .ifr_mtu = 0 };

	d->index = if_nametoindex(d->name);
	if (!d->index)
		return fault(why, "there is no such interface (\"ip link\" lists those there are)");
	if (!ask(d, SIOCGIFHWADDR, &r) || r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return fault(why, "this is no Ethernet interface");
	read_mtu(d);
	d->queues = count_queues(d);
	return true;
}

/* --- the program -------------------------------------------------------------------------- */

static const char *hint(int err)
{
	return err == EPERM || err == EACCES
		? " (start as root, or with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF)"
		: err == EBUSY || err == EEXIST
			? " (another XDP program is there: \"ip link show\" tells which, \"ip link set dev ... xdp off\" takes it off)"
			: "";
}

static int map_of(const struct xdp_device *d, const char *name)
{
	return bpf_object__find_map_fd_by_name(d->object, name);
}

/* A table's memory, which is the program's, too. NULL: it cannot be had. */
static void *share(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t given_len(const struct xdp_device *d)
{
	return (size_t)d->maps.cpus * XDP_SLOTS * sizeof *d->maps.given;
}

/* What the program that answers needs besides; hardly any memory where it does not. */
static void size_maps(struct xdp_device *d)
{
	const int cpus = libbpf_num_possible_cpus();

	d->maps.cpus = cpus > 0 ? (unsigned)cpus : 1;
	bpf_map__set_max_entries(bpf_object__find_map_by_name(d->object, "given"),
		d->answers ? d->maps.cpus * XDP_SLOTS : 1);
	if (!d->answers) {
		bpf_map__set_max_entries(bpf_object__find_map_by_name(d->object, "held"), 1);
		bpf_map__set_max_entries(bpf_object__find_map_by_name(d->object, "held_long"), 1);
		bpf_map__set_max_entries(bpf_object__find_map_by_name(d->object, "questions"), 1);
		bpf_map__set_max_entries(bpf_object__find_map_by_name(d->object, "clients"), 1);
	}
	bpf_program__set_autoload(
		bpf_object__find_program_by_name(d->object, "waymark_answers"), d->answers);
	bpf_program__set_autoload(
		bpf_object__find_program_by_name(d->object, "waymark_xdp"), !d->answers);
}

/* Says to the program what it is told before it is loaded. */
static bool tell_machine(struct xdp_device *d)
{
	const bool in_order = LOADS_IN_ORDER;

	return bpf_map__set_initial_value(bpf_object__find_map_by_name(d->object, ".rodata"), &in_order, sizeof in_order) == 0;
}

static bool draw_seed(struct xdp_state *state)
{
	return getrandom(&state->seed, sizeof state->seed, 0) == sizeof state->seed;
}

static bool share_maps(struct xdp_device *d)
{
	const int state = map_of(d, ".bss");

	d->maps.state = state < 0 ? NULL : share(state, sizeof *d->maps.state);
	if (!d->answers || !d->maps.state)
		return d->maps.state != NULL;
	d->maps.questions = share(map_of(d, "questions"), XDP_GROUPS * sizeof *d->maps.questions);
	d->maps.held = share(map_of(d, "held"), 2 * XDP_SLOTS * sizeof *d->maps.held);
	d->maps.held_long = share(map_of(d, "held_long"), 2 * XDP_SLOTS * sizeof *d->maps.held_long);
	d->maps.clients = share(map_of(d, "clients"), XDP_LINES * sizeof *d->maps.clients);
	d->maps.given = share(map_of(d, "given"), given_len(d));
	return draw_seed(d->maps.state) && d->maps.questions && d->maps.held && d->maps.held_long &&
		d->maps.clients && d->maps.given;
}

static bool load_as(struct xdp_device *d, bool answers, struct fault *why)
{
	bpf_object__close(d->object);
	d->answers = answers;
	d->object = bpf_object__open_mem(xdp_program, (size_t)(xdp_program_end - xdp_program), NULL);
	if (d->object)
		size_maps(d);
	const int err = !d->object ? errno : tell_machine(d) ? -bpf_object__load(d->object) : EINVAL;
	return !err || fault(why, "the kernel does not take the program: %s%s", strerror(err), hint(err));
}

static bool load_program(struct xdp_device *d, struct fault *why)
{
	libbpf_set_print(say_nothing);
	libxdp_set_print(say_nothing_xdp);
	const bool answers = d->answers && load_as(d, true, why);
	if (d->answers && !answers)
		log_line(LOG_WARNING,
			"xdp:%s: nothing is answered in the kernel: that wants Linux 5.18, and root or CAP_PERFMON beside the others",
			d->name);
	if (!answers && !load_as(d, false, why))
		return false;
	d->own = map_of(d, "own");
	d->sockets = map_of(d, "sockets");
	return (d->own >= 0 && d->sockets >= 0 && share_maps(d)) ||
		fault(why, "the program is not as it was built");
}

static int attach_as(struct xdp_device *d, unsigned mode)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(
		d->object, d->answers ? "waymark_answers" : "waymark_xdp");
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);

	return bpf_link_create(bpf_program__fd(p), (int)d->index, BPF_XDP, &opts);
}

/* In the driver where that can. */
static bool attach(struct xdp_device *d, struct fault *why)
{
	d->link = attach_as(d, XDP_FLAGS_DRV_MODE);
	d->is_native = d->link >= 0;
	const int err = d->is_native ? 0 : -d->link;
	if (err == EOPNOTSUPP || err == ERANGE || err == EINVAL) {
		d->link = attach_as(d, XDP_FLAGS_SKB_MODE);
		if (d->link >= 0)
			log_line(LOG_WARNING,
				"xdp:%s: its driver cannot have the program (%s%s), so it runs behind the driver, which is slower",
				d->name, strerror(err), err == ERANGE ? "; a smaller MTU may help" : "");
	}
	return d->link >= 0 ||
		fault(why, "the program cannot be attached: %s%s", strerror(-d->link), hint(-d->link));
}

/* --- our addresses ------------------------------------------------------------------------ */

/* The first of IPv4, or IPv6, is where the program looks first. */
static void set_first(struct xdp_device *d, const struct xdp_own_list *next, bool is_v6)
{
	struct xdp_own *first = &d->maps.state->first[is_v6];
	size_t i = 0;
	struct addr a;

	for (; i < next->n; i++) {
		memcpy(a.b, next->list[i].addr, sizeof a.b);
		if (addr_is_v4(&a) != is_v6)
			break;
	}
	/* Never half of one and half of another. */
	__atomic_store_n(&first->port, 0, __ATOMIC_SEQ_CST);
	if (i == next->n)
		return;
	memcpy(first->addr, next->list[i].addr, sizeof first->addr);
	__atomic_store_n(&first->port, next->list[i].port, __ATOMIC_SEQ_CST);
}

/* The program's table gets to be `next`. False when not all of it is there. */
static bool set_own(struct xdp_device *d, const struct xdp_own_list *next)
{
	const uint8_t yes = 1;
	bool ok = true;

	set_first(d, next, false);
	set_first(d, next, true);
	for (size_t i = 0; i < d->n_taken; i++)
		if (!xdp_own_has(next->list, next->n, &d->taken[i]))
			bpf_map_delete_elem(d->own, &d->taken[i]);
	for (size_t i = 0; i < next->n; i++)
		if (!xdp_own_has(d->taken, d->n_taken, &next->list[i]))
			ok = bpf_map_update_elem(d->own, &next->list[i], &yes, BPF_ANY) == 0 && ok;
	free(d->taken);
	d->taken = next->list;
	d->n_taken = next->n;
	return ok;
}

void xdp_device_refresh(struct xdp_device *d)
{
	struct xdp_own_list next = { 0 };
	struct ifreq r = { .ifr_mtu = 0 };
	char name[IF_NAMESIZE];

	if (d->is_gone)
		return;
	if (!if_indextoname(d->index, name)) {
		d->is_gone = true;
		log_line(LOG_WARNING,
			"xdp:%s: the interface is gone, and with it the program; when it is back its queries come by the "
			"ordinary sockets, until a restart",
			d->name);
		return;
	}
	memcpy(d->name, name, sizeof d->name);
	if (ask(d, SIOCGIFHWADDR, &r))
		memcpy(d->maps.state->mac, r.ifr_hwaddr.sa_data, sizeof d->maps.state->mac);
	read_mtu(d);
	if (!xdp_own_find(&next, d->listen, d->n)) {
		free(next.list);
		return;
	}
	const bool full = !set_own(d, &next);
	if (full && !d->is_full)
		log_line(LOG_WARNING,
			"xdp:%s: not all of its %zu addresses can be told to the program (%s); queries to the others come by "
			"the ordinary sockets",
			d->name, d->n_taken, strerror(errno));
	d->is_full = full;
}

/* ------------------------------------------------------------------------------------------ */

/* Sockets for all queues, and what comes by these goes to them. */
static bool open_queues(struct xdp_device *d, struct fault *why)
{
	struct fault cause;

	d->queue = calloc(d->queues, sizeof *d->queue);
	if (!d->queue)
		die("out of memory");
	for (unsigned i = 0; i < d->queues; i++) {
		if (!xdp_queue_open(&d->queue[i], d->name, i, &cause))
			return fault(why, "queue %u: %s", i, cause.text);
		d->n_open++;
		if (bpf_map_update_elem(d->sockets, &i, &d->queue[i].fd, BPF_ANY) != 0)
			return fault(why, "queue %u: %s", i, strerror(errno));
	}
	return true;
}

struct xdp_device *xdp_device_open(const char *name, const struct net_opts *opts, struct fault *why)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct xdp_device *d = calloc(1, sizeof *d);
	struct net_address *list = calloc(opts->n, sizeof *list);

	if (!d || !list)
		die("out of memory");
	/* What frames lie in is memory that stays. Not allowed: it may be enough as it is. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	snprintf(d->name, sizeof d->name, "%s", name);
	d->link = -1;
	d->answers = opts->xdp_answers;
	d->listen = list;
	for (size_t i = 0; i < opts->n; i++)
		if (opts->listen[i].kind == NET_PLAIN ||
			(opts->listen[i].kind == NET_XDP && strcmp(opts->listen[i].device, name) == 0))
			list[d->n++] = opts->listen[i];
	if (find(d, why) && load_program(d, why) && attach(d, why) && open_queues(d, why)) {
		xdp_device_refresh(d);
		return d;
	}
	xdp_device_close(d);
	return NULL;
}

void xdp_device_detach(struct xdp_device *d)
{
	if (d->link >= 0)
		close(d->link);
	d->link = -1;
}

void xdp_device_close(struct xdp_device *d)
{
	xdp_device_detach(d);
	for (unsigned i = 0; i < d->n_open; i++)
		xdp_queue_close(&d->queue[i]);
	if (d->maps.state)
		munmap(d->maps.state, sizeof *d->maps.state);
	if (d->maps.questions)
		munmap(d->maps.questions, XDP_GROUPS * sizeof *d->maps.questions);
	if (d->maps.held)
		munmap(d->maps.held, 2 * XDP_SLOTS * sizeof *d->maps.held);
	if (d->maps.held_long)
		munmap(d->maps.held_long, 2 * XDP_SLOTS * sizeof *d->maps.held_long);
	if (d->maps.clients)
		munmap(d->maps.clients, XDP_LINES * sizeof *d->maps.clients);
	if (d->maps.given)
		munmap(d->maps.given, given_len(d));
	bpf_object__close(d->object);
	free(d->queue);
	free(d->taken);
	free((void *)(uintptr_t)d->listen);
	free(d);
}

unsigned xdp_device_queues(const struct xdp_device *d)
{
	return d->queues;
}

bool xdp_device_is_native(const struct xdp_device *d)
{
	return d->is_native;
}

bool xdp_device_is_zero_copy(const struct xdp_device *d)
{
	for (unsigned i = 0; i < d->n_open; i++)
		if (!d->queue[i].zero_copy)
			return false;
	return true;
}

const struct xdp_maps *xdp_device_maps(const struct xdp_device *d)
{
	return &d->maps;
}

struct xdp_queue *xdp_device_queue(struct xdp_device *d, unsigned i)
{
	return &d->queue[i];
}

void xdp_device_report(const struct xdp_device *d, struct xdp_report *to)
{
	*to = (struct xdp_report){ .queues = d->n_open,
		.native = d->is_native,
		.zero_copy = xdp_device_is_zero_copy(d),
		.gone = d->is_gone,
		.broken_off = __atomic_load_n(&d->maps.state->broken_off, __ATOMIC_RELAXED),
		.answers = d->maps.held != NULL };
	for (unsigned i = 0; i < d->n_open; i++)
		to->lost += xdp_queue_lost(&d->queue[i]);
}

unsigned xdp_device_mtu(const struct xdp_device *d)
{
	return __atomic_load_n(&d->mtu, __ATOMIC_RELAXED);
}
