// The error rate that a person accepts, and whether the Test page goes by it. A new figure redraws all: the focus is put back.
let last = "";
element.addEventListener("change", (event) => {
  const rate = element.querySelector(".lr-wish [type=number]"), use = element.querySelector(".lr-wish [type=checkbox]");
  if (!rate || !rate.checkValidity() || rate.value === "") return;
  last = event.target.type;
  trigger("edit", { rate: Number(rate.value), flagged: use.checked });
});
watch("value", () => {
  if (last) element.querySelector(`.lr-wish [type=${last}]`)?.focus();
  last = "";
});
