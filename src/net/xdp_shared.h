/* xdp_shared.h - what the program in the kernel and we have in common.
 */
#ifndef NET_XDP_SHARED_H
#define NET_XDP_SHARED_H

#include <linux/types.h>
#include <stdbool.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the program in the kernel reads words of little-endian machines"
#endif

enum {
	XDP_QUEUES_MOST = 256,
	XDP_OWN_MOST = 4096,    /* addresses, by port */
	XDP_FRAME_MOST = 1536,  /* bytes; a larger one is no query */
	XDP_DNS_HEAD = 12,
	XDP_NAME_MOST = 64,     /* of a question that is answered in the kernel */
	XDP_SLOTS = 4096,       /* answers that are held there */
	XDP_BYTES_MOST = 544,   /* of an answer behind its question */
	XDP_SHORT = 64,         /* ... that is held with its question, and copied without the kernel's help */
	XDP_NAME_SHORT = 32,    /* of a name that all of is there */
	XDP_OPT = 11,           /* bytes of an OPT record without options */
	XDP_SUBNET = 3,         /* bytes of a /24 */
	XDP_SUBNET_OPTION = 8 + XDP_SUBNET, /* bytes of the option that has it */
	XDP_GROUP = 16,         /* slots that are looked at together */
	XDP_GROUPS = XDP_SLOTS / XDP_GROUP,
	XDP_LINES_BITS = 18,
	XDP_LINES = 1 << XDP_LINES_BITS, /* of clients, at most; */
	XDP_LINES_BITS_LEAST = 12,       /* as long as they are few, so that these are near each other */
	XDP_LINE = 4,
	XDP_UP = 64             /* one in so many that could be steered in the kernel goes up all the same, by its ID */
};

/* What a question says besides. */
enum { XDP_EDNS = 1, XDP_DO = 2, XDP_ECS = 4 /* a /24 of IPv4 */ };

/* An address of ours, IPv4 in IPv6, and a port; both in network order. */
struct xdp_own {
	__be32 addr[4];
	__be16 port;
	__u16 unused; /* 0 */
};

/* Of class IN; all bits are part of the key. */
struct xdp_question {
	union {
		struct {
			__be16 type;
			__u8 says; /* XDP_EDNS and the others */
			__u8 len;  /* of the name */
			__u32 unused;
		};
		__u64 rest;
	};
	union {
		__u8 name[XDP_NAME_MOST]; /* wire, lower case, zero behind it */
		__u64 words[XDP_NAME_MOST / 8];
	};
};

/* An answer, as it was in that generation: there is one for odd and one for even ones, so that one that is
 * read is seldom written. Whoever has read it looks whether its seal is the one of before, for slots are given to others, and a
 * processor may be held up for as long as that takes. Most are in two lines of the cache next to each other, 32 in a page; what is longer
 * goes on in struct xdp_held_long. */
struct xdp_held {
	union {
		struct {
			__u32 generation; /* 0: it is being written */
			__u16 put;        /* another number each time that something is put here */
			__u16 set;        /* not 0: who asks decides, by what its client has in this set */
		};
		__u64 seal; /* read and written at once */
	};
	__u16 sum;       /* of words as they stand, as RFC 1071 has it: what is the same for all who ask */
	__u16 len;       /* of `bytes` */
	__u16 subnet_at; /* where in the message the asker's subnet goes, behind its scope; 0: nowhere */
	__be16 flags;    /* without RD, which is the asker's */
	union {
		__be16 counts[4];
		__u64 counts_word;
	};
	__u64 rest;                        /* of the question that it answers */
	__u64 words[XDP_NAME_SHORT / 8];   /* ... the first of its name */
	__u8 bytes[XDP_SHORT];             /* all behind the question, where `len` is no more */
} __attribute__((aligned(2 * 64)));

struct xdp_held_long {
	__u64 words[(XDP_NAME_MOST - XDP_NAME_SHORT) / 8]; /* of names over XDP_NAME_SHORT */
	__u8 bytes[XDP_BYTES_MOST];                        /* where `len` is over XDP_SHORT */
} __attribute__((aligned(64)));

/* Of such a word, as little-endian machines lay it out. */
static inline __u32 xdp_seal_generation(__u64 seal)
{
	return (__u32)seal;
}

