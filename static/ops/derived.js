/* The form of a derived point: a click on a point puts its word where the cursor is. */
import { $ } from "./dom.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const formula = $("#id_formula");
  if (!button || !formula) return;
  formula.setRangeText(
    button.dataset.insert,
    formula.selectionStart,
    formula.selectionEnd,
    "end",
  );
  formula.focus();
});
