// world.jsx - the map: land, whose clients go where, edges with their states, arcs for what moves.
import { geoInterpolate, geoNaturalEarth1, geoPath } from "d3-geo";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { feature, mesh } from "topojson-client";
import { colourOf } from "./colours.js";
import { go, Look, useSize } from "./hooks.js";
import { Button } from "./ui.jsx";
import { share } from "./text.js";

/* global WORLD */
let land = null, asked = null;
function getLand() {
	asked = asked || fetch(WORLD).then(r => r.json()).then(a => {
		land = { land: feature(a, a.objects.countries), borders: mesh(a, a.objects.countries, (x, y) => x !== y) };
	}, () => { asked = null; });
	return asked;
}

const ZOOM_MOST = 12, TALL = .49;
const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function projectionOf(width, height, zoom) {
	const p = geoNaturalEarth1().fitExtent([[4, 6], [width - 4, height + height * .1]], { type: "Sphere" });
	const [x, y] = p.translate();
	return p.scale(p.scale() * zoom.k).translate([x * zoom.k + zoom.x, y * zoom.k + zoom.y]).precision(.4);
}

function held(zoom, width, height) {
	const k = Math.max(1, Math.min(ZOOM_MOST, zoom.k)), pad = 0;
	return { k, x: Math.max(width - width * k - pad, Math.min(pad, zoom.x)), y: Math.max(height - height * k - pad, Math.min(pad, zoom.y)) };
}

// Clients' regions: a dot a cell, larger where more clients are, in the colour of who serves most of them.
function drawCells(g, p, regions, paint, dark, zoom) {
	const step = regions.step, at = p([0, 0]), beside = p([step, 0]);
	const full = Math.max(1.15, (beside[0] - at[0]) * .52);
	const compares = regions.compares;
	const edges = regions.edges;
	for (const c of regions.cells) {
		const xy = p([c.lon, c.lat]);
		if (!xy)
			continue;
		const size = full * (.62 + .5 * Math.min(1, Math.max(0, (Math.log10(c.share + 1e-6) + 6) / 4.2)));
		const edge = edges[compares ? c.then : c.now];
		const moved = compares && c.then !== c.now;
		g.globalAlpha = compares && !moved ? .32 : .9;
		g.fillStyle = edge ? colourOf(paint, edge, dark) : ink("--soft");
		g.beginPath();
		g.arc(xy[0], xy[1], moved ? Math.max(size, full * .75) : size, 0, 7);
		g.fill();
	}
	g.globalAlpha = 1;
}

function drawArcs(g, p, moves, places, dark) {
	const path = geoPath(p, g), most = Math.max(...moves.map(m => m.share), 1e-9);
	g.lineCap = "round";
	for (const m of moves) {
		const a = places.get(m.from), b = places.get(m.to);
		if (!a || !b || a.lat === undefined || b.lat === undefined)
			continue;
		const width = 1 + 4 * Math.sqrt(m.share / most), along = geoInterpolate([a.lon, a.lat], [b.lon, b.lat]);
		const line = { type: "LineString", coordinates: Array.from({ length: 25 }, (_, i) => along(i / 24)) };
		for (const [style, wide] of [[ink("--panel"), width + 2.5], [ink("--ink"), width]]) {
			g.beginPath();
			path(line);
			g.strokeStyle = style;
			g.lineWidth = wide;
			g.stroke();
		}
		const tip = p(along(.93)), end = p([b.lon, b.lat]);
		if (!tip || !end)
			continue;
		const turn = Math.atan2(end[1] - tip[1], end[0] - tip[0]), size = 5 + width;
		g.fillStyle = ink("--ink");
		g.beginPath();
		g.moveTo(end[0] - 7 * Math.cos(turn), end[1] - 7 * Math.sin(turn));
		for (const side of [2.6, -2.6])
			g.lineTo(end[0] - 7 * Math.cos(turn) + size * Math.cos(turn + side), end[1] - 7 * Math.sin(turn) + size * Math.sin(turn + side));
		g.fill();
	}
}

