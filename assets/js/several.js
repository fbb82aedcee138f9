// On the Label page where an item may be of several classes: a class's key chooses it or takes it off, which is saved at once, and
// Enter goes on. Each act says the whole set, so that whatever became of the one before, the last is what the item has.
const several = () => desk.project.several;
const givenTo = (it) => (several() ? classesOf(it.label) : it.label ? [it.label] : []);
const inOrder = (names) => {
  const place = new Map(desk.classes.map((c, k) => [c.name, k]));
  return [...names].sort((a, b) => (place.get(a) ?? desk.classes.length) - (place.get(b) ?? desk.classes.length)).join(BETWEEN) || null;
};
const toggle = inTurn((k) => {
  const it = item(), c = desk.classes[k];
  if (!it || !c) return;
  const had = classesOf(it.label);
  say(it, inOrder(had.includes(c.name) ? had.filter((name) => name !== c.name) : [...had, c.name])).stays = true;
  flash(k); rail(); afterwards();
});
// with nothing chosen, what the model says is taken; whatever it is, the next item comes
const goOn = inTurn(() => {
  const it = item(), taken = it && !it.label ? suggested() : null;
  if (!it) return;
  if (taken) say(it, taken);
  at++; show();
});
const sayNone = inTurn(() => {
  const it = item();
  if (!it) return;
  say(it, NONE); at++; show();
});
const say = (it, now) => {
  const before = it.label, turned = (label) => () => { it.turns++; it.saved = label; relabel(it, label); judgeSet(it); };
  it.turns = (it.turns || 0) + 1;
  if (it.saved === undefined) it.saved = before;
  if (it.shown === undefined) it.shown = it.unseen ? null : before; // what this person has seen of others' labels for it
  const mark = remember(it.id, turned(before), turned(now)), turn = it.turns;
  hear(it); relabel(it, now); judgeSet(it); tell("Saving…");
  post({ act: "label", item: it.id, ...(now === NONE ? { label: NONE } : { labels: classesOf(now) }), saw: it.shown }, (answer) => {
    if (!answer.ok) { forget(mark); if (it.turns === turn) relabel(it, it.saved); show(); tell("Not saved. " + said(answer), true); return; }
    if (it.turns === turn) it.saved = now;
    if (answer.conflict) apart(it, now, answer.conflict);
    else tell("Saved " + it.name + (now ? " as " + listed(desk.project, now) : " without a label"));
  });
  return mark;
};
// somebody else has labelled it meanwhile: the item is counted as theirs, and this person goes on saying what they say
const apart = (it, now, { has, by, disputes: waiting }) => {
  desk.disputes = waiting;
  const whose = it.unseen ? "others say" : (by || "somebody else") + " meanwhile said", mine = it.label;
  if (!it.unseen) { relabel(it, has); it.unseen = true; it.label = mine; rail(); }
  tell("Saved " + it.name + (now ? " as " + listed(desk.project, now) : " without a label") + ". It stays " + listed(desk.project, has) + ", as " + whose + ", until somebody settles it.");
  $(".lb-live").append(" ", el("a", { href: "/agreement" }, "Agreement"));
};
// while classes are still being chosen, only what the model left out is against it
const contradicts = (label, said) => (several() && label !== NONE ? classesOf(label).some((name) => !classesOf(said).includes(name)) : label !== said);
// what the model said before the first class was chosen is held against the whole set, as it grows
const hear = (it) => { if (!it.label && !it.heard && answered && answered.item === it.id) it.heard = answered.answers; };
const judgeSet = (it) => {
  const k = agreed.findIndex((one) => one.of === it.id);
  if (k >= 0) agreed.splice(k, 1);
  if (it.heard && it.label) agreed.push(Object.assign(it.heard.map((a) => (a.label === null ? null : a.label === it.label)), { of: it.id }));
};
const onButton = () => {
  const it = item(), taken = it && !it.label ? suggested() : null, button = $(".lb-on");
  if (!button) return;
  button.hidden = !it;
  button.querySelector("span").textContent = taken ? "Take " + listed(desk.project, taken) : "Next item";
  button.title = taken ? listed(desk.project, taken) : "";
  const key = button.querySelector("kbd");
  key.textContent = keyOfAct.accept ? shownKey(keyOfAct.accept) : "–";
};
