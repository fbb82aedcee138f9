// Choose files or a folder, or drop them; several become one zip that keeps their sub-folders.
const MOST_FILES = 60000, MOST_BYTES = (props.max_mb || 2048) * 1024 * 1024;
const up = element.querySelector(".up");
const files = el("input", { type: "file", multiple: true, hidden: true, accept: ".zip,.csv,.tsv,.jsonl,.json,.parquet,.jpg,.jpeg,.png,.webp,.gif" });
const folder = el("input", { type: "file", webkitdirectory: true, hidden: true });
const note = el("p", { class: "st-note", "aria-live": "polite" }, "or drop them here: a folder, pictures, .zip, .csv, .jsonl, .parquet");
const clear = el("button", { type: "button", class: "st-button", hidden: true, onclick: () => publish(null, "Nothing chosen.") }, "Remove");
const publish = (value, words) => { clear.hidden = !value; note.textContent = words; props.value = value; trigger("uploaded"); };
const hidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");
const send = async (chosen, root = "") => {
  chosen = chosen.filter(({ path }) => !hidden(path));
  const bytes = chosen.reduce((n, { file }) => n + file.size, 0);
  if (!chosen.length) return;
  if (chosen.length > MOST_FILES || bytes > MOST_BYTES) {
    note.textContent = "That is too much for the browser (" + number(chosen.length) + " files, " + number(Math.round(bytes / 1e6)) + " MB). Give the folder's path on this computer above.";
    return;
  }
  try {
    let one = chosen[0].file, name = one.name;
    if (chosen.length > 1 || chosen[0].path.includes("/")) {
      const blob = await zipOf(chosen, (k, n) => { note.textContent = "Packing " + number(k) + " of " + number(n) + "…"; });
      name = (root || "pictures") + ".zip";
      one = new File([blob], name, { type: "application/zip" });
    }
    note.textContent = "Sending " + name + " (" + number(Math.ceil(one.size / 1e6)) + " MB)…";
    const sent = await upload(one);
    publish({ path: sent.path, name }, "Ready: " + name + (chosen.length > 1 ? ", " + plural(chosen.length, "file") : ""));
  } catch (failure) {
    note.textContent = "The upload failed: " + (failure.message || failure) + " Try again, or give the path on this computer above.";
  }
};
const fromFolder = (list) => {
  const all = [...list], root = all.length ? all[0].webkitRelativePath.split("/")[0] : "";
  const chosen = all.map((file) => ({ file, path: file.webkitRelativePath.split("/").slice(1).join("/") }));
  return send(chosen, root);
};
files.addEventListener("change", () => { send([...files.files].map((file) => ({ file, path: file.name }))); files.value = ""; });
folder.addEventListener("change", () => { fromFolder(folder.files).finally(() => { folder.value = ""; }); });
const walk = async (entry, base, found) => {
  if (entry.isFile) { found.push({ file: await new Promise((good, bad) => entry.file(good, bad)), path: base + entry.name }); return; }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad));
    if (!some.length) return;
    for (const inner of some) await walk(inner, base + entry.name + "/", found);
  }
};
up.addEventListener("dragover", (e) => { e.preventDefault(); up.classList.add("over"); });
up.addEventListener("dragleave", () => up.classList.remove("over"));
up.addEventListener("drop", async (e) => {
  e.preventDefault(); up.classList.remove("over");
  const entries = [...e.dataTransfer.items].map((i) => i.webkitGetAsEntry()).filter(Boolean), found = [];
  for (const entry of entries) await walk(entry, "", found);
  const root = entries.length === 1 && entries[0].isDirectory ? entries[0].name : "";
  if (root) found.forEach((f) => { f.path = f.path.slice(root.length + 1); });
  send(found, root);
});
up.append(files, folder,
  el("div", { class: "up-row" },
    el("button", { type: "button", class: "st-button", onclick: () => folder.click() }, "Choose a folder"),
    el("button", { type: "button", class: "st-button", onclick: () => files.click() }, "Choose files"), clear), note);
watch("value", () => { if (!props.value) { clear.hidden = true; } });
