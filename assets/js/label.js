// The Label page: one item at a time. Optimistic on screen, serial and acknowledged on the wire.
const AHEAD = 8, BEHIND = 8, REFILL = 40, COMING = 40, REST_MS = 800, ENOUGH = 10; // labels to learn from after which the way on is shown
const $ = (selector) => element.querySelector(selector);
let desk = null, at = 0, generation = 0, refilling = false;
const pictures = new Map(), small = new Map(); // by item: large ones, and those of the strip

/* saving: one act after the other, each sent again until the server acknowledges it */
let chain = Promise.resolve(), pending = 0;
const post = (act, settle) => {
  const id = Math.random().toString(36).slice(2) + Date.now().toString(36);
  pending++;
  const payload = { ...act, id, browser, project: desk.project.id, author: desk.author }; // whose key it was, whatever the name is by then
  chain = chain.then(() => deliver(payload, settle));
};
const deliver = async (payload, settle) => {
  for (let wait = 500; ; wait = Math.min(2 * wait, 5000)) {
    let answer;
    try { answer = await server.act({ ...payload, coming: coming() }); } catch (failure) { answer = undefined; }
    if (answer && typeof answer.ok === "boolean") { pending--; settle(answer); leave(answer); rest(); return; }
    tell("Not saved yet: the server does not answer. Trying again…", true);
    await sleep(wait);
  }
};
// several people: of what comes next, the server says what others have taken in hand or labelled meanwhile
const coming = () => (desk.chosen === "unlabelled" ? desk.items.slice(at, at + COMING).filter((it) => !it.label && !it.unseen).map((it) => it.id) : []);
const leave = ({ gone, others, elsewhere }) => {
  if (others) { Object.assign(desk, { others, elsewhere }); $(".lb-who").textContent = whoIs(); twoSeats(); }
  if (!gone || !gone.length) return;
  const acted = new Set([...past, ...ahead].map((mark) => mark.item)), left = desk.items.length;
  desk.items = desk.items.filter((it, k) => k <= at || acted.has(it.id) || !gone.includes(it.id));
  if (desk.items.length !== left) { strip(); for (let k = 1; k <= AHEAD; k++) prefetch(at + k); }
};
// the header above counts labels too; it is told once the keys are at rest
const counts = () => desk.labelled + "/" + desk.learnt;
let told = null, resting = 0;
const rest = () => {
  clearTimeout(resting);
  if (!pending && told !== counts()) resting = setTimeout(() => { told = counts(); trigger("rest"); }, REST_MS);
};
const tell = (words, bad = false) => { const live = $(".lb-live"); live.textContent = words; live.classList.toggle("st-bad", bad); };

/* what is on the desk */
const item = () => desk.items[at];
const tally = (name, change) => { const c = desk.classes.find((k) => k.name === name); if (c) c.n += change; };
const relabel = (it, label) => {
  const learnt = (name) => (it.split === "train" && (several() || name !== NONE) ? 1 : 0);
  const counts = !it.unseen; // what another has labelled is counted already
  if (counts && it.label) { givenTo(it).forEach((name) => tally(name, -1)); desk.labelled--; desk.learnt -= learnt(it.label); }
  it.label = label;
  if (counts && label) { givenTo(it).forEach((name) => tally(name, 1)); desk.labelled++; desk.learnt += learnt(label); }
};
const prefetch = (k) => {
  const it = desk.items[k];
  if (!it || !it.sha || pictures.has(it.id)) return;
  const image = new Image();
  image.alt = it.name; image.draggable = false; image.src = media(desk.project.id, it.sha, 768);
  image.decode().catch(() => {});
  pictures.set(it.id, image);
};
const trim = () => {
  for (const kept of [pictures, small]) for (const id of kept.keys()) if (kept.size > 4 * (AHEAD + BEHIND)) kept.delete(id); else break;
};

