// A manager and an operator who have no page: everything that they do goes through a
// client that is made from the API's description. It ends with status 0 where the day
// went as it should, and says on its output, as JSON, what came of it.
import createClient from 'openapi-fetch'
import type { components, paths } from '../src/lib/schema'

declare const process: { env: Record<string, string | undefined>; exitCode?: number }

type Schemas = components['schemas']
type Client = ReturnType<typeof createClient<paths>>
type Answer<T> = { data?: T; error?: Schemas['ErrorModel']; response: Response }

const setting = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

const baseUrl = setting('OUTPACE_URL')
const campaign = 'day'

async function ask<T>(what: string, request: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await request
  if (!response.ok) throw new Error(`${what}: ${response.status} ${error?.detail ?? ''}`)
  return data as T
}

function want(what: string, ok: boolean, now: unknown) {
  if (!ok) throw new Error(`${what}: ${JSON.stringify(now)}`)
}

// until asks again and again until an answer is as it should be.
async function until<T>(what: string, read: () => Promise<T>, ok: (now: T) => boolean): Promise<T> {
  const over = Date.now() + 60_000
  for (;;) {
    const now = await read()
    if (ok(now)) return now
    if (Date.now() > over) throw new Error(`${what}: not within a minute; now ${JSON.stringify(now)}`)
    await new Promise((resume) => setTimeout(resume, 200))
  }
}

async function signIn(user: string, password: string): Promise<Client> {
  const open = createClient<paths>({ baseUrl })
  const { token } = await ask('sign in', open.POST('/api/v1/login', { body: { user, password } }))
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } })
}

async function openCampaign(boss: Client) {
  const imported = await ask(
    'import',
    boss.POST('/api/v1/lists/{id}/import', {
      params: { path: { id: campaign }, query: { source: 'a fair', consent: 'signed there' } },
      body: setting('OUTPACE_LIST'),
      bodySerializer: (text) => text,
      headers: { 'Content-Type': 'application/octet-stream' },
    }),
  )
  want('every row of the list is taken', imported.good > 1 && imported.bad_rows === 0, imported)

  const body: Schemas['CampaignInput'] = {
    name: 'A day without a page',
    lists: [campaign],
    trunks: 'line',
    caller_ids: [setting('OUTPACE_CALLER_ID')],
    detection: 'off',
    recording: 'announce',
    pacing: { mode: 'progressive', abandonment_limit: 0.03 },
    wrap: { timeout: 10 * 60e9 },
  }
  const path = { id: campaign }
  const made = await ask('make the campaign', boss.PUT('/api/v1/campaigns/{id}', { params: { path }, body }))
  want('a new campaign does not dial', made.state === 'stopped' && made.version > 0, made)
  const started = await ask('start', boss.POST('/api/v1/campaigns/{id}/start', { params: { path } }))
  want('it dials', started.state === 'running', started.state)
  const paced = await ask('pace', boss.PATCH('/api/v1/campaigns/{id}/pacing', { params: { path, header: { 'If-Match': '*' } }, body: { min_breath: 0.5, max_occupancy: 0.99 } }))
  want('its pace is another one', paced.pacing.min_breath === 0.5 && paced.pacing.mode === 'progressive', paced.pacing)
}

const state = (anna: Client) => ask('state', anna.GET('/api/v1/operator'))

const reaches = (anna: Client, wanted: Schemas['OperatorStatus']) => until(`the operator is ${wanted}`, () => state(anna), (now) => now.state === wanted)

// talk takes one call to its end and returns its attempt.
async function talk(anna: Client, say: (now: Schemas['OperatorState']) => Promise<Schemas['DispositionInBody']>): Promise<string> {
  const now = await reaches(anna, 'talking')
  want('the lead is on the screen', !!now.lead?.name && !!now.attempt && !!now.bridged_at && !!now.dispositions?.length, now)
  await new Promise((resume) => setTimeout(resume, 2500)) // of talk, after the announcement
  await ask('hang up', anna.POST('/api/v1/operator/hangup'))
  const over = await reaches(anna, 'wrapping')
  want('the wrap-up is of the same call', over.attempt === now.attempt, over)
  await ask('disposition', anna.POST('/api/v1/operator/disposition', { body: await say(over) }))
  return now.attempt ?? ''
}

