/** STUB of branch `cli`, to be replaced by the report's. */
import type { SimulationResult } from "../run/Result.ts"

export const reportText = ({ rows, scenario, seed }: SimulationResult): string =>
  [
    `${scenario.name}: ${scenario.about} (seed ${seed})`,
    ...rows.map(({ requests, setting = "", strategy }) => `${strategy}  ${setting}  ${requests}`)
  ].join("\n")

export const reportJson = (result: SimulationResult): string => JSON.stringify(result, null, 2)

export const reportHtml = ({ scenario }: SimulationResult): string =>
  `<!doctype html><html lang="en"><title>${scenario.name}</title></html>`
