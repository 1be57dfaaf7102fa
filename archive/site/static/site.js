// What only the reader's browser knows: their time zone, their clipboard, the width of their screen. The page is whole without it.
"use strict";
const locale = { es: "es-MX", en: "en-US" }[document.documentElement.lang];
for (const place of document.querySelectorAll(".reader")) {
  const time = place.parentElement.querySelector("time");
  if (!time) continue;
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  const zone = new Date(`${time.dateTime.slice(0, 19)}Z`) - moment;
  if (zone === -60000 * moment.getTimezoneOffset()) continue; // the outlet's clock is the reader's own
  place.textContent = `(${moment.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short", hour12: locale === "en-US" })}, ${place.dataset.label})`;
}
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = button.dataset.done;
    } catch { // no clipboard, as over plain HTTP: the text is marked, to be copied by hand
      getSelection().selectAllChildren(text);
    }
  });
}
if (matchMedia("(max-width: 55rem)").matches) {
  for (const facets of document.querySelectorAll("details.facets")) facets.open = false;
}
for (const form of document.querySelectorAll("form.searchbox")) {
  form.addEventListener("submit", () => { // an address without what was left as it was
    for (const field of form.querySelectorAll("input[name]:not([type=hidden]), select")) {
      const unset = field.type === "checkbox" ? !field.checked : field.name !== "q" && (field.value === "" || field.value === "fold" || field.value === "ignore" || field.value === field.dataset.default);
      if (unset) field.disabled = true;
    }
  });
}
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form.searchbox :disabled")) field.disabled = false;
});
