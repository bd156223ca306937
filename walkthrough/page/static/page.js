// The page works without this script: every stop is a page of its own. The script replaces
// only the chapter when the reader goes to another stop, and adds keys.
'use strict';

const main = document.getElementById('stop');
const select = (selector, within = document) => within.querySelector(selector);
const selectAll = (selector, within = document) => [...within.querySelectorAll(selector)];
const narrow = matchMedia('(max-width: 68rem)');

// --- from stop to stop ---

let latest = 0; // the number of the last request for a stop; answers to earlier ones are dropped

async function go(href, { push = true, y = 0 } = {}) {
  const url = new URL(href, location.href);
  const mine = ++latest;
  let text;
  try {
    const answer = await fetch('/fragment' + url.pathname + url.search);
    if (!answer.ok) throw new Error(answer.statusText);
    text = await answer.text();
  } catch {
    location.href = url; // shows the server's error page
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

// arrived updates the rest of the page to the stop that is shown.
function arrived(y) {
  const stop = select('.stop', main);
  document.title = stop.dataset.title;
  document.getElementById('said').textContent = stop.dataset.said;
  document.body.dataset.route = stop.dataset.route;
  for (const row of selectAll('a.row[aria-current]')) row.removeAttribute('aria-current');
  const row = rows().find((a) => a.pathname === stop.dataset.route);
  row?.setAttribute('aria-current', 'true');
  reveal(row);
  for (const a of selectAll('[data-keep]')) {
    const to = new URL(a.href);
    to.pathname = stop.dataset.route;
    a.href = to;
  }
  for (const hidden of selectAll('input[name=stage]')) hidden.value = stop.dataset.slug;
  main.focus({ preventScroll: true });
  if (y || !narrow.matches) scrollTo(0, y);
  else main.scrollIntoView();
}

// reveal scrolls the list, not the page, to a row.
function reveal(row) {
  const list = select('.stages');
  if (!row || !list) return;
  const at = row.getBoundingClientRect(), frame = list.getBoundingClientRect(), room = 64;
  if (at.top < frame.top + room) list.scrollTop -= frame.top + room - at.top;
  else if (at.bottom > frame.bottom - room) list.scrollTop += at.bottom - frame.bottom + room;
}

const rows = () => selectAll('a.row');

document.addEventListener('click', (event) => {
  const a = event.target.closest('a[data-go]');
  if (!a || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  select('#search')?.close();
  go(a.href);
});

history.scrollRestoration = 'manual';
addEventListener('popstate', (event) => go(location.href, { push: false, y: event.state?.y ?? 0 }));

// --- the bar at the top ---

const themes = ['auto', 'light', 'dark'];

function theme() {
  const html = document.documentElement;
  const next = themes[(themes.indexOf(html.dataset.theme ?? 'auto') + 1) % themes.length];
  if (next === 'auto') delete html.dataset.theme;
  else html.dataset.theme = next;
  const button = select('[data-do=theme]');
  button.textContent = button.dataset[next];
  // The server reads the cookie, so that the next page has the theme before this script runs.
  document.cookie = `glasskv-theme=${next}; path=/; max-age=31536000; samesite=strict`;
}

const help = () => select('#help').showModal();

let stages; // all of them, fetched when first searched

async function search() {
  const dialog = select('#search'), input = select('input', dialog);
  dialog.showModal();
  input.value = '';
  if (!stages) {
    const answer = await fetch('/stages' + location.pathname.replace(/^\/(r\/[^/]*).*/, '/$1') + location.search);
    select('#found').innerHTML = await answer.text();
    stages = selectAll('#found li');
  }
  filter('');
}

function filter(word) {
  const wanted = word.trim().toLowerCase();
  for (const li of stages ?? []) li.hidden = !li.textContent.toLowerCase().includes(wanted);
}

select('#search input')?.addEventListener('input', (event) => filter(event.target.value));
select('#search')?.addEventListener('keydown', (event) => {
  const seen = selectAll('#found li:not([hidden]) a');
  const at = seen.indexOf(document.activeElement);
  if (event.key === 'Enter' && at < 0 && seen.length) seen[0].click();
  else if (event.key === 'ArrowDown') (seen[at + 1] ?? seen[0])?.focus();
  else if (event.key === 'ArrowUp') (seen[at - 1] ?? select('#search input')).focus();
  else return;
  event.preventDefault();
});

const close = () => select('dialog[open]')?.close();

const actions = { theme, help, search, close };

for (const button of selectAll('[data-do]')) button.addEventListener('click', () => actions[button.dataset.do]());

// A menu's list is fetched each time it is opened, because other clients make requests too.
for (const menu of selectAll('details.menu')) {
  menu.addEventListener('toggle', async () => {
    if (!menu.open) return;
    for (const other of selectAll('details.menu[open]')) if (other !== menu) other.open = false;
    const answer = await fetch(menu.dataset.from + location.search);
    if (answer.ok) document.getElementById(menu.dataset.into).innerHTML = await answer.text();
  });
}
document.addEventListener('pointerdown', (event) => {
  const menu = select('details.menu[open]');
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// --- holds and faults, if the server can be steered ---

const heldPanel = document.getElementById('held');
const trace = () => location.pathname.split('/')[2];
const language = () => new URLSearchParams(location.search).get('lang') ?? '';
let waiting = 0; // requests of this page that have not been answered
let watching = false;

const trouble = document.getElementById('wrong');

// showError shows a text until the next call of ask.
function showError(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

// ask is fetch, but shows an error and returns null if there is no answer.
async function ask(path, options) {
  showError('');
  const answer = await fetch(path, options).catch(() => null);
  if (!answer) showError(trouble.dataset.gone);
  return answer;
}

// steer makes a change and returns the new HTML, or null if there is no answer.
async function steer(path, body) {
  const form = new URLSearchParams(body);
  form.set('from', trace());
  form.set('lang', language());
  const answer = await ask(path, { method: 'POST', body: form });
  return answer && answer.text();
}

// showHeld shows the requests that are held. It keeps the focus on the same kind of button.
function showHeld(text) {
  if (text === heldPanel.shown) return;
  const had = heldPanel.contains(document.activeElement) && document.activeElement.dataset.steer;
  heldPanel.innerHTML = heldPanel.shown = text;
  if (had) (select(`[data-steer="${had}"]`, heldPanel) ?? main).focus({ preventScroll: true });
}

// watch updates the requests that are held, as long as any may be.
async function watch() {
  if (!heldPanel || watching) return;
  watching = true;
  do {
    const text = await fetch(`/control/holds?from=${trace()}&lang=${language()}`).then((answer) => answer.ok && answer.text()).catch(() => null);
    if (!text) break;
    showHeld(text);
    await new Promise((done) => setTimeout(done, 300));
  } while (waiting || select('[data-active]', heldPanel));
  watching = false;
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-steer], [data-look]');
  if (!button) return;
  if (button.dataset.look) {
    const answer = await ask(`/control/hold?id=${button.dataset.look}&lang=${language()}`);
    if (!answer) return;
    select('#look > div:last-of-type').innerHTML = await answer.text();
    select('#look').showModal();
    return;
  }
  const text = await steer(button.dataset.steer, button.dataset.body);
  if (!text) return;
  showHeld(text);
  const error = select('.error', heldPanel); // the next update would remove it
  if (error) showError(error.textContent);
  error?.remove();
  if (button.dataset.steer === '/control/break') go(location.href, { push: false, y: scrollY });
  watch();
});

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if ('fault' in form.dataset) {
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const text = await steer('/control/fault', new URLSearchParams(body).toString());
    if (text) select('#faults').innerHTML = text;
  } else if (heldPanel && form.matches('[action="/make"]')) {
    // The request may be held. The page must not be left then, so that the reader can release it.
    event.preventDefault();
    waiting++;
    watch();
    const answer = await ask(form.getAttribute('action'), { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    waiting--;
    if (answer?.redirected) location.href = answer.url;
    else if (answer) showError(select('h1', new DOMParser().parseFromString(await answer.text(), 'text/html'))?.textContent ?? answer.statusText);
  }
});

watch();

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

const follow = (selector) => () => select(selector, main)?.click();

const keys = {
  ArrowLeft: follow('.previous'), ArrowRight: follow('.next'),
  j: () => step(1), k: () => step(-1),
  c: follow('[data-kind=caller]'), e: follow('[data-kind=callee]'), h: follow('[data-kind=handover]'),
  '/': search, '?': help, t: theme, l: () => select('[data-keep=lang]')?.click(),
};

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, dialog[open]')) return;
  // If the focused element scrolls sideways, the arrow keys do that.
  const pre = event.target.closest('pre');
  if (pre && pre.scrollWidth > pre.clientWidth && event.key.startsWith('Arrow')) return;
  if (event.key === 'Escape') {
    const menu = select('details.menu[open]');
    if (menu) menu.open = false;
    return;
  }
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

reveal(select('a.row[aria-current]'));
