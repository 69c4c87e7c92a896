// Chromium, driven step by step: https://www.npmjs.com/package/playwright-core with the system's own browser, whose path
// is in LODGE_TEST_CHROMIUM.
//
// Reads lines on standard input, each an object, and prints a line for each; ends when its input ends:
//   { "n": 1, "window": "main", "steps": [ {…}, … ], …settings }
// The first line that names a window opens it, fresh and with these settings, all optional:
//   "javascript": true                   whether the page's own scripts run
//   "manner": "mouse" | "keyboard"       what presses and fills: see below
//   "viewport": { "width": 1280, "height": 800 }
//   "scheme": "light" | "dark"
//   "never_sideways": false              whether every page is to fit its window's width
//   "timeout_ms": 10000
// { "n": 2, "close": "main" } closes it. A step is an object with exactly one of these keys:
//   goto: URL                            cookie: { "url", "name", "value" }
//   click: TARGET                        fill: { …TARGET, "value": "…" }
//   paste: { …TARGET, "value": "…" }
//   choose: { …TARGET, "option": "…" }   tick: { …TARGET, "on": true }
//   press: { …TARGET, "key": "Enter" }   download: TARGET (its text goes into the answer)
//   expect_text: "…"                     expect_no_text: "…"
//   expect_visible: TARGET               expect_url: "regular expression"
//   expect_title: "regular expression"   expect_status: 200
//   expect_file: "regular expression" (the name of what was last downloaded)
//   read: TARGET (its text goes into the answer)
//   copy: TARGET (its text, letter by letter)
//   value: TARGET (what stands in the field goes into the answer)
//   screenshot: PATH                     resize: { "width": 360, "height": 740 }
//   gallery: { "folder": PATH, "name": "…", "views": [ { "name", "width", "height", "scheme" } ] }
//   tab_through: true
// A TARGET is { "role": "button", "name": "Sign in" }, { "text": "…" }, { "label": "…" } or { "selector": "css" }, with
// "in": TARGET for where to look and "nth": 0 when there are several.
//
// By keyboard, a target is reached with Tab or Shift+Tab from where the focus is, as often as it takes, and is pressed with
// Enter, ticked with Space, chosen with arrows and filled by typing; what has the focus must be seen to have it at every
// stop. `gallery` looks at the page in each view: a picture, axe-core, and whether it fits. `tab_through` goes through the
// whole page with Tab and fails when something that can be pressed was not met.
//
// axe-core, and whatever else looks into a page, runs in an isolated world of the DevTools protocol: it shares the
// document with the page and nothing else, so the page's own Content-Security-Policy stands as it was sent.
//
// An answer is
//   { "n", "ok", "steps": [ { "step", "ok", "error"?, "text"?, "url" } ], "url", "title", "console_errors": [],
//     "violations": [], "page_errors": [], "failed_requests": [], "foreign_requests": [], "too_wide": [], "axe": [],
//     "focus_unseen": [], "scripts": [], "mouse_presses": 0 }
// `violations` are breaches of the page's Content-Security-Policy; `foreign_requests` went to another machine (and were
// not let through); `scripts` is what was fetched to be run. What counts as a failure among these is the test's to say.
// All of them since the answer before.

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { load, resolve } from './load.mjs'
import * as inPage from './in-page.mjs'

// As root there is no sandbox to be had; the rest keeps Chromium from calling home.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const executablePath = process.env.LODGE_TEST_CHROMIUM
if (!executablePath) {
  console.error('browser: LODGE_TEST_CHROMIUM does not say where Chromium is')
  process.exit(2)
}

const { chromium } = (await load('playwright-core')).default
const browser = await chromium.launch({ executablePath, args: flags })

const isHere = (url) => /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname)
const flat = (text) => text.replace(/\s+/g, ' ').trim()
const matches = (what, pattern, actual) => new RegExp(pattern).test(actual) ? '' : `${what} is ${actual}, not /${pattern}/`
const nothingSeen = () => ({
  console_errors: [],
  violations: [],
  page_errors: [],
  failed_requests: [],
  foreign_requests: [],
  too_wide: [],
  axe: [],
  focus_unseen: [],
  scripts: [],
  mouse_presses: 0,
})

/** A window: its own profile, its own manner of doing things. */
class Window {
  seen = nothingSeen()
  status = undefined
  downloaded = undefined

  static async open(settings) {
    const window = new Window()
    await window.#open(settings)
    return window
  }

