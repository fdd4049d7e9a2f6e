// build-default.mjs - make the small city database that ships: city.mmdb.
//
//	node build-default.mjs DIR OUT
//
// DIR holds the source files (build-default.sh fetches them). Locations are snapped to one point for each country
// and degree cell; then the search tree is cut where that loses least, until the file fits. Nothing here depends on
// the clock, on chance or on a libm (sine and cosine are our own), so the same sources give the same bytes.
import fs from 'node:fs';
import * as mmdb from './mmdb.mjs';
import { allocated6, covered } from './ranges.mjs';
import { bytes, reserved4, reserved6 } from './reserved.mjs';

const [dir, out] = process.argv.slice(2);

const BYTES = 5e6;                      // how large the file may be
const CELL = 1;                         // degrees; half of it, or 1.5, steers worse at this size
const KM_PER_WRONG_COUNTRY = 1000;
const V6_SHARES = [0.1, 1, 1];          // what the views of IPv6 weigh (see views6), where IPv4 weighs 1
const GAP = 24;                         // unallocated IPv6 blocks of this prefix length or shorter get no entry
const CANDIDATES = 5;                   // how many cells are tried as the one answer of a subtree
const CONTINENT = { RU: 'EU' };         // where the list of countries says otherwise than the other databases do
const EARTH_KM = 6371;

const NONE = -1, ANY = -2;              // a leaf without an entry; a leaf nobody asks for
const say = (...s) => process.stderr.write(s.join(' ') + '\n');

// --- places ---

// The unit vector of a place. Sine and cosine by their series: a libm may differ in the last bit.
function sincos(deg)
{
	const x = deg * (3.141592653589793 / 180), q = x * x;
	let s = 1, c = 1;
	for (let k = 16; k > 0; k--) {
		s = 1 - q / (2 * k * (2 * k + 1)) * s;
		c = 1 - q / ((2 * k - 1) * 2 * k) * c;
	}
	return [x * s, c];
}

function vector(lat, lon)
{
	const [sa, ca] = sincos(lat), [so, co] = sincos(lon);
	return [ca * co, ca * so, sa];
}

// One point for each country and degree cell, at the weighted mean of what fell into it.
class Cells {
	constructor() { this.index = new Map(); this.all = []; this.of = [new Map(), new Map()]; }

	add(family, record, place, weight)
	{
		let known = this.of[family].get(record);
		if (!known) {
			const { country_code: country, latitude: lat, longitude: lon } = place();
			known = { cell: this.around(country, lat, lon), lat, lon };
			this.of[family].set(record, known);
		}
		known.cell.weight += weight;
		known.cell.lat += known.lat * weight;
		known.cell.lon += known.lon * weight;
	}

	around(country, lat, lon)
	{
		const key = `${country} ${Math.floor(lat / CELL)} ${Math.floor(lon / CELL)}`;
		let cell = this.index.get(key);
		if (!cell) {
			cell = { id: this.all.length, country, weight: 0, lat: 0, lon: 0 };
			this.index.set(key, cell);
			this.all.push(cell);
		}
		return cell;
	}

	id(family, record) { return this.of[family].get(record).cell.id; }

	seal()
	{
		const n = this.all.length, countries = [...new Set(this.all.map(c => c.country))].sort();
		this.x = new Float64Array(n), this.y = new Float64Array(n), this.z = new Float64Array(n);
		this.country = new Int32Array(n);
		for (const c of this.all) {
			c.lat = Math.round(c.lat / c.weight * 1e4) / 1e4;
			c.lon = Math.round(c.lon / c.weight * 1e4) / 1e4;
			[this.x[c.id], this.y[c.id], this.z[c.id]] = vector(c.lat, c.lon);
			this.country[c.id] = countries.indexOf(c.country);
		}
	}

	// What it costs to say `b` of an address that is in `a`: km through the Earth, and more for the wrong country.
	cost(a, b)
	{
		const x = this.x[a] - this.x[b], y = this.y[a] - this.y[b], z = this.z[a] - this.z[b];
		return EARTH_KM * Math.sqrt(x * x + y * y + z * z)
			+ (this.country[a] === this.country[b] ? 0 : KM_PER_WRONG_COUNTRY);
	}
}

// --- the sources, laid over each other ---

