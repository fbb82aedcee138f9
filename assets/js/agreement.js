// Who agrees with whom, and what is disputed. A digit settles the item at hand, 0 as none of the classes.
const root = element.querySelector(".ag"), tell = speaker(root);
const SHARES = [[0, "nothing"], [10, "10 % of the items"], [25, "25 % of the items"], [50, "half of the items"], [100, "every item"]];
let sheet = null, page = null;
const percent = (share) => Math.round(100 * share) + " %";
const kappaOf = (k) => (k.value === null ? "–" : k.value.toFixed(2));
const bar = (k) => {
  const box = el("div", { class: "ag-scale", "aria-hidden": "true" }), place = (v) => 100 * Math.max(0, Math.min(1, v));
  if (k.value !== null) box.append(el("i", { style: "left:" + place(k.low) + "%;width:" + Math.max(1, place(k.high) - place(k.low)) + "%" }), el("b", { style: "left:" + place(k.value) + "%" }));
  return box;
};
const agreeing = (title, k) => el("li", {}, el("span", {}, title), bar(k), el("strong", {}, kappaOf(k)),
  el("small", {}, (k.words ? k.words + " · " : "only one class was ever said · ") + (k.low === null ? "" : "95 %: " + k.low.toFixed(2) + " to " + k.high.toFixed(2) + " · ") + "agree on " + percent(k.observed) + " of " + plural(k.items, "item")));
