// Draws the graph of a page as SVG. Its shape is fetched once, a worker lays it out once,
// and after that a change of the page changes classes and links only. Whatever takes long
// is done in pieces, with a frame between them.
const svg = (name, attributes, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  e.append(...children);
  return e;
};

const height = 42;
const long = 26;
const piece = 4; // ms of work between two frames
const most = 50; // elements of work between two frames: styling and painting them takes longer than the work
const sure = 9; // letters of the longest common status: a change of it changes no width
let drawn; // what stands in the box: {box, key, shape, laid, nodes, edges, zoom}

const cut = (text) => (text.length > long ? text.slice(0, long - 1) + "…" : text);
const widthOf = (n) => (n.start ? 62 : Math.max(96, Math.max(cut(n.id).length * 8, (cut(n.note).length || sure) * 7) + 34));

// frame waits until the browser has painted, or for a moment where it paints nothing.
const frame = () => new Promise((done) => {
  if (document.hidden) setTimeout(done);
  else requestAnimationFrame(() => setTimeout(done));
});

// inPieces calls each, which says whether it changed something, for all of a list, and lets
// the page breathe in between. It answers whether all had their turn before the box went.
async function inPieces(list, box, each) {
  let began = performance.now(), changed = 0;
  for (let i = 0; i < list.length; i++) {
    if (each(list[i], i)) changed++;
    if (changed < most && performance.now() - began < piece) continue;
    await frame();
    if (!box.isConnected) return false;
    [began, changed] = [performance.now(), 0];
  }
  return true;
}

const shapes = new Map();

async function shapeAt(url) {
  if (!shapes.has(url)) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(answer.status);
    shapes.set(url, await answer.json());
  }
  return shapes.get(url);
}

// Layouts are kept while the tab is there, as numbers: a worker takes longer than all else.
const prefix = "laid ";

function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(prefix + key));
  } catch {
    return null;
  }
}

function keep(key, laid) {
  try {
    const old = Object.keys(sessionStorage).filter((name) => name.startsWith(prefix));
    if (old.length > 10) for (const name of old) sessionStorage.removeItem(name);
    sessionStorage.setItem(prefix + key, JSON.stringify(laid));
  } catch {
    // There is no room, or no leave: it is laid out again.
  }
}

let worker;

function layout(key, shape, direction) {
  const known = recall(key);
  if (known) return known;
  worker ??= new Worker(document.querySelector("link[rel=preload][as=script]").href.replace("app.js", "layout.js"));
  return new Promise((done) => {
    worker.addEventListener("message", function answered({ data }) {
      if (data.key !== key) return;
      worker.removeEventListener("message", answered);
      keep(key, data.laid);
      done(data.laid);
    });
    worker.postMessage({ key, direction, height, widths: shape.nodes.map(widthOf), edges: shape.edges.map((e) => [e.from, e.to]) });
  });
}

// A smooth line through the points of an edge: x and y by turns.
function line(at) {
  let d = `M${at[0]},${at[1]}`;
  for (let i = 2; i < at.length - 2; i += 2) {
    const last = i === at.length - 4;
    d += `Q${at[i]},${at[i + 1]} ${last ? at[i + 2] : (at[i] + at[i + 2]) / 2},${last ? at[i + 3] : (at[i + 1] + at[i + 3]) / 2}`;
  }
  return at.length === 4 ? d + `L${at[2]},${at[3]}` : d;
}

