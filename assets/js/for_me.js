// On the Label page: what has to be seen whatever is pressed next; and, in a sample's copy, labels that the sample knows, given by
// one click, which for Undo are one act.
const FOR_ME = 8, TOAST_S = 20;
const hush = () => element.querySelectorAll(".lb-toast .passing").forEach((shown) => shown.remove()); // what the next act makes untrue
const toast = (words, way, passing = false) => {
  const shown = el("div", { class: passing ? "passing" : null }, el("span", {}, words), way, el("button", { type: "button", class: "st-button lb-shut", "aria-label": "Close", onclick: () => shown.remove() }, "×"));
  $(".lb-toast").replaceChildren(shown);
  setTimeout(() => shown.remove(), 1000 * TOAST_S);
};
// waits for what is on its way, then draws the desk anew: many items change at once
const forMe = async () => {
  if (locked) return;
  locked = true; tell("Labelling…"); hush();
  await chain;
  const answer = await ask("label_for_me", { project: desk.project.id, per_class: FOR_ME }, 1);
  if (answer.ok) await open(desk.chosen);
  waiting.length = 0; unlock(); // what was pressed meanwhile meant items that are elsewhere now
  if (!answer.ok) { tell(said(answer), true); return; }
  const words = "Labelled " + plural(answer.labelled, "training item") + " for you, with what the sample knows.";
  tell(words); toast(words, el("button", { type: "button", class: "st-button", onclick: () => undo() }, "Undo"), true);
};
