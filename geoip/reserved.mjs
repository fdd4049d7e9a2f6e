// reserved.mjs - networks no client on the public Internet has, from the IANA special-purpose address registries
// (RFC 6890 and its updates). The city database has no entry for them.
const v4 = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
	192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3`;

// All outside 2000::/3, and within it Teredo, benchmarking, ORCHID, documentation and 6to4 (which is an alias of IPv4).
const v6 = `0::/3 4000::/2 8000::/1 2001::/32 2001:2::/48 2001:10::/28 2001:20::/28 2001:db8::/32 2002::/16 3fff::/20`;

// The 4 or 16 bytes of an address.
export function bytes(text)
{
	if (!text.includes(':'))
		return Uint8Array.from(text.split('.'), Number);
	const [head, tail] = text.split('::').map(s => s ? s.split(':') : []);
	const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
	return Uint8Array.from(groups.flatMap(g => { const n = parseInt(g, 16); return [n >> 8, n & 255]; }));
}

// A trie of pairs; a reserved network ends in `true`.
function trie(list)
{
	const root = [];
	for (const net of list.split(/\s+/)) {
		const [addr, len] = net.split('/'), b = bytes(addr);
		let at = root;
		for (let i = 0; i < len; i++) {
			const bit = b[i >> 3] >> (7 - (i & 7)) & 1;
			if (i + 1 === Number(len))
				at[bit] = true;
			else
				at = at[bit] ??= [];
		}
	}
	return root;
}

export const networks = [...v4.split(/\s+/), ...v6.split(/\s+/)];
export const reserved4 = trie(v4), reserved6 = trie(v6);

export function is_reserved(addr)
{
	let at = addr.length === 4 ? reserved4 : reserved6;
	for (let i = 0; Array.isArray(at); i++)
		at = at[addr[i >> 3] >> (7 - (i & 7)) & 1];
	return at === true;
}
