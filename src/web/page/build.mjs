// build.mjs OUT.c - the console's page: bundled, compressed, and written as the table of bytes that src/web/page.h declares.
//
// Runs where node_modules is (contrib/page.sh). Names of files have a digest of what is in them, so that browsers keep
// them for good; index.html, which names them, is asked for anew each time. The same sources give the same bytes by the same node.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8",
	svg: "image/svg+xml", json: "application/json" };
const files = [];

function digest(body) {
	return createHash("sha256").update(body).digest("hex").slice(0, 16);
}

function add(path, body, kept) {
	const packed = gzipSync(body, { level: 9 });
	packed[9] = 255; // the operating system (RFC 1952): nobody's
	files.push({ path, type: types[path.split(".").pop()], packed, size: body.length, tag: kept ? null : digest(packed) });
	return path.replace(/^\//, "");
}

function addKept(name, body) {
	const [stem, ext] = name.split(".");
	return add(`/assets/${stem}-${digest(body)}.${ext}`, body, true);
}

// Natural Earth's countries at 1:110 million, without their names, which nobody reads here.
function world() {
	const atlas = JSON.parse(readFileSync("node_modules/world-atlas/countries-110m.json", "utf8"));
	for (const g of atlas.objects.countries.geometries) {
		delete g.properties;
		delete g.id;
	}
	return Buffer.from(JSON.stringify(atlas));
}

const made = await build({ entryPoints: { app: "src/main.jsx", style: "style/style.css" }, bundle: true, minify: true, write: false,
	outdir: "out", format: "esm", target: ["chrome111", "firefox115", "safari16.4"], jsx: "automatic", jsxImportSource: "preact",
	legalComments: "none", logLevel: "warning",
	define: { WORLD: JSON.stringify(addKept("world.json", world())) } });
const named = Object.fromEntries(made.outputFiles.map(f => [f.path.split("/").pop(), Buffer.from(f.contents)]));
let page = readFileSync("index.html", "utf8");
for (const name of ["app.js", "style.css"])
	page = page.replace(name, addKept(name, named[name]));
page = page.replace("icon.svg", addKept("icon.svg", readFileSync("icon.svg")));
add("/", Buffer.from(page), false);
files[files.length - 1].type = types.html;

const c = ['/* Made by src/web/page/build.mjs. */', '#include "web/page.h"', ""];
files.forEach((f, i) => {
	const rows = [];
	for (let at = 0; at < f.packed.length; at += 32)
		rows.push("\t" + [...f.packed.subarray(at, at + 32)].join(",") + ",");
	c.push(`static const unsigned char file_${i}[] = {`, ...rows, "};");
});
c.push("", "const struct page_file page_files[] = {");
files.forEach((f, i) => c.push(`\t{ "${f.path}", "${f.type}", file_${i}, sizeof file_${i}, ${f.tag ? `"\\"${f.tag}\\""` : "NULL"} },`));
c.push("\t{ 0 },", "};", "");
writeFileSync(process.argv[2], c.join("\n"));
const sum = files.reduce((n, f) => n + f.packed.length, 0);
console.log(`  page ${files.length} files, ${Math.round(sum / 1024)} kB compressed`);
