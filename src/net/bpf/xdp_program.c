/* xdp_program.c - in the kernel, at the door of an interface: which frames come to us by AF_XDP, and which are
 * answered at once?
 *
 * Queries over UDP to an address and port of ours; all else goes its way to the kernel, and so does what
 * the kernel knows better about: fragments, options and extension headers, NOTIFY and UPDATE, sources that
 * no host has, frames of another card's address. Built for BPF by clang; net/xdp_device.c loads it.
 */
#include "net/bpf/xdp_reply.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XDP_QUEUES_MOST);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_OWN_MOST);
	__type(key, struct xdp_own);
	__type(value, __u8);
} own SEC(".maps");

/* Whose each slot is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDP_GROUPS);
	__type(key, __u32);
	__type(value, struct xdp_group);
} questions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * XDP_SLOTS); /* [generation & 1][slot] */
	__type(key, __u32);
	__type(value, struct xdp_held);
} held SEC(".maps");

/* What is long of them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * XDP_SLOTS); /* likewise */
	__type(key, __u32);
	__type(value, struct xdp_held_long);
} held_long SEC(".maps");

/* Who asks for what is steered, in the place that xdp_client_line() says. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDP_LINES);
	__type(key, __u32);
	__type(value, struct xdp_line);
} clients SEC(".maps");

/* Answers given: [processor][slot]; as many as there are processors. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDP_SLOTS);
	__type(key, __u32);
	__type(value, struct xdp_given);
} given SEC(".maps");

struct xdp_state state;

/* Told before the program is loaded, so that what is not wanted is left out: does the machine never do a load before one that stands
 * before it? (x86 does not, arm64 does.) */
const volatile bool loads_in_order = false;

static __always_inline bool is_own(const struct packet *p)
{
	const struct xdp_own *first = &state.first[p->is_v6];

	return (p->to.port == *(volatile __be16 *)&first->port && p->to.addr[3] == first->addr[3] &&
		       p->to.addr[2] == first->addr[2] && p->to.addr[1] == first->addr[1] &&
		       p->to.addr[0] == first->addr[0]) ||
		bpf_map_lookup_elem(&own, &p->to);
}

/* A query for us: `p` is at its UDP header. */
static __always_inline bool is_ours(const struct xdp_md *c, struct packet *p)
{
	p->at = (void *)(long)c->data;
	p->end = (void *)(long)c->data_end;
	if (p->at + XDP_FRAME_MOST < p->end || !read_link(p, state.mac))
		return false;
	if (p->type == bpf_htons(ETH_P_IP) ? !read_v4(p) : p->type != bpf_htons(ETH_P_IPV6) || !read_v6(p))
		return false;
	return read_udp(p) && is_own(p);
}

/* A queue without a socket of ours: to the kernel. */
static __always_inline int redirect(const struct xdp_md *c)
{
	return bpf_redirect_map(&sockets, c->rx_queue_index, XDP_PASS);
}

SEC("xdp") int waymark_xdp(struct xdp_md *c)
{
	struct packet p = { 0 };

	return is_ours(c, &p) ? redirect(c) : XDP_PASS;
}

/* --- answers at once ------------------------------------------------------------------------ */

/* What is held, as it was when its seal was read; and how often it was given on this processor. */
struct found {
	const struct xdp_held *h; /* NULL: nothing */
	__u32 at; /* where what is long of it is */
	__u64 seal;
	__u32 *given, n;
};

/* No load behind it is done before one in front of it. Programs have no such instruction but those that change memory and
 * give what was there before, each of which is a full barrier; they are dear, so that they are left out where loads are in order. */
static __always_inline void order_loads(void)
{
	__u64 any = 0;

	if (!loads_in_order)
		asm volatile("" : : "r"(__sync_fetch_and_add(&any, 1)) : "memory");
	barrier();
}

/* What is put into a slot breaks its seal before, and has another one behind: between the same seal, read first and last, all is of one. */
static __always_inline bool is_still(const struct found *f)
{
	order_loads();
	return *(volatile __u64 *)&f->h->seal == f->seal;
}

/* All memory that an answer is in or changes is asked for at once, as each piece may have to come from far away. */
static __always_inline struct found held_in(__u32 slot, __u32 generation, bool is_v6)
{
	const __u32 half = (generation & 1) * XDP_SLOTS + slot;
	const __u32 count = bpf_get_smp_processor_id() * XDP_SLOTS + slot;
	struct found f = { .h = bpf_map_lookup_elem(&held, &half), .at = half };
	struct xdp_given *given_here = bpf_map_lookup_elem(&given, &count);

	if (!f.h || !given_here)
		return (struct found){ 0 };
	/* Whoever takes the program sees no bool in it. */
	__u32 which = is_v6;
	asm volatile("" : "+r"(which));
	f.given = &given_here->n[which & 1];
	f.seal = *(volatile __u64 *)&f.h->seal;
	(void)*(volatile __u64 *)f.h->bytes;
	f.n = *(volatile __u32 *)f.given;
	order_loads();
	if (xdp_seal_generation(f.seal) != generation)
		f.h = NULL;
	/* Whoever takes the program knows by the pointer alone that it is there. */
	asm volatile("" : "+r"(f.h));
	return f;
}

