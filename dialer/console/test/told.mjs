// Events that the test makes in place of the server's stream: states that a real floor is
// in for a moment only, or on a bad day, can be looked at for as long as it takes.

// listenToTest runs in the page before its own script: the event stream is the test's.
export function listenToTest() {
  const real = globalThis.fetch
  let stream
  globalThis.fetch = (to, ...more) =>
    String(to?.url ?? to).includes('/events/stream') ? Promise.resolve(new Response(new ReadableStream({ start: (controller) => void (stream = controller) }))) : real(to, ...more)
  globalThis.told = (name, data) => stream && stream.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)) === undefined
}

// tell is an event for the page, as soon as it listens.
export const tell = (page, name, data) => page.waitForFunction(([name, data]) => globalThis.told?.(name, data), [name, data])

// answer has requests for a path answered by the test.
export const answer = (page, path, json, status = 200) => page.route((url) => url.pathname === path, (route) => route.fulfill({ status, json }))

const ago = (seconds) => new Date(Date.now() - 1000 * seconds).toISOString()
const ahead = (seconds) => ago(-seconds)

export const lead = {
  id: 7, list: 'spring', external_id: 'A-7', name: 'Zbigniew Konstanty Brzęczyszczykiewicz', created_at: ago(9e6), updated_at: ago(9e5),
  note: 'Rings back after six; ask for Ms Żółkiewska. 请说中文。', grades: { cp: 4, pi: 3, level: 2, progress: 60, stage: 'acquire', temperature: 'hot' },
  numbers: [], fields: { city: 'Łódź', 'customer since': '2019', mail: 'zbigniew.konstanty.brzeczyszczykiewicz@customers.example' },
}
const effect = (more) => ({ bad_number: false, callback: false, do_not_call: false, final: false, progress: 0, retry_after: 0, stage: '', temperature: '', ...more })
const dispositions = [
  { code: 'sale', label: '', digit: '1', effect: effect({ final: true, progress: 100, temperature: 'hot' }) },
  { code: 'callback', label: '', digit: '3', effect: effect({ callback: true }) },
  { code: 'do_not_call', label: '', digit: '5', effect: effect({ do_not_call: true, final: true }) },
  { code: 'no_decision', label: '', digit: '6', effect: effect({ retry_after: 86_400e9 }) },
]
const person = { lead, attempt: 'a-7', number: '+48 *** *** 117', zones: ['Europe/Warsaw'], campaign: 'spring', dispositions }
const own = (more) => ({ lead, may_dial: true, own_call: { attempt: 'a-7', lead: 7, ...more } })

// desks are an operator's states, by name of the picture.
export const desks = {
  connecting: { state: 'connecting' },
  resting: { state: 'ready', rest_until: ahead(3600) },
  calling: { state: 'reserved', ...person },
  'own-ringing': { state: 'reserved', ...own({ state: 'ringing' }) },
  'own-over': { state: 'ready', may_dial: true, lead, own_call: { attempt: 'a-7', lead: 7, outcome: 'trunk_rejected' } },
  'taken-back': { state: 'ready', taken_back: 'the last call was taken back: an assistant that screens calls answered', since: ago(20) },
  lost: { state: 'lost', ...person },
  'called-us': {
    state: 'talking', talk: 'bridged', ...person, zones: ['Europe/Warsaw', 'America/New_York'], line: 'your microphone is silent: the customer does not hear you', phone_away: true,
    pause_requested: true, reason: 'lunch', crm: { url: 'https://crm.example/7', auto: false },
    called_in: { at: ago(90), number: '+48221110000', waited: 41, called_at: ago(86_400), called_outcome: 'out_of_order', new: true, do_not_call: true },
    called_for: { attempts: 3, priority: 0.734, segment: 'renewals', last_outcome: 'false_answer', last_at: ago(86_400), talked_to: 'bert', callback: { at: ahead(600), personal: true } },
    objections: '! Too dear\nWhat do you pay today?\n- A lot -> Offer', form: [{ name: 'contract', label: 'Contract until', kind: 'date', required_for: ['sale'] }],
    script: '# Greeting\nGood day, this is {operator}. Am I speaking with {name}?\n- Yes, and I have a minute -> Offer\n- Nobody of that name -> Close\n\n# Offer\nA fifth less.\n\n# Close\nThank you.',
  },
  asking: { state: 'talking', talk: 'asking', ...person, third: { operator: 'bert', since: ago(5), up: false }, transfer_numbers: ['+48221110000'] },
}

