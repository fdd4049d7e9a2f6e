// walk.mjs [WORD] - leads chromium through the console, as an operator would, and says what does not hold. console.py starts it.
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { URL: BASE, DNS, CONF, TOKEN_ADMIN, TOKEN_READ, TOKEN_ZONES } = process.env;
const wanted = process.argv.slice(2), LONG = 30000;
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let passed = 0, failed = 0;

function same(got, want, say = "") {
	const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
	if (a !== b)
		throw new Error(`${say} got ${a}, wanted ${b}`);
}

async function claim(sentence, walk) {
	if (wanted.length && !wanted.some(w => sentence.includes(w)))
		return;
	const begun = Date.now();
	try {
		await walk();
		passed++;
		if (process.env.TIMES)
			console.log(`${((Date.now() - begun) / 1000).toFixed(1)} s  ${sentence}`);
	} catch (e) {
		failed++;
		console.log(`FAILED: ${sentence}\n    ${String(e.stack).split("\n").filter(l => !l.includes("node_modules")).slice(0, 12).join("\n    ")}`);
	}
}

// A page of its own that watches for what must not be: errors, what the policy refused, requests to elsewhere.
async function open(token, path = "", { width = 1280, dark = false } = {}) {
	const context = await browser.newContext({ viewport: { width, height: width < 500 ? 844 : 860 }, colorScheme: dark ? "dark" : "light", hasTouch: width < 500, isMobile: width < 500 });
	const page = await context.newPage();
	page.setDefaultTimeout(LONG);
	page.wrong = [];
	page.on("pageerror", e => page.wrong.push(`error: ${e.message}`));
	page.on("console", m => m.type() === "error" && !/status of (4|5)/.test(m.text()) && page.wrong.push(m.text()));
	page.on("request", r => r.url().startsWith(BASE) || page.wrong.push(`asks elsewhere: ${r.url()}`));
	if (token)
		await context.addInitScript(t => sessionStorage.setItem("waymark-token", t), token);
	await page.goto(`${BASE}/#/${path}`);
	page.done = async () => { same(page.wrong, []); await context.close(); };
	return page;
}

function ask(name, client) {                       // the first address that this client gets
	const labels = name.split(".").flatMap(l => [l.length, ...Buffer.from(l)]), a = client.split(".").slice(0, 3).map(Number);
	const packet = Buffer.from([7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...labels, 0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, ...a]);
	return new Promise((done, fail) => {
		const s = createSocket("udp4"), timer = setTimeout(() => { s.close(); fail(new Error("no answer")); }, 5000);
		s.on("message", m => {
			clearTimeout(timer);
			s.close();
			const at = 12 + labels.length + 1 + 4;
			done(m.readUInt16BE(6) ? [...m.subarray(at + 12, at + 16)].join(".") : `rcode ${m[3] & 15}`);
		});
		s.send(packet, Number(DNS), "127.0.0.1");
	});
}

async function until(what, want) {
	let got;
	for (const end = Date.now() + LONG; Date.now() < end; await new Promise(r => setTimeout(r, 100))) {
		got = await what();
		if (typeof want === "function" ? want(got) : got === want)
			return got;
	}
	throw new Error(`it stays ${JSON.stringify(got)}`);
}

const VIEWS = ["", "edges", "edges/fra1", "pools", "pools/web", "busiest", "ask?name=www.shop.test&client=83.62.101.0/24", "zones", "zones/shop.test", "zones/shop.test/history", "zones/shop.test/transfers", "zones/shop.test/signing",
	"rollout", "changes", "decisions", "timeline", "jobs", "audit", "tokens"];
const DARK = ["", "edges/fra1", "pools/web", VIEWS[6], "zones", "zones/shop.test", "zones/shop.test/history", "rollout", "timeline", "tokens"];  // all that is made of colours
const row = (page, name) => page.getByRole("row").filter({ hasText: name });

// --- pictures and measurements -------------------------------------------------------------

