// A phone that is not ours: JsSIP in a page registers by SIP over WebSocket, answers what
// calls it, and calls in itself. test/e2e starts it beside a whole product, says by a line
// on standard input what to do, and reads what became of it from standard output.
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { listenIn, open } from './browser.mjs'

const { OUTPACE_URL: base, OUTPACE_USER: user, OUTPACE_PASSWORD: password, OUTPACE_MICROPHONE: microphone } = process.env
const say = (what) => process.stdout.write(what + '\n')

// JsSIP comes as CommonJS; browsers want one script.
const bundle = await build({
  configFile: false, logLevel: 'error', root: fileURLToPath(new URL('..', import.meta.url)),
  build: { write: false, lib: { entry: fileURLToPath(new URL('../node_modules/jssip/lib/JsSIP.js', import.meta.url)), formats: ['iife'], name: 'JsSIP' } },
})
const script = bundle.flat()[0].output[0].code

// Any page of the site will do: nothing of it is used.
const { browser, page, faults } = await open(base + '/api/openapi.json', {
  args: [`--use-file-for-fake-audio-capture=${microphone}`, '--ignore-certificate-errors'], before: listenIn,
})
await page.exposeFunction('say', say)
await page.evaluate(script + '\nglobalThis.JsSIP = JsSIP')

await page.evaluate(([url, user, password]) => {
  const { JsSIP } = globalThis
  const audio = { mediaConstraints: { audio: true, video: false } }
  const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)], uri: `sip:${user}@outpace`, password })
  ua.on('registered', () => globalThis.say('registered'))
  ua.on('unregistered', () => globalThis.say('unregistered'))
  ua.on('registrationFailed', ({ cause }) => globalThis.say(`registration failed: ${cause}`))
  ua.on('newRTCSession', ({ session, originator }) => {
    globalThis.session = session
    const loud = ({ peerconnection }) => peerconnection.addEventListener('track', ({ track }) => {
      globalThis.speaker = Object.assign(new Audio(), { srcObject: new MediaStream([track]), autoplay: true })
    })
    if (originator === 'remote') session.on('peerconnection', loud)
    else loud({ peerconnection: session.connection })
    session.on('confirmed', () => globalThis.say('up'))
    session.on('ended', ({ originator, cause }) => globalThis.say(`ended by ${originator}: ${cause}`))
    session.on('failed', ({ originator, cause }) => globalThis.say(`failed by ${originator}: ${cause}`))
    if (originator === 'remote') session.answer(audio)
  })
  globalThis.phone = { ua, call: (number) => ua.call(`sip:${number}@outpace`, audio) }
  ua.start()
}, [base.replace('http', 'ws') + '/sip', user, password])

const orders = {
  call: (number) => page.evaluate((number) => void globalThis.phone.call(number), number),
  hear: async (hz) => {
    await page.waitForFunction((hz) => Math.abs(globalThis.loudest() - hz) < 30, Number(hz))
    say(`heard ${hz}`)
  },
  press: async (key) => {
    await page.waitForFunction(() => globalThis.session.connection.getSenders()[0]?.dtmf?.canInsertDTMF)
    await page.evaluate((key) => void globalThis.session.sendDTMF(key, { transportType: 'RFC2833' }), key)
  },
  // renew asks for the same session again, with a new way to it or without.
  renew: async (how) => {
    await page.evaluate((restart) => new Promise((done, refused) => {
      const sent = globalThis.session.renegotiate({ rtcOfferConstraints: { iceRestart: restart } }, done)
      if (!sent) refused(new Error('JsSIP is not ready to renegotiate'))
    }), how === 'ice')
    say(`renewed ${how}`)
  },
  hangup: () => page.evaluate(() => void globalThis.session.terminate()),
  unregister: () => page.evaluate(() => void globalThis.phone.ua.unregister()),
}

for await (const line of createInterface({ input: process.stdin })) {
  const [order, argument] = line.split(' ')
  await orders[order](argument)
}
await browser.close()
if (faults.length > 0) throw new Error(faults.join('\n'))
