// Clientside callbacks of the shell, and the keys and clicks that need no server.
(function () {
  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const stay = () => window.dash_clientside.no_update;

  // Which URL parameters lose their meaning when another changes.
  const RESETS = {period: ["from", "to"]};

  const PAUSE_MS = 150;
  const pauses = {};

  // Whether a component is on the page still: somebody may have left it in the middle of a word. Dash throws when not.
  function isDrawn(id) {
    try {
      return window.dash_component_api.getLayout(id) !== undefined;
    } catch {
      return false;
    }
  }

  function withValue(search, key, value, initial) {
    const query = new URLSearchParams(search);
    (RESETS[key] || []).forEach((other) => query.delete(other));
    if (value === null || value === undefined || value === "" || String(value) === initial) query.delete(key);
    else query.set(key, value);
    const text = query.toString();
    return text ? "?" + text : "";
  }

  clientside.retain = {
    // The controls that were moved by hand write themselves into the URL; Dash then draws the page anew.
    writeQuery(_values, _search) {
      const {triggered} = window.dash_clientside.callback_context;
      // Not the location that Dash knows: a grid writes its filters past it.
      const before = window.location.search;
      let result = before;
      for (const {prop_id: prop, value} of triggered) {
        if (!prop.endsWith(".value")) continue;
        const id = JSON.parse(prop.slice(0, -".value".length));
        const now = new URLSearchParams(result).get(id.key) ?? id.default;
        // A control that has just been drawn mostly holds what the URL says; where it does not, the server has put it right.
        if (String(value ?? "") !== now) result = withValue(result, id.key, value, id.default);
      }
      return result === before ? stay() : result;
    },

    // The links of the sidebar: which one we are on, and the build that is looked at.
    markNav(pathname, search, ids) {
      const build = new URLSearchParams(search || "").get("build");
      const isHere = (path) => path === pathname || (path !== "/" && (pathname || "").startsWith(path + "/"));
      closeNav();
      closeSearch();
      reveal(window.location.hash.slice(1));
      document.querySelectorAll("details.alerts[open]").forEach((box) => (box.open = false));
      return [
        ids.map(({path}) => (build ? path + "?build=" + encodeURIComponent(build) : path)),
        ids.map(({path}) => (isHere(path) ? "nav-item active" : "nav-item")),
      ];
    },

    // What was typed, once the typing pauses: the store `into` then holds it, and the server is asked. (Dash's own
    // `debounce` puts the caret back to where it was before the pause, or the text, and later letters go astray.)
    settle(typed, into) {
      clearTimeout(pauses[into]);
      pauses[into] = setTimeout(() => {
        if (isDrawn(into)) window.dash_clientside.set_props(into, {data: typed});
      }, PAUSE_MS);
    },

    switchTheme(clicks) {
      if (!clicks) return stay();
      const theme = window.retainTheme.current() === "dark" ? "light" : "dark";
      window.retainTheme.choose(theme);
      return theme;
    },

    async copyText(clicks, text) {
      if (!clicks) return stay();
      await copy(text);
      const label = document.querySelector("#sql-copy span");
      const before = label.textContent;
      label.textContent = "Copied";
      setTimeout(() => (label.textContent = before), 1600);
      return String(clicks);
    },
  };

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // plain http: the old way is the only one
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  const root = document.documentElement;
  const toggle = () => document.querySelector(".nav-toggle");

  function setNav(isOpen) {
    root.toggleAttribute("data-nav-open", isOpen);
    toggle()?.setAttribute("aria-expanded", String(isOpen));
  }

  // A link to a part of a page: the part comes later than the address, when Dash has drawn it.
  function reveal(id, tries = 40) {
    if (!id) return;
    const part = document.getElementById(id);
    if (part) part.scrollIntoView({block: "start"});
    else if (tries) setTimeout(reveal, 100, id, tries - 1);
  }

  function closeNav() {
    setNav(false);
  }

  // Enter may come before the hits do, while those of fewer letters still stand: it waits for its own.
  function openFirst(box, asked, tries = 100) {
    if (!asked || box.value.trim() !== asked) return;
    const found = document.querySelector("#search-results > [data-asked]");
    if (found?.dataset.asked === asked) found.querySelector(".search-hit")?.click();
    else if (tries) setTimeout(openFirst, 50, box, asked, tries - 1);
  }

  function closeSearch() {
    document.querySelector(".search")?.classList.remove("is-open");
  }

  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "toggle-nav") setNav(!root.hasAttribute("data-nav-open"));
    if (action === "close-nav") closeNav();
    if (!event.target.closest(".search")) closeSearch();
    document.querySelectorAll("details.alerts[open]").forEach((box) => {
      if (!box.contains(event.target)) box.open = false;
    });
  });

  // A mark of a chart leads to the customers behind it (`components/graph.py`). Plotly says what was clicked only to
  // those who have asked the figure itself; it is asked once the pointer is on it.
  function follow({points, event}) {
    const hrefs = points.map(({data, pointNumber}) => data.meta?.hrefs?.[pointNumber]).filter(Boolean);
    if (!hrefs.length) return;
    if (event?.ctrlKey || event?.metaKey) return void window.open(hrefs[0], "_blank", "noopener");
    window.history.pushState({}, "", hrefs[0]);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  document.addEventListener("pointerover", (event) => {
    const figure = event.target.closest?.(".chart.is-linked")?.querySelector(".js-plotly-plot");
    if (!figure?.on || figure.leadsSomewhere) return;
    figure.leadsSomewhere = true;
    figure.classList.add("leads-nowhere"); // until a mark is under the pointer
    figure.on("plotly_click", follow);
    const leads = ({data, pointNumber}) => data.meta?.hrefs?.[pointNumber];
    figure.on("plotly_hover", ({points}) => figure.classList.toggle("leads-nowhere", !points.some(leads)));
    figure.on("plotly_unhover", () => figure.classList.add("leads-nowhere"));
  });

  // The same marks for the keyboard: one stop of the Tab key a chart, arrow keys go from mark to mark.
  document.addEventListener("keydown", (event) => {
    const list = event.target.closest?.(".chart-links");
    if (!list) return;
    const links = [...list.querySelectorAll(".chart-link")];
    const at = links.indexOf(event.target);
    const steps = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: links.length - 1};
    // Leaving begins at the last or the first mark: the browser goes on from there.
    if (event.key === "Tab") (event.shiftKey ? links[0] : links[links.length - 1]).focus();
    if (!(event.key in steps)) return;
    event.preventDefault();
    links[Math.min(Math.max(steps[event.key], 0), links.length - 1)].focus();
  });

  document.addEventListener("focusin", (event) => {
    const search = event.target.closest(".search");
    if (search) search.classList.add("is-open");
    else closeSearch();
  });

  const isTyping = (element) => element.closest("input, textarea, select, [contenteditable=true]") !== null;

  document.addEventListener("keydown", (event) => {
    const box = document.getElementById("search-text");
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
      event.preventDefault();
      box?.focus();
      box?.select();
      return;
    }
    if (event.key === "Escape") {
      if (event.target.closest(".search")) {
        closeSearch();
        box.blur();
      }
      closeNav();
      document.querySelectorAll("details.alerts[open]").forEach((open) => (open.open = false));
      return;
    }
    if (!event.target.closest(".search")) return;
    const hits = [...document.querySelectorAll(".search-hit")];
    const at = hits.indexOf(event.target);
    if (event.key === "ArrowDown" && hits.length) {
      event.preventDefault();
      hits[Math.min(at + 1, hits.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (at === 0 ? box : hits[at - 1]).focus();
    } else if (event.key === "Enter" && event.target === box) {
      event.preventDefault();
      openFirst(box, box.value.trim());
    }
  });
})();