// firstOpening is when the person on the screen may be called back, on the first day
// from tomorrow on that has hours.
async function firstOpening(anna: Client): Promise<string> {
  for (let ahead = 1; ahead <= 14; ahead++) {
    const day = new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10)
    const times = await ask('times', anna.GET('/api/v1/operator/callback-times', { params: { query: { day } } }))
    const open = times?.find((time) => time.open)
    if (open) return open.local
  }
  throw new Error('nobody may be called back within two weeks')
}

async function workShift(anna: Client) {
  await ask('on duty', anna.POST('/api/v1/operator/on-duty', { body: { campaign } }))
  await reaches(anna, 'paused')
  await ask('ready', anna.POST('/api/v1/operator/ready'))
  const sale = await talk(anna, async ({ attempt }) => ({ attempt, disposition: 'sale', note: 'by a client of its own' }))
  const callback = await talk(anna, async ({ attempt }) => {
    await ask('pause', anna.POST('/api/v1/operator/pause', { body: { reason: 'the end of the day' } }))
    return { attempt, disposition: 'callback', callback_local: await firstOpening(anna) }
  })
  await reaches(anna, 'paused')
  await until(
    'the operator has two talks',
    () => ask('own figures', anna.GET('/api/v1/operator/figures')),
    (now) => now.talks === 2 && now.dispositions['sale'] === 1 && now.dispositions['callback'] === 1,
  )
  await ask('off duty', anna.POST('/api/v1/operator/off-duty'))
  await reaches(anna, 'offline')
  return { sale, callback }
}

async function closeCampaign(boss: Client, took: { sale: string; callback: string }) {
  const query = { campaign }
  const attempts = await until(
    'both attempts are over',
    async () => (await ask('attempts', boss.GET('/api/v1/attempts', { params: { query } }))).items,
    (all) => all.length >= 2 && all.every((one) => one.outcome),
  )
  for (const [disposition, id] of Object.entries(took)) {
    const one = attempts.find((attempt) => attempt.id === id)
    const outcome: Schemas['Outcome'] = 'connected'
    want(`the attempt of the ${disposition}`, one?.outcome === outcome && one.disposition === disposition && one.disposed_by === 'anna', one)
  }
  const promised = attempts.find((attempt) => attempt.id === took.callback)
  const lead = await ask('lead', boss.GET('/api/v1/leads/{id}', { params: { path: { id: promised?.lead ?? 0 } } }))
  want('a call is promised', !!lead.entries?.some((entry) => entry.callback), lead.entries)

  await until(
    'the figures know both calls',
    async () => (await ask('live', boss.GET('/api/v1/live'))).campaigns?.find((one) => one.id === campaign),
    (now) => now?.outcomes['connected'] === 2 && now.abandoned === 0,
  )

  const play = boss.GET('/api/v1/recordings/{attempt}', { params: { path: { attempt: took.sale } }, parseAs: 'arrayBuffer' })
  const { data: recording, response } = await play
  want('the recording plays', response.ok && !!recording && recording.byteLength > 16_000, recording?.byteLength ?? response.status)

  const stopped = await ask('stop', boss.POST('/api/v1/campaigns/{id}/stop', { params: { path: { id: campaign } } }))
  want('it dials no more', stopped.state === 'stopped', stopped.state)
  return recording?.byteLength
}

const boss = await signIn(setting('OUTPACE_MANAGER'), setting('OUTPACE_MANAGER_PASSWORD'))
const anna = await signIn('anna', setting('OUTPACE_OPERATOR_PASSWORD'))
await openCampaign(boss)
const took = await workShift(anna)
const recordingBytes = await closeCampaign(boss, took)
console.log(JSON.stringify({ ...took, recordingBytes }))
