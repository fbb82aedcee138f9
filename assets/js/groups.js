// Rows of items that look alike: Enter gives the row at hand its class, a digit another, Space leaves it, Backspace takes back.
const root = element.querySelector(".gp"), tell = speaker(root);
const KEYED = 9, READING_MS = 1000;
let sheet = null, at = 0, page = null, busy = false;
const done = []; // rows that were labelled, newest last
const open = () => sheet.rows.filter((row) => !row.given && !row.left);
const inside = (row) => row.items.filter((it) => !row.out.has(it.id));

const thing = (row, it) => el("button", { type: "button", "data-item": it.id, class: "gp-item" + (row.out.has(it.id) ? " out" : "") + (it.sha ? "" : " words"), "aria-pressed": row.out.has(it.id) ? "false" : "true", title: it.text || it.name,
  onclick: (e) => { if (row.given || busy) return; if (row.out.has(it.id)) row.out.delete(it.id); else row.out.add(it.id); at = sheet.rows.indexOf(row); draw(); } },
  it.sha ? el("img", { src: media(sheet.project.id, it.sha, 96), alt: it.name, loading: "lazy" }) : it.text || it.name);
const line = (row, k) => {
  const names = el("select", { class: "st-field", "aria-label": "Another class for this row" }, el("option", { value: "" }, "Another class"), ...sheet.classes.map((c, n) => el("option", { value: n }, (n < KEYED ? n + 1 + " · " : "") + c.name)));
  const other = el("button", { type: "button", class: "st-button", onclick: () => { if (names.value !== "") give(row, sheet.classes[+names.value].name); else names.focus(); } }, "Give");
  const n = inside(row).length, take = row.label ? el("button", { type: "button", class: "st-button primary", title: listed(sheet.project, row.label), onclick: () => give(row, row.label) }, listed(sheet.project, row.label) + " · " + number(n)) : null;
  const head = row.given ? el("p", { class: "gp-given" }, plural(row.gave, "item") + " “" + listed(sheet.project, row.given) + "”") : el("div", { class: "gp-head" }, take, names, other,
    row.label ? el("span", { class: "st-note" }, Math.round(100 * row.probability) + " % sure") : null);
  return el("li", { class: "gp-row" + (k === at ? " now" : "") + (row.given ? " given" : "") + (row.left ? " left" : ""), "aria-current": k === at ? "true" : null }, head,
    row.given ? null : el("div", { class: "gp-items" }, ...row.items.map((it) => thing(row, it))));
};
const draw = () => {
  const held = root.contains(document.activeElement) && document.activeElement.dataset.item; // who goes from item to item by Tab stays there
  const list = el("ol", { class: "gp-rows" }, ...sheet.rows.map(line));
  root.replaceChildren(
    el("div", { class: "gp-top" }, el("span", {}, number(sheet.left) + " training items without a label"),
      el("button", { type: "button", class: "st-button", onclick: undo, disabled: busy }, "Undo"), el("a", { class: "st-button", href: "/label" }, "One by one")),
    list, ...(open().length ? [] : [el("p", { class: "st-actions" }, el("button", { type: "button", class: "st-button primary", onclick: load }, "Next rows"))]));
  const kept = held && root.querySelector('[data-item="' + held + '"]');
  if (kept) kept.focus({ preventScroll: true });
  const now = list.children[at];
  if (now) now.scrollIntoView({ block: "nearest" });
};
const onward = () => { const k = sheet.rows.findIndex((row, n) => n > at && !row.given && !row.left); at = k >= 0 ? k : sheet.rows.findIndex((row) => !row.given && !row.left); };
const give = async (row, name) => {
  if (busy || row.given) return;
  busy = true;
  const items = inside(row).map((it) => it.id), got = await ask("give", { project: page, name, items });
  busy = false;
  if (!got.ok) { tell(said(got), true); return; }
  Object.assign(row, { given: name, gave: got.changed, ids: got.items, left: false });
  done.push(row); sheet.left -= got.changed; at = sheet.rows.indexOf(row);
  trigger("edit", {});
  tell("Saved: " + plural(got.changed, "item") + " “" + listed(sheet.project, name) + "”" + (got.changed < items.length ? "; of the others somebody has said something by now" : "") + (got.disputed ? "; " + number(got.disputed) + " of them wait to be settled, as somebody has said something else" : "") + ".");
  if (open().length) { onward(); draw(); } else await load();
};
const again = async () => {
  if (busy) return;
  busy = true;
  const got = await ask("redo", { project: page }, 1);
  busy = false;
  if (got.ok && got.items.length) { trigger("edit", {}); done.length = 0; await load(); }
  tell(!got.ok ? said(got) : got.items.length ? "Done again: " + plural(got.items.length, "label") : "There is nothing to do again.", !got.ok);
};
const undo = async () => {
  if (busy) return;
  busy = true;
  const got = await ask("undo", { project: page }, 1);
  busy = false;
  if (!got.ok) { tell(said(got), true); return; }
  if (!got.items.length) { tell("There is nothing to undo."); return; }
  trigger("edit", {});
  const row = done.pop(), back = new Set(got.items);
  if (row && sheet.rows.includes(row) && row.ids.length === back.size && row.ids.every((id) => back.has(id))) { sheet.left += row.gave; row.given = null; at = sheet.rows.indexOf(row); draw(); }
  else { done.length = 0; await load(); }
  tell("Undone: " + plural(got.items.length, "label"));
};
const leave = () => { const row = sheet.rows[at]; if (!row) return; row.left = true; tell("Left this row as it is."); if (open().length) { onward(); draw(); } else { at = -1; draw(); } };
const load = async () => {
  const got = await ask("rows", { project: page });
  if (!got.ok) { root.replaceChildren(emptyState("The groups cannot be shown.", said(got), reloadLink())); return; }
  if (!got.project) { root.replaceChildren(noProject()); return; }
  page = page || got.project.id;
  if (!got.all) { root.replaceChildren(emptyState("There is nothing to label yet.", "Import a folder, an archive or a table first.", linkTo("/data", "Go to Data"))); return; }
  if (got.why) { root.replaceChildren(emptyState("There are no groups.", got.why, linkTo("/models", "Go to Models"), linkTo("/label", "One by one", false))); return; }
  if (got.activity) {
    const box = el("div", {});
    drawActivity(box, got.activity); root.replaceChildren(box);
    if (got.activity.state === "running") setTimeout(load, READING_MS);
    return;
  }
  if (!got.rows.length) { root.replaceChildren(emptyState("Every training item has a label.", "Or was skipped.", linkTo("/train", "Go on to Train"), linkTo("/label", "One by one", false))); return; }
  sheet = got; at = 0;
  sheet.rows.forEach((row) => { row.out = new Set(row.others); });
  draw();
};
const onKey = (e) => {
  if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
  if (e.altKey || e.metaKey || e.isComposing || !sheet || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
  const row = sheet.rows[at], back = e.ctrlKey && !e.shiftKey && e.key === "z", forth = e.ctrlKey && e.shiftKey && e.key.toLowerCase() === "z";
  if (e.repeat && !back && !forth) return; // a key held down labels one row
  if ((e.key === "Enter" || e.key === " ") && e.target.closest("button, a, summary")) return;
  const act = e.ctrlKey ? (back ? undo : forth ? again : null) : { Backspace: undo, " ": leave,
    Enter: () => row && row.label && give(row, row.label),
    ArrowDown: () => { at = Math.min(sheet.rows.length - 1, at + 1); draw(); }, ArrowUp: () => { at = Math.max(0, at - 1); draw(); } }[e.key]
    || (/^[1-9]$/.test(e.key) && sheet.classes[+e.key - 1] && row ? () => give(row, sheet.classes[+e.key - 1].name) : null);
  if (!act) return;
  e.preventDefault(); act();
};
document.addEventListener("keydown", onKey);
load();
