// Progress of something that takes a while; it runs on the server, so this only watches and survives a reload.
const box = element.querySelector(".st-activity");
let watching = false, untold = false, page = null;
const follow = async () => {
  if (watching) return;
  watching = true;
  while (element.isConnected) {
    const answer = await ask("activity", { project: page });
    if (!answer.ok) { box.replaceChildren(el("p", { role: "alert" }, said(answer) + " ", reloadLink())); break; }
    page = page || answer.project;
    const activity = answer.activity;
    drawActivity(box, activity);
    if (activity && activity.state === "running") { untold = true; await sleep(document.hidden ? 3000 : 500); continue; }
    if (!untold) break;
    untold = false;
    trigger("finish");
  }
  watching = false;
};
// a new value means that something began; it may be over before the first look
watch("value", () => { untold = true; follow(); });
follow();
