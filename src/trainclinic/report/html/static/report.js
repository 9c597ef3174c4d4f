"use strict";
(() => {
const root = document.documentElement;
root.classList.add("js");
const WIDTH = 900, SVG = "http://www.w3.org/2000/svg";
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

/* Numbers and ticks: the same rules as html/axis.py. */
const short = (v) => String(+v.toPrecision(6));
function tickText(v) {
  const size = Math.abs(v);
  if (size === 0) return "0";
  if (size >= 1e9) return v.toExponential(2).replace("e+", "e");
  if (size >= 1e6) return +(v / 1e6).toPrecision(4) + "M";
  if (size >= 1e3) return (+v.toPrecision(6)).toLocaleString("en-US");
  if (size >= 1e-3) return short(v);
  const [m, e] = v.toExponential(3).split("e");
  return +m + "e" + e;
}
const valueText = (v) => (v === null ? "NaN" : Math.abs(v) >= 1e-3 || v === 0 ? (+v.toPrecision(5)).toLocaleString("en-US", { maximumFractionDigits: 6 }) : tickText(v));
function linearTicks(low, high, wanted) {
  const raw = (high - low) / wanted, unit = 10 ** Math.floor(Math.log10(raw)), found = [];
  const step = [1, 2, 2.5, 5, 10].map((f) => f * unit).find((s) => s >= raw * (1 - 1e-9));
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step && found.length < 99; i++) found.push(+(i * step).toPrecision(12));
  return found;
}
const wholeTicks = (low, high) => linearTicks(low, high, 7).filter(Number.isInteger);
function logTicks(low, high, wanted) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), decades = last - first, found = [];
  const factors = decades > Math.floor(wanted / 2) + 1 ? [1] : decades > 1 ? [1, 3] : [1, 2, 3, 5, 7];
  const every = factors.length === 1 ? Math.max(1, Math.ceil(decades / wanted)) : 1;
  for (let p = first; p <= last; p += every) for (const f of factors) { const t = f * 10 ** p; if (t >= low && t <= high) found.push(t); }
  return found.length > 1 ? found : linearTicks(low, high, wanted);
}
function axisOf(values, scale, fromZero) {
  const shown = values.filter((v) => v !== null && Math.abs(v) <= 1e100 && (scale === "linear" || v > 0));
  if (!shown.length) return { low: 0, high: 1, scale: "linear" };
  let low = shown.reduce((a, b) => Math.min(a, b)), high = shown.reduce((a, b) => Math.max(a, b));
  if (scale === "log") { high = Math.max(high, 1e-290); low = Math.max(low, high * 1e-18); const pad = Math.max(1.15, (high / low) ** 0.06); return { low: low / pad, high: high * pad, scale }; }
  if (fromZero && low >= 0) low = 0;
  const span = high - low;
  if (!span) { const half = (Math.abs(high) || 1) / 2; return { low: low - half, high: high + half, scale }; }
  return { low: fromZero && low === 0 ? 0 : low - 0.06 * span, high: high + 0.06 * span, scale };
}
function share(axis, v) {
  const s = axis.scale === "log" ? (v > axis.low ? Math.log(v / axis.low) / Math.log(axis.high / axis.low) : 0) : (v - axis.low) / (axis.high - axis.low);
  return Math.min(1, Math.max(0, s));
}
function text(parent, attributes, content) {
  const node = document.createElementNS(SVG, "text");
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.textContent = content;
  parent.append(node);
}
/* Index of the step nearest to x in an ascending list. */
function nearest(steps, x) {
  let low = 0, high = steps.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (steps[mid] <= x) low = mid; else high = mid; }
  return x - steps[low] <= steps[high] - x ? low : high;
}

