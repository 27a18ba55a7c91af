// What a page has from its script: forms that answer in place, changes as they are
// committed, and the drawing of a graph.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { startDrawing } from "./draw.js";
import { startLive } from "./live.js";
import { header, lacks, names } from "./parts.js";

// What somebody is typing stays as it is, and so does what a script has drawn.
const kept = (old) => old.dataset?.drawn !== undefined || old.dataset?.kept !== undefined || (old.matches?.("input, textarea, select") && (old === document.activeElement || old.dataset.typed !== undefined));

// What is the same needs no second look, which most of a page is: the server says so of the
// parts that the page has.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, next) => !(old instanceof Element && (next.dataset?.same !== undefined || settled.delete(old) || kept(old) || old.isEqualNode(next)));
// Whether a detail is open is the reader's choice, not the server's.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");

// listIn is what the parts within a part stand in: the body of a table, or a list.
const listIn = (part) => part.querySelector("[data-part]")?.parentElement;

const settled = new WeakSet(); // lists that are as they should be

// merge brings a part up to date, and the parts within it one by one. It answers with the
// elements that changed.
function merge(old, next) {
  if (next.dataset.same !== undefined || old.isEqualNode(next)) return [];
  const list = listIn(old), wanted = listIn(next);
  const inner = list && wanted && list.tagName === wanted.tagName ? mergeList(list, wanted) : [];
  return [...inner, ...Idiomorph.morph(old, next, { morphStyle: "outerHTML" })];
}

function mergeList(list, wanted) {
  const known = new Map([...list.children].map((e) => [e.id, e]));
  const stay = new Set([...wanted.children].map((e) => e.id));
  for (const [id, e] of known) if (!stay.has(id)) e.remove();
  const changed = [];
  let place = list.firstElementChild;
  for (const e of [...wanted.children]) {
    const old = known.get(e.id);
    if (old && old === place) place = place.nextElementSibling;
    else if (old && list.moveBefore) list.moveBefore(old, place); // which keeps the focus
    else list.insertBefore(old ?? e, place);
    changed.push(...(old ? merge(old, e) : [e]));
  }
  settled.add(list);
  return changed;
}

// morph puts a new content in the place of the old one, part by part where both have the
// same. It answers with the forms that htmx is to know.
function morph(main, next) {
  const from = [...main.children], to = [...next.children];
  const alike = main.id === next.id && from.length === to.length && from.every((e, i) => e.id && e.id === to[i].id && e.tagName === to[i].tagName);
  let changed;
  if (alike) {
    for (const { name, value } of next.attributes) if (main.getAttribute(name) !== value) main.setAttribute(name, value);
    changed = to.flatMap((e, i) => merge(from[i], e));
  } else changed = Idiomorph.morph(main, next, { morphStyle: "outerHTML" });
  return changed.flatMap((e) => [...(e.querySelectorAll?.("form") ?? [])]);
}

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph:outerHTML",
  handleSwap(style, target, fragment) {
    if (style !== "morph:outerHTML") return false;
    const next = fragment.firstElementChild;
    if (lacks(next)) {
      location.reload(); // it changed while the answer was on its way
      return [target];
    }
    return morph(target, next);
  },
});
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "get") detail.headers[header] = names();
});

document.addEventListener("input", ({ target }) => {
  if (target.form?.method === "post") target.dataset.typed = "";
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.requestConfig?.verb === "post") for (const e of document.querySelectorAll("[data-typed]")) delete e.dataset.typed;
});

const shown = () => document.dispatchEvent(new Event("page:shown"));
startLive((main, next) => {
  for (const e of morph(main, next)) htmx.process(e);
  shown();
});
document.addEventListener("htmx:afterSettle", shown);
document.addEventListener("htmx:historyRestore", shown);

const go = (url, how = { push: url }) => htmx.ajax("GET", url, { target: "#main", select: "#main", swap: "morph:outerHTML show:none", ...how });

startDrawing();

// A link within the content is followed in place. That is decided when it is clicked:
// a drawing has many links, and htmx would look at each of them at each change.
document.addEventListener("click", (event) => {
  const a = event.target.closest?.("#main a[href]");
  const url = a?.getAttribute("href");
  if (!url?.startsWith("/") || a.dataset.leaves !== undefined || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(url);
});

// A long list is fetched when it is opened.
document.addEventListener("toggle", ({ target }) => target.open && target.dataset.more && go(target.dataset.more, { replace: target.dataset.more }), true);

// A text goes to the clipboard. Where a browser has none for a page, it is selected.
document.addEventListener("click", async ({ target }) => {
  const b = target.closest?.("[data-copy]");
  if (!b) return;
  const text = document.getElementById(b.dataset.copy), says = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(text.textContent);
    says.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(text);
    says.textContent = "It is selected: copy it with the keys.";
  }
});

// The scrubber follows the hand: it leads to a cycle once the hand rests for a moment.
let resting;
document.addEventListener("input", ({ target }) => {
  if (target.id !== "scrub-at") return;
  document.querySelector("#scrub output").value = target.value;
  clearTimeout(resting);
  resting = setTimeout(() => {
    const to = new URL(location.href);
    if (target.value === document.getElementById("scrub").dataset.last) to.searchParams.delete("at");
    else to.searchParams.set("at", target.value);
    to.searchParams.delete("against");
    go(to.pathname + to.search);
  }, 150);
});
