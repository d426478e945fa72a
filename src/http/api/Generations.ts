/** What a caller may do with an answer of its own namespace, and an operator with a whole one. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { GenerationId, Namespace } from "../../domain/Generation.ts"
import { AdminAuthorization, Authorization, needsKey } from "./Authorization.ts"
import { DatabaseUnavailable, InternalError, InvalidRequest, NotFound } from "./Problems.ts"

/** What can be the name of something stored. */
export const isName = Schema.makeFilterGroup([
  Schema.isPattern(/\S/u, { message: "Expected a name that is not blank" }),
  Schema.isMaxLength(200, { message: "Expected at most 200 characters" }),
  Schema.isPattern(/^\P{Cc}*$/u, { message: "Expected no control characters" })
])

const params = {
  id: GenerationId.check(isName).annotate({ description: "The `id` of a live answer, or of a cached one" })
}
const error = [InvalidRequest, NotFound, InternalError, DatabaseUnavailable] as const

/** The endpoints for one stored answer: quarantine and deletion. */
export class GenerationsApi extends HttpApiGroup.make("generations").add(
  HttpApiEndpoint.post("quarantine", "/generations/:id/quarantine", { params, success: HttpApiSchema.NoContent, error })
    .annotateMerge(OpenApi.annotations({
      summary: "Take a bad answer out",
      description:
        "From now on this answer stands in for nothing, neither for its own prompt nor for a similar one. It is kept " +
        "to be looked at. The next live answer to the same prompt takes its place. 404: your namespace has no such " +
        "answer stored."
    })).annotateMerge(needsKey),
  HttpApiEndpoint.delete("forget", "/generations/:id", { params, success: HttpApiSchema.NoContent, error })
    .annotateMerge(OpenApi.annotations({
      summary: "Delete an answer",
      description: "Deletes the stored answer with its prompt. 404: your namespace has no such answer stored."
    })).annotateMerge(needsKey)
).middleware(Authorization) {}

/** The operator's endpoint that erases a namespace. */
export class NamespacesApi extends HttpApiGroup.make("namespaces").add(
  HttpApiEndpoint.delete("erase", "/admin/namespaces/:namespace", {
    params: {
      namespace: Namespace.check(isName).annotate({
        description: "As `API_KEYS` names it; `default` without `API_KEYS`"
      })
    },
    success: Schema.Struct({
      namespace: Schema.String,
      erased: Schema.Struct({
        jobs: Schema.Int.annotate({ description: "Those under way too" }),
        answers: Schema.Int.annotate({ description: "Quarantined and outdated ones too" }),
        replays: Schema.Int.annotate({ description: "Answers that were kept under an Idempotency-Key" }),
        templates: Schema.Int.annotate({ description: "Its own ones; those of the folder stay" })
      })
    }),
    error: [InvalidRequest, InternalError, DatabaseUnavailable]
  }).annotateMerge(OpenApi.annotations({
    summary: "Erase a namespace",
    description: "For operators: deletes everything that is stored for a namespace. It can be used again at once."
  })).annotateMerge(needsKey)
).middleware(AdminAuthorization) {}
