/** The exported declarations of one module, as they are to be read. */
import type { ExportNamedDeclaration, Node, ParseResult, Program } from "oxc-parser"

export interface Declaration {
  readonly doc: string
  readonly code: string
}

/**
 * From this length on, of a type that was inferred, the expression that it was inferred from says more: the contract of
 * an endpoint is thirty lines of type and five of source.
 */
const longestInferred = 600

export class Declarations {
  readonly statements: Program["body"]
  readonly doc: string
  readonly #text: string
  readonly #parsed: ParseResult
  readonly #source: string
  readonly #sourceParsed: ParseResult

  constructor(text: string, parsed: ParseResult, source: string, sourceParsed: ParseResult) {
    this.#text = text
    this.#parsed = parsed
    this.#source = source
    this.#sourceParsed = sourceParsed
    this.statements = parsed.program.body
    const top = sourceParsed.comments[0]
    const isTop = top !== undefined && source.slice(0, top.start).trim() === "" && top.type === "Block"
    this.doc = isTop ? plain(top.value) : ""
  }

  namesIn(statement: ExportNamedDeclaration): ReadonlyArray<string> {
    const { declaration, specifiers } = statement
    if (declaration === null) return specifiers.flatMap(({ exported }) => "name" in exported ? [exported.name] : [])
    if (declaration.type === "VariableDeclaration") {
      return declaration.declarations.flatMap(({ id }) => id.type === "Identifier" ? [id.name] : [])
    }
    return "id" in declaration && declaration.id?.type === "Identifier" ? [declaration.id.name] : []
  }

  /** The module that the name comes from, where it is not declared here. */
  importedFrom(name: string): string | undefined {
    for (const statement of this.statements) {
      if (statement.type !== "ImportDeclaration") continue
      if (statement.specifiers.some(({ local }) => local.name === name)) return statement.source.value
    }
    return undefined
  }

  /** All declarations of the name: overloads, and a type beside its value. */
  declaration(name: string): Declaration {
    const found = this.statements.flatMap((statement) => {
      const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement
      return node !== null && nameOf(node) === name ? [{ statement, node }] : []
    })
    if (found.length === 0) throw new Error(`there is no declaration of ${name}`)
    return {
      doc: found.map(({ statement }) => this.#docBefore(statement.start)).find((doc) => doc !== "") ?? "",
      code: found.map(({ node, statement }) => bare(this.#code(name, node, statement.end))).join("\n")
    }
  }

  #code(name: string, node: Node, end: number): string {
    const text = this.#text.slice(node.start, end)
    const declared = text.startsWith("declare") || /^(type|interface)\b/.test(text) ? text : `declare ${text}`
    if (node.type === "ClassDeclaration") {
      const base = node.superClass
      const heritage = base?.type === "Identifier" && base.name.endsWith("_base")
        ? this.#sourceHeritage(name)
        : undefined
      if (base === null || heritage === undefined) return declared
      return `class ${name} extends ${heritage} ${this.#text.slice(node.body.start, end)}`
    }
    if (node.type === "VariableDeclaration" && declared.length > longestInferred) {
      const initializer = this.#sourceInitializer(name)
      if (initializer !== undefined && initializer.length < declared.length) return `const ${name} = ${initializer}`
    }
    return declared
  }

  #sourceHeritage(name: string): string | undefined {
    for (const statement of this.#sourceParsed.program.body) {
      const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement
      if (node?.type !== "ClassDeclaration" || node.id?.name !== name || node.superClass === null) continue
      return this.#source.slice(node.superClass.start, node.superClass.end)
    }
    return undefined
  }

  #sourceInitializer(name: string): string | undefined {
    for (const statement of this.#sourceParsed.program.body) {
      const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement
      if (node?.type !== "VariableDeclaration") continue
      for (const { id, init } of node.declarations) {
        if (id.type !== "Identifier" || id.name !== name || init === null) continue
        // A function's body is nobody's business.
        if (init.type === "ArrowFunctionExpression" || init.type === "FunctionExpression") return undefined
        return this.#source.slice(init.start, init.end)
      }
    }
    return undefined
  }

  #docBefore(start: number): string {
    const before = this.#parsed.comments.filter((comment) => comment.end <= start).at(-1)
    if (before === undefined || before.type !== "Block" || !before.value.startsWith("*")) return ""
    return this.#text.slice(before.end, start).trim() === "" ? plain(before.value) : ""
  }
}

const nameOf = (node: Node): string | undefined => {
  if (node.type === "VariableDeclaration") {
    const id = node.declarations[0]?.id
    return id?.type === "Identifier" ? id.name : undefined
  }
  return "id" in node && node.id !== null && typeof node.id === "object" && node.id.type === "Identifier"
    ? node.id.name
    : undefined
}

/** The compiler writes `import("./X.ts").A` for a type that the module has not imported by name. */
const bare = (code: string): string => code.replaceAll(/import\("[^"]*"\)\./g, "")

/** The text of a JSDoc comment, without the stars at its lines' beginnings. */
const plain = (comment: string): string =>
  comment.split("\n").map((line) => line.replace(/^\s*\*+ ?/, "").trimEnd()).join("\n").trim()
