// mmdb.mjs - read and write MaxMind DB files, format version 2.0.
//
// A search tree is a Uint32Array of two records a node: 2i is the zero bit's, 2i + 1 the one bit's. A record below
// the node count is a node, the node count itself means no entry, and what is above is an offset into the data
// section, plus the node count, plus 16.
import fs from 'node:fs';

const MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const T = { pointer: 1, string: 2, double: 3, bytes: 4, u16: 5, u32: 6, map: 7, i32: 8, u64: 9, u128: 10, array: 11,
	bool: 14, float: 15 };

// One value of a data section that starts at `base`; returns [value, offset after it].
export function decode(buf, base, at)
{
	let c = buf[base + at++], type = c >> 5;
	if (type === T.pointer) {
		const size = c >> 3 & 3;
		let v = size === 3 ? 0 : c & 7;
		for (let i = 0; i <= size; i++)
			v = v * 256 + buf[base + at++];
		return [decode(buf, base, v + [0, 2048, 526336, 0][size])[0], at];
	}
	if (type === 0)
		type = 7 + buf[base + at++];
	let n = c & 31;
	if (n === 29) n = 29 + buf[base + at++];
	else if (n === 30) { n = 285 + buf.readUInt16BE(base + at); at += 2; }
	else if (n === 31) { n = 65821 + buf.readUIntBE(base + at, 3); at += 3; }
	return decode_body(buf, base, at, type, n);
}

function decode_body(buf, base, at, type, n)
{
	const b = base + at;
	switch (type) {
	case T.map: {
		const m = {};
		for (let k, v; n > 0; n--) {
			[k, at] = decode(buf, base, at);
			[v, at] = decode(buf, base, at);
			m[k] = v;
		}
		return [m, at];
	}
	case T.array: {
		const a = [];
		for (let v; n > 0; n--) {
			[v, at] = decode(buf, base, at);
			a.push(v);
		}
		return [a, at];
	}
	case T.string: return [buf.toString('utf8', b, b + n), at + n];
	case T.double: return [buf.readDoubleBE(b), at + n];
	case T.float:  return [buf.readFloatBE(b), at + n];
	case T.bool:   return [n !== 0, at];
	case T.u16: case T.u32: case T.u64: case T.i32: {
		let v = 0;
		for (let i = 0; i < n; i++)
			v = v * 256 + buf[b + i];
		return [v, at + n];
	}
	default: throw new Error(`MaxMind DB: no decoder for data type ${type}`);
	}
}

// Opens a file: { meta, nodes, tree, value(record), start4 }.
export function open(path)
{
	const buf = fs.readFileSync(path);
	const mark = buf.lastIndexOf(MARK);
	if (mark < 0)
		throw new Error(`${path}: not a MaxMind DB file`);
	const meta = decode(buf, mark + MARK.length, 0)[0];
	const nodes = meta.node_count, tree = new Uint32Array(nodes * 2), bytes = meta.record_size / 4;
	for (let i = 0, p = 0; i < nodes; i++, p += bytes) {
		if (meta.record_size === 24) {
			tree[2 * i] = buf[p] << 16 | buf[p + 1] << 8 | buf[p + 2];
			tree[2 * i + 1] = buf[p + 3] << 16 | buf[p + 4] << 8 | buf[p + 5];
		} else if (meta.record_size === 28) {
			tree[2 * i] = (buf[p + 3] >> 4) << 24 | buf[p] << 16 | buf[p + 1] << 8 | buf[p + 2];
			tree[2 * i + 1] = (buf[p + 3] & 15) << 24 | buf[p + 4] << 16 | buf[p + 5] << 8 | buf[p + 6];
		} else {
			tree[2 * i] = buf.readUInt32BE(p);
			tree[2 * i + 1] = buf.readUInt32BE(p + 4);
		}
	}
	const base = nodes * bytes + 16;
	let start4 = 0;
	if (meta.ip_version === 6)
		for (let i = 0; i < 96 && start4 < nodes; i++)
			start4 = tree[2 * start4];
	return { meta, nodes, tree, start4, value: r => decode(buf, base, r - nodes - 16)[0] };
}

