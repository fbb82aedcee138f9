// In the grid: items selected by click, shift-click or all at once, and one label for all of them, which for Undo is one act.
const selected = new Map(); // item → the label that it was shown with
let everything = false, anchor = -1, busy = false; // `everything`: all that match, also on other pages; `anchor`: where a range begins
const KEYED = 9;
const size = () => (everything ? answer.total : selected.size);
const unselect = () => { selected.clear(); everything = false; anchor = -1; };
const choosePage = () => { everything = false; answer.items.forEach(choose); };
const choose = (it) => selected.set(it.id, it.label);
const toggle = (k, ranged) => {
  if (everything) choosePage();
  const items = answer.items, on = !selected.has(items[k].id);
  const [from, to] = ranged && anchor >= 0 ? [Math.min(anchor, k), Math.max(anchor, k)] : [k, k];
  for (const it of items.slice(from, to + 1)) if (on || ranged) choose(it); else selected.delete(it.id);
  anchor = k; mark();
};
const mark = () => {
  root.querySelectorAll(".gd-cell").forEach((cell, k) => {
    const on = everything || selected.has(answer.items[k].id);
    cell.classList.toggle("on", on); cell.querySelector(".gd-check").checked = on;
  });
  drawBar();
};
const bar = () => root.querySelector(".gd-bar");
const drawBar = (...words) => {
  const box = bar(), n = size();
  if (!box) return;
  if (!n) { box.replaceChildren(...(words.length ? [el("div", {}, ...words.filter(Boolean))] : [])); return; }
  const before = box.querySelector("select"), names = el("select", { class: "st-field", "aria-label": "Class" }, el("option", { value: "" }, "Choose a class"),
    ...answer.classes.map((c, k) => el("option", { value: k }, (k < KEYED ? k + 1 + " · " : "") + c.name)));
  if (before) names.value = before.value;
  const button = (words, act, primary = false) => el("button", { type: "button", class: "st-button" + (primary ? " primary" : ""), onclick: act }, words);
  const give = button("Label", () => { if (names.value !== "") labelSelected(answer.classes[+names.value].name); else names.focus(); }, true);
  const more = everything || answer.total <= answer.items.length || filter.by === "like" ? null
    : button("Select all " + number(answer.total), () => { everything = true; mark(); });
  const clear = () => { unselect(); mark(); };
  box.replaceChildren(el("div", { role: "group", "aria-label": "Selected items" }, el("b", { role: "status" }, number(n) + " selected"), names, give, answer.project.several ? el("span", { class: "st-note" }, "beside the classes that they have; those that they are not given count as no") : null,
    button("Take labels away", () => labelSelected(null)), more, button("Clear", clear)));
};
const labelSelected = async (name) => {
  if (busy || !size()) return;
  busy = true;
  const n = size(), held = bar().contains(document.activeElement), given = everything ? null : [...selected.keys()], saw = everything ? null : [...selected.values()];
  // what was shown is what is meant, whatever was typed since; once: asked again, a ranking would name other items
  const got = await ask("label_each", { ...shownFilter, project: page, name, items: given, saw }, 1);
  busy = false;
  if (!got.ok) { bar().querySelector("[role=status]").textContent = said(got); return; }
  if (given === null) unselect(); else given.forEach((id) => selected.delete(id));
  trigger("edit", {});
  if (filter.by) cursors = [null]; // what was ranked before has moved up
  await load();
  const words = (name === null ? "Took the labels of " : "Labelled ") + plural(got.changed, "item") + (got.changed < n ? " (" + number(n - got.changed) + " had it, or were skipped)" : "") + (name === null ? " away." : " “" + name + "”.") + (got.disputed ? " Of " + number(got.disputed) + " somebody has meanwhile said something else: they keep that until somebody settles it." : "");
  drawBar(el("span", { role: "status" }, words), got.changed ? el("button", { type: "button", class: "st-button", onclick: () => takeBack() }, "Undo") : null);
  if (held && bar().querySelector("button")) bar().querySelector("button").focus({ preventScroll: true });
};
const takeBack = async (name = "undo") => {
  if (busy) return;
  busy = true;
  const held = bar().contains(document.activeElement);
  const got = await ask(name, { project: page }, 1);
  busy = false;
  if (got.ok) { trigger("edit", {}); await load(); }
  const words = !got.changed ? "There is nothing to " + (name === "undo" ? "undo." : "do again.") : (name === "undo" ? "Undone: " : "Done again: ") + plural(got.changed, "label") + ".";
  const back = name === "undo" && got.changed;
  drawBar(el("span", { role: "status" }, got.ok ? words : said(got)), back ? el("button", { type: "button", class: "st-button", onclick: () => takeBack("redo") }, "Do it again") : null);
  if (held && bar().querySelector("button")) bar().querySelector("button").focus({ preventScroll: true });
};
const onKey = (e) => {
  if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) && e.target.type !== "checkbox";
  if (answer && answer.items && !typing && (e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === "z") { e.preventDefault(); takeBack(e.shiftKey ? "redo" : "undo"); return; }
  if (e.repeat || !answer || !size() || e.ctrlKey || e.metaKey || e.altKey || typing) return;
  const k = /^[1-9]$/.test(e.key) ? +e.key - 1 : -1;
  if (e.key === "Escape") { unselect(); mark(); }
  else if (answer.classes[k]) { e.preventDefault(); labelSelected(answer.classes[k].name); }
};
document.addEventListener("keydown", onKey);
