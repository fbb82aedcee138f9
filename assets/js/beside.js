// On the Label page, beside an item: a note, who said what of it, what belongs to each class, who labels, words that are looked for.
const marked = (words) => {
  const looked = desk.search.trim().split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!looked.length) return [words];
  return words.split(new RegExp("(" + looked.join("|") + ")", "gi")).map((part, k) => (k % 2 ? el("mark", {}, part) : part));
};
const searchField = () => {
  const field = el("input", { class: "st-field lb-search", type: "search", placeholder: "Words, then Enter", "aria-label": "Search in texts, names and notes", maxlength: 200, value: desk.search });
  field.addEventListener("keydown", async (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault();
    await open("search", field.value.trim());
    if (desk.items.length) $(".lb-box").focus();
  });
  return field;
};

/* notes */
let noting = null; // the item that the field belongs to while somebody writes in it
const noteField = () => {
  const field = el("input", { class: "st-field", "aria-label": "Note: Enter saves", maxlength: 2000, placeholder: "A note on this item; nothing learns from it" });
  field.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.isComposing) { e.preventDefault(); $(".lb-box").focus(); }
    if (e.key === "Escape") { field.value = noting ? noting.note : ""; $(".lb-box").focus(); }
  });
  field.addEventListener("focus", () => { noting = item(); });
  field.addEventListener("blur", saveNote);
  return el("label", { class: "lb-note", hidden: true }, el("span", { class: "st-note" }, "Note"), field);
};
const showNote = () => {
  const field = $(".lb-note input");
  if (document.activeElement === field) return;
  field.value = item().note;
  $(".lb-note").hidden = !item().note;
};
const writeNote = () => { if (item()) { $(".lb-note").hidden = false; $(".lb-note input").focus(); } };
const saveNote = () => {
  const it = noting, text = $(".lb-note input").value.trim();
  noting = null;
  if (it && text !== it.note) {
    const before = it.note, mark = remember(it.id, () => { it.note = before; }, () => { it.note = text; });
    it.note = text; tell("Saving…");
    post({ act: "note", item: it.id, text, saw: before }, (answer) => {
      if (!answer.ok) { refused(answer, mark); return; }
      it.note = answer.note; // with what others have written meanwhile
      if (item() === it) showNote();
      tell("Saved the note on " + it.name);
    });
  }
  if (item()) showNote();
};

