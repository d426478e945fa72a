/** Runs in the page, and is therefore text: what is wrong with what can be seen. */
export const lookScript = `(() => {
  const wrong = []
  const parts = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number)
  const isClear = (color) => color === "none" || color === "transparent" || parts(color)[3] === 0
  const luminance = (color) => {
    const [r, g, b] = parts(color).map((value) => value / 255).map((value) =>
      value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor
      if (!isClear(color)) return color
    }
    return "rgb(255, 255, 255)"
  }
  const nameOf = (element) => "<" + element.tagName + "> " + JSON.stringify(element.textContent.trim().slice(0, 40))
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")
  const expectContrast = (element, color, ground) => {
    if (!/^rgb\\(/.test(color) || !/^rgb\\(/.test(ground)) wrong.push(nameOf(element) + " is " + color + " on " + ground)
    else if (contrast(color, ground) < 4.5) {
      wrong.push(nameOf(element) + " has a contrast of " + contrast(color, ground).toFixed(2))
    }
  }
  const overlap = (a, b) => Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left))
    * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top))
  const area = (box) => box.width * box.height

  let texts = 0
  let smallest = Infinity
  for (const element of document.querySelectorAll("body *:not(svg *):not(svg)")) {
    if (!hasText(element)) continue
    texts++
    expectContrast(element, getComputedStyle(element).color, groundOf(element))
  }

  const svgs = [...document.querySelectorAll("svg")]
  const pictures = svgs.filter((svg) => svg.getAttribute("aria-hidden") !== "true")
  for (const svg of svgs) {
    if (svg.classList.contains("patterns")) continue
    const box = svg.getBoundingClientRect()
    const isKey = svg.classList.contains("key")
    if (box.width < (isKey ? 20 : 200) || box.height < (isKey ? 10 : 30)) wrong.push("a picture of " + box.width + " x " + box.height)
    if (!svg.checkVisibility({ opacityProperty: true, visibilityProperty: true })) wrong.push("a picture is not visible")
    if (box.left < 0 || box.right > document.documentElement.clientWidth) wrong.push("a picture leaves the page")
    const shapes = [...svg.querySelectorAll("rect, path, polyline, line")]
    if (shapes.length === 0) wrong.push("a picture of nothing")
    for (const shape of shapes) {
      const { fill, stroke } = getComputedStyle(shape)
      const pattern = /url\\("?#([^")]*)"?\\)/.exec(fill)
      if (pattern !== null && document.getElementById(pattern[1]) === null) wrong.push("no pattern " + pattern[1])
      const at = shape.getBoundingClientRect()
      if (at.left < box.left - 1 || at.right > box.right + 1 || at.top < box.top - 1 || at.bottom > box.bottom + 1) {
        wrong.push("a " + shape.tagName + " ." + shape.getAttribute("class") + " leaves its picture")
      }
    }
  }
  for (const svg of pictures) {
    if (svg.getAttribute("role") !== "img") wrong.push("a picture has no role")
    for (const id of (svg.getAttribute("aria-labelledby") ?? "missing").split(" ")) {
      if (!(document.getElementById(id)?.textContent.length > 8)) wrong.push("no words for " + id)
    }
    const box = svg.getBoundingClientRect()
    const labels = [...svg.querySelectorAll("text")]
    for (const [index, label] of labels.entries()) {
      const at = label.getBoundingClientRect()
      const style = getComputedStyle(label)
      texts++
      smallest = Math.min(smallest, parseFloat(style.fontSize) * (svg.getScreenCTM()?.a ?? 1))
      if (at.width === 0 || at.height === 0) wrong.push(nameOf(label) + " has no size")
      if (at.left < box.left - 0.5 || at.right > box.right + 0.5 || at.top < box.top - 1 || at.bottom > box.bottom + 1) {
        wrong.push(nameOf(label) + " leaves its picture")
      }
      const hasHalo = style.paintOrder.startsWith("stroke") && !isClear(style.stroke) && parseFloat(style.strokeWidth) >= 2
      const below = [...svg.querySelectorAll("rect")].filter((shape) =>
        !isClear(getComputedStyle(shape).fill) && overlap(shape.getBoundingClientRect(), at) > 0.1 * area(at)).at(-1)
      expectContrast(label, style.fill,
        hasHalo ? style.stroke : below === undefined ? groundOf(svg) : getComputedStyle(below).fill)
      for (const other of labels.slice(index + 1)) {
        const box = other.getBoundingClientRect()
        if (overlap(at, box) > 0.15 * Math.min(area(at), area(box))) wrong.push(nameOf(label) + " lies on " + nameOf(other))
      }
    }
  }

  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id)
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) wrong.push("two of #" + id)
  for (const wide of document.querySelectorAll(".wide")) {
    if (wide.getBoundingClientRect().right > document.documentElement.clientWidth) wrong.push("a table leaves the page")
  }
  return {
    tooWide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    pictures: pictures.length,
    texts,
    ground: groundOf(document.body),
    smallest: smallest === Infinity ? 0 : smallest,
    wrong: [...new Set(wrong)]
  }
})()`