function mark(g, x, y, r, e, colour) {
	const around = ink("--panel");
	g.lineWidth = 2;
	if (e.state === "up") {
		g.beginPath();
		g.arc(x, y, r, 0, 7);
		g.fillStyle = colour;
		g.fill();
		g.strokeStyle = around;
		g.stroke();
		g.lineWidth = 1;
		g.beginPath();
		g.arc(x, y, r + 1.3, 0, 7);
		g.strokeStyle = ink("--ink");
		g.stroke();
	} else if (e.state === "drain") {
		g.beginPath();
		g.moveTo(x, y - r - 3); g.lineTo(x + r + 3, y); g.lineTo(x, y + r + 3); g.lineTo(x - r - 3, y); g.closePath();
		g.fillStyle = around;
		g.fill();
		g.lineWidth = 2.4;
		g.strokeStyle = ink("--drain");
		g.stroke();
	} else {
		for (const [style, wide] of [[around, 6], [ink("--down"), 3]]) {
			g.beginPath();
			g.moveTo(x - 5, y - 5); g.lineTo(x + 5, y + 5); g.moveTo(x + 5, y - 5); g.lineTo(x - 5, y + 5);
			g.strokeStyle = style;
			g.lineWidth = wide;
			g.lineCap = "round";
			g.stroke();
		}
	}
}

// Names where there is room: those that are not up first, then the busiest.
function drawEdges(g, p, edges, paint, dark, size, named) {
	const spots = [];
	for (const e of edges) {
		const xy = e.lat === undefined ? null : p([e.lon, e.lat]);
		if (xy && xy[0] > -20 && xy[0] < size.width + 20 && xy[1] > -20 && xy[1] < size.height + 20)
			spots.push({ e, x: xy[0], y: xy[1], r: edges.length > 120 ? 3.2 : 3.6 + 4.4 * Math.sqrt(Math.min(1, (e.share || 0) * 3)) });
	}
	for (const s of [...spots].sort((a, b) => (a.e.state !== "up") - (b.e.state !== "up")))
		mark(g, s.x, s.y, s.r, s.e, colourOf(paint, s.e.edge, dark));
	const taken = spots.map(s => [s.x - s.r - 1, s.y - s.r - 1, s.x + s.r + 1, s.y + s.r + 1]);
	const hits = (x0, y0, x1, y1, own) => taken.some((t, i) => i !== own && x0 < t[2] && x1 > t[0] && y0 < t[3] && y1 > t[1]);
	g.font = "600 11px system-ui, sans-serif";
	g.lineJoin = "round";
	const order = spots.map((s, i) => [s, i]).sort((a, b) => (b[0].e.state !== "up") - (a[0].e.state !== "up") || (b[0].e.share || 0) - (a[0].e.share || 0));
	for (const [s, i] of order.slice(0, named)) {
		const w = g.measureText(s.e.edge).width;
		for (const [x, y] of [[s.x + s.r + 5, s.y + 4], [s.x - s.r - 5 - w, s.y + 4], [s.x - w / 2, s.y - s.r - 5], [s.x - w / 2, s.y + s.r + 13]]) {
			if (x < 2 || x + w > size.width - 2 || hits(x - 1, y - 10, x + w + 1, y + 3, i))
				continue;
			g.strokeStyle = ink("--panel");
			g.lineWidth = 3.4;
			g.strokeText(s.e.edge, x, y);
			g.fillStyle = ink("--ink");
			g.fillText(s.e.edge, x, y);
			taken.push([x - 1, y - 10, x + w + 1, y + 3]);
			break;
		}
	}
	return spots;
}

