// overview.jsx - the first look: what is wrong, how much is asked, and whose clients go where.
import { useContext, useMemo, useState } from "preact/hooks";
import { Chart } from "../chart.jsx";
import { colourOf, paint as paintOf } from "../colours.js";
import { link, Look, useCounted } from "../hooks.js";
import { useEdges, usePool, usePools, useTraffic, whyState } from "../model.js";
import { mapKey, useRegions } from "../regions.js";
import { Empty, Family, Head, Meter, Note, Panel, State } from "../ui.jsx";
import { count, ms, plural, share, span } from "../text.js";
import { Latency } from "./latency.jsx";
import { World } from "../world.jsx";

function Figures({ s, traffic, edges }) {
	const r = traffic.rates, by = n => edges.filter(e => e.state === n).length;
	const down = by("down"), drain = by("drain");
	return <dl class="figures">
		<div class="figure"><dt>Queries</dt><dd>{r ? count(r.all) : "–"}<small>a second; {count(s.udp_queries + s.tcp_queries + s.tls_queries + s.https_queries + s.quic_queries)} since the start</small></dd></div>
		<div class="figure"><dt>Steered</dt><dd>{r ? count(r.steered) : "–"}<small>a second; {count(s.unmet)} without an edge</small></dd></div>
		<div class={`figure ${down ? "bad" : ""}`}><dt>Edges up</dt><dd>{edges.length ? by("up") : "–"}<small>of {s.edges}; {down} down, {drain} drained</small></dd></div>
		<div class={`figure ${s.zones_faulty ? "bad" : ""}`}><dt>Zones</dt><dd>{count(s.zones)}<small>{s.zones_faulty ? `${s.zones_faulty} faulty` : `${count(s.records)} records`}{s.signed_zones ? `; ${count(s.signed_zones)} signed` : ""}</small></dd></div>
		<div class="figure"><dt>Up for</dt><dd>{span(s.uptime_s)}<small>{plural(s.threads, "thread")}; longest turn {(s.loop_longest_us / 1000).toFixed(1)} ms</small></dd></div>
	</dl>;
}