class Chart {
  constructor(section) {
    this.section = section;
    this.box = $(".chart", section);
    this.data = JSON.parse($(".data", section).textContent);
    this.full = this.data.x;
    this.range = [...this.full];
    this.at = null;
    this.panels = $$(".panel", this.box).map((node, i) => this.panel(node, this.data.panels[i]));
    this.steps = [...new Set(this.panels.flatMap((p) => p.curves.flatMap((c) => c.x)))].sort((a, b) => a - b);
    this.box.tabIndex = 0;
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("pointerleave", () => this.hover(null));
    for (const button of $$("[data-do]", section)) button.addEventListener("click", () => this.act(button.dataset.do));
    new ResizeObserver(() => this.layBadges()).observe(this.box);
  }
  panel(node, data) {
    const plot = $(".plot", node);
    const panel = { node, plot, key: data.key, scale: data.scale, height: +plot.getAttribute("height"), fromZero: ["learning_rate", "speed"].includes(data.key) };
    panel.curves = data.curves.map((curve, i) => {
      let sum = 0;
      const key = $$(".key", node)[i], group = $(`.curve[data-index="${i}"]`, plot);
      if (key.tagName === "BUTTON") key.addEventListener("click", () => {
        const off = group.classList.toggle("off");
        key.setAttribute("aria-pressed", String(!off));
        this.draw(panel);
      });
      return { ...curve, x: curve.x.map((d) => (sum += d)), group, out: $("b", key) };
    });
    const toggle = $(".scale", node);
    toggle.addEventListener("click", () => this.rescale(panel, toggle));
    panel.rescale = () => this.rescale(panel, toggle);
    plot.addEventListener("pointermove", (event) => this.hover(this.stepAt(plot, event)));
    plot.addEventListener("pointerdown", (event) => this.brush(panel, event));
    plot.addEventListener("dblclick", () => this.zoom(...this.full));
    plot.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey && !this.box.contains(document.activeElement)) return;
      event.preventDefault();
      this.scaleBy(event.deltaY + event.deltaX > 0 ? 1.25 : 0.8, this.stepAt(plot, event));
    }, { passive: false });
    return panel;
  }
  rescale(panel, toggle) {
    panel.scale = panel.scale === "log" ? "linear" : "log";
    panel.node.dataset.scale = panel.scale;
    toggle.setAttribute("aria-pressed", String(panel.scale === "log"));
    this.draw(panel);
  }
  stepAt(plot, event) {
    const box = plot.getBoundingClientRect(), part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.range[0] + part * (this.range[1] - this.range[0]);
  }
  brush(panel, event) {
    if (event.pointerType === "touch") this.hover(this.stepAt(panel.plot, event));
    if (event.button !== 0 || event.pointerType === "touch") return;
    const from = this.stepAt(panel.plot, event), rect = $(".brush", panel.plot), across = { low: this.range[0], high: this.range[1] };
    panel.plot.setPointerCapture(event.pointerId);
    this.box.focus({ preventScroll: true });
    const move = (e) => {
      const a = share(across, from), b = share(across, this.stepAt(panel.plot, e));
      rect.setAttribute("x", 100 * Math.min(a, b) + "%");
      rect.setAttribute("width", 100 * Math.abs(a - b) + "%");
    };
    const end = (e) => {
      panel.plot.removeEventListener("pointermove", move);
      rect.setAttribute("width", 0);
      const to = this.stepAt(panel.plot, e);
      if (e.type === "pointerup" && Math.abs(share(across, from) - share(across, to)) > 0.01) this.zoom(Math.min(from, to), Math.max(from, to));
    };
    panel.plot.addEventListener("pointermove", move);
    panel.plot.addEventListener("pointerup", end, { once: true });
    panel.plot.addEventListener("pointercancel", end, { once: true });
  }
  key(event) {
    if (event.target.closest("a, button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1 }, acts = { "+": "in", "=": "in", "-": "out", 0: "reset", Escape: "reset" };
    if (event.key in moves) this.move(moves[event.key] * (event.shiftKey ? 10 : 1));
    else if (event.key === "Home" || event.key === "End") this.hover(this.range[event.key === "Home" ? 0 : 1]);
    else if (event.key in acts) this.act(acts[event.key]);
    else if (event.key.toLowerCase() === "l") this.panels[0].rescale();
    else return;
    event.preventDefault();
  }
  act(what) {
    if (what === "reset") this.zoom(...this.full);
    else this.scaleBy(what === "in" ? 0.5 : 2, this.at ?? (this.range[0] + this.range[1]) / 2);
  }
  move(by) {
    const inside = this.steps.filter((s) => s >= this.range[0] && s <= this.range[1]);
    if (!inside.length) return;
    const now = this.at === null ? (by > 0 ? -1 : inside.length) : nearest(inside, this.at);
    this.hover(inside[Math.min(inside.length - 1, Math.max(0, now + by))]);
  }
  scaleBy(factor, around) {
    const span = Math.min(this.full[1] - this.full[0], Math.max((this.range[1] - this.range[0]) * factor, 2));
    const part = (around - this.range[0]) / (this.range[1] - this.range[0]);
    let low = Math.max(this.full[0], around - part * span);
    low = Math.min(low, this.full[1] - span);
    this.zoom(low, low + span);
  }
  zoom(low, high) {
    this.range = [low, high];
    for (const panel of this.panels) this.draw(panel);
    const axis = { low, high, scale: "linear" }, labels = $(".xaxis", this.box);
    labels.replaceChildren();
    for (const tick of wholeTicks(low, high)) {
      const part = share(axis, tick);
      text(labels, { x: 100 * part + "%", y: 14, "text-anchor": part < 0.03 ? "start" : part > 0.97 ? "end" : "middle" }, tickText(tick));
    }
    this.layBadges();
    this.hover(this.at);
  }
  draw(panel) {
    const [low, high] = this.range, across = { low, high, scale: "linear" }, seen = [];
    const cuts = panel.curves.map((curve) => {
      let a = curve.x.findIndex((s) => s >= low), b = curve.x.length - 1;
      if (a < 0) a = curve.x.length;
      while (b >= 0 && curve.x[b] > high) b--;
      if (!curve.group.classList.contains("off")) for (let i = a; i <= b; i++) seen.push(curve.y[i]);
      return [Math.max(0, a - 1), Math.min(curve.x.length - 1, b + 1)];
    });
    const up = axisOf(seen, panel.scale, panel.fromZero), h = panel.height, ticksWanted = Math.max(3, Math.floor(h / 45));
    const ticks = !seen.some((v) => v !== null) ? [] : up.scale === "log" ? logTicks(up.low, up.high, ticksWanted) : linearTicks(up.low, up.high, ticksWanted);
    const px = (s) => +((WIDTH * (s - low)) / (high - low)).toFixed(1), py = (v) => +(h * (1 - share(up, v))).toFixed(1);
    panel.curves.forEach((curve, i) => {
      let d = "", pen = "M", dots = "";
      for (let k = cuts[i][0]; k <= cuts[i][1]; k++) {
        const v = curve.y[k];
        if (v === null) { pen = "M"; continue; }
        d += `${pen}${px(curve.x[k])},${py(v)}` + (pen === "M" ? "h0" : "");
        pen = "L";
        if (curve.dots) dots += `M${px(curve.x[k])},${py(v)}h0`;
      }
      $(".line", curve.group).setAttribute("d", d);
      if (curve.dots) $(".dots", curve.group).setAttribute("d", dots);
    });
    $(".grid", panel.plot).setAttribute("d", ticks.map((t) => `M0,${py(t)}H${WIDTH}`).join("") + wholeTicks(low, high).map((t) => `M${px(t)},0V${h}`).join(""));
    const labels = $(".yaxis", panel.node);
    labels.replaceChildren();
    for (const tick of ticks) text(labels, { x: "100%", y: py(tick), dy: ".32em" }, tickText(tick));
    for (const node of $$(".mark, .badge", panel.node)) {
      const step = +node.dataset.step, x = 100 * (step - low) / (high - low) + "%";
      node.style.display = step < low || step > high ? "none" : "";
      for (const part of node.children) {
        if (part.tagName === "line") { part.setAttribute("x1", x); part.setAttribute("x2", x); }
        else if (part.tagName === "circle") part.setAttribute("cx", x);
        else if (part.tagName === "text") part.setAttribute("x", x);
        if (part.dataset.value) part.setAttribute("cy", py(+part.dataset.value));
      }
    }
    for (const node of $$(".gap", panel.plot)) {
      const a = share(across, +node.dataset.from), b = share(across, +node.dataset.to);
      node.style.display = +node.dataset.to < low || +node.dataset.from > high ? "none" : "";
      $("rect", node).setAttribute("x", 100 * a + "%");
      $("rect", node).setAttribute("width", Math.max(0.3, 100 * (b - a)) + "%");
      $("text", node).setAttribute("x", 100 * a + "%");
    }
  }
  hover(x) {
    this.at = x;
    const out = $(".at", this.section), part = x === null ? 0 : (x - this.range[0]) / (this.range[1] - this.range[0]);
    let closest = null;
    for (const panel of this.panels) for (const curve of panel.curves) {
      curve.out.textContent = "";
      if (x === null || !curve.x.length || curve.group.classList.contains("off")) continue;
      const i = nearest(curve.x, x);
      if (curve.role === "past" && (x < curve.x[0] || x > curve.x[curve.x.length - 1])) continue;
      curve.out.textContent = valueText(curve.y[i]) + (curve.dots && Math.abs(curve.x[i] - x) > 1 ? ` @${tickText(curve.x[i])}` : "");
      if (closest === null || Math.abs(curve.x[i] - x) < Math.abs(closest - x)) closest = curve.x[i];
    }
    for (const panel of this.panels) {
      const line = $(".cursor", panel.plot), off = x === null || part < 0 || part > 1;
      line.setAttribute("visibility", off ? "hidden" : "visible");
      if (!off) for (const end of ["x1", "x2"]) line.setAttribute(end, 100 * part + "%");
    }
    out.textContent = x === null || closest === null ? "" : `${this.data.axis} ${Math.round(closest).toLocaleString("en-US")}`;
  }
  /* Badges that would touch at the real width go to another row. */
  layBadges() {
    for (const lane of $$(".lane", this.box)) {
      const width = lane.getBoundingClientRect().width || WIDTH, ends = [];
      for (const badge of $$(".badge", lane)) {
        if (badge.style.display === "none") continue;
        const x = ((+badge.dataset.step - this.range[0]) / (this.range[1] - this.range[0])) * width;
        let row = ends.findIndex((end) => x - end >= 21);
        if (row < 0) row = ends.length;
        row = Math.min(row, 5);
        ends[row] = x;
        for (const part of badge.children) if (part.tagName !== "title") part.setAttribute(part.tagName === "circle" ? "cy" : "y", 22 * row + 11);
      }
      lane.setAttribute("height", 22 * Math.max(1, ends.length));
    }
  }
}

function sortable(table) {
  const body = table.tBodies[0], heads = $$("thead th", table);
  const keyOf = (row, column) => {
    const cell = row.cells[column], shown = (cell.dataset.sort ?? cell.textContent).trim(), number = parseFloat(shown.replace(/[,+]/g, "").replace("−", "-"));
    return Number.isNaN(number) || /^[^\d.+−-]/.test(shown) ? shown.toLowerCase() : number;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
      rows.sort(([a], [b]) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1) * (up ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

/* A link to a finding or a run opens what is folded around it. */
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  target.scrollIntoView();
}

/* Charts inside a folded run are prepared when it opens. */
const prepared = new WeakSet();
function prepare() {
  for (const section of $$(".charts")) {
    const fold = section.closest("details");
    if (prepared.has(section) || (fold && !fold.open)) continue;
    prepared.add(section);
    new Chart(section);
  }
}
prepare();
$$(".one-run").forEach((fold) => fold.addEventListener("toggle", prepare));
$$("table.sortable").forEach(sortable);
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
$(".theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; });
/* Where a page opened from a file may not write to the clipboard, the code is selected instead. */
for (const button of $$(".copy")) button.addEventListener("click", () => {
  const code = $("code", button.parentElement);
  const pick = () => { getSelection().selectAllChildren(code); button.textContent = "selected"; };
  if (!navigator.clipboard) return pick();
  navigator.clipboard.writeText(code.textContent).then(() => { button.textContent = "copied"; }, pick);
});
addEventListener("hashchange", reveal);
let folded = [];
addEventListener("beforeprint", () => { folded = $$("details:not([open])"); folded.forEach((d) => { d.open = true; }); });
addEventListener("afterprint", () => folded.forEach((d) => { d.open = false; }));
reveal();
})();
