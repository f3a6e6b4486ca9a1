// Clientside callbacks of the customer list: the grid, its choices above it, and the address follow each other.
(function () {
  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const GRID = "customers-grid";
  const PATH = "/customers";
  const PHONE = 820;

  let address = null; // what the grid shows, as the address says it
  let build = null;

  function api() {
    try {
      return window.dash_ag_grid.getApi(GRID) || null;
    } catch {
      return null; // not drawn yet
    }
  }

  function model(values) {
    const conditions = values.map((value) =>
      value === "" ? {filterType: "text", type: "blank"} : {filterType: "text", type: "equals", filter: value}
    );
    if (!conditions.length) return null;
    return conditions.length === 1 ? conditions[0] : {filterType: "text", operator: "OR", conditions};
  }

  function chosen(filter) {
    if (!filter) return [];
    const conditions = filter.conditions || [filter];
    const isChoice = filter.operator !== "AND" && conditions.every(({type}) => type === "equals" || type === "blank");
    // Another kind of filter, made in the column's own menu, is not a choice above the grid: null.
    return isChoice ? conditions.map((one) => (one.type === "blank" ? "" : one.filter)) : null;
  }

  // On a phone a pinned column would leave no room for the others, and names are shown a little narrower.
  function unpin(grid) {
    const state = ["ag-Grid-SelectionColumn", "name"].map((colId) => ({colId, pinned: null}));
    grid?.applyColumnState({state});
    grid?.setColumnWidths([{key: "name", newWidth: 184}]);
  }

  clientside.customers = {
    // The rows came: the address says which, a build that is new empties the cache.
    shown(data) {
      if (!data) return;
      const grid = api();
      address = data.search;
      const href = PATH + data.search;
      if (window.location.pathname === PATH && window.location.pathname + window.location.search !== href)
        window.history.replaceState(window.history.state, "", href);
      if (build && build !== data.build) grid?.purgeInfiniteCache();
      if (build === null && window.innerWidth < PHONE) unpin(grid);
      build = data.build;
      if (data.n_rows === 0) grid?.showNoRowsOverlay();
      else grid?.hideOverlay();
    },

    // Another build was published while nobody scrolled.
    published(now) {
      if (now && build && now !== build) {
        build = now;
        api()?.purgeInfiniteCache();
      }
    },

    // A choice above the grid becomes a filter of its column.
    choose(values, ids) {
      const grid = api();
      if (!grid || address === null) return;
      ids.forEach(({column}, at) => {
        const before = chosen(grid.getColumnFilterModel(column));
        const now = values[at] || [];
        if (before === null || (before.length === now.length && now.every((value) => before.includes(value)))) return;
        grid.setColumnFilterModel(column, model(now)).then(() => grid.onFilterChanged());
      });
    },

    // Whoever has ticked customers means these, also when a list of them is kept.
    ticked(rows) {
      const n = (rows || []).length;
      return [n ? `Export ${n} selected` : "", !n, n ? "ticked" : "all"];
    },

    download(href) {
      if (href) window.location.assign(href);
    },

    // A page was drawn: what the one before showed is of no account.
    ready(_columns) {
      address = build = null;
    },
  };

  // The Enter key in a cell follows its link.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.(".ag-cell")) event.target.querySelector("a[href]")?.click();
  });

  // A link to the list that Dash takes for the page it is on already (it does not see replaceState): draw it anew.
  window.addEventListener("_dashprivate_pushstate", () => {
    if (window.location.pathname !== PATH || address === null || window.location.search === address) return;
    const search = window.location.search;
    setTimeout(() => {
      if (address !== search && api()) window.dash_clientside.set_props("_pages_location", {search});
    }, 0);
  });
})();
