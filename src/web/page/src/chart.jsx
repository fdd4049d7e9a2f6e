// chart.jsx - lines over the last minutes.
import uPlot from "uplot";
import { useContext, useEffect, useRef } from "preact/hooks";
import { series as colours } from "./colours.js";
import { Look, useSize } from "./hooks.js";
import { count } from "./text.js";

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// `names`: of the lines; `kept`: { times, rows: [{ name: value }] }.
export function Chart({ names, kept, height = 150, unit = count, label }) {
	const { dark } = useContext(Look), [box, size] = useSize(), plot = useRef(null);
	const data = () => [kept.times, ...names.map(n => kept.rows.map(r => r[n] ?? null))];
	useEffect(() => {
		if (!size.width)
			return;
		const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
		const room = box.current;
		plot.current = new uPlot({ width: size.width, height, cursor: { y: false, points: { size: 6 } }, legend: { show: false }, padding: [8, 4, 0, 0],
			scales: { x: { time: true }, y: { range: (u, lo, hi) => [0, hi > 0 ? hi * 1.15 : 1] } },
			axes: [{ ...axis, size: 24, space: 70, values: (u, v) => v.map(t => { const d = new Date(t * 1000); return `${d.getHours()}:${String(d.getMinutes()).padStart(2, "0")}:${String(d.getSeconds()).padStart(2, "0")}`; }) },
				{ ...axis, size: 52, values: (u, v) => v.map(unit) }],
			series: [{}, ...names.map((n, i) => ({ label: n, stroke: colours(dark)[i % 8], width: 1.8, points: { show: false }, fill: names.length === 1 ? colours(dark)[0] + "22" : undefined }))] }, data(), room);
		return () => { plot.current.destroy(); plot.current = null; };
	}, [size.width, dark, names.join()]);
	useEffect(() => { if (plot.current) plot.current.setData(data()); }, [kept.times[kept.times.length - 1], kept.times.length]);
	const last = kept.rows[kept.rows.length - 1] || {};
	return <div class="chart"><div ref={box} style={{ height: `${height}px` }} role="img" aria-label={`${label}: ${names.map(n => `${n} ${last[n] === undefined ? "unknown" : unit(last[n])}`).join(", ")}`} />
		<div class="legend">{names.map((n, i) => <span><i class="swatch" style={{ background: colours(dark)[i % 8] }} />{n} <b>{last[n] === undefined ? "–" : unit(last[n])}</b></span>)}</div></div>;
}
