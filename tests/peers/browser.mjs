// Chromium, driven step by step: https://www.npmjs.com/package/playwright-core with the system's own browser, whose path
// is in LODGE_TEST_CHROMIUM.
//
// Reads on standard input
//   { "steps": [ {…}, … ], "javascript": true, "viewport": { "width": 1280, "height": 800 }, "scheme": "light" | "dark",
//     "timeout_ms": 10000 }
// of which only `steps` is needed. A step is an object with exactly one of these keys:
//   goto: URL                            click: TARGET                    fill: { …TARGET, "value": "…" }
//   press: { …TARGET, "key": "Enter" }   expect_text: "…"                 expect_no_text: "…"
//   expect_visible: TARGET               expect_url: "regular expression" expect_title: "regular expression"
//   expect_status: 200                   screenshot: PATH                 read: TARGET (its text goes into the answer)
// A TARGET is { "role": "button", "name": "Sign in" }, { "text": "…" }, { "label": "…" } or { "selector": "css" }.
//
// Prints one object and ends with status 0 when every step went through, 1 when one did not:
//   { "ok", "steps": [ { "step", "ok", "error"?, "text"?, "url" } ], "url", "title", "console_errors": [], "violations":
//     [], "page_errors": [], "failed_requests": [], "foreign_requests": [] }
// `violations` are breaches of the page's Content-Security-Policy; `foreign_requests` went to another machine (and were
// not let through). What counts as a failure among these is the test's to say.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { load, readInput } from './load.mjs'

// As root there is no sandbox to be had; the rest keeps Chromium from calling home.
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const input = await readInput()
const executablePath = process.env.LODGE_TEST_CHROMIUM
if (!executablePath) {
  console.error('browser: LODGE_TEST_CHROMIUM does not say where Chromium is')
  process.exit(2)
}

const { chromium } = (await load('playwright-core')).default
const profile = await mkdtemp(path.join(tmpdir(), 'lodge-browser-'))
const seen = { console_errors: [], violations: [], page_errors: [], failed_requests: [], foreign_requests: [] }
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  args: flags,
  javaScriptEnabled: input.javascript ?? true,
  viewport: input.viewport ?? { width: 1280, height: 800 },
  colorScheme: input.scheme ?? 'light',
})
context.setDefaultTimeout(input.timeout_ms ?? 10_000)

const isHere = (url) => /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname)
await context.route(
  (url) => /^https?:$/.test(url.protocol) && !isHere(url.href),
  (route) => {
    seen.foreign_requests.push(route.request().url())
    return route.abort()
  },
)
await context.exposeBinding('__lodgeViolation', (_source, violation) => seen.violations.push(violation))
await context.addInitScript(() => {
  document.addEventListener('securitypolicyviolation', (event) => {
    globalThis.__lodgeViolation({
      directive: event.effectiveDirective,
      blocked: event.blockedURI,
      page: event.documentURI,
      line: event.lineNumber,
    })
  })
})

const page = context.pages()[0] ?? (await context.newPage())
let status
context.on('console', (message) => {
  if (message.type() !== 'error') return
  seen.console_errors.push(message.text())
  // Without JavaScript no listener runs in the page; the console is then the only witness.
  const refused = /Content Security Policy/i.test(message.text())
  if (refused && input.javascript === false) seen.violations.push({ console: message.text() })
})
context.on('weberror', (event) => seen.page_errors.push(String(event.error())))
context.on('requestfailed', (request) => {
  if (isHere(request.url())) seen.failed_requests.push(`${request.url()}: ${request.failure()?.errorText}`)
})
context.on('response', (response) => {
  const request = response.request()
  if (request.isNavigationRequest() && request.frame() === page.mainFrame()) status = response.status()
})

function target({ role, name, text, label, selector }) {
  if (role) return page.getByRole(role, name === undefined ? {} : { name, exact: true })
  if (text) return page.getByText(text, { exact: true })
  if (label) return page.getByLabel(label)
  if (selector) return page.locator(selector)
  throw new Error('a target needs one of role, text, label, selector')
}

/** Asks again until `check` gives no complaint or the time is over. */
async function eventually(check) {
  const until = Date.now() + (input.timeout_ms ?? 10_000)
  for (;;) {
    // A page may be between two documents, with no body to read.
    const complaint = await Promise.resolve(check()).catch((error) => error.message)
    if (!complaint) return
    if (Date.now() > until) throw new Error(complaint)
    await new Promise((resume) => setTimeout(resume, 50))
  }
}

const flat = (text) => text.replace(/\s+/g, ' ').trim()
const bodyText = async () => flat(await page.locator('body').innerText({ timeout: 1_000 }))
const matches = (what, pattern, actual) => new RegExp(pattern).test(actual) ? '' : `${what} is ${actual}, not /${pattern}/`

const actions = {
  goto: (url) => page.goto(url),
  click: (where) => target(where).click(),
  fill: ({ value, ...where }) => target(where).fill(value),
  press: ({ key, ...where }) => target(where).press(key),
  expect_text: (text) =>
    eventually(async () => {
      const body = await bodyText()
      return body.includes(flat(text)) ? '' : `the page does not say ${JSON.stringify(text)}; it says: ${body.slice(0, 2_000)}`
    }),
  expect_no_text: async (text) => {
    if ((await bodyText()).includes(flat(text))) throw new Error(`the page says ${JSON.stringify(text)}`)
  },
  expect_visible: (where) => target(where).first().waitFor({ state: 'visible' }),
  expect_url: (pattern) => eventually(() => matches('the address', pattern, page.url())),
  expect_title: (pattern) => eventually(async () => matches('the title', pattern, await page.title())),
  expect_status: (wanted) => eventually(() => (status === wanted ? '' : `the status is ${status}, not ${wanted}`)),
  screenshot: (file) => page.screenshot({ path: file, fullPage: true }),
  read: async (where) => flat(await target(where).first().innerText()),
}

const steps = []
try {
  for (const step of input.steps) {
    const [[kind, value], ...more] = Object.entries(step)
    const done = { step, ok: true }
    steps.push(done)
    try {
      if (more.length > 0 || !actions[kind]) throw new Error(`not a step: ${JSON.stringify(step)}`)
      const answer = await actions[kind](value)
      if (kind === 'read') done.text = answer
    } catch (error) {
      done.ok = false
      done.error = error.message
    }
    done.url = page.url()
    if (!done.ok) break
  }
} finally {
  const ok = steps.every((step) => step.ok)
  const title = await page.title().catch(() => '')
  console.log(JSON.stringify({ ok, steps, url: page.url(), title, ...seen }))
  process.exitCode = ok ? 0 : 1
  await context.close()
  await rm(profile, { recursive: true, force: true, maxRetries: 5 })
}
