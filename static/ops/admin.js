/* The admin wears the theme of the person's profile. Runs before the first paint. */
(() => {
  const root = document.documentElement;
  const kept = document.currentScript.dataset.theme;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const wear = () => {
    const isDark = kept === "auto" ? system.matches : kept === "dark";
    root.dataset.bsTheme = isDark ? "dark" : "light";
    root.dataset.theme = root.dataset.bsTheme;
  };
  system.addEventListener("change", wear);
  wear();
})();
