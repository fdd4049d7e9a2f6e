// model.js - edges as views have them: their state, and how much each is given.
import { useEffect, useMemo } from "preact/hooks";
import { again } from "./api.js";
import { useCounted, useRates, useWatch } from "./hooks.js";

const TIME = 150;

const MANY_POOLS = 200;

// All pools: with what each of their edges is given, or, where they are many, what is counted of each and no more.
export function usePools() {
	const counted = useCounted(), many = counted.value ? counted.value.pools.length > MANY_POOLS : null, all = useWatch(many === false ? "/pools" : null, 10);
	const value = useMemo(() => many ? counted.value.pools.map(p => ({ pool: p.pool, up: p.up, of: p.asked, panic: p.panics, answers: p.answers }))
		: all.value && all.value.filter(p => !p.staged).map(p => ({ ...p, answers: (p.edges || []).reduce((n, e) => n + Object.values(e.chosen || {}).reduce((a, b) => a + b, 0), 0) })), [many, many ? counted.at : all.value]);
	return { value, error: all.error, many };
}
// One of them, as it is served.
export function usePool(name) {
	const one = useWatch(name ? `/pools/${encodeURIComponent(name)}` : null, 5);
	return { value: one.value && one.value.find(p => !p.staged), staged: one.value && one.value.find(p => p.staged), error: one.error };
}

// All of an edge is asked for seldom, and when its state has changed; its counters come each second.
export function useEdges() {
	const counted = useCounted(), edges = useWatch("/edges", 20);
	const rates = useRates(counted, r => Object.fromEntries(r.edges.map(e => [e.edge, e.answers])), 2).rates;
	const states = counted.value ? counted.value.edges.map(e => `${e.edge}${e.state}${e.forced ? 1 : 0}`).join() : "";
	useEffect(() => { if (states) again("/edges", "/pools", "/changes"); }, [states]);
	const list = useMemo(() => {
		if (!edges.value)
			return [];
		const all = rates ? Object.values(rates).reduce((a, b) => a + b, 0) : 0, now = new Map(counted.value ? counted.value.edges.map(e => [e.edge, e]) : []);
		return edges.value.map(e => ({ ...e, used: (now.get(e.edge) || e).used, sheds: (now.get(e.edge) || e).sheds, rate: rates ? rates[e.edge] || 0 : undefined, part: all > 0 ? (rates[e.edge] || 0) / all : undefined,
			rtt: (e.targets || []).reduce((best, t) => t.rtt_ms !== undefined && (best === undefined || t.rtt_ms < best) ? t.rtt_ms : best, undefined) }));
	}, [edges.value, rates]);
	return { list, edges };
}

// Counters by the second, for charts.
export const useTraffic = counted => useRates(counted, r => ({
	UDP: r.queries.udp, TCP: r.queries.tcp, TLS: r.queries.tls, HTTPS: r.queries.https, QUIC: r.queries.quic, all: Object.values(r.queries).reduce((a, b) => a + b, 0),
	steered: r.steered, staged: r.stage_answers, dropped: r.dropped, ...Object.fromEntries(["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"].map(k => [k, r.answers[k] || 0])),
}), TIME);

export const whyState = e => e.forced ? `${e.forced.state || "weight"} by ${e.forced.who || "somebody"}${e.forced.why ? `: ${e.forced.why}` : ""}` : e.why || (e.by === "config" ? "as configured" : e.by === "probe" ? "its probes say so" : e.by);