  async #open(settings) {
    this.settings = { javascript: true, manner: 'mouse', timeout_ms: 10_000, never_sideways: false, ...settings }
    this.context = await browser.newContext({
      javaScriptEnabled: this.settings.javascript,
      viewport: this.settings.viewport ?? { width: 1280, height: 800 },
      colorScheme: this.settings.scheme ?? 'light',
      reducedMotion: 'reduce',
      locale: 'en-US',
      timezoneId: 'Europe/Berlin',
    })
    const { context, settings: { timeout_ms, javascript } } = this
    context.setDefaultTimeout(timeout_ms)
    await context.route(
      (url) => /^https?:$/.test(url.protocol) && !isHere(url.href),
      (route) => {
        this.seen.foreign_requests.push(route.request().url())
        return route.abort()
      },
    )
    await context.exposeBinding('__lodgeViolation', (_source, violation) => this.seen.violations.push(violation))
    await context.exposeBinding('__lodgePressed', () => void this.seen.mouse_presses++)
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        globalThis.__lodgeViolation({
          directive: event.effectiveDirective,
          blocked: event.blockedURI,
          page: event.documentURI,
          line: event.lineNumber,
        })
      })
      document.addEventListener('mousedown', () => globalThis.__lodgePressed(), true)
    })

    this.page = await context.newPage()
    this.devtools = await context.newCDPSession(this.page)
    context.on('console', (message) => {
      if (message.type() !== 'error') return
      this.seen.console_errors.push(message.text())
      // Without JavaScript no listener runs in the page; the console is then the only witness.
      const refused = /Content Security Policy/i.test(message.text())
      if (refused && !javascript) this.seen.violations.push({ console: message.text() })
    })
    context.on('weberror', (event) => this.seen.page_errors.push(String(event.error())))
    context.on('request', (request) => {
      if (request.resourceType() === 'script') this.seen.scripts.push(request.url())
    })
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText
      // What the browser gave up itself: it went on to another page, or what came was a download.
      if (why === 'net::ERR_ABORTED') return
      if (isHere(request.url())) this.seen.failed_requests.push(`${request.url()}: ${why}`)
    })
    context.on('response', (response) => {
      const request = response.request()
      if (request.isNavigationRequest() && request.frame() === this.page.mainFrame()) {
        this.status = response.status()
        this.refreshes = 'refresh' in response.headers()
      }
    })
  }

  get byKeyboard() {
    return this.settings.manner === 'keyboard'
  }

  /** Runs one of the functions of in-page.mjs in a world of our own, beside the page's. */
  async look(name, ...values) {
    const { frameTree } = await this.devtools.send('Page.getFrameTree')
    const world = { frameId: frameTree.frame.id, worldName: 'lodge-tests' }
    const { executionContextId: contextId } = await this.devtools.send('Page.createIsolatedWorld', world)
    const run = async (expression) => {
      const settings = { contextId, expression, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await this.devtools.send('Runtime.evaluate', settings)
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value
    }
    if (!(await run('typeof lodge === "object"'))) await run(`var lodge = ${inPage.source}; 0`)
    if (name === 'axe' && !(await run('typeof axe === "object"'))) await run(`${await axeSource()};\n0`)
    return run(`lodge.${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`)
  }

  target({ in: within, nth, ...where }) {
    const from = within ? this.target(within) : this.page
    const found = locate(from, where)
    return nth === undefined ? found : found.nth(nth)
  }

  /** Asks again until `check` gives no complaint or the time is over. */
  async eventually(check) {
    const until = Date.now() + this.settings.timeout_ms
    for (;;) {
      // A page may be between two documents, with no body to read.
      const complaint = await Promise.resolve(check()).catch((error) => error.message)
      if (!complaint) return
      if (Date.now() > until) throw new Error(complaint)
      await new Promise((resume) => setTimeout(resume, 50))
    }
  }

  async bodyText() {
    return flat(await this.page.locator('body').innerText({ timeout: 1_000 }))
  }

  /** Moves the focus, by keyboard alone, until the target has it. */
  async reach(where, anyOfGroup = false) {
    const locator = this.target(where)
    await locator.waitFor({ state: 'visible' })
    const heading = await this.markTarget(locator, anyOfGroup)
    if (heading === 'here') return locator
    const key = heading === 'back' ? 'Shift+Tab' : 'Tab'
    const passed = []
    for (let rounds = 0; rounds < 2; ) {
      const stop = await this.step(key)
      if (stop.is_target) return locator
      if (stop.is_outside) rounds++
      else passed.push(stop.what)
      if (passed.length > 2_000) break
    }
    throw new Error(`${key} never reaches it; it passes ${passed.slice(0, 60).join(', ')}`)
  }

  /** Presses a key that moves the focus, and notes when nobody could see where it went. */
  async step(key) {
    await this.page.keyboard.press(key)
    const stop = await this.look('stop')
    if (stop.unseen) this.seen.focus_unseen.push({ page: this.page.url(), element: stop.what, because: stop.unseen })
    return stop
  }

  async markTarget(locator, anyOfGroup) {
    // The mark is an attribute, since worlds share the document alone.
    const mark = (element) => element.setAttribute('data-lodge-target', '')
    await this.look('forgetTarget')
    await locator.evaluate(mark)
    return this.look('takeTarget', anyOfGroup)
  }

  async click(where) {
    if (!this.byKeyboard) return this.target(where).click()
    await this.reach(where)
    const kind = await this.look('kindOfFocus')
    await this.page.keyboard.press(kind === 'checkbox' || kind === 'radio' ? 'Space' : 'Enter')
  }

  async fill({ value, ...where }) {
    if (!this.byKeyboard) return this.target(where).fill(value)
    const locator = await this.reach(where)
    const { keyboard } = this.page
    const kind = await this.look('kindOfFocus')
    if (['date', 'time', 'datetime-local'].includes(kind)) {
      // Part by part, in the order of en-US; a year takes six digits and so does not go on by itself.
      const [date, time] = kind === 'time' ? [undefined, value] : value.split('T')
      if (date) {
        const [year, month, day] = date.split('-')
        await keyboard.type(`${month}${day}${year}`)
        if (time) await keyboard.press('ArrowRight')
      }
      if (time) {
        const [hour, minute] = time.split(':').map(Number)
        const half = `${(hour + 11) % 12 + 1}`.padStart(2, '0')
        await keyboard.type(`${half}${`${minute}`.padStart(2, '0')}${hour < 12 ? 'a' : 'p'}`)
      }
    } else {
      await keyboard.press('Control+A')
      if (value === '') await keyboard.press('Delete')
      else await keyboard.type(value)
    }
    const now = await locator.inputValue()
    if (now !== value) throw new Error(`what was typed stands there as ${JSON.stringify(now)}`)
  }

  // A whole text at once, as from the clipboard.
  async paste({ value, ...where }) {
    if (!this.byKeyboard) return this.target(where).fill(value)
    await this.reach(where)
    await this.page.keyboard.press('Control+A')
    await this.page.keyboard.insertText(value)
  }

  async choose({ option, ...where }) {
    if (!this.byKeyboard) return this.target(where).selectOption({ label: option })
    await this.reach(where)
    await this.page.keyboard.press('Home')
    for (let last; ; ) {
      const now = await this.look('chosen')
      if (now === option) return
      if (now === last) throw new Error(`there is no ${JSON.stringify(option)} to choose`)
      last = now
      await this.page.keyboard.press('ArrowDown')
    }
  }

  async tick({ on = true, ...where }) {
    if (!this.byKeyboard) return this.target(where).setChecked(on)
    const locator = this.target(where)
    if ((await locator.isChecked()) === on) return
    const kind = await locator.evaluate((element) => element.type)
    if (kind === 'radio') await this.reachRadio(locator, where)
    else await this.reach(where)
    if ((await locator.isChecked()) !== on) await this.page.keyboard.press('Space')
    if ((await locator.isChecked()) !== on) throw new Error('Space does not tick it')
  }

  /** Tab goes to one of a group of radio buttons alone; arrows go on from there, and choose where they come to. */
  async reachRadio(locator, where) {
    await this.reach(where, true)
    const isThere = () => locator.evaluate((element) => element === document.activeElement)
    for (let moved = 0; moved < 50 && !(await isThere()); moved++) await this.step('ArrowDown')
  }

  async download(where) {
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.click(where)])
    const text = await readFile(await download.path(), 'utf8')
    this.downloaded = download.suggestedFilename()
    return text
  }

  async fits(view = '') {
    const tooWide = await this.look('tooWide')
    if (tooWide) this.seen.too_wide.push({ page: this.page.url(), view, ...tooWide })
  }

  // A page that is asked for again by itself would be gone in the middle of a look. This is the same one, and it stays.
  async still() {
    if (!this.refreshes) return
    const url = this.page.url()
    const withoutRefresh = async (route) => {
      const response = await route.fetch()
      const { refresh, ...headers } = response.headers()
      await route.fulfill({ response, headers })
    }
    await this.page.route(url, withoutRefresh)
    await this.page.reload()
    await this.page.unroute(url, withoutRefresh)
  }

  async gallery({ folder, name, views }) {
    await this.still()
    const before = this.page.viewportSize()
    const widths = new Set()
    for (const view of views) {
      // At a width that was looked at already, the scheme changes nothing but colours.
      const coloursOnly = widths.has(view.width)
      widths.add(view.width)
      await this.page.setViewportSize({ width: view.width, height: view.height })
      await this.page.emulateMedia({ colorScheme: view.scheme })
      await this.fits(view.name)
      for (const found of await this.look('axe', coloursOnly)) this.seen.axe.push({ page: name, view: view.name, ...found })
      await this.page.screenshot({ path: path.join(folder, `${name}-${view.name}.png`), fullPage: true, animations: 'disabled' })
    }
    await this.page.setViewportSize(before)
    await this.page.emulateMedia({ colorScheme: this.settings.scheme ?? 'light' })
  }

  async tabThrough() {
    await this.still()
    await this.look('beginStops')
    for (let met = 0; met < 2_000; met++) {
      const stop = await this.step('Tab')
      if (stop.is_outside || stop.is_again) break
    }
    const missed = await this.look('unmet')
    if (missed.length > 0) throw new Error(`Tab never reaches ${missed.join(', ')}`)
  }

  actions = {
    goto: (url) => this.page.goto(url),
    cookie: (cookie) => this.context.addCookies([cookie]),
    click: (where) => this.click(where),
    fill: (where) => this.fill(where),
    paste: (where) => this.paste(where),
    choose: (where) => this.choose(where),
    tick: (where) => this.tick(where),
    press: async ({ key, ...where }) => {
      if (this.byKeyboard) await this.reach(where)
      else await this.target(where).focus()
      await this.page.keyboard.press(key)
    },
    download: (where) => this.download(where),
    expect_text: (text) =>
      this.eventually(async () => {
        const body = await this.bodyText()
        const says = body.includes(flat(text))
        return says ? '' : `the page does not say ${JSON.stringify(text)}; it says: ${body.slice(0, 2_000)}`
      }),
    // A page that is left may stand there for a moment still.
    expect_no_text: (text) =>
      this.eventually(async () => {
        const body = await this.bodyText()
        if (!body) return 'the page is empty'
        return body.includes(flat(text)) ? `the page says ${JSON.stringify(text)}` : ''
      }),
    expect_visible: (where) => this.target(where).first().waitFor({ state: 'visible' }),
    expect_url: (pattern) => this.eventually(() => matches('the address', pattern, this.page.url())),
    expect_title: (pattern) => this.eventually(async () => matches('the title', pattern, await this.page.title())),
    expect_status: (wanted) =>
      this.eventually(() => (this.status === wanted ? '' : `the status is ${this.status}, not ${wanted}`)),
    expect_file: (pattern) => {
      const complaint = matches('the name of the file', pattern, this.downloaded)
      if (complaint) throw new Error(complaint)
    },
    read: async (where) => flat(await this.target(where).first().innerText()),
    copy: (where) => this.target(where).first().evaluate((element) => element.textContent),
    value: (where) => this.target(where).inputValue(),
    screenshot: (file) => this.page.screenshot({ path: file, fullPage: true }),
    resize: (size) => this.page.setViewportSize(size),
    gallery: (what) => this.gallery(what),
    tab_through: () => this.tabThrough(),
  }

  async run(wanted) {
    const steps = []
    for (const step of wanted) {
      const [[kind, value], ...more] = Object.entries(step)
      const done = { step, ok: true }
      steps.push(done)
      try {
        if (more.length > 0 || !this.actions[kind]) throw new Error(`not a step: ${JSON.stringify(step)}`)
        const answer = await this.actions[kind](value)
        if (['read', 'copy', 'value', 'download'].includes(kind)) done.text = answer
        await this.measure()
      } catch (error) {
        done.ok = false
        done.error = error.message
      }
      done.url = this.page.url()
      if (!done.ok) break
    }
    const title = await this.page.title().catch(() => '')
    const answer = { ok: steps.every((step) => step.ok), steps, url: this.page.url(), title, ...this.seen }
    this.seen = nothingSeen()
    return answer
  }

  /** Measures each page once, when it is there. */
  async measure() {
    if (!this.settings.never_sideways) return
    // The page may be gone by now; the next one is measured after the next step.
    const tooWide = await this.look('tooWideAtFirst').catch(() => null)
    if (tooWide) this.seen.too_wide.push({ page: this.page.url(), ...tooWide })
  }
}

function locate(from, { role, name, text, label, selector }) {
  if (role) return from.getByRole(role, name === undefined ? {} : { name, exact: true })
  if (text) return from.getByText(text, { exact: true })
  if (label) return from.getByLabel(label, { exact: true })
  if (selector) return from.locator(selector)
  throw new Error('a target needs one of role, text, label, selector')
}

let axeText
async function axeSource() {
  axeText ??= await readFile(resolve('axe-core/axe.min.js'), 'utf8')
  return axeText
}

const windows = new Map()
try {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    const { n, window: name = 'main', close, steps, ...settings } = JSON.parse(line)
    if (close) {
      await windows.get(close)?.context.close()
      windows.delete(close)
      console.log(JSON.stringify({ n, ok: true }))
      continue
    }
    if (!windows.has(name)) windows.set(name, await Window.open(settings))
    console.log(JSON.stringify({ n, ...(await windows.get(name).run(steps)) }))
  }
} finally {
  await browser.close()
}
