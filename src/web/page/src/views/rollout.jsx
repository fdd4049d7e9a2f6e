// rollout.jsx - a new configuration: for a share of the clients first, who would move, and then for all or for nobody.
import { useMemo, useRef, useState } from "preact/hooks";
import { Chart } from "../chart.jsx";
import { again, post } from "../api.js";
import { useCounted, useMay } from "../hooks.js";
import { paint as paintOf } from "../colours.js";
import { useEdges, usePool, usePools, useTraffic } from "../model.js";
import { mapKey, useRegions } from "../regions.js";
import { Button, Chip, Dialog, Empty, Facts, Family, Field, Head, Note, Panel, useDoing } from "../ui.jsx";
import { count, ms, moment, plural, share } from "../text.js";
import { World } from "../world.jsx";

function Faults({ said }) {
	return <div class="stack">
		<Note kind={said.errors ? "bad" : said.taken ? "good" : ""}>{said.taken ? "Taken" : "Nothing new"}: {plural(said.zones || 0, "zone")}, {plural(said.pools || 0, "pool")}, {plural(said.edges || 0, "edge")}{said.errors ? `; ${plural(said.errors, "error")}: what is wrong is served on as it was` : ""}.</Note>
		{(said.faults || []).length > 0 && <div class="scroll"><table class="terms"><thead><tr><th>Where</th><th /><th>What</th></tr></thead><tbody>{said.faults.map(f => <tr><td class="mono nowrap">{f.file}{f.line ? `:${f.line}:${f.column}` : ""}</td><td><Chip kind={f.severity === "error" ? "bad" : "warn"}>{f.severity}</Chip></td><td>{f.message}</td></tr>)}</tbody></table></div>}
	</div>;
}

function Moves({ of }) {
	const top = (of.moves || []).filter(m => m.share > 0).slice(0, 12), lose = (of.losers || []).slice(0, 8);
	return <div class="two">
		<div class="scroll"><table class="terms"><thead><tr><th>Who moves</th><th class="num">Share</th><th class="num">Costs</th></tr></thead><tbody>{top.length ? top.map(m => <tr><td>{m.from || "nobody"} → {m.to || "nobody"}</td><td class="num">{share(m.share, 2)}</td><td class="num">{m.extra_ms === undefined ? "–" : `${m.extra_ms > 0 ? "+" : ""}${m.extra_ms.toFixed(1)} ms`}</td></tr>) : <tr><td colSpan={3} class="soft">Nobody.</td></tr>}</tbody></table></div>
		<div class="scroll"><table class="terms"><thead><tr><th>Who loses most</th><th class="num">Share</th><th class="num">Then</th></tr></thead><tbody>{lose.length ? lose.map(m => <tr><td>{m.place}: {m.from} → {m.to}</td><td class="num">{share(m.share, 2)}</td><td class="num">{ms(m.old_ms)} → {ms(m.new_ms)}</td></tr>) : <tr><td colSpan={3} class="soft">Nobody.</td></tr>}</tbody></table></div>
	</div>;
}

