// On the Label page: what zero-shot and few-shot say of the shown item, asked anew after each label, never in a key's way.
let asking = false, answered = null; // `answered`: the item's id and what was said of it
const agreed = []; // of each label given after the answers were seen: which of them it agreed with
const suggestBox = () => $(".lb-suggest");
// one question at a time: who labels faster than the answers come is asked about the newest item alone
const suggest = async () => {
  if (asking || !suggestBox()) return;
  asking = true;
  for (let asked = null; item() && desk.suggests; ) {
    const it = item(), state = it.id + "/" + desk.labelled;
    if (state === asked) break;
    asked = state;
    const slow = setTimeout(() => { if (!answered) suggestBox().classList.add("busy"); }, 400);
    await chain; // what was just labelled counts
    const answer = await ask("suggest", { project: desk.project.id, item: it.id }, 1);
    clearTimeout(slow);
    suggestBox().classList.remove("busy");
    chooseFirst();
    if (!answer.ok) { answered = null; drawWhy(said(answer)); break; }
    if (!answer.model) { desk.suggests = false; drawWhy(answer.why + " ", el("a", { href: "/models" }, "Go to Models")); break; }
    answered = item() === it ? { item: it.id, answers: answer.answers } : null;
    if (answered) drawAnswers(answer.answers, it.label);
  }
  asking = false;
};
const drawWhy = (...words) => suggestBox().replaceChildren(el("p", { class: "st-note" }, ...words));
const drawAnswers = (answers, label) => {
  const rows = answers.map((a, k) => {
    const share = Math.round(100 * (a.probability || 0)), words = a.label === null ? a.why_not : a.label;
    const kind = a.label === null ? " without" : label && label !== a.label ? " wrong" : "";
    return el("div", { class: "lb-said" + kind, title: a.note },
      el("span", { class: "m" }, a.title), el("b", {}, words), el("span", { class: "p" }, a.label === null ? "" : share + " %"),
      el("i", { style: "width:" + share + "%" }), el("small", {}, tallied(k)));
  });
  suggestBox().replaceChildren(el("h3", {}, "What the model says", el("small", {}, label ? "it has learnt from this one" : "before you do")), ...rows);
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
// Enter takes the answer of the method that has learnt most
const acceptSuggestion = () => {
  const of = answered && item() && answered.item === item().id ? answered.answers.filter((a) => a.label !== null) : [];
  if (of.length) label(desk.classes.findIndex((c) => c.name === of[of.length - 1].label));
};
