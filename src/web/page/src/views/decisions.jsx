// decisions.jsx - why a client got an edge some time ago, and whose answers are all kept.
import { useState } from "preact/hooks";
import { again, get, part, post, remove } from "../api.js";
import { link, useMay, useWatch } from "../hooks.js";
import { Button, Chip, Empty, Field, Grid, Head, Loaded, Note, Panel, useDoing } from "../ui.jsx";
import { moment, plural } from "../text.js";
import { REASONS } from "./pools.jsx";

export function Decisions({ query }) {
	const [form, setForm] = useState({ client: query.client || "", at: "", name: "" }), [said, setSaid] = useState(null), [wrong, setWrong] = useState("");
	const watched = useWatch("/watch", 15), may = useMay(), no = may("operate"), [run, busy] = useDoing(), [span, setSpan] = useState("1h");
	const set = k => e => setForm({ ...form, [k]: e.target.value });
	const ask = async e => {
		e && e.preventDefault();
		try {
			setSaid(await get("/why", form));
			setWrong("");
		} catch (x) {
			setSaid(null);
			setWrong(x.message);
		}
	};
	const doing = f => run(async () => { const d = await f(); again("/watch"); return d; });
	const columns = [
		{ title: "Time", width: "92px", narrow: "62px", sort: a => a.time, cell: a => moment(a.time) },
		{ title: "Name", width: "minmax(150px, 1.5fr)", narrow: "minmax(90px, 1.4fr)", sort: a => a.name, cell: a => <>{a.name} <span class="soft">{a.type}</span></> },
		{ title: "Client", width: "140px", wide: true, cell: a => <span title={`by its ${a.by}; resolver ${a.resolver}`}>{a.client}</span> },
		{ title: "Edge", width: "86px", narrow: "60px", sort: a => a.edge || "", cell: a => a.edge ? <a class="name" href={link("edges", a.edge)}>{a.edge}</a> : <Chip kind="bad">nobody</Chip> },
		{ title: "Why", width: "minmax(110px, 1fr)", narrow: "minmax(70px, 1fr)", sort: a => a.why, cell: a => REASONS[a.why] || a.why },
		{ title: "Else", width: "86px", wide: true, cell: a => a.runner_up || <span class="soft">–</span> },
		{ title: "Health then", width: "minmax(100px, 1fr)", wide: true, cell: a => <span title={a.health}>{a.health}</span> },
		{ title: "TTL", width: "46px", num: true, wide: true, cell: a => a.ttl },
		{ title: "Configuration", width: "104px", wide: true, cell: a => <span class={a.configuration_is_served ? "" : "soft"}>{a.configuration}{a.configuration_is_served ? "" : ", before"}</span> },
	];
	return <>
		<Head title="Decisions" about="Why a client got an edge, an hour ago." />
		<div class="stack">
			<Panel><form class="fields" onSubmit={ask}>
				<Field label="Client: an address or a prefix"><input value={form.client} onInput={set("client")} required placeholder="203.0.113.7" spellcheck={false} /></Field>
				<Field label="At"><input value={form.at} onInput={set("at")} placeholder="now; 10:15; 30m (ago)" /></Field>
				<Field label="Name"><input value={form.name} onInput={set("name")} placeholder="any" spellcheck={false} /></Field>
				<button class="main" type="submit">Why?</button>
			</form></Panel>
			{wrong && <Note kind="bad">{wrong}</Note>}
			{said && <Panel flush title={plural(said.answers.length, "answer")} about={`to ${said.client}, until ${moment(said.at)}`} rest={<a href={`#/ask?${new URLSearchParams({ client: said.client, name: said.answers.length ? said.answers[0].name : "" })}`}>and now?</a>}>
				<Grid label="Answers" columns={columns} rows={said.answers} keyOf={a => `${a.time}${a.name}${a.client}${said.answers.indexOf(a)}`} most="420px" empty="Nothing is kept of it. Put the client on watch, and all its answers are." /></Panel>}
			<Panel flush title="On watch" about="all answers of these clients are kept">
				<div class="body"><form class="fields" onSubmit={e => { e.preventDefault(); doing(() => post("/watch", { net: form.client, for: span })); }}>
					<Field label="Client"><input value={form.client} onInput={set("client")} required placeholder="203.0.113.0/24" spellcheck={false} /></Field><Field label="For"><input value={span} onInput={e => setSpan(e.target.value)} required /></Field>
					<Button no={no} onClick={e => e.target.form.requestSubmit()}>{busy ? "…" : "Watch"}</Button></form></div>
				<Loaded of={watched}>{o => o.watched.length ? <table class="terms"><thead><tr><th>Client</th><th>Since</th><th>Until</th><th /></tr></thead><tbody>{o.watched.map(w => <tr><td class="mono">{w.net}</td><td>{moment(w.since)}</td><td>{moment(w.until)}</td>
					<td class="num"><Button small no={no} onClick={() => doing(() => remove(`/watch/${part(w.net)}`))}>Stop</Button></td></tr>)}</tbody></table> : <Empty>Nobody is.</Empty>}</Loaded>
			</Panel>
		</div>
	</>;
}
