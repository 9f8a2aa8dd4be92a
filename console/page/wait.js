// While a form that asks an upstream is under way, the page says so and for how long, and the
// form cannot be sent twice. Without this script the browser shows by itself that it waits.
"use strict";
for (const form of document.querySelectorAll("form[data-wait]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const began = Date.now();
    const said = document.createElement("p");
    said.className = "waiting";
    const text = document.createElement("span");
    text.setAttribute("role", "status");
    text.textContent = form.dataset.wait + " … ";
    const seconds = document.createElement("span");
    seconds.setAttribute("aria-hidden", "true"); // not to be read out each second
    said.append(text, seconds);
    form.append(said);
    const show = () => { seconds.textContent = Math.round((Date.now() - began) / 1000) + " s"; };
    show();
    setInterval(show, 1000);
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-disabled", "true");
    }
  });
}
// A page that comes back out of the browser's memory can be used again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});
