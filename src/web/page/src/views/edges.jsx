// edges.jsx - all edges, and one of them: what its probes say, what is forced, and forcing it.
import { useContext, useMemo, useState } from "preact/hooks";
import { again, part, post, remove } from "../api.js";
import { colourOf, paint as paintOf } from "../colours.js";
import { go, link, Look, useMay, useWatch } from "../hooks.js";
import { useEdges, usePools, whyState } from "../model.js";
import { useRegions } from "../regions.js";
import { Button, Chip, Dialog, Empty, Facts, Field, Grid, Head, Loaded, Meter, Note, Panel, State, useDoing } from "../ui.jsx";
import { count, moment, ms, plural, share, span } from "../text.js";

const WORDS = { drain: "Drain", down: "Take down", up: "Force up", auto: "Let its probes decide", weight: "Weigh", disable: "Disable" };

// What would come of it, from the server's own simulation.
function Effect({ edge, what, pool, status }) {
	const pools = usePools(), of = pool || pools.value && (pools.value.find(p => (p.edges || []).some(e => e.edge === edge)) || {}).pool;
	const map = useRegions(what === "drain" || what === "down" ? of : "", `${what} ${edge}`, 0);
	if (what !== "drain" && what !== "down")
		return null;
	if (!map.of)
		return <p class="soft">{map.error || (of ? `Asking who would move in ${of} …` : "")}</p>;
	return <Note kind={map.of.new_unanswered_share > map.of.old_unanswered_share ? "bad" : ""}>
		In <b>{of}</b>, {share(map.of.moved_share, 2)} of all clients would move, and be {ms(map.of.new_ms)} away on average instead of {ms(map.of.old_ms)}.
		{map.of.moves.length > 0 && <> Mostly {map.of.moves.slice(0, 3).map(m => `${m.to} (${share(m.share, 2)})`).join(", ")}.</>}
		{map.of.new_unanswered_share > map.of.old_unanswered_share && <> <b>{share(map.of.new_unanswered_share)} would have no edge at all.</b></>}
	</Note>;
}

export function ForceDialog({ edge, pool: inPool, first = "drain", weight: had, status, onClose }) {
	const [what, setWhat] = useState(first), [pool, setPool] = useState(inPool || ""), [weight, setWeight] = useState(had === undefined ? "" : String(had));
	const [span_, setSpan] = useState(""), [at, setAt] = useState(""), [why, setWhy] = useState(""), [run, busy] = useDoing();
	const pools = usePools(), mine = pools.value ? pools.value.filter(p => (p.edges || []).some(e => e.edge === edge)).map(p => p.pool) : [];
	const submit = async () => {
		const body = { state: what, ...(what === "weight" ? { weight } : {}), ...(pool ? { pool } : {}), ...(span_ ? { for: span_ } : {}), ...(at ? { at } : {}), ...(why ? { why } : {}) };
		if (await run(() => post(`/edges/${part(edge)}/force`, body))) {
			again("/edges", "/pools", "/status", "/changes", "/history");
			onClose();
		}
	};
	return <Dialog title={`${edge}: ${WORDS[what].toLowerCase()}`} onClose={onClose} onSubmit={submit}
		ends={<><Button onClick={onClose}>Cancel</Button><button class="main" type="submit" disabled={busy || what === "weight" && !/^\d+$/.test(weight)}>{WORDS[what]}</button></>}>
		<div class="fields">
			<Field label="What"><select value={what} onChange={e => setWhat(e.target.value)}>{["drain", "down", "disable", "up", "weight", "auto"].map(w => <option value={w}>{WORDS[w]}</option>)}</select></Field>
			{what === "weight" && <Field label="Weight"><input inputMode="numeric" value={weight} onInput={e => setWeight(e.target.value)} placeholder="0 to 1000" required /></Field>}
			<Field label="Where"><select value={pool} onChange={e => setPool(e.target.value)}><option value="">in all pools</option>{mine.map(p => <option value={p}>in {p} alone</option>)}</select></Field>
		</div>
		{what !== "auto" && <>
			<Field label="Why (everybody will read it)"><input value={why} maxLength={255} onInput={e => setWhy(e.target.value)} placeholder="new disks" /></Field>
			<div class="fields"><Field label="For"><input value={span_} onInput={e => setSpan(e.target.value)} placeholder="2h; empty: until it is ended" /></Field>
				<Field label="From"><input value={at} onInput={e => setAt(e.target.value)} placeholder="now; or 2026-12-01T02:00Z" /></Field></div></>}
		<Effect edge={edge} what={what} pool={pool} status={status} />
	</Dialog>;
}

