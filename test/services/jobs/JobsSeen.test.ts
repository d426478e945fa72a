import { onBothDatabases } from "../../support/onBothDatabases.ts"
import { expiryTests } from "./expiry.contract.ts"
import { listingTests } from "./listing.contract.ts"
import { watchingTests } from "./watching.contract.ts"

onBothDatabases("jobs as they are seen", (it) => {
  watchingTests(it)
  listingTests(it)
  expiryTests(it)
})
