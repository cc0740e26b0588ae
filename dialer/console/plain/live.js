'use strict';
// The plain live page: signs in, follows the event stream, changes the pace.
const $ = (id) => document.getElementById(id);
const told = new URLSearchParams(location.hash.slice(1));
const link = told.get('link');
let signedIn = false; // by a cookie that scripts cannot read
if (location.hash) history.replaceState(null, '', location.pathname);

async function api(method, path, body, tag) {
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...(tag && { 'If-Match': tag }) };
  const answer = await fetch('/api/v1' + path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401 && !path.startsWith('/login')) signOut();
  if (!answer.ok) throw Object.assign(new Error((await answer.json().catch(() => ({}))).detail || answer.statusText), { status: answer.status });
  return answer.status === 204 ? null : answer.json();
}

function signOut() {
  signedIn = false;
  $('login').hidden = false;
  $('live').hidden = true;
}

$('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  try {
    await api('POST', '/login', { user: form.get('user'), password: form.get('password'), cookie: true });
    start();
  } catch (error) {
    $('login-error').textContent = error.message;
  }
});

async function start() {
  try {
    const me = await api('GET', '/me');
    $('who').textContent = `${me.name || me.id} (${me.role})`;
  } catch (error) {
    $('login').hidden = false;
    if (error.status !== 401) $('login-error').textContent = error.message;
    return;
  }
  signedIn = true;
  $('login').hidden = true;
  $('live').hidden = false;
  follow();
}

// follow reads the event stream by hand; it is opened again after a break.
async function follow() {
  while (signedIn) {
    try {
      const answer = await fetch('/api/v1/events/stream');
      if (answer.status === 401) return signOut();
      if (!answer.ok) throw new Error(answer.statusText);
      $('state').textContent = 'live';
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch { /* tried again below */ }
    $('state').textContent = 'connection lost, trying again';
    await new Promise((resume) => setTimeout(resume, 1000));
  }
}

async function read(stream) {
  let text = '';
  for (;;) {
    const { done, value } = await stream.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event), data = /^data: (.*)$/m.exec(event);
      if (name && data && name[1] === 'live') show(JSON.parse(data[1]));
    }
  }
}

const percent = (x) => (100 * x).toFixed(1) + ' %';
const articles = new Map();

// show shows all nodes together: that of this page, and the others as they were some
// seconds ago.
function show(snapshot) {
  const nodes = [snapshot, ...(snapshot.others || [])], campaigns = new Map();
  for (const { node, campaigns: views } of nodes)
    for (const view of views || []) campaigns.set(view.id, [...(campaigns.get(view.id) || []), { ...view, node }]);
  for (const views of campaigns.values()) showCampaign(views);
  showOperators(nodes);
  $('nodes').textContent = nodes.length > 1 ? `nodes: ${nodes.map((n) => `${n.node} ${n.calls} calls${n.draining ? ', draining' : ''}${n.store_down ? ', store down' : ''}`).join(' · ')}` : '';
}

const sum = (views, figure) => views.reduce((total, view) => total + (figure(view) || 0), 0);

// showCampaign shows a campaign from how each node sees it. Live answers and abandoned
// calls are those of all nodes at each; attempts a node counts by itself from what was
// in the store when it came.
function showCampaign(views) {
  const c = views[0], several = views.length > 1;
  let article = articles.get(c.id);
  if (!article) {
    article = $('campaign').content.firstElementChild.cloneNode(true);
    articles.set(c.id, article);
    $('campaigns').append(article);
    wire(article, c);
  }
  const find = (selector) => article.querySelector(selector);
  find('h2').textContent = `${c.name || c.id} (${c.state})`;
  find('.why').textContent = `${c.bound}: ${c.why}`;
  const calls = (state) => sum(views, (v) => (v.calls || {})[state]), rate = c.live ? c.abandoned / c.live : 0;
  const d = c.decision, predicts = c.pacing.mode === 'predictive', overdials = predicts || c.pacing.mode === 'ratio';
  const figures = { Dialling: calls('dialling'), Ringing: calls('ringing'), Detecting: calls('detecting') + calls('doubted') + calls('dropping'), Bridged: calls('bridged'),
    [several ? 'Attempts, at least' : 'Attempts']: Math.max(...views.map((v) => v.attempts)), 'Live answers': c.live, 'Ratio now': d.ratio.toFixed(2), 'Ratio wanted': d.wanted.toFixed(2),
    'Chance to find nobody': predicts ? percent(d.abandon_chance) : '–', 'Allowed chance': predicts ? percent(d.threshold) : '–',
    'May still be abandoned': overdials ? sum(views, (v) => v.decision.credit).toFixed(1) : '–',
    'Operators resting': sum(views, (v) => v.resting) };
  find('dl').replaceChildren(...Object.entries(figures).map(([name, value]) => {
    const div = document.createElement('div'), dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = name; dd.textContent = value; div.append(dt, dd);
    return div;
  }));
  find('.nodes').replaceChildren(...(several ? views : []).map((v) => {
    const row = document.createElement('li'), n = v.calls || {};
    row.textContent = `${v.node}: ${n.dialling || 0} dialling, ${n.ringing || 0} ringing, ${n.bridged || 0} bridged; ratio ${v.decision.ratio.toFixed(2)}; ${v.bound}: ${v.why}`;
    return row;
  }));
  find('.bar span').style.width = Math.min(100, 100 * rate / (c.limit || 0.03)) + '%';
  find('.bar').classList.toggle('over', rate > c.limit);
  find('.abandonment').textContent = `Abandoned ${c.abandoned} of ${c.live} live answers${c.connected_late ? `, ${c.connected_late} of them connected too late` : ''}: ${percent(rate)} (limit ${percent(c.limit)}, last 30 days)`;
  const l = c.leads;
  find('.leads').textContent = `Leads: ${l.ready} due, ${l.waiting} waiting; queues: ${l.queues_open} open, ${l.queues_closed} outside their calling hours${l.empty ? '; ' + l.empty : ''}`;
}

