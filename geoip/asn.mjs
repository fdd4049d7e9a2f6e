// asn.mjs - make an ASN database in MaxMind DB format from lists of address ranges.
//
//	node asn.mjs OUT.mmdb CSV...
import * as mmdb from './mmdb.mjs';
import { Ranges, read_list } from './ranges.mjs';

const [out, ...files] = process.argv.slice(2);
const data = new mmdb.Data(), ranges = new Ranges(), known = new Map();

for (const file of files)
	read_list(file, (first, last, asn, name) => {
		const key = `${asn} ${name}`;
		let at = known.get(key);
		if (at === undefined) {
			at = data.put({ autonomous_system_number: mmdb.u32(asn), autonomous_system_organization: name });
			known.set(key, at);
		}
		ranges.range(first, last, at);
	});

const { tree, nodes } = ranges.seal();
mmdb.write(out, tree, data, {
	build_epoch: mmdb.u64(Math.floor(Date.now() / 1000)), database_type: 'Waymark-ASN',
	description: { en: 'AS numbers by Route Views (routeviews.org), NRO (nro.net) and DB-IP (https://db-ip.com), CC BY 4.0' },
	ip_version: mmdb.u16(6), languages: ['en'],
});
process.stderr.write(`${out}: ${known.size} autonomous systems, ${nodes} nodes\n`);
