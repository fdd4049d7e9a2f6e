// beacon.js - a page measures some edges, and tells each of them what it took.
//
//   <script src="/beacon.js" data-from="https://www.example.org/waymark/beacon" data-share="0.01" async></script>
//
// data-from says which edges there are; data-share of the visits measure (1: all). Of each edge an object of 100,000 bytes is fetched once the page
// has loaded, over a connection that is open already, and timed by Resource Timing. Nothing is kept in the browser, and no cookie is sent for
// it. doc/measure.md tells the rest.
(async script => {
	const share = script.dataset.share === undefined ? 0.01 : +script.dataset.share;
	if (!(Math.random() < share) || !navigator.sendBeacon || !window.PerformanceObserver)
		return;
	if (document.readyState !== "complete")
		await new Promise(done => addEventListener("load", done, { once: true }));

	// The entry may come some time after the last byte.
	const timing = url => new Promise(done => {
		const seen = new PerformanceObserver(list => {
			const [entry] = list.getEntriesByName(url);
			if (entry) {
				seen.disconnect();
				done(entry);
			}
		});
		seen.observe({ type: "resource", buffered: true });
		setTimeout(() => { seen.disconnect(); done(null); }, 10000);
	});

	const measure = async edge => {
		await (await fetch(edge + "/waymark/beacon", { cache: "no-store", credentials: "omit" })).arrayBuffer();
		const url = edge + "/waymark/object?" + Math.random().toString(36).slice(2);
		const answer = await fetch(url, { cache: "no-store", credentials: "omit" });
		await answer.arrayBuffer();
		const entry = await timing(url);
		if (answer.ok && entry && entry.responseStart > entry.requestStart && entry.requestStart > 0)
			navigator.sendBeacon(edge + "/waymark/beacon", JSON.stringify({
				token: answer.headers.get("Waymark-Token"),
				ttfb_ms: entry.responseStart - entry.requestStart,
				transfer_ms: entry.responseEnd - entry.requestStart }));
	};

	try {
		const { edges } = await (await fetch(script.dataset.from, { cache: "no-store", credentials: "omit" })).json();
		for (const edge of edges)
			await measure(edge).catch(() => {}); // one after the other: they would share the way in
	} catch (e) {
		// Where there is no beacon there is nothing to tell.
	}
})(document.currentScript);
