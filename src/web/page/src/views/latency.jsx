// latency.jsx - how long answers take inside the server: its histogram, if it counts that.
import { useRef } from "preact/hooks";
import { Chart } from "../chart.jsx";
import { Panel } from "../ui.jsx";

const OVER_MS = 9000, MOST = 150;

// `counts`: [i] is of those under 2^i microseconds and not under half of it, the last of all longer ones. NaN: there are none.
export function quantile(counts, q) {
	const all = counts.reduce((a, b) => a + b, 0);
	let under = 0;
	for (let i = 0; i < counts.length; i++) {
		if (counts[i] && under + counts[i] >= q * all) {
			const low = i ? 2 ** (i - 1) : 0, high = i + 1 < counts.length ? 2 ** i : low;
			return low + (high - low) * Math.max(0, q * all - under) / counts[i];
		}
		under += counts[i];
	}
	return NaN;
}

const us = v => v === undefined || v === null ? "–" : v >= 1000 ? `${(v / 1000).toFixed(1)} ms` : `${v < 10 ? v.toFixed(1) : Math.round(v)} µs`;

export function Latency({ counted }) {
	const kept = useRef({ times: [], rows: [], looks: [] }), k = kept.current, now = counted.value;
	if (now && (!k.looks.length || counted.at > k.looks[k.looks.length - 1].at)) {
		if (k.looks.length && k.looks[0].started !== now.started)
			k.looks = [];
		k.looks.push({ at: counted.at, under: now.under_us, started: now.started });
		while (k.looks.length > 2 && k.looks[1].at < counted.at - OVER_MS)
			k.looks.shift();
		const counts = now.under_us.map((n, i) => n - k.looks[0].under[i]), at = q => { const v = quantile(counts, q); return Number.isNaN(v) ? undefined : v; };
		if (k.looks.length > 1) {
			k.times.push(counted.at / 1000);
			k.rows.push({ "half within": at(.5), "99 % within": at(.99) });
			if (k.times.length > MOST)
				for (const list of [k.times, k.rows])
					list.shift();
		}
	}
	const off = now && !now.duration_us && Object.values(now.queries).some(n => n > 0);
	return <Panel title="Time to an answer" about="inside the server">{off ? <p class="soft">Not counted: <code>management: {"{ metrics: on }"}</code> does it.</p>
		: <Chart label="Time to an answer" names={["half within", "99 % within"]} kept={k} unit={us} />}</Panel>;
}
