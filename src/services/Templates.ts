/** The last rung: a template filled in from the prompt. */
import { Context, type Effect, type Option } from "effect"

export interface TemplateRequest {
  readonly prompt: string
  readonly contentType?: string | undefined
  readonly locale?: string | undefined
}

export interface RenderedTemplate {
  /** The template's name, for the response. */
  readonly name: string
  /** Markdown that says at its top that it is a template and not a draft. */
  readonly text: string
}

export class Templates extends Context.Service<Templates, {
  /** The best template for the request, filled in; none when there is no template at all. */
  readonly render: (request: TemplateRequest) => Effect.Effect<Option.Option<RenderedTemplate>>
}>()("understudy/services/Templates") {}