function Maps({ status, pools, list }) {
	const [pool, setPool] = useState(""), [v6, setV6] = useState(false), names = (pools.value || []).map(p => p.pool), chosen = names.includes(pool) ? pool : names[0] || "";
	const map = useRegions(chosen, "stage", mapKey(status.value, list), v6), of = map.of;
	const paint = useMemo(() => paintOf(list), [list.map(e => e.edge).join()]);
	const one = usePool(chosen), at = new Map(list.map(e => [e.edge, e])), stands = p => new Map((p && p.edges || []).map(e => [e.edge, e.state]));
	const states = [stands(one.value), stands(one.staged)];
	const side = then => of ? of.rows.filter(r => then ? r.is_new : r.is_old).map(r => ({ edge: r.edge, lat: (at.get(r.edge) || {}).lat, lon: (at.get(r.edge) || {}).lon, state: states[then ? 1 : 0].get(r.edge) || "up", share: then ? r.new_share : r.old_share, say: share(then ? r.new_share : r.old_share) })) : [];
	const before = useMemo(() => of && { ...of, compares: false }, [of]), [now, then] = useMemo(() => [side(false), side(true)], [of, list, one.value, one.staged]);
	return <Panel flush title="Before and after, when it is for all" rest={<><select aria-label="Pool" value={chosen} onChange={e => setPool(e.target.value)}>{names.map(n => <option>{n}</option>)}</select><Family v6={v6} onChange={setV6} /></>}>
		{map.error && <div class="body"><Note kind="warn">{map.error}</Note></div>}
		{of && <><div class="body"><Note>{share(of.moved_share, 2)} of the clients would move: {share(of.worse_share, 2)} to a slower edge, {share(of.better_share, 2)} to a faster one. {ms(of.old_ms)} → {ms(of.new_ms)} on average.</Note></div>
			<div class="two"><div><h3 class="pad">Now</h3><World edges={now} regions={before} paint={paint} label={`Map of ${chosen} now`} /></div><div><h3 class="pad">Then</h3><World edges={then} regions={of} moves={of.moves} paint={paint} label={`Map of ${chosen} with what is staged`} /></div></div>
			<Moves of={of} /></>}
	</Panel>;
}

export function Rollout({ status }) {
	const may = useMay(), no = may("admin"), s = status.value, { list } = useEdges(), pools = usePools(), traffic = useTraffic(useCounted());
	const [part_, setPart] = useState("5%"), [said, setSaid] = useState(null), [sure, setSure] = useState(null), [run, busy] = useDoing();
	const doing = (path, body) => run(async () => { const d = await post(path, body); setSaid(d.faults ? d : null); again("/status", "/edges", "/pools", "/zones", "/changes"); return d; }, undefined);
	if (!s)
		return null;
	const st = s.stage;
	return <>
		<Head title="Rollout" about={<>What is in <code>{s.config}</code>, and the zones and databases that it names.</>} />
		<div class="stack">
			{st ? <Panel title={`${st.percent} % of the clients have what is staged`} about={`since ${moment(st.since)}`} rest={<><Button kind="main" no={no} onClick={() => setSure("promote")}>Promote …</Button><Button kind="grave" no={no} onClick={() => setSure("rollback")}>Roll back …</Button></>}>
				<Facts of={[["Answers from it", count(st.answers)], ["Without an edge", `${count(st.empty)}${st.answers ? ` (${share(st.empty / st.answers, 2)})` : ""}`]]} />
				<Chart label="Answers a second from what is staged" names={["staged", "steered"]} kept={traffic} height={120} />
			</Panel> : <Panel title="Nothing is staged" about={s.stage_last}>
				<div class="fields"><Field label="For a share of the clients"><input value={part_} onInput={e => setPart(e.target.value)} placeholder="5%" /></Field>
					<Button kind="main" no={no || (/^\d+(\.\d+)?%$/.test(part_) ? "" : "a share is such as 5%")} onClick={() => doing("/reload", { stage: part_ })}>{busy ? "…" : "Stage it"}</Button>
					<Button no={no} onClick={() => setSure("reload")}>Reload for all …</Button></div>
				<p class="soft">Edges and pools are tried on these clients. When answers or probes get worse, it is taken back by itself.</p>
			</Panel>}
			{said && <Panel title="What came of it"><Faults said={said} /></Panel>}
			{st && <Maps status={status} pools={pools} list={list} />}
		</div>
		{sure && <Dialog title={{ promote: "Promote it to all clients?", rollback: "Take back what is staged?", reload: "Reload for all?" }[sure]} onClose={() => setSure(null)}
			onSubmit={() => { doing({ promote: "/stage/promote", rollback: "/stage/rollback", reload: "/reload" }[sure]); setSure(null); }}
			ends={<><Button onClick={() => setSure(null)}>Cancel</Button><button class="main" type="submit">{{ promote: "Promote", rollback: "Roll back", reload: "Reload" }[sure]}</button></>}>
			<p>{{ promote: "Its edges, pools and zones become everybody's.", rollback: "All clients get what they had before, at once.", reload: "Configuration, zones and databases are read anew. What is wrong is served on as it was." }[sure]}</p></Dialog>}
	</>;
}
