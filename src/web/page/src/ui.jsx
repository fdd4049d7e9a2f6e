// ui.jsx - what all views are made of.
import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

// --- small ones --------------------------------------------------------------------------

const SHAPES = { up: <circle cx="6" cy="6" r="5" fill="currentColor" />, drain: <path d="M6 .5 11.5 6 6 11.5.5 6Z" fill="none" stroke="currentColor" stroke-width="2" />,
	down: <path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" />, none: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="2" /> };
export function State({ state, say }) {
	const kind = state === "disable" ? "down" : SHAPES[state] ? state : "none";
	return <span class={`badge ${kind}`}><svg viewBox="0 0 12 12" aria-hidden="true">{SHAPES[kind]}</svg>{say || (state === "drain" ? "drained" : state === "disable" ? "disabled" : state)}</span>;
}
export const Chip = ({ kind = "", children }) => <span class={`chip ${kind}`}>{children}</span>;
export const Note = ({ kind = "", children }) => <div class={`note ${kind}`} role={kind === "bad" ? "alert" : undefined}>{children}</div>;
export function Meter({ value, label, load }) {
	const v = Math.max(0, Math.min(1, value || 0));
	return <span class={`meter ${load && value > 1 ? "hot" : load && value > .8 ? "warm" : ""}`} role="img" aria-label={label}><i style={{ width: `${100 * v}%` }} /></span>;
}

// A button that the token may not use stays, and says why.
export function Button({ kind = "", small, no, onClick, children, ...rest }) {
	return <button type="button" class={`${kind} ${small ? "small" : ""}`} aria-disabled={no ? "true" : undefined} title={no || rest.title}
		aria-description={no || undefined} onClick={no ? e => e.preventDefault() : onClick} {...rest} >{children}</button>;
}
export const Field = ({ label, children }) => <label class="field"><span>{label}</span>{children}</label>;
export function Panel({ title, about, rest, footer, flush, children, class: also = "", ...props }) {
	return <section class={`panel ${also}`} {...props}>
		{(title || rest) && <header><h2>{title}</h2>{about && <span class="soft">{about}</span>}{rest && <div class="rest">{rest}</div>}</header>}
		{flush ? children : <div class="body">{children}</div>}
		{footer && <footer>{footer}</footer>}
	</section>;
}
export const Head = ({ title, about, children }) => <div class="head"><div><h1>{title}</h1>{about && <p class="about">{about}</p>}</div>{children && <div class="rest">{children}</div>}</div>;
export const Family = ({ v6, onChange }) => <select aria-label="Whose clients" value={v6 ? "6" : "4"} onChange={e => onChange(e.target.value === "6")}><option value="4">IPv4</option><option value="6">IPv6</option></select>;
export const Empty = ({ children }) => <p class="empty">{children}</p>;
export function Facts({ of }) {
	return <dl class="facts">{of.filter(f => f && f[1] !== undefined && f[1] !== null && f[1] !== "").map(([k, v]) => [<dt>{k}</dt>, <dd>{v}</dd>])}</dl>;
}
// What is being asked for, or why it cannot be had; else the children.
export function Loaded({ of, children }) {
	if (of.value !== undefined)
		return children(of.value);
	return of.error ? <Note kind="bad">{of.error.message}</Note> : <p class="empty" role="status">Loading …</p>;
}

export function useNarrow() {
	const media = useMemo(() => matchMedia("(max-width: 860px)"), []);
	const [narrow, set] = useState(media.matches);
	useEffect(() => {
		const on = () => set(media.matches);
		media.addEventListener("change", on);
		return () => media.removeEventListener("change", on);
	}, []);
	return narrow;
}

// --- lists -------------------------------------------------------------------------------

// A table of any length: only the rows that are seen are in the page. `columns`: { title, width, num, wide, sort(row), cell(row) };
// those that are `wide` are left out on a phone, others may be `narrow` there. `more` is called near the end.
export function Grid({ label, columns, rows, keyOf, height = 35, most = "calc(100vh - 250px)", sort: first, pick, picked, more, empty = "Nothing." }) {
	const narrow = useNarrow(), box = useRef(null);
	const [seen, setSeen] = useState({ top: 0, height: 700 });
	const [by, setBy] = useState(first || null);
	const cols = columns.filter(c => !narrow || !c.wide);
	const sorted = useMemo(() => {
		const c = by && columns.find(x => x.title === by.title);
		if (!c || !c.sort)
			return rows;
		const keyed = rows.map((r, i) => [c.sort(r), i, r]);
		keyed.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]));
		const list = keyed.map(k => k[2]);
		return by.down ? list.reverse() : list;
	}, [rows, by]);
	const look = () => setSeen({ top: box.current.scrollTop, height: box.current.clientHeight });
	useLayoutEffect(look, [rows.length]);
	const from = Math.max(0, Math.floor(seen.top / height) - 6), to = Math.min(sorted.length, Math.ceil((seen.top + seen.height) / height) + 6);
	useEffect(() => {
		if (more && to > rows.length - 40)
			more();
	}, [to, rows.length]);
	const widths = cols.map(c => narrow && c.narrow || c.width || "minmax(60px, 1fr)"), gap = narrow ? 9 : 14;
	const least = widths.reduce((n, w) => n + Number((/(\d+)px/.exec(w) || [0, 60])[1]) + gap, narrow ? 15 : 14);
	const style = { gridTemplateColumns: widths.join(" "), columnGap: `${gap}px`, minWidth: `${least}px` };
	return <div class="grid" ref={box} onScroll={look} style={{ maxHeight: most }} tabIndex={0} role="table" aria-label={label} aria-rowcount={rows.length + 1}>
		<div role="rowgroup"><div class="line top-line" role="row" style={style}>{cols.map(c => {
			const now = by && by.title === c.title;
			return <span role="columnheader" class={c.num ? "num" : ""} aria-sort={now ? (by.down ? "descending" : "ascending") : undefined}>
				{c.sort ? <button type="button" class="sort" onClick={() => setBy({ title: c.title, down: now ? !by.down : !!c.num })}>{c.title}{now ? (by.down ? " ↓" : " ↑") : ""}</button> : c.title || <span class="hidden-text">actions</span>}
			</span>;
		})}</div></div>
		{rows.length ? <div role="rowgroup" style={{ paddingTop: `${from * height}px`, paddingBottom: `${(sorted.length - to) * height}px` }}>
			{sorted.slice(from, to).map((r, i) => <div key={keyOf(r)} class={`line one ${picked === keyOf(r) ? "picked" : ""}`} role="row" aria-rowindex={from + i + 2} style={{ ...style, height: `${height}px` }}>
				{cols.map((c, k) => <span role="cell" class={`${c.num ? "num" : ""} ${c.acts ? "acts" : ""}`}>{pick && k === (columns[0].lead ? 1 : 0) ? <a class="name" href={pick(r)}>{c.cell(r)}</a> : c.cell(r)}</span>)}
			</div>)}
		</div> : <Empty>{empty}</Empty>}
	</div>;
}

