// On the Label page of a sample's copy: labels that the sample knows, given by one click; for Undo they are one act.
const FOR_ME = 8, TOAST_S = 20;
const hush = () => $(".lb-toast").replaceChildren();
const toast = (words) => {
  const box = $(".lb-toast");
  const shown = el("div", {}, el("span", {}, words), el("button", { type: "button", class: "st-button", onclick: () => undo() }, "Undo"),
    el("button", { type: "button", class: "st-button lb-shut", "aria-label": "Close", onclick: hush }, "×"));
  box.replaceChildren(shown);
  setTimeout(() => { if (box.contains(shown)) hush(); }, 1000 * TOAST_S);
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
  tell(words); toast(words);
};
