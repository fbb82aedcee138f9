// The runs of the open project, polled once a second. What is shown is what the server said last; only "which run" lives here.
const EVERY_MS = 1000, LINES = 500;
const root = element.querySelector(".lr-monitor");
const WORDS = { queued: "Waiting in the queue", running: "Training", done: "Done", stopped: "Stopped", failed: "Failed", interrupted: "Interrupted" };
let chosen = null, shown = null, since = 0, digest = "", project = null, rows = [], asking = false, waiting = null, missed = 0, measure = "accuracy", missing = null;

/* the frame, made once */
const card = el("section", { class: "st-card lr-status" }), live = el("p", { class: "lr-live", "aria-live": "polite" });
const lossChart = lineChart([{ name: "training", smooth: true }, { name: "validation", dashed: true }], { title: "Loss", digits: 3, tickDigits: 2 });
const valChart = lineChart([{ name: "" }], { title: "Validation accuracy", note: "items that took no part in learning", digits: 1, tickDigits: 0, scale: 100, unit: " %", range: [0, 1] });
const charts = el("div", { class: "lr-charts" }, lossChart.figure, valChart.figure);
const list = el("section", { class: "st-card lr-runs" }), lines = el("ol", { tabindex: 0, "aria-label": "Log of the run" });
const journal = el("details", { class: "st-card lr-log", open: innerWidth > 760 }, el("summary", {}, "Log"), lines);
root.append(card, live, charts, list, journal);

/* asking */
const tick = async () => {
  if (asking) return;
  asking = true;
  let answer;
  try { answer = await server.since({ run: chosen || (shown && shown.id), since: shown && (!chosen || chosen === shown.id) ? since : 0, digest, project }); } catch (failure) { answer = undefined; }
  asking = false;
  if (!answer || !answer.ok) {
    missed++;
    if (answer && !live.querySelector("a")) live.replaceChildren(said(answer) + " ", reloadLink());
    if (!answer && missed > 1) live.textContent = "The server does not answer. Trying again…";
    return;
  }
  if (missed) live.textContent = "";
  missed = 0;
  take(answer);
};
const take = (answer) => {
  project = project || answer.project;
  if (answer.runs) { rows = answer.runs; missing = answer.missing; counted(); }
  digest = answer.digest || "";
  if (answer.measure && answer.measure !== measure) { measure = answer.measure; valChart.rename("Validation " + measure); list.dataset.key = ""; }
  if (!answer.run) { shown = null; nothing(); return; }
  if (answer.since === 0) { lossChart.reset(); valChart.reset(); lines.replaceChildren(); }
  if (waiting && (waiting.run !== answer.run.id || waiting.status !== answer.run.status)) waiting = null;
  shown = answer.run;
  since = answer.next;
  lossChart.add([answer.curves.loss, answer.curves.val_loss]);
  valChart.add([answer.curves.accuracy]);
  list.hidden = journal.hidden = false;
  charts.hidden = lossChart.empty() && !["queued", "running"].includes(shown.status); // a head has no curve
  lossChart.draw(shown.total);
  valChart.draw(shown.total);
  write(answer.log);
  status();
  table();
};
// tells the page when a run has ended, not of those that had before
let ended = null;
const counted = () => {
  const now = rows.filter((row) => !["queued", "running"].includes(row.status)).length;
  if (ended !== null && now > ended) trigger("finish", {});
  ended = now;
};
const act = async (what) => {
  waiting = { act: what, run: shown.id, status: shown.status };
  status();
  const answer = await ask("act", { act: what, run: shown.id, project });
  if (!answer.ok) { waiting = null; live.textContent = said(answer); status(); } else live.textContent = "";
  tick();
};
const choose = (id) => { chosen = id; tick(); };

/* drawing */
const name = (run) => run.id.replace(/^run-/, "Run ");
const share = (run) => (run.status === "done" ? 1 : run.total ? Math.min(1, run.step / run.total) : 0);
const accuracy = (value) => (value === null || value === undefined ? "–" : (100 * value).toFixed(1) + " %");
const fact = (words, value) => (value ? el("span", {}, words + " ", el("b", {}, value)) : null);