// The record for an address of 4 or 16 bytes, or -1.
export function find(db, addr)
{
	let at = addr.length === 4 ? db.start4 : 0;
	for (let i = 0; i < addr.length * 8 && at < db.nodes; i++)
		at = db.tree[2 * at + (addr[i >> 3] >> (7 - (i & 7)) & 1)];
	return at > db.nodes ? at : -1;
}

// --- writing ---

const ctl = (type, n) => {
	const head = t => type > 7 ? [t, type - 7] : [type << 5 | t];
	return n < 29 ? head(n) : n < 285 ? [...head(29), n - 29] : [...head(30), n - 285 >> 8, n - 285 & 255];
};

const pointer = at => at < 2048 ? [1 << 5 | at >> 8, at & 255]
	: at < 526336 ? [1 << 5 | 1 << 3 | at - 2048 >> 16, at - 2048 >> 8 & 255, at - 2048 & 255]
	: [1 << 5 | 2 << 3 | at - 526336 >>> 24, at - 526336 >> 16 & 255, at - 526336 >> 8 & 255, at - 526336 & 255];

const unsigned = (type, v) => {
	const b = [];
	for (; v > 0; v = Math.floor(v / 256))
		b.unshift(v % 256);
	return [...ctl(type, b.length), ...b];
};

// JavaScript has one number type, and a location is a double even when it is a whole number.
export class Double { constructor(v) { this.v = v; } }
export class Uint { constructor(v, type = T.u32) { this.v = v; this.type = type; } }
export const u16 = v => new Uint(v, T.u16), u32 = v => new Uint(v), u64 = v => new Uint(v, T.u64);

// A data section that says nothing twice: a string or a map that was written before becomes a pointer to it.
export class Data {
	constructor() { this.bytes = []; this.seen = new Map(); }

	// Writes a value on its own and returns its offset.
	put(value)
	{
		const key = Data.key(value);
		let at = this.seen.get(key);
		if (at === undefined) {
			const body = this.body(value);
			at = this.bytes.length;
			for (const b of body)
				this.bytes.push(b);
			this.seen.set(key, at);
		}
		return at;
	}

	static key(v) { return JSON.stringify(v, (k, x) => x instanceof Double ? `d${x.v}` : x); }

	// A part of another value: in place while that is shorter than a pointer, else a pointer.
	part(v)
	{
		return typeof v === 'string' && Buffer.byteLength(v) < 2 || v instanceof Double || v instanceof Uint
			? this.body(v) : pointer(this.put(v));
	}

	body(v)
	{
		if (typeof v === 'string')
			return [...ctl(T.string, Buffer.byteLength(v)), ...Buffer.from(v)];
		if (v instanceof Uint)
			return unsigned(v.type, v.v);
		if (v instanceof Double) {
			const b = Buffer.alloc(8);
			b.writeDoubleBE(v.v);
			return [...ctl(T.double, 8), ...b];
		}
		if (Array.isArray(v))
			return [...ctl(T.array, v.length), ...v.flatMap(x => this.part(x))];
		const keys = Object.keys(v);
		return [...ctl(T.map, keys.length), ...keys.flatMap(k => [...this.part(k), ...this.part(v[k])])];
	}
}

// The metadata stands outside the data section, so it has no pointers.
function plain(v)
{
	const d = new Data();
	d.part = x => d.body(x);
	return d.body(v);
}

// Writes a file with 24-bit or 32-bit records. `tree` is as above, `meta` lacks only what is counted here.
export function write(path, tree, data, meta)
{
	const nodes = tree.length / 2, wide = nodes + 16 + data.bytes.length >= 1 << 24;
	const records = Buffer.alloc(tree.length * (wide ? 4 : 3));
	for (let i = 0; i < tree.length; i++)
		if (wide)
			records.writeUInt32BE(tree[i], 4 * i);
		else
			records.writeUIntBE(tree[i], 3 * i, 3);
	const head = plain({ binary_format_major_version: u16(2), binary_format_minor_version: u16(0), ...meta,
		node_count: u32(nodes), record_size: u16(wide ? 32 : 24) });
	fs.writeFileSync(path, Buffer.concat([records, Buffer.alloc(16), Buffer.from(data.bytes), MARK, Buffer.from(head)]));
}
