// changes.jsx - what operators have said of edges: what is on, and what is planned.
import { again, remove } from "../api.js";
import { link, useMay, useWatch } from "../hooks.js";
import { Button, Chip, Grid, Head, Panel, useDoing } from "../ui.jsx";
import { moment, plural, span } from "../text.js";

const until = c => c.left_s !== undefined ? `for ${span(c.left_s)} more` : c.until_s ? `until ${moment(c.until_s, false)}` : "until it is ended";

export function Changes() {
	const changes = useWatch("/changes", 5), may = useMay(), [run, busy] = useDoing(), no = may("operate");
	const end = c => run(async () => { const d = await remove(`/changes/${c.change}`); again("/changes", "/edges", "/pools", "/status"); return d; });
	const list = changes.value || [], on = list.filter(c => c.how === "on").length;
	const columns = [
		{ title: "Edge", width: "minmax(100px, 1fr)", narrow: "minmax(56px, 1fr)", sort: c => c.edge, cell: c => /[*?:,]/.test(c.edge) ? c.edge : <a class="name" href={link("edges", c.edge)}>{c.edge}</a> },
		{ title: "What", width: "100px", narrow: "72px", sort: c => c.what, cell: c => <Chip kind={c.how === "planned" ? "info" : "warn"}>{c.what}</Chip> },
		{ title: "Where", width: "110px", wide: true, sort: c => c.pool, cell: c => c.pool || <span class="soft">all pools</span> },
		{ title: "When", width: "minmax(190px, 1.4fr)", narrow: "minmax(80px, 1fr)", sort: c => c.from_s || c.since_s, cell: c => c.how === "planned" ? `from ${moment(c.from_s, false)} ${until(c)}` : `since ${moment(c.since_s)}, ${until(c)}` },
		{ title: "By", width: "110px", wide: true, sort: c => c.who, cell: c => c.who },
		{ title: "Why", width: "minmax(120px, 1.4fr)", wide: true, cell: c => c.why },
		{ title: "", width: "84px", acts: true, cell: c => <Button small no={no || (c.configured ? "it stands in the configuration" : "")} onClick={() => end(c)}>{c.how === "planned" ? "Take back" : "End"}</Button> },
	];
	return <>
		<Head title="Forced, planned" about={changes.value ? `${on} on, ${list.length - on} planned. To force an edge, open it.` : ""}><a href={link("edges")}>Edges</a></Head>
		<Panel flush><Grid label="Changes" columns={columns} rows={list} keyOf={c => c.change} empty={changes.value ? "Everything is as configured and as the probes say." : changes.error ? changes.error.message : "Loading …"} /></Panel>
	</>;
}
