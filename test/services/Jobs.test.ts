import { onBothDatabases } from "../support/onBothDatabases.ts"
import { cancelingTests } from "./jobs/canceling.contract.ts"
import { submittingTests } from "./jobs/submitting.contract.ts"
import { turnsTests } from "./jobs/turns.contract.ts"

onBothDatabases("jobs", (it) => {
  submittingTests(it)
  turnsTests(it)
  cancelingTests(it)
})
