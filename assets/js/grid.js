// The grid of the Data page: a page of items at a time, found by key or ranked by a model; filters, search, bars of the classes.
const root = element.querySelector(".gd");
const blank = () => ({ split: "", label: "", labelled: "", search: "", by: "", like: "", least: 0 });
const LIMIT = innerWidth < 760 ? 60 : 200;
const LEAST = [0, 30, 50, 70, 80, 90, 95, 99], READING_MS = 1000;
let filter = blank(), shownFilter = blank(), reads = 0, cursors = [null], answer = null, page = null, asked = 0, typing = 0, readingBy = null;

const cell = (it, k) => {
  const given = answer.project.several && classesOf(it.label).length ? classesOf(it.label) : it.label ? [it.label] : [];
  const badges = it.score !== undefined ? [filter.by === "like" ? it.score.toFixed(2) : Math.round(100 * it.score) + " %"] : [...(given.length ? given : ["no label"]), it.split];
  const tags = badges.map((words, n) => el("span", { class: "st-badge" + (n < given.length ? " on" : "") }, words));
  const note = it.note ? el("span", { class: "gd-note", title: it.note }, it.note) : null;
  const caption = [el("b", { title: it.name }, it.name), el("span", { class: "gd-tags" }, ...tags), note];
  const text = it.text ? el("p", { class: "gd-text", title: it.text.slice(0, 2000) }, it.text.slice(0, 400)) : null;
  const picture = it.sha ? el("img", { src: media(answer.project.id, it.sha, 240), alt: it.name, loading: "lazy", width: 240, height: 180 }) : null;
  const check = el("input", { type: "checkbox", class: "gd-check", "aria-label": "Select " + it.name });
  return el("li", { class: "gd-cell" + (picture ? "" : " words"), onclick: (e) => toggle(k, e.shiftKey), onmousedown: (e) => { if (e.shiftKey) e.preventDefault(); } }, check, picture, text, ...caption);
};
const choice = (name, words, options) => {
  const select = el("select", { class: "st-field", "aria-label": words, onchange: () => { filter = { ...(name === "by" ? blank() : filter), [name]: select.value }; again(); } },
    ...options.map(([value, shown]) => el("option", { value, selected: String(filter[name]) === String(value) }, shown)));
  return select;
};
const bars = () => {
  const most = Math.max(1, ...answer.classes.map((c) => c.n));
  const rows = answer.classes.map((c) => el("li", {}, el("button", { type: "button", "aria-pressed": filter.label === c.name ? "true" : "false", title: c.name,
    onclick: () => { filter.label = filter.label === c.name && !filter.by ? "" : c.name; again(); } },
    el("span", { class: "c" }, c.name), el("span", { class: "n" }, number(c.n)), el("i", { style: "width:" + (100 * c.n) / most + "%" }))));
  if (answer.none) rows.push(el("li", {}, el("button", { type: "button", "aria-pressed": filter.labelled === "none" ? "true" : "false",
    onclick: () => { filter = { ...(filter.by ? blank() : filter), label: "", labelled: filter.labelled === "none" && !filter.by ? "" : "none" }; again(); } },
    el("span", { class: "c" }, NONE), el("span", { class: "n" }, number(answer.none)), el("i", { style: "width:" + (100 * answer.none) / Math.max(most, answer.none) + "%" }))));
  const splits = Object.entries(answer.splits).map(([name, s]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, number(s.items)), el("td", {}, number(s.labelled))));
  return el("aside", { class: "gd-side" },
    el("a", { class: "st-button gd-check-link", href: "/check" }, "Check the data"),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Split"), el("th", { scope: "col" }, "Items"), el("th", { scope: "col" }, "Labelled"))), el("tbody", {}, ...splits)),
    el("h3", {}, plural(answer.classes.length, "class").replace("classs", "classes")), el("ul", { class: "gd-bars" }, ...rows));
};
// on a phone the items come first: what is beside them there is folded until it is asked for
const folds = {};
const fold = (name, words, open, ...children) => {
  const box = el("details", { class: "gd-fold", open: innerWidth >= 760 || (name in folds ? folds[name] : open), ontoggle: () => { folds[name] = box.open; } }, el("summary", {}, words), ...children);
  return box;
};
const pager = (where) => {
  const page = cursors.length, pages = Math.max(1, Math.ceil(answer.total / answer.limit));
  const go = (change) => { change(); anchor = -1; load().then(() => root.scrollIntoView({ block: "start" })); };
  return el("nav", { class: "gd-pager", "aria-label": "Pages, " + where },
    el("button", { type: "button", class: "st-button", disabled: page < 2, onclick: () => go(() => cursors.pop()) }, "← Previous"),
    el("span", {}, "Page " + number(page) + " of " + number(pages)),
    el("button", { type: "button", class: "st-button", disabled: answer.after === null, onclick: () => go(() => cursors.push(answer.after)) }, "Next →"));
};
const draw = () => {
  const held = [...root.querySelectorAll(".gd-cell")].findIndex((one) => one.contains(document.activeElement));
  const by = answer.ranks ? choice("by", "Which items", [["", "Items as imported"], ...(answer.classes.length ? [["suggested", "What the model takes for…"]] : []), ["like", "What is like a text…"]]) : null;
  const split = choice("split", "Split", [["", "Every split"], ["train", "train"], ["val", "val"], ["test", "test"]]);
  const label = choice("label", "Class", [["", "Every class"], ...answer.classes.map((c) => [c.name, c.name])]);
  const labelled = choice("labelled", "Labelled or not", [["", "Labelled or not"], ["yes", "Labelled"], ["no", "Not labelled"], ["none", "None of these"], ["skipped", "Skipped"], ["noted", "With a note"]]);
  const search = el("input", { type: "search", class: "st-field", placeholder: "Search names and texts", "aria-label": "Search names and texts", value: filter.search, maxlength: 500 });
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { filter.search = search.value; again(); }, 250); });
  const least = choice("least", "With at least this probability", LEAST.map((share) => [share, share ? "at least " + share + " %" : "any probability"]));
  const like = el("input", { type: "search", class: "st-field", placeholder: "Describe what to find, then Enter", "aria-label": "Find items like this text", value: filter.draft === undefined ? filter.like : filter.draft, maxlength: 500 });
  like.addEventListener("input", () => { filter.draft = like.value; });
  like.addEventListener("keydown", (e) => { if (e.key === "Enter") { filter.like = like.value; again(); } });
  const asking = filter.by === "suggested" ? [choice("label", "Class", answer.classes.map((c) => [c.name, c.name])), least] : filter.by === "like" ? [like] : [split, label, labelled, search];
  const filtered = filter.by || [filter.split, filter.label, filter.labelled, filter.search].some(Boolean), had = root.contains(document.activeElement) && document.activeElement.type === "search" ? document.activeElement.selectionStart : -1;
  const wholePage = answer.items.length ? el("button", { type: "button", class: "st-button gd-page", onclick: () => { choosePage(); mark(); } }, "Select this page") : null;
  const cells = answer.activity ? readingNote(answer.activity) : answer.items.length ? el("ul", { class: "gd-cells" + (answer.project.modalities.includes("image") ? "" : " texts") }, ...answer.items.map(cell))
    : emptyState("Nothing matches.", filter.by === "like" && !filter.like ? "Describe what to find in the field above, and press Enter." : filter.by ? "No unlabelled training item does." : "No item passes these filters.", el("button", { type: "button", class: "st-button primary", onclick: () => { filter = blank(); again(); } }, "Show everything"));
  root.replaceChildren(
    el("div", { class: "gd-head" },
      fold("filters", "Filter and search", filtered, el("div", { class: "gd-filters", role: "search" }, by, ...asking)),
      el("span", { class: "st-note", "aria-live": "polite" }, plural(answer.total, "item") + (filtered ? " of " + number(answer.all) : "")), wholePage),
    el("div", { class: "gd-body" }, el("div", { class: "gd-main" }, cells, answer.total > answer.limit ? pager("below") : null), fold("beside", "Classes, splits, checks", false, bars())),
    el("div", { class: "gd-bar" }));
  mark();
  if (filter.by === "like" && !filter.like) like.focus();
  if (had >= 0) { search.focus(); search.setSelectionRange(had, had); }
  const stay = held < 0 ? null : root.querySelectorAll(".gd-cell")[Math.min(held, answer.items.length - 1)];
  if (stay) stay.querySelector(".gd-check").focus({ preventScroll: true }); // whoever goes by keys stays where they were
};
const drawReading = (note, activity) => {
  const box = el("div", {});
  drawActivity(box, activity); note.replaceChildren(box);
  clearTimeout(reads);
  if (activity.state === "running") reads = setTimeout(load, READING_MS);
};
const readingNote = (activity) => {
  const note = el("div", { class: "gd-reading" });
  drawReading(note, activity);
  return note;
};
const load = async () => {
  const mine = ++asked, wanted = { ...filter, least: Number(filter.least) }, got = await ask("browse", { ...wanted, after: cursors[cursors.length - 1], limit: LIMIT, project: page });
  if (mine !== asked) return;
  if (!got.ok) { root.replaceChildren(emptyState("The items cannot be shown.", said(got), reloadLink())); return; }
  const note = root.querySelector(".gd-reading");
  answer = got; shownFilter = wanted;
  if (got.activity && note && readingBy === filter.by) { drawReading(note, got.activity); return; } // nothing else is drawn anew: somebody may be typing
  readingBy = filter.by;
  page = page || (got.project && got.project.id);
  if (!got.project) root.replaceChildren(noProject());
  else if (!got.all) root.replaceChildren(emptyState("Nothing has been imported yet.", "Give a folder, an archive or a table above. Sub-folders become classes; train/, val/ and test/ become splits."));
  else draw();
};
const again = () => {
  cursors = [null]; unselect();
  if (answer && answer.items) mark();
  if (filter.by === "suggested" && !filter.label && answer.classes.length) filter.label = answer.classes[0].name;
  return load();
};
watch("value", () => { filter = blank(); again(); });
load();