// So many queries a second by clients all over the world, until it is stopped.
function load(most) {
	const s = createSocket("udp4"), first = [83, 91, 12, 24, 66, 98, 203, 210, 153, 126, 133, 200, 187, 177, 41, 196, 5, 46, 80, 103, 49, 117, 1, 58];
	const names = ["www.shop.test", "www.shop.test", "video.shop.test", "mail.shop.test", "nope.shop.test"].map(n => n.split(".").flatMap(l => [l.length, ...Buffer.from(l)]));
	let n = 0;
	s.on("message", () => {});
	const timer = setInterval(() => {
		for (let i = 0; i < most / 20; i++, n++) {
			const name = names[n * 7 % names.length];
			s.send(Buffer.from([n >> 8 & 255, n & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...name, 0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, first[n * 5 % first.length], n * 13 & 255, n * 7 & 255]), Number(DNS), "127.0.0.1");
		}
	}, 50);
	return () => { clearInterval(timer); s.close(); };
}

async function shots(dir) {
	const stop = load(180), admin = await open(TOKEN_ADMIN, "edges/sin1");
	await admin.evaluate(async t => { for (const [edge, body] of [["sin1", { state: "drain", why: "new disks", for: "2h" }], ["gru1", { state: "down", at: "2036-12-24T02:00Z", for: "2h", why: "power work" }]])
		await fetch(`/api/v1/edges/${edge}/force`, { method: "POST", headers: { Authorization: `Bearer ${t}` }, body: JSON.stringify(body) }); }, TOKEN_ADMIN);
	const shoot = async (name, path, look, before) => {
		const page = await open(TOKEN_ADMIN, path, look);
		await page.waitForTimeout(before ? 1500 : 45000);
		if (before)
			await before(page);
		await page.screenshot({ path: `${dir}/console-${name}.png` });
		await page.done();
	};
	await shoot("light", "", {});
	await shoot("dark", "", { dark: true }, async page => { await page.getByLabel("Compare with").selectOption("drain nrt1"); await page.getByText("of the clients would move").waitFor(); await page.waitForTimeout(9000); });
	await shoot("phone", "edges/sin1", { width: 390 }, page => page.waitForTimeout(9000));
	await shoot("records", "zones/shop.test", {}, async page => {
		await page.getByRole("button", { name: "edit vpn A" }).click();
		await page.getByLabel("Data").fill("192.0.2.999");
		await page.getByRole("alert").waitFor();
	});
	stop();
}

// What a minute of the overview costs: of chromium, all of its processes, and of the server.
async function measure() {
	const stop = load(200), page = await open("");
	const cdp = await page.context().newCDPSession(page);
	let bytes = 0;
	await cdp.send("Network.enable");
	await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
	cdp.on("Network.loadingFinished", e => { bytes += e.encodedDataLength; });
	await page.reload();
	await page.getByLabel("Token").waitFor();
	console.log(`bytes until one may sign in: ${bytes}`);
	await page.getByLabel("Token").fill(TOKEN_ADMIN);
	await page.keyboard.press("Enter");
	await page.getByText("of the clients, ").waitFor();
	console.log(`bytes until the map is there: ${bytes}`);
	const ticks = pid => { try { const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" "); return Number(f[11]) + Number(f[12]); } catch { return 0; } };
	const kids = () => { const all = readdirSync("/proc").filter(d => /^\d+$/.test(d)).map(d => { try { const s = readFileSync(`/proc/${d}/stat`, "utf8"); return [Number(d), Number(s.split(") ")[1].split(" ")[1])]; } catch { return [0, 0]; } });
		const mine = new Set([process.pid]); for (let more = true; more;) { more = false; for (const [p, q] of all) if (mine.has(q) && !mine.has(p)) { mine.add(p); more = true; } } mine.delete(process.pid); return [...mine]; };
	for (const [name, path] of [["overview", ""], ["edges", "edges"], ["zones", "zones"]]) {
		await page.evaluate(p => { location.hash = `/${p}`; }, path);
		await page.waitForTimeout(10000);
		const pids = kids(), sum = () => pids.reduce((n, p) => n + ticks(p), 0), [a, s, at, had] = [sum(), ticks(Number(process.env.SERVER)), Date.now(), bytes];
		await page.waitForTimeout(30000);
		const seconds = (Date.now() - at) / 1000;
		console.log(`${name}: chromium ${((sum() - a) / seconds).toFixed(1)} % of a core, server ${((ticks(Number(process.env.SERVER)) - s) / seconds).toFixed(1)} % with 200 queries a second, ${Math.round((bytes - had) / seconds / 1024)} kB/s`);
	}
	stop();
}

if (wanted[0] === "--shots" || wanted[0] === "--measure") {
	await (wanted[0] === "--shots" ? shots(wanted[1]) : measure());
	await browser.close();
	process.exit(0);
}

