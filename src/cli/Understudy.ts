/** `understudy …`: what the commands are called and what they take. What they do is loaded when one is run. */
import { Effect, Schema } from "effect"
import { Argument, CliOutput, Command, Flag } from "effect/cli"
import { defaultNamespace, Namespace } from "../domain/Generation.ts"
import { KeyNamespace } from "../layers/KeyForm.ts"
import { version } from "../version.ts"
import { command, presenter, WrongUsage } from "./command.ts"

const namespace = Flag.String("namespace").pipe(
  Flag.withSchema(Namespace),
  Flag.withDescription("Whose they are: a namespace as it is named in API_KEYS"),
  Flag.withDefault(defaultNamespace)
)

/** Says itself what goes wrong, and logs as a service does. */
const service = Effect.flatMap(Effect.promise(() => import("./serve.ts")), ({ serve }) => serve)

const serve = Command.make("serve", {}, () => service).pipe(
  Command.withDescription("Run the service; so does understudy without a command")
)

const work = Command.make(
  "work",
  {},
  () => Effect.flatMap(Effect.promise(() => import("./work.ts")), ({ work }) => work)
).pipe(
  Command.withDescription("Only work on background jobs, beside services on the same PostgreSQL server")
)

const calibrate = Command.make("calibrate", {
  pairs: Argument.String("pairs.jsonl").pipe(
    Argument.withDescription("A line each: {\"a\": prompt, \"b\": prompt, \"same\": true or false, \"kind\": text}")
  ),
  wrongRate: Flag.Finite("wrong-rate").pipe(
    Flag.withSchema(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
    Flag.withDescription("The share of different pairs that may be served, 0 to 1 (default: 0.005)"),
    Flag.withDefault(0.005)
  ),
  html: Flag.String("html").pipe(
    Flag.withDescription("Also write a report with pictures to this file"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, every threshold of it"), Flag.withDefault(false))
}, (input) => command(() => import("./calibrate.ts"), ({ calibrate }) => calibrate(input))).pipe(
  Command.withDescription("Measure the configured embedder on labelled pairs of prompts, and recommend a threshold"),
  Command.withExamples([{ command: "understudy calibrate pairs.jsonl --wrong-rate 0.01 --html report.html" }])
)

const doctor = Command.make("doctor", {
  offline: Flag.Boolean("offline").pipe(
    Flag.withDescription("Ask no provider, no collector and no embedder over the network, so that nothing costs money"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))
}, (input) => command(() => import("./doctor.ts"), ({ doctor }) => doctor(input))).pipe(
  Command.withDescription("Check configuration, database, provider and embedder, and say what to do; changes nothing"),
  Command.withExamples([{ command: "understudy doctor --offline" }])
)

const repeated = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.atLeast(0))

const simulate = Command.make("simulate", {
  scenario: Argument.String("scenario").pipe(
    Argument.withDescription("What is simulated; --list shows all (default: story)"),
    Argument.withDefault("story")
  ),
  strategy: repeated("strategy", "Only these, with commas between them; may be repeated"),
  seed: Flag.String("seed").pipe(
    Flag.withDescription("The same text gives the same result (default: 1)"),
    Flag.withDefault("1")
  ),
  set: repeated("set", "name=value, such as breaker.cooldown=10s; may be repeated (--list-values shows all names)"),
  sweep: repeated(
    "sweep",
    "name=FROM..TO (by 1), name=FROM..TO/STEP or name=A,B,C: a row each, such as breaker.failures=1..10 or "
      + "breaker.cooldown=10s..60s/10s; may be repeated for all combinations"
  ),
  duration: Flag.String("duration").pipe(
    Flag.withDescription("Only the beginning of the scenario, such as \"6 hours\""),
    Flag.optional
  ),
  trace: Flag.String("trace").pipe(
    Flag.withDescription("Calls recorded by a service (RECORD_TRACE) in place of the scenario's provider"),
    Flag.optional
  ),
  html: Flag.String("html").pipe(
    Flag.withDescription("Also write a report with pictures to this file"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false)),
  list: Flag.Boolean("list").pipe(
    Flag.withDescription("Only list the scenarios and the strategies"),
    Flag.withDefault(false)
  ),
  listValues: Flag.Boolean("list-values").pipe(
    Flag.withDescription("Only list what can be set and swept, and what it is in this scenario"),
    Flag.withDefault(false)
  )
}, (input) => command(() => import("./simulate.ts"), ({ simulate }) => simulate(input))).pipe(
  Command.withDescription("See what a policy does in a day of a flaky provider: the shipped code on virtual time"),
  Command.withExamples([
    { command: "understudy simulate outage --html report.html" },
    { command: "understudy simulate --set retry.attempts=1 --sweep breaker.failures=1..10" }
  ])
)

const templates = Command.make("templates").pipe(
  Command.withDescription("A namespace's own templates"),
  Command.withSubcommands([
    Command.make("import", {
      paths: Argument.String("file-or-dir").pipe(
        Argument.withDescription("Markdown templates, or folders of them"),
        Argument.atLeast(1)
      ),
      namespace
    }, (input) => command(() => import("./templates.ts"), (commands) => commands.importTemplates(input)))
      .pipe(Command.withDescription("Check templates and store them: all of them, or none")),
    Command.make(
      "list",
      { namespace },
      (input) => command(() => import("./templates.ts"), (commands) => commands.listTemplates(input))
    )
      .pipe(Command.withDescription("What a namespace is served from, and where each comes from")),
    Command.make("remove", {
      name: Argument.String("name").pipe(Argument.withDescription("As understudy templates list shows it")),
      namespace
    }, (input) => command(() => import("./templates.ts"), (commands) => commands.removeTemplate(input)))
      .pipe(Command.withDescription("Remove an imported template"))
  ])
)

const cache = Command.make("cache").pipe(
  Command.withDescription("The answers that stand in for a provider"),
  Command.withSubcommands([
    Command.make("warm", {
      file: Argument.String("drafts.jsonl").pipe(
        Argument.withDescription(
          "A line each: {\"prompt\", \"text\", \"content_type\"?, \"locale\"?, \"model\"?, \"id\"?}"
        )
      ),
      namespace,
      skipInvalid: Flag.Boolean("skip-invalid").pipe(
        Flag.withDescription("Store the valid lines although others are not"),
        Flag.withDefault(false)
      )
    }, (input) => command(() => import("./cacheWarm.ts"), ({ warmCache }) => warmCache(input)))
      .pipe(Command.withDescription("Store existing drafts, so that they can stand in from now on")),
    Command.make("erase", {
      namespace: Argument.String("namespace").pipe(
        Argument.withSchema(Namespace),
        Argument.withDescription("All of whose answers and templates are to go")
      ),
      yes: Flag.Boolean("yes").pipe(Flag.withDescription("Do not ask"), Flag.withDefault(false))
    }, (input) => command(() => import("./cacheErase.ts"), ({ eraseNamespace }) => eraseNamespace(input)))
      .pipe(Command.withDescription("Erase everything that is kept of a namespace"))
  ])
)

const keys = Command.make("keys").pipe(
  Command.withDescription("Keys that callers send, and secrets that callbacks are signed with"),
  Command.withSubcommands([
    Command.make("new", {
      namespace: Argument.String("namespace").pipe(
        Argument.withSchema(KeyNamespace),
        Argument.withDescription("Whose answers it is to see")
      )
    }, (input) => command(() => import("./keys.ts"), ({ newKey }) => newKey(input)))
      .pipe(Command.withDescription("Print a new key, and the hash of it to configure")),
    Command.make("new-admin", {}, () => command(() => import("./keys.ts"), ({ newAdminKey }) => newAdminKey))
      .pipe(Command.withDescription("Print a new operator's key, and the hash of it to configure")),
    Command.make("new-webhook-secret", {
      namespace: Argument.String("namespace").pipe(
        Argument.withSchema(KeyNamespace),
        Argument.withDescription("Whose callbacks are to be signed with it")
      )
    }, (input) => command(() => import("./keys.ts"), ({ newWebhookSecret }) => newWebhookSecret(input)))
      .pipe(Command.withDescription("Print a new secret for callbacks, and what to configure"))
  ])
)

const root = Command.make("understudy", {}, () => service).pipe(
  Command.withDescription("Stands in for an AI provider that cannot answer"),
  Command.withSubcommands([serve, work, doctor, calibrate, simulate, templates, cache, keys])
)

/** Runs what the arguments say. Whatever goes wrong has been said on stderr when it fails. */
export const run = (args: ReadonlyArray<string>) =>
  Command.runWith(root, { version })(args).pipe(
    Effect.mapError((error) => error._tag === "ShowHelp" && error.errors.length > 0 ? new WrongUsage() : error),
    Effect.provideService(CliOutput.Presenter, presenter)
  )
