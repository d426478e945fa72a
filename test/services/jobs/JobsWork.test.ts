import { onBothDatabases } from "../../support/onBothDatabases.ts"
import { callbackTests } from "./callbacks.contract.ts"
import { workersTests } from "./workers.contract.ts"

onBothDatabases("work on jobs", (it) => {
  workersTests(it)
  callbackTests(it)
})
