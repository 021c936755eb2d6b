// The page works without this; where scripts run, the key can be copied with a button.
"use strict";
const button = document.getElementById("copy");
if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const key = document.getElementById(button.dataset.copies).textContent;
    await navigator.clipboard.writeText(key);
    document.getElementById("copied").textContent = "Copied.";
  });
}
