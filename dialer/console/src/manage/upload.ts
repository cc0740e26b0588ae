import { problem } from '../lib/api'
import { session } from '../lib/session.svelte'

// upload sends a file as it is and tells how much of it has left, from 0 to 1: fetch does
// not say that.
export function upload<Report>(path: string, query: Record<string, string>, file: File, told: (share: number) => void): Promise<Report> {
  return new Promise((done, failed) => {
    const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value))
    const request = new XMLHttpRequest()
    request.open('POST', `${path}?${asked}`)
    request.responseType = 'json'
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = (event) => told(event.lengthComputable ? event.loaded / event.total : 0)
    request.onload = () => {
      if (request.status === 401) session.end()
      if (request.status === 200) done(request.response as Report)
      else failed(problem(request.status, (request.response as Parameters<typeof problem>[1] | null) ?? undefined))
    }
    request.onerror = () => failed(problem(0, { code: 'offline' }))
    request.send(file)
  })
}
