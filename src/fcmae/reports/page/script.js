"use strict";
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const toggles = [...document.querySelectorAll("[data-toggle]")];
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const COLOURS = 8;
  const DASHES = ["solid", "dash", "dot", "dashdot"];

  // What a colour of the style sheet is in the theme of the moment.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  const isShown = (run) => toggles[run].checked;
  const lineOf = (run) => ({
    color: colour(`run-${run % COLOURS}`),
    dash: DASHES[Math.floor(run / COLOURS) % DASHES.length],
    width: 2,
  });
  const traces = (figure) =>
    figure.data.map((trace) => ({
      ...trace,
      line: lineOf(trace.meta.run),
      marker: { color: colour(`run-${trace.meta.run % COLOURS}`), size: 5 },
      visible: isShown(trace.meta.run),
      ...(figure.byStep && axis.value === "step"
        ? { x: trace.customdata, hovertemplate: "%{y:.5~g}" }
        : {}),
    }));
  const axisOf = (given, extra) => ({
    ...given,
    color: colour("quiet"),
    gridcolor: colour("rule"),
    linecolor: colour("rule"),
    fixedrange: touch,
    ...extra,
  });
  const layoutOf = (figure) => ({
    ...figure.layout,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") },
    paper_bgcolor: colour("plate"),
    plot_bgcolor: colour("plate"),
    hoverlabel: {
      bgcolor: colour("plate"),
      bordercolor: colour("rule"),
      font: { color: colour("ink") },
      namelength: 40,
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("accent") },
    dragmode: touch ? false : "zoom",
    xaxis: axisOf(figure.layout.xaxis, {
      showgrid: false,
      spikecolor: colour("quiet"),
      spikethickness: 1,
      spikedash: "solid",
      unifiedhovertitle: { text: figure.byStep ? `${axis.value} %{x}` : "%{x}" },
      showline: true,
      ...(figure.byStep && axis.value === "step"
        ? { title: { text: "step", standoff: 8 }, hoverformat: ",d" }
        : {}),
    }),
    yaxis: axisOf(figure.layout.yaxis, {
      automargin: true,
      ...(figure.byStep && logarithmic.checked ? { type: "log", dtick: null } : {}),
    }),
  });
  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    modeBarButtons: [["toImage", "resetScale2d"]],
  };
  const axis = document.getElementById("axis");
  const logarithmic = document.getElementById("logarithmic");
  const draw = () => {
    for (const plot of plots) {
      const figure = figures[plot.id];
      Plotly.react(plot, traces(figure), layoutOf(figure), config);
    }
  };

  const showRuns = () => {
    for (const element of document.querySelectorAll("[data-run]")) {
      element.classList.toggle("off", !isShown(element.dataset.run));
    }
    for (const chart of document.querySelectorAll("[data-runs]")) {
      chart.classList.toggle("off", !chart.dataset.runs.split(" ").some(isShown));
    }
    draw();
  };

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const button = document.getElementById("theme");
  const showTheme = () => {
    button.setAttribute("aria-pressed", isDark());
    draw();
  };

  for (const swatch of document.querySelectorAll("[data-colour]")) {
    swatch.dataset.dash = Math.floor(swatch.dataset.colour / COLOURS) % DASHES.length;
    swatch.style.setProperty("--run", `var(--run-${swatch.dataset.colour % COLOURS})`);
  }
  for (const toggle of toggles) toggle.addEventListener("change", showRuns);
  document.getElementById("all")?.addEventListener("click", () => {
    const checked = !toggles.every((toggle) => toggle.checked);
    for (const toggle of toggles) toggle.checked = checked;
    showRuns();
  });
  for (const control of [axis, logarithmic]) control?.addEventListener("change", draw);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);
  for (const series of document.querySelectorAll(".series")) {
    const slider = series.querySelector("input");
    const frames = [...series.querySelectorAll("img")];
    slider?.addEventListener("input", () => {
      frames.forEach((frame, i) => (frame.hidden = i !== Number(slider.value)));
      const { epoch } = frames[slider.value].dataset;
      series.querySelector("output").textContent = epoch;
      slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
    });
    slider?.setAttribute("aria-valuetext", `epoch ${frames[slider.value].dataset.epoch}`);
  }
  showTheme();
})();
