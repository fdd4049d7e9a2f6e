// ranges.mjs - lists of address ranges, as search trees.
//
// Addresses are 128-bit BigInts, IPv4 under ::/96. The lists are CSV: first address, last address, AS number,
// organization (quoted where it has a comma).
import fs from 'node:fs';
import * as mmdb from './mmdb.mjs';
import { bytes } from './reserved.mjs';

export class Ranges {
	// Records while it grows: 0 for no entry, odd for a value at record >> 1, even for a node at record >> 1.
	constructor() { this.tree = new Uint32Array(1 << 16), this.nodes = 1; }

	node(record)
	{
		if (2 * this.nodes === this.tree.length) {
			const more = new Uint32Array(2 * this.tree.length);
			more.set(this.tree);
			this.tree = more;
		}
		this.tree[2 * this.nodes] = this.tree[2 * this.nodes + 1] = record;
		return this.nodes++;
	}

	// The network at `first`, `depth` bits wide, has `value`, whatever was there.
	network(first, depth, value)
	{
		let at = 0;
		for (let d = 0; ; d++) {
			const slot = 2 * at + Number(first >> BigInt(127 - d) & 1n);
			if (d === depth - 1) {
				this.tree[slot] = value << 1 | 1;
				return;
			}
			if (this.tree[slot] === 0 || this.tree[slot] & 1) {
				const fresh = this.node(this.tree[slot]);
				this.tree[slot] = fresh * 2;
			}
			at = this.tree[slot] >> 1;
		}
	}

	// The fewest networks that make up a range.
	range(first, last, value)
	{
		while (first <= last) {
			let bits = 0;
			while (bits < 127 && !(first >> BigInt(bits) & 1n) && first + (2n << BigInt(bits)) - 1n <= last)
				bits++;
			this.network(first, 128 - bits, value);
			first += 1n << BigInt(bits);
		}
	}

	// The tree with records as mmdb.mjs has them, values being data offsets.
	seal()
	{
		const n = this.nodes;
		return { nodes: n, tree: this.tree.subarray(0, 2 * n).map(r =>
			r === 0 ? n : r & 1 ? n + 16 + (r >>> 1) : r >>> 1) };
	}
}

const number = text => bytes(text).reduce((n, b) => n << 8n | BigInt(b), 0n);

// Calls each(first, last, asn, organization) for every line of a list.
export function read_list(path, each)
{
	for (const line of fs.readFileSync(path, 'utf8').split('\n')) {
		const m = /^([^,]+),([^,]+),(\d+),(?:"((?:[^"]|"")*)"|(.*))$/.exec(line);
		if (m)
			each(number(m[1]), number(m[2]), Number(m[3]), (m[4]?.replaceAll('""', '"') ?? m[5]).trim());
		else if (line)
			throw new Error(`${path}: not a range: ${line}`);
	}
}

// Which nodes of a tree have no hole below them.
export function covered({ nodes, tree })
{
	const full = new Uint8Array(nodes);
	const step = r => r >= nodes ? Number(r > nodes) : full[r] = step(tree[2 * r]) & step(tree[2 * r + 1]);
	step(0);
	return full;
}

// The IPv6 space that somebody has: what the registries' data knows, and what is announced (the former misses some
// of Africa's).
export function allocated6(dir)
{
	const all = new Ranges(), whois = mmdb.open(`${dir}/geo-whois-asn-country-ipv6.mmdb`), full = covered(whois);
	read_list(`${dir}/asn-ipv6.csv`, (first, last) => all.range(first, last, 0));
	const step = (r, first, d) => {
		if (r === whois.nodes)
			return;
		if (r > whois.nodes || full[r]) {
			all.network(first, d, 0);
			return;
		}
		step(whois.tree[2 * r], first, d + 1);
		step(whois.tree[2 * r + 1], first | 1n << BigInt(127 - d), d + 1);
	};
	step(0, 0n, 0);
	return all.seal();
}
