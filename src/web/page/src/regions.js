// regions.js - whose clients go to which edge: the server's simulation, as a map has it.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";

function cellsOf(o) {
	const step = o.cell_degrees, by = new Map();
	const cells = o.cells.map(text => {
		const [row, col, now, then, millionths] = text.split(" ").map(Number);
		const c = { lat: (row + .5) * step - 90, lon: (col + .5) * step - 180, now, then, share: millionths / 1e6 };
		by.set(`${row} ${col}`, c);
		return c;
	});
	return { ...o, step, cells, by, edges: o.edges.map(e => e.edge), rows: o.edges, compares: o.new !== "the same" };
}

// What went from one edge to another between two looks at a map.
function movesOf(before, now) {
	const sum = new Map();
	for (const [at, c] of now.by) {
		const old = before.by.get(at), from = old && before.edges[old.now], to = now.edges[c.now];
		if (from && to && from !== to)
			sum.set(`${from} ${to}`, (sum.get(`${from} ${to}`) || 0) + c.share);
	}
	return [...sum].map(([k, share]) => ({ from: k.split(" ")[0], to: k.split(" ")[1], share })).sort((a, b) => b.share - a.share);
}

const AGAIN_MS = 8000, RETRY_MS = 2500, ARCS_MS = 60000;

// What the map depends on, as far as one can see it: edges' states and what load does, what is staged; and every two minutes.
export const mapKey = (status, list) => status && list.length ? `${status.stage ? `${status.stage.percent} ${status.stage.since}` : ""} ${Math.floor(status.uptime_s / 120)} ${status.pools} ${list.map(e => `${e.edge}${e.state[0]}${Math.round(20 * (e.sheds || 0))}${e.forced ? 1 : 0}`).join("")}` : undefined;

// Asked for when that changes, at most each few seconds. `against`: "" (what happens), "stage", or "drain EDGE"; `v6`: of IPv6 clients.
export function useRegions(pool, against, changes, v6) {
	const [map, setMap] = useState({ of: null, error: "", moves: [] });
	const kept = useRef({ key: "", at: 0, of: null }), wanted = useRef("");
	wanted.current = `${pool} ${against} ${!!v6}`;
	useEffect(() => {
		if (!pool || changes === undefined)
			return;
		const k = kept.current, key = `${pool} ${against} ${!!v6}`;
		let timer = 0, ended = false;
		const ask = async () => {
			k.at = Date.now();
			const [word, edge] = against.split(" ");
			try {
				const of = cellsOf(await get("/regions", { pool, ipv6: v6 || undefined, stage: word === "stage" ? true : undefined, drain: word === "drain" ? edge : undefined, down: word === "down" ? edge : undefined }));
				if (wanted.current !== key)
					return;
				const live = !of.compares && k.key === key && k.of ? movesOf(k.of, of) : [];
				setMap(m => ({ of, error: "", moves: of.compares ? of.moves : live.length ? live : m.key === key && Date.now() - m.movedAt < ARCS_MS ? m.moves : [], movedAt: live.length ? Date.now() : m.movedAt, key }));
				k.key = key;
				k.of = of;
			} catch (e) {
				if (wanted.current === key)
					setMap({ of: null, error: e.message, moves: [] });
				if (!ended)
					timer = setTimeout(ask, RETRY_MS);
			}
		};
		const wait = k.key === key ? Math.max(400, k.at + AGAIN_MS - Date.now()) : 0;
		timer = setTimeout(ask, wait);
		return () => { ended = true; clearTimeout(timer); };
	}, [pool, against, changes, v6]);
	return map;
}
