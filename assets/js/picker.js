// Examples to click: says which one, and marks it.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (!button) return;
  element.querySelectorAll("[data-pick]").forEach((other) => other.removeAttribute("aria-current"));
  button.setAttribute("aria-current", "true");
  trigger("pick", { id: Number(button.dataset.pick) });
});