/* dialogs */
const dialog = (title, note, ...children) => {
  const box = el("dialog", { class: "lb-keys", "aria-labelledby": "lb-dialog-title" });
  box.append(el("h2", { id: "lb-dialog-title" }, title), note ? el("p", { class: "st-note", role: "status" }, note) : "", ...children);
  box.addEventListener("close", () => { box.remove(); $(".lb-box").focus({ preventScroll: true }); });
  element.append(box);
  box.showModal();
  return box;
};
const closing = (words, act) => el("button", { type: "button", class: "st-button" + (words === "Close" ? "" : " primary"), onclick: (e) => { if (act) act(); e.currentTarget.closest("dialog").close(); } }, words);
const WORDS = {
  import: (e) => "came with " + listed(desk.project, e.after), label: (e) => (e.said === null ? "took its label away" : "said " + listed(desk.project, e.said)), none: () => "said none of these",
  skip: (e) => (e.before && !e.after ? "dropped it" : "skipped it"), caption: (e) => "wrote “" + e.after + "”", note: (e) => (e.after ? "noted “" + e.after + "”" : "took the note away"),
  undo: (e, all) => "took back: “" + meant(e, all) + "”", redo: (e, all) => "did again: “" + meant(e, all) + "”",
};
// what was taken back, or done again, and by whom it had been done
const meant = (e, all) => {
  let of = e;
  while (of && of.undoes) of = all.find((one) => one.id === of.undoes);
  return of ? (of.author === e.author ? "" : of.author + " ") + WORDS[of.kind](of, all) : "that";
};
const became = (e) => (e.stance === "aside" ? (e.said === e.after ? "as others had" : "put aside: it stays " + listed(desk.project, e.after)) : e.before === e.after ? "" : "before: " + (listed(desk.project, e.before) || "nothing"));
const showHistory = async () => {
  const it = item();
  if (!it) return;
  await chain;
  if (it.unseen && !it.label) { dialog("What others said comes later", "This is a second opinion: say yours first.", el("p", { class: "st-actions" }, closing("Close"))); return; }
  const answer = await ask("history", { project: desk.project.id, item: it.id });
  if (!answer.ok) { tell(said(answer), true); return; }
  it.shown = answer.has;
  const row = (e) => el("li", {}, el("b", {}, e.kind === "import" ? "The data" : e.author), " " + WORDS[e.kind](e, answer.events), el("small", {}, [new Date(1000 * e.at).toLocaleString(), became(e)].filter(Boolean).join(" · ")));
  dialog("History of " + it.name, answer.events.length ? "" : "Nobody has done anything with it yet.", el("ol", { class: "lb-events" }, ...answer.events.map(row)), el("p", { class: "st-actions" }, closing("Close")));
};
const guidelines = () => {
  const fields = desk.classes.map((c) => el("label", {}, el("span", {}, c.name), el("textarea", { class: "st-field", rows: 2, maxlength: 2000, placeholder: "What belongs to it, and what does not" }, c.guideline)));
  const save = async () => {
    for (const [k, c] of desk.classes.entries()) {
      const guideline = fields[k].querySelector("textarea").value.trim();
      if (guideline === c.guideline) continue;
      const answer = await ask("guide", { project: desk.project.id, name: c.name, guideline, saw: c.guideline });
      if (!answer.ok) { tell(said(answer), true); return; }
      c.guideline = answer.classes.find((one) => one.name === c.name).guideline;
    }
    classButtons(); tell("Saved the guidelines.");
  };
  const none = desk.classes.length ? "Everybody who labels sees them beside the classes." : "There is no class yet.";
  dialog("Guidelines", none, el("div", { class: "lb-guides" }, ...fields), el("p", { class: "st-actions" }, desk.classes.length ? closing("Save", save) : null, closing("Close")));
};
const whoButton = () => el("button", { type: "button", class: "lb-quiet lb-who", title: "Whose labels these are. Kept in this browser.", onclick: chooseName }, whoIs());
// two people without a name of their own would be one
const twoSeats = () => {
  if (!desk.elsewhere || desk.told) return;
  desk.told = true;
  toast("Somebody labels as “" + desk.author + "” in another browser too. If it is not you, give your name, so that your labels are told apart.", el("button", { type: "button", class: "st-button", onclick: chooseName }, "Give a name"));
};
const whoIs = () => "as " + desk.author + (desk.elsewhere ? ", in two browsers" : "") + (Object.keys(desk.others).length ? " · " + plural(Object.keys(desk.others).length, "other") + " at work" : "");
const chooseName = () => {
  const field = el("input", { class: "st-field", value: desk.author, maxlength: 60, "aria-label": "Your name" }), told = el("p", { class: "st-note", role: "status" });
  const save = async () => {
    const name = field.value.trim(), was = desk.author;
    if (name !== was) {
      const answer = await ask("name", { author: name, project: desk.project.id });
      if (!answer.ok) { told.textContent = said(answer); told.classList.add("st-bad"); return; }
      try { localStorage.setItem(AUTHOR, answer.author); } catch (barred) { told.textContent = "This browser keeps nothing, so the name stays as it is."; return; }
      await open(desk.chosen, desk.search, was);
    }
    box.close();
  };
  field.addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.isComposing) { e.preventDefault(); save(); } });
  const box = dialog("Who labels here?", "Every label is kept with the name of who gave it. The name is kept in this browser.", field, told,
    el("p", { class: "st-actions" }, el("button", { type: "button", class: "st-button primary", onclick: save }, "Save"), closing("Close")));
  field.select();
};
const inOtherHands = () => {
  const names = Object.keys(desk.others).filter((name) => desk.others[name]);
  return names.length ? " Some are in the hands of " + names.join(", ") + "." : "";
};