function Targets({ list }) {
	if (!list.length)
		return <Empty>Nothing probes it.</Empty>;
	return <div class="scroll" tabIndex={0} role="region" aria-label="Probes"><table class="terms"><thead><tr><th>Address</th><th>Probe</th><th>State</th><th class="num">Time</th><th class="num">Failed</th><th>Last</th></tr></thead>
		<tbody>{list.map(t => <tr><td class="mono">{t.address}</td><td>{t.probe} <span class="soft">{t.kind}</span></td><td><State state={t.known ? t.state : "none"} say={t.known ? `${t.state}, ${span(t.since_s)}` : "not known yet"} /></td>
			<td class="num">{ms(t.rtt_ms)}</td><td class="num">{t.failures === undefined ? "–" : `${t.failures} of ${t.probes}`}</td><td>{t.last_error && t.state === "down" ? t.last_error : t.say}</td></tr>)}</tbody></table></div>;
}

function One({ edge, all, status }) {
	const may = useMay(), [force, setForce] = useState(null), [run, busy] = useDoing(), [steps, setSteps] = useState(null);
	const history = useWatch(`/history?of=${part(edge)}&last=30`, 10), changes = useWatch("/changes", 10);
	const e = all.list.find(x => x.edge === edge), no = may("operate"), close = () => go("edges");
	const probe = async () => { const said = await run(() => post(`/edges/${part(edge)}/probe`), ""); if (said) setSteps(said); };
	const mine = (changes.value || []).filter(c => c.edge === edge);
	return <Dialog side title={edge} onClose={close}>
		<header>{e && <State state={e.state} />}<h2>{edge}</h2><Button small onClick={close}>Close</Button></header>
		{!e ? <Empty>{all.edges.value ? "There is no such edge." : "Loading …"}</Empty> : <>
			<div class="row">
				{e.state !== "drain" && <Button kind="main" no={no} onClick={() => setForce("drain")}>Drain …</Button>}
				{e.forced && <Button kind="main" no={no} onClick={() => run(async () => { const d = await post(`/edges/${part(edge)}/force`, { state: "auto" }); again("/edges", "/pools", "/status", "/changes", "/history"); return d; })}>Back to normal</Button>}
				<Button kind="grave" no={no} onClick={() => setForce("down")}>Take down …</Button><Button no={no} onClick={() => setForce("up")}>Force up …</Button><Button no={no} onClick={() => setForce("weight")}>Weight …</Button>
				<Button no={no} onClick={probe}>{busy ? "…" : "Probe now"}</Button>
			</div>
			<Facts of={[["Why", whyState(e)], ["Forced", e.forced && (e.forced.left_s !== undefined ? `for ${span(e.forced.left_s)} more` : e.forced.until_s ? `until ${moment(e.forced.until_s)}` : "until it is ended")], ["Needs", e.needs && e.needs.join(", ")],
				["Answers", e.rate === undefined ? undefined : `${count(e.rate)} a second, ${share(e.part)} of all`], ["Load", e.used !== undefined ? `${share(e.used)} of ${count(e.capacity)}` : undefined],
				["Price", e.price_ms ? ms(e.price_ms) : undefined], ["Sheds", e.sheds ? share(e.sheds) : undefined], ["Where", e.lat !== undefined && `${e.lat.toFixed(2)}, ${e.lon.toFixed(2)}`], ["Addresses", `${e.a} A, ${e.aaaa} AAAA`]]} />
			{mine.length > 0 && <Panel flush title="Forced and planned"><ul class="timeline">{mine.map(c => <li><span>{c.how === "planned" ? `from ${moment(c.from_s, false)}` : `since ${moment(c.since_s)}`}</span><span><Chip kind={c.how === "planned" ? "info" : "warn"}>{c.what}</Chip></span><span>{c.who} {c.why && `“${c.why}”`} {c.pool && `in ${c.pool}`}</span></li>)}</ul></Panel>}
			<Panel flush title="Probes">{<Targets list={e.targets || []} />}</Panel>
			{steps && <Panel title="What the probe did"><pre>{steps.map(t => `${t.address} ${t.probe}: ${t.say || t.state}\n${(t.steps || []).map(x => "  " + x).join("\n")}`).join("\n") || "Nothing probes it."}</pre></Panel>}
			<Panel flush title="What has become of it"><Loaded of={history}>{list => list.length ? <ul class="timeline">{[...list].reverse().map(h => <li><span class="nowrap">{moment(h.at_ms / 1000)}</span><State state={h.is} /><span>{h.why} <span class="soft">{h.what === "probe" ? `probe ${h.who}` : h.who}{h.pool && ` in ${h.pool}`}</span></span></li>)}</ul> : <Empty>Nothing that is kept.</Empty>}</Loaded></Panel>
		</>}
		{force && <ForceDialog edge={edge} first={force} status={status} onClose={() => setForce(null)} />}
	</Dialog>;
}

