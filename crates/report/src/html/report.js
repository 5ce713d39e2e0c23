"use strict";
// Two conveniences; the page is complete without them: the ledger's search, sort, filter and
// pages, and evidence that opens beside the claim. Nothing is ever put in as markup: only
// textContent and nodes that are in the page already.
(function () {
  var words = document.getElementById("words").dataset;
  var PAGE = 200;

  function make(tag, text, attributes) {
    var node = document.createElement(tag);
    if (text) node.textContent = text;
    for (var name in attributes || {}) node.setAttribute(name, attributes[name]);
    return node;
  }

  function ledger() {
    var holder = document.getElementById("ledger-rows");
    var tools = document.getElementById("ledger-tools");
    if (!holder || !tools) return;
    var tables = holder.querySelectorAll("table");
    var rows = [];
    tables.forEach(function (t) { rows.push.apply(rows, t.tBodies[0].rows); });
    if (rows.length < 2) return;
    var first = tables[0];
    var body = first.tBodies[0];
    var items = rows.map(function (row, i) { return { row: row, order: i, text: null, key: null }; });
    var view = items;
    var at = 0;

    // All rows go into one table without being laid out: pages come from the array.
    var scroll = first.parentNode;
    body.replaceChildren();
    holder.replaceChildren(scroll);

    tools.className = "tools";
    var search = make("input", "", { type: "search", placeholder: words.search, "aria-label": words.search });
    var level = make("select", "", { "aria-label": words.allLevels });
    level.append(make("option", words.allLevels, { value: "" }));
    var account = make("select", "", { "aria-label": words.allAccounts });
    account.append(make("option", words.allAccounts, { value: "" }));
    var levels = {}, accounts = {};
    items.forEach(function (item) {
      var d = item.row.dataset;
      levels[d.l] = levels[d.l] || item.row.querySelector(".lv").textContent;
      accounts[d.a] = true;
    });
    Object.keys(levels).sort().forEach(function (l) { level.append(make("option", levels[l], { value: l })); });
    Object.keys(accounts).sort().forEach(function (a) { account.append(make("option", a, { value: a })); });
    var left = make("input", "", { type: "checkbox", id: "only-left" });
    var leftLabel = make("label", "", { "for": "only-left" });
    leftLabel.append(left, " " + words.left);
    var previous = make("button", words.previous, { type: "button" });
    var next = make("button", words.next, { type: "button" });
    var state = make("span", "", { role: "status" });
    tools.append(search, level, account, leftLabel, previous, state, next);

    function textOf(item) {
      if (item.text === null) item.text = item.row.textContent.toLowerCase();
      return item.text;
    }
    function show() {
      var fragment = document.createDocumentFragment();
      view.slice(at, at + PAGE).forEach(function (item) { fragment.append(item.row); });
      body.replaceChildren(fragment);
      var end = Math.min(at + PAGE, view.length);
      state.textContent = words.rows.replace("{0}", view.length ? at + 1 : 0).replace("{1}", end).replace("{2}", view.length);
      previous.disabled = at === 0;
      next.disabled = end >= view.length;
    }
    function filter() {
      var terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      view = items.filter(function (item) {
        var d = item.row.dataset;
        return (!level.value || d.l === level.value) && (!account.value || d.a === account.value) &&
          (!left.checked || d.x !== "0") &&
          terms.every(function (t) { return textOf(item).includes(t); });
      });
      at = 0;
      show();
    }
    var waiting = 0;
    search.addEventListener("input", function () { clearTimeout(waiting); waiting = setTimeout(filter, 150); });
    level.addEventListener("change", filter);
    account.addEventListener("change", filter);
    left.addEventListener("change", filter);
    previous.addEventListener("click", function () { at = Math.max(0, at - PAGE); show(); });
    next.addEventListener("click", function () { at += PAGE; show(); });

    Array.prototype.forEach.call(first.tHead.rows[0].cells, function (th, column) {
      var button = make("button", th.textContent, { type: "button", title: words.sort + " " + th.textContent });
      th.replaceChildren(button);
      button.addEventListener("click", function () {
        var down = th.getAttribute("aria-sort") !== "descending";
        Array.prototype.forEach.call(first.tHead.rows[0].cells, function (other) { other.removeAttribute("aria-sort"); });
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        var numeric = true;
        items.forEach(function (item) {
          var cell = item.row.cells[column];
          item.key = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent;
          numeric = numeric && /^-?\d+$/.test(item.key);
        });
        var collate = new Intl.Collator(document.documentElement.lang, { numeric: true });
        items.sort(function (a, b) {
          var order = numeric ? a.key - b.key : collate.compare(a.key, b.key);
          return (down ? -order : order) || a.order - b.order;
        });
        filter();
      });
    });
    show();
  }

  function evidence() {
    var panel = null, from = null;
    function close() {
      if (panel) panel.remove();
      panel = null;
      if (from) from.focus();
    }
    document.addEventListener("click", function (event) {
      var link = event.target.closest && event.target.closest("a.ev");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      var line = document.getElementById(link.getAttribute("href").slice(1));
      if (!line) return;
      event.preventDefault();
      if (panel) panel.remove();
      from = link;
      panel = make("aside", "", { id: "peek", tabindex: "-1", role: "dialog", "aria-label": link.textContent });
      var bar = make("div", "", { "class": "bar-row" });
      var go = make("a", words.inList, { href: link.getAttribute("href") });
      go.addEventListener("click", function () { from = null; close(); });
      var button = make("button", words.close, { type: "button" });
      button.addEventListener("click", close);
      bar.append(go, button);
      panel.append(bar);
      Array.prototype.forEach.call(line.childNodes, function (n) { panel.append(n.cloneNode(true)); });
      document.body.append(panel);
      panel.focus();
    });
    document.addEventListener("keydown", function (event) { if (event.key === "Escape") close(); });
  }

  ledger();
  evidence();
})();