const facts = (run) => {
  const epochs = run.config && run.config.epochs > 0 ? (run.config.epochs * share(run)).toFixed(1) + " of " + run.config.epochs : "";
  const going = run.status === "running";
  return el("p", { class: "lr-facts" },
    fact("Step", number(run.step) + " of " + number(run.total)), fact("Epoch", epochs),
    fact("Speed", run.steps_per_s ? run.steps_per_s.toFixed(run.steps_per_s < 10 ? 2 : 0) + " steps/s" : ""),
    fact("Left", going ? duration(run.eta_s) : ""), fact("Took", !going && run.started && run.ended ? duration(run.ended - run.started) : ""),
    fact("Loss", run.loss === null ? "" : run.loss.toFixed(3)), fact("Validation " + measure, run.accuracy === null ? "" : accuracy(run.accuracy)),
    fact("Device", run.device), fact("Memory", run.memory_mb ? number(Math.round(run.memory_mb)) + " MB" : ""));
};
const button = (words, what, kind = "") => {
  const busy = waiting && waiting.act === what;
  return el("button", { type: "button", class: "st-button " + kind, "data-act": what, disabled: !!waiting }, busy ? words + "…" : words);
};
const buttons = (run) => {
  const made = [];
  if (run.status === "running") made.push(button("Stop", "stop", "lr-stop"), button("Stop and keep", "keep"));
  if (run.status === "queued") made.push(button("Take out of the queue", "stop", "lr-stop"));
  if (run.resumable && !["running", "queued", "done"].includes(run.status)) made.push(button("Resume", "resume", "primary"));
  if (run.status === "done") made.push(linkTo("/test", "Test it"), linkTo("/compare", "Compare", false));
  made.push(el("button", { type: "button", class: "st-button", "data-act": "reuse" }, "New run from this one"));
  return made;
};
const status = () => {
  const run = shown, done = share(run), percent = Math.round(100 * done), going = run.status === "running";
  const unknown = going && !run.step; // before the first step it loads and measures
  const key = JSON.stringify([run, waiting, rows.length]);
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  const focused = card.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  const bar = el("div", { class: "st-bar" + (unknown ? " unknown" : ""), role: "progressbar", "aria-label": "Training", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": unknown ? null : percent }, el("i", { style: "width:" + (100 * done).toFixed(1) + "%" }));
  const problem = run.error ? el("p", { class: "lr-problem", role: "alert" }, el("b", {}, run.error + " "), run.hint || "") : null;
  card.className = "st-card lr-status " + run.status;
  card.replaceChildren(
    el("h2", {}, name(run) + ": " + WORDS[run.status], el("small", {}, going && !unknown ? percent + " %" : (run.rung && run.rung.title !== run.title ? run.title + ": " + run.rung.title : run.title) + " · " + run.model_title)),
    bar, facts(run), ...[problem, run.rung ? el("p", { class: "lr-words" }, run.rung.reason) : null, going && run.note ? el("p", { class: "st-note" }, run.note) : null].filter(Boolean),
    el("div", { class: "lr-buttons" }, ...buttons(run)), frozen(run));
  if (focused) { const again = card.querySelector('[data-act="' + focused + '"]'); if (again) again.focus(); }
};
let opened = false;
const frozen = (run) => {
  const flat = { ...run.config, ...(run.config.lora || {}) };
  delete flat.lora;
  const pairs = Object.entries(flat).filter(([, v]) => typeof v !== "object" || v === null).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, String(v))));
  const box = el("details", { class: "lr-frozen", open: opened }, el("summary", {}, "Settings of this run"), el("p", { class: "st-note" }, run.model), el("dl", {}, ...pairs), run.command ? el("code", {}, run.command) : null);
  box.addEventListener("toggle", () => { opened = box.open; });
  return box;
};
const table = () => {
  const key = digest + shown.id;
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const line = (row) => el("tr", { "aria-current": row.id === shown.id ? "true" : null },
    el("td", {}, el("button", { type: "button", "data-run": row.id, title: row.id }, name(row))), el("td", {}, el("span", { class: "lr-state " + row.status }, WORDS[row.status])),
    el("td", { class: "n" }, accuracy(row.accuracy)), el("td", {}, row.title), el("td", { title: row.model }, row.model_title),
    el("td", { class: "n" }, row.status === "running" ? number(row.total) : row.step === row.total || row.status === "queued" ? number(row.total) : number(row.step) + " of " + number(row.total)));
  const heads = ["Run", "State", "Val. " + measure, "Method", "Model", "Steps"].map((words) => el("th", { scope: "col" }, words));
  list.replaceChildren(el("h3", {}, "Runs"), el("div", { class: "lr-scroll" }, el("table", { class: "lr-table" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows.map(line)))));
};
const write = (entries) => {
  if (!entries.length) return;
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  for (const entry of entries) lines.append(el("li", {}, el("time", {}, new Date(1000 * entry.at).toLocaleTimeString("en-GB")), entry.text));
  while (lines.children.length > LINES) lines.firstChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
};
const nothing = () => {
  charts.hidden = list.hidden = journal.hidden = true;
  card.className = "lr-status";
  const key = JSON.stringify([project, missing]);
  if (card.dataset.key === key) return; // drawn already: who is on its link stays there
  card.dataset.key = key;
  if (!project) card.replaceChildren(noProject());
  else if (missing) { const [what, why, links] = missing; card.replaceChildren(emptyState(what, why, ...links.map((link) => linkTo(...link)))); }
  else card.replaceChildren(emptyState("No run yet", "Choose a model and press Start. Training goes on in the background: you may leave this page."));
};

/* acting */
root.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  const row = event.target.closest("tbody tr");
  if (pressed && pressed.dataset.act === "reuse") trigger("reuse", { run: shown.id });
  else if (pressed && pressed.dataset.act) act(pressed.dataset.act);
  else if (row) choose(row.querySelector("[data-run]").dataset.run);
});
// a trial of the search was clicked
document.addEventListener("studio-run", (event) => { if (element.isConnected) choose(event.detail); });
watch("value", () => { if (props.value && props.value.run) choose(props.value.run); });
tick();
const beat = setInterval(() => {
  if (!element.isConnected) { clearInterval(beat); return; }
  if (!document.hidden && element.offsetParent) tick();
}, EVERY_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden && element.isConnected) tick(); });
