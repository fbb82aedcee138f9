// The project's search for settings, polled once a second. What is shown is what the server said last.
const EVERY_MS = 1000;
const root = element.querySelector(".lr-search");
const WORDS = { running: "Searching", done: "Search done", stopped: "Search stopped", failed: "Search failed", interrupted: "Search interrupted" };
const EASE = "Its trials stay; Resume goes on with the one that was cut off.";
let project = null, digest = "", asking = false, waiting = null, drawn = "";

/* the frame, made once */
const card = el("section", { class: "st-card lr-status" }), trials = el("div", { class: "lr-trials" });
const fold = el("details", { open: true }, el("summary", {}, "Trials"), trials);
const problem = el("p", { class: "lr-live", role: "alert" });

const tick = async () => {
  if (asking) return;
  asking = true;
  let answer;
  try { answer = await server.look({ digest, project }); } catch (failure) { answer = undefined; }
  asking = false;
  if (!answer || !answer.ok) { if (answer && root.children.length) problem.textContent = said(answer); return; }
  project = project || answer.project;
  if (!answer.search) { root.replaceChildren(); digest = ""; return; }
  if (!root.children.length) root.replaceChildren(card);
  if (waiting && waiting.status !== answer.search.status) { waiting = null; problem.textContent = ""; }
  draw(answer.search);
  if (answer.trials !== undefined) {
    digest = answer.digest;
    trials.innerHTML = answer.trials; // built from escaped parts on the server
    fold.hidden = !answer.trials;
  }
};
const steer = async (what, status) => {
  waiting = { act: what, status };
  drawn = "";
  const answer = await ask("steer", { act: what, project });
  if (!answer.ok) { waiting = null; drawn = ""; problem.textContent = said(answer); }
  tick();
};

/* drawing */
const button = (words, act, kind = "") => el("button", { type: "button", class: "st-button " + kind, "data-act": act, disabled: !!waiting }, waiting && waiting.act === act ? words + "…" : words);
const line = (search) => {
  const trial = search.trial;
  if (search.status !== "running") return search.note ? el("p", { class: "st-note" }, search.note) : search.status === "done" || search.status === "failed" ? null : el("p", { class: "st-note" }, EASE);
  if (search.note || !trial) return el("p", { class: "lr-facts" }, (search.note || "Choosing settings") + "…");
  return el("p", { class: "lr-facts" }, el("span", {}, "At work: ", el("button", { type: "button", class: "lr-link", "data-run": trial.run }, "trial " + trial.number + " (" + trial.run.replace(/^run-/, "run ") + ")")), el("span", {}, "Left ", el("b", {}, duration(search.left_s))));
};
const bar = (search) => {
  const share = Math.min(100, Math.round((100 * search.used_s) / (60 * search.minutes)));
  return el("div", { class: "st-bar", role: "progressbar", "aria-label": "Time of the search", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": share }, el("i", { style: "width:" + share + "%" }));
};
// most reasons begin with the method's name
const named = (best) => (best.reason.startsWith(best.title) ? "" : best.title + (best.run ? " (" + best.run.replace(/^run-/, "run ") + ")" : "") + ". ");
const draw = (search) => {
  const key = JSON.stringify([search, waiting]);
  if (key === drawn) return;
  const before = drawn ? JSON.parse(drawn)[0].status : null;
  drawn = key;
  const acts = [];
  if (search.best) acts.push(button("Use these settings", "use", "primary"));
  if (search.status === "running") acts.push(button("Stop", "stop", "lr-stop"));
  if (["stopped", "interrupted"].includes(search.status)) acts.push(button("Resume", "resume", "primary"));
  const best = search.best ? el("p", { class: "lr-reason" }, el("b", {}, "Best: "), named(search.best) + search.best.reason) : null;
  const focused = card.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  card.className = "st-card lr-status " + search.status;
  card.replaceChildren(...[el("h2", {}, WORDS[search.status], el("small", {}, search.minutes + " min · " + search.model)), search.status === "done" ? null : bar(search), best, line(search), problem, acts.length ? el("div", { class: "lr-buttons" }, ...acts) : null, fold].filter(Boolean));
  if (before !== search.status) fold.open = search.status !== "done";
  if (focused) { const again = card.querySelector('[data-act="' + focused + '"]'); if (again) again.focus(); }
};

/* acting */
root.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  if (!pressed) return;
  if (pressed.dataset.run) document.dispatchEvent(new CustomEvent("studio-run", { detail: pressed.dataset.run }));
  else if (pressed.dataset.act === "use") trigger("use", {});
  else if (pressed.dataset.act) steer(pressed.dataset.act, pressed.dataset.act === "stop" ? "running" : card.className.split(" ").pop());
});
watch("value", () => tick());
tick();
const beat = setInterval(() => {
  if (!element.isConnected) { clearInterval(beat); return; }
  if (!document.hidden) tick();
}, EVERY_MS);
