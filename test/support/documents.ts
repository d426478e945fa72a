/** The pages that people read, from the root of the repository. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Fence, fences } from "../../scripts/markdown.ts"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export const readPage = (path: string): string => readFileSync(`${root}${path}`, "utf8")

const pagesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`).sort()

export const allPages: ReadonlyArray<string> = ["README.md", "AGENTS.md", "CHANGELOG.md", ...pagesIn("docs")]

/** Those whose commands and programs are tried: the reference holds declarations only. */
export const shownPages = allPages.filter((path) => path === "README.md" || /^docs\/[^/]+$/.test(path))

export interface Block extends Fence {
  readonly page: string
  /** The block that follows with nothing between but prose: what the command is said to answer. */
  readonly next: Fence | undefined
}

export const blocksOf = (page: string): ReadonlyArray<Block> => {
  const text = readPage(page)
  const lines = text.split("\n")
  const all = fences(text)
  return all.map((fence, index) => {
    const next = all[index + 1]
    const between = lines.slice(fence.line + fence.text.split("\n").length + 1, (next?.line ?? 0) - 1)
    return { ...fence, page, next: between.some((line) => /^(#|\||- )/.test(line)) ? undefined : next }
  })
}

/** Where it stands, for a failure's message. */
export const placeOf = ({ line, page }: Pick<Block, "line" | "page">): string => `${page}:${line}`
