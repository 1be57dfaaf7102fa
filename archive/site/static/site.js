// What only the reader's browser knows: their time zone, and their clipboard. The page is whole without it.
"use strict";
for (const place of document.querySelectorAll(".reader")) {
  const time = place.parentElement.querySelector("time");
  if (!time) continue;
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  const words = moment.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  place.textContent = `(${words}, ${place.dataset.label})`;
}
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = button.dataset.done;
  });
}
