// One clock for every time that is shown: that of the server, as far as it is known.
let skew = 0 // ms that the server is ahead
let now = $state(Date.now())
setInterval(() => (now = Date.now() + skew), 500)

export const clock = {
  get now() {
    return now
  },
}

// setClock takes the Date header of an answer, which counts in seconds: small
// differences are none.
export function setClock(date: string | null) {
  const ahead = date ? Date.parse(date) - Date.now() : NaN
  if (Number.isFinite(ahead)) skew = Math.abs(ahead) > 2000 ? ahead : 0
}
