/** One value of a scenario or of its policy that can be set from outside. */
import type { Scenario } from "../Scenario.ts"
import type { Kind } from "./Kind.ts"

export interface NamedValue {
  /** As a user types it, such as "breaker.failures". */
  readonly name: string
  readonly kind: Kind
  /** One line. */
  readonly does: string
  readonly get: (scenario: Scenario) => number
  /** Of a value within the bounds of the kind; the scenario itself stays what it is. */
  readonly put: (scenario: Scenario, value: number) => Scenario
}
