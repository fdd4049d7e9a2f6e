// records.jsx - a zone's records: find them, change them, see what the checker says beside each, and commit all at once.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { again, get, part, post } from "../api.js";
import { useMay } from "../hooks.js";
import { Button, Chip, Empty, Grid, Note, Panel, useDoing, useNarrow } from "../ui.jsx";
import { count, plural } from "../text.js";

const MANY = 50000;            // records that a page should not hold
const MADE = new Set(["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY"]);   // by signing, not by people
const CHECK_MS = 350;

// "owner TTL IN TYPE data" a line, as "zone export" writes them, with one tab between the first four.
export function parseRecords(text) {
	const list = [];
	for (const line of text.split("\n")) {
		if (!line || line[0] === ";" || line[0] === "$")
			continue;
		const [owner, ttl, , rest] = line.split("\t"), cut = rest ? rest.indexOf(" ") : -1;
		if (cut > 0)
			list.push({ owner, ttl: Number(ttl), type: rest.slice(0, cut), data: rest.slice(cut + 1) });
	}
	return list;
}

export const keyOf = r => `${r.owner} ${r.type} ${r.data}`;

// What is to be asked for: edits as records that go and come; an SOA stays, and is replaced. `edits`: { old, new, id }, either may be missing.
export function changeSet(edits, serial) {
	const unset = edits.filter(e => e.old && e.old.type !== "SOA").map(({ old: { owner, type, data } }) => ({ owner, type, data }));
	const set = edits.filter(e => e.new).map(({ new: { owner, ttl, type, data } }) => ({ owner: owner || "@", type, data, ...(ttl === "" ? {} : { ttl: Number(ttl) }) }));
	return { serial, ...(unset.length ? { unset } : {}), ...(set.length ? { set } : {}) };
}

function useCheck(zone, serial, edits, ready) {
	const [said, set] = useState({ ok: false, diff: "", error: "", at: null });
	const asked = useRef(0);
	useEffect(() => {
		const mine = ++asked.current;
		if (!edits.length || !ready) {
			set({ ok: false, diff: "", error: "", at: null });
			return;
		}
		const timer = setTimeout(async () => {
			try {
				const o = await post(`/zones/${part(zone)}/changes`, { ...changeSet(edits, serial), dry_run: true });
				if (mine === asked.current)
					set({ ok: true, diff: o.said, error: "", at: null });
			} catch (e) {
				const list = e.body && e.body.in === "unset" ? edits.filter(x => x.old && x.old.type !== "SOA") : edits.filter(x => x.new), wrong = e.body && e.body.record ? list[e.body.record - 1] : null;
				if (mine === asked.current)
					set({ ok: false, diff: "", error: e.message, at: wrong ? wrong.id : null });
			}
		}, CHECK_MS);
		return () => clearTimeout(timer);
	}, [edits, serial, ready]);
	return said;
}

// The first line without its place: that is this row.
const short = text => text.split("\n")[0].replace(/^record:\d+:\d+: (error|warning): /, "");

function Editor({ edit, said, onChange, onDrop }) {
	const r = edit.new, wrong = said.at === edit.id ? short(said.error) : "", set = k => e => onChange({ ...edit, new: { ...r, [k]: e.target.value } });
	const id = `wrong-${edit.id}`, props = { "aria-invalid": wrong ? "true" : undefined, "aria-describedby": wrong ? id : undefined, spellcheck: false, autoCapitalize: "off" };
	return <div class="edit">
		<input aria-label="Owner" value={r.owner} onInput={set("owner")} placeholder="@" {...props} />
		<input aria-label="TTL" value={r.ttl} onInput={set("ttl")} inputMode="numeric" placeholder="TTL" {...props} />
		<input aria-label="Type" value={r.type} onInput={e => set("type")({ target: { value: e.target.value.toUpperCase() } })} list="rrtypes" placeholder="A" {...props} />
		<input aria-label="Data" class="wide mono" value={r.data} onInput={set("data")} placeholder="192.0.2.1" {...props} />
		<span class="row"><Button small onClick={onDrop}>{edit.old ? "As it was" : "Drop"}</Button></span>
		{wrong && <div class="wrong" id={id} role="alert">{wrong}</div>}
	</div>;
}

export function Diff({ text }) {
	return <pre class="diff">{text.split("\n").filter(Boolean).map(l => l[0] === "+" ? <ins>{l}</ins> : l[0] === "-" ? <del>{l}</del> : <div>{l}</div>)}</pre>;
}

// Edits that another view has made ready: those that take a step of the zone's past back.
let handed = null;
export function hand(zone, edits) {
	handed = { zone, edits: edits.map((e, i) => ({ id: -1 - i, ...e })) };
}
function takeHanded(zone) {
	const edits = handed && handed.zone === zone ? handed.edits : [];
	handed = null;
	return edits;
}

