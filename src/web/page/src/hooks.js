// hooks.js - what views are told: the server's state, the way in the address, who looks, light or dark.
import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef, useState } from "preact/hooks";
import { look, peek, rates, watch } from "./api.js";

const EMPTY = { value: undefined, error: null, at: 0 };

// { value, error, at } of a GET, asked for every so many seconds while the view is there; path null: nothing is.
export function useWatch(path, seconds = 5) {
	const [, tell] = useReducer(n => n + 1, 0);
	useEffect(() => path ? watch(path, seconds, () => tell()) : undefined, [path, seconds]);
	return path && peek(path) || EMPTY;
}

// What is counted now: /rates.
export function useCounted() {
	const [, tell] = useReducer(n => n + 1, 0);
	useEffect(() => look(rates, () => tell()), []);
	return rates;
}

export const Me = createContext({ name: "", role: "read", zones: "" });
const RANK = { zones: 0, read: 1, operate: 2, admin: 3 };

// May this token do that? "" or why not. `zone` true: tokens for zones may, too.
export function useMay() {
	const me = useContext(Me);
	return (role, zone) => {
		if (me.role === "zones")
			return zone ? "" : "your token is for its zones alone";
		return RANK[me.role] >= RANK[role] ? "" : `your token is for “${me.role}”; this needs “${role}”`;
	};
}

const decoded = text => { try { return decodeURIComponent(text); } catch { return text; } };

export function parseHash() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	return { way: path.split("/").filter(Boolean).map(decoded), query: Object.fromEntries(new URLSearchParams(query || "")) };
}
export function useWay() {
	const [way, set] = useState(parseHash);
	useEffect(() => {
		const on = () => set(parseHash());
		addEventListener("hashchange", on);
		return () => removeEventListener("hashchange", on);
	}, []);
	return way;
}
export const go = (...parts) => { location.hash = "/" + parts.map(encodeURIComponent).join("/"); };
export const link = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");

export const Look = createContext({ dark: false });
export function useLook() {
	const media = matchMedia("(prefers-color-scheme: dark)");
	const [choice, setChoice] = useState(localStorage.getItem("waymark-look") || "auto");
	const [system, setSystem] = useState(media.matches);
	useEffect(() => {
		const on = () => setSystem(media.matches);
		media.addEventListener("change", on);
		return () => media.removeEventListener("change", on);
	}, []);
	const dark = choice === "auto" ? system : choice === "dark";
	useEffect(() => {
		document.documentElement.dataset.look = dark ? "dark" : "light";
		localStorage.setItem("waymark-look", choice);
	}, [dark, choice]);
	return { choice, dark, setChoice };
}

// Differences of counters by the second: f(value) -> { name: number }. Keeps `most` points for charts.
export function useRates(watched, f, most = 150) {
	const kept = useRef({ at: 0, counts: null, times: [], rows: [], rates: null });
	const k = kept.current;
	if (watched.value && watched.at > k.at) {
		const counts = f(watched.value), seconds = (watched.at - k.at) / 1000;
		const begun = k.counts && Object.keys(counts).some(n => counts[n] < (k.counts[n] || 0));
		if (k.counts && !begun && seconds > 0.2) {
			k.rates = Object.fromEntries(Object.entries(counts).map(([n, v]) => [n, (v - (k.counts[n] || 0)) / seconds]));
			k.times.push(watched.at / 1000);
			k.rows.push(k.rates);
			if (k.times.length > most) {
				k.times.shift();
				k.rows.shift();
			}
		}
		k.at = watched.at;
		k.counts = counts;
	}
	return k;
}

export function useSize() {
	const ref = useRef(null);
	const [size, set] = useState({ width: 0, height: 0 });
	useEffect(() => {
		const o = new ResizeObserver(([e]) => set({ width: Math.round(e.contentRect.width), height: Math.round(e.contentRect.height) }));
		o.observe(ref.current);
		return () => o.disconnect();
	}, []);
	return [ref, size];
}
