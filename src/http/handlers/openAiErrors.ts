/** Says problems in OpenAI's words, for the paths where OpenAI's clients listen. */
import { Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import type { ChatError } from "../api/Answers.ts"
import { chatError } from "./answers/chatAnswers.ts"

/** What an error says, and how OpenAI would call it. */
const Problem = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  detail: Schema.optionalKey(Schema.String),
  errors: Schema.optionalKey(Schema.Array(Schema.Struct({ path: Schema.String }))),
  provider_status: Schema.optionalKey(Schema.Int)
})
type Problem = typeof Problem.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Problem))

/** A response that holds a problem, as OpenAI would have sent it; any other as it is. */
export const inOpenAiWords = (
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (response.status < 400 || body._tag !== "Uint8Array" || body.contentType !== "application/problem+json") {
    return response
  }
  const problem = Option.getOrUndefined(decode(body.text ?? new TextDecoder().decode(body.body)))
  return problem === undefined ? response : reworded(response, problem)
}

const reworded = (response: HttpServerResponse.HttpServerResponse, problem: Problem) => {
  const { error, status } = openAiErrorOf({ ...problem, status: response.status })
  const { "content-type": _, "content-length": __, ...headers } = response.headers
  return HttpServerResponse.jsonUnsafe({ error }, {
    status,
    // Everything has been tried already: a client that tries again would multiply it.
    headers: error.code === "unavailable" ? { ...headers, "x-should-retry": "false" } : headers
  })
}

/** A problem as OpenAI would have put it, and its status. */
export const openAiErrorOf = (
  problem: Problem & { readonly status: number }
): { readonly error: ChatError["error"]; readonly status: number } => {
  // A refusal keeps the status that the provider gave it: its clients know what to make of that one.
  const { provider_status: refusedWith = 0 } = problem
  const status = refusedWith >= 400 && refusedWith < 500 ? refusedWith : problem.status
  const code = problem.type.replace(/^.*:/, "").replaceAll("-", "_")
  const { error } = chatError({
    message: problem.detail ?? problem.title,
    type: typeOf(status),
    code: status === 401 ? "invalid_api_key" : status === 429 ? "rate_limit_exceeded" : code,
    param: problem.errors?.[0]?.path.replace(/^body\./, "")
  })
  return { error, status }
}

const typeOf = (status: number): string =>
  status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error"
