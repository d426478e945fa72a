/** Just enough HTTP/1.1 for a load generator and a provider that cost less than what is measured. */

/**
 * Where the first complete message in `text` ends, or -1. Knows content-length and chunked bodies; a message with
 * neither has no body.
 */
export const messageEnd = (text: string): number => {
  const headEnd = text.indexOf("\r\n\r\n")
  if (headEnd === -1) return -1
  const head = text.slice(0, headEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length !== null) {
    const end = headEnd + 4 + Number(length[1])
    return end <= text.length ? end : -1
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return headEnd + 4
  const last = text.indexOf("\r\n0\r\n\r\n", headEnd)
  return last === -1 ? -1 : last + 7
}
