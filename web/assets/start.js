// The first script of a page. Pages work without any, so it does nothing but wait: the
// browser paints the page before the rest is run.
function start() {
  const script = document.createElement("script");
  script.src = document.querySelector("link[rel=preload][as=script]").href;
  document.head.append(script);
}

function soon() {
  if (document.hidden) setTimeout(start);
  else requestAnimationFrame(() => setTimeout(start));
}

if (document.readyState === "complete") soon();
else addEventListener("load", soon);
