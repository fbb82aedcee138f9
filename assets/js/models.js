// The Models page: what is offered, what is loaded, what this project uses; loading goes on without this page.
const root = element.querySelector(".md");
let state = null, page = null, following = false, busy = false, words = "";

const action = (act, model, label, primary = false, disabled = false) =>
  el("button", { type: "button", class: "st-button" + (primary ? " primary" : ""), disabled: disabled || busy, onclick: () => doIt(act, model) }, label);
const megabytes = (mb) => (mb >= 1000 ? (mb / 1000).toFixed(1) + " GB" : mb ? mb + " MB" : "");
const buttons = (m) => {
  const running = state.activity && state.activity.state === "running";
  const list = [];
  if (state.offline && !m.local && !m.loaded) return [el("span", { class: "st-note" }, "Needs the network: Studio was started offline.")];
  if (state.project && !m.used) list.push(action("use", m.id, m.loaded ? "Use in this project" : "Load and use", true, running));
  if (!m.loaded) list.push(action("load", m.id, state.project && !m.used ? "Load only" : "Load", Boolean(m.used) || !state.project, running));
  else list.push(action("unload", m.id, "Unload"));
  return list;
};
const card = (m) => el("li", { class: "st-card md-card" + (m.used ? " used" : "") },
  el("div", { class: "md-head" }, el("h3", {}, m.title),
    m.used ? el("span", { class: "st-badge on" }, "used in this project") : null,
    m.loaded ? el("span", { class: "st-badge on" }, "loaded") : null,
    m.local ? el("span", { class: "st-badge" }, "on this computer") : el("span", { class: "st-badge" }, "download")),
  el("p", {}, m.good_for),
  el("p", { class: "st-note" }, [m.modalities.join(" + "), megabytes(m.download_mb), m.licence].filter(Boolean).join(" · ")),
  m.detail ? el("p", { class: "st-note" }, m.detail) : null,
  el("code", {}, m.id),
  el("div", { class: "md-acts" }, ...buttons(m)));
const own = () => {
  const field = el("input", { class: "st-field", "aria-label": "Model id", placeholder: "open_clip:NAME/TAG", maxlength: 1000, spellcheck: "false", autocapitalize: "off" });
  const go = (act) => { if (field.value.trim()) doIt(act, field.value.trim()); };
  field.addEventListener("keydown", (e) => { if (e.key === "Enter") go(state.project ? "use" : "load"); });
  return el("section", { class: "st-card md-own" }, el("h3", {}, "Another model"),
    el("div", { class: "md-row" }, field, el("button", { type: "button", class: "st-button primary", onclick: () => go(state.project ? "use" : "load") }, state.project ? "Load and use" : "Load")),
    el("p", { class: "st-note" }, state.forms));
};
const draw = () => {
  const typed = root.querySelector(".md-own input"), value = typed ? typed.value : "", focused = typed && document.activeElement === typed;
  const box = el("div", { class: "st-activity", "aria-live": "polite" });
  drawActivity(box, state.activity);
  const loaded = state.models.filter((m) => m.loaded).length;
  root.replaceChildren(...[
    el("p", { class: "st-note", role: "status" }, words || (state.offline ? "Offline: only models on this computer can be loaded. " : "") + (loaded ? plural(loaded, "model") + " loaded." : "No model is loaded.")),
    state.advice ? el("p", { class: "md-advice" }, state.advice) : null,
    box, el("ul", { class: "md-list" }, ...state.models.map(card)), own()].filter(Boolean));
  const field = root.querySelector(".md-own input");
  field.value = value; if (focused) field.focus();
};
const refresh = async () => {
  const got = await ask("shelf", { project: page });
  if (!got.ok) { root.replaceChildren(emptyState("The models cannot be shown.", said(got), reloadLink())); return false; }
  // what this page's header shows; the project that is open may be another one by now
  if (!state) page = got.project && got.project.id;
  state = got; draw();
  return Boolean(got.activity && got.activity.state === "running");
};
const follow = async () => {
  if (following) return;
  following = true;
  let seen = false;
  while (element.isConnected && (await refresh())) { seen = true; await sleep(document.hidden ? 3000 : 700); }
  following = false;
  if (seen) trigger("finish");
};
const doIt = async (act, model) => {
  busy = true; words = ""; draw();
  const answer = await ask("shelf_act", { act, model, project: page }, 1);
  busy = false;
  words = answer.ok ? answer.words : said(answer);
  await follow();
  const status = root.querySelector("[role=status]");
  if (status) status.classList.toggle("st-bad", !answer.ok);
  if (answer.ok) trigger("finish");
};
follow();
