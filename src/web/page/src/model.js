// model.js - edges as views have them: their state, and how much each is given.
import { useMemo } from "preact/hooks";
import { useRates, useWatch } from "./hooks.js";

const TIME = 150;

// Answers by edge, of all pools. With many pools their counters are long: they are asked for less often.
export function useEdges(status) {
	const pools = status.value ? status.value.pools : 0, slow = pools > 100 ? 30 : 5;
	const edges = useWatch("/edges", 5), counted = useWatch("/pools", slow);
	const rates = useRates(counted, list => {
		const of = {};
		for (const p of list)
			for (const e of p.edges || [])
				for (const n of Object.values(e.chosen || {}))
					of[e.edge] = (of[e.edge] || 0) + n;
		return of;
	}, 2).rates;
	const list = useMemo(() => {
		if (!edges.value)
			return [];
		const all = rates ? Object.values(rates).reduce((a, b) => a + b, 0) : 0;
		return edges.value.map(e => ({ ...e, rate: rates ? rates[e.edge] || 0 : undefined, part: all > 0 ? (rates[e.edge] || 0) / all : undefined,
			rtt: (e.targets || []).reduce((best, t) => t.rtt_ms !== undefined && (best === undefined || t.rtt_ms < best) ? t.rtt_ms : best, undefined) }));
	}, [edges.value, rates]);
	return { list, edges, pools: counted };
}

// Counters of /status by the second, for charts.
export const useTraffic = status => useRates(status, s => ({
	UDP: s.udp_queries, TCP: s.tcp_queries, TLS: s.tls_queries, HTTPS: s.https_queries, QUIC: s.quic_queries,
	all: s.udp_queries + s.tcp_queries + s.tls_queries + s.https_queries + s.quic_queries, steered: s.steered, dropped: s.dropped,
	unmet: s.unmet, staged: s.staged, ...Object.fromEntries(Object.entries(s.rcodes || {}).map(([k, v]) => ["rcode " + k, v])), ...Object.fromEntries(Object.entries(s.chosen || {}).map(([k, v]) => ["why " + k, v])),
}), TIME);

export const whyState = e => e.forced ? `${e.forced.state || "weight"} by ${e.forced.who || "somebody"}${e.forced.why ? `: ${e.forced.why}` : ""}` : e.why || (e.by === "config" ? "as configured" : e.by === "probe" ? "its probes say so" : e.by);
