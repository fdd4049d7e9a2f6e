// busiest.jsx - which names are asked for most, and by whom, while one looks.
import { useWatch } from "../hooks.js";
import { Empty, Grid, Head, Meter, Note, Panel } from "../ui.jsx";
import { bare, count, share } from "../text.js";

function List({ title, about, rows, name, say, all }) {
	const most = rows.length ? rows[0].queries_s : 1;
	const columns = [
		{ title: "#", width: "30px", num: true, wide: true, cell: r => rows.indexOf(r) + 1 },
		{ title: name, width: "minmax(150px, 2fr)", narrow: "minmax(120px, 2fr)", sort: r => r.text, cell: r => say ? say(r.text) : <code>{r.text}</code> },
		{ title: "A second", width: "90px", narrow: "72px", num: true, sort: r => r.queries_s, cell: r => <span title={`at least ${count(r.at_least_s)}`}>{count(r.queries_s)}</span> },
		{ title: "Share", width: "150px", narrow: "112px", num: true, cell: r => <span class="cell-meter"><span>{share(all ? r.queries_s / all : 0)}</span><Meter value={r.queries_s / most} label={`${r.text} ${count(r.queries_s)} a second`} /></span> },
	];
	return <Panel flush title={title} about={about}><Grid label={title} columns={columns} rows={rows} keyOf={r => r.text} most="none" empty="Nobody yet." /></Panel>;
}

const ask = net => <a href={`#/ask?${new URLSearchParams({ client: net })}`}><code>{net}</code></a>;

export function Busiest() {
	const now = useWatch("/busiest", 2), v = now.value, rows = (list, key) => (list || []).map(r => ({ ...r, text: key === "name" ? bare(r.name) : r.net }));
	return <>
		<Head title="Busiest" about={v ? `Means of the last seconds; ${v.one_in === 1 ? "every query is" : `one in ${v.one_in} queries is`} looked at while this view is open. ${count(v.queries_s)} queries a second.` : ""} />
		{now.error && <Note kind="bad">{now.error.message}</Note>}
		{v && v.looked_s < 1 ? <Empty>Looking …</Empty> : v && <div class="stack">
			<List title="Names" about="that are asked for" name="Name" rows={rows(v.names, "name")} all={v.queries_s} />
			<div class="two">
				<List title="Asked by" about="nets that queries come from" name="Net" say={ask} rows={rows(v.sources)} all={v.queries_s} />
				<List title="For clients in" about="subnets that resolvers send" name="Subnet" say={ask} rows={rows(v.subnets)} all={v.queries_s} />
			</div>
		</div>}
	</>;
}