/* drawing */
const stage = () => {
  const it = item(), box = $(".lb-box");
  box.classList.toggle("is-text", !it.sha);
  const words = it.text || it.name; // what is neither a picture nor a text has its name
  if (!it.sha) { box.replaceChildren(el("p", { class: "lb-text" + (words.length > 280 ? " long" : "") }, ...marked(words))); return; }
  prefetch(at);
  box.replaceChildren(pictures.get(it.id));
};
const caption = () => {
  const field = $(".lb-caption textarea");
  if (field && document.activeElement !== field) field.value = item().text || "";
};
const strip = () => {
  if (!desk.pictures) return;
  const cells = [];
  for (let k = Math.max(0, at - 3); k < Math.min(desk.items.length, at + 12); k++) {
    const it = desk.items[k], cell = small.get(it.id) || el("img", { src: media(desk.project.id, it.sha, 96), alt: "", "data-item": it.id });
    small.set(it.id, cell);
    cell.className = (k === at ? "now " : "") + (it.label ? "has" : "");
    cells.push(cell);
  }
  // those that stay are not touched: a picture that is taken out and put back is decoded again
  const box = $(".lb-strip"), stays = new Set(cells);
  for (const gone of [...box.children]) if (!stays.has(gone)) gone.remove();
  cells.forEach((cell, k) => { if (box.children[k] !== cell) box.insertBefore(cell, box.children[k] || null); });
};
const disputes = () => { const link = $(".lb-disputes"); if (link) link.textContent = desk.disputes ? plural(desk.disputes, "dispute") : "Agreement"; };
const rail = () => {
  const it = item(), share = desk.all ? (100 * desk.labelled) / desk.all : 0;
  $(".lb-bar i").style.width = share + "%";
  $(".lb-bar").setAttribute("aria-valuenow", Math.round(share));
  $(".lb-done").textContent = number(desk.labelled) + " of " + number(desk.all) + " labelled";
  $(".lb-go").hidden = desk.project.classifies && desk.learnt < ENOUGH;
  hint(); onButton(); disputes();
  const given = it ? givenTo(it) : [];
  element.querySelectorAll(".lb-classes [data-k]").forEach((button) => {
    const c = desk.classes[+button.dataset.k];
    button.querySelector(".n").textContent = number(c.n);
    button.setAttribute("aria-pressed", given.includes(c.name) ? "true" : "false");
  });
  const none = $('.lb-classes [data-act="none"]');
  if (none) none.setAttribute("aria-pressed", it && it.label === NONE ? "true" : "false");
};
const show = () => {
  if (at >= desk.items.length) { rail(); ending(); return; }
  element.classList.remove("lb-over");
  $(".lb-name").replaceChildren(...marked(item().name));
  $(".lb-at").textContent = number(at + 1) + " / " + number(Math.max(desk.total, desk.items.length));
  stage(); caption(); showNote();
  afterwards();
};
// what can wait until the item itself is painted; of keys that come faster than frames the last one draws it
let later = false;
const afterwards = () => {
  if (later) return;
  later = true;
  requestAnimationFrame(() => setTimeout(() => {
    later = false;
    if (at >= desk.items.length || !element.isConnected) return;
    strip(); rail();
    for (let k = 1; k <= AHEAD; k++) prefetch(at + k);
    trim();
    suggest();
    chooseSoon();
    if (desk.after !== null && at > desk.items.length - REFILL) refill();
  }));
};
const ending = () => {
  if (desk.chosen === "search") { $(".lb-box").replaceChildren(emptyState(desk.items.length ? "That was the last one found." : "Nothing has these words.", "In texts, names and notes, whatever their case.")); element.classList.add("lb-over"); return; }
  const left = desk.all - desk.labelled, again = el("button", { class: "st-button", type: "button", onclick: () => open("all", "") }, "Look through all items");
  const state = left <= 0
    ? emptyState("Everything is labelled.", plural(desk.all, "item") + " in " + plural(desk.classes.length, "class").replace("classs", "classes") + ".", linkTo("/train", "Go on to Train"), again)
    : emptyState("That was the last one.", plural(left, "item") + " still without a label." + inOtherHands(),
      el("button", { class: "st-button primary", type: "button", onclick: () => open("unlabelled", "") }, "Go through them"), linkTo("/train", "Go on to Train", false), again);
  element.classList.add("lb-over");
  $(".lb-name").textContent = ""; $(".lb-at").textContent = ""; $(".lb-strip").replaceChildren(); $(".lb-note").hidden = true;
  $(".lb-box").classList.remove("is-text"); $(".lb-box").replaceChildren(state);
};
// the classes that match what is typed, and the one that Enter means: the very name, else the first
const found = () => {
  const find = $(".lb-new input"), typed = find ? find.value.trim() : "", words = typed.toLowerCase();
  const matches = [...desk.classes.keys()].filter((k) => desk.classes[k].name.toLowerCase().includes(words));
  const exact = matches.find((k) => desk.classes[k].name.toLowerCase() === words);
  return { typed, matches, exact, best: exact !== undefined ? exact : matches[0] };
};
const classButtons = () => {
  const { typed, matches, exact, best } = found();
  bind();
  for (const [act, key] of Object.entries(keyOfAct)) { const cap = $('.lb-acts [data-act="' + act + '"] kbd'); if (cap) cap.textContent = key === " " ? "␣" : key ? shownKey(key) : "–"; }
  const buttons = matches.map((k) =>
    el("button", { type: "button", "data-k": k, "aria-keyshortcuts": keyOfClass[k], title: [desk.classes[k].name, desk.classes[k].guideline].filter(Boolean).join(": "), class: typed && k === best ? "best" : null },
      keyOfClass[k] ? el("kbd", {}, shownKey(keyOfClass[k])) : null, el("span", { class: "c" }, desk.classes[k].name, desk.classes[k].guideline ? el("small", {}, desk.classes[k].guideline) : null), el("span", { class: "n" })));
  if (!typed && desk.project.classifies && desk.classes.length) buttons.push(el("button", { type: "button", "data-act": "none", class: "none", "aria-keyshortcuts": keyOfAct.none, title: several() ? "Of none of these classes, and on to the next" : "Done, and of none of these classes: nothing learns from it" }, keyOfAct.none ? el("kbd", {}, shownKey(keyOfAct.none)) : null, el("span", { class: "c" }, "None of these")));
  if (typed && exact === undefined) buttons.push(el("button", { type: "button", "data-act": "add" }, "Add “" + typed + "” as a new class"));
  $(".lb-classes").replaceChildren(...buttons);
  rail();
};
const hint = () => {
  const { typed, best } = found(), box = $(".lb-hint");
  if (typed) box.textContent = best !== undefined ? "Enter " + (!several() ? "labels it " + desk.classes[best].name : item() && givenTo(item()).includes(desk.classes[best].name) ? "takes “" + desk.classes[best].name + "” off it" : "gives it “" + desk.classes[best].name + "”") + "." : "Enter adds the class “" + typed + "”.";
  else if (!desk.classes.length) box.textContent = "There is no class yet: type the first one's name and press Enter.";
  else if (!desk.project.classifies) box.textContent = "You need not label: a pair counts as a match until you say it does not. A caption can be corrected on the left.";
  else box.textContent = desk.for_me && desk.learnt < ENOUGH ? "Label ten yourself, or let the sample do it: few-shot changes with every label." : "";
};

