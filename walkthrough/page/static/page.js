// The page works without this script: every stop is a page of its own. With it,
// going to another stop changes only the chapter, and there are keys.
'use strict';

const main = document.getElementById('stop');
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const narrow = matchMedia('(max-width: 68rem)');

// --- from stop to stop ---

let latest = 0; // the last one asked for; an answer to an earlier question comes too late

async function go(href, { push = true, y = 0 } = {}) {
  const url = new URL(href, location.href);
  const mine = ++latest;
  let text;
  try {
    const answer = await fetch('/fragment' + url.pathname + url.search);
    if (!answer.ok) throw new Error(answer.statusText);
    text = await answer.text();
  } catch {
    location.href = url; // the server says what is wrong
    return;
  }
  if (mine !== latest) return;
  if (push) {
    history.replaceState({ y: scrollY }, '');
    history.pushState({ y: 0 }, '', url);
  }
  main.innerHTML = text;
  arrived(y);
}

// arrived brings everything else in line with the stop that is shown.
function arrived(y) {
  const stop = one('.stop', main);
  document.title = stop.dataset.title;
  document.getElementById('said').textContent = stop.dataset.said;
  document.body.dataset.route = stop.dataset.route;
  for (const row of all('a.row[aria-current]')) row.removeAttribute('aria-current');
  const row = rows().find((a) => a.pathname === stop.dataset.route);
  row?.setAttribute('aria-current', 'true');
  reveal(row);
  for (const a of all('[data-keep]')) {
    const to = new URL(a.href);
    to.pathname = stop.dataset.route;
    a.href = to;
  }
  for (const hidden of all('input[name=stage]')) hidden.value = stop.dataset.slug;
  main.focus({ preventScroll: true });
  if (y || !narrow.matches) scrollTo(0, y);
  else main.scrollIntoView();
}

// reveal scrolls the list, not the page, to a row.
function reveal(row) {
  const list = one('.stages');
  if (!row || !list) return;
  const at = row.getBoundingClientRect(), frame = list.getBoundingClientRect(), room = 64;
  if (at.top < frame.top + room) list.scrollTop -= frame.top + room - at.top;
  else if (at.bottom > frame.bottom - room) list.scrollTop += at.bottom - frame.bottom + room;
}

const rows = () => all('a.row');

document.addEventListener('click', (event) => {
  const a = event.target.closest('a[data-go]');
  if (!a || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  one('#search')?.close();
  go(a.href);
});

history.scrollRestoration = 'manual';
addEventListener('popstate', (event) => go(location.href, { push: false, y: event.state?.y ?? 0 }));

// --- what the bar does ---

const themes = ['auto', 'light', 'dark'];

function theme() {
  const html = document.documentElement;
  const next = themes[(themes.indexOf(html.dataset.theme ?? 'auto') + 1) % themes.length];
  if (next === 'auto') delete html.dataset.theme;
  else html.dataset.theme = next;
  const button = one('[data-do=theme]');
  button.textContent = button.dataset[next];
  // A cookie, so that the next page is drawn in it from the start.
  document.cookie = `glasskv-theme=${next}; path=/; max-age=31536000; samesite=strict`;
}

const help = () => one('#help').showModal();

let stages; // all of them, fetched when first searched

async function search() {
  const dialog = one('#search'), input = one('input', dialog);
  dialog.showModal();
  input.value = '';
  if (!stages) {
    const answer = await fetch('/stages' + location.pathname.replace(/^\/(r\/[^/]*).*/, '/$1') + location.search);
    one('#found').innerHTML = await answer.text();
    stages = all('#found li');
  }
  filter('');
}

function filter(word) {
  const wanted = word.trim().toLowerCase();
  for (const li of stages ?? []) li.hidden = !li.textContent.toLowerCase().includes(wanted);
}

one('#search input')?.addEventListener('input', (event) => filter(event.target.value));
one('#search')?.addEventListener('keydown', (event) => {
  const seen = all('#found li:not([hidden]) a');
  const at = seen.indexOf(document.activeElement);
  if (event.key === 'Enter' && at < 0 && seen.length) seen[0].click();
  else if (event.key === 'ArrowDown') (seen[at + 1] ?? seen[0])?.focus();
  else if (event.key === 'ArrowUp') (seen[at - 1] ?? one('#search input')).focus();
  else return;
  event.preventDefault();
});

const close = () => one('dialog[open]')?.close();

const doing = { theme, help, search, close };

for (const button of all('[data-do]')) button.addEventListener('click', () => doing[button.dataset.do]());

// The list of requests is asked for anew when it is opened: others make some too.
one('details.menu')?.addEventListener('toggle', async (event) => {
  if (!event.target.open) return;
  const answer = await fetch('/requests' + location.pathname + location.search);
  if (answer.ok) one('#requests').innerHTML = await answer.text();
});
document.addEventListener('pointerdown', (event) => {
  const menu = one('details.menu[open]');
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// --- keys ---

// step moves the focus in the list of stages.
function step(by) {
  const list = rows();
  let at = list.indexOf(document.activeElement);
  if (at < 0) at = list.findIndex((a) => a.hasAttribute('aria-current'));
  else at += by;
  const row = list[Math.max(0, Math.min(at, list.length - 1))];
  row?.focus({ preventScroll: true });
  reveal(row);
}

const follow = (selector) => () => one(selector, main)?.click();

const keys = {
  ArrowLeft: follow('.previous'), ArrowRight: follow('.next'),
  j: () => step(1), k: () => step(-1),
  c: follow('[data-kind=caller]'), e: follow('[data-kind=callee]'), h: follow('[data-kind=handover]'),
  '/': search, '?': help, t: theme, l: () => one('[data-keep=lang]')?.click(),
};

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, dialog[open]')) return;
  // Where there is something to scroll sideways, the arrows do that.
  const pre = event.target.closest('pre');
  if (pre && pre.scrollWidth > pre.clientWidth && event.key.startsWith('Arrow')) return;
  if (event.key === 'Escape') {
    const menu = one('details.menu[open]');
    if (menu) menu.open = false;
    return;
  }
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

reveal(one('a.row[aria-current]'));
