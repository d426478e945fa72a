/** What nobody writes and anybody may send: JSON texts, bytes and headers, to be drawn by property tests. */
import { Arbitrary, Schema } from "effect"

const nested = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)

/** JSON values as texts, so that there may be what no value of ours can hold. */
const hostileTexts = [
  "null",
  "true",
  "-0",
  "1e308",
  "1e999",
  "-1e999",
  "123456789012345678901234567890",
  "1e-400",
  "0.1",
  "\"\"",
  "\" \"",
  "\"\\u0000\"",
  "\"\\ud800\"",
  "\"\\udc00 and \\ud83d\\ude00\"",
  "\"\\u2028\\r\\n\\n\\ndata: [DONE]\"",
  "\"__proto__\"",
  "[]",
  "{}",
  "[{}]",
  "[null]",
  "[[\"a\"]]",
  "{\"__proto__\":{\"stream\":true},\"constructor\":null,\"toString\":1,\"toJSON\":2,\"then\":3}",
  "{\"a\":1,\"a\":2}",
  "{\"\":{\"\":\"\"}}",
  "{\"type\":\"text\"}",
  "[{\"type\":\"text\",\"text\":\"Tea\"}]",
  "[{\"type\":\"text\",\"text\":null},{\"type\":\"text\",\"text\":7},null,3]",
  "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]",
  "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]",
  nested(150, "[", "]"),
  nested(150, "{\"a\":[", "]}"),
  nested(5_000, "[", "]"),
  nested(100_000, "{\"a\":", "}").replace(":}", ":1}"),
  JSON.stringify("long ".repeat(20_000)),
  JSON.stringify("x".repeat(200_001)),
  `[${Array.from({ length: 3_000 }, () => "{}").join()}]`,
  `[${Array.from({ length: 2_000 }, () => "{\"role\":\"user\",\"content\":\"Tea\"}").join()}]`
]

/** The text of any JSON value. */
export const JsonText = Arbitrary.map(
  Arbitrary.schema(Schema.Union([Schema.Struct({ value: Schema.Json }), Schema.Literals(hostileTexts)])),
  (drawn) => typeof drawn === "string" ? drawn : JSON.stringify(drawn.value)
)

/** The text of a JSON object with fields of these names and of any others, some of them twice. */
export const objectText = (names: ReadonlyArray<string>): Arbitrary.Arbitrary<string> =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all([fieldName(names), JsonText]), { maxLength: 6 }),
    (fields) => `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
  )

const fieldName = (names: ReadonlyArray<string>) =>
  Arbitrary.map(
    Arbitrary.schema(
      Schema.Union([Schema.Literals([...names, "__proto__", "constructor", "toString", "toJSON", ""]), Schema.String])
    ),
    String
  )

const place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))
const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

const Damage = Schema.Struct({
  kind: Schema.Literals(["cut", "replace", "insert", "remove", "double", "mark"]),
  at: place,
  byte
})

/** These bytes with one to four things wrong; they may come out as they were. */
export const damaged = (text: string): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Damage), { minLength: 1, maxLength: 4 }),
    (damages) =>
      damages.reduce(
        (bytes, damage) => Buffer.concat(damage.kind === "mark" ? [bom, bytes] : broken(bytes, damage)),
        Buffer.from(text)
      )
  )

const bom = Buffer.from([0xef, 0xbb, 0xbf])

const broken = (bytes: Buffer, { at, byte, kind }: typeof Damage.Type): ReadonlyArray<Buffer> => {
  const place = at % (bytes.length + 1)
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  switch (kind) {
    case "cut":
      return [before]
    case "replace":
      return [before, Buffer.from([byte]), after.subarray(1)]
    case "remove":
      return [before, after.subarray(1 + byte % 8)]
    case "double":
      return [before, after, after]
    default:
      return [before, Buffer.from([byte]), after]
  }
}

/** A header's value: any text, but for what cannot be one. */
export const HeaderValue = Arbitrary.map(
  Arbitrary.schema(Schema.Union([
    Schema.String,
    Schema.Literals([
      "",
      "no-store",
      "stale-if-error=0",
      "stale-if-error=99999999999999999999",
      "stale-if-error=\"",
      "text/event-stream",
      "text/event-stream;q=0.0, */*;q=\"",
      "Bearer",
      "Bearer x y",
      "gzip, br;q=1.0",
      "%00%ff",
      "a, b, \"c\\\"",
      "\u00e9\u00ff",
      "x".repeat(255),
      "x".repeat(4_000)
    ])
  ])),
  (text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "")
)
