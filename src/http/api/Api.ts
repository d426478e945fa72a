/** The whole HTTP contract: what the server serves, what `/openapi.json` says, and what a typed client is made of. */
import { HttpApi, OpenApi } from "effect/http-api"
import { version } from "../../version.ts"
import { AdminApi } from "./Admin.ts"
import { describesKeys } from "./Authorization.ts"
import { ChatApi } from "./Chat.ts"
import { GenerateApi } from "./Generate.ts"
import { GenerationsApi, NamespacesApi } from "./Generations.ts"
import { JobsApi } from "./Jobs.ts"
import { HealthApi, MetricsApi } from "./System.ts"

/** All endpoints. */
export class Api extends HttpApi.make("understudy")
  .add(GenerateApi)
  .add(ChatApi)
  .add(GenerationsApi)
  .add(JobsApi)
  .add(HealthApi)
  .add(MetricsApi)
  .add(AdminApi)
  .add(NamespacesApi)
  .annotateMerge(OpenApi.annotations({
    title: "Understudy",
    version,
    description: "Stands between an application and an AI provider: answers live, from the cache or from a template, " +
      "and always says which."
  }))
  .annotateMerge(describesKeys)
{}