const anotherSet = (one) => {
  const boxes = sheet.classes.map((c) => el("label", {}, el("input", { type: "checkbox", value: c.name, onchange: () => { go.disabled = !taken().length; } }), c.name));
  const taken = () => boxes.map((box) => box.firstChild).filter((check) => check.checked).map((check) => check.value);
  const go = cardButton("Take these", null, () => settle(one, taken().join(BETWEEN)));
  go.disabled = true;
  return el("details", { class: "ag-set" }, el("summary", {}, "Other classes…"), el("div", {}, ...boxes), go);
};
const card = (one, k) => {
  const it = one.item, others = sheet.classes.map((c) => c.name).filter((name) => !one.choices.includes(name));
  const pick = el("select", { class: "st-field", "aria-label": "Another class for " + it.name, onchange: () => { go.disabled = !pick.value; } },
    el("option", { value: "" }, "Another class…"), ...others.map((name) => el("option", { value: name }, name)));
  const go = cardButton("Take it", null, () => settle(one, pick.value));
  go.disabled = true;
  const other = sheet.project.several ? [anotherSet(one)] : others.length ? [pick, go] : [];
  return el("li", cardAt(k, { "aria-label": it.name }),
    el("figure", { class: "ck-item" }, it.sha ? el("img", { src: media(sheet.project.id, it.sha, 240), alt: it.name, loading: "lazy" }) : null, it.text ? el("blockquote", {}, it.text) : null, el("figcaption", { class: "st-note" }, it.name, it.note ? " · " + it.note : "")),
    el("ul", { class: "ag-said" }, ...one.said.map((s) => el("li", {}, el("b", {}, s.author), " said ", el("span", { class: "st-badge on" }, listed(sheet.project, s.said))))),
    el("div", { class: "ck-acts" }, ...one.choices.map((name, c) => cardButton(listed(sheet.project, name), c + 1, () => settle(one, name))), ...(sheet.project.classifies ? [cardButton("None of these", "0", () => settle(one, NONE))] : []), ...other));
};
const asking = () => {
  const { people, share } = sheet.asked, now = people < 2 ? 0 : Math.round(100 * share);
  const set = async (p, s) => { const got = await ask("ask_twice", { project: page, people: s ? Math.max(2, p) : 1, percent: s }); tell(got.ok ? (got.people < 2 ? "Each item is labelled once." : "From now on the Label page asks for second opinions.") : said(got)); await load(); };
  const shares = SHARES.some(([value]) => value === now) ? SHARES : [...SHARES, [now, now + " % of the items"]];
  return el("p", { class: "ag-ask" }, el("label", {}, "Ask for second opinions on ", el("select", { class: "st-field", onchange: (e) => set(people, +e.target.value) }, ...shares.map(([value, words]) => el("option", { value, selected: value === now }, words)))),
    now ? el("label", {}, " from ", el("select", { class: "st-field", onchange: (e) => set(+e.target.value, now) }, ...[2, 3, 4, 5].map((n) => el("option", { value: n, selected: n === people }, n + " people")))) : null,
    el("span", { class: "st-note" }, "They do not see what was said before. Each person gives their name on the Label page."));
};
const draw = () => {
  const { people, pairs, together, confused, cards, disputes } = sheet;
  at = Math.max(0, Math.min(at, cards.length - 1));
  const when = (seconds) => new Date(1000 * seconds).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const top = el("div", { class: "ck-top" }, el("button", { type: "button", class: "st-button", onclick: undo }, "Undo"), el("button", { type: "button", class: "st-button", onclick: redo }, "Redo"), el("a", { class: "st-button", href: "/label" }, "Back to Label"));
  const table = el("table", { class: "ag-people" }, el("thead", {}, el("tr", {}, el("th", {}, "Who"), el("th", {}, "Labels"), el("th", {}, "Last"))),
    el("tbody", {}, ...people.map((p) => el("tr", {}, el("td", {}, p.name), el("td", {}, number(p.labels)), el("td", {}, when(p.latest))))));
  const none = !people.length ? "Nobody has labelled yet." : people.length < 2 ? "One person alone has labelled. Give this address to another, or let them sit here under their own name." : "Nobody has labelled an item that another had labelled unseen. Ask for second opinions.";
  const agreement = together ? el("ul", { class: "ag-pairs" }, pairs.length > 1 ? agreeing("All together", together) : "", ...pairs.map((p) => agreeing(p.one + " and " + p.other, p))) : el("p", { class: "st-note" }, none);
  root.replaceChildren(top,
    el("section", {}, el("h2", {}, "To settle: " + number(disputes)),
      el("p", { class: "st-note" }, disputes ? (disputes > cards.length ? "The first " + cards.length + ". " : "") + "People said different things of the same item without seeing one another's. Until somebody settles it, it has the label that was given first." : "No item is disputed."),
      cards.length ? el("ol", { class: "ck-cards" }, ...cards.map(card)) : null),
    el("section", {}, el("h2", {}, "How far people agree"), el("p", { class: "st-note" }, "Kappa: 1 where they always agree, 0 where they agree as often as by chance. Of two, Cohen's; of all, Fleiss'." + (sheet.project.several ? " Counted on all classes of an item together: who leaves out one has said something else." : "")), agreement,
      confused.length ? el("p", { class: "ag-confused" }, "Most often one for the other: ", ...confused.flatMap((c, k) => [k ? ", " : "", el("b", {}, listed(sheet.project, c.one)), " and ", el("b", {}, listed(sheet.project, c.other)), " (" + number(c.n) + ")"]), ".") : null, asking()),
    el("section", {}, el("h2", {}, "Who labels"), people.length ? table : el("p", { class: "st-note" }, "Nobody yet.")));
};
const load = async () => {
  const got = await ask("look", { project: page });
  if (!got.ok) { root.replaceChildren(emptyState("This cannot be shown.", said(got), reloadLink())); return; }
  if (!got.project) { root.replaceChildren(noProject()); return; }
  page = page || got.project.id;
  sheet = got;
  draw();
};
const settle = oneAtATime(async (one, name) => {
  const got = await ask("settle", { project: page, item: one.item.id, label: name }, 1);
  tell(got.ok ? "Settled " + one.item.name + " as " + listed(sheet.project, name) + "." : said(got));
  if (got.ok) trigger("edit", {});
  await load(); markAndFocus();
});
const turned = (name, done, nothing) => oneAtATime(async () => {
  const got = await ask(name, { project: page }, 1);
  tell(got.ok ? (got.items.length ? done + got.names.join(", ") + "." : nothing) : said(got), !got.ok);
  trigger("edit", {});
  await load();
  const k = sheet ? sheet.cards.findIndex((one) => got.ok && got.items.includes(one.item.id)) : -1;
  if (k >= 0) at = k;
  markAndFocus();
});
const undo = turned("undo", "Taken back: your newest act, on ", "There is nothing of yours to take back."), redo = turned("redo", "Done again: your act on ", "There is nothing of yours to do again.");
byKeys(() => (sheet && sheet.cards ? sheet.cards.length : 0), () => {
  const one = sheet && sheet.cards && sheet.cards[at], acts = {};
  if (one) { if (sheet.project.classifies) acts["0"] = () => settle(one, NONE); one.choices.forEach((name, k) => { acts[k + 1] = () => settle(one, name); }); }
  return acts;
}, undo, redo);
load();
