// Cell renderers for AG Grid; they wear the classes of the components of the same name in dashboard/components.
(function () {
  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const h = React.createElement;
  const N_AVATAR_COLOURS = 6;
  const HIGH_RISK = 0.66;
  const SOME_RISK = 0.33;

  // The same checksum as zlib.crc32 in components/marks.py: a customer wears one colour everywhere.
  function crc32(text) {
    let crc = -1;
    for (const byte of new TextEncoder().encode(text)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return (crc ^ -1) >>> 0;
  }

  function initials(name) {
    return name
      .split(/\s+/)
      .slice(0, 2)
      .map((part) => part[0] || "")
      .join("")
      .toUpperCase();
  }

  // As dcc.Link does it: the address changes and Dash draws the page, without loading the app again.
  function navigate(event, href) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  cells.Customer = function ({data}) {
    if (!data) return null;
    const id = String(data.customer_id);
    const name = data.name || id;
    const build = new URLSearchParams(window.location.search).get("build");
    const href = "/customers/" + encodeURIComponent(id) + (build ? "?build=" + encodeURIComponent(build) : "");
    const colour = (crc32(id) % N_AVATAR_COLOURS) + 1;
    return h(
      "a",
      {className: "customer", href, onClick: (event) => navigate(event, href)},
      h("span", {className: "avatar avatar-" + colour, "aria-hidden": true}, data.name ? initials(name) : id.slice(-2)),
      h(
        "span",
        {className: "customer-words"},
        h("span", {className: "customer-name"}, name),
        data.name ? h("span", {className: "customer-id"}, id) : null
      )
    );
  };

  cells.Segment = ({value, tones}) =>
    value ? h("span", {className: "chip chip-" + ((tones || {})[value] || "mute")}, value) : null;

  // A chance that is good when it is high.
  cells.Chance = function ({value}) {
    if (value === null || value === undefined) return "–";
    const colour = value >= HIGH_RISK ? "var(--c2)" : value >= SOME_RISK ? "var(--c3)" : "var(--c4)";
    return h(
      "div",
      {className: "share-bar"},
      h("span", null, window.dashAgGridFunctions.share(value)),
      h("span", {className: "share-track"}, h("div", {style: {width: value * 100 + "%", background: colour}}))
    );
  };

  cells.Risk = function ({value}) {
    if (value === null || value === undefined) return "–";
    const colour = value >= HIGH_RISK ? "var(--c4)" : value >= SOME_RISK ? "var(--c3)" : "var(--c2)";
    return h(
      "div",
      {className: "share-bar"},
      h("span", null, window.dashAgGridFunctions.share(value)),
      h("span", {className: "share-track"}, h("div", {style: {width: value * 100 + "%", background: colour}}))
    );
  };
})();