static inline __u16 xdp_seal_set(__u64 seal)
{
	return (__u16)(seal >> 48);
}

/* How often a slot's answer was given on one processor, over IPv4 and IPv6, but for multiples of 2^32. Values of maps are of multiples
 * of 8 bytes. */
struct xdp_given {
	__u32 n[2];
};

/* What a client gets in a set is one number, so that it is read and written at once: its IPv4 address (or that
 * of its /24), the set (not 0), the scope of the answer and the slot that it is in. 0: nothing. */
enum { XDP_SLOT_BITS = 12, XDP_SCOPE_BITS = 6, XDP_SET_BITS = 14, XDP_SETS = 1 << XDP_SET_BITS };

struct xdp_line {
	__u64 of[XDP_LINE]; /* in no order */
};

/* A question's slot is one of two groups that its hash tells, and has its tag there; 0: no question's. So no numbers of slots are read, and
 * all tags are 8 KiB, which stay in the processor's cache where what is held does not: of all that an answer costs the program most is
 * waiting for memory. */
struct xdp_group {
	__u16 tags[XDP_GROUP];
} __attribute__((aligned(32)));

/* `seed` is drawn by lot, so that nobody can have many questions fall together. */
static inline __u64 xdp_question_hash(const struct xdp_question *q, __u64 seed)
{
	__u64 h = seed ^ q->rest;

	for (int i = 0; i < XDP_NAME_MOST / 8; i++) {
		if (q->len <= 8 * i)
			break;
		h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
		h ^= q->words[i];
	}
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	return (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
}

/* Not 0. */
static inline __u16 xdp_tag(__u64 hash)
{
	const __u16 tag = (__u16)(hash >> 32);

	return tag ? tag : 1;
}

/* The groups where it may be: the one that is looked at first, and another one. Which two they are is told by the tag and either of
 * them, so that of two questions that are alike in one group both see it. */
static inline __u32 xdp_first_group(__u64 hash)
{
	return (__u32)(hash >> 56) % XDP_GROUPS;
}

static inline __u32 xdp_second_group(__u64 hash)
{
	return xdp_first_group(hash) ^ ((xdp_tag(hash) % XDP_GROUPS) | 1);
}

static inline __u64 xdp_client(__u32 client, __u32 set)
{
	return (__u64)client << 32 | (__u64)set << (XDP_SCOPE_BITS + XDP_SLOT_BITS);
}

/* Of 1 << `bits`. */
static inline __u32 xdp_client_line(__u64 client, __u32 bits)
{
	return (__u32)((client >> (XDP_SCOPE_BITS + XDP_SLOT_BITS)) * 0x9e3779b97f4a7c15u >> ((64 - bits) & 63));
}

static inline bool xdp_client_is(__u64 is, __u64 client)
{
	return (is ^ client) >> (XDP_SCOPE_BITS + XDP_SLOT_BITS) == 0;
}

static inline __u32 xdp_client_slot(__u64 is)
{
	return is & ((1 << XDP_SLOT_BITS) - 1);
}

static inline __u8 xdp_client_scope(__u64 is)
{
	return is >> XDP_SLOT_BITS & ((1 << XDP_SCOPE_BITS) - 1);
}

/* What we write while the program runs, and it reads; but for the last. */
struct xdp_state {
	__u16 mac[3]; /* the card's address */
	__u16 lines_bits; /* of xdp_client_line() */
	__u32 generation; /* 0: nothing is answered in the kernel */
	__u64 seed __attribute__((aligned(8))); /* of xdp_question_hash() */
	struct xdp_own first[2]; /* of IPv4, of IPv6: one of those that are ours, most often the only one. Port 0: none */
	__u64 broken_off __attribute__((aligned(64))); /* answers that changed while they were written, so that their frames are gone */
};

/* Numbers of 64 bits begin elsewhere on some machines of 32: both compilers have to see the same. */
_Static_assert(__builtin_offsetof(struct xdp_state, seed) == 16 && __builtin_offsetof(struct xdp_state, first) == 24 &&
	__builtin_offsetof(struct xdp_state, broken_off) % 64 == 0, "the program and we share this");

#endif
