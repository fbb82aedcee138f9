// The grid of the Data page: a page of items at a time, found by key; filters, search, and bars of the classes.
const root = element.querySelector(".gd");
const blank = () => ({ split: "", label: "", labelled: "", search: "" });
let filter = blank(), cursors = [null], answer = null, page = null, asked = 0, typing = 0;

const cell = (it) => {
  const caption = [el("b", { title: it.name }, it.name), el("span", { class: "gd-tags" }, it.label ? el("span", { class: "st-badge on" }, it.label) : el("span", { class: "st-badge" }, "no label"), el("span", { class: "st-badge" }, it.split))];
  const text = it.text ? el("p", { class: "gd-text", title: it.text.slice(0, 2000) }, it.text.slice(0, 400)) : null;
  const picture = it.sha ? el("img", { src: media(answer.project.id, it.sha, 240), alt: it.name, loading: "lazy", width: 240, height: 180 }) : null;
  return el("li", { class: "gd-cell" + (picture ? "" : " words") }, picture, text, ...caption);
};
const choice = (name, words, options) => {
  const select = el("select", { class: "st-field", "aria-label": words, onchange: () => { filter[name] = select.value; again(); } },
    ...options.map(([value, shown]) => el("option", { value, selected: filter[name] === value }, shown)));
  return select;
};
const bars = () => {
  const most = Math.max(1, ...answer.classes.map((c) => c.n));
  const rows = answer.classes.map((c) => el("li", {}, el("button", { type: "button", "aria-pressed": filter.label === c.name ? "true" : "false", title: c.name,
    onclick: () => { filter.label = filter.label === c.name ? "" : c.name; again(); } },
    el("span", { class: "c" }, c.name), el("span", { class: "n" }, number(c.n)), el("i", { style: "width:" + (100 * c.n) / most + "%" }))));
  const splits = Object.entries(answer.splits).map(([name, s]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, number(s.items)), el("td", {}, number(s.labelled))));
  return el("aside", { class: "gd-side" },
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Split"), el("th", { scope: "col" }, "Items"), el("th", { scope: "col" }, "Labelled"))), el("tbody", {}, ...splits)),
    el("h3", {}, plural(answer.classes.length, "class").replace("classs", "classes")), el("ul", { class: "gd-bars" }, ...rows));
};
const pager = (where) => {
  const page = cursors.length, pages = Math.max(1, Math.ceil(answer.total / answer.limit));
  const go = (change) => { change(); load().then(() => root.scrollIntoView({ block: "start" })); };
  return el("nav", { class: "gd-pager", "aria-label": "Pages, " + where },
    el("button", { type: "button", class: "st-button", disabled: page < 2, onclick: () => go(() => cursors.pop()) }, "← Previous"),
    el("span", {}, "Page " + number(page) + " of " + number(pages)),
    el("button", { type: "button", class: "st-button", disabled: answer.after === null, onclick: () => go(() => cursors.push(answer.after)) }, "Next →"));
};
const draw = () => {
  const split = choice("split", "Split", [["", "Every split"], ["train", "train"], ["val", "val"], ["test", "test"]]);
  const label = choice("label", "Class", [["", "Every class"], ...answer.classes.map((c) => [c.name, c.name])]);
  const labelled = choice("labelled", "Labelled or not", [["", "Labelled or not"], ["yes", "Labelled"], ["no", "Not labelled"]]);
  const search = el("input", { type: "search", class: "st-field", placeholder: "Search names and texts", "aria-label": "Search names and texts", value: filter.search, maxlength: 500 });
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { filter.search = search.value; again(); }, 250); });
  const filtered = Object.values(filter).some(Boolean), had = root.contains(document.activeElement) && document.activeElement.type === "search" ? document.activeElement.selectionStart : -1;
  const cells = answer.items.length ? el("ul", { class: "gd-cells" + (answer.project.modalities.includes("image") ? "" : " texts") }, ...answer.items.map(cell))
    : emptyState("Nothing matches.", "No item passes these filters.", el("button", { type: "button", class: "st-button primary", onclick: () => { filter = blank(); again(); } }, "Show everything"));
  root.replaceChildren(
    el("div", { class: "gd-filters", role: "search" }, split, label, labelled, search,
      el("span", { class: "st-note", "aria-live": "polite" }, plural(answer.total, "item") + (filtered ? " of " + number(answer.all) : ""))),
    el("div", { class: "gd-body" }, el("div", { class: "gd-main" }, cells, answer.total > answer.limit ? pager("below") : null), bars()));
  if (had >= 0) { search.focus(); search.setSelectionRange(had, had); }
};
const load = async () => {
  const mine = ++asked, got = await ask("browse", { ...filter, after: cursors[cursors.length - 1], project: page });
  if (mine !== asked) return;
  if (!got.ok) { root.replaceChildren(emptyState("The items cannot be shown.", said(got), reloadLink())); return; }
  answer = got;
  page = page || (got.project && got.project.id);
  if (!got.project) root.replaceChildren(noProject());
  else if (!got.all) root.replaceChildren(emptyState("Nothing has been imported yet.", "Give a folder, an archive or a table above. Sub-folders become classes; train/, val/ and test/ become splits."));
  else draw();
};
const again = () => { cursors = [null]; return load(); };
watch("value", () => { filter = blank(); again(); });
load();
