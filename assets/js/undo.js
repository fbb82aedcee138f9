// On the Label page: what was done and can be taken back or done again. What this page did changes on screen at once; what
// only the server knows (of an earlier visit, of many items) is waited for, and what is pressed meanwhile comes after it.
const past = [], ahead = [], waiting = [];
let locked = false;
const inTurn = (act) => (...values) => { if (locked) waiting.push(() => act(...values)); else act(...values); };
const unlock = () => { locked = false; while (waiting.length && !locked) waiting.shift()(); };
const forget = (mark) => [past, ahead].forEach((marks) => { const k = marks.indexOf(mark); if (k >= 0) marks.splice(k, 1); });
// `back` and `again` change what the screen shows of the item
const remember = (item, back, again) => { const mark = { item, back, again }; past.push(mark); ahead.length = 0; hush(); return mark; };
const refused = (answer, mark) => { mark.back(); forget(mark); show(); tell("Not saved. " + said(answer), true); };
const placeOf = (id) => desk.items.findIndex((it) => it.id === id);

const undo = inTurn(() => {
  hush();
  const mark = past.pop(), k = mark ? placeOf(mark.item) : -1;
  if (k < 0) { elsewhere("undo"); return; }
  mark.back(); ahead.push(mark); at = k; leaveCaption(); show(); tell("Undoing…");
  post({ act: "undo" }, (answer) => settled(answer, mark, "Undone: "));
});
const redo = inTurn(() => {
  hush();
  const mark = ahead.pop(), k = mark ? placeOf(mark.item) : -1;
  if (k < 0) { elsewhere("redo"); return; }
  mark.again(); past.push(mark); at = k + (mark.stays ? 0 : 1); leaveCaption(); show(); tell("Doing it again…");
  post({ act: "redo" }, (answer) => settled(answer, mark, "Done again: "));
});
const elsewhere = (name) => {
  locked = true; tell(name === "undo" ? "Undoing…" : "Doing it again…");
  post({ act: name }, async (answer) => { await restored(answer, name === "undo"); unlock(); });
};
const settled = (answer, mark, words) => {
  const undoing = words.startsWith("Undone");
  if (answer.ok && !answer.overtaken && answer.items.length === 1 && answer.items[0].id === mark.item) { agree(answer.items[0]); counted(answer); tell(words + answer.items[0].name); return; }
  if (answer.ok) { if (undoing) mark.again(); else mark.back(); forget(mark); } // it was not this that changed
  restored(answer, undoing);
};
// somebody else has said something since: what the item has now is what this page shows, unless it is not to be seen here
const overtaken = (answer) => {
  const [now] = answer.items, k = placeOf(now.id), it = desk.items[k];
  if (it && !it.unseen) { relabel(it, now.label); Object.assign(it, now, { shown: now.label, saved: undefined }); }
  if (it) at = k;
  leaveCaption(); counted(answer); show(); tell(answer.overtaken, true);
};
// what the server has counts, once nothing is on its way that changes it
const agree = (now) => { const it = desk.items[placeOf(now.id)]; if (it && !pending && it.label !== now.label) relabel(it, now.label); };
const counted = (answer) => {
  if (pending) return; // what is still on its way is counted here already
  desk.labelled = answer.labelled; desk.learnt = answer.learnt; desk.classes = answer.classes;
  classButtons();
};
const restored = async (answer, undoing) => {
  if (!answer.ok) { await open(desk.chosen); tell(said(answer), true); return; }
  if (answer.overtaken) { overtaken(answer); return; }
  if (!answer.items.length) { show(); tell(undoing ? "There is nothing to undo." : "There is nothing to do again."); return; }
  const words = undoing ? "Undone: " : "Done again: ", [first] = answer.items;
  if (answer.items.length > 1) { await open(desk.chosen); tell(words + plural(answer.changed, "label")); return; }
  const k = placeOf(first.id);
  if (k >= 0) Object.assign(desk.items[k], first, { shown: undefined, saved: undefined }); else desk.items.splice(at, 0, first);
  at = (k >= 0 ? k : at) + (undoing || several() ? 0 : 1);
  leaveCaption(); counted(answer); show(); tell(words + first.name);
};
