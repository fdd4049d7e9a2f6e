// colours.js - which colour an edge has: the same in all views.
//
// Eight for a light page and eight for a dark one, found by search so that any two differ (CIE 1976) for all eyes, also for
// those without one of the three kinds of cones. Edges far from each other share one; a name always stands beside it.
const LIGHT = ["#4f6de8", "#e2ab8a", "#85a916", "#d72a46", "#5a3298", "#63c2fe", "#f25db2", "#873971"];
const DARK = ["#22acaa", "#e1b047", "#a3a3fa", "#eec4f7", "#7b67ae", "#a1eac0", "#926f1b", "#548666"];

const near = (a, b) => {
	const dx = Math.abs(a.lon - b.lon) % 360, x = Math.min(dx, 360 - dx) * Math.cos((a.lat + b.lat) * Math.PI / 360), y = a.lat - b.lat;
	return x * x + y * y;
};
let painted = { key: "", of: new Map() };

// [{ edge, lat, lon }] -> number of a colour by name: one after the other the colour whose edges are farthest.
export function paint(edges) {
	const key = edges.map(e => e.edge).join(" ");
	if (painted.key === key)
		return painted.of;
	const of = new Map(), by = LIGHT.map(() => []);
	for (const e of edges) {
		let best = 0, far = -1;
		by.forEach((list, c) => {
			const d = Math.min(1e9 - c - list.length * 1e6, ...list.map(o => e.lat === undefined || o.lat === undefined ? 0 : near(e, o)));
			if (d > far)
				[best, far] = [c, d];
		});
		by[best].push(e);
		of.set(e.edge, best);
	}
	painted = { key, of };
	return of;
}
export const colourOf = (of, edge, dark) => (dark ? DARK : LIGHT)[of.get(edge) ?? 0];
export const series = dark => dark ? DARK : LIGHT;
