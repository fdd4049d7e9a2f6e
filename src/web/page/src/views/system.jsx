// system.jsx - jobs, who did what, and tokens.
import { useMemo, useState } from "preact/hooks";
import { again, part, remove } from "../api.js";
import { useMay, useWatch } from "../hooks.js";
import { Button, Chip, Dialog, Grid, Head, Meter, Note, Panel, useDoing } from "../ui.jsx";
import { moment, plural, span } from "../text.js";

export function Jobs() {
	const jobs = useWatch("/jobs", 2), rows = jobs.value || [];
	const columns = [
		{ title: "Job", width: "minmax(110px, 1fr)", narrow: "minmax(66px, 1fr)", sort: j => j.job, cell: j => <b>{j.job}</b> },
		{ title: "About", width: "minmax(120px, 2fr)", narrow: "minmax(66px, 1fr)", cell: j => j.about },
		{ title: "State", width: "90px", narrow: "58px", sort: j => j.state, cell: j => <Chip kind={j.state === "runs" ? "good" : "info"}>{j.state}</Chip> },
		{ title: "For", width: "84px", narrow: "60px", num: true, sort: j => j.for_s, cell: j => span(j.for_s) },
		{ title: "Done", width: "170px", num: true, wide: true, cell: j => j.of ? <span class="cell-meter"><span>{Math.round(100 * j.done / j.of)} %</span><Meter value={j.done / j.of} label={`${j.done} of ${j.of}`} /></span> : "" },
	];
	return <><Head title="Jobs" about="What runs beside answering." /><Panel flush><Grid label="Jobs" columns={columns} rows={rows} keyOf={j => `${j.job}${rows.indexOf(j)}`} empty={jobs.value ? "Nothing runs." : jobs.error ? jobs.error.message : "Loading …"} /></Panel></>;
}

export function Audit() {
	const may = useMay(), no = may("admin"), audit = useWatch(no ? null : "/audit?last=1000", 10), [text, setText] = useState("");
	const rows = useMemo(() => (audit.value || []).filter(a => !text || `${a.who} ${a.from} ${a.what} ${a.said} ${a.before} ${a.after}`.toLowerCase().includes(text.toLowerCase())), [audit.value, text]);
	const columns = [
		{ title: "Time", width: "150px", narrow: "66px", sort: a => -a.time, cell: a => moment(a.time) },
		{ title: "Who", width: "minmax(90px, 1fr)", narrow: "minmax(70px, 1fr)", sort: a => a.who, cell: a => a.who },
		{ title: "From", width: "130px", wide: true, sort: a => a.from, cell: a => a.from || <span class="soft">this machine</span> },
		{ title: "What", width: "minmax(200px, 3fr)", narrow: "minmax(120px, 2fr)", cell: a => <code title={a.what}>{a.what}</code> },
		{ title: "Before → after", width: "minmax(140px, 2fr)", wide: true, cell: a => a.before || a.after ? <span title={`${a.before || "–"} → ${a.after || "–"}`}>{a.before === a.after ? <span class="soft">{a.after}, as before</span> : <>{a.before || "–"} → {a.after || "–"}</>}</span> : "" },
		{ title: "Came to", width: "minmax(140px, 2fr)", wide: true, cell: a => a.done ? <span title={a.said}>{a.said || "done"}</span> : <span class="badge down" title={a.said}>refused: {a.said}</span> },
	];
	return <><Head title="Audit" about="What has been changed by whom, by the API and by waymarkctl."><input type="search" aria-label="Find" placeholder="Find …" value={text} onInput={e => setText(e.target.value)} /></Head>
		{no ? <Note kind="warn">{no}</Note> : <Panel flush footer="The last 1,000."><Grid label="Audit" columns={columns} rows={rows} keyOf={a => `${a.time}${a.what}${rows.indexOf(a)}`} empty={audit.value ? "Nothing is." : audit.error ? audit.error.message : "Loading …"} /></Panel>}</>;
}

export function Tokens() {
	const may = useMay(), no = may("admin"), tokens = useWatch(no ? null : "/tokens", 15), [gone, setGone] = useState(null), [run, busy] = useDoing(), rows = tokens.value || [];
	const columns = [
		{ title: "Name", width: "minmax(110px, 1fr)", narrow: "minmax(60px, 1fr)", sort: t => t.name, cell: t => <b>{t.name}</b> },
		{ title: "May", width: "90px", narrow: "60px", sort: t => t.role, cell: t => <Chip kind={t.role === "admin" ? "warn" : ""}>{t.role}</Chip> },
		{ title: "Zones", width: "minmax(120px, 1.5fr)", wide: true, cell: t => t.zones || <span class="soft">all</span> },
		{ title: "Made", width: "130px", wide: true, sort: t => t.created, cell: t => moment(t.created, false) },
		{ title: "Until", width: "130px", narrow: "74px", sort: t => t.until || Infinity, cell: t => t.until ? moment(t.until, false) : <span class="soft">for good</span> },
		{ title: "Used", width: "110px", wide: true, sort: t => -(t.used || 0), cell: t => t.used ? moment(t.used) : <span class="soft">not yet</span> },
		{ title: "", width: "84px", acts: true, cell: t => <Button small kind="grave" onClick={() => setGone(t.name)}>Revoke …</Button> },
	];
	return <><Head title="Tokens" about={<>Who may use the API and this console. <code>waymarkctl token add</code> makes one.</>} />
		{no ? <Note kind="warn">{no}</Note> : <Panel flush><Grid label="Tokens" columns={columns} rows={rows} keyOf={t => t.name} empty="Loading …" /></Panel>}
		{gone && <Dialog title={`Revoke ${gone}?`} onClose={() => setGone(null)} onSubmit={() => run(async () => { const d = await remove(`/tokens/${part(gone)}`); again("/tokens"); setGone(null); return d; })}
			ends={<><Button onClick={() => setGone(null)}>Cancel</Button><button class="main" type="submit" disabled={busy}>Revoke</button></>}><p>Who has it may do nothing any more, from the next request on. It cannot be given back.</p></Dialog>}</>;
}
