/** Reads a streamed chat completion: bytes in, parts out. Pure. */
import { Sse } from "effect/encoding"
import type { AiPart } from "../../domain/Ai.ts"
import type { ProviderLimits } from "../../domain/limits/RateLimitHeaders.ts"
import { isObject, parseJson } from "./json.ts"
import { OpenAiChunks } from "./openAiChunks.ts"
import type { StreamReader } from "./protocol.ts"
import { makeUtf8Decoder } from "./utf8.ts"

export interface ReaderOptions {
  /** As it was asked for. */
  readonly model: string
  readonly isChat: boolean
  readonly limits: ProviderLimits | undefined
  /** Makes the provider's words of an error fit for us. */
  readonly wordsOf: (error: string) => string
}

/** Characters of one event. */
export const maxEventSize = 1024 * 1024

export const makeOpenAiReader = (options: ReaderOptions): StreamReader => new OpenAiReader(options)

class OpenAiReader implements StreamReader {
  outcome: StreamReader["outcome"] = undefined
  private readonly options: ReaderOptions
  private readonly chunks: OpenAiChunks
  private readonly decode = makeUtf8Decoder()
  private isBodyOver = false
  // With room for the names of the fields: what fits must do so wherever it is cut.
  private readonly parser = Sse.makeParser((event) => {
    if (event._tag === "Event") this.read(event)
  }, { maxEventSize: maxEventSize + 16 })

  constructor(options: ReaderOptions) {
    this.options = options
    this.chunks = new OpenAiChunks(options.model, options.isChat)
  }

  feed(bytes: Uint8Array): void {
    if (this.outcome !== undefined) return
    const { isValid, text } = this.decode(bytes)
    if (this.parser.feed(text) !== undefined) this.failOnce(tooLarge)
    if (!isValid) this.failOnce("the stream is not UTF-8")
  }

  end(): void {
    if (this.outcome !== undefined) return
    this.isBodyOver = true
    // Some leave out the end of the last line.
    this.parser.feed("\n\n")
    if (this.outcome === undefined) this.finish(false)
  }

  take(): ReadonlyArray<AiPart> {
    const { parts } = this.chunks
    if (parts.length > 0) this.chunks.parts = []
    return parts
  }

  private read({ data, event }: Sse.Event): void {
    if (this.outcome !== undefined || data.trim() === "") return
    if (data.length > maxEventSize) return this.failOnce(tooLarge)
    if (data.trim() === "[DONE]") return this.finish(true)
    const json = parseJson(data)
    if (json === undefined && this.isBodyOver) return
    const isError = event === "error" || (isObject(json) && json["error"] !== undefined && json["error"] !== null)
    if (isError) return this.failOnce("it sent an error", this.options.wordsOf(data))
    const problem = json === undefined ? "an event is no JSON" : this.chunks.add(json)
    if (problem !== undefined) this.failOnce(problem)
  }

  private finish(isWhole: boolean): void {
    const answer = this.chunks.answer(isWhole)
    if (answer._tag === "Failure") {
      this.outcome = answer.failure
      return
    }
    const { limits } = this.options
    this.chunks.parts.push({
      _tag: "End",
      answer: limits === undefined ? answer.success : { ...answer.success, limits }
    })
    this.outcome = "ended"
  }

  private failOnce(detail: string, words?: string): void {
    this.outcome ??= { _tag: "Malformed", detail, ...words !== undefined && { words } }
  }
}

const tooLarge = `an event is larger than ${maxEventSize} characters`
