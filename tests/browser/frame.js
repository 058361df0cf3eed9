// The script of frame.html: a file of its own, so that its text is not in the page that is read back.
const [width, ...rest] = location.hash.slice(1).split(",");
const frame = document.querySelector("iframe");
frame.style.width = width + "px";
frame.style.height = "1000px";
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement, found = [];
  const folded = [...page.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
  frame.style.height = root.scrollHeight + "px";
  if (root.scrollWidth > Number(width)) found.push(`wider than its window: ${root.scrollWidth} px`);
  for (const figure of page.querySelectorAll("svg.figure")) {
    const box = figure.getBoundingClientRect(), name = figure.getAttribute("aria-label");
    if (box.width < 200 || box.height < 20) found.push(`figure of ${box.width} x ${box.height} px: ${name}`);
    const edge = figure.getBoundingClientRect();
    for (const text of figure.querySelectorAll("text")) {
      const place = text.getBoundingClientRect();
      if (place.left < edge.left - 2 || place.right > edge.right + 2) found.push(`text cut off in '${name}': ${text.textContent}`);
      if (parseFloat(getComputedStyle(text).fontSize) * box.width / 360 < 8.5 && !text.classList.contains("count"))
        found.push(`text too small in '${name}': ${text.textContent}`);
    }
    if (/NaN|Infinity|undefined/.test(figure.outerHTML)) found.push(`no number in '${name}'`);
  }
  for (const image of page.images) if (!image.complete || !image.naturalWidth) found.push(`picture not shown: ${image.alt}`);
  for (const entry of frame.contentWindow.performance.getEntriesByType("resource"))
    if (!entry.name.startsWith("data:")) found.push(`loads ${entry.name}`);
  for (const details of folded) details.open = false;
  frame.style.height = "1000px";
  const height = root.scrollHeight;
  frame.style.height = height + "px";
  const counts = `${page.querySelectorAll("svg.figure").length} figures, ${page.images.length} pictures, ${page.querySelectorAll("table").length} tables, ${page.querySelectorAll("h2").length} sections`;
  document.querySelector("pre").textContent =
    [`MEASURED ${counts}, height ${height}`, ...found.map((line) => "WRONG " + line)].join("\n");
};
frame.src = rest.join(",");