await claim("who has no right token stays outside; the right one is kept in this tab alone, and the first paint is small", async () => {
	const page = await open("");
	let bytes = 0;
	const cdp = await page.context().newCDPSession(page);
	await cdp.send("Network.enable");
	await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
	cdp.on("Network.loadingFinished", e => { bytes += e.encodedDataLength; });
	await page.reload();
	await page.getByLabel("Token").fill("wm_wrong");
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.getByRole("alert").filter({ hasText: "this token is none" }).waitFor();
	await page.getByLabel("Token").fill(TOKEN_ADMIN);
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Overview" }).waitFor();
	await page.getByText("of the clients, ").waitFor();
	same(bytes > 60000 && bytes < 300000, true, `${bytes} bytes until the map is there:`);
	same(await page.evaluate(() => [document.cookie, localStorage.length < 2, sessionStorage.length]), ["", true, 1]);
	const other = await page.context().newPage();
	await other.goto(BASE);
	await other.getByLabel("Token").waitFor();
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByLabel("Token").waitFor();
	same(await page.evaluate(() => sessionStorage.length), 0);
	await page.done();
});

await claim("an edge is drained, the answers change, the map and the timeline tell of it, and it comes back", async () => {
	const page = await open(TOKEN_ADMIN, "edges"), client = "145.100.0.0";
	const before = await ask("www.shop.test", client);
	same(before, "127.1.0.1");
	await page.getByRole("button", { name: "drain ams1" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Why").fill("new disks");
	await dialog.getByLabel("For", { exact: true }).fill("2h");
	await dialog.getByText("of all clients would move").waitFor();
	await dialog.getByRole("button", { name: "Drain" }).click();
	await until(() => ask("www.shop.test", client), a => a !== before);
	await row(page, "ams1").filter({ hasText: "drained" }).filter({ hasText: "new disks" }).waitFor();
	await page.getByRole("link", { name: "Timeline" }).click();
	await row(page, "ams1").filter({ hasText: "drained" }).filter({ hasText: "token ann" }).first().waitFor();
	await page.getByRole("link", { name: "Overview" }).click();
	await page.getByText("of the clients, ").waitFor();
	await page.goto(`${BASE}/#/edges/ams1`);
	await page.getByRole("button", { name: "Back to normal" }).click();
	await until(() => ask("www.shop.test", client), before);
	await page.goto(`${BASE}/#/audit`);
	await row(page, "force ams1 drain").filter({ hasText: "token ann" }).waitFor();
	await page.done();
});

await claim("who asks is told term by term, from the address in the page's own address, too", async () => {
	const page = await open(TOKEN_READ, "ask?name=www.shop.test&client=145.100.0.0/24");
	await row(page, "chosen").filter({ hasText: "ams1" }).waitFor();
	await page.getByText("127.1.0.1").first().waitFor();
	await page.getByLabel("Client").fill("no address");
	await page.getByRole("button", { name: "Explain" }).click();
	await page.getByRole("alert").waitFor();
	await page.done();
});

await claim("what is asked most is seen while one looks, and the map knows IPv6 clients", async () => {
	const page = await open(TOKEN_READ, "busiest"), stop = load(200);
	await row(page, "www.shop.test").filter({ hasText: " %" }).waitFor();
	await row(page, "83.").or(row(page, "153.")).first().waitFor();
	await row(page, "127.0.0.0/24").waitFor();
	stop();
	await page.goto(`${BASE}/#/`);
	await page.getByText("100.0 % of the clients, ").waitFor();
	await page.getByLabel("Whose clients").selectOption("6");
	await page.getByText("0.0 % of the clients, ").filter({ hasNotText: "100.0" }).waitFor();
	await page.getByText("Shares of the world's IPv6 clients").waitFor();
	await page.done();
});

await claim("a record is changed: what is wrong is said beside it, what is right is committed, answered and undone", async () => {
	const page = await open(TOKEN_ZONES, "zones/shop.test");
	await page.getByRole("button", { name: "edit vpn A" }).click();
	const data = page.getByLabel("Data");
	await data.fill("192.0.2.999");
	await page.getByRole("alert").filter({ hasText: "192.0.2.999 is not an IPv4 address" }).waitFor();
	same(await data.getAttribute("aria-invalid"), "true");
	same(await page.getByRole("button", { name: "Commit" }).getAttribute("aria-disabled"), "true");
	await data.fill("192.0.2.77");
	await page.getByText("the checker has nothing against it").waitFor();
	same(await ask("vpn.shop.test", "192.0.2.0"), "192.0.2.44");
	await page.locator("ins").filter({ hasText: "192.0.2.77" }).waitFor();
	await page.getByRole("button", { name: "Commit" }).click();
	await until(() => ask("vpn.shop.test", "192.0.2.0"), "192.0.2.77");
	await page.getByRole("button", { name: "Undo" }).click();
	await page.getByText("the checker has nothing against it").waitFor();
	await page.getByRole("button", { name: "Commit" }).click();
	await until(() => ask("vpn.shop.test", "192.0.2.0"), "192.0.2.44");
	await page.getByRole("link", { name: "History" }).click();
	await page.locator(".panel").filter({ has: page.locator("ins").filter({ hasText: "192.0.2.44" }) }).getByRole("button", { name: "Undo" }).click();
	await page.getByText("the checker has nothing against it").waitFor();
	await page.getByRole("button", { name: "Commit" }).click();
	await until(() => ask("vpn.shop.test", "192.0.2.0"), "192.0.2.77");
	await page.done();
});

await claim("a configuration is staged, seen on the map, and taken back", async () => {
	const before = readFileSync(CONF, "utf8"), page = await open(TOKEN_ADMIN, "rollout");
	writeFileSync(CONF, before.replace("pools:\n  web: { edges: [ ", "  new1: { at: \"41.39,2.17\", a: [ 127.9.9.9 ] }\npools:\n  web: { edges: [ new1, "));
	await page.getByLabel("For a share of the clients").fill("50%");
	await page.getByRole("button", { name: "Stage it" }).click();
	await page.getByRole("heading", { name: "50 % of the clients have what is staged" }).waitFor();
	await page.getByText("of the clients would move").waitFor();
	await row(page, "mad1 → new1").first().waitFor();
	await page.getByRole("button", { name: "Roll back" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
	await page.getByRole("heading", { name: "Nothing is staged" }).waitFor();
	writeFileSync(CONF, before);
	await page.done();
});

await claim("what a token may not do is disabled, and says why", async () => {
	const page = await open(TOKEN_READ, "edges"), drain = page.getByRole("button", { name: "drain iad1" });
	same(await drain.getAttribute("aria-disabled"), "true");
	same(/this needs “operate”/.test(await drain.getAttribute("title")), true);
	await drain.click({ force: true });
	same(await page.getByRole("dialog").count(), 0);
	await page.goto(`${BASE}/#/tokens`);
	await page.getByText("this needs “admin”").waitFor();
	await page.done();
});

await claim("everything is reached by keys, and on a phone nothing is cut off", async () => {
	const page = await open(TOKEN_ADMIN, "", { width: 390 });
	await page.getByRole("heading", { name: "Overview" }).waitFor();
	await page.getByRole("button", { name: "views" }).focus();
	await page.keyboard.press("Enter");
	await page.getByRole("link", { name: "Pools" }).focus();
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Pools" }).waitFor();
	for (const view of VIEWS) {
		await page.goto(`${BASE}/#/${view}`);
		await page.getByRole("heading", { level: 1 }).waitFor();
		await page.waitForTimeout(120);
		same(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${view}: wider than the phone:`);
	}
	await page.done();
});

for (const dark of [false, true])
	await claim(`axe finds nothing serious in ${dark ? "dark colours" : "any view"}`, async () => {
		const page = await open("", "", { dark });
		await page.evaluate(axe);
		const look = async view => {
			const found = await page.evaluate(rules => axe.run(document, { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) }), dark ? ["color-contrast", "link-in-text-block"] : null);
			same(found.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(v => `${v.id}: ${v.nodes[0].html.slice(0, 160)} ${(v.nodes[0].any[0] || {}).message || ""}`), [], `${view}:`);
		};
		await page.getByLabel("Token").waitFor();
		await look("sign in");
		await page.getByLabel("Token").fill(TOKEN_ADMIN);
		await page.keyboard.press("Enter");
		for (const view of dark ? DARK : VIEWS) {
			await page.evaluate(v => { location.hash = `/${v}`; }, view);
			await page.getByRole("heading", { level: 1 }).or(page.getByRole("dialog")).first().waitFor();
			await page.waitForTimeout(250);
			await look(view);
		}
		await page.done();
	});

await browser.close();
console.log(`console: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
