// The script of every page. Pages work without it: it adds forms that answer in place,
// changes as they are committed, and the drawing of a graph.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { startDrawing } from "./draw.js";
import { startLive } from "./live.js";

// What somebody is typing stays as it is, and so does what a script has drawn.
const kept = (old) => old.dataset?.drawn !== undefined || old.dataset?.kept !== undefined || (old.matches?.("input, textarea, select") && (old === document.activeElement || old.dataset.typed !== undefined));

// What is the same needs no second look, which most of a page is.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, next) => !(old instanceof Element && (kept(old) || old.isEqualNode(next)));
// Whether a detail is open is the reader's choice, not the server's.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph:outerHTML",
  handleSwap: (style, target, fragment) => (style === "morph:outerHTML" ? Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML" }) : false),
});

document.addEventListener("input", ({ target }) => {
  if (target.form?.method === "post") target.dataset.typed = "";
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.requestConfig?.verb === "post") for (const e of document.querySelectorAll("[data-typed]")) delete e.dataset.typed;
});

startLive((main, next) => {
  Idiomorph.morph(main, next, { morphStyle: "outerHTML" });
  htmx.process(document.getElementById("main"));
  document.dispatchEvent(new Event("page:shown"));
});
document.addEventListener("htmx:afterSettle", () => document.dispatchEvent(new Event("page:shown")));
document.addEventListener("htmx:historyRestore", () => document.dispatchEvent(new Event("page:shown")));

const go = (url) => htmx.ajax("GET", url, { target: "#main", select: "#main", swap: "morph:outerHTML show:none", push: url });

startDrawing(go);

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
