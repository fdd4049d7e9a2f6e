// zones.jsx - the list of zones, and one of them.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { again, get, part, post } from "../api.js";
import { link, Me, useMay, useWatch } from "../hooks.js";
import { useContext } from "preact/hooks";
import { Button, Chip, Empty, Facts, Field, Grid, Head, Loaded, Note, Panel, useDoing } from "../ui.jsx";
import { bare, bytes, count, moment, plural, span } from "../text.js";
import { Diff, hand, Records } from "./records.jsx";

const A_TIME = 300;
const KIND = { ready: "good", faulty: "bad", "not loaded": "bad", expired: "bad", waits: "warn" };

// Some hundred at a time, as one scrolls; from the beginning whenever what is looked for changes.
function useZones(match, faulty) {
	const [state, set] = useState({ rows: [], end: false, error: "" }), asking = useRef(0);
	const more = async from => {
		const mine = ++asking.current;
		try {
			const list = await get("/zones", { match, faulty, limit: A_TIME, after: from.length ? from[from.length - 1].zone : undefined });
			if (mine === asking.current)
				set({ rows: [...from, ...list], end: list.length < A_TIME, error: "" });
		} catch (e) {
			if (mine === asking.current)
				set({ rows: from, end: true, error: e.message });
		}
	};
	useEffect(() => { const t = setTimeout(() => more([]), 150); return () => clearTimeout(t); }, [match, faulty]);
	return { ...state, more: () => !state.end && more(state.rows), anew: () => more([]) };
}

function List({ status }) {
	const me = useContext(Me), [text, setText] = useState(""), [faulty, setFaulty] = useState(false), zones = useZones(text.trim(), faulty);
	const signed = z => z.signing ? <span title={`keys ${z.signing.keys.join(", ")}`}>{z.signing.denial}{z.signing.due ? ", due" : ""}</span> : z.signatures_end ? "as it comes" : "";
	const columns = [
		{ title: "Zone", width: "minmax(170px, 2fr)", narrow: "minmax(150px, 2fr)", cell: z => <>{bare(z.zone)}{z.view && <span class="soft"> for {z.view}</span>}</> },
		{ title: "State", width: "92px", narrow: "78px", cell: z => <Chip kind={KIND[z.state] || ""}>{z.state}</Chip> },
		{ title: "Serial", width: "100px", num: true, wide: true, cell: z => z.serial ?? "–" },
		{ title: "Records", width: "76px", narrow: "60px", num: true, cell: z => z.records === undefined ? "–" : count(z.records) },
		{ title: "From", width: "90px", wide: true, cell: z => z.primary ? <span title={z.primary.from}>{z.source}</span> : z.source },
		{ title: "Signed", width: "90px", wide: true, cell: signed },
		{ title: "Loaded", width: "130px", wide: true, cell: z => moment(z.loaded) },
		{ title: "", width: "minmax(120px, 1.6fr)", wide: true, cell: z => z.fault ? <span class="badge down" title={z.fault}>{z.fault}</span> : <span class="soft" title={z.file}>{z.file}</span> },
	];
	if (me.role === "zones")
		return <OwnZones me={me} />;
	return <>
		<Head title="Zones" about={status.value ? `${plural(status.value.zones, "zone")}; ${status.value.zones_faulty} faulty` : ""}>
			<input type="search" aria-label="Find zones" placeholder="Find by a part of the name …" value={text} onInput={e => setText(e.target.value)} />
			<label class="check"><input type="checkbox" checked={faulty} onChange={e => setFaulty(e.target.checked)} /> faulty alone</label></Head>
		<Panel flush footer={`${zones.rows.length}${zones.end ? "" : " so far; scroll for more"}`}><Grid label="Zones" columns={columns} rows={zones.rows} keyOf={z => z.zone + (z.view || "")} pick={z => link("zones", bare(z.zone) + (z.view ? ` for ${z.view}` : ""))} more={zones.more} empty={zones.error || (zones.end ? "None is such." : "Loading …")} /></Panel>
	</>;
}

