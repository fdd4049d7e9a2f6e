// quality.mjs - how good is city.mmdb, against the full database it was made from?
//
//	node quality.mjs DIR CITY.mmdb [COUNT]
//
// DIR holds the source files (build-default.sh leaves them in its WORKDIR). Asks both for COUNT random public IPv4
// addresses and as many in allocated IPv6 space, the latter three times: any address alike, any allocation alike, any
// entry of the full database (/48 or shorter) alike. The same COUNT and files give the same numbers.
import * as mmdb from './mmdb.mjs';
import { allocated6, covered } from './ranges.mjs';
import { bytes, is_reserved, networks } from './reserved.mjs';

const EDGES = {
	Ashburn: [39.04, -77.49], Chicago: [41.88, -87.63], Dallas: [32.78, -96.8], 'Los Angeles': [34.05, -118.24],
	Miami: [25.76, -80.19], Toronto: [43.65, -79.38], 'Sao Paulo': [-23.55, -46.63], Santiago: [-33.45, -70.67],
	London: [51.51, -0.13], Frankfurt: [50.11, 8.68], Madrid: [40.42, -3.7], Stockholm: [59.33, 18.06],
	Warsaw: [52.23, 21.01], Johannesburg: [-26.2, 28.05], Lagos: [6.52, 3.38], Dubai: [25.2, 55.27],
	Mumbai: [19.08, 72.88], Singapore: [1.35, 103.82], 'Hong Kong': [22.32, 114.17], Tokyo: [35.68, 139.69],
	Sydney: [-33.87, 151.21], Auckland: [-36.85, 174.76],
};

const [dir, file, count = 200000] = process.argv.slice(2);
const full = [4, 6].map(v => mmdb.open(`${dir}/dbip-city-ipv${v}.mmdb`));
const mask = allocated6(dir);
const lite = mmdb.open(file);

// xorshift32, seeded: everyone sees the same addresses.
let seed = 2463534242;
function random()
{
	seed ^= seed << 13;
	seed ^= seed >>> 17;
	seed ^= seed << 5;
	return seed >>> 0;
}

const rad = Math.PI / 180;
function km([a, b], [c, d])
{
	const h = Math.sin((c - a) * rad / 2) ** 2 + Math.cos(a * rad) * Math.cos(c * rad) * Math.sin((d - b) * rad / 2) ** 2;
	return 12742 * Math.asin(Math.min(1, Math.sqrt(h)));
}

function nearest(place)
{
	let best, least = Infinity;
	for (const e of Object.values(EDGES)) {
		const d = km(place, e);
		if (d < least)
			least = d, best = e;
	}
	return { edge: best, km: least };
}

const noise = b => { for (let i = 0; i < b.length; i++) b[i] = random() >>> 13; return b; };

function any4()
{
	for (;;) {
		const b = noise(new Uint8Array(4));
		if (!is_reserved(b) && mmdb.find(full[0], b) >= 0)
			return b;
	}
}

const wanted6 = b => !is_reserved(b) && mmdb.find(mask, b) >= 0 && mmdb.find(full[1], b) >= 0;

// A random way down a tree, where weight(record, depth) is what a record weighs, or undefined to look below it.
function walk6(db, weight)
{
	const sum = new Float64Array(db.nodes);
	const add = (r, d) => {
		const w = r === db.nodes ? 0 : weight(r, d);
		if (w !== undefined)
			return w;
		return sum[r] = add(db.tree[2 * r], d + 1) + add(db.tree[2 * r + 1], d + 1);
	};
	const of = (r, d) => r === db.nodes ? 0 : weight(r, d) ?? sum[r];
	add(0, 0);
	return () => {
		for (;;) {
			const b = noise(new Uint8Array(16));
			for (let r = 0, d = 0; r < db.nodes && weight(r, d) === undefined; d++) {
				const l = of(db.tree[2 * r], d + 1), t = of(db.tree[2 * r + 1], d + 1);
				const bit = random() / 2 ** 32 * (l + t) < l ? 0 : 1;
				b[d >> 3] = b[d >> 3] & ~(128 >> (d & 7)) | bit << (7 - (d & 7));
				r = db.tree[2 * r + bit];
			}
			if (wanted6(b))
				return b;
		}
	};
}