/* XDP_SLOTS: it is not there. */
static __always_inline __u32 find_in(__u32 number, __u16 tag)
{
	const struct xdp_group *group = bpf_map_lookup_elem(&questions, &number);

	for (int i = 0; group && i < XDP_GROUP; i++)
		if (*(volatile __u16 *)&group->tags[i] == tag)
			return number * XDP_GROUP + i;
	return XDP_SLOTS;
}

/* Its slot, if that is what its tag says. XDP_SLOTS: it is not held. */
static __always_inline __u32 find_question(const struct xdp_question *q)
{
	const __u64 hash = xdp_question_hash(q, state.seed);
	const __u32 slot = find_in(xdp_first_group(hash), xdp_tag(hash));

	return slot < XDP_SLOTS ? slot : find_in(xdp_second_group(hash), xdp_tag(hash));
}

static __always_inline bool is_named(const __u64 *words, const __u64 *as, __u32 first, __u32 behind, __u32 len)
{
	for (__u32 i = first; i < behind; i++) {
		if (len <= 8 * i)
			break;
		if (words[i - first] != as[i])
			return false;
	}
	return true;
}

static __always_inline bool answers_it(const struct xdp_held *h, __u32 at, const struct xdp_question *q)
{
	if (h->rest != q->rest || !is_named(h->words, q->words, 0, XDP_NAME_SHORT / 8, q->len))
		return false;
	if (q->len <= XDP_NAME_SHORT)
		return true;
	const struct xdp_held_long *more = bpf_map_lookup_elem(&held_long, &at);
	return more && is_named(more->words, q->words, XDP_NAME_SHORT / 8, XDP_NAME_MOST / 8, q->len);
}

/* What who asks gets in that set; 0: it is not known here. Some go up, for the server wants to see who asks. */
static __always_inline __u64 find_client(const struct asked *a, const struct packet *p, __u32 set)
{
	const __u64 client = xdp_client(a->q.says & XDP_ECS ? bpf_ntohl(a->subnet) << 8 : p->from, set);
	const __u32 at = xdp_client_line(client, *(volatile __u16 *)&state.lines_bits);
	const struct xdp_line *line = bpf_map_lookup_elem(&clients, &at);

	if (!line || (p->is_v6 && !(a->q.says & XDP_ECS)))
		return 0;
	for (int i = 0; i < XDP_LINE; i++) {
		const __u64 is = *(volatile __u64 *)&line->of[i];
		if (xdp_client_is(is, client))
			return bpf_ntohs(a->id) % XDP_UP ? is : 0;
	}
	return 0;
}

static __always_inline int answer_held(struct xdp_md *c, const struct packet *p)
{
	const __u32 generation = *(volatile __u32 *)&state.generation;
	struct asked a = { 0 };

	if (!generation || !read_query(&a, p))
		return -1;
	__u32 slot = find_question(&a.q);
	if (slot >= XDP_SLOTS)
		return -1;
	struct found f = held_in(slot, generation, p->is_v6);
	if (!f.h || !answers_it(f.h, f.at, &a.q))
		return -1;
	if (xdp_seal_set(f.seal)) {
		const __u64 is = find_client(&a, p, xdp_seal_set(f.seal));
		slot = xdp_client_slot(is);
		a.subnet |= xdp_client_scope(is);
		if (!is)
			return -1;
		f = held_in(slot, generation, p->is_v6);
		if (!f.h || !answers_it(f.h, f.at, &a.q))
			return -1;
	}
	const struct xdp_held_long *more = f.h->len > XDP_SHORT ? bpf_map_lookup_elem(&held_long, &f.at) : NULL;
	const int done = reply(c, p, &a, f.h, more);
	if (done == XDP_TX && is_still(&f)) {
		*f.given = f.n + 1; /* this processor alone writes it */
		return XDP_TX;
	}
	if (done < 0)
		return done;
	/* What asked is not there any more. */
	__sync_fetch_and_add(&state.broken_off, 1);
	return XDP_DROP;
}

/* The same where we answer what is asked often ourselves. */
SEC("xdp") int waymark_answers(struct xdp_md *c)
{
	struct packet p = { 0 };

	if (!is_ours(c, &p))
		return XDP_PASS;
	const int done = answer_held(c, &p);
	return done >= 0 ? done : redirect(c);
}

/* Functions of the kernel that are of the GPL alone are not called. */
char _license[] SEC("license") = "Dual BSD/GPL";
