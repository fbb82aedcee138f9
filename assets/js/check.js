// What an audit found: labels that look wrong, items that are there twice. K keeps, C changes, D drops.
const root = element.querySelector(".ck"), tell = speaker(root);
const POLL_MS = 1000;
let sheet = null, page = null, polls = 0;
const cards = () => (sheet && sheet.audit ? [...sheet.audit.twins, ...sheet.audit.doubts] : []);
const percent = (share) => Math.round(100 * share) + " %";
const thing = (it, ...below) => el("figure", { class: "ck-item" },
  it.sha ? el("img", { src: media(sheet.project.id, it.sha, 240), alt: it.name, loading: "lazy" }) : el("blockquote", {}, it.text || it.name),
  el("figcaption", { class: "st-note" }, it.name, ...below));
const tags = (it) => el("span", { class: "gd-tags" }, el("span", { class: "st-badge" + (it.label ? " on" : "") }, listed(sheet.project, it.label) || "no label"), el("span", { class: "st-badge" }, it.split));
const card = (finding, k) => {
  const twins = finding.items, acts = [cardButton("Keep" + (twins ? " both" : ""), "K", () => settle(finding, "keep"))];
  if (!twins) acts.push(cardButton("Change to " + listed(sheet.project, finding.suggested), "C", () => settle(finding, "change")));
  acts.push(cardButton(twins ? "Drop the " + (finding.leak ? "training one" : "second") : "Drop", "D", () => settle(finding, "drop"), !!twins));
  const words = twins ? [el("b", {}, finding.leak ? "In both training and " + finding.items[0].split : "There twice"), " · " + percent(finding.likeness) + " alike"]
    : [el("b", {}, "Labelled " + listed(sheet.project, finding.item.label)), " · looks like " + listed(sheet.project, finding.suggested) + ", " + percent(finding.probability)];
  const items = twins ? twins.map((it) => thing(it, tags(it))) : [thing(finding.item)];
  return el("li", cardAt(k, { class: finding.leak ? "leak" : "", "aria-label": (twins ? twins[1] : finding.item).name }),
    el("p", {}, ...words), el("div", { class: "ck-items" }, ...items), el("div", { class: "ck-acts" }, ...acts));
};
const part = (title, note, list, first) => el("section", {}, el("h2", {}, title), el("p", { class: "st-note" }, note), list.length ? el("ol", { class: "ck-cards" }, ...list.map((one, k) => card(one, first + k))) : null);
const many = (shown, all, words) => (all > shown ? "The first " + number(shown) + " of " + number(all) + ". " : "") + words;
const draw = () => {
  const audit = sheet.audit, box = el("div", {}), running = sheet.activity && sheet.activity.state === "running";
  drawActivity(box, sheet.activity);
  const go = el("button", { type: "button", class: "st-button" + (audit ? "" : " primary"), id: "check-start", disabled: running, onclick: start }, audit ? "Check again" : "Check now");
  const top = el("div", { class: "ck-top" }, go, el("button", { type: "button", class: "st-button", onclick: undo }, "Undo"), el("button", { type: "button", class: "st-button", onclick: redo }, "Redo"), el("a", { class: "st-button", href: "/data" }, "Back to Data"));
  if (!audit) { root.replaceChildren(top, box, running ? "" : emptyState("Nothing has been checked yet.", "Studio looks for items that are there twice, also between training and test, and for labels that look wrong.")); return; }
  const { twins, doubts } = audit;
  at = Math.max(0, Math.min(at, twins.length + doubts.length - 1));
  const clean = !audit.n_twins && !audit.n_doubts && !audit.why_no_doubts;
  root.replaceChildren(top, box, clean ? emptyState("Nothing is left to look at.", audit.settled ? plural(audit.settled, "finding") + " settled." : "No item is there twice, and no label looks wrong.", linkTo("/train", "Go on to Train")) : "",
    clean ? "" : part("There twice: " + number(audit.n_twins), audit.n_twins ? many(twins.length, audit.n_twins, audit.leaks ? number(audit.leaks) + " of them lie in the training split and in a held-out one: where one is learnt from and the other judges, Compare makes no claim until both are kept, or one is dropped and you train and compare again." : "The same but for encoding, size or a narrow crop, or for case and punctuation.") : "No two of the " + plural(audit.looked_at, "item") + " looked at are nearly the same.", twins, 0),
    clean ? "" : part("Labels that look wrong: " + number(audit.n_doubts), audit.why_no_doubts || (audit.n_doubts ? many(doubts.length, audit.n_doubts, "What the model takes for another class when it has not seen the label, the worst first. With few labels most of these are right and the model is wrong: look.") : "No training label looks wrong."), doubts, twins.length));
};
const load = async () => {
  const got = await ask("look", { project: page });
  if (!got.ok) { root.replaceChildren(emptyState("This cannot be shown.", said(got), reloadLink())); return; }
  if (!got.project) { root.replaceChildren(noProject()); return; }
  page = page || got.project.id;
  if (!got.all) { root.replaceChildren(emptyState("There is nothing to check yet.", "Import a folder, an archive or a table first.", linkTo("/data", "Go to Data"))); return; }
  const held = (cards()[at] || {}).key; // the card at hand stays at hand, wherever it is now
  sheet = got;
  const k = cards().findIndex((one) => one.key === held);
  if (k >= 0) at = k;
  draw();
  clearTimeout(polls);
  if (got.activity && got.activity.state === "running") polls = setTimeout(load, POLL_MS);
};
const start = async () => { const got = await ask("start", { project: page }); tell(got.ok ? "" : said(got), !got.ok); if (got.ok) at = 0; await load(); };
const settle = oneAtATime(async (finding, act) => {
  const got = await ask("settle", { project: page, key: finding.key, act, saw: (finding.items ? finding.items[1] : finding.item).label }, 1);
  if (got.ok && act !== "keep") trigger("edit", {});
  await load(); markAndFocus();
  tell(got.ok ? { keep: "Kept.", change: "Changed to " + listed(sheet.project, finding.suggested) + ".", drop: "Dropped: without a label from now on." }[act] : said(got), !got.ok);
});
const turned = (name, done, nothing) => oneAtATime(async () => {
  const got = await ask(name, { project: page }, 1);
  trigger("edit", {});
  await load();
  const k = cards().findIndex((one) => one.key === got.key);
  if (k >= 0) at = k;
  markAndFocus();
  const stays = got.stays ? " The item keeps its label: something has been said of it since." : "";
  tell(got.ok ? (got.key ? done + stays : nothing) : said(got), !got.ok);
});
const undo = turned("undo", "Taken back.", "There is nothing to take back."), redo = turned("redo", "Done again.", "There is nothing to do again.");
byKeys(() => cards().length, () => {
  const finding = cards()[at];
  return finding ? { k: () => settle(finding, "keep"), d: () => settle(finding, "drop"), ...(finding.items ? {} : { c: () => settle(finding, "change") }) } : {};
}, undo, redo);
load();
