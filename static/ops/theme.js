/* Runs before the first paint: what the server cannot know is whether the system is dark. */
(() => {
  const root = document.documentElement;
  const kept = root.dataset.theme;
  const isDark =
    kept === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : kept === "dark";
  root.setAttribute("data-bs-theme", isDark ? "dark" : "light");
})();
