// @ts-check
// Runs before the first paint, so that the page never flashes in the wrong colours.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let choice = "auto";
    try { choice = localStorage.getItem("bubo.theme") || "auto"; } catch { /* storage is off: follow the system */ }
    const theme = choice === "dark" || (choice !== "light" && dark.matches) ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    document.documentElement.dataset.themeChoice = choice;
  };
  dark.addEventListener("change", apply);
  addEventListener("bubo-theme", apply);
  addEventListener("storage", apply);
  apply();
})();
