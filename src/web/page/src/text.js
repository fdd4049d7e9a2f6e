// text.js - numbers and times as people read them.
export const share = (v, digits = 1) => v === undefined || v === null || Number.isNaN(v) ? "–" : `${(100 * v).toFixed(digits)} %`;
export const ms = v => v === undefined || v === null || Number.isNaN(v) ? "–" : v < 10 ? `${v.toFixed(1)} ms` : `${Math.round(v)} ms`;
export function count(v) {
	if (v === undefined || v === null || Number.isNaN(v))
		return "–";
	const a = Math.abs(v);
	return a >= 1e9 ? `${(v / 1e9).toFixed(2)} G` : a >= 1e6 ? `${(v / 1e6).toFixed(2)} M` : a >= 1e4 ? `${(v / 1e3).toFixed(1)} k`
		: a >= 100 || Number.isInteger(v) ? String(Math.round(v)) : v.toFixed(1);
}
export function bytes(v) {
	return v >= 1 << 30 ? `${(v / (1 << 30)).toFixed(1)} GiB` : v >= 1 << 20 ? `${(v / (1 << 20)).toFixed(1)} MiB` : v >= 1024 ? `${(v / 1024).toFixed(1)} KiB` : `${v} B`;
}
export function span(s) {
	if (s === undefined || s === null)
		return "–";
	s = Math.max(0, Math.round(s));
	return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min` : s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`
		: `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}
const two = n => String(n).padStart(2, "0");
// Of UNIX time or an RFC 3339 text, in this browser's time.
export function moment(t, seconds = true) {
	if (!t)
		return "–";
	const d = new Date(typeof t === "number" ? t * 1000 : t);
	const time = `${two(d.getHours())}:${two(d.getMinutes())}${seconds ? ":" + two(d.getSeconds()) : ""}`;
	return d.toDateString() === new Date().toDateString() ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}
export const plural = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;
export const bare = zone => zone.replace(/(.)\.$/, "$1");