// A token for zones alone may not list them all.
function OwnZones({ me }) {
	const [name, setName] = useState(""), list = me.zones.split(/[, ]+/).filter(Boolean);
	return <><Head title="Zones" about="Your token is for these alone." /><Panel><div class="stack">
		<ul class="row">{list.map(z => /[*?[]/.test(z) ? <Chip>{z}</Chip> : <a class="name" href={link("zones", z)}>{z}</a>)}</ul>
		<form class="row" onSubmit={e => { e.preventDefault(); location.hash = link("zones", name.trim()); }}><input aria-label="A zone" placeholder="name of a zone" value={name} onInput={e => setName(e.target.value)} required /><button class="main" type="submit">Open</button></form></div></Panel></>;
}

// --- one ---------------------------------------------------------------------------------

const WORDS = { hidden: "not there", asked: "asked for", rumoured: "spreading", omnipresent: "everywhere", unretentive: "going" };
function Key({ k }) {
	const cell = (title, x) => x && <td><Chip kind={x.state === "omnipresent" ? "good" : x.state === "hidden" ? "" : "info"}>{WORDS[x.state] || x.state}</Chip>{x.left_s !== undefined && <div class="soft">{span(x.left_s)} yet</div>}</td>;
	return <tr><td class="mono">{k.tag}</td><td>{k.role}{k.foreign && ", another signer's"}{!k.stays && ", on its way out"}</td><td>{k.algorithm}</td><td class="nowrap">{moment(k.created)}</td>{cell("DNSKEY", k.dnskey)}{cell("signatures", k.signatures)}{cell("DS", k.ds)}</tr>;
}

function Signing({ zone }) {
	const keys = useWatch(`/zones/${part(zone)}/dnssec`, 10), may = useMay(), no = may("admin"), [run, busy] = useDoing(), [ds, setDs] = useState(null);
	return <Loaded of={keys}>{k => <div class="stack">
		<Panel title="Signing" about={k.state} rest={<><Button small onClick={async () => { const d = await run(() => get(`/zones/${part(zone)}/dnssec/ds`), ""); if (d) setDs(d); }}>DS for the parent</Button><Button small no={no} onClick={() => run(async () => { const d = await post(`/zones/${part(zone)}/dnssec/roll`); again(`/zones/${part(zone)}`); return d; })}>{busy ? "…" : "Roll the keys"}</Button></>}>
			<Facts of={[["Fault", k.fault], ["Parent last asked", k.parent_asked], ["Parent has told", k.parent_told], ["Waits for the parent", k.waits_for_parent ? "yes" : ""]]} />
			{ds && <pre>{(ds.keys || []).filter(x => x.ds_record).map(x => `${zone}. IN DS ${x.ds_record}`).join("\n") || JSON.stringify(ds, null, 1)}</pre>}</Panel>
		<Panel flush title="Keys"><div class="scroll" tabIndex={0} role="region" aria-label="Keys"><table class="terms"><thead><tr><th>Tag</th><th>Role</th><th>Algorithm</th><th>Made</th><th>DNSKEY</th><th>Signatures</th><th>DS</th></tr></thead><tbody>{(k.keys || []).map(x => <Key k={x} />)}</tbody></table></div></Panel>
	</div>}</Loaded>;
}

const relative = (owner, zone) => owner === `${zone}.` ? "@" : owner.endsWith(`.${zone}.`) ? owner.slice(0, -zone.length - 2) : owner;

// What has changed, step by step; a step is taken back by the records editor, where the checker looks at it.
function History({ zone }) {
	const steps = useWatch(`/zones/${part(zone)}/history?last=50`, 15), may = useMay(), no = may("admin", true);
	const undo = s => {
		const own = r => ({ owner: relative(r.owner, zone), ttl: String(r.ttl), type: r.type, data: r.data });
		hand(zone, [...s.come.map(r => ({ old: own(r), new: null })), ...s.gone.map(r => ({ old: null, new: own(r) }))]);
		location.hash = link("zones", zone);
	};
	const lines = (list, sign) => list.map(r => `${sign} ${relative(r.owner, zone)} ${r.ttl} ${r.type} ${r.data}`).join("\n");
	return <Loaded of={steps}>{list => list.length ? <div class="stack">{list.map(s => <Panel key={s.serial} title={`Serial ${s.serial}`} about={`from ${s.from}${s.time ? `, ${moment(s.time)}` : ""}`}
		rest={<Button small no={no || (s.come.length + s.gone.length ? s.not_listed ? "it is too long for this page" : "" : "only signatures have changed")} onClick={() => undo(s)}>Undo …</Button>}>
		<Diff text={`${lines(s.gone, "-")}\n${lines(s.come, "+")}`} />{s.made_by_signing ? <p class="soft">{plural(s.made_by_signing, "record")} of signing</p> : null}{s.not_listed ? <p class="soft">and {plural(s.not_listed, "record")} more</p> : null}</Panel>)}</div>
		: <Panel><Empty>No changes of it are kept. The store keeps those of zones with write-back, and of secondaries, for 14 days.</Empty></Panel>}</Loaded>;
}

function Transfers({ zone }) {
	const status = useWatch(`/zones/${part(zone)}/status`, 5), may = useMay(), [run, busy] = useDoing(), operate = may("operate", true), admin = may("admin", true);
	const order = (word, no) => <Button small no={no} onClick={() => run(async () => { const d = await post(`/zones/${part(zone)}/${word}`); again(`/zones/${part(zone)}`); return d; })}>{{ refresh: "Ask its primary", retransfer: "Fetch it whole", notify: "Tell its secondaries", freeze: "Freeze", thaw: "Thaw" }[word]}</Button>;
	return <Loaded of={status}>{s => <Panel title="Where it comes from, and who is told" rest={<>{s.primary && order("refresh", operate)}{s.primary && order("retransfer", operate)}{order("notify", operate)}{s.frozen_by !== undefined ? order("thaw", admin) : order("freeze", admin)}</>}>
		<Facts of={[["Source", s.source], ["File", s.file], ["Serial", s.serial], ["In its file", s.file_serial], ["Not written", s.file_fault], ["For peers without EDGE", s.as_addresses_serial && `serial ${s.as_addresses_serial}`], ["Template", s.template], ["Catalog", s.catalog],
			["Frozen", s.frozen_by !== undefined && `since ${moment(s.frozen)} by ${s.frozen_by}`], ["Drafts", s.drafts && s.drafts.length ? s.drafts.map(d => `by ${d.by} since ${moment(d.since)}`).join("; ") : ""], ["Primary", s.primary], ["Now", s.now], ["Last heard", s.checked && moment(s.checked)],
			["Last transfer", s.transferred && `${moment(s.transferred)}, ${s.transferred_by}, ${plural(s.transferred_records, "record")}, ${bytes(s.transferred_bytes)}`], ["Next question", s.next && moment(s.next)], ["Expires", s.expires && moment(s.expires)], ["Failures", s.failures ? `${s.failures} in a row: ${s.failure}` : ""]]} />
	</Panel>}</Loaded>;
}

function One({ zone, tab }) {
	const one = useWatch(`/zones/${part(zone)}`, 5), z = one.value;
	const tabs = [["", "Records"], ["history", "History"], ["transfers", "Source and transfers"], ...(z && z.signing ? [["signing", "Signing"]] : [])];
	return <>
		<Head title={zone} about={<><a href={link("zones")}>Zones</a>{z && <> · serial {z.serial ?? "–"} · {plural(z.records || 0, "record")} · {z.source}{z.signatures_end && <> · signed until {moment(z.signatures_end, false)}</>}</>}</>}>{z && <Chip kind={KIND[z.state] || ""}>{z.state}</Chip>}</Head>
		{one.error && <Note kind="bad">{one.error.message}</Note>}
		{z && z.fault && <Note kind="bad">{z.fault}</Note>}
		<nav class="tabs" aria-label="Of the zone">{tabs.map(([path, name]) => <a href={path ? link("zones", zone, path) : link("zones", zone)} aria-current={(tab || "") === path ? "page" : undefined}>{name}</a>)}</nav>
		{z && (tab === "history" ? <History zone={zone} /> : tab === "transfers" ? <Transfers zone={zone} /> : tab === "signing" ? <Signing zone={zone} /> : z.serial === undefined ? <Empty>Nothing of it is served yet.</Empty> : <Records key={zone} zone={zone} one={z} />)}
	</>;
}

export const Zones = ({ way, status }) => way[0] ? <One key={way[0]} zone={way[0]} tab={way[1]} /> : <List status={status} />;
