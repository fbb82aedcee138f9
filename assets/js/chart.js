// A small line chart. Lines are SVG stretched to the box; every text is HTML, because stretched SVG text is squashed on a phone.
const SVG = "http://www.w3.org/2000/svg", WIDTH = 600, HEIGHT = 200, WIDEST = 400;
const shape = (tag, attributes) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const thin = (points) => {
  if (points.length <= WIDEST) return points;
  const every = points.length / WIDEST, kept = [];
  for (let k = 0; k < WIDEST; k++) kept.push(points[Math.floor(k * every)]);
  kept.push(points[points.length - 1]);
  return kept;
};
// exponential moving average without the pull towards the start
const smoothed = (points, keep = 0.85) => {
  let sum = 0, weight = 0;
  return points.map(([x, y]) => { sum = keep * sum + (1 - keep) * y; weight = keep * weight + 1 - keep; return [x, sum / weight]; });
};

// series: [{ name, dashed, smooth }]; options: { title, note, range, digits, tickDigits, scale, unit }
const lineChart = (series, options) => {
  const shown = (v, digits = options.digits) => (v * (options.scale || 1)).toFixed(digits) + (options.unit || "");
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const legend = el("span", { class: "lr-legend" }), ticks = el("div", { class: "lr-ticks", "aria-hidden": "true" });
  const first = el("span"), last = el("span"), reading = el("span", { class: "lr-reading" }), cross = el("i", { class: "lr-cross", hidden: true });
  const heading = el("b", {}, options.title);
  const plot = el("div", { class: "lr-plot" }, ticks, el("div", { class: "lr-canvas" }, svg, cross));
  const figure = el("figure", { class: "lr-chart st-card" },
    el("figcaption", {}, heading, options.note ? el("small", {}, options.note) : null, legend), plot,
    el("div", { class: "lr-steps" }, first, reading, last));
  let data = series.map(() => []), total = 1;

  const bounds = () => {
    if (options.range) return options.range;
    let low = Infinity, high = -Infinity;
    for (const points of data) for (const [, y] of points) { if (y < low) low = y; if (y > high) high = y; }
    if (!(high > low)) return Number.isFinite(low) ? [low < 0 ? low - 0.5 : Math.max(0, low - 0.5), low + 0.5] : [0, 1];
    const room = 0.05 * (high - low);
    // what is never negative, as a loss, gets no axis below 0
    return [low < 0 ? low - room : Math.max(0, low - room), high + room];
  };
  const draw = () => {
    const [low, high] = bounds(), x = (v) => (WIDTH * v) / total, y = (v) => HEIGHT - (HEIGHT * (v - low)) / (high - low);
    const nodes = [];
    for (let g = 0; g <= 4; g++) nodes.push(shape("line", { x1: 0, x2: WIDTH, y1: (HEIGHT * g) / 4, y2: (HEIGHT * g) / 4, class: "grid", "vector-effect": "non-scaling-stroke" }));
    ticks.replaceChildren(...[0, 1, 2, 3, 4].map((g) => el("span", {}, shown(high - ((high - low) * g) / 4, options.tickDigits))));
    const line = (points, kind) => nodes.push(shape("polyline", { class: kind, fill: "none", "vector-effect": "non-scaling-stroke",
      points: thin(points).map(([px, py]) => x(px).toFixed(1) + "," + y(py).toFixed(1)).join(" ") }));
    series.forEach((s, k) => {
      const kind = "line line" + k + (s.dashed ? " dashed" : "");
      if (s.smooth && data[k].length > 20) { line(data[k], kind + " faint"); line(smoothed(data[k]), kind); } else line(data[k], kind);
      // a line of no length with round ends: a dot that the stretching leaves round
      if (data[k].length === 1) line([data[k][0], data[k][0]], "line dot line" + k);
    });
    svg.replaceChildren(...nodes);
    const newest = (k) => (data[k].length ? shown(data[k][data[k].length - 1][1]) : "–");
    legend.replaceChildren(...series.map((s, k) => el("span", {}, el("i", { class: "line" + k + (s.dashed ? " dashed" : "") }), s.name ? s.name + " " : "", el("b", {}, newest(k)))));
    svg.setAttribute("aria-label", heading.textContent + ": " + series.map((s, k) => s.name + " " + newest(k)).join(", "));
    first.textContent = "step 0";
    last.textContent = "step " + number(total);
  };
  plot.lastChild.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), at = (total * (event.clientX - box.left)) / box.width;
    const near = (points) => points.reduce((best, p) => (!best || Math.abs(p[0] - at) < Math.abs(best[0] - at) ? p : best), null);
    const read = series.map((s, k) => ({ s, p: near(data[k]) })).filter((r) => r.p);
    if (!read.length) return;
    cross.hidden = false;
    cross.style.left = (100 * read[0].p[0]) / total + "%";
    reading.textContent = read.map((r) => `${r.s.name} ${shown(r.p[1])} at ${r.p[0]}`.trim()).join(" · ");
  });
  plot.lastChild.addEventListener("pointerleave", () => { cross.hidden = true; reading.textContent = ""; });
  return {
    figure,
    rename: (title) => { heading.textContent = title; },
    reset: () => { data = series.map(() => []); },
    // a resumed run goes back to its checkpoint: what came after it is drawn anew
    add: (more) => more.forEach((points, k) => {
      for (const p of points) {
        while (data[k].length && data[k][data[k].length - 1][0] >= p[0]) data[k].pop();
        data[k].push(p);
      }
    }),
    empty: () => data.every((points) => !points.length),
    draw: (steps) => { total = Math.max(1, steps, ...data.map((d) => (d.length ? d[d.length - 1][0] : 0))); draw(); },
  };
};
