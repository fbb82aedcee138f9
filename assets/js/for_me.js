// On the Label page of a sample's copy: labels that the sample knows, given by one click and taken back as one act.
const FOR_ME = 8, TOAST_S = 20;
let working = false;
const toast = (words, undo) => {
  const box = $(".lb-toast");
  const shut = () => { if (box.contains(shown)) box.replaceChildren(); };
  const shown = el("div", {}, el("span", {}, words), el("button", { type: "button", class: "st-button", onclick: () => { shut(); undo(); } }, "Undo"),
    el("button", { type: "button", class: "st-button lb-shut", "aria-label": "Close", onclick: shut }, "×"));
  box.replaceChildren(shown);
  setTimeout(shut, 1000 * TOAST_S);
};
// waits for what is on its way, then draws the desk anew: many items change at once
const atOnce = async (name, told) => {
  if (working || locked) return;
  working = true; locked = true; tell("Labelling…");
  await chain;
  const answer = await ask(name, { project: desk.project.id, per_class: FOR_ME }, 1);
  if (answer.ok) await open(desk.chosen);
  working = false; waiting.length = 0; unlock(); // what was pressed meanwhile meant items that are elsewhere now
  if (answer.ok) told(answer); else tell(said(answer), true);
};
const forMe = () => atOnce("label_for_me", (answer) => {
  const words = "Labelled " + plural(answer.labelled, "training item") + " for you, with what the sample knows.";
  past.push({ forMe: true });
  tell(words); toast(words, takeBack);
});
const takeBack = () => atOnce("take_back", (answer) => tell("Took back " + plural(answer.taken, "label") + " that the sample gave."));
