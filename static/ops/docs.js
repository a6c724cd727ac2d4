/* The API's pages: copy a command, find an operation. */
import { $, $$ } from "./dom.js";
import { toast } from "./toast.js";

async function copy(button) {
  const text = $("code", button.parentElement).textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast(gettext("已复制。"));
  } catch {
    // Without HTTPS there is no clipboard: the text is selected, the person copies it.
    getSelection().selectAllChildren($("code", button.parentElement));
    toast(gettext("已选中，请按 Ctrl+C 复制。"), { kind: "info" });
  }
}

function narrow(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const part of $$("[data-docs-part]")) {
    let hits = 0;
    for (const row of $$("[data-docs-words]", part)) {
      const text = row.dataset.docsWords.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      if (!row.hidden) hits += 1;
    }
    part.hidden = !hits;
    found += hits;
  }
  $("[data-docs-none]").hidden = found > 0;
}

for (const button of $$("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
const filter = $("[data-docs-filter]");
if (filter) {
  filter.hidden = false;
  filter.addEventListener("input", () => narrow(filter.value));
}