// Walks `city` with the reserved networks taken out, calling leaf(record, depth, depth of its allocation) and
// join(left, right) from the bottom up; record is NONE or ANY or one of the file's. `mask` is null or the allocations:
// a hole in them is nobody's, whatever the city file says.
function overlay(city, reserved, mask, { leaf, join })
{
	const full = mask && covered(mask);
	const step = (r, m, z, d, a) => {
		if (z === true)
			return leaf(NONE, d);
		if (mask && m === mask.nodes)
			a ??= d;                // a hole; a reserved network may still lie in it
		if (z === undefined && m !== undefined) {
			if (m === mask.nodes)
				return leaf(a <= GAP ? NONE : ANY, d);
			if (m > mask.nodes || full[m]) {
				m = undefined;
				a = d;
			}
		}
		if (z === undefined && m === undefined && r >= city.nodes)
			return leaf(r === city.nodes ? NONE : r, d, a);
		const r0 = r < city.nodes ? city.tree[2 * r] : r, r1 = r < city.nodes ? city.tree[2 * r + 1] : r;
		const inner = m !== undefined && m < mask.nodes;
		const m0 = inner ? mask.tree[2 * m] : m, m1 = inner ? mask.tree[2 * m + 1] : m;
		const left = step(r0, m0, z?.[0], d + 1, a);
		return join(left, step(r1, m1, z?.[1], d + 1, a));
	};
	return step(0, mask ? 0 : undefined, reserved, 0);
}

// What an entry weighs, `d` bits deep in an allocation of `a` bits. In IPv4, its addresses. In IPv6 sizes say little
// of use: a /20 is no 256 million homes. So there are three views: any address is like any other; an allocation
// counts by the square root of its /48s, and its addresses are alike; an entry of the source counts by the square
// root of its /48s, for it would not be there if nobody were.
const nothing = () => 0;
const root48 = d => d > 48 ? 2 ** (48 - d) : 2 ** ((48 - d) >> 1) * ((48 - d) & 1 ? Math.SQRT2 : 1);
const views4 = [d => 2 ** (32 - d)];
const views6 = [d => 2 ** (48 - d), (d, a) => root48(a) * 2 ** (a - d), root48];

function scales(layers, views, shares)
{
	const sums = views.map(nothing);
	const leaf = (r, d, a) => {
		if (r >= 0)
			views.forEach((v, i) => { sums[i] += v(d, a); });
	};
	overlay(...layers, { leaf, join: nothing });
	return (d, a) => views.reduce((w, v, i) => w + shares[i] * v(d, a) / sums[i], 0);
}

// --- one tree of cells ---

// Nodes come after their children; a leaf is ~index into `cell` and `weight`. Where all below is one cell, that
// is a leaf already.
class Tree {
	constructor(room)
	{
		this.left = new Int32Array(room), this.right = new Int32Array(room), this.nodes = 0;
		this.cell = new Int32Array(room), this.weight = new Float64Array(room), this.leaves = 0;
	}

	leaf(cell, weight)
	{
		this.cell[this.leaves] = cell;
		this.weight[this.leaves] = weight;
		return ~this.leaves++;
	}

	join(a, b)
	{
		if (a < 0 && b < 0 && this.cell[~a] === this.cell[~b]) {
			// the two newest leaves: the right one is given back
			this.leaves--;
			this.weight[~a] += this.weight[~b];
			return a;
		}
		this.left[this.nodes] = a;
		this.right[this.nodes] = b;
		return this.nodes++;
	}
}

// --- cutting ---

// For every node the one cell that would serve all below it best, and what that would cost.
class Cutter {
	constructor(tree, cells)
	{
		this.t = tree, this.cells = cells;
		this.best = new Int32Array(tree.nodes).fill(NONE), this.cost = new Float64Array(tree.nodes);
		this.cut = new Uint8Array(tree.nodes), this.loss = new Float64Array(tree.nodes);
		this.id = new Int32Array(1 << 20), this.w = new Float64Array(1 << 20);  // a stack of histograms
	}

	prepare(root) { this.histogram(root, 0); }

	// Puts the cells below `at`, and their weights, on the stack at `base`, sorted by cell; returns how many they
	// are, or -1 where a part has no entry, so that no answer may cover it.
	histogram(at, base)
	{
		if (at < 0) {
			const cell = this.t.cell[~at];
			if (cell < 0)
				return cell === NONE ? -1 : 0;
			this.id[base] = cell;
			this.w[base] = this.t.weight[~at];
			return 1;
		}
		const a = this.histogram(this.t.left[at], base);
		const b = this.histogram(this.t.right[at], base + Math.max(a, 0));
		if (a < 0 || b < 0) {
			this.cost[at] = Infinity;
			return -1;
		}
		const n = this.merge(base, a, b);
		this.choose(at, base, n);
		return n;
	}

