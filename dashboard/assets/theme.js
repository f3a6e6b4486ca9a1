// Runs in the head, before anything is painted: the chosen theme, or the one that the system prefers.
(function () {
  const KEY = "retain-theme";
  const root = document.documentElement;

  function apply(theme) {
    root.setAttribute("data-bs-theme", theme);
    root.setAttribute("data-ag-theme-mode", theme);
  }

  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage can be switched off
    }
  }

  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = remembered();
  apply(chosen === "dark" || chosen === "light" ? chosen : system.matches ? "dark" : "light");
  system.addEventListener("change", (event) => {
    if (!remembered()) apply(event.matches ? "dark" : "light");
  });

  window.retainTheme = {
    current: () => root.getAttribute("data-bs-theme"),
    choose(theme) {
      apply(theme);
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // the choice lasts as long as the page
      }
    },
  };
})();
