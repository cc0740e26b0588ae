// The microphone and the speaker: which there are, how loud it is, and one's own voice a
// second later.
let microphones = $state<MediaDeviceInfo[]>([])
let speakers = $state<MediaDeviceInfo[]>([])
let level = $state(0) // of the microphone, 0..1
let echoes = $state(false)

const kept = (what: string) => localStorage.getItem(what) ?? ''
let microphone = $state(kept('microphone'))
let speaker = $state(kept('speaker'))

export const sound = {
  get microphones() {
    return microphones
  },
  get speakers() {
    return speakers
  },
  get level() {
    return level
  },
  get echoes() {
    return echoes
  },
  get microphone() {
    return microphone
  },
  set microphone(id: string) {
    localStorage.setItem('microphone', (microphone = id))
  },
  get speaker() {
    return speaker
  },
  set speaker(id: string) {
    localStorage.setItem('speaker', (speaker = id))
    void output?.setSinkId?.(id)
  },
}

// openMicrophone throws what the browser does where it is refused, or there is none.
export async function openMicrophone(): Promise<MediaStream> {
  const device = microphone ? { deviceId: { ideal: microphone } } : {}
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device } })
  await listDevices() // names are told once the microphone is allowed
  return stream
}

export async function listDevices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? []
  microphones = all.filter((d) => d.kind === 'audioinput' && d.deviceId)
  speakers = all.filter((d) => d.kind === 'audiooutput' && d.deviceId)
}

let context: AudioContext | undefined
let output: HTMLAudioElement | undefined

export function play(stream: MediaStream) {
  output ??= new Audio()
  output.srcObject = stream
  if (speaker) void output.setSinkId?.(speaker)
  void output.play()
}

export function hush() {
  if (output) output.srcObject = null
}

// measure follows the level of a microphone until the returned function is called; echo
// plays it a second later.
export function measure(stream: MediaStream, echo: () => boolean): () => void {
  context ??= new AudioContext()
  void context.resume()
  const source = context.createMediaStreamSource(stream)
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  source.connect(analyser)
  const delay = context.createDelay(1)
  delay.delayTime.value = 1
  source.connect(delay)
  const samples = new Float32Array(analyser.fftSize)
  const look = setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length
    level = Math.min(1, Math.max(0, 1 + (10 * Math.log10(power + 1e-9)) / 60)) // 60 dB from empty to full
    if (echo() === echoes) return
    echoes = echo()
    if (echoes && context) delay.connect(context.destination)
    else delay.disconnect()
  }, 100)
  return () => {
    clearInterval(look)
    source.disconnect()
    delay.disconnect()
    echoes = false
    level = 0
  }
}
