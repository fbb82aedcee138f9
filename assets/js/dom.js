// Shared by the widgets: nodes from plain text (never from HTML), pictures' addresses, questions to the server.
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
const media = (project, sha, size) => "/studio/media/" + encodeURIComponent(project) + "/" + sha + "/" + size;
const number = (n) => Number(n || 0).toLocaleString("en");
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const plural = (n, word) => number(n) + " " + word + (n === 1 ? "" : "s");

// who sits at this browser, once they have said so; what the server calls an item of no class
const AUTHOR = "studio.author", NONE = "none of these";
// what stands between the classes of an item that may be of several, and what people read there instead
const BETWEEN = " | ";
const classesOf = (label) => (!label || label === NONE ? [] : label.split(BETWEEN));
const listed = (project, label) => (project.several ? classesOf(label).join(", ") || label : label);
const me = () => { try { return localStorage.getItem(AUTHOR) || null; } catch (barred) { return null; } };
// tells two browsers apart that go by one name
const browser = (() => {
  const fresh = Math.random().toString(36).slice(2) + Date.now().toString(36);
  try { if (!localStorage.getItem("studio.browser")) localStorage.setItem("studio.browser", fresh); return localStorage.getItem("studio.browser"); } catch (barred) { return fresh; }
})();

// server.fn() resolves to undefined on any failure, so every answer carries `ok`
const ask = async (name, payload = {}, tries = 3) => {
  for (let k = 0; k < tries; k++) {
    let answer;
    try { answer = await server[name]({ author: me(), ...payload }); } catch (failure) { answer = undefined; }
    if (answer && typeof answer.ok === "boolean") return answer;
    await sleep(400 * (k + 1));
  }
  return { ok: false, error: "The server does not answer.", hint: "Is Studio still running? Reload the page." };
};
const said = (answer) => [answer.error, answer.hint].filter(Boolean).join(" ");
// a line that says what became of an act; it stays while the page's parts are drawn anew, so that it is read out
const speaker = (root) => {
  const line = el("p", { class: "st-note st-live", role: "status" });
  root.before(line);
  return (words, bad = false) => { line.textContent = words; line.classList.toggle("st-bad", bad); };
};
const emptyState = (title, note, ...buttons) =>
  el("div", { class: "st-empty" }, el("h2", {}, title), el("p", {}, note), el("p", { class: "st-actions" }, ...buttons));
const linkTo = (href, words, primary = true) => el("a", { class: "st-button" + (primary ? " primary" : ""), href }, words);
// the words of `no_project` in shell.py
const noProject = () => emptyState("No project is open.", "Try a sample, open a project of yours, or create a new one.", linkTo("/", "Go to the projects"));
// where another project was opened meanwhile, or the server failed
const reloadLink = () => linkTo(location.pathname + location.search, "Reload");
const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.max(0, Math.round(seconds));
  return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0") + " s" : Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
};

// one running or ended activity, as the server's `activity` tells it
const drawActivity = (box, activity) => {
  box.replaceChildren();
  box.className = "st-activity" + (activity && activity.state === "failed" ? " failed" : "");
  if (!activity || activity.state === "done") return;
  if (activity.state === "failed") {
    box.append(el("p", { role: "alert" }, el("b", {}, activity.title + " failed. "), [activity.error, activity.hint].filter(Boolean).join(" ")));
    return;
  }
  const known = activity.total > 0, share = known ? Math.min(100, Math.round((100 * activity.done) / activity.total)) : 0;
  const bar = el("div", { class: "st-bar" + (known ? "" : " unknown"), role: "progressbar", "aria-label": activity.title,
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": known ? share : null }, el("i", known ? { style: "width:" + share + "%" } : {}));
  const eta = duration(activity.eta_s);
  const parts = [activity.what, known ? number(activity.done) + " of " + number(activity.total) : "", eta ? eta + " left" : ""];
  box.append(el("p", {}, el("b", {}, activity.title), known ? " · " + share + " %" : ""), bar, el("p", { class: "st-note" }, parts.filter(Boolean).join(" · ")));
};
