// What `browser.mjs` asks of a page from inside: who has the focus and whether one can see it, what Tab never met, what is
// too wide, what axe-core finds. It runs in a world beside the page's and leaves no trace in the page.

function make() {
  // The order of the document, so that what comes first is met first.
  const PRESSABLE =
    'a[href], area[href], button, input, select, textarea, summary, [tabindex], [role=button], [role=link], ' +
    '[role=checkbox], [role=tab], [role=menuitem], [onclick], [contenteditable=true]'
  let target
  let last
  let isMeasured = false
  let isGroupMeant = false
  let met = new WeakSet()
  const before = new WeakMap()

  const isVisible = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true }) &&
    element.getClientRects().length > 0

  const describe = (element) => {
    const text = (element.getAttribute('aria-label') ?? element.innerText ?? '').replace(/\s+/g, ' ').trim().slice(0, 40)
    const field = element.name ? `[name=${element.name}]` : ''
    return `<${element.localName}${field}>${text && ` "${text}"`}`
  }

  // What shows that somebody has the focus: a line around it or something else about its box.
  const looks = (element) => {
    const style = getComputedStyle(element)
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1
    return {
      outline: outlined ? `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}` : 'none',
      box: [style.boxShadow, style.borderColor, style.borderWidth, style.backgroundColor].join(' '),
    }
  }

  const rememberLooks = () => {
    for (const element of document.querySelectorAll(PRESSABLE)) {
      if (element !== document.activeElement && !before.has(element)) before.set(element, looks(element))
    }
  }

  /** Why nobody can see that this has the focus; nothing when one can. */
  const unseen = (element) => {
    // Of these, Chromium itself paints the part that has the focus.
    const inParts = ['date', 'time', 'datetime-local', 'month', 'week'].includes(element.type)
    const [now, then] = [looks(element), inParts ? undefined : before.get(element)]
    if (!inParts && now.outline === 'none' && (!then || then.box === now.box)) return 'it looks as it does without the focus'
    if (now.outline !== 'none' && then && then.outline === now.outline && then.box === now.box) return 'it always looks so'
    const rects = [...element.getClientRects()].filter((rect) => rect.width > 0 && rect.height > 0)
    const inside = rects.filter(
      (rect) => rect.bottom > 0 && rect.right > 0 && rect.top < innerHeight && rect.left < innerWidth,
    )
    if (inside.length === 0) return 'it is outside the window'
    const covered = inside.every((rect) => {
      const x = Math.min(Math.max((rect.left + rect.right) / 2, 0), innerWidth - 1)
      const y = Math.min(Math.max((rect.top + rect.bottom) / 2, 0), innerHeight - 1)
      const there = document.elementFromPoint(x, y)
      return !there || !(element.contains(there) || there.contains(element) || labels(element, there))
    })
    return covered ? 'something covers it' : undefined
  }

  const isOfGroup = (one, other) => one.type === 'radio' && other.type === 'radio' && one.name === other.name && one.form === other.form
  const isMeant = (element) => element === target || (isGroupMeant && isOfGroup(element, target))

  const labels = (element, there) => [...(element.labels ?? [])].some((label) => label.contains(there))

  return {
    forgetTarget() {
      for (const element of document.querySelectorAll('[data-lodge-target]')) element.removeAttribute('data-lodge-target')
    },

    /**
     * Remembers what was marked, or with it the group of radio buttons that it is of; says where it is from the focus:
     * `here`, `back` or `on`.
     */
    takeTarget(anyOfGroup) {
      isGroupMeant = anyOfGroup
      target = document.querySelector('[data-lodge-target]')
      target.removeAttribute('data-lodge-target')
      rememberLooks()
      const focused = document.activeElement
      if (isMeant(focused)) return 'here'
      const isBehind = focused && focused !== document.body && focused.compareDocumentPosition(target) & 2
      return isBehind && !focused.contains(target) && !target.contains(focused) ? 'back' : 'on'
    },

    /** Where the focus is now. */
    stop() {
      rememberLooks()
      const element = document.activeElement
      if (!element || element === document.body || element === document.documentElement) return { is_outside: true }
      // A field for a date has several stops.
      const again = met.has(element) && element !== last
      met.add(element)
      last = element
      return { what: describe(element), is_target: isMeant(element), is_again: again, unseen: unseen(element) }
    },

    kindOfFocus() {
      const element = document.activeElement
      return element.localName === 'input' ? element.type : element.localName
    },

    chosen() {
      return document.activeElement.selectedOptions[0]?.label
    },

    beginStops() {
      met = new WeakSet()
      rememberLooks()
    },

    /** What can be pressed by a mouse and was not met by Tab. */
    unmet() {
      // Nothing has the focus in what is looked at next.
      document.activeElement?.blur()
      scrollTo(0, 0)
      const all = [...document.querySelectorAll(PRESSABLE)]
      const found = all.filter((element) => {
        if (met.has(element) || element.disabled || element.type === 'hidden' || !isVisible(element)) return false
        // A place to jump to, such as the page's main part or a message, is not pressed.
        if (element.matches('[tabindex="-1"]') && !element.matches(PRESSABLE.replace(' [tabindex],', ''))) return false
        // Tab goes to one of a group; arrows go on.
        return !all.some((other) => met.has(other) && isOfGroup(element, other))
      })
      return found.map(describe)
    },

    /** The same, once for each page, when all of it is there. */
    tooWideAtFirst() {
      if (isMeasured || document.readyState !== 'complete') return null
      isMeasured = true
      return this.tooWide()
    },

    /** By how much the page is too wide, and because of what. */
    tooWide() {
      const page = document.scrollingElement
      const by = page.scrollWidth - page.clientWidth
      if (by <= 0) return null
      const wide = [...document.querySelectorAll('body *')].filter((element) => {
        const { right, left } = element.getBoundingClientRect()
        return right > page.clientWidth + 0.5 || left < -0.5
      })
      const innermost = wide.filter((element) => !wide.some((other) => other !== element && element.contains(other)))
      return { by, because: innermost.slice(0, 3).map(describe) }
    },

    /** What is seriously or critically wrong, with the element and the help. */
    async axe(coloursOnly) {
      const rules = { 'target-size': { enabled: true } }
      // Nothing is fetched: style sheets of this page are read where they are.
      const settings = { preload: false, resultTypes: ['violations'], rules }
      if (coloursOnly) Object.assign(settings, { rules: {}, runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } })
      const { violations } = await globalThis.axe.run(document, settings)
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      return grave.flatMap(({ id, impact, help, helpUrl, nodes }) =>
        nodes.slice(0, 3).map((node) => ({
          rule: id,
          impact,
          help,
          more: helpUrl,
          element: node.html.slice(0, 300),
          at: node.target.join(' '),
          summary: node.failureSummary,
        })),
      )
    },
  }
}

/** An expression whose value has all of these. */
export const source = `(${make})()`
