// A page is made of parts that the server names by what is in them. Whoever asks for the page
// again says which parts it has, and gets those as empty elements.
export const header = "X-Parts";
const most = 300; // names in a header, which servers bound

export const names = () => [...document.querySelectorAll("[data-part]")].slice(0, most).map((e) => e.dataset.part).join(" ");

// lacks says whether an answer leaves out what this page does not have any more.
export const lacks = (next) => [...next.querySelectorAll("[data-same]")].some((e) => document.getElementById(e.id)?.dataset.part !== e.dataset.part);