/* acts */
const flash = (k) => {
  const button = $('.lb-classes [data-k="' + k + '"]');
  if (button) { button.classList.add("hit"); setTimeout(() => button.classList.remove("hit"), 180); }
};
const label = (k) => { if (several()) toggle(k); else if (desk.classes[k]) give(desk.classes[k].name, k); };
const give = inTurn((name, k) => {
  const it = item();
  if (!it) return;
  const before = it.label, unjudge = judgeSuggestions(it, name), mark = remember(it.id, () => { relabel(it, before); unjudge(); }, () => relabel(it, name));
  if (it.shown === undefined) it.shown = it.unseen ? null : before; // what this person has seen of others' labels for it
  relabel(it, name); flash(k); tell("Saving…");
  post({ act: "label", item: it.id, label: name, saw: it.shown }, (answer) => {
    if (!answer.ok) refused(answer, mark);
    else if (answer.conflict) conflicting(it, name, answer.conflict, mark);
    else tell("Saved " + it.name + " as " + name);
  });
  at++; show();
});
const conflicting = (it, name, { has, by, disputes: waiting }, mark) => {
  desk.disputes = waiting; it.shown = has;
  if (!it.unseen) { relabel(it, has); mark.back = mark.again = () => relabel(it, has); rail(); }
  const whose = it.unseen ? "others say" : (by || "somebody else") + " meanwhile said";
  tell("Saved " + it.name + " as " + name + ". It stays " + has + ", as " + whose + ", until somebody settles it.");
  toast("You say that " + it.name + " is " + name + ", and " + whose + " " + has + ". Both are kept, until somebody settles it.", linkTo("/agreement", "Settle it", false));
};
const skip = inTurn(() => {
  const it = item();
  if (!it) return;
  const mark = remember(it.id, () => {}, () => {});
  post({ act: "skip", item: it.id }, (answer) => (answer.ok ? tell("Skipped " + it.name) : refused(answer, mark)));
  at++; show();
});
const move = inTurn((by) => { if (at + by >= 0 && at + by <= desk.items.length) { at += by; show(); } });
const leaveCaption = () => element.querySelectorAll(".lb-caption textarea, .lb-note input").forEach((field) => field.blur());
const saveCaption = () => {
  const field = $(".lb-caption textarea"), it = item(), text = field.value.trim();
  if (!it || text === it.text) return;
  if (!text) { field.value = it.text; tell("A caption cannot be empty.", true); return; }
  const before = it.text, mark = remember(it.id, () => { it.text = before; }, () => { it.text = text; });
  it.text = text; tell("Saving…");
  post({ act: "caption", item: it.id, text, saw: before }, (answer) => {
    if (!answer.ok) { refused(answer, mark); return; }
    if (!answer.overtaken) { tell("Saved the caption of " + it.name); return; }
    forget(mark); it.text = answer.items[0].text;
    if (item() === it) field.value = text; // saved once more, it goes in the place of what stands there now
    tell(answer.overtaken, true);
  });
};
const enter = () => {
  const { typed, best } = found();
  if (!typed) { if (several()) goOn(); return; }
  if (best === undefined) { addClass(); return; }
  $(".lb-new input").value = ""; classButtons(); label(best);
  if (!several()) $(".lb-box").focus(); // else the next class may be typed
};
const addClass = async () => {
  const field = $(".lb-new input"), { typed } = found(), it = item();
  if (!typed) return;
  const answer = await ask("add_class", { project: desk.project.id, name: typed });
  if (!answer.ok) { tell(said(answer), true); return; }
  desk.classes.push(answer.added); field.value = ""; classButtons(); show();
  tell("Added the class " + answer.added.name);
  if (!several()) $(".lb-box").focus();
  else if (item() === it) toggle(desk.classes.length - 1);
};

