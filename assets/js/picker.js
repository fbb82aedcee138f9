// Examples to click: says which one, and marks it.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (!button) return;
  element.querySelectorAll("[data-pick]").forEach((other) => other.removeAttribute("aria-current"));
  button.setAttribute("aria-current", "true");
  trigger("pick", { id: Number(button.dataset.pick) });
});

/* a picture that is pasted anywhere on the page goes into the picture field, as if it had been dropped there */
const fieldOf = (area) => area.querySelector('input[type="file"]');
const onPaste = async (event) => {
  if (!element.isConnected) { document.removeEventListener("paste", onPaste); return; }
  const area = document.querySelector("#test-picture"), data = event.clipboardData;
  const picture = data && [...data.files].find((file) => file.type.startsWith("image/"));
  if (!picture || !area || !area.offsetParent) return;
  event.preventDefault();
  event.stopPropagation();
  if (!fieldOf(area)) {
    const clear = area.querySelector('button[aria-label="Clear"], button[title="Clear"]');
    if (clear) clear.click();
    for (let tries = 0; tries < 40 && !fieldOf(area); tries++) await new Promise((done) => setTimeout(done, 50));
  }
  const field = fieldOf(area), files = new DataTransfer();
  if (!field) return;
  files.items.add(picture);
  field.files = files.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
};
document.addEventListener("paste", onPaste, true);
