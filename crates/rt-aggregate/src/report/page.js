"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const el = (tag, props = {}, ...kids) => {
    const node = document.createElement(tag);
    for (const [k, v] of Object.entries(props)) {
      if (k in node) node[k] = v; else node.setAttribute(k, v);
    }
    node.append(...kids);
    return node;
  };
  const SVG = "http://www.w3.org/2000/svg";
  const svg = (tag, attrs = {}, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attrs)) node.setAttribute(k, v);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === "" || a === null || a === undefined) return 1;
    if (b === "" || b === null || b === undefined) return -1;
    const x = Number(a), y = Number(b);
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const guard = (text) => /^[ \u00a0]*[=+\-@\t\r]/.test(text) ? "'" + text : text;
  const csvCell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = guard(String(value));
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const save = (name, lines) => {
    const link = el("a", { download: name, href: URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // Tables that stand in the page: sort by a column, keep the rows that hold every word of the filter.
  for (const table of document.querySelectorAll("table.live")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...body.rows];
    const words = rows.map((row) => row.textContent.toLowerCase());
    const shown = el("output", { textContent: rows.length + " rows" });
    const input = el("input", { type: "search", autocomplete: "off" });
    const apply = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      rows.forEach((row, i) => {
        row.hidden = !wanted.every((w) => words[i].includes(w));
        if (!row.hidden) n += 1;
      });
      shown.textContent = n + " of " + rows.length + " rows";
    };
    input.addEventListener("input", apply);
    heads.forEach((head, column) => {
      const button = el("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column].textContent.trim();
        const sorted = [...body.rows].sort((a, b) => {
          const x = key(a), y = key(b);
          const order = compare(x, y);
          return up || x === "" || y === "" ? order : -order;
        });
        body.append(...sorted);
      });
    });
    const download = el("button", { type: "button", textContent: "CSV" });
    download.addEventListener("click", () => {
      const text = (row) => [...row.cells].map((c) => csvCell(c.textContent.trim())).join(",");
      save(table.dataset.name + ".csv", [text(table.tHead.rows[0]), ...[...body.rows].filter((r) => !r.hidden).map(text)]);
    });
    if (rows.length > 1) table.closest(".scroll").before(el("div", { className: "tools" }, el("label", {}, "Filter ", input), shown, download));
  }

  // All rows of the metrics, a page at a time.
  const browser = document.getElementById("browser");
  if (data.rows.length) {
    const titles = ["Course", "Structure", "Source", "Dose", "Status", "Code", ...data.metrics];
    const value = (row, i) => i === 0 ? data.courses[row[0]] : row[i];
    const text = data.rows.map((row) => row.slice(1, 6).concat(data.courses[row[0]]).join(" ").toLowerCase());
    let order = data.rows.map((_, i) => i), page = 0, sorted = [-1, 1];
    const size = 50;
    const input = el("input", { type: "search", autocomplete: "off" });
    const shown = el("output", {});
    const back = el("button", { type: "button", textContent: "previous" });
    const on = el("button", { type: "button", textContent: "next" });
    const download = el("button", { type: "button", textContent: "CSV" });
    const body = el("tbody", {});
    const heads = titles.map((title, i) => {
      const button = el("button", { type: "button", textContent: title });
      const head = el("th", { className: i > 5 ? "n" : "" }, button);
      button.addEventListener("click", () => {
        sorted = [i, sorted[0] === i ? -sorted[1] : 1];
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sorted[1] > 0 ? "ascending" : "descending");
        refresh();
      });
      return head;
    });
    const draw = () => {
      const from = page * size;
      body.replaceChildren(...order.slice(from, from + size).map((r) => {
        const row = data.rows[r];
        return el("tr", {}, ...titles.map((_, i) => {
          const v = value(row, i);
          const cell = el("td", { className: i > 5 ? "n" : "", textContent: v === null || v === undefined ? "" : typeof v === "number" ? String(Number(v.toPrecision(5))) : v });
          return cell;
        }));
      }));
      shown.textContent = order.length ? (from + 1) + " to " + Math.min(from + size, order.length) + " of " + order.length : "no rows";
      back.disabled = page === 0;
      on.disabled = from + size >= order.length;
    };
    const refresh = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      order = data.rows.map((_, i) => i).filter((i) => wanted.every((w) => text[i].includes(w)));
      const [column, sign] = sorted;
      if (column >= 0) order.sort((a, b) => {
        const x = value(data.rows[a], column), y = value(data.rows[b], column);
        const o = compare(x, y);
        return x === null || y === null ? o : sign * o;
      });
      page = 0;
      draw();
    };
    input.addEventListener("input", refresh);
    back.addEventListener("click", () => { page -= 1; draw(); });
    on.addEventListener("click", () => { page += 1; draw(); });
    download.addEventListener("click", () => {
      save("rows.csv", [titles.map(csvCell).join(","), ...order.map((r) => titles.map((_, i) => csvCell(value(data.rows[r], i))).join(","))]);
    });
    browser.append(
      el("div", { className: "tools" }, el("label", {}, "Filter ", input), shown, back, on, download),
      el("div", { className: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body)));
    refresh();
  }

  // The explorer of curves.
  const explorer = document.getElementById("explorer");
  if (explorer && data.curves.length) {
    explorer.hidden = false;
    const pick = document.getElementById("pick");
    const chart = document.getElementById("chart");
    const legend = document.getElementById("legend");
    const filter = document.getElementById("legendfilter");
    const readout = document.getElementById("readout");
    const chosen = (name) => explorer.querySelector("input[name=" + name + "]:checked").value;
    const dashOf = (source) => source === "Manual" ? "" : source === "Custom" ? "2 2" : source.startsWith("Auto") ? "7 3" : "9 3 2 3";
    const structure = (i) => data.structures[i].name + " (" + data.structures[i].source + ")";
    const off = new Set();
    let lines = [];
    const fillPick = () => {
      const byCourse = chosen("view") === "course";
      const have = new Set(data.curves.map((c) => byCourse ? c.c : c.s));
      const label = (i) => byCourse ? data.courses[i] : structure(i);
      pick.replaceChildren(...[...have].sort((a, b) => a - b).map((i) => el("option", { value: i, textContent: label(i) })));
      off.clear();
    };
    const select = () => {
      const byCourse = chosen("view") === "course", which = Number(pick.value);
      const inRx = chosen("dose") === "rx", inCc = chosen("volume") === "cc";
      // In a course one colour is one structure, whoever drew it, and the dash is its source; else one colour is one course.
      const keys = [];
      lines = data.curves.filter((c) => (byCourse ? c.c : c.s) === which).map((curve) => {
        const { key, source } = data.structures[curve.s];
        const mark = byCourse ? key : curve.c;
        if (!keys.includes(mark)) keys.push(mark);
        const rx = data.rx[curve.c];
        const dose = inRx ? (rx > 0 ? 1 / rx : null) : 0.01;
        return {
          name: byCourse ? structure(curve.s) : data.courses[curve.c],
          source, colour: keys.indexOf(mark) % 8, dash: byCourse ? dashOf(source) : "",
          points: dose === null ? [] : curve.x.map((x, j) => [x * dose, curve.y[j] * (inCc ? curve.v / 1000 : 0.1)]),
        };
      });
    };
    const sample = (line) => {
      const s = svg("svg", { width: 30, height: 10, "aria-hidden": "true" });
      s.append(svg("line", { class: "curve c" + line.colour, x1: 0, y1: 5, x2: 30, y2: 5, "stroke-dasharray": line.dash }));
      return s;
    };
    const drawLegend = () => {
      const wanted = filter.value.toLowerCase();
      legend.replaceChildren(...lines.filter((l) => l.name.toLowerCase().includes(wanted)).map((line) => {
        const box = el("input", { type: "checkbox", checked: !off.has(line.name) });
        box.addEventListener("change", () => { if (box.checked) off.delete(line.name); else off.add(line.name); drawChart(); });
        const item = el("li", {}, el("label", {}, box, sample(line), el("span", { textContent: line.name })));
        return item;
      }));
    };
    const step = (span, n) => {
      const raw = span / n, power = 10 ** Math.floor(Math.log10(raw));
      return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    };
    const drawChart = () => {
      const shown = lines.filter((l) => !off.has(l.name) && l.points.length);
      const W = Math.max(380, Math.min(900, chart.clientWidth)), H = 460, L = 56, R = 12, T = 26, B = 44;
      const maxX = Math.max(...shown.map((l) => l.points[l.points.length - 1][0]), 1) * 1.02;
      const maxY = chosen("volume") === "cc" ? Math.max(...shown.map((l) => l.points[0][1]), 1) * 1.02 : 100;
      const X = (v) => L + (W - L - R) * v / maxX, Y = (v) => H - B - (H - T - B) * v / maxY;
      const root = svg("svg", { viewBox: "0 0 " + W + " " + H, width: W, height: H, role: "img", "aria-label": "Dose-volume curves of " + pick.selectedOptions[0].textContent });
      for (let v = 0, s = step(maxX, 10); v <= maxX; v += s) {
        root.append(svg("line", { class: "grid", x1: X(v), x2: X(v), y1: T, y2: H - B }), svg("text", { class: "tick mid", x: X(v), y: H - B + 16 }, Number(v.toPrecision(6))));
      }
      for (let v = 0, s = step(maxY, 8); v <= maxY; v += s) {
        root.append(svg("line", { class: "grid", x1: L, x2: W - R, y1: Y(v), y2: Y(v) }), svg("text", { class: "tick end", x: L - 6, y: Y(v) + 4 }, Number(v.toPrecision(6))));
      }
      root.append(
        svg("line", { class: "axis", x1: L, x2: W - R, y1: H - B, y2: H - B }), svg("line", { class: "axis", x1: L, x2: L, y1: T, y2: H - B }),
        svg("text", { class: "end", x: W - R, y: H - 8 }, chosen("dose") === "rx" ? "dose (% of prescription)" : "dose (Gy)"),
        svg("text", { x: 12, y: 14 }, chosen("volume") === "cc" ? "volume (cm\u00b3)" : "volume (%)"));
      const paths = shown.map((line) => {
        const d = line.points.map((p, i) => (i ? "L" : "M") + X(p[0]).toFixed(1) + " " + Y(p[1]).toFixed(1)).join("");
        const path = svg("path", { class: "curve c" + line.colour, d, "stroke-dasharray": line.dash });
        root.append(path);
        return path;
      });
      const at = (line, x) => {
        const i = line.points.findIndex((p) => p[0] > x);
        if (i < 0) return 0;
        if (i === 0) return line.points[0][1];
        const [a, b] = [line.points[i - 1], line.points[i]];
        return a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]);
      };
      root.addEventListener("pointermove", (event) => {
        const box = root.getBoundingClientRect();
        const x = ((event.clientX - box.left) * W / box.width - L) / (W - L - R) * maxX;
        const y = (H - B - (event.clientY - box.top) * H / box.height) / (H - T - B) * maxY;
        let best = -1, distance = Infinity;
        shown.forEach((line, i) => {
          const away = Math.abs(at(line, x) - y);
          if (away < distance) { distance = away; best = i; }
        });
        paths.forEach((path, i) => path.classList.toggle("near", i === best));
        if (best >= 0 && x >= 0) readout.textContent = shown[best].name + ": " + at(shown[best], x).toFixed(1) + (chosen("volume") === "cc" ? " cm\u00b3" : " %") + " at " + x.toFixed(2) + (chosen("dose") === "rx" ? " % of prescription" : " Gy");
      });
      chart.replaceChildren(root);
      if (!shown.length) readout.textContent = lines.length ? "No curve is shown: choose some, or a course with a prescription." : "";
    };
    const all = () => { select(); drawLegend(); drawChart(); };
    const remember = () => { history.replaceState(null, "", "#curves=" + chosen("view") + ":" + pick.value); };
    explorer.addEventListener("change", (event) => {
      if (event.target.name === "view") { fillPick(); all(); remember(); }
      else if (event.target === pick) { off.clear(); all(); remember(); }
      else if (event.target.type === "radio") { select(); drawChart(); }
    });
    filter.addEventListener("input", drawLegend);
    const set = (hide) => { off.clear(); lines.filter(hide).forEach((l) => off.add(l.name)); drawLegend(); drawChart(); };
    document.getElementById("all").addEventListener("click", () => set(() => false));
    document.getElementById("none").addEventListener("click", () => set(() => true));
    document.getElementById("manual").addEventListener("click", () => set((l) => l.source !== "Manual"));
    const state = /^#curves=(course|structure):(\d+)$/.exec(location.hash);
    if (state) explorer.querySelector("input[name=view][value=" + state[1] + "]").checked = true;
    fillPick();
    if (state) pick.value = state[2];
    all();
  }

  // "/" goes to the filter of the section in sight.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    const fields = [...document.querySelectorAll("input[type=search]")];
    const next = fields.find((f) => f.getBoundingClientRect().bottom > 0);
    if (next) { event.preventDefault(); next.focus(); }
  });
})();
