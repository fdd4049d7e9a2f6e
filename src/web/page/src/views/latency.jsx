// latency.jsx - how long answers take inside the server: its histogram, if it counts that.
import { useEffect, useRef, useState } from "preact/hooks";
import { Chart } from "../chart.jsx";
import { Panel } from "../ui.jsx";

const EVERY_MS = 10000, MOST = 60;

// The histogram's counts below each bound, in seconds.
export function bucketsOf(text) {
	const list = [];
	for (const [, le, n] of text.matchAll(/^waymark_answer_duration_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)$/gm))
		list.push([le === "+Inf" ? Infinity : Number(le), Number(n)]);
	return list.sort((a, b) => a[0] - b[0]);
}

export function quantile(buckets, before, q) {
	const n = buckets.map(([le, v], i) => [le, v - (before[i] ? before[i][1] : 0)]), all = n.length ? n[n.length - 1][1] : 0;
	if (!(all > 0))
		return undefined;
	let low = 0, under = 0;
	for (const [le, v] of n) {
		if (v >= q * all)
			return le === Infinity ? low : low + (le - low) * (q * all - under) / Math.max(1, v - under);
		low = le;
		under = v;
	}
	return low;
}

const us = v => v === undefined ? "–" : v >= 1000 ? `${(v / 1000).toFixed(1)} ms` : `${v < 10 ? v.toFixed(1) : Math.round(v)} µs`;

export function Latency() {
	const kept = useRef({ times: [], rows: [], before: null }), [state, setState] = useState("");
	useEffect(() => {
		let timer, gone = false;
		const ask = async () => {
			if (!document.hidden)
				try {
					const r = await fetch("/metrics", { cache: "no-store", credentials: "omit" }), k = kept.current;
					if (r.status === 404)
						return setState("off");
					const now = bucketsOf(await r.text());
					if (k.before) {
						const at = q => { const v = quantile(now, k.before, q); return v === undefined ? undefined : v * 1e6; };
						k.times.push(Date.now() / 1000);
						k.rows.push({ "half within": at(.5), "99 % within": at(.99) });
						if (k.times.length > MOST)
							for (const list of [k.times, k.rows])
								list.shift();
					}
					k.before = now;
					setState(`${k.times.length} ${Date.now()}`);
				} catch { /* the next time */ }
			if (!gone)
				timer = setTimeout(ask, kept.current.times.length ? EVERY_MS : 2500);
		};
		ask();
		return () => { gone = true; clearTimeout(timer); };
	}, []);
	return <Panel title="Time to an answer">{state === "off" ? <p class="soft">Not counted: <code>management: {"{ metrics: on }"}</code> does it.</p>
		: <Chart label="Time to an answer" names={["half within", "99 % within"]} kept={kept.current} unit={us} />}</Panel>;
}