export function Overview({ status }) {
	const { dark } = useContext(Look), { list } = useEdges(), pools = usePools(), counted = useCounted(), traffic = useTraffic(counted);
	const [pool, setPool] = useState(""), [against, setAgainst] = useState(""), [v6, setV6] = useState(false);
	const s = status.value, paint = useMemo(() => paintOf(list), [list.map(e => e.edge).join()]);
	const names = pools.value ? pools.value.map(p => p.pool) : [], chosen = names.includes(pool) ? pool : names[0] || "";
	const map = useRegions(chosen, against, mapKey(s, list), v6);
	const rows = map.of && new Map(map.of.rows.map(e => [e.edge, e]));
	const members = usePool(chosen).value;
	const inPool = members ? new Map((members.edges || []).map(e => [e.edge, e])) : null;
	/* In the pool: there another probe may say how it is. */
	const stateIn = e => inPool && inPool.get(e.edge) ? inPool.get(e.edge).state : e.state;
	const marks = useMemo(() => list.filter(e => !inPool || inPool.has(e.edge)).map(e => {
		const r = rows && rows.get(e.edge), now = r && (map.of.compares ? r.new_share : r.old_share);
		return { edge: e.edge, lat: e.lat, lon: e.lon, state: against === `drain ${e.edge}` ? "drain" : against === `down ${e.edge}` ? "down" : stateIn(e), share: now,
			say: `${stateIn(e)}${now !== undefined ? `; ${share(now)} of the clients` : ""}${e.rate ? `; ${count(e.rate)} answers a second` : ""}. ${whyState(e)}` };
	}), [list, map.of, against, chosen, members]);
	if (!s)
		return status.error ? <Note kind="bad">{status.error.message}</Note> : null;
	const busiest = [...marks].sort((a, b) => (b.share || 0) - (a.share || 0)).slice(0, 14);
	return <>
		<Head title="Overview" about={s.ready === false ? "not ready yet" : undefined} />
		{s.alarms && s.alarms.length > 0 && <ul class="alarms note warn" aria-label="Alarms">{s.alarms.map(a => <li>{a}</li>)}</ul>}
		<Figures s={s} traffic={traffic} edges={list} />
		<div class="overview">
			<div class="stack">
				<Panel flush title="Who is served from where" about={map.of ? `${share(1 - map.of.old_unanswered_share)} of the clients, ${ms(map.of.old_ms)} on average` : ""}
					rest={<>
						<select aria-label="Pool" value={chosen} onChange={e => setPool(e.target.value)}>{names.map(n => <option>{n}</option>)}</select>
						<Family v6={v6} onChange={setV6} />
						<select aria-label="Compare with" value={against} onChange={e => setAgainst(e.target.value)}>
							<option value="">as it is</option>{s.stage && <option value="stage">what is staged</option>}
							<optgroup label="if it were drained">{list.filter(e => !inPool || inPool.has(e.edge)).slice(0, 500).map(e => <option value={`drain ${e.edge}`}>{e.edge}</option>)}</optgroup>
						</select></>}
					footer={<div class="legend"><State state="up" say="up, in its colour" /><State state="drain" say="drained" /><State state="down" say="down" /><span>a dot: clients of a place, larger where more are, in the colour of the edge that serves them</span>{map.moves.length > 0 && <span>an arrow: clients that {map.of && map.of.compares ? "would move" : "have just moved"}</span>}</div>}>
					<World edges={marks} regions={map.of} moves={map.moves} paint={paint} label={`World map: ${plural(marks.length, "edge")} of pool ${chosen}. The list beside it has the same numbers.`} />
					{map.error && <div class="body"><Note kind="warn">The clients' regions cannot be had: {map.error}</Note></div>}
					{map.of && map.of.compares && <div class="body"><Note kind="warn">{share(map.of.moved_share, 2)} of the clients would move: {share(map.of.worse_share, 2)} to a slower edge, {share(map.of.better_share, 2)} to a faster one; {ms(map.of.old_ms)} → {ms(map.of.new_ms)} on average.
						{against.startsWith("drain ") && <> <a href={link("edges", against.slice(6))}>Drain {against.slice(6)} …</a></>}{against === "stage" && <> <a href={link("rollout")}>Rollout</a></>}</Note></div>}
				</Panel>
				<div class="charts">
					<Panel title="Queries a second"><Chart label="Queries a second" names={["UDP", "TCP", "TLS", "HTTPS", "QUIC"].filter(n => n === "UDP" || traffic.rows.some(r => r[n] > 0))} kept={traffic} /></Panel>
					<Panel title="Response codes a second"><Chart label="Response codes a second" names={["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"]} kept={traffic} /></Panel>
					<Latency counted={counted} />
				</div>
			</div>
			<Panel flush title={`Edges of ${chosen || "…"}`} rest={<a href="#/edges">all</a>} footer={`Shares of the world's ${v6 ? "IPv6" : "IPv4"} clients, by GeoIP; answers a second as they are counted.`}>
				{busiest.length ? <ol class="rank">{busiest.map(e => {
					const one = list.find(x => x.edge === e.edge);
					return <li><i class="swatch" style={{ background: colourOf(paint, e.edge, dark) }} /><span class="row"><a class="name" href={link("edges", e.edge)}>{e.edge}</a>{e.state !== "up" && <State state={e.state} />}</span>
						<span class="nowrap">{share(e.share)} <span class="soft">· {one && one.rate !== undefined ? count(one.rate) : "–"}/s</span></span><Meter value={e.share} label={`${e.edge} ${share(e.share)}`} /></li>;
				})}</ol> : <Empty>{pools.value && !names.length ? "There is no pool." : "Loading …"}</Empty>}
			</Panel>
		</div>
	</>;
}