	merge(base, a, b)
	{
		const { id, w } = this, end = base + a + b, mid = base + a;
		let i = base, j = mid, n = end;
		while (i < mid || j < end) {
			if (j === end || i < mid && id[i] < id[j]) {
				id[n] = id[i], w[n++] = w[i++];
			} else if (i === mid || id[j] < id[i]) {
				id[n] = id[j], w[n++] = w[j++];
			} else {
				id[n] = id[i], w[n++] = w[i++] + w[j++];
			}
		}
		id.copyWithin(base, end, n);
		w.copyWithin(base, end, n);
		return n - end;
	}

	// Tries the heaviest cells and the children's choices.
	choose(at, base, n)
	{
		const tries = this.heaviest(base, n);
		for (const child of [this.t.left[at], this.t.right[at]])
			if (child >= 0 && this.best[child] >= 0 && !tries.includes(this.best[child]))
				tries.push(this.best[child]);
		this.cost[at] = n > 0 ? Infinity : 0;
		for (const c of tries) {
			let sum = 0;
			for (let i = base; i < base + n && sum < this.cost[at]; i++)
				if (this.id[i] !== c)
					sum += this.w[i] * this.cells.cost(this.id[i], c);
			if (sum < this.cost[at]) {
				this.cost[at] = sum;
				this.best[at] = c;
			}
		}
	}

	heaviest(base, n)
	{
		const top = [];
		for (let i = base; i < base + n; i++) {
			let k = top.length;
			if (k === CANDIDATES && this.w[i] <= this.w[top[k - 1]])
				continue;
			while (k > 0 && this.w[top[k - 1]] < this.w[i])
				k--;
			top.splice(k, 0, i);
			if (top.length > CANDIDATES)
				top.pop();
		}
		return top.map(i => this.id[i]);
	}

	// Decides where to cut when a node is worth `price`.
	decide(price)
	{
		const { left, right, nodes } = this.t;
		for (let i = 0; i < nodes; i++) {
			const a = left[i], b = right[i];
			const split = price + (a < 0 ? 0 : this.loss[a]) + (b < 0 ? 0 : this.loss[b]);
			this.cut[i] = this.cost[i] <= split ? 1 : 0;
			this.loss[i] = this.cut[i] ? this.cost[i] : split;
		}
	}
}

// --- the output tree ---

// Equal subtrees are stored once, which any reader takes: it only ever walks down. A record here is 0 for no
// entry, up to `cells` for cell number record - 1, and above that a node.
class Output {
	constructor(cells) { this.first = cells + 1, this.left = [], this.right = [], this.known = new Map(); }

	node(a, b)
	{
		if (a === b && a < this.first)
			return a;
		const key = a * 0x1000000 + b;
		let n = this.known.get(key);
		if (n === undefined) {
			n = this.first + this.left.length;
			this.left.push(a);
			this.right.push(b);
			this.known.set(key, n);
		}
		return n;
	}

	add(cutter, at)
	{
		if (at < 0)
			return Math.max(cutter.t.cell[~at], NONE) + 1;
		if (cutter.cut[at])
			return cutter.best[at] + 1;
		const a = this.add(cutter, cutter.t.left[at]);
		return this.node(a, this.add(cutter, cutter.t.right[at]));
	}

	// `root` with the network of `depth` bits in `b` (which has no entry there) replaced by `record`.
	graft(root, b, depth, record, at = 0)
	{
		if (at === depth)
			return record;
		const inner = root >= this.first;
		let l = inner ? this.left[root - this.first] : root, r = inner ? this.right[root - this.first] : root;
		if (b[at >> 3] >> (7 - (at & 7)) & 1)
			r = this.graft(r, b, depth, record, at + 1);
		else
			l = this.graft(l, b, depth, record, at + 1);
		return this.node(l, r);
	}

