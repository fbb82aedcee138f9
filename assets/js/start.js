// The start page's list of projects.
const root = element.querySelector(".sp");
const card = (p, now) => {
  const cover = p.cover ? el("img", { src: media(p.id, p.cover, 240), alt: "", loading: "lazy", width: 240, height: 180 })
    : p.quote ? el("span", { class: "sp-quote", "aria-hidden": "true" }, el("span", {}, "“" + p.quote + "”"))
    : el("span", { class: "sp-none", "aria-hidden": "true" }, p.name.slice(0, 1).toUpperCase());
  const share = p.items ? Math.round((100 * p.labelled) / p.items) : 0;
  return el("li", { class: "st-card sp-card" + (now ? " now" : "") },
    el("div", { class: "sp-cover" }, cover),
    el("div", { class: "sp-words" },
      el("h3", {}, p.name, now ? el("span", { class: "st-badge on" }, "open") : null),
      el("p", {}, p.task_title),
      el("p", { class: "st-note" }, p.problem ? "" : plural(p.items, "item") + " · " + number(p.labelled) + " labelled" + (p.items ? " (" + share + " %)" : "")),
      p.score ? el("p", { class: "sp-score" }, el("b", {}, (100 * p.score.value).toFixed(1) + " %"), " " + p.score.measure + ", " + p.score.method.toLowerCase()) : null,
      p.problem ? el("p", { class: "st-bad" }, p.problem) : null,
      el("p", { class: "st-note sp-path", title: p.path }, p.path)),
    el("div", { class: "sp-acts" },
      el("button", { type: "button", class: "st-button primary", disabled: Boolean(p.problem), onclick: () => openIt(p) }, now ? "Go on" : "Open"),
      el("button", { type: "button", class: "st-button", title: "Takes it off this list; its folder stays as it is", onclick: () => forget(p) }, "Forget")));
};
const failed = (answer) => { root.querySelector("[role=alert]").textContent = said(answer); };
const openIt = async (p) => {
  const answer = await ask("open_one", { path: p.path }, 1);
  if (answer.ok) location.href = answer.href; else failed(answer);
};
const forget = async (p) => {
  if (!confirm("Take “" + p.name + "” off this list? Its folder stays as it is.")) return;
  const answer = await ask("forget", { path: p.path }, 1);
  if (answer.ok) { load(); trigger("changed"); } else failed(answer);
};
const load = async () => {
  const answer = await ask("projects");
  if (!answer.ok) { root.replaceChildren(emptyState("The projects cannot be shown.", said(answer))); return; }
  const list = answer.projects.length ? el("ul", { class: "sp-list" }, ...answer.projects.map((p) => card(p, p.path === answer.open)))
    : emptyState("No project yet.", "A project holds your items, their labels and every run. Try a sample below, or create your own: name it, choose its task, and import a folder or a table.");
  root.replaceChildren(el("p", { role: "alert", class: "st-bad" }), list);
};
load();
