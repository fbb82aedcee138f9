// Cards of which one is at hand, on the pages Check and Agreement: arrows choose it, keys act on it, Backspace takes back. The page's
// script has `root`, and calls `byKeys` with how many cards there are and what each key does to the one at hand.
let at = 0, busy = false;
const mark = () => root.querySelectorAll(".ck-card").forEach((one, k) => { one.classList.toggle("now", k === at); one.setAttribute("aria-current", k === at ? "true" : "false"); if (k === at) one.scrollIntoView({ block: "nearest" }); });
const markAndFocus = () => { mark(); const card = root.querySelectorAll(".ck-card")[at]; if (card) card.focus({ preventScroll: true }); };
const cardAt = (k, attributes) => ({ ...attributes, class: "ck-card" + (k === at ? " now" : "") + (attributes.class ? " " + attributes.class : ""), "aria-current": k === at ? "true" : "false", tabindex: -1, onclick: () => { if (at !== k) { at = k; mark(); } } });
const cardButton = (words, key, act, primary) => el("button", { type: "button", class: "st-button" + (primary ? " primary" : ""), onclick: act }, key ? el("kbd", {}, key) : null, words);
const oneAtATime = (act) => async (...values) => {
  if (busy) return;
  busy = true;
  try { await act(...values); } finally { busy = false; }
};
const byKeys = (count, actsOf, undo, redo) => {
  const onKey = (e) => {
    if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
    if (e.altKey || e.isComposing || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key, go = (to) => () => { at = Math.max(0, Math.min(count() - 1, to)); mark(); };
    const act = e.ctrlKey || e.metaKey ? (key === "z" ? (e.shiftKey ? redo : undo) : key === "y" && !e.shiftKey ? redo : null)
      : e.repeat && !e.key.startsWith("Arrow") ? null : { Backspace: undo, ArrowDown: go(at + 1), ArrowUp: go(at - 1), ...actsOf() }[key];
    if (!act) return;
    e.preventDefault(); act();
  };
  document.addEventListener("keydown", onKey);
};
