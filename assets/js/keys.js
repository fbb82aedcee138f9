// On the Label page: which key means what, the legend that shows it, and a person's own keys, kept in this browser.
const USUAL = { accept: "Enter", none: "0", skip: " ", undo: "Backspace", back: "ArrowLeft", next: "ArrowRight", note: "n", history: "h", guide: "g" };
const MEANS = { accept: "Take the model's answer", none: "None of these", skip: "Skip", undo: "Undo", back: "Back", next: "Next", note: "Write a note", history: "Who said what of it", guide: "What belongs to each class" };
const MEANS_OF_SEVERAL = { accept: "Next item; with nothing chosen, take the model's answer", none: "None of these, and on to the next" };
const meaning = (act) => (several() && MEANS_OF_SEVERAL[act]) || MEANS[act];
const OF_CLASSES = ["accept", "none"]; // where there are classes to choose among
const FIXED = [["Ctrl Z", "Undo"], ["Ctrl Shift Z", "Do it again"], ["?", "These keys"]];
const CLASS_KEYS = [..."123456789abcdefghijklmnopqrstuvwxyz"];
const SHOWN = { " ": "Space", Backspace: "⌫", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "Enter" };
const shownKey = (key) => SHOWN[key] || (key.length === 1 ? key.toUpperCase() : key);
const KEPT = "studio.keys";
const own = () => {
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(KEPT)); } catch (spoilt) { /* as if nothing was kept */ }
  return { acts: (kept && kept.acts) || {}, classes: (kept && kept.classes) || {}, here: (kept && kept.here) || {} };
};
let bound = new Map(), keyOfClass = [], keyOfAct = {};
// own keys first; then each class keeps the key of its place, or takes the first that is free
const bind = () => {
  const kept = own(), mine = kept.classes[desk.project.id] || {}, acts = { ...kept.acts, ...kept.here[desk.project.id] };
  bound = new Map(); keyOfAct = {}; keyOfClass = desk.classes.map(() => null);
  const taken = new Set(desk.classes.map((c) => mine[c.name]).filter(Boolean)); // a key that somebody gave to a class stays there
  for (const act of Object.keys(USUAL)) { keyOfAct[act] = acts[act] || (taken.has(USUAL[act]) ? null : USUAL[act]); if (keyOfAct[act]) bound.set(keyOfAct[act], { act }); }
  const give = (k, key) => { if (key && !bound.has(key)) { bound.set(key, { k }); keyOfClass[k] = key; } };
  desk.classes.forEach((c, k) => give(k, mine[c.name]));
  desk.classes.forEach((c, k) => { if (!keyOfClass[k]) give(k, CLASS_KEYS[k]); });
  desk.classes.forEach((c, k) => { if (!keyOfClass[k]) give(k, CLASS_KEYS.find((key) => !bound.has(key))); });
};
const pressed = (e) => (e.key.length === 1 ? e.key.toLowerCase() : e.key);
// the key goes to what asked for it; what had it before gets another. An act's own key is for every project, but where a class
// of this one has taken it, the act has another here alone
const choose = (wanted, key) => {
  const kept = own(), mine = (kept.classes[desk.project.id] = kept.classes[desk.project.id] || {}), had = bound.get(key);
  const here = (kept.here[desk.project.id] = kept.here[desk.project.id] || {});
  const of = (one) => (one.act ? [wanted.act ? kept.acts : here, one.act] : [mine, desk.classes[one.k].name]);
  if (wanted.act) delete here[wanted.act];
  const [table, name] = of(wanted), before = wanted.act ? keyOfAct[wanted.act] : keyOfClass[wanted.k];
  if (had) { const [theirs, whose] = of(had); if (before) theirs[whose] = before; else delete theirs[whose]; }
  table[name] = key;
  keep(kept);
};
const keep = (kept) => {
  try { if (kept) localStorage.setItem(KEPT, JSON.stringify(kept)); else localStorage.removeItem(KEPT); } catch (full) { tell("This browser keeps nothing, so the keys stay as they are.", true); }
  classButtons();
};
const usualKeys = () => {
  const kept = own();
  delete kept.classes[desk.project.id]; delete kept.here[desk.project.id];
  keep({ ...kept, acts: {} });
};
const legend = () => {
  const box = el("dialog", { class: "lb-keys", "aria-labelledby": "lb-keys-title" });
  const row = (key, words, wanted) => el("li", {}, el("button", { type: "button", class: "st-button", "aria-label": words + ": " + (key ? shownKey(key) : "no key") + ". Choose another key.", onclick: (e) => listen(e.currentTarget, wanted) }, el("kbd", {}, key ? shownKey(key) : "–")), el("span", {}, words));
  const fixed = ([keys, words]) => el("li", {}, el("span", { class: "lb-fixed" }, ...keys.split(" ").map((key) => el("kbd", {}, key))), el("span", {}, words));
  const draw = (words = (several() ? "A class's key chooses it for the item, and takes it off again. " : "") + "Click a key to choose another. Kept in this browser.") => box.replaceChildren(
    el("h2", { id: "lb-keys-title" }, "Keys"), el("p", { class: "st-note", role: "status" }, words),
    el("div", { class: "lb-keys-lists" },
      el("ul", {}, ...Object.keys(USUAL).filter((act) => !OF_CLASSES.includes(act) || desk.project.classifies).map((act) => row(keyOfAct[act], meaning(act), { act })), ...FIXED.map(fixed)),
      el("ul", {}, ...desk.classes.map((c, k) => row(keyOfClass[k], c.name, { k })))),
    el("p", { class: "st-actions" }, el("button", { type: "button", class: "st-button primary", onclick: () => box.close() }, "Close"),
      el("button", { type: "button", class: "st-button", onclick: () => { usualKeys(); draw("These are the usual keys again."); } }, "The usual keys")));
  const listen = (button, wanted) => {
    const words = wanted.act ? meaning(wanted.act) : desk.classes[wanted.k].name;
    button.classList.add("primary");
    box.querySelector("[role=status]").textContent = "Press the key for “" + words + "”; Esc leaves it.";
    const take = (e) => {
      if (["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(e.key)) return;
      e.preventDefault(); e.stopPropagation();
      box.removeEventListener("keydown", take, true);
      if (e.key === "Escape" || e.key === "Tab" || e.key === "?" || e.ctrlKey || e.metaKey || e.altKey) draw();
      else { choose(wanted, pressed(e)); draw("“" + words + "” is " + shownKey(pressed(e)) + " now."); }
    };
    box.addEventListener("keydown", take, true);
  };
  box.addEventListener("close", () => { box.remove(); $(".lb-box").focus({ preventScroll: true }); });
  draw();
  element.append(box);
  box.showModal();
};
const onKey = (e) => {
  if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
  const target = e.target instanceof Element ? e.target : document.body;
  if (!desk || e.altKey || e.isComposing || !element.offsetParent) return;
  if (target.closest("input, textarea, select, [contenteditable=true], [role=dialog], dialog")) return;
  if (e.ctrlKey || e.metaKey) {
    const again = (pressed(e) === "z" && e.shiftKey) || (pressed(e) === "y" && !e.shiftKey);
    if (!again && (pressed(e) !== "z" || e.shiftKey)) return;
    e.preventDefault();
    if (again) redo(); else undo();
    return;
  }
  if (e.repeat) return;
  if (e.key === "?") { e.preventDefault(); legend(); return; }
  const meant = bound.get(pressed(e));
  if (!meant || ((e.key === "Enter" || e.key === " ") && target.closest("button, a, summary"))) return;
  e.preventDefault();
  if (meant.act) acts[meant.act](); else label(meant.k);
};
