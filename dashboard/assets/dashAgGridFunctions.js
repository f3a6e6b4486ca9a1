// Functions that AG Grid options name as {"function": "houseTheme()"}: the theme, and numbers in the shop's wording.
// Nothing here is evaluated from a string that a page sends; `dangerously_allow_code` stays off.
(function () {
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const {locale, currency} = document.documentElement.dataset;
  const MISSING = "–";

  let theme = null;

  // Quartz with our tokens as its parameters: they are CSS variables, so the grid follows a change of theme by itself.
  functions.houseTheme = function (themeQuartz) {
    theme =
      theme ||
      themeQuartz.withParams({
        accentColor: "var(--accent)",
        backgroundColor: "var(--surface)",
        borderColor: "var(--border)",
        borderRadius: 6,
        browserColorScheme: "inherit",
        cellHorizontalPadding: 14,
        chromeBackgroundColor: "var(--surface-2)",
        columnBorder: false,
        fontFamily: "var(--font)",
        fontSize: 13,
        foregroundColor: "var(--text)",
        headerBackgroundColor: "var(--surface-2)",
        headerColumnBorder: false,
        headerFontSize: 12,
        headerFontWeight: 500,
        headerHeight: 38,
        headerRowBorder: {color: "var(--border)"},
        headerTextColor: "var(--text-3)",
        iconColor: "var(--text-3)",
        inputBackgroundColor: "var(--surface)",
        inputBorder: "1px solid var(--border-strong)",
        menuBackgroundColor: "var(--surface)",
        menuTextColor: "var(--text)",
        oddRowBackgroundColor: "var(--surface)",
        rowBorder: {color: "var(--border)"},
        rowHeight: 48,
        rowHoverColor: "var(--surface-2)",
        selectedRowBackgroundColor: "var(--accent-soft)",
        spacing: 7,
        subtleTextColor: "var(--text-3)",
        textColor: "var(--text)",
        wrapperBorder: false,
        wrapperBorderRadius: 12,
      });
    return theme;
  };

  function worded(options) {
    const format = new Intl.NumberFormat(locale, options);
    return (value) => (value === null || value === undefined ? MISSING : format.format(value).replace("-", "−"));
  }

  functions.money = worded({style: "currency", currency, maximumFractionDigits: 0});
  functions.moneyExact = worded({style: "currency", currency});
  functions.count = worded({maximumFractionDigits: 0});
  functions.decimal = worded({minimumFractionDigits: 2, maximumFractionDigits: 2});
  functions.share = worded({style: "percent", maximumFractionDigits: 0});

  // The day before the month in every locale, as the server words it: 03 Aug 2025 is never taken for the eighth of March.
  function dated(options) {
    const format = new Intl.DateTimeFormat(locale, {...options, timeZone: "UTC"});
    return (text) => {
      const parts = Object.fromEntries(format.formatToParts(new Date(text)).map(({type, value}) => [type, value]));
      const day = [parts.day, parts.month, parts.year].filter(Boolean).join(" ");
      return parts.hour ? `${day}, ${parts.hour}:${parts.minute}` : day;
    };
  }

  const DAY = {day: "2-digit", month: "short", year: "numeric"};
  const day = dated(DAY);
  const moment = dated({...DAY, hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
  const month = dated({month: "short", year: "numeric"});
  functions.month = (value) => (value ? month(value.slice(0, 10) + "T00:00:00Z") : MISSING);

  functions.given = (value) => (value === null || value === undefined || value === "" ? MISSING : value);
  // The Tab key is the browser's.
  functions.leave = () => false;

  // A name out of the data, as the server words it (`Format.label`).
  functions.label = (value) => {
    const text = String(functions.given(value)).replaceAll("_", " ");
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  functions.yesNo = (value) => (value === null || value === undefined ? MISSING : value ? "Yes" : "No");

  // The server filters; the grid asks its own predicate only for rows that it holds itself, and it holds none.
  functions.always = () => () => true;

  // A quantity: whole as a rule, weighed goods are not.
  functions.amount = worded({maximumFractionDigits: 3});

  // A moment in the shop's own time, which has no zone: 2025-08-03T06:12.
  functions.moment = (value) => (value ? moment(value + "Z") : MISSING);

  // A date without a time, as the server sends it: 2025-08-03.
  functions.day = (value) => (value ? day(value.slice(0, 10) + "T00:00:00Z") : MISSING);
})();
