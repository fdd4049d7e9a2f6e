// pools.jsx - all pools, and one of them: who may answer, how much each is given and why.
import { useMemo, useState } from "preact/hooks";
import { again, part, post } from "../api.js";
import { series } from "../colours.js";
import { go, link, Look, useMay, useWatch } from "../hooks.js";
import { usePool, usePools } from "../model.js";
import { Button, Chip, Dialog, Empty, Facts, Grid, Head, Meter, Note, Panel, State, useDoing } from "../ui.jsx";
import { useContext } from "preact/hooks";
import { count, ms, plural, share } from "../text.js";
import { ForceDialog } from "./edges.jsx";

export const REASONS = { best: "the nearest", pinned: "pinned", shed: "its first choice was too full", explored: "to measure it", failover: "its first choice was down", turn: "took turns", affinity: "by the client", "all-down": "all were down" };
const sum = o => Object.values(o || {}).reduce((a, b) => a + b, 0);

function Reasons({ chosen, dark }) {
	const all = sum(chosen), list = Object.entries(chosen || {}).filter(([, n]) => n > 0);
	if (!all)
		return <span class="soft">none yet</span>;
	const names = Object.keys(REASONS), say = list.map(([k, n]) => `${REASONS[k] || k} ${share(n / all, 0)}`).join(", ");
	return <span class="bar" role="img" aria-label={say} title={say}>{list.map(([k, n]) => <i style={{ width: `${100 * n / all}%`, background: series(dark)[Math.max(0, names.indexOf(k)) % 8] }} />)}</span>;
}

function One({ pool, status }) {
	const { dark } = useContext(Look), may = useMay(), [force, setForce] = useState(null), [run, busy] = useDoing();
	const one = usePool(pool), p = one.value, failed = useWatch("/fail-back", 10), no = may("operate");
	const over = (failed.value || []).find(f => f.pool === pool), all = p ? (p.edges || []).reduce((n, e) => n + sum(e.chosen), 0) : 0;
	const close = () => go("pools");
	return <Dialog side title={pool} onClose={close}>
		<header><h2>{pool}</h2>{p && <Chip kind={p.up ? "good" : "bad"}>{p.up} of {p.of} up</Chip>}<Button small onClick={close}>Close</Button></header>
		{!p ? <Empty>{one.error ? one.error.message : "Loading …"}</Empty> : <>
			{one.staged && <Note>There is another one in what is staged: {one.staged.up} of {one.staged.of} up.</Note>}
			{p.panic && <Note kind="bad">So many edges are down that its probe is not trusted: all are answered with.</Note>}
			{over && <Note kind="warn">It has failed over{over.to ? ` to ${over.to}` : ""}. <Button small no={no} onClick={() => run(async () => { const d = await post(`/pools/${part(pool)}/fail-back`); again("/fail-back", "/pools"); return d; })}>{busy ? "…" : "Go back to the first"}</Button></Note>}
			<Facts of={[["Policy", p.policy], ["Probe", p.probe || "none"], ["Answers", count(all)]]} />
			{p.members && <Panel flush title="Members"><table class="terms"><thead><tr><th>Member</th><th>State</th><th class="num">Share</th></tr></thead><tbody>{p.members.map(m => <tr><td>{m.pool ? <a href={link("pools", m.pool)}>{m.pool}</a> : <a href={link("edges", m.edge)}>{m.edge}</a>}</td>
				<td>{m.pool ? `${m.up} of ${m.of} up` : ""}</td><td class="num">{m.share !== undefined ? share(m.share) : m.weight}</td></tr>)}</tbody></table></Panel>}
			<Panel flush title="Edges"><div class="scroll" tabIndex={0} role="region" aria-label="Edges of the pool"><table class="terms"><thead><tr><th>Edge</th><th>State</th><th class="num">Answers</th><th>Why it was chosen</th><th class="num">Load</th><th /></tr></thead><tbody>
				{(p.edges || []).slice(0, 500).map(e => <tr><td><a class="name" href={link("edges", e.edge)}>{e.edge}</a></td><td><State state={e.state} />{e.why && <div class="soft">{e.why}</div>}{e.share !== undefined && e.share < 1 && <div class="soft">{share(e.share, 0)} so far</div>}</td><td class="num">{all ? share(sum(e.chosen) / all) : "–"}</td>
					<td><Reasons chosen={e.chosen} dark={dark} /></td><td class="num">{e.used !== undefined ? share(e.used, 0) : "–"}</td>
					<td class="nowrap"><Button small no={no} aria-label={`change ${e.edge} in ${pool}`} onClick={() => setForce(e.edge)}>Change …</Button></td></tr>)}</tbody></table></div></Panel>
			{all > 0 && <div class="legend">{Object.entries(REASONS).filter(([k]) => p.edges.some(e => (e.chosen || {})[k] > 0)).map(([k, v]) => <span><i class="swatch" style={{ background: series(dark)[Object.keys(REASONS).indexOf(k) % 8] }} />{v}</span>)}</div>}
		</>}
		{force && <ForceDialog edge={force} pool={pool} first="weight" status={status} onClose={() => setForce(null)} />}
	</Dialog>;
}

export function Pools({ way, status }) {
	const pools = usePools(), [text, setText] = useState("");
	const rows = useMemo(() => (pools.value || []).filter(p => !text || p.pool.toLowerCase().includes(text.toLowerCase())), [pools.value, text]);
	const bad = (pools.value || []).filter(p => !p.up).length;
	const columns = [
		{ title: "Pool", width: "minmax(130px, 1.4fr)", narrow: "minmax(80px, 1fr)", sort: p => p.pool, cell: p => p.pool },
		{ title: "Up", width: "150px", num: true, sort: p => p.of ? p.up / p.of : 2, cell: p => <span class="cell-meter"><span>{p.up} of {p.of}</span><Meter value={p.of ? p.up / p.of : 0} label={`${p.up} of ${p.of} up`} /></span> },
		{ title: "Policy", width: "110px", wide: true, sort: p => p.policy || "", cell: p => p.policy },
		{ title: "Probe", width: "120px", wide: true, sort: p => p.probe || "", cell: p => p.probe || !pools.many && <span class="soft">none</span> },
		{ title: "Answers", width: "90px", narrow: "64px", num: true, sort: p => p.answers, cell: p => count(p.answers) },
		{ title: "", width: "minmax(100px, 1fr)", wide: true, cell: p => !p.up ? <Chip kind="bad">nobody can answer</Chip> : p.panic ? <Chip kind="bad">panic</Chip> : p.up < p.of ? <Chip kind="warn">{plural(p.of - p.up, "edge")} missing</Chip> : "" },
	];
	return <>
		<Head title="Pools" about={pools.value ? `${plural(pools.value.length, "pool")}${bad ? `; ${bad} without an edge that is up` : ""}` : ""}><input type="search" aria-label="Find pools" placeholder="Find …" value={text} onInput={e => setText(e.target.value)} /></Head>
		<Panel flush><Grid label="Pools" columns={columns} rows={rows} keyOf={p => p.pool} pick={p => link("pools", p.pool)} picked={way[0]} empty={pools.value ? "None is such." : pools.error ? pools.error.message : "Loading …"} /></Panel>
		{way[0] && <One key={way[0]} pool={way[0]} status={status} />}
	</>;
}