function wire(article, c) {
  const form = article.querySelector('.pace'), said = article.querySelector('.said');
  form.mode.value = c.pacing.mode; form.ratio.value = c.pacing.ratio || 1;
  form.max_ratio.value = c.pacing.max_ratio || 0; form.limit.value = +(100 * c.limit).toFixed(2);
  form.max_occupancy.value = Math.round(100 * (c.pacing.max_occupancy || 0)); form.min_breath.value = c.pacing.min_breath || 0;
  // What the form is based on: where somebody else was faster, it is applied at the second try.
  let tag;
  const base = async () => { tag = (await fetch(`/api/v1/campaigns/${c.id}`)).headers.get('ETag'); };
  const based = base().catch(() => {}); // asked again after the first try
  const tell = async (what) => { try { await what(); said.textContent = 'done'; } catch (error) { said.textContent = error.message; } };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    tell(async () => {
      await based;
      try {
        await api('PATCH', `/campaigns/${c.id}/pacing`, { mode: form.mode.value, ratio: +form.ratio.value, max_ratio: +form.max_ratio.value,
          abandonment_limit: +form.limit.value / 100, max_occupancy: +form.max_occupancy.value / 100, min_breath: +form.min_breath.value }, tag);
      } finally {
        await base();
      }
    });
  });
  for (const button of form.querySelectorAll('[data-do]'))
    button.addEventListener('click', () => tell(async () => { await api('POST', `/campaigns/${c.id}/${button.dataset.do}`); await base(); }));
}

const stateOf = (o) => o.rest_until ? 'resting' : o.state;

// showOperators shows everybody once: who went to another node is offline at the last.
function showOperators(nodes) {
  const all = nodes.flatMap((n) => (n.operators || []).map((o) => ({ ...o, node: n.node, now: Date.parse(n.at) })));
  const busy = new Set(all.filter((o) => o.state !== 'offline').map((o) => o.user));
  const operators = all.filter((o) => o.state !== 'offline' || !busy.has(o.user)).sort((a, b) => (a.user < b.user ? -1 : 1));
  const counts = {};
  for (const o of operators) { const s = stateOf(o); counts[s] = (counts[s] || 0) + 1; }
  $('operator-counts').textContent = Object.entries(counts).map(([state, n]) => `${state} ${n}`).join(' · ');
  $('operators').replaceChildren(...operators.map((o) => {
    const row = document.createElement('tr');
    const seconds = Math.max(0, Math.round((o.now - Date.parse(o.since)) / 1000));
    const next = o.rest_until && `resting, next call from ${new Date(o.rest_until).toLocaleTimeString('en-GB')}`;
    for (const text of [o.user, o.node, stateOf(o), `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`, o.reason || (o.lead && o.lead.name) || next || o.idle || '']) {
      const cell = document.createElement('td');
      cell.textContent = text;
      row.append(cell);
    }
    row.children[2].className = o.state;
    return row;
  }));
}

// offer shows how people may sign in besides by password. That a provider's sign-in came
// to nothing stands in the address, and why, for the one who looks after this.
async function offer() {
  const ways = await api('GET', '/login/ways').catch(() => ({}));
  $('provider').hidden = !ways.provider;
  $('provider').firstElementChild.textContent = `Sign in with ${ways.provider}`;
  const why = told.get('refused');
  if (why) $('login-error').textContent = `You are not signed in (${/^[a-z_]+$/.test(why) ? why : 'internal'}).`;
}

// A link signs in once.
async function enter() {
  await offer();
  try {
    if (link) await api('POST', '/login/link', { code: link, cookie: true });
  } catch (error) {
    $('login-error').textContent = error.message;
  }
  start();
}

enter();
