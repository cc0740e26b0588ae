import { t, type Key } from '../i18n/i18n.svelte'
import { api, ask, Problem, said, type Schemas } from '../lib/api'
import { hush, openMicrophone, play } from './sound.svelte'

// The browser as the operator's phone: one line to the server over WebRTC, open for the
// whole shift. The page makes the offer, the server answers; when the line breaks, it is
// made again, and the call goes on.
export type PhoneState = 'off' | 'connecting' | 'connected' | 'broken' | 'failed' | 'taken'

let phoneState = $state<PhoneState>('off')
let why = $state.raw<unknown>('') // see said
let muted = $state(false)
let line: RTCPeerConnection | undefined
let session = '' // of the line, as the server names it
let connectedAt = 0
let microphone = $state<MediaStream>()

export const phone = {
  get state() {
    return phoneState
  },
  get why() {
    return said(why)
  },
  get muted() {
    return muted
  },
  get microphone() {
    return microphone
  },
}

// wanted is kept over a reload of the page.
const wanted = 'headset'
export const wasConnected = () => sessionStorage.getItem(wanted) !== null

export async function connect() {
  phoneState = 'connecting'
  why = ''
  try {
    if (!navigator.mediaDevices) throw new Error(t('phone.insecure'))
    microphone ??= await openMicrophone()
    for (const track of microphone.getAudioTracks()) track.onended = () => fail(() => t('phone.unplugged'))
    await call(microphone)
    sessionStorage.setItem(wanted, '1')
  } catch (error) {
    fail(() => reason(error))
  }
}

// change takes another microphone into the open line.
export async function changeMicrophone() {
  if (!microphone) return
  stop(microphone)
  microphone = await openMicrophone()
  const [track] = microphone.getAudioTracks()
  if (!track) return
  track.enabled = !muted
  await line?.getSenders()[0]?.replaceTrack(track)
}

export async function disconnect() {
  sessionStorage.removeItem(wanted)
  hangUp()
  phoneState = 'off'
  if (microphone) stop(microphone)
  microphone = undefined
  muted = false
  await api.DELETE('/api/v1/operator/phone', { params: { query: { session } } }).catch(() => undefined)
}

export function mute() {
  muted = !muted
  for (const track of microphone?.getAudioTracks() ?? []) track.enabled = !muted
}

async function call(from: MediaStream) {
  hangUp()
  const pc = new RTCPeerConnection()
  line = pc
  pc.ontrack = (event) => play(event.streams[0] ?? new MediaStream([event.track]))
  pc.onconnectionstatechange = () => line === pc && follow(pc)
  const track = from.getAudioTracks()[0]
  if (!track) throw new Error(t('phone.missing'))
  track.enabled = !muted
  const both = pc.addTransceiver(track, { direction: 'sendrecv', streams: [from] })
  const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? []
  both.setCodecPreferences(codecs.filter((c) => /pcm[ua]$/i.test(c.mimeType) || (/telephone-event/i.test(c.mimeType) && c.clockRate === 8000)))
  await pc.setLocalDescription(await pc.createOffer())
  await gathered(pc)
  const answer = await ask(api.POST('/api/v1/operator/phone', { body: { sdp: pc.localDescription?.sdp ?? '' } }))
  session = answer.session
  await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp })
}

// What the server says right after we connected may be of the line before.
const settling = 2000

// hear takes what the server says of the phone: another tab or computer may have it now.
export function hear(told: Schemas['Phone']) {
  if (Date.now() - connectedAt < settling) return
  if (!line || told.kind !== 'browser' || !told.session || told.session === session || phoneState !== 'connected') return
  hangUp()
  if (microphone) stop(microphone)
  microphone = undefined
  sessionStorage.removeItem(wanted)
  phoneState = 'taken'
}

function hangUp() {
  line?.close()
  line = undefined
  hush()
}

// A line that is only disturbed gets this long to come back by itself.
const patience = 3000

function follow(pc: RTCPeerConnection) {
  switch (pc.connectionState) {
    case 'connected':
      phoneState = 'connected'
      connectedAt = Date.now()
      break
    case 'disconnected':
      phoneState = 'broken'
      setTimeout(() => line === pc && pc.connectionState !== 'connected' && again(), patience)
      break
    case 'failed':
      phoneState = 'broken'
      void again()
  }
}

async function again() {
  if (!microphone) return
  try {
    await call(microphone)
  } catch (error) {
    if (error instanceof Problem && error.status !== 0) return fail(() => reason(error))
    const broken = line
    setTimeout(() => line === broken && again(), patience)
  }
}

function fail(because: () => string) {
  hangUp()
  if (microphone) stop(microphone)
  microphone = undefined
  phoneState = 'failed'
  why = because
}

function stop(stream: MediaStream) {
  for (const track of stream.getTracks()) {
    track.onended = null
    track.stop()
  }
}

const reasons: Record<string, Key> = { NotAllowedError: 'phone.refused', NotFoundError: 'phone.missing', OverconstrainedError: 'phone.missing' }

function reason(error: unknown): string {
  if (error instanceof Problem && (error.status === 404 || error.status === 501)) return t('phone.none') // a server of before
  if (!(error instanceof Error)) return String(error)
  const key = reasons[error.name]
  return key ? t(key) : error.message
}

// gathered waits for the addresses of this side; there is no trickle.
function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === 'complete') return Promise.resolve()
  return new Promise((done) => {
    const late = setTimeout(done, 1000)
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState !== 'complete') return
      clearTimeout(late)
      done()
    }
  })
}