export function Edges({ way, status }) {
	const { dark } = useContext(Look), all = useEdges(), may = useMay();
	const [text, setText] = useState(""), [only, setOnly] = useState(""), [force, setForce] = useState(null);
	const paint = useMemo(() => paintOf(all.list), [all.list.map(e => e.edge).join()]);
	const rows = useMemo(() => all.list.filter(e => (!text || `${e.edge} ${whyState(e)}`.toLowerCase().includes(text.toLowerCase())) && (!only || e.state === only)), [all.list, text, only]);
	const no = may("operate");
	const columns = [
		{ title: "Edge", width: "minmax(110px, 1fr)", narrow: "minmax(70px, 1fr)", sort: e => e.edge, cell: e => <><i class="swatch" style={{ background: colourOf(paint, e.edge, dark) }} /> {e.edge}</> },
		{ title: "State", width: "84px", narrow: "76px", sort: e => ({ down: 0, drain: 1, up: 2 })[e.state] ?? 3, cell: e => <State state={e.state} /> },
		{ title: "Answers/s", width: "82px", narrow: "70px", num: true, sort: e => e.rate || 0, cell: e => count(e.rate) },
		{ title: "Share", width: "150px", num: true, wide: true, sort: e => e.part || 0, cell: e => <span class="cell-meter"><span>{share(e.part)}</span><Meter value={e.part} label={`${share(e.part)} of the answers`} /></span> },
		{ title: "Load", width: "150px", num: true, wide: true, sort: e => e.used ?? -1, cell: e => e.used === undefined ? <span class="soft">no limit</span> : <span class="cell-meter"><span>{share(e.used, 0)}</span><Meter value={e.used} load label={`${share(e.used)} of its capacity`} /></span> },
		{ title: "Probe", width: "74px", num: true, wide: true, sort: e => e.rtt ?? 1e9, cell: e => ms(e.rtt) },
		{ title: "Why", width: "minmax(160px, 2.4fr)", wide: true, cell: e => <span class="soft" title={whyState(e)}>{whyState(e)}</span> },
		{ title: "", width: "84px", acts: true, cell: e => e.state === "drain" || e.forced ? <Button small no={no} onClick={() => setForce({ edge: e.edge, first: "auto" })}>Undo …</Button> : <Button small no={no} aria-label={`drain ${e.edge}`} onClick={() => setForce({ edge: e.edge, first: "drain" })}>Drain …</Button> },
	];
	const n = s => all.list.filter(e => e.state === s).length;
	return <>
		<Head title="Edges" about={all.edges.value ? `${plural(all.list.length, "edge")}: ${n("up")} up, ${n("down")} down, ${n("drain")} drained` : ""}>
			<input type="search" aria-label="Find edges" placeholder="Find …" value={text} onInput={e => setText(e.target.value)} />
			<select aria-label="State" value={only} onChange={e => setOnly(e.target.value)}><option value="">all states</option><option value="up">up</option><option value="down">down</option><option value="drain">drained</option></select>
		</Head>
		<Panel flush><Grid label="Edges" columns={columns} rows={rows} keyOf={e => e.edge} pick={e => link("edges", e.edge)} picked={way[0]} sort={{ title: "State" }} empty={all.edges.value ? "None is such." : all.edges.error ? all.edges.error.message : "Loading …"} /></Panel>
		{way[0] && <One key={way[0]} edge={way[0]} all={all} status={status} />}
		{force && <ForceDialog {...force} status={status} onClose={() => setForce(null)} />}
	</>;
}