export function Records({ zone, one }) {
	const [text, setText] = useState(""), [type, setType] = useState(""), [all, setAll] = useState(null), [wrong, setWrong] = useState(""), [serial, setSerial] = useState(0), [anyway, setAnyway] = useState(false);
	const [edits, setEdits] = useState(() => takeHanded(zone)), [undo, setUndo] = useState(null), [run, busy] = useDoing(), may = useMay(), next = useRef(1), narrow = useNarrow();
	const no = may("admin", true), many = one.records > MANY && !anyway;
	const load = async () => {
		try {
			const now = await get(`/zones/${part(zone)}`), list = parseRecords(await get(`/zones/${part(zone)}/records`, { unsigned: true }));
			setSerial(now.serial);
			setAll(list);
			setWrong("");
		} catch (e) {
			setWrong(e.message);
		}
	};
	useEffect(() => { if (!many) load(); }, [many]);
	useEffect(() => { if (all && one.serial !== serial && !edits.length) load(); }, [one.serial]);
	const ready = edits.every(e => !e.new || e.new.type && e.new.data && /^\d*$/.test(String(e.new.ttl)));
	const said = useCheck(zone, serial, edits, ready);
	const touched = useMemo(() => new Map(edits.filter(e => e.old).map(e => [keyOf(e.old), e])), [edits]);
	const types = useMemo(() => [...new Set((all || []).map(r => r.type))].sort(), [all]);
	const rows = useMemo(() => (all || []).filter(r => !MADE.has(r.type) && (!type || r.type === type) && (!text || `${r.owner} ${r.data}`.toLowerCase().includes(text.toLowerCase()))), [all, text, type]);
	const begin = (old, now) => setEdits(l => [...l, { id: next.current++, old, new: now }]);
	const change = e => setEdits(l => l.map(x => x.id === e.id ? e : x)), drop = id => setEdits(l => l.filter(x => x.id !== id));
	const commit = async (list, base) => {
		const body = changeSet(list, base), back = list.map(e => ({ id: next.current++, old: e.new && { ...e.new, owner: e.new.owner || "@" }, new: e.old }));
		const done = await run(() => post(`/zones/${part(zone)}/changes`, body));
		if (!done)
			return;
		setEdits([]);
		setUndo(back);
		await load();
		again(`/zones/${part(zone)}`, "/status", "/audit");
	};
	if (many)
		return <Panel><p>{count(one.records)} records: so many are better looked at with <code>waymarkctl zone export</code>. <Button small onClick={() => setAnyway(true)}>Get them all the same</Button></p></Panel>;
	if (wrong)
		return <Note kind="bad">{wrong}</Note>;
	if (!all)
		return <Empty>Loading …</Empty>;
	const columns = [
		{ title: "Owner", width: "minmax(90px, 1.2fr)", narrow: "minmax(62px, 1fr)", sort: r => r.owner, cell: r => <span class={touched.has(keyOf(r)) ? "gone" : "name"}>{r.owner}</span> },
		{ title: "TTL", width: "64px", num: true, wide: true, sort: r => r.ttl, cell: r => r.ttl },
		{ title: "Type", width: "76px", narrow: "62px", sort: r => r.type, cell: r => <Chip kind={r.type === "EDGE" ? "info" : ""}>{r.type}</Chip> },
		{ title: "Data", width: "minmax(200px, 3.6fr)", narrow: "minmax(84px, 1.6fr)", sort: r => r.data, cell: r => <code class={touched.has(keyOf(r)) ? "gone" : ""} title={r.data}>{r.data}</code> },
		{ title: "", width: "136px", narrow: "82px", acts: true, cell: r => touched.has(keyOf(r)) ? <Button small onClick={() => drop(touched.get(keyOf(r)).id)}>Keep</Button>
			: <><Button small no={no} aria-label={`edit ${r.owner} ${r.type}`} onClick={() => begin(r, { ...r, ttl: String(r.ttl) })}>{narrow ? "✎" : "Edit"}</Button>{r.type !== "SOA" && <Button small kind="grave" no={no} aria-label={`remove ${r.owner} ${r.type}`} onClick={() => begin(r, null)}>{narrow ? "✕" : "Remove"}</Button>}</> },
	];
	return <div class="stack">
		{edits.length > 0 && <Panel flush title={plural(edits.length, "change")} about={said.error ? "" : said.ok ? "the checker has nothing against it" : "…"} rest={<><Button small onClick={() => setEdits([])}>Drop all</Button><Button kind="main" no={no || (said.error ? "the checker does not take it" : said.ok ? "" : "the checker has not answered yet")} onClick={() => commit(edits, serial)}>{busy ? "…" : "Commit"}</Button></>}>
			{edits.filter(e => e.new).map(e => <Editor key={e.id} edit={e} said={said} onChange={change} onDrop={() => drop(e.id)} />)}
			{edits.filter(e => !e.new).map(e => <div class="edit"><span class="gone">{e.old.owner}</span><span class="gone num">{e.old.ttl}</span><span class="gone">{e.old.type}</span><code class="gone wide">{e.old.data}</code><span class="row"><Button small onClick={() => drop(e.id)}>Keep</Button></span>{said.at === e.id && <div class="wrong" role="alert">{short(said.error)}</div>}</div>)}
			{said.error && said.at === null && <div class="body"><Note kind="bad">{said.error}</Note></div>}
			{said.diff && <div class="body"><Diff text={said.diff} /></div>}
		</Panel>}
		{undo && !edits.length && <Note kind="good">Committed: serial {serial}. <Button small onClick={() => { setEdits(undo); setUndo(null); }}>Undo …</Button></Note>}
		<Panel flush title={plural(rows.length, "record")} rest={<>
			<input type="search" aria-label="Find records" placeholder="Find …" value={text} onInput={e => setText(e.target.value)} />
			<select aria-label="Type" value={type} onChange={e => setType(e.target.value)}><option value="">all types</option>{types.filter(t => !MADE.has(t)).map(t => <option>{t}</option>)}</select>
			<Button no={no} onClick={() => begin(null, { owner: "", ttl: "", type: "A", data: "" })}>Add a record</Button></>}
			footer={one.signing ? "What signing makes is left out." : undefined}>
			<Grid label="Records" columns={columns} rows={rows} keyOf={r => keyOf(r)} empty="None is such." most="calc(100vh - 320px)" />
		</Panel>
		<datalist id="rrtypes">{["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "CAA", "HTTPS", "SVCB", "TLSA", "PTR", "DS", "EDGE"].map(t => <option value={t} />)}</datalist>
	</div>;
}