// history is what was talked about with the person before.
export const history = [
  { at: ago(86_400), campaign: 'spring', disposition: 'callback', operator: 'bert', outcome: 'connected', seconds: 192, note: 'wants it in writing',
    audio: { customer: { mos: 2.9, loss: 0.061 }, operator: { mos: 4.3, loss: 0 }, one_way: [{ side: 'operator', cause: 'silent', after_seconds: 1 }] } },
  ...['number_changed', 'blocked', 'unwanted', 'redirected'].map((outcome, i) => ({ at: ago(9e5 + i * 9e4), campaign: 'spring', outcome })),
]

const decision = (more) => ({
  abandon_chance: 0.012, answer_probability: 0.31, bound: 'abandonment', credit: 1.4, dial: 0, live: 512, ratio: 1.83, threshold: 0.02, wanted: 2.4, why: '', ...more,
})
const campaign = (more) => ({
  id: 'spring', name: 'Spring renewals', state: 'running', abandoned: 14, live: 512, connected_late: 3, attempts: 2140, limit: 0.03, outcomes: {}, resting: 1,
  calls: { dialling: 3, ringing: 7, detecting: 1, bridged: 4 }, pacing: { mode: 'predictive', ratio: 1, max_ratio: 3, abandonment_limit: 0.03, cancel: false },
  bound: 'abandonment', why: '2 of 6 operators free, 4 calls in flight; one more would find nobody with chance 2.4%, allowed 2.0% (1.4 of 512 live answers may still be abandoned)',
  decision: decision(), leads: { held: 0, ready: 310, waiting: 1204, queues_open: 2, queues_closed: 3 },
  inbound: { gave_up: 1, refused: 0, served: 8, served_in_time: 6, taken: 11, turned_away: 0, waiting: 2, waiting_since: ago(31) }, ...more,
})
const held = campaign({
  id: 'autumn', name: 'Autumn', state: 'hold', abandoned: 19, connected_late: 0, calls: {}, bound: 'stopped', why: 'the campaign is held: abandonment limit reached', resting: 0,
  leads: { held: 0, ready: 0, waiting: 12, queues_open: 0, queues_closed: 4, empty: 'windows_closed' }, inbound: { taken: 0 },
})
const at = (user, state, more) => ({ user, state, since: ago(95), ...more })
const operators = [
  at('anna', 'talking', { lead, line: 'your microphone is silent: the customer does not hear you' }), at('bert', 'ready', { rest_until: ahead(3600) }),
  at('celine', 'paused', { reason: 'paperwork' }), at('dmitri', 'lost'), at('elif', 'wrapping', { lead }), at('farid', 'ready', { idle: 'abandonment: no credit is left' }), at('gosia', 'offline'),
]
const node = (name, more) => ({ at: ago(0), node: name, calls: 15, draining: false, mailbox: 0, store_down: false, campaigns: [campaign(), held], operators: [], ...more })

// floors are what a manager sees, by name of the picture.
export const floors = {
  'live-nobody': { ...node('one'), campaigns: [] },
  'live-bad-day': { ...node('one', { operators }), others: [node('two', { draining: true }), node('three', { store_down: true, calls: 0, campaigns: [] })] },
}

const hour = (more) => ({
  acd_seconds: 74, answered: 91, asr: 0.29, calls: 312, codes: [{ code: 200, calls: 91 }, { code: 486, calls: 77 }, { code: 480, calls: 60 }, { code: 0, calls: 2 }], false_share: 0.04, ner: 0.84,
  pdd_p50_seconds: 1.8, pdd_p95_seconds: 6.4, short_share: 0.11, ...more,
})
const trunk = (name, more) => ({
  trunk: name, group: 'lines', channels: 12, max_channels: 50, cps: 5, full_cps: 5, ringing: 4, up: true, targets: 2, targets_up: 2, options_rtt_seconds: 0.021, registers: false, caller_ids: [], hour: hour(), ...more,
})

// trunks are carriers in all states.
export const trunks = [
  trunk('north', { caller_ids: [{ caller_id: '+48221110000', hour: hour(), suspect: true }, { caller_id: '+48221110001', hour: hour(), rests_until: ahead(3600) }] }),
  trunk('south', { cps: 2.5, registers: true, registered_until: ahead(900), channels: 50 }),
  trunk('east', { paused: true, why: 'the carrier asked for a pause (503, Retry-After)', registers: true }),
  trunk('west', { up: false, targets_up: 0, options_rtt_seconds: 0, hour: hour({ calls: 0, answered: 0, codes: [], pdd_p50_seconds: 0, pdd_p95_seconds: 0 }) }),
]
