// A page is made again when something was committed. The stream says at which version
// the server is; a page that is older, for whatever reason, is fetched: so nothing is
// missed while there was no connection.
import { header, lacks, names } from "./parts.js";

let stream, url, busy, again, latest;

const main = () => document.getElementById("main");

function say(state) {
  const e = document.getElementById("live");
  if (!e || e.dataset.state === state) return;
  e.dataset.state = state;
  e.textContent = { on: "live", past: "the past", off: "offline" }[state];
}

async function refresh(show, whole = false) {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  let missing = false;
  const asked = location.href;
  try {
    const answer = await fetch(asked, { headers: { "X-Refresh": "1", [header]: whole ? "" : names() }, cache: "no-store" });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("main");
    if (next && asked === location.href) {
      // What the page had when it asked may have gone while the answer was on its way.
      if (lacks(next)) missing = true;
      else show(main(), next);
    }
  } catch {
    say("off"); // the stream finds out when the server is there again
  } finally {
    busy = false;
    if (again || missing) {
      again = false;
      refresh(show, missing);
    }
  }
}

function open(show) {
  const wanted = document.hidden ? "" : (main()?.dataset.live ?? "");
  if (wanted === url && stream?.readyState !== EventSource.CLOSED) return;
  stream?.close();
  url = wanted;
  stream = latest = undefined;
  if (!wanted) {
    if (!document.hidden && main()?.dataset.live === "") say("past");
    return;
  }
  stream = new EventSource(wanted);
  stream.addEventListener("version", ({ data }) => {
    say("on");
    latest = data;
    if (data !== main().dataset.version) refresh(show);
  });
  stream.addEventListener("said", ({ data }) => speak(JSON.parse(data)));
  stream.onerror = () => {
    say("off");
    // A browser tries again by itself, but not after an answer that is no stream.
    if (stream?.readyState === EventSource.CLOSED) setTimeout(() => open(show), 2000);
  };
}

// What a model says stands below its conversation until the whole of it is recorded.
const ends = new Map();

function speak({ task, attempt, offset, length, text }) {
  const who = task + " " + attempt;
  const gap = offset !== (ends.get(who) ?? 0);
  ends.set(who, offset + length);
  const place = [...document.querySelectorAll("[data-say]")].find((e) => e.dataset.say === task);
  place?.append((gap ? "…" : "") + text);
}

// startLive keeps the page up to date: show puts a new content in the place of the old one.
export function startLive(show) {
  open(show);
  document.addEventListener("page:shown", () => {
    open(show);
    // What a form led to may be older than what the stream has told meanwhile.
    if (stream && latest && latest !== main().dataset.version) setTimeout(() => refresh(show), 300);
  });
  // Browsers open few connections to a server: a page that nobody sees needs none.
  document.addEventListener("visibilitychange", () => open(show));
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", ({ persisted }) => persisted && ((url = undefined), open(show)));
}
