// Strangers by the thousand: so many requests a second, from many loopback addresses, half of them on connections that
// stay open and half on new ones. Standing input, one JSON: {port, rate, seconds, addresses, kept}. Standard output, one
// JSON: what was sent, when it was not on time, and what was answered, by address and status.

import net from 'node:net'
import { randomBytes } from 'node:crypto'
import { readInput } from './load.mjs'

const { port, rate, seconds, addresses, kept } = await readInput()

const sent = {}
const answered = {}
const failed = {}
let lateMs = 0
const count = (table, name) => { table[name] = (table[name] ?? 0) + 1 }
const random = (below) => Math.floor(Math.random() * below)
const token = () => randomBytes(32).toString('base64url')

/** One of the loopback addresses, and never the one that the signed-in people come from. */
const address = () => { const n = 1 + random(addresses); return `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${1 + (n & 127)}` }

/** Sign-ins that were begun here and not finished: the browser's cookie and the state. */
const begun = []

const helperQuery = () =>
  'response_type=code&client_id=lodge-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A49152%2Fcallback&state=s' +
  `&code_challenge=${token()}&code_challenge_method=S256&host=flood`
const form = (path, fields) => ({ method: 'POST', path, body: new URLSearchParams(fields).toString() })
const get = (path, cookie) => ({ method: 'GET', path, cookie })

const kinds = [
  ['/auth/{c}/start', () => get('/auth/campus/start?return_to=%2F')],
  ['/auth/{c}/callback', () => get(`/auth/campus/callback?code=${token()}&state=${token()}`)],
  // With a sign-in of its own, begun above: the broker has to ask the provider about the code.
  ['/auth/{c}/callback begun', () => {
    const one = begun.pop()
    return one && get(`/auth/campus/callback?code=${token()}&state=${one.state}`, one.cookie)
  }],
  ['/sign-in', () => get('/sign-in')],
  ['/oauth/authorize', () => get(`/oauth/authorize?${helperQuery()}`)],
  ['/oauth/token code', () => form('/oauth/token', {
    grant_type: 'authorization_code', client_id: 'lodge-cli', code: token(), code_verifier: token(),
    redirect_uri: 'http://127.0.0.1:49152/callback' })],
  ['/oauth/token refresh', () => form('/oauth/token', {
    grant_type: 'refresh_token', client_id: 'lodge-cli', refresh_token: `lodge_rt_${token()}` })],
  ['/oauth/revoke', () => form('/oauth/revoke', { client_id: 'lodge-cli', token: `lodge_rt_${token()}` })],
]

function text({ method, path, body, cookie }, close) {
  let head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: flood\r\nAccept: */*\r\n`
  if (cookie) head += `Cookie: ${cookie}\r\n`
  if (body !== undefined) head += `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`
  if (close) head += 'Connection: close\r\n'
  return `${head}\r\n${body ?? ''}`
}

/** Reads answers off a connection: the status, the headers, and past the body, whichever way its length is told. */
function reader(onAnswer) {
  let buffer = ''
  return (chunk) => {
    buffer += chunk
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = buffer.slice(0, end)
      let after = end + 4
      const length = /\r\ncontent-length: (\d+)/i.exec(head)
      if (length) after += Number(length[1])
      else if (/\r\ntransfer-encoding: chunked/i.test(head)) {
        const last = buffer.indexOf('0\r\n\r\n', after)
        if (last < 0) return
        after = last + 5
      }
      if (buffer.length < after) return
      buffer = buffer.slice(after)
      onAnswer(head)
    }
  }
}

function note(name, head) {
  count(answered[name] ??= {}, head.slice(9, 12))
  if (name !== '/auth/{c}/start' || begun.length > 500) return
  const state = /\r\nlocation: [^\r]*[?&]state=([^&\r]+)/i.exec(head)
  const cookies = [...head.matchAll(/\r\nset-cookie: ([^;\r]+)/gi)].map((it) => it[1])
  if (state && cookies.length) begun.push({ state: state[1], cookie: cookies.join('; ') })
}

class Kept {
  constructor() { this.waiting = []; this.open() }
  open() {
    this.up = false
    this.socket = net.connect({ port, host: '127.0.0.1', localAddress: address() }, () => { this.up = true })
    this.socket.setNoDelay(true).setEncoding('latin1')
    this.socket.on('data', reader((head) => { const name = this.waiting.shift(); if (name) note(name, head) }))
    this.socket.on('error', (error) => count(failed, error.code))
    this.socket.on('close', () => {
      for (const _ of this.waiting) count(failed, 'closed')
      this.waiting = []
      if (!over) this.open()
    })
  }
  send(name, request) { this.waiting.push(name); this.socket.write(text(request, false)) }
}

function once(name, request) {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: address() })
  let done = false
  socket.setEncoding('latin1')
  socket.on('data', reader((head) => { done = true; note(name, head) }))
  socket.on('error', (error) => { if (!done) { done = true; count(failed, error.code) } })
  socket.on('close', () => { if (!done) count(failed, 'closed') })
  socket.setTimeout(20_000, () => { if (!done) { done = true; count(failed, 'no answer') } socket.destroy() })
  socket.write(text(request, true))
}

let over = false
const pool = Array.from({ length: kept }, () => new Kept())
await new Promise((resolve) => setTimeout(resolve, 500))

const start = performance.now()
let number = 0
await new Promise((resolve) => {
  const tick = () => {
    const elapsed = performance.now() - start
    if (elapsed >= seconds * 1000) return resolve()
    const due = Math.floor((elapsed / 1000) * rate)
    // What is due after a pause is sent at once, so that the number is kept.
    for (; number < due; number++) {
      const [name, make] = kinds[number % kinds.length]
      const request = make()
      const [as, what] = request ? [name, request] : ['/sign-in', get('/sign-in')]
      count(sent, as)
      const connection = pool[random(pool.length)]
      if (number % 2 && connection.up && connection.waiting.length < 8) connection.send(as, what)
      else once(as, what)
    }
    lateMs = Math.max(lateMs, performance.now() - start - elapsed)
    setTimeout(tick, 1)
  }
  tick()
})
const lasted = (performance.now() - start) / 1000
await new Promise((resolve) => setTimeout(resolve, 3_000))
over = true
console.log(JSON.stringify({ lasted_seconds: lasted, sent, answered, failed, longest_pause_ms: Math.round(lateMs) }))
process.exit(0)
