// One field a class. Waits for a pause in typing before it tells the page.
const PAUSE_MS = 400;
const box = element.querySelector(".lr-phrases");
let timer = 0, shown = "";
const rows = () => (props.value && props.value.rows) || [];
const read = () => ({ rows: rows().map((row, k) => ({ name: row.name, phrase: box.querySelectorAll("input")[k].value })) });
const tell = () => {
  props.value = read();
  shown = JSON.stringify(props.value);
  trigger("edit", {});
};
const draw = () => {
  if (JSON.stringify(props.value) === shown) return; // our own edit: the person may be typing
  shown = JSON.stringify(props.value);
  box.replaceChildren(...rows().map((row) => {
    const field = el("input", { class: "st-field", maxlength: 300, "aria-label": "Words for " + row.name });
    field.value = row.phrase;
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(tell, PAUSE_MS); });
    return el("label", {}, el("span", { title: row.name }, row.name), field);
  }));
};
watch("value", draw);
draw();