const whole = covered(mask);
const sized = walk6(mask, (r, d) => r > mask.nodes ? 2 ** (48 - d) : undefined);
const allocation = walk6(mask, (r, d) => d > 48 ? 0 : r > mask.nodes || whole[r] ? 1 : undefined);
const entry = walk6(full[1], (r, d) => r > full[1].nodes || d === 48 ? 1 : undefined);

const cache = [new Map(), new Map(), new Map()];
function place(db, i, r)
{
	let v = cache[i].get(r);
	if (!v) {
		const x = db.value(r);
		v = x.location ? { country: x.country.iso_code, at: [x.location.latitude, x.location.longitude] }
			: { country: x.country_code, at: [x.latitude, x.longitude] };
		v.near = nearest(v.at);
		cache[i].set(r, v);
	}
	return v;
}

function measure(name, pick, f)
{
	let country = 0, missing = 0, same = 0;
	const error = [], loss = [];
	for (let i = 0; i < count; i++) {
		const b = pick(), truth = place(full[f], f, mmdb.find(full[f], b)), r = mmdb.find(lite, b);
		if (r < 0) {
			missing++;
			continue;
		}
		const said = place(lite, 2, r), extra = km(truth.at, said.near.edge) - truth.near.km;
		country += said.country === truth.country;
		same += said.near.edge === truth.near.edge;
		error.push(km(truth.at, said.at));
		loss.push(extra);
	}
	const n = error.length, pc = x => (100 * x / n).toFixed(1) + ' %';
	const mean = a => (a.reduce((x, y) => x + y, 0) / n).toFixed(0);
	const at = (a, q) => a[Math.floor(q * n)].toFixed(0);
	error.sort((a, b) => a - b);
	loss.sort((a, b) => a - b);
	console.log(`| ${name} | ${pc(country)} | ${at(error, 0.5)} | ${at(error, 0.9)} | ${mean(error)} | ${pc(same)} `
		+ `| ${mean(loss)} | ${at(loss, 0.95)} | ${missing} |`);
}

console.log('| addresses | right country | km off: median | p90 | mean | same nearest edge '
	+ '| km lost: mean | p95 | no entry |');
console.log('|---|---|---|---|---|---|---|---|---|');
measure('IPv4, any address', any4, 0);
measure('IPv6, any address', sized, 1);
measure('IPv6, any allocation', allocation, 1);
measure('IPv6, any entry of the full one', entry, 1);

// What nobody has must have no entry: the reserved networks, and the unallocated blocks of IPv6 down to /24. Where
// IPv4 lies in IPv6 is no entry in this sense.
const empty = r => r === lite.nodes || r === lite.start4
	|| r < lite.nodes && empty(lite.tree[2 * r]) && empty(lite.tree[2 * r + 1]);

function empty_network(net)
{
	const [addr, len] = net.split('/'), b = bytes(addr);
	let at = b.length === 4 ? lite.start4 : 0;
	for (let i = 0; i < len && at < lite.nodes; i++)
		at = lite.tree[2 * at + (b[i >> 3] >> (7 - (i & 7)) & 1)];
	return empty(at);
}

function empty_holes(m, r, d)
{
	if (m > mask.nodes || d > 24 || r === lite.nodes || r === lite.start4)
		return true;
	if (m === mask.nodes)
		return empty(r);
	const down = bit => r < lite.nodes ? lite.tree[2 * r + bit] : r;
	return empty_holes(mask.tree[2 * m], down(0), d + 1) && empty_holes(mask.tree[2 * m + 1], down(1), d + 1);
}

const bad = networks.filter(n => !empty_network(n));
const global = db => [0, 0, 1].reduce((r, bit) => db.tree[2 * r + bit], 0);     // 2000::/3
console.log(bad.length ? `entries in reserved networks: ${bad.join(' ')}` : 'no entry in a reserved network');
const holes = empty_holes(global(mask), global(lite), 3);
console.log(`${holes ? 'no' : 'an'} entry in an unallocated IPv6 block of /24 or larger`);
