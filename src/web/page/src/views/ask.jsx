// ask.jsx - "who asks?": an address, and why it gets the answer that it gets, term by term.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { link } from "../hooks.js";
import { Button, Chip, Facts, Field, Head, Note, Panel } from "../ui.jsx";
import { ms, share } from "../text.js";

const TERMS = { distance: "distance", offset: "the edge's own", neighbours: "neighbours", country: "country", as: "AS", way_in: "way in", own: "measured", clients: "its clients" };
const signed = v => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(1)}`;

function Terms({ terms }) {
	const list = Object.entries(terms || {}).filter(([k]) => TERMS[k]);
	if (!list.length)
		return <span class="soft">by distance</span>;
	return <span class="row">{list.map(([k, t]) => k === "own" ? <Chip kind="good">{`measured ${ms(t.rtt_ms)}, ${t.samples} times, weighs ${share(t.weight, 0)}`}</Chip>
		: k === "clients" ? <Chip>{`mean of its clients ${ms(t.ms)}, ${ms(t.least_ms)} to ${ms(t.most_ms)}`}</Chip>
		: <Chip>{TERMS[k]} {t.ms === undefined ? "" : k === "distance" ? t.ms.toFixed(1) : signed(t.ms)}{t.n ? ` (${Math.round(t.n)})` : ""}</Chip>)}</span>;
}

function Step({ step, n }) {
	const list = step.edges || [], most = Math.max(...list.map(e => e.estimate_ms || 0), 1);
	return <Panel flush title={`${n}. Pool ${step.pool}`} about={step.by}>
		{(step.pin || step.shed || step.resolver || step.panic) && <div class="body stack">{step.resolver && <Note>{`Chosen for the clients of the resolver ${step.resolver.prefix}: ${step.resolver.clients.map(c => `${share(c.share)} in ${c.prefix}`).join(", ")}${step.resolver.networks > step.resolver.clients.length ? `, and ${step.resolver.networks - step.resolver.clients.length} more networks` : ""}.`}</Note>}{step.panic && <Note kind="warn">Too few edges are up: all of them may answer.</Note>}{step.pin && <Note>{typeof step.pin === "string" ? step.pin : JSON.stringify(step.pin)}</Note>}{step.shed && <Note kind="warn">{typeof step.shed === "string" ? step.shed : JSON.stringify(step.shed)}</Note>}</div>}
		<div class="scroll" tabIndex={0} role="region" aria-label={`Edges of ${step.pool}, as they were weighed`}><table class="terms"><thead><tr><th class="num">#</th><th>Edge</th><th>Verdict</th><th class="num">km</th><th>Estimate</th><th>Made of (ms)</th></tr></thead><tbody>
			{list.map((e, i) => <tr class={e.verdict === "chosen" ? "won" : ""}><td class="num soft">{i + 1}</td><td>{e.edge ? <a class="name" href={link("edges", e.edge)}>{e.edge}</a> : <a href={link("pools", e.pool)}>{e.pool}</a>}</td>
				<td>{e.verdict === "chosen" ? <Chip kind="good">chosen</Chip> : <span class="soft">{e.verdict}</span>}{e.why && <div class="soft">{e.why}</div>}{e.pool && e.of !== undefined && <div class="soft">{e.up} of {e.of} up</div>}{e.share !== undefined && <div class="soft">{share(e.share)} of all go there</div>}</td><td class="num">{e.km !== undefined ? Math.round(e.km) : "–"}</td>
				<td class="nowrap"><svg width="90" height="8" aria-hidden="true"><rect width="90" height="8" rx="3" fill="var(--sunk)" /><rect width={Math.max(2, 90 * (e.estimate_ms || 0) / most)} height="8" rx="3" fill={e.verdict === "chosen" ? "var(--up)" : "var(--strong)"} /></svg> {ms(e.estimate_ms)}{e.counts_ms !== undefined && <div class="soft">counts as {ms(e.counts_ms)}</div>}</td>
				<td>{e.rtt_ms !== undefined || e.load !== undefined ? <span class="row">{e.rtt_ms !== undefined && <Chip>{`its probe ${ms(e.rtt_ms)}`}</Chip>}{e.load !== undefined && <Chip>{`load ${e.load}`}</Chip>}</span> : <Terms terms={e.terms} />}</td></tr>)}</tbody></table></div>
	</Panel>;
}

export function Ask({ query }) {
	const [form, setForm] = useState({ name: query.name || "", type: query.type || "A", client: query.client || "", resolver: query.resolver || "" });
	const [said, setSaid] = useState(null), [wrong, setWrong] = useState(""), [busy, setBusy] = useState(false);
	const set = k => e => setForm({ ...form, [k]: e.target.value.trim() });
	const ask = async e => {
		e && e.preventDefault();
		setBusy(true);
		try {
			setSaid(await get("/explain", form));
			setWrong("");
			history.replaceState(null, "", `#/ask?${new URLSearchParams(Object.entries(form).filter(([, v]) => v))}`);
		} catch (x) {
			setWrong(x.message);
			setSaid(null);
		}
		setBusy(false);
	};
	useEffect(() => { if (form.name && form.client) ask(); }, []);
	const n = said && said.network;
	return <>
		<Head title="Who asks?" about="Why a client gets the answer that it gets, as the server chooses now." />
		<div class="stack">
			<Panel><form onSubmit={ask}><div class="fields">
				<Field label="Name"><input name="name" value={form.name} onInput={set("name")} placeholder="www.example.org" required spellcheck={false} autoCapitalize="off" /></Field>
				<Field label="Type"><input name="type" value={form.type} onInput={set("type")} list="types" required /></Field>
				<Field label="Client: an address or a prefix"><input name="client" value={form.client} onInput={set("client")} placeholder="203.0.113.0/24" required spellcheck={false} /></Field>
				<Field label="Asking through a resolver at"><input name="resolver" value={form.resolver} onInput={set("resolver")} placeholder="itself" spellcheck={false} /></Field>
				<button class="main" type="submit" disabled={busy}>{busy ? "…" : "Explain"}</button>
			</div><datalist id="types">{["A", "AAAA", "HTTPS", "MX", "TXT", "NS", "SOA"].map(t => <option value={t} />)}</datalist></form></Panel>
			{wrong && <Note kind="bad">{wrong}</Note>}
			{said && <>
				<div class="two">
					<Panel title="Who it is"><Facts of={[["Client", `${said.client.subnet || said.client.resolver}; the ${said.client.decided_by} decides`], ["Resolver", said.client.resolver], ["Network", n && n.prefix && `${n.prefix}, by ${n.source}`],
						["Place", n && [n.city, n.region, n.country, n.continent].filter(Boolean).join(", ")], ["At", n && n.lat !== undefined && `${n.lat.toFixed(2)}, ${n.lon.toFixed(2)}`], ["AS", n && n.asn && `${n.asn} ${n.as_name || ""}`], ["Stage", said.stage && `${said.stage.staged ? "gets what is staged" : "gets what all have"}: by ${said.stage.group}, ${said.stage.percent} % are on it`], ["Note", said.client.note]]} /></Panel>
					<Panel title="What it gets"><Facts of={[["Answer", <><Chip kind={said.answer.rcode === "NOERROR" ? "good" : "bad"}>{said.answer.rcode}</Chip> {said.answer.scope !== undefined && <span class="soft">scope /{said.answer.scope}</span>}</>], ["At the name", said.record]]} />
						<pre>{(said.answer.records || []).map(r => `${r.name} ${r.ttl} ${r.type} ${r.data}`).join("\n")}</pre>{said.ttl_note && <p class="soft">{said.ttl_note}</p>}</Panel>
				</div>
				{(said.steps || []).map((s, i) => <Step step={s} n={i + 1} />)}
			</>}
		</div>
	</>;
}
