// timeline.jsx - what has become of edges and pools, by whom and why.
import { useMemo, useState } from "preact/hooks";
import { link, useWatch } from "../hooks.js";
import { Chip, Grid, Head, Loaded, Panel, State, useNarrow } from "../ui.jsx";
import { moment, plural, span } from "../text.js";

const FILL = { up: "var(--up)", drain: "var(--drain)", down: "var(--down)" }, LANES = 24;

// A lane for each edge that something has become of: its state over the time that is shown.
function Lanes({ list }) {
	const from = list[0].at_ms, to = Date.now(), at = t => 1000 * (t - from) / Math.max(1, to - from);
	const by = new Map();
	for (const h of list)
		if (h.edge && !h.pool && h.what !== "planned" && FILL[h.is])
			by.set(h.edge, [...(by.get(h.edge) || []), h]);
	const shown = [...by].sort((a, b) => b[1].length - a[1].length).slice(0, LANES);
	if (!shown.length)
		return null;
	return <Panel flush title={`The last ${span((to - from) / 1000)}`} about={by.size > LANES ? `${LANES} of ${by.size} edges, those that changed most` : ""} footer={<div class="legend"><span><State state="up" /></span><span><State state="drain" say="drained" /></span><span><State state="down" /></span></div>}>
		<div class="lanes">{shown.map(([edge, events]) => [<a class="name" href={link("edges", edge)}>{edge}</a>,
			<svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label={`${edge}: ${events.map(e => `${e.is} at ${moment(e.at_ms / 1000)}`).join(", ")}`}>
				{[{ at_ms: from, is: events[0].was }, ...events].map((e, i, all) => { const x = at(e.at_ms), end = i + 1 < all.length ? at(all[i + 1].at_ms) : 1000, tall = e.is === "down" ? 14 : e.is === "drain" ? 9 : 5;
					return <rect x={x} y={(14 - tall) / 2} width={Math.max(1.5, end - x)} height={tall} fill={FILL[e.is] || "var(--strong)"} />; })}
			</svg>])}</div>
	</Panel>;
}

export function Timeline() {
	const [of, setOf] = useState(""), [asked, setAsked] = useState(""), history = useWatch(`/history?${asked ? `of=${encodeURIComponent(asked)}&` : ""}last=500`, 10);
	const rows = useMemo(() => [...(history.value || [])].reverse(), [history.value]);
	const columns = [
		{ title: "Time", width: "150px", narrow: "132px", sort: h => -h.at_ms, cell: h => moment(h.at_ms / 1000) },
		{ title: "Of", width: "minmax(90px, 1fr)", narrow: "minmax(66px, 1fr)", sort: h => h.edge || h.pool, cell: h => h.edge ? <a class="name" href={link("edges", h.edge)}>{h.edge}</a> : <a class="name" href={link("pools", h.pool)}>{h.pool}</a> },
		{ title: "Was", width: "76px", wide: true, cell: h => <span class="soft">{h.was}</span> },
		{ title: "Is", width: "90px", sort: h => h.is, cell: h => /^(up|down|drain)$/.test(h.is) ? <State state={h.is} /> : <Chip>{h.is}</Chip> },
		{ title: "By", width: "130px", wide: true, sort: h => h.who, cell: h => <>{h.who} <span class="soft">{h.what}</span></> },
		{ title: "Why", width: "minmax(160px, 2.4fr)", wide: true, cell: h => <span title={h.why}>{h.why}{h.pool && h.edge && <span class="soft"> in {h.pool}</span>}</span> },
	];
	return <>
		<Head title="Timeline" about="What has become of edges and pools."><form onSubmit={e => { e.preventDefault(); setAsked(of.trim()); }}><input type="search" aria-label="An edge or a pool" placeholder="an edge or a pool" value={of} onInput={e => { setOf(e.target.value); if (!e.target.value) setAsked(""); }} /></form></Head>
		<Loaded of={history}>{list => <div class="stack">{list.length > 0 && <Lanes list={list} />}<Panel flush><Grid label="Events" columns={columns} rows={rows} keyOf={h => `${h.at_ms}${h.edge}${h.pool}${rows.indexOf(h)}`} most="520px" empty="Nothing has happened that is kept." /></Panel></div>}</Loaded>
	</>;
}