const marker = (id) => svg("marker", { id: "arrow-" + id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", class: "arrow " + id }, svg("path", { d: "M0,0L8,4L0,8Z" }));

function edge(e, id, points) {
  const d = line(points);
  const path = svg("path", { class: "line", d });
  const a = svg("a", { "data-edge": id, tabindex: "-1" }, svg("path", { class: "hit", d }), path);
  return { a, path, says: e.says };
}

function node(n, x, y) {
  const w = widthOf(n);
  const note = svg("text", { class: "note", x, y: y + 13 });
  const a = svg("a", { "data-node": n.id, tabindex: "-1", "data-x": x, "data-y": y },
    svg("rect", { x: x - w / 2, y: y - height / 2, width: w, height, rx: 8 }), svg("text", { x, y: n.start ? y + 5 : y - 3 }, cut(n.id)), " ", note);
  return { a, note };
}

function toolsOf(d) {
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [text, says, step] of [["−", "Smaller", 1 / 1.3], ["+", "Larger", 1.3], ["fit", "Fit the width", 0]]) {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = text;
    b.setAttribute("aria-label", says);
    b.addEventListener("click", () => {
      d.zoom = step && (d.zoom || d.picture.getBoundingClientRect().width / d.laid.width) * step;
      size(d);
    });
    tools.append(b);
  }
  return tools;
}

function size(d) {
  const scale = d.zoom || Math.min(1, Math.max(0.55, (d.box.clientWidth - 2) / d.laid.width));
  d.picture.setAttribute("width", Math.round(d.laid.width * scale));
  d.picture.setAttribute("height", Math.round(d.laid.height * scale));
}

// build draws what page says, piece by piece: edges first, then nodes upon them.
async function build(box, key, shape, laid, page) {
  const lines = svg("g", {}), boxes = svg("g", {});
  const d = { box, key, shape, laid, nodes: [], edges: [], zoom: 0 };
  d.picture = svg("svg", { viewBox: `0 0 ${laid.width} ${laid.height}`, role: "group", "aria-label": `The graph: ${shape.nodes.length} nodes. The arrow keys go from node to node, Enter explains one.` },
    svg("defs", {}, ...["live", "dead", "open", ""].map(marker)), lines, boxes);
  const canvas = document.createElement("div");
  canvas.className = "canvas";
  canvas.append(d.picture);
  size(d);
  box.dataset.drawn = key;
  box.replaceChildren(toolsOf(d), canvas);
  drawn = d;
  const among = new Map(); // edges to each node so far
  return (
    (await inPieces(shape.edges, box, (e, i) => {
      const k = among.get(e.to) ?? 0;
      among.set(e.to, k + 1);
      d.edges.push(edge(e, `${shape.nodes[e.to].id}#${k}`, laid.edges[i]));
      paintEdge(d, page, i, k);
      lines.append(d.edges[i].a);
      return true;
    })) &&
    (await inPieces(shape.nodes, box, (n, i) => {
      d.nodes.push(node(n, laid.nodes[2 * i], laid.nodes[2 * i + 1]));
      paintNode(d, page, i);
      boxes.append(d.nodes[i].a);
      return true;
    }))
  );
}

const words = { live: "live", dead: "not live", open: "not decided" };

function paintEdge(d, page, i, k) {
  const to = d.edges[i], { form, to: at } = d.shape.edges[i];
  const verdict = page.edges[i] ?? "";
  const chosen = page.edge === String(k) && page.node === d.shape.nodes[at].id;
  const now = `edge ${verdict} ${form}${chosen ? " chosen" : ""}`;
  const href = page.link(d.shape.nodes[at].id, k);
  const changes = to.now !== now;
  to.k = k;
  if (changes) {
    to.now = now;
    to.a.setAttribute("class", now);
    to.path.setAttribute("marker-end", `url(#arrow-${verdict})`);
    const says = verdict ? `${to.says}: ${words[verdict]}` : to.says;
    if (href) to.a.setAttribute("aria-label", says);
    else to.a.append(svg("title", {}, says));
  }
  if (href && to.href !== href) to.a.setAttribute("href", (to.href = href));
  return changes;
}

function paintNode(d, page, i) {
  const to = d.nodes[i], n = d.shape.nodes[i];
  const status = n.start ? "start" : (page.nodes[i] ?? "");
  const chosen = page.edge === "" && page.node === n.id && !n.start;
  const now = `node ${status}${n.graph ? " inner" : ""}${chosen ? " chosen" : ""}`;
  const href = n.start ? "" : n.url || page.link(n.id, "");
  const changes = to.now !== now;
  if (changes) {
    to.now = now;
    to.a.setAttribute("class", now);
    if (!n.start) to.note.textContent = cut(n.note || status);
  }
  if (href && to.href !== href) to.a.setAttribute("href", (to.href = href));
  return changes;
}

// page is what a drawing on the page is to show.
function read(data) {
  const { shape, nodes, edges, base, node, edge } = data.dataset;
  const join = base.includes("?") ? "&" : "?";
  const link = (id, k) => (base ? `${base}${join}node=${encodeURIComponent(id)}${k === "" ? "" : `&edge=${k}`}` : "");
  return { shape, nodes: nodes ? nodes.split(" ") : [], edges: edges ? edges.split(" ") : [], node, edge, link };
}

// once brings the drawing to what the page says now.
async function once() {
  await frame();
  const data = document.getElementById("graph-data"), box = document.getElementById("graph");
  if (!data || !box) return;
  const page = read(data), d = drawn;
  let done;
  if (d?.box === box && box.dataset.shape === page.shape) {
    done = (await inPieces(d.edges, box, (e, i) => paintEdge(d, page, i, e.k))) && (await inPieces(d.nodes, box, (_, i) => paintNode(d, page, i)));
  } else {
    const shape = await shapeAt(page.shape);
    const direction = box.clientWidth < 700 ? "TB" : "LR";
    const key = page.shape + " " + direction;
    const laid = await layout(key, shape, direction);
    if (!box.isConnected) return;
    box.dataset.shape = page.shape;
    done = await build(box, key, shape, laid, page);
  }
  if (!done) return;
  if (!box.querySelector('a.node[tabindex="0"]')) box.querySelector("a.node[href]")?.setAttribute("tabindex", "0");
  box.removeAttribute("aria-busy");
}

// draw brings the drawing up to date, also with what changes while it does.
let asked, drawing;

async function draw() {
  asked = true;
  if (drawing) return;
  drawing = true;
  try {
    for (; asked; await once()) asked = false;
  } catch {
    // Without its shape there is no drawing until the page is shown again, which asks anew.
  } finally {
    drawing = false;
  }
}

// The keys: one node of the drawing is in the order of the tab key, the arrows lead to the others.
function step(box, from, key) {
  const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
  let best, least = Infinity;
  for (const to of box.querySelectorAll("a.node[href]")) {
    const x = to.dataset.x - from.dataset.x, y = to.dataset.y - from.dataset.y;
    const along = x * dx + y * dy, beside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along > 1 && along + 2 * beside < least) [best, least] = [to, along + 2 * beside];
  }
  if (!best) return;
  from.setAttribute("tabindex", "-1");
  best.setAttribute("tabindex", "0");
  best.focus();
}

// startDrawing draws the graph of each page that is shown.
export function startDrawing() {
  draw();
  document.addEventListener("page:shown", draw);
  // What an edge is, for a pointer that rests on it.
  document.addEventListener("pointerover", ({ target }) => {
    const a = target.closest?.("#graph a.edge[href]");
    if (!a) return;
    if (a.lastChild.tagName !== "title") a.append(svg("title", {}));
    a.lastChild.textContent = a.getAttribute("aria-label");
  });
  document.addEventListener("keydown", (event) => {
    const a = event.target.closest?.("#graph a.node");
    if (!a || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    step(document.getElementById("graph"), a, event.key);
  });
}
