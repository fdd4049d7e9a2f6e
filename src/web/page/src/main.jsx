// main.jsx - who looks, and where they go.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, hasToken, onSignedOut, setToken } from "./api.js";
import { link, Look, Me, useLook, useMay, useWatch, useWay } from "./hooks.js";
import { Icon, Mark } from "./icons.jsx";
import { Button, Field, Note, ToastRoom } from "./ui.jsx";
import { plural } from "./text.js";
import { Overview } from "./views/overview.jsx";
import { Edges } from "./views/edges.jsx";
import { Pools } from "./views/pools.jsx";
import { Ask } from "./views/ask.jsx";
import { Busiest } from "./views/busiest.jsx";
import { Zones } from "./views/zones.jsx";
import { Rollout } from "./views/rollout.jsx";
import { Changes } from "./views/changes.jsx";
import { Decisions } from "./views/decisions.jsx";
import { Timeline } from "./views/timeline.jsx";
import { Audit, Jobs, Tokens } from "./views/system.jsx";

const WAYS = [
	["Steering", [["", "Overview", "map", Overview], ["edges", "Edges", "edges", Edges], ["pools", "Pools", "pools", Pools], ["busiest", "Busiest", "busiest", Busiest], ["ask", "Who asks?", "ask", Ask]]],
	["Names", [["zones", "Zones", "zones", Zones]]],
	["Change", [["rollout", "Rollout", "rollout", Rollout], ["changes", "Forced, planned", "changes", Changes]]],
	["Look back", [["decisions", "Decisions", "why", Decisions], ["timeline", "Timeline", "history", Timeline]]],
	["Server", [["jobs", "Jobs", "jobs", Jobs], ["audit", "Audit", "audit", Audit], ["tokens", "Tokens", "tokens", Tokens]]],
];
const ALL = WAYS.flatMap(w => w[1]);

function Login({ said, onIn }) {
	const [text, setText] = useState(""), [wrong, setWrong] = useState(said), [busy, setBusy] = useState(false);
	const enter = async e => {
		e.preventDefault();
		setBusy(true);
		setToken(text.trim());
		try {
			onIn(await get("/token"));
		} catch (x) {
			setToken("");
			setWrong(x.message);
			setBusy(false);
		}
	};
	return <main class="login"><form onSubmit={enter}>
		<h1 class="brand"><Mark /> Waymark</h1>
		<p class="soft">The console of <b>{location.host}</b>. It may do what your token may.</p>
		<Field label="Token"><input id="token" type="password" autoComplete="off" spellcheck={false} placeholder="wm_…" value={text} onInput={e => setText(e.target.value)} required autoFocus /></Field>
		{wrong && <Note kind="bad">{wrong}</Note>}
		<button class="main" type="submit" disabled={busy || !text.trim()}>{busy ? "…" : "Sign in"}</button>
		<p class="soft">On the server, this makes one:</p>
		<pre>waymarkctl token add NAME --role operate</pre>
		<p class="soft">It stays in this tab until you close it.</p>
	</form></main>;
}

function Way({ way, status, open, onGo }) {
	const down = status && status.edges_down;
	return <nav id="way" class={`way ${open ? "open" : ""}`} aria-label="Views">
		{WAYS.map(([title, list]) => <div><h2>{title}</h2><ul>{list.map(([path, name, icon]) => <li>
			<a href={link(path)} aria-current={(way[0] || "") === path ? "page" : undefined} onClick={onGo}><Icon of={icon} />{name}
				{path === "zones" && status && status.zones_faulty > 0 && <span class="tail bad">{status.zones_faulty}<span class="hidden-text"> faulty</span></span>}
				{path === "rollout" && status && status.stage && <span class="tail">{status.stage.percent} %</span>}
				{path === "jobs" && status && status.jobs_waiting > 0 && <span class="tail">{status.jobs_waiting}</span>}
			</a></li>)}</ul></div>)}
	</nav>;
}

function LookButton({ look }) {
	const next = { auto: "light", light: "dark", dark: "auto" };
	return <Button small kind="plain" title="light, dark, or as the system" onClick={() => look.setChoice(next[look.choice])}>{{ auto: "◐ auto", light: "○ light", dark: "● dark" }[look.choice]}</Button>;
}

function Shell({ me, look, onOut }) {
	const { way, query } = useWay(), main = useRef(null);
	const status = useWatch("/status", 4), [open, setOpen] = useState(false);
	const found = ALL.find(w => w[0] === (way[0] || "")), View = found && found[3];
	useEffect(() => {
		document.title = `${found ? found[1] : "?"} · Waymark ${location.host}`;
		setOpen(false);
	}, [way.join("/")]);
	return <div class="shell">
		<a class="skip" href="#main" onClick={e => { e.preventDefault(); main.current.focus(); }}>To the content</a>
		<header class="top">
			<Button small kind="plain menu" aria-expanded={open} aria-controls="way" onClick={() => setOpen(!open)}>☰<span class="hidden-text">views</span></Button>
			<a class="brand" href="#/"><Mark /> Waymark</a>
			<span class="where">{location.host}{status.value && ` · ${status.value.version} · generation ${status.value.generation}`}</span>
			<div class="rest"><LookButton look={look} /><span class="who"><b>{me.name}</b> <span class="role soft">{me.role}</span></span><Button small onClick={onOut}>Sign out</Button></div>
		</header>
		{status.error && status.error.status === 0 && <div class="offline" role="alert">The server does not answer. What is shown is from before.</div>}
		<Way way={way} status={status.value} open={open} onGo={() => setOpen(false)} />
		<main id="main" ref={main} tabIndex={-1}>{View ? <View key={found[0]} way={way.slice(1)} query={query} status={status} /> : <p>There is nothing here. <a href="#/">Overview</a></p>}</main>
	</div>;
}

function App() {
	const look = useLook(), [me, setMe] = useState(null), [said, setSaid] = useState(""), [known, setKnown] = useState(!hasToken());
	const out = text => { setToken(""); setMe(null); setSaid(text || ""); };
	useEffect(() => {
		onSignedOut(text => out(text));
		if (hasToken())
			get("/token").then(setMe, e => e.status !== 401 && setSaid(e.message)).finally(() => setKnown(true));
	}, []);
	if (!known)
		return null;
	return <Look.Provider value={look}><ToastRoom>{me ? <Me.Provider value={me}><Shell me={me} look={look} onOut={() => out("")} /></Me.Provider> : <Login key={said} said={said} onIn={m => { setSaid(""); setMe(m); }} />}</ToastRoom></Look.Provider>;
}

render(<App />, document.getElementById("app"));