	// The nodes from `root` in the order of a walk, and which cells they use.
	flatten(root)
	{
		const number = new Int32Array(this.left.length).fill(-1), order = [], used = new Set();
		const visit = r => {
			if (r < this.first) {
				if (r > 0)
					used.add(r - 1);
			} else if (number[r - this.first] < 0) {
				number[r - this.first] = order.push(r - this.first) - 1;
				visit(this.left[r - this.first]);
				visit(this.right[r - this.first]);
			}
		};
		visit(root);
		return { number, order, used };
	}
}

function assemble(cells, cutters, roots)
{
	const o = new Output(cells.all.length);
	const v4 = o.add(cutters[0], roots[0]);
	let root = o.add(cutters[1], roots[1]);
	for (const [net, depth] of [['::', 96], ['::ffff:0:0', 96], ['2002::', 16]])
		root = o.graft(root, bytes(net), depth, v4);
	return { o, ...o.flatten(root) };
}

// The data section: the GeoIP2-City layout, as far as a snapped place has a meaning.
function describe(cells, used, countries)
{
	const data = new mmdb.Data(), at = new Map();
	for (const id of [...used].sort((a, b) => cells.all[b].weight - cells.all[a].weight || a - b)) {
		const c = cells.all[id], { continent, name } = countries[c.country];
		at.set(id, data.put({
			continent: { code: CONTINENT[c.country] ?? continent },
			country: { iso_code: c.country, names: { en: name } },
			location: { latitude: new mmdb.Double(c.lat), longitude: new mmdb.Double(c.lon) },
		}));
	}
	return { data, at };
}

function save(file, cells, { o, number, order, used }, countries)
{
	const { data, at } = describe(cells, used, countries), tree = new Uint32Array(order.length * 2);
	const record = r => r >= o.first ? number[r - o.first]
		: r === 0 ? order.length : order.length + 16 + at.get(r - 1);
	order.forEach((n, i) => {
		tree[2 * i] = record(o.left[n]);
		tree[2 * i + 1] = record(o.right[n]);
	});
	return mmdb.write(file, tree, data, {
		build_epoch: mmdb.u64(city[0].meta.build_epoch), database_type: 'Waymark-City-Lite',
		description: { en: 'Places to the nearest degree or so. IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0, '
			+ 'modified: see geoip/README.md of Waymark' },
		ip_version: mmdb.u16(6), languages: ['en'],
	});
}

// --- all of it ---

const city = [4, 6].map(v => mmdb.open(`${dir}/dbip-city-ipv${v}.mmdb`));
const mask = allocated6(dir);
const countries = JSON.parse(fs.readFileSync(`${dir}/countries.min.json`));
const layers = [[city[0], reserved4, null], [city[1], reserved6, mask]];
const weigh = [scales(layers[0], views4, [1]), scales(layers[1], views6, V6_SHARES)];
const lap = (t => s => { say(s, ((Date.now() - t) / 1000).toFixed(1) + ' s'); })(Date.now());

const cells = new Cells();
layers.forEach((l, f) => overlay(...l, {
	leaf: (r, d, a) => { if (r >= 0) cells.add(f, r, () => city[f].value(r), weigh[f](d, a)); }, join: nothing }));
cells.seal();
lap(`${cells.all.length} cells`);

const roots = [], cutters = layers.map((l, f) => {
	const tree = new Tree(city[f].nodes + (mask.nodes >> 1) + 1000);
	roots[f] = overlay(...l, { join: (a, b) => tree.join(a, b),
		leaf: (r, d, a) => r < 0 ? tree.leaf(r, 0) : tree.leaf(cells.id(f, r), weigh[f](d, a)) });
	lap(`IPv${f ? 6 : 4}: ${tree.nodes} nodes of cells`);
	const c = new Cutter(tree, cells);
	c.prepare(roots[f]);
	lap('histograms');
	return c;
});

// The file but for its metadata, which is less than 512 bytes.
const size = r => r.order.length * 6 + describe(cells, r.used, countries).data.bytes.length + 528;
let low = 1e-12, high = 1e3, result;
while (high / low > 1.001) {
	const price = Math.sqrt(low * high);
	for (const c of cutters)
		c.decide(price);
	const r = assemble(cells, cutters, roots);
	if (size(r) <= BYTES)
		high = price, result = r;
	else
		low = price;
}
for (const c of cutters)
	c.decide(high);
result = assemble(cells, cutters, roots);
lap(`${result.order.length} nodes, ${result.used.size} cells, at ${high.toExponential(3)} km a node`);
save(out, cells, result, countries);
lap(`${out}: ${fs.statSync(out).size} bytes`);
