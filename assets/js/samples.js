// The start page's samples: a card each; a click makes a copy and goes on to it.
const root = element.querySelector(".sm");
const cover = (s) => s.cover ? el("img", { class: "sm-cover", src: s.cover, alt: "" })
  : el("span", { class: "sm-cover sm-quotes", "aria-hidden": "true" }, ...s.quotes.map((q) => el("span", { class: "sm-quote" }, el("span", {}, "“" + q + "”"))));
const card = (s) =>
  el("li", {}, el("button", { type: "button", class: "st-card sm-card", "data-name": s.name, disabled: Boolean(s.problem), onclick: (e) => openIt(e.currentTarget, s) },
    cover(s),
    el("strong", { class: "sm-name" }, s.title),
    s.problem ? el("span", { class: "st-bad" }, s.problem) : el("span", {}, s.description),
    s.problem ? null : el("span", { class: "sm-foot" }, el("span", { class: "st-note" }, plural(s.items, "item") + " · " + s.task_title), el("b", {}, "Open a copy"))));
const openIt = async (button, s) => {
  const buttons = [...root.querySelectorAll(".sm-card")], words = button.querySelector(".sm-foot b");
  buttons.forEach((b) => { b.disabled = true; });
  words.textContent = "Opening…";
  // once: asked again it would make a second copy
  const answer = await ask("open_sample", { name: s.name }, 1);
  if (answer.ok) { location.href = answer.href; return; }
  buttons.forEach((b) => { b.disabled = false; });
  words.textContent = "Open a copy";
  root.querySelector("[role=alert]").textContent = said(answer);
};
const load = async () => {
  const answer = await ask("samples");
  if (!answer.ok) { root.replaceChildren(emptyState("The samples cannot be shown.", said(answer))); return; }
  const cards = answer.samples.length ? el("ul", { class: "sm-list" }, ...answer.samples.map(card))
    : emptyState("No sample came with this installation.", "Create a project of your own, and import a folder or a table.");
  root.replaceChildren(el("h2", { id: "sm-title" }, "Try a sample", el("small", {}, "It opens as a copy that you can change.")), el("p", { role: "alert", class: "st-bad" }), cards);
};
load();
