/** Understudy behind a Next.js route: app/draft/route.ts, with runtime.ts beside it. Run by Next.js; node examples/next-route.ts calls it once */
import { draft, noPrompt, promptOf } from "./runtime.ts"

export const POST = async (request: Request): Promise<Response> => {
  const prompt = promptOf(await request.json().catch(() => undefined))
  // Next.js aborts the signal when the client goes away, and that ends the provider's call.
  const { body, headers, status } = prompt === undefined ? noPrompt : await draft(prompt, request.signal) ?? gone
  return Response.json(body, { status, headers })
}

/** Nobody reads it. */
const gone = { status: 499, headers: {}, body: {} }

if (import.meta.main) {
  const request = { method: "POST", body: JSON.stringify({ prompt: process.argv[2] ?? "Write about tea" }) }
  const response = await POST(new Request("http://localhost/draft", request))
  process.stdout.write(`${response.status} ${response.headers.get("understudy-source")}\n${await response.text()}\n`)
}
