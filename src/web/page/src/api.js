// api.js - requests to the API, and what is known of the server, asked for again and again while somebody looks.
//
// The token is kept for this tab alone (sessionStorage) and goes out in a header: no cookie, so that no other page can
// use it. A few requests at a time: the server has few places for one address.

const ROOT = "/api/v1", KEY = "waymark-token", AT_ONCE = 3;
let token = sessionStorage.getItem(KEY) || "";
let running = 0, onOut = () => {};
const queue = [];

export class ApiError extends Error {
	constructor(status, text, body) {
		super(text);
		this.status = status;
		this.body = body || {};
	}
}

export const hasToken = () => token !== "";
export function setToken(text, out) {
	token = text;
	if (text)
		sessionStorage.setItem(KEY, text);
	else
		sessionStorage.removeItem(KEY);
	if (out)
		onOut = out;
}
export function onSignedOut(f) {
	onOut = f;
}

function next() {
	if (running >= AT_ONCE || !queue.length)
		return;
	running++;
	const { run, done, failed } = queue.shift();
	run().then(done, failed).finally(() => { running--; next(); });
}

function inTurn(run, first) {
	return new Promise((done, failed) => {
		queue[first ? "unshift" : "push"]({ run, done, failed });
		next();
	});
}

async function send(method, path, body) {
	let r;
	try {
		r = await fetch(ROOT + path, { method, cache: "no-store", credentials: "omit",
			headers: { Authorization: "Bearer " + token, ...(body ? { "Content-Type": "application/json" } : {}) },
			body: body ? JSON.stringify(body) : undefined });
	} catch {
		throw new ApiError(0, "the server does not answer");
	}
	const isJson = (r.headers.get("Content-Type") || "").startsWith("application/json");
	const said = isJson ? await r.json().catch(() => ({})) : await r.text();
	if (r.status === 401)
		onOut(said.error || "");
	if (!r.ok)
		throw new ApiError(r.status, said.error || `HTTP ${r.status}`, said);
	return said;
}

const withQuery = (path, query) => {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(query || {}))
		if (v !== undefined && v !== null && v !== "" && v !== false)
			q.set(k, v);
	return q.size ? `${path}?${q}` : path;
};

export const get = (path, query) => inTurn(() => send("GET", withQuery(path, query)), false);
export const post = (path, body) => inTurn(() => send("POST", path, body || {}), true);
export const remove = (path, query) => inTurn(() => send("DELETE", withQuery(path, query)), true);
export const part = text => encodeURIComponent(text);

// --- what is watched ---------------------------------------------------------------------

const watched = new Map();

class Watched {
	constructor(path) {
		this.path = path;
		this.value = undefined;
		this.error = null;
		this.at = 0;
		this.looks = new Set();
		this.timer = 0;
		this.asks = false;
	}
	every() {
		return Math.min(...[...this.looks].map(l => l.seconds)) * 1000;
	}
	plan() {
		clearTimeout(this.timer);
		if (this.looks.size && !document.hidden)
			this.timer = setTimeout(() => this.ask(), Math.max(0, this.at + (this.error ? Math.max(this.every(), 3000) : this.every()) - Date.now()));
	}
	async ask() {
		if (this.asks)
			return;
		this.asks = true;
		try {
			this.value = await get(this.path);
			this.error = null;
		} catch (e) {
			this.error = e;
		}
		this.asks = false;
		this.at = Date.now();
		for (const l of this.looks)
			l.tell();
		this.plan();
	}
}

export function watch(path, seconds, tell) {
	let w = watched.get(path);
	if (!w)
		watched.set(path, w = new Watched(path));
	const look = { seconds, tell };
	w.looks.add(look);
	w.plan();
	return () => {
		w.looks.delete(look);
		if (!w.looks.size) {
			clearTimeout(w.timer);
			watched.delete(path);
		}
	};
}
export const peek = path => watched.get(path);
// After something was changed: whoever looks at these sees it now.
export function again(...paths) {
	for (const [path, w] of watched)
		if (paths.some(p => path === p || path.startsWith(p + "?") || path.startsWith(p + "/")))
			w.ask();
}
document.addEventListener("visibilitychange", () => {
	for (const w of watched.values())
		w.plan();
});

// --- what is streamed --------------------------------------------------------------------

const SHOWN_MS = 1900, RETRY_MS = 3000;

// What is counted, each second, for all views together (server-sent events; by fetch, since EventSource sends no token).
// Nothing is asked for while nobody looks. Who looks is told each other second: eyes need no more.
class Stream {
	constructor(path) {
		this.path = path;
		this.value = undefined;
		this.at = this.told = 0;
		this.looks = new Set();
		this.stop = null;
		this.timer = 0;
		this.open = false;
	}
	take(text) {
		this.value = JSON.parse(text);
		this.at = this.value.time_ms || Date.now();
		if (Date.now() - this.told < SHOWN_MS && this.told)
			return;
		this.told = Date.now();
		for (const tell of this.looks)
			tell();
	}
	async read(signal) {
		const r = await fetch(ROOT + this.path + "/events", { cache: "no-store", credentials: "omit", signal, headers: { Authorization: "Bearer " + token } });
		if (r.status === 401)
			return onOut("");
		if (!r.ok)                        // too many look on: as others do, then
			return this.take(JSON.stringify(await get(this.path)));
		const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
		for (let rest = ""; ;) {
			const { value, done } = await reader.read();
			if (done)
				return undefined;
			rest += value;
			for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
				const data = /^data: (.*)$/m.exec(rest.slice(0, end));
				if (data)
					this.take(data[1]);
			}
		}
	}
	async run() {
		clearTimeout(this.timer);
		if (this.open || !this.looks.size || document.hidden)
			return;
		this.open = true;
		const stop = this.stop = new AbortController();
		await this.read(stop.signal).catch(() => {});
		this.open = false;
		this.timer = setTimeout(() => this.run(), stop.signal.aborted ? 0 : RETRY_MS);
	}
	halt() {
		if (this.stop && (document.hidden || !this.looks.size))
			this.stop.abort();
	}
}

export const rates = new Stream("/rates");
export function look(stream, tell) {
	stream.looks.add(tell);
	stream.run();
	return () => {
		stream.looks.delete(tell);
		setTimeout(() => stream.halt(), 500);
	};
}
document.addEventListener("visibilitychange", () => {
	rates.halt();
	rates.run();
});
