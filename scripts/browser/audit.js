// Measures what can be measured of a page. The value of this expression, which the test
// reads, is a list of what is wrong.
(() => {
  const problems = [];
  const wrong = (what, e) => problems.push(what + ': ' + e.outerHTML.replace(/\s+/g, ' ').slice(0, 140));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  // --- colours: a canvas turns every notation into red, green, blue and alpha ---

  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  const cache = new Map();
  function rgba(colour) {
    if (!cache.has(colour)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      cache.set(colour, [r, g, b, a / 255]);
    }
    return cache.get(colour);
  }
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  function background(e) {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  }
  function luminance([r, g, b]) {
    const linear = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  }
  function contrast(colour, e) {
    const behind = background(e);
    const [a, b] = [luminance(over(rgba(colour), behind)), luminance(behind)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  const told = new Set(); // complain once about each kind of problem
  function readable(e, colour, least, what) {
    const ratio = contrast(colour, e);
    const kind = `${what} ${colour} ${background(e).map(Math.round)}`;
    if (ratio < least && !told.has(kind)) {
      told.add(kind);
      wrong(`contrast ${ratio.toFixed(2)} of ${what} ${colour}, at least ${least}`, e);
    }
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !seen(e) || e.closest('.hidden, script, option')) continue;
    const style = getComputedStyle(e);
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
    // A sign that only repeats the words beside it counts as a drawing.
    const drawing = e.matches('.row .name b, .bars .on');
    readable(e, e instanceof SVGElement ? style.fill : style.color, large || drawing ? 3 : 4.5, 'text');
  }
  for (const line of all('.line')) if (seen(line)) readable(line, getComputedStyle(line, '::before').color, 4.5, 'line number');
  for (const bar of all('.bars .wait')) {
    const { fill } = getComputedStyle(bar);
    if (fill.startsWith('url')) continue;
    readable(bar, fill, 3, 'bar');
  }

  // --- structure: what a screen reader relies on ---

  let level = 0;
  for (const h of all('h1, h2, h3, h4, h5, h6').filter(seen)) {
    const now = +h.tagName[1];
    if (now > level + 1 && level) wrong(`a heading of level ${now} below one of ${level}`, h);
    level = now;
  }
  if (all('h1').length !== 1) problems.push(`${all('h1').length} first headings`);
  if (all('main').length !== 1) problems.push(`${all('main').length} main parts`);
  if (!document.documentElement.lang) problems.push('the page has no language');
  const ids = all('[id]').map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push('two things are called ' + id);
  const name = (e) => e.getAttribute('aria-label') || document.getElementById(e.getAttribute('aria-labelledby'))?.textContent ||
    e.textContent.trim() || e.getAttribute('alt') || e.labels?.[0]?.textContent;
  for (const e of all('a, button, summary, input:not([type=hidden]), select, nav, section, dialog, pre[tabindex]')) if (!name(e)) wrong('no name', e);
  for (const e of all('img:not([alt])')) wrong('no text instead of the picture', e);
  for (const e of all('[aria-labelledby]')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) wrong('labelled by nothing', e);
  for (const e of all('svg').filter((e) => !e.closest('[aria-hidden]'))) wrong('a drawing that is neither named nor hidden', e);

  // --- layout ---

  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    problems.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
    for (const e of all('body *')) {
      if (e.getBoundingClientRect().right > width + 1 && seen(e) && !e.closest('pre, .hidden')) { wrong('beyond the edge', e); break; }
    }
  }
  for (const e of all('.button, summary, .row, #found a')) {
    const box = e.getBoundingClientRect();
    if (seen(e) && (box.height < 24 || box.width < 24)) wrong(`a target of ${box.width.toFixed()} by ${box.height.toFixed()}`, e);
  }
  const p = all('.prose p').find(seen);
  if (p) {
    const size = parseFloat(getComputedStyle(p).fontSize);
    const chinese = document.documentElement.lang.startsWith('zh');
    const characters = p.getBoundingClientRect().width / (chinese ? size : size * 0.5);
    if (characters > (chinese ? 46 : 90)) wrong(`lines of ${characters.toFixed()} characters`, p);
  }
  return problems;
})()