// --- dialogs -----------------------------------------------------------------------------

export function Dialog({ title, onClose, onSubmit, side, children, ends }) {
	const ref = useRef(null);
	useEffect(() => {
		const d = ref.current;
		d.showModal();
		return () => d.open && d.close();
	}, []);
	const out = e => { e.preventDefault(); onClose(); };
	const outside = e => { if (e.target === ref.current) onClose(); };
	if (side)
		return <dialog ref={ref} class="side" aria-label={title} onCancel={out} onMouseDown={outside}><div class="inside">{children}</div></dialog>;
	return <dialog ref={ref} aria-label={title} onCancel={out} onMouseDown={outside}>
		<form method="dialog" onSubmit={e => { e.preventDefault(); onSubmit && onSubmit(); }}><h2>{title}</h2>{children}<div class="ends">{ends}</div></form>
	</dialog>;
}

export const Toasts = createContext(() => {});
export const useToast = () => useContext(Toasts);
export function ToastRoom({ children }) {
	const [list, set] = useState([]);
	const add = useMemo(() => (text, bad) => {
		const one = { text, bad, id: Math.random() };
		set(l => [...l.slice(-3), one]);
		setTimeout(() => set(l => l.filter(x => x !== one)), bad ? 12000 : 5000);
	}, []);
	return <Toasts.Provider value={add}>{children}<div class="toasts" role="status" aria-live="polite">{list.map(t => <div key={t.id} class={`toast ${t.bad ? "bad" : ""}`}>{t.text}</div>)}</div></Toasts.Provider>;
}

// Does it and says what came of it; `busy` meanwhile.
export function useDoing() {
	const toast = useToast(), [busy, setBusy] = useState(false);
	const run = async (what, say) => {
		setBusy(true);
		try {
			const done = await what();
			const text = say === undefined ? (done && done.said || "").trim() : say;
			if (text)
				toast(text);
			return done || true;
		} catch (e) {
			toast(e.message, true);
			return null;
		} finally {
			setBusy(false);
		}
	};
	return [run, busy];
}