/* coming and going */
const refill = async () => {
  if (refilling) return;
  refilling = true;
  const mine = generation, cut = cuts, answer = await ask("more", { project: desk.project.id, show: desk.show, after: desk.after, search: desk.search });
  refilling = false;
  if (!answer.ok || mine !== generation || cut !== cuts) return; // what comes after another queue is asked for anew
  const there = new Set(desk.items.map((it) => it.id)), fresh = answer.items.filter((it) => !there.has(it.id));
  desk.items.push(...fresh); desk.after = answer.after; desk.show = answer.show;
  if (at >= desk.items.length - fresh.length) show();
};
const open = async (which, search = desk ? desk.search : "", was = null) => {
  await chain;
  const mine = ++generation, answer = await ask("open_desk", { show: which, search, was, browser, project: desk && desk.project.id });
  if (mine !== generation) return; // something else was asked for meanwhile
  const root = $(".lb");
  if (!answer.ok) { root.replaceChildren(emptyState("The items cannot be shown.", said(answer))); return; }
  if (!answer.project) { root.replaceChildren(noProject()); return; }
  if (!answer.all) { root.replaceChildren(emptyState("There is nothing to label yet.", "Import a folder, an archive or a table first.", linkTo("/data", "Go to Data"))); return; }
  generation++; // also for who began to ask while this answer was on its way
  desk = answer; desk.search = search; answered = null; desk.suggests = answer.project.classifies; desk.pictures = answer.project.modalities.includes("image"); at = 0; past.length = ahead.length = 0; pictures.clear(); small.clear();
  if (told === null) told = counts(); else rest();
  chosenAt = null; frame(root); classButtons(); show(); twoSeats();
  if (desk.chosen === "search" && !search) { const field = $(".lb-search"); if (field) field.focus(); }
  else if (!desk.classes.length) { const field = $(".lb-new input"); if (field) field.focus(); }
};
const frame = (root) => {
  const both = desk.project.modalities.length > 1;
  const which = el("select", { class: "st-field", "aria-label": "Which items", onchange: (e) => open(e.target.value, "") },
    ...[["unlabelled", "Unlabelled"], ["all", "All items"], ["search", "Search"]].map(([value, words]) => el("option", { value, selected: value === desk.chosen }, words)));
  const field = el("input", { class: "st-field", placeholder: "Find or add a class", "aria-label": "Find or add a class: Enter " + (several() ? "gives the marked one or takes it off" : "labels with the marked one") + ", or adds it where none is found", maxlength: 200, enterkeyhint: "done", autocomplete: "off" });
  field.addEventListener("input", classButtons);
  field.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.isComposing) { e.preventDefault(); enter(); }
    if (e.key === "Escape") { field.value = ""; classButtons(); $(".lb-box").focus(); }
  });
  const text = el("textarea", { class: "st-field", rows: 2, "aria-label": "Caption: Enter saves", maxlength: 10000 });
  text.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); $(".lb-box").focus(); }
    if (e.key === "Escape") { text.value = item() ? item().text : ""; $(".lb-box").focus(); }
  });
  text.addEventListener("blur", saveCaption);
  const link = (act, words) => el("button", { type: "button", class: "lb-quiet", "data-act": act }, words);
  const button = (act, key, words) => el("button", { type: "button", "data-act": act }, el("kbd", {}, key), words);
  root.classList.toggle("lb-several", several());
  if (several()) root.setAttribute("aria-label", "Labelling: press a number to choose a class or take it off, Enter for the next item, space to skip, backspace to undo, arrows to move");
  root.replaceChildren(
    el("div", { class: "lb-stage" },
      el("div", { class: "lb-top" }, el("strong", { class: "lb-name" }), el("span", { class: "lb-at" }), link("note", "Note"), link("history", "History"), whoButton()),
      el("div", { class: "lb-box", tabindex: 0, role: "group", "aria-label": "Item to label" }),
      both ? el("label", { class: "lb-caption" }, el("span", { class: "st-note" }, "Caption (Enter saves, Esc leaves it as it was)"), text) : null,
      noteField(),
      el("div", { class: "lb-strip", "aria-hidden": "true" })),
    el("aside", { class: "lb-rail" },
      el("div", { class: "lb-choices" }, which, desk.chosen === "search" ? searchField() : orderChoice()),
      el("p", { class: "lb-groups" }, desk.project.classifies ? el("a", { href: "/groups", title: "What looks alike in a row, a row a key" }, "Label in groups →") : null, el("a", { class: "lb-disputes", href: "/agreement", title: "Who labels, and how far they agree" }), desk.project.classifies ? link("guide", "Guidelines") : null),
      el("p", { class: "lb-order-note st-note", "aria-live": "polite" }),
      desk.suggests ? el("section", { class: "lb-suggest", "aria-live": "off", "aria-label": "What the model says" }, el("p", { class: "st-note" }, "Asking the model…")) : null,
      el("div", { class: "lb-progress" }, el("div", { class: "lb-bar", role: "progressbar", "aria-label": "Labelled", "aria-valuemin": 0, "aria-valuemax": 100 }, el("i")), el("p", {}, el("span", { class: "lb-done st-note" }), el("a", { class: "lb-go", href: "/train", hidden: true }, "Go on to Train"))),
      el("div", { class: "lb-classes", role: "group", "aria-label": "Classes" }),
      several() ? el("button", { type: "button", class: "lb-on", "data-act": "accept" }, el("kbd", {}), el("span", {})) : null,
      el("p", { class: "lb-hint st-note" }),
      desk.fixed ? null : el("div", { class: "lb-new" }, field),
      desk.for_me ? el("button", { type: "button", class: "lb-for-me", "data-act": "forMe" }, "Label " + FOR_ME + " per class for me") : null,
      el("div", { class: "lb-acts" }, button("undo", "⌫", "Undo"), button("redo", "⌃⇧Z", "Redo"), button("skip", "␣", "Skip"), button("back", "←", "Back"), button("next", "→", "Next"), button("legend", "?", "Keys")),
      el("p", { class: "lb-live", "aria-live": "polite" })),
    el("div", { class: "lb-toast", role: "group", "aria-label": "What was just done" }));
};
const acts = { skip, undo, redo, legend, forMe, none: () => { if (several()) { if (desk.classes.length) sayNone(); } else if (desk.project.classifies && desk.classes.length) give(NONE); }, note: writeNote, history: showHistory, guide: guidelines, accept: () => (several() ? goOn() : acceptSuggestion()), add: addClass, back: () => move(-1), next: () => move(1) };
element.addEventListener("click", (e) => {
  const button = e.target.closest("button"), cell = e.target.closest(".lb-strip img");
  if (!desk) return;
  if (cell) { at = Math.max(0, placeOf(+cell.dataset.item)); show(); return; }
  if (!button) return;
  if (button.dataset.k !== undefined) label(+button.dataset.k);
  else if (button.dataset.act) acts[button.dataset.act]();
  else return;
  // after a mouse click the keys should go on meaning items, not this button
  if (e.detail > 0) $(".lb-box").focus({ preventScroll: true });
});
document.addEventListener("keydown", onKey);
addEventListener("storage", (e) => { if (e.key === AUTHOR && desk) open(desk.chosen); }); // another tab goes by another name
addEventListener("beforeunload", (e) => { if (pending) e.preventDefault(); });
open("unlabelled");
