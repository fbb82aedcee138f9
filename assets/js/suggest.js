// On the Label page: what zero-shot and few-shot say of the shown item, asked anew after each label, never in a key's way.
let asking = false, answered = null, quiet = 0; // `answered`: the item's id and what was said of it
const agreed = []; // of each label given after the answers were seen: which of them it agreed with
const suggestBox = () => $(".lb-suggest");
const question = () => (item() && desk.suggests ? item().id + "/" + desk.labelled : null);
// few-shot learns anew from each label, on every core: whoever labels fast is asked about only where the keys come to rest
const QUIET_MS = 250;
const suggest = () => {
  clearTimeout(quiet);
  if (suggestBox()) quiet = setTimeout(askModel, answered ? QUIET_MS : 0);
};
// one question at a time
const askModel = async () => {
  if (asking || !question()) return;
  asking = true;
  const it = item(), asked = question();
  const slow = setTimeout(() => { if (!answered) suggestBox().classList.add("busy"); }, 400);
  await chain; // what was just labelled counts
  const answer = await ask("suggest", { project: desk.project.id, item: it.id, unseen: !!it.unseen }, 1);
  clearTimeout(slow);
  asking = false;
  suggestBox().classList.remove("busy");
  chooseFirst();
  if (!answer.ok) { answered = null; drawWhy(said(answer)); return; }
  if (!answer.model) { desk.suggests = false; drawWhy(answer.why + " ", el("a", { href: "/models" }, "Go to Models")); return; }
  if (item() === it) drawAnswers((answered = { item: it.id, answers: answer.answers }).answers, it.label);
  if (question() !== asked) suggest();
};
const drawWhy = (...words) => suggestBox().replaceChildren(el("p", { class: "st-note" }, ...words));
const drawAnswers = (answers, label) => {
  const rows = answers.map((a, k) => {
    const share = Math.round(100 * (a.probability || 0)), words = a.label === null ? a.why_not : listed(desk.project, a.label);
    const kind = a.label === null ? " without" : label && contradicts(label, a.label) ? " wrong" : "";
    return el("div", { class: "lb-said" + kind, title: a.note },
      el("span", { class: "m" }, a.title), el("b", {}, words), el("span", { class: "p" }, a.label === null ? "" : share + " %"),
      el("i", { style: "width:" + share + "%" }), el("small", {}, tallied(k)));
  });
  suggestBox().replaceChildren(el("h3", {}, "What the model says", el("small", {}, label ? "it has learnt from this one" : "before you do")), ...rows);
  onButton();
};
const tallied = (k) => {
  const known = agreed.filter((one) => one[k] !== null);
  return known.length ? "right " + known.filter((one) => one[k]).length + " of " + known.length + " times" : "";
};
// called with a label that a person gives: whether what was shown before it was right; the result takes that back
const judgeSuggestions = (it, name) => {
  if (!answered || answered.item !== it.id || it.label) return () => {};
  const one = answered.answers.map((a) => (a.label === null ? null : a.label === name));
  agreed.push(one);
  return () => { const k = agreed.indexOf(one); if (k >= 0) agreed.splice(k, 1); };
};
// where an item may be of several classes, Enter is what goes on: it does not take on the way what is more likely wrong than right
const SURE = 0.5;
const suggested = () => {
  const of = answered && item() && answered.item === item().id ? answered.answers.filter((a) => a.label !== null) : [];
  const last = of[of.length - 1];
  return last && (!several() || last.probability >= SURE) ? last.label : null;
};
// Enter takes the answer of the method that has learnt most
const acceptSuggestion = () => {
  const taken = suggested();
  if (taken !== null) label(desk.classes.findIndex((c) => c.name === taken));
};