// `edges`: [{ edge, state, lat, lon, share, say }]; `regions`: see views/overview.jsx, or null; `moves`: [{ from, to, share }].
export function World({ edges, regions, moves = [], paint, label, tall = TALL }) {
	const { dark } = useContext(Look), [box, size] = useSize(), canvas = useRef(null), under = useRef(null), spots = useRef([]);
	const [zoom, setZoom] = useState({ k: 1, x: 0, y: 0 }), [tip, setTip] = useState(null), [has, setHas] = useState(!!land);
	const width = size.width, height = Math.round(width * (width < 560 ? tall * 1.16 : tall));
	const projection = useMemo(() => width ? projectionOf(width, height, zoom) : null, [width, height, zoom]);
	useEffect(() => { if (!land) getLand().then(() => setHas(true)); }, []);

	useEffect(() => {              // what changes seldom
		if (!projection)
			return;
		const c = under.current = under.current || document.createElement("canvas"), dots = devicePixelRatio || 1;
		c.width = width * dots;
		c.height = height * dots;
		const g = c.getContext("2d");
		g.scale(dots, dots);
		if (land) {
			const path = geoPath(projection, g);
			g.beginPath();
			path(land.land);
			g.fillStyle = ink("--land");
			g.fill();
			g.beginPath();
			path(land.borders);
			g.strokeStyle = ink("--border");
			g.lineWidth = .7;
			g.stroke();
		}
		if (regions)
			drawCells(g, projection, regions, paint, dark, zoom);
	}, [projection, regions, dark, has, paint]);

	const shown = edges.map(e => `${e.edge}${e.state}${Math.round((e.share || 0) * 200)}`).join();
	useEffect(() => {
		if (!projection)
			return;
		const c = canvas.current, dots = devicePixelRatio || 1;
		c.width = width * dots;
		c.height = height * dots;
		const g = c.getContext("2d");
		g.drawImage(under.current, 0, 0);
		g.scale(dots, dots);
		if (moves.length)
			drawArcs(g, projection, moves.slice(0, 40), new Map(edges.map(e => [e.edge, e])), dark);
		spots.current = drawEdges(g, projection, edges, paint, dark, { width, height }, width < 560 && zoom.k < 2 ? 14 : 150);
	}, [projection, regions, moves, shown, dark, has, paint]);

	const zoomAt = (factor, x, y) => setZoom(z => {
		const k = Math.max(1, Math.min(ZOOM_MOST, z.k * factor)), f = k / z.k;
		return held({ k, x: x - (x - z.x) * f, y: y - (y - z.y) * f }, width, height);
	});
	const drag = useRef(null);
	const place = e => { const r = canvas.current.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
	const nearest = (x, y) => spots.current.reduce((best, s) => { const d = Math.hypot(s.x - x, s.y - y); return d < 16 && (!best || d < best.d) ? { s, d } : best; }, null);
	const onMove = e => {
		const [x, y] = place(e);
		if (drag.current && e.buttons) {
			const d = drag.current;
			if (Math.hypot(x - d.x, y - d.y) > 4)
				d.far = true;
			setZoom(held({ k: d.zoom.k, x: d.zoom.x + x - d.x, y: d.zoom.y + y - d.y }, width, height));
			return;
		}
		const found = nearest(x, y);
		if (found)
			return setTip({ x: found.s.x, y: found.s.y, title: found.s.e.edge, text: found.s.e.say });
		const at = regions && projection.invert([x, y]);
		const cell = at && regions.by.get(`${Math.floor((at[1] + 90) / regions.step)} ${Math.floor((at[0] + 180) / regions.step)}`);
		const names = cell && [regions.edges[cell.now], regions.edges[cell.then]];
		setTip(cell ? { x, y, title: regions.compares && names[0] !== names[1] ? `${names[0] || "nobody"} → ${names[1] || "nobody"}` : names[0] || "nobody",
			text: `serves clients here: ${share(cell.share, 3)} of all` } : null);
	};
	return <div class="world" ref={box}>
		<canvas ref={canvas} role="img" aria-label={label} style={{ height: `${height || 300}px` }}
			onPointerDown={e => { const [x, y] = place(e); drag.current = { x, y, zoom }; }} onPointerMove={onMove} onPointerLeave={() => setTip(null)}
			onPointerUp={e => { const [x, y] = place(e), f = !drag.current?.far && nearest(x, y); drag.current = null; if (f) go("edges", f.s.e.edge); }}
			onWheel={e => { if (e.ctrlKey || e.metaKey || zoom.k > 1) { e.preventDefault(); zoomAt(e.deltaY < 0 ? 1.25 : .8, ...place(e)); } }} />
		<div class="zooms"><Button title="closer" aria-label="closer" onClick={() => zoomAt(1.7, width / 2, height / 2)}>+</Button><Button title="farther" aria-label="farther" onClick={() => zoomAt(1 / 1.7, width / 2, height / 2)}>−</Button></div>
		{tip && <div class="tip" style={{ left: `${Math.min(tip.x + 14, width - 200)}px`, top: `${Math.max(4, tip.y - 12)}px` }}><b>{tip.title}</b>{tip.text}</div>}
	</div>;
}
