/* The button of a printed form; without script the browser's own menu prints. */
const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => print());
