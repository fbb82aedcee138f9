// On the Label page: in which order items come. Where the model chooses, it does so behind the keys: after every TURN labels, what
// comes after the next few items is chosen anew.
const TURN = 10, STAYS = 3, WAIT_MS = 1000, MOST_QUEUED = 300;
const ABOUT = {
  pick: "What stands for most others; later what it doubts",
  unsure: "What the model is least sure of",
};
let choosing = false, chosenAt = null, cuts = 0; // `chosenAt`: labels at the last choice; `cuts`: how often the queue was made anew
const aboutOrder = (...words) => { const note = $(".lb-order-note"); if (note) { note.replaceChildren(...words); note.title = note.textContent; } };
// what was seen, done or undone stays in its place, and so do the next few items
const staying = () => {
  const acted = new Set([...past, ...ahead].map((mark) => mark.item));
  let last = at;
  for (let k = desk.items.length - 1; k >= at; k--) if (acted.has(desk.items[k].id)) { last = k + 1; break; }
  return desk.items.slice(0, last + STAYS);
};
const chooseSoon = () => { if (desk.by_model && chosenAt !== null && Math.abs(desk.labelled - chosenAt) >= TURN) rechoose(); };
// the model reads the pool only after it has answered for the item in sight: that one is waited for
const chooseFirst = () => { if (desk.by_model && chosenAt === null) rechoose(); };
const rechoose = async () => {
  if (choosing || !desk.by_model) return;
  choosing = true;
  const mine = generation;
  while (mine === generation && desk.by_model) {
    await chain; // what was just labelled counts
    const labels = desk.labelled, answer = await ask("pick", { project: desk.project.id, queued: staying().slice(at).filter((it) => !it.label).slice(0, MOST_QUEUED).map((it) => it.id) }, 1);
    if (mine !== generation || !desk.by_model) break;
    if (answer.activity && answer.activity.state === "running") { aboutOrder(readingSaid(answer.activity)); await sleep(WAIT_MS); continue; }
    chosenAt = labels;
    const failed = answer.activity || (answer.ok ? null : answer);
    if (failed) aboutOrder("In random order: " + said(failed));
    else if (answer.why) { desk.by_model = false; aboutOrder(answer.why); }
    else { aboutOrder(ABOUT[desk.order]); requeue(answer.items); }
    break;
  }
  choosing = false;
  if (mine !== generation) rechoose();
};
const readingSaid = (activity) => {
  const eta = duration(activity.eta_s), far = activity.total ? ": " + number(activity.done) + " of " + number(activity.total) : "";
  return "Random until the model has read" + far + (eta ? ", " + eta + " left" : "");
};
// after the chosen ones come, as before, all the others
const requeue = (items) => {
  const kept = staying(), there = new Set(kept.map((it) => it.id));
  const over = at >= desk.items.length;
  desk.items = [...kept, ...items.filter((it) => !there.has(it.id))];
  desk.show = "unlabelled"; desk.after = 0; cuts++;
  if (over || at >= desk.items.length) { show(); return; }
  strip();
  for (let k = 1; k <= AHEAD; k++) prefetch(at + k);
};
const orderChoice = () => {
  if (desk.chosen !== "unlabelled") return null;
  const change = async (e) => {
    const answer = await ask("set_order", { project: desk.project.id, order: e.target.value });
    if (answer.ok) await open(desk.chosen); else tell(said(answer), true);
  };
  return el("select", { class: "st-field", "aria-label": "In which order", onchange: change },
    ...desk.orders.map((order) => el("option", { value: order.name, selected: order.name === desk.order }, order.title)));
};
