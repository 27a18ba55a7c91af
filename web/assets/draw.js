// Draws the graph of a page as SVG. A worker lays it out, once for each shape; after
// that a change of the page only changes classes and links.
const svg = (name, attributes, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
};

const workerURL = document.currentScript?.src.replace("app.js", "layout.js") ?? "/static/layout.js";
const height = 42;
const long = 26;
let worker, wanted, zoom = 0;

const cut = (text) => (text.length > long ? text.slice(0, long - 1) + "…" : text);
const widthOf = (n) => (n.id === "start" && n.status === "start" ? 62 : Math.max(96, Math.max(cut(n.id).length * 8, cut(n.note).length * 7) + 34));
const shape = (g, direction) => direction + g.key + g.nodes.map((n) => n.id).join() + g.edges.map((e) => e.from + e.id).join();

// A smooth line through the points of an edge.
function line(points) {
  let d = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length - 1; i++) {
    const p = points[i], q = points[i + 1];
    const end = i === points.length - 2 ? q : { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
    d += `Q${p.x},${p.y} ${end.x},${end.y}`;
  }
  return points.length === 2 ? d + `L${points[1].x},${points[1].y}` : d;
}

function build(box, g, laid) {
  const marker = (id) => svg("marker", { id: "arrow-" + id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", class: "arrow " + id }, svg("path", { d: "M0,0L8,4L0,8Z" }));
  const picture = svg("svg", { viewBox: `0 0 ${laid.width} ${laid.height}`, role: "group", "aria-label": `The graph: ${g.nodes.length} nodes. The arrow keys go from node to node, Enter explains one.` },
    svg("defs", {}, ...["live", "dead", "open", ""].map(marker)));
  const places = new Map(laid.nodes.map((n) => [n.id, n]));
  const ways = new Map(laid.edges.map((e) => [e.id, e]));
  for (const e of g.edges) {
    const d = line(ways.get(e.id).points);
    picture.append(svg("a", { "data-edge": e.id, tabindex: "-1" }, svg("path", { class: "hit", d }), svg("path", { class: "line", d }), svg("title", {})));
  }
  for (const n of g.nodes) {
    const { x, y } = places.get(n.id), w = widthOf(n);
    const name = svg("text", { x, y: n.note ? y - 3 : y + 5 }, cut(n.id));
    const note = svg("text", { class: "note", x, y: y + 13 });
    picture.append(svg("a", { "data-node": n.id, tabindex: "-1", "data-x": x, "data-y": y }, svg("rect", { x: x - w / 2, y: y - height / 2, width: w, height, rx: 8 }), name, " ", note));
  }
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [text, says, step] of [["−", "Smaller", 1 / 1.3], ["+", "Larger", 1.3], ["fit", "Fit the width", 0]]) {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = text;
    b.setAttribute("aria-label", says);
    b.addEventListener("click", () => {
      zoom = step && (zoom || picture.getBoundingClientRect().width / laid.width) * step;
      size(picture, laid, box);
    });
    tools.append(b);
  }
  const canvas = document.createElement("div");
  canvas.className = "canvas";
  canvas.append(picture);
  box.replaceChildren(tools, canvas);
  size(picture, laid, box);
}

function size(picture, laid, box) {
  const room = box.clientWidth - 2;
  const scale = zoom || Math.min(1, Math.max(0.55, room / laid.width));
  picture.setAttribute("width", Math.round(laid.width * scale));
  picture.setAttribute("height", Math.round(laid.height * scale));
}

// paint brings the drawing up to date.
function paint(box, g) {
  const kinds = { edge: g.edges, node: g.nodes };
  const drawn = { edge: new Map(), node: new Map() };
  for (const a of box.querySelectorAll("a[data-edge]")) drawn.edge.set(a.dataset.edge, a);
  for (const a of box.querySelectorAll("a[data-node]")) drawn.node.set(a.dataset.node, a);
  for (const [kind, list] of Object.entries(kinds)) {
    for (const it of list) {
      const a = drawn[kind].get(it.id);
      if (!a) continue;
      const cls = kind === "edge" ? `edge ${it.verdict} ${it.form}` : `node ${it.status}`;
      const now = cls + (it.chosen ? " chosen" : "") + it.url + (it.says ?? it.note);
      if (a.dataset.now === now) continue;
      a.dataset.now = now;
      a.setAttribute("class", cls + (it.chosen ? " chosen" : ""));
      if (kind === "edge") {
        a.setAttribute("aria-label", it.says);
        a.lastChild.textContent = it.says;
      }
      if (it.url) a.setAttribute("href", it.url);
      if (kind === "edge") a.children[1].setAttribute("marker-end", `url(#arrow-${it.verdict})`);
      else a.querySelector(".note").textContent = cut(it.note);
    }
  }
  if (!box.querySelector('a.node[tabindex="0"]')) box.querySelector("a.node[href]")?.setAttribute("tabindex", "0");
  box.removeAttribute("aria-busy");
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

// startDrawing draws the graph of each page that is shown; go leads to a page.
export function startDrawing(go) {
  const show = () => {
    const data = document.getElementById("graph-data"), box = document.getElementById("graph");
    if (!data || !box) return;
    const g = JSON.parse(data.dataset.graph);
    const direction = box.clientWidth < 700 ? "TB" : "LR";
    const key = shape(g, direction);
    if (box.dataset.drawn === key) return paint(box, g);
    wanted = { key, g, box };
    worker ??= new Worker(workerURL);
    worker.onmessage = ({ data: laid }) => {
      if (laid.key !== wanted?.key || !wanted.box.isConnected) return;
      zoom = 0;
      build(wanted.box, wanted.g, laid);
      wanted.box.dataset.drawn = laid.key;
      paint(wanted.box, wanted.g);
      wanted = undefined;
    };
    worker.postMessage({ key, direction, nodes: g.nodes.map((n) => ({ id: n.id, width: widthOf(n), height })), edges: g.edges.map(({ id, from, to }) => ({ id, from, to })) });
  };
  show();
  document.addEventListener("page:shown", show);
  document.addEventListener("click", (event) => {
    const a = event.target.closest?.("#graph a[href]");
    if (!a || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(a.getAttribute("href"));
  });
  document.addEventListener("keydown", (event) => {
    const a = event.target.closest?.("#graph a.node");
    if (!a || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    step(document.getElementById("graph"), a, event.key);
  });
}
